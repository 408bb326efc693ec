#!/usr/bin/env bash
# launch/train.sbatch on a Slurm of four nodes: by srun and by mpirun, as a job array, with arguments that hold spaces and
# quotes, from a tree whose path has a space: the bits of a run without Slurm. Two jobs in one run folder: the second is
# refused. What is wrong with a job is said in words.
#
#   slurm.sh THALWEG SOURCE_DIR
# shellcheck source=tests/cluster/testing.sh
. "$(dirname "$0")/testing.sh"
need munged slurmctld slurmd srun scontrol
make_data
configuration 60 >short.yaml
configuration 100000 >endless.yaml
timeout 60 "$thalweg" train short.yaml --out alone </dev/null >alone.log 2>&1 || complain "without Slurm: $(cat alone.log)"
slurm_up
tree="$work/a tree" # the program is found beside the script
mkdir -p "$tree/launch" "$tree/build/release"
cp "$source_dir/launch/train.sbatch" "$tree/launch"
cp "$thalweg" "$tree/build/release/thalweg"
script=$tree/launch/train.sbatch
mkdir -p prefix/bin prefix/share/thalweg # as installed
cp "$source_dir/launch/train.sbatch" prefix/share/thalweg
cp "$thalweg" prefix/bin/thalweg
out="of srun's \"own\" \$HOME *"
configuration 60 >"a b.yaml"

echo "== srun, mpirun, an array of two, arguments with spaces and quotes"
by_srun=$(submit -N2 --ntasks-per-node=1 -o srun.out "$script" "a b.yaml" --out "$out" --set output.log_every=20)
by_mpirun=$(THALWEG_LAUNCHER=mpirun submit -N2 -n2 -o mpirun.out prefix/share/thalweg/train.sbatch short.yaml --out mpirun)
array=$(submit --array=1-2 -N2 -n2 -o array-%a.out "$script" short.yaml --set "seed={task}" --out "array {task}")
await 90 "the end of the jobs" ended "$by_srun" "$by_mpirun" "${array}_1" "${array}_2" || on_login squeue
for run in "$out" mpirun "array 1" "array 2"; do
    is "$run: hash" "$(hash_of "$run")" "$(hash_of alone)"
    is "$run: status" "$(sed 's/ iteration.*//' "$run/status")" "state=finished code=0"
    is "$run: ranks and nodes" "$(value "$run" ranks) $(value "$run" nodes)" "2 2"
done
grep -q '^seed: *2$' "array 2/config.resolved.yaml" || complain "the second task has another seed: $(cat array-2.out)"
for file in srun.out mpirun.out array-1.out array-2.out; do
    grep -q '^train.sbatch: finished; the result is in ' $file || complain "$file has no line at the end: $(cat $file)"
done
grep -qF ": mpirun $work/prefix/bin/thalweg train" mpirun.out || complain "not by mpirun: $(cat mpirun.out)"
grep -qF ": srun -K --mpi=pmix $tree/build/release/thalweg train" srun.out || complain "not by srun: $(cat srun.out)"

echo "== two jobs in one run folder"
first=$(submit -N1 -n1 -o first.out "$script" endless.yaml --out shared)
await 60 "the first job" rows shared 3
second=$(submit -N1 -n1 -o second.out "$script" short.yaml --out shared)
await 60 "the end of the second" ended "$second"
job_is "$second" FAILED || complain "the second job was not refused: $(cat second.out)"
on_login scontrol show job -o "$second" | grep -q 'ExitCode=73:0' || complain "the second job's exit code is not 73"
grep -q "thalweg: error: .*the run folder shared is in use by process .*job $first" second.out ||
    complain "the second job does not say why: $(cat second.out)"
grep -q '^train.sbatch: failed with 73 ' second.out || complain "no line at the end: $(cat second.out)"
job_is "$first" RUNNING || complain "the first job did not survive: $(cat first.out)"
on_login scancel "$first"

echo "== jobs that cannot run"
wrong=$(submit -N1 -o wrong.out "$script" nowhere.yaml)
launcher=$(THALWEG_LAUNCHER=ssh submit -N1 -o launcher.out "$script" short.yaml)
none=$(submit -N1 -o none.out "$script")
await 60 "the end of wrong jobs" ended "$wrong" "$launcher" "$none" "$first"
grep -q 'thalweg: error: .*nowhere.yaml' wrong.out || complain "no configuration: $(cat wrong.out)"
grep -q '^train.sbatch: failed with 66 ' wrong.out || complain "no configuration: $(cat wrong.out)"
grep -q "^train.sbatch: THALWEG_LAUNCHER is srun or mpirun, not 'ssh'" launcher.out || complain "$(cat launcher.out)"
grep -q '^train.sbatch: which configuration' none.out || complain "$(cat none.out)"
is "restarts of a wrong job" "$(restarts "$wrong")" 0
end_test "srun, mpirun and an array of two: the bits of a run without Slurm; the second job in a folder is refused"
