# SPDX-License-Identifier: BSD-3-Clause
"""What of NumPy goes through Treadle, and what does not, and why."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator
from typing import Any

import numpy as np

from treadle import _hooks, _treadle
from treadle._table import as_html, as_text

_TESTED = ((1, 24), (2, 5))


class Doctor:
    """What is active on NumPy's side; ``print()`` and notebooks show it as a table.

    Attributes
    ----------
    checks : list of dict
        ``status`` (``"ok"``, ``"note"``, ``"warn"``), ``name``, ``value``, and ``advice``, which
        may be empty.
    """

    def __init__(self, checks: list[dict[str, str]]) -> None:
        self.checks = checks

    def _lines(self) -> list[list[str]]:
        lines = []
        for check in self.checks:
            lines.append([check["status"], check["name"], check["value"]])
            if check["advice"]:
                lines.append(["", "", f"-> {check['advice']}"])
        return lines

    def __str__(self) -> str:
        return as_text(self._lines(), 3)

    def __repr__(self) -> str:
        warnings = sum(check["status"] == "warn" for check in self.checks)
        return f"<treadle.Doctor: {len(self.checks)} checks, {warnings} warnings>\n{self}"

    def _repr_html_(self) -> str:
        return as_html(f"Treadle {_treadle.version()}", self._lines(), 3, head=False)


def _check(status: str, name: str, value: str, advice: str = "") -> dict[str, str]:
    return {"status": status, "name": name, "value": value, "advice": advice}


def _part(active: Any, name: str, value: str, loss: str) -> dict[str, str]:
    return _check("ok" if active else "warn", name, value, "" if active else loss)


def _numpy() -> Iterator[dict[str, str]]:
    version = tuple(map(int, re.findall(r"\d+", np.__version__)[:2]))
    tested = _TESTED[0] <= version <= _TESTED[1]
    span = " to ".join(".".join(map(str, v)) for v in _TESTED)
    yield _check(
        "ok" if tested else "note",
        "numpy",
        f"{np.__version__}, {os.path.dirname(np.__file__ or '')}",
        ""
        if tested
        else f"tested with {span}; run numpy.test() under Treadle before relying on it",
    )


def _loaded_libraries() -> list[str]:
    """Return the files of BLAS libraries that are in this process."""
    try:
        with open("/proc/self/maps", encoding="utf-8", errors="replace") as file:
            paths = {line.rstrip("\n").partition("/")[2] for line in file}
    except OSError:
        return []
    kind = re.compile(r"lib[^/]*(blas|blis|mkl|lapack|atlas)[^/]*\.so[^/]*$")
    return sorted("/" + path for path in paths if kind.search(path))


def _blas() -> Iterator[dict[str, str]]:
    config: Any = getattr(np, "__config__", None)
    build = getattr(config, "CONFIG", {}).get("Build Dependencies", {}).get("blas", {})
    name = " ".join(str(build[key]) for key in ("name", "version") if build.get(key))
    files = _loaded_libraries()
    yield _check("ok", "blas", f"{name or 'unknown'}; loaded: {', '.join(files) or 'none'}")


def _parts() -> Iterator[dict[str, str]]:
    status = _hooks.status()
    if not status["installed"]:
        problems = "; ".join(status["problems"])
        yield _check(
            "warn" if problems else "note",
            "installed",
            f"no: {problems}" if problems else "no",
            "mend it, and start again" if problems else "treadle.install(), or TREADLE_NUMPY=1",
        )
        return
    yield _check("ok", "installed", "yes")
    loops, calls, routed = status["loops"], status["calls"], status["blas"]
    yield _part(
        loops,
        "loops",
        f"{loops} inner loops of ufuncs can run in parallel",
        "element-wise calls and reductions stay NumPy's own",
    )
    yield _part(
        calls,
        "calls",
        f"{calls} ufuncs see whole calls with operands that are cast, broadcast, sliced or masked",
        "NumPy cuts such calls into pieces that are too small for several threads",
    )
    yield _part(
        status["reductions"],
        "reductions",
        f"over any axes: {'yes' if status['reductions'] else 'no'}",
        "only those of whole contiguous arrays are cut",
    )
    yield _part(
        status["functions"],
        "functions",
        f"{status['functions']} that are no ufuncs: sort, where, take, ...",
        "they stay NumPy's own",
    )
    yield _part(
        routed,
        "products",
        f"{routed} BLAS and LAPACK symbols go through Treadle",
        "NumPy's BLAS is linked into it, or unknown: products stay as they are",
    )
    yield _part(
        status["memory"],
        "memory",
        f"{'on' if status['memory'] else 'off'}, {status['held'] / 2**20:.1f} MiB kept",
        "each big result pays for new pages",
    )
    for problem in status["problems"]:
        yield _check("warn", "problem", problem)


def _backends() -> Iterator[dict[str, str]]:
    for backend in _treadle.backends():
        if backend["usable"]:
            yield _check("ok", "backend", f"{backend['name']} {backend['version']}")
        elif "built-in" not in backend["reason"]:
            yield _check("warn", "backend", backend["reason"])


def _environment() -> Iterator[dict[str, str]]:
    yield _check("ok", "threads", f"{_treadle.get_num_threads()} at most")
    switch = os.environ.get("TREADLE_NUMPY", "")
    yield _check(
        "ok", "switch", f"TREADLE_NUMPY={switch}" if switch else "TREADLE_NUMPY is not set"
    )
    if "threadpoolctl" in sys.modules:
        yield _check("ok", "threadpoolctl", "sees and limits Treadle")


def doctor() -> Doctor:
    """Say what of NumPy goes through Treadle in this process, and what does not, and why.

    ``python -m treadle --doctor`` prints it with Treadle installed. For the machine's side, such
    as cores and plugins, there is the command ``treadle doctor``.

    Returns
    -------
    Doctor
        A table by ``print()`` and in notebooks; ``.checks`` for programs.
    """
    parts = (_numpy, _blas, _parts, _backends, _environment)
    return Doctor([check for part in parts for check in part()])
