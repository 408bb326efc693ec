#!/bin/bash
# generate.sh THALWEG -- `thalweg generate` writes the same bytes from any number of ranks, or nothing at all.
set -euo pipefail
thalweg=$(realpath "$1")
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
mkdir "$folder/data"
cd "$folder/data"
if [ "$(id -u)" = 0 ]; then export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1; fi

fail() {
    echo "generate.sh: $*" >&2
    exit 1
}

alone() {
    timeout 60 "$thalweg" generate "$@" </dev/null
}

# ranks N ARGUMENTS...
ranks() {
    timeout 60 mpirun --oversubscribe -n "$1" "$thalweg" generate "${@:2}" </dev/null
}

# expect CODE WORDS COMMAND...: this exit code, these words on stderr, and the folder as it was
expect() {
    local before got=0
    before=$(ls -Al)
    "${@:3}" >"$folder/out" 2>"$folder/err" || got=$?
    [ "$got" = "$1" ] || fail "exit $got, not $1: ${*:3}: $(cat "$folder/err")"
    grep -qF -- "$2" "$folder/err" || fail "no '$2' from ${*:3}: $(cat "$folder/err")"
    [ "$(ls -Al)" = "$before" ] || fail "${*:3} changed the folder: $(ls -Al)"
}

wait_for() {
    for _ in $(seq 200); do
        if compgen -G "$1" >/dev/null; then return; fi
        sleep 0.05
    done
    fail "no $1 appeared"
}

same_bytes_from_any_number_of_ranks() {
    local -a kinds=(
        "--task linear --rows 100 --features 1 --uniform 0,2 --coefficients 3 --intercept 4 --noise 1 --type f64"
        "--task logistic --rows 7777 --features 31 --condition 1000 --seed 18446744073709551615"
        "--task softmax --rows 3 --features 40 --classes 5 --type f64"
        "--task softmax --rows 400001 --features 7"
    )
    local -a words
    local kind n
    for kind in "${kinds[@]}"; do
        read -ra words <<<"$kind"
        alone -o one.h5 "${words[@]}" >"$folder/out"
        for n in 1 2 3 5; do
            ranks "$n" -o many.h5 --force "${words[@]}" >"$folder/many"
            cmp one.h5 many.h5 || fail "$n ranks differ: $kind"
            [ "$(sed s/many/one/ "$folder/many")" = "$(cat "$folder/out")" ] || fail "$n ranks say something else"
        done
        THALWEG_ISA=baseline alone -o many.h5 --force "${words[@]}" >/dev/null
        cmp one.h5 many.h5 || fail "the baseline instructions differ: $kind"
        alone -o many.h5 --force "${words[@]}" --seed 99 >/dev/null
        if cmp -s one.h5 many.h5; then fail "another seed gives the same bytes: $kind"; fi
        rm one.h5 many.h5
    done
}

one_line_says_what_was_written() {
    local line
    line=$(ranks 3 -o line.h5 --task linear --rows 100 --features 1 --type f64)
    [ "$line" = "wrote line.h5: /X (100, 1) f64, /y (100), 1.6 KiB" ] || fail "it says: $line"
    rm line.h5
}

help_is_printed_once() {
    [ "$(ranks 3 --help | grep -c Usage:)" = 1 ] || fail "no help, or too much of it"
}

mistakes_are_refused_before_anything_is_made() {
    local -a good=(--task linear --rows 9 --features 2)
    expect 64 "-o FILE is missing" alone "${good[@]}"
    expect 64 "--task linear|logistic|softmax is missing" alone -o a.h5 --rows 9 --features 2
    expect 64 "Did you mean '--features'?" alone -o a.h5 "${good[@]}" --feutures 3
    expect 64 "option '--rows' requires an argument" alone -o a.h5 --rows
    expect 64 "option '--force' doesn't allow an argument" alone -o a.h5 "${good[@]}" --force=1
    expect 64 "Too many arguments" alone -o a.h5 "${good[@]}" more
    expect 64 "--rows 1e3 is not a whole number" alone -o a.h5 "${good[@]}" --rows 1e3
    expect 64 "--rows must be at least 1" alone -o a.h5 "${good[@]}" --rows 0
    expect 64 "--seed -1 is not" alone -o a.h5 "${good[@]}" --seed -1
    expect 64 "'nan' is not a finite number" alone -o a.h5 "${good[@]}" --noise nan
    expect 64 "'' is not a finite number" alone -o a.h5 "${good[@]}" --coefficients 1,,2
    expect 64 "coefficients needs 2 numbers" alone -o a.h5 "${good[@]}" --coefficients 1,2,3
    expect 64 "--uniform needs two numbers" alone -o a.h5 "${good[@]}" --uniform 1
    expect 64 "not f16" alone -o a.h5 "${good[@]}" --type f16
    expect 64 "condition must be at least 1" ranks 3 -o a.h5 "${good[@]}" --condition 0.5
    [ "$(grep -c "condition must" "$folder/err")" = 1 ] || fail "more than one rank speaks"
}

