"""The work of methods.sh: problems, reference optima, the two sides, the table. Runs in an empty folder of its own.

An optimum F* is the least of two: a very tight run of thalweg, whose loss is checked with numpy at its model.h5, and a
tight fit of scikit-learn, with numpy's loss. They must agree within 1e-10. A fit has arrived when F - F* <= 1e-8 |F*|.

thalweg: seconds of the first row of metrics.jsonl that has arrived, which count from the start of the training, and all that
the run spent outside of reading and training where it scales features (more than its scaling alone).
scikit-learn: seconds of fit() at the loosest decade of tol that arrives, each fit in a process of its own after a first
fit of 200 rows. Its features come scaled, as float64 or float32 in C order, for nothing.
"""
import argparse
import json
import math
import os
import signal
import statistics
import subprocess
import sys
import time

import h5py
import numpy as np

GAP, AGREE = 1e-8, 1e-10
DECADES = range(4, -15, -1)
PROBLEMS = {
    "logistic-f64": {"model": "logistic", "l2": 1e-5, "rows": 500000, "features": 256, "type": "f64", "condition": 1000},
    "logistic-f32": {"model": "logistic", "l2": 1e-5, "rows": 500000, "features": 256, "type": "f32", "condition": 1000},
    "softmax": {"model": "softmax", "l2": 1e-4, "rows": 60000, "features": 784, "type": "u8", "scaling": "minmax"},
    "ridge": {"model": "linear", "l2": 1e-3, "rows": 2000000, "features": 64, "type": "f32"},
}
# optimizer, step rule ("": the method's own), models (None: all). What the program does not know is left out.
METHODS = [
    ("lbfgs, gram", "wolfe", None),  # optimizer.preconditioner: gram
    ("lbfgs, gram, memory 20", "wolfe", ("softmax",)),
    ("lbfgs", "wolfe", None),
    ("lbfgs", "backtracking", None),
    ("newton", "", ("logistic", "linear")),  # 7850 x 7850 on each rank in softmax
    ("newton_cg", "", None),
    ("coordinate_descent", "", ("logistic", "linear")),
    ("nesterov", "lipschitz", None),
    ("proximal_gradient", "", None),
    ("gd", "barzilai_borwein", None),
    ("gd", "lipschitz", None),
]
SOLVERS = {
    "logistic": ["lbfgs", "newton-cg", "newton-cholesky", "liblinear", "sag", "saga"],
    "softmax": ["lbfgs", "newton-cg", "sag", "saga"],  # newton-cholesky and liblinear fit one class against the rest
    "linear": ["cholesky", "svd", "lsqr", "sparse_cg", "sag", "saga"],  # Ridge's lbfgs wants positive coefficients
}
DIRECT = ("cholesky", "svd")
TIGHT = {"logistic": ("newton-cholesky", 1e-6), "linear": ("cholesky", 1e-4)}  # softmax: gap_bound


def say(text):
    print(text, file=sys.stderr, flush=True)


# ---- the objective, in numpy ----


def features(problem, x, dtype, low, size):
    return x.astype(dtype) if low is None else ((x.astype(np.float64) - low) / size).astype(dtype)


def load(problem):
    with h5py.File(problem["file"], "r") as f:
        x, y = f["X"][...], f["y"][...]
    if "scaling" not in problem:
        return x, y, None, None
    low = x.min(axis=0).astype(np.float64)
    size = x.max(axis=0) - low
    return x, y, low, np.where(size == 0, 1, size)


def row_losses(model, z, y):
    if model == "linear":
        return 0.5 * (z[:, 0] - y) ** 2
    if model == "logistic":
        return np.logaddexp(0, z[:, 0]) - y * z[:, 0]
    most = z.max(axis=1)
    return most + np.log(np.exp(z - most[:, None]).sum(axis=1)) - z[np.arange(len(y)), y.astype(int)]


