#!/usr/bin/env python3
"""Regularisation paths and their cross-validation without thalweg: writes path.json and the data of the weighted case.

Penalties: lambda_0 is the largest slope of a coefficient where only intercepts are fitted, over the share l1 / (l1 + l2);
then geometric down to min_ratio lambda_0. At each the minimum of F(w) = (1/W) sum weight loss + (l2/2) |w|^2 + l1 |w|_1 by
Newton on the coefficients that are not zero in 80-bit long double, which finds its own support (lasso.py); the conditions
of optimality are asserted, which for a convex F is proof, and scikit-learn must agree: enet_path, ElasticNet with weights,
LogisticRegression with saga at every fifth penalty.

The fold of a row is drawn by Philox4x32-10 (Salmon et al. 2011), written here from the paper; as many folds as rows are one
row each. Scaling is fitted to the training rows of each fold, the penalties are those of all rows. cv_mean and cv_error as
cv.glmnet has them: folds count by their weight, and cv_error = sqrt(weighted mean of squared deviations / (folds - 1)),
folds without rows left out.
"""
import json
import warnings

import h5py
import numpy as np
from sklearn.linear_model import ElasticNet, LogisticRegression, enet_path

from lasso import largest_l1, objective, polish
from optima import CANCER, CREDIT, DIABETES, DIGITS, HERE, LD, ROOT, Problem, load, scaling_of

WEIGHTED = "tests/truth/weighted.h5"

CASES = [  # name, data, model, scaling, l1, l2, count, min_ratio, folds, seed
    ("lasso", DIABETES, "linear", "standardize", 1, 0, 20, 1e-3, 5, 1),
    ("other seed", DIABETES, "linear", "standardize", 1, 0, 20, 1e-3, 5, 2),
    ("example", DIABETES, "linear", "standardize", 1, 0, 50, 1e-3, 10, 1),
    ("elastic net", DIABETES, "linear", "standardize", 0.5, 0.5, 15, 1e-3, 4, 7),
    ("unscaled", DIABETES, "linear", "none", 2, 1, 8, 1e-2, 0, 0),
    ("weights", WEIGHTED, "linear", "minmax", 3, 1, 10, 1e-2, 3, 11),
    ("logistic", CANCER, "logistic", "standardize", 1, 0, 12, 5e-3, 4, 3),
    ("logistic elastic net", CANCER, "logistic", "standardize", 0.3, 0.7, 12, 1e-2, 3, 5),
    ("softmax", CANCER, "softmax", "minmax", 0.5, 0.5, 8, 0.05, 3, 9),
    ("leave one out", CREDIT, "linear", "standardize", 1, 0, 10, 1e-2, 8, 1),
    ("empty folds", CREDIT, "linear", "standardize", 1, 1, 6, 0.1, 6, 1),
]


def philox(seed, stream, index):
    """The first 64 random bits of the counter (index, stream) under the key seed."""
    low = 0xFFFFFFFF
    x = [index & low, index >> 32, stream & low, stream >> 32]
    k0, k1 = seed & low, seed >> 32
    for _ in range(10):
        a, b = 0xD2511F53 * x[0], 0xCD9E8D57 * x[2]
        x = [(b >> 32) ^ x[1] ^ k0, b & low, (a >> 32) ^ x[3] ^ k1, a & low]
        k0, k1 = (k0 + 0x9E3779B9) & low, (k1 + 0xBB67AE85) & low
    return x[0] << 32 | x[1]


assert philox(0, 0, 0) == 0x6627E8D5E169C58D  # Random123's known answers
assert philox(0xA4093822 | 0x299F31D0 << 32, 0x13198A2E | 0x03707344 << 32, 0x243F6A88 | 0x85A308D3 << 32) == 0xD16CFE0994FDCCEB


def folds_of(rows, folds, seed):
    if folds == rows:
        return np.arange(rows)
    return np.array([philox(seed, 4 << 56, i) * folds >> 64 for i in range(rows)])


