# SPDX-License-Identifier: BSD-3-Clause
"""Nanoseconds of a tiny call by ctypes, with arrays described once: cost_ctypes.py LIBTREADLE"""

import ctypes
import sys
import time
from ctypes import (
    POINTER,
    addressof,
    c_char_p,
    c_int32,
    c_int64,
    c_uint8,
    c_uint32,
    c_uint64,
    c_void_p,
)

CALLS = 100_000


class Array(ctypes.Structure):
    _fields_ = (
        ("data", c_void_p),
        ("shape", POINTER(c_int64)),
        ("strides", POINTER(c_int64)),
        ("ndim", c_int32),
        ("flags", c_uint32),
        ("dtype", c_uint8 * 4),
        ("itemsize", c_uint32),
        ("reserved", c_uint64 * 3),
    )


shape, strides = (c_int64 * 1)(8), (c_int64 * 1)(8)
memory = [(ctypes.c_double * 8)() for _ in range(3)]
arrays = [Array(addressof(m), shape, strides, 1, 0, (c_uint8 * 4)(2, 64, 1, 0), 8) for m in memory]
call = ctypes.CDLL(sys.argv[1]).treadle_binary
# Pointers made once: without argtypes, ctypes has nothing to convert (byref(): a third more).
arguments = [c_char_p(b"add"), *(c_void_p(addressof(array)) for array in arrays), None]

assert call(*arguments) == 0
start = time.perf_counter_ns()
for _ in range(CALLS):
    call(*arguments)
print(f"{(time.perf_counter_ns() - start) / CALLS:.2f}")
