# SPDX-License-Identifier: BSD-3-Clause
"""Parallel NumPy that never takes more cores than there are.

``treadle.install()``, or ``python -m treadle script.py``, lets large NumPy calls run on as many
threads as pay off at that moment. Results keep NumPy's bits. See docs/using.md.
"""

from treadle._choice import (
    get_backend,
    get_num_threads,
    reload_env,
    set_backend,
    set_min,
    set_num_threads,
    using,
)
from treadle._direct import explain, run
from treadle._hooks import TreadleWarning, install, status, trim_memory, uninstall
from treadle._hooks import is_installed as _is_installed
from treadle._report import Report, backends, report, reset
from treadle._treadle import version as _version

version: str = _version()
__version__ = version
installed: bool

__all__ = [
    "Report",
    "TreadleWarning",
    "backends",
    "explain",
    "get_backend",
    "get_num_threads",
    "install",
    "installed",
    "reload_env",
    "report",
    "reset",
    "run",
    "set_backend",
    "set_min",
    "set_num_threads",
    "status",
    "trim_memory",
    "uninstall",
    "using",
    "version",
]


def __getattr__(name: str) -> bool:
    if name == "installed":
        return _is_installed()
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
