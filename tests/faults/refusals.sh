#!/usr/bin/env bash
# P12: a run is only taken up with what it was begun with. What must match is refused (81) with a line that names what differs,
# and the folder stays as it was; what may change is taken, and the end has the same bits. Then: which checkpoint is taken.
#
#   refusals.sh THALWEG SOURCE_DIR VARIANTS
set -euo pipefail
thalweg=$(realpath -- "$1") variants=$(realpath -- "$3")
work=$(mktemp -d)
trap 'rm -rf -- "$work"' EXIT
cd "$work"
checks=0 failures=0
complain() { echo "FAILED: $*"; failures=$((failures + 1)); }

train() { # ranks, further arguments; the configuration is c.yaml
    local launch=(mpirun --oversubscribe -n "$1")
    [ "$1" != 1 ] || launch=()
    timeout 60 "${launch[@]}" "$thalweg" train c.yaml "${@:2}" </dev/null >out.txt 2>err.txt
}
ends() { # fact, code, as train
    local fact=$1 want=$2 code=0
    shift 2
    checks=$((checks + 1))
    train "$@" || code=$?
    [ "$code" = "$want" ] || complain "$fact: ended with $code, not $want: $(head -n 5 err.txt)"
}
says() { # fact, text
    grep -qF -- "$2" err.txt || complain "$1: '$2' is not in: $(head -n 8 err.txt)"
}
hash_of() { sed -n 's/^ *"parameters_hash": "\([^"]*\)".*/\1/p' "$1/summary.json"; }
rows_of() { sed 's/"seconds":[^,]*,//' "$1/metrics.jsonl"; }
# fresh: the folder part as it is left by the run that was stopped
fresh() { rm -rf part && cp -r stopped part; }
state_of() { (cd part && find . -type f ! -name lock | sort | xargs sha256sum); }

# refused FACT TEXT ARGUMENTS...: 81 with the text, and nothing in the folder but the word in status has changed
refused() {
    local fact=$1 text=$2 before after
    fresh
    before=$(state_of | grep -v ' ./status')
    ends "$fact" 81 1 --out part "${@:3}"
    says "$fact" "$text"
    after=$(state_of | grep -v ' ./status')
    [ "$before" = "$after" ] || complain "$fact: the folder has changed"
}
# accepted FACT RANKS ARGUMENTS...: taken up, and the end has the bits of the whole run
accepted() {
    local fact=$1 ranks=$2
    shift 2
    fresh
    ends "$fact" 0 "$ranks" --out part "${limit[@]}" "$@"
    [ -n "$(hash_of whole)" ] || complain "there is no hash of the whole run"
    [ "$(hash_of part)" = "$(hash_of whole)" ] || complain "$fact: other parameters"
    cmp -s <(rows_of whole) <(rows_of part) || complain "$fact: other metrics"
}

# ---- a run that was stopped at its limit ----

"$variants" .
"$thalweg" generate -o v.h5 --task logistic --rows 50 --features 5 --seed 2 --type f64 >generate.log
"$thalweg" generate -o v2.h5 --task logistic --rows 50 --features 5 --seed 3 --type f64 >>generate.log
cat >c.yaml <<YAML
data: {train: base.h5, scaling: standardize, validation.file: v.h5}
model: {type: logistic, l2: 0.01}
optimizer: {type: lbfgs, memory: 4}
step: {rule: wolfe}
reduction: {mode: reproducible}
stop: {gradient_norm: 0}
checkpoint: {every: 1, keep: 1000}
seed: 7
YAML
limit=(-q --set stop.max_iterations=12)
train 1 --out whole "${limit[@]}"
train 1 --out stopped -q --set stop.max_iterations=6
newest=iteration-000000000006.h5
[ -e stopped/checkpoints/$newest ] || complain "there is no checkpoint at the limit"
rm stopped/summary.json # as a run that was killed leaves it

# ---- what must match: the configuration ----

while read -r key value words; do
    refused "$key" "$key: $words" "${limit[@]}" --set "$key=$value"
done <<'LIST'
seed 8 7 in the checkpoint, 8 now
data.scaling none standardize in the checkpoint, none now
model.l2 0.02 0.01 in the checkpoint, 0.02 now
model.l1 0.001 0 in the checkpoint, 0.001 now
model.intercept false true in the checkpoint, false now
model.init normal zeros in the checkpoint, normal now
optimizer.memory 5 4 in the checkpoint, 5 now
step.rule backtracking wolfe in the checkpoint, backtracking now
step.c1 1e-3 0.0001 in the checkpoint, 0.001 now
step.length 0.5 1 in the checkpoint, 0.5 now
reduction.mode allreduce reproducible in the checkpoint, allreduce now
reduction.groups 8 not set in the checkpoint, 8 now
LIST
refused "two keys at once" "model.l2: 0.01 in the checkpoint, 1 now" "${limit[@]}" --set model.l2=1 --set seed=9
says "two keys at once" "seed: 7 in the checkpoint, 9 now"
refused "the optimizer" "optimizer.type: lbfgs in the checkpoint, newton now" "${limit[@]}" --set optimizer.type=newton --set step.rule=wolfe
refused "the model" "model.type: logistic in the checkpoint, squared_hinge now" "${limit[@]}" --set model.type=squared_hinge

