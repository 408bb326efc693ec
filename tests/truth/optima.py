#!/usr/bin/env python3
"""Minimises F(w) = (1/m) sum loss + (l2/2) |w|^2 without thalweg, and writes optima.json.

Newton's method with F and its gradient in 80-bit long double and the Hessian in double, until the
gradient is rounding noise of the long double; then scikit-learn must agree (Huber: scipy on the
same F, because HuberRegressor has another objective). The penalty leaves out intercepts and acts on
the parameters of the scaled features. Also makes binary.h5 and counts.h5.
"""
import json
from pathlib import Path

import h5py
import numpy as np
from scipy.linalg import cho_factor, cho_solve
from scipy.optimize import minimize
from sklearn.linear_model import LinearRegression, LogisticRegression, PoissonRegressor, Ridge
from sklearn.metrics import log_loss, mean_squared_error
from sklearn.svm import LinearSVC

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
LD = np.longdouble
assert np.finfo(LD).eps < 1e-18, "needs the 80-bit long double of x86, or better"

CREDIT, DIABETES, CANCER, DIGITS = (
    f"configs/data/{s}.h5" for s in ("credit", "diabetes", "breast-cancer", "digits-train"))
BINARY, COUNTS = "tests/truth/binary.h5", "tests/truth/counts.h5"
TEST_FILE = {DIGITS: "configs/data/digits-test.h5"}

CASES = [  # data, model, scaling, l2, intercept, delta of huber (1)
    ("configs/data/parabola-1.h5", "linear", "none", 0, False),
    ("configs/data/parabola-3.h5", "linear", "none", 0, False),
    (CREDIT, "linear", "none", 0, True),
    (CREDIT, "linear", "none", 1e-2, True),
    (CREDIT, "linear", "standardize", 0, True),
    (CREDIT, "linear", "standardize", 1e-2, True),
    (CREDIT, "linear", "standardize", 1e-2, False),
    (CREDIT, "linear", "minmax", 1e-2, True),
    (DIABETES, "linear", "none", 0, True),
    (DIABETES, "linear", "none", 1e-2, True),
    (DIABETES, "linear", "standardize", 1e-2, True),
    (DIABETES, "linear", "minmax", 1e-2, True),
    (DIGITS, "linear", "none", 0, True),
    (DIGITS, "linear", "none", 1e-2, True),
    (CANCER, "logistic", "standardize", 1e-2, True),
    (CANCER, "logistic", "standardize", 1e-4, True),
    (CANCER, "logistic", "standardize", 1e-2, False),
    (CANCER, "logistic", "minmax", 1e-2, True),
    (CANCER, "logistic", "none", 1e-2, True),
    (BINARY, "logistic", "none", 0, True),
    (BINARY, "logistic", "none", 1e-2, True),
    (BINARY, "logistic", "none", 1e-2, False),
    (BINARY, "logistic", "standardize", 1e-2, True),
    (BINARY, "logistic", "minmax", 1e-2, True),
    (DIABETES, "huber", "standardize", 1e-2, True, 50),
    (DIABETES, "huber", "minmax", 1e-2, True, 20),
    (DIGITS, "huber", "standardize", 1e-2, True),
    (DIGITS, "huber", "none", 1e-3, False, 1.5),
    (COUNTS, "poisson", "none", 0, True),
    (COUNTS, "poisson", "none", 1e-2, True),
    (COUNTS, "poisson", "standardize", 1e-2, True),
    (COUNTS, "poisson", "standardize", 1e-2, False),
    (COUNTS, "poisson", "minmax", 1e-4, True),
    (CANCER, "squared_hinge", "standardize", 1e-2, True),
    (CANCER, "squared_hinge", "standardize", 1e-3, False),
    (CANCER, "squared_hinge", "minmax", 1e-2, True),
    (BINARY, "squared_hinge", "none", 1e-2, True),
    (BINARY, "squared_hinge", "standardize", 0, True),
    (CANCER, "softmax", "standardize", 1e-2, True),
    (CANCER, "softmax", "standardize", 2e-2, True),
    *((DIGITS, "softmax", s, l2, True) for s in ("none", "minmax", "standardize") for l2 in (1e-3, 1e-2)),
]


