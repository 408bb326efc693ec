# shellcheck shell=bash
# Sourced by the tests in this folder, `NAME.sh THALWEG SOURCE_DIR ...`: a folder of their own in $work, a cluster in it
# that ends with the test however that ends, and "not run" where this machine lacks something.
set -euo pipefail
thalweg=$1 source_dir=$2
cluster=$source_dir/tests/cluster
for name in $(compgen -e | grep -E "^(SLURM|SBATCH|PMI|PMIX|OMPI_COMM|THALWEG)" || true); do unset "$name"; done # of a job around us
# shellcheck source=launch/env.sh
. "$source_dir/launch/env.sh"
failures=0
complain() {
    echo "FAILED: $*"
    failures=$((failures + 1))
}
is() { [ "$2" = "$3" ] || complain "$1 is '$2', not '$3'"; }
not_run() {
    echo "not run: $(basename "$0" .sh) on a cluster ($1)"
    exit 77
}
need() { # COMMAND...: what the test needs beside namespaces
    local command
    for command in unshare nsenter ip setsid "$@"; do
        command -v "$command" >/dev/null || not_run "$command is missing; launch/setup --cluster installs it"
    done
    [ "$(id -u)" = 0 ] || not_run "only root may make namespaces"
    unshare --net --uts --ipc --mount --pid --mount-proc --fork sh -c \
        'mount -t tmpfs none /tmp && hostname a && ip link add br0 type bridge && ip link add eth0 type veth peer name eth1' \
        </dev/null >/dev/null 2>&1 || not_run "this machine denies namespaces, bridges or mounts"
}

work=$(mktemp -d)
export CLUSTER_DIR=$work/cluster CLUSTER_SHARED=$work:$source_dir:${thalweg%/*} CLUSTER_OWNER=$$
tidy() {
    local code=$?
    trap '' EXIT INT TERM HUP
    if [ $code != 0 ] && [ $code != 77 ]; then tail -n 25 "$work"/*.out "$work"/*.err 2>/dev/null || true; fi
    CLUSTER_KEEP=0 "$cluster/netns-down" || true
    cd / && rm -rf "$work"
    exit "$code"
}
trap tidy EXIT
trap 'exit 1' INT TERM HUP
cd "$work"

await() { # SECONDS WHAT COMMAND...: until it succeeds
    local end=$((SECONDS + $1)) what=$2
    shift 2
    until "$@" >/dev/null 2>&1; do
        if [ $SECONDS -ge $end ]; then
            complain "$what did not come"
            return 1
        fi
        sleep 0.1
    done
}
rows() { [ "$(wc -l <"$1/metrics.jsonl")" -ge "$2" ]; } 2>/dev/null # iterations so far
value() { sed -n "s/^ *\"$2\": \"\{0,1\}\([^\",]*\)\"\{0,1\},*\$/\1/p" "$1/summary.json" | head -n 1; }
hash_of() { value "$1" parameters_hash; }

# A run that is long enough to be stopped: ITERATIONS of 30000 rows, some milliseconds each.
make_data() {
    timeout 60 "$thalweg" generate -o data.h5 --task logistic --rows 30000 --features 40 --condition 100 --seed 5 \
        </dev/null >generate.log
}
configuration() { # ITERATIONS
    cat <<YAML
data: {train: data.h5, scaling: standardize}
model: {type: logistic, l2: 1e-4}
optimizer: {type: momentum}
step: {rule: constant, length: 0.01}
stop: {gradient_norm: 0, gradient_norm_relative: 0, max_iterations: $1}
checkpoint: {every: ${2:-never}}
reduction: {mode: reproducible}
YAML
}

# ---- Slurm ----
slurm_up() {
    "$cluster/slurm-up" 4
    # shellcheck source=/dev/null
    . "$CLUSTER_DIR/env.sh"
}
on_login() { timeout -k 2 100 "$cluster/on" login "$@" </dev/null; }
job_is() { # JOB STATES: one of A|B
    on_login scontrol show job -o "$1" | grep -qE "JobState=($2) "
}
restarts() { on_login scontrol show job -o "$1" | sed 's/.*Restarts=\([0-9]*\).*/\1/'; }
ended() { # JOB...: all have come to an end
    local job
    for job in "$@"; do
        job_is "$job" 'COMPLETED|FAILED|CANCELLED|TIMEOUT|NODE_FAIL|OUT_OF_MEMORY' || return 1
    done
}
submit() { on_login sbatch --parsable "$@"; } # prints the job's number

end_test() { # SUMMARY
    [ "$failures" = 0 ] || exit 1
    echo "$1"
    exit 0
}
