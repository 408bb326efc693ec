#!/usr/bin/env bash
# Models with other losses through train, evaluate, predict and inspect: what each prints, and what it refuses.   links.sh THALWEG SOURCE_DIR
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=common.sh
. "$(dirname -- "$0")/common.sh"

# train RANKS MODEL DATA: $2 is the run folder
train() {
    printf 'data: {train: %s, scaling: standardize}\nmodel: {type: %s, l2: 0.01}\nreduction: {mode: reproducible}\n' "$3" "$2" >c.yaml
    timeout 60 mpirun --oversubscribe -n "$1" "$thalweg" train c.yaml --out "$2" </dev/null >"$2.log" 2>&1 || complain "training $2: $(cat "$2.log")"
}
evaluate() { # RANKS MODEL DATA
    timeout 20 mpirun --oversubscribe -n "$1" "$thalweg" evaluate "$2/model.h5" "$3" --json </dev/null >"$2.json"
    timeout 20 "$thalweg" evaluate "$2/model.h5" "$3" </dev/null >"$2.txt"
    timeout 20 "$thalweg" predict "$2/model.h5" "$3" -o "$2.csv" --force </dev/null >predict.log
    timeout 20 "$thalweg" inspect "$2/model.h5" </dev/null >"$2.inspect"
}
loss() { sed -n 's/^  result   loss \([-0-9.e+]*\).*/\1/p' "$1.log"; }
close() { awk -v a="$2" -v b="$3" -v tol="$4" 'BEGIN { d = a - b; exit !(a != "" && d <= tol && -d <= tol) }' || complain "$1 is $2, not $3"; }

# Poisson: metrics of the response; the losses of tests/truth/optima.json.
counts=$source_dir/tests/truth/counts.h5
train 2 poisson "$counts"
evaluate 3 poisson "$counts"
close "F of poisson" "$(loss poisson)" -1.160606394691449 1e-8
has poisson.json '"r2":0\.[0-9]+,"rmse":[0-9.e+]+,"mae":[0-9.e+]+,"deviance":[0-9.]+'
has poisson.txt '^  deviance   [0-9.]+ \(mean poisson deviance\)$'
# With a free intercept the rates add up to the counts: sum of 301 rows.
close "the sum of the rates" "$(awk 'NR > 1 { s += $1; if ($1 <= 0) exit } END { printf "%.15g", s }' poisson.csv)" 875 1e-3
has poisson.inspect 'poisson'

# Negative labels: one sentence, the same exit code.
"$thalweg" generate -o negative.h5 --task linear --rows 500 --features 5 --seed 2 </dev/null >gen.log
for ranks in 1 4; do
    got=0
    printf 'data: {train: negative.h5}\nmodel: {type: poisson}\n' >c.yaml
    timeout 20 mpirun --oversubscribe -n $ranks "$thalweg" train c.yaml --out refused//run/ </dev/null >out.txt 2>err.txt || got=$?
    [ $got = 65 ] || complain "negative labels on $ranks ranks: exit $got"
    has err.txt 'error: .*label -[0-9.e-]+ of row [0-9]+ \(counted from 0\): labels of model.type poisson must be >= 0'
    [ "$(grep -c 'thalweg: error:' err.txt)" = 1 ] || complain "not one error line on $ranks ranks"
    [ ! -e refused ] || complain "a refused run left a folder"
done
got=0
timeout 20 mpirun --oversubscribe -n 2 "$thalweg" evaluate poisson/model.h5 negative.h5 </dev/null >out.txt 2>err.txt || got=$?
[ $got = 65 ] || complain "evaluate with negative labels: exit $got"
has err.txt "labels of model.type poisson must be >= 0"

# Squared hinge: classes by the sign of the margin, no probabilities.
cancer=$source_dir/configs/data/breast-cancer.h5
train 2 squared_hinge "$cancer"
evaluate 3 squared_hinge "$cancer"
lacks squared_hinge.json log_loss
lacks squared_hinge.txt log-loss
has squared_hinge.json '"accuracy":0\.9[0-9]+,"balanced_accuracy":0\.9[0-9]+,"roc_auc":0\.99[0-9]+,"f1_macro":0\.9[0-9]+,"f1_weighted":0\.9[0-9]+,"confusion":\[\['
has squared_hinge.inspect 'classes *2: '
[ "$(sed 1d squared_hinge.csv | sort -u | wc -l)" = 2 ] || complain "squared_hinge predicts something else than two classes"
for ranks in 1 3; do
    got=0
    timeout 20 mpirun --oversubscribe -n $ranks "$thalweg" predict squared_hinge/model.h5 "$cancer" -o no.csv --proba </dev/null >out.txt 2>err.txt || got=$?
    [ $got = 64 ] || complain "--proba on $ranks ranks: exit $got"
    has err.txt 'error: .*--proba: a squared_hinge model has margins, but no probabilities'
    [ ! -e no.csv ] || complain "a refused prediction left a file"
done

close "F of squared_hinge" "$(loss squared_hinge)" 0.06999177500684874 1e-8

# Huber: as linear.
digits=$source_dir/configs/data/digits-train.h5
train 2 huber "$digits"
evaluate 2 huber "$digits"
close "F of huber" "$(loss huber)" 0.9525840582676411 1e-8
has huber.json '"r2":0\.[0-9]+,"rmse":[0-9.]+,"mae":[0-9.]+\}'
lacks huber.txt deviance
lacks huber.inspect classes

# Numbers are no classes of a support vector machine.
got=0
printf 'data: {train: %s}\nmodel: {type: squared_hinge}\n' "$digits" >c.yaml
timeout 20 "$thalweg" train c.yaml --out many </dev/null >out.txt 2>err.txt || got=$?
[ $got = 65 ] || complain "ten classes: exit $got"
has err.txt 'has 10 classes, but model.type squared_hinge needs 2'

finish "links: all as it should be"
