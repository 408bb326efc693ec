#!/usr/bin/env bash
# A crash or an error at any file call of a checkpoint's commit leaves a valid checkpoint, leaves the older ones as they
# were, and costs no bits: every call of the third commit (from which on old ones are removed), of the start and of the end is
# killed, torn, refused, cut short, and struck by a power cut that drops what was not synced.
#
#   syscalls.sh THALWEG SOURCE_DIR SHIM [quick|slow]
set -euo pipefail
thalweg=$1 shim=$3 extent=${4:-quick}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
export ASAN_OPTIONS=${ASAN_OPTIONS:-}:verify_asan_link_order=0
failures=0 cases=0 fatal=0
complain() { echo "FAILED: $*"; failures=$((failures + 1)); }
hash_of() { sed -n 's/^ *"parameters_hash": "\(.*\)",*$/\1/p' "$1/summary.json"; }
metrics_of() { sed 's/"seconds":[^,]*,//' "$1/metrics.jsonl"; }
begin() { timeout 100 "$thalweg" train c.yaml --out "$1" "${@:2}" </dev/null >"$1.log" 2>"$1.err"; }
preloaded() { # CALL, run
    mkdir -p "snapshot-$2"
    THALWEG_TEST_FOLDER=$work/$2 THALWEG_TEST_CALL=$1 THALWEG_TEST_SNAPSHOT=$work/snapshot-$2 THALWEG_TEST_LOG=$work/$2.calls \
        LD_PRELOAD=$shim begin "$2"
}

"$thalweg" generate -o data.h5 --task logistic --rows 300 --features 10 --seed 3 </dev/null >generate.log
cat >c.yaml <<'YAML'
data: {train: data.h5, validation.tail: 40}
model: {type: logistic, l2: 0.01}
optimizer: {type: lbfgs}
stop: {gradient_norm: 0, max_iterations: 12}
reduction: {mode: reproducible}
checkpoint: {every: 2, keep: 2}
YAML
begin reference || { cat reference.err; exit 1; }
hash=$(hash_of reference)
metrics_of reference >reference.metrics
preloaded k=0,do=eio counted || complain "counting alone changed something: $(cat counted.err)"
[ "$(hash_of counted)" = "$hash" ] || complain "counting alone changed the parameters"
[ -s counted.calls ] || { echo "not run: libraries cannot be preloaded here"; exit 77; }

# The third commit: from the sync of the logs to the end of the status that names it.
at() { awk -v name="$1" -v which="$2" '$2 " " $3 ~ name && ++n == which { print $1; exit }' counted.calls; }
first=$(at 'fsync .*metrics.jsonl' 3)
last=$(($(at 'fsync .*metrics.jsonl' 4) - 1))
all=$(wc -l <counted.calls)
names=$(awk -v a="$first" -v b="$last" '$1 >= a && $1 <= b { print $2 }' counted.calls | sort | uniq -c | tr -s ' \n' ' ')
echo "the third commit is calls $first to $last of $all:$names"
for name in open create pwrite fsync close read rename unlink; do
    grep -q "$name" <<<"$names" || complain "a commit without $name: what is counted is not the commit"
done

# What was there at the call is still there, and the same bytes, or was rightly removed by a run that went on.
check_older() { # run, case, whether the process died there
    local file name
    for file in "snapshot-$1"/*.h5; do
        [ -e "$file" ] || continue # before the first
        name=${file##*/}
        if [ -e "$1/checkpoints/$name" ]; then
            cmp -s "$file" "$1/checkpoints/$name" || complain "$2: $name has changed"
        elif [ "$3" = died ] && [[ $2 != *"(unlink $name) tear"* ]]; then
            complain "$2: $name is gone"
        fi
    done
}
resume() { # run, case, least iteration to go on from
    local from
    if grep -qs '^state=finished' "$1/status"; then # nothing is left to do
        same "$1" "$2"
        return 0
    fi
    begin "$1" || { complain "$2: the same command: exit code $?: $(cat "$1.err")"; return 0; }
    from=$(sed -n 's/^  resume .*\.h5, iteration \([0-9]*\),.*/\1/p' "$1.log")
    [ "${from:-0}" -ge "$3" ] || complain "$2: resumed from iteration '${from:-none}', $3 was saved"
    same "$1" "$2"
}
same() { # run, case
    [ "$(hash_of "$1")" = "$hash" ] || complain "$2: parameters $(hash_of "$1"), not $hash"
    metrics_of "$1" | cmp -s - reference.metrics || complain "$2: metrics.jsonl differs"
    [ -z "$(find "$1" -name '*.tmp')" ] || complain "$2: left behind: $(find "$1" -name '*.tmp')"
    grep -q '^state=finished code=0 ' "$1/status" || complain "$2: status is '$(cat "$1/status")'"
    timeout 20 "$thalweg" inspect "$1" </dev/null >"$1.txt" 2>&1 || complain "$2: inspect: $(cat "$1.txt")"
}

