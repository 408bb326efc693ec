#!/usr/bin/env bash
# What training takes: several files, missing features, types of storage, labels that are words. One hash for any number of
# ranks and threads, the same as for the data without these.   data.sh THALWEG SOURCE_DIR
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=common.sh
. "$(dirname -- "$0")/common.sh"

# table ROWS GAPS: a CSV of 6 numbers, a label of two classes and a weight; of the numbers some are NaN
table() {
    awk -v rows="$1" -v gaps="$2" '
        function draw() { state = (state * 16807) % 2147483647; return state / 2147483647 - 0.5 }
        BEGIN {
            state = 20261122
            print "a,b,c,d,e,f,weight,y"
            for (i = 0; i < rows; i++) {
                sum = draw(); line = ""
                for (j = 0; j < 6; j++) {
                    x = 3 * draw() + j; sum += (j - 2.5) * (x - j); gap = draw() + 0.5 < gaps
                    line = line (gap ? "NaN" : sprintf("%.6f", x)) ","
                }
                print line sprintf("%.3f", 1.5 + draw()) "," (sum > 0)
            }
        }'
}
convert() { timeout 30 "$thalweg" convert "$@" --weight weight --label y -t f64 --force </dev/null >convert.log 2>&1 || complain "convert $*: $(cat convert.log)"; }
pieces() { # NAME: rows 1-700, 701, 702-1500 and the rest of NAME.csv, each in a file of its own
    local piece=0 range how
    for range in 2,701 702,702 '703,1501' '1502,$'; do
        piece=$((piece + 1))
        { head -n 1 "$1.csv"; sed -n "${range}p" "$1.csv"; } >piece.csv
        how=()
        [ $piece != 3 ] || how=(--gzip 1)
        convert piece.csv -o "$1-$piece.h5" "${how[@]}"
    done
}
table 2000 0 >full.csv
table 2000 0.02 >gaps.csv
sed 's/NaN/-999/g' gaps.csv >marked.csv
for name in full gaps marked; do convert $name.csv -o $name.h5; done
pieces full
pieces gaps
cat >c.yaml <<'YAML'
data: {train: full.h5, scaling: standardize, validation: {fraction: 0.2}}
model: {type: logistic, l2: 1e-3}
reduction: {mode: reproducible}
stop: {gradient_norm_relative: 1e-8}
YAML

# hash RANKS THREADS KEY=VALUE...: REPLY
hash() {
    local ranks=$1 threads=$2 sets=() set
    for set in "${@:3}"; do sets+=(--set "$set"); done
    rm -rf run
    OMP_NUM_THREADS=$threads timeout 60 mpirun --oversubscribe -n "$ranks" "$thalweg" train c.yaml --out run "${sets[@]}" </dev/null >train.log 2>&1 ||
        complain "$*: $(cat train.log)"
    REPLY=$(grep -o 'xxh3:[0-9a-f]*' train.log || true)
    [ -n "$REPLY" ] || REPLY="none of $*"
}
same() { # KEY=VALUE... -- KEY=VALUE...: the same bits on 1 rank with the first and 3 ranks with the second settings
    local first=() one
    while [ "$1" != -- ]; do first+=("$1"); shift; done
    shift
    hash 1 1 "${first[@]}" && one=$REPLY
    hash 3 2 "$@"
    [ "$REPLY" = "$one" ] || complain "${first[*]}: $one, $*: $REPLY"
    ONE=$one
}

# Several files are the file that they were cut from, by pattern and by list.
same data.train=full.h5 -- 'data.train=full-?.h5' && whole=$ONE
same 'data.train=[full-1.h5, full-2.h5, full-3.h5, full-4.h5]' -- data.train=full.h5
hash 2 1 'data.train=[full-2.h5, full-1.h5, full-3.h5, full-4.h5]'
[ "$REPLY" != "$whole" ] || complain "the order of the files does not matter"
has train.log 'full-2.h5 \(and 3 more\):/X  2000 x 6 f64'

# Storage: other bits than native, the same on all ranks; f64 is what it was.
for type in f16 bf16 f32; do
    same data.storage=$type -- data.storage=$type 'data.train=full-*.h5'
    [ "$ONE" != "$whole" ] || complain "$type has not changed a bit"
    has train.log "f64 as $type"
done
hash 2 1 data.storage=f64
[ "$REPLY" = "$whole" ] || complain "storage f64 of f64 has changed bits"

