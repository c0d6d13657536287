# SPDX-License-Identifier: BSD-3-Clause
"""SciPy's BLAS and LAPACK, which are its own, routed like NumPy's."""

import importlib
import sys
import warnings
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from conftest import python
from libraries import find_openblas, threads

import treadle

scipy = pytest.importorskip("scipy")
SL = pytest.importorskip("scipy.linalg")
BL = SL.blas

OPENBLAS = find_openblas(scipy)
NUMPYS_OPENBLAS = find_openblas(np)
BACKENDS = ("serial", "openmp", "blis", "openblas", "auto")
DTYPES = ("f4", "f8", "c8", "c16")
N = 130  # above the sizes at which calls go straight on

pytestmark = pytest.mark.skipif(not OPENBLAS, reason="SciPy has no OpenBLAS of its own")


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


def plain(call):
    """Run it by SciPy and NumPy alone, on one thread."""
    was = treadle.installed
    treadle.uninstall()
    with threads(OPENBLAS, 1), threads(NUMPYS_OPENBLAS, 1):
        result = call()
    if was:
        treadle.install()
    return result


def near(result, expected, dtype=None):
    """Equal but for rounding, that of `dtype`, which grows with the size."""
    result, expected = np.asarray(result), np.asarray(expected)
    assert result.shape == expected.shape
    assert result.dtype == expected.dtype
    scale = max(float(np.abs(expected).max(initial=0)), 1e-30)
    error = float(np.abs(result - expected).max(initial=0))
    assert error <= 1000 * N * np.finfo(dtype or expected.dtype).eps * scale


def is_zero(residual, like):
    near(residual + like, like)


def products(dtype):
    """BLAS by its names: results are unique, so that they can be compared."""
    a, b, c = (matrix(dtype, seed=i) for i in range(3))
    a, b, c = map(np.asfortranarray, (a, b, c))
    v, w = matrix(dtype, (20000,), 3), matrix(dtype, (20000,), 4)
    t = a + N * np.eye(N, dtype=dtype)
    x, y = v[:N], w[:N]

    def routine(name, *args, **options):
        return lambda: SL.get_blas_funcs(name, dtype=dtype)(*args, **options)

    yield "gemm", routine("gemm", 2, a, b, 0.5, c, trans_a=1)
    yield "gemv", routine("gemv", 2, a, x, 0.5, y, trans=1)
    yield "axpy", routine("axpy", v, w.copy(), a=2)
    yield "scal", routine("scal", 2, v.copy())
    yield "symm", routine("symm", 2, a, b, 0.5, c, side=1, lower=1)
    yield "syrk", routine("syrk", 2, a, 0.5, c, trans=1)
    yield "syr2k", routine("syr2k", 2, a, b, 0.5, c)
    yield "trmm", routine("trmm", 2, a, b, side=1)
    yield "trsm", routine("trsm", 2, t, b, lower=1)
    yield "trmv", routine("trmv", t, x, trans=1)
    yield "trsv", routine("trsv", t, x, lower=1)
    if np.dtype(dtype).kind == "c":
        yield "hemm", routine("hemm", 2, a, b)
        yield "herk", routine("herk", 2, a)
        yield "her2k", routine("her2k", 2, a, b)
        yield "hemv", routine("hemv", 2, a, x)
        yield "geru", routine("geru", 2, x, y, a=a)
        yield "gerc", routine("gerc", 2, x, y, a=a)
        yield "dotc", routine("dotc", v, w)
    else:
        yield "symv", routine("symv", 2, a, x)
        yield "ger", routine("ger", 2, x, y, a=a)
        yield "dot", routine("dot", v, w)
        yield "nrm2", routine("nrm2", v)


