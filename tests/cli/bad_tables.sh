#!/usr/bin/env bash
# Whatever is wrong with a file to convert, in every format, plain and gzipped: the exit code, one sentence with file, line
# and column where there are any, and neither an output nor a temporary.   bad_tables.sh THALWEG SOURCE_DIR
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=common.sh
. "$(dirname -- "$0")/common.sh"
at_end() {
    umount "$work/in/disk" 2>/dev/null || true
    chmod -R u+rwx "$work"
}
mkdir in
cd in
cases=0

# exit code, sentence (fixed text), arguments of convert
cannot() {
    local code=$1 sentence=$2 got=0 before
    shift 2
    cases=$((cases + 1)) before=$(ls -A)
    (ulimit -f "${blocks:-unlimited}"; exec timeout 60 "$thalweg" convert -o "${output:-out.h5}" "$@") </dev/null >../out 2>../err ||
        got=$?
    [ "$got" = "$code" ] || complain "$*: exit $got, not $code: $(cat ../out ../err)"
    grep -qF -- "$sentence" ../err || complain "$*: no '$sentence' in: $(cat ../err)"
    [ "$(grep -c '^thalweg: error:' ../err)" = 1 ] || complain "$*: not one error line: $(cat ../err)"
    [ ! -s ../out ] || complain "$*: it printed: $(cat ../out)"
    [ "$(ls -A)" = "$before" ] || { complain "$*: left a file"; rm -f out.h5; }
}
# The same of the file itself and of it gzipped.
both() {
    local code=$1 sentence=$2 file=$3
    shift 3
    cannot "$code" "$sentence" "$file" "$@"
    gzip -nc "$file" >zipped
    cannot "$code" "${sentence//$file/zipped}" zipped "$@"
    rm zipped
}
# A text table given in printf's notation, then what becomes of it; with tabs in place of commas the same.
table() { # exit code, sentence, printf text, options
    local code=$1 sentence=$2 text=$3
    shift 3
    printf '%b' "$text" >t.csv
    both "$code" "$sentence" t.csv "$@"
    printf '%b' "${text//,/\\t}" >t.tsv
    both "$code" "${sentence//t.csv/t.tsv}" t.tsv "$@"
    rm t.csv t.tsv
}
rows() { # the same for LIBSVM
    local code=$1 sentence=$2
    printf '%b' "$3" >t.svm
    shift 3
    both "$code" "$sentence" t.svm "$@"
    rm t.svm
}
npy() { # exit code, sentence, header, content, options
    local code=$1 sentence=$2 header=$3 content=$4
    shift 4
    printf '\223NUMPY\001\000%b%s\n%b' "\\0$(printf %o $((${#header} + 1)))\\0000" "$header" "$content" >t.npy
    both "$code" "$sentence" t.npy "$@"
    rm t.npy
}
idx() { # exit code, sentence, bytes
    printf '%b' "$3" >t.idx
    both "$1" "$2" t.idx
    rm t.idx
}

