# SPDX-License-Identifier: BSD-3-Clause
"""Treadle comes and goes under threads, forks, pools and exits, and no result changes."""

import os
import re
import signal
import subprocess
import sys
import time

import pytest
from conftest import python

DEPTHS = [pytest.param(300, id="fast"), pytest.param(10_000, id="full", marks=pytest.mark.slow)]

# What the programs below share: some work of each kind, and the bits it has in plain NumPy. A
# matrix of a stack that is cut has those of one BLAS thread; NumPy 1 gives several to 6 x 6.
WORK = """
import os, sys, threading
os.environ["OPENBLAS_NUM_THREADS"] = "1"
import numpy as np
import treadle

rng = np.random.default_rng(1)
x = rng.standard_normal(30_011)
table = rng.standard_normal((300, 70))
stack = rng.standard_normal((40, 6, 6))
big = np.ones(1 << 17)

def work():
    rows = table.sum(axis=1), table.sum(axis=0), (table > 0.1).any(axis=1), table + table[0]
    parts = x + x, np.sin(x), x.sum(), x.max(), x.std(), x.argmin()
    more = np.add(x, 1, where=x > 0, out=x * 0), x.astype("f4") * x, (big + big)[::1000]
    stacks = stack @ stack, np.linalg.inv(stack)
    return [np.asarray(part).tobytes() for part in (*rows, *parts, *more, *stacks)]

expected = work()
"""

LOAD = (
    WORK
    + """
times = int(sys.argv[1])
stop = threading.Event()
wrong, done = [], []

def load():
    n = 0
    while not stop.is_set():
        n += 1
        if work() != expected:
            wrong.append(n)
    done.append(n)

threads = [threading.Thread(target=load, daemon=True) for _ in range(3)]
for thread in threads:
    thread.start()
treadle.set_min(1)
treadle.set_num_threads(3)
for i in range(times):
    treadle.install()
    if i % 10 == 0:
        treadle.set_backend(("openmp", "serial", None)[i // 10 % 3])
        treadle.trim_memory()
    treadle.uninstall()
stop.set()
for thread in threads:
    thread.join()
calls = sum(row["calls"] for row in treadle.report().rows)
print(len(wrong), "wrong", min(done) > 1 and calls > times)
"""
)


@pytest.mark.parametrize("times", DEPTHS)
def test_install_and_uninstall_under_load(times):
    done = python("-c", LOAD, str(times), timeout=3000)
    assert done.stdout == "0 wrong True\n", done.stderr
    assert done.returncode == 0


# ---- other processes -------------------------------------------------------------------------

POOL = """
import multiprocessing as mp
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor

def in_worker(i):
    treadle.set_min(1)
    return treadle.installed, work() == expected

def in_spawned_worker(i):
    treadle.install()
    return in_worker(i)

if __name__ == "__main__":
    treadle.install()
    treadle.set_min(1)
    assert work() == expected
"""

POOLS = {
    "Pool by fork": """
    with mp.get_context("fork").Pool(2) as pool:
        print(pool.map(in_worker, range(4)))
""",
    "Pool by spawn": """
    with mp.get_context("spawn").Pool(2) as pool:
        print(pool.map(in_spawned_worker, range(4)))
""",
    "Pool by forkserver": """
    with mp.get_context("forkserver").Pool(2) as pool:
        print(pool.map(in_spawned_worker, range(4)))
""",
    "ProcessPoolExecutor": """
    with ProcessPoolExecutor(2, mp_context=mp.get_context("fork")) as pool:
        print(list(pool.map(in_worker, range(4))))
""",
    "ThreadPoolExecutor": """
    with ThreadPoolExecutor(4) as pool:
        print(list(pool.map(in_worker, range(4))))
""",
    "joblib's loky": """
    from joblib import Parallel, delayed
    print(Parallel(n_jobs=2)(delayed(in_spawned_worker)(i) for i in range(4)))
""",
    "joblib's threads": """
    from joblib import Parallel, delayed
    print(Parallel(n_jobs=2, prefer="threads")(delayed(in_worker)(i) for i in range(4)))
""",
}


@pytest.fixture
def script(tmp_path):
    def write(text):
        path = tmp_path / "program.py"
        path.write_text(text)
        return str(path)

    return write


@pytest.mark.parametrize("kind", POOLS)
def test_pools(kind, script):
    done = python("-W", "ignore", script(WORK + POOL + POOLS[kind]))
    assert done.stdout == f"{[(True, True)] * 4}\n", done.stderr
    assert done.returncode == 0


UNAWARE = """
import multiprocessing as mp, sys
import numpy as np

def total(i):
    return float(np.sin(np.arange(30_011.0)).sum())

if __name__ == "__main__":
    with mp.get_context(sys.argv[1]).Pool(2) as pool:
        print(len({*pool.map(total, range(4)), total(0)}))
"""


