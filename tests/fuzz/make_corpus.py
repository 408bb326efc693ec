"""Writes tests/fuzz/corpus/: the seeds that no person would type, and edge cases. python3 make_corpus.py

What a run of the fuzzer adds (names of 40 hexadecimal digits) is left alone.
"""
import gzip
import pathlib
import struct

here = pathlib.Path(__file__).resolve().parent
configs = here.parent.parent / "configs"


def put(target, name, content):
    folder = here / "corpus" / target
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(content if isinstance(content, bytes) else content.encode())


# ---- configurations: the file, a zero byte, overrides line by line ----

good = "data:\n  train: a.h5\nmodel:\n  type: logistic\n"
odd = {
    "empty": "",
    "nul": "\0",
    "nul-inside": "data:\n  train: a\0b.h5\n",
    "good": good,
    "sets": good + "\0model.l2=1e-3\nstop.max_time=1:00:00\nstep.rule = wolfe\nseed=null\nmodel=1\nno equals\n=\nx=y",
    "crlf": good.replace("\n", "\r\n"),
    "bom": "\ufeff" + good,
    "bombs": "a: &a [x, x]\nb: &b [*a, *a]\nc: &c [*b, *b]\nd: *c\n",
    "nested-flow": "[" * 3000,
    "nested-maps": "".join(" " * i + "a:\n" for i in range(80)),
    "flow": "{data: {train: a.h5, scaling: minmax}, model: {type: softmax, path: {count: 5}}}",
    "flow-broken": "{data: {train: a.h5, ",
    "dotted": "data.train: a.h5\nmodel.type: squared\nmodel.path.count: 10\nmodel.folds: 5\n",
    "shorthand": good + "data.validation: v.h5\n",
    "huge": good + "model.l2: 1e400\nmodel.l1: 1e-400\nstep.length: 1e308\n",
    "integers": good + "seed: 9223372036854775807\noptimizer.batch: 9223372036854775808\nstop.max_iterations: 1e18\n",
    "negative": good + "seed: -1\nmodel.l2: -0\nmodel.init_scale: -1.5e-7\n",
    "words": good + "model.l2: nan\nstep.length: .inf\nmodel.intercept: maybe\ndata.scaling: standardise\n",
    "durations": good + "stop.max_time: 99999999:59:59\nstop.max_time: 1.5h\n",
    "twice": good + good + "model: {}\n",
    "quotes": 'data:\n  train: "a \\"b\\" \\\\ \\u00e9 \\x41 \\t.h5"\n  features: \'it\'\'s\'\nmodel.type: "linear"\n',
    "quotes-bad": 'data:\n  train: "\\q"\n  labels: "\\0"\n  weights: "\\ud800"\n',
    "several-lines": "data:\n  train: |\n    a\n    b\n  labels: >-\n   x\n  features: a\n    b\n",
    "tags": "data: !!map\n  train: !!str a.h5\n",
    "directive": "%YAML 1.2\n---\n" + good + "...\n---\n" + good,
    "tabs": "data:\n\ttrain: a.h5\n\t\n",
    "not-utf8": b"data:\n  train: \xff\xfe\xc3\n",
    "utf8": "data:\n  train: größe-\u4e2d\u6587-\U0001f600.h5\n  labels: a\u202eb\n",
    "comment": "# only this",
    "lists": "data:\n  - train\n  - a.h5\nmodel: [1, 2]\n",
    "collections": "data:\n  train: [a.h5, 'b, c.h5']\nmodel:\n  type: logistic\n  class_weight:\n    0: 1\n    \"a: b\": 5\n",
    "collections-bad": "data.train: [a, [b], '']\nmodel.class_weight: {a: -1, a: 2, : 3, b: {c: d}}\n",
    "null": "data:\n  train: null\n  labels: ~\n  features:\nmodel: null\nseed: ''\n",
    "control": "data:\n  train: a\x07\x1b[31m.h5\n",
    "long-key": "k" * 300 + ": 1\n",
    "long-text": "data.train: " + "t" * 4100 + "\n",
    "complex-key": "? data\n: train\n? [a, b]\n: c\n",
    "merge": "base: &b\n  l2: 1\nmodel:\n  <<: *b\n",
    "all-wrong": "".join(f"key{i}: {i}\n" for i in range(120)),
    "minibatch": good + "optimizer: {type: adam, batch: 4}\nstep: {rule: cosine, warmup: 2}\nstop.max_epochs: 7\n",
    "path": "data.train: a.h5\nmodel: {type: squared, l1: 0.1, folds: 3, path: {count: 5, min_ratio: 0.01}}\n"
            "optimizer.type: coordinate_descent\n",
    "validation": good + "data.validation: {fraction: 0.2}\nstop.validation_patience: 3\nreduction.groups: 8\n",
    "tail": good + "data.validation.tail: 3\noutput: {dir: runs/x, log_every: 5}\nreduction.mode: allreduce\n",
}
for name, text in odd.items():
    put("config", name, text)
