#!/usr/bin/env bash
# Mini-batches and rows kept for validation: one hash of the parameters for 1 to 8 ranks and 1 to 3 threads, for each model x
# optimizer x batch;
# gd and momentum also equal to the independent scalar oracle's. All hashes are pinned in golden-batches.txt.
#
#   batches.sh THALWEG SOURCE_DIR BITS ORACLE [all]     a third of the runs on 5 to 8 ranks, or all of them
set -euo pipefail
thalweg=$1 source_dir=$2 bits=$3 oracle=$4 extent=${5-}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
export OMP_WAIT_POLICY=passive # there are more threads than cores
fail() { echo "FAILED: $*"; exit 1; }
mpi() { timeout 240 mpirun --oversubscribe -n "$@" </dev/null; }

# 2003 rows fall into 64 unequal groups; the logistic rows have weights, every 7th of them 0; the softmax data is bytes.
"$thalweg" generate -o linear.h5 --task linear --rows 2003 --features 13 --condition 30 --seed 5 --type f64 >gen.log
"$thalweg" generate -o logistic.h5 --task logistic --rows 2003 --features 11 --seed 6 --type f32 >>gen.log
cp "$source_dir/configs/data/digits-train.h5" softmax.h5
awk 'BEGIN { for (i = 0; i < 2003; i++) print i % 7 ? 0.3 + i % 11 / 7 : 0 }' >weights.txt
printf 'PATH sample_weight\nINPUT-CLASS TEXTFP\nRANK 1\nDIMENSION-SIZES 2003\nOUTPUT-SIZE 64\n' >weights.how
h5import weights.txt -c weights.how -o weights.h5
h5copy -i weights.h5 -o logistic.h5 -s sample_weight -d sample_weight

configs=()
# name, model, optimizer, batch, epochs, rule, scaling, validation
config() {
    local length=0.02
    case $3 in ada* | rms*) length=0.005 ;; esac
    [ "$2" != softmax ] || [ "$7" != none ] || length=0.0005
    cat >"$1.yaml" <<YAML
seed: 3
data: {train: $2.h5, scaling: $7${8:+, validation.$8}}
model: {type: $2, l2: 0.01}
optimizer: {type: $3, batch: $4}
step: {rule: $6, length: $length, tau: 2}
stop: {gradient_norm: 0, max_epochs: $5, divergence_factor: 1e300}
reduction: {mode: reproducible}
YAML
    configs+=("$1.yaml")
    case $3 in gd | momentum) ;; *) return 0 ;; esac
    local weights='' part=${8:-}
    [ "$2" != logistic ] || weights=weights=/sample_weight
    # shellcheck disable=SC2086 # no word where there is none
    timeout 60 "$oracle" "$2.h5" model="$2" optimizer="$3" batch="$4" epochs="$5" step="$6" scaling="$7" seed=3 \
        length=$length tau=2 l2=0.01 $weights ${part/: /=} >one.txt
    grep -q "^epoch $5 " one.txt || fail "the oracle stopped early on $1"
    echo "$1.yaml $(grep -o 'xxh3:.*' one.txt)" >>oracle.txt
}
for model in linear logistic softmax; do
    for optimizer in gd momentum nesterov adagrad rmsprop adam adamw; do
        config "$model-$optimizer-32" $model $optimizer 32 3 inverse standardize ''
        config "$model-$optimizer-1000" $model $optimizer 1000 5 constant none ''
    done
    config "$model-momentum-1" $model momentum 1 1 inverse standardize ''
    config "$model-fraction" $model gd 50 2 inverse standardize 'fraction: 0.3'
    config "$model-tail" $model momentum 17 2 constant minmax 'tail: 0.25'
done

# The same rows without mini-batches: masks in the full gradient and in both kinds of statistics.
for scaling in standardize minmax; do
    name=logistic-full-$scaling.yaml
    cat >"$name" <<YAML
seed: 3
data: {train: logistic.h5, scaling: $scaling, validation.fraction: 0.4}
model: {type: logistic, l2: 0.01}
optimizer: {type: lbfgs}
stop: {gradient_norm: 0, max_iterations: 8}
reduction: {mode: reproducible}
YAML
    configs+=("$name")
    timeout 60 "$oracle" logistic.h5 model=logistic optimizer=lbfgs step=backtracking iterations=8 l2=0.01 seed=3 \
        scaling=$scaling fraction=0.4 weights=/sample_weight >one.txt
    grep -q '^iteration 8 ' one.txt || fail "the oracle stopped early on $name"
    echo "$name $(grep -o 'xxh3:.*' one.txt)" >>oracle.txt
