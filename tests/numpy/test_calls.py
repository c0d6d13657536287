# SPDX-License-Identifier: BSD-3-Clause
"""Calls that NumPy cuts into pieces: results, layout, warnings and errors stay NumPy's."""

import ctypes
import functools
import operator
import os
import signal
import sys
import threading
import warnings

import numpy as np
import pytest
from conftest import DEPTHS, canonical
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.lib.stride_tricks import as_strided

import treadle

CASES = {"fast": 60, "full": 4000}
try:
    from numpy._core import umath
except ImportError:  # NumPy 1.26
    from numpy.core import umath
UFUNCS = {
    u.__name__: u
    for space in (np, umath)
    for u in vars(space).values()
    if isinstance(u, np.ufunc) and u.signature is None
}
NUMERIC = sorted(n for n, u in UFUNCS.items() if any(set(t) <= set("?fd->") for t in u.types))
TYPES = "?bBhHiIlLqQefdgFDG"
SHAPES = [(9001, 2), (3, 5003), (129, 131), (21, 29, 31), (20011,), (2, 9001), (4, 1, 5003), (8, 8)]
SPECIAL = (np.nan, -np.nan, np.inf, -np.inf, 0.0, -0.0, 5e-324, 1e308, 1.0, -1.0)


# ---- a call, made from a seed as often as it is needed ------------------------------------------


def values(rng, shape, code):
    """Return numbers of one type, half of them where something happens."""
    dtype = np.dtype(code)
    if dtype.kind == "b":
        return rng.random(shape) > 0.5
    if dtype.kind in "iu":
        info = np.iinfo(dtype)
        small = rng.random() < 0.5
        lo, hi = (max(info.min, -9), 9) if small else (info.min, info.max)
        return rng.integers(lo, hi, shape, dtype=dtype, endpoint=True)
    x = rng.standard_normal(shape) * 10.0 ** rng.integers(-4, 5, shape)
    if rng.random() < 0.6:
        x = np.where(rng.random(shape) < 0.5, x, rng.choice(SPECIAL, shape))
    with np.errstate(all="ignore"):
        return (x + 1j * x[..., ::-1] if dtype.kind == "c" else x).astype(dtype)


def whole(rng, shape, code):
    return values(rng, shape, code)


def fortran(rng, shape, code):
    return np.asfortranarray(values(rng, shape, code))


def sliced(rng, shape, code):
    return values(rng, (*shape[:-1], shape[-1] + 3), code)[..., 1:-2]


def every_other(rng, shape, code):
    return values(rng, (*shape[:-1], 2 * shape[-1]), code)[..., ::2]


def backwards(rng, shape, code):
    return values(rng, shape, code)[..., ::-1]


def transposed(rng, shape, code):
    return values(rng, shape[::-1], code).T


def row(rng, shape, code):
    return values(rng, shape[-1:], code)


def column(rng, shape, code):
    return values(rng, (*shape[:-1], 1), code)


def plane(rng, shape, code):
    return values(rng, (1, *shape[1:]), code)


def repeated(rng, shape, code):
    return np.broadcast_to(values(rng, shape[-1:], code), shape)


def scalar_array(rng, shape, code):
    return values(rng, (), code)


def numpy_scalar(rng, shape, code):
    return values(rng, (1,), code)[0]


def python_scalar(rng, shape, code):
    return rng.choice([3, -2, 0.5, 1e300, 2j, True, 300, 2**40], 1).tolist()[0]


def python_int(rng, shape, code):
    return int(rng.integers(-3, 300))


def swapped(rng, shape, code):
    x = values(rng, shape, code)
    return x.astype(x.dtype.newbyteorder())


def unaligned(rng, shape, code):
    x = values(rng, shape, code)
    return np.frombuffer(b"x" + x.tobytes(), x.dtype, offset=1).reshape(x.shape)


