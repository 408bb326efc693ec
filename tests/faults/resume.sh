#!/usr/bin/env bash
# A run that was stopped anywhere and taken up again, on whatever number of ranks, ends in the bits of the run that was not:
# the same parameters, and the same metrics.jsonl but for its seconds. Every optimizer, every step rule, every model, scaling,
# l1, mini-batches, validation, paths with folds; stopped by a limit, a file STOP, SIGUSR1 and SIGTERM.
#
#   resume.sh THALWEG SOURCE_DIR         a quick choice of cases, each taken up from one place
#   resume.sh THALWEG SOURCE_DIR slow    all of them, from three places
set -euo pipefail
thalweg=$(realpath -- "$1") source_dir=$(realpath -- "$2") slow=${3-}
work=$(mktemp -d)
trap 'rm -rf -- "$work"' EXIT
cd "$work"
checks=0 failures=0
complain() { echo "FAILED: $*"; failures=$((failures + 1)); }

run() { # ranks, folder, further arguments; the configuration is base.yaml with the words of `sets`
    local ranks=$1 folder=$2 launch=(mpirun --oversubscribe -n "$1")
    shift 2
    [ "$ranks" != 1 ] || launch=()
    timeout 120 "${launch[@]}" "$thalweg" train base.yaml -q --out "$folder" "${sets[@]}" "$@" </dev/null >log.txt 2>&1
}
must_run() { # code, then as run
    local want=$1 code=0
    shift
    run "$@" || code=$?
    [ "$code" = "$want" ] || { complain "$name: $2 on $1 ranks ended with $code, not $want: $(head -n 3 log.txt)"; return 1; }
}
hash_of() { sed -n 's/^ *"parameters_hash": "\([^"]*\)".*/\1/p' "$1/summary.json"; }
rows_of() { sed 's/"seconds":[^,]*,//' "$1/metrics.jsonl"; }
same() { # fact, whole run, other run
    checks=$((checks + 1))
    [ -n "$(hash_of "$2")" ] || complain "$name: there is no hash of the whole run"
    [ "$(hash_of "$2")" = "$(hash_of "$3")" ] || complain "$name: $1: other parameters"
    [ -n "$metrics_differ" ] || cmp -s <(rows_of "$2") <(rows_of "$3") ||
        complain "$name: $1: other metrics: $(diff <(rows_of "$2") <(rows_of "$3") | head -n 3)"
}

# ---- data, and the words of a case ----

"$thalweg" generate -o linear.h5 --task linear --rows 397 --features 7 --condition 30 --seed 5 --type f64 >generate.log
"$thalweg" generate -o logistic.h5 --task logistic --rows 503 --features 9 --seed 6 >>generate.log
"$thalweg" generate -o softmax.h5 --task softmax --classes 3 --rows 405 --features 5 --seed 7 >>generate.log
cp "$source_dir/tests/truth/counts.h5" poisson.h5
ln -s linear.h5 huber.h5
ln -s logistic.h5 squared_hinge.h5
cat >base.yaml <<YAML
data: {train: linear.h5}
model: {type: linear}
reduction: {mode: reproducible}
stop: {gradient_norm: 0, divergence_factor: 1e300, max_time: 100s}
YAML

# use NAME MODEL OPTIMIZER RULE WORDS...: `sets` of a case. Words are KEY=VALUE.
use() {
    local word
    name="$*" metrics_differ='' sets=(--set "data.train=$2.h5" --set "model.type=$2" --set "optimizer.type=$3" --set "step.rule=$4")
    shift 4
    for word in "$@"; do sets+=(--set "$word"); done
    case "$*" in *preconditioner*) metrics_differ=yes ;; esac # the matrix is summed again: reads and reductions count it
}

# What a killed run leaves: the whole run's logs, rows beyond the checkpoint among them, but no summary.
leave() { # whole run, folder
    rm -rf "$2"
    mkdir "$2"
    cp "$1/metrics.jsonl" "$1/log.txt" "$2"
}

# ---- cases: a checkpoint at every update, taken up from some of them ----

