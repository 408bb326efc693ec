#!/usr/bin/env bash
# Runs on one and two ranks, one for each method, rule and kind of data; `verify` (tests/verify) holds every step of each against the
# inequalities that define its rule and against its cost, and F and the gradient at its end against the data. Methods and rules
# that the program does not list are left out. Then logs with one number edited, and other constants: each must be refused.
#
#   verify.sh THALWEG SOURCE_DIR VERIFY
set -euo pipefail
thalweg=$1 source_dir=$2 verify=$3
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

fail() { echo "FAILED: $*"; exit 1; }
"$thalweg" help config markdown >names.md
known() { grep -q "^| \`optimizer.type\` | \`$1\`" names.md && grep -q "^| \`step.rule\` | \`$2\`" names.md; }

ln -s "$source_dir/configs/data/diabetes.h5" "$source_dir/tests/truth/counts.h5" .
ln -s "$source_dir/configs/data/breast-cancer.h5" cancer.h5
ln -s "$source_dir/configs/data/digits-train.h5" digits.h5
"$thalweg" generate -o steep.h5 --task logistic --rows 700 --features 12 --condition 1000 --seed 3 --type f64 >generate.log
"$thalweg" generate -o valley.h5 --task linear --rows 700 --features 12 --condition 300 --seed 4 --type f64 >>generate.log
"$thalweg" generate -o classes.h5 --task softmax --classes 4 --rows 600 --features 12 --seed 5 --type f64 >>generate.log

# ---- runs ----

# ranks, data, model, scaling, l2, delta of huber; l1 and the tolerance of its conditions. With `all` two ranks everywhere.
extent=${4-}
problems="
1 diabetes linear standardize 0.01 1 2 1e-5
2 cancer logistic standardize 0.01 1 0.01 1e-7
2 digits softmax minmax 0.01 1 0.001 1e-7
2 classes softmax minmax 0.01 1 0.001 1e-7
1 steep logistic none 0.001 1 0.01 1e-7
1 valley linear none 0 1 - -
2 counts poisson standardize 0.01 1 0.05 1e-7
1 diabetes huber standardize 0.01 50 - -
1 cancer squared_hinge standardize 0.01 1 - -"

# optimizer, rule, most steps, settings of the step; what must hold
methods="
gd constant 30 length: 0.01 | reads 1; steepest
momentum inverse 30 length: 0.001, tau: 9 | reads 1
gd lipschitz 100 | monotone; armijo 0.49; reads_later 1; steepest
nesterov lipschitz 100 | reads_later 1
gd backtracking 60 c1: 0.3 | armijo 0.3; monotone; reads_trials 0; steepest
gd wolfe 60 c1: 1e-4, c2: 0.1 | wolfe 1e-4 0.1; monotone; reductions 4; steepest
gd goldstein 60 c: 0.1 | goldstein 0.1; monotone; reductions 4
gd barzilai_borwein 300 | nonmonotone 1e-4; reads_trials 0; steepest
adagrad backtracking 60 | armijo 1e-4; reads_trials 0
lbfgs backtracking 300 | armijo 1e-4; monotone
lbfgs wolfe 300 | wolfe 1e-4 0.9; monotone; reads_mean 1.3; reductions 4
lbfgs goldstein 300 | goldstein 0.25; monotone; reductions 4
newton backtracking 50 | armijo 1e-4; monotone; reads_trials 1
newton_cg trust_region 200 | trust; monotone; reads_inner
coordinate_descent backtracking 50 | armijo 1e-4; monotone; reads_trials 1"

# with l1: what finds zeros
sparse="
lbfgs backtracking 2000 | armijo 1e-4; monotone
lbfgs wolfe 2000 | armijo 1e-4; monotone
coordinate_descent backtracking 200 | armijo 1e-4; monotone
proximal_gradient lipschitz 20000 | reads_later 1"

