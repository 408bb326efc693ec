#!/usr/bin/env bash
# Every failure in every phase on every rank: the run ends at once with the right code and one sentence, leaves no process,
# and the same command afterwards ends with the bits of a run that nothing happened to.
#
#   matrix.sh THALWEG SOURCE_DIR [quick|full [RANKS...]]
#
# Prints one line a cell, separated by tabs: command, phase, kind, rank, ranks, exit code, seconds from the failure (of the
# whole run where there is none) to the end of mpirun, verdict, sentence. The promise is 5 seconds; they are judged with
# THALWEG_FAULT_SECONDS (15), because a busy machine is no failure.
set -euo pipefail
thalweg=$(realpath -- "$1")
cd "$2"
extent=${3:-quick}
limit=${THALWEG_FAULT_SECONDS:-15}
work=$(mktemp -d)
trap 'rm -rf -- "$work"' EXIT
cells=0 failed=0 slowest=0 slowest_cell=none verdict=ok
unset THALWEG_FAULT

settings=(--set checkpoint.every=5 --set data.validation.fraction=0.2 --set reduction.mode=reproducible --quiet)
watchdog=no
! "$thalweg" train --help | grep -q -- --watchdog || watchdog=yes

# launch RANKS FAULT COMMAND...: leaves code, seconds, and the files out and err
launch() {
    local ranks=$1 fault=$2 began=$EPOCHREALTIME status
    rm -f "$work/when"
    set +e
    { THALWEG_FAULT=$fault timeout -k 5 90 mpirun -n "$ranks" "$thalweg" "${@:3}" </dev/null 2>&1 >"$work/out"; echo $? >"$work/code"; } |
        while IFS= read -r line; do
            [[ $line != *"thalweg: rehearsal: "* ]] || echo "$EPOCHREALTIME" >"$work/when"
            printf '%s\n' "$line"
        done >"$work/err"
    set -e
    status=$EPOCHREALTIME
    [ ! -s "$work/when" ] || began=$(<"$work/when")
    code=$(<"$work/code")
    seconds=$(awk -v a="$began" -v b="$status" 'BEGIN { printf "%.2f", b - a }')
}

hash_of() { grep -ho 'xxh3:[0-9a-f]*' "$1/summary.json" 2>/dev/null | head -1 || true; }

# expect COMMAND PHASE KIND RANK RANKS: leaves want (code), same (the bits must be those of the undisturbed run), warns, says
expect() {
    local command=$1 phase=$2 kind=${3%%=*} rank=$4 ranks=$5 early=no
    want=0 same=yes warns=no says=
    case $phase in start | load | prepare) early=yes ;; esac
    case $kind in
    kill) want=137 ;;
    exit) want=17 ;;
    stop) want=80 ;; # what the watchdog says is tested with it
    fail)
        want=74 says="rank $rank "
        if [ "$phase:$rank:$command" = checkpoint:0:train ]; then want=0 says='' warns=yes; fi
        ;;
    nan)
        want=79 says='a sum over the ranks is NaN'
        [ $early = no ] || want=70 says='it counts rows'
        [ "$command" = train ] || want=70 says='it counts rows'
        case $command:$phase in train:evaluate | train:finish) want=0 says='' ;; esac # a score steers nothing; nothing is summed at the end
        ;;
    flip)
        want=76 says='different parameters'
        [ "$ranks" = 2 ] || says="rank $rank differs from the $((ranks - 1)) others"
        ;;
    enospc | eio | torn)
        [ "$rank" != 0 ] || case $phase:$kind in
        checkpoint:* | step:torn | search:torn | exchange:torn | evaluate:torn | log:torn) warns=yes ;; # half a row of the log is no half file
        step:* | search:* | exchange:* | log:* | evaluate:*) says='rows wait in memory' ;;
        *) want=74 says='cannot' ;;
        esac
        ;;
    short | sleep) ;;
    esac
}

# complain WHY: the cell has failed; the first reason stays
complain() { [ "$verdict" != ok ] || verdict="FAILED: $1"; }

judge() { # COMMAND PHASE KIND FOLDER: of what launch has left
    local errors warnings state=
    sentence=$(grep -h '^thalweg: error' "$work/err" || grep -h '^thalweg: warning' "$work/err" || true)
    sentence=${sentence%%$'\n'*}
    errors=$(grep -c '^thalweg: error' "$work/err" || true)
    warnings=$(grep -c '^thalweg: warning: no checkpoint' "$work/err" || true)
    [ "$code" = "$want" ] || complain "exit code $code, not $want"
    case $want in 0 | 17 | 137) [ "$errors" = 0 ] || complain "$errors errors" ;; *) [ "$errors" = 1 ] || complain "$errors errors" ;; esac
    [ -z "$says" ] || [[ $sentence == *"$says"* ]] || complain "does not say '$says'"
    [ $warns = no ] || [ "$warnings" = 1 ] || complain "$warnings warnings"
    if [ "$want" != 0 ] && awk -v s="$seconds" -v l="$limit" 'BEGIN { exit !(s > l) }'; then complain "took $seconds s"; fi
    ! pgrep -f -- "$4" >"$work/left" || complain "processes are left: $(tr '\n' ' ' <"$work/left")"
    if [ "$want" != 0 ] && awk -v s="$seconds" -v l="$slowest" 'BEGIN { exit !(s > l) }'; then slowest=$seconds slowest_cell="$2 $3"; fi
    [ "$1" = train ] || return 0
    [ ! -e "$4/status" ] || state=$(<"$4/status")
    case $want:$state in
    0:state=finished\ code=0* | 137:state=running* | 137: | 17:state=running* | 17:) ;;
    79:state=diverged\ code=79* | 80:*) ;;
    74:state=failed\ code=74* | 65:state=failed\ code=65* | 70:state=failed\ code=70* | 76:state=failed\ code=76*) ;;
    65: | 70: | 74:) [[ $2 == start || $2 == load || $2 == prepare ]] || complain "no status" ;; # not entered yet
    *) complain "status says '$state'" ;;
    esac
}

