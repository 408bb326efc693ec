#!/usr/bin/env bash
# Where the parts of the data meet: weights and gaps that only some ranks have, balanced classes over the rows that train,
# validation files and starts whose classes are numbered otherwise, wrong weights in one of several files.
#
#   data_edges.sh THALWEG SOURCE_DIR
set -euo pipefail
thalweg=$1 source_dir=$2
work=$(mktemp -d)
trap 'rm -rf -- "$work"' EXIT
cd -- "$work"
failures=0
complain() { failures=$((failures + 1)); echo "FAILED $*"; }
has() { grep -qE -- "$2" "$1" || complain "$1 lacks '$2': $(cat "$1")"; }
is() { [ "$2" = "$3" ] || complain "$1 is '$2', not '$3'"; }
near() { # what, value, value, tolerance
    awk -v a="$2" -v b="$3" -v t="$4" 'BEGIN { d = a - b; exit !(a != "" && b != "" && d <= t && -d <= t) }' || complain "$1: $2, not $3"
}

# table ROWS FIRST LAST GAPS: 4 numbers, a weight, one of three words. Only rows FIRST to LAST - 1 weigh; from row 700 on some of
# the numbers are missing.
table() {
    awk -v rows="$1" -v first="$2" -v last="$3" -v gaps="$4" '
        function draw() { state = (state * 16807) % 2147483647; return state / 2147483647 - 0.5 }
        BEGIN {
            state = 20261122
            print "a,b,c,d,w,y"
            for (i = 0; i < rows; i++) {
                sum = draw(); line = ""
                for (j = 0; j < 4; j++) {
                    x = 3 * draw() + j; sum += (j - 1.5) * (x - j); gap = draw() + 0.5 < gaps && i >= 700
                    line = line (gap ? "" : sprintf("%.6f", x)) ","
                }
                w = draw(); w = i < first || i >= last ? 0 : sprintf("%.3f", 1.5 + w)
                print line w "," (sum > 0.8 ? "red" : sum > -0.8 ? "green" : "ash")
            }
        }'
}
convert() { # NAME OPTION...: NAME.csv to NAME.h5
    timeout 30 "$thalweg" convert "$1.csv" -o "$1.h5" --label y -t f64 --force "${@:2}" </dev/null >convert.log 2>&1 || complain "convert $1: $(cat convert.log)"
}
part() { { head -n 1 "$1.csv"; sed -n "$2p" "$1.csv"; } >"$3.csv"; convert "$3" --weight w; } # NAME LINES NEW
train() { # RANKS KEY=VALUE...: REPLY: the hash
    local ranks=$1 sets=() set
    for set in "${@:2}"; do sets+=(--set "$set"); done
    rm -rf run
    timeout 60 mpirun --oversubscribe -n "$ranks" "$thalweg" train c.yaml --out run "${sets[@]}" </dev/null >train.log 2>&1 || complain "$*: $(cat train.log)"
    REPLY=$(grep -o 'xxh3:[0-9a-f]*' train.log || true)
    [ -n "$REPLY" ] || REPLY="none of $*"
}
value() { sed -n "s/^ *\"$1\": \"\{0,1\}\([^\",]*\)\"\{0,1\},*\$/\1/p" run/summary.json | head -n 1; }
watched() { sed -n "/\"validation\"/,/}/s/^ *\"$1\": \([^,]*\),*\$/\1/p" run/summary.json | head -n 1; }
refused() { # CODE WORDS KEY=VALUE...
    local code=$1 words=$2 got=0 sets=() set
    for set in "${@:3}"; do sets+=(--set "$set"); done
    timeout 30 mpirun --oversubscribe -n 3 "$thalweg" train c.yaml --out refused "${sets[@]}" </dev/null >out.txt 2>err.txt || got=$?
    is "exit code of ${*:3}" $got "$code"
    has err.txt "$words"
    is "errors of ${*:3}" "$(grep -c 'thalweg: error:' err.txt)" 1
}
answer() { # DATA RANKS...: evaluate run/model.h5
    local ranks
    for ranks in "${@:2}"; do
        timeout 30 mpirun --oversubscribe -n "$ranks" "$thalweg" evaluate run/model.h5 "$1.h5" --json </dev/null >"$1-$ranks.json" 2>err.txt || complain "evaluate $1: $(cat err.txt)"
    done
    for ranks in "${@:3}"; do cmp "$1-$2.json" "$1-$ranks.json" || complain "evaluate $1 depends on the ranks"; done
}
confusion() { sed 's/.*"confusion":\(\[\[[^]]*\],.*\]\]\).*/\1/' "$1"; }
cat >c.yaml <<'YAML'
data: {train: full.h5, scaling: standardize}
model: {type: softmax, l2: 0.01}
reduction: {mode: reproducible}
stop: {gradient_norm_relative: 1e-9}
YAML

