#!/usr/bin/env bash
# export.sh THALWEG SOURCE_DIR -- `thalweg export`: every array of a model comes out as JSON and CSV with the bits that h5dump
# sees in model.h5, names and all; what is no model, or cannot be written, gets a sentence and leaves nothing.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=common.sh
. "$(dirname -- "$0")/common.sh"
forget THALWEG
ln -s -- "$source_dir/configs" configs
says() { grep -qF -- "$1" err || complain "no '$1' in: $(cat err)"; }
same() { # WHAT FILE FILE
    cmp -s "$2" "$3" || complain "$1: $(diff "$2" "$3" | head -n 5)"
}
numbers() { # MODEL DATA_SET: with 17 digits, a line each, as h5dump has them
    h5dump -y -w 1 -m %.17g -d "$2" "$1" | sed -n '/^ *DATA {/,/^ *}/p' | sed '1d;$d' | tr -d ' ,' | sed '/^$/d'
}
row() { # FILE KEY: the numbers of an array in JSON, a line each
    sed -n "s/^  \"$2\": //p" "$1" | tr -d '[] ' | sed 's/,$//' | tr ',' '\n' | sed 's/\.0$//'
}

# ---- models: names that need quotes; no names, no scaling; a path ----

cat >kinds.csv <<'CSV'
"petal, cm"," width ",kind
1.4,0.2,setosa
1.3,0.25,"se""tosa"
1.5,0.1,setosa
4.7,1.4,versicolor
4.5,1.5,versicolor
4.9,1.5,"se""tosa"
6.0,2.5,virginica
CSV
run 0 convert kinds.csv -o flowers.h5 --label kind
printf 'data: {train: flowers.h5, validation: {fraction: 0.3}, scaling: minmax}\nmodel: {type: softmax, l2: 0.1}\n' >flowers.yaml
run 0 train flowers.yaml --out runs/flowers -q
run 0 generate -o line.h5 --task linear --rows 200 --features 7 --seed 3 --type f64
printf 'data: {train: line.h5}\nmodel: {type: linear}\n' >line.yaml
run 0 train line.yaml --out runs/line -q
cat >path.yaml <<'YAML'
data: {train: configs/data/breast-cancer.h5, scaling: standardize}
model: {type: logistic, l1: 1, path: {count: 4}, folds: 3, intercept: false}
YAML
run 0 train path.yaml --out runs/path -q

# ---- the same bits ----

for name in flowers line path; do
    model=runs/$name/model.h5
    run 0 export "$model" --to json
    mv out $name.json
    [ ! -s err ] || complain "a complaint about $name: $(cat err)"
    run 0 export "$model" -o $name.csv
    [ ! -s out ] || complain "$name is also on the screen"
    run 0 export "$model" --to csv
    same "$name.csv is not what the screen shows" $name.csv out
    for array in coef_ intercept_ coef_scaled_ intercept_scaled_; do
        numbers $model /$array >one
        row $name.json $array >two
        [ -s one ] || complain "$array of $name is empty"
        same "$array of $name" one two
    done
    # CSV: intercepts, then features x classes; h5dump has classes x features.
    outputs=$(numbers $model /intercept_ | wc -l)
    { numbers $model /intercept_; numbers $model /coef_; } |
        awk -v K="$outputs" 'NR <= K { line[0] = line[0] "," $1; next }
            { v[NR - K - 1] = $1; n = (NR - K) / K }
            END { print line[0]; for (j = 0; j < n; j++) { s = ""; for (k = 0; k < K; k++) s = s "," v[k * n + j]; print s } }' >one
    tail -n +2 $name.csv | grep -oE "(,[-+.e0-9]+){$outputs}\$" >two
    same "the table of $name" one two
done
for array in mean_ scale_; do
    for name in flowers path; do
        numbers runs/$name/model.h5 /$array >one
        row $name.json $array >two
        same "$array of $name" one two
    done
    grep -qx "  \"$array\": null," line.json || complain "no scaling, and $array is not null"
done
grep -qx '  "path": null,' line.json || complain "no path, and path is not null"
grep -q '^  "path": {.*"fold_loss": \[\[' path.json || complain "the path is left out"
grep -q '^  "history": {.*"validation_loss": \[' flowers.json || complain "the validation rows are left out"

