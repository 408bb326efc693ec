#!/usr/bin/env bash
# scale_report.sh PATH_TO_THALWEG SOURCE_DIR -- `thalweg scale report` and `thalweg scale plan` on studies made here, whose
# serial part, latency and bandwidth are known; and whatever must not be mixed, refused.
set -euo pipefail

thalweg=$(realpath -- "$1")
source_dir=$(realpath -- "$2")
work=$(mktemp -d)
trap 'rm -rf -- "$work"' EXIT
cd -- "$work"
checks=0 failures=0

# ---- helpers ----

verdict() { # verdict FACT COMMAND...: the command must succeed
    local fact=$1
    shift
    checks=$((checks + 1))
    "$@" || { failures=$((failures + 1)) && echo "FAILED: $fact"; }
}

scale() { timeout 60 "$thalweg" scale "$@" >out.txt 2>err.txt </dev/null; }

exits() { # exits CODE ARGUMENTS...
    local code=$1 got=0
    shift
    scale "$@" || got=$?
    verdict "scale $* exits $code, not $got: $(cat err.txt)" test "$got" = "$code"
}

says() { verdict "'$1' is said; out: $(cat out.txt) err: $(cat err.txt)" grep -qF -- "$1" out.txt err.txt; }

# summary FILE RANKS NODES SECONDS COMPUTE WIRE: 10 iterations of the loop, all ranks alike; SECONDS, COMPUTE and WIRE are of
# one of them, and what is left of it is other
summary() {
    mkdir -p -- "$(dirname -- "$1")"
    awk -v ranks="$2" -v nodes="$3" -v t="$4" -v c="$5" -v w="$6" 'BEGIN {
        printf "{\"version\": \"1\", \"git_commit\": \"abc\", \"configuration\": \"made-up.yaml\", \"data_digest\": \"d1\",\n"
        printf "\"type\": \"f32\", \"reduction\": \"reproducible\", \"parameters_hash\": \"xxh3:1\", \"cpu\": \"Some CPU\",\n"
        printf "\"isa\": \"avx2\", \"model\": \"logistic\", \"optimizer\": \"gd\", \"step\": \"constant\", \"threads\": 1,\n"
        printf "\"ranks\": %d, \"nodes\": %d, \"rows\": 1048576, \"features\": 28, \"coefficients\": 28,\n", ranks, nodes
        printf "\"groups\": 8192, \"iterations\": 10, \"evaluations\": 10, \"loop_iterations\": 9, \"reductions\": 10,\n"
        printf "\"loss\": 0.5, \"reads\": 10.0, \"oversubscribed\": false,\n"
        printf "\"slowest\": {\"rank\": %d, \"host\": \"node9\", \"behind\": 0.25},\n\"accounts\": [", ranks - 1
        for (r = 0; r < ranks; r++)
            printf "%s{\"rank\": %d, \"loop\": {\"read\": 5, \"compute\": %.17g, \"wait\": 0, \"wire\": %.17g, \"checkpoint\": 0, \"other\": %.17g}}", r ? ",\n" : "", r, 9 * c, 9 * w, 9 * (t - c - w)
        print "]}"
    }' >"$1"
}

# study DIR SERIAL: one second of work, of which a part is serial, on 1, 2, 4 and 8 ranks, three times each; the second run
# is the median, the others are 2 % off
study() {
    local ranks k
    rm -rf -- "$1"
    for ranks in 1 2 4 8; do
        for k in 1 2 3; do
            read -r t c < <(awk -v s="$2" -v p=$ranks -v k=$k 'BEGIN { f = 1 + 0.02 * (k - 2); printf "%.17g %.17g\n", f * (s + (1 - s) / p), f * (1 - s) / p }')
            summary "$1/runs/strong-000$ranks-$k/summary.json" $ranks 1 "$t" "$c" 0
        done
    done
    echo '{"thalweg_study": 1, "mode": "strong", "configuration": "made-up.yaml"}' >"$1/study.json"
}

change() { sed -i "$2" "$1/summary.json"; } # change RUN SED

# exchange DIR: two ranks on two nodes, 50 us a message and 125 MB/s: one message up to 32760 doubles, then two
exchange() {
    mkdir -p "$1/exchange"
    awk 'BEGIN {
        printf "{\"ranks\": 2, \"nodes\": 2, \"ranks_of_nodes\": [1, 1], \"mode\": \"reproducible\", \"groups\": 4096, \"points\": ["
        for (n = 1; n <= 1048576; n *= 2)
            printf "%s{\"length\": %d, \"seconds\": %.17g}", (n > 1 ? ", " : ""), n, (n > 32760 ? 2 : 1) * 50e-6 + 8 * (n + 8) / 125e6
        print "]}"
    }' >"$1/exchange/0002.json"
}

# ---- a study with a known answer ----

