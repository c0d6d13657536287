# SPDX-License-Identifier: BSD-3-Clause
"""Treadle in every worker of a Dask cluster. See docs/dask.md.

``treadle.dask.install(client)`` lets the large NumPy calls of all workers, those there are and
those to come, share the cores of each machine.
"""

from __future__ import annotations

import pkgutil
import warnings
from contextlib import suppress
from typing import Any

try:
    from distributed import Client
except ImportError as error:
    raise ImportError(f"treadle.dask needs the package distributed: {error}") from error

from treadle import _dask_worker
from treadle._ab import pool
from treadle._report import Report, add_up
from treadle._table import as_html, as_text, cell_text
from treadle._warning import TreadleWarning

__all__ = ["ClusterReport", "install", "report", "uninstall"]

_COLUMNS = ("worker", "host", "pid", "threads", "cores", "budget", "calls", "seconds", "problems")
_COMPARED = (
    "op",
    "dtype",
    "shape",
    "callers",
    "a",
    "b",
    "pairs",
    "ratio",
    "low",
    "high",
    "verdict",
)
_Facts = dict[str, Any]


class ClusterReport(Report):
    """The large calls of all workers; ``str()`` gives tables, and notebooks show them too.

    Attributes
    ----------
    rows : list of dict
        As of a `treadle.Report`, added over all processes.
    workers : list of dict
        One for each process: ``worker`` (its name; of several in one process, all), ``host``,
        ``pid``, ``threads`` (that run tasks), ``cores`` (that its calls may use), ``budget`` (who
        shares them, as `treadle.get_budget`), ``installed``, ``problems`` (list of sentences),
        ``calls``, ``seconds``, and ``rows`` of its own.
    comparisons : list of dict
        Under ``TREADLE_AB``, what the calls of all processes together say, one for each kind of
        call: ``op``, ``dtype``, ``shape`` (elements or flops), ``callers`` (at once), ``a`` and
        ``b``, ``processes``, ``pairs``, ``ratio`` (time of A over time of B) between ``low`` and
        ``high``, and ``verdict``, as of a `treadle.Comparison`.
    """

    def __init__(self, workers: list[_Facts]) -> None:
        super().__init__(add_up(row for worker in workers for row in worker["rows"]))
        self.comparisons = pool(found for w in workers if (found := w.pop("comparison")))
        self.workers = workers

    def _compared_lines(self) -> list[list[str]]:
        lines = ([cell_text(found[c]) for c in _COMPARED] for found in self.comparisons)
        return [list(_COMPARED), *lines]

    def _worker_lines(self) -> list[list[str]]:
        lines = ([cell_text(worker[c]) for c in _COLUMNS[:-1]] for worker in self.workers)
        problems = ("; ".join(worker["problems"]) for worker in self.workers)
        return [list(_COLUMNS), *([*a, b] for a, b in zip(lines, problems, strict=True))]

    def __str__(self) -> str:
        if not self.workers:
            return "treadle: the cluster has no workers"
        tables = [super().__str__(), as_text(self._worker_lines(), 3)]
        if self.comparisons:
            tables.append(as_text(self._compared_lines(), 3))
        return "\n\n".join(tables)

    def _repr_html_(self) -> str:
        lines = self._worker_lines() if self.workers else []
        count = f"{len(self.workers)} process{'' if len(self.workers) == 1 else 'es'}"
        tables = super()._repr_html_() + as_html(f"Workers: {count}", lines, 3)
        if self.comparisons:
            tables += as_html("TREADLE_AB", self._compared_lines(), 3)
        return tables


def _sync(client: Client, function: Any, *arguments: Any) -> Any:
    """Run a coroutine function on the client's loop; in asynchronous code the caller awaits it."""
    if not isinstance(client, Client):
        raise TypeError(
            f"client is a {type(client).__name__}: it has to be a distributed.Client, "
            "such as cluster.get_client() gives"
        )
    return client.sync(function, client, *arguments)  # type: ignore[no-untyped-call]


