# SPDX-License-Identifier: BSD-3-Clause
"""The kernels' bytes are NumPy's, on every ISA of this machine (TREADLE_CPU) and thread count.

NumPy's since 2.3: older ones add in pieces of 8192 elements, and of two NaNs keep the other one.
Under them Treadle runs NumPy's own loops where a kernel differs, as test_ufunc.py sees.
"""

import itertools
import os
import pathlib

import numpy as np
import pytest
from plugin_by_ctypes import Plugin

pytestmark = pytest.mark.skipif(
    np.lib.NumpyVersion(np.__version__) < "2.3.0", reason="the kernels have the bytes of NumPy 2.3"
)

THREADS = {"serial": [1], "openmp": [1, 2, 3]}


def plugin_files():
    """Where TREADLE_PLUGIN_PATH says, or else where treadle finds its own."""
    folders = [pathlib.Path(p) for p in os.environ.get("TREADLE_PLUGIN_PATH", "").split(":") if p]
    if not folders:
        import treadle

        folders = {
            pathlib.Path(b["path"]).parent for b in treadle.backends() if b["path"][0] == "/"
        }
    return [f for name in THREADS for d in folders for f in d.glob(f"treadle-{name}.so")]


PLUGINS = [Plugin(path) for path in plugin_files()]

BINARY = ["add", "subtract", "multiply", "divide", "maximum", "minimum"]
UNARY = ["negative", "abs", "sqrt", "square", "copy"]
TYPES = [np.float32, np.float64, np.int32, np.int64]
LENGTHS = [1, 2, 7, 8, 9, 15, 16, 17, 31, 33, 64, 65, 130, 1000]


def plugins():
    for plugin in PLUGINS:
        for threads in THREADS[plugin.table.id.decode()]:
            yield plugin, threads


def specials(dtype):
    if np.dtype(dtype).kind == "i":
        info = np.iinfo(dtype)
        return np.array([0, 1, -1, 2, 7, info.max, info.min, info.min + 1], dtype)
    tiny = np.finfo(dtype).smallest_subnormal
    bits = {4: np.uint32, 8: np.uint64}[np.dtype(dtype).itemsize]
    quiet = np.array([np.nan], dtype).view(bits)
    nans = np.concatenate([quiet + 1, quiet + 2, ~quiet + quiet + quiet + 3]).astype(bits)
    ordinary = [0.0, -0.0, 1.0, -1.5, np.inf, -np.inf, tiny, -tiny, 3e38, np.nan, -np.nan]
    return np.concatenate([np.array(ordinary, dtype), nans.view(dtype)])


def values(dtype, n, seed):
    rng = np.random.default_rng(seed)
    if np.dtype(dtype).kind == "i":
        ordinary = rng.integers(-(2**31), 2**31, n).astype(dtype)
    else:
        ordinary = (rng.standard_normal(n) * 10.0 ** rng.integers(-8, 8, n)).astype(dtype)
    chosen = rng.choice(specials(dtype), n)
    return np.where(rng.random(n) < 0.3, chosen, ordinary)


def same(got, want, what):
    assert got.dtype == want.dtype, what
    if got.tobytes() != want.tobytes():
        got, want = got.ravel(), want.ravel()
        bits = {4: np.uint32, 8: np.uint64}[got.itemsize]
        wrong = np.flatnonzero(got.view(bits) != want.view(bits))
        i = wrong[0]
        pytest.fail(f"{what}: {len(wrong)} differ, first [{i}]: {got[i]!r} is not {want[i]!r}")


def numpys(op):
    return np.positive if op == "copy" else getattr(np, op)


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("op", BINARY)
def test_binary_has_numpys_bytes(op, dtype):
    if op == "divide" and np.dtype(dtype).kind == "i":
        return
    for n, layout in itertools.product(LENGTHS, ["contiguous", "strided", "left", "right"]):
        x, y = values(dtype, 2 * n, n), values(dtype, 2 * n, n + 1)
        x, y = (x[::2], y[::-2]) if layout == "strided" else (x[:n], y[:n])
        x = x[:1] if layout == "left" else x
        y = y[:1] if layout == "right" else y
        with np.errstate(all="ignore"):
            want = getattr(np, op)(x, y)
        for plugin, threads in plugins():
            got = plugin.elementwise(op, [x, y], np.empty(n, dtype), threads)
            same(got, want, f"{op} n={n} {layout} {threads} threads")


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("op", UNARY)
def test_unary_has_numpys_bytes(op, dtype):
    if op == "sqrt" and np.dtype(dtype).kind == "i":
        return
    for n, step in itertools.product(LENGTHS, [1, 2, -1]):
        x = values(dtype, 2 * n, n)[::step][:n]
        with np.errstate(all="ignore"):
            want = numpys(op)(x)
        for plugin, threads in plugins():
            got = plugin.elementwise(op, [x], np.empty(n, dtype), threads)
            same(got, want, f"{op} n={n} step {step} {threads} threads")


