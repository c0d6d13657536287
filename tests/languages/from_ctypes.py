# SPDX-License-Identifier: BSD-3-Clause
"""libtreadle from Python with nothing but ctypes: from_ctypes.py LIBTREADLE."""

import ctypes
import sys
from ctypes import POINTER, c_char_p, c_double, c_int32, c_int64, c_uint32, c_void_p

FLOAT64 = 0x14002
OK, INVALID, UNSUPPORTED = 0, -3, -5


class Used(ctypes.Structure):
    _fields_ = (
        ("backend", c_char_p),
        ("variant", c_char_p),
        ("threads", c_uint32),
        ("fallbacks", c_uint32),
    )


OPERAND = [c_void_p, c_uint32, c_int32, POINTER(c_int64), POINTER(c_int64)]

library = ctypes.CDLL(sys.argv[1])
library.treadle_last_error.restype = c_char_p
library.treadle_version.restype = c_char_p
library.treadle_binary_flat.argtypes = [c_char_p, *OPERAND * 3, POINTER(Used)]
library.treadle_reduce_flat.argtypes = [
    *(c_char_p, *OPERAND, POINTER(c_int32), c_int32),
    *(*OPERAND, POINTER(Used)),
]


def doubles(*values):
    return (c_double * len(values))(*values)


def operand(memory, *shape, strides=None, first=0):
    """The five arguments of an array whose element with all indices zero is memory[first]."""
    extents = (c_int64 * len(shape))(*shape)
    steps = strides and (c_int64 * len(strides))(*strides)
    return ctypes.addressof(memory) + 8 * first, FLOAT64, len(shape), extents, steps


def check(what, got, expected):
    if got != expected:
        sys.exit(f"{what}: {got!r} instead of {expected!r}; {library.treadle_last_error()!r}")


def add():
    x, y, out, used = doubles(1, 2, 3), doubles(10, 20, 30), doubles(0, 0, 0), Used()
    backwards = operand(y, 3, strides=[-8], first=2)
    status = library.treadle_binary_flat(b"add", *operand(x, 3), *backwards, *operand(out, 3), used)
    check("add", status, OK)
    check("add", list(out), [31.0, 22.0, 13.0])
    check("threads", used.threads, 1)
    check("a backend's name", used.backend.decode().isidentifier(), True)


def large_add():
    n = 3_000_000
    x, out, used = (c_double * n)(), (c_double * n)(), Used()
    x[0], x[n // 2], x[n - 1] = 1, 2, 3
    status = library.treadle_binary_flat(
        b"add", *operand(x, n), *operand(x, n), *operand(out, n), used
    )
    check("large add", status, OK)
    check("large add", (out[0], out[n // 2], out[n - 1], sum(out)), (2.0, 4.0, 6.0, 12.0))


def sums():
    x, total, columns = doubles(1, 2, 3, 4, 5, 6), doubles(0), doubles(0, 0, 0)
    status = library.treadle_reduce_flat(b"sum", *operand(x, 2, 3), None, -1, *operand(total), None)
    check("sum", (status, list(total)), (OK, [21.0]))
    axis = (c_int32 * 1)(0)
    status = library.treadle_reduce_flat(
        b"sum", *operand(x, 2, 3), axis, 1, *operand(columns, 3), None
    )
    check("sum of axis 0", (status, list(columns)), (OK, [5.0, 7.0, 9.0]))


def matmul():
    x, y, out = doubles(1, 2, 3, 4, 5, 6), doubles(1, 0, 0, 1, 1, 1), doubles(0, 0, 0, 0)
    status = library.treadle_binary_flat(
        b"matmul", *operand(x, 2, 3), *operand(y, 3, 2), *operand(out, 2, 2), None
    )
    check("matmul", (status, list(out)), (OK, [4.0, 5.0, 10.0, 11.0]))


def errors():
    x, out = doubles(1, 2, 3), doubles(7, 7)
    status = library.treadle_binary_flat(
        b"add", *operand(x, 3), *operand(x, 3), *operand(out, 2), None
    )
    check("shapes that do not fit", (status, list(out)), (INVALID, [7.0, 7.0]))
    sentence = library.treadle_last_error().decode()
    check("a sentence", len(sentence) > 20, True)
    print("an error reads:", sentence)
    same = operand(x, 3)
    status = library.treadle_binary_flat(b"org.test.none", *same, *same, *same, None)
    check("an op that nobody has", status, UNSUPPORTED)


if __name__ == "__main__":
    add()
    large_add()
    sums()
    matmul()
    errors()
    print("treadle", library.treadle_version().decode(), "works from ctypes")
