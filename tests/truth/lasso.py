#!/usr/bin/env python3
"""Minimises F(w) = (1/m) sum loss + (l2/2) |w|^2 + l1 |w|_1 without thalweg, and writes lasso.json.

scikit-learn first (Lasso, ElasticNet, LogisticRegression with saga), in double; its support and signs are where a Newton
iteration on the coefficients that are not zero starts, with F and its gradient in 80-bit long double. The iteration drops
coefficients that reach zero and takes in those whose gradient is larger than l1, so the support is its own finding; then
both must agree. Intercepts are not penalised; the parameters are those of the scaled features.

scikit-learn's words: Lasso(alpha = l1), ElasticNet(alpha = l1 + l2, l1_ratio = l1 / (l1 + l2)),
LogisticRegression(C = 1 / (m (l1 + l2)), l1_ratio = l1 / (l1 + l2)).
"""
import json
import warnings

import numpy as np
from scipy.linalg import cho_factor, cho_solve
from sklearn.linear_model import ElasticNet, Lasso, LogisticRegression

from optima import CANCER, DIABETES, DIGITS, HERE, LD, Problem, load, scaling_of

CASES = [  # data, model, scaling, l1 as a part of the smallest that leaves only intercepts, l2
    (DIABETES, "linear", "standardize", 0.5, 0),
    (DIABETES, "linear", "standardize", 0.1, 0),
    (DIABETES, "linear", "standardize", 0.001, 0),
    (DIABETES, "linear", "standardize", 0.1, 0.3),
    (DIABETES, "linear", "minmax", 0.02, 0),
    (CANCER, "logistic", "standardize", 0.5, 0),
    (CANCER, "logistic", "standardize", 0.1, 0),
    (CANCER, "logistic", "standardize", 0.01, 0),
    (CANCER, "logistic", "standardize", 0.05, 0.01),
    (CANCER, "softmax", "standardize", 0.1, 0.02),
    (DIGITS, "softmax", "standardize", 0.3, 0.05),
    (DIGITS, "softmax", "standardize", 0.1, 0.05),
]


def largest_l1(p, n):
    """The largest |gradient| of a coefficient where only intercepts are fitted."""
    W = np.zeros((n + 1, p.K), LD)
    for _ in range(60):
        _, g, H = p.value(W)
        M = H.mean(0).astype(float) + (1 / p.K if p.K > 1 else 0)
        W[n] -= np.linalg.solve(M, g[n].astype(float))
    assert abs(g[n]).max() < 1e-17 * max(1, abs(g).max())
    return abs(g[:n]).max()


def scikit_learn(Xs, y, model, l1, l2):
    m, ratio = len(y), l1 / (l1 + l2)
    if model == "linear":
        words = {"tol": 1e-14, "max_iter": 1000000}
        est = Lasso(alpha=l1, **words) if l2 == 0 else ElasticNet(alpha=l1 + l2, l1_ratio=ratio, **words)
    else:
        est = LogisticRegression(C=1 / (m * (l1 + l2)), l1_ratio=ratio, penalty="elasticnet", solver="saga", tol=1e-9,
                                 max_iter=40000 if model == "logistic" else 4000, random_state=0,
                                 multi_class="ovr" if model == "logistic" else "multinomial")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that saga has not converged: what it has reached is compared
        est.fit(Xs.astype(float), y)
    coef, b = np.atleast_2d(est.coef_), np.atleast_1d(est.intercept_)
    if model == "softmax" and len(coef) == 1:
        coef, b = np.vstack([-coef, coef]), np.hstack([-b, b])
    return np.vstack([coef.T, b]).astype(LD)


def newton_step(p, g, H, free):
    M = p.hessian(H)[np.ix_(free, free)]
    d = np.sqrt(M.diagonal())
    return (cho_solve(cho_factor(M / np.outer(d, d)), (g[free] / d).astype(float)) / d).astype(LD)