def make_binary(path):
    """301 x 7 f32 with features of different size and overlapping classes. The legacy generator
    is used because numpy promises that its stream never changes."""
    rng = np.random.RandomState(20)
    size = np.array([1, 3, 0.1, 10, 1, 0.5, 2])
    shift = np.array([0, 1, 5, -20, 0, 0, 3])
    Z = rng.normal(size=(301, 7))
    Z[:, 4] = 0.9 * Z[:, 0] + 0.4 * Z[:, 4]
    margin = Z @ np.array([1.0, -0.7, 0.5, 0.3, -0.4, 0.0, 0.8]) - 0.5
    y = rng.uniform(size=301) < 1 / (1 + np.exp(-margin))
    with h5py.File(path, "w") as f:
        f.create_dataset("X", data=(Z * size + shift).astype("<f4"), track_times=False)
        f.create_dataset("y", data=y.astype("u1"), track_times=False)


def make_counts(path):
    """301 x 5 f32 with features of different size, and counts of a Poisson law whose rate is exp of a
    linear function of them: 0 to some tens, about a quarter of them 0."""
    rng = np.random.RandomState(21)
    size, shift = np.array([1, 0.2, 5, 1, 2]), np.array([0, 1, -10, 0.5, 0])
    Z = rng.normal(size=(301, 5))
    Z[:, 3] = 0.8 * Z[:, 0] + 0.6 * Z[:, 3]
    y = rng.poisson(np.exp(Z @ np.array([0.5, -0.4, 0.3, 0.2, 0.0]) + 0.7))
    with h5py.File(path, "w") as f:
        f.create_dataset("X", data=(Z * size + shift).astype("<f4"), track_times=False)
        f.create_dataset("y", data=y.astype("u1"), track_times=False)


def load(path):
    with h5py.File(ROOT / path, "r") as f:
        return f["X"][:].astype(LD), f["y"][:]


def scaling_of(X, kind):
    mu, sigma = np.zeros(X.shape[1], LD), np.ones(X.shape[1], LD)
    if kind == "standardize":
        mu = X.mean(0)
        sigma = np.sqrt(((X - mu) ** 2).mean(0))
    elif kind == "minmax":
        mu, sigma = X.min(0), X.max(0) - X.min(0)
    return mu, np.where(sigma == 0, LD(1), sigma)


def probabilities(Z):
    E = np.exp(Z - Z.max(1, keepdims=True))
    return E / E.sum(1, keepdims=True)


def loss_linear(Z, y):
    """Losses, residuals dloss/dz (m, K), and d2loss/dz2 (m, K, K); the same for all."""
    R = Z - y[:, None]
    return R[:, 0] ** 2 / 2, R, np.ones((len(y), 1, 1))


def loss_logistic(Z, y):
    z, e = Z[:, 0], np.exp(-abs(Z[:, 0]))
    p = np.where(z < 0, e, 1) / (1 + e)
    return np.maximum(z, 0) + np.log1p(e) - y * z, (p - y)[:, None], (e / (1 + e) ** 2)[:, None, None]


def loss_softmax(Z, y):
    rows, top = np.arange(len(y)), Z.max(1)
    P = probabilities(Z)
    R = P.copy()
    R[rows, y] -= 1
    H = P[:, :, None] * np.eye(P.shape[1]) - P[:, :, None] * P[:, None, :]
    return top + np.log(np.exp(Z - top[:, None]).sum(1)) - Z[rows, y], R, H


def loss_huber(Z, y, delta):
    a = Z[:, 0] - y
    inside = abs(a) <= delta
    return (np.where(inside, a * a / 2, delta * (abs(a) - delta / 2)), np.clip(a, -delta, delta)[:, None],
            inside.astype(LD)[:, None, None])


def loss_poisson(Z, y):
    mu = np.exp(Z[:, 0])
    return mu - y * Z[:, 0], (mu - y)[:, None], mu[:, None, None]


def loss_squared_hinge(Z, y):
    s = 2 * y - 1
    v = np.maximum(0, 1 - s * Z[:, 0])
    return v * v, (-2 * s * v)[:, None], np.where(v > 0, LD(2), LD(0))[:, None, None]


LOSS = {"linear": loss_linear, "logistic": loss_logistic, "softmax": loss_softmax, "huber": loss_huber,
        "poisson": loss_poisson, "squared_hinge": loss_squared_hinge}
MARGIN = ("linear", "huber", "squared_hinge")  # predict z itself
NUMBER = ("linear", "huber", "poisson")