def _list(workers: list[str]) -> str:
    more = f" and {len(workers) - 3} more" if len(workers) > 3 else ""
    return ", ".join(workers[:3]) + more


async def _require(client: Client) -> None:
    """Look for the package by a function of Python's own, which every worker has.

    Other errors are those of workers that are going away.
    """
    found: dict[str, Any] = await client.run(
        pkgutil.resolve_name, "treadle:__version__", on_error="return"
    )
    lacking = {name: error for name, error in found.items() if isinstance(error, ImportError)}
    if lacking:
        raise RuntimeError(
            f"treadle can't be imported on {len(lacking)} of {len(found)} workers, "
            f"{_list([*lacking])}: {next(iter(lacking.values()))}; "
            "it has to be installed there as well"
        )


async def _facts(client: Client) -> list[_Facts]:
    """Return what each process says; its workers, if there are several, share it."""
    processes: dict[str, _Facts] = {}
    answers: dict[str, _Facts] = await client.run(_dask_worker.facts, on_error="ignore")
    for answer in answers.values():
        known = processes.setdefault(answer.pop("process"), answer)
        if known is not answer:
            known["worker"] += f", {answer['worker']}"
            known["threads"] += answer["threads"]
    for facts in processes.values():
        for name in ("calls", "seconds"):
            facts[name] = sum(row[name] for row in facts["rows"])
    return list(processes.values())


async def _install(client: Client, backend: str | None) -> None:
    await _require(client)
    if backend is not None:
        found = await client.run(_dask_worker.check_backend, backend, on_error="return")
        for error in found.values():
            if isinstance(error, ValueError):
                raise error
    await client.register_plugin(_dask_worker.TreadlePlugin(backend))
    for facts in await _facts(client):
        for problem in facts["problems"]:
            warnings.warn(f"worker {facts['worker']}: {problem}", TreadleWarning, stacklevel=2)


async def _uninstall(client: Client) -> None:
    name = _dask_worker.TreadlePlugin.name
    has_it = await client.run(lambda dask_worker: name in dask_worker.plugins, on_error="ignore")
    if any(has_it.values()) or not has_it:
        with suppress(ValueError):  # it was not installed
            await client.unregister_worker_plugin(name)  # type: ignore[no-untyped-call]


async def _report(client: Client) -> ClusterReport:
    await _require(client)
    return ClusterReport(await _facts(client))


def install(client: Client, backend: str | None = None) -> Any:
    """Let large NumPy calls in all workers, present and future, share the cores of their machine.

    It may be called at any time, also while tasks run. Where the nanny has limited a worker to
    one thread, the machine's budget takes the place of that limit, until `uninstall`.

    Parameters
    ----------
    client : distributed.Client
        Of the cluster. If it is asynchronous, what is returned has to be awaited.
    backend : str, optional
        As for `treadle.set_backend`, in each worker.

    Raises
    ------
    TypeError
        If `client` is something else.
    ValueError
        If `backend` is wrong.
    RuntimeError
        If a worker can't import treadle.

    Warns
    -----
    TreadleWarning
        What does not work on a worker, which then goes on as far as it can.
    """
    return _sync(client, _install, backend)


def uninstall(client: Client) -> Any:
    """Give NumPy back to all workers, present and future, as it was.

    Parameters
    ----------
    client : distributed.Client
        As for `install`.
    """
    return _sync(client, _uninstall)


def report(client: Client) -> Any:
    """Return the large calls of all workers, since each of them started.

    Parameters
    ----------
    client : distributed.Client
        As for `install`.

    Returns
    -------
    ClusterReport
        Tables by ``print()`` and in notebooks; ``.rows``, ``.as_dict()``, ``.workers`` and
        ``.comparisons`` for programs.
    """
    return _sync(client, _report)
