#!/usr/bin/env bash
# report.sh THALWEG SOURCE_DIR -- `thalweg report` prints the very lines that ended the screen of a run, whatever the run was, and
# tells how a run stands that has no end: in progress, killed, failed, damaged.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=common.sh
. "$(dirname -- "$0")/common.sh"
forget THALWEG
# shellcheck source=launch/env.sh
. "$source_dir/launch/env.sh"
ln -s -- "$source_dir/configs" configs
says() { grep -qF -- "$1" out err || complain "no '$1' in: $(cat out err)"; }

# ---- the same lines ----

end_of() { sed -n '/^  stopped/,$p' "$1"; }
same() { # NAME EXIT_CODE STATE ARGUMENT...: what train prints at its end is what report says
    local name=$1 code=$2 state=$3
    shift 3
    run "$code" train "$@" --out "runs/$name"
    end_of out >one
    run 0 report "runs/$name"
    end_of out >two
    [ "$(wc -l <one)" -gt 9 ] || complain "$name has no end: $(cat one)"
    cmp -s one two || complain "$name is reported in other lines: $(diff one two)"
    grep -q "^  state    $state" out || complain "$name is not '$state': $(cat out)"
}
cancer=configs/cancer-logistic.yaml
run 0 generate -o three.h5 --task softmax --rows 300 --features 4 --seed 5
printf 'data: {train: three.h5, validation: {fraction: 0.3}}\nmodel: {type: softmax, l2: 0.1}\n' >three.yaml
same plain 0 finished $cancer
same newton 0 finished $cancer --set optimizer.type=newton --set model.l2=0
same sparse 0 finished $cancer --set model.l1=0.01
same limit 0 finished $cancer --set stop.max_iterations=3
grep -q '(not converged)' two || complain "a run that has not converged"
same watched 0 finished three.yaml --set optimizer.type=adam --set optimizer.batch=32 --set step.rule=constant --set step.length=0.01 \
    --set stop.max_epochs=12 --set stop.validation_patience=3
grep -q '^  watched .* epoch .* which is kept$' two || complain "validation rows of mini-batches: $(cat two)"
same path 0 finished $cancer --set model.l2=0 --set model.l1=1 --set model.path.count=4 --set model.folds=3
grep -q '^  simpler  row' two || complain "the path: $(cat two)"
same diverged 79 diverged $cancer --set optimizer.type=gd --set step.rule=constant --set step.length=1e200 --set data.scaling=none \
    --set model.type=linear
grep -q '^  result   loss not finite$' two || grep -q '^  result   loss [0-9]' two || complain "the loss of a divergence: $(cat two)"
same stopped 75 "stopped; the same command goes on from iteration-" $cancer --max-time 1 --set optimizer.type=gd \
    --set step.rule=constant --set step.length=1e-9 --set stop.max_iterations=1e9
grep -q '^  saved    1 checkpoint in' two || complain "the checkpoint of a stopped run: $(cat two)"
if command -v mpirun >/dev/null; then
    timeout 60 mpirun -n 2 "$thalweg" train $cancer --out runs/two </dev/null >out 2>err || complain "two ranks: $(cat out err)"
    end_of out >one
    run 0 report runs/two///
    end_of out >two
    cmp -s one two || complain "two ranks are reported in other lines: $(diff one two)"
    grep -q 'is slowest' two || complain "the slowest rank: $(cat two)"
    says "; 2 ranks on 1 node"
fi

# ---- no end ----

mkdir -p runs/begun
cp runs/plain/metrics.jsonl runs/plain/config.resolved.yaml runs/begun
printf 'state=running code=0 iteration=20 checkpoint=iteration-000000000020.h5\n' >runs/begun/status
run 0 report runs/begun
says "  state    interrupted: its process is gone; the same command goes on from iteration-000000000020.h5"
says "  last     iteration 34, loss 0.0995913"
printf '{"iteration":35,"loss":0.09' >>runs/begun/metrics.jsonl
run 0 report runs/begun
says "  last     iteration 34, loss 0.0995913" # a line that is being written does not count
echo 'process 4711 on node07' >runs/begun/lock
if command -v flock >/dev/null; then
    exec 9>>runs/begun/lock
    flock -n 9
    run 0 report runs/begun
    says "  state    running: process 4711 on node07"
    run 0 report runs/begun --json
    says '"state":"running","exit_code":null'
    exec 9>&-