INPUTS = [whole, whole, fortran, sliced, every_other, backwards, transposed, row, column, plane]
INPUTS += [repeated, scalar_array, numpy_scalar, python_scalar, python_int, swapped, unaligned]
OUTPUTS = [whole, fortran, sliced, every_other, backwards, transposed, swapped]


def pick(rng, things):
    return things[rng.integers(len(things))]


def outputs(rng, u, inputs, shape):
    """Return what is given as out=: nothing, other arrays, or inputs."""
    arrays = [x for x in inputs if isinstance(x, np.ndarray) and x.shape == shape]
    way = rng.integers(8)
    if way < 3:
        return None
    if way == 3 and arrays and u.nout == 1 and arrays[0].flags.writeable:
        return (arrays[0],)
    if way == 4 and arrays and u.nout == 1 and arrays[-1].flags.writeable:
        return (arrays[-1][::-1],)
    if way == 5 and u.nout == 1 and arrays and arrays[0].flags.writeable and shape[0] > 2:
        return (arrays[0][1:],)
    return tuple(pick(rng, OUTPUTS)(rng, shape, pick(rng, TYPES)) for _ in range(u.nout))


def mask(rng, shape):
    way = rng.integers(4)
    if way == 0:
        return rng.random(shape) > 0.01
    if way == 1:
        return rng.random(shape) > 0.5
    return rng.random(shape[-1:] if way == 2 else (*shape[:-1], 1)) > 0.3


def keywords(rng, u, shape, out):
    chosen = {}
    if out is not None:
        chosen["out"] = out if u.nout > 1 or rng.random() < 0.5 else out[0]
        if rng.random() < 0.4:
            chosen["where"] = mask(rng, shape)
        if rng.random() < 0.5:
            chosen["casting"] = "unsafe"
    elif rng.random() < 0.1:
        chosen["casting"] = pick(rng, ["no", "equiv", "safe", "same_kind", "unsafe", "wrong"])
    if rng.random() < 0.1:
        chosen["dtype"] = np.dtype(pick(rng, TYPES))
    return chosen


def seen(x):
    """Return type and bits; canonical() knows long doubles in the machine's own byte order."""
    x = np.asarray(x)
    if x.dtype == object:
        return x.dtype.str, x.tolist()
    return x.dtype.str, canonical(x.astype(x.dtype.newbyteorder("=")))


def call(u, seed):
    """Make one random call; what it returns, and what is in its arrays afterwards."""
    rng = np.random.default_rng(seed)
    shape = pick(rng, SHAPES)
    code = pick(rng, TYPES)
    inputs = [
        pick(rng, INPUTS)(rng, shape, code if rng.random() < 0.4 else pick(rng, TYPES))
        for _ in range(u.nin)
    ]
    out = outputs(rng, u, inputs, shape)
    chosen = keywords(rng, u, shape, out)
    try:
        results = u(*inputs, **chosen)
    finally:
        written = [x for x in inputs if isinstance(x, np.ndarray)] + list(out or ())
    results = results if isinstance(results, tuple) else (results,)
    same = [any(r is o for o in out or ()) for r in results]
    return (
        [(seen(r), np.asarray(r).strides, s) for r, s in zip(results, same, strict=True)],
        [seen(w) for w in written],
    )


def outcome(make):
    """Return everything a caller can see, the order of the warnings too."""
    with warnings.catch_warnings(record=True) as caught, np.errstate(all="warn"):
        warnings.simplefilter("always")
        try:
            result = make()
        except Exception as error:
            result = type(error).__name__, str(error)
    return result, [(w.category.__name__, str(w.message)) for w in caught]


def forced(threads=3, least=1):
    treadle.install()
    treadle.set_num_threads(threads)
    treadle.set_min(least)


def compare(make):
    treadle.uninstall()
    plain = outcome(make)
    forced()
    try:
        assert outcome(make) == plain
    finally:
        treadle.uninstall()


