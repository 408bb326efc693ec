#!/usr/bin/env bash
# What a checkpoint costs: (a) of the worked examples, seconds for one and the share of the run time at the default interval of
# 5 minutes; (b) of lbfgs(10) with 10^6 parameters (184 MiB), against a plain write and fsync of the same bytes into the same
# folder, in turns, medians. A ratio above 3 ends it with code 1: measure on a machine that does nothing else. A minute.
#
#   tests/bench/checkpoint.sh [FOLDER [THALWEG [REPETITIONS]]]      needs python3; FOLDER: where the checkpoints are to lie
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
folder=$(realpath -e -- "${1:-${TMPDIR:-/tmp}}") thalweg=$(realpath -e -- "${2:-$root/build/release/thalweg}") repetitions=${3:-5}
# shellcheck source=launch/env.sh
. "$root/launch/env.sh"
work=$(mktemp -d -- "$folder/checkpoint.XXXXXX")
trap 'rm -rf -- "$work"' EXIT
cd -- "$work"
ln -s "$root/configs" configs
train() {
    rm -rf run
    timeout 600 "$thalweg" train "$@" --out run -q </dev/null 2>train.err
}
each() { # seconds for one checkpoint
    awk -F '[:,]' '/"checkpoints"/ { on = 1 } on && /"written"/ { n = $2 } on && /"seconds"/ { print n ? $2 / n : "none"; exit }' run/summary.json
}
median() { sort -g | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'; }

printf '%-28s %10s %10s %16s\n' example KiB seconds 'of 5 minutes, %'
for config in configs/*.yaml; do
    limit=iterations
    ! grep -q '^ *batch: [1-9]' "$config" || limit=epochs
    train "$config" --set checkpoint.every=5 --set stop.max_$limit=100 || true # one of them is to diverge
    [ -e run/summary.json ] || continue # its data is not bundled
    took=$(each)
    [ "${took:-none}" != none ] || continue # over before the fifth iteration
    size=$(find run/checkpoints -name '*.h5' -printf '%s\n' | head -n 1)
    awk -v c="${config#configs/}" -v s="$size" -v t="$took" 'BEGIN { printf "%-28s %10.1f %10.4f %16.4f\n", c, s / 1024, t, t / 3 }'
done

"$thalweg" generate -o wide.h5 --task linear --rows 20 --features 1000000 --seed 3 </dev/null >generate.log
cat >wide.yaml <<'YAML'
data.train: wide.h5
model: {type: linear, l2: 0.1}
optimizer.type: lbfgs
stop: {gradient_norm: 0, max_iterations: 3}
reduction.mode: reproducible
checkpoint: {every: 1, keep: 1}
YAML
cat >plain.py <<'PY'
import os, sys, time
data = open(sys.argv[1], "rb").read()
began = time.monotonic()
out = os.open(sys.argv[2], os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644)
rest = memoryview(data)
while rest:
    rest = rest[os.write(out, rest):]
os.fsync(out)
os.close(out)
print(time.monotonic() - began)
os.unlink(sys.argv[2])
PY
for ((i = 0; i < repetitions; i++)); do
    train wide.yaml || { cat train.err; exit 1; }
    each >>ours.txt
    for _ in 1 2 3; do python3 plain.py run/checkpoints/*.h5 plain.tmp >>plain.txt; done
done
ours=$(median <ours.txt) plain=$(median <plain.txt)
size=$(find run/checkpoints -name '*.h5' -printf '%s\n')
awk -v o="$ours" -v p="$plain" -v s="$size" 'BEGIN {
    printf "\n10^6 parameters, lbfgs(10): %.1f MiB; a checkpoint %.3f s, written plainly and synced %.3f s: %.2f times; %.2f %% of 5 minutes\n",
        s / 1048576, o, p, o / p, o / 3
    exit o > 3 * p }'
