#!/usr/bin/env bash
# `thalweg doctor`: its figures agree with each other and with what the system says, alone and on several ranks; what is
# wrong is warned of, what is right is not; what cannot be measured ends nothing. No speed is judged.
#
#   doctor.sh THALWEG SOURCE_DIR
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=common.sh
. "$(dirname -- "$0")/common.sh"
export OMP_NUM_THREADS=1
unset THALWEG_ISA SLURM_JOB_ID SLURM_JOB_END_TIME

# ends CODE COMMAND...: out.txt and err.txt hold what it says
ends() {
    local code=0
    timeout 120 "${@:2}" >out.txt 2>err.txt </dev/null || code=$?
    [ "$code" = "$1" ] || complain "exit code $code, not $1, of ${*:2}: $(cat out.txt err.txt)"
}
says() { grep -qE -- "$1" out.txt err.txt || complain "'$1' is not said: $(cat out.txt err.txt)"; }
quiet() { ! grep -qE -- "$1" out.txt err.txt || complain "'$1' is said: $(cat out.txt err.txt)"; }

# figures RANKS EXPRESSION...: the JSON on out.txt is one object, its figures fit together, and each expression is true of it
figures() {
    if ! command -v python3 >python.txt; then
        echo "not run: the figures of $1 ranks (this needs python3)"
        return
    fi
    python3 - "$@" >python.txt 2>&1 <<'PYTHON' || complain "figures of $1 ranks: $(cat python.txt)"
import json, math, sys
d = json.load(open("out.txt"))
ranks = int(sys.argv[1])
def must(fact, what):
    if not fact: sys.exit(f"{what} is not so in {json.dumps(d)}")
def near(a, b): return math.isclose(a, b, rel_tol=1e-9)
must(d["launch"]["ranks"] == ranks and sum(n["ranks"] for n in d["nodes"]) == ranks, "the number of ranks")
must(all(n["cores"] >= 1 and n["memory"] > 2**20 and n["cache"] > 0 for n in d["nodes"]), "a node")
must(d["isa"]["chosen"] in d["isa"]["built"].split(), "the instruction set")
if "read" in d:
    r = d["read"]
    must(0 < r["rank_low"] <= r["rank_high"] and 0 < r["node"] <= r["total"] * (1 + 1e-9), "the order of read")
    # together, until the last has ended, the ranks are no faster than the slowest while it reads
    must(r["total"] <= ranks * r["rank_low"] * 1.1, "the sum of read")
    must(r["count"] >= 9 and (ranks > 1) == (r["alone"] is not None), "the count of read")
    must([g["type"] for g in d["gradient"]] == ["f32", "f64", "u8"], "the types")
    for g in d["gradient"] + ([d["file"]["gradient"]] if "gradient" in d["file"] else []):
        size = {"f32": 4, "f64": 8, "u8": 1}[g["type"]]
        must(g["seconds"] > 0 and g["count"] >= 3, "a pass")
        must(near(g["rows_per_second"], g["rows"] / g["seconds"]), "rows a second")
        must(near(g["bytes_per_second"], g["rows"] * g["cols"] * size / g["seconds"]), "bytes a second")
        must(near(g["fraction_of_read"], g["bytes_per_second"] / r["total"]), "the fraction")
    must([e["mode"] for e in d["exchange"]] == ["reproducible", "allreduce"], "the modes")
    for e in d["exchange"]:
        must(e["points"] and e["points"][0]["length"] == 1, "the shortest exchange")
        must(all(0 <= p["low"] <= p["seconds"] <= p["high"] for p in e["points"]), "the order of an exchange")
        must(len(e["points"]) > 1 or ranks == 1, "the longer exchanges")
        must(ranks == 1 or all(p["bytes"] > 0 and p["seconds"] > 0 for p in e["points"]), "an exchange")
    f = d["file"]
    must(not f["measured"] or min(f["bytes"], f["bytes_per_second"], f["row_bytes_per_second"]) > 0, "the file")
    must(d["judgement"], "the judgement")
else:
    must("gradient" not in d and "exchange" not in d and not d["judgement"], "nothing measured")
for expression in sys.argv[2:]: must(eval(expression), expression)
PYTHON
}

# ---- one, two and three ranks ----

for ranks in 1 2 3; do
    ends 0 mpirun --oversubscribe -n $ranks "$thalweg" doctor --seconds 0.5 --json
    figures $ranks 'd["launch"]["launcher"] == "mpirun"' 'd["file"]["measured"] and not d["file"]["given"]' \
        'd["file"]["written_per_second"] > 0' 'd["launch"]["threads"] == 1'
