#!/usr/bin/env bash
# plot.sh PATH_TO_THALWEG -- `thalweg plot` on run folders made here. Exit 77: gnuplot is missing, so the drawing was not run.
set -euo pipefail

thalweg=$(realpath -- "$1")
work=$(mktemp -d)
trap 'rm -rf -- "$work"' EXIT
cd -- "$work"
unset COLUMNS LINES
checks=0
failures=0

# ---- helpers ----

plot() { timeout 90 "$thalweg" plot "$@"; }

verdict() { # verdict FACT COMMAND...: the command must succeed
    local fact=$1
    shift
    checks=$((checks + 1))
    if ! "$@"; then
        failures=$((failures + 1))
        echo "FAILED: $fact"
    fi
}

# exits CODE TEXT ARGUMENTS...: plot must end with this code and say TEXT, without leaving a temporary file
exits() {
    local code=$1 text=$2 got=0
    shift 2
    plot "$@" >out.txt 2>err.txt || got=$?
    verdict "plot $* exits $code (got $got: $(tr '\n' ' ' <err.txt))" test "$got" -eq "$code"
    verdict "plot $* says '$text' (said: $(cat out.txt err.txt))" grep -qF -- "$text" out.txt err.txt
    verdict "plot $* leaves no temporary file" test -z "$(find . -name '*.tmp' -print -quit)"
}

row() { # row ITERATION SECONDS LOSS GRADIENT_NORM TAYLOR_RATIO
    printf '{"iteration":%s,"seconds":%s,"loss":%s,"gradient_norm":%s,"step_length":null,' "$1" "$2" "$3" "$4"
    printf '"taylor_ratio":%s,"evaluations":%s}\n' "$5" "$(($1 + 1))"
}

straight() { # loss 3, 2, 1: a straight line on a linear axis
    mkdir -p -- "$1"
    { row 0 0.1 3 0.9 null; row 1 0.2 2 0.8 0.5; row 2 0.3 1 0.7 0.5; } >"$1/metrics.jsonl"
}

# descent FOLDER STEP ITERATIONS: gradient descent on (w1^2 + 25 w2^2)/2 from (1, 1); lengths from 2/25 on diverge
descent() {
    mkdir -p -- "$1"
    awk -v a="$2" -v n="$3" 'BEGIN {
        w1 = 1; w2 = 1
        for (k = 0; k <= n; k++) {
            f = (w1 * w1 + 25 * w2 * w2) / 2; s = w1 * w1 + 625 * w2 * w2
            printf "{\"iteration\":%d,\"seconds\":%.3f,\"loss\":%.17g,", k, k / 100, f
            printf "\"gradient_norm\":%.17g,\"taylor_ratio\":%s}\n", sqrt(s), k ? (before - f) / (a * slope) : "null"
            before = f; slope = s; w1 -= a * w1; w2 -= a * 25 * w2
        }
    }' >"$1/metrics.jsonl"
}

curves() { grep -c '<g id="gnuplot_plot_' "$1"; }
has_curves() { test "$(curves "$1")" -eq "$2"; }
is_xml() { timeout 30 xmllint --noout "$1" 2>/dev/null; }
bytes() { od -An -v -tu1 -j"$2" -N"$3" "$1" | tr -s ' \n' ' '; }
is_png() { # is_png FILE WIDTH HEIGHT
    test "$(bytes "$1" 0 8)" = " 137 80 78 71 13 10 26 10 " || return 1
    test "$(bytes "$1" 16 8)" = " 0 0 $(($2 / 256)) $(($2 % 256)) 0 0 $(($3 / 256)) $(($3 % 256)) "
}
# The points of the curve in panel $2 (a, b, c) of a picture of one run, as "x,y" lines.
points() {
    awk -v id="gnuplot_plot_1$2\"" 'index($0, id) { on = 1 } on {
        for (i = 1; i <= NF; i++) { sub(/^d=\x27/, "", $i); if ($i ~ /^[ML][0-9]/) print substr($i, 2) }
        if (/^\t<\/g>/) exit }' "$1"
}
is_straight() { points "$1" a | awk -F, '{ x[NR] = $1; y[NR] = $2 } END {
    d = x[2] - (x[1] + x[3]) / 2; e = y[2] - (y[1] + y[3]) / 2
    exit !(NR == 3 && d * d < 0.001 && e * e < 0.001 && y[3] > y[1] + 50 && x[3] > x[1] + 500) }'; }

