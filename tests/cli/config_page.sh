#!/usr/bin/env bash
# docs/config.md is what the table in the program says, and --help of every command names it.   config_page.sh THALWEG SOURCE_DIR
set -euo pipefail
thalweg=$1
if ! diff <("$thalweg" help config markdown) "$2/docs/config.md"; then
    echo "docs/config.md is not what the table says: thalweg help config markdown >docs/config.md"
    exit 1
fi
for command in $("$thalweg" help | sed -n 's/^  \([a-z]*\) .*/\1/p'); do
    timeout 20 "$thalweg" "$command" --help </dev/null | grep -qi "usage: thalweg $command" ||
        { echo "thalweg $command --help does not say how to use it"; exit 1; }
    timeout 20 "$thalweg" help "$command" </dev/null | grep -qi "usage: thalweg $command" ||
        { echo "thalweg help $command does not say how to use it"; exit 1; }
done
[ "$("$thalweg" help exit 79 </dev/null)" = "  79  the run diverged" ] || { echo "help exit 79"; exit 1; }
"$thalweg" --version | grep -q "contract" || { echo "--version"; exit 1; }
"$thalweg" help config data.validation </dev/null | grep -q 'data.validation: VALUE is short for data.validation.file' ||
    { echo "help config data.validation does not name its short form"; exit 1; }
"$thalweg" help config data </dev/null | grep -q 'data.validation.fraction' || { echo "help config data leaves out what is inside"; exit 1; }
"$thalweg" help config data.validation.fraction </dev/null | grep -q '> 0 and < 1' || { echo "help on a key of three parts"; exit 1; }
said=$(timeout 20 "$thalweg" help config data.validation.fractoin </dev/null 2>&1) && { echo "a wrong key is no error"; exit 1; }
grep -q "did you mean 'data.validation.fraction'" <<<"$said" || { echo "no suggestion for a key of three parts"; exit 1; }
