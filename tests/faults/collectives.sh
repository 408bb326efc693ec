#!/usr/bin/env bash
# Whatever happens, all ranks make the same collective calls in the same order: runs under the layer of collectives.c,
# which ends a run where they do not. First the layer itself, on programs with a mistake of each kind.
#
#   collectives.sh THALWEG SOURCE_DIR LAYER SEEDED BAD_FILES FOLDER_OF_TESTS [all]
#
# `all`: also the suites of mpi/ and every kind of run.
set -euo pipefail
thalweg=$1 truth=$2/tests/truth layer=$3 seeded=$4 bad_files=$5 tests=$6 all=${7-}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
failures=0 runs=0
complain() { echo "FAILED: $*"; failures=$((failures + 1)); }

# under RANKS PROGRAM...: exit code in $got, what the layer says in layer.txt, the rest in out.txt
under() {
    local ranks=$1
    shift
    rm -f report.txt
    runs=$((runs + 1)) got=0
    timeout 120 mpirun --oversubscribe -q -n "$ranks" -x "LD_PRELOAD=$layer" -x "COLLECTIVES_LIMIT=$limit" \
        -x COLLECTIVES_REPORT=report.txt "$@" </dev/null >out.txt 2>&1 || got=$?
    grep '^collectives:' out.txt >layer.txt || true
}

# ---- the layer ----
limit=30
seeded() { # MISTAKE, what the layer must say
    under "$ranks" "$seeded" "$1"
    [ "$got" = 70 ] || complain "$1 on $ranks ranks: exit $got, not 70: $(cat out.txt)"
    shift
    for sentence; do grep -qE -- "$sentence" layer.txt || complain "on $ranks ranks: no '$sentence' in: $(cat out.txt)"; done
}
ranks=3
under 3 "$seeded" none
if [ "$got" != 0 ] || [ -s layer.txt ] || ! grep -qx "done" out.txt; then
    complain "a correct program: exit $got: $(cat out.txt)"
fi
grep -qx '[0-9]* operations compared' report.txt || complain "no report of a correct program"
seeded skip 'rank 0: call 3: MPI_Bcast, 4 of MPI_DOUBLE, root 0' 'rank 2: call 3: MPI_Allreduce, 4 of MPI_DOUBLE, SUM.* seeded\+0x'
seeded count 'rank 1: .* 4 of MPI_DOUBLE' 'rank 2: .* 3 of MPI_DOUBLE'
seeded op 'rank 1: .*, SUM' 'rank 2: .*, MAX'
seeded root 'rank 1: .*, root 0' 'rank 2: .*, root 2'
seeded order 'rank 1: call 8: MPI_Barrier' 'rank 2: call 8: MPI_Allgatherv'
seeded finalize 'rank 1: .* MPI_Allreduce' 'rank 2: .* MPI_Finalize'
limit=2
seeded stand-still 'rank 0 waits in call .* MPI_Allreduce' 'rank 1 waits in call .* MPI_Allreduce'
limit=30
if [ "$all" = all ]; then
    seeded type 'rank 1: .* 4 of MPI_DOUBLE' 'rank 2: .* 8 of MPI_FLOAT'
    seeded receive-counts 'rank 1: .* MPI_Allgatherv, 3 of' 'rank 2: .* MPI_Allgatherv, 4 of'
    seeded exit 'rank 1: .* MPI_Allreduce' 'rank 2: .* exit'
    seeded communicator 'rank 1: .* MPI_Allreduce.*communicator 2' 'rank 2: .* MPI_Barrier.*communicator 0'
    seeded not-covered 'MPI_Allgather is not covered'
    limit=2
    seeded receive 'rank 0 waits in .* MPI_Allreduce' 'rank 2 waits in .* MPI_Recv'
    limit=30
    ranks=2
    for mistake in skip count op type root order receive-counts communicator exit finalize not-covered; do seeded $mistake; done
fi
[ $failures = 0 ] || exit 1
echo "the layer notices every mistake ($runs programs)"

# ---- runs ----
runs=0
try() { # EXIT_CODE NAME RANKS PROGRAM...
    local code=$1 name=$2
    shift 2
    under "$@"
    [ ! -s layer.txt ] || complain "$name on $1 ranks: $(cat layer.txt)"
    [ "$got" = "$code" ] || complain "$name on $1 ranks: exit $got, not $code: $(cat out.txt)"
    [ -s report.txt ] || complain "$name on $1 ranks: nothing was compared"
    echo "  $name, $1 ranks: exit $got, $(cat report.txt 2>/dev/null)"
}

"$thalweg" generate -o binary.h5 --task logistic --rows 403 --features 5 --seed 6 >/dev/null
"$thalweg" generate -o counts.h5 --task linear --rows 401 --features 5 --seed 7 >/dev/null
"$thalweg" generate -o classes.h5 --task softmax --classes 3 --rows 400 --features 4 --seed 8 >/dev/null
"$bad_files" .
train() { # EXIT_CODE NAME FILE STOP LINES...: on 2 and 3 ranks
    local code=$1 name=$2 ranks
    printf 'data: {train: %s, scaling: standardize}\nstop: {%s}\n' "$3" "$4" >"$name.yaml"
    shift 4
    printf '%s\n' "$@" >>"$name.yaml"
    for ranks in 2 3; do try "$code" "$name" $ranks "$thalweg" train "$name.yaml" -q --out "out-$name-$ranks"; done
}
logistic='model: {type: logistic, l2: 0.01}'
four='max_iterations: 4'
train 0 lbfgs binary.h5 "$four" "$logistic" 'optimizer: {type: lbfgs}' 'step: {rule: wolfe}'
train 0 mini-batch binary.h5 'max_epochs: 2' "$logistic" 'optimizer: {type: adam, batch: 50}' 'step: {rule: constant, length: 0.01}' \
    'data.validation.fraction: 0.2'
