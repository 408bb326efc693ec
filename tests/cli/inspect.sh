#!/usr/bin/env bash
# inspect.sh PATH_TO_THALWEG SOURCE_DIR -- `thalweg inspect` on data, models, checkpoints, run folders and things it cannot use.
set -euo pipefail

thalweg=$(realpath -- "$1")
source_dir=$(realpath -- "$2")
work=$(mktemp -d)
trap 'rm -rf -- "$work"' EXIT
cd -- "$work"
ln -s -- "$source_dir/configs" configs
unset OMPI_COMM_WORLD_RANK PMIX_RANK PMI_RANK SLURM_PROCID
checks=0
failures=0

# ---- helpers ----

run() { timeout 60 "$thalweg" "$@" </dev/null; }

verdict() { # verdict FACT COMMAND...: the command must succeed
    local fact=$1
    shift
    checks=$((checks + 1))
    if ! "$@"; then
        failures=$((failures + 1))
        echo "FAILED: $fact"
    fi
}

# exits CODE ARGUMENTS...: inspect must end with this code; what it printed is in out.txt and err.txt
exits() {
    local code=$1 got=0
    shift
    run inspect "$@" >out.txt 2>err.txt || got=$?
    verdict "inspect $* exits $code (got $got: $(cat -v err.txt))" test "$got" -eq "$code"
    if test "$code" -eq 0; then verdict "inspect $* has no complaint" test ! -s err.txt
    else verdict "inspect $* says why" test -s err.txt; fi
    verdict "inspect $* sends no control characters" is_plain
}

is_plain() { ! LC_ALL=C grep -q '[^[:print:][:space:]]' <(LC_ALL=C tr -d '\200-\377' <out.txt); }

says() { # says TEXT: the last inspect printed it
    verdict "'$1' is in: $(cat -v out.txt err.txt)" grep -qF -- "$1" out.txt err.txt
}

is_silent_about() { # the negative of says
    verdict "'$1' is not in: $(cat -v out.txt err.txt)" test "$(cat out.txt err.txt | grep -cF -- "$1")" -eq 0
}

row() { # row LABEL: the rest of the line that begins so
    sed -n "s/^  $1  *//p" out.txt | head -n 1
}

patch() { # patch FILE OFFSET ESCAPES: overwrite bytes
    # shellcheck disable=SC2059
    printf "$3" | dd of="$1" bs=1 seek="$2" conv=notrunc status=none
}

finish() {
    echo "inspect: $checks checks, $failures failed"
    test "$failures" -eq 0
}

printf 'a\033b' >out.txt
if is_plain; then
    echo "FAILED: control characters would go unnoticed"
    exit 1
fi

# ---- data sets ----

for file in configs/data/*.h5; do
    exits 0 "$file"
    says "digest       xxh3:"
    says "no NaN, nothing infinite"
    exits 0 --structure "$file"
    says "features     /X:"
    is_silent_about "digest"
done

# awk knows the same table as text
exits 0 configs/data/credit.h5
ranges=$(awk -F, 'NR == 1 { for (i = 1; i < NF; i++) name[i] = $i; n = NF }
    NR > 1 { for (i = 1; i < n; i++) { if (NR == 2 || $i < low[i]) low[i] = $i
                                       if (NR == 2 || $i > high[i]) high[i] = $i }
             if (NR == 2 || $n < ylow) ylow = $n; if ($n > yhigh) yhigh = $n; sum += $n }
    END { for (i = 1; i < n; i++) print i - 1, low[i], high[i], name[i]
          printf "from %g to %g, mean %.6g\n", ylow, yhigh, sum / (NR - 1) }' configs/data/credit.csv)
verdict "awk found the ranges of three features and the labels" test "$(wc -l <<<"$ranges")" -eq 4
while read -r line; do
    verdict "'$line' is among the ranges" grep -qxF -- "$line" <(sed 's/^ *//; s/  */ /g' out.txt)
done <<<"$ranges"
says "8 different whole numbers (rows): 42000 (1), 45200 (1),"
says "/X             (8, 3) f64; contiguous; 192 B"
says "1 group of rows, so at most 1 rank can work"
says "3 ranks have no rows"
says "use data.scaling"