# ---- weights that are zero on all ranks but one: the rows of the others count for nothing ----
table 900 0 900 0 >full.csv
table 900 700 900 0 >late.csv
table 900 0 200 0 >early.csv
for name in full late early; do convert $name --weight w; done
part full 702,901 last
part full 2,201 first
train 1 && full=$REPLY
for case in late:last early:first; do
    alone=${case#*:}
    train 1 data.train="$alone.h5" data.scaling=none && loss=$(value loss)
    train 1 data.train="${case%:*}.h5" data.scaling=none && near "loss of $case" "$(value loss)" "$loss" 1e-10
    answer "$alone" 1
    answer "${case%:*}" 1 3
    is "confusion of $case" "$(confusion "${case%:*}-1.json")" "$(confusion "$alone-1.json")"
    train 1 data.train="${case%:*}.h5" && one=$REPLY
    train 3 data.train="${case%:*}.h5" && is "$case on 3 ranks" "$REPLY" "$one"
    [ "$one" != "$full" ] || complain "$case: weights change nothing"
done

# ---- rows that are left out, all on the last rank: as if they had never been there ----
table 900 0 900 0.05 >gaps.csv
grep -v '^,\|,,' gaps.csv >kept.csv
[ "$(wc -l <kept.csv)" -lt 880 ] || complain "no gaps: $(wc -l <kept.csv)"
for name in gaps kept; do convert $name --weight w; done
train 1 data.train=kept.h5 && loss=$(value loss)
train 1 data.train=gaps.h5 data.missing=drop && one=$REPLY
near 'loss of rows with gaps' "$(value loss)" "$loss" 1e-10
train 3 data.train=gaps.h5 data.missing=drop && is 'drop on 3 ranks' "$REPLY" "$one"
answer gaps 1 2 3
answer kept 1
has gaps-1.json "\"rows\":$(($(wc -l <kept.csv) - 1))[,.]"
for metric in accuracy log_loss; do
    near "$metric of rows with gaps" "$(sed "s/.*\"$metric\":\([^,}]*\).*/\1/" gaps-1.json)" "$(sed "s/.*\"$metric\":\([^,}]*\).*/\1/" kept-1.json)" 1e-12
done
awk -F, 'BEGIN { OFS = "," } /^,|,,/ { $6 = "zebra" } 1' gaps.csv >zebra.csv
convert zebra --weight w
train 3 data.train=zebra.h5 data.missing=drop && is 'a class of dropped rows alone' "$REPLY" "$one"
train 1 data.train=gaps.h5 data.missing=drop
row=$(awk -F, '/^,|,,/ { print NR - 2; exit }' gaps.csv) # counted from 0
got=0
timeout 30 "$thalweg" predict run/model.h5 gaps.h5 -o out.csv </dev/null >out.txt 2>err.txt || got=$?
is 'exit code of predict' $got 65
has err.txt "gaps.h5: '/X' is NaN or infinite in row $row, column [0-3] .*the model was trained on rows that miss nothing.*remove such rows, or train a model with data.missing: mean or zero"
[ ! -e out.csv ] || complain 'a refused prediction left a file'

