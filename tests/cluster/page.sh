#!/usr/bin/env bash
# docs/clusters.md, as a reader would: its commands, read from the page, on a Slurm of four nodes. Skipped are building (the
# program is there), installing a module (cli/install does that) and starting a cluster (this test has done so). Numbers of
# tasks are cut to what four nodes of four processors hold.
#
#   page.sh THALWEG SOURCE_DIR
# shellcheck source=tests/cluster/testing.sh
. "$(dirname "$0")/testing.sh"
need munged slurmctld slurmd srun scontrol
slurm_up
mkdir -p tree/build/release
cp -r "$source_dir/launch" "$source_dir/configs" tree
cp "$thalweg" tree/build/release/thalweg
cd tree
export PATH=$PWD/build/release:$PATH
cp configs/digits-softmax.yaml run.yaml

section() { awk -v name="## $1" '$0 == name { on = 1; next } /^## / { on = 0 } on && /^    [^ ]/ { print substr($0, 5) }' "$source_dir/docs/clusters.md"; }
fit() { sed -e 's/--ntasks-per-node=32/--ntasks-per-node=2/' -e 's/ -n 32 / -n 2 /' -e 's/1-8/1-2/' -e 's/^sbatch --array/sbatch --wait --array/' \
    -e 's/^sbatch -N/sbatch --wait -N/' -e "s#--host node1:32,node2:32#--mca plm_rsh_agent $cluster/rsh-agent --host node1:2,node2:2#" <<<"$1"; }

run() { # SECTION LEAST: each of its commands
    local line count=0
    while IFS= read -r line; do
        case $line in launch/setup* | cmake* | export\ PATH* | module* | *THALWEG_LAUNCH*) continue ;; esac
        count=$((count + 1))
        line=$(fit "$line")
        echo "$ $line"
        case $line in
            export*) eval "$line" ;;
            *) on_login timeout -k 2 90 bash -c "$line" >"../command-$count.out" 2>&1 || complain "$1: '$line': code $?: $(tail -n 5 "../command-$count.out")" ;;
        esac
    done < <(section "$1")
    [ "$count" -ge "$2" ] || complain "$1: $count commands on the page, not $2 or more"
}

run 'From nothing to a scaling study' 12
is 'hashes of three runs on other ranks' "$(sed -n 's/.*"parameters_hash": //p' runs/*/summary.json | sort | uniq -c | awk '{ print $1 }')" 3
for study in studies/*/; do
    if [ ! -s "$study/scaling.svg" ] || [ ! -s "$study/scaling.csv" ]; then complain "no report in $study"; fi
done
is 'studies' "$(find studies -name scaling.json | wc -l)" 2
run 'Batch jobs with Slurm' 2
is 'runs of the array' "$(grep -l 'state=finished' runs/seed-*/status | wc -l)" 2
rm -rf runs
run 'mpirun on several hosts' 2
is 'hosts of mpirun' "$(grep -c '"name": "node' runs/digits-softmax/summary.json)" 2
end_test 'every command of docs/clusters.md does what the page says'