fi
run 0 report runs/begun
says "interrupted"
printf 'state=failed code=74 iteration=7 checkpoint=none\n' >runs/begun/status
run 0 report runs/begun
says "  state    failed at iteration 7 with exit code 74 (an input or output error while reading or writing); the same command begins again"
rm runs/begun/status runs/begun/metrics.jsonl
run 0 report runs/begun
says "  state    unknown: there is no status file"
says "there is no metrics.jsonl"
: >runs/begun/metrics.jsonl
printf '{"reason":' >runs/begun/summary.json
run 0 report runs/begun
says "no iteration is in metrics.jsonl yet"
says "summary.json is damaged"
for hostile in '{}' '[]' '{"reason":7,"verdict":[],"ranks":"x","phases":3,"slowest":null,"path":{"points":{},"best":9},"validation":{}}' \
    '{"verdict":"a\u001b[31m\u009b1mb","reason":"\u001b]0;x","path":{"points":[1],"best":0,"kept":-5,"planned":99},"seconds":-1}'; do
    printf '%s' "$hostile" >runs/begun/summary.json
    for more in '' --json; do # shellcheck disable=SC2086
        run 0 report runs/begun $more
        [ -z "$(LC_ALL=C tr -d '\200-\377' <out | LC_ALL=C tr -d '[:print:]\n')" ] || complain "control characters: $(cat -v out)"
    done
    run 0 report runs/begun runs/plain
    if LC_ALL=C grep -q $'[\033\302]' out; then complain "control characters in the table: $(cat -v out)"; fi
done

# ---- several ----

printf 'state=failed code=74 iteration=7 checkpoint=none\n' >runs/begun/status
rm runs/begun/summary.json
cp runs/plain/metrics.jsonl runs/begun
run 0 report runs/plain runs/limit runs/begun runs/diverged
[ "$(wc -l <out)" = 5 ] || complain "a line each: $(cat out)"
[ "$(awk '{ print length }' out | sort -u | wc -l)" = 1 ] || complain "columns: $(cat out)"
grep -qE '^runs/plain +gradient norm +34 +0.099591375 +6.80e-10 +[0-9.]+$' out || complain "a finished run in: $(cat out)"
grep -qE '^runs/limit +iteration limit +3 ' out || complain "the iteration limit in: $(cat out)"
grep -qE '^runs/begun +failed \(74\) +34 +0.099591375 +6.80e-10 ' out || complain "a failed run in: $(cat out)"
run 0 report runs/plain runs/limit --json
[ "$(grep -c '^{"folder":"runs/.*"state":"finished","exit_code":0,.*}$' out)" = 2 ] || complain "an object a line: $(cat out)"
if command -v python3 >/dev/null; then
    python3 -c 'import json; a, b = map(json.loads, open("out")); s = json.load(open("runs/plain/summary.json"))
assert a["summary"] == s and b["summary"]["iterations"] == 3 and a["last"]["iteration"] == 34' || complain "the JSON"
fi

# ---- misuse ----

run 64 report; says "which run folder?"
run 64 report --jsno runs/plain; says "Did you mean '--json'"
run 66 report runs/nowhere; says "runs/nowhere"
run 66 report runs/plain runs/nowhere; says "runs/nowhere"
[ ! -s out ] || complain "part of a table: $(cat out)"
run 65 report configs; says "not of a run"
run 66 report three.h5; says "three.h5"
code=0
timeout 60 "$thalweg" report runs/plain </dev/null >/dev/full 2>err || code=$?
[ $code = 74 ] || complain "a full disk ends with $code: $(cat err)"
finish "report: nine runs in the lines of their screens, six that have no end, tables, JSON"
