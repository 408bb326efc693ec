# shellcheck shell=bash
# What these scripts begin with: sourced with THALWEG and SOURCE_DIR as $1 and $2, it gives them absolute names, a folder to work
# in that goes when the script ends, and complain. A script that has complained ends with 1, whatever its last line is.
thalweg=$(realpath -- "$1")
# shellcheck disable=SC2034 # used by most
source_dir=$(realpath -- "$2")
work=$(mktemp -d)
failures=0
end() {
    local code=$?
    at_end
    rm -rf -- "$work"
    [ "$failures" = 0 ] || exit 1
    exit $code
}
at_end() { :; } # what a script must tidy before its folder goes
trap end EXIT
cd -- "$work" || exit 1

complain() { echo "FAILED: $*"; failures=$((failures + 1)); }
finish() { # WORDS: what was shown, when nothing speaks against it
    [ "$failures" = 0 ] || exit 1
    echo "$*"
}
forget() { # PATTERN: variables whose names begin so, and those of launchers
    local name
    for name in $(compgen -e | grep -E "^(SLURM|SBATCH|PMI|PMIX|OMPI_COMM|$1)" || true); do unset "$name"; done
}
is() { [ "$2" = "$3" ] || complain "$1 is '$2', not '$3'"; }                                          # WHAT IT WANTED
has() { grep -qE -- "$2" "$1" || complain "$1 lacks '$2': $(cat "$1")"; }                             # FILE PATTERN
lacks() { if grep -qE -- "$2" "$1"; then complain "$1 has '$2': $(cat "$1")"; fi; }                   # FILE PATTERN
value() { sed -n "s/^ *\"$2\": \"\{0,1\}\([^\",]*\)\"\{0,1\},*\$/\1/p" "$1/summary.json" | head -n 1; } # RUN KEY
launch() { # RUN RANKS ARGUMENT...: the configuration is c.yaml
    local launcher=(mpirun --oversubscribe -n "$2")
    [ "$2" != 1 ] || launcher=()
    timeout 100 "${launcher[@]}" "$thalweg" train c.yaml --out "$1" "${@:3}" </dev/null >"$1.log" 2>"$1.err"
}
train() { launch "$@" || complain "$1: $(cat "$1.log" "$1.err")"; }
run() { # EXIT_CODE ARGUMENT...: of any command; its output in out and err
    local expected=$1 code=0
    shift
    timeout 60 "$thalweg" "$@" </dev/null >out 2>err || code=$?
    [ "$code" = "$expected" ] || complain "thalweg $* exits $code, not $expected: $(head -c 2000 out err)"
}