cases=0
from_checkpoints() { # as use
    local all ranks=3 places=(2) place
    use "$@"
    cases=$((cases + 1))
    [ -z "$slow" ] || places=(1 3 5)
    rm -rf whole part
    must_run 0 1 whole --set checkpoint.every=1 --set checkpoint.keep=1000 || return 0
    mapfile -t all < <(cd whole/checkpoints && echo *.h5 | tr ' ' '\n')
    [ "${#all[@]}" -ge 4 ] || { complain "$name: only ${#all[@]} checkpoints"; return 0; }
    for place in "${places[@]}"; do
        place=$(((${#all[@]} - 1) * place / 6))
        leave whole part
        if must_run 0 $ranks part --resume "whole/checkpoints/${all[$place]}"; then
            same "from ${all[$place]} on $ranks ranks" whole part
        fi
        ranks=$((ranks % 3 + 1))
    done
}

full=stop.max_iterations=12
length=step.length=0.01
# Each optimizer and each rule at least once; those that are left out of the quick set differ in one word only.
from_checkpoints gd linear gd wolfe data.scaling=standardize $full
from_checkpoints lipschitz softmax gd lipschitz data.scaling=minmax model.l2=0.01 $full
from_checkpoints momentum poisson momentum inverse step.length=0.001 step.tau=7 data.scaling=standardize $full
from_checkpoints nesterov huber nesterov lipschitz model.delta=0.5 $full
from_checkpoints adagrad logistic adagrad exponential step.length=0.05 step.decay=0.9 $full
from_checkpoints rmsprop softmax rmsprop cosine $length step.warmup=3 step.period=12 $full
from_checkpoints adam squared_hinge adam constant $length data.scaling=standardize $full
from_checkpoints adamw linear adamw step $length step.every=2 step.decay=0.5 $full
from_checkpoints goldstein logistic gd goldstein model.l2=0.1 $full
from_checkpoints barzilai logistic gd barzilai_borwein $full
from_checkpoints lbfgs softmax lbfgs wolfe optimizer.memory=3 data.scaling=standardize $full
from_checkpoints owlqn logistic lbfgs backtracking model.l1=0.01 $full
from_checkpoints gram logistic lbfgs wolfe optimizer.preconditioner=gram $full
from_checkpoints newton poisson newton backtracking $full
from_checkpoints newton_cg softmax newton_cg trust_region $full
from_checkpoints descent logistic coordinate_descent backtracking model.l1=0.02 $full
from_checkpoints fista linear proximal_gradient lipschitz model.l1=0.02 data.scaling=standardize $full
from_checkpoints batches softmax adam constant $length optimizer.batch=100 stop.max_epochs=4
from_checkpoints patience logistic adam constant step.length=0.5 optimizer.batch=50 stop.max_epochs=30 \
    data.validation.fraction=0.3 stop.validation_patience=3
from_checkpoints folds logistic lbfgs wolfe model.l1=1 model.path.count=3 model.path.min_ratio=0.1 model.folds=2 stop.max_iterations=8 \
    data.scaling=standardize
# crossed NAME MODEL OPTIMIZER RULE WORDS...: with one scaling after the other
crossed() {
    local scalings=(none standardize minmax)
    from_checkpoints "$@" model.l2=0.01 "data.scaling=${scalings[$((cases % 3))]}"
}
if [ -n "$slow" ]; then
    path="model.l1=1 model.path.count=3 model.path.min_ratio=0.1"
    validation="data.validation.fraction=0.2 stop.validation_patience=2"
    for model in linear logistic softmax huber poisson squared_hinge; do
        while read -r optimizer rule words; do
            # shellcheck disable=SC2086
            crossed all $model "$optimizer" "$rule" $words
        done <<LIST
gd step $full $length step.every=2
gd backtracking $full
gd constant $full $length
gd wolfe $full data.validation.file=$model.h5
gd barzilai_borwein $full
momentum cosine $full step.length=0.001 step.period=12
nesterov inverse $full $length step.tau=7
nesterov exponential $full $length step.decay=0.9
adagrad constant $full $length
rmsprop exponential $full $length step.decay=0.9
adam inverse $full $length step.tau=7 step.warmup=4
adamw constant $full $length
lbfgs goldstein $full
lbfgs wolfe $full model.l1=0.02
lbfgs wolfe $full data.validation.tail=0.2 stop.validation_patience=2
newton wolfe $full
newton_cg trust_region $full
coordinate_descent backtracking $full model.l1=0.02
proximal_gradient constant $full $length model.l1=0.02
gd inverse step.length=0.001 step.tau=7 optimizer.batch=60 stop.max_epochs=4 $validation
momentum inverse step.length=0.001 step.tau=7 optimizer.batch=60 stop.max_epochs=4
nesterov constant step.length=0.001 optimizer.batch=60 stop.max_epochs=4 $validation
adagrad constant step.length=0.001 optimizer.batch=60 stop.max_epochs=4
rmsprop exponential step.length=0.001 step.decay=0.9 optimizer.batch=60 stop.max_epochs=4 $validation
adam cosine step.length=0.001 optimizer.batch=60 stop.max_epochs=4 step.period=4
adamw step step.length=0.001 optimizer.batch=60 stop.max_epochs=4 $validation
lbfgs wolfe $full $path model.folds=3
proximal_gradient constant $full $length $path data.validation.fraction=0.2
coordinate_descent backtracking $full $path
LIST
    done
    from_checkpoints ista linear proximal_gradient lipschitz optimizer.acceleration=false model.l1=0.02 $full
    from_checkpoints start softmax gd wolfe model.init=normal $full
    from_checkpoints bare linear lbfgs wolfe model.intercept=false $full
    from_checkpoints groups softmax lbfgs wolfe reduction.groups=8 $full
fi

# ---- stopped by a limit, and taken up in the same folder with a higher one ----

from_limit() { # limit word, values, then as use
    local limit=$1 low=$2 high=$3
    use "${@:4}"
    rm -rf whole part
    must_run 0 2 whole --set "$limit=$high" || return 0
    must_run 0 1 part --set "$limit=$low" || return 0
    must_run 0 3 part --set "$limit=$high" --resume auto || return 0
    same "$limit $low, then $high" whole part
}
from_limit stop.max_iterations 5 12 limit softmax lbfgs wolfe
from_limit stop.max_epochs 2 4 limit logistic adam constant $length optimizer.batch=64
if [ -n "$slow" ]; then
    from_limit stop.max_iterations 7 11 limit linear nesterov lipschitz
    from_limit stop.max_iterations 3 9 limit poisson newton_cg trust_region
    from_limit stop.max_iterations 3 9 limit logistic coordinate_descent backtracking model.l1=0.01
fi

# ---- stopped from outside, somewhere in the middle ----

wait_for_rows() { # folder, rows: the run is under way and they are there
    local i
    for ((i = 0; i < 3000; i++)); do
        if grep -qs '^state=running' "$1/status" && [ -s "$1/metrics.jsonl" ]; then
            [ "$(wc -l <"$1/metrics.jsonl")" -lt "$2" ] || return 0
        fi
        kill -0 "$child" 2>log2.txt || return 0 # it is over already
        sleep 0.02
    done
    return 1
}
# by_file RANKS: the file is there before the run is, three times over
by_file() {
    local ranks=$1 i
    rm -rf part
    mkdir part
    for i in 1 2 3; do
        : >part/STOP
        must_run 75 "$ranks" part || return 0
        grep -q '^state=stopped code=75' part/status || complain "$name: stop $i by STOP: status says $(cat part/status)"
        [ ! -e part/STOP ] || complain "$name: the file STOP is left: it would stop the next run too"
        ranks=$((ranks % 3 + 1))
    done
    must_run 0 "$ranks" part || return 0
    same "stopped 3 times by STOP" whole part
}
# by_signal SIGNAL RANKS, or STOP for the file: twice, in the middle, and on until it is through. Leaves the number of stops in `stops`.
by_signal() {
    local signal=$1 ranks=$2 code
    rm -rf part
    stops=0
    while [ $stops -lt 6 ]; do
        timeout 120 mpirun --oversubscribe -n "$ranks" "$thalweg" train base.yaml -q --out part "${sets[@]}" </dev/null >log.txt 2>&1 &
        child=$!
        code=0
        if [ $stops -lt 2 ]; then
            wait_for_rows part $((rows * (stops + 1) / 4)) || complain "$name: no rows in a minute"
            if [ "$signal" = STOP ]; then : >part/STOP
            else kill "-$signal" "$(pgrep -P $child)" 2>log2.txt || true; fi # mpirun hands it on to the ranks
        fi
        wait $child || code=$?
        case $signal in # of these mpirun makes its own code, and ends the ranks after a second: the status is the truth
        TERM | INT)
            if grep -q '^state=finished' part/status; then code=0 # it was over when the signal came
            elif [ $code != 0 ] && grep -Eq '^state=(running|stopped code=75)' part/status; then code=75; fi
            ;;
        *) [ $code != 75 ] || grep -q '^state=stopped code=75' part/status || complain "$name: $signal: status says $(cat part/status)" ;;
        esac
        [ $code = 75 ] || break
        stops=$((stops + 1))
        ranks=$((ranks % 3 + 1))
    done
    [ $code = 0 ] || { complain "$name: stopped by $signal: ended with $code: $(head -n 3 log.txt)"; return 0; }
    same "stopped $stops times by $signal" whole part
}
# interrupted SIGNALS LIMIT ROWS, then as use. A run that is over before the signal comes is made longer.
interrupted() {
    local signals=$1 limit=$2 ranks=1 signal i
    rows=$3
    use "${@:4}" "$limit=$rows"
    rm -rf whole
    must_run 0 1 whole || return 0
    by_file 2
    for signal in $signals; do
        for i in 1 2 3 4 5; do
            by_signal "$signal" $ranks
            [ $stops = 0 ] || break
            rows=$((4 * rows))
            use "${@:4}" "$limit=$rows"
            rm -rf whole
            must_run 0 1 whole || return 0
        done
        [ "$stops" -gt 0 ] || complain "$name: $signal came too late, $i times"
        ranks=$((ranks % 3 + 1))
    done
}
interrupted "USR1${slow:+ STOP TERM INT}" stop.max_iterations 4000 interrupted logistic gd constant step.length=1e-4
interrupted "STOP${slow:+ USR1 TERM INT}" stop.max_epochs 400 interrupted logistic adam constant step.length=1e-4 optimizer.batch=40 \
    data.validation.fraction=0.2
[ -z "$slow" ] || interrupted "USR1 TERM" model.path.count 300 interrupted logistic proximal_gradient lipschitz model.l1=1 \
    model.path.min_ratio=0.01 data.scaling=standardize stop.max_iterations=100

echo "resume: $cases cases, $checks comparisons, $failures failed"
[ $failures = 0 ]
