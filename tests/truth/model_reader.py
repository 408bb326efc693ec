#!/usr/bin/env python3
"""model_reader.py MODEL.h5 [DATA.h5]: reads model.h5 as a user of h5py and numpy would, without us.

Prints the shapes, or with a data set (/X) the margins of its first rows: X @ coef_.T + intercept_."""
import sys

import h5py

with h5py.File(sys.argv[1]) as model:
    coef, intercept = model["coef_"][:], model["intercept_"][:]
    print(model.attrs["model"], coef.shape, intercept.shape, model["classes_"][:] if "classes_" in model else "")
if len(sys.argv) > 2:
    with h5py.File(sys.argv[2]) as data:
        print(data["X"][:20].astype(float) @ coef.T + intercept)