# ---- all ufuncs ---------------------------------------------------------------------------------


@pytest.mark.parametrize("depth", DEPTHS)
@pytest.mark.parametrize("name", NUMERIC)
def test_random_calls(name, depth):
    u = UFUNCS[name]
    first = int(os.environ.get("TREADLE_SEED", "0"))
    seeds = [[first + i, *name.encode()] for i in range(CASES[depth])]
    treadle.uninstall()
    plain = [outcome(lambda s=s: call(u, s)) for s in seeds]
    forced()
    parallel = [outcome(lambda s=s: call(u, s)) for s in seeds]
    treadle.uninstall()
    assert [s for s, a, b in zip(seeds, plain, parallel, strict=True) if a != b] == []


# ---- what is split, and what goes on to NumPy ---------------------------------------------------

A = np.random.default_rng(1).standard_normal((300, 400))
F4, I4, POSITIVE = A.astype("f4"), (A * 100).astype("i4"), A > 0
ODD = I4 | 1
PIECEWISE = {
    "mixed floats": lambda: A + F4,
    "integer and float": lambda: I4 * A,
    "true divide": lambda: I4 / ODD,
    "integer and Python float": lambda: I4 * 2.5,
    "row": lambda: A + A[0],
    "column": lambda: A * A[:, :1],
    "outer": lambda: np.outer(A[0], A[1]),
    "C and F": lambda: A - np.asfortranarray(A),
    "transposed": lambda: A[:, :300] + A[:, :300].T,
    "sliced": lambda: np.cbrt(A[:, 10:-10]),
    "two columns": lambda: A.reshape(-1, 2) + A[0, :2],
    "mask": lambda: np.add(A, 1, out=np.zeros_like(A), where=POSITIVE),
    "other output": lambda: np.add(A, A, out=np.zeros_like(F4)),
    "two outputs": lambda: np.divmod(A, F4),
    "byte order": lambda: A + A.astype(A.dtype.newbyteorder()),
    "in place": lambda: np.add(F4, A, out=np.array(F4)),
    "dtype": lambda: np.add(F4, F4, dtype=np.dtype("f8")),
}
if np.lib.NumpyVersion(np.__version__) >= "2.3.0":
    PIECEWISE["an array in any case"] = lambda: np.subtract(A, A[0], out=...)


def large_calls(make):
    treadle.reset()
    make()
    return [row["calls"] for row in treadle.report().rows if row["op"] == "loop"]


@pytest.mark.parametrize("name", PIECEWISE)
def test_calls_in_pieces_are_one_parallel_call(name):
    forced(least=10_000)
    assert large_calls(PIECEWISE[name]) == [1]


@pytest.mark.parametrize("name", PIECEWISE)
def test_calls_in_pieces_are_numpys(name):
    compare(lambda: canonical_all(PIECEWISE[name]()))


def canonical_all(results):
    results = results if isinstance(results, tuple) else (results,)
    return [(seen(r), r.strides) for r in results]


class Sub(np.ndarray):
    pass


class Other:
    def __array_ufunc__(self, ufunc, method, *inputs, **keywords):
        return ufunc.__name__, len(inputs), sorted(keywords)


class Convertible:
    def __array__(self, dtype=None, copy=None):
        return A[0]