# ---- means are those of the rows that train, without weights, and go with the model ----
for rows in 750 900; do
    kept=()
    [ $rows = 900 ] || kept=(data.validation.tail=150)
    train 1 data.train=gaps.h5 data.missing=mean "${kept[@]}"
    timeout 30 "$thalweg" export run/model.h5 --to json </dev/null | tr -d ' \n' | sed 's/.*"fill_":\[\([^]]*\)\].*/\1/' | tr ',' '\n' >fill.txt
    echo >>fill.txt
    awk -F, -v rows=$rows 'NR > 1 && NR <= rows + 1 { for (j = 1; j <= 4; j++) if ($j != "") { sum[j] += $j; n[j]++ } }
        END { for (j = 1; j <= 4; j++) printf "%.17g\n", sum[j] / n[j] }' gaps.csv >mean-$rows.txt
    is 'number of means' "$(grep -c . fill.txt)" 4
    while read -r got want; do near "a mean of $rows rows" "$got" "$want" 1e-13; done < <(paste -d ' ' <(grep . fill.txt) mean-$rows.txt)
done
cmp -s mean-750.txt mean-900.txt && complain 'no value is missing among the rows kept for validation'
# Rows kept in a file of their own get the same means, and evaluate fills as training did.
part gaps 752,901 watched
part gaps 2,751 fitted
train 1 data.train=fitted.h5 data.missing=mean data.validation.file=watched.h5 stop.max_iterations=4
answer watched 1 2
loss=$(sed 's/.*"log_loss":\([^,}]*\).*/\1/' watched-1.json)
near 'loss of rows that are filled in' "$(watched loss)" "$loss" 1e-12
sed 's/,,/,0,/; s/,,/,0,/; s/^,/0,/' watched.csv >zeros.csv
convert zeros --weight w
answer zeros 1
[ -n "$(near 'a control' "$(sed 's/.*"log_loss":\([^,}]*\).*/\1/' zeros-1.json)" "$loss" 1e-6)" ] || complain 'zeros in place of means change nothing'

