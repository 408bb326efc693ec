#!/usr/bin/env bash
# dictionary.sh THALWEG SOURCE_DIR -- config.dict names every key and section of the configuration.
set -euo pipefail

dictionary=$2/tests/fuzz/config.dict
# shellcheck disable=SC2016 # backquotes of Markdown
keys=$("$1" help config markdown </dev/null | sed -n -E 's/^(\| |## )`([a-z0-9_.]+)`.*/\2/p' | sort -u)
[ "$(wc -l <<<"$keys")" -gt 40 ] || { echo "only these keys were found: $keys"; exit 1; }

missing() { # the lines of standard input that DICTIONARY does not have in quotes
    local key
    while IFS= read -r key; do grep -qxF "\"$key\"" "$1" || echo "$key"; done
}
absent=$(missing "$dictionary" <<<"$keys")
[ -z "$absent" ] || { printf 'tests/fuzz/config.dict lacks these keys:\n%s\n' "$absent"; exit 1; }

# The negative control: without one line, that key is missed.
short=$(mktemp)
trap 'rm -f -- "$short"' EXIT
grep -vxF '"step.length"' "$dictionary" >"$short"
[ "$(missing "$short" <<<"$keys")" = step.length ] || { echo "a key that is left out goes unnoticed"; exit 1; }
echo "dictionary: $(wc -l <<<"$keys") keys and sections, all there"
