# SPDX-License-Identifier: BSD-3-Clause
"""NumPy's functions that are no ufuncs keep their bits, errors and warnings in parallel."""

import itertools
import threading
from collections.abc import Hashable

import numpy as np
import pytest
from conftest import outcome, python, sse_control
from test_reduce_calls import layouts, numbers

import treadle

NUMBERS = ("?", "i1", "u2", "i4", "u8", "f2", "f4", "f8", "g", "F", "D", "G", ">f8", ">i2")
AT_ONCE = ("?", "i4", "f4", "f8", "F", ">f8")
EACH = [n if n in AT_ONCE else pytest.param(n, marks=pytest.mark.slow) for n in NUMBERS]
SHAPES = (
    (20001,),
    (1,),
    (7, 3001),
    (3001, 7),
    (300, 1),
    (1, 300),
    (130, 140),
    (13, 40, 50),
    (5, 3, 7, 101),
)
EMPTY = ((0,), (3, 0), (0, 3), ())


def same(calls):
    """Assert that (name, call) pairs look as under plain NumPy, on one thread and on several."""
    plain = [outcome(call) for _, call in calls]
    treadle.install()
    treadle.set_min(1)
    for threads in (1, 2, 3):
        treadle.set_num_threads(threads)
        after = [outcome(call) for _, call in calls]
        assert [n for (n, _), a, b in zip(calls, plain, after, strict=True) if a != b] == []
    treadle.uninstall()


def served(call):
    """Return whether Treadle was asked to share a call among threads."""
    treadle.install()
    treadle.set_min(1)
    treadle.set_num_threads(2)
    treadle.reset()
    call()
    return any(row["op"] == "loop" for row in treadle.report().rows)


class Sub(np.ndarray):
    """A subclass that adds nothing."""


class Foreign:
    """An array of another library."""

    def __array_function__(self, func, types, args, kwargs):
        return np.array(func.__name__)


def unaligned(x):
    return np.frombuffer(b"x" + x.tobytes(), "u1")[1:].view(x.dtype)


def all_layouts(rng, dtype):
    """Return (name, array) pairs of every shape and layout, with NaNs and zeros among floats."""
    special = np.dtype(dtype).kind in "fc"
    for shape in SHAPES:
        for layout, x in layouts(rng, shape, dtype, special and bool(rng.random() < 0.5)):
            yield f"{shape} {layout}", x
    for shape in EMPTY:
        yield f"{shape}", np.zeros(shape, dtype)


def some(rng, share, *values):
    """Return about that share of all combinations."""
    return [chosen for chosen in itertools.product(*values) if rng.random() < share]


# ---- argmin, argmax, count_nonzero -----------------------------------------------------------


@pytest.mark.parametrize("dtype", EACH)
def test_places_of_extremes(dtype):
    rng = np.random.default_rng(1)
    calls = []
    for name, x in all_layouts(rng, dtype):
        axes = [None, *range(-1, x.ndim)]
        for which, axis, keepdims in some(rng, 0.3, ("argmin", "argmax"), axes, (False, True)):
            call = lambda x=x, w=which, a=axis, k=keepdims: (  # noqa: E731
                getattr(np, w)(x, axis=a, keepdims=k),
                getattr(x, w)(a),
            )
            calls.append((f"{which} {name} {axis} {keepdims}", call))
        calls.append((f"count {name}", lambda x=x: np.count_nonzero(x)))
    same(calls)


def test_first_of_equals_and_of_nans():
    rng = np.random.default_rng(2)
    calls = []
    for shape in ((30000,), (200, 150), (150, 2), (2, 15000)):
        few = rng.integers(0, 2, shape).astype("f8")
        signs = np.where(rng.random(shape) < 0.5, 0.0, -0.0)
        rare = few.copy()
        rare[tuple(n - 1 for n in shape)] = np.nan
        many = np.where(rng.random(shape) < 0.01, np.nan, few)
        for x in (few, signs, rare, many, many.astype("f2"), many + 1j * few):
            for axis in (None, *range(x.ndim)):
                calls.append((f"{shape} {axis}", lambda x=x, a=axis: (x.argmax(a), x.argmin(a))))
    same(calls)


def test_arguments_of_argmax():
    x = np.arange(30000.0).reshape(200, 150)
    into = np.zeros(150, "i8")
    calls = [
        ("out", lambda: (x.argmax(0, into), into.copy())),
        ("wrong out", lambda: x.argmax(0, np.zeros(3, "i8"))),
        ("axis", lambda: x.argmax(2)),
        ("negative axis", lambda: x.argmax(-3)),
        ("axis of NumPy's", lambda: x.argmax(np.int64(1))),
        ("axis of text", lambda: x.argmax("x")),
        ("keepdims", lambda: x.argmax(keepdims=1)),
        ("unknown", lambda: x.argmax(unknown=1)),
        ("twice", lambda: x.argmax(0, axis=0)),
        ("too many", lambda: x.argmax(0, None, True)),
        ("empty lines", lambda: np.zeros((3, 0)).argmax(1)),
        ("no lines", lambda: np.zeros((0, 3)).argmax(1)),
        ("count of nothing", lambda: np.count_nonzero()),
        ("count of a list", lambda: np.count_nonzero([[1, 0, 2]] * 900)),
        ("count by axis", lambda: np.count_nonzero(x, axis=1)),
    ]
    same(calls)


