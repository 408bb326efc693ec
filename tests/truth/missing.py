#!/usr/bin/env python3
"""missing.h5 and missing.json: a table with gaps, and what scikit-learn and NumPy make of it.

SimpleImputer and StandardScaler over all rows and over those with index % 5 != 0; the first rows rounded once, to float16
and float32 by NumPy, to bfloat16 by fractions.   missing.py [FOLDER]"""
import json
import math
import sys
from fractions import Fraction
from pathlib import Path

import h5py
import numpy as np
import sklearn
from sklearn.impute import SimpleImputer
from sklearn.preprocessing import StandardScaler

folder = Path(sys.argv[1] if len(sys.argv) > 1 else __file__).resolve()
folder = folder if folder.is_dir() else folder.parent
rng = np.random.default_rng(20261122)
rows, cols = 700, 5
X = rng.normal(size=(rows, cols)) * [1, 1e-3, 250, 1, 7] + [0, 5, 1000, -2, 0]
X[:, 4] = np.floor(X[:, 4])
X[rng.uniform(size=X.shape) < 0.03] = np.nan
X[3, 0] = 65519.9  # float16: 65504
X[4, 1] = 2.0**-25 * 1.0000001  # the least above half of the smallest float16
X[5, 3] = 1 + 2.0**-11  # a tie in float16, to even
X[6, 3] = 1 + 3 * 2.0**-11
X[7, 3] = 1 + 2.0**-8 + 2.0**-40  # by way of float32 it would be a tie in bfloat16
y = (rng.uniform(size=rows) < 0.5).astype("i4")
with h5py.File(folder / "missing.h5", "w", track_order=False) as f:
    f.create_dataset("X", data=X, track_times=False)
    f.create_dataset("y", data=y, track_times=False)

truth = {"made by": f"missing.py, scikit-learn {sklearn.__version__}, numpy {np.__version__}"}
for name, take in (("all", np.arange(rows)), ("part", np.arange(rows)[np.arange(rows) % 5 != 0])):
    imputer = SimpleImputer().fit(X[take])
    scaler = StandardScaler().fit(imputer.transform(X[take]))
    truth[name] = {"fill": imputer.statistics_.tolist(), "mean": scaler.mean_.tolist(), "scale": scaler.scale_.tolist()}
truth["complete_rows"] = int((~np.isnan(X).any(axis=1)).sum())
truth["missing"] = int(np.isnan(X).sum())


def bfloat16(value):
    """Bits of the nearest, ties to even, of a number that is not subnormal there."""
    if value == 0:
        return 0x8000 if math.copysign(1, value) < 0 else 0
    exponent = math.frexp(abs(value))[1] - 1
    kept = round(Fraction(abs(value)) / Fraction(2) ** (exponent - 7))  # Python rounds ties to even
    return (0x8000 if value < 0 else 0) | ((exponent + 127) << 7) + kept - 128


first = X[:40].ravel()
gaps = np.isnan(first)
bits = lambda numbers: [None if gap else int(number) for gap, number in zip(gaps, numbers)]
truth["f16"] = bits(first.astype("f2").view("u2"))
truth["bf16"] = bits([0 if gap else bfloat16(value) for gap, value in zip(gaps, first)])
truth["f32"] = bits(first.astype("f4").view("u4"))
(folder / "missing.json").write_text(json.dumps(truth, indent=0) + "\n")
