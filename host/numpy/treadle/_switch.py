# SPDX-License-Identifier: BSD-3-Clause
"""TREADLE_NUMPY=1: install Treadle when NumPy is imported, in every program of an environment.

``treadle-numpy.pth`` imports this module when Python starts, if the variable is there. Neither
does it import NumPy then, nor anything else that takes time.
"""

from __future__ import annotations

import os
import warnings

from treadle._later import after_import
from treadle._spin import ShortSpin


def _install() -> None:
    import treadle

    treadle.install()


def _switch() -> None:
    value = os.environ.get("TREADLE_NUMPY", "")
    if value == "1":
        after_import("numpy", _install, ShortSpin())
    elif value not in ("", "0"):
        from treadle._warning import TreadleWarning

        warnings.warn(
            f"TREADLE_NUMPY={value}: allowed are 0 and 1; NumPy goes on without Treadle",
            TreadleWarning,
            stacklevel=1,
        )


_switch()
