#!/usr/bin/env bash
# Wrong ways to start a run, each told in one sentence, once, with what to type instead (exit 64); and right ways that look
# like wrong ones. The launchers' variables are set by hand here.   launch.sh THALWEG SOURCE_DIR
set -euo pipefail
thalweg=$1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
fail() { echo "FAILED: $*"; exit 1; }
cat >c.yaml <<YAML
data: {train: $2/configs/data/breast-cancer.h5, scaling: standardize}
model: {type: logistic, l2: 0.01}
YAML
# Nothing of a launcher that these tests may themselves run under.
for name in $(compgen -e); do
    case $name in SLURM_* | PMI_* | PMIX_* | FLUX_* | OMPI_COMM_*) unset "$name" ;; esac
done

# started CODE VARIABLE=VALUE...: what one process does that a launcher gave these
started() {
    local code=0
    env "${@:2}" timeout 60 "$thalweg" train c.yaml --dry-run >out.txt 2>err.txt </dev/null || code=$?
    [ "$code" = "$1" ] || { cat out.txt err.txt; fail "${*:2}: exit code $code, not $1"; }
}
says() { # PATTERN TIMES
    [ "$(grep -Ec -- "$1" err.txt || true)" = "$2" ] || { cat err.txt; fail "'$1' is not said $2 times"; }
}
allocation=(SLURM_JOB_ID=7 SLURM_NTASKS=4 SLURM_NPROCS=4)
batch=("${allocation[@]}" SLURM_PROCID=0 SLURM_LOCALID=0)
step=("${allocation[@]}" SLURM_STEP_ID=2 SLURM_STEP_NUM_TASKS=4)

started 0
says . 0
started 0 "${batch[@]}" # the shell of a batch script
says 'warning: one process runs in an allocation of 4 tasks.*srun -K --mpi=pmix thalweg' 1
says . 1
started 0 "${batch[@]}" SLURM_NTASKS=1
says . 0
started 0 "${batch[@]}" SLURM_STEP_ID=4294967290 SLURM_STEP_NUM_TASKS=1 # the shell that salloc gives
says 'warning: one process runs in an allocation of 4 tasks' 1
says . 1
started 0 "${allocation[@]}" SLURM_NTASKS=1 SLURM_STEP_ID=2 SLURM_STEP_NUM_TASKS=1 SLURM_PROCID=0 # srun -n 1
says . 0
started 64 PMI_SIZE=4 PMI_RANK=0
says 'started 4 tasks, but each of them sees itself as the only rank' 1

if ls /usr/lib/*/openmpi/lib/openmpi*/mca_pmix_s[12].so >/dev/null 2>&1; then
    echo "not run: this Open MPI speaks Slurm's own PMI"
else
    started 64 "${step[@]}" SLURM_PROCID=0 # --mpi=none
    says 'srun started 4 tasks without PMIx' 1
    says 'srun -K --mpi=pmix -n 4 thalweg .*mpirun -n 4' 1
    started 64 "${step[@]}" SLURM_PROCID=2
    says . 0
    started 64 "${step[@]}" SLURM_PROCID=0 SLURM_MPI_TYPE=pmi2 PMI_RANK=0 PMI_SIZE=4
    says 'srun started 4 tasks by --mpi=pmi2' 1
    started 64 "${step[@]}" SLURM_PROCID=1 SLURM_MPI_TYPE=pmi2 PMI_RANK=1 PMI_SIZE=4
    says . 0
fi

# joined CODE COMMAND...: what mpirun makes of it
joined() {
    local code=0
    timeout 60 "${@:2}" >out.txt 2>err.txt </dev/null || code=$?
    [ "$code" = "$1" ] || { cat out.txt err.txt; fail "${*:2}: exit code $code, not $1"; }
}
# mpirun's tasks under a batch script have the variables of both, and under it on other nodes those of a step of daemons.
joined 0 env "${batch[@]}" mpirun --mca plm rsh --mca ras ^slurm -n 1 "$thalweg" train c.yaml --dry-run
says . 0
joined 0 env SLURM_STEP_ID=3 SLURM_STEP_NUM_TASKS=9 mpirun --mca plm rsh --mca ras ^slurm -n 2 "$thalweg" train c.yaml --dry-run
says . 0

# Two programs in one launch: bytes decide, not names, links or times.
cp "$thalweg" other
printf x >>other
cp "$thalweg" same
ln -s "$thalweg" link
touch -d 2001-01-01 same
mixed='the ranks run different programs'
run=(train c.yaml --dry-run)
joined 0 mpirun -n 1 "$thalweg" "${run[@]}" : -n 1 ./same "${run[@]}" : -n 1 ./link "${run[@]}"
says "$mixed" 0
joined 64 mpirun -n 1 "$thalweg" "${run[@]}" : -n 1 ./other "${run[@]}"
says "$mixed: rank 1 \([^)]+\) runs thalweg [0-9.]+ \([^)]*\), $work/other; rank 0 " 1
says "Put one build on every node" 1
joined 64 mpirun -n 1 ./other "${run[@]}" : -n 2 "$thalweg" "${run[@]}"
says "$mixed: rank 0 .*/other; rank 1 \([^)]+\), as most, runs another build" 1
joined 64 mpirun -n 2 ./other "${run[@]}" : -n 3 "$thalweg" "${run[@]}"
says "/other \(and 1 more rank another than most\); rank 2 " 1
# A rank that cannot see its own program, as where there is no /proc, has no vote.
blind=(unshare --mount sh -c 'mount -t tmpfs none /proc && exec "$@"' sh)
if "${blind[@]}" true 2>/dev/null; then
    joined 0 mpirun -n 1 "$thalweg" "${run[@]}" : -n 1 "${blind[@]}" ./other "${run[@]}"
    says "$mixed" 0
    joined 64 mpirun -n 1 "$thalweg" "${run[@]}" : -n 1 "${blind[@]}" ./other "${run[@]}" : -n 1 ./other "${run[@]}"
    says "$mixed: rank 2 " 1
else
    echo "not run: ranks without /proc (this needs root and a mount namespace)"
fi
echo "wrong launches are explained, right ones are not refused"