UNUSUAL = {
    "subclass": lambda: np.add(A.view(Sub), F4),
    "matrix": lambda: np.add(A.view(np.matrix), F4),
    "masked array": lambda: np.add(np.ma.masked_greater(A, 1), F4),
    "list": lambda: np.add(A, A[0].tolist()),
    "array-like": lambda: np.add(A, Convertible()),
    "objects": lambda: np.add(A[:30].astype(object), F4[:30]),
    "dates": lambda: np.add(np.full((90, 90), 1, "m8[s]"), np.arange(90)),
    "order": lambda: np.add(A, F4, order="F"),
    "subok": lambda: np.add(A, F4, subok=False),
    "signature": lambda: np.add(A, F4, signature="ff->f", casting="same_kind"),
    "integer power": lambda: np.power(I4, np.abs(I4[0]) % 3),
    "empty": lambda: np.add(A[:0], F4[:0]),
    "out of subclass": lambda: np.add(A, F4, out=np.zeros_like(A).view(Sub)),
    "unequal outputs": lambda: np.divmod(A, F4, out=(None, np.zeros_like(A))),
    "no output for a mask": lambda: np.add(A, F4, where=np.ones_like(A, bool)),
    "mask of True": lambda: np.add(A, F4, where=True),
    "mask of numbers": lambda: np.add(A, F4, out=np.zeros_like(A), where=1),
    "out=None": lambda: np.add(A, F4, out=None),
}


@pytest.mark.parametrize("name", UNUSUAL)
def test_unusual_calls_are_numpys(name):
    compare(lambda: [(type(r), seen(np.asarray(r, float))) for r in (UNUSUAL[name](),)])


def test_the_protocol_of_other_arrays_is_followed():
    compare(lambda: [np.add(A, Other()), np.add(Other(), A), np.add(A, F4, out=Other())])


WRONG = {
    "shapes": lambda: A + F4[:, :7],
    "output shape": lambda: np.add(A, F4, out=np.zeros((300, 401))),
    "small output": lambda: np.add(A, F4, out=np.zeros((1, 400))),
    "output type": lambda: np.add(A, F4, out=np.zeros_like(I4)),
    "read-only": lambda: np.add(A, F4, out=np.broadcast_to(A[0], A.shape)),
    "casting": lambda: np.add(A, I4, casting="no"),
    "casting of a Python number": lambda: np.add(F4[:, 1:], 2, casting="equiv"),
    "unknown casting": lambda: np.add(A, I4, casting="maybe"),
    "unknown keyword": lambda: np.add(A, F4, to=3),
    "no operand": lambda: np.add(),
    "one operand": lambda: np.add(A),
    "four operands": lambda: np.add(A, A, A, A),
    "output twice": lambda: np.add(A, F4, A, out=A),
    "output and None": lambda: np.add(A, F4, np.zeros_like(A), out=None),
    "None and output": lambda: np.add(A, F4, None, out=np.zeros_like(A)),
    "None twice": lambda: np.add(A, F4, None, out=None),
    "None and outputs": lambda: np.divmod(A, F4, None, None, out=(np.zeros_like(A), None)),
    "None, once too few": lambda: np.divmod(A, F4, None, out=(None, None)),
    "no loop": lambda: np.bitwise_and(A, F4),
    "large integer": lambda: I4[:, 1:].astype("u1") + 300,
    "huge integer": lambda: I4[:9, 1:] + 10**30,
    "comparison": lambda: I4[:, 1:] < 10**30,
    "large float": lambda: F4[:, 1:] * 1e300,
    "third operand": lambda: np.maximum(A, F4, np.zeros_like(A)),
    "dtype": lambda: np.add(A, F4, dtype=np.dtype("i4")),
}


@pytest.mark.parametrize("name", WRONG)
def test_errors_are_numpys(name):
    compare(lambda: canonical_all(WRONG[name]()))


# ---- floating-point errors ----------------------------------------------------------------------


def bad_numbers():
    x = np.ones((200, 300))
    x[150, 20] = 0
    return x


@pytest.mark.parametrize("how", ["ignore", "warn", "raise", "print"])
def test_errstate(how, capfd):
    def work():
        x = bad_numbers()
        with np.errstate(all=how):
            results = [1 / x[:, 1:], np.log(x.T[1:, 5:] - 1), np.exp(x * np.float32(1000))]
        return [seen(r) for r in results], capfd.readouterr().out

    compare(work)


