#!/usr/bin/env bash
# Scaling studies by one command: on this machine, on four hosts of their own, and on a Slurm of four nodes as jobs and inside
# one allocation, which Slurm stops and starts again; strong and weak; each with its report. All strong ones end in the same bits, whoever launched them. Another
# data file under the same name is refused.
#
#   scaling.sh THALWEG SOURCE_DIR
# shellcheck source=tests/cluster/testing.sh
. "$(dirname "$0")/testing.sh"
need munged slurmctld slurmd srun scontrol
export THALWEG=$thalweg
timeout 60 "$thalweg" generate -o data.h5 --task logistic --rows 20000 --features 20 --seed 5 </dev/null >generate.log
cat >run.yaml <<'YAML'
data: {train: data.h5, scaling: standardize}
model: {type: logistic, l2: 1e-4}
optimizer: {type: momentum}
step: {rule: constant, length: 0.01}
reduction: {mode: reproducible}
YAML
sizes=1,2,3,4
few=(--repeat 2 --iterations 6)
slurm_up # and its hosts

# complete STUDY MODE REPEATS NODES: every run is there, and on so many nodes for 4 ranks
complete() {
    local r k run
    for r in 1 2 3 4; do
        for ((k = 1; k <= $3; k++)); do
            run=$1/runs/$2-000$r-$k
            is "$run: ranks, iterations" "$(value "$run" ranks) $(value "$run" iterations)" "$r 6"
            [ "$2" = weak ] || is "$run: hash" "$(hash_of "$run")" "$(hash_of plain/runs/strong-0001-1)"
            [ "$2" = strong ] || is "$run: rows" "$(value "$run" rows)" $((r * 2000))
        done
    done
    is "$1: nodes of 4 ranks" "$(value "$1/runs/$2-0004-1" nodes)" "$4"
}
report() { # STUDY
    timeout 60 "$thalweg" scale report "$1" </dev/null >report.txt 2>&1 || complain "report of $1: $(cat report.txt)"
    grep -qE '^ +[14] +4\*? ' report.txt || complain "no row of 4 ranks: $(cat report.txt)"
    local file
    for file in scaling.csv scaling.json scaling.svg; do [ -s "$1/$file" ] || complain "$1 has no $file: $(cat report.txt)"; done
}

echo "== this machine"
timeout 120 "$thalweg" scale run run.yaml --ranks $sizes "${few[@]}" --out plain </dev/null >plain.log 2>&1 || complain "$(cat plain.log)"
complete plain strong 2 1
report plain
timeout 90 "$thalweg" scale run run.yaml --ranks $sizes --mode weak --rows-per-rank 2000 --repeat 1 --iterations 6 --no-exchange \
    --out plain-weak </dev/null >weak.log 2>&1 || complain "$(cat weak.log)"
complete plain-weak weak 1 1
report plain-weak

echo "== four hosts"
hosts_by_rsh="--mca plm rsh --mca ras ^slurm --mca plm_rsh_agent '$cluster/rsh-agent' --host node1,node2,node3,node4 --map-by node"
on_login "$thalweg" scale run run.yaml --ranks $sizes "${few[@]}" --no-exchange --out hosts --launcher-options "$hosts_by_rsh" >hosts.log 2>&1 ||
    complain "$(cat hosts.log)"
complete hosts strong 2 4
report hosts
on_login "$thalweg" scale run run.yaml --ranks $sizes --mode weak --rows-per-rank 2000 --repeat 1 --iterations 6 --no-exchange \
    --out hosts-weak --launcher-options "$hosts_by_rsh" >hosts-weak.log 2>&1 || complain "$(cat hosts-weak.log)"
complete hosts-weak weak 1 4
report hosts-weak

echo "== jobs of Slurm, and one allocation"
on_login "$thalweg" scale run run.yaml --ranks $sizes "${few[@]}" --out jobs --launcher sbatch --launcher-options "--spread-job" \
    >jobs.log 2>&1 || complain "$(cat jobs.log)"
one=$(submit -N4 --ntasks-per-node=1 -o one.out "$source_dir/launch/scaling.sbatch" run.yaml --ranks $sizes --mode weak \
    --rows-per-rank 2000 --repeat 1 --iterations 6 --no-exchange --out "one \"allocation\"")
by_mpirun=$(THALWEG_LAUNCHER=mpirun submit -N4 --ntasks-per-node=1 -o mpirun.out "$source_dir/launch/scaling.sbatch" run.yaml \
    --ranks $sizes --repeat 1 --iterations 6 --no-exchange --out by-mpirun --launcher-options "--map-by node")
stopped=$(submit -N1 -n2 -o stopped.out "$source_dir/launch/scaling.sbatch" run.yaml --ranks 1,2 --repeat 2 --iterations 1500 \
    --no-exchange --out stopped)
await 90 "a run of the study to be stopped" grep -qs finished stopped/runs/strong-0001-1/status
on_login scancel --batch --signal=USR1 "$stopped" # the signal of --signal=B:USR1@180, now
await 180 "the end of the allocations" ended "$one" "$by_mpirun" "$stopped" || on_login squeue
on_login "$thalweg" scale run run.yaml --ranks $sizes --out jobs --wait=0:01:30 >wait.log 2>&1 || complain "$(cat wait.log jobs/jobs/*.out)"
complete jobs strong 2 4
report jobs
complete "one \"allocation\"" weak 1 4
is "restarts of the one that was stopped" "$(restarts "$stopped")" 1
is "its first run, done once" "$(grep -c 'ranks\{0,1\}  *run 1 of 2 .* done$' stopped.out)" 2
for run in stopped/runs/strong-000{1-1,1-2,2-1,2-2}; do is "$run: iterations" "$(value $run iterations)" 1500; done
complete by-mpirun strong 1 4
for out in one.out mpirun.out; do
    grep -qE '^ +4 +4 ' $out || complain "no report in $out: $(cat $out)"
done
for study in "one \"allocation\"" by-mpirun; do [ -s "$study/scaling.svg" ] || complain "a batch script left no picture"; done

echo "== other data under the same name"
timeout 60 "$thalweg" generate -o data.h5 --force --task logistic --rows 20000 --features 20 --seed 6 </dev/null >generate.log
rm -r plain/runs/strong-0004-2
timeout 90 "$thalweg" scale run run.yaml --ranks 4 --out plain </dev/null >plain.log 2>&1 || complain "$(cat plain.log)"
code=0
timeout 60 "$thalweg" scale report plain </dev/null >report.txt 2>&1 || code=$?
[ $code != 0 ] || complain "a study of two data files was not refused: $(cat report.txt)"
grep -qi data report.txt || complain "the refusal does not name the data: $(cat report.txt)"
end_test "strong and weak, ranks $sizes, by one command: here, on four hosts, as jobs and in one allocation"
