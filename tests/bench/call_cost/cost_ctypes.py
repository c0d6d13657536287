# SPDX-License-Identifier: BSD-3-Clause
"""Nanoseconds of a tiny call by ctypes, as in the example: cost_ctypes.py FOLDER-OF-EXAMPLES"""

import sys
import time

sys.path.insert(0, sys.argv[1])
from hello_ctypes import Array, treadle

CALLS = 100_000


def spent(x, y, out):
    """Return the nanoseconds of all calls."""
    add = treadle.treadle_binary
    start = time.perf_counter_ns()
    for _ in range(CALLS):
        status = add(b"add", x, y, out, None)
    end = time.perf_counter_ns()
    assert status == 0
    return end - start


arrays = [Array(8, fill=float) for _ in range(3)]
print(f"{spent(*(array.c for array in arrays)) / CALLS:.2f}")
assert arrays[2].data[7] == 14.0
