#!/usr/bin/env bash
# Which lines of src the quick tests run (all but $heavy): fails when less than 90 % of all, or less than 97 % of what carries the numbers
# between the ranks and what keeps a run alive. Builds in a temporary folder; needs gcovr.
#
#   coverage.sh SOURCE_DIR [FOLDER]     FOLDER: build there and keep it; further arguments after it go to ctest
set -euo pipefail
# Long runs of code that others run as well; without optimisation they would take most of the time.
heavy='^(cli/(verify|batches|install)|mpi/(methods|batches|bits)|unit/methods|faults/.*)$'
source=$(cd "$1" && pwd)
if [ $# -ge 2 ]; then
    mkdir -p "$2"
    build=$(cd "$2" && pwd)
    shift 2
else
    build=$(mktemp -d)
    trap 'rm -rf "$build"' EXIT
    shift
fi
command -v gcovr >/dev/null || { echo "not run: coverage (gcovr is missing)"; exit 77; }
cd "$source"
# shellcheck source=launch/env.sh disable=SC1091
. launch/env.sh
{ cmake --preset coverage -B "$build" && cmake --build "$build" -j 2; } >"$build/build.log" 2>&1 || { cat "$build/build.log"; exit 1; }
find "$build" -name '*.gcda' -delete
ctest --test-dir "$build" -LE slow -E "$heavy" -j 2 --timeout 900 --output-on-failure "$@" </dev/null >"$build/test.log" 2>&1 ||
    { grep -A 12 'tests passed' "$build/test.log"; echo "some tests failed here; what they ran still counts"; }
gcovr --root "$source" --object-directory "$build" --filter "$source/src/" --gcov-ignore-parse-errors --csv - \
    "$build" >"$build/coverage.csv" 2>"$build/gcovr.log" || { cat "$build/gcovr.log"; exit 1; }

# filename,line_total,line_covered,line_percent,...
awk -F, 'NR > 1 { printf "%d %s %d %d\n", $2 - $3, $1, $3, $2 }' "$build/coverage.csv" | sort -rn >"$build/missing.txt"
echo "most lines that no test runs:"
head -15 "$build/missing.txt" | awk '{ printf "  %4d of %4d  %s\n", $1, $4, $2 }'
awk -F, '
    function rate(covered, lines) { return lines ? 100 * covered / lines : 100 }
    NR == 1 { next }
    { lines += $2; covered += $3 }
    $1 ~ /src\/comm\/(comm|exchange|partition|reduction|tree)\.c$/ || $1 ~ /src\/train\/checkpoint[^\/]*\.c$/ {
        printf "  %-32s %6.2f %% of %d lines\n", $1, rate($3, $2), $2
        if (rate($3, $2) < 97) { printf "FAILED: %s is below 97 %%\n", $1; bad = 1 }
        named++
    }
    END {
        printf "  %-32s %6.2f %% of %d lines\n", "src", rate(covered, lines), lines
        if (named < 5) { print "FAILED: the files to look at were not found"; bad = 1 }
        if (rate(covered, lines) < 90) { print "FAILED: src is below 90 %"; bad = 1 }
        exit bad
    }' "$build/coverage.csv"
