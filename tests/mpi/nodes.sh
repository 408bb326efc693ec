#!/usr/bin/env bash
# Ranks on several nodes, rehearsed on one machine by THALWEG_NODES: their numbers, what they send, the tree of sums, and
# one hash of the parameters whatever the number of ranks, of nodes, their order, and the form of the exchange.
#
#   nodes.sh THALWEG SOURCE_DIR BITS TOPOLOGY REDUCTION [all]
#
# `all`: every number of ranks from 1 to 8 on every number of nodes.
set -euo pipefail
thalweg=$1 source_dir=$2 bits=$3 topology=$4 reduction=$5 all=${6-}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
mpi() { timeout 120 mpirun --oversubscribe -n "$@" </dev/null; }

# suite RANKS NODES PROGRAM
suite() {
    THALWEG_NODES=$2 mpi "$1" "$3" >suite.txt 2>&1 || { echo "$3 on $1 ranks, $2 nodes:"; cat suite.txt; exit 1; }
}
numbered=("1 2" "3 2c" "4 2c" "5 3" "6 3c") summed=("6 3c" "5 2") trained=("3 2" "4 2" "4 2c" "6 3c" "7 3")
if [ "$all" = all ]; then
    numbered=() summed=("4 2" "4 2c" "5 2" "6 3c" "7 3" "8 4") trained=()
    for ranks in 1 2 3 4 5 6 7 8; do
        for nodes in 1 2 2c 3 3c 4 4c 9; do numbered+=("$ranks $nodes"); done
        for nodes in 1 2 3 4 2c 3c; do [ "${nodes%c}" -gt "$ranks" ] || trained+=("$ranks $nodes"); done
    done
fi

for case in "${numbered[@]}"; do suite "${case% *}" "${case#* }" "$topology"; done
echo "ranks are numbered node by node, and send what they should, in ${#numbered[@]} layouts"
for case in "${summed[@]}"; do suite "${case% *}" "${case#* }" "$reduction"; done
echo "sums in two stages are the one expression in ${#summed[@]} layouts"

# The hashes of the oracle, as in bits.sh.
"$thalweg" generate -o logistic.h5 --task logistic --rows 2003 --features 37 --seed 6 --type f32 >gen.log
cp "$source_dir/configs/data/digits-train.h5" softmax.h5
configs=()
for model in logistic softmax; do
    name=$model-standardize-lbfgs-backtracking.yaml
    cat >"$name" <<YAML
data: {train: $model.h5, scaling: standardize}
model: {type: $model, l2: 0.01}
optimizer: {type: lbfgs}
step: {rule: backtracking, length: 1, tau: 7}
stop: {gradient_norm: 0, max_iterations: 12, divergence_factor: 1e300}
reduction: {mode: reproducible}
YAML
    configs+=("$name")
    grep "^$name " "$source_dir/tests/mpi/golden.txt" >>expected.txt
done
runs=0
for case in "${trained[@]}"; do
    read -r ranks nodes <<<"$case"
    for short in 1 1000000000; do
        runs=$((runs + 1))
        THALWEG_NODES=$nodes BITS_SHORT_BYTES=$short mpi "$ranks" "$bits" "run-$runs" "${configs[@]}" >got.txt
        diff expected.txt got.txt >diff.txt || {
            echo "bits differ from the oracle: $ranks ranks, $nodes nodes, short to $short bytes"
            cat diff.txt
            exit 1
        }
        rm -rf "run-$runs"
    done
done
echo "same bits in $runs runs"

# Negative control: sums that are not merged by the tree differ.
THALWEG_NODES=2 mpi 3 "$bits" run-plain reduction.mode=allreduce "${configs[@]}" >got.txt
if diff -q expected.txt got.txt >/dev/null; then echo "plain all-reduce gives the same bits: this proves nothing"; exit 1; fi

# No number of nodes.
for text in 0 2x; do
    code=0
    THALWEG_NODES=$text mpi 2 "$thalweg" train "${configs[0]}" --out refused >refused.txt 2>&1 || code=$?
    if [ "$code" != 64 ] || [ "$(grep -c 'thalweg: error: THALWEG_NODES must be' refused.txt)" != 1 ]; then
        echo "THALWEG_NODES=$text: exit $code, $(cat refused.txt)"
        exit 1
    fi
done
