#!/usr/bin/env bash
# One hash on 1 to 8 ranks whatever the data are: files, weights, missing features, storage, labels that are words or numbers,
# weights of classes, validation rows. Two rich combinations on 1 and 8 ranks; with `all` every one of them on 1 to 8.
#
#   data_ranks.sh THALWEG SOURCE_DIR [all]
set -euo pipefail
thalweg=$1 source_dir=$2 all=${3-}
work=$(mktemp -d)
trap 'rm -rf -- "$work"' EXIT
cd -- "$work"
failures=0 runs=0
complain() { failures=$((failures + 1)); echo "FAILED $*"; }

# 1200 rows of 5 numbers, a weight, one of three words; some of the numbers are missing, more of them in the last rows.
awk 'function draw() { state = (state * 16807) % 2147483647; return state / 2147483647 - 0.5 }
    BEGIN {
        state = 20261122
        print "a,b,c,d,e,w,y"
        for (i = 0; i < 1200; i++) {
            sum = draw(); line = ""
            for (j = 0; j < 5; j++) {
                x = 3 * draw() + j; sum += (j - 2) * (x - j); gap = draw() + 0.5 < i / 20000
                line = line (gap ? "" : sprintf("%.6f", x)) ","
            }
            w = i % 7 ? sprintf("%.3f", 1.5 + draw()) : 0
            print line w "," (sum > 1.5 ? "red" : sum > -1 ? "green" : "ash")
        }
    }' >table.csv
# convert NAME OPTION...: NAME.csv to NAME-weights.h5 and NAME-plain.h5
convert() {
    timeout 30 "$thalweg" convert "$1.csv" -o "$1-weights.h5" --weight w --label y -t f64 </dev/null >convert.log 2>&1 || complain "convert $1: $(cat convert.log)"
    timeout 30 "$thalweg" convert "$1.csv" -o "$1-plain.h5" --drop w --label y -t f64 </dev/null >convert.log 2>&1 || complain "convert $1: $(cat convert.log)"
}
convert table
piece=0
for lines in 2,90 91,640 '641,$'; do
    piece=$((piece + 1))
    { head -n 1 table.csv; sed -n "${lines}p" table.csv; } >piece$piece.csv
    convert piece$piece
done
truth=$source_dir/tests/truth
cat >c.yaml <<'YAML'
data: {train: none.h5, scaling: standardize}
model: {type: softmax, l2: 1e-3}
reduction: {mode: reproducible}
stop: {max_iterations: 12}
YAML

# hash RANKS KEY=VALUE...: REPLY
hash() {
    local ranks=$1 sets=() set
    for set in "${@:2}"; do sets+=(--set "$set"); done
    rm -rf run
    runs=$((runs + 1))
    OMP_NUM_THREADS=$((1 + ranks % 3)) timeout 100 mpirun --oversubscribe -n "$ranks" "$thalweg" train c.yaml --out run "${sets[@]}" </dev/null >train.log 2>&1 ||
        complain "$*: $(cat train.log)"
    REPLY=$(grep -o 'xxh3:[0-9a-f]*' train.log || true)
    [ -n "$REPLY" ] || REPLY="none of $*"
}
# one_hash RANKS... -- KEY=VALUE...: REPLY
one_hash() {
    local ranks=() one=
    while [ "$1" != -- ]; do ranks+=("$1"); shift; done
    shift
    for n in "${ranks[@]}"; do
        hash "$n" "$@"
        [ -n "$one" ] || one=$REPLY
        [ "$REPLY" = "$one" ] || complain "$* on $n ranks: $REPLY, not $one as on ${ranks[0]}"
    done
    REPLY=$one
}

rich=('data.train=piece?-weights.h5' data.storage=f16 data.missing=mean data.validation.fraction=0.2 model.class_weight=balanced)
words=(data.train="$truth/words.h5" data.storage=bf16 model.class_weight=balanced data.validation.tail=20)
if [ "$all" != all ]; then
    one_hash 1 8 -- "${rich[@]}" && first=$REPLY
    hash 5 data.train=table-weights.h5 "${rich[@]:1}"
    [ "$REPLY" = "$first" ] || complain "one file: $REPLY, three: $first"
    hash 2 'data.train=piece?-plain.h5' "${rich[@]:1}"
    [ "$REPLY" != "$first" ] || complain "weights change nothing"
    one_hash 1 8 -- "${words[@]}" && first=$REPLY
    hash 3 data.train="$truth/words-numbers.h5" "${words[@]:1}"
    [ "$REPLY" = "$first" ] || complain "numbers with names: $REPLY, words: $first"
else
    declare -A seen
    sweep() { # KEY=VALUE...: its hash is no other's
        one_hash 1 2 3 4 5 6 7 8 -- "$@"
        [ -z "${seen[$REPLY]-}" ] || complain "$* has the hash of ${seen[$REPLY]}"
        seen[$REPLY]="$*"
    }
    for storage in native f16 bf16 f32; do
        for class_weight in '' balanced; do
            for validation in data.validation.fraction=0.2 data.validation.tail=100; do
                for missing in mean zero drop; do
                    for weights in weights plain; do
                        more=("data.storage=$storage" "model.class_weight=$class_weight" "$validation" "data.missing=$missing")
                        sweep "data.train=piece?-$weights.h5" "${more[@]}"
                        files=$REPLY
                        hash 4 "data.train=table-$weights.h5" "${more[@]}"
                        [ "$REPLY" = "$files" ] || complain "${more[*]}: one file $REPLY, three $files"
                    done
                done
                [ $storage = f32 ] || sweep "data.train=$truth/words.h5" "data.storage=$storage" "model.class_weight=$class_weight" "$validation"
            done
        done
    done
fi
[ $failures = 0 ] || exit 1
echo "one hash for every number of ranks: $runs runs"
