# SPDX-License-Identifier: BSD-3-Clause
"""Graphs of dask.array on a local cluster: the nanny's one thread, all threads, and Treadle."""

import argparse
import json
import os
import random
import statistics
import sys
import time

import dask
import dask.array as da
import numpy as np
from distributed import Client, LocalCluster, wait
from threadpoolctl import ThreadpoolController

import treadle.dask
from demo_report import duration

CORES = len(os.sched_getaffinity(0))
# The default of the nanny is one thread for NumPy's BLAS, so that "1 thread" is no side of its own.
SIDES = ("nanny", "n threads", "treadle")


def sample(*shape, chunks):
    """Return how to make an input."""
    return lambda: da.random.default_rng(1).standard_normal(shape, chunks=chunks)


def tsqr(a):
    q, r = da.linalg.tsqr(a)
    return abs(q).sum() + abs(r).sum()


def qr(a):
    q, r = da.linalg.qr(a)
    return abs(q).sum() + abs(r).sum()


def svd_compressed(a):
    return da.linalg.svd_compressed(a, 20, n_power_iter=1, seed=1)[1]


def elementwise(a):
    return (da.sqrt(da.exp(a) + a * a) - a).max()


def transposed(a):
    return ((a + a.T) * 0.5).std(axis=0).sum()


def product(a):
    return (a @ a).sum()


def inverse(a):
    return a.map_blocks(np.linalg.inv, meta=a._meta).sum()


# Name: how the input is made, and what is computed of it. Those of one chunk keep one worker busy,
# and are what is left at the end of a graph.
WORKS = {
    "tsqr, 8 chunks": (sample(32_000, 200, chunks=(4_000, 200)), tsqr),
    "svd_compressed, 8 chunks": (
        sample(8_000, 1_000, chunks=(1_000, 1_000)),
        svd_compressed,
    ),
    "element-wise, 16 chunks": (sample(8_000, 2_000, chunks=(500, 2_000)), elementwise),
    "a + a.T, 9 chunks": (sample(3_600, 3_600, chunks=(1_200, 1_200)), transposed),
    "qr, short and fat": (sample(600, 2_400, chunks=(600, 600)), qr),
    "qr, 1 chunk": (sample(8_000, 400, chunks=(8_000, 400)), qr),
    "element-wise, 1 chunk": (sample(2_000, 4_000, chunks=(2_000, 4_000)), elementwise),
    "a @ a, 1 chunk": (sample(1_500, 1_500, chunks=(1_500, 1_500)), product),
    "inverse, 1 chunk": (sample(1_500, 1_500, chunks=(1_500, 1_500)), inverse),
}
EXACT = ("element-wise, 16 chunks", "element-wise, 1 chunk")


def set_blas_threads(count):
    """Do in a worker what its variables do at its start."""
    ThreadpoolController().limit(limits=count, user_api="blas")


def enter(side, client):
    treadle.dask.uninstall(client)
    client.run(set_blas_threads, CORES if side == "n threads" else 1)
    if side == "treadle":
        treadle.dask.install(client)


def check(work, results):
    """All sides must have found the same, to the bit where Treadle promises that."""
    first = results["nanny"]
    for side, result in results.items():
        same = np.array_equal if work in EXACT else np.allclose
        if not same(first, result):
            raise SystemExit(f"{work}: {side} finds {result} instead of {first}")


def measure(client, work, rounds):
    make, compute = WORKS[work]
    data = make().persist()
    wait(data)
    samples, results = {side: [] for side in SIDES}, {}
    for i in range(-1, rounds):  # the first round warms up
        for side in random.sample(SIDES, len(SIDES)):
            enter(side, client)
            graph = compute(data)
            begin = time.perf_counter()
            results[side] = graph.compute()
            if i >= 0:
                samples[side].append(time.perf_counter() - begin)
        check(work, results)
    return samples


def row_of(work, workers, samples):
    """Ratios above 1: Treadle is faster."""
    seconds = {side: statistics.median(times) for side, times in samples.items()}
    best = min(SIDES[:2], key=seconds.get)
    pairs = zip(samples[best], samples["treadle"], strict=True)
    ratio = statistics.median(a / b for a, b in pairs)
    return {"work": work, "workers": workers, "seconds": seconds, "best": best, "ratio": ratio}


def main(argv=None):
    parser = argparse.ArgumentParser(prog="./dev bench dask_graphs", description=__doc__)
    parser.add_argument("--work", choices=WORKS, nargs="+", default=list(WORKS), metavar="WORK")
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2, 4])
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args(argv)
    rows = []
    for workers in args.workers:
        with (
            dask.config.set({"distributed.logging.distributed": "error"}),
            LocalCluster(n_workers=workers, dashboard_address=":0") as cluster,
            Client(cluster) as client,
        ):
            for work in args.work:
                print(f"{workers} workers: {work}", file=sys.stderr)
                rows.append(row_of(work, workers, measure(client, work, args.rounds)))
    if args.json:
        print(json.dumps(rows, indent=2))
        return 0
    print(f"Medians of {args.rounds}; the ratio is of the better of the two others over treadle")
    for row in rows:
        times = " ".join(f"{side} {duration(row['seconds'][side])}" for side in SIDES)
        print(f"{row['workers']} x {row['work']:<25} {times}  {row['ratio']:5.2f} ({row['best']})")
    return 0


if __name__ == "__main__":
    sys.exit(main())
