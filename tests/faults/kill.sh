#!/usr/bin/env bash
# SIGKILL at any moment costs at most one interval and no bits: runs of five kinds are killed (a rank, mpirun, or all), some of them
# while they write a checkpoint, and taken up on another number of ranks by the same command, up to three times.
#
#   kill.sh THALWEG SOURCE_DIR [TRIALS [SEED]]
set -euo pipefail
thalweg=$1 trials=${3:-8} seed=${4:-1}
RANDOM=$seed
work=$(mktemp -d)
tidy() {
    local pid
    for pid in $(pgrep -f -- "--out $work/" || true); do kill -KILL "$pid" 2>/dev/null || true; done
    rm -rf "$work"
}
trap tidy EXIT
cd "$work"
failures=0 kills=0 missed=0 commits=0 torn=0 slowest=0 lost_most=0 trial=0
complain() { echo "FAILED: trial $trial ($config; seed $seed): $*"; failures=$((failures + 1)); }
hash_of() { sed -n 's/^ *"parameters_hash": "\(.*\)",*$/\1/p' "$1/summary.json"; }
metrics_of() { sed 's/"seconds":[^,]*,//' "$1/metrics.jsonl"; }
now() { local t=${EPOCHREALTIME/[.,]/}; echo $((t / 1000)); } # milliseconds
every_of() { sed -n 's/^checkpoint: {every: \([0-9]*\),.*/\1/p' "$1.yaml"; }

{
    "$thalweg" generate -o linear.h5 --task linear --rows 3000 --features 20 --condition 1e5 --seed 5
    "$thalweg" generate -o logistic.h5 --task logistic --rows 2000 --features 30 --condition 1e4 --seed 6
    "$thalweg" generate -o softmax.h5 --task softmax --rows 1500 --features 12 --classes 5 --condition 100 --seed 7
    "$thalweg" generate -o sparse.h5 --task linear --rows 1000 --features 12 --condition 10 --seed 8
} </dev/null >generate.log
configure() { # name, data, model, optimizer, checkpoint.every, further lines
    printf 'data: {train: %s.h5%s}\nmodel: {%s}\noptimizer: {%s}\ncheckpoint: {every: %s, keep: 2}\nreduction: {mode: reproducible}\nseed: 4\n' \
        "$2" "$([ "$1" != batches ] || echo ', validation.fraction: 0.2')" "$3" "$4" "$5" >"$1.yaml"
    printf '%s\n' "${@:6}" >>"$1.yaml"
}
configure lbfgs linear 'type: linear, l2: 1e-8' 'type: lbfgs' 9 'stop: {gradient_norm: 0, max_iterations: 180}'
configure batches logistic 'type: logistic, l2: 1e-3' 'type: adam, batch: 50' 11 'step: {rule: constant, length: 0.01}' \
    'stop: {gradient_norm: 0, max_epochs: 12}'
configure folds sparse 'type: linear, l1: 1, path: {count: 6, min_ratio: 0.03}, folds: 2' 'type: proximal_gradient' 7 \
    'stop.gradient_norm_relative: 1e-4'
configure newton softmax 'type: softmax, l2: 1e-6' 'type: newton_cg' 2 'step.rule: trust_region' 'stop: {gradient_norm: 0, max_iterations: 24}'
configure gd softmax 'type: softmax, l2: 1e-3' 'type: gd' 5 'step.rule: backtracking' 'stop: {gradient_norm: 0, max_iterations: 150}'
configure commits logistic 'type: logistic, l2: 1e-3' 'type: lbfgs' 1 'stop: {gradient_norm: 0, max_iterations: 60}'
configs=(lbfgs batches folds newton gd commits)

start() { # ranks: leaves the process of `timeout` in $job
    setsid timeout -k 5 200 mpirun --oversubscribe -n "$1" "$thalweg" train "$config.yaml" --out "$work/$run" </dev/null >"$run.log" 2>"$run.err" &
    job=$!
}
launchers() { pgrep -P "$job" -x mpirun || true; }
ranks_of() { local m; for m in $(launchers); do pgrep -P "$m" || true; done; }
gone() { # all processes of the run, within the promised 5 seconds, and some more on a busy machine
    local began took
    began=$(now)
    while pgrep -f -- "--out $work/$run( |\$)" >/dev/null; do
        took=$(($(now) - began))
        [ $took -lt 60000 ] || { complain "processes are left a minute after the kill"; return 0; }
        sleep 0.05
    done
    took=$(($(now) - began))
    [ $took -le $slowest ] || slowest=$took
}
reference() {
    local began
    run=reference-$config
    [ ! -e "$run" ] || return 0
    began=$(now)
    start 2
    wait "$job" || { complain "the reference: exit code $?: $(cat "$run.err")"; exit 1; }
    echo $(($(now) - began)) >"$run.took"
    metrics_of "$run" >"$run.metrics"
}

checkpoints() { [ ! -d "$run/checkpoints" ] || find "$run/checkpoints" -name '*.h5'; }

