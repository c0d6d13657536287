# SPDX-License-Identifier: BSD-3-Clause
"""treadle.dask: every worker of a cluster, from its client."""

import asyncio
import os
import signal
import sys
import time

import dask
import dask.array as da
import numpy as np
import pytest
from conftest import python
from distributed import Client, LocalCluster

import treadle
import treadle.dask

CORES = treadle.get_num_threads()
LOCAL = {"dashboard_address": ":0", "silence_logs": 50}


@pytest.fixture(scope="module")
def cluster():
    """Two workers with nannies, as Dask starts them by default."""
    with LocalCluster(n_workers=2, threads_per_worker=1, **LOCAL) as cluster:
        yield cluster


@pytest.fixture
def client(cluster):
    with Client(cluster) as client:
        yield client
        treadle.dask.uninstall(client)


@pytest.fixture
def threads_only():
    """Two workers in this process."""
    with LocalCluster(n_workers=2, processes=False, **LOCAL) as cluster, Client(cluster) as client:
        yield client


def elementwise():
    """A graph whose tasks are large enough to be counted."""
    x = da.arange(1_000_000.0, chunks=250_000)
    return da.exp(-da.sqrt(x * 1.5 + x) / 100)


def state(dask_worker):
    return treadle.installed, treadle.get_num_threads(), "treadle" in dask_worker.plugins


def wait_until(condition):
    end = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.05)


# ---- workers in processes of their own ---------------------------------------------------------


def test_the_nannys_rule_is_lifted_and_restored(client):
    plain = {(False, 1, False)}
    assert {*client.run(state).values()} == plain
    treadle.dask.install(client)
    assert {*client.run(state).values()} == {(True, CORES, True)}
    assert {*client.run(os.getenv, "OMP_NUM_THREADS").values()} == {"1"}
    treadle.dask.uninstall(client)
    assert {*client.run(state).values()} == plain
    treadle.dask.uninstall(client)


def test_results_have_the_bits_of_plain_workers(client):
    plain = elementwise().compute()
    treadle.dask.install(client)
    assert elementwise().compute().tobytes() == plain.tobytes()
    assert sum(worker["calls"] for worker in treadle.dask.report(client).workers) > 0


def test_the_report_adds_up_the_workers(client):
    treadle.dask.install(client)
    client.run(treadle.reset)
    elementwise().compute()
    report = treadle.dask.report(client)
    assert len(report.workers) == 2
    assert len({worker["pid"] for worker in report.workers} - {os.getpid()}) == 2
    for name in ("calls", "seconds"):
        total = sum(worker[name] for worker in report.workers)
        assert sum(row[name] for row in report.rows) == pytest.approx(total)
    loops = [r["calls"] for w in report.workers for r in w["rows"] if r["op"] == "loop"]
    assert report.as_dict()["loop"]["openmp"]["calls"] == sum(loops) > 0
    assert str(report).startswith("op ")
    assert "\n\nworker " in str(report)
    assert report._repr_html_().count("<table") == 2


def test_comparisons_of_all_workers_are_judged_together(monkeypatch):
    for name, value in {"AB": "serial,openmp@0.5", "MIN": "10000"}.items():
        monkeypatch.setenv(f"TREADLE_{name}", value)
    with (
        LocalCluster(n_workers=2, threads_per_worker=1, **LOCAL) as cluster,
        Client(cluster) as client,
    ):
        treadle.dask.install(client)
        assert treadle.dask.report(client).comparisons == []
        x = da.random.default_rng(1).random(4_000_000, chunks=200_000)
        for _ in range(20):
            (x - x).sum().compute()
        report = treadle.dask.report(client)
    found = next(c for c in report.comparisons if (c["op"], c["shape"]) == ("subtract", "200000"))
    assert (found["a"], found["b"], found["dtype"]) == ("serial", "openmp", "f64")
    assert found["processes"] == 2
    assert found["pairs"] > 2
    assert found["low"] <= found["ratio"] <= found["high"]
    assert found["verdict"] in ("A faster", "B faster", "same", "undecided")
    assert "\n\nop " in str(report)
    assert report._repr_html_().count("<table") == 3


def test_the_dashboard_gets_metrics(client):
    def metrics():
        client.wait_for_workers(2)
        return [w["metrics"] for w in client.scheduler_info()["workers"].values()]

    treadle.dask.install(client)
    elementwise().compute()
    wait_until(lambda: sum(m.get("treadle calls", 0) for m in metrics()) > 0)
    wait_until(lambda: {m.get("treadle cores") for m in metrics()} == {CORES})
    treadle.dask.uninstall(client)
    wait_until(lambda: not any("treadle calls" in m for m in metrics()))


def test_a_killed_worker_and_one_that_comes_later(client, cluster):
    treadle.dask.install(client)
    first = {worker["pid"] for worker in treadle.dask.report(client).workers}
    os.kill(min(first), signal.SIGKILL)
    cluster.scale(3)

    def pids():
        return {worker["pid"] for worker in treadle.dask.report(client).workers}

    wait_until(lambda: len(pids() - first) == 2)
    assert {*client.run(state).values()} == {(True, CORES, True)}
    assert np.array_equal(elementwise().compute(), elementwise().compute(scheduler="sync"))
    cluster.scale(2)
    wait_until(lambda: len(pids()) == 2)