# ---- what is refused, with or without gnuplot ----

straight good
mkdir empty broken missing_key text_loss
: >empty/metrics.jsonl
{ row 0 0.1 3 1 null; echo '{"iteration":1,"loss":'; row 2 0.2 1 1 0.5; } >broken/metrics.jsonl
echo '{"loss":1}' >missing_key/metrics.jsonl
echo '{"iteration":0,"loss":"low"}' >text_loss/metrics.jsonl
mkdir nulls only_half fifo long_line
row 0 null null null null >nulls/metrics.jsonl
printf '{"iteration":0,"lo' >only_half/metrics.jsonl
mkfifo fifo/metrics.jsonl
{ head -c 70000 /dev/zero | tr '\0' ' '; echo; } >long_line/metrics.jsonl

exits 64 "name a run folder"
exits 64 "unknown option '--outputs'" --outputs=x.svg good
exits 64 "unknown quantity 'los'" good --quantity los
exits 64 "twice" good --quantity loss,loss
exits 64 "unknown axis 'hours'" good --x hours
exits 64 ".svg or .png" good -o picture.pdf
exits 64 ".svg or .png" good -o pictures.svg/picture
exits 64 "leave out -o" good -o picture.svg --terminal
exits 66 "No such file" no_such_run
exits 66 "not a folder" good/metrics.jsonl
exits 66 "metrics.jsonl" .
exits 66 "metrics.jsonl" fifo
exits 65 "has no rows" empty
exits 65 "has no rows" only_half
exits 65 "metrics.jsonl:2:" broken
exits 65 "metrics.jsonl:1:" long_line
exits 65 '"iteration" is missing' missing_key
exits 65 '"loss" is not a number' text_loss
exits 65 "nothing to plot" nulls
exits 65 "no row says its reads of the data" good --x reads
mkdir text_reads
echo '{"iteration":0,"loss":1,"reads":"two"}' >text_reads/metrics.jsonl
exits 65 '"reads" is not a number' text_reads
exits 65 "metrics.jsonl:2:" good broken -o picture.svg
verdict "a refused plot writes nothing" test ! -e picture.svg

# ---- no gnuplot, or one that fails ----

mkdir bin no_output failing
printf '#!/bin/sh\nexit 0\n' >no_output/gnuplot
printf '#!/bin/sh\necho "line 7: unknown terminal" >&2\nexit 1\n' >failing/gnuplot
chmod +x no_output/gnuplot failing/gnuplot
echo "an older picture" >kept.svg
with_path() {
    local path=$1 code=0
    shift
    env PATH="$path" "$(command -v timeout)" 90 "$thalweg" plot "$@" >out.txt 2>err.txt || code=$?
    return "$code"
}
for path in bin no_output failing; do
    code=0
    with_path "$work/$path" good -o kept.svg || code=$?
    verdict "gnuplot from $path/: exit 73 (got $code)" test "$code" -eq 73
    verdict "gnuplot from $path/: the table is named" grep -qF "the data is written to kept.tsv" err.txt
    verdict "gnuplot from $path/: the table has all rows" test "$(wc -l <kept.tsv)" -eq 4
    verdict "gnuplot from $path/: the older picture stays" grep -qx "an older picture" kept.svg
    rm kept.tsv
done
verdict "gnuplot's own words are shown" grep -qF "line 7: unknown terminal" err.txt
with_path "$work/bin" good || true
verdict "a missing gnuplot says how to get it" grep -qF "apt-get install gnuplot-nox" err.txt
verdict "the table is tab-separated with empty cells for null" \
    grep -qxF "$(printf 'good\t0\t0.10000000000000001\t\t3\t0.90000000000000002\t')" good/plot.tsv
