#!/usr/bin/env bash
# Writes the table of docs/robustness.md: each promise, the command that shows it, and the last lines that the command said here.
#
#   promises.sh BUILD_DIR SOURCE_DIR quick|full [P1 P7 ...]     runs these tests (all of them), replaces these rows
#
# A test that fails says so in its row, and the script fails at its end.
set -euo pipefail
build=$1 page=$2/docs/robustness.md extent=$3
shift 3

# promise | what it says | tests of the quick set | tests of the full one | lines of their output that are the figure
table='
P1|SIGKILL of any rank at any moment, resume on another number of ranks: the same final bits|faults/kill|faults/kill-slow|runs,|lost at most|kills:
P2|a crash at any file call of a commit leaves a valid checkpoint|faults/syscalls|faults/syscalls-slow|file calls:
P3|every damaged checkpoint is refused|unit/checkpoint_damage|unit/checkpoint_damage|are refused$|ways each
P4|a full disk costs at most the newest checkpoint, and says so|faults/full_disk|faults/full_disk|full disks:|not run
P5|any failure that a rank notices or dies of ends all ranks within 5 s with one sentence and the code|faults/matrix|faults/matrix-full|^matrix:
P6|no hang: a stopped or unreachable rank ends the run by the watchdog|faults/watchdog cluster/hosts|faults/watchdog-all cluster/hosts|ended .* after|the end after
P7|no configuration crashes the program|fuzz/replay-config fuzz/replay-check|fuzz/million|no finding|figure:
P8|no data file crashes or hangs a rank|fuzz/hdf5 faults/mutants_mpirun|fuzz/hdf5-slow faults/mutants_mpirun-slow|mutants
P9|NaN anywhere stops all ranks in the same iteration, and names the row|faults/spikes|faults/spikes|NaN:
P10|replicas that differ are found before the next checkpoint|faults/replicas|faults/replicas|replicas:
P11|a signal before the limit, without and under Slurm: checkpoint, the same command or requeue, the same bits|faults/signals cluster/requeue|faults/signals-slow cluster/requeue cluster/requeue-slow|cases, the slowest|undisturbed run
P12|resuming with changed data or configuration is refused|faults/refusals faults/resume|faults/refusals faults/resume-slow|refusals:|resume:
P13|peak memory of a rank is at most 1.1 times its rows and 16 bytes each, the state of the method, and 64 MiB|faults/memory|faults/memory-slow|peak
P14|sanitizers and valgrind find nothing (full set); all ranks call the same collectives|faults/collectives|faults/asan faults/ubsan faults/tsan faults/valgrind|same collectives|figure:
'

failures=0
show() { # promise, text, tests, patterns
    local tests=${3// /|} out figure commands=
    out=$(mktemp)
    echo "$1: $3"
    if ! ctest --test-dir "$build" -R "^($tests)\$" -V </dev/null >"$out" 2>&1; then
        failures=$((failures + 1))
        figure='**failed**'
        tail -n 60 "$out"
    else
        figure=$(sed -nE 's/^[0-9]+: //p' "$out" | grep -E -- "$4" | grep -v '^Test command:' | sed 's/ *$//; s/  */ /g; s/|/\\|/g' | awk '{ printf "%s%s", (NR > 1 ? "; " : ""), $0 }')
    fi
    commands="\`ctest --test-dir build/release -R '^(${tests//|/\\|})\$' -V\`"
    grep -qE ' Passed |\*\*\*Failed|\*\*\*Timeout' "$out" || figure="not run here: $figure"
    ROW="| $1 | $2 | $commands | $figure |" awk -v p="| $1 |" 'index($0, p) == 1 { print ENVIRON["ROW"]; next } { print }' "$page" >"$out"
    cp "$out" "$page"
    rm "$out"
}
while IFS='|' read -r promise text quick full patterns; do
    [ -n "$promise" ] || continue
    [ $# = 0 ] || [[ " $* " = *" $promise "* ]] || continue
    [ "$extent" = full ] && tests=$full || tests=$quick
    show "$promise" "$text" "$tests" "$patterns"
done <<<"$table"
[ $failures = 0 ]
