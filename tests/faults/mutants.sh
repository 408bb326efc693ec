#!/usr/bin/env bash
# Faults put into the source on purpose: each is to be caught by the one test that is named beside it (mutants.txt). A mutant that
# no test catches is a test that is missing. Builds in a temporary folder, from a copy of the source.
#
#   mutants.sh SOURCE_DIR [FOLDER [PATTERN]]     FOLDER: copy and build there and keep it; PATTERN: only the lines of mutants.txt that match
set -euo pipefail
source=$(cd "$1" && pwd) pattern=${3-}
if [ $# -ge 2 ]; then
    mkdir -p "$2"
    work=$(cd "$2" && pwd)
else
    work=$(mktemp -d)
    trap 'rm -rf "$work"' EXIT
fi
copy=$work/source build=$work/build
failures=0 mutants=0 caught=0
complain() { echo "FAILED: $*"; failures=$((failures + 1)); }

# What has not changed keeps its time, so that a folder that was kept is not built anew.
while IFS= read -r -d '' file; do
    cmp -s "$source/$file" "$copy/$file" || { mkdir -p "$copy/${file%/*}" && cp "$source/$file" "$copy/$file"; }
done < <(cd "$source" && find . \( -path ./build -o -path ./runs -o -path ./data -o -path ./.git \) -prune -o -type f -print0)
# shellcheck source=launch/env.sh disable=SC1091
. "$source/launch/env.sh"

# ---- the list: name | file | test | old ==> new ----

names=() files=() tests=() olds=() news=()
trim() { local s=$1; s=${s#"${s%%[![:space:]]*}"}; printf '%s' "${s%"${s##*[![:space:]]}"}"; }
while IFS= read -r line; do
    [[ $line =~ ^(#|$) ]] || [[ ! $line =~ $pattern ]] && continue
    IFS='|' read -r name file test edit <<<"$line"
    [[ $edit == *' ==>'* ]] || { complain "no ' ==> ' in: $line"; continue; }
    names+=("$(trim "$name")") files+=("$(trim "$file")") tests+=("$(trim "$test")")
    olds+=("$(trim "${edit%%' ==>'*}")") news+=("$(trim "${edit#*' ==>'}")")
done <"$source/tests/faults/mutants.txt"
[ ${#names[@]} -gt 0 ] || { echo "FAILED: there are no mutants"; exit 1; }
for file in "${files[@]}"; do touch "$copy/$file"; done # what was built of it last may be a mutant

# ---- building and testing ----

targets_of() { # test
    case $1 in
    unit/*) echo "unit_${1#unit/}" ;;
    mpi/*-[0-9]*) name=${1#mpi/} && echo "mpi_${name%-*}" ;;
    mpi/nodes) echo "thalweg bits mpi_topology mpi_reduction" ;;
    faults/syscalls | faults/full_disk) echo "thalweg fault_calls" ;;
    faults/replicas) echo "thalweg flip" ;;
    faults/resume | faults/kill | cli/*) echo thalweg ;;
    faults/refusals) echo "thalweg variants" ;;
    *) echo all ;;
    esac
}
make() { # tests
    local test targets=()
    for test in "$@"; do read -ra more <<<"$(targets_of "$test")" && targets+=("${more[@]}"); done
    cmake --build "$build" -j 2 -t "${targets[@]}" >"$work/build.log" 2>&1
}
run() { # test, limit in seconds: a mutant that hangs is caught by it
    timeout -k 20 "$2" ctest --test-dir "$build" -R "^$1\$" --no-tests=error --output-on-failure </dev/null >"$work/test.log" 2>&1
}

cmake -S "$copy" --preset release -B "$build" >"$work/configure.log" 2>&1 || { cat "$work/configure.log"; exit 1; }
mapfile -t wanted < <(printf '%s\n' "${tests[@]}" | sort -u)
make "${wanted[@]}" || { cat "$work/build.log"; exit 1; }
declare -A missing limits
for test in "${wanted[@]}"; do
    begin=$SECONDS
    run "$test" 300 || { tail -n 30 "$work/test.log"; echo "FAILED: $test fails without a mutant"; exit 1; }
    ! grep -q '\*\*\*Skipped' "$work/test.log" || missing[$test]=skipped
    limits[$test]=$((30 + 5 * (SECONDS - begin))) # far above what it takes, on a busy machine too
done

# ---- one mutant after the other ----

# The text must be there once: a line that was changed meanwhile is no mutant.
try() { # index
    local path=$copy/${files[$1]} text rest begin code=0 note=''
    text=$(<"$path") rest=
    [[ $text != *"${olds[$1]}"* ]] || rest=${text#*"${olds[$1]}"}
    if [[ $text != *"${olds[$1]}"* || $rest == *"${olds[$1]}"* ]]; then
        complain "${names[$1]}: '${olds[$1]}' is not in ${files[$1]} once"
        return
    fi
    printf '%s\n' "${text%%"${olds[$1]}"*}${news[$1]}$rest" >"$path"
    begin=$SECONDS
    if ! make "${tests[$1]}"; then
        complain "${names[$1]}: does not build: $(grep -m 3 'error' "$work/build.log")"
    else
        run "${tests[$1]}" "${limits[${tests[$1]}]}" || code=$?
        [ $code != 0 ] || complain "${names[$1]}: ${tests[$1]} does not notice"
        [ $code = 0 ] || caught=$((caught + 1))
        case $code in 124 | 137) note=', hangs' ;; esac
    fi
    printf '%-52s | %-22s | %4d%s\n' "${names[$1]}" "${tests[$1]}" $((SECONDS - begin)) "$note"
    printf '%s\n' "$text" >"$path"
}

printf '%-52s | %-22s | %s\n' mutant test seconds
for i in "${!names[@]}"; do
    if [ "${missing[${tests[$i]}]-}" = skipped ]; then
        echo "not run: ${names[$i]}: this machine cannot run ${tests[$i]}"
        continue
    fi
    mutants=$((mutants + 1))
    try "$i"
done
echo "figure: $mutants mutants, $caught caught"
[ $failures = 0 ]
