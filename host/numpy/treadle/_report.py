# SPDX-License-Identifier: BSD-3-Clause
"""What was run, and by whom."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from treadle import _treadle

_COLUMNS = ("op", "backend", "calls", "seconds", "threads", "fallbacks")


def _cell(value: Any) -> str:
    return f"{value:.6f}" if isinstance(value, float) else str(value)


def _aligned(table: Sequence[Sequence[str]]) -> str:
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    return "\n".join(
        "  ".join(
            cell.ljust(width) if i < 2 else cell.rjust(width)
            for i, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in table
    )


class Report:
    """The large calls since start; ``str()`` gives an aligned table.

    Attributes
    ----------
    rows : list of dict
        ``op``, ``backend``, ``calls``, ``seconds`` (wall time, added over the calls), ``threads``
        (most used at once), ``fallbacks`` (how often another backend was asked first and declined).
        An op named ``loop`` is a loop of NumPy's own, run on parts of the arrays.
    """

    def __init__(self, rows: list[dict[str, Any]]) -> None:
        self.rows = rows

    def __str__(self) -> str:
        if not self.rows:
            return "treadle: no large calls so far"
        return _aligned([_COLUMNS, *([_cell(row[c]) for c in _COLUMNS] for row in self.rows)])

    def __repr__(self) -> str:
        return f"<treadle.Report: {sum(row['calls'] for row in self.rows)} large calls>\n{self}"


def report() -> Report:
    """Return the calls, time, backend and threads per operation since start.

    Small calls are not counted: they go to NumPy's own loops at once.
    """
    return Report(sorted(_treadle.statistics(), key=lambda row: -row["seconds"]))


def reset() -> None:
    """Count from zero again."""
    _treadle.reset_statistics()


def backends() -> list[dict[str, Any]]:
    """Return the backends that were found, usable or not.

    Returns
    -------
    list of dict
        ``name``, ``path``, ``version``, ``vendor``, ``usable``, ``reason`` (why not), ``ops``.
    """
    return _treadle.backends()