class Weighted(Problem):
    def __init__(self, Xs, y, model, l2, weight):
        super().__init__(Xs, y, model, l2, True)
        if weight is None:
            return
        loss, share = self.loss, weight.astype(LD) * len(y) / weight.sum(dtype=LD)

        def weighted(Z, y):
            losses, R, H = loss(Z, y)
            return share * losses, share[:, None] * R, share[:, None, None] * H
        self.loss = weighted


def certify(p, W, n, l1):
    """The slopes that the minimum must have; returns how far the nearest zero coefficient is from leaving."""
    g = p.value(W)[1]
    zero = W[:n] == 0
    assert abs(g[n]).max() < 1e-15 * max(1, l1) and (zero.all() or abs((g[:n] + l1 * np.sign(W[:n]))[~zero]).max() < 1e-15 * max(1, l1))
    slack = float((1 - abs(g[:n][zero]) / l1).min()) if zero.any() else 1.0
    assert slack > -1e-15
    return slack


def intercepts(p, n):
    """Only intercepts are fitted."""
    W = np.zeros((n + 1, p.K), LD)
    for _ in range(60):
        _, g, H = p.value(W)
        M = H.mean(0).astype(float) + (1 / p.K if p.K > 1 else 0)
        W[n] -= np.linalg.solve(M, g[n].astype(float))
    return W


def walk(Xs, y, weight, model, penalties):
    """The minimum at each penalty, each from the one before."""
    n, W, out, slack = Xs.shape[1], None, [], 1.0
    for l1, l2 in penalties:
        p = Weighted(Xs, y, model, l2, weight)
        W = intercepts(p, n) if W is None else W
        if len(out) or abs(p.value(W)[1][:n]).max() > l1 * (1 + 1e-15):  # else all are zero
            W = polish(p, W, n, LD(l1))[0]
        s = certify(p, W, n, LD(l1))
        slack = min(slack, s) if len(out) else slack  # at the largest penalty one hangs on it by definition
        out.append(W.copy())
    return out, slack


def centred(W, n):
    W = W.copy()
    if W.shape[1] > 1:
        W[n] -= W[n].mean()
    return W


def scikit_learn(Xs, y, weight, model, penalties, path):
    """Largest relative difference of the coefficients."""
    Xs, worst = Xs.astype(float), 0
    for i, (l1, l2) in enumerate(penalties):
        W = path[i]
        alpha, ratio = l1 + l2, l1 / (l1 + l2)
        if model == "softmax" or (model == "logistic" and i % 5 != 4):
            continue
        if model == "logistic":
            est = LogisticRegression(C=1 / (len(y) * alpha), l1_ratio=ratio, penalty="elasticnet", solver="saga", tol=1e-9,
                                     max_iter=20000, random_state=0)
            coef = est.fit(Xs, y).coef_[0]
        elif weight is not None:
            coef = ElasticNet(alpha=alpha, l1_ratio=ratio, tol=1e-14, max_iter=1000000).fit(Xs, y, sample_weight=weight).coef_
        else:
            coef = enet_path(Xs - Xs.mean(0), y - y.mean(), l1_ratio=ratio, alphas=[alpha], tol=1e-14, max_iter=1000000)[1][:, 0]
        if i > 0:
            worst = max(worst, float(abs(coef - W[:-1, 0]).max() / abs(W[:-1]).max()))
    return worst


def mean_loss(X, y, weight, model, W):
    losses = Weighted(X, y, model, 0, None).loss(np.hstack([X, np.ones((len(X), 1), LD)]) @ W, y)[0]
    weight = np.ones(len(y)) if weight is None else weight
    return float((weight * losses).sum() / weight.sum()), float(weight.sum())


def cross_validate(X, y, weight, case, penalties):
    name, data, model, scaling, _, _, count, _, folds, seed = case
    part = folds_of(len(y), folds, seed)
    curve, sizes = np.zeros((folds, count)), np.zeros(folds)
    for f in range(folds):
        rest, left = part != f, part == f
        if not left.any():
            continue
        mu, sigma = scaling_of(X[rest], scaling)
        path, _ = walk((X[rest] - mu) / sigma, y[rest], None if weight is None else weight[rest], model, penalties)
        for i, W in enumerate(path):
            curve[f, i], sizes[f] = mean_loss((X[left] - mu) / sigma, y[left], None if weight is None else weight[left], model, W)
    used = sizes > 0
    share = sizes[used] / sizes.sum()
    mean = share @ curve[used]
    error = np.sqrt(share @ (curve[used] - mean) ** 2 / (used.sum() - 1))
    best = int(mean.argmin())
    return {"fold": [int(f) for f in part], "cv_mean": digits(mean), "cv_error": digits(error), "best": best,
            "one_standard_error": int(np.flatnonzero(mean <= mean[best] + error[best])[0])}