for path in sorted(configs.glob("*.yaml")):
    put("config", path.stem, path.read_bytes())

# ---- numbers ----

numbers = """0 -0 +1 255 1000 007 .5 5. . - + e e5 1e 1e+ 1e5 1E-5 -1.25e+3 1e400 1e-400 4.9e-324 2.2250738585072014e-308
2.2250738585072011e-308 9007199254740993 9223372036854775807 9223372036854775808 -9223372036854775808 1.7976931348623157e308
1.7976931348623159e308 0x10 inf nan 1_000 123456789012345678901234567890 1e22 1e23 1e-22 1e-23 1:30 1:00:00 99:59:59 90s 1.5m
2h 0.1 0.30000000000000004 1e99999999999 0e99999999999 12,5 1e4 5.0 1.50 8.41e21 9007199254740992.5 1..2 --1 +-1 3e0.5""".split()
for i, text in enumerate(numbers):
    put("number", f"{i:02}", text)
put("number", "empty", "")
put("number", "long", "0." + "0" * 400 + "1e390")
put("number", "longer", "1" * 1200 + "e-1190")
put("number", "half", "9007199254740993" + "0" * 300 + "1")

# ---- text files: a first line of options (fuzz_csv.c says which), then the file ----

tables = {
    "plain": "w\na,b,y\n1,2,0\n3,4,1\n",
    "dry": "\na,b,y\n1,2,0\n3,4,1\n",
    "words": "w\nlength;width;kind\n1.5;2;red\n-3;4e1;\"blue;\"\n;NA;red\n",
    "tabs": "wt5\n1\t2\t3\n4\t5\t6\n",
    "spaces": "ws \n1 2 3\n4 5 6\n",
    "gzip-out": "wg\na,b\n1,2\n3,4\n",
    "no-label": "wL\n1,2\n3,4\n",
    "label": "wlb\na,b,c\n1,2,3\n4,5,6\n",
    "label-index": "wl-2\n1,2,3\n4,5,6\n",
    "label-far": "wl99\n1,2,3\n",
    "header": "wH\n1,2,3\n4,5,6\n",
    "no-header": "wN\na,b\n1,2\n",
    "types": "wt0\na,b\n256,2\n3,4\n",
    "half": "wt3\na,b\n65504,2\n1e-8,4\n",
    "wide": "w\n" + ",".join(map(str, range(200))) + "\n" + ",".join(["1.5"] * 200) + "\n",
    "quoted": 'w\n"a ""b""","c\nd",y\n"1"," 2 ",x\n3,"",z\n',
    "quote-open": 'w\n"a,b\n1,2\n',
    "quote-trail": 'w\n"a"b,c\n1,2\n',
    "ragged": "w\na,b\n1,2,3\n4\n",
    "blank": "w\n\n\na,b\n\n1,2\n   \n3,4\n\n",
    "crlf": "w\r\n\r\na,b\r\n1,2\r\n",
    "crlf-body": "w\na,b\r\n1,2\r\n3,4\r",
    "bom": "w\n\ufeffa,b\n1,2\n",
    "nul": "w\na,b\n1,\0\n",
    "huge": "w\na,b\n1e400,2\n1e-400,0\n",
    "edges": "w\nx,y\n-128,1\n127,1\n",
    "edges16": "w\nx,y\n-32768,1\n32767,1\n",
    "u8": "w\nx,y\n0,1\n255,1\n",
    "missing": "w\nx,y\nNA,1\nnan,\n,2\n",
    "all-missing": "w\nx,y\n,\n,\n",
    "labels64": "w\nx,y\n1,9223372036854775807\n2,-9223372036854775808\n3,9223372036854775808\n",
    "turns-to-words": "w\nx,y\n" + "".join(f"{i},{i}\n" for i in range(20)) + "1,word\n",
    "names-twice": "wly\ny,y\n1,2\n",
    "one": "w\n1\n",
    "one-column": "wL\nx\n1\n2\n",
    "not-utf8": b"w\na,b\n1,\xff\xfe\n2,\xc3\xa9\n",
    "foreign": b"\n\x89HDF\r\n\x1a\n",
    "zip": b"\nPK\x03\x04",
    "empty": "",
    "nothing": "w\n",
    "gzip": b"w\n" + gzip.compress(b"a,b,y\n1,2,red\n3,4,blue\n", mtime=0),
    "gzip-two": b"w\n" + gzip.compress(b"a,b\n1,2\n", mtime=0) + gzip.compress(b"3,4\n", mtime=0),
    "gzip-cut": b"w\n" + gzip.compress(b"a,b\n1,2\n3,4\n", mtime=0)[:-9],
    "gzip-trail": b"w\n" + gzip.compress(b"a,b\n1,2\n", mtime=0) + b"trailing",
    "gzip-head": b"w\n\x1f\x8b",
    "separators": "w\na;b,c;d\n1;2,3;4\n",
    "pipe": "ws|\na|b\n1|2\n",
    "numbers": "w\n+1,.5,5.,1E5,-0,007,1e-400,y\n2,3,4,5,6,7,8,9\n",
    "one-hot": "woc\na,c,y\n1,red,0\n2,blue,1\n3,,0\n4,red,1\n",
    "one-hot-all": "woall\na,c,d,y\n1,red,x,0\n2,blue,y,1\n",
    "one-hot-late": "woall\na,y\n" + "".join(f"{i},{i}\n" for i in range(20)) + "word,1\n",
    "one-hot-two": "woa ob,c\na,b,c,y\nu,1,p,0\nv,2,q,1\n",
    "one-hot-list": "woa,0\na,y\n1,2\n",
    "one-hot-u8": "wt0oa\na,b,y\nu,1,2\nv,3,4\n",
    "one-hot-missing": "woam?\na,y\n?,1\n",
    "one-hot-numbers": "wNo0\n1,2,3\n01,5,6\n1.0,7,8\n",
    "one-hot-label": "woc lc\na,c\n1,u\n2,v\n",
    "drop": "wdb\na,b,y\n1,x,0\n2,,1\n",
    "drop-all": "wda,b\na,b,y\n1,2,3\n",
    "drop-last": "wd-1\na,b,y\n1,2,3\n",
    "drop-commas": "wda,b\n\"a,b\",c,y\n1,2,3\n",
    "drop-quoted": 'wdb\na,b,y\n1,"x\n,""",3\n2,y,4\n',
    "drop-far": "wd7\na,b\n1,2\n",
    "weight": "wWw\na,w,y\n1,2.5,0\n2,0,1\n",
    "weight-index": "wNW0\n1,2,3\n4,5,6\n",
    "weight-negative": "wWw\na,w,y\n1,-1,0\n",
    "weight-zero": "wWw\na,w,y\n1,0,0\n2,-0,1\n",
    "weight-missing": "wWw m9\na,w,y\n1,9,0\n2,1,1\n",
    "weight-huge": "wWw\na,w,y\n1,1e308,0\n2,1e308,1\n",
    "markers": "wm-999 m? mNone\na,b,y\n-999,?,0\n-999.0,None,1\n1,2,0\n",
    "markers-empty": "wm m0\na,y\n0,1\n,2\n0.0,3\n",
    "markers-true": "wmtrue\na,y\ntrue,1\nfalse,2\n",
    "truth": "w\na,b,y\ntrue,1,0\nFalse,2,1\n",
    "truth-mixed": "w\na,y\ntrue,0\n3,1\n",
    "files": "wf\na,y\n1,2\n\fa,y\n3,4\n\fa,y\n5,6",
    "files-no-header": "wf\n1,2\n\f3,4\n",
    "files-differ": "wf\na,y\n1,2\n\fa,z\n3,4\n",
    "files-ragged": "wf\na,y\n1,2\n\fa,y\n3,4,5\n",
    "files-empty": "wf\na,y\n1,2\n\f",
    "files-half-header": "wf\na,y\n1,2\n\f3,4\n",
    "files-words": "wfoc Ww\na,c,w,y\n1,u,1,p\n\fa,c,w,y\n2,v,2,q\n\fa,c,w,y\n3,u,0,p\n",
    "files-gzip": b"wf\na,y\n1,2\n\f" + gzip.compress(b"a,y\n3,4\n", mtime=0),
    "everything": "wHgt6oc,d dx Ww m? m-9 ly\na,c,d,w,x,y\n1,u,p,1,zz,no\n?,v,q,2,,yes\n-9,,p,0,1,no\n",
}
for name, text in tables.items():
    put("csv", name, text)

