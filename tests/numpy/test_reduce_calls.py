# SPDX-License-Identifier: BSD-3-Clause
"""Whole reductions - any axes, masks, types and layouts - are NumPy's, however they are cut."""

import itertools
import warnings

import numpy as np
import pytest
from conftest import DEPTHS, canonical, differing, outcome, sse_control
from numpy.lib.stride_tricks import as_strided

import treadle

DTYPES = ("?", "i1", "u1", "i4", "i8", "u8", "f2", "f4", "f8", "g", "F", "D", ">f8", ">i2")
SPECIAL = (0.0, -0.0, np.inf, -np.inf, -np.nan)  # the NaN that inf - inf is, too
SHAPES = (
    (30001,),
    (150, 140),
    (7, 3001),
    (3001, 7),
    (2, 10011),
    (1, 20001),
    (13, 40, 50),
    (130, 2, 70),
    (5, 3, 7, 101),
)
SUMS = ("add", "multiply")
EXTREMES = ("maximum", "minimum", "fmax", "fmin")
LOGICAL = ("logical_or", "logical_and", "logical_xor")
BITWISE = ("bitwise_or", "bitwise_and", "bitwise_xor")


class Sub(np.ndarray):
    """A subclass that adds nothing."""


def numbers(rng, shape, dtype, special=False):
    """Return numbers over the whole range of a type, or with zeros, infinities and NaNs."""
    dtype = np.dtype(dtype)
    if dtype.kind == "b":
        return rng.random(shape) < 0.5
    if dtype.kind in "iu":
        info = np.iinfo(dtype)
        native = rng.integers(info.min, info.max, shape, dtype.newbyteorder("="), endpoint=True)
        return native.astype(dtype)
    with np.errstate(all="ignore"):
        x = rng.standard_normal(shape) * 10.0 ** rng.integers(-5, 5, shape)
        if dtype.kind == "c":
            x = x + 1j * rng.standard_normal(shape)
        if special:
            for value in SPECIAL:
                x[rng.random(shape) < 0.01] = value
        return x.astype(dtype)


def layouts(rng, shape, dtype, special=False):
    """Return (name, array) for each way a shape can lie in memory."""
    x = numbers(rng, shape, dtype, special)
    order = tuple(rng.permutation(len(shape)))
    moved = np.empty([shape[i] for i in order], dtype).transpose(np.argsort(order))
    moved[...] = x
    wide = np.zeros([n + 3 for n in shape], dtype)[tuple(slice(2, n + 2) for n in shape)]
    wide[...] = x
    gaps = np.zeros([*shape[:-1], 2 * shape[-1]], dtype)[..., ::2]
    gaps[...] = x
    signs = rng.choice([1, -1], len(shape))
    yield "C", x
    yield "F", np.asfortranarray(x)
    yield f"axes {order}", moved
    yield "sliced", wide
    yield "every other", gaps
    yield f"backwards {signs}", x[tuple(slice(None, None, s) for s in signs)]
    yield "repeated", np.broadcast_to(x[:1], shape)


def axes_of(ndim):
    """Return every set of axes, and some spellings."""
    yield None
    for count in range(1, ndim + 1):
        yield from itertools.combinations(range(ndim), count)
    yield -1
    if ndim > 1:
        yield (-1, 0)


def with_strides(call):
    """Return a call whose outcome shows the strides of the result as well."""

    def both():
        result = call()
        return result, np.array(getattr(result, "strides", ()))

    return both


def reduction(name, x, **how):
    call = with_strides(lambda: getattr(np, name).reduce(x, **how))
    return f"{name} {x.dtype} {x.shape} {x.strides} {how}", call


def same(calls, threads=3):
    assert differing(calls, threads) == []


def names_for(dtype):
    kind = np.dtype(dtype).kind
    return SUMS + EXTREMES + LOGICAL + (BITWISE if kind in "biu" else ())


