# SPDX-License-Identifier: BSD-3-Clause
"""What ``treadle.dask`` does in the process of a Dask worker.

One process may hold several workers, of several clusters, and the program with the client too: what
the first one changes is put back when the last one goes.
"""

from __future__ import annotations

import json
import logging
import os
import socket
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Lock
from typing import Any
from uuid import uuid4

import dask
from distributed import Worker, WorkerPlugin

import treadle
from treadle import _treadle

_logger = logging.getLogger("distributed.worker.treadle")
_process = uuid4().hex
_lock = Lock()
_workers: set[int] = set()
_undo = ExitStack()
_problems: list[str] = []

# Two variables by which the nanny keeps NumPy to one thread.
_LIMITS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS")
_SWITCH = "TREADLE_IGNORE_OMP"


def _calls() -> int:
    return sum(row["calls"] for row in treadle.report().rows)


def _seconds() -> float:
    return float(sum(row["seconds"] for row in treadle.report().rows))


# The dashboard's page "Workers" shows all metrics that are plain numbers, by these names.
METRICS = {
    "treadle calls": lambda worker: _calls(),
    "treadle seconds": lambda worker: round(_seconds(), 3),
    "treadle cores": lambda worker: treadle.get_num_threads(),
}


def _limited_by_nanny() -> bool:
    """Whether there are limits, and all of them are the nanny's: others are the user's wish."""
    rule = dask.config.get("distributed.nanny.pre-spawn-environ", {})
    set_here = {name: os.environ[name] for name in _LIMITS if os.environ.get(name)}
    return bool(set_here) and all(str(rule.get(name)) == set_here[name] for name in set_here)


def _obey_again() -> None:
    os.environ.pop(_SWITCH, None)
    treadle.reload_env()


def _lift_limits() -> None:
    """Share the cores instead.

    OpenBLAS has read its own limit long since, and LAPACK so stays on one thread, with the bits it
    has without Treadle: its QR of a tall matrix takes up to four times as long on two.
    """
    if os.environ.get(_SWITCH) or not _limited_by_nanny():
        return
    _undo.callback(_obey_again)
    os.environ[_SWITCH] = "1"
    treadle.reload_env()


def _keep_backend() -> None:
    _undo.callback(treadle.set_backend, treadle.get_backend())


def _install() -> None:
    if not treadle.installed:
        _undo.callback(treadle.uninstall)
        treadle.install()


def _try(action: Any, *arguments: Any) -> None:
    """Whatever fails here must not keep a worker from its work."""
    try:
        action(*arguments)
    except Exception as error:
        _problems.append(str(error))
        _logger.warning("treadle: %s", error)


class TreadlePlugin(WorkerPlugin):
    """Switch Treadle on in a worker's process, as long as there is one with this plugin."""

    name = "treadle"

    def __init__(self, backend: str | None) -> None:
        self.backend = backend

    def setup(self, worker: Worker) -> None:
        with _lock:
            if not _workers:
                _problems.clear()
                for action in (_keep_backend, _lift_limits, _install):
                    _try(action)
            _workers.add(id(worker))
            if self.backend is not None:
                _try(treadle.set_backend, self.backend)
            worker.metrics.update(METRICS)

    def teardown(self, worker: Worker) -> None:
        with _lock:
            for name in METRICS:
                worker.metrics.pop(name, None)
            _workers.discard(id(worker))
            if not _workers:
                _try(_undo.close)


def check_backend(spec: str) -> None:
    """Raise what `treadle.set_backend` would raise."""
    with treadle.using(spec):
        pass


def _comparison() -> dict[str, Any]:
    """Return what TREADLE_AB has found so far, as ``treadle ab --json`` does; empty without it."""
    if not os.environ.get("TREADLE_AB"):
        return {}
    with TemporaryDirectory() as folder:
        path = Path(folder) / "ab.json"
        _treadle.save_ab(str(path))
        found: dict[str, Any] = json.loads(path.read_text())
    return found


def facts(dask_worker: Worker) -> dict[str, Any]:
    """Return what this process did, and what it may do."""
    comparison: dict[str, Any] = {}
    problems = [*_problems, *treadle.status()["problems"]]
    try:
        comparison = _comparison()
    except (OSError, RuntimeError, ValueError) as error:
        problems.append(str(error))
    return {
        "process": _process,
        "worker": str(dask_worker.name),
        "host": socket.gethostname(),
        "pid": os.getpid(),
        "threads": dask_worker.state.nthreads,
        "cores": treadle.get_num_threads(),
        "budget": treadle.get_budget(),
        "installed": treadle.installed,
        "problems": [*problems, *comparison.get("warnings", [])],
        "rows": treadle.report().rows,
        "comparison": comparison,
    }
