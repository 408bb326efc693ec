#!/usr/bin/env bash
# Two hosts whose link carries 1 Gbit/s: the exchange sends exactly the bytes of the formula, and the bandwidth that
# `thalweg scale exchange` and `thalweg scale report` fit is that of the link, within 25 %. Without the cap the same
# measurement finds more, so what is found is the cap.
#
#   link.sh THALWEG SOURCE_DIR
# shellcheck source=tests/cluster/testing.sh
. "$(dirname "$0")/testing.sh"
need tc ip
"$cluster/netns-up" 2
cap=125000000 # bytes a second
# Ahead of whatever else this machine does, for seconds: a rank that has no core would be measured, not the link.
cat >first <<'ROOM'
#!/bin/sh
echo -15 >/proc/self/autogroup
renice -n -15 -p $$ >/dev/null
exec "$@"
ROOM
chmod +x first
launch=(mpirun --mca plm_rsh_agent "$cluster/rsh-agent" --mca btl "self,tcp" --host "node1,node2" -n 2 "$work/first")

measure() { # NAME OPTIONS...: to NAME.json, what was printed to NAME.out
    on_login timeout 90 "${launch[@]}" "$thalweg" scale exchange "${@:2}" -o "$1.json" >"$1.out" 2>&1 ||
        complain "$1: $(cat "$1.out")"
}
fitted() { sed -n 's/^ *"bandwidth": \([0-9.e+]*\),*$/\1/p' "$1" | head -n 1; }
of_cap() { awk -v b="$(fitted "$1")" -v cap=$cap 'BEGIN { printf "%.3f", b / cap }'; }
within() { awk -v b="$(of_cap "$1")" -v low="$2" -v high="$3" 'BEGIN { exit !(b >= low && b <= high) }'; }

# Long vectors tell the bandwidth: on a busy machine every message waits for its turn on a core, whatever its length.
long=(--seconds 8 --shortest 262144 --longest 4194304)
measure free "${long[@]}"
for host in node1 node2; do "$cluster/host-fault" $host rate 1gbit; done
for _ in 1 2 3; do # others on this machine make it slower, never faster
    measure capped "${long[@]}"
    ! within capped.json 0.75 1.25 || break
done
for mode in reproducible allreduce; do
    measure $mode --seconds 3 --mode $mode
    is "$mode: nodes" "$(sed -n 's/^ *"nodes": \([0-9]*\),$/\1/p' $mode.json)" 2
    is "$mode: lengths whose bytes are not those of the formula" "$(grep -c '"bytes_as_predicted": false' $mode.json || true)" 0
    [ "$(grep -c '"bytes_as_predicted": true' $mode.json)" -ge 12 ] || complain "$mode: too few lengths: $(cat $mode.out)"
done
# Two ranks, a tree node each: the vector and 8 numbers, once, in either mode and form.
sent() { grep -A2 "\"length\": $2,\$" "$1" | sed -n 's/.*"bytes": \([0-9]*\),/\1/p'; }
for length in 1 1024; do is "bytes of $length doubles" "$(sent reproducible.json $length)" $((8 * (length + 8))); done
for length in 262144 1048576; do is "bytes of $length doubles" "$(sent capped.json $length)" $((8 * (length + 8))); done
is "lengths whose bytes are not those of the formula" "$(grep -c '"bytes_as_predicted": false' capped.json || true)" 0
within capped.json 0.75 1.25 || complain "the fitted bandwidth is $(of_cap capped.json) of the cap: $(cat capped.out)"
within free.json 1.5 1e9 || complain "without the cap only $(of_cap free.json) of it was found: $(cat free.out)"

# A run of these two hosts, and its report with the exchange that was measured.
make_data
configuration 20 >run.yaml
on_login timeout 90 "${launch[@]}" "$thalweg" train run.yaml --out study/runs/two --quiet >train.out 2>&1 || complain "$(cat train.out)"
timeout 90 "$thalweg" train run.yaml --out study/runs/one --quiet </dev/null >train.out 2>&1 || complain "$(cat train.out)"
mkdir -p study/exchange
cp capped.json study/exchange/0002.json
timeout 90 "$thalweg" scale report study </dev/null >report.out 2>&1 || complain "$(cat report.out)"
grep -q 'from exchanges measured apart on 2 ranks, 2 nodes' report.out || complain "$(cat report.out)"
within study/scaling.json 0.75 1.25 || complain "the report has $(of_cap study/scaling.json) of the cap: $(cat report.out)"
end_test "1 Gbit/s: fitted $(of_cap capped.json) of it, without the cap $(of_cap free.json); bytes exact"