# ---- IDX: options (fuzz_idx.c), length of the first file in 16 bits little-endian, the first, the second ----


def idx(code, sizes, values=b"", magic=b"\0\0"):
    return magic + bytes([code, len(sizes)]) + b"".join(struct.pack(">I", n) for n in sizes) + values


def pair(options, first, second=b""):
    return bytes([options]) + struct.pack("<H", len(first)) + first + second


images, labels = idx(8, [3, 2, 2], bytes(range(12))), idx(8, [3], b"\0\1\2")
ONE, WRITE, GZIP = 1, 2, 4
pairs = {
    "pair": pair(WRITE, images, labels),
    "swapped": pair(WRITE, labels, images),
    "dry": pair(0, images, labels),
    "one": pair(ONE | WRITE, images),
    "labels-only": pair(ONE | WRITE, labels),
    "gzip": pair(WRITE | GZIP, gzip.compress(images, mtime=0), gzip.compress(labels, mtime=0)),
    "gzip-cut": pair(WRITE, gzip.compress(images, mtime=0)[:-5], labels),
    "two-labels": pair(WRITE, labels, labels),
    "two-images": pair(WRITE, images, images),
    "fewer": pair(WRITE, images, idx(8, [2], b"\0\1")),
    "i8": pair(ONE | WRITE, idx(9, [2, 2], b"\xff\0\x7f\x80")),
    "i16": pair(WRITE, idx(11, [2, 1], b"\x80\0\x7f\xff"), idx(11, [2], b"\0\1\xff\xff")),
    "i32": pair(WRITE, idx(12, [2, 1], b"\x80\0\0\0\x7f\xff\xff\xff"), idx(12, [2], b"\0\0\0\1\xff\xff\xff\xff")),
    "f32": pair(WRITE, idx(13, [2, 1], struct.pack(">ff", 1.5, float("nan"))), idx(13, [2], struct.pack(">ff", 0, 1))),
    "f64": pair(WRITE, idx(14, [2, 1], struct.pack(">dd", 1.5, float("inf"))), idx(14, [2], struct.pack(">dd", 0, 1))),
    "no-dimensions": pair(ONE, idx(8, [])),
    "zero": pair(ONE, idx(8, [0, 4])),
    "zero-columns": pair(ONE, idx(8, [4, 0])),
    "overflow": pair(ONE, idx(14, [2**32 - 1] * 4)),
    "overflow-exact": pair(ONE, idx(8, [2**16] * 4)),
    "much": pair(ONE, idx(8, [2**31, 2**31])),
    "many-dimensions": pair(ONE, idx(8, [1] * 255, b"\7")),
    "dimensions-cut": pair(ONE, b"\0\0\x08\xff\0\0\0\1"),
    "cut": pair(ONE | WRITE, images[:-1]),
    "trail": pair(ONE | WRITE, images + b"x"),
    "type": pair(ONE, idx(10, [1], b"\0")),
    "magic": pair(ONE, b"\0\1\x08\x01\0\0\0\1\0"),
    "head": pair(ONE, b"\0\0\x08"),
    "empty": b"",
    "gzip-bomb": pair(ONE, gzip.compress(idx(8, [1000, 1000], bytes(1000000)), mtime=0)),
    "gzip-claims": pair(ONE, gzip.compress(idx(8, [2**20, 2**20]), mtime=0)),
}
for name, content in pairs.items():
    put("idx", name, content)

