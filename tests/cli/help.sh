#!/usr/bin/env bash
# help.sh THALWEG SOURCE_DIR -- every command, option, key and exit code has its help: in --help, in `thalweg help`, in the
# manual pages, and in docs/. Exit 77: groff is missing, so that the pages were not formatted.
# shellcheck disable=SC2013,SC2016 # words without blanks; backquotes of the pages
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=common.sh
. "$(dirname -- "$0")/common.sh"
forget 'THALWEG|ARGP'
ask() { timeout 20 "$thalweg" "$@" </dev/null; }

# ---- commands: the list is that of the table in the source ----

ask help >list
mapfile -t commands < <(sed -n 's/^  \([a-z]*\) .*/\1/p' list)
mapfile -t table < <(grep -oE '^ +X\([a-z]+, "' "$source_dir/src/cli/command.h" | grep -oE '[a-z]+,' | tr -d ,)
[ "${commands[*]}" = "${table[*]}" ] || complain "listed: ${commands[*]}; in the table: ${table[*]}"
[ ${#commands[@]} -ge 14 ] || complain "only ${#commands[@]} commands"
studies=(plan run report exchange)

# ---- options ----

# Every entry of an options table: "NAME" of {"NAME", ...}, whoever prints it.
declared() { # FILE...
    sed -n '/struct argp_option [a-z_]*\[\] *= *{/,/{0}/p' "$@" | grep -v OPTION_HIDDEN | grep -oE '\{"[a-z-]+", *[^,]+,' | grep -oE '"[a-z-]+"' | tr -d '"'
}
unexplained() { # of a manual page: tags with no text behind them
    awk 'want == 2 { if (/^\./ || $0 == "") print tag; want = 0 } want == 1 { tag = $0; want = 2 } /^\.TP$/ { want = 1 }' "$@"
}
printf '.TP\n\\fB\\-\\-good\\fR\nText\n.TP\n\\fB\\-\\-bad\\fR\n.TP\n\\fB\\-\\-last\\fR\n.SS\n' >probe
[ "$(unexplained probe | wc -l)" = 2 ] || complain "the search for options without help finds: $(unexplained probe)"

ask help man all man || complain "help man all"
options=0
for command in "${commands[@]}"; do
    page=man/man1/thalweg-$command.1
    [ -s "$page" ] || complain "no page of $command"
    ask help man "$command" | cmp -s - "$page" || complain "help man $command is not $page"
    [ -z "$(unexplained "$page")" ] || complain "options of $command without help: $(unexplained "$page")"
    ask help "$command" >one
    ask "$command" --help >two
    cmp -s one two || complain "help $command is not $command --help: $(diff one two)"
    [ "$command" != scale ] || for study in "${studies[@]}"; do ask scale "$study" --help >>two; done
    sed 's/\\-/-/g' "$page" >plain
    for option in $(grep -oE -- '^ +(-[a-zA-Z?], +)?--[a-z-]+' two | grep -oE -- '--[a-z-]+' | sort -u); do
        grep -qE -- "^\\\\fB(-., )?$option\\\\fR" plain || complain "$option of $command is not in its page"
        options=$((options + 1))
    done
    files=("$source_dir/src/cli/$command.c")
    [ "$command" != scale ] || files=("$source_dir"/src/cli/scale_*.c)
    for option in $(declared "${files[@]}"); do
        grep -q -- "--$option" two || complain "--$option is in the table of $command, and not in its --help"
        grep -q -- "--$option" plain || complain "--$option is in the table of $command, and not in its page"
    done
done
[ $options -gt 70 ] || complain "only $options options were seen"
[ "$(declared "$source_dir/src/cli/train.c" | wc -l)" -ge 9 ] || complain "the table of train was not read"
[ "$(find man -type f | wc -l)" = $((${#commands[@]} + 2)) ] || complain "pages: $(find man -type f)"

# ---- keys and exit codes ----

key_page=man/man5/thalweg.yaml.5
sed 's/\\-/-/g' $key_page >plain
mapfile -t keys < <(grep -oE '^\| `[a-z0-9_.]+`( \*)? \|' "$source_dir/docs/config.md" | grep -oE '[a-z0-9_.]+' | sort -u)
[ ${#keys[@]} -gt 60 ] || complain "only ${#keys[@]} keys in docs/config.md"
for key in $(sed -n '/^## Names/q; s/^| `\([a-z0-9_.]*\)`.*/\1/p' "$source_dir/docs/config.md"); do
    grep -qxF "\\fB$key\\fR" plain || complain "$key is not in $key_page"
    ask help config "$key" >one || complain "help config $key"
    grep -qE '^  default  ' one || complain "help config $key names no default: $(cat one)"
done
for name in $(sed -n 's/^| `\(model.type\|optimizer.type\|step.rule\)` | `\([a-z_]*\)`.*/\2/p' "$source_dir/docs/config.md"); do
    grep -qxF "\\fB$name\\fR" plain || complain "$name is not in $key_page"
done
mapfile -t codes < <(grep -oE '^ +X\([A-Z]+, [0-9]+,' "$source_dir/include/thalweg/status.h" | grep -oE '[0-9]+')
[ ${#codes[@]} -ge 15 ] || complain "exit codes: ${codes[*]}"
for code in "${codes[@]}"; do
    [ "$(ask help exit "$code" | wc -l)" = 1 ] || complain "help exit $code"
    grep -qxF "\\fB$code\\fR" man/man1/thalweg.1 || complain "$code is not in thalweg.1"
    grep -qE "^\| $code \| " "$source_dir/docs/running.md" || complain "$code is not in docs/running.md"
done
[ "$(ask help exit | wc -l)" = ${#codes[@]} ] || complain "help exit lists others: $(ask help exit)"

# ---- docs ----

for command in "${commands[@]}"; do
    grep -q "^| \`thalweg $command\b" "$source_dir/docs/running.md" || complain "docs/running.md has no row for $command"
    grep -qx "\\\\fB$command\\\\fR.*" man/man1/thalweg.1 || complain "thalweg.1 does not list $command"
done

# ---- misuse ----

wrong() { # CODE FRAGMENT ARGUMENT...
    local code=0
    ask "${@:3}" >out 2>err || code=$?
    [ $code = "$1" ] || complain "thalweg ${*:3} exits $code, not $1"
    grep -qF -- "$2" err || complain "thalweg ${*:3} says: $(cat err)"
}
wrong 64 "no help about 'trian'" help trian
wrong 64 "no manual page of 'trian'" help man trian
wrong 64 "into which folder" help man all
wrong 64 "not also 'more'" help train more
wrong 64 "never ends with exit code 3" help exit 3
wrong 64 "did you mean 'step.length'" help config step.lenght
wrong 73 "" help man all /dev/null/x

# ---- as man shows them ----

[ $failures = 0 ] || exit 1
if ! command -v groff >/dev/null; then
    echo "not run: formatting the manual pages (this needs groff)"
    exit 77
fi
for page in man/man?/*; do
    groff -man -ww -b -z -k -Tutf8 "$page" >out 2>&1 || complain "groff on $page"
    [ ! -s out ] || complain "groff on $page: $(cat out)"
    groff -man -k -Tascii -P-c "$page" 2>/dev/null | sed 's/.\x08//g' >shown
    [ "$(wc -l <shown)" -gt 15 ] || complain "$page shows: $(cat shown)"
done
printf '.TH X 1\n.nosuch \\fQ\n' >probe
groff -man -ww -b -z -k -Tutf8 probe >out 2>&1 || true
[ -s out ] || complain "groff would not notice a wrong page"
finish "help: ${#commands[@]} commands, $options options, ${#codes[@]} exit codes, manual pages"