@pytest.mark.parametrize("kind", ["divide", "over", "under", "invalid"])
def test_errstate_raises_what_was_asked_for(kind):
    x = bad_numbers()
    calls = {
        "divide": lambda: np.float32(1) / x[:, 1:],
        "over": lambda: np.exp(x.T * np.full((300, 1), 1e3)),
        "under": lambda: np.exp(x.T * np.full((300, 1), -1e3)),
        "invalid": lambda: np.sqrt(x[:, 1:] - 2),
    }

    def work():
        out = np.zeros(x.T.shape)
        with np.errstate(all="ignore", **{kind: "raise"}):
            for name in calls:
                if name != kind:
                    calls[name]()
            np.add(x.T, 1, out=out)
            calls[kind]()

    compare(work)


def test_errstate_calls():
    def work():
        seen_kinds = []
        with np.errstate(all="call", call=lambda *kind: seen_kinds.append(kind)):
            1 / bad_numbers()[:, 1:]
        return seen_kinds

    compare(work)
    forced()
    assert work() == [("divide by zero", 1)]


def test_earlier_exceptions_are_not_reported():
    x = bad_numbers()

    def work():
        with np.errstate(all="ignore"):
            1 / x
        return seen(x[:, 1:] + np.float32(1))

    compare(work)


# ---- where pieces end ---------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["maximum", "minimum", "fmax", "fmin"])
@pytest.mark.parametrize("code", ["e", "f", "d", "g", "F", "D"])
def test_zeros_have_the_sign_that_numpy_gives_them(name, code):
    rng = np.random.default_rng(3)
    u = UFUNCS[name]

    def zeros(shape):
        return np.where(rng.random(shape) < 0.5, 0.0, -0.0).astype(code)

    for shape in [(7, 20011), (129, 131), (3, 9001), (9001, 3), (11, 13, 61)]:
        a, b = zeros(shape), zeros(shape)
        row, column, wide = zeros(shape[-1:]), zeros((*shape[:-1], 1)), zeros((*shape, 2))[..., 0]
        where = rng.random(shape) > 0.001
        compare(lambda a=a, row=row: canonical_all(u(a, row)))
        compare(lambda a=a, column=column: canonical_all(u(column, a)))
        compare(lambda a=a, wide=wide: canonical_all(u(wide, a)))
        compare(lambda a=a, b=b: canonical_all(u(np.asfortranarray(a), b)))
        compare(lambda a=a, b=b, w=where: canonical_all(u(a, b, out=a.copy(), where=w)))


@pytest.mark.parametrize("size", [16, 1008, 8192, 65536])
def test_the_buffer_size_is_obeyed(size):
    def work():
        old = np.setbufsize(size)
        try:
            return canonical_all(np.maximum(F4 * 0, -A * 0)), seen(A + F4)
        finally:
            np.setbufsize(old)

    compare(work)


window = st.tuples(
    st.integers(0, 30), st.integers(0, 30), st.sampled_from([1, 2, -1]), st.booleans()
)


@settings(max_examples=200, deadline=None)
@given(window, window, window, st.sampled_from(["f8", "f4"]), st.booleans())
def test_overlap_of_any_kind(first, second, out, code, masked):
    def view(buffer, place, row_step):
        top, left, step, turned = place
        part = buffer[top : top + 70 * abs(row_step) : row_step, 100 + left :][:, ::step][:, :70]
        return part.T if turned else part

    def work():
        buffer = np.arange(40000.0).reshape(100, 400)
        other = buffer if code == "f8" else buffer.astype(code)
        chosen = {"where": buffer[:70, :70] % 3 > 0} if masked else {}
        np.add(view(buffer, first, 1), view(other, second, 1), out=view(buffer, out, 1), **chosen)
        return seen(buffer)

    compare(work)


def rows_in_each_other(rows, step, code="f8"):
    """Return memory and rows of 400 elements in it that begin so many elements apart."""
    memory = np.zeros(399 + rows * 400, code)
    strides = (step * memory.itemsize, memory.itemsize)
    return memory, as_strided(memory, (rows, 400), strides)