# ---- what must match: the data ----

other() { refused "$1" "$2" "${limit[@]}" --set "data.train=$1.h5"; }
print='fingerprint of the training data: '
other value "$print"
other label "$print"
other weight "$print"
other permuted "$print"
other apart "$print"
other f32 "type of the features: f64 in the checkpoint, f32 now"
other more "rows: 301 in the checkpoint, 302 now"
other fewer "rows: 301 in the checkpoint, 300 now"
other unweighted "$print"
refused "another validation file" "fingerprint of the validation data: " "${limit[@]}" --set data.validation.file=v2.h5
refused "other labels" "data.labels: not set in the checkpoint, /y now" "${limit[@]}" --set data.labels=/y

# ---- what may change ----

accepted "nothing changed" 1
for ranks in 2 3 5; do accepted "$ranks ranks" $ranks; done
mkdir elsewhere
cp base.h5 elsewhere/moved.h5
cp v.h5 elsewhere/v.h5
accepted "moved data" 2 --set data.train=elsewhere/moved.h5 --set data.validation.file=elsewhere/v.h5
accepted "compressed data" 2 --set data.train=compressed.h5
accepted "data in the other byte order" 1 --set data.train=big_endian.h5
accepted "rhythm of checkpoints" 1 --set checkpoint.every=never --set checkpoint.keep=2
accepted "rhythm of the log" 1 --set output.log_every=2
accepted "a time limit" 1 --set stop.max_time=1h
accepted "a tolerance that is not reached" 1 --set stop.gradient_norm=1e-300 --set stop.patience=3
fresh
ends "patience with the validation rows" 0 1 --out part "${limit[@]}" --set stop.validation_patience=1000
cmp -s <(rows_of whole) <(rows_of part) || complain "patience with the validation rows: other metrics" # the model kept is the best one

# ---- numbers that somebody else wrote, sealed as if we had: another version of this program, or worse ----

changed() { # attribute, number: in the newest checkpoint of part
    fresh
    "$variants" part/checkpoints/$newest "$1" "$2"
}
changed contract 99
ends "another contract" 81 1 --out part "${limit[@]}"
says "another contract" "contract of reproducible sums: 99 in the checkpoint, "
ends "another contract on purpose" 0 2 --out part "${limit[@]}" --new-contract
[ "$(hash_of part)" = "$(hash_of whole)" ] || complain "another contract on purpose: other parameters"
while read -r attribute number words; do
    changed "$attribute" "$number"
    ends "$attribute $number" 81 1 --out part "${limit[@]}"
    says "$attribute $number" "$words"
done <<'LIST'
groups 16 groups: 16 in the checkpoint, 
block_rows 128 rows of a block: 128 in the checkpoint, 256 now
rows 300 rows: 300 in the checkpoint, 301 now
features 6 features: 6 in the checkpoint, 5 now
parameters 7 parameters: 7 in the checkpoint, 6 now
LIST
changed format_version 2
ends "a later format" 0 1 --out part "${limit[@]}" # the one before is good
says "a later format" "written by another thalweg (checkpoint format 2, this one reads 1); trying the one before"
while read -r attribute number words; do
    changed "$attribute" "$number"
    ends "$attribute $number" 82 2 --out part "${limit[@]}"
    says "$attribute $number" "$words"
done <<'LIST'
iteration -1 where no run can be
updates -7 where no run can be
epoch_step 1 where no run can be
epoch_step -1 where no run can be
tests_held -1 where no run can be
loss_changes_seen -1 where no run can be
tests_holding 99 means nothing
history_rows 1099511627776 history_rows
history_rows -1 negative
LIST
rm -rf part
ends "other groups" 0 1 --out part "${limit[@]}" --set reduction.groups=8 --set stop.max_iterations=6
refused_again() { ends "$1" "$2" 2 --out part "${limit[@]}" --resume auto "${@:3}"; }
refused_again "no longer those groups" 81
says "no longer those groups" "reduction.groups: 8 in the checkpoint, not set now"
refused_again "no longer those groups, on purpose" 0 --new-contract