rm good/plot.tsv

finish() {
    echo "$checks checks, $failures failed"
    test "$failures" -eq 0 || exit 1
}
if ! command -v gnuplot >/dev/null; then
    finish
    echo "not run: the drawing itself, because gnuplot is missing"
    exit 77
fi

# ---- pictures ----

exits 0 "wrote good/plot.svg" good/
verdict "one run gives three curves" has_curves good/plot.svg 3
verdict "the picture is XML" is_xml good/plot.svg
head -c 3000 good/plot.svg >half.svg
verdict "negative control: half a picture is not XML" eval '! is_xml half.svg'
verdict "3, 2, 1 is a straight falling line" is_straight good/plot.svg
verdict "negative control: the gradient norm's panel is another curve" \
    test "$(points good/plot.svg a)" != "$(points good/plot.svg b)"

exits 0 "wrote one.svg" good -o one.svg --quantity loss
verdict "one quantity gives one curve" has_curves one.svg 1
exits 0 "wrote four.svg" good -o four.svg --quantity gap,loss,gradient_norm,taylor_ratio --x seconds
verdict "four quantities give four curves" has_curves four.svg 4
verdict "the axis says seconds" grep -qF '>seconds' four.svg

# gaps 1, 0.1 and 0.01 above the least loss, at reads 1, 2 and 3 or 1, 3 and 7: straight, and bent
gaps() { # gaps FOLDER READS READS READS
    mkdir -p -- "$1"
    printf '{"iteration":0,"loss":3,"reads":%s}\n{"iteration":1,"loss":2.1,"reads":%s}\n' "$2" "$3" >"$1/metrics.jsonl"
    printf '{"iteration":2,"loss":2.01,"reads":%s}\n{"iteration":9,"loss":2,"reads":null}\n' "$4" >>"$1/metrics.jsonl"
}
gaps even 1 2 3
gaps uneven 1 3 7
exits 0 "wrote even/plot.svg" even --x reads --quantity gap
verdict "the axis says reads" grep -qF '>reads of the data' even/plot.svg
straight_up() { points "$1" a | awk -F, '{ x[NR] = $1; y[NR] = $2 } END {
    d = x[2] - (x[1] + x[3]) / 2; e = y[2] - (y[1] + y[3]) / 2
    exit !(NR == 3 && d * d < 0.001 && e * e < 0.001 && y[3] > y[1] + 50) }'; }
verdict "tenths of a gap a read are a straight line" straight_up even/plot.svg
exits 0 "wrote uneven/plot.svg" uneven --x reads --quantity gap
verdict "negative control: at other reads it is bent" eval '! straight_up uneven/plot.svg'
exits 0 "wrote gap.png" even uneven -o gap.png --x reads --quantity gap
verdict "gaps over reads as a PNG" is_png gap.png 1000 420
exits 0 "wrote picture.PNG" good -o picture.PNG
verdict "a PNG of three panels is 1000 x 900" is_png picture.PNG 1000 900
exits 0 "wrote small.png" good -o small.png --quantity loss
verdict "a PNG of one panel is 1000 x 420" is_png small.png 1000 420

{ cat good/metrics.jsonl; printf '{"iteration":3,"seconds":0.4,"lo'; } >half.jsonl
mkdir half && mv half.jsonl half/metrics.jsonl
exits 0 "wrote half/plot.svg" half
verdict "a last half line changes nothing" test "$(points half/plot.svg a)" = "$(points good/plot.svg a)"
mkdir resumed
{ row 0 0.1 3 0.9 null; row 1 0.2 7 0.8 0.5; row 2 0.3 9 0.7 0.5; tail -n 2 good/metrics.jsonl; } >resumed/metrics.jsonl
exits 0 "wrote resumed/plot.svg" resumed
verdict "rows written again by a resumed run replace the old" \
    test "$(points resumed/plot.svg a)" = "$(points good/plot.svg a)"