def solutions(dtype):
    """LAPACK where the result is unique."""
    a, b = matrix(dtype), matrix(dtype, (N, 40), 1)
    good = (a + N * np.eye(N)).astype(dtype)
    h = (a + a.conj().T).astype(dtype)
    p = (h + 6 * N**0.5 * np.eye(N)).astype(dtype)
    tall = matrix(dtype, (200, 60), 2)
    yield "solve", lambda: SL.solve(good, b)
    yield "solve pos", lambda: SL.solve(p, b, assume_a="pos")
    yield "solve sym", lambda: SL.solve(h, b, assume_a="her")
    yield "solve_triangular", lambda: SL.solve_triangular(good, b, lower=True)
    yield "inv", lambda: SL.inv(good)
    yield "det", lambda: SL.det(good / N)
    yield "lu_solve", lambda: SL.lu_solve(SL.lu_factor(good), b)
    yield "cholesky", lambda: SL.cholesky(p)
    yield "cho_solve", lambda: SL.cho_solve(SL.cho_factor(p), b)
    yield "svdvals", lambda: SL.svdvals(tall)
    yield "gesvd values", lambda: SL.svd(tall, compute_uv=False, lapack_driver="gesvd")
    yield "eigvalsh", lambda: SL.eigvalsh(h)
    for driver in ("ev", "evd", "evr", "evx"):
        yield driver, lambda driver=driver: SL.eigh(h, eigvals_only=True, driver=driver)
    for driver in ("gv", "gvd", "gvx"):
        yield driver, lambda driver=driver: SL.eigh(h, p, eigvals_only=True, driver=driver)
    for driver in ("gelsd", "gelss", "gelsy"):
        yield driver, lambda driver=driver: SL.lstsq(tall, tall[:, :3], lapack_driver=driver)[0]
    yield "pinv", lambda: SL.pinv(tall)
    yield "expm", lambda: SL.expm(a / N)
    yield "sylvester", lambda: SL.solve_sylvester(good, good, a)


def check_factors(dtype):
    """LAPACK where it is not: the factors must give the matrix again."""
    a = matrix(dtype)
    h = (a + a.conj().T).astype(dtype)
    tall = matrix(dtype, (200, 60), 2)
    for driver in ("gesdd", "gesvd"):
        u, s, vh = SL.svd(tall, full_matrices=False, lapack_driver=driver)
        near((u * s) @ vh, tall)
    q, r = SL.qr(tall, mode="economic")
    near(q @ r, tall)
    q, r, order = SL.qr(tall, pivoting=True)
    near(q @ r, tall[:, order])
    r, q = SL.rq(a)
    near(r @ q, a)
    near(SL.qr_multiply(a, np.eye(N, dtype=dtype))[0], SL.qr(a)[0])
    w, v = SL.eigh(h)
    near(h @ v, (v * w).astype(dtype))
    w, v = SL.eig(a)
    near(a @ v, (v * w).astype(v.dtype))
    w, v = SL.eig(a, h)
    is_zero(a @ v - (h @ v) * w, (h @ v) * w)
    t, z = SL.schur(a)
    near(z @ t @ z.conj().T, a)
    t, z = SL.hessenberg(a, calc_q=True)
    near(z @ t @ z.conj().T, a)
    low, d, order = SL.ldl(h)
    near(low @ d @ low.conj().T, h)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("calls", [products, solutions])
def test_results_are_those_of_scipy(backend, calls, dtype):
    work = list(calls(dtype))
    results = [call() for _, call in work]
    expected = plain(lambda: [call() for _, call in work])
    for (name, _), result, wanted in zip(work, results, expected, strict=True):
        try:
            near(result, wanted, dtype)
        except AssertionError as error:
            raise AssertionError(f"{name}: {error}") from error


@pytest.mark.parametrize("dtype", DTYPES)
def test_factors_give_the_matrix_again(backend, dtype):
    check_factors(dtype)


def rows():
    return {row["op"]: row for row in treadle.report().rows}


def test_openblas_gives_the_bits_it_would_give_on_that_many_threads():
    """Both copies of OpenBLAS are governed: on one thread the results are those of one thread."""
    calls = [
        call
        for dtype in DTYPES
        for work in (products, solutions)
        for name, call in work(dtype)
        if name not in ("sylvester", "dotc")  # ?gees and ?dotc are not routed
    ]
    expected = plain(lambda: [call() for call in calls])
    treadle.install("openblas")
    treadle.set_num_threads(1)
    treadle.set_min(1)
    for call, wanted in zip(calls, expected, strict=True):
        np.testing.assert_array_equal(call(), wanted)


def test_large_calls_are_routed_and_small_ones_are_not():
    treadle.install("auto")
    a = matrix("f8", (300, 300))
    treadle.reset()
    SL.svd(a), BL.dgemm(1, a, a), SL.qr(a), SL.eigh(a + a.T), SL.lu_factor(a)
    assert {"dgesdd_", "dgemm_", "dgeqrf_", "dsyevr_", "dgetrf_"} <= set(rows())
    treadle.reset()
    small = a[:8, :8].copy()
    SL.svd(small), BL.dgemm(1, small, small), SL.inv(small)
    assert not rows()


