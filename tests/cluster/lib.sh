# shellcheck shell=bash
# Shared by the scripts beside it (sourced, not run). A test host is a set of Linux namespaces (network, host name,
# processes, mounts, IPC) kept by one small init: it has its own name, address, process table, /tmp and /dev/shm, and
# shares the rest of the file system, as the nodes of a cluster share a directory. "login" holds the switch, and the
# other hosts live inside its process namespace: when its init dies, the kernel ends everything that ran on any host.
# Nothing has a name outside of that, nothing has a route out of it: any number of clusters can be up at once.
#
#   CLUSTER_DIR     state of this cluster, a folder of its own                        (./.cluster)
#   CLUSTER_SHARED  folders below /tmp that all hosts share, separated by colons      (none)
#   CLUSTER_OWNER   a process; when it is gone, however it ended, so is the cluster   (none: until netns-down)

CLUSTER_DIR=${CLUSTER_DIR:-$PWD/.cluster}
case $CLUSTER_DIR in /*) ;; *) CLUSTER_DIR=$PWD/$CLUSTER_DIR ;; esac
export CLUSTER_DIR
# shellcheck disable=SC2034 # for those who source this
hosts=$CLUSTER_DIR/hosts.d network=198.18.77 # of the range for benchmarks, RFC 2544

die() {
    printf '%s: %s\n' "${0##*/}" "$*" >&2
    exit 1
}

# wait_until SECONDS COMMAND...: until it succeeds; looks every 30 ms
wait_until() {
    local end=$((SECONDS + $1 + 1))
    shift
    until "$@" >/dev/null 2>&1; do
        [ $SECONDS -lt $end ] || return 1
        sleep 0.03
    done
}

# birth PID: when it started, which tells it from a later process of the same number; fails when it is gone
birth() {
    local line
    read -r line <"/proc/$1/stat" || return 1
    # shellcheck disable=SC2086 # fields, from the third on
    set -- ${line##*) }
    [ "$1" != Z ] && [ "$1" != X ] && echo "${20}"
} 2>/dev/null

# same PID BIRTH: that process is alive
same() { [ "$(birth "$1")" = "$2" ]; }

child_of() { # PID: its only child
    local children='' # the file ends without a newline
    read -r children <"/proc/$1/task/$1/children" || true
    [ -n "$children" ] && echo "${children%% *}"
} 2>/dev/null
