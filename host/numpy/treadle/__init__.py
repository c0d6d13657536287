# SPDX-License-Identifier: BSD-3-Clause
"""Parallel NumPy that never takes more cores than there are.

``treadle.install()``, or ``python -m treadle script.py``, lets large NumPy calls run on as many
threads as pay off at that moment. Results keep NumPy's bits. See docs/using.md.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from treadle._spin import ShortSpin

if TYPE_CHECKING:
    from collections.abc import Iterable

    from treadle import dask as dask
    from treadle._ab import Comparison, ab
    from treadle._choice import (
        get_backend,
        get_budget,
        get_num_threads,
        reload_env,
        set_backend,
        set_budget,
        set_min,
        set_num_threads,
        using,
    )
    from treadle._direct import run
    from treadle._doctor import Doctor, doctor
    from treadle._explain import Explanation, RecentCalls, explain
    from treadle._hooks import install, status, trim_memory, uninstall
    from treadle._magic import load_ipython_extension
    from treadle._report import Report, backends, report, reset
    from treadle._warning import TreadleWarning

    installed: bool
    version: str
    __version__: str

__all__ = [
    "Comparison",
    "Doctor",
    "Explanation",
    "RecentCalls",
    "Report",
    "TreadleWarning",
    "ab",
    "backends",
    "doctor",
    "explain",
    "get_backend",
    "get_budget",
    "get_num_threads",
    "install",
    "installed",
    "load_ipython_extension",
    "reload_env",
    "report",
    "reset",
    "run",
    "set_backend",
    "set_budget",
    "set_min",
    "set_num_threads",
    "status",
    "trim_memory",
    "uninstall",
    "using",
    "version",
]


def _take(parts: Iterable[Any]) -> None:
    for part in parts:
        globals().update({name: vars(part)[name] for name in __all__ if name in vars(part)})


def _load() -> None:
    """Bring in what needs NumPy, at first use: TREADLE_NUMPY starts before NumPy is imported."""
    from treadle import _warning

    try:
        with ShortSpin():
            import numpy  # noqa: F401  # first, and whole: see _switch

        from treadle import _choice, _hooks, _threadpool
        from treadle._treadle import version
    except Exception as error:  # whatever a NumPy of the future may lack
        from treadle import _absent

        _absent.reason = f"treadle can't be loaded: {error}"
        _take([_warning, _absent])
    else:
        _take([_warning, _choice, _hooks, _threadpool])
        globals().update(version=version(), __version__=version())


def _load_rest() -> None:
    """Bring in what a program that only installs does without: it takes memory and time."""
    from treadle import _ab, _direct, _doctor, _explain, _magic, _report

    _take([_ab, _direct, _doctor, _explain, _magic, _report])


def __getattr__(name: str) -> Any:
    if name == "dask":  # not in __all__, because it imports distributed
        import treadle.dask

        return treadle.dask
    if name not in __all__ and name != "__version__":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    if "install" not in globals():
        _load()
    if name == "installed":
        return bool(globals()["status"]()["installed"])
    if name not in globals() and "version" in globals():
        _load_rest()
    try:
        return globals()[name]
    except KeyError:
        raise ImportError(globals()["status"]()["problems"][0]) from None


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