def test_uninstall_gives_scipy_its_routines_back():
    a = matrix("f8", (300, 300))
    treadle.install()
    routed = treadle.status()["blas"]
    treadle.uninstall()
    assert treadle.status()["blas"] == 0
    treadle.reset()
    SL.svd(a), BL.dgemm(1, a, a)
    assert not rows()
    treadle.install()
    assert treadle.status()["blas"] == routed
    SL.svd(a)
    assert "dgesdd_" in rows()


IMPORTS = """
import importlib, sys
if sys.argv[1] == "before": import scipy.linalg
import numpy as np, treadle
treadle.uninstall() # what treadle brings is loaded at its first use
plain = list(sys.meta_path)
treadle.install()
numpys = treadle.status()["blas"]
if sys.argv[1] == "between":
    treadle.uninstall(); treadle.install()
import scipy.linalg, scipy.linalg.cython_blas, scipy.linalg.cython_lapack
from scipy.sparse.linalg import eigsh
from importlib.machinery import ExtensionFileLoader
module = scipy.linalg._fblas
assert type(module.__loader__) is type(module.__spec__.loader) is ExtensionFileLoader
importlib.reload(module)
assert type(module.__loader__) is type(module.__spec__.loader) is ExtensionFileLoader
a = np.random.default_rng(0).random((300, 300))
treadle.reset()
scipy.linalg.svd(a); scipy.linalg.blas.dgemm(1, a, a)
assert {"dgesdd_", "dgemm_"} <= {row["op"] for row in treadle.report().rows}, treadle.report()
print(treadle.status()["blas"])
treadle.uninstall()
assert sys.meta_path == plain
treadle.reset()
scipy.linalg.svd(a)
assert not treadle.report().rows
import scipy.optimize, scipy.integrate
assert treadle.status()["blas"] == 0
"""


def test_scipy_may_be_imported_before_or_after_install():
    routed = set()
    for order in ("before", "between", "after"):
        done = python("-c", IMPORTS, order)
        assert done.returncode == 0, done.stderr
        routed.add(int(done.stdout))
    assert len(routed) == 1
    assert routed.pop() > 1000


def test_an_import_that_fails_fails_as_ever():
    code = """
import treadle, scipy
treadle.install()
for name in ("scipy.nothing", "scipy.linalg._nothing", "scipyx"):
    try:
        __import__(name)
    except ModuleNotFoundError as error:
        assert error.name == name, error.name
    else:
        raise AssertionError(name)
"""
    done = python("-c", code)
    assert done.returncode == 0, done.stderr


def test_a_finder_without_find_spec_is_passed_over():
    code = """
import sys, treadle
treadle.install()
class Old: # as before Python 3.4
    def find_module(self, name, path=None): return None
sys.meta_path.insert(-1, Old())
import scipy.linalg, threadpoolctl, numpy.random
"""
    done = python("-c", code)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_spec_looks_like_any_other(monkeypatch):
    treadle.install()
    module = sys.modules["scipy.linalg._fblas"]
    monkeypatch.delitem(sys.modules, module.__name__)  # or its own spec would be found
    spec = importlib.util.find_spec(module.__name__)
    assert spec is not module.__spec__
    assert spec.origin == module.__file__
    assert spec.loader.path == spec.origin
    assert isinstance(spec.loader, importlib.machinery.ExtensionFileLoader)


def test_callers_share_the_cores():
    get, _ = OPENBLAS
    treadle.install("openblas")
    treadle.set_num_threads(2)
    a = matrix("f8", (900, 900))
    seen = set()
    with threads(OPENBLAS, 2):
        with ThreadPoolExecutor(3) as pool:
            futures = [pool.submit(SL.qr, a) for _ in range(6)]  # it gives up the GIL, svd does not
            while not all(f.done() for f in futures):
                seen.add(get())
        assert 1 in seen
        assert max(seen) <= 2
        assert get() == 2


