# SPDX-License-Identifier: BSD-3-Clause
"""Every loop that was replaced, cut into parts, gives what NumPy's own gives."""

import threading

import numpy as np
import pytest
from conftest import DEPTHS, differing, outcome
from hypothesis import given, settings
from hypothesis import strategies as st

import treadle

SIZES = {"fast": (1, 1001, 5003), "full": (0, 1, 2, 63, 64, 65, 129, 1000, 20011)}
THREADS = {"fast": (3,), "full": (2, 4, 5)}
SCALES = ("ordinary", "wide", "special")
try:
    from numpy._core import umath
except ImportError:  # NumPy 1.26
    from numpy.core import umath
ALL = {
    u
    for space in (np, umath, np.linalg._umath_linalg)
    for u in vars(space).values()
    if isinstance(u, np.ufunc)
}
UFUNCS = {u.__name__: u for u in ALL if u.signature is None}
STACKED = {u.__name__: u for u in ALL if u.signature is not None}


def numbers(rng, n, scale):
    x = rng.standard_normal(n) * 10.0 ** rng.integers(-3, 4, n)
    if scale != "ordinary":
        x = rng.standard_normal(n) * 10.0 ** rng.integers(-300, 300, n)
    if scale == "special" and n:
        for value in (np.nan, -np.nan, np.inf, -np.inf, 0.0, -0.0, 5e-324, 1e308):
            x[rng.integers(0, n, n // 50 + 1)] = value
    return x


def operand(code, n, scale, rng):
    dtype = np.dtype(code)
    if dtype.kind == "b":
        return rng.random(n) > 0.5
    if dtype.kind in "iu":
        info = np.iinfo(dtype)
        lo, hi = (
            (max(info.min, -100), min(info.max, 100))
            if scale == "ordinary"
            else (info.min, info.max)
        )
        return rng.integers(lo, hi, n, dtype=dtype, endpoint=True)
    with np.errstate(all="ignore"):
        x = numbers(rng, n, scale)
        return (x + 1j * numbers(rng, n, scale) if dtype.kind == "c" else x).astype(dtype)


def sliced(u, args, view):
    return lambda: u(*(view(a) for a in args))


def into(u, args, out):
    """Call with one input as the output, on fresh copies."""

    def call():
        fresh = [a.copy() for a in args]
        return u(*fresh, out=out(fresh))

    return call


def layouts(u, types):
    """Return (name, function of the operands that returns a call) for each way to pass them."""
    yield "contiguous", lambda a: lambda: u(*a)
    yield "every other", lambda a: sliced(u, a, lambda x: x[::2])
    yield "backwards", lambda a: sliced(u, a, lambda x: x[::-1])
    if u.nin == 2:
        yield "scalar right", lambda a: lambda: u(a[0], a[1][-1:])
        yield "scalar left", lambda a: lambda: u(a[0][-1:], a[1])
    inputs, outputs = types.split("->")
    if u.nout == 1 and inputs[0] == outputs:
        yield "in place", lambda a: into(u, a, lambda x: x[0])
        yield "output behind", lambda a: overlapping(u, a, slice(1, None), slice(None, -1))
        yield "output ahead", lambda a: overlapping(u, a, slice(None, -1), slice(1, None))


def overlapping(u, args, read, write):
    def call():
        fresh = [a.copy() for a in args]
        u(*(x[read] for x in fresh), out=fresh[0][write])
        return fresh[0]

    return call


def cases(u, sizes):
    for types in u.types:
        inputs = types.split("->")[0]
        if set(types) & set("OMmSUV"):
            continue
        for scale in SCALES:
            for n in sizes:
                rng = np.random.default_rng(n + 7)
                args = [operand(code, n, scale, rng) for code in inputs]
                for layout, make in layouts(u, types):
                    if n > 1 or layout == "contiguous":
                        yield f"{types} {scale} n={n} {layout}", make(args)


@pytest.mark.parametrize("depth", DEPTHS)
@pytest.mark.parametrize("name", sorted(UFUNCS))
def test_results_warnings_and_errors_are_numpys(name, depth):
    for threads in THREADS[depth]:
        assert differing(list(cases(UFUNCS[name], SIZES[depth])), threads) == []


def test_large_calls_are_really_split():
    treadle.install()
    treadle.set_min(1)
    treadle.set_num_threads(2)
    treadle.reset()
    np.exp(np.ones(10000))
    rows = [row for row in treadle.report().rows if row["op"] == "loop"]
    assert sum(row["calls"] for row in rows) == 1


def test_all_loops_on_numbers_but_integer_power_are_replaced():
    treadle.install()
    numeric = {
        (name, types)
        for name, u in UFUNCS.items()
        for types in u.types
        if not set(types) & set("OMmSUVT") and not (name == "power" and types[0] in "?bBhHiIlLqQpP")
    }
    stacked = {
        (name, types) for name, u in STACKED.items() for types in u.types if "O" not in types
    }
    assert treadle.status()["loops"] == len(numeric) + len(stacked)
    assert len(numeric) > 900


@pytest.mark.parametrize("dtype", ["f4", "f8"])
@pytest.mark.parametrize(
    "name", ["add", "subtract", "multiply", "divide", "maximum", "fmin", "hypot"]
)
def test_payloads_of_two_nans(name, dtype):
    rng = np.random.default_rng(3)
    quiet = {"f4": 0x7FC00000, "f8": 0x7FF8000000000000}[dtype]
    sign = {"f4": 1 << 31, "f8": 1 << 63}[dtype]
    bits = np.dtype(dtype.replace("f", "u"))

    def nans(n):
        payload = rng.integers(1, 1 << 20, n).astype(bits) | bits.type(quiet)
        payload[::3] |= bits.type(sign)
        x = rng.standard_normal(n).astype(dtype)
        x[::2] = payload.view(dtype)[::2]
        return x

    for n in (1001, 30001):
        a, b = nans(n), nans(n)
        u = UFUNCS[name]
        calls = [
            ("arrays", lambda a=a, b=b, u=u: u(a, b)),
            ("scalar right", lambda a=a, b=b, u=u: u(a, b[:1])),
            ("scalar left", lambda a=a, b=b, u=u: u(a[:1], b)),
            ("in place", lambda a=a, b=b, u=u: into(u, (a, b), lambda x: x[0])()),
            ("into the second", lambda a=a, b=b, u=u: into(u, (a, b), lambda x: x[1])()),
        ]
        assert differing(calls) == []


@pytest.mark.parametrize("dtype", ["f4", "f8"])
@pytest.mark.parametrize(
    "name", ["negative", "absolute", "sqrt", "square", "positive", "conjugate"]
)
def test_payload_of_one_nan(name, dtype):
    bits = np.dtype(dtype.replace("f", "u"))
    quiet = {"f4": 0x7FC00000, "f8": 0x7FF8000000000000}[dtype]
    x = (np.arange(1, 5002, dtype=bits) | bits.type(quiet)).view(dtype)
    x[::2] = -np.arange(2501, dtype=dtype)
    assert differing([("", lambda: UFUNCS[name](x)), ("minus", lambda: UFUNCS[name](-x))]) == []


# An operand and an output of n elements that only touch, or nearly so, in a buffer of 8 n.
NEIGHBOURS = {
    "behind": lambda x, n: (x[:n], x[n : 2 * n]),
    "ahead": lambda x, n: (x[n : 2 * n], x[:n]),
    "ahead of what goes backwards": lambda x, n: (x[2 * n - 1 : n - 1 : -1], x[:n]),
    "a step behind": lambda x, n: (x[: 4 * n : 4], x[4 * n : 5 * n]),
    "an element behind": lambda x, n: (x[: 4 * n : 4], x[4 * n - 3 : 5 * n - 3]),
    "more than a step behind": lambda x, n: (x[: 4 * n : 4], x[4 * n + 1 : 5 * n + 1]),
    "ahead of a number": lambda x, n: (x[n : n + 1], x[:n]),
    "in the same lines": lambda x, n: (x.reshape(4, -1)[:, :n], x.reshape(4, -1)[:, n:]),
}


@pytest.mark.parametrize("neighbours", NEIGHBOURS)
@pytest.mark.parametrize("dtype", ["f4", "f8"])
def test_output_that_touches_an_operand(dtype, neighbours):
    """Many loops of NumPy 1 take it for one that overlaps, and have other bits then."""

    def call(u, x, n):
        fresh = x.copy()
        operand, out = NEIGHBOURS[neighbours](fresh, n)
        apart = np.full(3 * n, 0.7, x.dtype)[n : 2 * n]
        return lambda: u(*(operand, apart)[: u.nin], out=out).copy()

    calls = []
    for n in (1001, 30_000):
        x = np.random.default_rng(n).uniform(0.1, 0.9, 8 * n).astype(dtype)
        for name in ("exp", "log", "tan", "cbrt", "arcsin", "power", "arctan2", "add", "sqrt"):
            calls.append((f"{name} {n}", lambda u=UFUNCS[name], x=x, n=n: call(u, x, n)()))
    assert differing(calls) == []


# Start, step and length of three windows on one buffer, among them many that overlap.
window = st.tuples(st.integers(0, 40), st.sampled_from([1, 2, 3, -1, -2]))


@settings(max_examples=300, deadline=None)
@given(window, window, window, st.integers(65, 300))
def test_overlap_of_any_kind(first, second, out, n):
    def view(buffer, start, step):
        middle = 1000 + start
        return buffer[middle : middle + n * step : step]

    def call():
        buffer = np.arange(2000.0)
        np.add(view(buffer, *first), view(buffer, *second), out=view(buffer, *out))
        return buffer

    assert differing([("", call)]) == []


def test_carried_dependence_keeps_its_order():
    x = np.random.default_rng(0).standard_normal(5001)
    calls = [
        ("cumsum", lambda: np.cumsum(x)),
        ("cumprod", lambda: np.cumprod(x)),
        ("accumulate", lambda: np.subtract.accumulate(x)),
        ("diff", lambda: np.diff(x)),
        ("outer", lambda: np.add.outer(x[:70], x[:80])),
        ("at", lambda: at_twice(x.copy())),
    ]
    assert differing(calls) == []


def at_twice(x):
    np.add.at(x, np.zeros(4000, int), 1.5)
    return x


def test_other_ways_to_pass_arrays():
    x = np.random.default_rng(0).standard_normal((90, 70))
    swapped = x.astype(x.dtype.newbyteorder())
    shifted = np.frombuffer(b"x" + x.tobytes(), x.dtype, offset=1).reshape(x.shape)
    calls = [
        ("transposed", lambda: x[:70] + x[:70, :70].T[:, :1]),
        ("row", lambda: x + x[0]),
        ("column", lambda: x + x[:, :1]),
        ("where", lambda: np.add(x, x, where=x > 0, out=np.zeros_like(x))),
        ("mixed dtypes", lambda: x + x.astype("f4")),
        ("byte order", lambda: x + swapped),
        ("unaligned", lambda: x + shifted),
        ("mask", lambda: np.ma.masked_greater(x, 0.5).filled(0) + 1),
        ("object", lambda: (x[:3].astype(object) + 1).astype(float)),
        ("subclass", lambda: np.asarray(x.view(np.matrix) + 1)),
        ("strings", lambda: np.char.add(np.array(["a"] * 600), "b").astype("S")),
        ("dates", lambda: (np.arange("2000-01", "2100-01", dtype="M8[M]") + 1).astype("i8")),
    ]
    assert differing(calls) == []


def test_errstate_raises():
    x = np.ones(5001)
    x[4000] = 0
    treadle.install()
    treadle.set_min(1)
    with np.errstate(all="raise"):
        with pytest.raises(FloatingPointError, match="divide by zero"):
            1 / x
        with pytest.raises(FloatingPointError, match="invalid value"):
            np.sqrt(x - 2)
        with pytest.raises(FloatingPointError, match="overflow"):
            np.exp(x * 1000)
        assert (x + 1).sum() == 10001


def test_errstate_call_and_ignore():
    seen = []
    x = np.zeros(5001)
    treadle.install()
    treadle.set_min(1)
    with np.errstate(divide="call", call=lambda kind, _: seen.append(kind)):
        np.log(x)
    assert seen == ["divide by zero"]
    with np.errstate(all="ignore"):
        assert outcome(lambda: np.log(x))[1]


@pytest.mark.parametrize("place", [100, 20000])
@pytest.mark.parametrize("name", ["maximum", "fmax", "add"])
def test_exceptions_of_casts_that_the_loop_clears(name, place):
    """Some loops clear what the cast of an earlier piece has raised."""
    x, zeros = np.zeros((4, 5003)), np.zeros((4, 5003))[:, ::-1]
    x.flat[place] = np.inf

    def call():
        return UFUNCS[name](x, zeros, out=np.zeros((4, 5003), "i1"), casting="unsafe")

    assert differing([("", call)]) == []


def test_errors_of_loops_that_stay():
    base, exponent = np.full(5001, 3), np.ones(5001, int)
    exponent[4321] = -1
    calls = [
        ("power", lambda: np.power(base, exponent)),
        ("int division", lambda: base // (exponent + 1)),
        ("dates", lambda: np.full(5001, 1, "m8[s]") // np.zeros(5001, "m8[s]")),
    ]
    assert outcome(calls[0][1])[0] == "ValueError"
    assert differing(calls) == []


def test_errors_in_several_threads():
    treadle.install()
    treadle.set_min(1)
    good, bad = np.ones(5001), np.zeros(5001)
    wrong = []

    def work(x, expected):
        for _ in range(200):
            with np.errstate(all="raise"):
                try:
                    np.divide(1.0, x)
                    raised = False
                except FloatingPointError:
                    raised = True
            if raised != expected:
                wrong.append(expected)

    threads = [threading.Thread(target=work, args=a) for a in ((good, False), (bad, True)) * 2]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert wrong == []
