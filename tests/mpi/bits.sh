#!/usr/bin/env bash
# One hash of the parameters for 1 to 8 ranks, every all-reduce algorithm and every instruction set, for each model x
# optimizer x scaling; equal to what the independent scalar oracle computes. The all-reduce mode must differ somewhere.
#
#   bits.sh THALWEG SOURCE_DIR BITS ORACLE
set -euo pipefail
source_dir=$2 bits=$3 oracle=$4
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
thalweg=$1
mpi() { timeout 120 mpirun --oversubscribe -n "$@" </dev/null; }

# Row counts divisible by nothing; the softmax data is bytes, the logistic data f32 with weights of no round number.
"$thalweg" generate -o linear.h5 --task linear --rows 997 --features 13 --condition 30 --seed 5 --type f64 >gen.log
"$thalweg" generate -o logistic.h5 --task logistic --rows 2003 --features 37 --seed 6 --type f32 >>gen.log
cp "$source_dir/configs/data/digits-train.h5" softmax.h5
cp linear.h5 huber.h5
cp "$source_dir/tests/truth/counts.h5" poisson.h5
cp logistic.h5 squared_hinge.h5

iterations=12
configs=()
for model in linear logistic softmax huber poisson squared_hinge; do
    for scaling in none standardize minmax; do
        case $model-$scaling in huber-minmax | poisson-minmax | squared_hinge-minmax) continue ;; esac # time
        for method in "gd constant 0.001" "momentum inverse 0.002" "gd backtracking 1" "lbfgs backtracking 1"; do
            read -r optimizer rule length <<<"$method"
            name=$model-$scaling-$optimizer-$rule.yaml
            cat >"$name" <<YAML
data: {train: $model.h5, scaling: $scaling}
model: {type: $model, l2: 0.01}
optimizer: {type: $optimizer}
step: {rule: $rule, length: $length, tau: 7}
stop: {gradient_norm: 0, max_iterations: $iterations, divergence_factor: 1e300}
reduction: {mode: reproducible}
YAML
            configs+=("$name")
            timeout 60 "$oracle" "$model.h5" model="$model" scaling="$scaling" optimizer="$optimizer" step="$rule" \
                length="$length" tau=7 l2=0.01 iterations=$iterations >one.txt
            grep -q "^iteration $iterations " one.txt || { echo "the oracle stopped early on $name"; exit 1; }
            echo "$name $(grep -o 'xxh3:.*' one.txt)" >>expected.txt
        done
    done
done

# The oracle's own hashes are pinned: they change only with a new contract version (docs/reproducibility.md).
diff "$source_dir/tests/mpi/golden.txt" expected.txt || { echo "the contract has changed without a new version"; exit 1; }

same() { # label: got.txt must equal the oracle's hashes
    diff expected.txt got.txt >diff.txt || { echo "bits differ from the oracle: $1"; cat diff.txt; exit 1; }
    echo "same bits: $1"
}

for ranks in 1 2 3 4 5 6 7 8; do
    mpi "$ranks" "$bits" "run-$ranks" "${configs[@]}" >got.txt
    same "$ranks ranks"
done
for algorithm in 1 2 3 4 5 6; do
    mpi 4 --mca coll_tuned_use_dynamic_rules 1 --mca coll_tuned_allreduce_algorithm "$algorithm" \
        "$bits" "run-a$algorithm" "${configs[@]}" >got.txt
    same "all-reduce algorithm $algorithm"
done
for isa in avx512 avx2 baseline; do
    THALWEG_ISA=$isa mpi 3 "$bits" "run-$isa" "${configs[@]}" >got.txt 2>isa.log
    same "instruction set $isa"
done
mpi 1 env THALWEG_ISA=baseline "$bits" run-mixed "${configs[@]}" : -n 2 env THALWEG_ISA=avx2 "$bits" run-mixed \
    "${configs[@]}" >got.txt 2>isa.log
same "mixed instruction sets in one job"
for groups in 16 1024; do # another number of groups is another sum: negative control
    mpi 2 "$bits" "run-g$groups" reduction.groups=$groups "${configs[@]}" >got.txt
    if diff -q expected.txt got.txt >/dev/null; then echo "reduction.groups does nothing"; exit 1; fi
done

# Groups of several blocks (2003 and 1002 rows are 8 and 4 of them): the binary counter against the oracle's recursion.
name=logistic-standardize-lbfgs-backtracking.yaml
for groups in 1 2; do
    want=$(timeout 60 "$oracle" logistic.h5 model=logistic scaling=standardize optimizer=lbfgs step=backtracking length=1 \
        l2=0.01 iterations=$iterations groups=$groups | grep -o 'xxh3:.*')
    mpi 2 "$bits" "run-b$groups" reduction.groups=$groups "$name" >got.txt
    [ "$(cat got.txt)" = "$name $want" ] || { echo "$groups groups: $(cat got.txt), the oracle says $want"; exit 1; }
    echo "same bits: $groups groups of several blocks"
done

# Negative control: a plain all-reduce gives other bits on other rank counts, or this test would prove nothing.
for ranks in 3 4; do
    mpi "$ranks" "$bits" "plain-$ranks" reduction.mode=allreduce "${configs[@]}" >"plain-$ranks.txt"
done
if diff -q plain-3.txt plain-4.txt >/dev/null; then echo "plain all-reduce gave equal bits on 3 and 4 ranks"; exit 1; fi
echo "plain all-reduce: $(diff plain-3.txt plain-4.txt | grep -c '^<') of ${#configs[@]} runs differ between 3 and 4 ranks"