def objective(problem, data, coef, intercept):
    """F in float64 from the features as stored; coef (K, p) and intercept (K) of the scaled ones."""
    x, y, low, size = data
    coef, intercept = np.atleast_2d(coef).astype(np.float64), np.atleast_1d(intercept).astype(np.float64)
    sums = []
    for at in range(0, len(y), 10000):
        rows = slice(at, at + 10000)
        z = features(problem, x[rows], np.float64, low, size) @ coef.T + intercept
        sums.append(row_losses(problem["model"], z, y[rows].astype(np.float64)).sum())
    return math.fsum(sums) / len(y) + 0.5 * problem["l2"] * float((coef**2).sum())


def gap_bound(problem, data, coef, intercept):
    """F - F* <= |g|^2 / (2 l2), F being strongly convex in the coefficients (and the intercepts following them); numpy."""
    x, y, low, size = data
    g = problem["l2"] * coef.astype(np.float64)
    for at in range(0, len(y), 10000):
        rows = slice(at, at + 10000)
        v = features(problem, x[rows], np.float64, low, size)
        z = v @ coef.T + intercept
        p = np.exp(z - z.max(axis=1)[:, None])
        p /= p.sum(axis=1)[:, None]
        p[np.arange(len(p)), y[rows].astype(int)] -= 1
        g += p.T @ v / len(y)
    return float((g**2).sum()) / (2 * problem["l2"])


# ---- scikit-learn: one fit in a process of its own ----


def estimator(problem, solver, tol, rows):
    from sklearn.linear_model import LogisticRegression, Ridge

    if problem["model"] == "linear":
        most = None if solver in DIRECT else 10**7
        return Ridge(alpha=problem["l2"] * rows, solver=solver, tol=tol, max_iter=most, copy_X=False, random_state=0)
    # liblinear penalises its intercept: by 1e-4 of the penalty, which is far below the gap asked for
    return LogisticRegression(
        C=1 / (problem["l2"] * rows), solver=solver, tol=tol, max_iter=10**7, intercept_scaling=100, random_state=0
    )


def fit(problem, solver, dtype, tol, limit):
    import warnings

    warnings.simplefilter("ignore")
    data = load(problem)
    x, y = features(problem, data[0], dtype, *data[2:]), data[1]
    if problem["model"] == "linear":
        y = y.astype(dtype)
    estimator(problem, solver, 1e-2, len(y)).set_params(max_iter=5).fit(x[:200].copy(), y[:200])
    e = estimator(problem, solver, tol, len(y))
    signal.alarm(math.ceil(limit))  # ends this process
    start = time.perf_counter()
    e.fit(x, y)
    seconds = time.perf_counter() - start
    signal.alarm(0)
    iterations = getattr(e, "n_iter_", None)
    found = {"seconds": seconds, "iterations": int(np.max(iterations)) if iterations is not None else None}
    found["loss"] = objective(problem, data, e.coef_, e.intercept_)
    print(json.dumps(found))


def run_fit(problem, solver, dtype, tol, limit):
    """The result as a dictionary, or None when it took too long."""
    job = json.dumps([problem, solver, dtype, tol, limit])
    done = subprocess.run([sys.executable, __file__, "--fit", job], stdout=subprocess.PIPE, check=False)
    if done.returncode == -signal.SIGALRM:
        return None
    done.check_returncode()
    return json.loads(done.stdout)


def arrived(loss, best):
    return loss - best <= GAP * abs(best)


def search_tol(fits, best, stride):
    """The loosest decade that arrives: every second one from loose to tight, then the one passed over."""
    least, e = None, None
    for e in DECADES[::stride]:
        found = fits(e)
        if found is None or arrived(found["loss"], best):
            break
        least = min(least or math.inf, found["loss"])
    looser = fits(e + 1) if e < DECADES[0] and stride == 2 else None
    if looser is not None and arrived(looser["loss"], best):
        return e + 1, looser, ""
    if found is None:
        return None, None, "late"
    if arrived(found["loss"], best):
        return e, found, ""
    return None, None, f"gap {(least - best) / abs(best):.0e} at best"


