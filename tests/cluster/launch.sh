#!/usr/bin/env bash
# Wrong launches on a real Slurm, each told once and with what to type instead: srun without PMIx and with pmi2, one process
# in a larger allocation, other programs on other nodes, data that a node has not or has otherwise. And srun without -K: no
# task can know, so the watchdog ends what a killed rank leaves waiting.
#
#   launch.sh THALWEG SOURCE_DIR
# shellcheck source=tests/cluster/testing.sh
. "$(dirname "$0")/testing.sh"
need munged slurmctld slurmd srun
slurm_up
good=$source_dir/configs/data/breast-cancer.h5
limit=5 # of the watchdog
for data in "$good" /tmp/t.h5; do # /tmp is each node's own
    printf 'data: {train: %s, scaling: standardize}\nmodel: {type: logistic, l2: 0.01}\n' "$data" >"$(basename "$data").yaml"
done
printf x >x

# All of it is one batch script of three tasks on three nodes; what comes out is judged afterwards. Open MPI 4.1 itself
# sometimes crashes at its start under srun, before the program says a word: such a launch is repeated once.
cat >job.sh <<JOB
#!/usr/bin/env bash
cd '$work'
try() { # NAME COMMAND...
    local again
    for again in 1 0; do
        SECONDS=0 code=0
        "\${@:2}" </dev/null >"\$1.out" 2>&1 || code=\$?
        echo "\$code \$SECONDS" >"\$1.code"
        [ \$again = 1 ] && [[ \$code =~ ^(139|143)$ ]] && ! grep -q thalweg "\$1.out" || break
    done
}
program='$thalweg'
run=(train '$(basename "$good").yaml' --dry-run)
own=(train t.h5.yaml --dry-run)
on() { srun --mpi=none -N1 -n1 -w "\$@" </dev/null; }

try alone "\$program" "\${run[@]}"
try alone-mpirun mpirun -n 1 "\$program" "\${run[@]}"
for type in pmix none pmi2; do try alone-\$type srun -n1 -N1 --mpi=\$type "\$program" "\${run[@]}"; done
try all-mpirun mpirun "\$program" "\${run[@]}"
try all-pmix srun -K --mpi=pmix "\$program" "\${run[@]}"
try plain srun "\$program" "\${run[@]}"
for type in none pmi2; do try \$type srun --mpi=\$type "\$program" "\${run[@]}"; done

srun --mpi=none cp "\$program" /tmp/program
try programs-same srun -K --mpi=pmix /tmp/program "\${run[@]}"
on node2 dd if=x of=/tmp/program oflag=append conv=notrunc status=none
try programs-srun srun --mpi=pmix /tmp/program "\${run[@]}"
try programs-mpirun mpirun /tmp/program "\${run[@]}"

srun --mpi=none cp '$good' /tmp/t.h5
on node2 rm /tmp/t.h5
try missing mpirun "\$program" "\${own[@]}"
on node2 cp '$good' /tmp/t.h5
on node2 touch -d 2001-01-01 /tmp/t.h5
try data-same mpirun "\$program" "\${own[@]}"
on node2 dd if=x of=/tmp/t.h5 bs=1 seek=60000 conv=notrunc status=none
try other-srun srun -K --mpi=pmix "\$program" "\${own[@]}"
try other-mpirun mpirun "\$program" "\${own[@]}"
on node2 cp '$good' /tmp/t.h5
on node1 rm /tmp/t.h5
try missing-first mpirun "\$program" "\${own[@]}"

# It sleeps first, so that the others have seen it alive.
export THALWEG_FAULT='rank=1,phase=step,iteration=9,kind=sleep=1500; rank=1,phase=step,iteration=10,kind=kill'
try killed srun --mpi=pmix "\$program" train '$(basename "$good").yaml' --out killed --watchdog $limit
echo all >finished
JOB
number=$(submit -N3 -n3 -o job.out job.sh)
await 280 "the end of the job" ended "$number"
[ -e finished ] || complain "the job did not come to its end: $(cat job.out)"

expect() { # NAME CODE PATTERN TIMES
    local code=''
    read -r code _ <"$1.code" || true
    is "$1: exit code" "$code" "$2"
    is "$1: '$3' in $(cat "$1.out"): times" "$(grep -Ec -- "$3" "$1.out" || true)" "$4"
}
warning='warning: one process runs in an allocation of 3 tasks'
expect alone 0 "$warning; all of them work with: srun -K --mpi=pmix thalweg" 1
for name in alone alone-mpirun alone-pmix alone-none alone-pmi2; do expect $name 0 '^  ranks    1,' 1; done
for name in alone-mpirun alone-pmix alone-none alone-pmi2 all-mpirun all-pmix; do expect $name 0 'warning|error' 0; done
for name in all-mpirun all-pmix programs-same data-same; do expect $name 0 '^  ranks    3,' 1; done

if ls /usr/lib/*/openmpi/lib/openmpi*/mca_pmix_s[12].so >/dev/null 2>&1; then
    echo "not run: this Open MPI speaks Slurm's own PMI"
else
    for name in plain none; do expect $name 64 'thalweg: error: srun started 3 tasks without PMIx' 1; done
    expect pmi2 64 'thalweg: error: srun started 3 tasks by --mpi=pmi2' 1
    for name in plain none pmi2; do
        expect $name 64 'srun -K --mpi=pmix -n 3 thalweg .* mpirun -n 3 thalweg' 1
        expect $name 64 'OMPI|OPAL|MPI_Init' 0
    done
fi
for name in programs-srun programs-mpirun; do
    expect $name 64 'error: the ranks run different programs: rank 1 \(node2\) runs thalweg .*, /tmp/program; rank 0 \(node1\), as most' 1
done
elsewhere='No such file or directory, although it is there on'
expect missing 66 "error: cannot open /tmp/t.h5 on node2: $elsewhere node1, node3; " 1
expect missing-first 66 "error: cannot open /tmp/t.h5 on node1: $elsewhere node2, node3; " 1
for name in other-srun other-mpirun; do
    expect $name 65 'error: /tmp/t.h5 on node2 is another file than on node1, node3: of the same size, with other bytes' 1
done

# srun itself ends with 137, the signal of the rank; the status says what the run made of it.
expect killed 137 "error: rank 1 \(node2\) has not moved for [0-9]+ s: .*no sign of life" 1
is "status of the killed run" "$(sed 's/ iteration.*//' killed/status)" "state=failed code=80"
read -r _ took <killed.code
echo "a rank killed under srun without -K: ended after $took s; the watchdog allows $limit s, Slurm takes up to KillWait"
[ "$took" -le $((limit + 60)) ] || complain "it took $took s"

end_test "wrong launches are explained on a Slurm cluster"