# ---- LIBSVM: a first line of options (fuzz_libsvm.c), then the file ----

rows = {
    "plain": "w\n+1 1:0.5 3:-2\n-1 2:1e-3 4:7\n",
    "dry": "\n+1 1:0.5 3:-2\n",
    "zero": "w\n0 0:1 2:255\n1\n2 1:3\n",
    "base-0": "wb1\n0 1:1\n1 2:2\n",
    "base-1": "wb2\n0 0:1\n1 2:2\n",
    "features": "wf9\n0 1:1\n1 2:2\n",
    "features-few": "wf\1\n0 1:1\n1 2:2\n",
    "types": "wt0\n0 1:256\n1 2:2\n",
    "half": "wt3\n0 1:65504\n1 2:1e-8\n",
    "gzip-out": "wg\n0 1:1\n1 2:2\n",
    "crlf": "w\n0 1:1\r\n1 2:2\r\n",
    "bom": "w\n\ufeff0 1:1\n",
    "comments": "w\n# a\n\n0 1:1 # \"b\n  \n1#\n2 2:2#c\n",
    "qid": "w\n1 qid:3 1:1\n",
    "labels": "w\n1,2 1:1\n",
    "labels64": "w\n9223372036854775807 1:1\n-9223372036854775808 1:2\n9223372036854775808 1:3\n",
    "label-word": "w\nspam 1:1\n",
    "label-none": "w\n1:1 2:2\n",
    "descending": "w\n1 2:1 1:2\n",
    "repeated": "w\n1 1:1 1:2\n",
    "negative": "w\n1 -1:1\n",
    "huge-index": "w\n1 1:1 99999999999999999999:1\n",
    "wide": "w\n1 16000:1\n",
    "too-large": "w\n" + "1 100000:1.5\n" * 9,
    "nan": "w\n1 1:nan 2:inf\n",
    "huge": "w\n1 1:1e400\n",
    "no-value": "w\n1 1:\n",
    "no-pair": "w\n1 1:1 2\n",
    "nul": b"w\n1 1:1 \0\n",
    "numbers": "w\n-0 1:+1 2:.5 3:5. 4:1E5 5:-0 6:007 7:1e-400 8:12345678901234567e-20 9:9007199254740993\n",
    "long": "w\n1 " + " ".join(f"{i}:{i}" for i in range(1, 90)) + "\n",
    "gzip": b"w\n" + gzip.compress(b"1 1:1\n2 2:2\n", mtime=0),
    "gzip-cut": b"w\n" + gzip.compress(b"1 1:1\n2 2:2\n", mtime=0)[:-9],
    "empty": "",
}
for name, text in rows.items():
    put("libsvm", name, text)