# A case: call, what, mode, and the iteration that must have been saved by then.
try() {
    local run=case-$1-$2-$3 code=0 text
    text="call $1 ($(sed -n "$1s/.* \([a-z]*\) .*\/\(.*\)/\1 \2/p" counted.calls | sed 's/\.[0-9a-f]\{16\}\././')) $2 $3"
    cases=$((cases + 1))
    preloaded "k=$1,do=$2,mode=$3" "$run" 2>>shell.txt || code=$?
    case $2 in
    kill | tear | power*)
        # After half of a write, or after the call. What a call does not do cannot kill there.
        [ $code = 137 ] || complain "$text: exit code $code, not killed: $(cat "$run.err")"
        case $2 in power*) ;; *) check_older "$run" "$text" died ;; esac
        resume "$run" "$text" "$4"
        ;;
    *)
        check_older "$run" "$text" lived
        if [ $code = 0 ]; then
            same "$run" "$text"
        else
            fatal=$((fatal + 1))
            [ $code = 74 ] || { [ $code = 73 ] && [ "$1" -gt "$last" ]; } || # 73: of the files at the end one cannot be created
                complain "$text: exit code $code: $(cat "$run.err")"
            grep -q '^thalweg: error: [^ ]' "$run.err" || complain "$text: no sentence: $(cat "$run.err")"
            [ "$3" = always ] || [ "$4" = 0 ] || [ "$1" -gt "$last" ] || complain "$text: one error ended the run: $(cat "$run.err")"
            if [ "$3" = always ] && [ "$1" -le "$last" ] && [ "$1" -ge "$first" ]; then
                grep -q 'three checkpoints in a row could not be written: .*; the last one is iteration-0.*\.h5\. Make room' "$run.err" ||
                    complain "$text: the end does not say why: $(cat "$run.err")"
                [ "$(grep -c '^thalweg: warning: no checkpoint at iteration .* is kept$' "$run.err")" = 2 ] ||
                    complain "$text: not two warnings before: $(cat "$run.err")"
            fi
            resume "$run" "$text" "$4"
        fi
        ;;
    esac
    rm -rf "$run" "snapshot-$run" "$run".*
}

stride=1 offset=0
[ "$extent" = slow ] || stride=37
sweep() { # from, to, saved iteration, case...
    local k what n=0
    for ((k = $1; k <= $2; k++)); do
        for what in "${@:4}"; do
            if [ $(((n++ + offset) % stride)) = 0 ]; then try "$k" "${what%-*}" "${what#*-}" "$3"; fi
        done
    done
    offset=$((offset + 11))
}
errors=(enospc-once enospc-always eio-once eio-always edquot-once efbig-always eintr-once short-once short-always)
sweep "$first" "$last" 4 kill-once tear-once "${errors[@]}"
sweep "$first" "$last" 4 power{0..7}-once
[ "$extent" = slow ] || stride=61
sweep 1 $(($(at 'fsync .*metrics.jsonl' 2) - 1)) 0 kill-once power7-once
end=$(at 'fsync .*metrics.jsonl' 7) # before model.h5; the lock that comes last of all needs nothing
sweep "$end" $((all - 3)) 6 kill-once power3-once eio-once enospc-always
echo "$cases cases, $fatal of them ended the run with a sentence"

# Control: without fsync the power cut loses everything, and this is found.
code=0
THALWEG_TEST_NOSYNC=1 preloaded "k=$(at 'rename .*iteration-000000000006' 1),do=power1" unsynced 2>>shell.txt || code=$?
[ $code = 137 ] || complain "the control was not killed"
code=0
begin unsynced || code=$?
[ $code = 82 ] || complain "control: a power cut without fsync was survived: exit code $code"
[ "$(grep -c 'warning: .*\(damaged\|not a thalweg\)' unsynced.err)" = 2 ] || complain "control: not refused: $(cat unsynced.err)"

# The same from outside, by the kernel: an independent check, and what stdio writes.
trace() { # name, path to watch, injection, exit code, warning
    code=0
    timeout 100 strace -f -qq -o "$1.trace" -P "$work/$1/$2" -e trace="${3%%:*}" -e inject="$3" \
        "$thalweg" train c.yaml --out "$1" </dev/null >"$1.log" 2>"$1.err" || code=$?
    grep -q 'INJECTED\|killed by' "$1.trace" || complain "strace $3: nothing was injected"
    [ $code = "$4" ] || complain "strace $3: exit code $code, not $4: $(cat "$1.err")"
    [ -z "$5" ] || grep -qE -- "$5" "$1.err" || complain "strace $3: no '$5' in: $(cat "$1.err")"
    if [ "$4" = 0 ]; then same "$1" "strace $3"; else resume "$1" "strace $3" 4; fi
    cases=$((cases + 1))
}
if strace -o /dev/null true 2>/dev/null; then
    trace killed checkpoints renameat:signal=KILL:when=3 137 ''
    trace refused checkpoints renameat:error=EIO:when=3 0 'no checkpoint at iteration 6 .*iteration-000000000004.h5 of iteration 4 is kept'
    trace unsynced-folder checkpoints fsync:error=EIO:when=3 0 'iteration-000000000006.h5 is written, but may not survive a power cut'
    trace unsynced-rows metrics.jsonl fsync:error=EIO:when=3 0 'no checkpoint at iteration 6 .*cannot write the logs of the run'
    trace row metrics.jsonl write:error=ENOSPC:when=6 0 'cannot write metrics.jsonl in the run folder: No space left on device; its rows wait in memory'
    trace rows metrics.jsonl write:error=ENOSPC:when=6+ 74 'three checkpoints in a row could not be written: cannot write metrics.jsonl'
else
    echo "not run: strace may not trace here"
fi

[ $failures = 0 ] && echo "file calls: $cases cases, none lost a checkpoint or a bit"