left_out() { # OPTIMIZER RULE
    known "$1" "$2" || return 0
    [ "$2-$model" != lipschitz-poisson ] || return 0 # e^z has no bounded curvature
    [ "$data" != classes ] || [ "$1" = coordinate_descent ] || return 0 # which sweeps over 650 coefficients of images for a minute
    [ "$data-$1$extent" = digits-coordinate_descent ]
}
# train NAME L1 OPTIMIZER RULE STEPS SETTINGS: of the problem in $ranks $data $model $scaling $l2 $delta
train() {
    local launch=(mpirun --oversubscribe -n "$ranks")
    [ "$ranks" != 1 ] || launch=()
    cat >"$1.yaml" <<YAML
data: {train: $data.h5, scaling: $scaling}
model: {type: $model, l1: $2, l2: $l2, delta: $delta}
optimizer: {type: $3}
step: {rule: $4${6:+, $6}}
stop: {gradient_norm_relative: 1e-9, max_iterations: $5}
YAML
    timeout 100 "${launch[@]}" "$thalweg" train "$1.yaml" --out "$1" --quiet </dev/null >"$1.log" 2>"$1.err" ||
        { cat "$1.yaml" "$1.log" "$1.err"; fail "$1 ended with an error"; }
}
holds() { # RUN MODE...
    "$verify" "$@" >said.txt || fail "$*: $(cat said.txt)"
    echo "$1: $(cat said.txt)" >>checked.txt
}

while read -r ranks data model scaling l2 delta l1 tolerance; do
    [ -n "$data" ] || continue
    [ -z "$extent" ] || ranks=2
    while IFS='|' read -r method conditions; do
        read -r optimizer rule steps set <<<"$method"
        if [ -z "$rule" ] || left_out "$optimizer" "$rule"; then continue; fi
        run=$data-$model-$optimizer-$rule
        train "$run" 0 "$optimizer" "$rule" "$steps" "$set"
        # adagrad moves the mean over the classes, which model.h5 leaves out: another point than the last one
        [ "$optimizer-$model" = adagrad-softmax ] || holds "$run" gradient "$data.h5" "$model" "$l2" "$delta"
        while read -rd ';' mode; do
            # shellcheck disable=SC2086 # a mode and its numbers
            holds "$run" $mode
        done <<<"$conditions;"
    done <<<"$methods"
    [ "$l1" != - ] || continue
    while IFS='|' read -r method conditions; do
        read -r optimizer rule steps set <<<"$method"
        if [ -z "$rule" ] || left_out "$optimizer" "$rule"; then continue; fi
        run=$data-$model-l1-$optimizer-$rule
        train "$run" "$l1" "$optimizer" "$rule" "$steps" "$set"
        holds "$run" kkt "$data.h5" "$model" "$l1" "$l2" "$tolerance" "$delta"
        while read -rd ';' mode; do
            # shellcheck disable=SC2086
            holds "$run" $mode
        done <<<"$conditions;"
    done <<<"$sparse"
done <<<"$problems"
cat checked.txt

# Over all runs no mode may live on its exceptions.
grep ' steps, ' checked.txt | awk '{ steps += $3; sub(/.*such, /, ""); if (!/reductions/) rounded += $1 } END { exit !(rounded < 0.05 * steps) }' ||
    fail "too many steps were judged within rounding"

# ---- negative controls: one number edited, one constant wrong ----