LAYOUTS = {
    "1-d": lambda rng, make: make(rng.integers(1, 40000)),
    "reversed": lambda rng, make: make(rng.integers(1, 40000))[::-1],
    "step 3": lambda rng, make: make(rng.integers(3, 40000))[::3],
    "2-d": lambda rng, make: make(*rng.integers(1, 200, 2)),
    "fortran": lambda rng, make: make(*rng.integers(1, 200, 2)).T,
    "sliced": lambda rng, make: make(*rng.integers(2, 300, 2))[:, 1:],
    "sliced wide": lambda rng, make: make(7, rng.integers(5000, 20000))[:, 3:],
    "sliced rows": lambda rng, make: make(*rng.integers(2, 300, 2))[::2],
    "both": lambda rng, make: make(*rng.integers(2, 300, 2))[::-1, ::2],
    "3-d": lambda rng, make: make(*rng.integers(1, 40, 3)),
    "3-d sliced": lambda rng, make: make(*rng.integers(2, 40, 3))[:, ::2, 1:],
    "3-d turned": lambda rng, make: make(*rng.integers(2, 40, 3)).transpose(1, 2, 0)[::-1],
    "3-d narrow": lambda rng, make: make(rng.integers(2, 2000), 3, 2)[:, :, ::-1],
    "broadcast": lambda rng, make: np.broadcast_to(make(1, 50), (rng.integers(2, 300), 50)),
    "4-d": lambda rng, make: make(*rng.integers(1, 14, 4))[..., ::2, :],
}


def ordinary(dtype, rng):
    def make(*shape):
        if np.dtype(dtype).kind == "i":
            return rng.integers(-(2**31), 2**31 - 1, shape, dtype=dtype)
        return (rng.standard_normal(shape) * 10.0 ** rng.integers(-8, 8, shape)).astype(dtype)

    return make


def all_axes(ndim):
    for n in range(1, ndim + 1):
        yield from itertools.combinations(range(ndim), n)


REDUCTIONS = {
    "sum": [np.float32, np.float64, np.int64],
    "prod": [np.float32, np.float64, np.int64],
    "mean": [np.float32, np.float64, np.int64, np.int32],
    "max": TYPES,
    "min": TYPES,
}


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("op", REDUCTIONS)
def test_reduction_has_numpys_bytes(op, layout):
    for dtype, seed in itertools.product(REDUCTIONS[op], range(4)):
        rng = np.random.default_rng(seed)
        x = LAYOUTS[layout](rng, ordinary(dtype, rng))
        for axes in all_axes(x.ndim):
            with np.errstate(all="ignore"):
                want = getattr(np, op)(x, axis=axes, keepdims=True)
            for plugin, threads in plugins():
                got = plugin.reduce(op, x, axes, want.dtype, threads)
                what = f"{op} {dtype.__name__} {x.shape} {x.strides} over {axes}, {threads} threads"
                same(got, want, what)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_long_sums_have_numpys_bytes(dtype):
    """Both halves are added at once: also where their trees differ, around a power of two."""
    rng = np.random.default_rng(3)
    for power, more in itertools.product([15, 16, 18], [-9, -8, -1, 0, 1, 7, 8, 9, 17, 130, 5000]):
        x = ordinary(dtype, rng)(2**power + more)
        want = np.sum(x, keepdims=True)
        for plugin, threads in plugins():
            got = plugin.reduce("sum", x, None, None, threads)
            same(got, want, f"{x.shape}, {threads} threads")


@pytest.mark.parametrize("op", ["sum", "mean", "prod"])
@pytest.mark.parametrize("value", [-0.0, np.inf, np.nan])
def test_reduction_of_specials_has_numpys_bytes(op, value):
    for shape in [(1,), (5,), (8,), (1000,), (4, 5), (1, 3), (200, 300)]:
        x = np.full(shape, value)
        for axes in all_axes(x.ndim):
            want = getattr(np, op)(x, axis=axes, keepdims=True)
            for plugin, threads in plugins():
                same(plugin.reduce(op, x, axes, None, threads), want, f"{op} {shape} {axes}")


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("op", ["max", "min"])
def test_zeros_keep_numpys_sign(op, dtype):
    """Which of two equal zeros survives depends on the order, so it is NumPy's order."""
    rng = np.random.default_rng(1)
    for n, step in itertools.product([1, 2, 7, 8, 9, 63, 64, 65, 127, 129, 1000, 5000], [1, 2, -1]):
        for _ in range(10):
            x = rng.choice(np.array([0.0, -0.0], dtype), 2 * n)[::step][:n]
            want = getattr(np, op)(x, keepdims=True)
            for plugin, threads in plugins():
                same(plugin.reduce(op, x, None, None, threads), want, f"{op} n={n} step {step}")


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("op", ["sum", "prod"])
def test_the_same_nan_survives(op, dtype):
    """Of several NaNs. In sums of more than 128 the choice is NumPy's compiler's: not followed."""
    shapes = [(5,), (16,), (120,)] + ([(40000,), (30, 700), (700, 37)] if op == "prod" else [])
    for shape, seed in itertools.product(shapes, range(5)):
        rng = np.random.default_rng(seed)
        x = rng.standard_normal(shape).astype(dtype)
        x.ravel()[rng.integers(0, x.size, 4)] = rng.choice(specials(dtype)[9:], 4)
        for axes in all_axes(x.ndim):
            with np.errstate(all="ignore"):
                want = getattr(np, op)(x, axis=axes, keepdims=True)
            for plugin, threads in plugins():
                got = plugin.reduce(op, x, axes, None, threads)
                same(got, want, f"{op} {shape} {axes} {threads}")
