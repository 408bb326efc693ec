"""Seconds per full-batch gradient with PyTorch: nn.Linear under DistributedDataParallel (gloo), float32, the loss of the whole
shard in one call, backward() with its all-reduce. Softmax for three or more classes, else logistic.

mpirun -n 2 /usr/bin/python3 tests/bench/gradient_torch.py DATA.h5 EVALUATIONS RENDEZVOUS     a file that is not there
"""
import os
import sys
import time

import numpy as np
import torch
import torch.distributed as dist

import problem

rank, size = int(os.environ.get("OMPI_COMM_WORLD_RANK", 0)), int(os.environ.get("OMPI_COMM_WORLD_SIZE", 1))
torch.set_num_threads(1)
dist.init_process_group("gloo", init_method=f"file://{os.path.abspath(sys.argv[3])}", rank=rank, world_size=size)
x, y, m = problem.load(sys.argv[1], rank, size)
most = torch.tensor([float(y.max())])
dist.all_reduce(most, dist.ReduceOp.MAX)
outputs = int(most) + 1 if most > 1 else 1
x = torch.from_numpy(x)
y = torch.from_numpy(y.astype(np.int64 if outputs > 1 else np.float32))
linear = torch.nn.Linear(x.shape[1], outputs)
for parameter in linear.parameters():
    torch.nn.init.zeros_(parameter)
model = torch.nn.parallel.DistributedDataParallel(linear)
loss_of = torch.nn.CrossEntropyLoss() if outputs > 1 else torch.nn.BCEWithLogitsLoss()
descent, times = torch.optim.SGD(model.parameters(), lr=0.1), []
for k in range(int(sys.argv[2]) + 1):
    dist.barrier()
    start = time.perf_counter()
    descent.zero_grad()
    z = model(x)
    loss = loss_of(z if outputs > 1 else z[:, 0], y)
    loss.backward()
    descent.step()
    times.append(time.perf_counter() - start)
slowest, whole = torch.tensor(times), loss.detach() * len(y)
dist.all_reduce(slowest, dist.ReduceOp.MAX)
dist.all_reduce(whole)
if rank == 0:
    problem.say("gradient", "PyTorch DDP (gloo)", float(slowest[1:].median()), float(whole) / m)
dist.destroy_process_group()