# A number that stands for missing features goes with the model too.
sed 's/,,/,-999,/; s/,,/,-999,/; s/^,/-999,/' gaps.csv >marked.csv
convert marked --weight w
train 1 data.train=marked.h5 data.missing=mean data.missing_value=-999 stop.max_iterations=4
answer marked 1
answer gaps 1
is 'the answer to a file with a marker' "$(sed 's/"data":"[^"]*"//' marked-1.json)" "$(sed 's/"data":"[^"]*"//' gaps-1.json)"

# ---- balanced: W / (K W_k) over the rows that train alone: not those with gaps, not those kept for validation ----
part gaps 2,400 gaps-1
part gaps 401,420 gaps-2
part gaps '421,$' gaps-3
balanced() { # WEIGHTED: the factors of ash, green, red from the table; the last 150 rows are kept for validation
    awk -F, -v weighted="$1" 'NR > 1 && NR <= 751 && !/^,|,,/ { w = weighted ? $5 : 1; all += w; of[$6] += w }
        END { for (k = 1; k <= split("ash green red", name, " "); k++) printf "%.15g\n", all / (3 * of[name[k]]) }' gaps.csv
}
for weighted in 1 0; do
    if [ $weighted = 0 ]; then for name in gaps gaps-1 gaps-2 gaps-3; do convert $name --drop w; done; fi
    train 1 data.train=gaps.h5 data.missing=drop data.validation.tail=150 model.class_weight=balanced && one=$REPLY
    train 3 'data.train=gaps-?.h5' data.missing=drop data.validation.tail=150 model.class_weight=balanced
    is "balanced over three files, weights $weighted" "$REPLY" "$one"
    sed -n '/"class_weight"/,/\]/s/^ *"weight": \([^,]*\),*$/\1/p' run/summary.json >factors.txt
    balanced $weighted >want.txt
    is 'number of factors' "$(wc -l <factors.txt)" 3
    while read -r got want; do near "a factor, weights $weighted" "$got" "$want" 1e-12; done < <(paste -d ' ' factors.txt want.txt)
done

answer gaps 1 3 # of rows that all weigh the same the last rank alone leaves some out

# ---- validation files: names decide what a label means, and what a column holds ----
grep -v ash full.csv >noash.csv # its labels 0 and 1 are 1 and 2 of the training data
grep -v red full.csv >nored.csv
for name in noash nored; do convert $name --weight w; done
awk -F, 'BEGIN { OFS = "," } { print $2, $1, $3, $4, $5, $6 }' full.csv >swapped.csv
convert swapped --weight w
train 1 && is 'a run without validation' "$REPLY" "$full"
answer noash 1
for ranks in 1 3; do
    train $ranks data.validation.file=noash.h5
    is 'a run that is watched' "$REPLY" "$full"
    near 'accuracy by another numbering' "$(watched accuracy)" "$(sed 's/.*"accuracy":\([^,}]*\).*/\1/' noash-1.json)" 1e-12
done
refused 65 'data.validation.file full.h5: label 0 of row [0-9]+: its name in /classes of full.h5 is none of those trained on; it may hold no class' \
    data.train=noash.h5 data.validation.file=full.h5
refused 65 'data.validation.file full.h5: label 2 of row [0-9]+: its name in /classes of full.h5 is none' data.train=nored.h5 data.validation.file=full.h5
refused 78 "column 0 \(from 0\) is 'a' in full.h5 and 'b' in swapped.h5" data.validation.file=swapped.h5
truth=$source_dir/tests/truth
train 1 data.train="$truth/words.h5" data.validation.file="$truth/words-fixed.h5" model.l2=0 stop.max_iterations=5
near 'the loss of the rows themselves' "$(watched loss)" "$(value loss)" 1e-12
refused 65 "data.validation.file .*/words-numbers.h5 are numbers, those of the training data words" data.train="$truth/words.h5" data.validation.file="$truth/words-numbers.h5"

# ---- starts: the same names in another order are refused, the same names from words are not ----
train 1 data.train="$truth/words.h5" && cp run/model.h5 words.model
for data in words-numbers words-fixed; do
    train 1 data.train="$truth/$data.h5" model.start=words.model stop.max_iterations=0
    near "the loss where $data starts" "$(value loss)" "$(value loss_start)" 0
done
refused 78 'words.model has 3 classes, .*words-some.h5 has 2' data.train="$truth/words-some.h5" model.start=words.model

# ---- weights that are none, in the last of three files ----
part full 2,300 part-1
part full 301,600 part-2
sed -n '601,$p' full.csv | awk -F, 'BEGIN { OFS = ","; print "a,b,c,d,w,y" } NR == 251 { $5 = 7.25 } 1' >part-3.csv
convert part-3 --weight w
# poison FILE BYTES: 7.25, which stands there once, becomes another double
poison() {
    local at
    cp part-3.h5 "$1"
    at=$(LC_ALL=C grep -obUaP '\x00\x00\x00\x00\x00\x00\x1d\x40' "$1" | cut -d: -f1)
    is "places of 7.25" "$(wc -w <<<"$at")" 1
    printf '%b' "$2" | dd of="$1" bs=1 seek="$at" conv=notrunc status=none
}
poison negative.h5 '\x00\x00\x00\x00\x00\x00\xf0\xbf'
poison nan.h5 '\x00\x00\x00\x00\x00\x00\xf8\x7f'
poison infinite.h5 '\x00\x00\x00\x00\x00\x00\xf0\x7f'
refused 65 "negative.h5: '/sample_weight' is negative in row 250 \(counted from 0\)" 'data.train=[part-1.h5, part-2.h5, negative.h5]'
refused 65 "nan.h5: '/sample_weight' is NaN or infinite in row 250 \(counted" 'data.train=[part-1.h5, part-2.h5, nan.h5]'
refused 65 "infinite.h5: '/sample_weight' is NaN or infinite in row 250 \(counted" 'data.train=[part-1.h5, part-2.h5, infinite.h5]'
refused 65 "nan.h5: '/sample_weight' is NaN or infinite in row 250" data.train=part-1.h5 data.validation.file=nan.h5
refused 65 'the weights of all rows of late.h5 to train on are zero' data.train=late.h5 data.validation.tail=200
refused 65 'the weights of the validation rows sum to zero' data.train=early.h5 data.validation.tail=700
[ $failures = 0 ] || exit 1
echo "weights and gaps of some ranks, classes by name, wrong weights: as they should be"