# Missing features, as NaN and as a number.
for policy in mean zero drop; do
    same data.train=gaps.h5 data.missing=$policy -- data.train=marked.h5 data.missing=$policy data.missing_value=-999
    hash 2 1 'data.train=gaps-*.h5' data.missing=$policy
    [ "$REPLY" = "$ONE" ] || complain "$policy of four files: $REPLY, not $ONE"
    has train.log "$([ $policy = drop ] && echo 'missing  [0-9]+ features; [0-9]+ of 2000 rows are left out' || echo 'missing  [0-9]+ features, filled in with')"
    timeout 30 mpirun --oversubscribe -n 2 "$thalweg" evaluate run/model.h5 gaps.h5 --json </dev/null >gaps.json 2>err.txt || complain "evaluate: $(cat err.txt)"
    has gaps.json '"accuracy":0\.[89]'
    got=0 code=0
    [ $policy != drop ] || code=65
    timeout 30 "$thalweg" predict run/model.h5 gaps.h5 -o out.csv --force </dev/null >out.txt 2>&1 || got=$?
    [ $got = $code ] || complain "predict after $policy: exit $got, $(cat out.txt)"
done

# refused CODE WORDS KEY=VALUE...
refused() {
    local code=$1 words=$2 got=0 sets=() set
    for set in "${@:3}"; do sets+=(--set "$set"); done
    timeout 30 mpirun --oversubscribe -n 2 "$thalweg" train c.yaml --out refused "${sets[@]}" </dev/null >out.txt 2>err.txt || got=$?
    [ $got = "$code" ] || complain "${*:3}: exit $got: $(cat err.txt)"
    has err.txt "$words"
    [ "$(grep -c 'thalweg: error:' err.txt)" = 1 ] || complain "${*:3}: not one error: $(cat err.txt)"
}
refused 65 "gaps.h5: '/X' is NaN or infinite in row [0-9]+, column [0-9]+" data.train=gaps.h5
refused 65 'is missing \(NaN or -999\) in row [0-9]+, column [0-9]+.*data.missing' data.train=marked.h5 data.missing_value=-999
refused 66 "no file has a name like 'none-\*.h5'" 'data.train=none-*.h5'
cut -d, -f2- full.csv >narrow.csv
convert narrow.csv -o narrow.h5
refused 65 'full.h5 has 6 features, narrow.h5 has 5' 'data.train=[full.h5, narrow.h5]'
sed '1s/a,b/b,a/' full.csv >swapped.csv
convert swapped.csv -o swapped.h5
refused 65 "full.h5 and swapped.h5 cannot be one data set: /feature_names differs, 'a' and 'b'" 'data.train=[full.h5, swapped.h5]'
awk -F, 'BEGIN { OFS = "," } NR > 1 { $1 = 70000 } 1' full.csv >large.csv
convert large.csv -o large.h5
refused 65 "is 70000 in row 0, column 0.*data.storage: f16 cannot hold" data.train=large.h5 data.storage=f16

# Labels that are words: as variable and fixed strings, and as the numbers of /classes.
truth=$source_dir/tests/truth
same model.type=softmax data.train="$truth/words.h5" -- model.type=softmax data.train="$truth/words-fixed.h5" && words=$ONE
hash 2 1 model.type=softmax data.train="$truth/words-numbers.h5"
[ "$REPLY" = "$words" ] || complain "numbers with /classes: $REPLY, not $words"
for data in words words-fixed words-numbers words-some; do
    timeout 30 mpirun --oversubscribe -n 2 "$thalweg" evaluate run/model.h5 "$truth/$data.h5" --json </dev/null 2>err.txt | sed 's#"data":"[^"]*",*##' >$data.json || complain "evaluate $data: $(cat err.txt)"
done
{ cmp words.json words-fixed.json && cmp words.json words-numbers.json; } || complain "evaluate depends on how labels are stored"
# words-some is numbered the other way round: only names tell its classes
[ "$(sed 's/.*"confusion":\[\[[^]]*\],\(.*\]\]\).*/\1/' words.json)" = "$(sed 's/.*"confusion":\[\[[^]]*\],\(.*\]\]\).*/\1/' words-some.json)" ] ||
    complain "words-some: $(cat words-some.json), words: $(cat words.json)"
refused 65 'are words, but model.type linear needs numbers' model.type=linear data.train="$truth/words.h5"
refused 65 'are words, those of the training data numbers' model.type=softmax data.train="$truth/words-numbers.h5" data.validation.fraction=null data.validation.file="$truth/words.h5"
finish "several files, storage, missing features, words: one hash each"
