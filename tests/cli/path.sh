#!/usr/bin/env bash
# `thalweg train` with model.path and model.folds against tests/truth/path.json (path.py): penalties, coefficients, losses, the
# cross-validation curve and its choice; the same bits on any number of ranks; validation rows, limits, refusals.
#
#   path.sh THALWEG SOURCE_DIR [all]     all: every case on every number of ranks
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=common.sh
. "$(dirname -- "$0")/common.sh"
truths=$source_dir/tests/truth/path.json
mkdir configs tests
cp -r "$source_dir/configs/data" "$source_dir/configs/diabetes-lasso-path.yaml" configs
cp -r "$source_dir/tests/truth" tests
launch() { # run, ranks, further arguments; the configuration is c.yaml
    timeout 100 mpirun --oversubscribe -n "$2" "$thalweg" train c.yaml --out "$1" "${@:3}" </dev/null >"$1.log" 2>"$1.err"
}
each() { sed -n "/\"points\"/,/^    \]/s/^ *\"$2\": \"\{0,1\}\([^\",]*\)\"\{0,1\},*\$/\1/p" "$1/summary.json"; } # of the path's rows
truth() { # case, key: one value a line
    sed -n "/\"name\": \"$1\"/,/^ }/s/^  \"$2\": \[\{0,1\}\([^]]*\)\]\{0,1\},*\$/\1/p" "$truths" | tr -d '"' | tr ',' '\n'
}
array() { h5dump -w 1 -d "$2" -m %.17g "$1/model.h5" | sed -n 's/^ *([0-9,]*): //p' | tr -d ','; }
apart() { # got, want: files of numbers; the largest difference over the largest number, or "shape"
    paste "$1" "$2" | awk 'NF != 2 || !($1 == $1 + 0) { bad = 1 } { d = $1 - $2; if (d < 0) d = -d; a = $2 < 0 ? -$2 : $2; if (d > D) D = d; if (a > A) A = a }
        END { print bad || NR == 0 ? "shape" : D == 0 ? 0 : D / A }'
}
below() { awk -v v="$2" -v t="$3" 'BEGIN { exit !(v != "shape" && v + 0 <= t) }' || complain "$1: off by $2 (tolerance $3)"; }
off() { array "$1" "/path/$3" >got.txt; truth "$2" "$3" >want.txt; apart got.txt want.txt; } # run, case, key
configure() { # case, further lines
    local folds
    folds=$(truth "$1" folds)
    {
        printf 'data: {train: %s, scaling: %s}\n' "$(truth "$1" data)" "$(truth "$1" scaling)"
        printf 'model: {type: %s, l1: %s, l2: %s, ' "$(truth "$1" model)" "$(truth "$1" mixture_l1)" "$(truth "$1" mixture_l2)"
        printf 'path: {count: %s, min_ratio: %s}%s}\n' "$(truth "$1" count)" "$(truth "$1" min_ratio)" "$([ "$folds" = 0 ] || echo ", folds: $folds")"
        printf 'seed: %s\nreduction.mode: reproducible\n' "$(truth "$1" seed)"
        printf '%s\n' "${@:2}"
    } >c.yaml
}
judge() { # run, case
    for key in l1 l2; do below "$1: $key" "$(off "$1" "$2" $key)" 1e-9; done
    for key in loss mean_loss coef_; do below "$1: $key" "$(off "$1" "$2" $key)" 1e-6; done
    # The gradient promises less where a first-order method meets a badly conditioned problem.
    below "$1: coef_scaled_" "$(off "$1" "$2" coef_scaled_)" "$([ "$1" = logistic-proximal_gradient ] && echo 2e-6 || echo 1e-6)"
    is "$1: nonzeros" "$(each "$1" nonzeros | tr '\n' ' ')" "$(truth "$2" nonzeros | tr '\n' ' ')"
    is "$1: converged" "$(grep -c 'not converged' "$1.log" || true)" 0
    [ "$(truth "$2" folds)" != 0 ] || return 0
    below "$1: intercept_" "$(off "$1" "$2" intercept_)" 1e-6
}
judge_folds() { # run, case
    for key in cv_mean cv_error; do below "$1: $key" "$(off "$1" "$2" $key)" 1e-6; done
    for key in best one_standard_error; do is "$1: $key" "$(value "$1" $key)" "$(truth "$2" $key)"; done
    is "$1: row that is kept" "$(value "$1" kept)" "$(value "$1" best)"
    array "$1" /coef_ >kept.txt
    array "$1" /path/coef_ | awk -v at="$(value "$1" kept)" -v n="$(wc -l <kept.txt)" 'NR > at * n && NR <= (at + 1) * n' >row.txt
    is "$1: coef_ and its row of the path" "$(cat kept.txt)" "$(cat row.txt)"
}

