#!/usr/bin/env python3
"""Scores small stored vectors with scikit-learn and writes metrics.json.

Margins are multiples of 1/8, so that ties are ties in every implementation. A class is predicted
where its score is largest, the first one on a tie: a binary margin of exactly 0 is class 0.
"""
import json
import warnings
from pathlib import Path

import numpy as np
from sklearn.metrics import (accuracy_score, balanced_accuracy_score, brier_score_loss, confusion_matrix, f1_score, log_loss,
                             mean_absolute_error, mean_poisson_deviance, mean_squared_error,
                             precision_recall_fscore_support, r2_score, roc_auc_score)

rng = np.random.RandomState(7)  # the legacy generator: its stream never changes


def eighths(shape, limit):
    return rng.randint(-8 * limit, 8 * limit + 1, size=shape) / 8


def by_class(y, predicted, classes, weight):
    """scikit-learn's, but null where a quotient is 0/0: a class never predicted has no precision, one without
    true rows no recall, and without either no f1."""
    precision, recall, f1, support = precision_recall_fscore_support(y, predicted, labels=classes, zero_division=0,
                                                                     sample_weight=weight)
    counts = confusion_matrix(y, predicted, labels=classes, sample_weight=weight)
    true, said = counts.sum(1) > 0, counts.sum(0) > 0
    pick = lambda values, there: [float(v) if t else None for v, t in zip(values, there)]
    return {"precision": pick(precision, said), "recall": pick(recall, true), "f1": pick(f1, true | said),
            "support": [float(v) for v in support]}


def labelled(y, predicted, P, weight):
    """What both kinds of classifier share. f1_macro is the mean over all K classes, a class without
    true and predicted rows counting 0; f1_macro_present leaves such classes out (scikit-learn's default)."""
    classes = range(P.shape[1])
    there = slice(None) if weight is None else weight > 0  # a class of weight 0 would count as present
    y, predicted, P, weight = y[there], predicted[there], P[there], None if weight is None else weight[there]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a class that is predicted and has no true rows
        balanced = balanced_accuracy_score(y, predicted, sample_weight=weight)
    return {
        "accuracy": accuracy_score(y, predicted, sample_weight=weight),
        "balanced_accuracy": balanced,
        "log_loss": log_loss(y, P, labels=classes, sample_weight=weight),
        "f1_macro": f1_score(y, predicted, labels=classes, average="macro", zero_division=0, sample_weight=weight),
        "f1_macro_present": f1_score(y, predicted, average="macro", zero_division=0, sample_weight=weight),
        "f1_weighted": f1_score(y, predicted, average="weighted", zero_division=0, sample_weight=weight),
        "class": by_class(y, predicted, classes, weight),
        "confusion": confusion_matrix(y, predicted, labels=classes, sample_weight=weight).tolist(),  # [true][predicted]
    }


def shown(p):
    return {"p": p.tolist()} if len(p) <= 200 else {}


def given(weight):
    return {} if weight is None else {"weight": weight.tolist()}


def binary(name, y, z, weight=None):
    y, z = np.asarray(y), np.asarray(z, dtype=float)
    weight = None if weight is None else np.asarray(weight, dtype=float)
    p = 1 / (1 + np.exp(-z))
    seen = set((y if weight is None else y[weight > 0]).tolist())
    auc = float(roc_auc_score(y, z, sample_weight=weight)) if len(seen) == 2 else None  # undefined with one class
    return {"name": name, "y": y.tolist(), "z": z.tolist(), **shown(p), **given(weight),
            **labelled(y, (z > 0).astype(int), np.column_stack([1 - p, p]), weight), "roc_auc": auc,
            "brier": brier_score_loss(y, p, pos_label=1, sample_weight=weight)}


