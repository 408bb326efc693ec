#!/usr/bin/env bash
# `thalweg train` with mini-batches and validation rows: epochs in log and files, a decaying step that arrives, scores that
# `thalweg evaluate` gives on a file of those rows, early stopping, the time limit, refusals.
#
#   batches.sh THALWEG SOURCE_DIR ORACLE
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=common.sh
. "$(dirname -- "$0")/common.sh"
oracle=$3
mkdir configs
cp -r "$source_dir/configs/data" "$source_dir/configs/cancer-minibatch.yaml" configs
close() { # what, got, want, relative tolerance
    awk -v g="$2" -v w="$3" -v t="$4" 'BEGIN { d = g - w; if (d < 0) d = -d; a = w < 0 ? -w : w; exit !(g != "" && w != "" && d <= t * a) }' ||
        complain "$1 is '$2', not $3 (tolerance $4)"
}
train() { # run, ranks, further arguments; the configuration is c.yaml
    timeout 60 mpirun --oversubscribe -n "$2" "$thalweg" train c.yaml --out "$1" "${@:3}" </dev/null >"$1.log" 2>"$1.err" ||
        complain "$1: $(cat "$1.log" "$1.err")"
}
watched() { sed -n '/^  "validation": {/,/^  }/p' "$1/summary.json" | sed -n "s/^ *\"$2\": \([^,]*\),*\$/\1/p"; }
at() { sed -n "s/^{\"iteration\":$2,.*\"$3\":\([^,}]*\)[,}].*/\1/p" "$1/metrics.jsonl"; }
metric() { # model, data, key
    timeout 20 "$thalweg" evaluate "$1/model.h5" "$2" --json </dev/null | sed -n "s/.*\"$3\":\([^,}]*\)[,}].*/\1/p"
}

# ---- an epoch, and a step length that decays ----
cat >c.yaml <<YAML
data: {train: configs/data/breast-cancer.h5, scaling: standardize}
model: {type: logistic, l2: 0.01}
optimizer: {type: gd, batch: 16}
step: {rule: inverse, length: 0.5, tau: 10}
stop: {gradient_norm: 0, max_epochs: 100}
reduction: {mode: reproducible}
YAML
train decay 2
grep -q '^  batches  16 rows each, 36 steps an epoch, at most 100 epochs$' decay.log || complain "no line about batches"
grep -qE '^ +epoch +loss ' decay.log || complain "the table does not count epochs"
is "epochs in metrics.jsonl" "$(wc -l <decay/metrics.jsonl)" 101
is "updates after 7 epochs" "$(at decay 7 updates)" $((7 * 36))
is "updates in summary.json" "$(value decay updates)" 3600
is "epochs in summary.json" "$(value decay iterations)" 100
is "reason" "$(value decay reason)" iteration_limit
close "reads" "$(value decay reads)" 201 1e-12 # an epoch of steps, an evaluation of all rows; the start
close "the last step length" "$(value decay step_length)" "$(awk 'BEGIN { print 0.5 * 10 / (99 + 35 / 36 + 10) }')" 1e-5
optimum=$(grep -A 6 '"breast-cancer logistic standardize l2=0.01"' "$source_dir/tests/truth/optima.json" | sed -n 's/.*"objective": \([^,]*\),/\1/p')
close "F after 100 epochs" "$(value decay loss)" "$optimum" 1e-3
train constant 2 --set step.rule=constant # negative control: a length that stays does not arrive
awk -v f="$(value constant loss)" -v w="$optimum" 'BEGIN { exit !(f > 1.001 * w) }' || complain "a constant length arrived as well"

# ---- the rows that are kept, as files of their own ----
columns() { h5dump -w 1 -d "$2" -m %.17g "$1" | sed -n 's/^ *([0-9,]*): //p' | tr -d ','; }
columns configs/data/breast-cancer.h5 /X | awk '{ line = line $1 ","; if (NR % 30 == 0) { print line; line = "" } }' >x.txt
columns configs/data/breast-cancer.h5 /y | paste -d '\0' x.txt - >rows.txt
is "rows of the table" "$(awk -F, 'NF == 31' rows.txt | wc -l)" 569
split() { # name, then the numbers of the watched rows on stdin
    awk -v name="$1" 'NR == FNR { kept[$1] = 1; next } { print > (name (FNR - 1 in kept ? "-watched.csv" : "-rest.csv")) }' - rows.txt
    for part in watched rest; do "$thalweg" convert "$1-$part.csv" --no-header --type f64 -o "$1-$part.h5" </dev/null >convert.log; done
}
"$oracle" configs/data/breast-cancer.h5 model=logistic scaling=none optimizer=gd step=constant seed=9 fraction=0.3 list=1 |
    sed -n 's/^kept //p' | split fraction
seq 427 568 | split share # round(0.25 * 569) = 142 rows
seq 469 568 | split count