exits 0 configs/data/digits-train.h5
says "1437 rows of 64 features; 89.8 KiB in memory as u8"
says "(1437, 64) u8; chunks (256, 64) of 16.0 KiB, shuffle, gzip 9; "
says "values       from 0 to 16;"
says "3 features are constant"
says "4: 359 to 360 rows each"
counted=$(grep -o '[0-9] ([0-9]*)' out.txt | tr -d '()' | awk '{ n++; s += $2 } END { print n, s }')
verdict "the ten digits have 1437 rows (got $counted)" test "$counted" = "10 1437"
is_silent_about "use data.scaling"

exits 0 configs/data/breast-cancer.h5
says "2 different whole numbers (rows): 0 (212), 1 (357)"
says "mean radius"
exits 0 configs/data/diabetes.h5
says "whole numbers, from 25 to 346, mean 152.133"

# The digest is one of the values, not of how they are stored.
digest() { run inspect "$1" | grep -o 'xxh3:[0-9a-f]\{32\}'; }
run convert configs/data/credit.csv -o copy.h5 --gzip 9 >out.txt
sed 's/^8500/8501/' configs/data/credit.csv >other.csv
run convert other.csv -o other.h5 >out.txt
run convert configs/data/credit.csv -o narrow.h5 --type f32 >out.txt
exits 0 copy.h5
says "thalweg data set, HDF5"
says "gzip 9"
verdict "compressed values have the same digest" test "$(digest copy.h5)" = "$(digest configs/data/credit.h5)"
verdict "narrower types have the same digest" test "$(digest narrow.h5)" = "$(digest configs/data/credit.h5)"
verdict "another value has another digest" test "$(digest other.h5)" != "$(digest configs/data/credit.h5)"

printf 'a,b,kind\n1,2,x y\n3,NA,"bad\033]0;title\007"\n5,NA,x y\n' >odd.csv
run convert odd.csv -o odd.h5 >out.txt
exits 0 odd.h5
says "0 'bad\\x1b]0;title\\x07' (1), 1 'x y' (2)"
says "2 NaN, 0 infinite; the first in row 1, column 1 (counted from 0)"
says "training refuses such values"
three=$(LC_ALL=C grep -obUaP '\x00\x00\x00\x00\x00\x00\x08\x40' odd.h5 | head -n 1 | cut -d: -f1)
patch odd.h5 "$three" '\0\0\0\0\0\0\360\177' # infinity in place of 3
exits 0 odd.h5
says "2 NaN, 1 infinite; the first in row 1, column 0"

exits 65 --labels feature_names configs/data/credit.h5
says "'/X' has 8 rows but '/feature_names' has 3"
exits 65 --labels Y configs/data/credit.h5
says "did you mean '/y'?"
says "/X             (8, 3) f64"

# ---- models ----

train() { run train "configs/$1.yaml" --out "runs/$1" -q; }

# numpy.linalg.lstsq: 3.30993542, 0.778707656, 91.4261257, intercept -3320.50738
train credit-lbfgs
model=runs/credit-lbfgs/model.h5
exits 0 "$model"
says "linear, 3 features, 1 output, with intercept"
says "verified"
says "standardize, mean from 80.375 to 26625"
says "intercept    -3320.51 "
shown=$(sed -n '/ original  feature/,/^$/p' out.txt | awk 'NF == 3 && NR > 1 { print $2, $3 }')
verdict "the coefficients come by size" test "$shown" = $'3.30994 salary\n0.778708 savings\n91.4261 floor_area'
says "iterations = $(tail -n 1 runs/credit-lbfgs/metrics.jsonl | grep -o '"iteration":[0-9]*' | cut -d: -f2)"
says "$(wc -l <runs/credit-lbfgs/metrics.jsonl) rows, to iteration"
says "data = configs/data/credit.h5"
is_silent_about "classes"

