#!/usr/bin/env bash
# python.sh THALWEG SOURCE_DIR -- docs/python.md: its blocks run as they stand there and print what it says; its reader, and
# scikit-learn estimators filled with our arrays, predict what `thalweg predict` does. Exit 77 without h5py, NumPy, scikit-learn.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=common.sh
. "$(dirname -- "$0")/common.sh"
forget THALWEG
export OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1
python=
for candidate in python3 /usr/bin/python3; do
    if timeout 60 "$candidate" -c 'import h5py, numpy, sklearn' 2>/dev/null; then python=$candidate && break; fi
done
if [ -z "$python" ]; then
    echo "not run: docs/python.md (this needs python3 with h5py, numpy and sklearn; launch/setup --all)"
    exit 77
fi
ln -s -- "$source_dir/configs" configs
run() { timeout 60 "$thalweg" "$@" </dev/null >out 2>err || { echo "FAILED: thalweg $*: $(cat out err)"; exit 1; }; }

# ---- the page ----

awk '/^```python$/ { inside = 1; next } /^```$/ { inside = 0 } inside' "$source_dir/docs/python.md" >page.py
[ "$(grep -c '^def ' page.py)" = 3 ] || { echo "FAILED: the page has other functions: $(cat page.py)"; exit 1; }
lines=$(awk '/^```python$/ { inside = 1; next } /^```$/ { exit } inside' "$source_dir/docs/python.md" | wc -l)
[ "$lines" -le 10 ] || { echo "FAILED: the reader has $lines lines"; exit 1; }
run train configs/cancer-logistic.yaml -q
run export runs/cancer-logistic/model.h5 -o model.json
timeout 120 "$python" -W error page.py >printed
# shellcheck disable=SC2016 # backquotes of the page
sed -n 's/^prints `\(.*\)`\.*$/\1/p' "$source_dir/docs/python.md" >promised
diff promised printed || { echo "FAILED: the page promises (<) what Python does not print (>)"; exit 1; }
[ "$(wc -l <printed)" = 3 ] || { echo "FAILED: the page prints $(cat printed)"; exit 1; }

# ---- the same predictions ----

cat >kinds.csv <<'CSV'
petal length,petal width,kind
1.4,0.2,setosa
1.3,0.25,setosa
1.5,0.1,setosa
4.7,1.4,versicolor
4.5,1.5,versicolor
4.9,1.5,versicolor
4.4,1.3,"été, d'""hiver"""
6.0,2.5,virginica
5.9,2.1,virginica
CSV
run convert kinds.csv -o kinds.h5 --label kind
run generate -o two.h5 --task logistic --rows 500 --features 6 --seed 1
run generate -o many.h5 --task softmax --rows 500 --features 6 --classes 5 --seed 2 --type f64
run generate -o line.h5 --task linear --rows 500 --features 6 --noise 1 --seed 3 --type f64
fit() { # NAME DATA MODEL SCALING
    printf 'data: {train: %s.h5, scaling: %s}\nmodel: {%s}\n' "$2" "$4" "$3" >"$1.yaml"
    run train "$1.yaml" --out "runs/$1" -q
    if [ "$2" = line ]; then run predict "runs/$1/model.h5" "$2.h5" -o "$1.out.h5"
    else run predict "runs/$1/model.h5" "$2.h5" -o "$1.out.h5" --proba; fi
}
fit names kinds 'type: softmax, l2: 0.1' standardize
fit logistic two 'type: logistic, l2: 0.01' standardize
fit pair two 'type: softmax, l2: 0.01' minmax
fit softmax many 'type: softmax, l2: 0.01' standardize
fit linear line 'type: linear' standardize
fit ridge line 'type: linear, l2: 0.5' none
cat >compare.py <<'PY'
import contextlib, io
with contextlib.redirect_stdout(io.StringIO()):
    with open("page.py") as page: exec(page.read())
from sklearn.linear_model import Ridge
compared = 0
for name, data in {"names": "kinds", "logistic": "two", "pair": "two", "softmax": "many", "linear": "line", "ridge": "line"}.items():
    m = read(f"runs/{name}/model.h5")
    with h5py.File(data + ".h5") as d: X = d["X"][:].astype(float)
    with h5py.File(name + ".out.h5") as d:
        said = d["prediction"].asstr()[:] if d["prediction"].dtype == object else d["prediction"][:]
        shares = d["probability"][:] if "probability" in d else None
    e = estimator(m)
    mine, p = predict(m, X)
    theirs = e.predict(X)
    if shares is None:
        if name == "ridge":
            r = Ridge()
            r.coef_, r.intercept_, r.n_features_in_ = e.coef_, e.intercept_, e.n_features_in_
            theirs = r.predict(X)
        size = abs(said).max()
        assert abs(mine - said).max() <= 1e-12 * size and abs(theirs - said).max() <= 1e-12 * size, name
        assert abs(e.predict(X * 1.001) - said).max() > 1e-12 * size, name  # the bound means something
    else:
        assert len(set(said)) > 1 and (mine == said).all() and (theirs == said).all(), name
        assert abs(p - shares).max() <= 1e-12 and abs(e.predict_proba(X) - shares).max() <= 1e-12, name
        assert abs(e.predict_proba(X * 1.001) - shares).max() > 1e-12, name
    compared += len(said)
print(f"python: the blocks of the page; {compared} predictions of six models by NumPy and scikit-learn")
PY
timeout 120 "$python" -W error compare.py