# run, validation, its file of rows: scores in every place are those of evaluate
judge() {
    train "$1" 3 --set stop.max_epochs=4 --set seed=9 --set "data.validation.$2"
    is "rows of $1" "$(sed -n 's/^  watched  \([0-9]*\) of the 569 rows are kept for validation$/\1/p' "$1.log")" "$(wc -l <"$1-watched.csv")"
    close "validation loss of $1" "$(watched "$1" loss)" "$(metric "$1" "$1-watched.h5" log_loss)" 1e-12
    close "validation accuracy of $1" "$(watched "$1" accuracy)" "$(metric "$1" "$1-watched.h5" accuracy)" 1e-12
    is "last validation loss of $1" "$(at "$1" 4 validation_loss)" "$(watched "$1" loss)"
    is "last validation accuracy of $1" "$(at "$1" 4 validation_accuracy)" "$(watched "$1" accuracy)"
    close "validation loss of $1 at zero" "$(at "$1" 0 validation_loss)" 0.69314718055994531 1e-14
    close "weight of $1" "$(value "$1" weight)" "$(wc -l <"$1-rest.csv")" 0
    # Without mini-batches the optimum is that of the rest alone, scaling included, also with those rows as a file.
    train "$1-masked" 2 --set optimizer.batch=full --set optimizer.type=lbfgs --set step.rule=backtracking --set stop.gradient_norm=1e-9 \
        --set seed=9 --set "data.validation.$2"
    train "$1-alone" 2 --set optimizer.batch=full --set optimizer.type=lbfgs --set step.rule=backtracking --set stop.gradient_norm=1e-9 \
        --set "data.train=$1-rest.h5" --set "data.validation.file=$1-watched.h5"
    close "optimum of $1" "$(value "$1-masked" loss)" "$(value "$1-alone" loss)" 1e-12
    close "score at the optimum of $1" "$(watched "$1-masked" loss)" "$(watched "$1-alone" loss)" 1e-6
    close "score of the file of $1" "$(watched "$1-alone" loss)" "$(metric "$1-alone" "$1-watched.h5" log_loss)" 1e-12
    close "accuracy of the file of $1" "$(watched "$1-alone" accuracy)" "$(metric "$1-alone" "$1-watched.h5" accuracy)" 1e-12
}
sed -i '/max_epochs/d' c.yaml
judge fraction fraction=0.3
judge share tail=0.25
judge count tail=100
awk -v a="$(watched share loss)" -v b="$(watched count loss)" 'BEGIN { exit a == b }' || complain "25 % and 100 rows have the same score"

# ---- early stopping: the example of the manual ----
cp configs/cancer-minibatch.yaml c.yaml
train early 2
is "reason" "$(value early reason)" validation
best=$(watched early best_iteration)
is "epochs" "$(value early iterations)" $((best + 10))
least=$(sed -n 's/.*"validation_loss":\([^,}]*\)[,}].*/\1/p' early/metrics.jsonl | sort -g | head -n 1)
is "best loss" "$(watched early best_loss)" "$least"
is "best epoch" "$(at early "$best" validation_loss)" "$least"
is "the loss that is reported" "$(watched early loss)" "$least"
is "the accuracy that is reported" "$(watched early accuracy)" "$(at early "$best" validation_accuracy)"
is "F of the model that is kept" "$(value early loss)" "$(at early "$best" loss)"
train other-seed 2 --set seed=2 # here the last accuracy is another one
is "the accuracy of the kept model" "$(watched other-seed accuracy)" "$(at other-seed "$(watched other-seed best_iteration)" validation_accuracy)"
[ "$(watched other-seed accuracy)" != "$(tail -n 1 other-seed/metrics.jsonl | sed 's/.*accuracy":\([^}]*\)}/\1/')" ] || complain "same accuracy"
"$oracle" configs/data/breast-cancer.h5 model=logistic scaling=none optimizer=gd step=constant fraction=0.2 list=1 |
    sed -n 's/^kept //p' | split early
close "loss of model.h5" "$(metric early early-watched.h5 log_loss)" "$least" 1e-12
grep -q "best [0-9.]* at epoch $best, which is kept" early.log || complain "the report does not say what is kept"
train late 2 --set stop.validation_patience=11 --set stop.max_epochs=$((best + 10)) # the limit ends it: the best is kept all the same
is "reason at the limit" "$(value late reason)" iteration_limit
is "parameters at the limit" "$(value late parameters_hash)" "$(value early parameters_hash)"
grep -v validation_patience configs/cancer-minibatch.yaml >c.yaml # negative control: without patience the last model
train last 2 --set stop.max_epochs=$((best + 10))
close "the last model" "$(metric last early-watched.h5 log_loss)" "$(at last $((best + 10)) validation_loss)" 1e-12
[ "$(value last parameters_hash)" != "$(value early parameters_hash)" ] || complain "the last model is the best one"

# ---- names that are not guessed hold for the validation file as well ----
for part in watched rest; do
    for name in X:tumours y:malignant; do h5copy -i fraction-$part.h5 -o named-$part.h5 -s "${name%:*}" -d "${name#*:}"; done
