#!/usr/bin/env bash
# The unit suites and runs on 2 ranks under a tool that looks for wrong uses of memory, undefined behaviour or races.
#
#   sanitizers.sh SOURCE_DIR asan|ubsan|tsan|valgrind [FOLDER]     FOLDER: build there and keep it
#
# asan: with leaks and undefined behaviour. Each tool is first shown a program with the mistake it is for.
set -euo pipefail
source=$(cd "$1" && pwd) tool=${2-asan}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
build=${3-$work/build}
mkdir -p "$build"
build=$(cd "$build" && pwd)
here=$source/tests/faults
failures=0
findings='runtime error:|ERROR: (Address|Leak)Sanitizer|WARNING: ThreadSanitizer|^==[0-9]+== (Invalid|Conditional|Use of|Syscall|.*definitely lost in)'
complain() { echo "FAILED: $*"; failures=$((failures + 1)); }
skip() { echo "not run: $tool ($1 is missing)"; exit 77; }

compiler=cc flags=() preset=$tool runner=() preload='' options=()
units='.*'
case $tool in
asan)
    command -v gcc >/dev/null || skip gcc
    flags=("-fsanitize=address,undefined") compiler=gcc
    preload=$(gcc -print-file-name=libasan.so):$work/libnodlclose.so
    ;;
ubsan)
    flags=(-fsanitize=undefined) preset=asan options=(-DTHALWEG_SANITIZE=undefined)
    ;;
tsan)
    command -v clang >/dev/null || skip clang
    flags=(-fsanitize=thread) compiler=clang
    preload=$work/libnodlclose.so
    units='unit/(shard|partition|tree|monitor|minimize)' # one thread each
    ;;
valgrind)
    command -v valgrind >/dev/null || skip valgrind
    runner=(valgrind -q --error-exitcode=99 --leak-check=full --keep-debuginfo=yes --num-callers=40
        "--show-leak-kinds=definite,indirect" --errors-for-leak-kinds=definite "--suppressions=$here/valgrind.supp")
    # Thirty times slower: what reads, parses and allocates, not what computes.
    units='unit/(config.*|dataset.*|shard|labels|image.*|number|import.*|file.*|words|partition|tree|convert|plot|gnuplot|prediction.*|model_file|monitor|metrics|minimize)'
    ;;
*)
    echo "sanitizers.sh SOURCE_DIR asan|ubsan|tsan|valgrind [FOLDER]"
    exit 2
    ;;
esac
export ASAN_OPTIONS=detect_leaks=1:fast_unwind_on_malloc=0:strict_string_checks=1
export LSAN_OPTIONS=suppressions=$here/lsan.supp:print_suppressions=0
export UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1
export TSAN_OPTIONS=suppressions=$here/tsan.supp:exitcode=66:ignore_noninstrumented_modules=1
export CK_TIMEOUT_MULTIPLIER=40

# ---- does the tool notice anything? ----
cat >"$work/mistake.c" <<'C'
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
static int shared;
static void *race(void *p) { for (int i = 0; i < 1000; i++) shared++; return p; }
int main(int argc, char **argv)
{
    const char *word = argc > 1 ? argv[1] : "";
    int *p = malloc(4 * sizeof *p);
    volatile int big = 0x7fffffff, at = 4;
    if (!p) return 1;
    p[0] = argc;
    if (strcmp(word, "overflow") == 0) big = big + argc;
    if (strcmp(word, "beyond") == 0) p[at] = 1;
    if (strcmp(word, "unset") == 0 && p[at - 2] > 3) puts("more");
    if (strcmp(word, "race") == 0) {
        pthread_t other;
        if (pthread_create(&other, NULL, race, NULL)) return 1;
        race(NULL);
        pthread_join(other, NULL);
    }
    if (strcmp(word, "leak") == 0) p = NULL;
    free(p);
    return big == 0;
}
C
"$compiler" "${flags[@]}" -g -O0 -w -pthread "$work/mistake.c" -o "$work/mistake"
gcc -shared -fPIC -o "$work/libnodlclose.so" "$here/nodlclose.c"
declare -A mistakes=([asan]="beyond leak overflow" [ubsan]="overflow" [tsan]="race" [valgrind]="beyond unset leak")
for mistake in none ${mistakes[$tool]}; do
    got=0
    "${runner[@]}" "$work/mistake" "$mistake" </dev/null >"$work/out.txt" 2>&1 || got=$?
    if [ "$mistake" = none ]; then
        [ $got = 0 ] || complain "$tool complains about a correct program: $(cat "$work/out.txt")"
    elif [ $got = 0 ] || ! grep -qE "$findings" "$work/out.txt"; then
        complain "$tool does not notice '$mistake': exit $got: $(cat "$work/out.txt")"
    fi
done
[ $failures = 0 ] || exit 1
echo "$tool notices: ${mistakes[$tool]}"

# Threads of OpenMP: the run-time library tells this sanitizer how they wait for each other (libomp does, by its libarcher; libgomp
# does not). What they do between two parallel regions must not count as a race, what they do at the same time must.
threads=()
cat >"$work/parallel.c" <<'C'
#include <string.h>
static long shared, own[64];
int main(int argc, char **argv)
{
    const int race = argc > 1 && strcmp(argv[1], "race") == 0;
    for (int round = 0; round < 50; round++) {
#pragma omp parallel for num_threads(2) schedule(static)
        for (int i = 0; i < 64; i++) {
            own[i]++;
            if (race) shared++;
        }
        for (int i = 0; i < 64; i++) own[i]++;
    }
    return own[3] != 100;
}
C
if [ "$tool" = tsan ] && ! clang "${flags[@]}" -g -O1 -fopenmp "$work/parallel.c" -o "$work/parallel" 2>"$work/out.txt"; then
    echo "not run: tsan with threads (libomp-dev is missing)"