@pytest.mark.parametrize("depth", DEPTHS)
@pytest.mark.parametrize("dtype", DTYPES)
def test_axes_layouts_and_types(dtype, depth):
    rng = np.random.default_rng(1)
    for shape in SHAPES:
        calls = []
        for layout, x in layouts(rng, shape, dtype):
            for name, axis in itertools.product(names_for(dtype), axes_of(x.ndim)):
                if depth == "full" or rng.random() < 0.02:
                    how = {"axis": axis, "keepdims": bool(rng.random() < 0.3)}
                    calls.append(reduction(name, x, **how))
                    calls[-1] = (layout + " " + calls[-1][0], calls[-1][1])
        same(calls)


@pytest.mark.parametrize("dtype", ["f2", "f4", "f8", "g", "D"])
@pytest.mark.parametrize("name", ["add", *EXTREMES])
def test_zeros_infinities_and_nans(name, dtype):
    rng = np.random.default_rng(2)
    for shape in SHAPES:
        calls = []
        for _, x in layouts(rng, shape, dtype, special=True):
            zeros = np.where(rng.random(shape) < 0.5, 0.0, -0.0).astype(x.dtype)
            for axis in axes_of(x.ndim):
                if rng.random() < 0.15:
                    calls.append(reduction(name, x, axis=axis))
                    calls.append(reduction(name, zeros, axis=axis))
                    calls.append(reduction(name, x, axis=axis, initial=-0.0))
                    positive = np.where(zeros == 0, 0, zeros) * rng.integers(2, size=shape)
                    calls.append(reduction(name, positive, axis=axis))
                    calls.append(reduction(name, positive, axis=axis, initial=-0.0))
                    positive[(-1,) * x.ndim] = -0.0
                    calls.append(reduction(name, positive, axis=axis))
        same(calls)


@pytest.mark.parametrize("dtype", ["f4", "f8"])
@pytest.mark.parametrize("name", ["add", "multiply", *EXTREMES])
def test_nans_of_several_kinds(name, dtype):
    rng = np.random.default_rng(9)
    unsigned = np.dtype(dtype.replace("f", "u"))
    quiet = np.array(np.nan, dtype).view(unsigned)
    for shape in ((40, 1024), (1024, 40), (30, 5, 256), (20, 256, 9), (50000,)):
        calls = []
        for layout, x in layouts(rng, shape, dtype, special=True):
            if layout != "repeated":
                some = rng.random(shape) < 0.02
                x[some] = (quiet | rng.integers(1, 999, shape, unsigned)).view(dtype)[some]
                calls += [reduction(name, x, axis=axis) for axis in axes_of(x.ndim)]
        same(calls)


def long_rows(rng, shape, dtype):
    """Return (name, array) with rows that do not stay in a first-level cache beside their sums."""
    unsigned = np.dtype(dtype.replace("f", "u"))
    nans = np.array(np.nan, dtype).view(unsigned) | rng.integers(1, 999, shape, unsigned)
    for name, share in (("numbers", 0), ("few NaNs", 1e-4), ("NaNs in all sums", 0.9)):
        x = numbers(rng, shape, dtype, special=share > 0)
        some = rng.random(shape) < share
        x[some] = nans.view(dtype)[some]
        yield name, x
        yield f"{name}, sliced", np.concatenate((x, x), axis=-1)[1:, ..., 3:]
        yield f"{name}, columns", np.asfortranarray(x)
    late = numbers(rng, shape, dtype)
    late[-2:, ..., -9::2] = nans.view(dtype)[-2:, ..., -9::2]
    yield "late NaNs", late


