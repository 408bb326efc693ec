#!/usr/bin/env bash
# The pinned hashes with programs that other compilers and other levels of optimisation made, each with every instruction set, on
# 2 ranks with 2 threads each where the build has threads.
#
#   bits_builds.sh THALWEG SOURCE_DIR ORACLE [NAME ...]       NAME: of the builds below; all of them
set -euo pipefail
thalweg=$1 source_dir=$2 oracle=$3
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
failures=0
complain() { echo "FAILED: $*"; failures=$((failures + 1)); }

# name, compiler, flags, settings of cmake
builds="
gcc-O0 gcc -O0
gcc-O1 gcc -O1
gcc-O3 gcc -O3
gcc-native gcc -O3,-march=native
gcc-alone gcc -O2 -DTHALWEG_THREADS=OFF
clang-O1 clang -O1
clang-O2 clang -O2
clang-O3 clang -O3
clang-alone clang -O2 -DTHALWEG_THREADS=OFF"

# No flags of this build's own kind, so that those given are the ones that count.
build() { # NAME COMPILER FLAGS SETTING...: into the folder NAME
    local name=$1 compiler=$2 flags=${3//,/ }
    cmake -S "$source_dir" -B "$name" -DCMAKE_BUILD_TYPE=None -DCMAKE_C_COMPILER="$compiler" -DCMAKE_C_FLAGS="$flags" "${@:4}" &&
        cmake --build "$name" -j 2 --target bits
}

compared=0
while read -r name compiler flags setting; do
    [ -n "$name" ] || continue
    [ $# -le 3 ] || [[ " ${*:4} " == *" $name "* ]] || continue
    command -v "$compiler" >/dev/null || { echo "not run: $name ($compiler is missing)"; continue; }
    # shellcheck disable=SC2086 # no word where there is none
    build "$name" "$compiler" "$flags" $setting </dev/null >build.log 2>&1 || { complain "$name: $(tail -20 build.log)"; continue; }
    # every file of the library with the level that was asked for, and no other
    files=$(grep -c '"command"' "$name/compile_commands.json")
    [ "$(grep -c -- "\"command\".* ${flags%%,*} " "$name/compile_commands.json")" = "$files" ] || complain "$name: not all with $flags"
    if grep '"command"' "$name/compile_commands.json" | sed "s/ ${flags%%,*} / /" | grep -- ' -O[0-9s] ' | grep -v oracle; then
        complain "$name: another level than $flags"
    fi
    bash "$source_dir/tests/mpi/bits.sh" "$thalweg" "$source_dir" "$PWD/$name/tests/bits" '' build </dev/null >said.txt 2>&1 ||
        complain "$name: $(cat said.txt)"
    sed "s/^/$name: /" said.txt
    threads='2 threads'
    if [ -n "$setting" ] || ! grep -q '^OpenMP_C_FLAGS:STRING=.*fopenmp' "$name/CMakeCache.txt"; then threads='1 threads'; fi
    [ "$(grep -c ", $threads\$" said.txt)" = 3 ] || complain "$name: not $threads"
    [ "$threads $setting" != '1 threads ' ] || echo "not run: $name with threads (OpenMP of $compiler is missing)"
    if [ "$name" = clang-O2 ]; then # mini-batches, kept rows and the methods that no oracle knows
        bash "$source_dir/tests/mpi/batches.sh" "$thalweg" "$source_dir" "$PWD/$name/tests/bits" "$oracle" </dev/null >said.txt 2>&1 ||
            complain "$name: $(cat said.txt)"
        bash "$source_dir/tests/mpi/methods.sh" "$thalweg" "$source_dir" "$PWD/$name/tests/bits" </dev/null >>said.txt 2>&1 ||
            complain "$name: $(cat said.txt)"
        sed "s/^/$name: /" said.txt
    fi
    compared=$((compared + 1))
    rm -rf "$name"
done <<<"$builds"
[ $failures = 0 ] || { echo "$failures failures"; exit 1; }
[ $compared != 0 ] || exit 77
echo "the same bits from $compared builds"