# ---- NPY: options (fuzz_npy.c), length of the first file in 16 bits little-endian, the first, the second ----

DRESS, ZIP = 8, 16


def described(descr, shape, values=b"", order=False, zero=b"\0"):
    return f"{{'descr': '{descr}', 'fortran_order': {order}, 'shape': {shape}, }}\n".encode() + zero + values


def npy(descr, shape, values=b"", order=False, version=1):
    text = described(descr, shape, b"", order, b"")
    return b"\x93NUMPY" + bytes([version, 0]) + struct.pack("<H" if version == 1 else "<I", len(text)) + text + values


labels, matrix = npy("|u1", "(3,)", b"\0\1\2"), npy("<i2", "(3, 2)", bytes(range(12)))
arrays = {
    "pair": pair(WRITE, matrix, labels),
    "swapped": pair(WRITE, labels, matrix),
    "dry": pair(0, matrix, labels),
    "one": pair(ONE | WRITE, matrix),
    "labels-only": pair(ONE | WRITE, labels),
    "two-labels": pair(WRITE, labels, labels),
    "two-matrices": pair(WRITE, matrix, matrix),
    "column": pair(WRITE, matrix, npy("|u1", "(3, 1)", b"\0\1\2")),
    "fewer": pair(WRITE, matrix, npy("|u1", "(2,)", b"\0\1")),
    "gzip": pair(WRITE | GZIP, gzip.compress(matrix, mtime=0), gzip.compress(labels, mtime=0)),
    "gzip-cut": pair(WRITE, gzip.compress(matrix, mtime=0)[:-5], labels),
    "gzip-bomb": pair(ONE | WRITE, gzip.compress(npy("<f8", "(100, 100)", bytes(80000), True), mtime=0)),
    "version-2": pair(ONE | WRITE, npy("<i2", "(3, 2)", bytes(12), False, 2)),
    "version-3": pair(ONE | WRITE, npy("<i2", "(3, 2)", bytes(12), True, 3)),
    "version-4": pair(ONE, npy("<i2", "(3, 2)", bytes(12), False, 4)),
    "header-long": pair(ONE, b"\x93NUMPY\2\0\xff\xff\xff\xff{"),
    "header-cut": pair(ONE, matrix[:40]),
    "magic": pair(ONE, b"\x93NUMBER"),
    "head": pair(ONE, b"\x93NUM"),
    "cut": pair(ONE | WRITE, matrix[:-1]),
    "trail": pair(ONE | WRITE, matrix + b"x"),
    "object": pair(ONE | DRESS, described("|O", "(1, 2)", bytes(16))),
    "words": pair(ONE | DRESS, described("<U2", "(1, 2)", bytes(16))),
    "negative": pair(ONE | DRESS, described("<f8", "(-1, 2)", bytes(16))),
    "overflow": pair(ONE | DRESS, described("<f8", "(4294967296, 4294967296)", bytes(16))),
    "overflow-digits": pair(ONE | DRESS, described("<f8", "(" + "9" * 40 + ", 1)", bytes(16))),
    "scalar": pair(ONE | DRESS, described("<f8", "()", bytes(8))),
    "zero": pair(ONE | DRESS, described("<f8", "(0, 3)")),
    "nested": pair(ONE | DRESS, described("<f8", "((1, 2), 3)", bytes(16))),
    "deep": pair(ONE | DRESS, described("<f8", "(" * 300, bytes(16))),
    "cube": pair(ONE | WRITE | DRESS, described("<f4", "(2, 2, 2)", bytes(32))),
    "cube-fortran": pair(ONE | WRITE | DRESS, described("<f4", "(2, 2, 2)", bytes(32), True)),
    "twice": pair(ONE | DRESS, b"{'descr': '<f8', 'descr': '<f8'}\0"),
    "records": pair(ONE | DRESS, b"{'descr': [('a', '<f8')], 'fortran_order': False, 'shape': (1,)}\0" + bytes(8)),
    "empty": b"",
}
for descr, size in [("|b1", 1), ("|i1", 1), (">i2", 2), ("<u2", 2), (">i4", 4), ("<u4", 4), ("<i8", 8), (">u8", 8), ("<f2", 2),
                    (">f4", 4), (">f8", 8)]:
    for order in (False, True):
        first = described(descr, "(3, 5)", bytes((37 * i) % 251 * (i % size != size - 1) for i in range(15 * size)), order)
        second = described(descr, "(3,)", bytes(3 * size))
        arrays[f"type-{descr[1:]}-{descr[0] == '>':d}{order:d}"] = pair(WRITE | DRESS | ZIP * order, first, second)
