"""Seconds to the optimum with a solver of scikit-learn: fit() alone, rows in memory in the type that is named, at the
loosest decade of tol that gets within 1e-6 of F*; a first fit of 200 rows is not counted. liblinear penalises the intercept;
with intercept_scaling=10 by a hundredth, which F does not count.

/usr/bin/python3 tests/bench/solve_sklearn.py DATA.h5 L2 OPTIMUM SOLVER float32|float64 REPEAT SECONDS
"""
import statistics
import sys
import time
import warnings

import numpy as np
import sklearn
from sklearn.linear_model import LogisticRegression

import problem

path, l2, best, solver, dtype, repeat, limit = sys.argv[1:]
l2, best = float(l2), float(best)
name = f"scikit-learn {'.'.join(sklearn.__version__.split('.')[:2])}, {solver}, {dtype}"
stored, y, m = problem.load(path)
x = np.ascontiguousarray(stored, dtype)
warnings.filterwarnings("ignore")


def fit(rows, tol):
    model = LogisticRegression(C=1 / (l2 * rows), solver=solver, tol=tol, max_iter=10000, intercept_scaling=10)
    start = time.perf_counter()
    model.fit(x[:rows], y[:rows])
    return time.perf_counter() - start, model


def main():
    fit(min(m, 200), 1e-2)
    began, least = time.perf_counter(), (np.inf, 0.0, "")
    for decade in range(0, -15, -1):
        seconds, model = fit(m, 10.0**decade)
        distance = problem.gap(problem.objective(stored, y, model.coef_[0], model.intercept_[0], l2), best)
        least = min(least, (distance, seconds, f"tol 1e{decade}, {int(np.max(model.n_iter_))} iterations"))
        if distance <= problem.GAP:
            all_seconds = [seconds] + [fit(m, 10.0**decade)[0] for _ in range(int(repeat) - 1)]
            return problem.say("solve", name, statistics.median(all_seconds), distance, least[2])
        if time.perf_counter() - began > float(limit):
            break
    problem.say("missed", name, least[1], least[0], least[2])


main()
