#!/usr/bin/env bash
# Scaling studies by one command: on this machine, on four hosts of their own, and on a Slurm of four nodes as jobs and inside
# one allocation; each with its report. All strong ones end in the same bits, whoever launched them. Another data file under
# the same name is refused. `all`: strong and weak everywhere, by srun and by mpirun, with the exchange measured, and a study
# that Slurm stops and starts again.
#
#   scaling.sh THALWEG SOURCE_DIR [all]
# shellcheck source=tests/cluster/testing.sh
. "$(dirname "$0")/testing.sh"
need munged slurmctld slurmd srun scontrol
all=${3:-}
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
strong=(run.yaml --ranks "$sizes" --repeat 1 --iterations 6 --no-exchange)
weak=("${strong[@]}" --mode weak --rows-per-rank 2000)
[ "$all" = "" ] || strong=(run.yaml --ranks "$sizes" --repeat 2 --iterations 6)
repeats=${strong[4]}
slurm_up # and its hosts

complete() { # STUDY MODE REPEATS NODES: every run is there, and those of 4 ranks on so many nodes
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
    [ "$all" = "" ] || [ "$3" = 1 ] || [ -s "$1/exchange/0004.json" ] || complain "$1: the exchange of 4 ranks was not measured"
}
told() { # STUDY FILE: the report is there, on the screen and in files
    local file
    grep -qE '^ +[14] +4\*? ' "$2" || complain "no row of 4 ranks: $(cat "$2")"
    for file in scaling.csv scaling.json scaling.svg; do [ -s "$1/$file" ] || complain "$1 has no $file: $(cat "$2")"; done
}
report() { # STUDY
    timeout 60 "$thalweg" scale report "$1" </dev/null >report.txt 2>&1 || complain "report of $1: $(cat report.txt)"
    told "$1" report.txt
}

echo "== this machine"
timeout 120 "$thalweg" scale run "${strong[@]}" --out plain </dev/null >plain.log 2>&1 || complain "$(cat plain.log)"
complete plain strong "$repeats" 1
report plain
if [ "$all" != "" ]; then
    timeout 90 "$thalweg" scale run "${weak[@]}" --out plain-weak </dev/null >weak.log 2>&1 || complain "$(cat weak.log)"
    complete plain-weak weak 1 1
    report plain-weak
fi

echo "== jobs of Slurm, one after the other; meanwhile inside one allocation"
on_login "$thalweg" scale run "${strong[@]}" --out jobs --launcher sbatch --launcher-options --spread-job >jobs.log 2>&1 ||
    complain "$(cat jobs.log)"
script=$source_dir/launch/scaling.sbatch
jobs=("$(submit -N4 --ntasks-per-node=1 -o one.out "$script" "${weak[@]}" --out "one \"allocation\"")")
timeout 60 "$thalweg" init --sbatch run.yaml --set stop.max_iterations=6 --set stop.gradient_norm=0 --set output.dir=made \
    </dev/null >made.sbatch
jobs+=("$(submit -n3 --mem-per-cpu=0 -o made.out made.sbatch)")
if [ "$all" != "" ]; then
    jobs+=("$(THALWEG_LAUNCHER=mpirun submit -N4 --ntasks-per-node=1 -o mpirun.out "$script" "${strong[@]}" --no-exchange \
        --repeat 1 --out by-mpirun --launcher-options "--map-by node")")
    stopped=$(submit -N1 -n2 -o stopped.out "$script" run.yaml --ranks "1,2" --repeat 2 --iterations 1500 --no-exchange --out stopped)
    jobs+=("$stopped")
    await 90 "a run of the study to be stopped" grep -qs finished stopped/runs/strong-0001-1/status
    on_login scancel --batch --signal=USR1 "$stopped" # the signal of --signal=B:USR1@180, now
fi

echo "== four hosts, meanwhile"
by_rsh="--mca plm rsh --mca ras ^slurm --mca plm_rsh_agent '$cluster/rsh-agent' --host node1,node2,node3,node4 --map-by node"
on_login "$thalweg" scale run "${strong[@]}" --out hosts --launcher-options "$by_rsh" >hosts.log 2>&1 || complain "$(cat hosts.log)"
complete hosts strong "$repeats" 4
report hosts
if [ "$all" != "" ]; then
    on_login "$thalweg" scale run "${weak[@]}" --out hosts-weak --launcher-options "$by_rsh" >weak.log 2>&1 || complain "$(cat weak.log)"
    complete hosts-weak weak 1 4
    report hosts-weak
fi

echo "== other data under the same name"
cp -r plain mixed
rm -r mixed/runs/strong-0004-1
mkdir other
(cd other && timeout 60 "$thalweg" generate -o data.h5 --task logistic --rows 20000 --features 20 --seed 6 </dev/null >generate.log &&
    timeout 60 "$thalweg" scale run ../run.yaml --ranks 4 --repeat 1 --out ../mixed </dev/null >run.log 2>&1) || complain "$(cat other/run.log)"
code=0
timeout 60 "$thalweg" scale report mixed </dev/null >report.txt 2>&1 || code=$?
[ $code != 0 ] || complain "a study of two data files was not refused: $(cat report.txt)"
grep -qi data report.txt || complain "the refusal does not name the data: $(cat report.txt)"

echo "== what became of the jobs"
await 180 "the end of the allocations" ended "${jobs[@]}" || on_login squeue
on_login "$thalweg" scale run run.yaml --ranks $sizes --no-exchange --out jobs --wait=0:01:30 >wait.log 2>&1 ||
    complain "$(cat wait.log jobs/jobs/*.out)"
complete jobs strong "$repeats" 4
report jobs
complete "one \"allocation\"" weak 1 4
told "one \"allocation\"" one.out
is "the job that init wrote: ranks, hash" "$(value made ranks) $(hash_of made)" "3 $(hash_of plain/runs/strong-0001-1)"
if [ "$all" != "" ]; then
    complete by-mpirun strong 1 4
    told by-mpirun mpirun.out
    is "restarts of the one that was stopped" "$(restarts "$stopped")" 1
    is "its first runs, each done once" "$(grep -c 'ranks\{0,1\}  *run 1 of 2 .* done$' stopped.out)" 2
    for run in stopped/runs/strong-000{1-1,1-2,2-1,2-2}; do is "$run: iterations" "$(value "$run" iterations)" 1500; done
fi
end_test "strong and weak, ranks $sizes, by one command: here, on four hosts, as jobs and in one allocation"
