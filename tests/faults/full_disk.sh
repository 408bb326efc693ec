#!/usr/bin/env bash
# A disk that fills up while a run writes costs at most the newest checkpoint, and says so; with room again the same command goes
# on to the same bits. A real file system of its own where mounts are allowed; else calls that say so. Also the limit on the
# size of a file, which hits one file and not the others.
#
#   full_disk.sh THALWEG SOURCE_DIR SHIM
set -euo pipefail
if [ -z "${FULL_DISK_INSIDE-}" ] && [ "$(id -u)" = 0 ] && unshare -m true 2>/dev/null; then
    FULL_DISK_INSIDE=1 exec unshare -m bash "$0" "$@"
fi
thalweg=$1 shim=${3-}
work=$(mktemp -d)
disk=$work/disk mounted=0
tidy() {
    [ $mounted = 0 ] || umount -l "$disk" || true
    rm -rf "$work"
}
trap tidy EXIT
cd "$work"
mkdir disk
export ASAN_OPTIONS=${ASAN_OPTIONS:-}:verify_asan_link_order=0
failures=0
complain() { echo "FAILED: $*"; failures=$((failures + 1)); }
is() { [ "$2" = "$3" ] || complain "$1 is '$2', not '$3'"; }
says() { grep -qE -- "$2" "$1.err" || complain "$1: no '$2' in: $(cat "$1.err")"; }
hash_of() { sed -n 's/^ *"parameters_hash": "\(.*\)",*$/\1/p' "$1/summary.json"; }
metrics_of() { sed 's/"seconds":[^,]*,//' "$1/metrics.jsonl"; }
sums() { (cd "$1/checkpoints" && sha256sum ./*.h5); }
code=0
launch() { # name of the logs, run, ranks, configuration, further arguments
    code=0
    timeout 100 mpirun --oversubscribe -n "$3" "$thalweg" train "$4" --out "$2" "${@:5}" </dev/null >"$1.log" 2>"$1.err" || code=$?
}
limited() { # KiB, as launch
    code=0
    # shellcheck disable=SC2016 # for the shell of a rank: around mpirun the limit would hit its own files, and shared memory is one too
    OMPI_MCA_btl=self,tcp timeout 100 mpirun --oversubscribe -n "$4" bash -c 'ulimit -f "$1" && shift && exec "$@"' bash "$1" \
        "$thalweg" train "$5" --out "$3" "${@:6}" </dev/null >"$2.log" 2>"$2.err" || code=$?
}
same() { # what, run, reference
    is "$1: exit code" "$code" 0
    is "$1: parameters" "$(hash_of "$2")" "$(hash_of "$3")"
    metrics_of "$2" | cmp -s - "$3.metrics" || complain "$1: metrics.jsonl differs"
    is "$1: temporary files" "$(find "$2" -name '*.tmp')" ''
}

# State of about 400 KiB, and one of about 20.
"$thalweg" generate -o wide.h5 --task linear --rows 60 --features 2000 --condition 100 --seed 3 </dev/null >generate.log
"$thalweg" generate -o narrow.h5 --task linear --rows 500 --features 10 --condition 1e4 --seed 4 </dev/null >>generate.log
for name in wide narrow; do
    printf 'data.train: %s.h5\nmodel: {type: linear, l2: 1e-3}\noptimizer.type: lbfgs\nstop: {gradient_norm: 0, max_iterations: 60}\n' $name
    printf 'checkpoint: {every: 5, keep: 3}\nreduction.mode: reproducible\n'
done | awk '/^data/ { n++ } { print > (n == 1 ? "wide.yaml" : "narrow.yaml") }'
sed -i 's/max_iterations: 60/max_iterations: 150/' narrow.yaml
sed -i 's/type: lbfgs/type: gd\nstep.rule: backtracking/' narrow.yaml
for name in wide narrow; do
    launch $name $name 2 $name.yaml
    is "exit code of the reference" $code 0
    metrics_of $name >$name.metrics
done
size=$(stat -c %s "$(find wide/checkpoints -name '*.h5' | head -n 1)")

# ---- a file may not grow further ----
limited $((size / 1024 - 50)) small run-small 2 wide.yaml
is "exit code where no checkpoint fits" $code 74
says small 'warning: no checkpoint at iteration 5 \(1\. failure in a row\): cannot write .*File too large; raise the limit \(ulimit -f\)'
says small 'error: .*three checkpoints in a row could not be written: .*File too large.*; there is no earlier one'
launch small run-small 3 wide.yaml
same "without the limit" run-small wide

limited 32 rows run-rows 2 narrow.yaml # the checkpoints fit, metrics.jsonl does not
is "exit code where metrics.jsonl is full" $code 74
says rows 'warning: cannot write metrics.jsonl in the run folder: File too large; its rows wait in memory'
says rows 'error: .*three checkpoints in a row could not be written: cannot write metrics.jsonl .*; the last one is iteration-0*[1-9][05]*\.h5'
is "rows that are whole" "$(grep -c '^{.*}$' run-rows/metrics.jsonl)" "$(head -c 32768 narrow/metrics.jsonl | grep -c '}$')"
launch rows run-rows 1 narrow.yaml
same "metrics.jsonl with room again" run-rows narrow

# ---- the disk is full ----
if [ -n "${FULL_DISK_INSIDE-}" ] && mount -t tmpfs -o "size=$((size * 5 / 2 + 65536))" tmpfs "$disk" 2>mount.txt; then
    mounted=1
    launch full disk/run 2 wide.yaml # two checkpoints and a half fit
    is "exit code on a full disk" $code 74
    for n in 1 2; do
        says full "warning: no checkpoint at iteration $((10 + 5 * n)) \($n\. failure in a row\): cannot write .*No space left on device; free some space.*; iteration-000000000010\.h5 of iteration 10 is kept"
    done
    says full 'error: .*three checkpoints in a row could not be written: .*No space left on device.*; the last one is iteration-000000000010\.h5\. Make room'
    is "what is kept" "$(cd disk/run/checkpoints && echo ./*)" './iteration-000000000005.h5 ./iteration-000000000010.h5'
    grep -q '^state=failed code=74 .*checkpoint=iteration-000000000010.h5' disk/run/status || complain "status: $(cat disk/run/status)"
    mount -o remount,size=$((size * 6)) "$disk"
    launch full disk/run 3 wide.yaml
    same "with room again" disk/run wide
    grep -q 'resume .*iteration-000000000010.h5, iteration 10,' full.log || complain "went on from elsewhere: $(cat full.log)"
    rm -r disk/run

    # A stop, here for time: first with room, then without, then room again.
    launch stop disk/run 2 wide.yaml --set stop.max_time=0.001
    is "exit code of the stop" $code 75
    [ $code = 75 ] || exit 1
    sums disk/run >before.txt
    last=$(sed -n 's/^state=stopped code=75 .*checkpoint=iteration-0*\([0-9]*\)\.h5$/\1/p' disk/run/status)
    dd if=/dev/zero of=disk/fill bs=4k 2>dd.txt || true
    truncate -s "-$((size / 2))" disk/fill # the logs have room
    launch stop disk/run 3 wide.yaml --set stop.max_time=0.001
    is "exit code of a stop on a full disk" $code 74
    says stop 'error: .*the run was to stop, but its state could not be saved: cannot write .*No space left on device.*; the last one is iteration-0*'"$last"'\.h5\. Make room'
    sums disk/run | cmp -s - before.txt || complain "the full disk has changed what was saved"
    dd if=/dev/zero of=disk/rest bs=1k 2>dd.txt || true # nothing has room
    launch start disk/run 2 wide.yaml
    is "exit code of a start on a full disk" $code 74
    says start 'error: .*cannot write .*No space left on device'
    sums disk/run | cmp -s - before.txt || complain "a start on a full disk has changed what was saved"
    rm disk/fill disk/rest
    launch stop disk/run 1 wide.yaml
    same "the stopped run with room again" disk/run wide
    grep -q "resume .*, iteration $last," stop.log || complain "went on from elsewhere: $(cat stop.log)"
    [ $failures = 0 ] || exit 1
    echo "full disks: the run goes on or ends with 74, nothing older is touched, and with room the same command ends in the same bits"
    exit 0
fi

echo "not run: a file system that is really full (no mounts here); its calls are made to fail instead"
[ $failures = 0 ] || exit 1
THALWEG_TEST_FOLDER=$disk/counted THALWEG_TEST_LOG=$work/calls LD_PRELOAD=$shim "$thalweg" train wide.yaml --out "$disk/counted" </dev/null >counted.log 2>&1
first=$(awk '$2 == "pwrite" && /iteration-000000000015/ { print $1; exit }' calls)
code=0
THALWEG_TEST_FOLDER=$disk/run THALWEG_TEST_CALL=k=$first,do=enospc,mode=always LD_PRELOAD=$shim "$thalweg" train wide.yaml --out "$disk/run" \
    </dev/null >full.log 2>full.err || code=$?
is "exit code on a full disk" $code 74
says full 'error: .*three checkpoints in a row could not be written: .*No space left on device.*; the last one is iteration-000000000010\.h5\. Make room'
launch full disk/run 3 wide.yaml
same "with room again" disk/run wide
[ $failures = 0 ] && exit 77
