# SPDX-License-Identifier: BSD-3-Clause
"""Every test compares NumPy under Treadle with NumPy alone, in one process."""

import contextlib
import ctypes
import os
import platform
import subprocess
import sys
import warnings

import numpy as np
import pytest

import treadle

# Other programs that run at the same time must not change the number of threads.
os.environ.setdefault("TREADLE_BUDGET", "process")

# For tests whose cases multiply: "full" has more sizes, limits and thread counts.
DEPTHS = ["fast", pytest.param("full", marks=pytest.mark.slow)]


def pytest_report_header():
    names = ", ".join(b["name"] for b in treadle.backends() if b["usable"])
    return f"numpy {np.__version__}, treadle {treadle.version} ({names})"


@pytest.fixture(autouse=True)
def plain_numpy_afterwards():
    yield
    treadle.set_min(0)
    treadle.set_num_threads(0)
    treadle.set_backend(None)
    treadle.uninstall()


def canonical(result):
    """Return the bits of a result; the padding in a long double means nothing."""
    result = np.asarray(result)
    bits = np.ascontiguousarray(result)
    if result.dtype.char in "gG" and np.dtype("g").itemsize == 16:
        bits = bits.reshape(-1).view("u1").reshape(-1, 16)[:, :10]
    return result.dtype.str, result.shape, bits.tobytes()


def outcome(call):
    """Return everything a caller can see: results, warnings, or the error."""
    with warnings.catch_warnings(record=True) as caught, np.errstate(all="warn"):
        warnings.simplefilter("always")
        try:
            results = call()
        except Exception as error:
            return type(error).__name__, str(error)
    results = results if isinstance(results, tuple) else (results,)
    seen = [(type(r).__name__, getattr(r, "strides", None), canonical(r)) for r in results]
    return seen, sorted({str(w.message) for w in caught})


def differing(calls, threads=3, least=1):
    """Run (name, call) pairs plain and under Treadle; return the names of those that differ."""
    treadle.uninstall()
    plain = [outcome(call) for _, call in calls]
    treadle.install()
    treadle.set_num_threads(threads)
    treadle.set_min(least)
    parallel = [outcome(call) for _, call in calls]
    treadle.set_min(0)
    treadle.uninstall()
    return [name for (name, _), a, b in zip(calls, plain, parallel, strict=True) if a != b]


@contextlib.contextmanager
def sse_control(bits):
    """Set bits of this thread's MXCSR, as libraries built with -ffast-math do when they load."""
    if platform.machine() != "x86_64" or platform.libc_ver()[0] != "glibc":
        pytest.skip("knows glibc's fenv_t on x86-64 only")
    libm = ctypes.CDLL("libm.so.6")
    before, changed = (ctypes.c_uint32 * 8)(), (ctypes.c_uint32 * 8)()
    libm.fegetenv(before)
    libm.fegetenv(changed)
    changed[7] |= bits
    libm.fesetenv(changed)
    try:
        yield
    finally:
        libm.fesetenv(before)


def python(*args, stdin=None, timeout=120, **env):
    """Run a fresh interpreter of this environment."""
    drop = [
        name for name in os.environ if name.startswith("TREADLE_") and name != "TREADLE_PLUGIN_PATH"
    ]
    base = {name: value for name, value in os.environ.items() if name not in drop}
    return subprocess.run(
        [sys.executable, *args],
        input=stdin,
        env={**base, "PYTHONPATH": os.pathsep.join(filter(None, sys.path)), **env},
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )
