# SPDX-License-Identifier: BSD-3-Clause
"""Put Treadle behind NumPy, and take it away again."""

from __future__ import annotations

import importlib
import os
import sys
import threading
import warnings
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from treadle import _imports, _treadle
from treadle._later import after_import, forget
from treadle._warning import TreadleWarning

# A signal handler or a finalizer may ask in the middle of a change. A forked child gets neither a
# lock held by a thread that it does not have, nor half of an installation.
_lock = threading.RLock()
os.register_at_fork(
    before=_lock.acquire, after_in_parent=_lock.release, after_in_child=_lock.release
)
_random: Any = None  # waits for numpy.random to be imported
_status: dict[str, Any] = {}


def _core(name: str) -> Any:
    """Return a module of numpy._core, which NumPy 1 calls numpy.core."""
    package = "numpy.core" if np.__version__.startswith("1.") else "numpy._core"
    return importlib.import_module(f"{package}.{name}")


def _ufuncs() -> Iterable[np.ufunc]:
    """Return NumPy's own ufuncs, each once."""
    from numpy.linalg import _umath_linalg

    found = {}
    for namespace in (np, _core("umath"), _umath_linalg):
        for item in vars(namespace).values():
            if isinstance(item, np.ufunc):
                found[id(item)] = item
    return found.values()


def _attempt(part: str, action: Callable[[], Any]) -> None:
    """Do one part of the installation; what it lacks is no reason to go without the others."""
    try:
        _status[part] = action()
    except Exception as error:
        _status[part] = 0
        _status["problems"].append(f"{part}: {error}")


def _hook_loops() -> int:
    count = sum(_treadle.hook(ufunc) for ufunc in _ufuncs())
    _treadle.update_limits()
    return count


def _hook_calls() -> int:
    count = sum(_treadle.hook_calls(ufunc) for ufunc in _ufuncs())
    _treadle.update_limits()
    return count


def _is_imported(name: str) -> bool:
    """Return whether a module is there, whole, without waiting for one that imports it."""
    module = sys.modules.get(name)
    return module is not None and not getattr(module.__spec__, "_initializing", False)


def _hook_functions() -> int:
    """Hook those that are there. NumPy imports numpy.random only when it is asked for."""
    global _random
    if _is_imported("numpy.random"):
        return _treadle.hook_functions() + _treadle.hook_random()
    if "numpy.random" not in sys.modules:  # not even half
        _random = after_import("numpy.random", _hook_random)
    return _treadle.hook_functions()


def _hook_random() -> None:
    with _lock:
        if _status.get("installed"):
            _status["functions"] = _treadle.hook_functions() + _treadle.hook_random()


def _route_blas() -> int:
    """Route the modules that are loaded, and those of SciPy that will be."""
    _imports.watch(_route_new_modules)
    return _treadle.route_blas()


def _route_new_modules() -> None:
    with _lock:
        if _status.get("installed"):
            _status["blas"] = _treadle.route_blas()


def _install_memory() -> bool:
    """Cache big arrays, unless Python guards each block by bytes of its own around it."""
    if _treadle.is_memory_guarded():
        raise RuntimeError("Python's debug allocator is on, big arrays keep NumPy's own memory")
    return _treadle.install_memory(_core("multiarray")._get_madvise_hugepage())


def _install(backend: str | None) -> str:
    """Return "" or what is wrong with the environment."""
    with _lock:
        try:
            _treadle.init()
        except ValueError as error:
            _status.update(installed=False, problems=[str(error)])
            return str(error)
        if backend is not None:
            _treadle.set_backend(backend)
        if not _status.get("installed"):
            try:
                _install_parts()
            except BaseException:  # Ctrl-C
                uninstall()
                raise
    return ""


def _install_parts() -> None:
    _status.update(installed=True, problems=[])
    _attempt("loops", _hook_loops)
    _attempt("calls", _hook_calls)
    _attempt("reductions", _treadle.hook_reductions)
    _attempt("functions", _hook_functions)
    _attempt("blas", _route_blas)
    _attempt("memory", _install_memory)


def install(backend: str | None = None) -> None:
    """Let large NumPy calls of this process run in parallel, from all threads.

    It may be called at any time, also while other threads compute, and again without effect.
    If a ``TREADLE_`` variable has a wrong value there is one `TreadleWarning` and NumPy stays
    as it is.

    Parameters
    ----------
    backend : str, optional
        As for `set_backend`.

    Raises
    ------
    ValueError
        If `backend` is wrong.

    See Also
    --------
    status : which parts are active
    """
    problem = _install(backend)
    if problem:
        warnings.warn(f"{problem}; NumPy goes on without Treadle", TreadleWarning, stacklevel=2)


def uninstall() -> None:
    """Give NumPy its own loops and allocator back, and NumPy and SciPy their BLAS.

    Calls that are running finish as they began.
    """
    with _lock:
        if not _status.get("installed"):
            return
        forget(_random)
        _treadle.unhook_functions()
        _treadle.unhook_reductions()
        _treadle.unhook()
        _imports.unwatch()
        _treadle.unroute_blas()
        _treadle.uninstall_memory()
        _status.update(installed=False, reductions=False, memory=False)
        _status.update(dict.fromkeys(("loops", "calls", "functions", "blas"), 0))


def is_installed() -> bool:
    """Return whether NumPy's calls go through Treadle now."""
    return bool(_status.get("installed"))


def status() -> dict[str, Any]:
    """Return which parts are active.

    Returns
    -------
    dict
        ``installed``; ``loops``: inner loops of ufuncs that may run in parallel; ``calls``: ufuncs
        whose calls with mixed types, broadcast, sliced or masked operands may;
        ``reductions``: whether calls of ``ufunc.reduce`` may; ``functions``: how many functions and
        methods that are no ufuncs may; ``blas``: calls of BLAS and LAPACK,
        in modules of NumPy and SciPy, that are routed through Treadle; ``memory``: whether big
        arrays come from Treadle's allocator; ``held``: bytes that allocator keeps for the next
        array; ``problems``: list of sentences on what could not be had.
    """
    with _lock:
        parts = {"installed": False, "reductions": False, "memory": False, "problems": []}
        parts |= dict.fromkeys(("loops", "calls", "functions", "blas"), 0)
        return parts | _status | {"held": _treadle.held_memory()}


def trim_memory() -> None:
    """Give the memory that is kept for the next big arrays back to the system."""
    _treadle.trim_memory()
