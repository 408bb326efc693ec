#!/usr/bin/env bash
# One wrong bit on one rank: the run ends with 76 in the next exchange, or else at the next comparison, before a checkpoint is
# written, or at its end, and leaves no model.
#
#   replicas.sh THALWEG SOURCE_DIR FLIP.so
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=../cli/common.sh
. "$(dirname -- "$0")/../cli/common.sh"
flip=$3
"$thalweg" generate -o data.h5 --task linear --rows 3000 --features 30 --seed 5 </dev/null >generate.log
cat >c.yaml <<'Y'
data.train: data.h5
model.type: linear
optimizer.type: gd
step: {rule: constant, length: 0.01}
stop: {gradient_norm: 0, max_iterations: 250}
checkpoint.every: never
reduction.mode: allreduce
Y
judge() { # name, ranks, call, who is named, iteration at the latest, further arguments
    local code=0 at
    FLIP_CALL=$3 LD_PRELOAD=$flip timeout 60 mpirun --oversubscribe -n "$2" "$thalweg" train c.yaml --out "$1" "${@:6}" \
        </dev/null >"$1.log" 2>"$1.err" || code=$?
    [ "$code" = 76 ] || complain "$1: exit code $code: $(cat "$1.log" "$1.err")"
    grep -q "$4" "$1.err" || complain "$1: '$4' is not said: $(cat "$1.err")"
    at=$(sed -n 's/^state=failed code=76 iteration=\([0-9]*\) checkpoint=none$/\1/p' "$1/status")
    if [ -z "$at" ] || [ "$at" -gt "$5" ]; then complain "$1: $(cat "$1/status")"; fi
    [ ! -e "$1/model.h5" ] || complain "$1: a model was written"
    [ ! -e "$1/summary.json" ] || complain "$1: a summary was written"
}
judge compared 3 50 'rank 1 differs from the 2 others' 100
judge saved 3 50 'rank 1 differs from the 2 others' 60 --set checkpoint.every=60
judge ended 3 220 'rank 1 differs from the 2 others' 230 --set stop.max_iterations=230 --set checkpoint.every=never
judge two 2 50 'no majority' 100
code=0
timeout 60 mpirun --oversubscribe -n 3 "$thalweg" train c.yaml --out whole </dev/null >whole.log 2>&1 || code=$?
[ "$code" = 0 ] || complain "without a flip: $(cat whole.log)"
grep -q '"replicas_equal": true' whole/summary.json || complain "without a flip the replicas differ"
finish "replicas: 4 of 4 wrong bits found and blamed on the right rank, no model written"