done
printf 'model.type: logistic\ndata: {train: named-rest.h5, scaling: standardize}\n' >c.yaml
train named 2 --set data.train=named-rest.h5 --set data.validation=named-watched.h5 --set data.features=tumours --set data.labels=malignant
train guessed 2 --set data.train=fraction-rest.h5 --set data.validation=fraction-watched.h5
is "score under other names" "$(watched named best_loss)" "$(watched guessed best_loss)"

# ---- the time limit, inside an epoch that would take much longer ----
"$thalweg" generate -o long.h5 --task logistic --rows 400000 --features 4 --seed 2 </dev/null >gen.log
printf 'data.train: long.h5\nmodel.type: logistic\noptimizer: {type: gd, batch: 1}\nstep.length: 0.01\n' >c.yaml
code=0
timeout 60 mpirun --oversubscribe -n 2 "$thalweg" train c.yaml --out long --max-time 1 </dev/null >long.log 2>&1 || code=$?
is "exit code of the long epoch" "$code" 75
is "reason of the long epoch" "$(value long reason)" time_limit
is "epochs of the long epoch" "$(value long iterations)" 1
awk -v u="$(value long updates)" 'BEGIN { exit !(u > 0 && u < 400000) }' || complain "the long epoch made $(value long updates) updates"
seconds=$(sed -n 's/^  "seconds": \([0-9.e+]*\),$/\1/p' long/summary.json)
awk -v s="$seconds" 'BEGIN { exit !(s > 0.4 && s < 8) }' || complain "the time limit of 1 s took '$seconds' s"

# ---- refusals ----
refuse() { # exit code, sentence, further lines of the configuration
    printf 'data.train: configs/data/breast-cancer.h5\nmodel.type: logistic\n' >c.yaml
    printf '%s\n' "${@:3}" >>c.yaml
    for ranks in 1 3; do
        local got=0
        timeout 20 mpirun --oversubscribe -n $ranks "$thalweg" train c.yaml --out refused </dev/null >out.txt 2>err.txt || got=$?
        is "exit code of '${*:3}' on $ranks ranks" "$got" "$1"
        grep -qE -- "$2" err.txt || complain "'${*:3}' on $ranks ranks: no '$2' in: $(cat err.txt)"
        [ "$(grep -c 'thalweg: error:' err.txt)" = 1 ] || complain "'${*:3}' on $ranks ranks: not one error line"
        [ ! -e refused ] || { complain "'${*:3}' on $ranks ranks left a run folder"; rm -rf refused; }
    done
}
batch='optimizer: {type: gd, batch: 16}'
refuse 78 '600 rows in a batch, but the data has 569; use batch: full' 'optimizer: {type: gd, batch: 600}'
refuse 78 'optimizer.batch is 500, but only [0-9]+ rows take part; use batch: full' 'optimizer: {type: gd, batch: 500}' 'data.validation.fraction: 0.5'
for method in lbfgs newton newton_cg coordinate_descent; do
    refuse 78 "$method needs batch: full; with mini-batches use optimizer.type: gd, momentum" "optimizer: {type: $method, batch: 16}"
done
refuse 78 'backtracking compares the loss at two points, which mini-batches do not have' "$batch" 'step.rule: backtracking'
grep -q 'gd goes with step.rule: constant, inverse' err.txt || complain "no list of the rules that go with mini-batches: $(cat err.txt)"
refuse 78 'fraction, tail and file exclude each other: name one' 'data.validation: {fraction: 0.2, tail: 10}'
refuse 78 '569 rows of 569 would leave none to train on' 'data.validation.tail: 569'
refuse 78 '1.5 is neither a share below 1 nor a whole number of rows' 'data.validation.tail: 1.5'
refuse 78 'keeps none of 569 rows; use a larger share' 'data.validation.tail: 0.0001'
refuse 78 'keeps all of 569 rows and leaves none to train on; use a smaller share' 'data: {validation.fraction: 0.999999, scaling: standardize}' "$batch"
refuse 78 'digits-test.h5 has 64 features, configs/data/breast-cancer.h5 has 30' 'data.validation: configs/data/digits-test.h5'
refuse 66 'nowhere.h5: No such file' 'data.validation: nowhere.h5'
sed '3s/[01]$/7/' rows.txt >other.csv
"$thalweg" convert other.csv --no-header --type f64 -o other.h5 </dev/null >convert.log
refuse 65 "other.h5: label 7 of row 2 is none of the model's 2 classes; it may hold no class that the training data has not" 'data.validation: other.h5'
refuse 78 'epochs belong to mini-batches .*; use stop.max_iterations' 'stop.max_epochs: 5'
refuse 78 'with mini-batches the limit is stop.max_epochs' "$batch" 'stop.max_iterations: 5'
refuse 78 'there are no validation rows: set data.validation' 'stop.validation_patience: 5'

finish "mini-batches and validation: all as it should be"
