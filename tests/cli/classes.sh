#!/usr/bin/env bash
# model.class_weight against tests/truth/classes.json (classes.py): factors, optimum, the loss of validation rows; rows twice are
# weight 2; the same bits on any number of ranks and threads; resume; refusals.
#
#   classes.sh THALWEG SOURCE_DIR
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=common.sh
. "$(dirname -- "$0")/common.sh"
truths=$source_dir/tests/truth/classes.json
cp "$source_dir/tests/truth/classes.h5" .
hash() { value "$1" parameters_hash; }
truth() { # case, key: one value a line
    sed -n "/\"name\": \"$1\"/,/^ }/s/^  \"$2\": \[\{0,1\}\([^]]*\)\]\{0,1\},*\$/\1/p" "$truths" | tr ',' '\n' | sed '/^$/d'
}
array() { h5dump -w 1 -d "$2" -m %.17g "$1/model.h5" | sed -n 's/^ *([0-9,]*): //p' | tr -d ','; }
apart() { # got, want: files of numbers; the largest difference over the largest number, or "shape"
    paste "$1" "$2" | awk 'NF != 2 || !($1 == $1 + 0) { bad = 1 } { d = $1 - $2; if (d < 0) d = -d; a = $2 < 0 ? -$2 : $2; if (d > D) D = d; if (a > A) A = a }
        END { print bad || NR == 0 ? "shape" : D == 0 ? 0 : D / A }'
}
below() { awk -v v="$2" -v t="$3" 'BEGIN { exit !(v != "shape" && v + 0 <= t) }' || complain "$1: off by $2 (tolerance $3)"; }
compare() { # run, case, key in the truth, tolerance; the values are in got.txt
    truth "$2" "$3" >want.txt
    below "$1: $3" "$(apart got.txt want.txt)" "$4"
}
configure() { printf 'data: {train: %s}\nmodel: {type: softmax, l2: 0.01}\nstop.gradient_norm: 1e-11\n%s\n' "${2:-classes.h5}" "$1" >c.yaml; }
weights=data.weights=row_weights

# ---- the factors and the optimum of each case ----
judge() { # run, case
    array "$1" /training/class_weight >got.txt
    compare "$1" "$2" factor 1e-15
    sed -n '/"class_weight"/,/\]/s/^ *"weight": \([^,]*\),*$/\1/p' "$1/summary.json" >got.txt
    compare "$1" "$2" factor 1e-15
    value "$1" loss >got.txt
    compare "$1" "$2" objective 1e-13
    array "$1" /coef_ >got.txt
    compare "$1" "$2" coef_ 1e-8
    array "$1" /intercept_ >got.txt
    compare "$1" "$2" intercept_ 1e-8
}
configure 'model.class_weight: balanced'
train balanced 1
judge balanced balanced
grep -q '^  weights  of classes, balanced: blue x 0.5, green x 1.36364, red x 3.75$' balanced.log || complain "the header says nothing of the weights"
train weighted 3 --set $weights
judge weighted 'balanced weights'
train newton 1 --set $weights --set optimizer.type=newton
judge newton 'balanced weights'
configure 'model.class_weight: {red: 7, "green": 2.5}'
train named 1
judge named named
configure $'model:\n  type: softmax\n  l2: 0.1\n  class_weight:\n    0: 0.5\n    green: 2'
sed -i '2d' c.yaml
train numbered 1 --set $weights
judge numbered numbered
configure 'model.class_weight: balanced'
train tail 2 --set $weights --set data.validation.tail=35
judge tail tail # the rows kept for validation count for nothing
sed -n '/"validation"/,/}/s/^ *"loss": \([^,]*\),*$/\1/p' tail/summary.json >got.txt
compare tail tail validation_loss 1e-8 # by the rows' own weights
train watched 1 --set data.validation.file=classes.h5
[ "$(sed -n '/"validation"/,/}/s/^ *"loss": \([^,]*\),*$/\1/p' watched/summary.json)" != "$(value watched loss)" ] ||
    complain "the validation loss is weighted by class"