for name, content in arrays.items():
    put("npy", name, content)

# ---- headers: options (fuzz_header.c), then the file ----

MAGIC = b"\x89THW\r\n\x1a\n"
SEAL, LET_PASS = 1, 2


def header(kind=b"model", version=1, length=0, digest=bytes(16), rest=b""):
    head = MAGIC + kind.ljust(8, b"\0") + struct.pack("<I", version) + bytes(4) + struct.pack("<Q", length) + digest
    return head.ljust(512, b"\0") + rest


files = {
    "empty": (0, b""),
    "short": (0, MAGIC[:5]),
    "magic": (0, MAGIC),
    "cut": (0, header()[:511]),
    "no-digest": (0, header(length=4, rest=b"body")),
    "sealed": (SEAL, header(rest=b"body")),
    "sealed-empty": (SEAL, header()),
    "sealed-pass": (SEAL | LET_PASS, header(rest=b"body")),
    "pass": (LET_PASS, header(length=4, rest=b"body")),
    "kind": (0, header(kind=b"state", length=4, rest=b"body")),
    "kind-odd": (0, header(kind=b"MODEL\xff", length=4, rest=b"body")),
    "kind-long": (0, header(kind=b"modelers", length=4, rest=b"body")),
    "newer": (0, header(version=2, length=4, rest=b"body")),
    "version-0": (0, header(version=0, length=4, rest=b"body")),
    "length": (0, header(length=2**64 - 1, rest=b"body")),
    "not-zero": (0, header(length=4, rest=b"body")[:300] + b"x" + header(length=4, rest=b"body")[301:]),
    "as-text": (0, MAGIC.replace(b"\r\n", b"\n") + bytes(600)),
    "hdf5": (0, b"\x89HDF\r\n\x1a\n" + bytes(600)),
    "hdf5-behind": (0, header(length=600, rest=b"\x89HDF\r\n\x1a\n" + bytes(592))),
    "text": (LET_PASS, b"seed: 1\n"),
}
for name, (options, content) in files.items():
    put("header", name, bytes([options]) + content)

