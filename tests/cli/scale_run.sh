#!/usr/bin/env bash
# scale_run.sh THALWEG SOURCE_DIR: a scaling study by one command. The runs that are asked for, interleaved, with exactly so
# many iterations and the same bits on all ranks; weak studies with rows of their own; what is done is not done again; a
# study that was interrupted or killed goes on; another question is refused with what differs; spaces and quotes survive;
# jobs of Slurm against commands that stand in for it (tests/cluster/scaling.sh has a real one).
set -euo pipefail
thalweg=$(realpath -- "$1")
source_dir=$(realpath -- "$2")
for name in $(compgen -e | grep -E "^(SLURM|SBATCH|PMI|PMIX|OMPI_COMM|THALWEG)" || true); do unset "$name"; done
# shellcheck source=launch/env.sh
. "$source_dir/launch/env.sh"
work=$(mktemp -d)
pid=''
trap '[ -z "$pid" ] || kill -KILL "$pid" 2>/dev/null || true; rm -rf -- "$work"' EXIT
cd -- "$work"
failures=0
complain() {
    echo "FAILED: $*"
    failures=$((failures + 1))
}
is() { [ "$2" = "$3" ] || complain "$1 is '$2', not '$3'"; }
has() { grep -qF -- "$3" "$2" || complain "$1: no '$3' in: $(cat "$2")"; } # WHAT FILE TEXT
value() { sed -n "s/^ *\"$2\": \"\{0,1\}\([^\",]*\)\"\{0,1\},*\$/\1/p" "$1/summary.json" | head -n 1; }
scale() { # EXIT_CODE ARGUMENT...: its output in out and err
    local expected=$1 code=0
    shift
    timeout -k 5 200 "$thalweg" scale run "$@" </dev/null >out 2>err || code=$?
    [ "$code" = "$expected" ] || complain "scale run $* exits $code, not $expected: $(cat out err)"
}
await() { # SECONDS WHAT COMMAND...: until it succeeds
    local end=$((SECONDS + $1)) what=$2
    shift 2
    until "$@" >/dev/null 2>&1; do
        if [ $SECONDS -ge $end ]; then complain "$what did not come" && return 1; fi
        sleep 0.05
    done
}
rows() { [ "$(wc -l <"$1/metrics.jsonl")" -ge "$2" ]; } 2>/dev/null
gone() { ! grep -lsazF -- "$1" /proc/[0-9]*/cmdline; } # nobody has TEXT among its words
stamps() { stat -c '%n %i %y' "$1"/runs/*/summary.json; }

timeout 60 "$thalweg" generate -o data.h5 --task logistic --rows 3000 --features 8 --seed 3 </dev/null >generate.log
cat >c.yaml <<'YAML'
data: {train: data.h5, scaling: standardize}
model: {type: logistic, l2: 1e-4}
optimizer: {type: momentum}
step: {rule: constant, length: 0.01}
stop: {gradient_norm_relative: 2, loss_delta: 1e3, max_iterations: 2}
reduction: {mode: reproducible}
YAML

echo "== strong"
mkdir bin
cat >bin/mpirun <<SH
#!/bin/sh
for word in "\$@"; do printf '[%s]' "\$word"; done >>'$work/words'
echo >>'$work/words'
exec $(command -v mpirun) "\$@"
SH
chmod +x bin/mpirun
PATH=$work/bin:$PATH
scale 0 c.yaml --ranks 3,1,2 --repeat 2 --iterations 6 --no-exchange
is "order of the runs" "$(sed -n 's/^strong *\([0-9]*\) ranks\{0,1\} *run \([0-9]\) .*done$/\1:\2/p' out | tr '\n' ' ')" "1:1 2:1 3:1 1:2 2:2 3:2 "
for r in 1 2 3; do
    for k in 1 2; do
        run=studies/c-strong/runs/strong-000$r-$k
        is "$run: ranks, iterations" "$(value $run ranks) $(value $run iterations)" "$r 6"
        is "$run: hash" "$(value $run parameters_hash)" "$(value studies/c-strong/runs/strong-0001-1 parameters_hash)"
        grep -qE "^strong +$r ranks? +run $k of 2 +[0-9.e-]+ s/iteration +done$" out || complain "no line for $run: $(cat out)"
    done
done
has "what is next" out "thalweg scale report studies/c-strong"
[ ! -e studies/c-strong/exchange/0002.json ] || complain "an exchange was measured against the wish"

echo "== what is done is not done again; more ranks and repeats may be asked for"
before=$(stamps studies/c-strong)
: >words
scale 0 c.yaml --no-exchange
is "runs that were done before" "$(grep -c 'done before$' out)" 6
is "launches" "$(wc -l <words)" 0
scale 0 c.yaml --ranks 4 --repeat 1 --no-exchange
is "the others" "$(stamps studies/c-strong | grep -v 0004)" "$before"
is "iterations of the new one" "$(value studies/c-strong/runs/strong-0004-1 iterations)" 6
is "ranks of the study" "$(tr -d ' \n' <studies/c-strong/study.json | sed 's/.*"ranks":\(\[[0-9,]*\]\).*"repeat":\([0-9]*\).*/\1 \2/')" "[1,2,3,4] 2"

echo "== another question is refused"
scale 73 c.yaml --ranks 1 --iterations 7
has "other iterations" err "iterations: 6 in the study, 7 now"
scale 73 c.yaml --ranks 1 --set model.l2=1e-3 --set seed=4
has "another configuration" err "model.l2: 0.0001 in the study, 0.001 now"
has "another configuration" err "  seed: 0 in the study, 4 now"
scale 73 c.yaml --ranks 1 --launcher-options "--mca btl self,vader"
has "other options" err "launcher options: none in the study, --mca btl self,vader now"
scale 73 c.yaml --ranks 1 --mode weak --out studies/c-strong
has "another mode" err "mode: strong in the study, weak now"
cp -r studies/c-strong other
sed -i 's/"git_commit": "[^"]*"/"git_commit": "older"/' other/study.json
scale 73 c.yaml --out other
has "another program" err "its git commit: older in the study, "
is "runs after all that" "$(stamps studies/c-strong | grep -v 0004)" "$before"
sed -i 's/"iterations": 6/"iterations": "many"/' other/study.json
scale 65 c.yaml --out other
mkdir -p foreign/runs
scale 73 c.yaml --ranks 1 --out foreign
has "a folder of something else" err "it is no study"

echo "== what is wrong is said at once, and nothing is left"
scale 64 c.yaml --out wrong
scale 64 c.yaml --ranks 0 --out wrong
scale 64 c.yaml --ranks 1,2x --out wrong
scale 64 c.yaml --ranks 1 --iterations 2 --out wrong
scale 64 c.yaml --ranks 1 --rows-per-rank 5 --out wrong
scale 64 c.yaml --ranks 1 --launcher rsh --out wrong
scale 64 c.yaml --ranks 1 --launcher-options '-x "A' --out wrong
has "a quote" err "a quote is not closed"
scale 66 nowhere.yaml --ranks 1 --out wrong
scale 78 c.yaml --ranks 1 --set model.typ=linear --out wrong
has "the configuration's own errors" err "did you mean 'model.type'?"
scale 78 c.yaml --ranks 1 --set model.type=poisson --mode weak --out wrong
OMPI_COMM_WORLD_SIZE=2 scale 64 c.yaml --ranks 1 --out wrong
[ ! -e wrong ] || complain "a refused study left a folder"
scale 74 c.yaml --ranks 1,2 --repeat 2 --launcher-options --bogus --out bogus
is "tries of a launch that fails" "$(grep -c bogus words)" 2
has "the log of a failed run" err 'unknown option "--bogus"'

echo "== weak"
scale 0 c.yaml --ranks 1,2,3 --mode weak --rows-per-rank 500 --repeat 1 --iterations 4 --no-exchange
for r in 1 2 3; do
    is "rows of $r ranks" "$(value studies/c-weak/runs/weak-000$r-1 rows) $(value studies/c-weak/runs/weak-000$r-1 features)" "$((500 * r)) 8"
done
made=$(stat -c '%i %y' studies/c-weak/data/*)
rm -r studies/c-weak/runs/weak-0002-1
scale 0 c.yaml --ranks 2 --mode weak --no-exchange
is "iterations, as in the study" "$(value studies/c-weak/runs/weak-0002-1 iterations)" 4
is "the generated rows" "$(stat -c '%i %y' studies/c-weak/data/*)" "$made"
scale 73 c.yaml --ranks 1 --mode weak --rows-per-rank 501
scale 0 c.yaml --ranks 1,2 --mode weak --repeat 1 --out by-size --dry-run
has "rows a rank that nobody named" out "--rows=3000" # 1500 a rank
[ ! -e by-size ] || complain "a dry run left a folder"

echo "== stopped, killed, too slow"
export THALWEG_FAULT='rank=0,phase=step,iteration=3,kind=sleep=60000'
slow=(c.yaml "--ranks=1,2" --repeat 1 --iterations 5 --no-exchange --out "$work/slow")
start_slow() { # in the background, up to the iteration that sleeps
    rm -rf slow/runs
    setsid "$thalweg" scale run "${slow[@]}" </dev/null >out 2>err &
    pid=$!
    await 90 "iterations" rows slow/runs/strong-0001-1 3
}
for signal in INT TERM; do
    start_slow
    kill "-$signal" "$pid"
    code=0
    wait "$pid" || code=$?
    pid=''
    is "exit code after SIG$signal" $code 75
    has "SIG$signal" err "same command again to go on"
    gone "--out=$work/slow" || complain "SIG$signal left processes: $(pgrep -af "$work/slow")"
done
start_slow
mpirun_pid=$(pgrep -P "$pid") || complain "no launcher below scale run"
scale 73 "${slow[@]}"
has "a second one at once" err "another \`thalweg scale run\` is at work"
kill -KILL "$pid"
{ wait "$pid"; } 2>/dev/null || true
pid=''
scale 73 "${slow[@]}"
has "the run of a killed study" err "is still going on"
kill -TERM "$mpirun_pid"
await 90 "the end of its ranks" gone "--out=$work/slow"
scale 80 "${slow[@]}" --ranks 2 --max-time 2s
has "a run that takes too long" err "longer than --max-time"
gone "--out=$work/slow" || complain "a run outlived its time limit"
unset THALWEG_FAULT
scale 0 "${slow[@]}"
for r in 1 2; do is "iterations on $r, at last" "$(value slow/runs/strong-000$r-1 iterations)" 5; done
mkdir slow/runs/strong-0003-1
echo mine >slow/runs/strong-0003-1/letter
scale 73 "${slow[@]}" --ranks 3
is "a folder that is no run's" "$(cat slow/runs/strong-0003-1/letter)" mine

echo "== the method ends by itself, or has nothing to measure"
cat >newton.yaml <<'YAML'
data: {train: data.h5}
model: {type: logistic, l2: 1e-4}
optimizer: {type: lbfgs}
step: {rule: backtracking}
YAML
scale 0 newton.yaml --ranks 1 --repeat 1 --iterations 500 --no-exchange
has "fewer iterations" err "ended by itself after"
scale 79 c.yaml --ranks 1 --repeat 1 --set model.type=linear --set step.length=1e200 --set optimizer.type=gd --out diverged
has "a divergence" err "nothing to measure"

echo "== spaces and quotes"
odd="it's \"a\" \$HOME"
mkdir "$odd"
cp c.yaml "$odd/my *.yaml"
cp data.h5 "$odd/d 1.h5"
: >words
scale 0 "$odd/my *.yaml" --ranks 2 --repeat 1 --iterations 3 --no-exchange --set "data.train=$odd/d 1.h5" \
    --launcher-options "-x 'ODD=a \"b\"' -x TWO=\"c d\"  -x THREE=e\\ f -x FOUR=\"g \\\"h\\\"\"" --out "$odd/study" -q
is "a quiet study" "$(cat out)" ""
grep -qF "[-n][2][-x][ODD=a \"b\"][-x][TWO=c d][-x][THREE=e f][-x][FOUR=g \"h\"][" words || complain "words of the launcher: $(cat words)"
is "rows of $odd" "$(value "$odd/study/runs/strong-0002-1" rows)" 3000

echo "== jobs"
cat >bin/sbatch <<SH
#!/usr/bin/env bash
for word in "\$@"; do printf '[%s]' "\$word"; done >>'$work/sbatch.words'
echo >>'$work/sbatch.words'
id=\$((100 + \$(wc -l <'$work/sbatch.words')))
[ ! -e '$work/refuse' ] || { echo "sbatch: error: no such partition" >&2; exit 1; }
[ -e '$work/hold' ] || bash "\${@: -1}" </dev/null >'$work/job.out' 2>&1
echo "\$id;cluster"
SH
cat >bin/squeue <<SH
#!/bin/sh
[ ! -e '$work/hold' ] || for word in "\$@"; do echo "\${word#--jobs=}"; done | grep -E '^[0-9]+$'
SH
chmod +x bin/sbatch bin/squeue
export THALWEG_LAUNCHER=mpirun
jobs=("$odd/my *.yaml" "--ranks=1,2" --repeat 2 --iterations 4 --no-exchange --set "data.train=$odd/d 1.h5" --launcher sbatch
    --launcher-options "-p 'short one'" --out "$odd/jobs%study")
touch refuse
scale 74 "${jobs[@]}"
has "a refusal of sbatch" err "no such partition"
rm refuse
touch hold
: >sbatch.words
scale 0 "${jobs[@]}"
is "jobs" "$(wc -l <sbatch.words)" 2
sed -n 1p sbatch.words | grep -qF "[--output=$odd/jobs%%study/jobs/0001.out][-p][short one][$odd/jobs%study/jobs/0001.sh]" ||
    complain "the first job: $(cat sbatch.words)"
sed -n 2p sbatch.words | grep -qF "[--dependency=afterany:101]" || complain "the second job does not wait for the first: $(cat sbatch.words)"
has "the script" "$odd/jobs%study/jobs/0002.sh" "#SBATCH --ntasks=2"
scale 0 "${jobs[@]}"
is "jobs that are in the queue already" "$(grep -c 'already queued as' out)" 2
is "jobs after asking again" "$(wc -l <sbatch.words)" 2
rm hold
scale 0 "${jobs[@]}" --wait=0:01:00
for r in 1 2; do is "iterations of a job" "$(value "$odd/jobs%study/runs/strong-000$r-2" iterations)" 4; done
scale 0 "${jobs[@]}"
is "jobs that are done" "$(grep -c 'ranks  done$' out)" 2
if command -v shellcheck >/dev/null; then
    shellcheck -e SC2016 "$odd/jobs%study/jobs/0002.sh" || complain "shellcheck on a job script"
    for script in launch/scaling.sbatch tests/cli/scale_run.sh; do
        (cd "$source_dir" && shellcheck -x "$script") || complain "shellcheck on $script"
    done
fi

[ $failures = 0 ] || exit 1
echo "a study: done once, gone on with, refused for another question"
