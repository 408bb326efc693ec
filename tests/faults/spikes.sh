#!/usr/bin/env bash
# A loss that jumps is said once and counted; no configuration that comes with the program gives such an alarm. A NaN that appears
# inside a run ends all ranks in the same iteration with 79, and the row it comes from is named.
#
#   spikes.sh THALWEG SOURCE_DIR FLIP.so
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=../cli/common.sh
. "$(dirname -- "$0")/../cli/common.sh"
flip=$3 runs=0
count() { sed -n 's/^ *"loss_spikes": \([0-9]*\),*$/\1/p' "$1/summary.json"; }
train() { timeout 100 mpirun --oversubscribe -n "$2" "$thalweg" train "$3" --out "$1" "${@:4}" </dev/null >"$1.log" 2>"$1.err"; }

mkdir configs
cp -r "$source_dir/configs/data" configs
for config in "$source_dir"/configs/*.yaml; do
    name=$(basename "$config" .yaml)
    [ -z "$(sed -n 's/^ *train: *data\/.*/x/p' "$config")" ] || continue # data that is not part of the program
    code=0
    train "$name" 2 "$config" -q || code=$?
    case $name:$code in *:0 | credit-too-long:79 | credit-unscaled:79) ;; *) complain "$name: $(cat "$name.err")" ;; esac
    runs=$((runs + 1))
    ! grep -q 'the loss jumped' "$name.err" "$name/log.txt" || complain "$name: $(grep -h 'the loss jumped' "$name.err")"
    [ "$(count "$name")" = 0 ] || complain "$name counts $(count "$name") spikes"
    rm -r "$name"
done
[ $runs -ge 5 ] || complain "only $runs configurations were tried"

# One gradient of many is wrong, on all ranks alike, so that they still agree.
"$thalweg" generate -o line.h5 --task linear --rows 2000 --features 8 --condition 30 --seed 3 </dev/null >generate.log
cat >jump.yaml <<'Y'
data.train: line.h5
model.type: linear
optimizer.type: gd
step: {rule: constant, length: 0.01}
stop: {gradient_norm: 0, max_iterations: 150}
reduction.mode: allreduce
Y
train calm 2 jump.yaml || complain "calm: $(cat calm.err)"
[ "$(count calm)" = 0 ] || complain "calm: $(count calm) spikes"
for factor in 1e4 2; do # that much too large; twice is no jump
    name=jump-$factor
    FLIP_CALL=60 FLIP_FACTOR=$factor LD_PRELOAD=$flip train $name 2 jump.yaml || complain "$name: $(cat $name.err)"
    want=$([ $factor = 2 ] && echo 0 || echo 1)
    [ "$(count $name)" = "$want" ] || complain "$name: $(count $name) spikes"
    [ "$(grep -c 'iteration 60: the loss jumped from' $name.err)" = "$want" ] || complain "$name: $(cat $name.err)"
    [ "$(grep -c 'iteration 60: the loss jumped from' $name/log.txt)" = "$want" ] || complain "$name: $(cat $name/log.txt)"
done

# ---- NaN and infinity inside a run ----
poisoned() { # name, value in row 1234, what is said, further arguments
    local code=0 n
    awk -v v="$2" 'BEGIN { srand(3); print "a,b,y"; for (i = 0; i < 2000; i++) { x = rand() - 0.5; print (i == 1234 ? v : rand()) "," x "," (x > 0) } }' >"$1.csv"
    "$thalweg" convert "$1.csv" -o "$1.h5" --type f64 </dev/null >convert.log
    printf 'data.train: %s.h5\nmodel.type: logistic\n' "$1" >"$1.yaml"
    for n in 1 3; do
        code=0
        train "$1" "$n" "$1.yaml" "${@:4}" || code=$?
        [ "$code" = 79 ] || complain "$1 on $n ranks: exit code $code: $(cat "$1.log" "$1.err")"
        grep -q "row 1234 of $1.h5 (counted from 0, on rank $((n == 1 ? 0 : 1))) $3" "$1.err" || complain "$1 on $n ranks: no '$3' in $(cat "$1.err")"
        [ "$(grep -c 'thalweg: error:' "$1.err")" = 1 ] || complain "$1: not one error line"
        [ ! -e "$1/model.h5" ] || complain "$1: a model"
        rm -r "$1"
    done
}
poisoned huge 1e308 'adds [0-9.e+]* to the gradient'
poisoned large 1e160 'adds [0-9.e+]* to the gradient' --set optimizer.type=lbfgs
poisoned start 1e308 'has the loss nan' --set model.init=constant --set model.init_scale=100 --set optimizer.type=gd
poisoned batch 1e308 'adds [0-9.e+]* to the gradient' --set optimizer.type=adam --set optimizer.batch=50
[ $failures = 0 ] || exit 1
echo "NaN: 8 runs on 1 and 3 ranks ended with 79 and the row of the file; $runs configurations without an alarm"
