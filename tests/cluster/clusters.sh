#!/usr/bin/env bash
# The clusters themselves: two at once do not see each other, a host has what is its own, and nothing is left of one that was
# taken down, whose test was interrupted, or whose owner was killed.
#
#   clusters.sh THALWEG SOURCE_DIR
# shellcheck source=tests/cluster/testing.sh
. "$(dirname "$0")/testing.sh"
need munged slurmctld slurmd srun
mine=$work/mine other=$work/other third=$work/third
mkdir "$mine" "$other" "$third"
state_of() { CLUSTER_DIR=$1/cluster "${@:2}"; }
left() { # FOLDER: processes of its cluster
    local file pid files
    mapfile -t files < <(grep -lzxF -- "CLUSTER_DIR=$1/cluster" /proc/[0-9]*/environ 2>/dev/null)
    for file in "${files[@]}"; do
        pid=${file//[^0-9]/}
        grep -q '^State:.Z' "/proc/$pid/status" 2>/dev/null || { tr '\0' ' ' <"/proc/$pid/cmdline" && echo; } 2>/dev/null || true
    done
}
gone() { [ -z "$(left "$1")" ] && [ ! -e "$1/cluster" ]; }
before=$(ip netns list 2>/dev/null | wc -l)

echo "== two at once, the same numbers and names"
state_of "$mine" "$cluster/slurm-up" 2 &
state_of "$other" "$cluster/slurm-up" 3
wait $! || complain "the first of two clusters did not come up"
is "nodes of the first" "$(state_of "$mine" env SLURM_CONF="$mine/cluster/slurm/slurm.conf" "$cluster/on" login sinfo -h -o %D)" 2
is "nodes of the second" "$(state_of "$other" env SLURM_CONF="$other/cluster/slurm/slurm.conf" "$cluster/on" login sinfo -h -o %D)" 3
is "a name" "$(state_of "$other" "$cluster/on" node3 hostname)" node3
state_of "$mine" "$cluster/on" node3 true 2>/dev/null && complain "the first has a third node"
state_of "$mine" "$cluster/on" node1 touch /tmp/mine /dev/shm/mine
for host in node2 login; do
    state_of "$mine" "$cluster/on" $host test ! -e /tmp/mine || complain "$host sees the /tmp of node1"
    state_of "$mine" "$cluster/on" $host test ! -e /dev/shm/mine || complain "$host sees the /dev/shm of node1"
done
[ ! -e /tmp/mine ] || complain "the /tmp of a host is that of the machine"
is "processes of a host" "$(state_of "$mine" "$cluster/on" node2 sh -c 'cat /proc/1/cmdline | tr "\0" " "' | grep -c 'host-init node2')" 1
is "routes out" "$(state_of "$mine" "$cluster/on" node1 ip route | grep -c default || true)" 0

echo "== a node dies in one of them"
state_of "$other" "$cluster/host-fault" node2 kill
state_of "$other" "$cluster/on" node2 true 2>/dev/null && complain "a dead node runs commands"
state_of "$mine" "$cluster/on" node2 true || complain "the node of the other cluster is dead too"

echo "== down, and nothing is left"
[ -n "$(left "$mine")" ] || complain "the search for processes finds none"
state_of "$mine" "$cluster/slurm-down"
gone "$mine" || complain "left of the first: $(left "$mine")"
is "nodes of the second, later" "$(state_of "$other" env SLURM_CONF="$other/cluster/slurm/slurm.conf" "$cluster/on" login sinfo -h -o %D | paste -sd+ | bc)" 3

echo "== an owner that is killed"
# shellcheck disable=SC2016 # that shell's own
CLUSTER_DIR=$third/cluster setsid bash -c 'CLUSTER_OWNER=$$ "$1/netns-up" 2 && sleep 600' bash "$cluster" </dev/null >owner.log 2>&1 &
owner=$!
await 30 "the third" test -e "$third/cluster/hosts.d/node2.ready" || cat owner.log
kill -9 "$owner"
wait "$owner" 2>/dev/null || true
await 20 "the end of what a killed owner left" gone "$third" || left "$third"

echo "== interrupted on its way up"
CLUSTER_DIR=$third/cluster setsid "$cluster/slurm-up" 4 </dev/null >up.log 2>&1 &
up=$!
await 30 "the first host" test -e "$third/cluster/hosts.d/node1.pid" || cat up.log
kill -TERM "$up"
wait "$up" && complain "an interrupted slurm-up says that all is well"
await 20 "the end of what was half up" gone "$third" || left "$third"

state_of "$other" "$cluster/slurm-down"
gone "$other" || complain "left of the second: $(left "$other")"
is "named network namespaces" "$(ip netns list 2>/dev/null | wc -l)" "$before"
end_test "two clusters at once do not see each other; nothing is left of any"