# ---- CSV and TSV ----
table 65 't.csv: line 3 has 2 cells, the first line has 3' 'a,b,y\n1,2,0\n3,4\n'
table 65 't.csv: line 2 has more cells than the 3 of the first line' 'a,b,y\n1,2,0,9\n'
table 65 't.csv holds a header and no rows' 'a,b,y\n'
table 65 't.csv holds a header and no rows' 'a,b,y\r\n'
table 65 't.csv holds a header and no rows' '\xef\xbb\xbfa,b,y\n\n\n'
table 65 't.csv: the quote opened in line 2 is never closed' 'a,b\n"1,2\n3,4\n'
table 65 "t.csv: line 3, column 'a' (index 0): '1' is followed by more text behind its closing quote" 'a,b\n1,2\n"1"1,2\n'
table 65 't.csv: line 3 holds a NUL byte (byte 2 of the line)' 'a,b\n1,2\n1\x00,2\n'
table 65 "t.csv: line 3, column 'b' (index 1): 'x1' is not a number" 'a,b,y\n1,2,0\n1,x1,2\n'
table 65 "t.csv: line 3, column 'b' (index 1): 'x1' is not a number" '\xef\xbb\xbfa,b,y\r\n1,2,0\r\n1,x1,2\r\n'
table 65 "t.csv: line 2, column index 0: 'x1' is not a number" '1,2\nx1,2\n'
table 65 "t.csv: line 2, column index 1: '1e999' is too large for a double" '1,2,0\n1,1e999,0\n'
table 65 "t.csv: line 2, column index 1: '256' does not fit u8" '1,2,0\n1,256,0\n' --type u8
table 65 "t.csv: line 2, column index 1: '-129' does not fit i8" '1,2,0\n1,-129,0\n' --type i8
table 65 "t.csv: line 2, column index 1: '32768' does not fit i16" '1,2,0\n1,32768,0\n' --type i16
table 65 "t.csv: line 2, column index 1: '1.5' does not fit i16" '1,2,0\n1,1.5,0\n' --type i16
table 65 "t.csv: line 2, column index 1: '65520' does not fit f16" '1,2,0\n1,65520,0\n' --type f16
table 65 "t.csv: line 2, column index 1: '1e39' does not fit bf16" '1,2,0\n1,1e39,0\n' --type bf16
table 65 "t.csv: line 2, column index 1: '-1e39' does not fit f32" '1,2,0\n1,-1e39,0\n' --type f32
table 65 "t.csv: line 2, column index 0: '' is missing, and u8 has no NaN" '1,2,0\n,5,0\n' --type u8
table 65 't.csv has one column and so no features' 'y\n1\n2\n'
table 65 "t.csv: line 2, column index 1: '\\xff' is not UTF-8" '1,a\n1,\xff\n'
table 65 't.csv is UTF-16 text; convert it to UTF-8 first' '\xff\xfea\x00,\x00b\x00\n\x00'

# Columns with a purpose.
table 65 "t.csv: line 2, column 'cut' (index 1): 'Ideal' is not a number; if the column holds categories, --one-hot 'cut'" 'a,cut,y\n1,Ideal,2\n'
table 65 "if it is of no use, --drop 1" '1,Ideal,2\n2,Fair,3\n'
table 65 "t.csv: line 3, column 'b' (index 1): 'x' is not a number" 'a,b,y\n1,2,0\n1,x,0\n' --one-hot a --missing '?'
table 65 "t.csv: line 3, column 'w' (index 1): '-1' is no weight, a number from 0" 'a,w,y\n1,2,0\n1,-1,0\n' --weight w
table 65 "t.csv: line 3, column 'w' (index 1): 'nan' is no weight" 'a,w,y\n1,2,0\n1,nan,0\n' --weight w
table 65 "t.csv: line 2, column 'w' (index 1): '' is no weight" 'a,w,y\n1,,0\n1,2,0\n' --weight w
table 65 't.csv: all weights, column index 1, are 0' 'a,w,y\n1,0,0\n1,0.0,0\n' --weight w
table 65 't.csv: column index 0 holds true or false in 1 rows and numbers in others' 'a,y\ntrue,0\n3,1\n'
table 65 't.csv: the columns of --one-hot are empty' 'a,y\n,0\nNA,1\n' --one-hot a
table 65 "t.csv: line 3, column 'a' (index 0): '\\xff' is not UTF-8" 'a,y\nu,0\n\xff,1\n' --one-hot a
table 65 "t.csv: line 3, column 'a' (index 0): '?' is missing, and i8 has no NaN" 'a,y\n1,0\n?,1\n' --missing '?' --type i8
table 65 "t.csv: line 1002, column 'a' (index 0): 'id1001' is category number 1001 of the column, and --one-hot takes up to 1000" \
    "$(printf 'a,y\\n'; printf 'id%d,1\\n' {1..1001})" --one-hot all
