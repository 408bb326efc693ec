"""What the peers share: the rows of a file, F in double precision, and lines that `run` reads.

    gradient NAME SECONDS LOSS                 median seconds of one full-batch gradient, and the mean loss at the last point
    solve NAME SECONDS GAP SETTING             seconds to F - F* <= 1e-6 F*, and what it is by
    missed NAME SECONDS GAP SETTING            the same of the best that was tried, when it does not get there
"""
import h5py
import numpy as np

GAP = 1e-6


def load(path, rank=0, size=1):
    """X as stored and y of this rank's rows, and how many rows there are in all."""
    with h5py.File(path, "r") as f:
        m = f["X"].shape[0]
        rows = slice(m * rank // size, m * (rank + 1) // size)
        return f["X"][rows], f["y"][rows], m


def objective(x, y, w, b, l2):
    """F of a logistic model: mean loss + l2/2 |w|^2, the intercept free, in double precision over pieces of the rows."""
    w, total = np.asarray(w, np.float64), 0.0
    for at in range(0, len(y), 20000):
        z = x[at : at + 20000].astype(np.float64) @ w + b
        total += float((np.logaddexp(0, z) - y[at : at + 20000] * z).sum())
    return total / len(y) + 0.5 * l2 * float(w @ w)


def gap(value, best):
    """Relative, to the best objective found by anybody."""
    return (value - best) / best


def say(kind, name, seconds, figure, setting=""):
    print(kind, name.replace(" ", "_"), f"{seconds:.6g} {figure:.9g}", setting.replace(" ", "_"), flush=True)
