# SPDX-License-Identifier: BSD-3-Clause
"""What stands in where the extension can't be loaded: programs go on with plain NumPy."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from treadle._warning import TreadleWarning

reason = ""


def install(backend: str | None = None) -> None:
    """Warn that NumPy stays as it is."""
    warnings.warn(f"{reason}; NumPy goes on without Treadle", TreadleWarning, stacklevel=2)


def uninstall() -> None:
    """Leave NumPy as it is."""


def status() -> dict[str, Any]:
    """Return that nothing is active, and why."""
    return {
        "installed": False,
        "loops": 0,
        "calls": 0,
        "reductions": False,
        "functions": 0,
        "blas": 0,
        "memory": False,
        "problems": [reason],
        "held": 0,
    }


def doctor() -> str:
    """Return why nothing is active."""
    return f"warn  treadle  {reason}"


@contextmanager
def using(spec: str) -> Iterator[None]:
    """Do nothing for the length of a ``with`` block."""
    yield
