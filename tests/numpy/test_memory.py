# SPDX-License-Identifier: BSD-3-Clause
"""The cache of big blocks behind NumPy's default allocator."""

import ctypes
import gc
import os
import sys
import threading
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from conftest import DEPTHS, python

import treadle
from treadle import _treadle

MIB = 1 << 20
SIZES = (MIB - 8, MIB, MIB + 8, 2 * MIB, 3 * MIB + 40, 16 * MIB, 33 * MIB + 8)


@pytest.fixture(autouse=True)
def installed():
    treadle.install()
    treadle.trim_memory()
    yield
    treadle.trim_memory()


def held():
    return treadle.status()["held"]


def bytes_of(size, value):
    return np.full(size, value, dtype=np.uint8)


@pytest.mark.parametrize("size", [MIB, 5 * MIB, 80 * 10**6])
def test_a_dead_arrays_block_serves_the_next_one(size):
    a = bytes_of(size, 1)
    address = a.ctypes.data
    del a
    assert held() >= size
    b = np.empty(size, dtype=np.uint8)
    assert b.ctypes.data == address
    assert held() < size


def test_small_arrays_are_not_kept():
    a = bytes_of(MIB - 1, 1)
    del a
    assert held() == 0


def test_worker_threads_are_served_too():
    seen = []

    def work():
        a = bytes_of(8 * MIB, 3)
        del a
        seen.append(held())

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert seen[0] >= 8 * MIB


def test_big_blocks_begin_with_a_page():
    for size in SIZES[1:]:
        assert np.empty(size, dtype=np.uint8).ctypes.data % 4096 == 0


def test_zeros_are_zero_in_used_memory():
    for size in SIZES:
        a = bytes_of(size, 255)
        del a
        assert not np.zeros(size, dtype=np.uint8).any()


