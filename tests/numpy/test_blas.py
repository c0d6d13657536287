# SPDX-License-Identifier: BSD-3-Clause
"""BLAS and LAPACK calls of NumPy by every backend, against NumPy alone."""

import itertools
import re
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from conftest import python
from libraries import find_openblas, threads

import treadle

BACKENDS = ("serial", "openmp", "blis", "openblas", "auto")
DTYPES = ("f4", "f8", "c8", "c16")
LA = np.linalg
N = 130  # above the sizes at which calls go straight on


OPENBLAS = find_openblas(np)


@pytest.fixture(params=BACKENDS)
def backend(request):
    usable = [b["name"] for b in treadle.backends() if b["usable"]]
    if request.param not in (*usable, "auto"):
        pytest.skip(f"{request.param} is not available")
    treadle.install(request.param)
    treadle.set_min(1)
    return request.param


def matrix(dtype, shape=(N, N), seed=0):
    rng = np.random.default_rng(seed)
    a = rng.standard_normal(shape)
    if np.dtype(dtype).kind == "c":
        a = a + 1j * rng.standard_normal(shape)
    return a.astype(dtype)


def hermitian(dtype, shift=0.0):
    a = matrix(dtype)
    return (a + a.conj().T + 2 * shift * np.eye(N)).astype(dtype)


def adjoint(a):
    return np.swapaxes(a, -1, -2).conj()


def near(result, expected):
    """Equal but for rounding that grows with the size."""
    result, expected = np.asarray(result), np.asarray(expected)
    assert result.shape == expected.shape
    assert result.dtype == expected.dtype
    scale = max(float(np.abs(expected).max(initial=0)), 1e-30)
    error = float(np.abs(result - expected).max(initial=0))
    assert error <= 100 * N * np.finfo(expected.dtype).eps * scale


def plain(call):
    """Run it by NumPy alone, on one thread: on a busy machine OpenBLAS's threads take minutes."""
    was = treadle.installed
    treadle.uninstall()
    with threads(OPENBLAS, 1):
        result = call()
    if was:
        treadle.install()
    return result


# Of each: the call, and what must hold of its result beside plain NumPy's.


def check_svd(a, result, expected):
    u, s, vh = result
    near(s, expected[1])
    near((u[..., : s.size] * s) @ vh[..., : s.size, :], a)
    near(adjoint(u) @ u, np.eye(u.shape[1], dtype=a.dtype))


def check_qr(a, result, expected):
    q, r = result
    near(q @ r, a)
    near(adjoint(q) @ q, np.eye(q.shape[1], dtype=a.dtype))
    near(np.abs(r), np.abs(expected[1]))


def check_eigh(a, result, expected):
    w, v = result
    near(w, expected[0])
    near(a @ v, (v * w).astype(a.dtype))


def check_eig(a, result, expected):
    w, v = result
    near(a @ v, (v * w).astype(v.dtype))
    near(np.sort(np.abs(w)), np.sort(np.abs(expected[0])))


def check_first(a, result, expected):
    near(result[0], expected[0])


def check_same(a, result, expected):
    near(result, expected)


def cases(dtype):
    a, b, v = matrix(dtype), matrix(dtype, seed=1), matrix(dtype, (N * N,), 2)
    wide, tall = matrix(dtype, (60, 140), 3), matrix(dtype, (140, 60), 4)
    h, p = hermitian(dtype), hermitian(dtype, 3.0 * N**0.5)
    good = (a + N * np.eye(N)).astype(dtype)
    return {
        "dot": (check_same, a, lambda: np.dot(a, b)),
        "method": (check_same, a, lambda: a.dot(b)),
        "matmul": (check_same, a, lambda: a @ b),
        "transposed": (check_same, a, lambda: a.T @ b[::-1]),
        "syrk": (check_same, a, lambda: a.T @ a),
        "fortran order": (check_same, a, lambda: np.asfortranarray(a) @ b[::2].T),
        "stack": (check_same, a, lambda: np.stack([a, b]) @ b),
        "gemv": (check_same, a, lambda: a @ b[0]),
        "vecmat": (check_same, a, lambda: b[0] @ a),
        "vector": (check_same, a, lambda: np.dot(v, v[::-1])),
        "vdot": (check_same, a, lambda: np.vdot(v, v)),
        "inner": (check_same, a, lambda: np.inner(a, b)),
        "tensordot": (check_same, a, lambda: np.tensordot(a, b, axes=([0], [1]))),
        "outer": (check_same, a, lambda: np.dot(a[:, :1], b[:1])),
        "svd": (check_svd, a, lambda: LA.svd(a)),
        "svd wide": (check_svd, wide, lambda: LA.svd(wide, full_matrices=False)),
        "svd tall": (check_svd, tall, lambda: LA.svd(tall)),
        "svdvals": (check_same, a, lambda: LA.svd(a, compute_uv=False)),
        "qr": (check_qr, tall, lambda: LA.qr(tall)),
        "qr complete": (check_qr, tall, lambda: LA.qr(tall, mode="complete")),
        "eigh": (check_eigh, h, lambda: LA.eigh(h)),
        "eigvalsh": (check_same, h, lambda: LA.eigvalsh(h, UPLO="U")),
        "eig": (check_eig, a, lambda: LA.eig(a)),
        "solve": (check_same, good, lambda: LA.solve(good, b)),
        "inv": (check_same, good, lambda: LA.inv(good)),
        "slogdet": (check_first, good, lambda: LA.slogdet(good)),
        "cholesky": (check_same, p, lambda: LA.cholesky(p)),
        "lstsq": (check_first, tall, lambda: LA.lstsq(tall, tall[:, :3], rcond=None)),
    }