def scikit_rows(problem, best, wanted):
    dtypes = ["float64"] if problem["type"] == "f64" else ["float64", "float32"]
    for solver in SOLVERS[problem["model"]]:
        if solver in wanted.skip:
            continue
        one = solver == "liblinear" or (wanted.small and solver not in ("lbfgs", "cholesky"))
        for dtype in dtypes[: 1 if one else 2]:
            name = f"{solver} {dtype}"
            say(f"  scikit-learn {name}")
            if solver in DIRECT:
                found = run_fit(problem, solver, dtype, 1e-4, wanted.limit)
                e, why = -4, "late" if found is None else ""
                if found and not arrived(found["loss"], best):
                    why = f"gap {(found['loss'] - best) / abs(best):.0e} at best"
            else:
                stride = 4 if wanted.small else 2
                e, found, why = search_tol(lambda e: run_fit(problem, solver, dtype, 10.0**e, wanted.limit), best, stride)
            if why:
                yield row("scikit-learn", name, why=why, limit=wanted.limit)
                continue
            times = [found["seconds"]]
            while len(times) < wanted.repeat:
                again = run_fit(problem, solver, dtype, 10.0**e, 10 * wanted.limit)
                times.append(again["seconds"] if again else math.inf)
            label = name if solver in DIRECT else f"{name}, tol 1e{e}"
            yield row("scikit-learn", label, statistics.median(times), found["iterations"])


# ---- thalweg ----


def known(thalweg, key):
    text = subprocess.run([thalweg, "help", "config", key], stdout=subprocess.PIPE, check=True, text=True).stdout
    return {line.split()[1] for line in text.splitlines() if line.strip().startswith(key + ": ")}


def train(wanted, problem, method, stop, name):
    """Exit code, rows of metrics.jsonl, summary, and seconds besides reading and training."""
    optimizer, rule = method
    sections = {
        "data": {"train": problem["file"], "scaling": problem.get("scaling", "none")},
        "model": {"type": problem["model"], "l2": problem["l2"]},
        "optimizer": {
            "type": optimizer.split(",")[0],
            "preconditioner": "gram" if ", gram" in optimizer else "none",
            "memory": 20 if "memory 20" in optimizer else 10,
        },
        "stop": {"max_iterations": 10**9, "max_time": wanted.limit, **stop},
        "reduction": {"mode": "reproducible"},
    }
    if rule:
        sections["step"] = {"rule": rule}
    with open("bench.yaml", "w", encoding="utf-8") as f:
        for section, keys in sections.items():
            f.write(f"{section}:\n" + "".join(f"  {k}: {v}\n" for k, v in keys.items()))
    subprocess.run(["rm", "-rf", name], check=True)
    command = ["mpirun", "-n", str(wanted.ranks), wanted.thalweg, "train", "bench.yaml", "--out", name, "-q"]
    code = subprocess.run(command, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, check=False).returncode
    if not os.path.exists(f"{name}/summary.json"):
        return code, [], {}, 0
    with open(f"{name}/metrics.jsonl", encoding="utf-8") as f:
        rows = [json.loads(line) for line in f]
    with open(f"{name}/summary.json", encoding="utf-8") as f:
        summary = json.load(f)
    return code, rows, summary, summary["seconds"] - summary["phases"]["read"]["max"] - rows[-1]["seconds"]


def first_arrival(rows, best):
    for r in rows:
        if r["loss"] is not None and arrived(r["loss"], best):
            return r
    return None