# A path: its places are indices.
cp c.yaml one.yaml
cat >c.yaml <<YAML
data: {train: base.h5}
model: {type: logistic, l1: 1, path: {count: 3, min_ratio: 0.1}, folds: 2}
reduction: {mode: reproducible}
checkpoint: {every: 1, keep: 1000}
YAML
train 1 --out path -q
for attribute in path_stage path_fold path_row path_done path_best path_one_error; do
    for number in -2 3000000000; do
        rm -rf part
        mkdir part
        cp "$(find path/checkpoints -name 'fit-000003-*' | sort | head -n 1)" part/one.h5
        "$variants" part/one.h5 $attribute $number
        ends "$attribute $number" 82 1 --out part -q --resume part/one.h5
        says "$attribute $number" "where no run can be"
    done
done
cp one.yaml c.yaml

# ---- --resume ----

# ends_alike FACT CODE TEXT ARGUMENTS...
ends_alike() {
    ends "$1" "$2" 1 --out part "${limit[@]}" "${@:4}"
    [ -z "$3" ] || says "$1" "$3"
}
fresh
ends_alike "never, with checkpoints there" 73 "--resume never: part/checkpoints holds" --resume never
rm -rf part
ends "never, in a new folder" 0 1 --out part "${limit[@]}" --resume never
[ "$(hash_of part)" = "$(hash_of whole)" ] || complain "a run that was never resumed has other parameters"
ends_alike "a finished folder" 73 "holds a finished run"
ends_alike "a finished folder, never" 73 "holds a finished run" --resume never

rm -rf part
ends_alike "a checkpoint by name" 0 "" --resume stopped/checkpoints/iteration-000000000003.h5
[ "$(hash_of part)" = "$(hash_of whole)" ] || complain "from a checkpoint by name: other parameters"
rm -rf part
ends_alike "a run folder by name" 0 "" --resume stopped
[ "$(hash_of part)" = "$(hash_of whole)" ] || complain "from a run folder by name: other parameters"
rm -rf part
ends_alike "a folder of checkpoints by name" 0 "" --resume stopped/checkpoints
[ "$(hash_of part)" = "$(hash_of whole)" ] || complain "from a folder of checkpoints: other parameters"
rm -rf part
ends_alike "a missing checkpoint" 66 "cannot open missing.h5: No such file" --resume missing.h5
head -c 3000 stopped/checkpoints/$newest >torn.h5
ends_alike "a torn checkpoint" 82 "torn.h5 is damaged" --resume torn.h5
ends_alike "a model" 82 "is a thalweg model, not a checkpoint" --resume whole/model.h5
ends_alike "a data file" 82 "without a header of thalweg" --resume base.h5
mkdir empty
ends_alike "a folder without checkpoints" 82 "--resume empty: there is no checkpoint" --resume empty
[ ! -e part/model.h5 ] || complain "a refused resume left a model"

# The newest is damaged: a warning, the one before is taken, the end is the same.
fresh
printf 'x' | dd of=part/checkpoints/$newest bs=1 seek=5000 conv=notrunc status=none
ends_alike "the newest is damaged" 0 "$newest is damaged or changed"
says "the newest is damaged" "trying the one before"
grep -q "iteration-000000000005.h5, iteration 5" part/log.txt || complain "the log does not say where it went on: $(grep resume part/log.txt)"
[ "$(hash_of part)" = "$(hash_of whole)" ] || complain "from the one before: other parameters"
cmp -s <(rows_of whole) <(rows_of part) || complain "from the one before: other metrics"
fresh
for file in part/checkpoints/*.h5; do truncate -s 1000 "$file"; done
ends_alike "all are damaged" 82 "none of the 6 checkpoints in part/checkpoints is valid"

# A finished run goes on with a higher limit, and without one it is finished at once.
rm -rf part
train 1 --out part -q --set stop.max_iterations=5
ends_alike "a finished run goes on" 0 "" --resume auto
[ "$(hash_of part)" = "$(hash_of whole)" ] || complain "a finished run that went on has other parameters"
cmp -s <(rows_of whole) <(rows_of part) || complain "a finished run that went on has other metrics"
ends_alike "nothing is left to do" 0 "" --resume auto
[ "$(hash_of part)" = "$(hash_of whole)" ] || complain "a run with nothing left to do has other parameters"

# ---- allreduce: the same bits on the same number of ranks ----

quick=(-q --set reduction.mode=allreduce)
rm -rf whole part
ends "allreduce" 0 2 --out whole "${quick[@]}" --set stop.max_iterations=12
ends "allreduce, stopped" 0 2 --out part "${quick[@]}" --set stop.max_iterations=6
ends "allreduce, taken up" 0 2 --out part "${quick[@]}" --set stop.max_iterations=12 --resume auto
[ "$(hash_of part)" = "$(hash_of whole)" ] || complain "allreduce: other parameters"
rm -rf part
ends "allreduce from another number of ranks" 0 3 --out part "${quick[@]}" --set stop.max_iterations=12 \
    --resume whole/checkpoints/iteration-000000000006.h5

echo "refusals: $checks runs, $failures failed"
[ $failures = 0 ]
