# SPDX-License-Identifier: BSD-3-Clause
"""The pieces of work of composability.py, each for a process of its own.

As a program: `composability_works.py NAME [LIMIT]` gets ready, says so, and for each line that it
reads works and prints the seconds it took; with LIMIT threads of BLAS and OpenMP by threadpoolctl.
"""

import multiprocessing
import os
import sys
import time
from contextlib import nullcontext
from functools import partial
from multiprocessing.pool import ThreadPool
from typing import NamedTuple

import numpy as np
from threadpoolctl import threadpool_limits

CORES = len(os.sched_getaffinity(0))
RNG = np.random.default_rng(1)
PROCESSES = multiprocessing.get_context("fork").Pool


class Work(NamedTuple):
    """`make` gives a function without arguments; `callers` of its threads or processes work."""

    title: str
    make: object
    repeat: int = 1
    callers: int = 1
    processes: int = 1


def square(n):
    return RNG.standard_normal((n, n))


# ---- the examples of NumPy's page on parallelism ------------------------------------------------


def add():
    a, b = RNG.standard_normal((2, 5_000_000))
    return lambda: a + b


def add_out():
    a, b, out = RNG.standard_normal((3, 5_000_000))
    return lambda: np.add(a, b, out=out)


def total():
    a = RNG.random(20_000_000)
    return lambda: a.sum()


def small_adds():
    a, b = RNG.standard_normal((2, 1000))

    def work():
        for _ in range(100_000):
            np.add(a, b)

    return work


def dots():
    a, pool = square(1000), ThreadPool(2)
    return lambda: pool.map(a.dot, [a, a])


def svds():
    matrices, pool = [square(700) for _ in range(4)], ThreadPool(4)
    return lambda: pool.map(np.linalg.svd, matrices)


# ---- Malakhov's four, scaled: on threads, or on forked processes ------------------------------

CHUNKS = []  # of the tall matrix; forked processes find theirs here


def eig(a):
    return np.linalg.eig(a)[0][0]


def product(a):
    return (a @ a)[0, 0]


def qr_of_chunk(i):
    q, r = np.linalg.qr(CHUNKS[i])
    assert np.allclose(q @ r, CHUNKS[i])
    return r


def eig_balanced(pool):
    matrices, pool = [square(200)] * (8 * CORES), pool(CORES)
    return lambda: pool.map(eig, matrices, 1)


def eig_unbalanced(pool):
    """Of three large products one is left over; then chunks that do not divide by the threads."""
    large, small, pool = [square(1000)] * 3, [square(200)] * (6 * CORES), pool(CORES)

    def work():
        pool.map(product, large, 1)
        pool.map(eig, small, 4)
        pool.map(eig, small, 5)

    return work


def tall_qr(pool, chunks):
    """QR by parts, so many of 44 at a time."""
    for first in range(0, 44, chunks):
        rs = pool.map(qr_of_chunk, range(first, first + chunks), 1)
        np.linalg.qr(np.vstack(rs))


def qr(pool, *steps):
    CHUNKS.extend(RNG.standard_normal((44, 1000, 100)))
    pool = pool(CORES)
    return lambda: [tall_qr(pool, chunks) for chunks in steps]


def qr_balanced(pool):
    return qr(pool, 44)


def qr_unbalanced(pool):
    return qr(pool, 1, 22)


# ---- complaints ------------------------------------------------------------------------------


def pool_of_qr():
    a, pool = square(1000), ThreadPool(10)
    return lambda: pool.map(np.linalg.qr, [a] * 10)


def small_svds():
    rows = RNG.standard_normal((150, 500))

    def work():
        for n in range(1, 150, 4):
            np.linalg.svd(rows[:n], full_matrices=False)

    return work


def pool_of_solve():
    a, b, pool = square(512), square(512)[0], ThreadPool(CORES)
    return lambda: pool.map(lambda _: np.linalg.solve(a, b), range(80))


def small_invs():
    a = square(4) + 4 * np.eye(4)

    def work():
        for _ in range(20_000):
            np.linalg.inv(a)

    return work


def million_adds():
    a, b = RNG.standard_normal((2, 1_000_000))
    return lambda: a + b


def million_sums():
    a = RNG.standard_normal(1_000_000)
    return lambda: a.sum()


# ---- all -------------------------------------------------------------------------------------


def _malakhov():
    for name, make, title in (
        ("eig", eig_balanced, "eig(200), balanced"),
        ("eig_unbalanced", eig_unbalanced, "eig(200) and products, unbalanced"),
        ("qr", qr_balanced, "QR in 44 chunks, balanced"),
        ("qr_unbalanced", qr_unbalanced, "QR in 1, 22 chunks, unbalanced"),
    ):
        yield name, Work(f"{title}, threads", partial(make, ThreadPool), 1, CORES)
        yield f"{name}_mp", Work(f"{title}, processes", partial(make, PROCESSES), 1, CORES)


def _processes():
    for count in (1, 2, 4):
        adds, sums = (f"1e6: {what}, {count} processes" for what in ("a + b", "sum"))
        yield f"adds_{count}", Work(adds, million_adds, 150, count, count)
        yield f"sums_{count}", Work(sums, million_sums, 1000, count, count)


WORKS = {
    "add": Work("a + b, 5 million", add, 20),
    "add_out": Work("np.add(a, b, out=c), 5 million", add_out, 20),
    "sum": Work("sum of 20 million", total, 20),
    "small": Work("np.add of 1000, in a loop", small_adds),
    "dots": Work("two threads, each dot of 1000 x 1000", dots, 10, 2),
    "svds": Work("four svd(700) in a pool of 4", svds, 1, 4),
    **dict(_malakhov()),
    "pool_qr": Work("ten qr(1000) in a pool of 10", pool_of_qr, 1, 10),
    "small_svds": Work("svd(n x 500), n below 150, one by one", small_svds),
    "pool_solve": Work("80 solve(512) from a pool", pool_of_solve, 1, CORES),
    "small_invs": Work("inv(4 x 4) in a loop", small_invs),
    **dict(_processes()),
}


def main(name, limit=None):
    work = WORKS[name]
    with threadpool_limits(int(limit)) if limit else nullcontext():
        function = work.make()
        function()
        print("ready", flush=True)
        for _ in sys.stdin:
            start = time.perf_counter()
            for _ in range(work.repeat):
                function()
            print(time.perf_counter() - start, flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