def into_rows(step, code="f8", **how):
    memory, out = rows_in_each_other(300, step, code)
    np.add(A, F4, out=out, **how)
    return memory


def into_pair(shift):
    memory = np.zeros(A.size + shift)
    places = memory[: A.size], memory[shift:]
    np.divmod(A, F4, out=tuple(place.reshape(A.shape) for place in places))
    return memory


def in_place_in_rows(step):
    memory, out = rows_in_each_other(300, step)
    out += F4
    return memory


IN_EACH_OTHER = {
    "window": lambda: into_rows(1),
    "last element": lambda: into_rows(399),
    "one row": lambda: into_rows(0),
    "cast": lambda: into_rows(1, "f4"),
    "mask": lambda: into_rows(1, where=POSITIVE),
    "in place": lambda: in_place_in_rows(1),
    "two outputs": lambda: into_pair(400),
    "output twice": lambda: into_pair(0),
}


@pytest.mark.parametrize("name", IN_EACH_OTHER)
def test_outputs_in_each_other_are_written_in_numpys_order(name):
    compare(lambda: seen(IN_EACH_OTHER[name]()))
    forced(least=10_000)
    assert large_calls(IN_EACH_OTHER[name]) == []


@pytest.mark.parametrize("work", [lambda: into_rows(400), lambda: into_pair(A.size)])
def test_outputs_side_by_side_are_written_in_parallel(work):
    compare(lambda: seen(work()))
    forced(least=10_000)
    assert large_calls(work) == [1]


# ---- life ---------------------------------------------------------------------------------------


def test_status_counts_the_ufuncs():
    assert treadle.status()["calls"] == 0
    treadle.install()
    assert treadle.status()["problems"] == []
    assert treadle.status()["calls"] > 80
    treadle.uninstall()
    assert treadle.status()["calls"] == 0


def test_slices_cost_what_their_lines_take_to_copy():
    treadle.set_min(0)
    treadle.set_num_threads(2)
    treadle.install()
    small, large = (np.zeros((n, n), "u1")[1:-1, 1:-1] for n in (400, 4000))
    assert large_calls(lambda: small == 0) == []
    assert large_calls(lambda: large == 0) == [1]


def test_a_small_call_is_not_touched():
    forced(least=10**9)
    assert large_calls(lambda: A + F4) == []


def test_references_are_kept_and_dropped():
    forced()
    x = A.copy()
    out = np.zeros_like(F4)
    counts = [sys.getrefcount(o) for o in (x, out, x.dtype, out.dtype)]
    for _ in range(100):
        np.add(x[:, ::2], 1.5, out=out[:, ::2])
        np.multiply(x, F4, out=(out,), where=x > 0)
        with pytest.raises(TypeError):
            np.add(x, F4, out=out, casting="no")
    assert [sys.getrefcount(o) for o in (x, out, x.dtype, out.dtype)] == counts


def test_many_threads_while_installed_and_uninstalled():
    treadle.set_min(1)
    treadle.set_num_threads(3)
    expected = {name: canonical_all(make()) for name, make in PIECEWISE.items()}
    wrong, stop = [], threading.Event()

    def work():
        while not stop.is_set():
            for name, make in PIECEWISE.items():
                if canonical_all(make()) != expected[name]:
                    wrong.append(name)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for t in threads:
        t.start()
    for _ in range(150):
        treadle.install()
        A + F4
        treadle.uninstall()
    stop.set()
    for t in threads:
        t.join()
    assert wrong == []


# ---- long lines: of two NaNs, which is the result depends on where NumPy's pieces end -----------