study s 0.05
exits 0 report s
says 'Strong scaling  made-up.yaml   1,048,576 x 28 f32, logistic, gd, 10 iterations, median of 3'
says 'Amdahl serial part 5.0 %'
verdict "the row of 4 ranks: $(cat out.txt)" grep -qE '^ +1 +4 +0\.287 +2\.0% +3\.48 +87\.0% +0% +0% +0\.050$' out.txt
says 'parameters bit-identical on all rank counts: xxh3:1'
says '4 ranks are the last point above 80 %'
verdict "CSV has a line a point" test "$(grep -c '^1,[1248],3,0,' s/scaling.csv)" = 4
verdict "the text is what was printed" grep -qF 'Amdahl serial part 5.0 %' s/scaling.txt
verdict "JSON has the serial part" grep -qE '"serial_part": 0\.0(5|49999|50000)' s/scaling.json
verdict "JSON looks to 1024 ranks" grep -q '"ranks": 1024' s/scaling.json
if command -v gnuplot >/dev/null; then
    for picture in s/scaling.svg s/scaling.png; do verdict "$picture is drawn" test -s $picture; done
    verdict "the SVG is whole" grep -q '</svg>' s/scaling.svg
fi
exits 0 report s/runs/*/summary.json -o elsewhere --project 16
verdict "runs without a study, elsewhere" test -s elsewhere.csv
cmp -s elsewhere.csv s/scaling.csv || verdict "the same table from the summaries alone" false
exits 0 report s/
says 'wrote     s/scaling.{txt'
exits 0 report s --json
verdict "--json prints JSON alone" grep -q '^{' out.txt
verdict "and nothing else" sh -c '! grep -q "Strong scaling" out.txt'

# ---- without gnuplot the numbers are not lost ----

mkdir -p empty
timeout=$(command -v timeout)
if PATH=$work/empty "$timeout" 60 "$thalweg" scale report s >out.txt 2>err.txt </dev/null; then
    says 'no picture: gnuplot is not installed'
    says 'the data is written to s/scaling.csv'
else
    verdict "a report without gnuplot: $(cat err.txt)" false
fi

# ---- latency and bandwidth ----

exchange s
exits 0 report s
says 'exchange 50 us a message + 8 ns a byte (0.125 GB/s), from exchanges measured apart on 2 ranks, 2 nodes'
echo '{}' >s/exchange/0003.json
exits 65 report s
says 's/exchange/0003.json is no measured exchange'
rm s/exchange/0003.json

# ---- what must not be mixed ----

refused() { # refused SED WHAT: another run of the study is changed
    study r 0.05
    change r/runs/strong-0004-2 "$1"
    exits 65 report r
    says "$2"
    says 'r/runs/strong-0004-2/summary.json'
    says 'r/runs/strong-0001-1/summary.json'
}
refused 's/"version": "1"/"version": "2"/' 'program versions differ (1 and 2)'
refused 's/"abc"/"abd"/' 'git commits differ (abc and abd)'
refused 's/"d1"/"d2"/' 'data sets differ (d1 and d2)'
refused 's/"rows": 1048576/"rows": 1048577/' 'rows differ'
refused 's/"features": 28/"features": 29/' 'features differ'
refused 's/"f32"/"f64"/' 'feature types differ'
refused 's/Some CPU/Other CPU/' 'processors differ (Some CPU and Other CPU)'
refused 's/"threads": 1/"threads": 2/' 'threads a rank differ'
refused 's/"iterations": 10/"iterations": 11/' 'iterations differ'
refused 's/"gd"/"lbfgs"/' 'methods differ (gd and lbfgs)'
refused 's/"reproducible"/"allreduce"/' 'reduction modes differ'
study r 0.05
printf '# resolved\nmodel:\n  l2: 0.1\noutput:\n  dir: a\n' >r/runs/strong-0001-1/config.resolved.yaml
printf '# resolved\nmodel:\n  l2: 0.1\noutput:\n  dir: b\n' >r/runs/strong-0002-1/config.resolved.yaml
exits 0 report r
printf '# resolved\nmodel:\n  l2: 0.2\noutput:\n  dir: b\n' >r/runs/strong-0002-1/config.resolved.yaml
exits 65 report r
says "their configurations differ ('  l2: 0.1' and '  l2: 0.2')"
study r 0.05
change r/runs/strong-0002-1 's/"accounts"/"nothing"/'
exits 65 report r
says 'does not say its accounts'
echo 'no json' >r/runs/strong-0002-1/summary.json
exits 65 report r
exits 66 report nowhere
exits 66 report empty
exits 64 report
exits 64 report s --project 4,2
exits 64 report s --mode sideways

# ---- answers ----

study r 0.05
change r/runs/strong-0008-3 's/xxh3:1/xxh3:2/'
exits 76 report r
says 'r/runs/strong-0008-3/summary.json (8 ranks, xxh3:2) have different parameters'
verdict "the report says so" grep -q 'FAILED: the answers differ' r/scaling.txt
for f in r/runs/*/summary.json; do sed -i 's/"reproducible"/"allreduce"/' "$f"; done
exits 0 report r
change r/runs/strong-0008-3 's/"loss": 0.5/"loss": 0.5000000004/'
exits 0 report r
says 'losses agree within 8.0e-10'
change r/runs/strong-0008-3 's/"loss": 0.5000000004/"loss": 0.5000000006/'
exits 76 report r
says 'differ by 1.2e-09 of the loss'