table 64 "t.csv has no column 'cuts'; did you mean 'cut'?" 'a,cut,y\n1,Ideal,2\n' --one-hot cuts
table 64 'column '"'a'"' of t.csv is named by --drop and by --weight; choose one' 'a,b,y\n1,1,2\n' --drop a --weight a
table 64 't.csv: no column is left for the features' 'a,b,y\n1,1,2\n' --drop a,b
table 64 't.csv has no header, so --drop must be an index from 0 to 2' '1,1,2\n' --drop a
printf 'a,b,y\n1,2,3\n' >one.csv
printf 'a,c,y\n4,5,6\n' >two.csv
printf 'a,y\n4,6\n' >three.csv
printf 'a,b,y\n4,5,6\n7,8\n' >four.csv
printf '4,5,6\n' >five.csv
printf 'a,b,y\n4,5,6\n7,?,9\n' >six.csv
cannot 65 "one.csv and two.csv have different headers: column index 1 is 'b' in the first and 'c' in the second" one.csv two.csv
cannot 65 "one.csv and three.csv have different headers: column index 1 is 'b' in the first and 'y' in the second" one.csv three.csv
cannot 65 'five.csv has 3 columns and three.csv has 2' five.csv three.csv
cannot 65 'four.csv: line 3 has 2 cells, the first line of one.csv has 3' one.csv four.csv
cannot 65 "one.csv and five.csv have different headers: column index 0 is 'a' in the first and '4'" one.csv five.csv
cannot 65 "one.csv: line 1, column index 0: 'a' is not a number" five.csv one.csv
cannot 65 "six.csv: line 3, column 'b' (index 1): '?' is not a number" one.csv six.csv
cannot 66 'missing.csv: No such file' one.csv missing.csv
cannot 64 'the output six.csv is the input itself' one.csv six.csv -o six.csv --force
rm one.csv two.csv three.csv four.csv five.csv six.csv

# The second of two files, plain and gzipped: whatever is wrong is said of it, with its own lines.
second() { # sentence, printf text, options
    local sentence=$1 text=$2
    shift 2
    printf 'a,w,y\n1,2,red\n' >one.csv
    printf '%b' "$text" >two.csv
    cannot 65 "$sentence" one.csv two.csv "$@"
    gzip -nc two.csv >zipped
    cannot 65 "${sentence//two.csv/zipped}" one.csv zipped "$@"
    rm one.csv two.csv zipped
}
second 'two.csv is empty' ''
second 'two.csv is empty: it holds no line of text' '\n \r\n'
second 'two.csv: the quote opened in line 2 is never closed' 'a,w,y\n1,"2,red\n'
second 'two.csv: line 3 holds a NUL byte (byte 3 of the line)' 'a,w,y\n1,2,red\n3,\x004,red\n'
second "two.csv: line 3, column 'w' (index 1): '256' does not fit u8" 'a,w,y\r\n1,2,red\r\n3,256,red\r\n' --type u8
second "two.csv: line 2, column 'w' (index 1): '1e999' is too large for a double" '\xef\xbb\xbfa,w,y\n1,1e999,red\n'
second "two.csv: line 3, column 'y' (index 2): '\\xff' is not UTF-8" 'a,w,y\n1,2,red\n3,4,\xff\n'
second "two.csv: line 2, column 'y' (index 2): '' names no class" 'a,w,y\n1,2,\n'
second "two.csv: line 2, column 'w' (index 1): '-1' is no weight" 'a,w,y\n1,-1,red\n' --weight w
second "two.csv: line 2, column 'w' (index 1): 'inf' is no weight" 'a,w,y\n1,inf,red\n' --weight w
second "column index 0 is 'a' in the first and 'a;w;y' in the second" 'a;w;y\n1;2;red\n'
printf 'a,w,y\n1,0,red\n' >one.csv
cannot 65 'one.csv: all weights, column index 1, are 0' one.csv one.csv --weight w
gzip -nc one.csv | head -c -9 >cut.gz
cannot 65 'cut.gz is truncated: the gzip data end too early' one.csv cut.gz
mkdir folder
cannot 66 'cannot read folder: it is a directory' one.csv folder
printf '1 1:2\n' >two.csv
cannot 64 'have different formats (CSV or TSV, LIBSVM)' one.csv two.csv
rm -r one.csv two.csv cut.gz folder

