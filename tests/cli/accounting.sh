#!/usr/bin/env bash
# accounting.sh THALWEG SOURCE_DIR COUNT_BYTES: where the time goes and how much is sent. The clocks of every rank add up
# to its wall time; a delay that is rehearsed lands on the clock of its phase, and the others wait for it; the bytes are
# those that a library which stands before MPI has counted.
set -euo pipefail

thalweg=$1 count=$3 work=$(mktemp -d)
trap 'rm -rf -- "$work"' EXIT
cd "$2"
failed=0
steps=(--set stop.max_iterations=40)

# train RANKS FOLDER [ARGUMENT...]: `digits`, 40 iterations
train() {
    timeout 60 mpirun -n "$1" -x THALWEG_FAULT -x LD_PRELOAD="${preload:-}" -x COUNT_BYTES="$work/count" "$thalweg" train \
        configs/digits-softmax.yaml --progress none --set stop.gradient_norm_relative=null "${steps[@]}" \
        --set checkpoint.every=10 --out "$work/$2" "${@:3}" </dev/null >"$work/out" 2>"$work/err" ||
        { cat "$work/out" "$work/err"; echo "FAILED: $2"; exit 1; }
}

# figure FOLDER RANK WORD: of the account of that rank; no JSON reader is needed for the order thalweg writes
figure() {
    awk -v rank="$2" -v word="\"$3\":" '
        /"accounts":/ { on = 1 }
        on && $1 == "\"rank\":" { at = $2 + 0 }
        on && $1 == "\"loop\":" { inside = 1 }
        on && /}/ { inside = 0 }
        on && at == rank && !inside && $1 == word { gsub(",", "", $2); values[rank] = $2 }
        on && $1 == "]," { on = 0 }
        END { print values[rank] }' "$work/$1/summary.json"
}

is() { # TEXT CONDITION (awk)
    if awk "BEGIN { exit !($2) }"; then echo "ok      $1: $2"; else echo "FAILED  $1: $2"; failed=$((failed + 1)); fi
}

# ---- the clocks add up, and the run as a whole takes as long as they say ----
for ranks in 1 2 4; do
    train "$ranks" "sum-$ranks"
    for ((r = 0; r < ranks; r++)); do
        sum=0
        for clock in read compute wait wire checkpoint other; do sum="$sum+$(figure "sum-$ranks" "$r" $clock)"; done
        wall=$(figure "sum-$ranks" "$r" seconds)
        is "rank $r of $ranks, the clocks against the wall time" "($sum) > 0.99 * $wall && ($sum) < 1.01 * $wall && $wall > 0.001"
    done
done
began=$(date +%s%N)
THALWEG_FAULT='rank=0,phase=step,iteration=3,kind=sleep=3000' train 2 whole
took=$((($(date +%s%N) - began) / 1000000))
is "a long run, as seen from outside (start and end of MPI left out)" "1000 * $(figure whole 0 seconds) > $took - 2500 && 1000 * $(figure whole 0 seconds) <= $took"

# ---- a delay lands where it belongs ----
delay() { # RANK PHASE CLOCK [ITERATION]
    local other=$((1 - $1))
    THALWEG_FAULT="rank=$1,phase=$2,${4:+iteration=$4,}kind=sleep=400" train 2 "delay-$2"
    is "400 ms in $2 of rank $1: its $3" "$(figure "delay-$2" "$1" "$3") > 0.36 && $(figure "delay-$2" "$other" "$3") < 0.36"
    is "400 ms in $2 of rank $1: the other waits" "$(figure "delay-$2" $other wait) > 0.36"
}
delay 1 load read
delay 1 step compute 20
delay 0 search compute 20
delay 0 checkpoint checkpoint 20
delay 0 log other 20
grep -q '"slowest": {' "$work/delay-step/summary.json" || { echo "FAILED  no slowest rank"; failed=$((failed + 1)); }

# ---- the bytes ----
bytes() { # NAME RANKS [ARGUMENT...]
    local name=$1 ranks=$2 r counted
    preload=$count train "$ranks" "$name" "${@:3}"
    for ((r = 0; r < ranks; r++)); do
        read -r _ counted _ <"$work/count.$r"
        is "$name: bytes of rank $r of $ranks" "$(figure "$name" "$r" bytes_sent) == $counted && $counted > 1000"
    done
    rm -f "$work"/count.*
}
bytes reproducible 2 --set reduction.mode=reproducible
bytes three 3 --set reduction.mode=reproducible
bytes allreduce 2 --set reduction.mode=allreduce
bytes validation 2 --set data.validation.fraction=0.2
bytes idle 4 --set reduction.groups=2 --set reduction.mode=reproducible
bytes quiet 2 --set output.accounting=false
is "without barriers the exchanges are on the clock wire" "$(figure quiet 1 wire) > 0"
steps=()
bytes batches 3 --set optimizer.type=adam --set step.rule=constant --set optimizer.batch=64 --set stop.max_epochs=3

[ "$failed" = 0 ] || echo "$failed failed"
[ "$failed" = 0 ]