BIG = np.random.default_rng(2).standard_normal((67, 1043))
BIG[::7, ::5], BIG[1::3, ::11] = np.nan, -np.inf
NANS = np.where(np.isnan(BIG), (BIG.view("u8") + np.uint64(5)).view("f8"), BIG)
CUBE = np.random.default_rng(3).standard_normal((9, 31, 257))
LINES = {
    "sliced": lambda: BIG[1:-1, 1:-1] + BIG[2:, 1:-1],
    "two NaNs": lambda: BIG[:, 3:] * NANS[:, :-3],
    "NaNs the other way": lambda: NANS[:, 3:] - BIG[:, :-3],
    "row": lambda: BIG + NANS[3],
    "row first": lambda: NANS[3] - BIG,
    "scalar": lambda: 2.5 * BIG[:, 2:],
    "NaN scalar": lambda: np.nan + NANS[:, 2:],
    "0-d array": lambda: BIG[:, 1:] / np.array(3.0),
    "one argument": lambda: np.sqrt(BIG[:, 9:]),
    "Fortran": lambda: np.asfortranarray(BIG)[3:] + np.asfortranarray(NANS)[:-3],
    "three axes": lambda: CUBE[:, 1:, :-5] * CUBE[:, :-1, 5:],
    "middle axis once": lambda: CUBE - CUBE[:, :1],
    "backwards": lambda: BIG[::-1, 1:] + NANS[:, :-1],
    "float32": lambda: np.negative(BIG.astype("f4")[:, 5:]),
    "in place": lambda: in_place(BIG.copy()[1:-1, 1:-1]),
    "output shifted": lambda: shifted(BIG.copy()),
    "output elsewhere": lambda: np.subtract(BIG[:, 2:], 1, out=np.zeros((67, 2000))[:, 3:1044]),
}


def in_place(a):
    a += NANS[1:-1, 1:-1]
    return a


def shifted(a):
    np.add(a[:-1], 1.0, out=a[1:])
    return a


@pytest.mark.parametrize("name", LINES)
def test_contiguous_lines(name):
    compare(lambda: canonical_all(LINES[name]()))


# ---- exceptions from elsewhere ------------------------------------------------------------------

SQUARE = np.linspace(-1, 2, 90_000).reshape(300, 300)
INTERRUPTED = {
    "broadcast": functools.partial(np.add, SQUARE, SQUARE[:1]),
    "types": functools.partial(np.multiply, SQUARE, SQUARE.astype("f4")),
    "masked": functools.partial(np.add, SQUARE, 1, where=SQUARE > 0, out=SQUARE.copy()),
    "sum": functools.partial(np.add.reduce, SQUARE),
    "maximum": functools.partial(np.maximum.reduce, SQUARE, axis=1),
    "all": functools.partial(np.logical_and.reduce, SQUARE, axis=0),
    "convert": functools.partial(SQUARE.astype, "f4"),
    "random": functools.partial(np.random.default_rng(1).random, 90_000),
    "choose": functools.partial(np.where, SQUARE > 0, SQUARE, 1.0),
}


class Interruption(Exception):
    pass


def interrupt_by_signal():
    """Python's handler of SIGINT is due, and has not run."""
    return ctypes.pythonapi.PyErr_SetInterrupt


def interrupt_by_thread():
    return functools.partial(
        ctypes.pythonapi.PyThreadState_SetAsyncExc,
        ctypes.c_ulong(threading.get_ident()),
        ctypes.py_object(Interruption),
    )


def interrupted(*_):
    raise Interruption


@pytest.mark.parametrize("interrupt", [interrupt_by_signal, interrupt_by_thread])
@pytest.mark.parametrize("name", INTERRUPTED)
def test_interruptions_reach_the_caller(name, interrupt):
    """No Python code runs between the interruption and the call."""
    calls = [interrupt(), INTERRUPTED[name]]
    before = signal.signal(signal.SIGINT, interrupted)
    forced()
    try:
        with pytest.raises(Interruption):
            list(map(operator.call, calls))
    finally:
        signal.signal(signal.SIGINT, before)
