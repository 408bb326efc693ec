#!/usr/bin/env bash
# screen.sh THALWEG SOURCE_DIR -- what train shows while it runs: on a terminal one redrawn line that leaves the table as log.txt
# has it, never wider than the window; elsewhere plain lines; colours only where they are wanted. Exit 77: no `script` to make a terminal.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=common.sh
. "$(dirname -- "$0")/common.sh"
forget 'THALWEG|NO_COLOR'
ln -s -- "$source_dir/configs" configs
export TERM=xterm SHELL=/bin/sh
cat >long.yaml <<'YAML'
data: {train: configs/data/breast-cancer.h5, scaling: standardize}
model: {type: logistic, l2: 0.01}
optimizer: {type: gd}
step: {rule: constant, length: 1e-9}
stop: {max_iterations: 5000}
YAML
cancer=configs/cancer-logistic.yaml
piped() { # EXIT_CODE ARGUMENT...: out and err
    local code=0
    timeout 60 "$thalweg" "${@:2}" </dev/null >out 2>err || code=$?
    [ $code = "$1" ] || complain "thalweg ${*:2} exits $code, not $1: $(cat out err)"
}
rows() { grep -cE '^ +[0-9]+ +[0-9.]+ ' "$1" || true; } # of a table

# ---- without a terminal ----

piped 0 train long.yaml --out lines
if grep -q $'[\r\033]' out err; then complain "a redrawn line or colours in a pipe: $(cat -v out err)"; fi
[ "$(rows out)" -ge 13 ] || complain "rows of a pipe: $(cat out)"
piped 0 train $cancer --out quiet -q
[ ! -s out ] || complain "-q prints $(cat out)"
piped 0 train $cancer --out verbose -v
[ "$(rows out)" = 35 ] || complain "-v prints $(rows out) rows, not iterations 0 to 34"
piped 0 train $cancer --out plain
[ "$(rows out)" = 7 ] || complain "the table has $(rows out) rows: $(cat out)"
piped 0 train $cancer --out none --progress none
[ "$(rows out)" = 0 ] || complain "--progress none prints rows: $(cat out)"
grep -q '^  stopped ' out || complain "--progress none leaves out the end: $(cat out)"
piped 0 train $cancer --out bar --progress bar
grep -q $'\r\033\\[K.* done' out || complain "--progress bar draws nothing: $(cat -v out)"
piped 64 train $cancer --out both -q -v
grep -q 'either --quiet or --verbose' err || complain "-q -v: $(cat err)"
piped 64 train $cancer --out wrong --progress dots
grep -q 'auto, bar, lines or none' err || complain "--progress dots: $(cat err)"
if [ -e both ] || [ -e wrong ]; then complain "a folder of a run that was refused"; fi

if ! command -v script >/dev/null || ! timeout 20 script -qec true /dev/null </dev/null >/dev/null 2>&1; then
    [ $failures = 0 ] || exit 1
    echo "not run: the screen of a terminal (this needs script of util-linux)"
    exit 77
fi

# ---- on one: COLUMNS ARGUMENT...; seen is what came, final what stands there in the end ----

terminal() {
    local words
    printf -v words ' %q' "$thalweg" "${@:2}"
    timeout 60 script -qec "stty cols $1 rows 40; exec $words" /dev/null </dev/null >seen 2>&1 || true
    tr -d '\000' <seen | sed 's/\r*$//; s/.*\r\x1b\[K//' >final
}
from_table() { sed -n '/^iteration /,/^  stopped/p' "$1"; }

terminal 130 train long.yaml --out wide
from_table wide/log.txt >one
from_table final >two
[ -s one ] || complain "no table in log.txt"
cmp -s one two || complain "what stands on the screen is not the table of log.txt: $(diff one two)"
drawn=$(grep -o $'\033\\[K[^\r]*' seen | grep -cE '[0-9]+% done  compute' || true)
[ "$drawn" -ge 5 ] || complain "only $drawn redrawn lines: $(cat -v seen)"
# After each of the rows 0, 1, 2, 5, ..., 2000, and else ten a second.
most=$(sed -n 's/^  "seconds": \([0-9]*\).*/\1/p' wide/summary.json)
most=$((25 + 11 * (most + 1)))
[ "$drawn" -le $most ] || complain "$drawn redrawn lines, at most $most were expected"
grep -qE $'\033\\[K +2001 .* 40% done' seen || complain "the share of the iteration limit is wrong: $(cat -v seen)"

for columns in 60 96; do
    rm -rf narrow
    terminal $columns train long.yaml --out narrow
    from_table narrow/log.txt >one
    from_table final >two
    cmp -s one two || complain "$columns columns: $(diff one two)"
    widest=$(grep -o $'\033\\[K[^\r]*' seen | sed 's/^...//' | grep -F '% done' | awk '{ if (length > w) w = length } END { print w + 0 }')
    if [ "$widest" -le 20 ] || [ "$widest" -ge $columns ]; then complain "a line of $widest characters in $columns columns"; fi
done
rm -rf narrow
terminal 60 train long.yaml --out narrow
grep -qE $'\033\\[Kiteration [0-9]+  loss 0\\.69[0-9]+  [0-9]+% done, at most [0-9:]+' seen || complain "the short line: $(cat -v seen | head -c 3000)"

terminal 100 train long.yaml --out asked --progress lines
if grep -q $'\033' seen; then complain "--progress lines redraws"; fi
terminal 0 train long.yaml --out nowindow # as under mpirun: a terminal, but no window
if grep -q $'\033' seen; then complain "a line is redrawn where there is no window"; fi
[ "$(rows final)" -ge 8 ] || complain "rows without a window: $(cat final)"
terminal 100 train $cancer --out hush -q
[ ! -s seen ] || complain "-q on a terminal: $(cat -v seen)"

# ---- colours ----

red=$'\033[1;31merror:\033[0m'
terminal 100 train nowhere.yaml
grep -qF "$red" seen || complain "an error has no colour: $(cat -v seen)"
NO_COLOR='' terminal 100 train nowhere.yaml
grep -qF "$red" seen || complain "an empty NO_COLOR counts: $(cat -v seen)"
plain() { grep -qF 'thalweg: error: ' seen || complain "$1: $(cat -v seen)"; }
NO_COLOR=1 terminal 100 train nowhere.yaml
plain "NO_COLOR is not honoured"
TERM=dumb terminal 100 train nowhere.yaml
plain "colours on a dumb terminal"
terminal 0 train nowhere.yaml
plain "colours without a window"
piped 66 train nowhere.yaml
grep -q '^thalweg: error: ' err || complain "colours in a pipe: $(cat -v err)"
finish "screen: pipes, terminals of four widths, colours"
