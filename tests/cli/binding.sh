#!/usr/bin/env bash
# What a run says about its nodes and cores: the header and its warnings, and the same facts in summary.json, compared with
# what lscpu and taskset say.
#
#   binding.sh THALWEG SOURCE_DIR
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=common.sh
. "$(dirname -- "$0")/common.sh"
"$thalweg" generate -o d.h5 --task logistic --rows 403 --features 3 --seed 3 >gen.log
printf 'data: {train: d.h5}\nmodel: {type: logistic}\nreduction: {mode: reproducible}\nstop: {max_iterations: 2}\n' >c.yaml

# run NAME MPIRUN_ARGUMENT...: `train` stands for the command. The header is in NAME.txt, the summary in NAME/summary.json
run() {
    local name=$1 word words=()
    shift
    for word; do
        if [ "$word" = train ]; then words+=("$thalweg" train c.yaml --out "$name"); else words+=("$word"); fi
    done
    timeout 120 mpirun --oversubscribe "${words[@]}" </dev/null >"$name.txt" 2>&1 || complain "$name: $(cat "$name.txt")"
}
says() { grep -qE -- "$2" "$1.txt" || complain "$1: no '$2' in: $(head -9 "$1.txt")"; }
quiet() { ! grep -qE -- "$2" "$1.txt" || complain "$1: '$2' in: $(head -9 "$1.txt")"; }
# fact NAME TEXT...: summary.json has each of them, blanks and line ends apart
fact() {
    local name=$1 text
    shift
    for text; do
        tr -d ' \n' <"$name/summary.json" | grep -qF -- "$(tr -d ' ' <<<"$text")" || complain "$name: no $text in summary.json"
    done
}

host=$(hostname)
cores=$(lscpu -p=CORE,SOCKET | grep -v '^#' | sort -u | wc -l)
allowed=$(taskset -cp $$ | sed 's/.*: //')
one=${allowed%%[-,]*}

run alone -n 1 train
says alone '^  launch   1 rank on 1 node, 1 thread each, '
cpu=$(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -1)
cpu=${cpu:-unknown}
fact alone "\"hosts\":[{\"name\":\"$host\",\"ranks\":1,\"cores\":$cores,\"cpu\":\"$cpu\"}]" "\"cpu\":\"$cpu\",\"cores\":$cores," \
    '"ranks_per_node":[1,1]' '"oversubscribed":false'

run same-core -n 2 taskset -c "$one" train
says same-core ' bound to 1 core each, '
says same-core "^  warning  ranks 0 and 1 on $host are both bound to core [0-9]+: give each"
says same-core "^  warning  oversubscribed: 2 ranks on 1 core of $host"
fact same-core '"binding":"bound to 1 core each"' '"oversubscribed":true'

# Nodes are looked at one by one: here no two ranks of a node share a core.
THALWEG_NODES=2 run nodes-apart -n 2 taskset -c "$one" train
says nodes-apart '^  launch   2 ranks on 2 nodes \(1 a node\), 1 thread each, bound to 1 core each, '
quiet nodes-apart 'warning'
THALWEG_NODES=2 run uneven -n 5 train
says uneven '^  launch   5 ranks on 2 nodes \(2 to 3 a node\), '
says uneven '^  rehearsal the ranks lie on 2 nodes \(THALWEG_NODES\)'
quiet uneven 'numbered node by node'
fact uneven '"ranks_per_node":[2,3]' "\"name\":\"$host:0\",\"ranks\":3" "\"name\":\"$host:1\",\"ranks\":2"
THALWEG_NODES=2c run in-turn -n 4 train
says in-turn '^           ranks are numbered node by node, not as they were started'

if [ "$cores" -gt 1 ] && [ "$allowed" != "$one" ]; then
    run free -n 2 train
    says free ' not bound'
    quiet free 'warning'
    fact free '"oversubscribed":false'
    second=$(taskset -cp $$ | sed 's/.*[-,:] *//')
    run own-cores -n 1 taskset -c "$one" train : -n 1 taskset -c "$second" train
    says own-cores ' bound to 1 core each, '
    quiet own-cores 'warning'
    if mpirun --bind-to core -n 2 true </dev/null >bind.txt 2>&1; then # not every machine lets mpirun bind
        run bound --bind-to core -n 2 train
        says bound ' bound to 1 core each, '
        quiet bound 'both bound'
    fi
fi
[ $failures = 0 ]
