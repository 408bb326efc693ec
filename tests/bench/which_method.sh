#!/usr/bin/env bash
# What the methods pay for a digit: loss gap against reads of the data, all methods on four data sets. Prints Markdown tables for
# docs/which-method.md and draws FOLDER/which-NAME.svg for each data set. A minute or two; keeps nothing else.
#
#   tests/bench/which_method.sh FOLDER [THALWEG] [RANKS]
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
[ $# -ge 1 ] || { sed -n '2,5s/^# \{0,1\}//p' "$0" && exit 64; }
mkdir -p -- "$1"
folder=$(realpath -- "$1") thalweg=$(realpath -e -- "${2:-$root/build/release/thalweg}") ranks=${3:-2}
# shellcheck source=launch/env.sh
. "$root/launch/env.sh"
work=$(mktemp -d)
trap 'rm -rf -- "$work"' EXIT
cd -- "$work"
mpi() { timeout 600 mpirun -n "$ranks" "$@" </dev/null; }

# method, step rule (-: the method's own), models (-: all); what the program does not know is left out
methods='lbfgs wolfe -
lbfgs+gram wolfe -
lbfgs backtracking -
newton - -
newton_cg - -
coordinate_descent - -
nesterov lipschitz -
proximal_gradient - -
gd barzilai_borwein -
gd wolfe -
gd backtracking -
gd lipschitz -
momentum constant -
adam constant -'
# name, model, l2, scaling, file
sets="diabetes linear 1e-3 standardize $root/configs/data/diabetes.h5
cancer logistic 1e-2 standardize $root/configs/data/breast-cancer.h5
digits softmax 1e-3 minmax $root/configs/data/digits-train.h5
valley logistic 1e-5 none $work/valley.h5"

mpi "$thalweg" generate -o valley.h5 --task logistic --rows 5000 --features 50 --condition 1000 --type f64 --seed 1 >/dev/null
"$thalweg" help config optimizer.type >optimizers
"$thalweg" help config step.rule >rules
knows() { [ "$2" = - ] || grep -q "^ *[a-z]*\.[a-z]*: $2 " "$1"; }

run() { # run FOLDER MODEL L2 SCALING FILE METHOD RULE
    local rule=''
    [ "$7" = - ] || rule="step: {rule: $7}"
    local method=${6%+gram} first=none
    [ "$method" = "$6" ] || first=gram
    cat >run.yaml <<YAML
data: {train: '$5', scaling: $4}
model: {type: $2, l2: $3}
optimizer: {type: $method, preconditioner: $first}
$rule
stop: {gradient_norm_relative: 1e-11, max_iterations: 3000, max_time: 60}
reduction: {mode: reproducible}
YAML
    mpi "$thalweg" train run.yaml --out "$1" -q 2>error.txt || echo "$1: $(head -1 error.txt)" >&2
}
field() { sed -n "s/.*\"$1\":\([^,}]*\).*/\1/p"; } # one value a row of metrics.jsonl

# arrivals FOLDER LEAST: reads at the first rows within 1e-2, 1e-4, 1e-8 of the least loss, at the last row; its gap; iterations
arrivals() {
    paste <(field loss <"$1/metrics.jsonl") <(field reads <"$1/metrics.jsonl") <(field iteration <"$1/metrics.jsonl") |
        awk -v least="$2" '$1 != "null" { gap = ($1 - least) / least
            for (e = 2; e <= 8; e *= 2) if (!(e in at) && gap <= 10 ^ -e) at[e] = sprintf("%g", $2)
            reads = $2; k = $3
        } END { for (e = 2; e <= 8; e *= 2) printf "%s | ", e in at ? at[e] : "–"
            printf "%g | %.0e | %d", reads, gap, k }'
}

# Rows 0, 1, 2, ... with strides that grow: a picture needs no more points, and its file stays small.
thin() { # thin FROM TO
    mkdir -p -- "$2"
    awk -F'"iteration":' '{ split($2, a, ","); k = a[1] + 0; last = $0
        if (k >= next_k) { print; next_k = k + 1 > 1.04 * k ? k + 1 : 1.04 * k; printed = k } }
        END { if (k != printed) print last }' "$1/metrics.jsonl" >"$2/metrics.jsonl"
}

while read -r name model l2 scaling file; do
    mkdir "$name" "$name-thin"
    while read -r method rule models; do
        knows optimizers "${method%+gram}" && knows rules "$rule" || continue
        [ "$models" = - ] || [[ ,$models, = *,$model,* ]] || continue
        label="$method + $rule"
        [ "$rule" != - ] || label=$method
        run "$name/$label" "$model" "$l2" "$scaling" "$file" "$method" "$rule"
    done <<<"$methods"
    least=$(cat "$name"/*/metrics.jsonl | field loss | grep -v null | sort -g | sed -n 1p)
    printf '\n### %s: %s, l2 %s, F\\* = %s\n\n' "$name" "$model" "$l2" "$least"
    printf '| method | reads to 1e-2 | to 1e-4 | to 1e-8 | reads in all | last gap | iterations | ended by |\n'
    printf '|---|---:|---:|---:|---:|---:|---:|---|\n'
    thinned=()
    for one in "$name"/*; do
        reason=$(sed -n 's/^ *"reason": "\(.*\)",$/\1/p' "$one/summary.json" 2>/dev/null || true)
        # those that never came within 1e-8 come last
        row="| ${one#*/} | $(arrivals "$one" "$least") | ${reason:-failed} |"
        at=$(cut -d'|' -f5 <<<"$row")
        [[ $at = *[0-9]* ]] || at=1e9
        printf '%s\t%s\n' "$at" "$row"
        thin "$one" "$name-thin/${one#*/}"
        thinned+=("$name-thin/${one#*/}")
    done >rows.txt
    sort -g rows.txt | cut -f2-
    "$thalweg" plot --x reads --quantity gap -o "$folder/which-$name.svg" -- "${thinned[@]}" >&2
done <<<"$sets"