done
ends 0 "$thalweg" doctor --seconds 0.5 --json
figures 1 'd["launch"]["launcher"] == "none"' 'd["exchange"][0]["latency"] is None'
[ -z "$(find . -name '*.h5*')" ] || complain "a file stays: $(ls)"
ends 0 mpirun --oversubscribe -n 2 "$thalweg" doctor --seconds 0.5
for line in '^thalweg .* doctor' '^  launch   by mpirun: 2 ranks on 1 node' '^  read     memory' '^  gradient logistic, 256 f64 ' \
    '^  exchange reproducible ' '^  exchange allreduce ' '^  file     one of our own in ' \
    '^A pass of logistic over 60000 x 784 u8 on these ranks takes about .*an exchange of 788 numbers '; do says "$line"; done
[ "$(grep -c '^  read' out.txt)" = 1 ] || complain "ranks other than 0 speak: $(cat out.txt)"
THALWEG_NODES=2 ends 0 mpirun --oversubscribe -n 3 "$thalweg" doctor --seconds 0.2 --json
figures 3 'd["launch"]["nodes"] == 2' 'd["launch"]["ranks_per_node"] == [1, 2]' 'd["read"]["node"] < d["read"]["total"]'

# ---- facts alone ----

ends 0 "$thalweg" doctor --no-speed
says "^  launch   no launcher: 1 rank on 1 node, 1 thread each, "
quiet 'GB/s|us shortest|A pass|not measured'
ends 0 "$thalweg" doctor --no-speed --json
figures 1 '"read" not in d' "d['nodes'][0]['name'] == '$(hostname)'"
if command -v gnuplot >found.txt; then says '"gnuplot": true'; fi
mkdir few
for program in ssh orted; do ln -s "$(command -v $program || command -v true)" few/$program; done # MPI wants them
ends 0 env PATH="$work/few" "$thalweg" doctor --no-speed
says '^  pictures none: gnuplot is not installed'
SLURM_JOB_ID=7 SLURM_JOB_END_TIME=$(($(date +%s) + 3600)) ends 0 "$thalweg" doctor --no-speed
says '^  job      7, ends in (59|1:00):[0-5][0-9]'

# ---- a file ----

"$thalweg" generate -o two.h5 --task logistic --rows 4003 --features 12 --seed 3 >gen.log
"$thalweg" generate -o numbers.h5 --task linear --rows 1003 --features 5 --seed 3 >gen.log
ends 0 mpirun --oversubscribe -n 2 "$thalweg" doctor two.h5 --seconds 0.5 --json
figures 2 'd["file"]["given"] and d["file"]["rows"] == 4003 and d["file"]["cols"] == 12' \
    'd["file"]["gradient"]["model"] == "logistic"' 'd["file"]["gradient"]["rows"] == 4003' '"4003 x 12" in str(d["judgement"])'
ends 0 "$thalweg" doctor numbers.h5 --seconds 0.2
says '^  gradient linear, 5 f32 '
says '^A pass of linear over 1003 x 5 f32 on this rank takes about '
says '^Loading its rows takes about '
quiet '60000 x 784'
ends 0 "$thalweg" doctor numbers.h5 --no-speed
says '^  data     numbers.h5:/X  1003 x 5 f32'
for launcher in '' 'mpirun --oversubscribe -n 2'; do # shellcheck disable=SC2086
    ends 66 $launcher "$thalweg" doctor missing.h5
    [ "$(grep -c 'error: .*missing.h5' err.txt)" = 1 ] || complain "missing: $(cat err.txt)"
    quiet '^  read'
done
ends 65 "$thalweg" doctor gen.log
says 'error: .*gen.log'

# ---- a folder that refuses: the rest is measured ----

if [ -d /proc/self ]; then
    (cd /proc && timeout 60 "$thalweg" doctor --seconds 0.2 >"$work/out.txt" 2>"$work/err.txt" </dev/null) ||
        complain "in /proc: $(cat err.txt)"
    says '^  file     not measured: .*/proc'
    says '^  gradient logistic, 256 u8 '
    quiet 'error'
    (cd /proc && timeout 60 "$thalweg" doctor --seconds 0.2 --json >"$work/out.txt" 2>"$work/err.txt" </dev/null)
    figures 1 'not d["file"]["measured"] and "/proc" in d["file"]["why"]'
