# SPDX-License-Identifier: BSD-3-Clause
"""Treadle from Python by ctypes: TREADLE_LIBRARY=.../libtreadle.so.0 python3 hello_ctypes.py"""

import ctypes
import os
from ctypes import c_char_p, c_double, c_int32, c_int64, c_uint8, c_uint32, c_uint64, c_void_p

treadle = ctypes.CDLL(os.environ.get("TREADLE_LIBRARY", "libtreadle.so.0"))
treadle.treadle_last_error.restype = c_char_p


class Descriptor(ctypes.Structure):  # struct treadle_array
    _fields_ = (
        ("data", c_void_p),
        ("shape", c_void_p),
        ("strides", c_void_p),
        ("ndim", c_int32),
        ("flags", c_uint32),
        ("dtype", c_uint8 * 4),
        ("itemsize", c_uint32),
        ("reserved", c_uint64 * 3),
    )


class Used(ctypes.Structure):  # struct treadle_used
    _fields_ = (
        ("backend", c_char_p),
        ("variant", c_char_p),
        ("threads", c_uint32),
        ("fallbacks", c_uint32),
    )


class Backend(ctypes.Structure):  # struct treadle_backend_info
    _fields_ = (
        *((name, c_char_p) for name in ("name", "path", "version", "vendor", "reason")),
        ("flags", c_uint64),
    )


class Array:
    """Doubles in C order. Describe an array once: a call then passes the address of `c` alone.

    `c` is bytes, whose address ctypes passes on as it is: a pointer object would make a call a
    third longer. `data`, `shape` and `strides` are what it points to, and live as long.
    """

    def __init__(self, *shape, fill=lambda i: 0.0):
        steps = [8]
        for extent in reversed(shape):
            steps.insert(0, steps[0] * extent)
        axes = c_int64 * len(shape)
        self.data = (c_double * (steps[0] // 8))(*(fill(i) for i in range(steps[0] // 8)))
        self.shape, self.strides = axes(*shape), axes(*steps[1:])
        where = (ctypes.addressof(part) for part in (self.data, self.shape, self.strides))
        self.c = bytes(Descriptor(*where, len(shape), 0, (c_uint8 * 4)(2, 64, 1), 8))


def check(status):
    if status != 0:
        raise ValueError(treadle.treadle_last_error().decode())


def binary(op, x, y, out):
    used = Used()
    check(treadle.treadle_binary(op, x.c, y.c, out.c, ctypes.byref(used)))
    return f"{used.backend.decode()} on {used.threads}"


def total(x):
    out = Array()
    check(treadle.treadle_reduce(b"sum", x.c, None, -1, out.c, None))
    return out.data[0]


def main():
    for i in range(treadle.treadle_backend_count()):
        info = Backend()
        check(treadle.treadle_backend_info(i, ctypes.byref(info)))
        print("found", info.name.decode(), info.reason.decode())
    n = 1_000_000
    x, y = (Array(n, fill=lambda i, first=first: first + i % 7) for first in (1.0, 2.0))
    a = Array(200, 200, fill=lambda i: 0.5 + i % 7)
    print("the environment chose", binary(b"add", x, y, Array(n)))
    results = []
    for backend in (b"serial", b"openmp"):
        check(treadle.treadle_set_backend(backend))
        out, product = Array(n), Array(200, 200)
        print("add by", binary(b"add", x, y, out))
        print("matmul by", binary(b"matmul", a, a, product))
        results.append((bytes(out.data), bytes(product.data), total(out)))
    print("equal", str(results[0] == results[1]).lower(), "sum", f"{results[0][2]:.0f}")
    try:
        binary(b"add", x, y, Array(3))
    except ValueError as error:
        print("error", error)


if __name__ == "__main__":
    main()