# ---- LIBSVM ----
rows 64 '--one-hot is for CSV and TSV, and t.svm looks like LIBSVM' '1 1:2\n' --one-hot all
rows 65 "t.svm: line 2, column 3: '0:5' has index 0, but --index-base is 1" '1 1:2\n1 0:5\n' --index-base 1
rows 65 "t.svm: line 2, column 7: '2:1' follows index 3; indices must ascend" '1 1:2\n1 3:1 2:1\n'
rows 65 "t.svm: line 1, column 7: '1:3' repeats the index before it" '1 1:2 1:3\n'
rows 65 "t.svm: line 1, column 3: '16777217:1' has an index beyond the 16777216 columns" '1 16777217:1\n'
rows 65 "'99999999999999999999999:1' has an index beyond" '1 1:1\n1 99999999999999999999999:1\n'
rows 65 "t.svm: line 2, column 3: '-1:1' has a negative index" '1 1:1\n1 -1:1\n'
rows 65 "t.svm: line 1 has index 5, which is feature 5 counted from 1, but --features is 4" '1 5:1\n' --features 4
rows 65 "t.svm: line 2, column 3: '1:x' has a value that is not a number" '1 1:1\n1 1:x\n'
rows 65 "t.svm: line 2, column 3: '1:' has no value" '1 1:1\r\n1 1:\r\n'
rows 65 "t.svm: line 2, column 3: '1:1e999' is too large" '1 1:1\n1 1:1e999\n'
rows 65 "t.svm: line 2, column 3: '1:nan' is no finite number" '1 1:1\n1 1:nan\n'
rows 65 "t.svm: line 2, column 3: '1:256' does not fit u8" '1 1:1\n1 1:256\n' --type u8
rows 65 "t.svm: line 2, column 1: 'one' is no finite number" '\xef\xbb\xbf1 1:1\none 1:2\n'
rows 65 "t.svm: line 2, column 1: '1,2' are several labels" '1 1:1\n1,2 1:2\n'
rows 65 "t.svm: line 2, column 1: '1:2' stands where a label belongs" '1 1:1\n1:2\n'
rows 65 't.svm: line 2 holds a NUL byte (byte 4 of the line)' '1 1:1\n1 1\x00:2\n'
rows 65 'the dense result would have 130 rows of 16777216 columns, 16.2 GiB of f64' "$(printf '1 1:1.5\\n%.0s' {1..129})0 16777216:1\n"

# ---- NPY ----
npy 65 't.npy is truncated' "{'descr': '<f8', 'fortran_order': False, 'shape': (2, 2), }" '12345678'
npy 65 't.npy' "{'descr': '<f8', 'fortran_order': False, 'shape': (1, 1), }" '123456789'
npy 65 't.npy' "{'descr': '<f8', 'fortran_order': False, 'shape': (4294967296, 4294967296), }" '12345678'
npy 65 't.npy' "{'descr': '<f8', 'fortran_order': False, 'shape': (99999999999999999999999, 1), }" '12345678'
npy 65 't.npy' "{'descr': '<f8', 'fortran_order': False, 'shape': (2305843009213693952, 8), }" '12345678'
npy 65 't.npy' "{'descr': '<f8', 'fortran_order': False, 'shape': (0, 3), }" ''
npy 65 't.npy' "{'descr': '<f8', 'fortran_order': False, 'shape': (-1, 3), }" '12345678'
npy 65 't.npy: its values are Python objects' "{'descr': '|O', 'fortran_order': False, 'shape': (1, 2), }" '12345678'
npy 65 't.npy' "{'descr': '<c16', 'fortran_order': False, 'shape': (1, 1), }" '1234567812345678'
npy 65 't.npy' "{'descr': '<f8', 'fortran_order': False, " '12345678'
npy 65 'is a whole number that no double holds exactly' "{'descr': '<i8', 'fortran_order': False, 'shape': (1, 1), }" '\x01\x00\x00\x00\x00\x00\x20\x00'
npy 64 '--type is for text files' "{'descr': '<f8', 'fortran_order': False, 'shape': (1, 1), }" '12345678' --type u8
printf '\223NUMPY\011\000\002\000\n\n' >t.npy
both 65 't.npy' t.npy
printf '\223NUMPI' >t.npy
both 65 't.npy' t.npy
rm t.npy