an_output_that_cannot_be_is_refused() {
    local -a good=(--task linear --rows 9 --features 2)
    echo precious >taken.h5
    mkdir folder.h5
    expect 73 "taken.h5" ranks 2 -o taken.h5 "${good[@]}"
    expect 73 "folder.h5" ranks 2 -o folder.h5 "${good[@]}" --force
    expect 73 "No such file" ranks 2 -o nowhere/a.h5 "${good[@]}"
    [ "$(cat taken.h5)" = precious ] || fail "an existing file was changed"
    ranks 2 -o taken.h5 "${good[@]}" --force >/dev/null
    alone -o fresh.h5 "${good[@]}" >/dev/null
    cmp taken.h5 fresh.h5 || fail "--force did not replace the file"
    rm -r taken.h5 fresh.h5 folder.h5
}

a_full_disk_leaves_nothing() {
    # shellcheck disable=SC2016 # expanded by the inner shell
    local inner='mount -t tmpfs -o size=1m none "$1" && cd "$1" && code=0 &&
        { "${@:2}" 2>"$1/../err" || code=$?; } && ls -A && exit "$code"' left code=0
    mkdir full
    if ! unshare -rm mount -t tmpfs -o size=1m none full 2>/dev/null; then
        echo "not run: a_full_disk_leaves_nothing (no private mount)"
        rmdir full
        return
    fi
    # MPI sees another user in there, whose session folder of this machine it may not use
    mkdir -p "$folder/ompi"
    left=$(TMPDIR=$folder/ompi OMPI_MCA_orte_tmpdir_base=$folder/ompi timeout 60 unshare -rm bash -c "$inner" full "$PWD/full" \
        "$thalweg" generate -o a.h5 --task linear --rows 100000 --features 9) || code=$?
    [ "$code" = 74 ] || fail "a full disk ends with $code: $(cat err)"
    grep -q "No space left" err || fail "a full disk is not named: $(cat err)"
    [ -z "$left" ] || fail "a full disk keeps $left"
    rm -r full err
}

# Half a minute of work in a file of 20 MB.
slow=(-o slow.h5 --task softmax --rows 100000 --features 50 --classes 20000)

a_signal_leaves_nothing() {
    local pid code=0
    timeout 60 "$thalweg" generate "${slow[@]}" </dev/null 2>"$folder/err" &
    pid=$!
    wait_for 'slow.h5.*'
    kill -TERM "$pid"
    wait "$pid" || code=$?
    [ "$code" = 75 ] || fail "a signal ends with $code: $(cat "$folder/err")"
    grep -q "stopped by SIGTERM" "$folder/err" || fail "a signal is not named: $(cat "$folder/err")"
    [ -z "$(ls -A)" ] || fail "a signal leaves $(ls -A)"
}

a_killed_rank_leaves_nothing() {
    local pid
    # shellcheck disable=SC2016 # expanded by the inner shell
    timeout 60 mpirun --oversubscribe -n 2 bash -c 'echo $$ >"$1.$OMPI_COMM_WORLD_RANK"; exec "${@:2}"' rank \
        "$folder/pid" "$thalweg" generate "${slow[@]}" </dev/null >/dev/null 2>&1 &
    pid=$!
    wait_for 'slow.h5.*'
    kill -KILL "$(cat "$folder/pid.1")"
    if wait "$pid"; then fail "a killed rank goes unnoticed"; fi
    [ -z "$(ls -A)" ] || fail "a killed rank leaves $(ls -A)"
}

same_bytes_from_any_number_of_ranks
one_line_says_what_was_written
help_is_printed_once
mistakes_are_refused_before_anything_is_made
an_output_that_cannot_be_is_refused
a_full_disk_leaves_nothing
a_signal_leaves_nothing
a_killed_rank_leaves_nothing
echo "generate.sh: all good"