elif [ "$tool" = tsan ] && ! "$work/parallel" none </dev/null >"$work/out.txt" 2>&1; then
    echo "not run: tsan with threads (libomp does not tell it how threads wait: libarcher is missing)"
elif [ "$tool" = tsan ]; then
    if "$work/parallel" race </dev/null >"$work/out.txt" 2>&1 || ! grep -qE "$findings" "$work/out.txt"; then
        complain "tsan does not notice a race of OpenMP's threads: $(cat "$work/out.txt")"
    fi
    threads=('parallel.threads: 2')
fi

# ---- build, unit suites ----
cd "$source"
# shellcheck source=launch/env.sh disable=SC1091
. launch/env.sh
{ cmake --preset "$preset" -B "$build" "${options[@]}" && cmake --build "$build" -j 2; } >"$build/build.log" 2>&1 ||
    { tail -50 "$build/build.log"; exit 1; }
# Every suite by itself, so that one that is stopped does not hide the others.
while read -r suite; do
    program=$build/tests/unit_${suite#unit/} got=0
    CK_FORK=$([ "$tool" = valgrind ] && echo no || echo yes) \
        timeout 1500 "${runner[@]}" "$program" </dev/null >"$work/out.txt" 2>&1 || got=$?
    grep -qE "$findings" "$work/out.txt" && complain "$suite: $(grep -E -A 12 "$findings" "$work/out.txt" | head -40)"
    [ $got = 0 ] || complain "$suite: exit $got: $(tail -5 "$work/out.txt")"
    echo "  $suite"
done < <(ctest --test-dir "$build" -N -L unit -LE slow -R "$units" | sed -n 's/.*: \(unit\/.*\)/\1/p')

# ---- runs ----
cd "$work"
thalweg=$build/thalweg
plain() { LD_PRELOAD=$([ "$tool" != tsan ] || echo "$preload") LSAN_OPTIONS=detect_leaks=0 ASAN_OPTIONS=detect_leaks=0 "$thalweg" "$@" >out.txt 2>&1 </dev/null || complain "$*: $(cat out.txt)"; }
plain generate -o rows.h5 --task logistic --rows 403 --features 5 --seed 6
plain generate -o classes.h5 --task softmax --classes 3 --rows 401 --features 4 --seed 7
try() { # EXIT_CODE, arguments of thalweg: on 2 ranks
    local code=$1 got=0
    shift

    timeout 600 mpirun --oversubscribe -q -n 2 env LD_PRELOAD="$preload" "${runner[@]}" "$thalweg" "$@" </dev/null >out.txt 2>&1 || got=$?
    grep -qE "$findings" out.txt && complain "$*: $(grep -E -A 25 "$findings" out.txt | head -60)"
    [ $got = "$code" ] || complain "$*: exit $got, not $code: $(tail -5 out.txt)"
    echo "  thalweg $*"
}
train() { # EXIT_CODE NAME FILE LINE...
    printf 'data: {train: %s, scaling: standardize}\n' "$3" >"$2.yaml"
    printf '%s\n' "${@:4}" "${threads[@]}" >>"$2.yaml"
    try "$1" train "$2.yaml" -q --out "out-$2"
}
logistic='model: {type: logistic, l2: 0.01}'
train 0 lbfgs rows.h5 "$logistic" 'optimizer: {type: lbfgs}' 'stop: {max_iterations: 5}' 'data.validation.fraction: 0.2'
train 0 batches rows.h5 "$logistic" 'optimizer: {type: adam, batch: 50}' 'stop: {max_epochs: 2}'
train 0 newton classes.h5 'model: {type: softmax, l2: 0.01}' 'optimizer: {type: newton}' 'step: {rule: backtracking}' 'stop: {max_iterations: 3}'
train 0 trust classes.h5 'model: {type: softmax, l2: 0.01}' 'optimizer: {type: newton_cg}' 'step: {rule: trust_region}' 'stop: {max_iterations: 3}'
train 0 path rows.h5 'model: {type: logistic, l1: 0.02, folds: 3, path: {count: 3, min_ratio: 0.1}}' \
    'optimizer: {type: coordinate_descent}' 'stop: {max_iterations: 3}'
if [ ${#threads[@]} != 0 ]; then
    for name in lbfgs batches newton trust path; do
        grep -q '"threads": 2' "out-$name/summary.json" || complain "$name has not run with 2 threads"
    done
fi
train 66 missing nothing.h5 "$logistic"
train 78 unknown rows.h5 "$logistic" 'lenght: 4'
try 0 evaluate out-lbfgs/model.h5 rows.h5
try 65 evaluate out-lbfgs/model.h5 classes.h5
try 0 predict out-lbfgs/model.h5 rows.h5 -o predicted.csv --proba
try 0 predict out-trust/model.h5 classes.h5 -o predicted.h5
try 0 generate -o made.h5 --task linear --rows 3000 --features 5
[ $failures = 0 ] || { echo "$failures findings of $tool"; exit 1; }
echo "$tool: no findings"