# ---- too short, right, too long ----

descent short 0.001 400
descent right 0.05 400
descent long 0.0804 400
echo '{"reason":"diverged","configuration":"configs/valley.yaml"}' >long/summary.json
echo '{"reason":' >right/summary.json
echo '{"reason":"max_iterations"}' >short/summary.json
exits 0 "wrote plot.svg" short right long
verdict "three runs give nine curves" has_curves plot.svg 9
verdict "the picture of three runs is XML" is_xml plot.svg
for name in "short (max iterations)" right "long (diverged)"; do
    verdict "the legend names $name" grep -qF "<text>$name</text>" plot.svg
done
verdict "the runaway is cut and marked in loss and gradient" \
    test "$(grep -c "<use.*gpPt8.*color='rgb(  0, 158, 115)'" plot.svg)" -eq 2
exits 0 "wrote alone.svg" long -o alone.svg
verdict "alone it is shown whole, without a mark" test "$(grep -c '<use.*gpPt8.*scale' alone.svg)" -eq 0
verdict "one run is titled by its configuration" grep -qF 'configs/valley.yaml' alone.svg

mkdir flat point
for k in 0 1 2 3; do row "$k" "0.$k" 2.302585 0 null; done >flat/metrics.jsonl
row 0 0 2.5 0.4 null >point/metrics.jsonl
exits 0 "wrote flat/plot.svg" flat
verdict "a constant loss is drawn level" \
    test "$(points flat/plot.svg a | cut -d, -f2 | sort -u | wc -l)" -eq 1
verdict "a quantity of nulls says so" grep -qF 'no values' flat/plot.svg
exits 0 "wrote point/plot.svg" point
exits 0 "iteration" good right --terminal
verdict "a text picture fits 80 columns" test "$(wc -L <out.txt)" -le 80
verdict "a text picture has no control characters" eval "! grep -q '[[:cntrl:]]' out.txt"

LINES=50 exits 0 "iteration" good --terminal
verdict "a text picture fills the lines there are" test "$(wc -l <out.txt)" -ge 48
mkdir spikes
for ((k = 0; k < 20000; k++)); do
    case $k in 9001) loss=9 ;; 13003) loss=2 ;; *) loss=5 ;; esac
    echo "{\"iteration\":$k,\"loss\":$loss}"
done >spikes/metrics.jsonl
exits 0 "wrote spikes/plot.svg" spikes --quantity loss
verdict "20000 points are thinned" test "$(points spikes/plot.svg a | wc -l)" -lt 3000
verdict "no spike is lost in thinning" test "$(points spikes/plot.svg a | cut -d, -f2 | sort -u | wc -l)" -eq 3

# ---- hostile names ----

names=("two words" "it's \"quoted\"" "-dash" "a\`touch hacked\`b" "{x}_^2 @y \\n %d" $'new\nline' $'bad\xff' "<&>" "é…")
for name in "${names[@]}"; do
    straight "$name"
    exits 0 "plot.svg" -- "$name"
    verdict "the picture of '$name' is XML" is_xml "./$name/plot.svg"
    exits 0 "picture '.svg" -o "picture '.svg" -- "$name" good
    verdict "the picture of '$name' and good is XML" is_xml "picture '.svg"
    verdict "'$name' and good give six curves" has_curves "picture '.svg" 6
done
exits 0 "wrote names.svg" -o names.svg -- "${names[@]}"
verdict "no markup in names" grep -qF '<text>{x}_^2 @y \n %d</text>' names.svg
verdict "no entity in names" grep -qF '<text>&lt;&amp;' names.svg
verdict "no command in names" test -z "$(find . -name hacked -print -quit)"
straight a/run
straight b/run
exits 0 "wrote same.svg" a/run b/run -o same.svg
verdict "runs of one name are told apart" grep -qF '<text>b/run</text>' same.svg
exits 0 "wrote -dash.svg" --output=-dash.svg good
exits 73 "cannot create" good -o no/such/folder.svg

finish