@pytest.mark.parametrize("start", ["fork", "spawn", "forkserver"])
def test_a_pool_of_a_program_that_knows_nothing(start, script):
    done = python("-W", "ignore", "-m", "treadle", script(UNAWARE), start, TREADLE_MIN="1")
    assert done.stdout == "1\n", done.stderr
    assert done.returncode == 0


def test_workers_of_loky_share_the_cores(script):
    """Its limit on threads, cores over workers, comes by variables and holds for Treadle too."""
    text = (
        "import treadle\nfrom joblib import Parallel, cpu_count, delayed\n"
        "def threads(i):\n    return treadle.get_num_threads()\n"
        "if __name__ == '__main__':\n"
        "    used = Parallel(n_jobs=2)(delayed(threads)(i) for i in range(2))\n"
        "    print(used, max(1, cpu_count() // 2))"
    )
    done = python(script(text))
    found = re.fullmatch(r"\[(\d+), (\d+)\] (\d+)\n", done.stdout)
    assert found, done.stderr
    assert found[1] == found[2] == found[3]


FORKS = (
    WORK
    + """
treadle.install()
treadle.set_min(1)
stop = threading.Event()

def load():
    while not stop.is_set():
        work()

threads = [threading.Thread(target=load, daemon=True) for _ in range(3)]
for thread in threads:
    thread.start()
for i in range(int(sys.argv[1])):
    child = os.fork()
    if child == 0:
        good = work() == expected
        treadle.uninstall()
        treadle.install()
        os._exit(0 if good and work() == expected else 1)
    assert os.waitpid(child, 0)[1] == 0, i
stop.set()
for thread in threads:
    thread.join()
"""
)


@pytest.mark.parametrize(
    "times", [pytest.param(15, id="fast"), pytest.param(500, id="full", marks=pytest.mark.slow)]
)
def test_forks_under_load(times):
    done = python("-W", "ignore", "-c", FORKS, str(times), timeout=1000)
    assert done.returncode == 0, done.stderr


def test_a_child_of_a_child():
    text = WORK + (
        "treadle.install(); treadle.set_min(1); work()\n"
        "if os.fork() == 0:\n"
        "    work()\n"
        "    if os.fork() == 0:\n        os._exit(0 if work() == expected else 1)\n"
        "    os._exit(os.waitstatus_to_exitcode(os.wait()[1]))\n"
        "print(os.waitstatus_to_exitcode(os.wait()[1]))"
    )
    assert python("-W", "ignore", "-c", text).stdout == "0\n"


def test_subprocess_while_threads_compute():
    text = WORK + (
        "import subprocess\n"
        "treadle.install(); treadle.set_min(1); stop = threading.Event()\n"
        "def load():\n    while not stop.is_set(): work()\n"
        "threads = [threading.Thread(target=load, daemon=True) for _ in range(2)]\n"
        "for t in threads: t.start()\n"
        "for _ in range(20): print(subprocess.check_output(['echo', 'a']).decode(), end='')\n"
        "stop.set()\nfor t in threads: t.join()"
    )
    done = python("-c", text)
    assert done.stdout == "a\n" * 20, done.stderr


# ---- the end ---------------------------------------------------------------------------------

COMPUTING = (
    WORK
    + """
import time
treadle.install()
treadle.set_min(1)
started = threading.Barrier(4)

def load():
    work()
    started.wait()
    until = time.monotonic() + float(sys.argv[1])
    while time.monotonic() < until:
        work()

threads = [threading.Thread(target=load, daemon=sys.argv[2] == "daemon") for _ in range(3)]
for thread in threads:
    thread.start()
started.wait()
"""
)

ENDS = {
    "returns": ("", 0, ""),
    "sys.exit": ("sys.exit(3)", 3, ""),
    "os._exit": ("os._exit(4)", 4, ""),
    "an error": ("raise ValueError('last words')", 1, "ValueError: last words\n"),
    "uninstalled": ("treadle.uninstall()", 0, ""),
    "at exit": ("import atexit; atexit.register(work); atexit.register(treadle.uninstall)", 0, ""),
}


