#!/usr/bin/env bash
# model.start: a run goes on from the parameters of a model, whatever its scaling; the same bits on any number of ranks; resume;
# refusals.
#
#   start.sh THALWEG SOURCE_DIR
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=common.sh
. "$(dirname -- "$0")/common.sh"
cp "$source_dir/tests/truth/classes.h5" "$source_dir/configs/data/diabetes.h5" .
hash() { value "$1" parameters_hash; }
near() { awk -v a="$2" -v b="$3" -v t="$4" 'BEGIN { d = a - b; exit !(d <= t * b && -d <= t * b) }' || complain "$1: $2 is not $3"; }
few() { [ "$(value "$1" iterations)" -le "$2" ] || complain "$1 took $(value "$1" iterations) iterations"; }
many() { [ "$(value "$1" iterations)" -gt "$2" ] || complain "$1 took only $(value "$1" iterations) iterations"; }

# ---- from the optimum of the same problem, in every scaling ----
configure() { printf 'data: {train: %s, scaling: standardize}\nmodel: {type: %s}\nstop: {gradient_norm: %s}\n' "$1" "$2" "$3" >c.yaml; }
for case in "softmax classes.h5 1e-9" "linear diabetes.h5 1e-8" "huber diabetes.h5 1e-9"; do
    read -r model data tolerance <<<"$case"
    configure "$data" "$model" "$tolerance"
    [ "$model" != huber ] || echo 'model.delta: 60' >>c.yaml
    train "$model" 1 --set optimizer.type=newton
    for scaling in standardize minmax none; do
        train "$model-$scaling" 1 --set "model.start=$model/model.h5" --set data.scaling=$scaling
        few "$model-$scaling" 1
        near "$model-$scaling: the loss at the start" "$(value "$model-$scaling" loss_start)" "$(value "$model" loss)" 1e-13
    done
    train "$model-cold" 1
    many "$model-cold" 4
done
train exact 2 --set model.start=huber/model.h5 --set stop.max_iterations=0
is "the start in the same scaling" "$(hash exact)" "$(hash huber)" # to the bit; softmax is saved centred
grep -q "^  start    softmax/model.h5 $(hash softmax)\$" softmax-none.log || complain "the header says nothing of the start"
grep -q '"model": "softmax/model.h5"' softmax-none/summary.json || complain "the summary says nothing of the start"
h5dump -a start softmax-none/model.h5 | grep -q 'softmax/model.h5' || complain "the model does not say where it started"
grep -q '"start"' softmax-cold/summary.json && complain "a cold start says that it is none"

# ---- the same bits ----
configure classes.h5 softmax 1e-9
sed -i 's/, scaling: standardize//; s/{type: softmax}/{type: softmax, l2: 0.1, start: softmax\/model.h5}/' c.yaml
printf 'data.scaling: minmax\nreduction.mode: reproducible\n' >>c.yaml
for ranks in 1 2 3; do train "r$ranks" "$ranks"; done
is "2 ranks" "$(hash r2)" "$(hash r1)"
is "3 ranks" "$(hash r3)" "$(hash r1)"
many r1 2
train warm 1 --set optimizer.type=adam --set optimizer.batch=20 --set stop.max_epochs=2
[ "$(value warm loss_start)" = "$(value r1 loss_start)" ] || complain "mini-batches start elsewhere"

# ---- resume goes on from the checkpoint, not from the start ----
train cut 2 --set stop.max_iterations=3 --set checkpoint.every=3
train cut 1 --resume auto
is "a resumed run" "$(hash cut)" "$(hash r1)"
train cut2 1 --set stop.max_iterations=3 --set checkpoint.every=3
code=0
launch cut2 1 --resume auto --set model.start= || code=$?
is "exit code without the start" "$code" 81
grep -q 'model.start: softmax/model.h5 in the checkpoint, not set now' cut2.err || complain "resume says: $(cat cut2.err)"

# ---- refusals ----
table() { awk -v header="$1" -v words="$2" 'BEGIN { srand(5); print header; n = split(words, w, " ")
    for (i = 0; i < 60; i++) printf "%.3f,%.3f,%s\n", rand() + i % n, rand(), w[i % n + 1] }' >t.csv
    "$thalweg" convert t.csv -o "$3" --label label </dev/null >/dev/null 2>convert.err || complain "$(cat convert.err)"; }
table a,b,label 'no yes' ab.h5
table a,c,label 'no yes' ac.h5
table a,b,label 'no sure' sure.h5
table a,b,label 'no perhaps yes' three.h5
table a,b,label '0 1' numbers.h5
table a,b,label '1 2' other.h5
printf 'data.train: ab.h5\nmodel: {type: softmax, l2: 0.1}\n' >c.yaml
train ab 1
train numbers 1 --set data.train=numbers.h5
train linear2 1 --set model.type=linear --set data.train=numbers.h5
head -c 3000 ab/model.h5 >cut.h5
refuse() { # code, sentence, further arguments
    local code=0
    launch refused 1 "${@:3}" || code=$?
    is "exit code of ${*:3}" "$code" "$1"
    grep -qF -- "$2" refused.err || complain "${*:3}: $(cat refused.err)"
    [ ! -e refused/summary.json ] || complain "${*:3}: a run was made"
    rm -rf refused
}
start() { printf '%s\n' --set "model.start=$1/model.h5"; }
mapfile -t from < <(start ab)
refuse 78 'ab/model.h5 is a softmax model, model.type is logistic' "${from[@]}" --set model.type=logistic
refuse 78 'ab/model.h5 has 2 features, classes.h5 has 3' "${from[@]}" --set data.train=classes.h5
refuse 78 "column 1 (from 0) is 'b' in ab/model.h5 and 'c' in ac.h5" "${from[@]}" --set data.train=ac.h5
refuse 78 "class 1 (from 0) is 'yes' in ab/model.h5 and 'sure' in sure.h5" "${from[@]}" --set data.train=sure.h5
refuse 78 'ab/model.h5 has 2 classes, three.h5 has 3' "${from[@]}" --set data.train=three.h5
refuse 78 'ab/model.h5 has an intercept, model.intercept is false' "${from[@]}" --set model.intercept=false
refuse 78 'model.init gives another starting point' "${from[@]}" --set model.init=normal
refuse 78 'a path begins where all coefficients are zero' "${from[@]}" --set model.l1=1 --set model.path.count=3
refuse 66 'cannot open nowhere/model.h5' --set model.start=nowhere/model.h5
refuse 66 'is a directory' --set model.start=ab
refuse 65 'c.yaml is not a thalweg model' --set model.start=c.yaml
refuse 65 'ab.h5 is not a thalweg model' --set model.start=ab.h5
refuse 65 'cut.h5' --set model.start=cut.h5
mapfile -t from < <(start numbers)
refuse 78 'class 0 (from 0) is 0 in numbers/model.h5 and 1 in other.h5' "${from[@]}" --set data.train=other.h5
mapfile -t from < <(start linear2)
train linear3 1 "${from[@]}" --set model.type=linear --set data.train=other.h5 # numbers are no classes
code=0
launch refused 3 --set model.start=ab/model.h5 --set data.train=sure.h5 || code=$?
is "exit code on 3 ranks" "$code" 78

finish "starts from models: $(find . -name summary.json | wc -l) runs"