# ---- every case with every method ----
for case in lasso 'elastic net' unscaled weights logistic 'logistic elastic net' softmax 'leave one out' 'empty folds'; do
    for method in lbfgs coordinate_descent proximal_gradient; do
        [ "$case $method" != 'unscaled proximal_gradient' ] || continue # thousands of iterations a penalty
        configure "$case" "optimizer.type: $method"
        run=${case// /-}-$method
        train "$run" 2
        judge "$run" "$case"
        [ "$(truth "$case" folds)" = 0 ] || judge_folds "$run" "$case"
        is "$run: nonzeros of the first row" "$(each "$run" nonzeros | head -n 1)" 0
        [ "$(each "$run" nonzeros | sed -n 2p)" -gt 0 ] || complain "$run: no coefficient at the second penalty"
    done
done
is "folds without rows" "$(grep -c 'no row fell into it' empty-folds-lbfgs.log)" \
    "$(truth 'empty folds' fold | sort -u | awk 'END { print 6 - NR }')"
is "loss of folds without rows" "$(h5dump -w 1 -d /path/fold_loss empty-folds-lbfgs/model.h5 | grep -c nan)" 12
grep -q 'gradient_norm_relative: 1e-10' lasso-lbfgs/config.resolved.yaml || complain "the default stopping test of a path is another one"
is "rows of metrics.jsonl" "$(wc -l <lasso-lbfgs/metrics.jsonl)" 20

# A test at rounding level brings no coefficient to life at the largest penalty.
for method in lbfgs coordinate_descent proximal_gradient; do
    configure lasso "optimizer.type: $method" 'stop: {gradient_norm_relative: 1e-14, max_iterations: 300}'
    train first 2 --set model.folds=2
    is "$method: nonzeros of the first row" "$(each first nonzeros | head -n 1)" 0
    rm -r first
done

# ---- the same bits on any number of ranks ----
places=("lasso 1 2 3 4 7 8" "weights 1 2 4 7" "logistic 1 3 8")
[ "${3:-}" != all ] || places=("lasso 1 2 3 4 7 8" "weights 1 2 3 4 7 8" "logistic 1 2 3 4 7 8")
for place in "${places[@]}"; do
    case=${place%% *}
    configure "$case"
    for ranks in ${place#* }; do
        train "bits-$ranks" "$ranks" --set optimizer.type="$([ "$case" = weights ] && echo coordinate_descent || echo lbfgs)"
        h5dump -g /path -m %.17g "bits-$ranks/model.h5" | tail -n +2 >"bits-$ranks.txt"
        is "$case: hash on $ranks ranks" "$(value "bits-$ranks" parameters_hash)" "$(value bits-1 parameters_hash)"
        cmp -s bits-1.txt "bits-$ranks.txt" || complain "$case: another /path on $ranks ranks"
        [ "$ranks" = 1 ] || rm -r "bits-$ranks"
    done
    [ "$(grep -c '(.*): [0-9]' bits-1.txt)" -gt 20 ] || complain "$case: there is no /path to compare"
    rm -r bits-1
done

# ---- negative controls ----
more() { awk -v v="$2" 'BEGIN { exit !(v != "shape" && v > 1e-4) }' || complain "$1: not told apart, $2"; }
more "cv_mean of another seed" "$(off lasso-lbfgs 'other seed' cv_mean)"
more "cv_error of another seed" "$(off lasso-lbfgs 'other seed' cv_error)"
configure 'other seed'
train other 2
below "cv_mean of the other seed" "$(off other 'other seed' cv_mean)" 1e-6
configure 'elastic net'
train mixture 2 --set model.l1=0.6 --set model.l2=0.4
more "l2 of another mixture" "$(off mixture 'elastic net' l2)"
more "coefficients of another mixture" "$(off mixture 'elastic net' coef_)"
train twice 2 --set model.l1=5 --set model.l2=5 # only the ratio matters
is "hash of twice the mixture" "$(value twice parameters_hash)" "$(value elastic-net-lbfgs parameters_hash)"
train start 2 --set model.init=normal # a path begins at its intercepts
is "hash of another start" "$(value start parameters_hash)" "$(value elastic-net-lbfgs parameters_hash)"
configure lasso 'stop.gradient_norm_relative: 1e-4'
train loose 2
awk -v v="$(off loose lasso coef_)" 'BEGIN { exit !(v > 1e-6) }' || complain "a loose test is as good as the default one"
configure weights
train unweighted 2 --set data.train=configs/data/diabetes.h5
more "coefficients without weights" "$(off unweighted weights coef_)"
more "cv_mean without weights" "$(off unweighted weights cv_mean)"

# ---- validation rows choose as well ----
columns() { h5dump -w 1 -d "$2" -m %.17g "$1" | sed -n 's/^ *([0-9,]*): //p' | tr -d ','; }
columns configs/data/breast-cancer.h5 /X | awk '{ line = line $1 ","; if (NR % 30 == 0) { print line; line = "" } }' >x.txt
columns configs/data/breast-cancer.h5 /y | paste -d '\0' x.txt - >rows.txt
head -n 369 rows.txt >rest.csv
tail -n 200 rows.txt >watched.csv
for part in rest watched; do "$thalweg" convert $part.csv --no-header --type f64 -o $part.h5 </dev/null >convert.log; done
cat >c.yaml <<YAML
data: {train: configs/data/breast-cancer.h5, scaling: standardize}
model: {type: logistic, l1: 1, path: {count: 15, min_ratio: 1e-4}}
reduction.mode: reproducible
YAML
train masked 3 --set data.validation.tail=200
train alone 2 --set data.train=rest.h5 --set data.validation=watched.h5
array masked /path/validation_loss >masked.txt
array alone /path/validation_loss >alone.txt
below "validation loss, masked or alone" "$(apart masked.txt alone.txt)" 1e-6
best=$(awk 'NR == 1 || $1 < least { least = $1; at = NR - 1 } END { print at }' masked.txt)
is "row of the least validation loss" "$(value masked best)" "$best"
is "row that is kept" "$(value masked kept)" "$best"
[ "$best" != 14 ] || complain "the least validation loss is at the end: it shows nothing"
is "one standard error without folds" "$(value masked one_standard_error)" null
timeout 20 "$thalweg" evaluate masked/model.h5 watched.h5 --json </dev/null | sed -n 's/.*"log_loss":\([^,}]*\)[,}].*/\1/p' >evaluated.txt
sed -n "$((best + 1))p" masked.txt >watched.txt
below "validation loss and evaluate" "$(apart evaluated.txt watched.txt)" 1e-12
train neither 2 # without scores the smallest penalty
is "row that is kept without scores" "$(value neither kept)" 14

# ---- limits ----
"$thalweg" generate -o long.h5 --task linear --rows 60000 --features 40 --seed 2 </dev/null >generate.log
cat >c.yaml <<YAML
data.train: long.h5
model: {type: linear, l1: 1, path: {count: 9000, min_ratio: 1e-3}}
YAML
for folds in 0 2; do
    code=0
    launch "long-$folds" 2 --max-time 1 $([ $folds = 0 ] || echo --set model.folds=$folds) || code=$?
    is "exit code at the time limit" "$code" 75
    is "reason of the long path" "$(value "long-$folds" reason)" time_limit
    grep -q 'time was over after [0-9]* of 9000 penalties' "long-$folds.log" || complain "nothing said about the time: $(tail "long-$folds.log")"
    awk -v s="$(sed -n 's/^  "seconds": \([0-9.e+]*\),$/\1/p' "long-$folds/summary.json")" 'BEGIN { exit !(s > 0.4 && s < 15) }' || complain "the time limit of 1 s did not hold"
    if [ -s "long-$folds/metrics.jsonl" ]; then
        is "rows of /path" "$(array "long-$folds" /path/l1 | wc -l)" "$(wc -l <"long-$folds/metrics.jsonl")"
    else # it did not come beyond the folds
        [ ! -e "long-$folds/model.h5" ] || complain "a path without a row left a model"
    fi
done
configure lasso 'optimizer.type: proximal_gradient' 'step: {rule: constant, length: 3}'
code=0
launch diverged 2 || code=$?
is "exit code of a path that diverges" "$code" 79
[ ! -e diverged/model.h5 ] || complain "a path that diverged left a model"
is "reason" "$(value diverged converged)" false
configure lasso 'optimizer.type: proximal_gradient' 'stop.max_iterations: 5'
train short 2
grep -q 'warning  [0-9]* of the 120 fits did not converge' short.log || complain "nothing said about fits that did not converge"

# ---- refusals ----
refuse() { # exit code, sentence, further arguments
    for ranks in 1 3; do
        code=0
        launch refused $ranks "${@:3}" || code=$?
        is "exit code of '${*:3}' on $ranks ranks" "$code" "$1"
        grep -qE -- "$2" refused.err || complain "'${*:3}' on $ranks ranks: no '$2' in: $(cat refused.err)"
        rm -rf refused
    done
}
configure 'leave one out'
refuse 78 '9 folds of 8 rows: there cannot be more folds than rows' --set model.folds=9
refuse 78 'folds are validation rows already' --set data.validation.tail=2
refuse 78 'model.l1 must be > 0' --set model.l1=0 --set model.l2=1
refuse 78 'a path needs optimizer.batch: full' --set optimizer.batch=2 --set optimizer.type=proximal_gradient --set step.rule=constant
head -n 3 rows.txt >few.csv
"$thalweg" convert few.csv --no-header --type f64 -o few.h5 </dev/null >convert.log
for seed in 1 2 3 4 5 6 7 8 9 10; do # one of four seeds puts three rows into one of two folds
    code=0
    launch few-$seed 1 --set data.train=few.h5 --set model.folds=2 --set seed=$seed || code=$?
    [ $code = 0 ] || break
done
is "exit code of one fold" "$code" 78
grep -q 'all 3 rows fell into one fold: use another seed or more folds' few-$seed.err || complain "one fold: $(cat few-$seed.err)"
sed 's/^\(.*\),[01]$/\1,1/' rows.txt | sed 's/1$/7.25/' >constant.csv
"$thalweg" convert constant.csv --no-header --type f64 -o constant.h5 </dev/null >convert.log
refuse 65 'no feature is related to the labels' --set data.train=constant.h5 --set model.folds=2
printf 'data.train: configs/data/credit.h5\nmodel: {type: linear, l1: 1, folds: 4}\n' >c.yaml
refuse 78 'folds choose a penalty of a path: set model.path.count' --set model.l2=0

# ---- the worked example, and the commands that read its run ----
timeout 60 mpirun --oversubscribe -n 2 "$thalweg" train configs/diabetes-lasso-path.yaml </dev/null >example.log 2>&1 || complain "$(cat example.log)"
for dir in runs/diabetes-lasso-path; do
    mkdir -p example
    cp $dir/model.h5 $dir/summary.json example
    cp example.log example.err
    judge example example
    judge_folds example example
    page=$(sed -n 's/^| `diabetes-lasso-path` .* row \([0-9]*\) | \([0-9]*\) | \([0-9.]*\) |/\1 \2 \3/p' "$source_dir/docs/method.md")
    is "the example and its page" "$(value $dir best) $(value $dir iterations) $(awk -v v="$(value $dir loss)" 'BEGIN { printf "%.7f", v }')" "$page"
    grep -qE '^  kept     row [0-9]+, which has the least cross-validated loss; all rows are in /path of model.h5$' example.log ||
        complain "the example does not say what is kept"
    is "lines wider than 110 columns" "$(grep -vE '^  stopped|^  +wire' example.log | awk 'length($0) > 110' | wc -l)" 0
    timeout 20 "$thalweg" inspect $dir/model.h5 </dev/null >inspect.txt || complain "inspect of the model"
    grep -q "path_row = $(value $dir kept)\$" inspect.txt || complain "inspect does not know the row: $(cat inspect.txt)"
    timeout 20 "$thalweg" inspect $dir </dev/null >inspect.txt || complain "inspect of the folder"
    timeout 60 "$thalweg" plot --terminal $dir </dev/null >plot.txt 2>plot.err || [ $? = 69 ] || complain "plot: $(cat plot.err)"
    timeout 20 "$thalweg" evaluate $dir/model.h5 configs/data/diabetes.h5 </dev/null >evaluate.txt || complain "evaluate"
done

finish "paths and cross-validation: all as it should be"