class Problem:
    """F over W of shape (n + intercept, K), in the scaled space; the intercept is the last row."""

    def __init__(self, Xs, y, model, l2, intercept, delta=1):
        m, n = Xs.shape
        self.A = np.hstack([Xs, np.ones((m, 1), LD)]) if intercept else Xs
        self.K = int(y.max()) + 1 if model == "softmax" else 1
        self.y = y if model == "softmax" else y.astype(LD)
        self.loss, self.intercept = LOSS[model], intercept
        if model == "huber":
            self.loss = lambda Z, y: loss_huber(Z, y, LD(delta))
        self.penalty = np.full((self.A.shape[1], 1), LD(l2))
        self.penalty[n:] = 0

    def value(self, W):
        losses, R, H = self.loss(self.A @ W, self.y)
        F = losses.mean() + (self.penalty * W * W).sum() / 2
        return F, self.A.T @ R / len(self.y) + self.penalty * W, H

    def hessian(self, H):
        A, K = self.A.astype(float), self.K
        out = np.empty((A.shape[1], K, A.shape[1], K))
        for a in range(K):
            for b in range(K):
                out[:, a, :, b] = (A.T * H[:, a, b].astype(float)) @ A / len(A)
        out = out.reshape(A.shape[1] * K, -1)
        out[np.diag_indices_from(out)] += np.repeat(self.penalty[:, 0].astype(float), K)
        if K > 1 and self.intercept:
            out[-K:, -K:] += 1 / K  # pins the direction that adds one constant to all intercepts
        return out

    def newton_step(self, g, H):
        M = self.hessian(H)
        d = np.sqrt(np.where(M.diagonal() == 0, 1, M.diagonal()))  # 0: a feature that is always 0
        M[np.diag_indices_from(M)] = np.where(M.diagonal() == 0, 1, M.diagonal())
        return (cho_solve(cho_factor(M / np.outer(d, d)), (g.ravel() / d).astype(float)) / d).reshape(g.shape)

    def scipy(self):
        """BFGS of scipy in double on the same F, many times from where it stopped. Returns F, W."""
        def double(w):
            F, g, _ = self.value(w[:, None].astype(LD))
            return float(F), g[:, 0].astype(float)
        w = np.zeros(self.A.shape[1])
        for _ in range(20):
            w = minimize(double, w, jac=True, method="BFGS", options={"gtol": 1e-11, "maxiter": 5000}).x
        return double(w)[0], w[:, None]

    def minimise(self):
        """Damped Newton until the predicted decrease is far below the last bit, then three full
        steps that only refine. Returns W, F, |gradient|, relative size of the last step."""
        W = np.zeros((self.A.shape[1], self.K), LD)
        F, g, H = self.value(W)
        for _ in range(200):
            step = self.newton_step(g, H)
            gain, t = (g * step).sum(), LD(1)
            if gain <= 1e-22 * abs(F):
                break
            while self.value(W - t * step)[0] > F - t * gain / 10000:
                t /= 2
            W = W - t * step
            F, g, H = self.value(W)
        else:
            raise SystemExit("Newton's method did not settle")
        for _ in range(3):
            step = self.newton_step(g, H)
            W = W - step
            F, g, H = self.value(W)
        return W, F, np.sqrt((g * g).sum()), abs(step).max() / abs(W).max()


def scikit_learn(Xs, y, model, l2, intercept):
    """The same fit by scikit-learn in double: objective, parameters (n + intercept, K)."""
    m = len(y)
    if model == "poisson":
        est = PoissonRegressor(alpha=l2, fit_intercept=intercept, tol=1e-10, max_iter=10000, solver="newton-cholesky")
        est.fit(Xs, y)
        z = Xs @ est.coef_ + est.intercept_
        coef, mean_loss = est.coef_[None, :], (np.exp(z) - y * z).mean()
    elif model == "squared_hinge":  # LinearSVC penalises its intercept: a large scaling makes that small
        est = LinearSVC(loss="squared_hinge", dual=False, C=1 / (l2 * m) if l2 else 1e6, fit_intercept=intercept,
                        intercept_scaling=1e4, tol=1e-12, max_iter=100000)
        est.fit(Xs, y)
        v = np.maximum(0, 1 - (2 * y - 1) * est.decision_function(Xs))
        coef, mean_loss = est.coef_, (v * v).mean()
    elif model == "linear":
        est = Ridge(alpha=l2 * m, fit_intercept=intercept, solver="svd") if l2 else LinearRegression(fit_intercept=intercept)
        est.fit(Xs, y)
        coef, mean_loss = np.atleast_2d(est.coef_), mean_squared_error(y, est.predict(Xs)) / 2
    else:
        solver = "newton-cholesky" if model == "logistic" else "newton-cg"
        est = LogisticRegression(C=1 / (l2 * m) if l2 else 1, penalty="l2" if l2 else None, fit_intercept=intercept, tol=1e-8,
                                 max_iter=10000, solver=solver, multi_class="ovr" if model == "logistic" else "multinomial")
        est.fit(Xs, y)
        mean_loss, coef = log_loss(y, est.predict_proba(Xs)), est.coef_
    b = np.atleast_1d(est.intercept_)
    if model == "softmax" and len(coef) == 1:  # two classes: scikit-learn keeps the second vector only
        coef, b = np.vstack([-coef, coef]), np.hstack([-b, b])
    W = np.vstack([coef.T, b]) if intercept else coef.T
    return mean_loss + l2 / 2 * (coef ** 2).sum(), W


