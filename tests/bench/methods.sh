#!/usr/bin/env bash
# Seconds to the optimum, thalweg against the solvers of scikit-learn: the same data, the same two cores, reading left out on
# both sides. Prints one Markdown table; passes no judgement, keeps nothing.
#
#   tests/bench/methods.sh [--thalweg PROGRAM] [--output FILE] [options of methods.py]
#
#   --small           rows / 50, one turn, 3 s, fewer tolerances: two minutes on an idle machine, to see that everything runs
#   --problems LIST   of logistic-f64,logistic-f32,softmax,ridge (default: all)
#   --limit SECONDS   longest fit that is waited for (300)
#   --repeat N        medians of N (3)
#   --skip LIST       methods left out by their names in the table, "saga" or "lbfgs + wolfe"
#
# Needs python3-sklearn, python3-h5py, python3-threadpoolctl, the package dataset-fashion-mnist (or FASHION_MNIST=folder), about
# 3 GB of disk and 8 GB of memory at full size, and a fast BLAS beneath numpy (libopenblas0-pthread): with the reference BLAS
# scikit-learn would be measured at a fraction of its speed, so that full sizes are then refused.
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
thalweg=$root/build/release/thalweg output='' rest=()
while [ $# -gt 0 ]; do
    case $1 in
    --thalweg) thalweg=$2 && shift ;;
    --output) output=$2 && shift ;;
    -h | --help) sed -n '2,/^set/{s/^# \{0,1\}//;/^set/!p}' "$0" && exit 0 ;;
    *) rest+=("$1") ;;
    esac
    shift
done
# shellcheck source=launch/env.sh
. "$root/launch/env.sh"
thalweg=$(realpath -e -- "$thalweg")
[ -z "$output" ] || output=$(realpath -- "$output")
work=$(mktemp -d)
trap 'rm -rf -- "$work"' EXIT
cd -- "$work"
export OMP_NUM_THREADS=2 OPENBLAS_NUM_THREADS=2 MKL_NUM_THREADS=2 BLIS_NUM_THREADS=2
/usr/bin/python3 "$root/tests/bench/methods.py" "$thalweg" "${rest[@]}" >table.md </dev/null
if [ -n "$output" ]; then cp -- table.md "$output"; else cat table.md; fi
