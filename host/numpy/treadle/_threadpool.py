# SPDX-License-Identifier: BSD-3-Clause
"""Let threadpoolctl see and limit Treadle."""

from __future__ import annotations

import sys
from typing import Any

from treadle import _treadle
from treadle._later import after_import


def _set_num_threads(threads: int) -> None:
    """Go back to the machine's limit if that is what a number amounts to.

    threadpoolctl restores by setting the number that it saw before. Taken as it is, this would be
    a limit that no longer follows affinity and quota.
    """
    _treadle.set_num_threads(0)
    if _treadle.get_num_threads() != threads:
        _treadle.set_num_threads(threads)


def _register() -> None:
    threadpoolctl: Any = sys.modules["threadpoolctl"]
    if not hasattr(threadpoolctl, "register"):  # before 3.2
        return

    class TreadleController(threadpoolctl.LibController):  # type: ignore[misc]
        user_api = "treadle"
        internal_api = "treadle"
        filename_prefixes = ("libtreadle",)
        check_symbols = ("treadle_get_num_threads", "treadle_set_num_threads")

        def get_num_threads(self) -> int:
            return _treadle.get_num_threads()

        def set_num_threads(self, num_threads: int) -> None:
            _set_num_threads(num_threads)

        def get_version(self) -> str:
            return _treadle.version()

        def set_additional_attributes(self) -> None:
            """Add nothing to what `threadpool_info` shows."""

    threadpoolctl.register(TreadleController)


# As soon as a program has it.
after_import("threadpoolctl", _register)