@pytest.mark.parametrize("dtype", ["f4", "f8", "c8", ">f8"])
@pytest.mark.parametrize("shape", [(11, 80_000), (6, 3, 70_001)])
def test_sums_of_long_rows(shape, dtype):
    rng = np.random.default_rng(10)
    calls = []
    for name, x in long_rows(rng, shape, dtype if dtype in ("f4", "f8") else "f8"):
        x = x.astype(dtype)
        out = np.full(x.shape[1:], 0.5, dtype)
        for axis in axes_of(x.ndim):
            calls += [(f"{name} {axis}", lambda x=x, axis=axis: np.add.reduce(x, axis))]
        calls += [
            (f"{name} mean", lambda x=x: x.mean(axis=0, keepdims=True)),
            (f"{name} initial", lambda x=x: np.sum(x, axis=0, initial=3)),
            (f"{name} out", lambda x=x, out=out: np.sum(x, axis=0, out=out)),
        ]
    same(calls)


@pytest.mark.parametrize("dtype", ["f4", "f8"])
def test_nans_at_the_end_of_long_rows(dtype):
    """NumPy's loop takes few numbers without vectors, and then another one of two NaNs."""
    unsigned = np.dtype(dtype.replace("f", "u"))
    quiet = np.array(np.nan, dtype).view(unsigned)
    calls = []
    for more in (1, 2, 3, 5, 9, 15, 33, 255, 256, 257):
        x = np.ones((8, 16384 + more), dtype)
        for row in range(4):
            x[row, -more:] = np.array(quiet + 1 + row, unsigned).view(dtype)
        out = np.ones(x.shape[1] + 1, dtype)[1:]
        calls += [
            (f"{more}", lambda x=x: x.sum(axis=0)),
            (f"{more} out", lambda x=x, out=out: x.sum(axis=0, out=out)),
        ]
    for threads in (1, 2, 3):
        same(calls, threads)


def test_more_threads_than_parts():
    x = np.random.default_rng(11).standard_normal((8, 250, 300))
    calls = [
        reduction(name, x.reshape(shape), axis=axis)
        for name in ("add", "maximum", "multiply")
        for shape in (x.shape, (2000, 6, 50), (-1,))
        for axis in (0, -1, None, tuple(range(1, len(shape))))
    ]
    calls += [reduction("add", x > 0, axis=axis, dtype="i8") for axis in (0, 1, 2, None)]
    for threads in (64, 65, 100):
        same(calls, threads)


@pytest.mark.parametrize("dtype", ["i4", "u1", "f2", "f4", "f8", "D", ">f8", "?"])
def test_masks(dtype):
    rng = np.random.default_rng(3)
    for shape in SHAPES:
        calls = []
        for _, x in layouts(rng, shape, dtype):
            masks = (
                rng.random(shape) < 0.7,
                rng.random(shape[-1]) < 0.5,
                np.broadcast_to(rng.random((*shape[:-1], 1)) < 0.5, shape),
                np.asfortranarray(rng.random(shape) < 0.1),
                np.zeros(shape, bool),
                np.bool_(True),
                [True] * shape[-1],
            )
            for name, axis in itertools.product(names_for(dtype), axes_of(x.ndim)):
                if rng.random() < 0.02:
                    where = masks[rng.integers(len(masks))]
                    calls.append(reduction(name, x, axis=axis, where=where, initial=1))
                    calls.append(reduction(name, x, axis=axis, where=where))
        same(calls)


@pytest.mark.parametrize("dtype", DTYPES)
def test_types_asked_for(dtype):
    rng = np.random.default_rng(4)
    for shape in SHAPES:
        calls = []
        for _, x in layouts(rng, shape, dtype):
            for to in (*DTYPES, "O", None):
                if rng.random() < 0.06:
                    name = rng.choice([*SUMS, "maximum", "logical_or", "bitwise_xor"])
                    axes = [*axes_of(x.ndim)]
                    axis = axes[rng.integers(len(axes))]
                    if to != "O" or x.size < 1:
                        calls.append(reduction(name, x, axis=axis, dtype=to))
        same(calls)


class Holder:
    """Something that NumPy asks for a dtype."""

    def __init__(self):
        self.asked = 0

    @property
    def dtype(self):
        self.asked += 1
        return np.dtype("f4")