is "the model with a file that is watched" "$(hash watched)" "$(hash balanced)"

# The negative controls: the numbers of another case, and no weights at all.
train plain 1 --set model.class_weight=
array plain /coef_ >got.txt
truth balanced coef_ >want.txt
awk -v v="$(apart got.txt want.txt)" 'BEGIN { exit !(v > 1e-2) }' || complain "weights of classes change nothing"
h5dump -d /training/class_weight plain/model.h5 >/dev/null 2>&1 && complain "a model without weights of classes has some"
grep -q 'class_weight' plain/summary.json && complain "a summary without weights of classes has some"

# ---- weight 2 is twice the row; weight 1 is no weight, and only ratios count ----
awk 'BEGIN { srand(3); print "a,b,label"; for (i = 0; i < 90; i++) { k = i % 9 < 2 ? "yes" : "no"
    printf "%.3f,%.3f,%s\n", rand() + (k == "yes"), rand() - i / 90, k } }' >once.csv
awk 'NR > 1 && /yes/ { print } { print }' once.csv >twice.csv
for file in once twice; do "$thalweg" convert $file.csv -o $file.h5 --label label </dev/null >/dev/null 2>convert.err || complain "$(cat convert.err)"; done
configure 'model.type: logistic' once.h5
sed -i '2s/type: softmax, //' c.yaml
train once 1 --set model.class_weight='yes: 2'
train twice 1 --set data.train=twice.h5
for key in coef_ intercept_; do
    array once /$key >got.txt
    array twice /$key >want.txt
    below "weight 2 and rows twice: $key" "$(apart got.txt want.txt)" 1e-9
done
train none 1
train ones 1 --set model.class_weight='yes: 1, no: 1'
train fours 1 --set model.class_weight='yes: 4, no: 4'
is "weight 1" "$(hash ones)" "$(hash none)"
is "weight 4 for all" "$(hash fours)" "$(hash none)"
[ "$(hash once)" != "$(hash none)" ] || complain "weight 2 changes nothing"

# ---- the same bits ----
more=(--set "$weights" --set data.scaling=standardize --set reduction.mode=reproducible)
configure 'model.class_weight: balanced'
for ranks in 1 2 3; do
    for threads in 1 3; do
        train "r$ranks-$threads" "$ranks" "${more[@]}" --set parallel.threads=$threads
        is "$ranks ranks, $threads threads" "$(hash "r$ranks-$threads")" "$(hash r1-1)"
    done
    train "b$ranks" "$ranks" "${more[@]}" --set optimizer.type=adam --set optimizer.batch=20 --set stop.max_epochs=4 \
        --set data.validation.fraction=0.2 --set model.class_weight='red: 0, blue: 1.1'
    is "batches on $ranks ranks" "$(hash "b$ranks")" "$(hash b1)"
    train "p$ranks" "$ranks" "${more[@]}" --set model.l1=0.01 --set model.path.count=3 --set model.folds=3 --set stop.gradient_norm=1e-6
    is "folds on $ranks ranks" "$(hash "p$ranks")" "$(hash p1)"
done

# ---- resume: the weights must be the same ----
train cut 1 --set stop.max_iterations=5 --set reduction.mode=reproducible --set checkpoint.every=5
code=0
launch cut 1 --resume auto --set reduction.mode=reproducible --set model.class_weight='red: 2' || code=$?
is "exit code of other weights" "$code" 81
grep -q 'model.class_weight: balanced in the checkpoint, {red: 2} now' cut.err || complain "resume says: $(cat cut.err)"
train cut 3 --resume auto --set reduction.mode=reproducible
train whole 1 --set reduction.mode=reproducible
is "a resumed run" "$(hash cut)" "$(hash whole)"

