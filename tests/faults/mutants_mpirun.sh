#!/usr/bin/env bash
# Damaged data files under two ranks: each run ends by itself with 0 or the code of a refusal, with one sentence when it
# fails; never by a signal, never by the time limit. Some of the files are such that HDF5 crashes or hangs on them.
#
#   mutants_mpirun.sh THALWEG SOURCE_DIR MUTATE_HDF5 [COUNT [FATAL [SEED]]]
set -euo pipefail
thalweg=$1 mutate=$3 count=${4:-5} fatal=${5:-1} seed=${6:-3}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
failures=0 runs=0 slowest=0 good=
declare -A ends

complain() { echo "FAILED: $*"; failures=$((failures + 1)); }

# A hang is 5 s of computing; a run that fails ends at once. The limit leaves room for a busy machine.
run() { # name of the file, then the command
    local got=0 begin took lines
    runs=$((runs + 1)) begin=$(date +%s%N)
    timeout 60 mpirun --oversubscribe -n 2 "$thalweg" "${@:2}" </dev/null >out.txt 2>err.txt || got=$?
    took=$((($(date +%s%N) - begin) / 1000000))
    [ $took -le $slowest ] || slowest=$took
    ends[$got]=$((${ends[$got]-0} + 1))
    case $got in
    0 | 65 | 66 | 71 | 74 | 79) ;;
    *) complain "$1 of seed $seed: exit $got after $took ms: $(cat err.txt)" ;;
    esac
    lines=$(grep -c '^thalweg: error:' err.txt || true)
    [ "$lines" = $((got == 0 ? 0 : 1)) ] || complain "$1 of seed $seed: exit $got and $lines sentences: $(cat err.txt)"
    ! grep -qE 'exited on signal|Segmentation|\*\*\* Process received' <(grep -v '^thalweg: error:' err.txt) ||
        complain "$1 of seed $seed: a rank crashed: $(cat err.txt)"
    [ $got != 0 ] || good=$1
    rm -rf run
}
train() { run "$1" train c.yaml --set "data.train=$1" --out run -q; }

cat >c.yaml <<'YAML'
data: {train: none.h5}
model: {type: softmax}
stop: {max_iterations: 3}
YAML
"$mutate" write "$count" "$seed" .
"$mutate" fatal "$fatal" "$seed" .
"$mutate" models 1 "$seed" .
for ((i = 0; i < count; i++)); do train "$i.h5"; done
# The file and what is to be done with it, where HDF5 would crash or hang.
survive() {
    if [ ! -e "$1" ]; then
        echo "not run: this HDF5 crashes on too few mutants"
        return
    fi
    "${@:2}"
    grep -q "$1 makes the HDF5 library \(crash\|hang\).* the file is damaged" err.txt ||
        complain "$1 of seed $seed: no such sentence: $(cat err.txt)"
}
crashing='' early=''
for ((i = 0; i < fatal; i++)); do
    survive "fatal$i.h5" train "fatal$i.h5"
    ! grep -q 'library crash' err.txt || crashing=fatal$i.h5
    ! grep -qE 'reading its (structure|values)' err.txt || early=fatal$i.h5 # of a validation file no names are read
done
survive model0.h5 run model0.h5 evaluate model0.h5 0.h5
survive model0.h5 run model0.h5 predict model0.h5 0.h5 -o out.csv
[ ! -e out.csv ] || complain "a prediction by a model that cannot be read"
if [ -n "$crashing" ]; then
    sed "s/none.h5/$crashing/" c.yaml >fatal.yaml
    survive "$crashing" run "$crashing" check fatal.yaml
    mkfifo pipe.yaml # it can be read once
    cat fatal.yaml >pipe.yaml &
    survive "$crashing" run "$crashing" train pipe.yaml
    run "$crashing" inspect "$crashing" # which may get by without what crashes
fi
if [ -n "$early" ]; then
    survive "$early" run "$early" train c.yaml --set "data.train=$good" --set "data.validation.file=$early"
fi
echo "$runs mutants under mpirun, $failures failed; slowest $slowest ms; exit codes:" \
    "$(for code in "${!ends[@]}"; do echo "$code: ${ends[$code]},"; done | sort -n | tr '\n' ' ')"
[ "${ends[0]-0}" -gt 0 ] || { echo "FAILED: no mutant was read"; exit 1; }
[ $failures = 0 ]
