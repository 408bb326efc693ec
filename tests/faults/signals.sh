#!/usr/bin/env bash
# Asked to stop, a run saves, ends with 75, and goes on with the same command to the same bits: by signals to the launcher or to one
# rank, once or twice, by the file STOP, by a time limit; while it loads, inside an epoch, among folds, while a checkpoint is written.
# evaluate, predict, convert and generate end with 75 and leave nothing behind.
#
#   signals.sh THALWEG SOURCE_DIR [long]
set -euo pipefail
thalweg=$1 long=${3:-}
work=$(mktemp -d)
launcher=0
tidy() {
    if [ "$launcher" != 0 ] && kill -0 "$launcher" 2>/dev/null; then kill -KILL "$launcher" 2>/dev/null || true; fi
    cd / && rm -rf "$work"
}
trap tidy EXIT
cd "$work"
failures=0 cases=0 slowest=0 last='' slow='' # milliseconds from a request to the end
complain() { echo "FAILED: $*"; failures=$((failures + 1)); }
is() { [ "$2" = "$3" ] || complain "$1 is '$2', not '$3'"; }
now() { local t=${EPOCHREALTIME/[.,]/}; echo $((t / 1000)); }
seconds() { sed -n 's/^  "seconds": \([0-9.e+-]*\),$/\1/p' "$1/summary.json"; }
value() { sed -n "s/^ *\"$2\": \"\{0,1\}\([^\",]*\)\"\{0,1\},*\$/\1/p" "$1/summary.json" | head -n 1; }
await() { # what, command that must succeed within a minute
    local end=$((SECONDS + 60))
    until "${@:2}" 2>/dev/null; do
        if [ $SECONDS -ge $end ]; then complain "$1 did not come: $(cat ./*.err)"; return 0; fi
        sleep 0.01
    done
}
rows() { [ "$(wc -l <"$1/metrics.jsonl")" -ge "$2" ]; }
files() { [ "$(find "$1/checkpoints" -name '*.h5' 2>/dev/null | wc -l)" -ge "$2" ]; }
fold_began() { grep -q '  fold' "$1/log.txt"; }
rank() { # rank: its process, a child of the launcher
    local pid
    for pid in $(pgrep -P "$launcher"); do
        if tr '\0' '\n' <"/proc/$pid/environ" 2>/dev/null | grep -qx "OMPI_COMM_WORLD_RANK=$1"; then echo "$pid"; fi
    done
}
begin() { # name of the logs, then the command: two ranks in the background
    mpirun --oversubscribe -n 2 "$thalweg" "${@:2}" </dev/null >"$1.log" 2>"$1.err" &
    launcher=$! last=$1
}
finish() { # milliseconds since when; sets code
    local t end=$((SECONDS + 60)) pid=$launcher
    while kill -0 "$pid" 2>/dev/null && [ $SECONDS -lt $end ]; do sleep 0.01; done
    if kill -0 "$pid" 2>/dev/null; then complain "no end within a minute"; kill -KILL "$pid"; fi
    code=0
    wait "$pid" || code=$?
    launcher=0
    t=$(($(now) - $1))
    [ "$t" -le "$slowest" ] || slowest=$t slow=$last
}
run() { timeout 120 mpirun --oversubscribe -n 2 "$thalweg" "${@:2}" </dev/null >"$1.log" 2>"$1.err"; } # to its end
stopped() { # run, cause: as it must be left
    cases=$((cases + 1))
    is "$1: status" "$(sed 's/ iteration.*//' "$1/status")" "state=stopped code=75"
    grep -q "stopped by $2" "$1.err" || complain "$1: nothing said of $2: $(cat "$1.err")"
    is "$1: error lines" "$(grep -cE '^thalweg: (rank [0-9]+ .*: )?stopped by' "$1.err")" 1
}
goes_on() { # run, kind: by the same command to the bits of the undisturbed run
    run "$1" train "$2.yaml" --out "$1" || complain "$1: could not go on: $(cat "$1.err")"
    is "$1: bits" "$(value "$1" parameters_hash)" "$(value "whole-$2" parameters_hash)"
    is "$1: status at the end" "$(sed 's/ iteration.*//' "$1/status")" "state=finished code=0"
}

