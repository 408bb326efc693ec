#!/usr/bin/env bash
# A rank that is stopped (SIGSTOP) while it loads, trains or evaluates ends the run with exit code 80, one sentence that
# names it, and no process left; one that is stopped for less than the limit, or is slow but moves, ends nothing.
#
#   watchdog.sh THALWEG SOURCE_DIR SLOW_READ [all]   `all`: every rank of 2 and 3 in every phase
#
# The promise is limit + 10 s; a busy machine is given 20 s more.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=../cli/common.sh
. "$(dirname -- "$0")/../cli/common.sh"
slow_read=$3 extent=${4:-quick}
cp "$thalweg" "$work/watched" # a name of its own: its processes can be told from those of others
program=$work/watched
export ASAN_OPTIONS=${ASAN_OPTIONS:-}:verify_asan_link_order=0

timeout 60 "$program" generate -o data.h5 --task logistic --rows 200000 --features 40 </dev/null >/dev/null
cat >c.yaml <<YAML
data: {train: data.h5}
model: {type: logistic, l2: 0.01}
optimizer: {type: gd}
step: {rule: constant, length: 1e-4}
checkpoint: {every: 10}
stop: {gradient_norm: 0, gradient_norm_relative: 0, loss_delta: 0, loss_delta_relative: 0, max_iterations: 1000000}
YAML

now() { date +%s%N; }
seconds() { awk -v a="$1" -v b="$2" 'BEGIN { print (b - a) / 1e9 }'; }
rank_of() { tr '\0' '\n' 2>/dev/null <"/proc/$1/environ" | sed -n 's/^OMPI_COMM_WORLD_RANK=//p'; }

# pid_of RUN RANK: the process of that rank, in $pid
pid_of() {
    local candidate
    pid=
    for candidate in $(pgrep -f "^$program train c.yaml --out $1 " || true); do
        [ "$(rank_of "$candidate")" != "$2" ] || pid=$candidate
    done
}

# await FILE PATTERN: until FILE says so
await() {
    local i
    for ((i = 0; i < 600; i++)); do
        ! grep -qE "$2" "$1" 2>/dev/null || return 0
        sleep 0.05
    done
    complain "$1 never says $2"
}

# launch RUN RANKS LIMIT ARGUMENTS...: in the background; RUN.code is there when it has ended
launch() {
    local run=$1 ranks=$2 limit=$3 code=0
    shift 3
    timeout 120 mpirun --oversubscribe -n "$ranks" "${shim[@]}" "$program" train c.yaml --out "$run" --watchdog "$limit" \
        --progress none "$@" </dev/null >"$run.log" 2>"$run.err" || code=$?
    echo "$code" >"$run.code.part"
    mv "$run.code.part" "$run.code"
}

# stopped RUN RANKS RANK PHASE: the rank is stopped in that phase and never continued
stopped() {
    local run=$1 ranks=$2 rank=$3 phase=$4 limit=3 pid began took shim=()
    [ "$phase" != load ] || shim=(-x LD_PRELOAD="$slow_read" -x SLOW_READ_MS=1200)
    launch "$run" "$ranks" "$limit" &
    if [ "$phase" = load ]; then
        await "$run/heartbeat" "^ *$rank .* load "
    else
        await "$run/status" 'checkpoint=iteration'
    fi
    pid_of "$run" "$rank"
    [ -n "$pid" ] || { complain "$run: rank $rank is not there"; wait; return; }
    kill -STOP "$pid"
    began=$(now)
    wait
    took=$(seconds "$began" "$(now)")
    [ "$(cat "$run.code")" = 80 ] || complain "$run: exit code $(cat "$run.code"), not 80: $(cat "$run.err")"
    awk -v t="$took" -v l="$limit" 'BEGIN { exit !(t < l + 30) }' || complain "$run: it took $took s to end"
    [ "$(grep -c 'thalweg: error: ' "$run.err")" = 1 ] || complain "$run: not one error: $(cat "$run.err")"
    grep -q "^thalweg: error: rank $rank ($(hostname | cut -d. -f1 | cut -c1-16)) has not moved for .* no sign of life" "$run.err" ||
        complain "$run: rank $rank is not named: $(cat "$run.err")"
    [ "$(grep -c '^thalweg: warning: ' "$run.err")" -le 1 ] || complain "$run: more than one warning: $(cat "$run.err")"
    grep -q '^state=failed code=80 ' "$run/status" || complain "$run: status is $(cat "$run/status")"
    if [ "$phase" = load ]; then
        grep -q 'There is no checkpoint yet' "$run.err" || complain "$run: nothing about the checkpoint: $(cat "$run.err")"
    else
        grep -q 'The last checkpoint is iteration-0.*run the same command again' "$run.err" || complain "$run: no checkpoint named"
        grep -q ' checkpoint=iteration-0' "$run/status" || complain "$run: status has lost the checkpoint"
    fi
    pid_of "$run" "$rank"
    [ -z "$pid" ] || complain "$run: process $pid is left"
    echo "$run: ended $took s after the rank was stopped (limit $limit s)"
}

hash_of() { sed -n 's/^ *"parameters_hash": "\([^"]*\)".*/\1/p' "$1/summary.json"; }

# paused: a rank that is stopped for 0.6 of the limit; the run ends as one that was left alone
paused() {
    local pid shim=() more=(--set stop.max_iterations=200)
    launch alone 2 0 "${more[@]}" &
    launch paused 2 6 "${more[@]}" &
    await paused/status 'checkpoint=iteration'
    pid_of paused 1
    kill -STOP "$pid" && sleep 3.6 && kill -CONT "$pid"
    wait
    [ "$(cat alone.code) $(cat paused.code)" = "0 0" ] || complain "paused: $(cat alone.code) $(cat paused.code): $(cat paused.err)"
    [ -n "$(hash_of alone)" ] || complain "paused: no hash of the parameters"
    [ "$(hash_of alone)" = "$(hash_of paused)" ] || complain "paused: other parameters"
    ! grep -q 'thalweg: error' paused.err || complain "paused: $(cat paused.err)"
    [ ! -e paused/heartbeat ] || complain "paused: the heartbeat file is left"
}

# slow: rank 1 reads for longer than the limit, piece by piece; rank 0 waits for it
slow() {
    local shim=(-x LD_PRELOAD="$slow_read" -x SLOW_READ_MS=1500 -x SLOW_READ_RANK=1) began took
    began=$(now)
    launch slow 2 4 --set stop.max_iterations=3
    took=$(seconds "$began" "$(now)")
    [ "$(cat slow.code)" = 0 ] || complain "slow: $(cat slow.code): $(cat slow.err)"
    awk -v t="$took" 'BEGIN { exit !(t > 4) }' || complain "slow: it took only $took s: nothing was slow"
}

if [ "$extent" = all ]; then
    for ranks in 2 3; do
        for ((rank = 0; rank < ranks; rank++)); do
            for phase in load step; do stopped "$phase-$rank-of-$ranks" "$ranks" "$rank" "$phase"; done
        done
    done
    paused
    slow
else # at the same time: they mostly wait
    for part in "stopped load-0-of-2 2 0 load" "stopped step-1-of-3 3 1 step" paused slow; do
        (
            $part
            exit $((failures > 0))
        ) >"part-${part// /-}.txt" 2>&1 &
    done
    for job in $(jobs -p); do wait "$job" || failures=$((failures + 1)); done
    cat part-*.txt
fi
! pgrep -f "^$program " >/dev/null || complain "processes are left"
[ "$failures" = 0 ] || exit 1
