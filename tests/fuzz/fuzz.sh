#!/usr/bin/env bash
# Fuzz with coverage: build the preset `fuzz` and run a target, or all of them one after the other.
#
#   tests/fuzz/fuzz.sh TARGET|all [EXECUTIONS]     default 1000000; 0: without end
#
#   THALWEG_FUZZ_BUILD     build folder (default build/fuzz)
#   THALWEG_FUZZ_FINDINGS  where findings and new inputs are kept (default: a new folder in $TMPDIR or /tmp)
#   THALWEG_FUZZ_SEED      of libFuzzer (default 1; with one seed and one build the run repeats itself)
#
# Exit code 1 after a finding; 77 where clang or its libFuzzer is missing.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
source_dir=$(cd "$here/../.." && pwd)
targets=(config check number csv idx npy libsvm header model checkpoint)
declare -A corpus=([check]=config) longest=([config]=1024 [check]=1024 [number]=600 [csv]=512 [idx]=512 [npy]=512 [libsvm]=512 [model]=400 [checkpoint]=400)

usage() { sed -n '4,6p' "$0" | cut -c3- >&2; exit 64; }
case $# in 1 | 2) ;; *) usage ;; esac
executions=${2:-1000000}
[[ $executions =~ ^[0-9]+$ ]] || usage
[ "$executions" != 0 ] || executions=-1
if [ "$1" != all ]; then
    [[ " ${targets[*]} " == *" $1 "* ]] || { echo "the targets are: ${targets[*]}" >&2; usage; }
    targets=("$1")
fi

scratch=$(mktemp -d)
trap 'rm -rf -- "$scratch"' EXIT
echo 'int LLVMFuzzerTestOneInput(const unsigned char *b, unsigned long n) { return b && n > 9 ? 0 : 0; }' >"$scratch/a.c"
if ! clang -fsanitize=fuzzer,address,undefined "$scratch/a.c" -o "$scratch/a" 2>"$scratch/log"; then
    echo "not run: fuzzing needs clang with libFuzzer (packages clang and libclang-rt-*-dev)"
    exit 77
fi

build=${THALWEG_FUZZ_BUILD:-$source_dir/build/fuzz}
mkdir -p "$build"
if ! { cmake -S "$source_dir" --preset fuzz -B "$build" && cmake --build "$build" --target fuzz -j "$(nproc)"; } \
    >"$build/fuzz.log" 2>&1; then
    tail -n 40 "$build/fuzz.log"
    exit 1
fi
findings=${THALWEG_FUZZ_FINDINGS:-$(mktemp -d "${TMPDIR:-/tmp}/thalweg-findings-XXXXXX")}
# libFuzzer looks for leaks too often to be quick where HDF5 keeps memory: they are looked for at the end.
export ASAN_OPTIONS=malloc_context_size=2:quarantine_size_mb=4:max_malloc_fill_size=64:allocator_release_to_os_interval_ms=-1:${ASAN_OPTIONS:-}

executed() { # executed LOG TARGET HOW FINDINGS
    local count
    count=$(sed -n 's/^stat::number_of_executed_units: *//p' "$1")
    echo "$2: ${count:-0} executions, $3"
    echo "figure: $2 ${count:-0} executions, $4 findings"
}

run() { # run TARGET: its figures on one line, or the end of its report
    local name=$1 seeds=$here/corpus/${corpus[$1]:-$1} new=$findings/$1/corpus log=$findings/$1/log status=0 began=$SECONDS
    local options=(-runs="$executions" -seed="${THALWEG_FUZZ_SEED:-1}" -max_len="${longest[$name]:-2048}" -timeout=60
        -rss_limit_mb=2048 -malloc_limit_mb=1024 -detect_leaks=0 -print_final_stats=1 -artifact_prefix="$findings/$name/")
    [ ! -f "$here/$name.dict" ] || options+=(-dict="$here/$name.dict")
    mkdir -p "$new"
    "$build/tests/fuzz/fuzz_$name" "${options[@]}" "$new" "$seeds" </dev/null >"$log" 2>&1 || status=$?
    if [ $status != 0 ]; then
        echo "$name: a finding after $((SECONDS - began)) s; the input and the report are in $findings/$name"
        grep -v '^#' "$log" | tail -n 40
        executed "$log" "$name" "ended by it" 1
        return 1
    fi
    executed "$log" "$name" "$((SECONDS - began)) s, no finding" 0
}

failed=0
for target in "${targets[@]}"; do run "$target" || failed=1; done
[ $failed = 0 ] || exit 1
[ -n "${THALWEG_FUZZ_FINDINGS:-}" ] || rm -rf -- "$findings"