@pytest.mark.parametrize("kind", ["daemon", "joined"])
@pytest.mark.parametrize("end", ENDS)
def test_exit_while_threads_compute(end, kind):
    text, code, error = ENDS[end]
    seconds = "1000" if kind == "daemon" or end == "os._exit" else "0.3"
    done = python("-c", COMPUTING + text, seconds, kind)
    assert done.returncode == code, done.stderr
    assert done.stderr.endswith(error)
    assert done.stderr.startswith("Traceback" if error else "")
    assert error or not done.stderr


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL])
def test_signals_end_a_program_as_ever(number):
    # A shell that starts a program in the background lets it ignore SIGINT.
    text = "import signal\nsignal.signal(signal.SIGINT, signal.default_int_handler)\n" + COMPUTING
    text += "print('ready', flush=True)\nwhile True: work()"
    with subprocess.Popen(
        [sys.executable, "-c", text, "1000", "daemon"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
    ) as process:
        assert process.stdout.readline() == b"ready\n"
        time.sleep(0.2)
        process.send_signal(number)
        try:
            process.communicate(timeout=60)
        finally:
            process.kill()
    assert process.returncode == -number


# ---- limits that others set ------------------------------------------------------------------

COUNT = WORK + (
    "treadle.install(); treadle.set_min(1); treadle.reset()\n"
    "a = rng.standard_normal((700, 700)); a @ a; np.linalg.svd(a); work()\n"
    "rows = treadle.report().rows\n"
    "blas = [row for row in rows if row['op'].startswith(('matmul', 'cblas', 'dg'))]\n"
    "print(len(rows) > 3, *(max(row['threads'] for row in r) for r in (rows, blas)))"
)


def test_omp_num_threads_holds():
    done = python("-c", COUNT, OMP_NUM_THREADS="1")
    assert done.stdout == "True 1 1\n", done.stderr


@pytest.mark.parametrize("backend", ["auto", "blis", "openblas"])
def test_openblas_num_threads_holds_for_what_blas_does(backend):
    done = python("-c", COUNT, OPENBLAS_NUM_THREADS="1", TREADLE_BACKEND=backend)
    assert re.fullmatch(r"True \d+ 1\n", done.stdout), done.stdout + done.stderr


# ---- python -m treadle -m and -c ---------------------------------------------------------------


@pytest.mark.parametrize(
    "args",
    [
        ("-m", "timeit", "-n1", "-r1", "pass"),
        ("-m", "pytest", "--version"),
        ("-m", "json.tool", "--help"),
        ("-m", "no.such.module"),
        ("-c", "import sys; print(sys.argv, sys.path[0] == '', __name__)", "-m", "x", "--backend"),
        ("-c", "import sys; sys.exit(7)"),
    ],
)
def test_the_launcher_is_python(args):
    plain, treadled = python(*args), python("-m", "treadle", *args)
    assert treadled.returncode == plain.returncode
    timing = re.compile(r"[\d.]+ .?sec")
    assert timing.sub("", treadled.stdout) == timing.sub("", plain.stdout)
    assert treadled.stderr == plain.stderr


@pytest.mark.parametrize(
    "args", [("-c", "import treadle; print(treadle.installed)"), ("-m", "own")]
)
def test_the_launcher_installs(args, tmp_path, monkeypatch):
    (tmp_path / "own.py").write_text("import treadle\nprint(treadle.installed)\n")
    monkeypatch.chdir(tmp_path)
    assert python("-m", "treadle", *args).stdout == "True\n"


def test_a_fork_finds_no_lock_taken():
    done = python(
        "-W",
        "ignore",
        "-c",
        """
import os, signal, threading, treadle
treadle.install()

def look():
    while True:
        treadle.status()

threading.Thread(target=look, daemon=True).start()
for _ in range(30):
    child = os.fork()
    if child == 0:
        signal.alarm(20)
        treadle.install()
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
os._exit(0)
""",
    )
    assert done.returncode == 0, done.stderr


def test_who_shows_a_warning_may_ask():
    done = python(
        "-c",
        "import warnings, treadle\n"
        "warnings.showwarning = lambda *args, **more: print(treadle.status()['problems'])\n"
        "treadle.install()",
        timeout=60,
        TREADLE_NUM_THREADS="x",
    )
    assert "TREADLE_NUM_THREADS=x" in done.stdout, done.stderr


def test_an_interrupted_install_is_none():
    done = python(
        "-c",
        """
import numpy as np, treadle
from treadle import _hooks

def interrupt():
    raise KeyboardInterrupt

steps = "_hook_loops", "_hook_calls", "_hook_functions", "_route_blas", "_install_memory"
for step in steps:
    keep = getattr(_hooks, step)
    setattr(_hooks, step, interrupt)
    try:
        treadle.install()
    except KeyboardInterrupt:
        parts = treadle.status()
        assert not any(parts[name] for name in parts if name not in ("held", "problems")), parts
    else:
        raise AssertionError(step)
    setattr(_hooks, step, keep)
treadle.install()
parts = treadle.status()
assert parts["loops"] and parts["calls"] and parts["blas"] and parts["memory"], parts
""",
    )
    assert done.returncode == 0, done.stderr
