#!/usr/bin/env bash
# projection.sh THALWEG [ROWS] -- the formula of docs/scaling.md against this machine: a study on 1, 2, 3 and 4 ranks, and for
# each the measured seconds of an iteration, those of the formula, and their ratio. Nothing is asserted: on a machine with
# other work, or with fewer cores than ranks (marked *), the ratio tells about that.
set -euo pipefail
thalweg=$(realpath -- "$1") rows=${2:-400000}
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=launch/env.sh
. "$here/../../launch/env.sh"
work=$(mktemp -d)
trap 'rm -rf -- "$work"' EXIT
cd -- "$work"
timeout 120 "$thalweg" generate -o d.h5 --task logistic --rows "$rows" --features 50 --seed 1 </dev/null >/dev/null
cat >c.yaml <<'YAML'
data: {train: d.h5, scaling: standardize}
model: {type: logistic, l2: 1e-4}
optimizer: {type: gd}
step: {rule: constant, length: 0.5}
reduction: {mode: reproducible}
YAML
timeout 900 "$thalweg" scale run c.yaml --ranks 1,2,3,4 --repeat 3 --iterations 20 --out study --quiet </dev/null
timeout 60 "$thalweg" scale report study </dev/null
echo
awk -F, 'NR == 1 { print " ranks   measured s    formula s    formula / measured" }
    NR > 1 { printf "%5d%s %12.5g %12.5g %14.2f\n", $2, $4 ? "*" : " ", $5, $8, $8 / $5 }' study/scaling.csv