"$thalweg" generate -o small.h5 --task logistic --rows 30000 --features 40 --condition 100 --seed 5 </dev/null >generate.log
cat >full.yaml <<'Y'
data: {train: small.h5, scaling: standardize}
model: {type: logistic, l2: 1e-4}
optimizer.type: gd
step: {rule: constant, length: 0.1}
stop: {gradient_norm: 0, max_iterations: 2000}
checkpoint: {every: never, keep: 9}
reduction.mode: reproducible
Y
sed 's/every: never/every: 4/' full.yaml >always.yaml
sed 's/max_iterations: 2000/max_iterations: 6000/' full.yaml >patient.yaml
cat >batches.yaml <<'Y'
data.train: small.h5
model: {type: logistic, l2: 1e-4}
optimizer: {type: adam, batch: 100}
step: {rule: constant, length: 0.01}
stop: {gradient_norm: 0, max_epochs: 3}
checkpoint.every: never
reduction.mode: reproducible
Y
"$thalweg" generate -o tiny.h5 --task logistic --rows 6000 --features 20 --seed 6 </dev/null >>generate.log
cat >folds.yaml <<'Y'
data.train: tiny.h5
model: {type: logistic, l1: 1, folds: 3, path: {count: 40, min_ratio: 2e-2}}
optimizer.type: proximal_gradient
checkpoint.every: never
reduction.mode: reproducible
Y
for kind in full patient batches folds; do run "whole-$kind" train $kind.yaml --out "whole-$kind" || complain "$kind: $(cat "whole-$kind.err")"; done
cp -r whole-full whole-always

# ---- signals to a running training ----
stop() { # run, kind, wait, target (launcher, rank 0, rank 1), cause, signals: each to the target, in a row
    local at one target
    begin "$1" train "$2.yaml" --out "$1"
    # shellcheck disable=SC2086 # a command and its arguments
    await "$1: the right moment" $3
    is "$1: status while it runs" "$(sed 's/ .*//' "$1/status")" "state=running"
    target=$launcher
    [ "$4" = launcher ] || target=$(rank "${4#rank }")
    at=$(now)
    for one in "${@:6}"; do kill "-$one" "$target" || complain "$1: SIG$one could not be sent"; done
    finish "$at"
    case "${*:6}" in *USR1*) is "$1: exit code" "$code" 75 ;; esac
    stopped "$1" "$5"
    goes_on "$1" "$2"
}
stop launcher full 'rows launcher 30' launcher SIGUSR1 USR1
stop one-rank full 'rows one-rank 30' 'rank 1' "\(SIGUSR1\|another rank's signal\)" USR1
stop twice full 'rows twice 30' launcher SIGUSR1 USR1 USR2 USR1
# mpirun takes two seconds to hand these on
stop term patient 'rows term 30' launcher SIGTERM TERM
[ -z "$long" ] || stop int patient 'rows int 30' launcher 'SIG\(TERM\|INT\)' INT
stop epoch batches 'rows epoch 2' launcher SIGUSR1 USR1
[ -z "$long" ] || stop fold folds 'fold_began fold' 'rank 0' SIGUSR1 USR1
stop point folds 'rows point 2' launcher SIGUSR1 USR1
stop writing always 'files writing 3' launcher SIGUSR1 USR1 USR2 USR1

# ---- a checkpoint on request, and on with it ----
begin save train full.yaml --out save
await "save: iterations" rows save 20
kill -USR2 "$launcher"
await "save: a checkpoint" files save 1
sleep 0.2 # a second one for the same request would follow at once
is "save: checkpoints after one request" "$(find save/checkpoints -name '*.h5' | wc -l)" 1
kill -USR2 "$(rank 1)" || complain "save: over too early"
before=$slowest
finish "$(now)"
slowest=$before # it was not asked to end
is "save: exit code" "$code" 0
is "save: bits" "$(value save parameters_hash)" "$(value whole-full parameters_hash)"
is "save: checkpoints of two requests and of the limit" "$(find save/checkpoints -name '*.h5' | wc -l)" 3
cases=$((cases + 1))

# ---- the file STOP ----
mkdir before
: >before/STOP
run before train full.yaml --out before && complain "STOP was not seen"
stopped before 'the file STOP while reading the data'
[ ! -e before/STOP ] || complain "STOP is still there"
goes_on before full
begin during train full.yaml --out during
await "during: iterations" rows during 20
: >during/STOP
finish "$(now)"
is "during: exit code" "$code" 75
stopped during 'the file STOP'
[ ! -e during/STOP ] || complain "STOP is still there"
goes_on during full