# ---- astype, copy, where ---------------------------------------------------------------------


@pytest.mark.parametrize("dtype", EACH)
def test_conversions_and_copies(dtype):
    rng = np.random.default_rng(3)
    calls = []
    for name, x in all_layouts(rng, dtype):
        for to, order in some(rng, 0.1, NUMBERS, "KCFA"):
            call = lambda x=x, to=to, o=order: np.asarray(x.astype(to, order=o))  # noqa: E731
            calls.append((f"{name} to {to} {order}", call))
            calls.append((f"flags {name} {to}", lambda c=call: np.array(str(c().flags))))
        calls.append((f"copy {name}", lambda x=x: x.copy()))
        calls.append((f"copy K {name}", lambda x=x: (x.copy("K"), np.array(x.copy("K").strides))))
        calls.append((f"copy F {name}", lambda x=x: np.array(x.copy(order="F").strides)))
        calls.append((f"array {name}", lambda x=x: (np.array(x), np.array(np.array(x).strides))))
    same(calls)


def test_arguments_of_array():
    x = np.arange(40000.0).reshape(200, 200)[:, ::2]

    def array(*args, **kwargs):
        def call():
            made = np.array(*args, **kwargs)
            shares = np.shares_memory(made, args[0]) if args else False
            return made, np.array(f"{type(made)} {made.flags} {made.strides} {shares}")

        return call

    same(
        [
            ("copy", array(x, copy=True)),
            ("no copy", array(x, copy=np.False_)),
            ("if needed", array(x.astype("f8"), "f8", copy=None)),
            ("subclass", array(x.view(Sub), subok=True)),
            ("no subclass", array(x.view(Sub))),
            ("type", array(x, "f4")),
            ("order", array(x, order="F")),
            ("dimensions", array(x, ndmin=3)),
            ("like", array(x, like=x)),
            ("read-only", array(np.broadcast_to(x, (3, 200, 100)), subok=True)),
            ("other bytes", array(x.astype(">f8"))),
            ("unaligned", array(unaligned(np.arange(40000.0)))),
            ("objects", array(x.astype(object))),
            ("twice", array(x, object=x)),
            ("wrong", array(x, nonsense=1)),
            ("nothing", array()),
        ]
    )


def test_numbers_that_do_not_fit():
    x = np.random.default_rng(4).standard_normal(30001) * 1e300
    x[::7] = np.nan
    edges = np.tile([-129.0, 128.0, 255.0, 256.0, -1.0, 3e9, -3e9, 2.0**63, 1e20, -0.5], 3000)
    calls = [
        (f"{name} {to}", lambda v=v, to=to: v.astype(to))
        for name, v in (("wide", x), ("edges", edges), ("f4", edges.astype("f4")), ("odd", x[3::2]))
        for to in ("f4", "f2", "i1", "u1", "i2", "i4", "u4", "i8", "u8", "?", "F")
    ]
    same(calls)


@pytest.mark.parametrize("kind", ["raise", "call", "ignore", "warn"])
def test_errstate_of_conversions(kind):
    x = np.full(40000, 1e300)

    def watched(to):
        seen = []
        with np.errstate(all=kind, call=lambda *what: seen.append(what)):
            result = x.astype(to)
        return result, np.array(str(seen))

    same([(to, lambda to=to: watched(to)) for to in ("f4", "i4", "f2")])


def test_arguments_of_astype():
    x = np.arange(40000.0)
    z = x * 1j
    calls = [
        ("same object", lambda: np.array(x.astype("f8", copy=False) is x)),
        ("another object", lambda: np.array(x.astype("f8") is x)),
        ("refused", lambda: x.astype("i4", casting="safe")),
        ("by name", lambda: x.astype(dtype="i4")),
        ("type of Python's", lambda: x.astype(int)),
        ("type of NumPy's", lambda: x.astype(np.float32)),
        ("wrong", lambda: x.astype("nonsense")),
        ("nothing", lambda: x.astype()),
        ("objects", lambda: x.astype(object).astype("f4")),
        ("text", lambda: x.astype("S5").astype("f4")),
        ("real of complex", lambda: z.astype("f8")),
        ("dates", lambda: x.astype("i8").astype("m8[s]").astype("i8")),
        ("unaligned", lambda: unaligned(x).astype("f4")),
        ("subclass", lambda: np.array(type(x.view(Sub).astype("f4")).__name__)),
        ("no subclass", lambda: np.array(type(x.view(Sub).astype("f4", subok=False)).__name__)),
        ("masked", lambda: np.ma.masked_greater(x, 9).astype("f4").filled(0)),
        ("matrix", lambda: np.array(type(np.asmatrix(x).copy()).__name__)),
        ("wrong order", lambda: x.copy("Z")),
        ("too many", lambda: x.copy("C", "C")),
    ]
    same(calls)


