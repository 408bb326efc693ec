"""Writes tests/truth/imports/: small NPY, LIBSVM, CSV and IDX files, and in imports.txt what numpy.load, load_svmlight_file,
numpy.genfromtxt and numpy.frombuffer read from them (numpy, scikit-learn 1.2; a second).

A line is: files, joined by a comma; type, rows, columns and the values of the features in C order, little-endian, in
hexadecimal; the same of the labels without a number of columns. The types are those that convert promises.
"""
import pathlib

import numpy as np
from sklearn.datasets import load_svmlight_file

here = pathlib.Path(__file__).resolve().parent / "imports"
here.mkdir(exist_ok=True)
rng = np.random.default_rng(20)
lines = []
ours = {"u1": "u8", "i1": "i8", "i2": "i16", "i4": "i32", "i8": "i64", "f2": "f16", "f4": "f32", "f8": "f64"}


def put(files, x, x_type, y=None, y_type=None):
    def text(a, t):
        out = a.astype("<" + t if t[1] != "1" else t)
        same = (out == a) | (out != out)
        assert same.all(), (files, t)
        return np.ascontiguousarray(out).tobytes().hex()

    rows, cols = x.shape
    labels = f"{ours[y_type]} {text(y, y_type)}" if y is not None else "none -"
    lines.append(f"{','.join(files)} {ours[x_type]} {rows} {cols} {text(x, x_type)} {labels}\n")


def kept(d):
    return "u1" if d.kind in "ub" else d.str[1:]


def values(d, shape):
    if d.kind == "b":
        return rng.integers(0, 2, shape).astype(d)
    if d.kind == "f":
        a = (rng.standard_normal(shape) * 100).astype(d)
        a.flat[0], a.flat[1], a.flat[2], a.flat[-1] = np.nan, np.finfo(d).smallest_subnormal * 5, np.inf, -0.0
        return a
    low, high = np.iinfo(d).min, np.iinfo(d).max
    a = rng.integers(low, high, shape, dtype=d.newbyteorder("="), endpoint=True).astype(d)
    a.flat[0], a.flat[-1] = low, high
    return a


# Types that are kept, in both orders; labels of the same type.
for dtype, label in [("|b1", "u1"), ("|u1", "u1"), ("|i1", "i1"), ("<i2", "i2"), (">i2", "i2"), ("<f2", "f8"), (">f2", "f8"),
                     ("<f4", "f8"), (">f4", "f8"), ("<f8", "f8"), (">f8", "f8")]:
    d = np.dtype(dtype)
    for order in "CF":
        name = ("big-" if dtype[0] == ">" else "") + d.str[1:] + "-" + order
        np.save(here / f"x-{name}.npy", np.asarray(values(d, (5, 3)), order=order))
        np.save(here / f"y-{name}.npy", values(d, 5))
        x, y = np.load(here / f"x-{name}.npy"), np.load(here / f"y-{name}.npy")
        assert x.flags.f_contiguous == (order == "F")
        put([f"x-{name}.npy", f"y-{name}.npy"], x, kept(d), y, label)

# Integers that need another type: the narrowest that is exact.
for name, dtype, expected, numbers in [
        ("u8", "<i8", "u1", [0, 255, 3, 4]), ("i8", ">i4", "i1", [-128, 127, 0, 5]), ("i16", "<u2", "i2", [256, 32767, 0, 1]),
        ("i16-low", "<i8", "i2", [-32768, 32767, 0, 1]), ("f32", "<u2", "f4", [32768, 65535, 0, 1]),
        ("f32-exact", ">i8", "f4", [2**24, -(2**62), 2**24 - 1, 3 << 30]), ("f64", "<i4", "f8", [2**24 + 1, -(2**31), 2**31 - 1, 0]),
        ("f64-exact", "<u8", "f8", [2**53, 2**63, (2**53 - 1) << 11, 7]), ("f64-least", ">i8", "f8", [-(2**63), 2**24 + 1, 1, 0])]:
    for order in "CF":
        np.save(here / f"whole-{name}-{order}.npy", np.asarray(np.array(numbers, dtype).reshape(2, 2), order=order))
        put([f"whole-{name}-{order}.npy"], np.load(here / f"whole-{name}-{order}.npy"), expected)
x = rng.standard_normal((3, 2))
np.save(here / "x.npy", x)
for name, dtype, label, numbers in [("u2", ">u2", "i4", [0, 65535, 7]), ("i4", "<i4", "i4", [-(2**31), 2**31 - 1, 0]),
                                    ("u4", "<u4", "i8", [0, 2**32 - 1, 1]), ("i8", ">i8", "i8", [-(2**63), 2**63 - 1, 0]),
                                    ("u8", "<u8", "i8", [0, 2**63 - 1, 1])]:
    np.save(here / f"labels-{name}.npy", np.array(numbers, dtype))
    put([f"labels-{name}.npy", "x.npy"], x, "f8", np.load(here / f"labels-{name}.npy"), label)

# Shapes: labels as a column, more than two dimensions, one row, one column; other versions of the format.
np.save(here / "column.npy", np.array([[1.5], [2], [-3]]))
for files in (["x.npy", "column.npy"], ["column.npy", "x.npy"]):
    put(files, x, "f8", np.load(here / "column.npy").ravel(), "f8")