# ---- a time limit: saved in time, although the state is large ----
"$thalweg" generate -o wide.h5 --task linear --rows 100 --features 60000 --seed 3 </dev/null >>generate.log
cat >timed.yaml <<'Y'
data.train: wide.h5
model: {type: linear, l2: 1e-3}
optimizer: {type: lbfgs, memory: 40}
step: {rule: constant, length: 1e-3}
stop: {gradient_norm: 0, max_iterations: 10000000}
checkpoint.every: never
Y
at=$(now)
code=0
run timed train timed.yaml --out timed --max-time 4 || code=$?
took=$(($(now) - at))
is "time limit: exit code" "$code" 75
stopped timed 'the time limit'
awk -v s="$(seconds timed)" 'BEGIN { exit !(s > 0.5 && s < 8) }' || complain "a limit of 4 s took $(seconds timed) s"

# ---- while it loads ----
mpirun --oversubscribe -n 2 "$thalweg" generate -o big.h5 --task logistic --rows 500000 --features 100 --seed 5 </dev/null >>generate.log
cat >big.yaml <<'Y'
data: {train: big.h5, scaling: standardize}
model: {type: logistic, l2: 1e-4}
stop.max_iterations: 3
Y
begin load train big.yaml --out load
await "load: the folder" test -s load/status
at=$(now)
kill -USR1 "$(rank 1)" || complain "load: over too early"
finish "$at"
is "load: exit code" "$code" 75
stopped load "SIGUSR1 while \(reading the data\|measuring the features\|counting the classes\|encoding the labels\)"
is "load: status" "$(cat load/status)" "state=stopped code=75 iteration=0 checkpoint=none"
run whole-big train big.yaml --out whole-big || complain "big: $(cat whole-big.err)"
goes_on load big

# ---- the other commands ----
ended() { # what, cause
    cases=$((cases + 1))
    is "$1: exit code" "$code" 75
    grep -q "stopped by $2 while" "$1.err" || complain "$1: not said: $(cat "$1.err")"
    is "$1: error lines" "$(grep -cE '^thalweg: (rank [0-9]+ .*: )?stopped by' "$1.err")" 1
    is "$1: what is left" "$(find . -name "$1.h5*" -o -name "$1.csv*")" ""
}
catches() { # rank: its handlers are there; SIGUSR1 is bit 9 of the mask
    local mask
    mask=$(sed -n 's/^SigCgt:\t//p' "/proc/$(rank "$1")/status")
    [[ ${mask: -3:1} = [2367abef] ]]
}
there() { compgen -G "$1" >list.txt; }
for what in evaluate predict; do
    out=()
    [ $what = evaluate ] || out=(-o "$what.csv")
    begin $what $what whole-big/model.h5 big.h5 "${out[@]}"
    await "$what: its handlers" catches 1
    at=$(now)
    kill -USR1 "$(rank 1)" || complain "$what: over too early"
    finish "$at"
    ended $what SIGUSR1
done
begin written predict whole-big/model.h5 big.h5 -o written.csv --proba
await "predict: its file" there 'written.csv.*'
at=$(now)
kill -USR1 "$launcher"
finish "$at"
ended written SIGUSR1
begin made generate -o made.h5 --task softmax --rows 100000 --features 50 --classes 5000
await "generate: its file" there 'made.h5.*'
at=$(now)
kill -USR1 "$(rank 0)"
sleep 0.1
kill -USR1 "$launcher"
finish "$at"
ended made SIGUSR1
awk 'BEGIN { for (i = 0; i < 200000; i++) print "0.12345678901234567,0.9876543210123456,1" }' >in.csv
cat in.csv in.csv in.csv in.csv >more.csv
"$thalweg" convert more.csv -o converted.h5 </dev/null >converted.log 2>converted.err &
launcher=$!
await "convert: its file" there 'converted.h5.*'
at=$(now)
kill -TERM "$launcher"
finish "$at"
ended converted SIGTERM

# ---- the other states ----
run diverged train full.yaml --out diverged --set step.length=1e300 && complain "1e300 did not diverge"
is "status of a run that diverged" "$(sed 's/ iteration.*//' diverged/status)" "state=diverged code=79"
run failed train full.yaml --out failed --set model.type=poisson --set data.train=wide.h5 && complain "negative counts did not fail"
[ ! -e failed ] || complain "a run whose data are refused leaves $(ls failed)"

if [ -n "$long" ]; then # status is as young as a minute
    begin minute train full.yaml --out minute --set stop.max_iterations=100000000
    sleep 65
    it=$(sed -n 's/.*iteration=\([0-9]*\).*/\1/p' minute/status)
    [ "${it:-0}" -gt 0 ] || complain "after 65 s: $(cat minute/status)"
    kill -USR1 "$launcher"
    finish "$(now)"
    stopped minute SIGUSR1
fi

[ $failures = 0 ] || exit 1
echo "$cases cases, the slowest end $slowest ms after the request ($slow); a limit of 4 s: $took ms"
