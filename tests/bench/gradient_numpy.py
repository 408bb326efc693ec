"""Seconds per full-batch gradient with mpi4py + numpy: X @ w and X.T @ r in float32 (BLAS), one Allreduce. Softmax for three
or more classes, else logistic.

mpirun -n 2 /usr/bin/python3 tests/bench/gradient_numpy.py DATA.h5 EVALUATIONS
"""
import sys
import time

import numpy as np
from mpi4py import MPI

import problem

comm = MPI.COMM_WORLD
x, y, m = problem.load(sys.argv[1], comm.rank, comm.size)
n, classes = x.shape[1], int(comm.allreduce(y.max(), MPI.MAX)) + 1
outputs = classes if classes > 2 else 1
one_hot = np.eye(classes, dtype=np.float32)[y.astype(int)] if outputs > 1 else y.astype(np.float32)[:, None]


def logistic(z):
    return 1 / (1 + np.exp(-z)), np.logaddexp(0, z).sum()


def softmax(z):
    most = z.max(axis=1, keepdims=True)
    p = np.exp(z - most)
    total = p.sum(axis=1, keepdims=True)
    return p / total, (most + np.log(total)).sum()


link = softmax if outputs > 1 else logistic
w, b = np.zeros((n, outputs), np.float32), np.zeros(outputs, np.float32)
sums, times = np.zeros((n + 1) * outputs + 1), []
for k in range(int(sys.argv[2]) + 1):
    comm.Barrier()
    start = time.perf_counter()
    z = x @ w + b
    p, loss = link(z)
    r = p - one_hot
    local = np.concatenate([(x.T @ r).ravel(), r.sum(axis=0), [loss - (one_hot * z).sum()]]).astype(np.float64)
    comm.Allreduce(local, sums)
    w -= (0.1 / m) * sums[: n * outputs].reshape(n, outputs).astype(np.float32)
    b -= (0.1 / m) * sums[n * outputs : -1].astype(np.float32)
    times.append(comm.allreduce(time.perf_counter() - start, MPI.MAX))
if comm.rank == 0:
    problem.say("gradient", "mpi4py + numpy", np.median(times[1:]), sums[-1] / m)