def test_living_arrays_do_not_share_memory():
    rng = np.random.default_rng(5)
    living = {}
    for i in range(300):
        if len(living) > 12:
            name = list(living)[rng.integers(len(living))]
            assert (living.pop(name) == name % 251).all()
        living[i] = bytes_of(int(rng.integers(MIB // 2, 6 * MIB)), i % 251)
    for name, array in living.items():
        assert (array == name % 251).all()


@pytest.mark.parametrize("before", SIZES)
def test_resize_keeps_what_was_there(before):
    for after in SIZES:
        dirt = bytes_of(max(before, after), 255)
        del dirt
        a = bytes_of(before, 7)
        a.resize(after, refcheck=False)
        assert (a[: min(before, after)] == 7).all()
        assert not a[before:].any()


def test_blocks_may_die_in_another_state_than_they_were_born_in():
    treadle.uninstall()
    old = [bytes_of(size, 1) for size in SIZES]
    treadle.install()
    new = [bytes_of(size, 2) for size in SIZES]
    assert all((a == 1).all() for a in old)
    old.clear()
    treadle.uninstall()
    assert held() == 0
    assert all((b == 2).all() for b in new)
    new.clear()
    again = [bytes_of(size, 3) for size in SIZES]
    treadle.install()
    again.clear()
    kept = [bytes_of(size, 4) for size in SIZES]
    assert all((c == 4).all() for c in kept)


def test_small_blocks_are_whole_in_every_state():
    """Of every size that NumPy or Treadle keeps, born and dead with and without Treadle."""
    rng = np.random.default_rng(7)
    living = {}
    for i in range(20_000):
        if i % 50 == 0:
            (treadle.uninstall if treadle.installed else treadle.install)()
        if len(living) > 500:
            name = list(living)[rng.integers(len(living))]
            assert (living.pop(name) == name % 251).all()
        living[i] = bytes_of(int(rng.integers(0, 1100 if i % 2 else 17_000)), i % 251)
        if i % 7 == 0:
            living[i].resize(int(rng.integers(0, 17_000)), refcheck=False)
            living[i][:] = i % 251
    treadle.install()
    assert all((array == name % 251).all() for name, array in living.items())


def test_blocks_of_some_kilobytes_begin_on_a_cache_line():
    for size in (1024, 1025, 5000, 16_320):
        a = [bytes_of(size, 1) for _ in range(5)]
        assert [b.ctypes.data % 64 for b in a] == [0] * 5
        last = a[-1].ctypes.data
        del a[-1]
        assert bytes_of(size, 2).ctypes.data == last


class MallInfo(ctypes.Structure):
    NAMES = "arena ordblks smblks hblks hblkhd usmblks fsmblks uordblks fordblks keepcost"
    _fields_ = tuple((name, ctypes.c_size_t) for name in NAMES.split())


def in_use():
    """Bytes that malloc() has given out, or keeps in a cache of its own."""
    mallinfo2 = ctypes.CDLL(None).mallinfo2
    mallinfo2.restype = MallInfo
    return mallinfo2().uordblks


def test_few_of_them_are_kept():
    """256 KiB until uninstall(); all of these would be 14 MB, and malloc() keeps some itself."""
    before = in_use()
    for _ in range(10):
        for size in range(1024, 16_384, 64):
            del [bytes_of(size, 1) for _ in range(8)][:]
            assert in_use() - before < 1 << 20
        treadle.uninstall()
        treadle.install()


@pytest.mark.filterwarnings("ignore:Setting the:DeprecationWarning")
def test_a_changed_size_does_not_mislead():
    """What NumPy tells free() is the size of the array now, not of the block."""
    for view in (slice(None), slice(0, MIB)):
        a = bytes_of(4 * MIB, 1)
        a.dtype = np.uint64
        a.shape = (512, -1)
        b = a[view]
        del a, b
    assert (bytes_of(4 * MIB, 9) == 9).all()


def test_trim_gives_everything_back():
    arrays = [bytes_of(4 * MIB, 1) for _ in range(5)]
    arrays.clear()
    gc.collect()
    assert held() >= 4 * MIB
    treadle.trim_memory()
    assert held() == 0


def test_kept_and_used_blocks_stay_below_the_peak_of_used_ones():
    code = """
import numpy as np, treadle
treadle.install()
mib = 1 << 20
for i in range(1, 40):
    a = np.ones(i * mib, dtype=np.uint8)
    del a
    held = treadle.status()["held"]
    # A block is a little larger than what was asked for.
    assert held <= 1.15 * i * mib + 4 * mib, (i, held / mib)
"""
    done = python("-c", code)
    assert done.returncode == 0, done.stderr


IDLE = """
import os, time, numpy as np, treadle
treadle.install()

def resident():
    return int(open("/proc/self/statm").read().split()[1]) * 4096

def trimmers():
    names = [open(f"/proc/self/task/{i}/comm").read() for i in os.listdir("/proc/self/task")]
    return names.count("treadle-trim\\n")

def keep():
    until = time.monotonic() + 30
    while time.monotonic() < until:
        a = np.ones(32 << 20, dtype=np.uint8)
        del a
        if trimmers() == 1:
            return treadle.status()["held"] >= 32 << 20

before = resident()
assert trimmers() == 0
assert keep()
"""


def test_an_idle_program_holds_nothing():
    """Nobody calls: the memory goes all the same, and so does the thread that saw to it."""
    code = IDLE + (
        "until = time.monotonic() + 60\n"
        "while (treadle.status()['held'] or trimmers()) and time.monotonic() < until:\n"
        "    time.sleep(0.1)\n"
        "print(treadle.status()['held'], trimmers(), resident() - before < 8 << 20)"
    )
    done = python("-c", code)
    assert done.stdout == "0 0 True\n", done.stderr


def test_blocks_in_use_again_and_again_are_kept():
    code = IDLE + (
        "address = np.empty(32 << 20, dtype=np.uint8).ctypes.data\n"
        "for _ in range(8):\n"
        "    time.sleep(0.5)\n"
        "    assert np.empty(32 << 20, dtype=np.uint8).ctypes.data == address\n"
    )
    done = python("-c", code)
    assert done.returncode == 0, done.stderr


def test_blocks_stay_while_other_memory_is_below_its_peak():
    code = IDLE + (
        "treadle.trim_memory()\n"
        "while trimmers(): time.sleep(0.1)\n"
        "others = b'x' * (300 << 20)\n"
        "del others\n"
        "assert keep()\n"
        "others = b'x' * (100 << 20)\n"
        "time.sleep(0.3)\n"
        "assert treadle.status()['held'] >= 32 << 20\n"
    )
    done = python("-c", code)
    assert done.returncode == 0, done.stderr


def test_the_trimmer_gets_no_signals():
    code = IDLE + (
        "for i in os.listdir('/proc/self/task'):\n"
        "    if open(f'/proc/self/task/{i}/comm').read() == 'treadle-trim\\n':\n"
        "        status = open(f'/proc/self/task/{i}/status').read()\n"
        "        blocked = int(status.split('SigBlk:')[1].split()[0], 16)\n"
        "        print(all(blocked >> number - 1 & 1 for number in (1, 2, 10, 12, 15)))"
    )
    done = python("-c", code)
    assert done.stdout == "True\n", done.stderr


def test_a_forked_child_holds_nothing():
    code = IDLE + (
        "child = os.fork()\n"
        "if child == 0:\n"
        "    empty = treadle.status()['held'] == 0 and trimmers() == 0\n"
        "    os._exit(0 if empty and keep() else 1)\n"
        "print(os.waitpid(child, 0)[1], keep())"
    )
    done = python("-W", "ignore", "-c", code)
    assert done.stdout == "0 True\n", done.stderr


PEAK = """
import sys, numpy as np
from concurrent.futures import ThreadPoolExecutor
if sys.argv[1] == "treadle":
    import treadle
    treadle.install()
n = int(sys.argv[2])
{work}
print(open("/proc/self/status").read().split("VmHWM:")[1].split()[0])
"""

WORKS = {
    "same size": """
a = np.ones(4_000_000); b = np.ones(4_000_000)
for _ in range(20):
    c = a + b
""",
    "growing": """
for i in range(1, 40):
    c = np.ones(i * 300_000) + 1
""",
    "many just above the limit": """
c = [np.ones((1 << 17) + 100) for _ in range(100)]
c = c[::2]
c += [np.ones((1 << 18) + 100) for _ in range(25)]
""",
    # Once such a block was freed malloc takes all of them from its heap, each next to the other.
    "small ones after large ones": """
np.full(28 << 20, 1, "u1")
kept = []
for i in range(100):
    f = np.full(340_000, float(i)); g = f * 2; h = g + f
    del f, g, h
    kept.append(np.full(1_100_000, 1, "u1"))
""",
    "zeros": """
a = np.full(100 << 20, 1, "u1")
del a
a = np.zeros(100 << 20, "u1"); a.fill(1)
""",
    # Slowly, so that a busy machine, too, gets to see it.
    "other memory after arrays": """
import time
a = np.full(100 << 20, 1, "u1")
del a
others = []
for _ in range(50):
    others.append(b"x" * (2 << 20))
    time.sleep(0.02)
""",
    "resized": """
base = [np.full(50 << 20, 1, "u1") for _ in range(4)]
for i in range(5):
    a = np.empty(1 << 20, "u1"); a.resize(50 << 20, refcheck=False); a.fill(1)
    del a
more = [np.full(10 << 20, 1, "u1") for _ in range(5)]; del more
more = [np.zeros(10 << 20, "u1") for _ in range(5)]
for a in more: a.fill(1)
""",
}


# The examples of NumPy's page on parallelism, with the elements of the fast and of the full test.
EXAMPLES = {
    "a + b": (
        2_000_000,
        10_000_000,
        "a = np.ones(n); b = np.ones(n)\nfor _ in range(5): c = a + b",
    ),
    "out": (
        2_000_000,
        10_000_000,
        "a = np.ones(n); b = np.ones(n); c = np.ones(n)\nnp.add(a, b, out=c)",
    ),
    "sum": (5_000_000, 100_000_000, "np.random.default_rng(0).random(n).sum()"),
    "dot": (
        300,
        1000,
        "a = np.random.default_rng(0).random((n, n))\n"
        "with ThreadPoolExecutor(2) as pool: list(pool.map(np.dot, [a, a], [a, a]))",
    ),
    "small": (100, 1000, "a = np.ones(n)\nfor _ in range(1000): b = np.add(a, a)"),
    "svd": (
        200,
        2000,
        "a = np.random.default_rng(0).random((n, n))\n"
        "with ThreadPoolExecutor(4) as pool: list(pool.map(np.linalg.svd, [a] * 4))",
    ),
}
LIBRARIES = 8 * 1024  # KiB: Treadle itself, its backends and their threads; docs/using.md


def assert_same_peak(work, n=0):
    peaks = {}
    for mode in ("plain", "treadle"):
        done = python("-c", PEAK.format(work=work), mode, str(n), timeout=1000)
        assert done.returncode == 0, done.stderr
        peaks[mode] = int(done.stdout)
    assert peaks["treadle"] <= 1.1 * peaks["plain"] + LIBRARIES


@pytest.mark.parametrize("work", WORKS)
def test_peak_memory_is_that_of_numpy_alone(work):
    assert_same_peak(WORKS[work])


@pytest.mark.parametrize("depth", DEPTHS)
@pytest.mark.parametrize("example", EXAMPLES)
def test_peak_memory_of_the_pages_examples(example, depth):
    fast, full, work = EXAMPLES[example]
    assert_same_peak(work, full if depth == "full" else fast)


def test_threads_churn():
    errors = []

    def work(seed):
        rng = np.random.default_rng(seed)
        living = []
        for i in range(150):
            value = (seed * 64 + i) % 251
            living.append((value, bytes_of(int(rng.integers(MIB // 2, 4 * MIB)), value)))
            if len(living) > 4:
                value, array = living.pop(int(rng.integers(4)))
                if not (array == value).all():
                    errors.append((seed, i))
            if i % 40 == 20:
                treadle.trim_memory()

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors


def test_install_and_uninstall_while_threads_allocate():
    stop = threading.Event()
    errors = []

    def work(value):
        while not stop.is_set():
            a = bytes_of(2 * MIB, value)
            if not (a == value).all():
                errors.append(value)

    threads = [threading.Thread(target=work, args=(value,)) for value in (1, 2, 3)]
    for thread in threads:
        thread.start()
    for _ in range(50):
        treadle.uninstall()
        treadle.install()
    stop.set()
    for thread in threads:
        thread.join()
    assert not errors


FORK = """
import os, threading, numpy as np, treadle
treadle.install()
stop = False
def work():
    while not stop:
        a = np.full(3 << 20, 1, dtype=np.uint8)
        del a
threads = [threading.Thread(target=work) for _ in range(3)]
for t in threads: t.start()
for i in range(20):
    pid = os.fork()
    if pid == 0:
        for size in (3 << 20, 5 << 20):
            a = np.full(size, 7, dtype=np.uint8)
            assert (a == 7).all()
            del a
        treadle.trim_memory()
        os._exit(0 if treadle.status()["held"] == 0 else 1)
    assert os.waitpid(pid, 0)[1] == 0
stop = True
for t in threads: t.join()
"""


def test_fork_while_threads_allocate():
    done = python("-W", "ignore", "-c", FORK)
    assert done.returncode == 0, done.stderr


@pytest.mark.skipif(sys.platform != "linux", reason="RLIMIT_AS is not enforced elsewhere")
def test_kept_memory_is_dropped_before_an_allocation_fails():
    code = """
import resource, numpy as np, treadle
treadle.install()
block = 256 << 20
a = [np.ones(block // 4, dtype=np.uint8) for _ in range(4)]
del a
held = treadle.status()["held"]
assert held >= block, held
used = int(open("/proc/self/statm").read().split()[0]) * 4096
resource.setrlimit(resource.RLIMIT_AS, (used + block // 2, -1))
b = np.ones(block, dtype=np.uint8)
assert b.all() and treadle.status()["held"] < held
del b
a = [np.ones(block // 4, dtype=np.uint8) for _ in range(4)]
del a
c = np.zeros(block, dtype=np.uint8)
assert not c.any()
try:
    np.empty(64 * block, dtype=np.uint8)
except MemoryError:
    print("MemoryError")
"""
    done = python("-c", code)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "MemoryError"


def test_kept_memory_is_dropped_before_a_small_allocation_fails():
    code = """
import resource, numpy as np, treadle
treadle.install()
a = np.ones(64 << 20, dtype=np.uint8)
spare = [np.ones(1 << 19, dtype=np.uint8) for _ in range(4)]
del a
assert treadle.status()["held"] >= 64 << 20
used = int(open("/proc/self/statm").read().split()[0]) * 4096
resource.setrlimit(resource.RLIMIT_AS, (used + (8 << 20), -1))
small = [np.ones(1 << 19, dtype=np.uint8) for _ in range(100)]
assert treadle.status()["held"] == 0
"""
    done = python("-c", code)
    assert done.returncode == 0, done.stderr


def test_impossible_sizes_raise_as_before():
    with pytest.raises(MemoryError):
        np.empty(1 << 60, dtype=np.uint8)


def test_tracemalloc_sees_what_is_used():
    size = 8 * MIB
    a = bytes_of(size, 1)
    del a
    tracemalloc.start()
    try:
        base = tracemalloc.get_traced_memory()[0]
        a = bytes_of(size, 2)
        assert abs(tracemalloc.get_traced_memory()[0] - base - size) < MIB
        del a
        assert abs(tracemalloc.get_traced_memory()[0] - base) < MIB
    finally:
        tracemalloc.stop()


# ---- a handler of the program's own --------------------------------------------------------

MALLOC = ctypes.CFUNCTYPE(ctypes.c_void_p, ctypes.c_void_p, ctypes.c_size_t)
CALLOC = ctypes.CFUNCTYPE(ctypes.c_void_p, ctypes.c_void_p, ctypes.c_size_t, ctypes.c_size_t)
REALLOC = ctypes.CFUNCTYPE(ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_size_t)
FREE = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_size_t)
SET_HANDLER = 304  # PyDataMem_SetHandler in NumPy's C API


class Handler(ctypes.Structure):
    _fields_ = [
        ("name", ctypes.c_char * 127),
        ("version", ctypes.c_uint8),
        ("ctx", ctypes.c_void_p),
        ("malloc", MALLOC),
        ("calloc", CALLOC),
        ("realloc", REALLOC),
        ("free", FREE),
    ]


def set_handler(capsule):
    core = (
        sys.modules.get("numpy._core._multiarray_umath")
        or sys.modules["numpy.core._multiarray_umath"]
    )
    get_pointer = ctypes.pythonapi.PyCapsule_GetPointer
    get_pointer.restype = ctypes.c_void_p
    get_pointer.argtypes = [ctypes.py_object, ctypes.c_char_p]
    table = ctypes.cast(get_pointer(core._ARRAY_API, None), ctypes.POINTER(ctypes.c_void_p))
    return ctypes.PYFUNCTYPE(ctypes.py_object, ctypes.py_object)(table[SET_HANDLER])(capsule)


def test_a_handler_of_the_programs_own_is_left_alone():
    libc = ctypes.CDLL(None)
    for function in (libc.malloc, libc.calloc, libc.realloc):
        function.restype = ctypes.c_void_p
    libc.malloc.argtypes = [ctypes.c_size_t]
    libc.free.argtypes = [ctypes.c_void_p]
    asked, freed = [], []

    def malloc(ctx, size):
        asked.append(size)
        return libc.malloc(size)

    def free(ctx, data, size):
        freed.append(size)
        libc.free(data)

    handler = Handler(
        b"test",
        1,
        None,
        MALLOC(malloc),
        CALLOC(lambda ctx, n, size: libc.calloc(ctypes.c_size_t(n), ctypes.c_size_t(size))),
        REALLOC(lambda ctx, p, size: libc.realloc(ctypes.c_void_p(p), ctypes.c_size_t(size))),
        FREE(free),
    )
    new = ctypes.pythonapi.PyCapsule_New
    new.restype = ctypes.py_object
    new.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_void_p]
    name = b"mem_handler"
    default = set_handler(new(ctypes.addressof(handler), name, None))
    try:
        a = bytes_of(7 * MIB, 1)
    finally:
        set_handler(default)
    assert 7 * MIB in asked
    del a
    assert 7 * MIB in freed
    assert held() == 0


def test_kept_memory_is_a_small_share_of_the_machines():
    total = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    size = total // 200
    arrays = [np.empty(size, dtype=np.uint8) for _ in range(30)]
    arrays.clear()
    assert 0 < held() <= total // 16


# ---- the limit -------------------------------------------------------------------------------


TOTAL = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
LIMITS = {
    "no cgroup": ({}, TOTAL),
    "v2": ({"proc/self/cgroup": "0::/a/b", "sys/fs/cgroup/a/b/memory.max": "5000000"}, 5000000),
    "v2, an ancestor": (
        {"proc/self/cgroup": "0::/a/b", "sys/fs/cgroup/a/memory.max": "4000000"},
        4000000,
    ),
    "v2, high": (
        {
            "proc/self/cgroup": "0::/a",
            "sys/fs/cgroup/a/memory.max": "5000000",
            "sys/fs/cgroup/a/memory.high": "3000000",
        },
        3000000,
    ),
    "v2, none": ({"proc/self/cgroup": "0::/a", "sys/fs/cgroup/a/memory.max": "max"}, TOTAL),
    "v2, in a container": (
        {"proc/self/cgroup": "0::/", "sys/fs/cgroup/memory.max": "2000000"},
        2000000,
    ),
    "v2, path of the host": (
        {"proc/self/cgroup": "0::/docker/1234", "sys/fs/cgroup/memory.max": "2000000"},
        2000000,
    ),
    "v1": (
        {
            "proc/self/cgroup": "7:cpu:/x\n4:memory:/a/b\n0::/",
            "sys/fs/cgroup/memory/a/memory.limit_in_bytes": "6000000",
            "sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712",
        },
        6000000,
    ),
    "nonsense": (
        {"proc/self/cgroup": "::\n0\n4:memory", "sys/fs/cgroup/memory.max": "1000"},
        TOTAL,
    ),
}


@pytest.mark.parametrize("name", LIMITS)
def test_the_limit_is_the_least_of_all_cgroups(name, tmp_path):
    made, expected = LIMITS[name]
    for path, text in made.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text + "\n")
    assert _treadle.memory_limit(str(tmp_path)) == expected


@pytest.mark.parametrize("resource", ["RLIMIT_AS", "RLIMIT_DATA"])
def test_the_limit_of_a_shell_counts(resource):
    code = (
        "import resource, treadle; from treadle import _treadle\n"
        f"resource.setrlimit(resource.{resource}, (1 << 30, -1))\n"
        "print(_treadle.memory_limit(''))"
    )
    assert python("-c", code).stdout == f"{1 << 30}\n"


@pytest.fixture
def cgroup():
    """Make a cgroup with a limit on memory; return functions that set the limit and that join."""
    for folder, name in (("memory", "memory.limit_in_bytes"), ("", "memory.max")):
        group = Path("/sys/fs/cgroup", folder, f"treadle-test-{os.getpid()}")
        try:
            group.mkdir()
        except OSError:
            continue
        if (group / name).exists():
            break
        group.rmdir()
    else:
        pytest.skip("no cgroup with a limit on memory can be made here")
    yield group / name, group / "cgroup.procs"
    group.rmdir()


IN_CGROUP = """
import sys, time, numpy as np
limit, procs, size = sys.argv[1], sys.argv[2], int(sys.argv[3])
open(limit, "w").write(str(size))
open(procs, "w").write(str(__import__("os").getpid()))
if sys.argv[4] == "treadle":
    import treadle
    treadle.install()
# Arrays in use up to 7/10 of the limit, of many sizes, again and again; then as much as bytes.
for i in range(10):
    shares = 5, 10 + i % 7, 3, 20, 25 - i % 5
    a = [np.ones(size * share // 100, dtype=np.uint8) for share in shares]
    del a
    if sys.argv[4] == "treadle":
        assert treadle.status()["held"] <= size // 16
b = bytearray(b"x") * (size * 7 // 10)
del b
if sys.argv[4] == "treadle":
    a = np.ones(size // 20, dtype=np.uint8)
    del a
    assert treadle.status()["held"] > size // 32
    open(limit, "w").write(str(size // 2))
    until = time.monotonic() + 30
    while treadle.status()["held"] > size // 32 and time.monotonic() < until:
        a = np.ones(size // 20, dtype=np.uint8)  # used, so that it is not age that lets go
        del a
        time.sleep(0.01)
    assert treadle.status()["held"] <= size // 32
print("lived")
"""


@pytest.mark.parametrize("mode", ["plain", "treadle"])
def test_in_a_small_cgroup(mode, cgroup):
    limit, procs = cgroup
    done = python("-c", IN_CGROUP, str(limit), str(procs), str(192 * MIB), mode)
    assert done.stdout == "lived\n", (done.returncode, done.stderr)


@pytest.mark.parametrize(
    ("options", "variable"), [(["-X", "dev"], ""), (["-X", "dev"], None), ([], "malloc_debug")]
)
def test_pythons_debug_allocator_keeps_its_blocks(options, variable, monkeypatch):
    monkeypatch.delenv("PYTHONMALLOC", raising=False)
    if variable is not None:
        monkeypatch.setenv("PYTHONMALLOC", variable)
    done = python(
        *options,
        "-c",
        # Whatever the variable says now, it says nothing about the allocator.
        "import os; os.environ['PYTHONMALLOC'] = ''\n"
        "import numpy as np, treadle; treadle.install()\n"
        "arrays = [np.empty(n, 'u1') for n in (10, 2000, 1 << 22)] * 50; del arrays\n"
        "print(treadle.status()['problems'])",
    )
    assert done.returncode == 0, done.stderr
    assert "Python's debug allocator is on" in done.stdout


@pytest.mark.parametrize("wish", ["0", "1"])
def test_numpys_wish_for_huge_pages_counts(wish, monkeypatch):
    monkeypatch.setenv("NUMPY_MADVISE_HUGEPAGE", wish)
    done = python(
        "-c",
        "import numpy as np, treadle; treadle.install()\n"
        "a = np.ones(8 << 20, 'u1')\n"
        "inside = False\n"
        "for line in open('/proc/self/smaps'):\n"
        "    if '-' in line.split()[0]:\n"
        "        begin, end = (int(part, 16) for part in line.split()[0].split('-'))\n"
        "        inside = begin <= a.ctypes.data < end\n"
        "    elif inside and line.startswith('VmFlags'):\n"
        "        print('hg' in line.split())",
    )
    assert done.stdout.strip() == str(wish == "1"), done.stderr
