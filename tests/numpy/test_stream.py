# SPDX-License-Identifier: BSD-3-Clause
"""Large outputs go past the caches: whole lines of memory, and nothing beside them."""

import numpy as np
import pytest
from conftest import differing

# Pieces of the buffer, whole lines and rests of them, and what is shorter than either.
SIZES = (1, 7, 8, 63, 64, 65, 127, 511, 512, 513, 1000, 1024, 4097, 20011)
GUARD = 64


def numbers(n, dtype, seed=0):
    rng = np.random.default_rng(seed)
    return (rng.standard_normal(n) * 50).astype(dtype)


def written(function, inputs, outputs, n, offset):
    """Call with outputs that begin `offset` elements into a buffer; return the whole buffers."""
    buffers = [np.full(n + 2 * GUARD, 77, dtype) for dtype in outputs]
    function(*inputs, out=tuple(x[GUARD + offset : GUARD + offset + n] for x in buffers))
    return buffers


CALLS = {
    "maximum f8": (np.maximum, "ff", "d"),
    "floor f4": (np.floor, "f", "f"),
    "add i1": (np.add, "bb", "b"),
    "multiply i2": (np.multiply, "hh", "h"),
    "less f8": (np.less, "dd", "?"),
    "absolute c16": (np.absolute, "D", "d"),
    "conjugate c16": (np.conjugate, "D", "D"),
    "add longdouble": (np.add, "gg", "g"),
    "modf f8": (np.modf, "d", "dd"),
    "frexp f8": (np.frexp, "d", "di"),
    "divmod i8": (np.divmod, "qq", "qq"),
}


@pytest.mark.parametrize("name", CALLS)
def test_outputs_anywhere(name):
    function, inputs, outputs = CALLS[name]
    calls = []
    for n in SIZES:
        args = [numbers(n, dtype, i) for i, dtype in enumerate(inputs)]
        if name.startswith("divmod"):
            args[1] = np.abs(args[1]) + 1
        for offset in (0, 1, 3, 8):
            calls.append(
                (
                    f"{n} at {offset}",
                    lambda a=args, n=n, o=offset: written(function, a, outputs, n, o),
                )
            )
    assert differing(calls) == []


@pytest.mark.parametrize("width", [1, 5, 64, 100, 999, 3998])
def test_rows_of_slices(width):
    x = numbers((9, width + 2), "f8").reshape(9, width + 2)

    def into_slice(function, *inputs):
        out = np.full_like(x, 77)
        function(*inputs, out=out[1:-1, 1:-1])
        return out

    a, b, row = x[1:-1, 1:-1], x[2:, :-2], x[0, 1:-1]
    calls = [
        ("fresh", lambda: np.maximum(a, b)),
        ("slice", lambda: into_slice(np.maximum, a, b)),
        ("row", lambda: into_slice(np.hypot, a, row)),
        ("column", lambda: into_slice(np.hypot, a, a[:, :1])),
        ("number", lambda: into_slice(np.floor_divide, a, 3.0)),
        ("turned", lambda: np.maximum(a[::-1], b[:, ::-1])),
    ]
    assert differing(calls) == []


def test_outputs_that_are_inputs_or_overlap():
    x = numbers(20011, "f8")

    def with_out(view_in, view_out):
        y = x.copy()
        np.floor(view_in(y), out=view_out(y))
        return y

    calls = [
        ("in place", lambda: with_out(lambda y: y, lambda y: y)),
        ("behind", lambda: with_out(lambda y: y[:-1], lambda y: y[1:])),
        ("before", lambda: with_out(lambda y: y[1:], lambda y: y[:-1])),
        ("halves", lambda: with_out(lambda y: y[:10000], lambda y: y[10000:20000])),
        ("turned", lambda: with_out(lambda y: y[::-1], lambda y: y)),
        ("every second", lambda: with_out(lambda y: y[:10000], lambda y: y[1:20001:2])),
    ]
    assert differing(calls) == []


def test_large_outputs_by_themselves():
    """Large enough without a test's limit of 1, whatever the caches: 48 MiB and more."""
    x = numbers(6_500_003, "f8")
    rows = x[: 2540 * 2540].reshape(2540, 2540)
    calls = [
        ("long", lambda: np.maximum(x, x[::-1])),
        ("rows", lambda: np.floor(rows[:, 1:])),
        ("types", lambda: np.floor_divide(rows[1:, 1:], np.float32(3))),
        ("warning", lambda: np.log(rows[:, 1:])),
        ("copy", lambda: x.copy()),
        ("copy in order", lambda: rows.T.copy(order="K")),
        ("copy of bytes", lambda: x.view("i1")[3:].copy()),
    ]
    assert differing(calls, least=0) == []
