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
launch=(mpirun --mca plm_rsh_agent "$cluster/rsh-agent" --mca btl self,tcp --host node1,node2 -n 2)

measure() { # NAME MODE LONGEST: to NAME.json, what was printed to NAME.out
    on_login timeout 90 "${launch[@]}" "$thalweg" scale exchange --seconds 6 --mode "$2" --longest "$3" -o "$1.json" >"$1.out" 2>&1 ||
        complain "$1: $(cat "$1.out")"
}
fitted() { sed -n 's/^ *"bandwidth": \([0-9.e+]*\),*$/\1/p' "$1" | head -n 1; }
of_cap() { awk -v b="$(fitted "$1")" -v cap=$cap 'BEGIN { printf "%.3f", b / cap }'; }
within() { awk -v b="$(of_cap "$1")" -v low="$2" -v high="$3" 'BEGIN { exit !(b >= low && b <= high) }'; }

measure free reproducible 262144
for host in node1 node2; do "$cluster/host-fault" $host rate 1gbit; done
mkdir -p study/exchange
for mode in reproducible allreduce; do
    measure $mode $mode 1048576
    is "$mode: nodes" "$(sed -n 's/^ *"nodes": \([0-9]*\),$/\1/p' $mode.json)" 2
    is "$mode: lengths whose bytes are not those of the formula" "$(grep -c '"bytes_as_predicted": false' $mode.json || true)" 0
    [ "$(grep -c '"bytes_as_predicted": true' $mode.json)" -ge 18 ] || complain "$mode: too few lengths: $(cat $mode.out)"
done
# Two ranks, a tree node each: the vector and 8 numbers, once, in either mode and form.
for length in 1 1024 131072; do
    is "bytes of $length doubles" "$(grep -A2 "\"length\": $length,\$" reproducible.json | sed -n 's/.*"bytes": \([0-9]*\),/\1/p')" $((8 * (length + 8)))
done
within reproducible.json 0.75 1.25 || complain "the fitted bandwidth is $(of_cap reproducible.json) of the cap: $(cat reproducible.out)"
within free.json 1.5 1e9 || complain "without the cap only $(of_cap free.json) of it was found: $(cat free.out)"

# A run of these two hosts, and its report with the exchange that was measured.
make_data
configuration 20 >run.yaml
on_login timeout 90 "${launch[@]}" "$thalweg" train run.yaml --out study/runs/two --quiet >train.out 2>&1 || complain "$(cat train.out)"
timeout 90 "$thalweg" train run.yaml --out study/runs/one --quiet </dev/null >train.out 2>&1 || complain "$(cat train.out)"
cp reproducible.json study/exchange/0002.json
timeout 90 "$thalweg" scale report study </dev/null >report.out 2>&1 || complain "$(cat report.out)"
grep -q 'from exchanges measured apart on 2 ranks, 2 nodes' report.out || complain "$(cat report.out)"
within study/scaling.json 0.75 1.25 || complain "the report has $(of_cap study/scaling.json) of the cap: $(cat report.out)"
end_test "1 Gbit/s: fitted $(of_cap reproducible.json) of it (all-reduce $(of_cap allreduce.json), without the cap $(of_cap free.json)), bytes exact"