def test_a_cluster_killed_worker_by_worker(client):
    """Each worker dies while it computes; the graph's result and the new workers are as before."""
    x = da.arange(16_000_000.0, chunks=500_000)
    graph = da.exp(-da.sqrt(x * 1.5 + x) / 100).sum()
    expected = graph.compute(scheduler="sync")
    treadle.dask.install(client)
    first = set(client.run(os.getpid).values())
    for pid in sorted(first):
        running = client.compute(graph)
        wait_until(lambda: any(client.processing().values()))
        os.kill(pid, signal.SIGKILL)
        assert running.result(timeout=120) == expected
        wait_until(lambda: len(client.scheduler_info()["workers"]) == 2)
    states = client.run(lambda dask_worker: (os.getpid(), *state(dask_worker)))
    assert not first & {pid for pid, *_ in states.values()}
    assert {tuple(found) for _, *found in states.values()} == {(True, CORES, True)}


def test_a_backend_for_all(client):
    treadle.dask.install(client, "serial")
    assert {*client.run(treadle.get_backend).values()} == {"serial"}
    treadle.dask.install(client)
    assert {*client.run(treadle.get_backend).values()} == {"auto"}


def test_a_worker_without_the_package_is_named(client):
    def hide():
        for name in [name for name in sys.modules if name.split(".")[0] == "treadle"]:
            sys.modules["away " + name] = sys.modules.pop(name)
        sys.modules["treadle"] = None

    def show():
        del sys.modules["treadle"]
        for name in [name for name in sys.modules if name.startswith("away ")]:
            sys.modules[name[5:]] = sys.modules.pop(name)

    address = sorted(client.scheduler_info()["workers"])[0]
    client.run(hide, workers=[address])
    with pytest.raises(RuntimeError, match=rf"on 1 of 2 workers, {address}: .*installed there"):
        treadle.dask.install(client)
    client.run(show, workers=[address])
    assert {*client.run(state).values()} == {(False, 1, False)}


def test_a_wrong_variable_of_a_worker_is_a_warning(client):
    client.run(os.putenv, "TREADLE_MIN", "many")
    with pytest.warns(treadle.TreadleWarning, match="worker .*TREADLE_MIN=many: allowed is"):
        treadle.dask.install(client)
    assert np.array_equal(elementwise().compute(), elementwise().compute(scheduler="sync"))
    client.run(os.unsetenv, "TREADLE_MIN")
    client.run(treadle.reload_env)


# ---- workers in this process -------------------------------------------------------------------


def test_workers_of_one_process_are_reported_once(threads_only):
    treadle.reset()
    treadle.dask.install(threads_only)
    assert treadle.installed
    elementwise().compute()
    (worker,) = treadle.dask.report(threads_only).workers
    assert (worker["worker"], worker["pid"], worker["problems"]) == ("0, 1", os.getpid(), [])
    assert worker["calls"] == sum(row["calls"] for row in treadle.report().rows) > 0
    treadle.dask.uninstall(threads_only)
    assert not treadle.installed


def test_what_the_program_has_installed_stays(threads_only):
    treadle.install("serial")
    treadle.dask.install(threads_only, "openmp")
    assert treadle.get_backend() == "openmp"
    treadle.dask.uninstall(threads_only)
    assert (treadle.installed, treadle.get_backend()) == (True, "serial")


def test_a_closed_cluster_leaves_nothing():
    with LocalCluster(processes=False, **LOCAL) as cluster, Client(cluster) as client:
        treadle.dask.install(client)
        assert treadle.installed
    assert not treadle.installed


@pytest.fixture
def one_thread(monkeypatch):
    """As in a program in which a nanny has left its variables."""
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    treadle.reload_env()
    yield
    monkeypatch.undo()
    treadle.reload_env()


def test_a_limit_of_the_users_own_stays(one_thread, threads_only):
    with dask.config.set({"distributed.nanny.pre-spawn-environ": {"OMP_NUM_THREADS": 4}}):
        treadle.dask.install(threads_only)
    assert treadle.get_num_threads() == 1
    treadle.dask.uninstall(threads_only)


def test_a_limit_left_by_a_nanny_does_not(one_thread, threads_only):
    treadle.dask.install(threads_only)
    assert treadle.get_num_threads() == CORES
    treadle.dask.uninstall(threads_only)
    assert treadle.get_num_threads() == 1
    assert "TREADLE_IGNORE_OMP" not in os.environ


def test_an_asynchronous_client():
    async def run():
        local = LocalCluster(processes=False, asynchronous=True, **LOCAL)
        async with local as cluster, Client(cluster, asynchronous=True) as client:
            await treadle.dask.install(client)
            installed = treadle.installed
            report = await treadle.dask.report(client)
            await treadle.dask.uninstall(client)
            return installed, len(report.workers), treadle.installed

    assert asyncio.run(run()) == (True, 1, False)


# ---- wrong use ---------------------------------------------------------------------------------


def test_a_client_is_needed(threads_only):
    for function in (treadle.dask.install, treadle.dask.uninstall, treadle.dask.report):
        with pytest.raises(TypeError, match=r"client is a LocalCluster: .* cluster.get_client"):
            function(threads_only.cluster)


def test_a_wrong_backend(threads_only):
    with pytest.raises(ValueError, match='"nonsense"'):
        treadle.dask.install(threads_only, "nonsense")
    assert not treadle.installed
    assert "treadle" not in threads_only.run_on_scheduler(
        lambda dask_scheduler: [*dask_scheduler.worker_plugins]
    )


def test_without_distributed():
    text = "import sys; sys.modules['distributed'] = None; import treadle; treadle.dask"
    assert "ImportError: treadle.dask needs the package distributed" in python("-c", text).stderr
