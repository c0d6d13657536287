# SPDX-License-Identifier: BSD-3-Clause
"""``%load_ext treadle``, then ``%%treadle`` on top of a cell: what of it ran where."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from treadle import _hooks
from treadle._choice import using
from treadle._report import recording


@contextmanager
def _installed() -> Iterator[None]:
    """Install for a while, unless it is installed anyway."""
    if _hooks.is_installed():
        yield
        return
    _hooks.install()
    try:
        yield
    finally:
        _hooks.uninstall()


def load_ipython_extension(shell: Any) -> None:
    """Add the cell magic ``%%treadle`` to IPython; for ``%load_ext treadle``.

    ``%%treadle`` runs a cell under Treadle and shows its large calls: operation, backend, calls,
    time, threads. ``%%treadle SPEC`` does so with the backends of SPEC, as in `using`. If Treadle
    was not installed before, it is not afterwards.

    Parameters
    ----------
    shell : IPython.core.interactiveshell.InteractiveShell
        What IPython gives.
    """
    from IPython.core.error import UsageError
    from IPython.display import display

    def treadle(line: str, cell: str) -> None:
        spec = line.strip()
        with ExitStack() as stack:
            stack.enter_context(_installed())
            if spec:
                stack.enter_context(using(spec))
            report = stack.enter_context(recording())
            result = shell.run_cell(cell)
        display(report)  # type: ignore[no-untyped-call]
        if not result.success:  # shown already; but "Run all" must stop here
            error = result.error_before_exec or result.error_in_exec
            raise UsageError(f"the cell ended with {type(error).__name__}")

    shell.register_magic_function(treadle, magic_kind="cell", magic_name="treadle")
