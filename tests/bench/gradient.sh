#!/usr/bin/env bash
# Seconds per full-batch logistic gradient, thalweg against mpi4py + numpy on the same file, in turn, medians of five; also the
# peak memory of a rank and the speed of reading. Prints one table; passes no judgement.
#
#   tests/bench/gradient.sh [THALWEG] [ROWS] [FEATURES] [RANKS]      needs python3-mpi4py, python3-h5py, python3-numpy
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
thalweg=${1:-$root/build/release/thalweg} rows=${2:-500000} features=${3:-256} ranks=${4:-2}
# shellcheck source=launch/env.sh
. "$root/launch/env.sh"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
export OPENBLAS_NUM_THREADS=1
mpi() { timeout 600 mpirun --oversubscribe -n "$ranks" "$@" </dev/null; }
median() { sort -g | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'; }

mpi "$thalweg" generate -o data.h5 --task logistic --rows "$rows" --features "$features" --type f32 --seed 1 >/dev/null
cat >bench.yaml <<YAML
data: {train: data.h5}
model: {type: logistic}
optimizer: {type: gd}
step: {rule: constant, length: 0.1}
stop: {gradient_norm: 0, max_iterations: 20}
reduction: {mode: reproducible}
YAML
: >thalweg.txt
: >numpy.txt
for turn in 1 2 3 4 5; do
    mpi "$thalweg" train bench.yaml --out "run-$turn" -q
    # the time between the second row of the log and the last, over the iterations between them
    awk -F'"seconds":' '{ split($2, a, ","); t[NR] = a[1] } END { printf "%.6f\n", (t[NR] - t[2]) / (NR - 2) }' \
        "run-$turn/metrics.jsonl" >>thalweg.txt
    mpi /usr/bin/python3 "$root/tests/bench/gradient_numpy.py" data.h5 20 | cut -d' ' -f1 >>numpy.txt
done
a=$(median <thalweg.txt) b=$(median <numpy.txt)
bytes=$((rows * features * 4))
printf '%d x %d f32, %d ranks, medians of 5 in turn\n' "$rows" "$features" "$ranks"
awk -v a="$a" -v b="$b" -v n="$bytes" 'BEGIN {
    printf "  thalweg          %8.1f ms a gradient  %6.1f GB/s\n", 1e3 * a, n / a / 1e9
    printf "  mpi4py + numpy   %8.1f ms a gradient  %6.1f GB/s\n", 1e3 * b, n / b / 1e9
    printf "  thalweg is %.2f times as fast\n", b / a }'

# Memory of one rank that holds everything, and reading against read(2) of the same bytes from a warm cache.
/usr/bin/env time -f %M -o memory.txt "$thalweg" train bench.yaml --out one --set stop.max_iterations=3 -q </dev/null
/usr/bin/env time -f %M -o base.txt "$thalweg" train bench.yaml --dry-run -q </dev/null
printf '  peak memory of 1 rank %d MiB; X as stored + 16 bytes a row is %d MiB; %d MiB without any data\n' \
    $(($(cat memory.txt) / 1024)) $(((bytes + 16 * rows) >> 20)) $(($(cat base.txt) / 1024))
read_seconds=$(sed -n '/"read": {/,/}/s/.*"max": \([0-9.e-]*\).*/\1/p' one/summary.json)
cat >read.py <<'PY'
import os, sys, time
best = 1e9
for _ in range(3):
    fd, start, left = os.open("data.h5", os.O_RDONLY), time.perf_counter(), bytearray(int(sys.argv[1]))
    view, at = memoryview(left), 0
    while at < len(left):
        at += os.readv(fd, [view[at : at + (4 << 20)]])
    best = min(best, time.perf_counter() - start)
    os.close(fd)
print(best)
PY
plain=$(/usr/bin/python3 read.py "$bytes")
awk -v t="$read_seconds" -v p="$plain" -v n="$bytes" 'BEGIN {
    printf "  reading %.2f GB/s, plain read(2) into fresh memory %.2f GB/s: fraction %.2f\n", n / t / 1e9, n / p / 1e9, p / t }'