# Updates that the newest checkpoint holds; epochs of a mini-batch run have $1 steps.
saved() {
    local newest
    newest=$(checkpoints | sort | tail -n 1)
    case $newest in
    '') echo 0 ;;
    *epoch-*) awk -F '[-.]' -v s="$1" '{ print $(NF - 3) * s + $(NF - 1) }' <<<"$newest" ;;
    *) awk -F '[-.]' '{ print $(NF - 1) + 0 }' <<<"$newest" ;;
    esac
}
check_loss() {
    local done_ steps lost
    [ "$config" != folds ] || return 0 # a path has no rows while it runs
    [ -e "$run/metrics.jsonl" ] || return 0
    steps=$(sed -n 's/^  batches .* \([0-9]*\) steps an epoch.*/\1/p' "reference-$config.log")
    done_=$(sed -n 's/.*"updates":\([0-9]*\),.*}$/\1/p' "$run/metrics.jsonl" | tail -n 1)
    [ "$config" != newton ] || done_=$(sed -n 's/^{"iteration":\([0-9]*\),.*}$/\1/p' "$run/metrics.jsonl" | tail -n 1)
    lost=$((${done_:-0} - $(saved "${steps:-1}")))
    [ $lost -le "$(every_of "$config")" ] || complain "$lost updates are lost, more than an interval"
    [ $lost -le $lost_most ] || lost_most=$lost
}
await_commit() { # of some checkpoint, not the first
    local until
    until=$(($(now) + 2 * $1))
    sleep "0.$((RANDOM % 4))"
    while [ "$(now)" -lt $until ] && kill -0 "$job" 2>/dev/null; do
        if compgen -G "$run/checkpoints/*.tmp" >/dev/null; then commits=$((commits + 1)); return 0; fi
    done
}
kill_once() { # ranks
    local took targets
    took=$(cat "reference-$config.took")
    start "$1"
    if [ "$config" = commits ] || [ $((RANDOM % 4)) = 0 ]; then
        await_commit "$took"
    else
        sleep "$(awk -v t="$took" -v r=$((RANDOM % 1000)) 'BEGIN { print t * (0.05 + 0.95 * r / 1000) / 1000 }')"
    fi
    case $((RANDOM % 4)) in
    0) targets=$(launchers) ;;
    1) targets="$(launchers) $(ranks_of)" ;;
    *) targets=$(ranks_of | shuf -n 1 --random-source=<(yes "$RANDOM")) ;;
    esac
    # shellcheck disable=SC2086 # several, or none that is still there
    kill -KILL $targets 2>/dev/null || true
    code=0
    wait "$job" 2>>shell.txt || code=$?
    gone
    if compgen -G "$run/checkpoints/*.tmp" >/dev/null || compgen -G "$run/*.tmp" >/dev/null; then torn=$((torn + 1)); fi
    ! grep -qs '^state=finished code=0 ' "$run/status" || code=0 # killed after its end
    if [ $code = 0 ]; then missed=$((missed + 1)); else kills=$((kills + 1)); fi
}
check_resumed() { # whether there was a checkpoint
    if [ "$1" = 1 ] && ! grep -q '^  resume .*\.h5, iteration ' "$run.log"; then
        complain "did not go on from its checkpoint: $(cat "$run.log" "$run.err")"
    fi
    ! grep -q 'warning: .*checkpoint' "$run.err" || complain "a kill left a bad checkpoint: $(cat "$run.err")"
}
try() {
    local ranks=$((1 + RANDOM % 4)) chain=$((1 + RANDOM % 3)) had i
    config=${configs[trial % ${#configs[@]}]}
    reference
    run=trial-$trial code=1
    for ((i = 0; i < chain && code != 0; i++)); do
        kill_once $ranks
        [ $code != 0 ] || break
        check_loss
        ranks=$((1 + (ranks + RANDOM % 3) % 4)) # another number
    done
    had=$(checkpoints | head -n 1 | wc -l)
    if [ $code != 0 ]; then
        start $ranks
        code=0
        wait "$job" || code=$?
        [ $code = 0 ] || { complain "the same command on $ranks ranks: exit code $code: $(cat "$run.log" "$run.err")"; return 0; }
        check_resumed "$had"
    fi
    [ "$(hash_of "$run")" = "$(hash_of "reference-$config")" ] || complain "other parameters after a kill"
    metrics_of "$run" | cmp -s - "reference-$config.metrics" || complain "metrics.jsonl differs after a kill"
    [ -z "$(find "$run" -name '*.tmp')" ] || complain "left behind: $(find "$run" -name '*.tmp')"
    grep -q '^state=finished code=0 ' "$run/status" || complain "status is '$(cat "$run/status")'"
    rm -rf "$run" "$run".*
}
for ((trial = 0; trial < trials; trial++)); do try; done
echo "$trials runs, $kills kills ($commits of them aimed at a commit, $torn left a temporary file), $missed came too late"
echo "lost at most $lost_most updates; all processes gone within $slowest ms"
[ $kills -ge $((trials / 2)) ] || { echo "FAILED: too few kills to show anything"; failures=$((failures + 1)); }
[ $failures = 0 ] && echo "kills: all runs ended in the bits of one that was never killed"
