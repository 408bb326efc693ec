"""Seconds per full-batch logistic gradient with mpi4py + numpy: X @ w and X.T @ r in float32 (BLAS), one Allreduce.

mpirun -n 2 /usr/bin/python3 tests/bench/gradient_numpy.py DATA.h5 EVALUATIONS
"""
import sys
import time

import h5py
import numpy as np
from mpi4py import MPI

comm = MPI.COMM_WORLD
with h5py.File(sys.argv[1], "r") as f:
    m, n = f["X"].shape
    rows = slice(m * comm.rank // comm.size, m * (comm.rank + 1) // comm.size)
    x, y = f["X"][rows], f["y"][rows].astype(np.float32)
w, sums, times = np.zeros(n, np.float32), np.zeros(n + 2), []
for k in range(int(sys.argv[2]) + 1):
    comm.Barrier()
    start = time.perf_counter()
    z = x @ w
    p = 1 / (1 + np.exp(-z))
    r = p - y
    local = np.concatenate([x.T @ r, [r.sum(), np.logaddexp(0, z).sum() - y @ z]]).astype(np.float64)
    comm.Allreduce(local, sums)
    w -= (0.1 / m) * sums[:n].astype(np.float32)
    times.append(time.perf_counter() - start)
if comm.rank == 0:
    print(f"{np.median(times[1:]):.6f} {sums[n + 1] / m:.9f}")
