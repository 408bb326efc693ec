#!/usr/bin/env python3
"""words*.h5: one table with its labels as strings of variable length, of fixed length, and as numbers with /classes; the last
one again without its first class and numbered the other way round.   words.py [FOLDER]"""
import sys
from pathlib import Path

import h5py
import numpy as np

folder = Path(sys.argv[1] if len(sys.argv) > 1 else __file__).resolve()
folder = folder if folder.is_dir() else folder.parent
rng = np.random.default_rng(7)
X = rng.normal(size=(240, 3)).astype("f4")
k = (X @ rng.normal(size=(3, 3)) + rng.normal(size=(240, 3))).argmax(axis=1)
names = ["ash", "beech", "élm"]  # in the order of their bytes
text = h5py.string_dtype()


def write(name, X, y, classes=None, **how):
    with h5py.File(folder / name, "w") as f:
        f.create_dataset("X", data=X, track_times=False)
        f.create_dataset("y", data=y, track_times=False, **how)
        if classes:
            f.create_dataset("classes", data=classes, dtype=text, track_times=False)


write("words.h5", X, [names[i] for i in k], dtype=text)
write("words-fixed.h5", X, np.array([names[i].encode() for i in k], dtype="S9"))
write("words-numbers.h5", X, k.astype("i8"), names)
some = k != 0
write("words-some.h5", X[some], (2 - k[some]).astype("u1"), names[:0:-1])
