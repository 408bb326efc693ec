#!/usr/bin/env python3
"""Makes every data file of this folder, or of the folder named as the first argument.

Needs numpy, h5py and scikit-learn, whose wheel carries the real data, so nothing is downloaded.
No time stamps are written: the same library versions give the same bytes.
"""
import sys
from pathlib import Path

import h5py
import numpy as np
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits

CREDIT_NAMES = ["salary", "savings", "floor_area"]
CREDIT = np.array([  # the last column is the credit limit
    [8500, 15000, 68, 42000],
    [9200, 18000, 72, 48500],
    [7800, 22000, 65, 45200],
    [11500, 28000, 85, 62000],
    [10200, 25000, 78, 58800],
    [13800, 35000, 95, 78600],
    [12600, 32000, 88, 72400],
    [14200, 38000, 92, 81200],
], dtype="<f8")


def write(path, X, y, names=None, chunk_rows=None):
    """Writes /X (m, n), /y (m) and, when given, /feature_names (n). With chunk_rows, /X is
    chunked by that many whole rows, shuffled and compressed; otherwise it is contiguous."""
    packed = {}
    if chunk_rows:
        packed = dict(chunks=(chunk_rows, X.shape[1]), compression="gzip", compression_opts=9, shuffle=True)
    with h5py.File(path, "w") as f:
        f.create_dataset("X", data=X, track_times=False, **packed)
        f.create_dataset("y", data=y, track_times=False)
        if names is not None:
            f.create_dataset("feature_names", data=[str(s) for s in names],
                             dtype=h5py.string_dtype("utf-8"), track_times=False)


def main(folder):
    # F = (theta - 1)^2 + 4 and F = (theta - 3)^2 as least squares without intercept
    write(folder / "parabola-1.h5", np.array([[2.0], [0.0]]), np.array([2.0, 4.0]))
    write(folder / "parabola-3.h5", np.array([[2.0], [0.0]]), np.array([6.0, 0.0]))

    write(folder / "credit.h5", CREDIT[:, :3], CREDIT[:, 3], CREDIT_NAMES)
    header = ",".join(CREDIT_NAMES + ["credit_limit"])
    lines = [header] + [",".join(f"{v:.0f}" for v in row) for row in CREDIT]
    (folder / "credit.csv").write_bytes(("\n".join(lines) + "\n").encode())

    digits = load_digits()
    X, y = digits.data.astype("u1"), digits.target.astype("u1")
    assert (X == digits.data).all()
    write(folder / "digits-train.h5", X[:1437], y[:1437], chunk_rows=256)
    write(folder / "digits-test.h5", X[1437:], y[1437:], chunk_rows=256)

    cancer = load_breast_cancer()  # 0 malignant, 1 benign
    write(folder / "breast-cancer.h5", cancer.data.astype("<f8"), cancer.target.astype("u1"),
          cancer.feature_names, chunk_rows=128)

    diabetes = load_diabetes(scaled=False)
    write(folder / "diabetes.h5", diabetes.data.astype("<f8"), diabetes.target.astype("<f8"),
          diabetes.feature_names, chunk_rows=128)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).resolve().parent)
