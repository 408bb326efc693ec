#!/usr/bin/env python3
"""Walks 100 steps of PyTorch's optimizers and writes torch_paths.json.

Full-batch F(w) = (1/m) sum loss + (l2/2) |w|^2 in double precision on one thread, from zero, on standardized
features; the intercept, last, is neither penalised nor decayed. The gradient is autograd's.
"""
import json
from pathlib import Path

import h5py
import numpy as np
import torch

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
STEPS = (1, 2, 5, 10, 50, 100)
torch.set_num_threads(1)
torch.set_default_dtype(torch.float64)

PROBLEMS = [  # data, model, l2, factor on every length
    ("configs/data/breast-cancer.h5", "logistic", 1e-2, 1),
    ("configs/data/diabetes.h5", "linear", 1e-3, 2),
]
METHODS = [  # thalweg's name, PyTorch's class, settings as PyTorch calls them (others: its defaults)
    ("gd", torch.optim.SGD, {"lr": 0.1}),
    ("momentum", torch.optim.SGD, {"lr": 0.02, "momentum": 0.9}),
    ("nesterov", torch.optim.SGD, {"lr": 0.02, "momentum": 0.9, "nesterov": True}),
    ("adagrad", torch.optim.Adagrad, {"lr": 0.1}),
    ("rmsprop", torch.optim.RMSprop, {"lr": 0.01}),
    ("rmsprop", torch.optim.RMSprop, {"lr": 0.002, "alpha": 0.9, "eps": 1e-3}),
    ("adam", torch.optim.Adam, {"lr": 0.02}),
    ("adam", torch.optim.Adam, {"lr": 0.05, "betas": [0.8, 0.99], "eps": 1e-4}),
    ("adamw", torch.optim.AdamW, {"lr": 0.02, "weight_decay": 0.5}),
]


def load(path):
    with h5py.File(ROOT / path, "r") as f:
        X, y = f["X"][:].astype(np.longdouble), f["y"][:].astype(float)
    return torch.tensor(((X - X.mean(0)) / X.std(0)).astype(float)), torch.tensor(y)


def walk(X, y, model, l2, kind, settings):
    """{step: parameters}, and the settings PyTorch used."""
    w, b = torch.zeros(X.shape[1], requires_grad=True), torch.zeros(1, requires_grad=True)
    groups = [{"params": [w]}, {"params": [b], "weight_decay": 0.0}]
    optimizer = kind(groups, foreach=False, **settings)
    path = {}
    for step in range(1, max(STEPS) + 1):
        optimizer.zero_grad()
        z = X @ w + b
        loss = (0.5 * (z - y) ** 2 if model == "linear" else torch.nn.functional.softplus(z, threshold=1e9) - y * z).mean()
        (loss + l2 / 2 * (w * w).sum()).backward()
        optimizer.step()
        if step in STEPS:
            path[str(step)] = w.tolist() + b.tolist()
    return path, optimizer.defaults


def settings_of(name, used):
    """In thalweg's words, only what the method has."""
    out = {"length": used["lr"]}
    if name in ("momentum", "nesterov"):
        out["momentum"] = used["momentum"]
    if name == "rmsprop":
        out["smoothing"] = used["alpha"]
    if name in ("adam", "adamw"):
        out["beta1"], out["beta2"] = used["betas"]
    if name == "adamw":
        out["weight_decay"] = used["weight_decay"]
    if "eps" in used:
        out["epsilon"] = used["eps"]
    return out


def case(problem, method):
    (data, model, l2, factor), (name, kind, settings) = problem, method
    settings = settings | {"lr": settings["lr"] * factor}
    path, used = walk(*load(data), model, l2, kind, settings)
    return {"data": data, "model": model, "scaling": "standardize", "l2": l2, "optimizer": name,
            "settings": settings_of(name, used), "parameters": path}


def main():
    cases = [case(p, m) for p in PROBLEMS for m in METHODS]
    number = lambda x: format(x, ".17g")
    lines = []
    for c in cases:
        path = c.pop("parameters")
        rows = [f'   "{step}": [{",".join(map(number, w))}]' for step, w in path.items()]
        lines.append(json.dumps(c)[:-1] + ', "parameters": {\n' + ",\n".join(rows) + "}}")
    text = "[\n " + ",\n ".join(lines) + "\n]\n"
    assert json.loads(text)
    (HERE / "torch_paths.json").write_text(text)


if __name__ == "__main__":
    main()