@pytest.mark.parametrize("dtype", DTYPES)
def test_results_are_those_of_numpy(backend, dtype):
    for name, (check, a, call) in cases(dtype).items():
        expected = plain(call)
        result = call()
        treadle.uninstall()
        try:
            check(a, result, expected)
        except AssertionError as error:
            raise AssertionError(f"{name}: {error}") from error
        treadle.install()


def test_four_threads_at_once(backend):
    work = [item for dtype in DTYPES for item in cases(dtype).values()]
    expected = plain(lambda: [call() for _, _, call in work])
    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(lambda item: item[2](), work))
    treadle.uninstall()
    for (check, a, _), result, reference in zip(work, results, expected, strict=True):
        check(a, result, reference)


def rows():
    return {row["op"]: row for row in treadle.report().rows}


def test_large_calls_are_routed_and_small_ones_are_not():
    treadle.install("auto")
    a = matrix("f8", (400, 400))
    treadle.reset()
    _ = a @ a, LA.svd(a)
    assert {"cblas_dgemm", "dgesdd_"} <= set(rows()) or "cblas_dsyrk" in rows()
    treadle.reset()
    small = a[:8, :8].copy()
    _ = small @ small, LA.svd(small), LA.inv(small)
    assert not rows()


def test_uninstall_gives_numpy_its_routines_back():
    treadle.install()
    assert treadle.status()["blas"] > 0
    treadle.uninstall()
    treadle.reset()
    a = matrix("f8", (400, 400))
    _ = a @ a, LA.svd(a)
    assert not rows()
    treadle.install()
    _ = a @ a
    assert "cblas_dgemm" in rows()


def extension_files():
    for name in ("_multiarray_umath", "_umath_linalg"):
        for package in ("numpy._core", "numpy.core", "numpy.linalg"):
            module = sys.modules.get(f"{package}.{name}")
            if module:
                yield module.__file__
                break


def test_every_routine_that_numpy_imports_is_routed():
    """The names are read from the modules' string tables; copies are left out on purpose."""
    pattern = rb"\0(?:scipy_)?(cblas_[a-z]+(?:_sub)?|[sdcz][a-z]+_)64_(?=\0)"
    names = set()
    for path in extension_files():
        with open(path, "rb") as file:
            names |= set(re.findall(pattern, file.read()))
    if not names:
        pytest.skip("this NumPy has no BLAS with 64-bit integers")
    wanted = {name for name in names if not re.fullmatch(rb"[sdcz]copy_", name)}
    code = "import treadle; treadle.install(); print(treadle.status()['blas'])"
    assert int(python("-c", code).stdout) == len(wanted)  # SciPy's are not among them there


@pytest.mark.parametrize("order", ["before", "after", "after use"])
def test_treadle_may_come_before_or_after_numpy(order):
    first, second = ("treadle", "numpy") if order == "before" else ("numpy", "treadle")
    use = (
        "numpy.linalg.svd(numpy.ones((300, 300)) @ numpy.eye(300))" if order == "after use" else ""
    )
    code = f"""
import {first}
{use}
import {second}
treadle.install()
treadle.reset()
a = numpy.random.default_rng(0).random((400, 400))
a @ a
numpy.linalg.svd(a)
print(sorted(row["op"] for row in treadle.report().rows if row["op"] in ("cblas_dgemm", "dgesdd_")))
"""
    done = python("-c", code)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "['cblas_dgemm', 'dgesdd_']"