# The same command again: the same bits, on another number of ranks.
again() { # RANKS FOLDER
    local more=()
    [ "$want" != 79 ] || more=(--resume auto) # a run that has diverged is finished
    if [ "$want" != 0 ]; then
        launch $((5 - $1)) '' train configs/cancer-logistic.yaml "${settings[@]}" --out "$2" "${more[@]}"
        [ "$code" = 0 ] || { complain "again: exit code $code: $(grep -h '^thalweg: error' "$work/err" || true)"; return 0; }
    fi
    [ "$(hash_of "$2")" = "$truth" ] || complain "other parameters: $(hash_of "$2"), not $truth"
}

# cell COMMAND PHASE KIND RANK RANKS
cell() {
    local fault="rank=$4,phase=$2,kind=$3" folder="$work/run-$cells" saw_code saw_seconds
    case $1:$2 in
    train:checkpoint) fault+=,iteration=10 ;;
    train:step | train:search | train:exchange | train:log | train:evaluate) fault+=,iteration=12 ;;
    esac
    cells=$((cells + 1))
    verdict=ok
    expect "$1" "$2" "$3" "$4" "$5"
    if [ "$1" = train ]; then
        local watch=()
        [ "$3" != stop ] || watch=(--watchdog 2)
        launch "$5" "$fault" train configs/cancer-logistic.yaml "${settings[@]}" --out "$folder" "${watch[@]}"
    else
        launch "$5" "$fault" evaluate "$work/truth/model.h5" configs/data/breast-cancer.h5 --json
        if [ "$code:$want" = 0:0 ]; then cmp -s "$work/out" "$work/evaluated" || complain 'another result'; fi
    fi
    judge "$1" "$2" "$3" "$folder"
    saw_code=$code saw_seconds=$seconds
    [ "$1" = evaluate ] || [ $same = no ] || again "$5" "$folder"
    [ "$verdict" = ok ] || { failed=$((failed + 1)); sed 's/^/    /' "$work/err" >&2; }
    printf '%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n' "$1" "$2" "$3" "$4" "$5" "$saw_code" "$saw_seconds" "$verdict" "${sentence//$'\t'/ }"
    rm -rf -- "$folder"
}

# What nothing happens to.
launch 2 '' train configs/cancer-logistic.yaml "${settings[@]}" --out "$work/truth"
truth=$(hash_of "$work/truth")
if [ "$code" != 0 ] || [ -z "$truth" ]; then
    cat "$work/err"
    echo 'FAILED: the undisturbed run'
    exit 1
fi
launch 2 '' evaluate "$work/truth/model.h5" configs/data/breast-cancer.h5 --json
cp "$work/out" "$work/evaluated"

printf 'command\tphase\tkind\trank\tranks\tcode\tseconds\tverdict\tsentence\n'
if [ "$extent" = quick ]; then
    cell train step kill 1 2
    cell train start exit 0 2
    cell train exchange fail 1 2
    cell train prepare nan 1 2
    cell train search nan 0 2
    cell train step flip 1 3
    cell train checkpoint enospc 0 2
    cell train checkpoint kill 0 2
    cell train finish eio 0 2
    cell evaluate evaluate fail 1 2
    cell evaluate load nan 1 2
    [ $watchdog = no ] || cell train step stop 1 2
else
    [ $# -gt 3 ] || set -- "$@" 2 3
    kinds=(kill exit fail nan flip enospc eio short torn sleep=500)
    [ $watchdog = no ] || kinds+=(stop)
    for ranks in "${@:4}"; do
        for phase in start load prepare step search exchange log checkpoint evaluate finish; do
            for kind in "${kinds[@]}"; do
                [ "$phase:$kind" != start:stop ] || continue # nobody watches yet
                for rank in 0 1 2; do
                    [ "$phase" != log ] || [ "$rank" = 0 ] || continue # rank 0 writes it
                    [ "$rank" -ge "$ranks" ] || [ "$ranks:$rank" = 3:0 ] || cell train "$phase" "$kind" "$rank" "$ranks"
                done
            done
        done
    done
    for phase in start load evaluate; do
        [[ " ${*:4} " == *' 2 '* ]] || continue
        for kind in kill exit fail nan sleep=500; do
            for rank in 0 1; do cell evaluate "$phase" "$kind" "$rank" 2; done
        done
    done
fi
echo "matrix: $cells cells, $failed failed; the slowest end took $slowest s ($slowest_cell)" >&2
[ "$failed" = 0 ]
