#!/usr/bin/env bash
# Data that another node has not, or has otherwise, are refused before anything is trained, naming host and file; the same
# bytes are the same file whatever leads to them. Ranks of one machine pretend to lie on two or three nodes
# (THALWEG_NODES), each in a folder of its own.   nodes.sh THALWEG SOURCE_DIR
set -euo pipefail
thalweg=$1 source_dir=$2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
fail() { echo "FAILED: $*"; exit 1; }
good=$source_dir/configs/data/breast-cancer.h5
mkdir a b c
cat >c.yaml <<YAML
data: {train: t.h5, scaling: standardize}
model: {type: logistic, l2: 0.01}
YAML
sed 's/t.h5,/t.h5, validation: {file: v.h5},/' c.yaml >v.yaml
cp "$good" a/t.h5
timeout 60 "$thalweg" train c.yaml --set data.train=a/t.h5 --out one -q </dev/null
model=$work/one/model.h5

# run CODE NODES FOLDERS WORD...: one rank in each folder, all with these words
run() {
    local code=0 nodes=$2 folder line=()
    for folder in $3; do line+=(: -n 1 --wdir "$work/$folder" env "THALWEG_NODES=$nodes" "$thalweg" "${@:4}"); done
    timeout 60 mpirun "${line[@]:1}" >out.txt 2>err.txt </dev/null || code=$?
    [ "$code" = "$1" ] || { cat out.txt err.txt; fail "on $3, $nodes nodes: ${*:4}: exit code $code, not $1"; }
}
says() { # PATTERN, told once and by nobody else
    grep -Eq -- "$1" err.txt || { cat err.txt; fail "'$1' is not said"; }
    [ "$(grep -c 'thalweg: error' err.txt)" = 1 ] || { cat err.txt; fail "more than one sentence"; }
}
train=(train "$work/c.yaml" --out "$work/out" --dry-run)

# The same bytes: a copy, older, behind a link.
cp "$good" b/t.h5
ln -s ../a/t.h5 c/t.h5
touch -d 2001-01-01 b/t.h5
run 0 3 'a b c' "${train[@]}"

# Missing on a node.
rm b/t.h5
run 66 2 'a b' "${train[@]}"
says 'cannot open t.h5 on [^ ]+:1: No such file or directory, although it is there on [^ ]+:0; is it on a file system that all nodes share'
run 66 2 'b a' "${train[@]}"
says 'cannot open t.h5 on [^ ]+:0: .*although it is there on [^ ]+:1;'
run 66 2 'b b' "${train[@]}" # nowhere at all
says 'error: rank 0 \([^ ]+:0\): cannot open t.h5: No such file'
run 66 1 'a b' train "$work/c.yaml" --out "$work/out" -q # of one node the rank itself says it
says 'error: rank 1 \([^ ]+\): cannot open t.h5'

# Other bytes: one more, one changed, also in a validation file and for evaluate and predict.
cp "$good" b/t.h5
printf x >>b/t.h5
run 65 2 'a b' "${train[@]}"
says 't.h5 on [^ ]+:1 is another file than on [^ ]+:0: .*127962 bytes\), there .*127961\)\. Copy it anew'
run 65 3 'b a c' "${train[@]}" # most nodes are right
says 't.h5 on [^ ]+:0 is another file than on [^ ]+:1, [^ ]+:2: '
run 0 1 'a b' "${train[@]}" # one node: nothing is compared
cp "$good" b/t.h5
printf x | dd of=b/t.h5 bs=1 seek=60000 conv=notrunc status=none
run 65 2 'a b' "${train[@]}"
says 'of the same size, with other bytes'
run 65 2 'a b' evaluate "$model" t.h5
says 't.h5 on [^ ]+:1 is another file'
run 65 2 'a b' predict "$model" t.h5 -o "$work/p.csv"
says 't.h5 on [^ ]+:1 is another file'
[ ! -e p.csv ] || fail "predictions of two files"
cp "$good" b/t.h5
cp "$good" a/v.h5
cp "$good" b/v.h5
run 0 2 'a b' train "$work/v.yaml" --out "$work/out" --dry-run
printf x >>b/v.h5
run 65 2 'a b' train "$work/v.yaml" --out "$work/out" --dry-run
says 'v.h5 on [^ ]+:1 is another file'

# The model is read on rank 0 alone; where that has none, it says who has.
cp "$model" a/m.h5
run 0 2 'a b' evaluate m.h5 t.h5
run 66 2 'b a' evaluate m.h5 t.h5
says 'cannot open m.h5 on [^ ]+:0: .*although it is there on [^ ]+:1;'

# A file of more than 64 MiB is sampled: its first piece is in the sample, the middle between two pieces is not.
truncate -s 70M a/t.h5 b/t.h5
run 0 2 'a b' "${train[@]}"
printf x | dd of=b/t.h5 bs=1 seek=60000 conv=notrunc status=none
run 65 2 'a b' "${train[@]}"
says 'other bytes'
cp "$good" b/t.h5
truncate -s 70M b/t.h5
printf x | dd of=b/t.h5 bs=1 seek=$(((70 << 20) - 1)) conv=notrunc status=none
run 65 2 'a b' "${train[@]}"
printf '\0' | dd of=b/t.h5 bs=1 seek=$(((70 << 20) - 1)) conv=notrunc status=none
printf x | dd of=b/t.h5 bs=1 seek=$((600 << 10)) conv=notrunc status=none # as docs/clusters.md says
run 0 2 'a b' "${train[@]}"
echo "what a node has not, or has otherwise, is refused by name"