def test_errors_are_numpys(backend):
    calls = {
        "singular inv": lambda: LA.inv(np.zeros((N, N))),
        "singular solve": lambda: LA.solve(np.ones((N, N)) * 0, np.ones(N)),
        "not positive": lambda: LA.cholesky(-np.eye(N)),
        "nan eigh": lambda: LA.eigh(np.full((N, N), np.nan)),
        "nan svd": lambda: LA.svd(np.full((N, N), np.nan)),
        "shape": lambda: np.ones((N, 3)) @ np.ones((N, 3)),
    }

    def outcome(call):
        try:
            return [np.isnan(part).all() for part in np.atleast_1d(call())]
        except Exception as error:
            return type(error), str(error)

    for name, call in calls.items():
        assert outcome(call) == plain(lambda call=call: outcome(call)), name


def test_empty_and_thin_shapes(backend):
    for m, k, n in itertools.product((0, 1, 3, 20000), (0, 1, 20), (0, 1, 50)):
        a, b = matrix("f8", (m, k)), matrix("f8", (k, n), 1)
        near(a @ b, plain(lambda a=a, b=b: a @ b))
        near(np.dot(a, b), plain(lambda a=a, b=b: np.dot(a, b)))


def test_routing_goes_on_and_off_under_running_calls():
    a = matrix("f8", (300, 300))
    expected = plain(lambda: LA.svd(a, compute_uv=False))
    with ThreadPoolExecutor(3) as pool:
        futures = [pool.submit(LA.svd, a, compute_uv=False) for _ in range(30)]
        while not all(f.done() for f in futures):
            treadle.install("auto")
            treadle.uninstall()
        for future in futures:
            near(future.result(), expected)


# ---- the adopted OpenBLAS --------------------------------------------------------------------


@pytest.fixture
def openblas():
    """The thread count of the wheel's own library: (get, set)."""
    if not OPENBLAS:
        pytest.skip("NumPy has no OpenBLAS of its own")
    get, put = OPENBLAS
    was = get()
    yield get, put
    put(was)


def svd_in_threads(count):
    a = matrix("f8", (300, 300))
    with ThreadPoolExecutor(count) as pool:
        list(pool.map(LA.svd, [a] * 2 * count))


@pytest.mark.parametrize("limit", [1, 2])
def test_the_users_thread_count_is_kept(openblas, limit):
    get, put = openblas
    treadle.install("openblas")
    put(limit)
    svd_in_threads(4)
    assert get() == limit
    put(3 - limit)
    svd_in_threads(2)
    assert get() == 3 - limit


def test_the_first_call_of_a_thread_is_counted():
    """Thread-local storage is made at that moment, which must not cost the caller a register."""
    treadle.install()
    a = matrix("f8", (500, 500))
    for call in (lambda: np.dot(a, a), lambda: LA.svd(a), lambda: LA.solve(a, a)):
        treadle.reset()
        with ThreadPoolExecutor(1) as pool:
            pool.submit(call).result()
        assert treadle.report().rows


def test_callers_share_the_cores(openblas):
    """While several calls run, OpenBLAS is set to start one thread for each of them."""
    get, put = openblas
    put(2)
    treadle.set_num_threads(2)
    treadle.install("openblas")
    a = matrix("f8", (700, 700))
    seen = set()
    with ThreadPoolExecutor(3) as pool:
        futures = [pool.submit(LA.svd, a) for _ in range(3)]
        while not all(f.done() for f in futures):
            seen.add(get())
    assert 1 in seen
    assert max(seen) <= 2
    assert get() == 2


def long_call_beside_others():
    """What is on record of an SVD during which calls of another thread end."""
    small, large = matrix("f8", (300, 300)), matrix("f8", (900, 900))
    gone = threading.Event()

    def crowd():
        while not gone.is_set():
            LA.svd(small)

    expected = LA.svd(large, compute_uv=False)
    with ThreadPoolExecutor(2) as pool:
        others = pool.submit(crowd)
        time.sleep(0.1)
        long = pool.submit(LA.svd, large, compute_uv=False)
        time.sleep(0.1)
        gone.set()
        others.result()
        near(long.result(), expected)
    return [row for row in treadle.explain().rows if row["op"] == "dgesdd_"][-1]


