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