def solve(data, model, scaling, l2, intercept, delta=None):
    X, y = load(data)
    mu, sigma = scaling_of(X, scaling)
    Xs = (X - mu) / sigma
    problem = Problem(Xs, y, model, l2, intercept, delta or 1)
    W, F, norm, last = problem.minimise()
    if model == "softmax":
        W = W - W.mean(1, keepdims=True)
    w, b = W[: X.shape[1]], W[X.shape[1]:].ravel() if intercept else np.zeros(W.shape[1], LD)
    v = w / sigma[:, None]
    c = b - mu @ v

    if model == "huber":
        F_sk, W_sk = problem.scipy()
    else:
        F_sk, W_sk = scikit_learn(Xs.astype(float), y.astype(float), model, l2, intercept)
    off_F = float(abs(F_sk - F) / F) if F > 1e-20 else float(abs(F_sk - F))
    off_w = float(abs(W_sk - W).max() / abs(W).max())
    name = f"{Path(data).stem} {model} {scaling} l2={l2:g}" + (f" delta={delta:g}" if delta else "") + ("" if intercept else " no intercept")
    print(f"{name:48s} F {float(F):.16g}  |g| {float(norm):.1e}  last step {float(last):.1e}  "
          f"scikit-learn: F {off_F:.1e}  w {off_w:.1e}")
    assert last < 1e-15 and off_F < 1e-10 and off_w < 1e-6, name

    def rounded(a):  # the digits have many coefficients: 12 digits are enough there
        return [rounded(x) for x in a] if np.ndim(a) else float(f"{a:.12g}") if data == DIGITS else float(a)

    def output(X):
        Z = X @ v + c
        if model in MARGIN:
            return Z
        if model == "poisson":
            return np.exp(Z)
        return probabilities(np.hstack([0 * Z, Z]) if model == "logistic" else Z)

    out = {"name": name, "data": data, "model": model, "scaling": scaling, "l2": float(l2), "intercept": intercept,
           "objective": float(F), "gradient_norm": float(norm), "coef_": rounded(v.T), "intercept_": rounded(c)}
    if delta:
        out["delta"] = float(delta)
    if scaling != "none":
        out |= {"coef_scaled": rounded(w.T), "intercept_scaled": rounded(b)}
    first = output(X[:20])
    out["predictions"] = rounded(first[:, 0] if first.shape[1] == 1 else first[:, 1] if model == "logistic" else first)
    if model not in NUMBER:
        out["accuracy"] = float(((output(X)[:, 0] > 0 if model in MARGIN else output(X).argmax(1)) == y).mean())
    if model == "softmax" and data in TEST_FILE:
        X, y = load(TEST_FILE[data])
        P = output(X)
        out["test"] = {"data": TEST_FILE[data], "accuracy": float((P.argmax(1) == y).mean()),
                       "log_loss": float(-np.log(P[np.arange(len(y)), y]).mean())}
    return out


def main():
    make_binary(HERE / "binary.h5")
    make_counts(HERE / "counts.h5")
    cases = [solve(*case) for case in CASES]
    lines = [",\n".join(f'  {json.dumps(k)}: {json.dumps(v, separators=(",", ":"))}' for k, v in c.items()) for c in cases]
    (HERE / "optima.json").write_text("[\n " + ",\n ".join("{\n" + s + "\n }" for s in lines) + "\n]\n")


if __name__ == "__main__":
    main()
