# SPDX-License-Identifier: BSD-3-Clause
"""What was run, and by whom."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from threading import Lock
from time import perf_counter
from typing import Any

from treadle import _treadle
from treadle._table import as_html, as_text, cell_text

_COLUMNS = ("op", "backend", "calls", "seconds", "threads", "fallbacks")

_Row = dict[str, Any]

# What was counted before a recording() began or ended; then the library counts from zero.
_before: list[_Row] = []
_counters = [_before]
_lock = Lock()


class Report:
    """The large calls of a while; ``str()`` gives an aligned table, and notebooks show it too.

    Attributes
    ----------
    rows : list of dict
        ``op``, ``backend``, ``calls``, ``seconds`` (wall time, added over the calls), ``threads``
        (most used at once), ``fallbacks`` (how often another backend was asked first and declined).
        An op named ``loop`` is a loop of NumPy's own, run on parts of the arrays.
    elapsed : float or None
        Seconds that the program took meanwhile, if the report is about a part of it.
    """

    def __init__(self, rows: list[_Row]) -> None:
        self.rows = rows
        self.elapsed: float | None = None

    def _lines(self) -> list[list[str]]:
        return [list(_COLUMNS), *([cell_text(row[c]) for c in _COLUMNS] for row in self.rows)]

    def _summary(self) -> str:
        calls = sum(row["calls"] for row in self.rows)
        seconds = sum(row["seconds"] for row in self.rows)
        whole = "" if self.elapsed is None else f" of {self.elapsed:.3f} s"
        return f"{calls} large call{'' if calls == 1 else 's'}, {seconds:.3f} s{whole}"

    def as_dict(self) -> dict[str, dict[str, dict[str, Any]]]:
        """Return the rows by op and backend, as ``report["add"]["openmp"]["calls"]``."""
        ops: dict[str, dict[str, dict[str, Any]]] = {}
        for row in self.rows:
            ops.setdefault(row["op"], {})[row["backend"]] = {c: row[c] for c in _COLUMNS[2:]}
        return ops

    def __str__(self) -> str:
        return as_text(self._lines(), 2) if self.rows else "treadle: no large calls so far"

    def __repr__(self) -> str:
        return f"<treadle.Report: {self._summary()}>\n{self}"

    def _repr_html_(self) -> str:
        return as_html(f"Treadle: {self._summary()}", self._lines() if self.rows else [], 2)


def add_up(rows: Iterable[_Row]) -> list[_Row]:
    """Add up the rows of the same op and backend; the longest comes first."""
    sums: dict[tuple[str, str], _Row] = {}
    for row in rows:
        known = sums.setdefault((row["op"], row["backend"]), dict.fromkeys(_COLUMNS[2:], 0))
        known.update(
            {c: known[c] + row[c] for c in ("calls", "seconds", "fallbacks")},
            op=row["op"],
            backend=row["backend"],
            threads=max(known["threads"], row["threads"]),
        )
    return sorted(sums.values(), key=lambda row: -float(row["seconds"]))


def report() -> Report:
    """Return the calls, time, backend and threads per operation since start.

    Small calls are not counted: they go to NumPy's own loops at once.

    Returns
    -------
    Report
        A table by ``print()`` and in notebooks; ``.rows`` and ``.as_dict()`` for programs.
    """
    return Report(add_up([*_before, *_treadle.statistics()]))


def reset() -> None:
    """Count from zero again."""
    with _lock:
        for counter in _counters:
            counter.clear()
        _treadle.reset_statistics()


def _count() -> None:
    """Move what the library has counted to all that are counting here."""
    with _lock:
        rows = _treadle.statistics()
        _treadle.reset_statistics()
        for counter in _counters:
            counter[:] = add_up([*counter, *rows])


@contextmanager
def recording() -> Iterator[Report]:
    """Give a report that has, at the end of the block, the calls that were made in it."""
    recorded = Report([])
    rows: list[_Row] = []
    _count()
    _counters.append(rows)
    begin = perf_counter()
    try:
        yield recorded
    finally:
        recorded.elapsed = perf_counter() - begin
        _count()
        _counters[:] = [counter for counter in _counters if counter is not rows]
        recorded.rows = rows


def backends() -> list[dict[str, Any]]:
    """Return the backends that were found, usable or not.

    Returns
    -------
    list of dict
        ``name``, ``path``, ``version``, ``vendor``, ``usable``, ``reason`` (why not), ``ops``.
    """
    return _treadle.backends()
