#!/usr/bin/env bash
# P12: a run is only taken up with what it was begun with. What must match is refused (81) with a line that names what differs,
# and the folder stays as it was; what may change is taken, and the end has the same bits. Then: which checkpoint is taken.
#
#   refusals.sh THALWEG SOURCE_DIR
set -euo pipefail
thalweg=$(realpath -- "$1") source_dir=$(realpath -- "$2")
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
    [ -e part/summary.json ] && [ "$(hash_of part)" = "$(hash_of whole)" ] || complain "$fact: other parameters"
    cmp -s <(rows_of whole) <(rows_of part) || complain "$fact: other metrics"
}

# ---- a run that was stopped at its limit ----

"$thalweg" generate -o d.h5 --task logistic --rows 301 --features 5 --seed 1 --type f64 >generate.log
"$thalweg" generate -o v.h5 --task logistic --rows 50 --features 5 --seed 2 --type f64 >>generate.log
"$thalweg" generate -o v2.h5 --task logistic --rows 50 --features 5 --seed 3 --type f64 >>generate.log
"$thalweg" generate -o more.h5 --task logistic --rows 302 --features 5 --seed 1 --type f64 >>generate.log
"$thalweg" generate -o wide.h5 --task logistic --rows 301 --features 6 --seed 1 --type f64 >>generate.log
cat >c.yaml <<YAML
data: {train: d.h5, scaling: standardize, validation.file: v.h5}
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
step.length 0.5 not set in the checkpoint, 0.5 now
reduction.mode allreduce reproducible in the checkpoint, allreduce now
reduction.groups 8 not set in the checkpoint, 8 now
LIST
refused "two keys at once" "model.l2: 0.01 in the checkpoint, 1 now" "${limit[@]}" --set model.l2=1 --set seed=9
says "two keys at once" "seed: 7 in the checkpoint, 9 now"
refused "the optimizer" "optimizer.type: lbfgs in the checkpoint, newton now" "${limit[@]}" --set optimizer.type=newton --set step.rule=wolfe
refused "the model" "model.type: logistic in the checkpoint, squared_hinge now" "${limit[@]}" --set model.type=squared_hinge

# ---- what must match: the data ----

change() { # new file, old file, then KEY=VALUE or words in Python, of which x, y and w are the arrays: see below
    h5dump -d /X -b LE -o x.bin "$2" >dump.log
    h5dump -d /y -b LE -o y.bin "$2" >>dump.log
}
