#!/usr/bin/env bash
# init.sh THALWEG SOURCE_DIR: `thalweg init` prints configurations that train as they are, and a job script that is
# launch/train.sbatch with the name, the size and the path of a configuration.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=common.sh
. "$(dirname -- "$0")/common.sh"
forget THALWEG
has_line() { grep -qxF -- "$2" "$1" || complain "$1 has no line '$2': $(cat "$1")"; }

for task in linear logistic softmax; do
    run 0 init $task
    cp out $task.yaml
    run 0 generate -o train.h5 --force --task $task --rows 500 --features 5
    run 0 train $task.yaml -q
    grep -q '"converged": true' runs/$task/summary.json || complain "$task does not converge: $(cat runs/$task/summary.json)"
done
run 64 init poisson
run 64 init
run 64 init linear --set seed=1
run 66 init --sbatch nowhere.yaml
run 78 init --sbatch linear.yaml --set model.l3=1
[ ! -s out ] || complain "a script for a configuration that is refused"

odd="it's \$HOME's *"
mkdir "$odd"
cp softmax.yaml "$odd/a b.yaml"
run 0 init --sbatch "$odd/a b.yaml" --set stop.max_time=1:30:00 --set "output.dir=$odd/run"
cp out job.sbatch
has_line job.sbatch "#SBATCH --job-name=a-b"
has_line job.sbatch "#SBATCH --output=a-b-%j.out"
has_line job.sbatch "#SBATCH --ntasks=1"
has_line job.sbatch "#SBATCH --time=1:40:00"
has_line job.sbatch "#SBATCH --requeue"
# 3 GiB and 16 bytes a row: 4 ranks. The file has holes in place of its rows.
timeout 60 /usr/bin/env python3 - 2>/dev/null <<'PY' || rm -f large.h5
import h5py
with h5py.File("large.h5", "w") as f:
    f.create_dataset("X", (3 << 20, 256), "f4")
    f.create_dataset("y", (3 << 20,), "f8")
PY
if [ -e large.h5 ]; then
    run 0 init --sbatch linear.yaml --set data.train=large.h5
    has_line out "#SBATCH --ntasks=4"
    if grep -q -- --time out; then complain "a time limit that nobody named"; fi
    rm large.h5
fi
# Without the lines that were added it is the script of launch, and the arguments come out as they were.
grep -vE "^#SBATCH --(output|ntasks|mem-per-cpu|time)=|^# (.* of data; |No time limit|stop.max_time, )|^(THALWEG=|set -- )" job.sbatch |
    sed 's/^#SBATCH --job-name=a-b$/#SBATCH --job-name=thalweg/' | diff - "$source_dir/launch/train.sbatch" ||
    complain "the job script is not launch/train.sbatch"
{
    grep -E '^(THALWEG=|set -- )' job.sbatch
    # shellcheck disable=SC2016 # of that script
    echo 'printf "[%s]" "$THALWEG" "$@"'
} >words.sh
words=$(bash words.sh --out x)
[ "$words" = "[$thalweg][$odd/a b.yaml][--set][stop.max_time=1:30:00][--set][output.dir=$odd/run][--out][x]" ] || complain "words: $words"
if command -v shellcheck >/dev/null; then
    shellcheck -e SC2016 job.sbatch || complain "shellcheck on the job script"
    (cd "$source_dir" && shellcheck -x tests/cli/init.sh) || complain "shellcheck on this test"
fi
finish "init: three configurations that train, a job script"
