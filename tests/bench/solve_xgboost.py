"""Seconds to the optimum with xgboost's gblinear: rounds of coordinate descent until F of its weights is within 1e-6 of F*, looked
at in steps of a tenth; making the DMatrix and computing F are not counted.

/usr/bin/python3 tests/bench/solve_xgboost.py DATA.h5 L2 OPTIMUM THREADS SECONDS
"""
import json
import sys
import time

import numpy as np
import xgboost

import problem

path, l2, best, threads, limit = sys.argv[1:]
l2, best = float(l2), float(best)
x, y, m = problem.load(path)
data = xgboost.DMatrix(x, label=y)
settings = {"booster": "gblinear", "objective": "binary:logistic", "updater": "coord_descent", "feature_selector": "cyclic",
            "eta": 1, "lambda": l2, "alpha": 0, "base_score": 0.5, "nthread": int(threads), "verbosity": 0}


def objective_of(booster):
    weights = json.loads(booster.get_dump(dump_format="json")[0])
    return problem.objective(x, y, np.ravel(weights["weight"]), float(np.ravel(weights["bias"])[0]), l2)


def main():
    booster, seconds, k, look, least = xgboost.Booster(settings, [data]), 0.0, 0, 1, (np.inf, 0.0, "")
    name = f"xgboost {'.'.join(xgboost.__version__.split('.')[:2])}, gblinear, float32"
    while seconds < float(limit) and k < 1000:
        start = time.perf_counter()
        booster.update(data, k)
        seconds += time.perf_counter() - start
        k += 1
        if k < look and seconds < float(limit):
            continue
        look = k + max(1, k // 10)
        distance = problem.gap(objective_of(booster), best)
        least = min(least, (distance, seconds, f"{k} rounds"))
        if distance <= problem.GAP:
            return problem.say("solve", name, seconds, distance, least[2])
    problem.say("missed", name, least[1], least[0], least[2])


main()