fi

# ---- warnings ----

if mpirun --bind-to core -n 1 true </dev/null >bind.txt 2>&1; then # not every machine lets mpirun bind
    OMP_NUM_THREADS=2 ends 0 mpirun --bind-to core -n 1 "$thalweg" doctor --no-speed
    if grep -q OpenMP out.txt && ! grep -q 'no OpenMP' out.txt && grep -q ' bound to 1 core each' out.txt; then
        says '^warning  the 2 threads of rank 0 share 1 core \(Open MPI binds each rank to one core'
        OMP_NUM_THREADS=2 ends 0 mpirun --bind-to core -n 1 "$thalweg" doctor --no-speed --json
        figures 1 'd["launch"]["threads"] == 2' 'len(d["warnings"]) >= 1'
        cure=$(grep -oE 'mpirun -n 1 --map-by ppr:1:node:pe=2 --bind-to core' out.txt || true)
        if [ -n "$cure" ]; then # what it says helps
            # shellcheck disable=SC2086
            OMP_NUM_THREADS=2 ends 0 $cure "$thalweg" doctor --no-speed
            quiet 'warning  the 2 threads'
        fi
        OMP_NUM_THREADS=2 ends 0 mpirun -n 1 --bind-to none "$thalweg" doctor --no-speed
        [ "$(nproc)" = 1 ] || quiet 'warning  the 2 threads'
    fi
fi
one=$(taskset -cp $$ | sed 's/.*: //; s/[-,].*//')
ends 0 mpirun --oversubscribe -n 2 taskset -c "$one" "$thalweg" doctor --no-speed
says '^warning  ranks 0 and 1 on .* are both bound to core [0-9]+: give each rank its own'
says '^warning  oversubscribed: 2 ranks on 1 core of '
ends 0 "$thalweg" doctor --no-speed
quiet 'both bound|oversubscribed: [0-9]+ ranks|baseline instruction set is in use'
if grep -q '^flags.* avx2.* fma\|^flags.* fma.* avx2' /proc/cpuinfo; then
    THALWEG_ISA=baseline ends 0 "$thalweg" doctor --no-speed
    says '^warning  the baseline instruction set is in use, though .* has avx(2|512): unset THALWEG_ISA'
fi

# limited COMMAND...: as in a control group of 1 GiB and half a processor, on a kernel without huge pages
printf 'always madvise [never]\n' >pages
limited=(unshare --mount sh -c 'mount -t tmpfs none /sys/fs/cgroup && echo 1073741824 >/sys/fs/cgroup/memory.max &&
    echo 50000 100000 >/sys/fs/cgroup/cpu.max && mount --bind pages /sys/kernel/mm/transparent_hugepage/enabled && exec "$@"' sh)
if grep -q '^0::' /proc/self/cgroup && "${limited[@]}" true 2>found.txt; then
    ends 0 "${limited[@]}" "$thalweg" doctor --no-speed
    says '^  memory .* 1.0 GiB by the control group, huge pages never'
    says '^warning  the control group of .* grants the time of 0.5 processors to 1 thread'
    says '^warning  no transparent huge pages on '
    ends 0 "${limited[@]}" "$thalweg" doctor --no-speed --json
    figures 1 'd["nodes"][0]["memory_limit"] == 2**30' 'd["nodes"][0]["cpu_quota"] == 0.5' 'd["nodes"][0]["huge_pages"] == "never"'
else
    echo "not run: a control group with limits (this needs root and a mount namespace)"
fi

# ---- asked to end ----

timeout 60 "$thalweg" doctor --seconds 60 >out.txt 2>err.txt </dev/null &
sleep 1
kill -TERM $! # timeout hands it on
code=0
wait $! || code=$?
[ $code = 75 ] || [ $code = 124 ] || complain "after SIGTERM exit code $code: $(cat err.txt)"
[ -z "$(find . -name 'thalweg-doctor-*')" ] || complain "a file stays after SIGTERM: $(ls)"

# ---- the command line ----

for wrong in '--seconds 0' '--seconds x' '--seconds 1e9' '--sped'; do # shellcheck disable=SC2086
    ends 64 "$thalweg" doctor $wrong
done
says "Did you mean '--no-speed'|unknown option"
ends 64 "$thalweg" doctor two.h5 numbers.h5
ends 0 "$thalweg" help doctor
says '--no-speed'
says 'FILE.h5'
finish "the doctor's figures agree"
