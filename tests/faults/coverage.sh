#!/usr/bin/env bash
# Which lines of src the quick tests run (all but $heavy): fails when less than 90 % of all, or less than 97 % of what carries the numbers
# between the ranks and what keeps a run alive. Builds in a temporary folder; needs gcovr. The last line is the figure.
#
#   coverage.sh SOURCE_DIR [FOLDER [ARGUMENT...]]     FOLDER: build there and keep it; ARGUMENT: for ctest, but for -R and -E
#
# A process that is killed writes no counters (one that leaves by _exit does: leave.h), nor does one that may not write files, as the probe
# of damaged files: what only such a process runs counts as not run. One that is killed while it writes them loses those of all before it:
# the counters are read after each group of tests, and the readings are put together.
set -euo pipefail
groups='^unit/ ^mpi/ ^cli/ ^faults/(matrix|refusals|resume|replicas|spikes)$ ^faults/(collectives|signals|watchdog|kill)$'
# Long runs of code that others run as well; without optimisation they would take most of the time. Layers that let allocations and file
# calls fail would meet those of the counters.
heavy='^(cli/(verify|install)|mpi/(methods|batches|bits|generate)|unit/(methods|optima|vmath|gram))$'
source=$(cd "$1" && pwd)
shift
if [ $# -ge 1 ]; then
    mkdir -p "$1"
    build=$(cd "$1" && pwd)
    shift
else
    build=$(mktemp -d)
    trap 'rm -rf "$build"' EXIT
fi
command -v gcovr >/dev/null || { echo "not run: coverage (gcovr is missing)"; exit 77; }
cd "$source"
# shellcheck source=launch/env.sh disable=SC1091
. launch/env.sh
{ cmake --preset coverage -B "$build" && cmake --build "$build" -j 2; } >"$build/build.log" 2>&1 || { cat "$build/build.log"; exit 1; }
find "$build" -name '*.gcda' -delete
look() { # OPTION...: gcovr with what is the same each time
    gcovr --root "$source" --filter "$source/src/" "$@" 2>"$build/gcovr.log" || { cat "$build/gcovr.log"; exit 1; }
}
parts=()
for group in $groups; do
    log=$build/test-${#parts[@]}.log
    ctest --test-dir "$build" -R "$group" -LE slow -E "$heavy" -j 4 --timeout 900 --output-on-failure "$@" </dev/null >"$log" 2>&1 ||
        { grep -A 30 'tests passed' "$log" || true; echo "some tests failed here; what they ran still counts"; }
    part=$build/part-${#parts[@]}.json
    look --object-directory "$build" --gcov-ignore-parse-errors --json "$part" "$build"
    parts+=(-a "$part")
done
look "${parts[@]}" --csv "$build/coverage.csv"

# filename,line_total,line_covered,line_percent,...
awk -F, 'NR > 1 { printf "%d %s %d %d\n", $2 - $3, $1, $3, $2 }' "$build/coverage.csv" | sort -rn >"$build/missing.txt"
echo "most lines that no test runs:"
sed 15q "$build/missing.txt" | awk '{ printf "  %4d of %4d  %s\n", $1, $4, $2 }'
awk -F, '
    function rate(covered, lines) { return lines ? 100 * covered / lines : 0 }
    NR == 1 { next }
    { lines += $2; covered += $3 }
    $1 ~ /src\/comm\/(comm|compare|exchange|partition|reduction|tree)\.c$/ || $1 ~ /src\/train\/(checkpoint|checkpoint_file|state)\.c$/ {
        printf "  %-32s %6.2f %% of %d lines\n", $1, rate($3, $2), $2
        if (rate($3, $2) < 97) { printf "FAILED: %s is below 97 %%\n", $1; bad = 1 }
        if (!named++ || rate($3, $2) < least) least = rate($3, $2)
    }
    END {
        if (named != 9) { print "FAILED: the files to look at were not found"; bad = 1 }
        if (rate(covered, lines) < 90) { print "FAILED: src is below 90 %"; bad = 1 }
        printf "figure: %.1f %% of src, at least %.1f %% of each file of checkpoint, agreement, partition and reduction\n", \
            rate(covered, lines), least
        exit bad
    }' "$build/coverage.csv"
