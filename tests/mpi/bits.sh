#!/usr/bin/env bash
# One hash of the parameters for 1 to 8 ranks, each with 1, 2 or 3 threads, every all-reduce algorithm and every instruction set,
# for each model x optimizer x scaling; equal to what the independent scalar oracle computes. The all-reduce mode must differ
# somewhere.
#
#   bits.sh THALWEG SOURCE_DIR BITS ORACLE          all runs on 1, 2, 3, 4 and 8 ranks, a third each on 5, 6 and 7, some of the others
#   bits.sh THALWEG SOURCE_DIR BITS ORACLE all      all runs of everything
#   bits.sh THALWEG SOURCE_DIR BITS '' build        all runs with each instruction set on 2 ranks with 2 threads, against the
#                                                   pinned hashes only: for programs of other compilers
set -euo pipefail
source_dir=$2 bits=$3 oracle=$4 extent=${5-}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
thalweg=$1
mpi() { timeout 600 mpirun --oversubscribe -n "$@" </dev/null; }
export OMP_WAIT_POLICY=passive # there are more threads than cores
unset OMP_NUM_THREADS GLIBC_TUNABLES THALWEG_ISA

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
            [ "$extent" != build ] || continue
            timeout 60 "$oracle" "$model.h5" model="$model" scaling="$scaling" optimizer="$optimizer" step="$rule" \
                length="$length" tau=7 l2=0.01 iterations=$iterations >one.txt
            grep -q "^iteration $iterations " one.txt || { echo "the oracle stopped early on $name"; exit 1; }
            echo "$name $(grep -o 'xxh3:.*' one.txt)" >>expected.txt
        done
    done
done

same() { # label: got.txt must equal the oracle's hashes of the same runs
    [ -s got.txt ] || { echo "nothing was trained: $1"; exit 1; }
    grep -F "$(cut -d' ' -f1 got.txt | sed 's/$/ /')" expected.txt | sort | diff - <(sort got.txt) >diff.txt ||
        { echo "bits differ from the oracle: $1"; cat diff.txt; exit 1; }
    [ "$(wc -l <got.txt)" = "$2" ] || { echo "$(wc -l <got.txt) of $2 runs came to an end: $1"; exit 1; }
    echo "same bits in $2 runs: $1"
}
isas=(avx512 avx2 baseline)