def polish(p, W, n, l1):
    """Newton on the free coefficients until the steps are rounding; then those that must join."""
    weights = n * p.K
    sign = np.sign(W).ravel()
    sign[weights:] = 0
    for _ in range(100):
        free = np.flatnonzero((sign != 0) | (np.arange(sign.size) >= weights))
        for _ in range(100):
            _, g, H = p.value(W)
            step = newton_step(p, g.ravel() + l1 * sign, H, free)
            w = W.ravel().copy()
            new = w[free] - step
            lost = (free < weights) & (new * sign[free] <= 0)
            if lost.any():  # as far as the first zero, which then stays
                t = np.where(lost, w[free] / np.where(step == 0, 1, step), np.inf)
                k = int(t.argmin())
                w[free] -= t[k] * step
                w[free[k]] = sign[free[k]] = 0
                W = w.reshape(W.shape)
                free = np.delete(free, k)
                continue
            w[free] = new
            W = w.reshape(W.shape)
            if abs(step).max() < 1e-17 * abs(w).max():
                break
        g = p.value(W)[1].ravel()
        join = np.flatnonzero((sign[:weights] == 0) & (abs(g[:weights]) > l1))
        if len(join) == 0:
            return W, sign
        worst = join[abs(g[join]).argmax()]
        sign[worst] = -np.sign(g[worst])
    raise SystemExit("the support did not settle")


def objective(p, W, n, l1):
    return p.value(W)[0] + l1 * abs(W[:n]).sum()


def solve(data, model, scaling, part, l2):
    X, y = load(data)
    mu, sigma = scaling_of(X, scaling)
    Xs, n = (X - mu) / sigma, X.shape[1]
    p = Problem(Xs, y, model, l2, True)
    most = largest_l1(p, n)
    l1 = float(part * most)
    sk = scikit_learn(Xs, y, model, l1, l2)
    W, sign = polish(p, sk.copy(), n, LD(l1))
    if p.K > 1:
        W[n] -= W[n].mean()
        sk[n] -= sk[n].mean()
    F, g = objective(p, W, n, LD(l1)), p.value(W)[1]
    zero = W[:n] == 0
    slack = float((1 - abs(g[:n][zero]) / l1).min()) if zero.any() else 1.0
    rest = float(abs((g[:n] + l1 * np.sign(W[:n]))[~zero]).max())
    least = float(abs(W[:n][~zero]).min())
    off_F, off_w = float(objective(p, sk, n, LD(l1)) / F - 1), float(abs(sk - W).max() / abs(W).max())
    name = f"{data.split('/')[-1][:-3]} {model} {scaling} l1={part:g} max, l2={l2:g}"
    print(f"{name:58s} F {float(F):.16g} nonzeros {int((~zero).sum())}/{zero.size} slack {slack:.1e} least {least:.1e} "
          f"gradient {rest:.1e} scikit-learn: F {off_F:.1e} w {off_w:.1e} same support {bool(((sk[:n] == 0) == zero).all())}",
          flush=True)
    assert rest < 1e-15 * max(1, float(most)) and abs(off_F) < 1e-9 and off_w < 1e-4
    assert slack > 1e-4 and least > 1e-5 * float(abs(W).max()), "the support hangs on rounding: take another l1"
    flat = W.ravel()
    return {"name": name, "data": data, "model": model, "scaling": scaling, "l1": l1, "l1_max": float(most), "l2": l2,
            "objective": float(F), "support": [int(j) for j in np.flatnonzero(sign)],
            "coefficients": [float(f"{flat[j]:.15g}") for j in np.flatnonzero(sign)],
            "intercepts": [float(f"{b:.15g}") for b in W[n]]}


def main():
    cases = [solve(*case) for case in CASES]
    lines = [",\n".join(f'  {json.dumps(k)}: {json.dumps(v, separators=(",", ":"))}' for k, v in c.items()) for c in cases]
    (HERE / "lasso.json").write_text("[\n " + ",\n ".join("{\n" + s + "\n }" for s in lines) + "\n]\n")


if __name__ == "__main__":
    main()
