#!/usr/bin/env bash
# Peak memory of a rank: at most 1.1 x (its features as stored + 16 bytes a row) + what the method needs (docs/running.md, "Memory")
# + 64 MiB, for full-batch, second-order, mini-batch and watched runs on two ranks.
#
#   memory.sh THALWEG SOURCE_DIR PEAK [ROWS [FEATURES]]
set -euo pipefail
thalweg=$1 peak=$3 rows=${4:-1000000} features=${5:-100}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
failures=0
complain() { echo "FAILED: $*"; failures=$((failures + 1)); }

# Bytes as features: an IDX file of anything, and labels 0 and 1.
idx() { # type, sizes: the header
    printf '%b' "\\0\\0\\x08\\x0$#"
    for n in "$@"; do printf '%b' "$(printf '\\x%02x\\x%02x\\x%02x\\x%02x' $((n >> 24 & 255)) $((n >> 16 & 255)) $((n >> 8 & 255)) $((n & 255)))"; done
}
{ idx "$rows" "$features"; head -c $((rows * features)) /dev/urandom; } >x.idx
{ idx "$rows"; head -c "$rows" /dev/urandom | LC_ALL=C tr '\000-\177' '\000' | LC_ALL=C tr '\200-\377' '\001'; } >y.idx
"$thalweg" convert x.idx y.idx -o data.h5 </dev/null >convert.log
rm x.idx y.idx

n=$((features + 1))
measure() { # name, bytes the method needs of a rank beside vectors of n doubles, such vectors, lines of the configuration
    local limit most
    printf 'data: {train: data.h5, scaling: %s}\n' "$([ "$1" = minmax ] && echo minmax || echo standardize)" >"$1.yaml"
    printf '%s\n' "${@:4}" >>"$1.yaml"
    timeout 300 mpirun --oversubscribe -n 2 "$peak" peak "$thalweg" train "$1.yaml" --out "$1" -q </dev/null >"$1.log" 2>&1 ||
        complain "$1: $(cat "$1.log")"
    most=$(sort -n peak.0 peak.1 | tail -n 1)
    limit=$(awk -v r=$((rows / 2 + 2048)) -v p="$features" -v own="$2" -v n=$((n * $3)) \
        'BEGIN { printf "%d", (1.1 * r * (p + 16) + own + 8 * n) / 1024 + 65536 }')
    printf '%-12s peak %7.1f MiB, limit %7.1f MiB, rows as stored %7.1f MiB\n' "$1" "$(awk "BEGIN { print $most / 1024 }")" \
        "$(awk "BEGIN { print $limit / 1024 }")" "$(awk "BEGIN { print $rows / 2 * ($features + 16) / 1048576 }")"
    [ "$most" -le "$limit" ] || complain "$1: $most KiB are more than $limit KiB"
}
half=$((rows / 2 + 2048))
logistic='model: {type: logistic, l2: 1e-3}'
few='stop.max_iterations: 3'
measure gd 0 200 "$logistic" 'optimizer.type: gd' 'step.rule: constant' "$few"
measure lbfgs $((half * 16)) 250 "$logistic" 'optimizer.type: lbfgs' "$few"                   # margins, 2 a row
measure newton_cg $((half * 16)) 250 "$logistic" 'optimizer.type: newton_cg' "$few"           # the same
measure batches $((half * 8 + 256 * features)) 200 "$logistic" 'optimizer: {type: adam, batch: 10000}' 'step: {rule: constant, length: 1e-3}' 'stop.max_epochs: 1'
measure validation $((half * 36)) 200 "$logistic" 'data.validation.fraction: 0.2' 'optimizer.type: gd' 'step.rule: constant' "$few" # 2 a row, 4 bytes, margins
measure minmax $((half * 16)) 250 "$logistic" "$few"
[ $failures = 0 ]
