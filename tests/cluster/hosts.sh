#!/usr/bin/env bash
# Hosts with a network, names and a /tmp of their own: the same bits on one, two and four of them. A stopped rank, a cable
# pulled out and a host without power end the run within bounds, with the rank and the host in the message.
#
#   hosts.sh THALWEG SOURCE_DIR
#
# Bounds: the watchdog's limit + 10 s for its sentence, and the launcher's keep-alive for the rest; a busy machine is given
# 30 s more.
# shellcheck source=tests/cluster/testing.sh
. "$(dirname "$0")/testing.sh"
need ps # of procps
make_data
configuration 60 >short.yaml
configuration 1000000 30 >endless.yaml
"$cluster/netns-up" 4

hosts_run() { # RUN HOSTS ARGUMENTS...: under mpirun on "login"
    local run=$1 on=$2
    shift 2
    timeout -k 2 120 "$cluster/on" login mpirun --mca plm_rsh_agent "$cluster/rsh-agent" --host "$on" \
        --mca oob_tcp_keepalive_time 10 --mca oob_tcp_keepalive_intvl 3 --mca oob_tcp_keepalive_probes 3 \
        "$thalweg" train "$@" --out "$run" --progress none </dev/null >"$run.log" 2>"$run.err"
}

echo "== the same bits"
timeout 60 "$thalweg" train short.yaml --out alone </dev/null >alone.log 2>&1 || complain "alone: $(cat alone.log)"
hosts_run four node1,node2,node3,node4 short.yaml || complain "four hosts: $(cat four.err)"
hosts_run two node3:2,node1:1 short.yaml || complain "two hosts: $(cat two.err)"
is "on four hosts: hash" "$(hash_of four)" "$(hash_of alone)"
is "on two hosts: hash" "$(hash_of two)" "$(hash_of alone)"
is "ranks and nodes" "$(value four ranks) $(value four nodes), $(value two ranks) $(value two nodes)" "4 4, 3 2"
OMPI_MCA_rmaps_base_mapping_policy=node hosts_run in-turn node1:2,node2:2 short.yaml || complain "in turn: $(cat in-turn.err)"
is "dealt out in turn: hash" "$(hash_of in-turn)" "$(hash_of alone)"
grep -q '^  launch   4 ranks on 2 nodes (2 a node), ' in-turn.log || complain "in turn: $(head -5 in-turn.log)"
grep -q 'ranks are numbered node by node' in-turn.log || complain "in turn: ranks are as they were started: $(head -5 in-turn.log)"
is "hosts of ranks 0 to 3" "$(sed -n '/"accounts"/,$ s/^ *"host": "\(.*\)".*/\1/p' in-turn/summary.json | xargs)" "node1 node1 node2 node2"

launch() { # RUN HOSTS LIMIT: in the background; RUN.code is there when it has ended
    local run=$1 code=0
    hosts_run "$1" "$2" endless.yaml --watchdog "$3" || code=$?
    echo "$code" >"$run.part"
    mv "$run.part" "$run.code"
}
# shellcheck disable=SC2317 # these by await
has_checkpoint() { grep -q 'checkpoint=iteration' "$1/status"; }
# shellcheck disable=SC2317
has_ended() { [ -e "$1.code" ]; }
begin() { # RUN HOSTS LIMIT: until it has a checkpoint
    launch "$@" &
    await 60 "a checkpoint of $1" has_checkpoint "$1" || cat "$1.err"
}
bounded() { # RUN WHAT SECONDS: it ends, within so many seconds since $began, and 30 more
    await $(($3 + 30)) "the end after $2" has_ended "$1" || true
    echo "$2: the end after $((SECONDS - began)) s, exit code $(cat "$1.code")"
    [ "$(cat "$1.code")" != 0 ] || complain "$2: exit code 0"
}

echo "== a stopped rank"
begin stop node1,node2,node3 6
pid=$("$cluster/on" node2 pgrep -f -- "^$thalweg train .*--out stop ")
began=$SECONDS
"$cluster/on" node2 kill -STOP "$pid"
bounded stop "a stopped rank" 16
is "stopped: exit code" "$(cat stop.code)" 80
grep -q '^thalweg: error: rank 1 (node2) has not moved for .* no sign of life' stop.err || complain "stopped: $(cat stop.err)"
! grep 'does not answer' stop.err || complain "stopped: node2 does answer"
grep -q '^state=failed code=80 .*checkpoint=iteration' stop/status || complain "stopped: status is $(cat stop/status)"

echo "== a cable before the watchdog, power before the launcher's keep-alive"
begin cable node1:2,node2 6
begin power node3:2,node4 60
began=$SECONDS
"$cluster/host-fault" node2 down
"$cluster/host-fault" node4 power
bounded cable "a pulled cable" 20
grep -q '^thalweg: error: .*rank 2 (node2) does not answer on the network' cable.err || complain "cable: $(cat cable.err)"
is "cable: error sentences" "$(grep -c '^thalweg: error: ' cable.err)" 1
grep -q '^state=failed code=80 .*checkpoint=iteration' cable/status || complain "cable: status is $(cat cable/status)"
bounded power "a host without power" 20
grep -q '^thalweg: warning: rank 0 (node3) has waited for .*: rank 2 (node4) does not answer on the network' power.err ||
    complain "power: $(cat power.err)"
grep -q 'Remote daemon: .* on node node4' power.err || complain "power: $(cat power.err)"
wait

echo "== and on, without that host"
hosts_run power node1,node3 endless.yaml --max-time 2 && complain "there is no limit: $(cat power.log)"
grep -q ' resume .*iteration-0' power/log.txt || complain "the run did not go on: $(cat power.log power.err)"
grep -q '^state=stopped code=75 ' power/status || complain "the run did not go on: $(cat power/status power.err)"
end_test "four hosts: the bits of one; a stopped rank, a cable and a host without power end the run and are named"