if [ "$extent" = build ]; then
    cp "$source_dir/tests/mpi/golden.txt" expected.txt
    for isa in "${isas[@]}"; do
        THALWEG_ISA=$isa BITS_THREADS=1 mpi 2 "$bits" "run-$isa" parallel.threads=2 "${configs[@]}" >got.txt 2>log.txt
        same "instruction set $isa, $(sed -n 's/^rank 0: //p' log.txt)" ${#configs[@]}
    done
    exit
fi

# The oracle's own hashes are pinned: they change only with a new contract version (docs/reproducibility.md).
diff "$source_dir/tests/mpi/golden.txt" expected.txt || { echo "the contract has changed without a new version"; exit 1; }

# Rows for several threads on each of 3 ranks even where only the environment asks for them: that many bytes are worth it.
"$thalweg" generate -o large.h5 --task linear --rows 3001 --features 47 --seed 8 --type f64 >>gen.log
name=large.yaml
sed 's/linear.h5/large.h5/' linear-standardize-lbfgs-backtracking.yaml >$name
echo "$name $(timeout 60 "$oracle" large.h5 model=linear scaling=standardize optimizer=lbfgs step=backtracking length=1 tau=7 \
    l2=0.01 iterations=$iterations | grep -o 'xxh3:.*')" >>expected.txt

# The longest and the shortest vectors, full and empty blocks, every kind of sum.
some=(linear-minmax-momentum-inverse.yaml logistic-standardize-lbfgs-backtracking.yaml softmax-none-gd-backtracking.yaml
    softmax-standardize-lbfgs-backtracking.yaml huber-none-gd-constant.yaml poisson-standardize-lbfgs-backtracking.yaml
    squared_hinge-none-lbfgs-backtracking.yaml)
threads=("1 2" "2 3") software=(linear-*.yaml poisson-*.yaml logistic-standardize-gd-constant.yaml)
if [ "$extent" = all ]; then
    some=("${configs[@]}") software=("${configs[@]}")
    threads=("1 2" "1 3" "2 2" "2 3" "3 2" "3 3" "5 2" "8 3")
fi

for case in "1 0 1" "2 0 1" "3 0 1" "4 0 1" "5 0 3" "6 1 3" "7 2 3" "8 0 1"; do
    read -r ranks first step <<<"$case"
    [ "$extent" != all ] || first=0 step=1
    part=()
    for ((i = first; i < ${#configs[@]}; i += step)); do part+=("${configs[i]}"); done
    mpi "$ranks" "$bits" "run-$ranks" "${part[@]}" >got.txt
    same "$ranks ranks" ${#part[@]}
done
for algorithm in 1 2 3 4 5 6; do
    mpi 4 --mca coll_tuned_use_dynamic_rules 1 --mca coll_tuned_allreduce_algorithm "$algorithm" \
        "$bits" "run-a$algorithm" "${some[@]}" >got.txt
    same "all-reduce algorithm $algorithm" ${#some[@]}
done
for isa in "${isas[@]}"; do
    THALWEG_ISA=$isa mpi 3 "$bits" "run-$isa" parallel.threads=2 "${configs[@]}" >got.txt 2>isa.log
    same "instruction set $isa" ${#configs[@]}
done

# ---- threads, which are seen at work; a program without OpenMP has one ----
"$thalweg" train large.yaml -q --out counted --set parallel.threads=2 >log.txt
built=$(sed -n 's/.*"threads": *\([0-9]*\).*/\1/p' counted/summary.json)
at_work() { # EXPECTED... of rank 0, 1, ...: from log.txt
    local rank=0 n
    [ "$built" = 2 ] || return 0
    for n in "$@"; do
        grep -qx "rank $rank: $n threads" log.txt || { echo "rank $rank has not $n threads: $(cat log.txt)"; exit 1; }
        rank=$((rank + 1))
    done
}
[ "$built" = 2 ] || echo "not run: threads (the program was built without OpenMP)"
for case in "${threads[@]}"; do
    read -r ranks n <<<"$case"
    BITS_THREADS=1 mpi "$ranks" "$bits" "run-$ranks-$n" parallel.threads="$n" large.yaml "${configs[@]}" >got.txt 2>log.txt
    same "$ranks ranks with $n threads each" $((${#configs[@]} + 1))
    for rank in $(seq 1 "$ranks"); do wanted[rank]=$n; done
    at_work "${wanted[@]:1:ranks}"
done
export BITS_THREADS=1
mpi 1 env THALWEG_ISA=baseline OMP_NUM_THREADS=3 "$bits" run-mixed large.yaml "${configs[@]}" : \
    -n 1 env THALWEG_ISA=avx2 OMP_NUM_THREADS=1 "$bits" run-mixed large.yaml "${configs[@]}" : \
    -n 1 env THALWEG_ISA=avx512 OMP_NUM_THREADS=2 "$bits" run-mixed large.yaml "${configs[@]}" >got.txt 2>log.txt
unset BITS_THREADS
same "mixed instruction sets and numbers of threads in one job" $((${#configs[@]} + 1))
at_work 3 1 2

# ---- fma in software: for machines without the instruction, and a hundred times slower ----
tunables=glibc.cpu.hwcaps=-FMA,-FMA4,-FMA_Usable,-FMA4_Usable
if [ "$("$bits" fma)" = "$(GLIBC_TUNABLES=$tunables "$bits" fma)" ]; then
    echo "not run: fma in software (the C library has one fma only, or none of these tunables)"
else
    GLIBC_TUNABLES=$tunables THALWEG_ISA=baseline mpi 2 "$bits" run-software "${software[@]}" >got.txt
    same "fma in software" ${#software[@]}
fi

# ---- negative controls: another number of groups is another sum ----
for groups in 16 1024; do
    mpi 2 "$bits" "run-g$groups" reduction.groups=$groups "${some[@]}" >got.txt
    if grep -F -x -f got.txt expected.txt; then echo "reduction.groups=$groups does nothing"; exit 1; fi
done

# Groups of several blocks (2003 and 1002 rows are 8 and 4 of them): the binary counter against the oracle's recursion.
name=logistic-standardize-lbfgs-backtracking.yaml
for groups in 1 2; do
    want=$(timeout 60 "$oracle" logistic.h5 model=logistic scaling=standardize optimizer=lbfgs step=backtracking length=1 \
        l2=0.01 iterations=$iterations groups=$groups | grep -o 'xxh3:.*')
    mpi 2 "$bits" "run-b$groups" reduction.groups=$groups parallel.threads=$groups "$name" >got.txt
    [ "$(cat got.txt)" = "$name $want" ] || { echo "$groups groups: $(cat got.txt), the oracle says $want"; exit 1; }
    echo "same bits: $groups groups of several blocks"
done

# Negative control: a plain all-reduce gives other bits on other rank counts, or this test would prove nothing.
for ranks in 3 4; do
    mpi "$ranks" "$bits" "plain-$ranks" reduction.mode=allreduce "${some[@]}" >"plain-$ranks.txt"
done
if diff -q plain-3.txt plain-4.txt >/dev/null; then echo "plain all-reduce gave equal bits on 3 and 4 ranks"; exit 1; fi
echo "plain all-reduce: $(diff plain-3.txt plain-4.txt | grep -c '^<') of ${#some[@]} runs differ between 3 and 4 ranks"