# ---- IDX ----
printf '\0\0\010\002\0\0\0\001\0\0\0\001a' >t.idx
cannot 64 '--weight is for text files; IDX files say all of it themselves' t.idx --weight 0
idx 65 't.idx is truncated: it ends in its first four bytes' '\x00\x00\x08'
idx 65 't.idx is no IDX file of a known type: it begins with 00 00 07 01' '\x00\x00\x07\x01\x00\x00\x00\x01\x05'
idx 65 't.idx is an IDX file without dimensions' '\x00\x00\x08\x00'
idx 65 't.idx is truncated: it ends in its list of sizes' '\x00\x00\x08\x02\x00\x00\x00\x01'
idx 65 't.idx is truncated' '\x00\x00\x08\x01\x00\x00\x00\x03\x05\x06'
idx 65 'after its last value' '\x00\x00\x08\x01\x00\x00\x00\x01\x05\x06'
idx 65 't.idx is empty: it holds 0 rows' '\x00\x00\x08\x01\x00\x00\x00\x00'
idx 65 't.idx claims an impossible size: its dimensions overflow' '\x00\x00\x08\x03\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x05'
printf '\0\0\010\002\0\0\0\002\0\0\0\001ab' >x.idx
printf '\0\0\010\001\0\0\0\003abc' >y.idx
cannot 65 'x.idx has 2 rows but y.idx has 3 labels' y.idx x.idx
cannot 65 'both have one dimension' y.idx y.idx
cannot 65 'both have more than one dimension' x.idx x.idx

# ---- every format ----
printf 'a,b,y\n' >good.csv
printf '' >good.svm
for i in $(seq 3000); do
    echo "$i.5,$((i * 7 % 1000)),$((i % 2))" >>good.csv
    echo "$((i % 2)) 1:$i.5 2:$((i * 7 % 1000))" >>good.svm
done
tr ',' '\t' <good.csv >good.tsv
{ printf '\0\0\010\002\0\0\056\340\0\0\0\003'; head -c 36000 good.csv; } >good.idx
{ printf "\223NUMPY\001\000\100\000%-63s\n" "{'descr': '|u1', 'fortran_order': False, 'shape': (12000, 3), }"
  head -c 36000 good.csv; } >good.npy
: >empty
cannot 65 'empty is empty' empty
gzip -nc empty >empty.gz
cannot 65 'empty.gz is empty' empty.gz
printf '\n \r\n\n' >blank
both 65 'blank is empty: it holds no line of text' blank
cannot 66 'nowhere: No such file' nowhere
mkdir folder
cannot 66 'cannot read folder: it is a directory' folder
cannot 66 'cannot read /dev/null: it is no regular file' /dev/null
for format in csv tsv svm idx npy; do
    "$thalweg" convert "good.$format" -o good.h5 </dev/null >../out || complain "good.$format is refused"
    rm good.h5
    gzip -nc "good.$format" >whole.gz
    "$thalweg" convert whole.gz -o good.h5 </dev/null >../out || complain "good.$format, gzipped, is refused"
    rm good.h5
    head -c -9 whole.gz >cut.gz
    cannot 65 'cut.gz is truncated: the gzip data end too early' cut.gz
    head -c 300 whole.gz >cut.gz
    cannot 65 'cut.gz is truncated: the gzip data end too early' cut.gz
    { cat whole.gz; printf 'rubbish'; } >cut.gz
    cannot 65 'cut.gz is damaged: gzip data near byte' cut.gz
    { head -c 200 whole.gz; printf '\0\377\0\377'; tail -c +205 whole.gz; } >cut.gz
    cannot 65 'cut.gz is damaged: gzip data near byte' cut.gz
    rm cut.gz whole.gz
    output=folder cannot 73 'folder' "good.$format" --force
    output=nowhere/out.h5 cannot 73 'nowhere' "good.$format"
    output=/dev/full cannot 73 '/dev/full' "good.$format" --force
    blocks=4 cannot 74 'out.h5' "good.$format" # the writing ends at 4 KiB
    cp "good.$format" unreadable
    chmod 000 unreadable
    if [ "$(id -u)" != 0 ]; then
        cannot 66 'unreadable: Permission denied' unreadable
    else
        echo "not run: unreadable $format file (root may read everything)"
    fi
    rm -f unreadable
done

# A real disk that is full, where this user may make one.
mkdir disk
if mount -t tmpfs -o size=16k none disk 2>/dev/null; then
    for format in csv svm idx npy; do output=disk/out.h5 cannot 74 'disk/out.h5' "good.$format"; done
    [ -z "$(ls -A disk)" ] || complain "something stays on the full disk: $(ls -A disk)"
    umount disk
else
    echo "not run: a disk that is full (needs mount)"
fi

echo "$cases cases, $failures failed"
[ $failures = 0 ]
