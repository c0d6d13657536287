# SPDX-License-Identifier: BSD-3-Clause
"""Reductions have NumPy's bits, wherever they are cut and whoever adds the parts."""

import numpy as np
import pytest
from conftest import DEPTHS, differing

SIZES = (1, 7, 8, 9, 127, 128, 129, 136, 137, 255, 257, 1000, 8191, 8192, 8193, 50021, 300007)
LEAST = {"fast": (1, 1000), "full": (130, 500, 4096, 100000)}
SUMS = ("f4", "f8", "c8", "c16")


def wide(n, dtype, seed=0):
    rng = np.random.default_rng(seed)

    def part():
        return rng.standard_normal(n) * 10.0 ** rng.integers(-12, 12, n)

    x = part() + 1j * part() if np.dtype(dtype).kind == "c" else part()
    return x.astype(dtype)


def same_in_all_cuts(calls, depth="fast"):
    for least in LEAST[depth]:
        assert differing(calls, least=least) == []


def sums(x):
    rows = x[: x.size // 10 * 10].reshape(-1, 10)
    yield "sum", lambda: np.sum(x)
    yield "strided", lambda: x[::3].sum()
    yield "backwards", lambda: x[::-1].sum()
    yield "mean", lambda: x.mean()
    yield "std", lambda: x.std()
    yield "nansum", lambda: np.nansum(x)
    yield "2-d", lambda: rows.sum()
    yield "axis 0", lambda: rows.sum(axis=0)
    yield "axis 1", lambda: rows.sum(axis=1)
    yield "transposed", lambda: rows.T.sum(axis=1)
    yield "keepdims", lambda: rows.sum(keepdims=True)
    yield "initial", lambda: np.sum(x, initial=5)
    yield "where", lambda: np.add.reduce(x, where=x.real > 0)
    yield "reduceat", lambda: np.add.reduceat(x, [0, x.size // 3, x.size // 2])
    yield "out", lambda: np.add.reduce(x, out=np.empty((), x.dtype))
    yield "wider", lambda: x.sum(dtype="c16" if x.dtype.kind == "c" else "f8")


@pytest.mark.parametrize("depth", DEPTHS)
@pytest.mark.parametrize("dtype", SUMS)
def test_sums(dtype, depth):
    for n in SIZES:
        same_in_all_cuts(list(sums(wide(n, dtype))), depth)


@pytest.mark.parametrize("dtype", SUMS)
def test_sums_of_zeros_keep_their_sign(dtype):
    zeros = np.full(5003, -0.0, dtype)
    mixed = zeros.copy()
    mixed[3000] = 0
    same_in_all_cuts(
        [
            ("from 0", lambda: np.sum(zeros)),
            ("from -0", lambda: np.add.reduce(zeros, initial=-0.0)),
            ("mixed", lambda: np.add.reduce(mixed, initial=-0.0)),
            ("turned", lambda: np.add.reduce(mixed[3000:], initial=-0.0)),
        ]
    )


def with_nans(n, dtype):
    """Return numbers with NaNs of several payloads and infinities of both signs."""
    rng = np.random.default_rng(n)
    x = wide(n, dtype)
    parts = x.view(x.real.dtype)
    bits = parts.view(parts.dtype.str.replace("f", "u"))
    quiet = np.array(np.nan, parts.dtype).view(bits.dtype)
    parts[rng.integers(0, parts.size, 3)] = np.inf
    parts[rng.integers(0, parts.size, 3)] = -np.inf
    for i in rng.integers(0, parts.size, 4):
        bits[i] = quiet | bits.dtype.type(rng.integers(1, 1000))
    return x


@pytest.mark.parametrize("dtype", SUMS)
def test_sums_with_nans_and_infinities(dtype):
    calls = []
    for n in range(2000, 2040):
        x = with_nans(n, dtype)
        calls += [(f"n={n}", lambda x=x: np.sum(x)), (f"n={n} max", lambda x=x: np.max(x))]
        calls.append((f"n={n} initial", lambda x=x: np.sum(x, initial=np.nan)))
    plain_nan = wide(3001, dtype)
    plain_nan[1234] = np.nan
    calls.append(("one NaN", lambda: np.sum(plain_nan)))
    same_in_all_cuts(calls)


@pytest.mark.parametrize("dtype", SUMS)
def test_sums_with_many_nans(dtype):
    """NumPy adds a node inside a larger one with other instructions than the same node alone."""
    calls = []
    for seed in range(150):
        x = wide(256, dtype, seed)
        parts = x.view(x.real.dtype)
        some = np.random.default_rng(seed).random(parts.size) < 0.02
        parts[some] = with_nans(400, dtype).view(parts.dtype)[: parts.size][some]
        parts[3::50] = np.nan
        parts[7::70] = -np.nan
        calls.append((f"{seed}", lambda x=x: np.sum(x)))
    same_in_all_cuts(calls)


def test_sum_that_overflows_warns():
    x = np.full(5001, 1e308)
    same_in_all_cuts([("sum", lambda: np.sum(x)), ("minus", lambda: np.sum(-x))])


@pytest.mark.parametrize("name", ["minimum", "maximum", "fmin", "fmax"])
@pytest.mark.parametrize("dtype", ["f2", "f4", "f8", "g", "c16", "i1", "u8", "i8"])
def test_extremes(name, dtype):
    reduce = getattr(np, name).reduce
    calls = []
    with np.errstate(all="ignore"):
        for seed, n in enumerate((1, 2, 129, 1000, 5003, 50021)):
            x = wide(n, "c16" if dtype == "c16" else "f8", seed).astype(dtype)
            zeros = -np.abs(x) if np.dtype(dtype).kind == "f" else x.copy()
            zeros[::7], zeros[3::11] = 0, -0.0
            positive = np.where(zeros == 0, 0, -zeros)
            but_one = positive.copy()
            but_one[n * 2 // 3] = -0.0
            calls += [
                (f"n={n}", lambda x=x: reduce(x)),
                (f"n={n} every third", lambda x=x: reduce(x[::3])),
                (f"n={n} zeros", lambda z=zeros: reduce(z)),
                (f"n={n} minus zeros", lambda z=zeros: reduce(-z)),
                (f"n={n} initial", lambda x=x: reduce(x, initial=x[0])),
                (f"n={n} positive zeros", lambda z=positive: reduce(z)),
                (f"n={n} from -0.0", lambda z=positive: reduce(z, initial=-0.0)),
                (f"n={n} but one", lambda z=but_one: reduce(z)),
                (f"n={n} but one, last first", lambda z=but_one: reduce(z[::-1])),
                (f"n={n} accumulate", lambda x=x: getattr(np, name).accumulate(x)),
            ]
    same_in_all_cuts(calls)


@pytest.mark.parametrize("dtype", ["i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8"])
def test_integers(dtype):
    info = np.iinfo(dtype)
    calls = []
    for n in (1, 2, 129, 5003, 50021):
        x = np.random.default_rng(n).integers(info.min, info.max, n, dtype=dtype, endpoint=True)
        for u in (np.add, np.multiply, np.bitwise_and, np.bitwise_or, np.bitwise_xor, np.subtract):
            calls.append((f"{u} n={n}", lambda u=u, x=x: u.reduce(x, dtype=x.dtype)))
            calls.append((f"{u} n={n} -1", lambda u=u, x=x: u.reduce(x[::-1], dtype=x.dtype)))
        odd = x | 1
        calls.append((f"odd product n={n}", lambda odd=odd: odd.prod(dtype=odd.dtype)))
        calls.append((f"sum n={n}", lambda x=x: x.sum()))
        calls.append((f"mean n={n}", lambda x=x: x.mean()))
    same_in_all_cuts(calls)


def test_reductions_that_have_an_order():
    x = wide(5003, "f8")
    flags = x > 1e9
    same_in_all_cuts(
        [
            ("prod", lambda: np.prod(x)),
            ("subtract", lambda: np.subtract.reduce(x)),
            ("divide", lambda: np.divide.reduce(x)),
            ("any", lambda: flags.any()),
            ("all", lambda: (~flags).all()),
            ("xor", lambda: np.logical_xor.reduce(flags)),
            ("half", lambda: (x % 1).astype("f2").sum()),
            ("long", lambda: x.astype("g").sum()),
            ("hypot", lambda: np.hypot.reduce(x)),
            ("logaddexp", lambda: np.logaddexp.reduce(x % 7)),
            ("empty", lambda: x[:0].sum()),
            ("empty max", lambda: x[:0].max()),
        ]
    )
