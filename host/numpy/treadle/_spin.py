# SPDX-License-Identifier: BSD-3-Clause
"""How long the threads of NumPy's OpenBLAS spin when they have nothing to do."""

from __future__ import annotations

import os

_NAME = "OPENBLAS_THREAD_TIMEOUT"
# Base 2 logarithm of processor cycles: about a millisecond, where OpenBLAS's own 26 is 0.1 s in
# which the threads take the cores of whoever computes next.
_CYCLES = "22"


class ShortSpin:
    """Be around the import of NumPy: OpenBLAS reads the variable once, as it is loaded.

    A value of the user's stays; ours is gone again before the program can see it.
    """

    def __enter__(self) -> None:
        self._ours = _NAME not in os.environ
        if self._ours:
            os.environ[_NAME] = _CYCLES

    def __exit__(self, *_: object) -> None:
        if self._ours:
            os.environ.pop(_NAME, None)