train digits-softmax
exits 0 runs/digits-softmax/model.h5
says "softmax, 64 features, 10 outputs, with intercept"
says "10: 0, 1, 2, 3, 4, 5, 6, 7, 8, 9"
says "the 10 largest of 640"
verdict "ten coefficients are shown" test "$(grep -c ', class ' out.txt)" -eq 10
# shellcheck disable=SC2016
verdict "the largest coefficients fall in size" \
    awk '/, class / { v = $1 < 0 ? -$1 : $1; if (n++ && v > last) exit 1; last = v }' out.txt

cp -- "$model" changed.h5
patch changed.h5 "$(LC_ALL=C grep -obUa standardize changed.h5 | head -n 1 | cut -d: -f1)" Standardize
exits 65 changed.h5
says "scaling 'Standardize' is unknown"
cp -- "$model" changed.h5
patch changed.h5 "$(LC_ALL=C grep -obUa 'configs/data/credit' changed.h5 | tail -n 1 | cut -d: -f1)" '\033[31mig'
exits 0 changed.h5
says "does not match: another program has changed the file"
head -c 4000 "$model" >cut.h5
exits 65 cut.h5
says "cut.h5 is damaged"
head -c 12 "$model" >cut.h5
exits 65 cut.h5
says "it ends in its header"
sed 's/\r$//' "$model" >text.h5
exits 65 text.h5
says "copied as text"

# ---- checkpoints ----

run train configs/cancer-logistic.yaml --out runs/kept -q --set checkpoint.every=4 --set stop.max_iterations=12
kept=runs/kept/checkpoints
exits 0 $kept/iteration-000000000008.h5
says "checkpoint of a thalweg run, "
says "digest       verified"
says "place        iteration 8"
verdict "the loss is that of metrics.jsonl" grep -q "\"iteration\":8,.*\"loss\":$(row loss | cut -c 1-9)" runs/kept/metrics.jsonl
says "logistic, 31 parameters"
says "lbfgs, wolfe; evaluations "
says "configs/data/breast-cancer.h5: 569 rows of 30 features, in memory as f64"
says "reproducible, 64 groups, contract "
says "history      9 rows, "
says " on 1 rank of $(hostname)"
verdict "there is a fingerprint" grep -qE 'fingerprint xxh3:[0-9a-f]{32}$' out.txt
exits 0 runs/kept
says "checkpoints  iteration-000000000012.h5"
verdict "three checkpoints are listed, newest first" \
    test "$(grep -o 'iteration-[0-9]*' out.txt | tail -n 3 | tr -d 'a-z-' | xargs)" = "000000000012 000000000008 000000000004"