def thalweg_rows(problem, best, wanted, names):
    for optimizer, rule, models in METHODS:
        name = f"{optimizer} + {rule}" if rule else optimizer
        if (models and problem["model"] not in models) or name in wanted.skip:
            continue
        if optimizer.split(",")[0] not in names[0] or (rule and rule not in names[1]):
            say(f"  thalweg {name}: not in this program")
            continue
        say(f"  thalweg {name}")
        code, rows, summary, other = train(wanted, problem, (optimizer, rule), {"gradient_norm_relative": 1e-10}, "run")
        at = first_arrival(rows, best)
        if at is None:
            why = f"exit code {code}" if code else "late"
            if not code and summary["reason"] != "time_limit":
                why = f"{summary['reason']}, gap {(summary['loss'] - best) / abs(best):.0e}"
            yield row("thalweg", name, why=why, limit=wanted.limit)
            continue
        times = []
        for _ in range(wanted.repeat):  # on its way to the same iteration, stopped there
            stop = {"gradient_norm": 0, "max_iterations": at["iteration"], "max_time": 10 * wanted.limit}
            _, rows, _, other = train(wanted, problem, (optimizer, rule), stop, "run")
            again = first_arrival(rows, best)
            times.append(again["seconds"] + (other if "scaling" in problem else 0) if again else math.inf)
        yield row("thalweg", name, statistics.median(times), at["iteration"], at["reads"])


# ---- a problem ----


def make(name, wanted):
    problem = dict(PROBLEMS[name], file=os.path.abspath(f"{name}.h5"))
    if wanted.small:
        problem["rows"] //= 50
    if problem["model"] == "softmax":
        folder = os.environ.get("FASHION_MNIST", "/usr/share/datasets/fashion-mnist")
        parts = [f"{folder}/train-{part}-ubyte.gz" for part in ("images-idx3", "labels-idx1")]
        subprocess.run([wanted.thalweg, "convert", *parts, "-o", problem["file"]], check=True, stdout=subprocess.DEVNULL)
        if wanted.small:
            x, y, _, _ = load(problem)
            with h5py.File(problem["file"], "w") as f:
                f["X"], f["y"] = x[: problem["rows"]], y[: problem["rows"]]
        return problem
    options = {"task": problem["model"], "seed": 1, "condition": 1, **problem}
    command = ["mpirun", "-n", str(wanted.ranks), wanted.thalweg, "generate", "-o", problem["file"]]
    for key in ("task", "rows", "features", "type", "condition", "seed"):
        command += [f"--{key}", str(options[key])]
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    return problem


def reference(problem, wanted, names):
    """F*, or an end of the program when the two sides do not agree about it."""
    newton = "lbfgs, gram" if problem["model"] == "softmax" else "newton"
    stop = {"gradient_norm_relative": 1e-9 if problem["model"] == "softmax" else 1e-11, "max_time": 120 + 4 * wanted.limit}
    code, _, summary, _ = train(wanted, problem, (newton, ""), stop, "tight")
    if code:
        sys.exit(f"the tight run of thalweg ended with exit code {code}")
    data = load(problem)
    with h5py.File("tight/model.h5", "r") as f:
        kind = "_scaled_" if "scaling" in problem else "_"
        coef, intercept = f["coef" + kind][...], f["intercept" + kind][...]
    ours = objective(problem, data, coef, intercept)
    if problem["model"] == "softmax":
        bound = gap_bound(problem, data, coef, intercept)
        say(f"  F* = {ours:.15g} ({summary['reason']}); numpy's gradient there bounds the gap by {bound:.1e}")
        if not bound <= AGREE * ours or abs(ours - summary["loss"]) > AGREE * ours:
            sys.exit("no optimum to measure against")
        return ours
    solver, tol = TIGHT[problem["model"]]
    found = run_fit(problem, solver, "float64", tol, 120 + 4 * wanted.limit)
    if found is None:
        sys.exit(f"the tight fit of scikit-learn takes more than {120 + 4 * wanted.limit} s; raise --limit")
    best = min(summary["loss"], found["loss"])
    say(f"  F* = {best:.15g}; thalweg ({summary['reason']}), the same in numpy, scikit-learn above it by "
        f"{summary['loss'] - best:.1e}, {ours - best:.1e}, {found['loss'] - best:.1e}")
    for what, value in (("numpy at thalweg's model", ours), ("thalweg", summary["loss"]), ("scikit-learn", found["loss"])):
        if abs(value - best) > AGREE * abs(best):
            sys.exit(f"{what} says {value:.15g}, the least is {best:.15g}: no optimum to measure against")
    return best


