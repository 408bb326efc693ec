#!/usr/bin/env bash
# From a table to an evaluated model in three commands: convert, train, evaluate. Each story of docs/data.md on a table of
# its kind that is made here; what comes out is compared with what the table was made from.   stories.sh THALWEG SOURCE_DIR
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=common.sh
. "$(dirname -- "$0")/common.sh"

fail() { echo "FAILED: $*"; cat out err 2>/dev/null || true; exit 1; }
run() { timeout 60 "$thalweg" "$@" </dev/null >out 2>err || fail "thalweg $*"; }
says() { grep -qE -- "$1" out || fail "nothing says '$1'"; }

# A table like that of the diamonds: text columns, and a number as the label that they give exactly.
awk 'BEGIN {
    split("Fair Good Ideal", cut); split("D E J", colour); split("IF SI1 VS2", clarity)
    print "carat,cut,color,clarity,depth,price"
    for (i = 0; i < 600; i++) {
        a = i % 3; b = int(i / 3) % 3; c = int(i / 9) % 3; carat = 0.2 + (i * 37 % 101) / 50; depth = 55 + i * 53 % 97 / 10
        printf "%.2f,%s,%s,\"%s\",%.1f,%.2f\n", carat, cut[a + 1], colour[b + 1], clarity[c + 1], depth,
            300 + 4000 * carat + 100 * a - 50 * b + 25 * c - 3 * depth
    } }' >diamonds.csv
run convert diamonds.csv -o diamonds.h5 --label price --one-hot cut,color,clarity
says '^wrote diamonds.h5: /X \(600, 11\) f64, /y \(600\) f64'
run train <("$thalweg" init linear) --set data.train=diamonds.h5 --set model.l2=1e-9 --out runs/diamonds
run evaluate runs/diamonds/model.h5 diamonds.h5
says 'R2 .*(1|0\.9999)'
h5dump -d /feature_names_in_ runs/diamonds/model.h5 >names
for name in carat cut=Fair cut=Good cut=Ideal color=D color=E color=J clarity=IF clarity=SI1 clarity=VS2 depth; do
    grep -q "\"$name\"" names || fail "no feature $name in the model"
done

# One like that of Fertility: numbers, and the class in words.
awk 'BEGIN {
    for (i = 0; i < 300; i++) {
        x = (i * 37 % 101) / 50 - 1; z = (i * 53 % 97) / 48 - 1
        printf "%.2f,%.3f,%d,%s\n", x, z, i % 2, (x + z > 0.1 ? "altered" : "normal")
    } }' >fertility.csv
run convert fertility.csv -o fertility.h5
says '^wrote fertility.h5: /X \(300, 3\) f64, /y \(300\) 2 classes'
run train <("$thalweg" init logistic) --set data.train=fertility.h5 --out runs/fertility
run evaluate runs/fertility/model.h5 fertility.h5
says 'altered'
says 'normal'
says 'accuracy .*(1|0\.9[5-9])'

# LIBSVM text with labels -1 and +1, as in the sample heart_scale.
awk 'BEGIN {
    for (i = 0; i < 270; i++) {
        x = (i * 37 % 101) / 50 - 1; z = (i * 53 % 97) / 48 - 1
        printf "%s 1:%.6g", (x - z > 0 ? "+1" : "-1"), x
        if (i % 4) printf " 3:%.6g", z
        printf " 13:%d \n", i % 3 - 1
    } }' >heart_scale
run convert heart_scale -o heart.h5
says '^wrote heart.h5: /X \(270, 13\) f64, /y \(270\) 2 classes'
run train <("$thalweg" init logistic) --set data.train=heart.h5 --out runs/heart
run evaluate runs/heart/model.h5 heart.h5
says 'accuracy .*(1|0\.[89])'
echo "three stories told"
