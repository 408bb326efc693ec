#!/usr/bin/env bash
# Peak memory of a rank: at most 1.1 x (its features as stored + 16 bytes a row) + what the method needs (docs/running.md, "Memory")
# + 64 MiB, for full-batch, second-order, mini-batch and watched runs on two ranks. Of one rank whose threads fetch their rows
# straight from the file: at most its features and 16 bytes a row more than the same run on 64 rows, + 4 MiB.
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
data() { # file, rows
    { idx "$2" "$features"; head -c $(($2 * features)) /dev/urandom; } >x.idx
    { idx "$2"; head -c "$2" /dev/urandom | LC_ALL=C tr '\000-\177' '\000' | LC_ALL=C tr '\200-\377' '\001'; } >y.idx
    "$thalweg" convert x.idx y.idx -o "$1" </dev/null >convert.log
    rm x.idx y.idx
}
data data.h5 "$rows"
data few.h5 64

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

# One rank; what it needs beside its rows is the peak on few of them.
alone() { # data, threads
    rm -rf alone peak.0
    timeout 300 mpirun --oversubscribe --bind-to none -n 1 "$peak" peak "$thalweg" train gd.yaml --set data.train="$1" \
        --set parallel.threads="$2" --out alone -q </dev/null >alone.log 2>&1 || complain "$1, $2 threads: $(cat alone.log)"
    most=$(cat peak.0)
}
"$thalweg" inspect data.h5 </dev/null >inspect.txt
grep -q '/X .* u8; contiguous' inspect.txt || complain "the rows cannot be fetched straight from the file: $(grep /X inspect.txt)"
stored=$((rows * features / 1024))
for threads in 1 2 4; do
    alone few.h5 "$threads"
    base=$most
    alone data.h5 "$threads"
    limit=$((base + stored + rows * 16 / 1024 + 4096))
    awk -v t="$threads" -v most="$most" -v base="$base" -v stored="$stored" -v limit="$limit" 'BEGIN {
        printf "%d thread%s   peak %7.1f MiB, limit %7.1f MiB: on few rows %.1f MiB, features as stored %.1f MiB\n",
            t, (t > 1) ? "s" : " ", most / 1024, limit / 1024, base / 1024, stored / 1024 }'
    [ "$most" -le "$limit" ] || complain "$threads threads: $most KiB are more than $limit KiB"
    [ "$most" -ge $((base + stored)) ] || complain "$threads threads: $most KiB cannot hold the rows: this measures nothing"
done
[ $failures = 0 ]