def digits(values):
    return [float(f"{float(v):.13g}") for v in np.ravel(values)]


def solve(case):
    name, data, model, scaling, l1, l2, count, min_ratio, folds, seed = case
    X, y = load(data)
    weight = None
    with h5py.File(ROOT / data) as f:
        if "sample_weight" in f:
            weight = f["sample_weight"][:]
    mu, sigma = scaling_of(X, scaling)
    Xs, n, share = (X - mu) / sigma, X.shape[1], l1 / (l1 + l2)
    largest = float(largest_l1(Weighted(Xs, y, model, 0, weight), n)) / share
    lambdas = [largest * min_ratio ** (i / (count - 1)) for i in range(count)]
    penalties = [(share * v, (1 - share) * v) for v in lambdas]
    path, slack = walk(Xs, y, weight, model, penalties)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that saga has not converged: what it has reached is compared
        off = scikit_learn(Xs, y, weight, model, penalties, path)
    assert off < (1e-9 if model == "linear" else 1e-3)
    raw = []
    for W in path:
        coef = W[:n].T / sigma
        raw.append((coef, W[n] - coef @ mu))
    if model == "softmax":  # of all the equal models that whose intercepts have mean zero
        raw = [(c, b - b.mean()) for c, b in raw]
    F = [float(objective(Weighted(Xs, y, model, v[1], weight), W, n, LD(v[0]))) for W, v in zip(path, penalties)]
    out = {"name": name, "data": data, "model": model, "scaling": scaling, "mixture_l1": l1, "mixture_l2": l2, "count": count,
           "min_ratio": min_ratio, "folds": folds, "seed": seed, "l1": digits([v[0] for v in penalties]),
           "l2": digits([v[1] for v in penalties]), "loss": digits(F),
           "mean_loss": digits([mean_loss(Xs, y, weight, model, W)[0] for W in path]),
           "nonzeros": [int((W[:n] != 0).sum()) for W in path],
           "coef_scaled_": digits([W[:n].T for W in path]), "intercept_scaled_": digits([centred(W, n)[n] for W in path]),
           "coef_": digits([c for c, _ in raw]), "intercept_": digits([b for _, b in raw])}
    if folds > 0:
        out |= cross_validate(X, y, weight, case, penalties)
    print(f"{name:22s} nonzeros {out['nonzeros']} slack {slack:.1e} scikit-learn {off:.1e} "
          f"best {out.get('best')} {out.get('one_standard_error')} fold sizes {np.bincount(out.get('fold', [0])).tolist()}", flush=True)
    assert slack > 1e-4, "a support hangs on rounding: take another penalty"
    return out


def make_weighted(path):
    """Diabetes with weights 1, 2 and 3 in turn, and some that are 0."""
    X, y = load(DIABETES)
    weight = np.array([0.0 if i % 11 == 5 else 1.0 + i % 3 for i in range(len(y))])
    with h5py.File(path, "w") as f:
        for name, values in (("X", X.astype("<f8")), ("y", y), ("sample_weight", weight)):
            f.create_dataset(name, data=values, track_times=False, compression="gzip", shuffle=True)


def main():
    make_weighted(ROOT / WEIGHTED)
    cases = [solve(case) for case in CASES]
    lines = [",\n".join(f'  {json.dumps(k)}: {json.dumps(v, separators=(",", ":"))}' for k, v in c.items()) for c in cases]
    (HERE / "path.json").write_text("[\n " + ",\n ".join("{\n" + s + "\n }" for s in lines) + "\n]\n")


if __name__ == "__main__":
    main()