# ---- recipes of models (recipe.h): what to do with it, the base, edits; bytes from a fixed generator ----

state = 1


def draw():
    global state
    state = (state * 6364136223846793005 + 1442695040888963407) % 2**64
    return state >> 56


put("model", "empty", b"")
for base in range(24):
    put("model", f"good-{base:02}", bytes([base * 4 + base % 4, base]))
for i in range(80):
    put("model", f"edits-{i:02}", bytes([draw() & 0xfc | (i % 8 == 0) | (i % 5 == 0) * 2, draw()] + [draw() for _ in range(6 + i)]))
for base in range(0, 24, 3):
    put("model", f"numbers-{base:02}", bytes([base % 4, base]) + b"".join(bytes([5, draw(), 0, 0, draw(), draw()]) for _ in range(3)))

# ---- checkpoints: the same ----

for base in range(4):
    put("checkpoint", f"good-{base:02}", bytes([1, base]))
for i in range(60):
    put("checkpoint", f"edits-{i:02}", bytes([draw() & 0xfe | (i % 2 == 0), draw()] + [draw() for _ in range(6 + i)]))
for at in range(18):
    put("checkpoint", f"numbers-{at:02}", bytes([1, 3]) + b"".join(bytes([5, at, 0, 0, draw(), draw()]) for _ in range(3)))