done

# 9 rows in one group, or in 16 groups some of which have none: most ranks have no rows.
"$thalweg" generate -o tiny.h5 --task linear --rows 9 --features 3 --seed 7 --type f64 >>gen.log
for groups in 1 16; do
    cat >tiny-$groups.yaml <<YAML
seed: 3
data: {train: tiny.h5, scaling: standardize, validation.fraction: 0.3}
model: {type: linear}
optimizer: {type: momentum, batch: 2}
step: {rule: constant, length: 0.02}
stop: {gradient_norm: 0, max_epochs: 20}
reduction: {mode: reproducible, groups: $groups}
YAML
    configs+=("tiny-$groups.yaml")
    timeout 60 "$oracle" tiny.h5 model=linear optimizer=momentum batch=2 epochs=20 step=constant length=0.02 scaling=standardize \
        seed=3 fraction=0.3 groups=$groups >one.txt
    echo "tiny-$groups.yaml $(grep -o 'xxh3:.*' one.txt)" >>oracle.txt
done

# All runs on few ranks; on many a third each, which are all together. `all`: all on each.
for case in "1 0 1" "2 0 1" "3 0 1" "4 0 1" "5 0 3" "7 1 3" "8 2 3"; do
    read -r ranks first step <<<"$case"
    [ "$extent" != all ] || first=0 step=1
    some=()
    for ((i = first; i < ${#configs[@]}; i += step)); do some+=("${configs[i]}"); done
    mpi "$ranks" "$bits" "run-$ranks" "${some[@]}" >"got-$ranks.txt"
    [ "$(wc -l <"got-$ranks.txt")" = ${#some[@]} ] || fail "$ranks ranks did not train all ${#some[@]}"
    diff <(awk -v first="$first" -v step="$step" '(NR - 1) % step == first' got-1.txt) "got-$ranks.txt" ||
        fail "bits differ between 1 and $ranks ranks"
    echo "same bits: $ranks ranks in ${#some[@]} runs"
done
grep -F -x -f oracle.txt got-1.txt | sort >equal.txt
sort oracle.txt | diff - equal.txt || fail "the oracle has other bits"
echo "same bits: the oracle, in $(wc -l <oracle.txt) of ${#configs[@]} runs"
diff "$source_dir/tests/mpi/golden-batches.txt" got-1.txt || fail "the contract has changed without a new version"
[ "$(cut -d' ' -f2 got-1.txt | sort -u | wc -l)" = ${#configs[@]} ] || fail "two different runs have the same parameters"

THALWEG_ISA=baseline mpi 3 "$bits" run-isa parallel.threads=2 "${configs[@]}" >got.txt 2>isa.log
diff got-1.txt got.txt || fail "bits differ without vector instructions and with 2 threads"
mpi 2 "$bits" run-threads parallel.threads=3 "${configs[@]}" >got.txt
diff got-1.txt got.txt || fail "bits differ with 3 threads on 2 ranks"
echo "same bits: 2 and 3 threads, no vector instructions"

# Negative controls, over all runs: another seed or batch is another run; the plain all-reduce rounds by rank count.
for change in seed=4 optimizer.batch=31 reduction.groups=32; do
    mpi 2 "$bits" "run-$change" $change linear-gd-32.yaml logistic-adam-32.yaml softmax-momentum-32.yaml >got.txt
    [ "$(wc -l <got.txt)" = 3 ] || fail "$change: $(cat got.txt)"
    if grep -F -x -f got.txt got-1.txt; then fail "$change does nothing"; fi
done
for ranks in 3 4; do
    mpi $ranks "$bits" "plain-$ranks" reduction.mode=allreduce ./*-32.yaml >"plain-$ranks.txt"
done
if diff -q plain-3.txt plain-4.txt >diff.txt; then fail "the plain all-reduce gave equal bits on 3 and 4 ranks"; fi

# With batch 1 and 8 ranks every rank holds an eighth of the rows, and no rank all of them.
mpi 8 "$thalweg" train softmax-momentum-1.yaml --out eighth --set stop.max_epochs=1 >eighth.log
grep -q '1437 x 64 u8' eighth.log || fail "$(cat eighth.log)"
grep -q '; 11\.[0-9]* KiB a rank' eighth.log || fail "a rank holds more than its eighth of 89.8 KiB: $(grep a.rank eighth.log)"
echo "mini-batches: ${#configs[@]} runs agree"
