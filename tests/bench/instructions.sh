#!/usr/bin/env bash
# Instructions per element of the inner loops with AVX2, counted by callgrind, against those stored in instructions.txt for this
# compiler: a loop that needs over 3 % more fails, one that needs over 3 % less is told.
#
#   instructions.sh THALWEG SOURCE_DIR HOT      compares
#   instructions.sh --store [BUILD]             stores what the release build in BUILD (build/release) needs
set -euo pipefail
if [ "${1-}" = --store ]; then
    source_dir=$(cd "$(dirname "$0")/../.." && pwd)
    hot=$(realpath -- "${2-$source_dir/build/release}")/tests/hot store=1
else
    source_dir=$2 hot=$3 store=0
fi
stored=$source_dir/tests/bench/instructions.txt
work=$(mktemp -d)
trap 'rm -rf -- "$work"' EXIT

skip() { echo "not run: $*"; exit 77; }
command -v valgrind >/dev/null || skip "instruction counts (valgrind is missing)"
read -r compiler build <<<"$("$hot" build)"
[ "$build" = Release ] || skip "instruction counts are of Release builds, this one is $build"
if [ $store = 0 ] && ! grep -q "^$compiler " "$stored"; then
    skip "no counts for ${compiler/-/ }; tests/bench/instructions.sh --store"
fi

cd -- "$work"
THALWEG_ISA=avx2 timeout 200 valgrind --tool=callgrind --callgrind-out-file=part --toggle-collect=measured \
    --zero-before=measured --dump-after=measured "$hot" run </dev/null >list.txt 2>valgrind.txt ||
    { tail -20 valgrind.txt; exit 1; }
read -r word isa <list.txt
[ "$word $isa" = "isa avx2" ] || skip "instruction counts (no AVX2 under valgrind here)"

# One part of the output for each line of the list.
sed 1d list.txt | while read -r name n elements; do
    at=$((${at-0} + 1))
    total=$(sed -n 's/^summary: //p' "part.$at")
    [ "${total:-0}" -gt 0 ] || { echo "nothing was counted for $name $n" >&2; exit 1; }
    awk -v name="$name" -v n="$n" -v c="$total" -v e="$elements" 'BEGIN { printf "%s %s %.4f\n", name, n, c / e }'
done >counts.txt
parts=(part.*)
[ ${#parts[@]} = "$(wc -l <counts.txt)" ] || { echo "${#parts[@]} counts for $(wc -l <counts.txt) calls"; exit 1; }

if [ $store = 1 ]; then
    {
        echo "# compiler, loop, columns, instructions per element with AVX2: tests/bench/instructions.sh --store"
        [ ! -e "$stored" ] || grep -v -e '^#' -e "^$compiler " "$stored" || true
        sed "s/^/$compiler /" counts.txt
    } >new.txt
    cp new.txt "$stored"
    echo "stored $(wc -l <counts.txt) counts of $compiler"
    exit
fi

# compare COUNTS: exit 1 when a loop needs more than 3 % more than stored, or either list lacks one
compare() {
    awk -v compiler="$compiler" '
        FNR == NR { if ($1 == compiler) want[$2 " " $3] = $4; next }
        { key = $1 " " $2 }
        !(key in want) { print key " is not stored; tests/bench/instructions.sh --store"; bad = 1; next }
        $3 > 1.03 * want[key] { verdict = "more"; bad = 1 }
        $3 < 0.97 * want[key] { verdict = "less; store it by tests/bench/instructions.sh --store" }
        verdict { printf "%s: %s instructions per element, stored are %s: %.1f %% %s\n", key, $3, want[key],
                  100 * ($3 > want[key] ? $3 / want[key] - 1 : 1 - $3 / want[key]), verdict; verdict = "" }
        { delete want[key] }
        END { for (key in want) { print key " is stored, and not counted any more"; bad = 1 }; exit bad }' "$stored" "$1"
}

# Does it notice? Each loop in turn 4 % above what is stored; none at 2 %; told at 4 % below.
grep "^$compiler " "$stored" | cut -d' ' -f2- >same.txt
if ! compare same.txt >said.txt || [ -s said.txt ]; then echo "complains about what is stored: $(cat said.txt)"; exit 1; fi
lines=$(wc -l <same.txt)
for i in $(seq 1 9 "$lines"); do
    awk -v at="$i" '{ print $1, $2, (NR == at ? 1.04 : 1.02) * $3 }' same.txt >more.txt
    if compare more.txt >said.txt || [ "$(wc -l <said.txt)" != 1 ] ||
        ! grep -q "^$(sed -n "${i}s/ [^ ]*$//p" same.txt): .* 4.0 % more" said.txt; then
        echo "4 % more in line $i: $(cat said.txt)"
        exit 1
    fi
done
awk '{ print $1, $2, 0.96 * $3 }' same.txt >less.txt
if ! compare less.txt >said.txt || [ "$(grep -c '4.0 % less; store it' said.txt)" != "$lines" ]; then
    echo "4 % less: $(cat said.txt)"
    exit 1
fi
sed 1d same.txt >fewer.txt
if compare fewer.txt >said.txt; then echo "does not notice that a loop is missing"; exit 1; fi

compare counts.txt || { echo "$compiler needs more instructions than are stored"; exit 1; }
echo "$lines counts of $compiler are as stored"