# ---- more ranks than cores ----

study r 0.05
for k in 1 2 3; do
    summary r/runs/strong-0008-$k/summary.json 8 1 0.9 0.85 0
    change r/runs/strong-0008-$k 's/"oversubscribed": false/"oversubscribed": true/'
done
exits 0 report r
says 'Amdahl serial part 5.0 %' # of the other three
verdict "a star in the table" grep -qE '^ +1 +8\* ' out.txt
says 'points with * had more ranks than cores; they were left out of the fit'

# ---- evaluations that differ: seconds of a pass ----

study r 0.05
for k in 1 2 3; do
    read -r t c < <(awk 'BEGIN { printf "%.17g %.17g\n", 2 * (0.05 + 0.95 / 4), 2 * 0.95 / 4 }')
    summary r/runs/strong-0004-$k/summary.json 4 1 "$t" "$c" 0
    change r/runs/strong-0004-$k 's/"reads": 10.0/"reads": 20.0/; s/"evaluations": 10/"evaluations": 20/; s/"reductions": 10/"reductions": 20/'
done
exits 0 report r
says 's/pass'
says 'Amdahl serial part 5.0 %'

# ---- weak ----

rm -rf w
for ranks in 1 2 4; do
    t=$(awk -v p=$ranks 'BEGIN { print p / (p - 0.1 * (p - 1)) }') # Gustafson, 10 % serial
    summary w/runs/weak-000$ranks-1/summary.json $ranks 1 "$t" "$t" 0
    change w/runs/weak-000$ranks-1 "s/\"rows\": 1048576/\"rows\": $((ranks * 1048576))/; s/xxh3:1/xxh3:$ranks/; s/\"d1\"/\"d$ranks\"/"
done
echo '{"mode": "weak", "configuration": "made-up.yaml"}' >w/study.json
exits 0 report w
says 'Weak scaling  made-up.yaml   1,048,576 rows a rank'
says 'Gustafson serial part 10.0 %'
says 'answers are not compared'
verdict "the row of 4 ranks: $(cat out.txt)" grep -qE '^ +1 +4 +1\.081 +- +3\.70 +92\.5% ' out.txt
change w/runs/weak-0004-1 's/"rows": 4194304/"rows": 5194304/'
exits 65 report w
says 'rows a rank differ'

# ---- plan ----

cd -- "$source_dir"
cp configs/digits-softmax.yaml "$work/c.yaml"
cd -- "$work"
ln -s "$source_dir/configs" configs
exits 0 plan c.yaml --ranks 1,2,3 --repeat 2 --iterations 5
says '6 runs of 5 iterations'
# 64 groups, 64 x 10 + 10 + 3 doubles and 8 riding: two ranks bring a node each, three up to four
verdict "bytes of 2 ranks: $(cat out.txt)" grep -qE '^ +2 .* 5288 +10576 ' out.txt
machine='name=A,latency=10us,bandwidth=1GB/s,memory=10GB/s,cores=4'
exits 0 plan --rows 1048576 --features 10 --type f64 --ranks 1,4 --machine "$machine" -o plan.svg
verdict "4096 nodes are reached" grep -qE '^ +4096 +16384 ' out.txt
verdict "the picture is drawn" sh -c '! command -v gnuplot >/dev/null || grep -q "</svg>" plan.svg'
exits 64 plan --rows 10 --features 10 --machine 'latency=1us'
exits 64 plan --rows 10 --features 10 -o plan.svg
exits 64 plan
exits 64 plan --rows 10 --features 10 --type f128
exits 64 exchange --groups 3

# ---- the commands of the page ----

study studies/digits-softmax-strong 0.05
commands=0
# shellcheck disable=SC2016 # the backquotes of Markdown
while read -r line; do
    commands=$((commands + 1))
    verdict "docs/scaling.md: $line: $(cat err.txt)" sh -c "timeout 60 '$thalweg' ${line#thalweg } </dev/null >out.txt 2>err.txt"
done < <(sed -n '/^```sh/,/^```/ { s/ *# .*//; /^thalweg scale \(plan\|report\)/p }' "$source_dir/docs/scaling.md")
verdict "docs/scaling.md has three such commands, not $commands" test $commands = 3
verdict "mpirun of docs/scaling.md" grep -q '^mpirun -n 2 thalweg scale exchange -o exchange.json' "$source_dir/docs/scaling.md"
timeout 60 mpirun -n 2 "$thalweg" scale exchange -o exchange.json --seconds 1 </dev/null >out.txt 2>err.txt || verdict "exchange: $(cat err.txt)" false
says 'bytes equal the formula on every rank and length'
verdict "exchange.json has a fit" grep -q '"bandwidth":' exchange.json

[ $failures = 0 ] || { echo "$failures of $checks checks failed"; exit 1; }
echo "$checks checks"