controls=0
refused() { # RUN MODE...
    if "$verify" "$@" >said.txt; then fail "accepted: $* ($(cat said.txt))"; fi
    controls=$((controls + 1))
}
# edited RUN ROW KEY VALUE MODE...: fails once the number in that row is VALUE
edited() {
    local run=$1 row=$2 key=$3 value=$4
    [ -d "$run" ] || fail "$run has not run"
    "$verify" "$run" "${@:5}" >said.txt || fail "$run fails ${*:5} before the edit: $(cat said.txt)"
    cp "$run/metrics.jsonl" kept.jsonl
    sed -i "/^{\"iteration\":$row,/s/\"$key\":[^,}]*/\"$key\":$value/" "$run/metrics.jsonl"
    cmp -s kept.jsonl "$run/metrics.jsonl" && fail "row $row of $run has no $key"
    refused "$run" "${@:5}"
    cp kept.jsonl "$run/metrics.jsonl"
}
wrong() { # RUN MODE...: fails with these constants
    [ -d "$1" ] || fail "$1 has not run"
    refused "$@"
}
search=cancer-logistic-gd
edited $search-backtracking 5 loss 0.69 armijo 0.3
edited $search-backtracking 5 slope -1e3 armijo 0.3
edited $search-backtracking 5 step_length -1 armijo 0.3
edited $search-backtracking 5 loss 0.69 monotone
edited $search-backtracking 5 slope -1e-3 steepest
edited $search-backtracking 5 reads 1000 reads_trials 0
edited $search-backtracking 5 evaluations 1000 reads_trials 0
edited $search-backtracking 5 iteration 6 monotone
edited $search-wolfe 5 loss 0.69 wolfe 1e-4 0.1
edited $search-wolfe 5 slope_end 1 wolfe 1e-4 0.1
edited $search-wolfe 5 reductions 1000 reductions 4
edited $search-goldstein 5 loss 0.69 goldstein 0.1
edited $search-goldstein 5 loss 0 goldstein 0.1
edited $search-barzilai_borwein 5 loss 0.7 nonmonotone 1e-4
edited $search-constant 5 reads 1000 reads 1
edited $search-lipschitz 5 reads 1000 reads_later 1
edited cancer-logistic-lbfgs-wolfe 0 reads -1000 reads_mean 1.3
trust=counts-poisson-newton_cg-trust_region
edited $trust 2 inner 1000 reads_inner
edited $trust 2 trust_ratio 0.9 trust
edited $trust 2 predicted 1e3 trust
edited $trust 2 radius 1e-9 trust
edited $trust 2 radius 1e9 trust
edited $trust 2 step_length 0.5 trust
if [ -d $trust ]; then
    row=$(sed -n 's/^{"iteration":\([0-9]*\),.*"rejected":true.*/\1/p' $trust/metrics.jsonl | head -n 1)
    [ -n "$row" ] || fail "no step of $trust was refused: nothing is known about those"
    edited $trust "$row" loss 0 trust
    edited $trust "$row" gradient_norm 0 trust
    edited $trust "$row" rejected false trust
    edited $trust "$row" trust_ratio 0.5 trust
fi
wrong $search-backtracking armijo 0.6
wrong $search-wolfe wolfe 1e-4 1e-6
wrong $search-wolfe wolfe 0.9 0.95
wrong $search-goldstein goldstein 0.49
wrong $search-barzilai_borwein monotone
wrong $search-wolfe reads 1
wrong $search-wolfe reductions 1
wrong $search-wolfe reads_mean 0.5
wrong $search-constant reads 2
wrong $trust reads 1
wrong cancer-logistic-lbfgs-wolfe steepest
wrong cancer-logistic-lbfgs-wolfe gradient cancer.h5 logistic 0.0101
wrong cancer-logistic-lbfgs-wolfe gradient cancer.h5 squared_hinge 0.01
wrong cancer-logistic-l1-lbfgs-wolfe kkt cancer.h5 logistic 0.0101 0.01 1e-7
wrong cancer-logistic-l1-lbfgs-wolfe kkt cancer.h5 logistic 0.01 0.0101 1e-7
wrong cancer-logistic-l1-lbfgs-wolfe kkt cancer.h5 logistic 0.01 0.01 1e-30
wrong cancer-logistic-gd-constant kkt cancer.h5 logistic 0 0.01 1e-7 # far from the minimum
cp -r cancer-logistic-lbfgs-wolfe other-norm
sed -i 's/"gradient_norm": [^,]*,$/"gradient_norm": 1e-3,/' other-norm/summary.json
wrong other-norm gradient cancer.h5 logistic 0.01
wrong other-norm monotone # the summary and the last row differ
echo "$controls edited logs and wrong constants were refused"
