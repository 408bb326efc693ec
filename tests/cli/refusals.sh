#!/usr/bin/env bash
# Settings that contradict each other are refused before any data is read, with what is possible instead (exit 78); their
# possible neighbours are not.   refusals.sh THALWEG SOURCE_DIR
set -euo pipefail
thalweg=$1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
fail() { echo "FAILED: $*"; exit 1; }

cat >base.yaml <<YAML
data: {train: $2/configs/data/breast-cancer.h5, scaling: standardize}
model: {type: logistic, l2: 0.01}
YAML

check() { # expected code, --set words ...
    local code=0 want=$1 sets=() word
    for word in "${@:2}"; do sets+=(--set "$word"); done
    timeout 20 "$thalweg" train base.yaml --dry-run --out out "${sets[@]}" >out.txt 2>err.txt </dev/null || code=$?
    [ "$code" = "$want" ] || { cat out.txt err.txt; fail "${*:2} ended with $code, not $want"; }
    [ ! -e out ] || fail "${*:2} left a folder"
}
refused() { # what the sentence must say, --set words ...
    check 78 "${@:2}"
    grep -Eq "$1" err.txt || { cat err.txt; fail "${*:2} is refused without saying '$1'"; }
}
accepted() { check 0 "$@"; }

accepted
refused 'needs a direction that always descends.*|adam goes with step.rule: constant' optimizer.type=adam step.rule=backtracking
grep -q 'adam goes with step.rule: .*constant.*inverse' err.txt || fail "the rules for adam are not listed"
grep -q 'backtracking goes with optimizer.type: .*lbfgs' err.txt || fail "the methods for backtracking are not listed"
refused 'descends' optimizer.type=momentum step.rule=backtracking
accepted optimizer.type=adam
accepted optimizer.type=adam optimizer.batch=32
refused 'lbfgs needs batch: full; .*adam' optimizer.batch=32
refused 'two points' optimizer.type=gd optimizer.batch=32 step.rule=backtracking
accepted optimizer.type=gd optimizer.batch=32
refused '1000 rows in a batch, but the data has 569' optimizer.type=gd optimizer.batch=1000
refused 'with mini-batches the limit is stop.max_epochs' optimizer.type=gd optimizer.batch=32 stop.max_iterations=5
refused 'max_iterations' stop.max_epochs=5
refused 'c1 \(0.4\) must be smaller than c2 \(0.3\)' step.rule=wolfe step.c1=0.4 step.c2=0.3
refused 'model.l2.*>= 0' model.l2=-1
refused 'model.l1.*>= 0' model.l1=-0.5
refused 'adam cannot minimise with l1 > 0; use optimizer.type: .*lbfgs' optimizer.type=adam model.l1=0.1
accepted model.l1=0.1
refused 'a path begins where l1 makes every coefficient zero' model.path.count=10
accepted model.path.count=10 model.l1=1
refused 'set model.path.count' model.folds=5
refused '1000 folds of 569 rows' model.path.count=10 model.l1=1 model.folds=1000
refused 'folds are validation rows already' model.path.count=10 model.l1=1 model.folds=5 data.validation.fraction=0.2
refused 'exclude each other' data.validation.fraction=0.2 data.validation.tail=10
refused 'would leave none to train on' data.validation.tail=569
refused 'neither a share below 1 nor a whole number' data.validation.tail=2.5
refused 'there are no validation rows' stop.validation_patience=3
accepted stop.validation_patience=3 data.validation.fraction=0.2
refused 'a warm-up belongs to a schedule' step.warmup=5
accepted optimizer.type=gd step.rule=cosine step.warmup=5
refused 'bounded curvature' model.type=poisson optimizer.type=gd step.rule=lipschitz
accepted optimizer.type=gd step.rule=lipschitz
refused 'is not the rule that the method brings' optimizer.type=newton_cg step.rule=wolfe
refused 'belongs to another method' step.rule=trust_region
refused 'needs its length in advance' optimizer.type=proximal_gradient step.rule=backtracking
refused 'newton needs batch: full' optimizer.type=newton optimizer.batch=32
refused 'judges slopes' optimizer.type=coordinate_descent model.l1=0.1 step.rule=wolfe
accepted optimizer.type=coordinate_descent model.l1=0.1

# A matrix that no machine of today holds: 1 MB of 3 rows, half a million columns, would need 2e12 bytes and more.
timeout 60 "$thalweg" generate -o wide.h5 --task logistic --rows 16 --features 600000 --type f32 >/dev/null
refused 'newton needs .* a rank for the matrix of 600000 features' optimizer.type=newton data.train=wide.h5 data.scaling=none
refused 'use newton_cg or lbfgs' optimizer.type=newton data.train=wide.h5 data.scaling=none
accepted optimizer.type=newton_cg data.train=wide.h5 data.scaling=none
echo "contradictions are refused, their neighbours accepted"
