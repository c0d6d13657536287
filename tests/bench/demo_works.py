# SPDX-License-Identifier: BSD-3-Clause
"""The pieces of work that demo.py measures; each can be run, timed and checked."""

import hashlib
import time
import timeit
from concurrent.futures import ThreadPoolExecutor

import numpy as np


class WrongResultError(Exception):
    """A result that is not merely slower or faster but wrong."""


class Work:
    """One piece of work.

    `exact` promises NumPy's own bits. A `slow` work is not run only to warm up: warm() does less,
    and the first timed result is the one that is checked. `settle` seconds pass before a side
    is timed; `blas` tells that the work is done by the BLAS library, with its own threads.
    """

    exact = True
    slow = False
    blas = False
    settle = 0.0

    def run(self):
        raise NotImplementedError

    def warm(self):
        self.run()

    def timed(self, keep=False):
        """(seconds, the result or None). Dropping the result is part of a program's cost."""
        start = time.perf_counter()
        result = self.run()
        if not keep:
            result = None
        return time.perf_counter() - start, result

    def digest(self, result):
        """What must be equal on every side if the work is exact."""
        return hashlib.blake2b(np.ascontiguousarray(result).data).hexdigest()

    def verify(self, result):
        """Raise WrongResultError if an inexact result is worse than rounding explains."""


class Add(Work):
    name = "add"

    def __init__(self, n, rng):
        self.title = f"a + b, {n:,} float64"
        self.a, self.b = rng.standard_normal(n), rng.standard_normal(n)

    def run(self):
        return self.a + self.b


class AddOut(Add):
    name = "add_out"

    def __init__(self, n, rng):
        super().__init__(n, rng)
        self.title = f"np.add(a, b, out=c), {n:,} float64"
        self.c = np.ones(n)

    def run(self):
        return np.add(self.a, self.b, out=self.c)


class Sum(Work):
    name = "sum"

    def __init__(self, n, rng):
        self.title = f"np.sum(a), {n:,} float64"
        self.a = rng.random(n)

    def run(self):
        return np.sum(self.a)


class Small(Work):
    """Nanoseconds of one call; a sample is a batch that is long enough for the clock."""

    batch_seconds = 1e-3

    def __init__(self, n, rng):
        self.name = f"small_{n}"
        self.title = f"np.add(a, b), {n:,} float64, one call"
        a, b = rng.standard_normal(n), rng.standard_normal(n)
        self.run = lambda: np.add(a, b)
        self.timer = timeit.Timer("add(a, b)", globals={"add": np.add, "a": a, "b": b})
        self.calls = max(1, int(1000 * self.batch_seconds / self.timer.timeit(1000)))

    def warm(self):
        self.timer.timeit(self.calls // 5 + 1)

    def timed(self, keep=False):
        return self.timer.timeit(self.calls) / self.calls, None


def require(residual, limit, what):
    """NaN is not below any limit."""
    if not residual <= limit:
        raise WrongResultError(f"{what}: residual {residual:.1e}, allowed {limit:.1e}")


def distance(x, y):
    return float(np.linalg.norm(x - y) / np.linalg.norm(y))


class Dot2(Work):
    name = "dot2"
    exact = False
    blas = True
    # OpenBLAS's threads spin for about 0.1 s after a call and would run into the next side's time.
    settle = 0.12

    def __init__(self, n, rng):
        self.title = f"np.dot, {n:,} × {n:,}, from 2 threads at once"
        self.pairs = [(rng.standard_normal((n, n)), rng.standard_normal((n, n))) for _ in range(2)]
        self.probe = rng.standard_normal((n, 8))
        self.pool = ThreadPoolExecutor(2)

    def run(self):
        return list(self.pool.map(lambda pair: np.dot(*pair), self.pairs))

    def verify(self, result):
        # Freivalds: a wrong product shows on random vectors, at the price of a few vector products.
        for (a, b), c in zip(self.pairs, result, strict=True):
            residual = distance(c @ self.probe, a @ (b @ self.probe))
            require(residual, 10 * len(a) * np.finfo(float).eps, "a @ b")


class Svd4(Work):
    name = "svd4"
    exact = False
    slow = True
    blas = True
    settle = 0.12

    def __init__(self, n, rng):
        self.title = f"four svd({n:,}) in ThreadPoolExecutor(4)"
        self.matrices = [rng.standard_normal((n, n)) for _ in range(4)]
        self.small = [m[: n // 8, : n // 8] for m in self.matrices]
        self.probe = rng.standard_normal((n, 8))
        self.pool = ThreadPoolExecutor(4)

    def run(self):
        return list(self.pool.map(np.linalg.svd, self.matrices))

    def warm(self):
        list(self.pool.map(np.linalg.svd, self.small))

    def verify(self, result):
        x = self.probe
        for a, (u, s, vh) in zip(self.matrices, result, strict=True):
            limit = 10 * len(a) * np.finfo(float).eps
            require(distance(u @ (s[:, None] * (vh @ x)), a @ x), limit, "u @ diag(s) @ vh")
            require(distance(u.T @ (u @ x), x), limit, "u.T @ u")
            require(distance(vh @ (vh.T @ x), x), limit, "vh @ vh.T")
            if not (np.all(s[:-1] >= s[1:]) and s[-1] >= 0):
                raise WrongResultError("singular values are not sorted")
