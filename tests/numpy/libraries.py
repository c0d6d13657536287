# SPDX-License-Identifier: BSD-3-Clause
"""The OpenBLAS that a package has brought along."""

import contextlib
import ctypes
import glob
import os


def find_openblas(package):
    """Return (get, set) of its number of threads, or None."""
    folder = os.path.join(os.path.dirname(package.__file__), os.pardir, f"{package.__name__}.libs")
    for path in glob.glob(os.path.join(folder, "lib*openblas*.so*")):
        library = ctypes.CDLL(path, mode=os.RTLD_NOLOAD | os.RTLD_LAZY)
        for prefix in ("scipy_", ""):
            for suffix in ("64_", ""):
                names = [f"{prefix}openblas_{verb}_num_threads{suffix}" for verb in ("get", "set")]
                if hasattr(library, names[0]):
                    return [getattr(library, name) for name in names]
    return None


@contextlib.contextmanager
def threads(openblas, count):
    """Set its number of threads for a while; None has none to set."""
    if not openblas:
        yield
        return
    get, put = openblas
    before = get()
    put(count)
    try:
        yield
    finally:
        put(before)
