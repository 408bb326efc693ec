#!/usr/bin/env bash
# One hash of the parameters on 1, 2, 3, 4, 7 and 8 ranks, with every instruction set and 1 to 3 threads, for each optimizer with a
# rule that suits it (each rule once at least) x model x scaling; with l1 where the method takes it, with mini-batches, and for a
# path with folds.
# The hashes are pinned in methods.txt, a line for each run; methods that the program does not list are left out.
#
#   methods.sh THALWEG SOURCE_DIR BITS          checks: all runs on 1 to 3 ranks, a third of them on 4, 7 and 8 and with each
#                                               instruction set, in each third every method
#   methods.sh THALWEG SOURCE_DIR BITS all      checks all runs of everything
#   methods.sh THALWEG SOURCE_DIR BITS pin      writes methods.txt anew: only for new methods, or a new version of the contract
set -euo pipefail
thalweg=$1 bits=$3 pins=$2/tests/mpi/methods.txt extent=${4-}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
export OMP_WAIT_POLICY=passive # there are more threads than cores
mpi() { timeout 200 mpirun --oversubscribe -n "$@" </dev/null; }
"$thalweg" help config markdown >names.md
known() { grep -q "^| \`optimizer.type\` | \`$1\`" names.md && grep -q "^| \`step.rule\` | \`$2\`" names.md; }

# Row counts divisible by nothing.
"$thalweg" generate -o linear.h5 --task linear --rows 997 --features 13 --condition 30 --seed 5 --type f64 >generate.log
"$thalweg" generate -o logistic.h5 --task logistic --rows 1103 --features 17 --seed 6 --type f32 >>generate.log
"$thalweg" generate -o softmax.h5 --task softmax --classes 3 --rows 905 --features 9 --seed 7 --type f32 >>generate.log

# optimizer, rule, settings of the step
methods="
gd wolfe
gd goldstein
gd barzilai_borwein
gd lipschitz
gd step length: 0.01, every: 2
momentum inverse length: 0.01, tau: 7
nesterov lipschitz
adagrad exponential length: 0.05
rmsprop cosine length: 0.01
adam constant length: 0.01
adamw inverse length: 0.01, tau: 3
lbfgs wolfe
lbfgs backtracking
newton backtracking
newton_cg trust_region
coordinate_descent backtracking
proximal_gradient lipschitz"
l1="
lbfgs wolfe
coordinate_descent backtracking
proximal_gradient lipschitz"
batches="
gd inverse length: 0.01, tau: 7
adam constant length: 0.01"

configs=()
# configure KIND METHODS MODEL SCALING PENALTY FURTHER LINES
configure() {
    local kind=$1 list=$2 model=$3 scaling=$4 penalty=$5 further=$6 name
    while read -r optimizer rule set; do
        { [ -n "$rule" ] && known "$optimizer" "$rule"; } || continue
        name=$optimizer-$rule-$model-$scaling$kind.yaml
        cat >"$name" <<YAML
data: {train: $model.h5, scaling: $scaling}
model: {type: $model, l2: 0.01$penalty}
step: {rule: $rule${set:+, $set}}
reduction: {mode: reproducible}
optimizer.type: $optimizer
stop.gradient_norm: 0
stop.divergence_factor: 1e300
$further
YAML
        configs+=("$name")
    done <<<"$list"
}
for model in linear logistic softmax; do
    for scaling in none standardize; do
        configure "" "$methods" $model $scaling "" "stop.max_iterations: 7"
        configure -l1 "$l1" $model $scaling ", l1: 0.02" "stop.max_iterations: 7"
    done
    if grep -q "^| .optimizer.preconditioner" names.md; then
        configure -gram "lbfgs wolfe" $model standardize "" $'optimizer.preconditioner: gram\nstop.max_iterations: 7'
    fi
    configure -batches "$batches" $model standardize "" $'optimizer.batch: 100\nstop.max_epochs: 3'
    configure -path "$l1" $model standardize ", l1: 0.02, folds: 3, path: {count: 3, min_ratio: 0.1}" "stop.max_iterations: 5"
done

mpi 1 "$bits" run-1 "${configs[@]}" | sort >expected.txt
[ "$(wc -l <expected.txt)" = ${#configs[@]} ] || { echo "$(wc -l <expected.txt) of ${#configs[@]} runs came to an end"; exit 1; }
if [ "$extent" = pin ]; then
    cp expected.txt "$pins"
    exit
fi
grep -Ff <(cut -d' ' -f1 expected.txt | sed 's/$/ /') "$pins" | sort >pinned.txt || true
diff pinned.txt expected.txt ||
    { echo "a run has other bits than in methods.txt, or is not there yet (methods.sh THALWEG SOURCE_DIR BITS pin)"; exit 1; }

third() { # 0, 1 or 2: every third run, in `some`
    some=()
    for ((i = $1; i < ${#configs[@]}; i += 3)); do some+=("${configs[i]}"); done
    [ "$extent" != all ] || some=("${configs[@]}")
    for method in $(printf '%s\n' "${configs[@]}" | cut -d- -f1,2 | sort -u); do
        [[ " ${some[*]}" == *" $method-"* ]] || { echo "$method is in no run of this third"; exit 1; }
    done
}
same() { # label: got.txt must hold the hashes of `some`
    printf '%s \n' "${some[@]}" | grep -Ff - expected.txt >wanted.txt
    [ "$(wc -l <wanted.txt)" = ${#some[@]} ] || { echo "$(wc -l <wanted.txt) of ${#some[@]} runs are known"; exit 1; }
    sort got.txt | diff wanted.txt - >diff.txt || { echo "bits differ: $1"; cat diff.txt; exit 1; }
    echo "same bits in ${#some[@]} runs: $1"
}
some=("${configs[@]}")
for ranks in 2 3; do
    mpi "$ranks" "$bits" "run-$ranks" "${some[@]}" >got.txt
    same "$ranks ranks"
done
for case in "4 0" "7 1" "8 2"; do
    read -r ranks part <<<"$case"
    third "$part"
    mpi "$ranks" "$bits" "run-$ranks" "${some[@]}" >got.txt
    same "$ranks ranks"
done
for case in "avx512 1 0" "avx2 2 1" "baseline 3 2"; do
    read -r isa threads part <<<"$case"
    third "$part"
    THALWEG_ISA=$isa mpi 2 "$bits" "run-$isa" parallel.threads="$threads" "${some[@]}" >got.txt 2>isa.log
    same "instruction set $isa, parallel.threads=$threads"
done

# Negative controls: a plain all-reduce gives other bits on other rank counts, and no two optimizers the same ones.
for ranks in 3 4; do
    mpi "$ranks" "$bits" "plain-$ranks" reduction.mode=allreduce "${some[@]}" | sort >"plain-$ranks.txt"
done
differ=$(comm -23 plain-3.txt plain-4.txt | wc -l)
[ "$differ" -gt 0 ] || { echo "plain all-reduce gave equal bits on 3 and 4 ranks"; exit 1; }
echo "plain all-reduce: $differ of ${#some[@]} runs differ between 3 and 4 ranks"
awk '{ split($1, part, "-") } ($2 in of) && of[$2] != part[1] { print of[$2] " and " $1 ": the same bits"; bad = 1 }
    { of[$2] = part[1] } END { exit bad }' expected.txt