def multiclass(name, y, Z, weight=None):
    y, Z = np.asarray(y), np.asarray(Z, dtype=float)
    weight = None if weight is None else np.asarray(weight, dtype=float)
    P = np.exp(Z - Z.max(1, keepdims=True))
    P /= P.sum(1, keepdims=True)
    out = {"name": name, "y": y.tolist(), "z": Z.tolist(), **shown(P), **given(weight),
           **labelled(y, Z.argmax(1), P, weight)}
    if Z.shape[1] == 2:
        out["roc_auc"] = float(roc_auc_score(y, Z[:, 1] - Z[:, 0], sample_weight=weight))
        out["brier"] = brier_score_loss(y, P[:, 1], sample_weight=weight)
    return out


def regression(name, y, z, weight=None):
    y, z = np.asarray(y, dtype=float), np.asarray(z, dtype=float)
    weight = None if weight is None else np.asarray(weight, dtype=float)
    return {"name": name, "y": y.tolist(), "z": z.tolist(), **given(weight), "r2": r2_score(y, z, sample_weight=weight),
            "rmse": mean_squared_error(y, z, squared=False, sample_weight=weight),
            "mae": mean_absolute_error(y, z, sample_weight=weight)}


def counts(name, y, z, weight=None):
    """Margins of a log link: metrics are those of exp(z)."""
    return {**regression(name, y, np.exp(z), weight), "z": np.asarray(z, dtype=float).tolist(),
            "deviance": mean_poisson_deviance(y, np.exp(z), sample_weight=weight)}


def more(truth):
    """Weights, and rows for several blocks; drawn after the cases above, whose numbers stay."""
    y = (rng.uniform(size=700) < 0.35).astype(int)
    z = eighths(700, 2) + y / 2
    wide = 10.0 ** rng.uniform(-9, 9, size=700)  # ratios that no sum in doubles keeps
    third = rng.randint(0, 9, size=700) / 3  # no binary fractions; some are 0
    y5 = rng.randint(0, 5, size=600)
    Z5 = eighths((600, 5), 1) + np.eye(5)[y5] / 2
    tenth = rng.randint(0, 7, size=600) / 10
    truth["binary"] += [
        binary("seven hundred rows", y, z),
        binary("weights in thirds, some 0", y, z, third),
        binary("weights from 1e-9 to 1e9", y, z, wide),
        binary("integer weights and many ties", (rng.uniform(size=90) < 0.5).astype(int),
               rng.randint(0, 3, size=90) - 1.0, rng.randint(1, 6, size=90)),
        binary("one score, weighted", [0, 1, 1, 0], [0.5] * 4, [0.1, 0.2, 0.3, 0.7]),
        binary("one class has weight", [0, 1, 1, 0], [0.5, 1, 2, 3], [0, 0.2, 0.3, 0]),
        binary("distinct scores", y, rng.uniform(-3, 3, size=700) + y),
    ]
    truth["multiclass"] += [
        multiclass("six hundred rows, five classes", y5, Z5),
        multiclass("weights in tenths, some 0", y5, Z5, tenth),
        multiclass("two classes with two outputs", y, np.column_stack([-z / 2, z / 2]), third),
        multiclass("a class whose rows all have weight 0", y5, Z5, np.where(y5 == 1, 0, tenth + 0.1)),
        multiclass("one class is true", np.full(30, 2), eighths((30, 4), 1)),
    ]
    line = np.arange(600) / 16
    noise = eighths(600, 3)
    truth["regression"] += [
        regression("weights in tenths", 3 * line + noise, 3 * line, tenth),
        regression("constant labels, weighted", [5, 5, 5, 5], [5, 5.5, 4.5, 5], [1, 0.5, 2, 0.1]),
    ]
    truth["poisson"].append(counts("weighted counts", rng.poisson(2, size=60), eighths(60, 1), tenth[:60] + 0.1))


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
    more(truth)
    lines = [f' "{kind}": [\n  ' + ",\n  ".join(json.dumps(c) for c in cases) + "\n ]" for kind, cases in truth.items()]
    (Path(__file__).resolve().parent / "metrics.json").write_text("{\n" + ",\n".join(lines) + "\n}\n")


if __name__ == "__main__":
    main()
