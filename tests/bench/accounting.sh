#!/usr/bin/env bash
# What the accounting costs: seconds an iteration (the lower quartile of 1000) with it and without, in turns, on the same
# rows and ranks.
#
#   tests/bench/accounting.sh [THALWEG] [RANKS] [PAIRS]     default build/release/thalweg, 2 ranks, 21 pairs
#
# The rows are so few that a step takes one to two milliseconds, where barriers weigh most. On a machine with as many
# idle cores as ranks the median of the ratios stays below 1.01.
set -euo pipefail
cd "$(dirname "$0")/../.."
# shellcheck source=launch/env.sh
. launch/env.sh
thalweg=${1:-build/release/thalweg} ranks=${2:-2} pairs=${3:-21}
work=$(mktemp -d)
trap 'rm -rf -- "$work"' EXIT

"$thalweg" generate -o "$work/rows.h5" --task logistic --rows 50000 --features 28 --type f32 --seed 1 </dev/null >/dev/null
cat >"$work/rows.yaml" <<YAML
version: 1
data.train: $work/rows.h5
model: {type: logistic, l2: 1e-6}
optimizer.type: gd
step: {rule: constant, length: 0.01}
stop: {max_iterations: 1000, gradient_norm_relative: null}
checkpoint.every: never
YAML

once() { # true|false: seconds an iteration
    rm -rf "$work/run"
    timeout 120 mpirun -n "$ranks" "$thalweg" train "$work/rows.yaml" -q --set output.accounting="$1" --out "$work/run" </dev/null
    sed -n '/"iteration_seconds"/,/}/s/.*"low": \([0-9.e-]*\).*/\1/p' "$work/run/summary.json"
}

for ((i = 0; i < pairs; i++)); do
    if [ $((i % 2)) = 0 ]; then with=$(once true) without=$(once false); else without=$(once false) with=$(once true); fi
    awk -v a="$with" -v b="$without" 'BEGIN { printf "%.6f s with, %.6f s without, ratio %.4f\n", a, b, a / b }' | tee -a "$work/pairs"
done
awk '{ print $NF }' "$work/pairs" | sort -n | awk '{ v[NR] = $1 } END { printf "median ratio %.4f of %d pairs (%.4f to %.4f)\n", v[int((NR + 1) / 2)], NR, v[1], v[NR] }'
