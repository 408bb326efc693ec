#!/usr/bin/env bash
# evaluate and predict as a user meets them: the same answer on any number of ranks, pictures, names that must agree, many
# classes, and the misuse of each option.   evaluate.sh THALWEG SOURCE_DIR
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=common.sh
. "$(dirname -- "$0")/common.sh"
train() { # NAME DATA MODEL
    printf 'data: {train: %s, scaling: standardize}\nmodel: {type: %s, l2: 0.01}\n' "$2" "$3" >c.yaml
    timeout 60 "$thalweg" train c.yaml --out "$1" -q </dev/null >train.log 2>&1 || complain "train $1: $(cat train.log)"
}
# refused CODE WORDS COMMAND...
refused() {
    local code=$1 words=$2 got=0
    timeout 60 mpirun --oversubscribe -n 2 "$thalweg" "${@:3}" </dev/null >out.txt 2>err.txt || got=$?
    [ $got = "$code" ] || complain "${*:3}: exit $got: $(cat err.txt)"
    has err.txt "$words"
}
data=$source_dir/configs/data
train digits "$data/digits-train.h5" softmax
train cancer "$data/breast-cancer.h5" logistic

# One answer.
for model in digits cancer; do
    file=$data/breast-cancer.h5
    [ $model = cancer ] || file=$data/digits-test.h5
    for ranks in 1 2 3; do
        timeout 60 mpirun --oversubscribe -n $ranks "$thalweg" evaluate $model/model.h5 "$file" --json </dev/null >$model-$ranks.json || complain "evaluate $model on $ranks ranks"
        timeout 60 mpirun --oversubscribe -n $ranks "$thalweg" predict $model/model.h5 "$file" -o $model-$ranks.csv --proba </dev/null >predict.log || complain "predict $model on $ranks ranks"
    done
    for ranks in 2 3; do
        cmp $model-1.json $model-$ranks.json || complain "$model: other metrics on $ranks ranks"
        cmp $model-1.csv $model-$ranks.csv || complain "$model: other predictions on $ranks ranks"
    done
done
has cancer-1.json '"roc_auc":0\.99[0-9]+'
# The confusion matrix is that of the predictions: their most frequent class has as many rows as its column
column=$(awk -F, 'NR > 1 { n[$1]++ } END { for (k in n) print n[k], k }' digits-1.csv | sort -rn | head -n 1)
sum=$(sed 's/.*"confusion":\[\[//; s/\]\].*//; s/\],\[/\n/g' digits-1.json | awk -F, -v k="${column#* }" '{ s += $(k + 1) } END { print s }')
[ "$sum" = "${column% *}" ] || complain "predictions of class ${column#* }: ${column% *}, in the confusion matrix $sum"

# Pictures, when they can be drawn.
if command -v gnuplot >gnuplot.txt; then
    for kind in svg png; do
        timeout 60 mpirun --oversubscribe -n 2 "$thalweg" evaluate digits/model.h5 "$data/digits-test.h5" --picture m.$kind --coefficients c.$kind </dev/null >out.txt 2>err.txt ||
            complain "pictures: $(cat err.txt)"
        { [ -s m.$kind ] && [ -s c.$kind ]; } || complain "no pictures: $(ls)"
    done
    has m.svg 'Confusion matrix'
    has c.svg 'coefficients'
    [ "$(head -c 4 m.png | od -An -tx1 | tr -d ' ')" = 89504e47 ] || complain "m.png is no PNG"
    refused 73 'nowhere' evaluate digits/model.h5 "$data/digits-test.h5" --picture nowhere/m.svg
else
    echo "not run: pictures, for want of gnuplot"
fi
refused 64 'svg|png' evaluate digits/model.h5 "$data/digits-test.h5" --picture m.gif

# Names of features.
printf 'b,a,y\n1,2,0\n3,1,1\n2,2,0\n4,0,1\n' >ba.csv
printf 'a,b,y\n2,1,0\n1,3,1\n2,2,0\n0,4,1\n' >ab.csv
printf 'a,c,y\n2,1,0\n1,3,1\n2,2,0\n0,4,1\n' >ac.csv
for name in ab ba ac; do timeout 30 "$thalweg" convert $name.csv -o $name.h5 </dev/null >convert.log; done
train ab ab.h5 logistic
refused 65 "'a'.*'b'|'b'.*'a'" evaluate ab/model.h5 ba.h5
refused 65 "'b'.*'c'|'c'.*'b'" predict ab/model.h5 ac.h5 -o out.csv
[ ! -e out.csv ] || complain "a refused prediction left a file"

# Many classes: no matrix, but the most frequent confusions.
timeout 30 "$thalweg" generate -o many.h5 --task softmax --classes 30 --rows 3000 --features 4 --seed 5 </dev/null >generate.log
train many many.h5 softmax
timeout 60 "$thalweg" evaluate many/model.h5 many.h5 </dev/null >many.txt
[ "$(wc -l <many.txt)" -lt 70 ] || complain "many classes: $(cat many.txt)"
[ "$(awk '{ print length }' many.txt | sort -n | tail -n 1)" -lt 120 ] || complain "many classes: $(cat many.txt)"
has many.txt 'onfus'
finish "evaluate and predict: one answer on 1, 2 and 3 ranks"