# ---- names ----

[ "$(head -n 1 flowers.csv)" = 'feature,"se""tosa",setosa,versicolor,virginica' ] || complain "header: $(head -n 1 flowers.csv)"
cut -c 1-12 flowers.csv | sed -n '2p;3p;4p' | grep -cE '^(intercept,|"petal, cm"|" width ",)' | grep -qx 3 || complain "names: $(cat flowers.csv)"
[ "$(head -n 1 line.csv)" = 'feature,coefficient' ] || complain "header: $(head -n 1 line.csv)"
[ "$(cut -d, -f1 line.csv | tr '\n' ' ')" = "feature intercept x0 x1 x2 x3 x4 x5 x6 " ] || complain "features without names: $(cat line.csv)"
grep -qF '"classes_": ["se\"tosa", "setosa", "versicolor", "virginica"]' flowers.json || complain "class names"
grep -qF '"feature_names_in_": ["petal, cm", " width "]' flowers.json || complain "feature names"
grep -qF '"feature_names_in_": null' line.json || complain "no feature names"
if grep -qiwE 'nan|inf|infinity' line.json path.json flowers.json; then complain "a number that JSON does not know"; fi

# ---- misuse ----

model=runs/line/model.h5
run 64 export; says "which model?"
run 64 export $model; says "--to json or --to csv"
run 64 export $model --to xml; says "not to 'xml'"
run 64 export $model -o model.txt; says "--to json or --to csv"
run 64 export $model $model --to csv; says "one model at a time"
run 66 export nowhere.h5 --to csv; says "nowhere.h5"
run 66 export runs --to csv; says "runs"
run 65 export line.h5 --to csv; says "looks like a data set"
run 65 export line.yaml --to json; says "line.yaml is not a thalweg model"
cp $model cut.h5
truncate -s 3000 cut.h5
run 65 export cut.h5 --to json -o cut.json; says "cut.h5"
run 73 export $model -o nowhere/a.csv; says "nowhere/a.csv"
run 73 export $model -o line.csv; says "--force"
printf old >old.csv
run 0 export $model -o old.csv --force
same "--force does not replace" old.csv line.csv
code=0
timeout 60 "$thalweg" export $model --to json </dev/null >/dev/full 2>err || code=$?
[ $code = 74 ] || complain "a full disk ends with $code"
says "cannot write the model to stdout"
left=$(find . -maxdepth 1 \( -name '*.tmp' -o -name cut.json -o -name model.txt \))
[ -z "$left" ] || complain "left behind: $left"

# ---- JSON as another reader has it: every data set of the file, bit for bit ----

skipped=0
if command -v python3 >/dev/null; then
    python3 - <<'PY' || complain "the JSON that Python reads"
import json, re, subprocess, sys
def refuse(word): raise ValueError(word + " is no JSON")
for name in ("flowers", "line", "path"):
    model = json.load(open(name + ".json"), parse_constant=refuse)
    file = f"runs/{name}/model.h5"
    listed = subprocess.run(["h5dump", "-n", file], capture_output=True, text=True, check=True).stdout
    sets = re.findall(r"^ dataset +/(\S+)", listed, re.M)
    assert len(sets) >= 10, sets
    for path in sets:
        value = model
        for part in path.split("/"): value = value[part]
        while value and isinstance(value[0], list): value = sum(value, [])
        if isinstance(value[0], str): continue
        said = subprocess.run(["h5dump", "-y", "-w", "1", "-m", "%.17g", "-d", "/" + path, file], capture_output=True, text=True, check=True).stdout
        truth = [float(v) for v in re.search(r"\n +DATA \{(.*?)\n +\}", said, re.S)[1].replace(",", " ").split()]
        got = [float("nan") if v is None else v for v in value]
        assert [v.hex() for v in map(float, got)] == [v.hex() for v in truth], (name, path)
PY
else
    echo "not run: reading the JSON by another program (this needs python3)"
    skipped=77
fi
[ $failures = 0 ] || exit 1
echo "export: three models, JSON and CSV, the bits of model.h5"
exit $skipped
