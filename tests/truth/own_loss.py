#!/usr/bin/env python3
"""The optimum of docs/examples/own_loss.c by scipy: the numbers in tests/cli/install.sh.

The rows are made again here, from whole numbers, and F is minimised by two other methods (trust-exact with the
analytic Hessian, and least_squares with the loss soft_l1, which is twice pseudo-Huber).
"""
import numpy as np
import scipy
from scipy.optimize import least_squares, minimize

i = np.arange(200)
X = np.stack([(i * (17 + 12 * j) + 5 * j) % 101 / 101 for j in range(2)] + [np.ones(200)], axis=1)
y = 3 - 2 * X[:, 0] + X[:, 1] + (i * 29 % 13 - 6) / 20 + np.where(i % 10 == 0, 20, 0)


def value(w):
    return np.mean(np.sqrt(1 + (X @ w - y) ** 2) - 1)


def gradient(w):
    r = X @ w - y
    return X.T @ (r / np.sqrt(1 + r * r)) / len(y)


def hessian(w):
    r = X @ w - y
    return X.T @ (X * ((1 + r * r) ** -1.5)[:, None]) / len(y)


first = minimize(value, np.zeros(3), jac=gradient, hess=hessian, method="trust-exact", options={"gtol": 1e-12})
second = least_squares(lambda w: X @ w - y, np.zeros(3), jac=lambda w: X.copy(), loss="soft_l1",
                       xtol=1e-15, ftol=1e-15, gtol=1e-15)
assert np.abs(first.x - second.x).max() < 1e-7, (first.x, second.x)
w = first.x
for _ in range(3):  # where F has no digits left, its gradient still has
    w = w - np.linalg.solve(hessian(w), gradient(w))
assert np.abs(w - first.x).max() < 1e-7, (w, first.x)
print("scipy", scipy.__version__, "F", value(w), "|g|", np.linalg.norm(gradient(w)))
print(" ".join(f"{v:.9f}" for v in w))