def test_a_type_with_metadata_stays_what_it_is():
    dtype = np.dtype("f4", metadata={"unit": "m"})

    def metadata(x):
        return np.array(str(x.dtype.metadata))

    x = np.arange(40000.0)
    same(
        [
            ("given", lambda: metadata(x.astype(dtype))),
            ("kept", lambda: metadata(x.astype(dtype).copy())),
        ]
    )


@pytest.mark.parametrize("dtype", EACH)
def test_choices(dtype):
    rng = np.random.default_rng(5)
    calls = []
    for name, x in all_layouts(rng, dtype):
        mask = rng.random(x.shape) < 0.5
        masks = (mask, np.asfortranarray(mask), mask[..., :1] if x.ndim else mask)
        others = [numbers(rng, x.shape, t) for t in (dtype, *rng.choice(NUMBERS, 2))]
        others += [
            0,
            1.5,
            -1,
            2**40,
            np.nan,
            True,
            1j,
            np.float32(2),
            x.T.copy().T,
            x[:1] if x.ndim else x,
        ]
        for m, other in some(rng, 0.25, masks, others):
            calls.append((f"{name} {other!r:.20}", lambda m=m, x=x, o=other: np.where(m, x, o)))
            calls.append((f"{name} {other!r:.20} .", lambda m=m, x=x, o=other: np.where(m, o, x)))
        calls.append((f"layout {name}", lambda m=mask, x=x: np.array(np.where(m, x, x).strides)))
    same(calls)


def test_arguments_of_where():
    x = np.arange(40000.0)
    mask = x % 3 == 0
    calls = [
        ("one", lambda: np.where(mask)),
        ("two", lambda: np.where(mask, x)),
        ("four", lambda: np.where(mask, x, x, x)),
        ("numbers", lambda: np.where(x, x, 1)),
        ("bytes", lambda: np.where((x % 4).astype("u1").view(bool), x, 1)),
        ("only numbers", lambda: np.where(mask, 1, 2.0)),
        ("shapes", lambda: np.where(mask, x[:7], 1)),
        ("broadcast", lambda: np.where(mask[:200], x[:200, None], np.arange(200))),
        ("too large", lambda: np.where(mask, x.astype("u1"), 300)),
        ("negative", lambda: np.where(mask, x.astype("u1"), -1)),
        ("objects", lambda: np.where(mask, x.astype(object), 1).astype("f8")),
        ("text", lambda: np.where(mask, "a", x)),
        ("duration", lambda: np.where(mask, np.timedelta64(3, "s"), x.astype("m8[s]")).view("i8")),
        ("subclass", lambda: np.array(type(np.where(mask, x.view(Sub), 1)).__name__)),
        ("foreign", lambda: np.where(mask, Foreign(), 1)),
        ("list", lambda: np.where(mask.tolist(), x.tolist(), 1)),
        ("unaligned", lambda: np.where(mask, unaligned(x), 1)),
    ]
    same(calls)