def test_numpys_and_scipys_calls_share_the_cores():
    numpys = NUMPYS_OPENBLAS
    if not numpys:
        pytest.skip("NumPy has no OpenBLAS of its own")
    treadle.install("openblas")
    treadle.set_num_threads(2)
    a = matrix("f8", (900, 900))
    seen = set()
    with threads(OPENBLAS, 2), threads(numpys, 2):
        with ThreadPoolExecutor(2) as pool:
            futures = [pool.submit(np.linalg.svd, a), *(pool.submit(SL.qr, a) for _ in range(3))]
            while not all(f.done() for f in futures):
                seen.add((OPENBLAS[0](), numpys[0]()))
        assert (1, 1) in seen
        assert (OPENBLAS[0](), numpys[0]()) == (2, 2)


def test_four_threads_at_once(backend):
    work = [(dtype, call) for dtype in DTYPES for _, call in solutions(dtype)]
    expected = plain(lambda: [call() for _, call in work])
    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(lambda item: item[1](), work))
    for (dtype, _), result, wanted in zip(work, results, expected, strict=True):
        near(result, wanted, dtype)


def test_errors_and_warnings_are_scipys(backend):
    calls = {
        "singular": lambda: SL.inv(np.zeros((N, N))),
        "singular solve": lambda: SL.solve(np.zeros((N, N)), np.ones(N)),
        "ill-conditioned": lambda: SL.solve(np.vander(np.arange(1.0, N)), np.ones(N - 1)) > 0,
        "not positive": lambda: SL.cholesky(-np.eye(N)),
        "nan": lambda: SL.svd(np.full((N, N), np.nan)),
    }

    def outcome(call):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            try:
                call()
            except Exception as error:
                return type(error), str(error)
        return [w.category for w in caught]

    for name, call in calls.items():
        assert outcome(call) == plain(lambda call=call: outcome(call)), name


FORK = """
import os, sys, threading, time
import numpy as np, treadle
treadle.install(sys.argv[1])
import scipy.linalg
a = np.random.default_rng(0).random((120, 120))
stop = False
def work():
    while not stop:
        scipy.linalg.qr(a)  # without the GIL
        scipy.linalg.blas.dgemm(1, a, a)
threads = [threading.Thread(target=work) for _ in range(2)]
for t in threads: t.start()
for i in range(3):
    time.sleep(0.02)
    pid = os.fork()
    if pid == 0:
        os._exit(0 if np.isfinite(scipy.linalg.svd(a)[1]).all() else 1)
    assert os.waitpid(pid, 0)[1] == 0
stop = True
for t in threads: t.join()
"""


def test_fork_while_threads_compute(backend):
    done = python("-W", "ignore", "-c", FORK, backend)
    assert done.returncode == 0, done.stderr


SKLEARN = """
import sys
import numpy as np, treadle
from sklearn.cluster import KMeans
from sklearn.decomposition import PCA
from sklearn.linear_model import ElasticNet, LinearRegression, LogisticRegression
from sklearn.neighbors import NearestNeighbors
from sklearn.gaussian_process import GaussianProcessRegressor

rng = np.random.default_rng(0)
x = rng.standard_normal((600, 150)); y = x @ rng.standard_normal(150) + rng.standard_normal(600)
def fit():
    yield "pca", abs(PCA(20, svd_solver='full').fit(x).components_)
    yield "linear", LinearRegression().fit(x, y).coef_
    yield "net", ElasticNet(alpha=0.1).fit(x, y).coef_
    yield "logistic", LogisticRegression(tol=1e-8, max_iter=1000).fit(x, y > 0).coef_
    yield "clusters", KMeans(5, n_init=1, random_state=0).fit(x).cluster_centers_
    yield "neighbours", NearestNeighbors(n_neighbors=3).fit(x).kneighbors(x[:50])[1]
    yield "process", GaussianProcessRegressor(optimizer=None, alpha=1.).fit(x, y).predict(x[:50])
plain = dict(fit())
treadle.install(); treadle.set_min(1); treadle.reset()
for name, value in fit():
    np.testing.assert_allclose(value, plain[name], rtol=1e-5, atol=1e-7, err_msg=name)
names = {row["op"] for row in treadle.report().rows}
assert any(name.endswith("gemm_") or name.endswith("gemv_") for name in names), names
"""


def test_scikit_learn_on_top():
    pytest.importorskip("sklearn")
    done = python("-W", "ignore", "-c", SKLEARN)
    assert done.returncode == 0, done.stderr
