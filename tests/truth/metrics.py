#!/usr/bin/env python3
"""Scores small stored vectors with scikit-learn and writes metrics.json.

Margins are multiples of 1/8, so that ties are ties in every implementation. A class is predicted
where its score is largest, the first one on a tie: a binary margin of exactly 0 is class 0.
"""
import json
from pathlib import Path

import numpy as np
from sklearn.metrics import (accuracy_score, confusion_matrix, f1_score, log_loss, mean_absolute_error,
                             mean_poisson_deviance, mean_squared_error, r2_score, roc_auc_score)

rng = np.random.RandomState(7)  # the legacy generator: its stream never changes


def eighths(shape, limit):
    return rng.randint(-8 * limit, 8 * limit + 1, size=shape) / 8


def labelled(y, predicted, P):
    """What both kinds of classifier share. f1_macro is the mean over all K classes, a class without
    true and predicted rows counting 0; f1_macro_present leaves such classes out (scikit-learn's default)."""
    classes = range(P.shape[1])
    return {
        "accuracy": accuracy_score(y, predicted),
        "log_loss": log_loss(y, P, labels=classes),
        "f1_macro": f1_score(y, predicted, labels=classes, average="macro", zero_division=0),
        "f1_macro_present": f1_score(y, predicted, average="macro", zero_division=0),
        "confusion": confusion_matrix(y, predicted, labels=classes).tolist(),  # [true][predicted]
    }


def binary(name, y, z):
    y, z = np.asarray(y), np.asarray(z, dtype=float)
    p = 1 / (1 + np.exp(-z))
    auc = float(roc_auc_score(y, z)) if len(set(y.tolist())) == 2 else None  # undefined with one class
    return {"name": name, "y": y.tolist(), "z": z.tolist(), "p": p.tolist(),
            **labelled(y, (z > 0).astype(int), np.column_stack([1 - p, p])), "roc_auc": auc}


def multiclass(name, y, Z):
    y, Z = np.asarray(y), np.asarray(Z, dtype=float)
    P = np.exp(Z - Z.max(1, keepdims=True))
    P /= P.sum(1, keepdims=True)
    return {"name": name, "y": y.tolist(), "z": Z.tolist(), "p": P.tolist(), **labelled(y, Z.argmax(1), P)}


def regression(name, y, z):
    y, z = np.asarray(y, dtype=float), np.asarray(z, dtype=float)
    return {"name": name, "y": y.tolist(), "z": z.tolist(), "r2": r2_score(y, z),
            "rmse": mean_squared_error(y, z, squared=False), "mae": mean_absolute_error(y, z)}


def counts(name, y, z):
    """Margins of a log link: metrics are those of exp(z)."""
    return {**regression(name, y, np.exp(z)), "z": np.asarray(z, dtype=float).tolist(),
            "deviance": mean_poisson_deviance(y, np.exp(z))}


def main():
    y40 = (rng.uniform(size=40) < 0.4).astype(int)
    y200 = (rng.uniform(size=200) < 0.1).astype(int)
    y60, y30 = rng.randint(0, 3, size=60), rng.randint(0, 4, size=30)
    noise = eighths(50, 4)
    line = np.arange(50) / 4
    truth = {
        "binary": [
            binary("eight rows by hand", [0, 0, 1, 1, 0, 1, 1, 0], [-2, 0.5, 0.5, 3, -1, -0.25, 0, 0]),
            binary("separated", [0, 0, 0, 1, 1], [-3, -2, -0.5, 0.25, 8]),
            binary("all scores equal", [1, 0, 1, 1], [0.5, 0.5, 0.5, 0.5]),
            binary("class 1 never predicted", [0, 1, 0, 1, 0], [-1, -2, -3, -0.125, -4]),
            binary("forty rows with many ties", y40, eighths(40, 1) + y40 / 2),
            binary("rare positives, two hundred rows", y200, eighths(200, 2) + 1.5 * y200 - 1),
            binary("one class only", [1, 1, 1], [2, -1, 0.5]),
        ],
        "multiclass": [
            multiclass("three classes with tied margins", y60, eighths((60, 3), 1) + np.eye(3)[y60]),
            multiclass("four classes, one without true rows", np.where(y30 == 2, 3, y30),
                       eighths((30, 4), 1) + np.eye(4)[y30]),
            multiclass("five classes, one neither true nor predicted", [0, 1, 3, 4, 4, 0],
                       np.eye(5)[[0, 1, 3, 4, 3, 1]] * 2),
        ],
        "regression": [
            regression("line with noise", 3 * line + 4 + noise, 3 * line + 4),
            regression("worse than the mean", noise, noise[::-1] * 2),
            regression("large offset", 1e8 + noise, 1e8 + noise + eighths(50, 1) / 2),
            regression("constant labels", [5, 5, 5, 5], [5, 5.5, 4.5, 5]),  # r2 is 0 by definition
            regression("constant labels, predicted exactly", [5, 5, 5], [5, 5, 5]),  # r2 is 1 by definition
        ],
    }
    rate = eighths(60, 2)
    truth["poisson"] = [
        counts("sixty counts", rng.poisson(np.exp(rate)), rate + eighths(60, 1) / 4),
        counts("no counts at all", [0, 0, 0], [-2, 0, 1]),
        counts("every count predicted", [1, 1, 1, 1], [0, 0, 0, 0]),
        counts("large and fractional", [1000, 2.5, 0, 40], [6.5, 1, -3, 4]),
    ]
    lines = [f' "{kind}": [\n  ' + ",\n  ".join(json.dumps(c) for c in cases) + "\n ]" for kind, cases in truth.items()]
    (Path(__file__).resolve().parent / "metrics.json").write_text("{\n" + ",\n".join(lines) + "\n}\n")


if __name__ == "__main__":
    main()