# ---- take and x[i] ---------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", EACH)
def test_picked_elements(dtype):
    rng = np.random.default_rng(9)
    calls = []
    for name, x in all_layouts(rng, dtype):
        n = max(x.size, 1)
        places = rng.integers(-n, n, (70, 30))
        rows = x.shape[0] if x.ndim and x.size else 1
        short = rng.integers(0, rows, min(5000, 50_000 * rows // n + 1))
        bools = rng.random(x.shape) < rng.choice([0.0, 0.02, 0.5, 1.0])
        calls += [
            (f"take {name}", lambda x=x, p=places: (x.take(p), np.take(x, p.T), x.take(p[::2]))),
            (f"take along {name}", lambda x=x, p=short: np.take(x, p, axis=0)),
            (f"places {name}", lambda x=x, p=short: x[p]),
            (f"bools {name}", lambda x=x, b=bools: x[b]),
            (f"blocks {name}", lambda x=x: x[np.resize(np.arange(74) < 37, x.shape)]),
            (f"columns {name}", lambda x=x, b=bools: x[np.asfortranarray(b)]),
        ]
    same(calls)


@pytest.mark.parametrize("dtype", ["i1", "f2", "f4", "f8", "D"])
def test_few_and_many_chosen_elements(dtype):
    """Each block of a mask is read in the way that suits how many of it are chosen."""
    rng = np.random.default_rng(10)
    x = numbers(rng, (70_001,), dtype)
    calls = []
    for share in (0.0, 0.0001, 0.01, 1 / 17, 1 / 15, 0.99, 0.9999, 1.0):
        mask = rng.random(x.size) < share
        for name, first in (("first", 0), ("last", -1)):
            edge = mask.copy()
            edge[first] ^= True
            calls.append((f"{share} {name}", lambda b=edge: x[b]))
    for begin, end in ((0, 300), (30_000, 31_000), (69_000, 70_001)):
        mask = np.zeros(x.size, bool)
        mask[begin:end] = True
        calls += [(f"{begin}", lambda b=mask: x[b]), (f"but {begin}", lambda b=~mask: x[b])]
    same(calls)


def test_arguments_of_take():
    x = np.arange(3000.0)
    places = np.arange(2000)
    outside = np.where(places == 1234, 3000, places)
    below = np.where(places == 1234, -3001, places)
    bools = x % 3 == 0
    calls = [
        ("outside", lambda: x.take(outside)),
        ("below", lambda: x[below]),
        ("clipped", lambda: x.take(outside, mode="clip")),
        ("wrapped", lambda: np.take(x, below, mode="wrap")),
        ("out", lambda: x.take(places, out=np.zeros(2000))),
        ("wrong axis", lambda: x.take(places, axis=1)),
        ("from nothing", lambda: x[:0].take(places)),
        ("no place", lambda: x[places[:0]]),
        ("narrow places", lambda: x[places.astype("i4")]),
        ("swapped places", lambda: x[places.astype(">i8")]),
        ("places without sign", lambda: x[places.astype("u8")]),
        ("floats", lambda: x[places.astype("f8")]),
        ("too few bools", lambda: x[bools[:2999]]),
        ("bools of bytes", lambda: x[(x % 4).astype("u1").view(bool)]),
        ("bools of twos", lambda: x[np.full(3000, 2, "u1").view(bool)]),
        ("tuple", lambda: x[(places,)]),
        ("rows", lambda: x.reshape(300, 10)[places[:300]]),
        ("rows by bools", lambda: x.reshape(300, 10)[bools[:300]]),
        ("objects", lambda: x.astype(object)[places].astype("f8")),
        ("text", lambda: x.astype("S6")[places].astype("f8")),
        ("subclass", lambda: np.array(type(x.view(Sub)[places]).__name__)),
        ("places of a subclass", lambda: x[places.view(Sub)]),
        ("masked", lambda: np.ma.masked_greater(x, 9)[bools].filled(0)),
        ("unaligned", lambda: unaligned(x)[places]),
        ("flags", lambda: np.array([str(x[places].flags), str(x[bools].flags)])),
    ]
    same(calls)


def test_a_class_made_under_treadle_works_afterwards():
    treadle.install()

    class Made(np.ndarray):
        pass

    treadle.uninstall()
    x = np.arange(3000.0).view(Made)
    assert type(x[x > 5]) is Made
    assert x[7] == 7


# ---- sort ------------------------------------------------------------------------------------


def lines_to_sort(rng, dtype):
    """Return arrays of numbers with few or many equals, in and out of order."""
    n = 40000
    wide, few = numbers(rng, n, dtype), rng.integers(0, 5, n).astype(dtype)
    plain = np.where(wide == 0, 1, wide).astype(dtype)
    yield from (wide, plain, few, np.sort(plain), np.sort(plain)[::-1].copy(), few[:1], few[:300])
    yield from (np.zeros(n, dtype), plain[::3], plain.reshape(200, 200), plain.reshape(2, -1, 100))
    yield np.asfortranarray(plain.reshape(100, 400))
    yield np.sort(plain).reshape(-1, 2)[:, ::-1].ravel()
    if np.dtype(dtype).kind == "f":
        odd = plain.copy()
        odd[rng.random(n) < 0.01] = np.nan
        yield odd
        signs = plain.copy()
        signs[rng.random(n) < 0.2] = 0.0
        signs[rng.random(n) < 0.2] = -0.0
        yield from (signs, signs.reshape(100, 400), np.where(plain > 0, np.inf, plain))


@pytest.mark.parametrize("dtype", ["i1", "i4", "u4", "i8", "u8", "q", "f2", "f4", "f8", ">i4", "D"])
@pytest.mark.parametrize("sort", [np.sort, np.argsort])
def test_sorted_lines(sort, dtype):
    rng = np.random.default_rng(6)
    calls = []
    for i, x in enumerate(lines_to_sort(rng, dtype)):
        for kind, axis in itertools.product((None, "stable", "heapsort"), (*range(x.ndim), None)):
            call = lambda x=x, kind=kind, axis=axis: sort(x, axis=axis, kind=kind)  # noqa: E731
            calls.append((f"{i} {kind} {axis}", call))
    same(calls)


@pytest.mark.parametrize("dtype", ["i8", "f8"])
@pytest.mark.parametrize("equals", [2, 120])
def test_equal_numbers_that_no_sample_shows(dtype, equals):
    """NumPy's quicksort decides which of two equal numbers comes first; samples are every few."""
    rng = np.random.default_rng(equals)
    distinct = rng.permutation(60_000).astype(dtype)
    x = distinct.copy()
    places = rng.permutation(np.arange(4, 60_000, 7 * 8 * 9))[:equals]
    x[places[::2]] = x[places[1::2]] if equals > 2 else x[places[1]]
    odd = np.where(x == x[places[1]], np.nan, x) if dtype == "f8" else x
    kinds = (None, "stable", "heapsort")
    arrays = {"distinct": distinct, "equal": x, "NaN": odd}
    same(
        [
            (f"{name} {kind}", lambda a=a, kind=kind: a.argsort(kind=kind))
            for name, a in arrays.items()
            for kind in kinds
        ]
    )


def test_sorting_many_axes():
    """NumPy 2 has arrays of 64 axes, but does not sort along them if there are more than 32."""
    most = 64 if np.lib.NumpyVersion(np.__version__) >= "2.0.0" else 32
    x = np.random.default_rng(8).standard_normal(6000)
    calls = []
    for axes in {32, min(33, most), most}:
        many = x.reshape((1,) * (axes - 3) + (3, 20, 100))
        calls += [(f"{axes} {axis}", lambda x=many, a=axis: np.sort(x, a)) for axis in (0, -2, -1)]
    same(calls)


def test_arguments_of_sort():
    x = np.random.default_rng(7).standard_normal((200, 150))

    def in_place(**how):
        copy = x.copy()
        return copy, np.array(copy.sort(**how) is None)

    def frozen():
        copy = x.copy()
        copy.flags.writeable = False
        copy.sort()

    calls = [
        ("in place", lambda: in_place()),
        ("axis", lambda: in_place(axis=0)),
        ("wrong axis", lambda: in_place(axis=2)),
        ("no axis", lambda: in_place(axis=None)),
        ("kind", lambda: in_place(kind="q")),
        ("wrong kind", lambda: in_place(kind="nonsense")),
        ("order", lambda: in_place(order="a")),
        ("read-only", frozen),
        ("slice", lambda: np.sort(x[::2, ::3], axis=0)),
        ("view", lambda: x.copy()[:, ::2].sort()),
        ("subclass", lambda: np.array(type(np.sort(x.view(Sub))).__name__)),
        ("objects", lambda: np.sort(x.astype(object)).astype("f8")),
        ("stable", lambda: in_place(stable=True)),
        ("not stable", lambda: in_place(stable=False)),
        ("stable or not", lambda: in_place(stable=None)),
        ("stable twice", lambda: in_place(kind="stable", stable=True)),
        ("stable 1", lambda: in_place(stable=1)),
        ("four", lambda: x.copy().sort(0, None, None, True)),
    ]
    same(calls)


def test_arguments_of_argsort():
    x = np.random.default_rng(7).standard_normal((200, 150))
    frozen = x.copy()
    frozen.flags.writeable = False
    calls = [
        ("axis", lambda: x.argsort(axis=0)),
        ("wrong axis", lambda: x.argsort(axis=2)),
        ("kind", lambda: x.argsort(kind="stable")),
        ("wrong kind", lambda: x.argsort(kind="nonsense")),
        ("order", lambda: x.argsort(order="a")),
        ("read-only", lambda: frozen.argsort()),
        ("slice", lambda: x[::2, ::3].argsort(axis=0)),
        ("transposed", lambda: x.T.argsort()),
        ("subclass", lambda: np.array(type(x.view(Sub).argsort()).__name__)),
        ("objects", lambda: x.astype(object).argsort()),
        ("stable", lambda: x.ravel().argsort(stable=True)),
        ("not stable", lambda: x.argsort(stable=False)),
        ("stable or not", lambda: x.argsort(stable=None)),
        ("stable twice", lambda: x.argsort(kind="stable", stable=True)),
        ("unique", lambda: np.unique(x.round(1), return_index=True)[1]),
    ]
    same(calls)


def test_sorting_what_may_not_be_written():
    """NumPy warns of arrays that broadcast_arrays() made, once for each."""

    def sort(shape):
        x = np.broadcast_arrays(np.arange(3000.0)[::-1].copy(), np.zeros(shape))[0]
        for _ in range(2):
            x.sort()
        return x, np.array(x.flags.writeable)

    same([("once", lambda: sort((1, 1))), ("twice", lambda: sort((2, 1)))])


def test_denormals_as_zeros():
    x = np.random.default_rng(8).standard_normal(5000) * 1e-310
    with sse_control(0x8040):
        same(
            [
                ("count", lambda: np.array(np.count_nonzero(x))),
                ("sort", lambda: np.sort(x)),
                ("argsort", lambda: np.argsort(x, kind="stable")),
                ("largest", lambda: x.max()),
                ("sum", lambda: x.sum()),
            ]
        )


# ---- random ----------------------------------------------------------------------------------

STREAMS = ("PCG64", "PCG64DXSM", "Philox", "MT19937", "SFC64")
# Methods that an older Cython made are called in a way of their own (docs/using.md).
SPLITS_STREAMS = np.lib.NumpyVersion(np.__version__) >= "2.0.0"
needs_split_streams = pytest.mark.skipif(not SPLITS_STREAMS, reason="since NumPy 2.0")


def state_of(source):
    """Return all that decides the numbers to come."""
    return np.array(repr(source.state))


def stream(name, begin, draw):
    """Return a call that draws from a stream somewhere in the middle, and tells its state."""

    def call():
        source = getattr(np.random, name)(7)
        generator = np.random.Generator(source)
        generator.integers(0, 9, begin, dtype="u4")
        return draw(generator), state_of(source), generator.random(3), state_of(source)

    return call


@pytest.mark.parametrize("name", STREAMS)
def test_streams(name):
    sizes = (1, 311, 624, 625, 1000, 1248, 5003, (30, 50), (7, 11, 13), 60001, 0, (), (3, 0))
    calls = [
        (f"{begin} {size}", stream(name, begin, lambda g, size=size: g.random(size)))
        for begin in (0, 1, 2, 3, 5, 624, 1001)
        for size in sizes
    ]
    same(calls)


def test_arguments_of_random():
    def into(shape, dtype="f8", order="C"):
        return lambda g: g.random(out=np.zeros(shape, dtype, order))

    draws = {
        "out": into(5000),
        "out in rows": into((50, 100)),
        "out in columns": into((50, 100), order="F"),
        "out of another type": into(5000, "f4"),
        "out and size": lambda g: g.random(5000, out=np.zeros(5000)),
        "out and wrong size": lambda g: g.random(5000, out=np.zeros(4000)),
        "gaps": lambda g: g.random(out=np.zeros(10000)[::2]),
        "float32": lambda g: g.random(5000, dtype="f4"),
        "float64": lambda g: g.random(5000, dtype=np.float64),
        "by place": lambda g: g.random(5000, float),
        "wrong type": lambda g: g.random(5000, dtype="i4"),
        "negative": lambda g: g.random(-1),
        "text": lambda g: g.random("x"),
        "size of NumPy's": lambda g: g.random(np.int64(5000)),
        "list": lambda g: g.random([50, 100]),
        "one": lambda g: np.array(g.random()),
        "too large": lambda g: g.random((2**40, 2**40)),
        "uniform": lambda g: g.uniform(1, 2, 5000),
        "normal": lambda g: g.standard_normal(5000),
    }
    same([(f"{n} {s}", stream(s, 3, d)) for n, d in draws.items() for s in ("PCG64", "MT19937")])


def test_legacy_streams():
    def legacy(draw):
        def call():
            state = np.random.RandomState(5)
            state.standard_normal(3)
            return draw(state), np.array(str(state.get_state())), state.random_sample(4)

        return call

    def module_level():
        np.random.seed(11)
        return np.random.rand(123, 45), np.random.random(5000), np.random.random_sample(7)

    calls = [
        ("rand", legacy(lambda s: s.rand(60, 70))),
        ("random", legacy(lambda s: s.random(5000))),
        ("sample", legacy(lambda s: s.random_sample((3, 7, 400)))),
        ("by name", legacy(lambda s: s.random_sample(size=60001))),
        ("uniform", legacy(lambda s: s.uniform(size=5000))),
        ("one", legacy(lambda s: s.random_sample())),
        ("wrong", legacy(lambda s: s.random_sample(-1))),
        ("module", module_level),
    ]
    same(calls)


def test_generators_of_others_fall_through():
    class Mine(np.random.PCG64):
        pass

    class MyGenerator(np.random.Generator):
        def random(self, *args, **kwargs):
            return super().random(*args, **kwargs) + 1

    same(
        [
            ("bits", lambda: np.random.Generator(Mine(3)).random(5000)),
            ("generator", lambda: MyGenerator(np.random.PCG64(3)).random(5000)),
        ]
    )


def test_near_the_recursion_limit():
    def drawn(generator, depth):
        try:
            return drawn(generator, depth + 1)
        except RecursionError:
            return generator.random(3000), np.array(depth)

    same(
        [
            ("new", lambda: drawn(np.random.default_rng(1), 0)),
            ("legacy", lambda: drawn(np.random.RandomState(1), 0)),
        ]
    )


def test_one_stream_of_many_threads():
    """Each number of a stream is drawn once, whoever draws it."""
    treadle.install()
    treadle.set_min(1)
    treadle.set_num_threads(2)
    generator = np.random.default_rng(3)
    drawn = []
    workers = [
        threading.Thread(target=lambda: drawn.extend(generator.random(1000) for _ in range(20)))
        for _ in range(4)
    ]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    treadle.uninstall()
    one = np.random.default_rng(3)
    assert np.array_equal(np.sort(np.concatenate(drawn)), np.sort(one.random(80_000)))
    assert generator.bit_generator.state == one.bit_generator.state


def test_a_thread_with_a_small_stack():
    """MT19937 jumps with 80 KiB of numbers at hand."""
    done = python(
        "-c",
        "import threading, numpy as np, treadle\n"
        "treadle.install(); treadle.set_min(1); treadle.set_num_threads(2)\n"
        "threading.stack_size(65536)\n"
        "draw = np.random.RandomState(1).random_sample\n"
        "thread = threading.Thread(target=draw, args=(5000,))\n"
        "thread.start(); thread.join(); print('done')",
    )
    assert done.stdout == "done\n", done.stderr


@needs_split_streams
@pytest.mark.parametrize("name", STREAMS[:4])
@pytest.mark.parametrize("before", [True, False])
def test_a_handler_that_draws(name, before, monkeypatch):
    """A handler of signals runs where Python does: just before or after the parts are drawn."""
    generator = np.random.Generator(getattr(np.random, name)(7))
    drawn = []
    draw_parts = treadle._treadle.draw_parts

    def interrupted(*args):
        if before:
            drawn.append(generator.random(1))
        done = draw_parts(*args)
        drawn.append(generator.random(1))
        return done

    treadle.install()
    treadle.set_min(1)
    treadle.set_num_threads(3)
    monkeypatch.setattr(treadle._treadle, "draw_parts", interrupted)
    numbers = generator.random(5000)
    treadle.uninstall()
    one = np.random.Generator(getattr(np.random, name)(7))
    expected = one.random(5000 + len(drawn))
    assert len(drawn) == 1 + before
    assert np.array_equal(np.sort(np.concatenate([numbers, *drawn])), np.sort(expected))
    assert repr(generator.bit_generator.state) == repr(one.bit_generator.state)


@needs_split_streams
@pytest.mark.parametrize("name", STREAMS[:4])
def test_a_handler_that_raises_after_drawing(name, monkeypatch):
    generator = np.random.Generator(getattr(np.random, name)(7))
    draw_parts = treadle._treadle.draw_parts

    def interrupted(*args):
        assert draw_parts(*args)
        raise TimeoutError

    treadle.install()
    treadle.set_min(1)
    treadle.set_num_threads(3)
    monkeypatch.setattr(treadle._treadle, "draw_parts", interrupted)
    with pytest.raises(TimeoutError):
        generator.random(5000)
    treadle.uninstall()
    one = np.random.Generator(getattr(np.random, name)(7))
    one.random(5000)
    assert generator.random() == one.random()


# ---- in and out ------------------------------------------------------------------------------

X = np.random.default_rng(8).standard_normal((300, 400)) + 9
PLACES = np.random.default_rng(9).integers(0, X.size, 5000)
SPLIT = {
    "argmax": lambda: X.argmax(),
    "argmin": lambda: X.argmin(axis=0),
    "count_nonzero": lambda: np.count_nonzero(X),
    "astype": lambda: X.astype("f4"),
    "copy": lambda: X.T.copy(),
    "array": lambda: np.array(X[:, ::2]),
    "where": lambda: np.where(X > 9, X, 0.0),
    "take": lambda: X.take(PLACES),
    "places": lambda: X[0][PLACES % 400],
    "bools": lambda: X[X > 9],
    "sort": lambda: np.sort(X.ravel()),
    "sort lines": lambda: np.sort(X, axis=0),
    "argsort": lambda: np.argsort(X.ravel()),
    "argsort stable": lambda: np.argsort(X.ravel().astype("i4"), kind="stable"),
    "argsort lines": lambda: np.argsort(X, axis=0),
}
STREAMED = {
    "random": lambda: np.random.default_rng(1).random(5000),
    "philox": lambda: np.random.Generator(np.random.Philox(1)).random(5000),
    "rand": lambda: np.random.RandomState(1).rand(50, 100),
}


@pytest.mark.parametrize("name", SPLIT)
def test_calls_are_really_split(name):
    assert served(SPLIT[name])


@pytest.mark.parametrize(("of", "to", "split"), [("f8", "f2", 1), ("f2", "f4", 1), ("f8", "f4", 0)])
def test_contiguous_conversions_are_split_where_it_pays(of, to, split):
    x = np.zeros(3_000_000, of)
    treadle.install()
    treadle.set_num_threads(2)
    treadle.reset()
    x.astype(to)
    assert len(treadle.report().rows) == split


@pytest.mark.parametrize("name", STREAMED)
def test_streams_are_split_since_numpy_2(name):
    assert bool(served(STREAMED[name])) == SPLITS_STREAMS


def test_uninstall_gives_numpys_functions_back():
    treadle.install()
    assert treadle.status()["functions"] == (14 if SPLITS_STREAMS else 12)
    treadle.uninstall()
    assert treadle.status()["functions"] == 0
    treadle.set_min(1)
    treadle.reset()
    for call in (SPLIT | STREAMED).values():
        call()
    assert treadle.report().rows == []


def test_functions_are_found_in_dictionaries():
    """Built-in functions have the hash of what they call: programs keep tables of np.array & Co."""
    treadle.uninstall()
    holders = (np, np.linalg, np.random, np.random.default_rng(1), np.ndarray, np.ufunc)
    functions = [getattr(holder, name, None) for holder in holders for name in dir(holder)]
    table = {f for f in functions if callable(f) and isinstance(f, Hashable)}
    assert np.array in table
    treadle.install()
    assert [f for f in list(table) if f not in table] == []


def test_install_and_uninstall_while_others_compute():
    calls = SPLIT | STREAMED
    expected = {name: call() for name, call in calls.items()}
    wrong, done = [], threading.Event()

    def compute():
        while not done.is_set():
            for name, call in calls.items():
                if not np.array_equal(call(), expected[name]):
                    wrong.append(name)

    workers = [threading.Thread(target=compute) for _ in range(3)]
    for worker in workers:
        worker.start()
    for _ in range(60):
        treadle.install()
        treadle.set_min(1)
        treadle.uninstall()
    done.set()
    for worker in workers:
        worker.join()
    assert not wrong


def test_a_type_of_the_same_numbers_keeps_its_name():
    x = np.arange(20001)
    same([(c, lambda c=c: x.astype(c).dtype.char) for c in "lqLQ"])


# ---- ufunc.outer ---------------------------------------------------------------------------------


def drawn(shape, dtype):
    return numbers(np.random.default_rng(1), shape, dtype)


def outer_calls():
    column, row = drawn((130,), "f8"), drawn((140,), "f4")
    square, out = drawn((13, 14), "i4"), np.full((130, 140), 7.0)
    mask = np.arange(140) % 3 > 0
    yield "vectors", lambda: np.multiply.outer(column, row)
    yield "matrices", lambda: np.hypot.outer(square, square.T)
    yield "0-d", lambda: np.add.outer(np.array(3.0), drawn((20000,), "f8"))
    yield "strided", lambda: np.subtract.outer(column[::-2], row[::3])
    yield "one vector twice", lambda: np.multiply.outer(column, column)
    yield "out", lambda: (np.add.outer(column, row, out=out), out.copy())
    yield "out and where", lambda: np.add.outer(column, row, out=out.copy(), where=mask)
    yield "dtype", lambda: np.add.outer(column, row, dtype="f4", casting="unsafe")
    yield "complex", lambda: np.multiply.outer(column + 1j, row)
    yield "two results", lambda: np.divmod.outer(square, square + 1)
    yield "warning", lambda: np.divide.outer(column, row * 0)
    yield "reductions next", lambda: np.maximum.outer(column, row).sum(axis=0)
    yield "empty", lambda: np.add.outer(drawn((0,), "f8"), row)
    yield "subclass", lambda: np.add.outer(column.view(Sub), row)
    yield "list", lambda: np.add.outer(list(column), row)


def outer_errors():
    column = drawn((200,), "f8")
    yield "output of another shape", lambda: np.add.outer(column, column, out=column)
    yield "type that can't be", lambda: np.add.outer(column, column, dtype="i4")
    yield "unknown word", lambda: np.add.outer(column, column, axis=0)
    yield "one argument", lambda: np.add.outer(column)
    yield "three", lambda: np.add.outer(column, column, column)
    yield "unary", lambda: np.exp.outer(column, column)
    yield "matmul", lambda: np.matmul.outer(column, column)


def test_outer():
    same([*outer_calls(), *outer_errors()])
    assert served(lambda: np.multiply.outer(np.ones(300), np.ones(300, "f4")))


def test_outer_tells_arrays_of_others():
    column = drawn((300,), "f8")

    class Told(np.ndarray):
        def __array_ufunc__(self, ufunc, method, *inputs, **kwargs):
            return ufunc.__name__, method

    out = np.empty((300, 300)).view(Told)
    same([("out", lambda: np.add.outer(column, column, out=out))])