verdict "a run goes on from the newest" grep -q '000012.h5.* loss .*<- a run goes on from here' out.txt
is_silent_about "STOP"
: >runs/kept/STOP
patch $kept/iteration-000000000012.h5 3000 x
mkdir $kept/iteration-000000000008.h5.old
exits 0 runs/kept
says "STOP         the file is there"
says "000012.h5  $(stat -c %s $kept/iteration-000000000012.h5 | awk '{ printf "%.1f KiB", $1 / 1024 }')  not valid: is damaged or changed"
verdict "a run goes on from the one before" grep -q '000008.h5.*<- a run goes on from here' out.txt
verdict "it goes on from one only" test "$(grep -c 'goes on from here' out.txt)" -eq 1
is_silent_about "h5.old"
exits 65 $kept/iteration-000000000012.h5
says "is damaged or changed: its digest does not match its contents"
for file in "$kept"/*.h5; do head -c 100 runs/kept/model.h5 >"$file"; done
exits 0 runs/kept
says "none is valid: a run in this folder is refused (82)"
rm -r -- "$kept"
exits 0 runs/kept
says "checkpoints  none: a run would start from the beginning"

cat >batches.yaml <<YAML
data: {train: configs/data/breast-cancer.h5, scaling: standardize, validation.fraction: 0.2}
model: {type: logistic}
optimizer: {type: adam, batch: 64}
step: {rule: constant, length: 0.01}
stop: {max_epochs: 2}
checkpoint: {every: 1, keep: 100}
YAML
run train batches.yaml --out runs/batches -q
exits 0 runs/batches/checkpoints/epoch-00000001-step-0000000003.h5
says "place        epoch 1 and 3 steps of the next, "
says ", 64 rows in a batch"
says "validation   loss "

# ---- predictions ----

run predict runs/digits-softmax/model.h5 configs/data/digits-test.h5 -o p.h5 --proba >out.txt
exits 0 p.h5
says "thalweg predictions, HDF5"
says "/prediction  (360) i64"
says "/probability (360, 10) f64"
is_silent_about "training"

# ---- run folders ----

folder=runs/credit-lbfgs
exits 0 "$folder"
says "state=finished code=0"
verdict "a finished run is not live" test "$(row live)" = no
says "gradient_norm_relative: gradient norm"
says "metrics.jsonl  "
last=$(tail -n 1 "$folder/metrics.jsonl" | grep -o '"iteration":[0-9]*' | cut -d: -f2)
verdict "the last row is the last iteration" grep -q "^iteration $last, loss 696347.79" <<<"$(row 'last row')"

printf '{"iteration":%d,"loss":12' "$((last + 1))" >>"$folder/metrics.jsonl"
exits 0 "$folder"
verdict "a row that is being written does not count" grep -q "^iteration $last," <<<"$(row 'last row')"

echo "process 4711 on node07" >"$folder/lock"
exits 0 "$folder"
says "no, it was killed: the lock is left from process 4711 on node07"
exec 9<"$folder/lock"
flock -x 9
exits 0 "$folder"
verdict "a folder whose lock is held is live" test "$(row live)" = "yes: process 4711 on node07"
exec 9<&-

printf 'state=\033[2J code=79 iteration=3\n' >"$folder/status"
echo '{"reason": "dive' >"$folder/summary.json"
exits 0 "$folder"
says 'state=\x1b[2J code=79 iteration=3 (the run diverged)'
says "summary.json is no JSON"
: >"$folder/metrics.jsonl"
rm -- "$folder/summary.json" "$folder/status"
exits 0 "$folder/"
says "there is no status file"
says "none yet in metrics.jsonl"
is_silent_about "stopped"
rm -- "$folder"/*
exits 65 "$folder"
says "is a folder, but not of a run"

# ---- what it cannot use ----

looks() { # looks NAME TEXT: a file that is no HDF5
    exits 65 "$1"
    says "$2"
}

gzip -c configs/data/credit.csv >table.gz
printf '\0\0\10\3\0\0\0\1' >images
printf '\223NUMPY\1\0' >array
printf '1 3:0.5 7:2\n' >sparse
printf '# a comment\nmodel:\n  type: linear\n' >run.conf
printf 'caf\303\251\n' >words
printf '\1\2\3\0\377' >bytes
: >nothing
head -c 3000 configs/data/digits-test.h5 >torn.h5
looks table.gz "gzip-compressed: \`thalweg convert FILE -o OUT.h5\`"
looks configs/data/credit.csv "CSV text: \`thalweg convert FILE -o OUT.h5\`"
looks images "IDX, the format of MNIST"
looks array "a NumPy array: \`thalweg convert X.npy y.npy -o OUT.h5\`"
looks sparse "LIBSVM text: \`thalweg convert FILE -o OUT.h5\`"
looks configs/credit.yaml "a configuration in YAML: \`thalweg check FILE\`"
looks run.conf "a configuration in YAML"
looks words "looks like text"
looks bytes "nor anything else that is known"
looks nothing "is empty"
looks torn.h5 "torn.h5 is damaged or truncated"
looks . "is a folder, but not of a run"
exits 66 missing.h5
says "missing.h5: No such file or directory"
mkfifo pipe
exits 66 pipe
says "not a regular file"

# ---- the command line ----

exits 64
exits 64 configs/data/credit.h5 copy.h5
exits 64 --structur3 copy.h5
says "Did you mean '--structure'?"
got=0
run inspect copy.h5 >/dev/full 2>err.txt || got=$?
verdict "a full disk behind stdout is 74 (got $got)" test "$got" -eq 74
verdict "one rank of many speaks" test -z "$(OMPI_COMM_WORLD_RANK=1 run inspect copy.h5 2>&1)"

finish