def told(call, dtype):
    """Return what a call says of its dtype, each time that it says so."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        result = call(dtype)
    return canonical(result), [str(w.message) for w in caught], getattr(dtype, "asked", None)


def test_a_dtype_is_read_as_often_as_by_numpy():
    x = np.arange(60000.0).reshape(200, 300)
    has_dtype = type("has_dtype", (), {"dtype": "f4"})
    kinds = (np.floating, np.integer, np.number, has_dtype, has_dtype(), Holder(), "f4,f4", "a")
    calls = {
        "reduce": lambda dtype: np.add.reduce(x, dtype=dtype),
        "axis": lambda dtype: np.multiply.reduce(x, axis=1, dtype=dtype),
        "sum": lambda dtype: x.sum(axis=0, dtype=dtype),
        "mean": lambda dtype: np.mean(x, axis=0, dtype=dtype),
        "astype": lambda dtype: x.astype(dtype),
        "astype of gaps": lambda dtype: x[:, ::2].astype(dtype),
    }

    def all_told():
        seen = []
        for kind, (name, call) in itertools.product(kinds, calls.items()):
            dtype = Holder() if isinstance(kind, Holder) else kind
            try:
                seen.append((name, kind, told(call, dtype)))
            except (TypeError, ValueError) as error:
                seen.append((name, kind, str(error)))
        return seen

    plain = all_told()
    assert ("reduce", kinds[5], 1) in [(name, kind, what[2]) for name, kind, what in plain]
    treadle.install()
    treadle.set_num_threads(3)
    treadle.set_min(1)
    assert all_told() == plain


@pytest.mark.parametrize("dtype", [float, np.float32, "f4", "<f8", "float64", np.dtype("f4")])
def test_a_usual_dtype_is_no_reason_to_stay_on_one_thread(dtype):
    x = np.ones((300, 200), "f4")
    assert is_one_parallel_call(lambda: np.add.reduce(x, axis=0, dtype=dtype))


def into(make, call):
    """Return a call that gets a fresh output, filled with junk, and shows what became of it."""

    def fresh():
        out = make()
        result = call(out)
        return np.array(result is out), out

    return fresh


@pytest.mark.parametrize("dtype", ["i4", "i8", "f4", "f8", "D"])
def test_outputs_of_the_caller(dtype):
    rng = np.random.default_rng(5)
    for shape in SHAPES:
        calls = []
        for _, x in layouts(rng, shape, dtype):
            for axis, keepdims in itertools.product(axes_of(x.ndim), (False, True)):
                if rng.random() < 0.85:
                    continue
                kept = np.empty(shape, "i1").sum(axis=axis, keepdims=keepdims).shape
                for to, extra in ((dtype, {}), ("f8", {}), ("D", {"dtype": "D"})):
                    make = lambda kept=kept, to=to: np.full(kept, 7, to, order="F")  # noqa: E731
                    how = {"axis": axis, "keepdims": keepdims, **extra}
                    call = lambda out, x=x, how=how: np.add.reduce(x, out=out, **how)  # noqa: E731
                    calls.append((f"{x.strides} {to} {how}", into(make, call)))
                gaps = lambda kept=kept: np.full((*kept, 2), 7, dtype)[..., 0]  # noqa: E731
                call = lambda out, x=x, a=axis, k=keepdims: x.max(a, out, k)  # noqa: E731
                calls.append((f"max {x.strides} {axis} {keepdims}", into(gaps, call)))
        same(calls)


def test_axes_of_one_element():
    x = np.arange(1.0, 60001.0)
    shapes = ((1, 60000), (60000, 1), (1, 200, 300), (200, 1, 300), (200, 300, 1))
    same(
        [
            reduction(name, x.reshape(shape), axis=axis, keepdims=keepdims)
            for name in ("add", "maximum")
            for shape in shapes
            for axis in axes_of(len(shape))
            for keepdims in (False, True)
        ]
    )


def test_output_inside_the_input():
    def call(axis, row):
        x = np.arange(40000.0).reshape(200, 200)
        np.add.reduce(x, axis=axis, out=x[row])
        return x

    same([(f"{axis} {row}", lambda a=axis, r=row: call(a, r)) for axis in (0, 1) for row in (0, 9)])


F8 = np.random.default_rng(11).standard_normal((150, 20, 200))
F4, POSITIVE = F8.astype("f4"), F8 > 0


def into_lines(step, name="maximum", code="f8", **how):
    """Reduce to 150 lines of 200 elements that begin so many elements apart."""
    x = F4 if code == "f4" else F8
    memory = np.zeros(199 + 150 * 200, code)
    out = as_strided(memory, (150, 200), (step * memory.itemsize, memory.itemsize))
    getattr(np, name).reduce(x, axis=1, out=out, **how)
    return memory


IN_EACH_OTHER = {
    "window": lambda: into_lines(1),
    "last element": lambda: into_lines(199),
    "one line": lambda: into_lines(0),
    "sum": lambda: into_lines(1, "add"),
    "mask": lambda: into_lines(1, "add", where=POSITIVE),
    "dtype": lambda: into_lines(1, "add", "f4", dtype="f4"),
}


def is_one_parallel_call(call):
    """False if NumPy calls its loops itself, each of which is a large call then."""
    treadle.install()
    treadle.set_num_threads(3)
    treadle.set_min(1)
    treadle.reset()
    call()
    return sum(row["calls"] for row in treadle.report().rows) == 1


def test_outputs_in_each_other_are_written_in_numpys_order():
    same(IN_EACH_OTHER.items())
    assert [n for n, call in IN_EACH_OTHER.items() if is_one_parallel_call(call)] == []
    assert is_one_parallel_call(lambda: into_lines(200))


FUNCTIONS = {
    "sum": np.sum,
    "prod": np.prod,
    "mean": np.mean,
    "var": np.var,
    "std": np.std,
    "min": np.min,
    "max": np.max,
    "ptp": np.ptp,
    "any": np.any,
    "all": np.all,
    "nansum": np.nansum,
    "nanprod": np.nanprod,
    "nanmean": np.nanmean,
    "nanvar": np.nanvar,
    "nanstd": np.nanstd,
    "nanmin": np.nanmin,
    "nanmax": np.nanmax,
    "average": np.average,
    "argmin": np.argmin,
    "argmax": np.argmax,
    "nanargmin": np.nanargmin,
    "nanargmax": np.nanargmax,
    "count_nonzero": np.count_nonzero,
    "norm": lambda x, axis=None: np.linalg.norm(
        x.reshape(x.shape[0], -1), axis=0 if axis else None
    ),
    "median": np.median,
    "masked": lambda x, axis=None: np.ma.masked_greater(x, 0).sum(axis=axis),
}


@pytest.mark.parametrize("dtype", ["?", "i4", "u8", "f2", "f4", "f8", "D"])
@pytest.mark.parametrize("name", FUNCTIONS)
def test_functions(name, dtype):
    rng = np.random.default_rng(6)
    calls = []
    for shape in SHAPES[:7]:
        for special in (False, True) if np.dtype(dtype).kind in "fc" else (False,):
            for layout, x in layouts(rng, shape, dtype, special):
                for axis in (None, 0, x.ndim - 1, x.ndim // 2):
                    if rng.random() < 0.06:
                        call = lambda x=x, axis=axis: FUNCTIONS[name](x, axis=axis)  # noqa: E731
                        calls.append((f"{layout} {shape} {axis} {special}", call))
    same(calls)


def test_buffer_size_set_by_the_program():
    x = numbers(np.random.default_rng(7), (70, 1001), "f4")

    def sized(size, axis):
        before = np.getbufsize()
        np.setbufsize(size)
        try:
            return x.sum(axis=axis, dtype="f8"), x.T[::2].sum(dtype="f8"), np.add.reduce(x, axis)
        finally:
            np.setbufsize(before)

    same([(f"{s} {a}", lambda s=s, a=a: sized(s, a)) for s in (16, 4096, 65536) for a in (None, 1)])


def test_sums_in_pieces_of_odd_structure():
    rng = np.random.default_rng(8)
    base = numbers(rng, (11, 53, 503), "f4")
    views = (base[:, :50, :500], base[:, :, ::3], base[::2, 1:, 3:], base.transpose(2, 0, 1)[::5])
    calls = [reduction("add", x, axis=None, dtype=t) for x in views for t in (None, "f8", "f2")]
    calls += [reduction("add", x, axis=(1, 2), dtype=t) for x in views for t in (None, "f8")]
    same(calls)


def test_warnings_and_errors():
    big, wide = np.full((90, 800), 3e38, "f4"), np.full((90, 800), 1e300)
    small = np.full((90, 800), 6e-8, "f2")
    mixed = np.tile(np.array([np.inf, -np.inf]), (90, 400))
    calls = [reduction("add", x, axis=a) for x in (big, wide, mixed, small) for a in (None, 0, 1)]
    calls += [reduction("multiply", x, axis=a) for x in (wide, small, mixed) for a in (0, 1)]
    calls += [reduction("add", wide, axis=a, dtype=t) for a in (0, None) for t in ("f4", "i4", "?")]
    calls += [
        reduction("add", wide, axis=2),
        reduction("add", wide, axis=(0, 0)),
        reduction("add", wide, axis="x"),
        reduction("add", wide, axis=np.int64(1)),
        reduction("add", wide, axis=()),
        reduction("add", wide, axis=True),
        reduction("add", wide, nonsense=1),
        reduction("add", wide, out=np.zeros(3)),
        reduction("add", wide, dtype="nonsense"),
        reduction("add", wide, initial=None),
        reduction("add", wide, initial="x"),
        reduction("maximum", wide, where=wide > 0),
        reduction("maximum", wide, initial=None),
        reduction("bitwise_or", wide),
        reduction("add", wide, where=np.ones((3, 90, 800), bool)),
        reduction("add", wide, where=np.ones((89, 800), bool)),
        reduction("add", wide * 1j, axis=1, dtype="f8"),
        reduction("maximum", wide[:0]),
        reduction("add", wide[:0]),
        reduction("maximum", wide[:, :0], axis=0),
        ("too many", lambda: np.add.reduce(wide, 0, None, None, False, 0, True, 1)),
        ("twice", lambda: np.add.reduce(wide, 0, axis=0)),
        ("output twice", lambda: np.add.reduce(wide, 0, None, None, out=np.zeros(800))),
        ("none", lambda: np.add.reduce()),
        ("by name", lambda: np.add.reduce(array=wide)),
    ]
    same(calls)
    messages = {m for _, call in calls for m in outcome(call)[1] if isinstance(m, str)}
    assert {"overflow encountered in reduce", "invalid value encountered in reduce"} <= messages


@pytest.mark.parametrize("kind", ["raise", "call", "ignore", "warn"])
def test_errstate(kind):
    big = np.full((90, 800), 1e308)
    huge = np.where(np.arange(800) % 2, np.inf, -np.inf) + np.zeros((90, 1))

    def watched(x, axis):
        seen = []
        with np.errstate(all=kind, call=lambda *what: seen.append(what)):
            result = np.sum(x, axis=axis)
        return result, np.array(str(seen))

    same([(f"{a}", lambda x=x, a=a: watched(x, a)) for x in (big, huge) for a in (0, 1)])


def test_other_arrays_fall_through():
    class Foreign:
        def __array_ufunc__(self, ufunc, method, *inputs, **kwargs):
            return method

    x = np.arange(60000.0).reshape(200, 300)
    dates = np.arange(60000).astype("m8[s]").reshape(200, 300)
    same(
        [
            ("subclass", lambda: np.array(type(x.view(Sub).sum(axis=0)).__name__)),
            ("matrix", lambda: np.asarray(np.asmatrix(x).sum(axis=0))),
            ("foreign", lambda: np.array(np.add.reduce(Foreign()))),
            ("list", lambda: np.add.reduce(x.tolist(), axis=1)),
            ("objects", lambda: x.astype(object).sum(axis=0).astype(float)),
            ("dates", lambda: dates.sum(axis=0).astype("i8")),
            ("latest", lambda: dates.max(axis=1).astype("i8")),
            ("other ufuncs", lambda: np.hypot.reduce(x, axis=0)),
            ("subtract", lambda: np.subtract.reduce(x, axis=0)),
            ("user's ufunc", lambda: np.frompyfunc(max, 2, 1).reduce(x, axis=0).astype(float)),
            ("fields", lambda: np.zeros(5000, [("a", "f8"), ("b", "i4")])["a"].sum()),
            ("unaligned", lambda: np.zeros(50000, "i1,f8")["f1"].sum()),
            ("accumulate", lambda: np.add.accumulate(x, axis=0)),
            ("reduceat", lambda: np.add.reduceat(x, [0, 90, 120], axis=0)),
        ]
    )


def test_any_and_all_stop_early_and_see_everything():
    calls = []
    for n, at in itertools.product((1000, 300_001), (0, 5, 999, 299_999, None)):
        flags = np.zeros(n, bool)
        if at is not None and at < n:
            flags[at] = True
        for x in (flags, flags[::-1], np.repeat(flags, 2)[::2]):
            calls += [
                (f"any {n} {at}", lambda x=x: (x.any(), np.any(x, keepdims=True))),
                (f"all {n} {at}", lambda x=x: ((~x).all(), np.logical_and.reduce(~x))),
                (f"initial {n} {at}", lambda x=x: np.logical_or.reduce(x, initial=True)),
            ]
    same(calls)


def test_rounding_down():
    """The sum of 0.0 and -0.0 is -0.0 then."""
    x = np.zeros(30_001)
    with sse_control(0x2000):
        same(
            [
                ("real", lambda: x.sum()),
                ("complex", lambda: (x + 0j).sum()),
                ("rows", lambda: (x[:30_000].reshape(3, -1) + 0j).sum(axis=1)),
                ("ends", lambda: np.add.reduce(np.arange(-15_000.0, 15_001.0) / 7)),
            ]
        )


def test_bytes_that_are_no_proper_bools():
    x = np.arange(60000, dtype="u1").reshape(200, 300).view(bool)
    same(
        [
            reduction(name, x, axis=axis)
            for name in (*LOGICAL, "add", "maximum", "minimum")
            for axis in (None, 0, 1)
        ]
    )


@pytest.mark.parametrize("dtype", ["f4", "f8", "i8"])
def test_sliding_windows(dtype):
    """Two axes of theirs lie alike: NumPy takes the last one for the innermost."""
    rng = np.random.default_rng(17)
    zeros = np.where(rng.random(9000) < 0.5, 0.0, -0.0).astype(dtype)
    calls = []
    for kind, x in (("numbers", numbers(rng, (9000,), dtype, True)), ("zeros", zeros)):
        for width in (2, 5, 64, 700):
            windows = np.lib.stride_tricks.sliding_window_view(x, width)
            for name, axis in itertools.product(("add", "maximum", "fmin", "multiply"), (0, 1)):
                calls.append(reduction(name, windows, axis=axis))
                calls[-1] = f"{kind} {calls[-1][0]}", calls[-1][1]
    same(calls)


def test_masks_of_long_runs():
    rng = np.random.default_rng(16)
    x, out = rng.standard_normal((40, 900)), np.zeros((40, 900))
    calls = []
    for length in (1, 3, 7, 8, 9, 16, 63, 500, 5000):
        for begin in (0, 1, 5):
            mask = (np.arange(begin, x.size + begin) // length % 2).astype("u1")
            odd = np.where(rng.random(x.size) < 0.01, 2 * mask, mask)
            for name, bits in (("proper", mask), ("odd", odd)):
                where = bits.astype("u1").view(bool).reshape(x.shape)
                for layout, m in (("rows", where), ("every other", where.repeat(2, 1)[:, ::2])):
                    calls += [
                        (
                            f"{length} {begin} {name} {layout} {axis}",
                            lambda m=m, axis=axis: np.add.reduce(x, axis=axis, where=m),
                        )
                        for axis in (0, 1, None)
                    ]
                    calls.append(
                        (
                            f"{length} {begin} {name} {layout}",
                            lambda m=m: np.add(x, x[0], out=out.copy(), where=m),
                        )
                    )
                calls.append((f"{length} {begin} {name} picked", lambda m=where: x[m]))
    same(calls)


@pytest.mark.parametrize("dtype", ["f4", "f8"])
def test_signaling_nans(dtype):
    """R's NA is one. fmax() of it and a number is a NaN that the next number replaces."""
    rng = np.random.default_rng(15)
    bits, signaling = ("u4", 0x7F8007A2) if dtype == "f4" else ("u8", 0x7FF00000000007A2)
    calls = []
    for places in ([0], [9999], [30_000], slice(None, None, 97)):
        x = rng.standard_normal(30_001).astype(dtype)
        x.view(bits)[places] = signaling
        rows = x[:30_000].reshape(100, 300)
        for name, y in (("line", x), ("gaps", x[::3]), ("backwards", x[::-1])):
            calls += [
                (f"{name} {places}", lambda y=y: (np.nanmax(y), np.nanmin(y), np.max(y))),
                (f"{name} {places} of a subclass", lambda y=y: np.fmax.reduce(y.view(Sub))),
                (f"{name} {places} truth", lambda y=y: (y.any(), np.logical_xor.reduce(y))),
                (f"{name} {places} sum", lambda y=y: (y.sum(), np.nansum(y))),
            ]
        for axis in (0, 1):
            calls += [
                (f"{axis} {places}", lambda r=rows, a=axis: np.fmax.reduce(r, axis=a)),
                (f"{axis} {places} turned", lambda r=rows, a=axis: np.fmin.reduce(r.T, axis=a)),
                (
                    f"{axis} {places} masked",
                    lambda r=rows, a=axis: np.fmax.reduce(r, axis=a, where=r > 0, initial=0),
                ),
                (f"{axis} {places} truth", lambda r=rows, a=axis: r.all(axis=a)),
            ]
    same(calls)