def row(tool, method, seconds=math.inf, iterations=None, reads=None, why="", limit=0):
    text = f"> {limit:g}" if why == "late" else why or f"{seconds:.3g}"
    return {"tool": tool, "method": method, "seconds": seconds, "text": text, "iterations": iterations, "reads": reads}


def print_rows(name, rows):
    best = {"thalweg": math.inf, "scikit-learn": math.inf}
    for r in rows:
        best[r["tool"]] = min(best[r["tool"]], r["seconds"])
    for r in sorted(rows, key=lambda r: r["seconds"]):
        other = best["thalweg" if r["tool"] == "scikit-learn" else "scikit-learn"]
        ratio = f"{r['seconds'] / other:.2f}" if math.isfinite(r["seconds"]) and math.isfinite(other) else "–"
        cells = ["–" if r[k] is None else f"{r[k]:g}" for k in ("iterations", "reads")]
        print(f"| {name} | {r['tool']} | {r['method']} | {r['text']} | {cells[0]} | {cells[1]} | {ratio} |", flush=True)


def blas():
    import scipy.linalg  # noqa: F401 (loads the BLAS of numpy and scipy)
    import threadpoolctl

    found = [p for p in threadpoolctl.threadpool_info() if p["user_api"] == "blas"]
    return ", ".join(sorted({f"{p['internal_api']} {p['version']}, {p['num_threads']} threads" for p in found}))


def main():
    parser = argparse.ArgumentParser(usage="tests/bench/methods.sh [--thalweg PROGRAM] [--output FILE] [options]")
    parser.add_argument("thalweg")
    parser.add_argument("--small", action="store_true")
    parser.add_argument("--problems", type=lambda s: s.split(","), default=list(PROBLEMS))
    parser.add_argument("--limit", type=float)
    parser.add_argument("--repeat", type=int)
    parser.add_argument("--ranks", type=int, default=2)
    parser.add_argument("--skip", type=lambda s: s.split(","), default=[])
    wanted = parser.parse_args()
    wanted.limit = wanted.limit or (3 if wanted.small else 300)
    wanted.repeat = wanted.repeat or (1 if wanted.small else 3)
    for name in wanted.problems:
        if name not in PROBLEMS:
            sys.exit(f"unknown problem '{name}': choose of {', '.join(PROBLEMS)}")
    import sklearn

    below = blas()
    if not below and not wanted.small:
        sys.exit("numpy has the reference BLAS: no fair comparison; install libopenblas0-pthread")
    names = known(wanted.thalweg, "optimizer.type"), known(wanted.thalweg, "step.rule")
    print(f"Seconds until F - F\\* <= {GAP:g} F\\*, {wanted.ranks} ranks against 2 threads, medians of {wanted.repeat}; "
          f"scikit-learn {sklearn.__version__}, numpy {np.__version__}, BLAS: {below or 'reference, one thread, slow'}."
          + (" Small sizes: no measurement." if wanted.small else ""))
    print("The ratio is to the best of the other tool: below 1 is faster.\n")
    print("| problem | tool | method | seconds | iterations | reads of X | ratio |\n|---|---|---|---:|---:|---:|---:|")
    for name in wanted.problems:
        say(name)
        problem = make(name, wanted)
        best = reference(problem, wanted, names)
        rows = list(thalweg_rows(problem, best, wanted, names)) + list(scikit_rows(problem, best, wanted))
        print_rows(f"{name} {problem['rows']} x {problem['features']}, l2 {problem['l2']:g}", rows)
        os.remove(problem["file"])


if __name__ == "__main__":
    if sys.argv[1:2] == ["--fit"]:
        fit(*json.loads(sys.argv[2]))
    else:
        main()
