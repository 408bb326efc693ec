#!/usr/bin/env bash
# A job that Slurm stops goes on: asked by the signal before the time limit it saves, is requeued and ends in the bits of an
# undisturbed run, by srun, by mpirun and when preempted; after scancel its state is saved and it is not requeued; one
# whose restarts bring nothing new is given up. `node`: a node dies, and the job is requeued to others and ends in the same bits.
#
#   requeue.sh THALWEG SOURCE_DIR [node]
# shellcheck source=tests/cluster/testing.sh
. "$(dirname "$0")/testing.sh"
need munged slurmctld slurmd srun scontrol
export THALWEG=$thalweg
script=$source_dir/launch/train.sbatch
make_data
configuration 800 >run.yaml
configuration 800 50 >often.yaml
configuration 100000 >endless.yaml
timeout 90 "$thalweg" train run.yaml --out alone </dev/null >alone.log 2>&1 || complain "without Slurm: $(cat alone.log)"
slurm_up

near_limit() { on_login scancel --batch --signal=USR1 "$1"; } # the signal of --signal=B:USR1@180, now
# shellcheck disable=SC2317 # by await
restarted() { [ "$(restarts "$1")" -ge "$2" ]; }

whole_again() { # RUN JOB: it was stopped once, and ended as a run that was not
    is "$1: restarts" "$(restarts "$2")" 1
    is "$1: hash" "$(hash_of "$1")" "$(hash_of alone)"
    is "$1: status" "$(sed 's/ iteration.*//' "$1/status")" "state=finished code=0"
    grep -q '^train.sbatch: finished' "$1.out" || complain "$1: $(cat "$1.out")"
    grep -qE "^ +resume +.*iteration-0" "$1.out" || complain "$1 did not go on from a checkpoint: $(cat "$1.out")"
}

if [ "${3:-}" = node ]; then
    echo "== a node dies under srun and under mpirun"
    by_srun=$(submit --exclusive -N2 -n2 -o srun.out "$script" often.yaml --out srun)
    by_mpirun=$(THALWEG_LAUNCHER=mpirun submit --exclusive -N2 -n2 -o mpirun.out "$script" often.yaml --out mpirun)
    # shellcheck disable=SC2317 # by await
    saved() { grep -q 'checkpoint=iteration' "$1/status"; }
    last_node() { # JOB: one of its nodes, not that of the batch script
        on_login scontrol show hostnames "$(on_login squeue -h -j "$1" -o %N)" | tail -n 1
    }
    await 60 "a checkpoint of srun" saved srun
    "$cluster/host-fault" "$(last_node "$by_srun")" power
    await 60 "a checkpoint of mpirun" saved mpirun
    "$cluster/host-fault" "$(last_node "$by_mpirun")" power
    await 240 "the end of both" ended "$by_srun" "$by_mpirun" || on_login squeue
    whole_again srun "$by_srun"
    whole_again mpirun "$by_mpirun"
    end_test "a node died: requeued to others, and the bits of an undisturbed run"
fi

# shellcheck disable=SC2016 # a script of its own
printf '#!/bin/sh\n[ "$1" = train ] || exit 0\necho state=stopped code=75 iteration=0 checkpoint=none >stuck/status\nexit 75\n' >gets_nowhere
chmod +x gets_nowhere
mkdir stuck
stuck=$(THALWEG=$work/gets_nowhere submit -N1 -n1 -o stuck.out "$script" run.yaml --out stuck)

echo "== the signal before the limit"
by_srun=$(submit -w node1,node2 -N2 -n2 -o srun.out "$script" run.yaml --out srun)
by_mpirun=$(THALWEG_LAUNCHER=mpirun submit -w node3,node4 -N2 -n2 -o mpirun.out "$script" run.yaml --out mpirun)
await 60 "20 iterations of srun" rows srun 20
near_limit "$by_srun"
await 60 "20 iterations of mpirun" rows mpirun 20
near_limit "$by_mpirun"
preempted=$(submit -N1 -n1 -o preempted.out "$script" run.yaml --out preempted)
await 60 "20 iterations of preempted" rows preempted 20
on_login scontrol requeue "$preempted" # as preemption does

echo "== scancel, meanwhile"
await 60 "the requeue of srun" restarted "$by_srun" 1
await 60 "the requeue of mpirun" restarted "$by_mpirun" 1
for launcher in srun mpirun; do
    job=$(THALWEG_LAUNCHER=$launcher submit -N2 -n2 -o "cancel-$launcher.out" "$script" endless.yaml --out "cancel-$launcher")
    await 60 "20 iterations of $launcher to be cancelled" rows "cancel-$launcher" 20
    on_login scancel "$job"
    await 60 "the end of the cancelled job" ended "$job"
    job_is "$job" CANCELLED || complain "scancel, $launcher: $(on_login scontrol show job "$job")"
    is "scancel, $launcher: restarts" "$(restarts "$job")" 0
    saved=$(find "cancel-$launcher/checkpoints" -name '*.h5' | sort | tail -n 1)
    [ -n "$saved" ] || complain "scancel, $launcher: no checkpoint: $(cat "cancel-$launcher.out")"
    [ -z "$saved" ] || timeout 60 "$thalweg" inspect "$saved" </dev/null >inspect.txt 2>&1 || complain "$saved: $(cat inspect.txt)"
done

await 90 "the end of all" ended "$by_srun" "$by_mpirun" "$preempted" "$stuck" || on_login squeue
whole_again srun "$by_srun"
whole_again mpirun "$by_mpirun"
whole_again preempted "$preempted"

echo "== no progress"
is "starts of a job that gets nowhere" "$(grep -c '^train.sbatch: job ' stuck.out)" 3
grep -q '^train.sbatch: not requeued: two restarts brought no new checkpoint' stuck.out || complain "$(cat stuck.out)"
on_login scontrol show job -o "$stuck" | grep -q 'JobState=FAILED .*ExitCode=75:0' || complain "the job that gets nowhere has another end"
end_test "signal, 75, requeue by srun and by mpirun: the bits of an undisturbed run; scancel leaves a checkpoint"
