#!/usr/bin/env bash
# The bench suite runs, and what it prints can be read: columns, positive numbers, fractions that fit their rates. No time is
# judged.   smoke.sh THALWEG SOURCE_DIR BENCH_SPEED
set -euo pipefail
build=$(dirname "$(realpath -e -- "$1")") source_dir=$2 speed=$3
work=$(mktemp -d)
trap 'rm -rf -- "$work"' EXIT
cd -- "$work"
failures=0
complain() { failures=$((failures + 1)); echo "FAILED $*"; }
export OMP_NUM_THREADS=1 THALWEG_BENCH_TINY=1

# lines KIND COLUMNS LINES FILE: so many lines, each with so many columns, numbers from the first that is one on; each
# median between its quartiles
lines() {
    awk -v kind="$1" -v columns="$2" -v lines="$3" '
        { first = kind == "roof" ? 2 : 4; text = kind == "roof" ? 1 : 2 }
        $1 != kind || NF != columns { print "not a line of " columns " columns: " $0; bad = 1; next }
        { for (i = text + 1; i <= NF; i++) if ($i !~ /^[0-9.]+(e[-+]?[0-9]+)?$/) { print "column " i ": " $i; bad = 1 }
          figures = kind == "roof" ? 4 : 7
          for (i = figures; i < figures + 9; i++) if (!($i > 0)) { print "column " i " is not positive: " $0; bad = 1 }
          for (i = figures; i < figures + 9; i += 3)
              if ($(i + 1) > $i || $i > $(i + 2)) { print "column " i " is not between its quartiles: " $0; bad = 1 } }
        END { if (NR != lines) { print NR " lines, not " lines; bad = 1 }; exit bad }' "$4" || complain "$1 of $4"
}

timeout 60 "$speed" gradient --type all --n 16,300 --bytes 4 --repeat 3 --seconds 0 </dev/null >gradient.txt || complain "gradient: $?"
lines gradient 17 14 gradient.txt
# rows x n x size is the 4 MB that were asked for, and ms x GB/s too
awk 'BEGIN { size["u8"] = size["i8"] = 1; size["i16"] = size["f16"] = size["bf16"] = 2; size["f32"] = 4; size["f64"] = 8 }
    { bytes = $4 * $3 * size[$2]; if (bytes > 4194304 || bytes < 4190000) { print "bytes: " $0; bad = 1 }
      ratio = $10 * $17 * 1e6 / bytes; if (ratio < 0.99 || ratio > 1.01) { print "speed and time disagree: " $0; bad = 1 } }
    END { exit bad }' gradient.txt || complain "bytes of gradient"
timeout 60 mpirun --oversubscribe -n 2 "$speed" modes --rows 2000 --n 32 --repeat 3 --seconds 0 </dev/null >modes.txt || complain "modes: $?"
lines modes 17 1 modes.txt
awk '{ exit !($5 == 2 && $16 > 8 * 32 && $17 > 8 * 32) }' modes.txt || complain "bytes sent: $(cat modes.txt)"
timeout 60 "$speed" gram --rows 2000 --n 32 --repeat 1 --seconds 0 </dev/null >gram.txt || complain "gram: $?"
lines gram 15 1 gram.txt
timeout 60 "$speed" roof --bytes 4 --repeat 3 --seconds 0 </dev/null >roof.txt || complain "roof: $?"
lines roof 12 1 roof.txt
got=0
"$speed" gradient --type f128 </dev/null >out.txt 2>err.txt || got=$?
if [ $got != 64 ] || [ -s out.txt ] || ! grep -q "type 'f128' is not possible" err.txt; then complain "a wrong type: exit $got"; fi

# the script: a table with every n and type, and the page with every section in its place
timeout 100 "$source_dir/tests/bench/run" --build "$build" --quick --only kernels </dev/null >kernels.md 2>err.txt || complain "run: $(cat err.txt)"
awk -F'|' '$2 ~ /^ *[0-9]+ $/ { n++; for (i = 4; i <= 11; i++) { v = $i; gsub(/[~ ]/, "", v); if (!(v + 0 > 0) && !(v ~ /^0\.00/)) { print "cell " i ": " $0; bad = 1 } } }
    END { if (n != 4) { print n " rows, not 4"; bad = 1 }; exit bad }' kernels.md || complain "the table: $(cat kernels.md)"
timeout 100 "$source_dir/tests/bench/run" --build "$build" --only none --page </dev/null >page.md 2>err.txt || complain "page: $(cat err.txt)"
[ "$(grep -c '^(not measured)$' page.md)" = 7 ] || complain "the page lacks sections"
if grep -q '^@' page.md; then complain "the page has places that nothing fills: $(grep '^@' page.md)"; fi
got=0
"$source_dir/tests/bench/run" --build "$build" --only kernel </dev/null >out.txt 2>err.txt || got=$?
[ $got = 64 ] || complain "a section that is not there: exit $got"

[ $failures = 0 ] || exit 1
echo "gradients, modes, matrices, yardsticks and the script: all there"