@pytest.mark.parametrize("backend", ["openblas", "blis"], indirect=True)
def test_a_long_call_takes_the_cores_that_others_leave(backend):
    treadle.set_num_threads(2)
    for _ in range(10):  # on a busy machine the others may be away when it begins
        call = long_call_beside_others()
        if call["reason"] != "size: worth these threads":
            break
    assert (call["granted"], call["threads"]) == (2, 2)
    assert call["reason"] == "cores became free during the call"


FORK = """
import os, sys, threading, time
import numpy as np, treadle
treadle.install(sys.argv[1])
a = np.random.default_rng(0).random((250, 250))
stop = False
def work():
    while not stop:
        np.linalg.svd(a)
        a @ a
threads = [threading.Thread(target=work) for _ in range(2)]
for t in threads: t.start()
for i in range(5):
    time.sleep(0.02)
    pid = os.fork()
    if pid == 0:
        good = np.isfinite(np.linalg.svd(a)[1]).all() and np.isfinite(a @ a).all()
        os._exit(0 if good else 1)
    assert os.waitpid(pid, 0)[1] == 0
stop = True
for t in threads: t.join()
"""


def test_fork_while_threads_compute(backend):
    done = python("-W", "ignore", "-c", FORK, backend)
    assert done.returncode == 0, done.stderr


POOLS = """
import multiprocessing, sys, threading
import numpy as np, treadle
a = np.random.default_rng(0).random((250, 250))
def good(i):
    return bool(np.isfinite(np.linalg.svd(a)[1]).all() and np.isfinite(a @ a).all())
def work():
    while not stop.is_set():
        good(0)
if __name__ == "__main__":
    treadle.install(sys.argv[1])
    stop = threading.Event()
    threads = [threading.Thread(target=work) for _ in range(2)]
    for t in threads: t.start()
    for i in range(2):
        with multiprocessing.get_context("fork").Pool(2) as pool:
            print(sum(pool.map(good, range(4))))
    stop.set()
    for t in threads: t.join()
"""


def test_pools_of_processes_while_threads_compute(backend):
    """Plain NumPy's OpenBLAS waits for ever."""
    done = python("-W", "ignore", "-c", POOLS, backend)
    assert done.stdout == "4\n" * 2, done.stderr


@pytest.mark.parametrize("dtype", DTYPES)
def test_products_of_the_adopted_library(openblas, dtype):
    """`matmul` and `dot` called directly, for strides that BLAS can walk and for others."""
    layouts = (
        np.ascontiguousarray,
        np.asfortranarray,
        lambda x: np.repeat(x, 2, axis=1)[:, ::2],
        lambda x: x[::-1],
    )
    treadle.set_backend("openblas")
    treadle.set_min(1)
    treadle.reset()
    a, b = matrix(dtype, (40, 50)), matrix(dtype, (50, 30))
    for first, second, third in itertools.product(layouts, repeat=3):
        out = third(np.empty((40, 30), dtype))
        treadle.run("matmul", first(a), second(b), out=out)
        near(out, first(a) @ second(b))
    stack = np.stack([a, 2 * a, 3 * a])
    near(treadle.run("matmul", stack, b), stack @ b)
    v = matrix(dtype, (1000,))
    for x, y in ((v, v), (v[::-1], v), (v[::2], v[::-2]), (v[:1], v[1:2]), (v[:0], v[:0])):
        near(treadle.run("dot", x, y), np.dot(x, y))
    assert {"matmul", "dot"} <= {
        r["op"] for r in treadle.report().rows if r["backend"] == "openblas"
    }


def test_auto_gives_large_products_to_blis_unless_their_results_are_narrow():
    if OPENBLAS is None or not all(
        any(b["name"] == name and b["usable"] for b in treadle.backends())
        for name in ("blis", "openblas")
    ):
        pytest.skip("blis or an OpenBLAS is missing")
    treadle.install("auto")
    treadle.reset()
    a = matrix("f8", (200, 200))
    np.dot(a, a)
    np.dot(a[:100, :100], a[:100, :100])
    np.dot(a[:100], a)
    tall = matrix("f8", (4000, 50))
    np.dot(tall.T, tall)
    LA.svd(a)
    served = {(row["op"], row["backend"]): row["calls"] for row in treadle.report().rows}
    assert served == {
        ("cblas_dgemm", "blis"): 1,
        ("cblas_dgemm", "openblas"): 2,
        ("cblas_dsyrk", "openblas"): 1,
        ("dgesdd_", "openblas"): 1,
    }