def test_calls_are_really_split():
    treadle.install()
    treadle.set_min(1)
    treadle.set_num_threads(2)
    x = np.ones((300, 400))
    split = {
        "rows": lambda: x.sum(axis=1),
        "columns": lambda: x.sum(axis=0),
        "middle": lambda: x.reshape(30, 10, 400).sum(axis=1),
        "converted": lambda: x.astype("f4").sum(dtype="f8"),
        "integers": lambda: np.add.reduce(x.view("i8"), axis=None),
        "masked": lambda: np.add.reduce(x, axis=1, where=x > 0),
        "any": lambda: np.zeros(x.size, bool).any(),
        "product": lambda: np.multiply.reduce(x, axis=0),
    }
    for name, call in split.items():
        treadle.reset()
        call()
        assert [r["op"] for r in treadle.report().rows if r["op"] == "loop"], name


def test_uninstall_gives_numpys_function_back():
    reduce = np.add.reduce
    treadle.install()
    assert treadle.status()["reductions"] is True
    treadle.uninstall()
    assert treadle.status()["reductions"] is False
    treadle.set_min(1)
    treadle.reset()
    reduce(np.ones((300, 400)), axis=0)
    assert treadle.report().rows == []


def test_a_small_limit_does_not_change_what_is_small():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        x = np.ones((10, 10))
        same(
            [("2-d", lambda: x.sum(axis=0)), ("1-d", lambda: x[0].sum()), ("0-d", lambda: x[0, 0])]
        )
