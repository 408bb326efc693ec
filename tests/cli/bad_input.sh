#!/usr/bin/env bash
# Whatever is wrong with configuration, data, output or launch: one clear sentence that names the place and what to do, the
# right exit code, on 1 and on 4 ranks, within 5 seconds, and nothing half-written.
#
#   bad_input.sh THALWEG SOURCE_DIR BAD_FILES
set -euo pipefail
thalweg=$1 bad_files=$3
work=$(mktemp -d)
trap 'chmod -R u+w "$work"; rm -rf "$work"' EXIT
cd "$work"
"$bad_files" .
cases=0 failures=0 not_run=0

complain() { echo "FAILED: $*"; failures=$((failures + 1)); }

# name, exit code, sentence (extended regular expression), then the arguments of thalweg. Every case runs on 1 and on 4 ranks.
try() {
    local name=$1 code=$2 sentence=$3 got begin
    shift 3
    for ranks in 1 4; do
        cases=$((cases + 1)) got=0 begin=$(date +%s%N)
        if [ $ranks = 1 ]; then
            timeout 20 "$thalweg" "$@" </dev/null >out.txt 2>err.txt || got=$?
        else
            timeout 20 mpirun --oversubscribe -n $ranks "$thalweg" "$@" </dev/null >out.txt 2>err.txt || got=$?
        fi
        [ $((($(date +%s%N) - begin) / 1000000)) -le 5000 ] || complain "$name on $ranks ranks took longer than 5 s"
        [ "$got" = "$code" ] || complain "$name on $ranks ranks: exit $got, not $code: $(cat err.txt)"
        grep -qE -- "$sentence" err.txt || complain "$name on $ranks ranks: no '$sentence' in: $(cat err.txt)"
        [ "$(grep -c '^thalweg: error:' err.txt)" = 1 ] || complain "$name on $ranks ranks: not one error line: $(cat err.txt)"
        [ ! -e runs ] || { complain "$name on $ranks ranks left a run folder"; rm -rf runs; }
        [ -z "$(find . -name '*.tmp')" ] || complain "$name on $ranks ranks left a temporary file"
    done
}
config() { # lines of a configuration, after `data: {train: FILE}` and a model
    printf 'data: {train: %s}\nmodel: {type: %s}\n' "$1" "${2:-logistic}" >c.yaml
    shift
    [ $# -gt 0 ] && shift
    [ $# -gt 0 ] && printf '%s\n' "$@" >>c.yaml
    return 0
}

# Configuration: 78, with the place.
config good.h5 logistic 'step:' '  lenght: 0.05'
try unknown-key 78 "c.yaml:4:3: error: unknown key 'step.lenght'" train c.yaml
grep -q "did you mean 'length'" err.txt || complain "no suggestion for lenght"
config good.h5 logistic 'step: {length: long}'
try wrong-type 78 'c.yaml:3:16: error: .*number' train c.yaml
config good.h5 logistic 'step: {length: -1}'
try out-of-range 78 'c.yaml:3:16: error: ' train c.yaml
config good.h5 logistic 'step: {length: 1, length: 2}'
try key-twice 78 'c.yaml:3:' train c.yaml
printf 'data:\n\ttrain: good.h5\n' >c.yaml
try tab 78 'c.yaml:2:' train c.yaml
printf 'data: {train: good.h5\nmodel: [\n' >c.yaml
try broken-yaml 78 'c.yaml:' train c.yaml
: >c.yaml
try empty-configuration 78 'empty' train c.yaml
try missing-configuration 66 'nowhere.yaml.*No such file' train nowhere.yaml
try configuration-is-a-directory 66 'directory' train .
config good.h5 logistic 'optimizer: {type: adm}'
try unknown-optimizer 78 "unknown optimizer.type 'adm'; known: gd, momentum, .*lbfgs.* Did you mean 'adam'" train c.yaml
config good.h5 logistic 'optimizer: {type: momentum}' 'step: {rule: backtracking}'
try wrong-pair 78 'backtracking needs a direction that always descends' train c.yaml
grep -q 'momentum goes with step.rule: constant, inverse' err.txt || complain "no list of what goes with momentum"
config good.h5 perceptron
try unknown-model 78 "unknown model.type 'perceptron'; known: linear, logistic, softmax" train c.yaml
config good.h5
try wrong-set 78 "set.*step.lenght" train c.yaml --set step.lenght=1
config good.h5 logistic 'data.features: Z' 'step: {lenght: 1}'
try unknown-data-set 78 "data set 'Z' not found in good.h5" train c.yaml
grep -q "available: /X (40, 3) f64 | /y (40) f64" err.txt || complain "the data sets of the file are not listed: $(cat err.txt)"
grep -q "2 errors; nothing was run (exit 78)" err.txt || complain "not both errors at once: $(cat err.txt)"

# Data.
config nothing.h5
try missing-data 66 'cannot open nothing.h5: No such file' train c.yaml
config .
try data-is-a-directory 66 'directory' train c.yaml
config text.h5
try not-hdf5 65 'text.h5 is not an HDF5 file; .thalweg convert' train c.yaml
config truncated.h5
try truncated 65 'truncated.h5 is damaged or truncated' train c.yaml
config names.h5
try no-features 65 'no features found in names.h5.*' train c.yaml
grep -q "/images (40, 3) f64" err.txt || complain "the data sets of the file are not listed"
config no-labels.h5
try no-labels 65 'no labels found in no-labels.h5' train c.yaml
config flat.h5
try one-dimensional 65 "features '/X' of flat.h5 have 1 dimension" train c.yaml
config empty.h5
try empty 65 'are empty: shape \(0, 3\)' train c.yaml
config lengths.h5
try lengths 65 "'/X' has 40 rows but '/y' has 39" train c.yaml
config strings.h5
try string-features 65 'are of type string' train c.yaml
config complex.h5
try complex 65 'are of type co' train c.yaml
config nan.h5
try nan 65 "nan.h5: '/X' is NaN or infinite in row 17, column 2" train c.yaml
config infinite.h5
try infinite 65 "infinite.h5: '/X' is NaN or infinite in row 17, column 2" train c.yaml
config nan-label.h5
try nan-label 65 "nan-label.h5: '/y' is NaN or infinite in row 23" train c.yaml
config one-class.h5
try one-class 65 'all labels of one-class.h5:/y are 5' train c.yaml
config three-classes.h5
try three-classes 65 'has 3 classes, but model.type logistic needs 2; use model.type: softmax' train c.yaml
config real-labels.h5 softmax
try real-labels 65 'label 0.5 of row 0 is no whole number' train c.yaml

# Output.
config good.h5 logistic 'stop: {max_iterations: 2}'
timeout 20 "$thalweg" train c.yaml --out taken -q </dev/null
try finished 73 'taken holds a finished run' train c.yaml --out taken
mkdir live
(flock 9 && exec sleep 60) 9>live/lock >/dev/null 2>&1 &
holder=$!
for _ in 1 2 3 4 5 6 7 8 9 10; do flock -n live/lock true || break; sleep 0.1; done
try in-use 73 'live is in use by' train c.yaml --out live
kill $holder
touch file
try output-is-a-file 73 'file is not a directory' train c.yaml --out file/run
mkdir -m 555 closed
if [ "$(id -u)" != 0 ]; then
    try unwritable-output 73 'closed: Permission denied' train c.yaml --out closed/run
elif chmod 755 . && setpriv --reuid 65534 --regid 65534 --clear-groups test -x "$thalweg" 2>/dev/null; then
    cases=$((cases + 1)) got=0
    HOME=/ setpriv --reuid 65534 --regid 65534 --clear-groups timeout 20 "$thalweg" check c.yaml --set output.dir=closed/run \
        </dev/null >out.txt 2>err.txt || got=$?
    if [ $got != 73 ] || ! grep -q 'closed: Permission denied' err.txt; then complain "unwritable-output: $got: $(cat err.txt)"; fi
else
    echo "not run: unwritable output folder (root may write everywhere)"
    not_run=$((not_run + 1))
fi

# Files to convert. The tables of the unit tests hold every case; here are the ways in which a path can be wrong.
cannot() { try "convert-$1" "$2" "$3" convert "${@:4}" -o converted.h5; [ ! -e converted.h5 ] || complain "convert-$1 left a file"; }
printf '+1 1:0.5 3:2\n-1 2:1\n' >good.svm
printf '\223NUMPY\001\000\066\000%s\n\000\000' "{'descr': '|O', 'fortran_order': False, 'shape': (1,2)}" >object.npy
printf '+1 1:0.5 3:2\n-1 2:1 2:3\n' >repeated.svm
printf '+1 1:0.5\n-1 2:\0001\n' >nul.svm
gzip -c good.svm | head -c 20 >cut.svm.gz
: >empty.svm
cannot missing 66 'nowhere.svm: No such file' nowhere.svm
cannot directory 66 'directory' .
cannot empty 65 'empty.svm is empty' empty.svm
cannot cut 65 'cut.svm.gz is truncated' cut.svm.gz
cannot nul 65 'nul.svm: line 2 holds a NUL byte' nul.svm
cannot repeated 65 "repeated.svm: line 2, column 8: '2:3' repeats the index" repeated.svm
cannot object 65 "object.npy: its values are Python objects .*save numbers" object.npy
cannot together 64 'have different formats \(LIBSVM, NPY\)' good.svm object.npy
if [ "$(id -u)" != 0 ]; then
    cp good.svm closed.svm
    chmod 000 closed.svm
    cannot unreadable 66 'closed.svm: Permission denied' closed.svm
else
    echo "not run: unreadable file to convert (root may read everything)"
    not_run=$((not_run + 1))
fi

# Launch and command line.
cases=$((cases + 1)) got=0
PMI_SIZE=4 timeout 20 "$thalweg" train c.yaml --out single </dev/null >out.txt 2>err.txt || got=$?
if [ $got != 64 ] || ! grep -q 'srun -K --mpi=pmix -n 4' err.txt; then complain "N singletons: exit $got: $(cat err.txt)"; fi
try unknown-command 64 "unknown command 'trian'. Did you mean 'train'" trian c.yaml
try unknown-option 64 "unknown option '--pogress'. Did you mean '--progress'" train --pogress=bar c.yaml

# The file is unreadable on one rank only: rank 1 starts in a folder where the name leads elsewhere.
config data.h5
mkdir here there
cp good.h5 here/data.h5
cp c.yaml here
cp three-classes.h5 there/other.h5
unreadable() { # expected code, sentence
    cases=$((cases + 1))
    local got=0
    timeout 20 mpirun --oversubscribe -n 1 --wdir "$work/here" "$thalweg" train c.yaml : -n 1 --wdir "$work/there" \
        "$thalweg" train c.yaml : -n 2 --wdir "$work/here" "$thalweg" train c.yaml </dev/null >out.txt 2>err.txt || got=$?
    if [ $got != "$1" ] || ! grep -qE "$2" err.txt; then complain "one rank only: exit $got: $(cat err.txt)"; fi
    [ "$(grep -c '^thalweg: error:' err.txt)" = 1 ] || complain "one rank only: not one error line"
    [ ! -e here/runs ] || complain "one rank only left a run folder"
}
unreadable 66 'error: rank 1 \(.*\): cannot open data.h5: No such file'
mkdir there/data.h5
unreadable 66 'error: rank 1 \(.*\): cannot open data.h5: it is a directory'
rmdir there/data.h5
cp lengths.h5 there/data.h5
truncate -s 3000 there/data.h5
unreadable 65 'error: rank 1 \(.*\): data.h5 is damaged or truncated'

# More ranks than rows, and ranks without rows, work.
config good.h5 logistic 'stop: {max_iterations: 3}' 'reduction: {mode: reproducible}'
for ranks in 1 5 9; do
    timeout 60 mpirun --oversubscribe -n $ranks "$thalweg" train c.yaml --out "idle-$ranks" -q </dev/null || complain "$ranks ranks"
    grep parameters_hash "idle-$ranks/summary.json" >>hashes.txt
done
[ "$(sort -u hashes.txt | wc -l)" = 1 ] || complain "idle ranks changed bits: $(cat hashes.txt)"

echo "$cases cases, $failures failed, $not_run not run"
[ $failures = 0 ]