# ---- refusals: nothing is left behind ----
fail() { # exit code, sentence, further arguments
    local code=0
    launch refused 1 "${@:3}" || code=$?
    is "exit code of ${*:3}" "$code" "$1"
    grep -qF -- "$2" refused.err || complain "${*:3}: $(cat refused.err)"
    [ ! -e refused/summary.json ] || complain "${*:3}: a run was made"
    rm -rf refused
}
refuse() { fail 78 "$2" --set "model.class_weight=$1" "${@:3}"; } # weights, sentence, further arguments
refuse 'rde: 2' "'rde' is no class of the data, which has 3: blue, green, red. Did you mean 'red'?"
refuse '3: 2' "'3' is no class of the data, which has 3: blue, green, red"
refuse 'blue: 1, 0: 2' "'blue' names a class a second time"
refuse 'red: 0, 1: 0' 'it leaves 1 of 3 classes a weight above 0'
refuse 'red: -1' "must be a number >= 0, not '-1'"
refuse 'red: nan' "must be a number >= 0, not 'nan'"
refuse 'red: inf' "must be a number >= 0, not 'inf'"
refuse 'balance' "did you mean 'balanced'?"
refuse balanced 'model.type linear has no classes' --set model.type=linear
code=0
launch refused 3 --set 'model.class_weight=rde: 2' || code=$?
is "exit code on 3 ranks" "$code" 78

# ---- classes without a row to train on, and wrong row weights ----
awk 'BEGIN { srand(4); print "a,b,label"; for (i = 0; i < 60; i++) printf "%.3f,%.3f,%s\n", rand() + i % 2, rand(), (i > 49 ? "late" : i % 2 ? "odd" : "even") }' >late.csv
"$thalweg" convert late.csv -o late.h5 --label label </dev/null >/dev/null 2>convert.err || complain "$(cat convert.err)"
weigh() { # file, then an awk condition: its weights, 0 elsewhere
    cp late.h5 "$1"
    awk "BEGIN { for (i = 0; i < 60; i++) print ($2) }" >weights.txt
    printf 'PATH sample_weight\nINPUT-CLASS TEXTFP\nRANK 1\nDIMENSION-SIZES 60\nOUTPUT-SIZE 64\n' >weights.how
    h5import weights.txt -c weights.how -o weights.h5 >/dev/null
    h5copy -i weights.h5 -o "$1" -s sample_weight -d sample_weight
    rm weights.h5
}
printf 'data.train: late.h5\nmodel: {type: softmax, l2: 0.01}\n' >c.yaml
warning='^  warning  no row to train on is of class late: the model never sees it$'
train late 2
grep -q 'warning' late.log && complain "a warning without a reason"
train early 2 --set data.validation.tail=10
grep -q "$warning" early.log || complain "no warning of a class that has validation rows only"
train early2 1 --set data.validation.tail=10 --set model.class_weight=balanced
grep -q 'balanced: even x 1, late x 1, odd x 1$' early2.log || complain "balanced over classes that train: $(grep weights early2.log)"
weigh half.h5 'i < 50'
train half 1 --set data.train=half.h5
grep -q "$warning" half.log || complain "no warning of a class whose rows weigh 0"
is "rows of weight 0 and validation rows" "$(hash half)" "$(hash early)"
fail 65 'all rows of late.h5 to train on are of class even, of 3 classes in the file' --set data.validation.tail=59
weigh odd.h5 'i % 2 && i < 50'
fail 65 'all rows of odd.h5 to train on are of class odd' --set data.train=odd.h5
weigh zero.h5 0
fail 65 'the weights of all rows of zero.h5 to train on are zero' --set data.train=zero.h5
fail 65 'the weights of all rows sum to zero' --set data.train=zero.h5 --set model.type=linear
weigh negative.h5 'i == 7 ? -1e-9 : 1'
fail 65 "'/sample_weight' is negative in row 7" --set data.train=negative.h5
code=0
launch refused 3 --set data.train=odd.h5 || code=$?
is "exit code of one class on 3 ranks" "$code" 65

finish "weights of classes: $(find . -name summary.json | wc -l) runs"
