#!/usr/bin/env python3
"""Classifiers with weights of classes, without thalweg: writes classes.json and classes.h5 (2 s).

F(w) = (1/W) sum weight factor_class loss + (l2/2) |w|^2, W the sum of weight times factor, by Newton's method with numpy;
scikit-learn's compute_class_weight must give the same factors and its LogisticRegression(class_weight=...) the same optimum.
With row weights, "balanced" counts a row of weight 2 as two rows, which is what repeating the rows gives scikit-learn.
"""
import json
import pathlib

import h5py
import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.utils.class_weight import compute_class_weight

HERE = pathlib.Path(__file__).resolve().parent
NAMES = ["blue", "green", "red"]

rng = np.random.default_rng(7)
y = np.repeat([0, 1, 2], [90, 33, 12])
centre = np.array([[0, 0, 0], [1.2, 0.4, -0.5], [0.3, 1.5, 1.0]])
X = np.round(centre[y] + rng.normal(size=(len(y), 3)) * [1, 1.5, 0.8], 2)
order = rng.permutation(len(y))
X, y = X[order], y[order]
count = rng.integers(1, 4, len(y))  # whole row weights, so that rows can be repeated

with h5py.File(HERE / "classes.h5", "w") as file:
    file["X"] = X
    file["y"] = y.astype("i1")
    file["row_weights"] = count.astype("f8")
    file["classes"] = np.array(NAMES, dtype=h5py.string_dtype())


def newton(X, y, weight, K, l2):
    """Softmax with K vectors, or logistic (K = 1); the intercept is not penalised."""
    m, n = X.shape
    A = np.hstack([X, np.ones((m, 1))])
    penalty = np.tile(np.append(np.full(n, l2), 0), K)
    W, w = weight.sum(), np.zeros(K * (n + 1))
    for _ in range(100):
        z = A @ w.reshape(K, n + 1).T
        if K == 1:
            p, t = 1 / (1 + np.exp(-z)), y[:, None]
        else:
            p = np.exp(z - z.max(1, keepdims=True))
            p, t = p / p.sum(1, keepdims=True), np.eye(K)[y]
        g = ((p - t) * weight[:, None] / W).T @ A
        g = g.ravel() + penalty * w
        H = np.diag(penalty)
        for i in range(K):
            for j in range(K):
                c = (p[:, i] * ((i == j) - p[:, j]) * weight) / W
                s, t_ = slice(i * (n + 1), (i + 1) * (n + 1)), slice(j * (n + 1), (j + 1) * (n + 1))
                H[s, t_] += A.T @ (A * c[:, None])
        step = np.linalg.lstsq(H, -g, rcond=1e-13)[0]
        w = w + step
        if np.abs(step).max() < 1e-14 * (1 + np.abs(w).max()):
            break
    assert np.abs(g).max() < 1e-12
    z = A @ w.reshape(K, n + 1).T
    loss = np.logaddexp(0, z[:, 0]) - y * z[:, 0] if K == 1 else np.log(np.exp(z - z.max(1, keepdims=True)).sum(1)) + z.max(1) - z[np.arange(m), y]
    v = w.reshape(K, n + 1)
    v = v - v.mean(0) if K > 1 else v
    return (weight * loss).sum() / W + (penalty * w * w).sum() / 2, v[:, :-1], v[:, -1]


everything = np.arange(len(y))


def case(name, rows, labels, classes, mapping, weights, l2):
    features, target = X[rows], labels[rows]
    weight = count[rows].astype(float) if weights else np.ones(len(target))
    K = len(classes)
    if mapping == "balanced":
        factor = compute_class_weight("balanced", classes=np.arange(K), y=np.repeat(target, weight.astype(int)))
    else:
        factor = np.array([mapping.get(c, 1.0) for c in classes])
    full = weight * factor[target]
    f, coef, intercept = newton(features, target, full, 1 if K == 2 else K, l2)
    sk = LogisticRegression(C=1 / (full.sum() * l2), class_weight=mapping if mapping == "balanced" else dict(enumerate(factor)), solver="newton-cg", tol=1e-7, max_iter=1000, multi_class="auto")
    repeat = np.repeat(np.arange(len(target)), weight.astype(int))
    sk.fit(features[repeat], target[repeat])
    centred = sk.coef_ - sk.coef_.mean(0) if K > 2 else sk.coef_
    assert np.abs(centred - coef).max() < 1e-5 * np.abs(coef).max(), name
    left = np.setdiff1d(everything, rows)
    watched = float("nan")
    if len(left):  # the mean loss of the rows left out knows the weights of rows alone
        z = X[left] @ coef.T + intercept
        loss = np.log(np.exp(z).sum(1)) - z[np.arange(len(left)), labels[left]]
        watched = float(np.average(loss, weights=count[left]))
    return {"name": name, "validation_loss": None if np.isnan(watched) else watched, "factor": factor.tolist(), "objective": f, "coef_": coef.ravel().tolist(), "intercept_": intercept.ravel().tolist()}


cases = [
    case("balanced", everything, y, NAMES, "balanced", False, 0.01),
    case("balanced weights", everything, y, NAMES, "balanced", True, 0.01),
    case("named", everything, y, NAMES, {"green": 2.5, "red": 7}, False, 0.01),
    case("numbered", everything, y, NAMES, {"blue": 0.5, "green": 2}, True, 0.1),
    case("tail", everything[:-35], y, NAMES, "balanced", True, 0.01),
]


def line(key, value):
    return f'  "{key}": ' + json.dumps(value, separators=(",", ":"))


text = ",\n".join(" {\n" + ",\n".join(line(k, v) for k, v in c.items()) + "\n }" for c in cases)
(HERE / "classes.json").write_text("[\n" + text + "\n]\n")