np.save(here / "cube.npy", np.arange(24, dtype="u1").reshape(2, 3, 4))
put(["cube.npy"], np.load(here / "cube.npy").reshape(2, 12), "u1")
np.save(here / "row.npy", np.asfortranarray(rng.standard_normal((1, 7)).astype("f4")))
put(["row.npy"], np.load(here / "row.npy"), "f4")
for version in (2, 3):
    with open(here / f"version-{version}.npy", "wb") as file:
        np.lib.format.write_array(file, x, version=(version, 0))
    put([f"version-{version}.npy"], np.load(here / f"version-{version}.npy"), "f8")

# LIBSVM.
for name, expected, label, text in [
        ("one", "f8", "i8", "+1 1:0.5 3:-2 4:1e-3\n-1 2:1\n+1 4:0.1\n"),
        ("zero", "f8", "i8", "2 0:0.1 3:0.30000000000000004\n0 1:1\n1\n"),
        ("bytes", "u1", "f8", "0.5 1:255 2:1\n-1e3 3:7\n"),
        ("signed", "i1", "i8", "1 1:-128\n2 2:127\n"),
        ("short-256", "i2", "i8", "1 1:256\n2 2:1\n"), ("short-128", "i2", "i8", "1 1:128\n2 2:-1\n"),
        ("short", "i2", "i8", "1 1:-129\n2 2:32767\n"),
        ("whole", "f8", "i8", "1 1:32768\n2 2:-1\n"),
        ("digits", "f8", "f8", "1.7976931348623157e308 1:4.9e-324 2:0.1234567890123456789 3:-1.7976931348623157e+308 5:0\n"
                               "-0 1:9007199254740993 2:2.2250738585072011e-308 4:123456789012345678e-27 5:.5\n"),
        ("comments", "f8", "i8", "# a file\n\n1 1:2.5 # of \"rows\n   \n\t-1\t2:3 \t 4:4.5#\n1 # nothing\n"),
        ("crlf", "f8", "i8", "1 1:2.5\r\n\r\n-1 2:3\r\n"),
        ("last", "u1", "i8", "3 1:2\n4 2:3"),
        ("large-labels", "u1", "i8", "9007199254740992 1:1\n-9007199254740992 2:1\n")]:
    (here / f"{name}.svm").write_bytes(text.encode())
    x, y = load_svmlight_file(str(here / f"{name}.svm"))
    put([f"{name}.svm"], x.toarray(), expected, y, label)

# CSV and TSV: as numpy.genfromtxt reads them, the label in the last column.
for name, expected, label, separator, text in [
        ("plain", "f8", "i8", ",", "a,b,y\n0.1,1e-3,1\n-2.5,0.30000000000000004,0\n3,1e300,1\n"),
        ("bare", "f8", "f8", ",", "0.5,2,0.25\n1.5,-3,1e-3\n"),
        ("tabs", "f8", "i8", "\t", "a\tb\ty\r\n1.25\t-0\t7\r\n2\t5e-324\t-7\r\n"),
        ("semicolons", "u1", "i8", ";", "1;255;3\n0;7;4\n"),
        ("signed", "i1", "i8", ",", "p,q,y\n-128,127,0\n1,2,1\n"),
        ("short", "i2", "i8", ",", "p,q,y\n-129,32767,0\n1,2,1\n"),
        ("gaps", "f8", "i8", ",", "p,q,y\n,1.5,0\n2,NaN,1\n3,4,1\n"),
        ("digits", "f8", "f8", ",", "1.7976931348623157e308,4.9e-324,0.1234567890123456789\n9007199254740993,2.2250738585072011e-308,"
                                    "123456789012345678e-27\n8.41e21,1.00000000000000011102230246251565404,.5\n")]:
    (here / f"{name}.csv").write_bytes(text.encode())
    a = np.genfromtxt(here / f"{name}.csv", delimiter=separator, skip_header=1 if text[0].isalpha() else 0)
    put([f"{name}.csv"], a[:, :-1], expected, a[:, -1], label)

# IDX: big-endian, as numpy.frombuffer reads it.
for name, code, dtype, expected, label in [("u1", 8, "u1", "u1", "u1"), ("i1", 9, "i1", "i1", "i1"), ("i2", 11, ">i2", "i2", "i2"),
                                           ("i4", 12, ">i4", "f8", "i4"), ("f4", 13, ">f4", "f4", "f8"), ("f8", 14, ">f8", "f8", "f8")]:
    x, y = values(np.dtype(dtype), (4, 2, 3)), values(np.dtype(dtype), 4)
    for part, a in (("x", x), ("y", y)):
        head = bytes([0, 0, code, a.ndim]) + np.array(a.shape, ">u4").tobytes()
        (here / f"{part}-{name}.idx").write_bytes(head + a.tobytes())
    read = [np.frombuffer((here / f"{part}-{name}.idx").read_bytes(), dtype, offset=4 + 4 * n) for part, n in (("x", 3), ("y", 1))]
    put([f"x-{name}.idx", f"y-{name}.idx"], read[0].reshape(4, 6), expected, read[1], label)
(here / "imports.txt").write_text("".join(lines))