train 0 path binary.h5 "$four" 'model: {type: logistic, l2: 0.01, l1: 0.02, folds: 3, path: {count: 3, min_ratio: 0.1}}' \
    'optimizer: {type: coordinate_descent}' 'step: {rule: backtracking}'
# Sums in two stages.
export THALWEG_NODES=2c
for mode in reproducible allreduce; do
    train 0 "nodes-$mode" binary.h5 "$four" "$logistic" "reduction: {mode: $mode}"
done
unset THALWEG_NODES
# Something wrong with the rows of one rank: of 40 rows, 17 belong to rank 1 of 3, 23 to rank 1 of 2.
train 65 nan nan.h5 "$four" "$logistic"
train 65 nan-label nan-label.h5 "$four" "$logistic"

if [ "$all" = all ]; then
    train 0 gd binary.h5 "$four" "$logistic" 'optimizer: {type: gd}' 'step: {rule: backtracking}'
    train 0 long-sums classes.h5 "$four" 'model: {type: softmax, l2: 0.01}' 'reduction: {mode: reproducible}'
    train 0 plain-sums classes.h5 "$four" 'model: {type: softmax, l2: 0.01}' 'reduction: {mode: allreduce}'
    train 0 newton binary.h5 "$four" "$logistic" 'optimizer: {type: newton}' 'step: {rule: backtracking}'
    train 0 newton-cg counts.h5 "$four" 'model: {type: linear, l2: 0.01}' 'optimizer: {type: newton_cg}' 'step: {rule: trust_region}'
    train 0 gram counts.h5 "$four" 'model: {type: linear, l2: 0.01}' 'optimizer: {type: lbfgs, preconditioner: gram}' 'step: {rule: wolfe}'
    train 0 proximal counts.h5 "$four" 'model: {type: linear, l1: 0.01}' 'optimizer: {type: proximal_gradient}' 'step: {rule: lipschitz}'
    train 0 patience binary.h5 'max_iterations: 50, validation_patience: 2' "$logistic" 'data.validation.tail: 50'
    train 75 time binary.h5 'max_iterations: 1000000, max_time: 0.2, gradient_norm: 0' "$logistic" \
        'optimizer: {type: gd}' 'step: {rule: constant, length: 1e-9}'
    "$thalweg" generate -o more.h5 --task logistic --rows 201 --features 5 --seed 9 >/dev/null
    train 0 files '[binary.h5, more.h5]' "$four" "$logistic" 'data.validation: {file: more.h5}'
    train 0 balanced binary.h5 "$four" 'model: {type: logistic, l2: 0.01, class_weight: balanced}'
    train 0 start binary.h5 "$four" 'model: {type: logistic, l2: 0.01, start: out-lbfgs-2/model.h5}'
    train 0 words "$truth/words.h5" "$four" 'model: {type: softmax, l2: 0.01}' 'data.validation.fraction: 0.2'
    for policy in mean zero drop; do
        train 0 missing-$policy "$truth/missing.h5" "$four" 'model: {type: linear, l2: 0.01}' "data.missing: $policy" \
            'data.validation.fraction: 0.2'
    done
    train 79 diverged counts.h5 'max_iterations: 1000, gradient_norm: 0' 'model: {type: linear}' 'optimizer: {type: gd}' 'step: {rule: constant, length: 1e6}'
    train 66 missing nothing.h5 "$four" "$logistic"
    train 78 unknown-key binary.h5 "$four" "$logistic" 'lenght: 4'
    train 65 one-class one-class.h5 "$four" "$logistic"
    train 65 three-classes three-classes.h5 "$four" "$logistic"
    for ranks in 2 3; do
        try 73 finished $ranks "$thalweg" train lbfgs.yaml -q --out out-lbfgs-2
        try 0 dry-run $ranks "$thalweg" train lbfgs.yaml --dry-run
        try 0 evaluate $ranks "$thalweg" evaluate out-lbfgs-2/model.h5 binary.h5
        try 65 evaluate-other-data $ranks "$thalweg" evaluate out-lbfgs-2/model.h5 classes.h5
        try 66 evaluate-nothing $ranks "$thalweg" evaluate nothing.h5 binary.h5
        try 0 predict $ranks "$thalweg" predict out-lbfgs-2/model.h5 binary.h5 -o "predicted-$ranks.csv"
        try 73 predict-nowhere $ranks "$thalweg" predict out-lbfgs-2/model.h5 binary.h5 -o "nowhere/predicted.csv"
        try 0 generate $ranks "$thalweg" generate -o "made-$ranks.h5" --task linear --rows 5000 --features 5
        THALWEG_NODES=2 try 0 topology-nodes $ranks "$tests/mpi_topology"
        THALWEG_NODES=2c try 0 reduction-nodes $ranks "$tests/mpi_reduction"
        for suite in comm topology reduction objective function search sparse preconditioner; do try 0 "mpi_$suite" $ranks "$tests/mpi_$suite"; done
    done
fi
if [ $failures != 0 ]; then
    echo "$failures of $runs runs failed"
    exit 1
fi
echo "the same collectives on all ranks in $runs runs"
