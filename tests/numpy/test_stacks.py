# SPDX-License-Identifier: BSD-3-Clause
"""Products and linear algebra on stacks, cut over the stack: NumPy's bits at one BLAS thread."""

import itertools
import re
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from conftest import outcome, python
from libraries import find_openblas, threads

import treadle

LA = np.linalg
UMATH_LINALG = LA._umath_linalg
PRODUCTS = ("matmul", "vecdot", "matvec", "vecmat")
OPENBLAS = find_openblas(np)
DTYPES = ("f4", "f8", "c8", "c16")
SIZES = ((1, 1), (2, 5), (3, 2), (8, 8), (33, 40), (70, 20))
STACKS = ((3,), (7,), (3, 5), (0,), (4, 0), (1,), ())

pytestmark = pytest.mark.skipif(
    not any(b["name"] == "openblas" and b["ops"] for b in treadle.backends()),
    reason="NumPy has no OpenBLAS whose threads could be counted",
)


def random(dtype, shape, seed=0):
    rng = np.random.default_rng(seed)
    a = rng.standard_normal(shape)
    if np.dtype(dtype).kind == "c":
        a = a + 1j * rng.standard_normal(shape)
    return (a if np.dtype(dtype).kind in "fc" else a * 20).astype(dtype)


def adjoint(a):
    return np.swapaxes(a, -1, -2).conj()


def differing(calls):
    """Return the names of the calls whose outcome is not that of NumPy on one BLAS thread."""
    with threads(OPENBLAS, 1):
        plain = plain_outcomes(calls)
    return different(calls, plain, cut_outcomes(calls))


def differing_alone(calls):
    """The same of calls with one matrix each, which get the threads that OpenBLAS has."""
    names = []
    for count in (1, 2):
        with threads(OPENBLAS, count):
            names += different(calls, plain_outcomes(calls), cut_outcomes(calls))
    return names


def plain_outcomes(calls):
    treadle.uninstall()
    return [outcome(call) for _, call in calls]


def cut_outcomes(calls):
    treadle.install("loop=openmp;openblas")
    treadle.set_num_threads(3)
    treadle.set_min(1)
    treadle.reset()
    return [outcome(call) for _, call in calls]


def different(calls, plain, cut):
    return [name for (name, _), a, b in zip(calls, plain, cut, strict=True) if a != b]


def cut(call):
    """Return how many loops of a call were cut into parts."""
    treadle.reset()
    call()
    return sum(row["calls"] for row in treadle.report().rows if row["op"] == "loop")


def compare(stack):
    return differing_alone if np.prod(stack) == 1 else differing


def linalg_calls(a, b):
    """Square a, any b with as many rows."""
    n = a.shape[-1]
    h = a + adjoint(a)
    p = a @ adjoint(a) + n * np.eye(n, dtype=a.dtype)
    yield "inv", lambda: LA.inv(a)
    yield "solve", lambda: LA.solve(a, b)
    yield "det", lambda: LA.det(a)
    yield "slogdet", lambda: tuple(LA.slogdet(a))
    yield "cholesky", lambda: LA.cholesky(p)
    yield "eigh", lambda: tuple(LA.eigh(h))
    yield "eigvalsh", lambda: LA.eigvalsh(h, UPLO="U")
    yield "eig", lambda: tuple(LA.eig(a))
    yield "eigvals", lambda: LA.eigvals(a)
    yield "svd", lambda: tuple(LA.svd(b))
    yield "thin svd", lambda: tuple(LA.svd(b, full_matrices=False))
    yield "svdvals", lambda: LA.svd(b, compute_uv=False)
    yield "qr", lambda: tuple(LA.qr(b))
    yield "complete qr", lambda: tuple(LA.qr(b, mode="complete"))
    yield "r", lambda: LA.qr(b, mode="r")
    yield "pinv", lambda: LA.pinv(b)
    yield "matrix_power", lambda: LA.matrix_power(a, 3)
    yield "matrix_rank", lambda: LA.matrix_rank(b)
    yield "cond", lambda: LA.cond(a)


def product_calls(a, b):
    yield "matmul", lambda: a @ b
    yield "gram", lambda: np.swapaxes(a, -1, -2) @ a
    yield "one right", lambda: a @ b[(0,) * (b.ndim - 2)] if b.size else a @ b
    yield "vector", lambda: np.matmul(a, b[..., 0][..., None])
    yield "einsum", lambda: np.einsum("...ij,...jk->...ik", a, b, optimize=True)
    for name, call in (
        ("vecdot", lambda: np.vecdot(a, a)),
        ("matvec", lambda: np.matvec(a, b[..., 0])),
        ("vecmat", lambda: np.vecmat(b[..., 0], a)),
    ):
        if hasattr(np, name):
            yield name, call


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("stack", STACKS, ids=str)
def test_linear_algebra_has_numpys_bits(stack, dtype):
    calls = [
        (f"{name} {n}x{k}", call)
        for n, k in SIZES
        for name, call in linalg_calls(random(dtype, (*stack, n, n)), random(dtype, (*stack, n, k)))
    ]
    assert compare(stack)(calls) == []


@pytest.mark.parametrize("dtype", [*DTYPES, "?", "i1", "u2", "i4", "i8", "f2", "g", "G"])
@pytest.mark.parametrize("stack", STACKS, ids=str)
def test_products_have_numpys_bits(stack, dtype):
    calls = [
        (f"{name} {n}x{k}", call)
        for n, k in SIZES
        for name, call in product_calls(
            random(dtype, (*stack, n, n)), random(dtype, (*stack, n, k))
        )
    ]
    assert compare(stack)(calls) == []


LAYOUTS = {
    "fortran": np.asfortranarray,
    "every other": lambda a: np.repeat(a, 2, axis=0)[::2],
    "backwards": lambda a: a[::-1, ::-1],
    "stack last": lambda a: np.moveaxis(np.moveaxis(a, 0, -1).copy(), -1, 0),
    "wide rows": lambda a: np.concatenate([a, a], axis=-1)[..., : a.shape[-1]],
    "unaligned": lambda a: (
        np.frombuffer(b"x" + a.tobytes(), "u1")[1:].view(a.dtype).reshape(a.shape)
    ),
    "other byte order": lambda a: a.astype(a.dtype.newbyteorder()),
    "repeated": lambda a: np.broadcast_to(a[:1], a.shape),
}


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("dtype", DTYPES)
def test_any_layout(dtype, layout):
    a = LAYOUTS[layout](random(dtype, (9, 6, 6)))
    b = LAYOUTS[layout](random(dtype, (9, 6, 4), 1))
    assert differing([*linalg_calls(a, b), *product_calls(a, b)]) == []


def test_broadcast_stacks():
    a, b = random("f8", (4, 1, 5, 5)), random("f8", (1, 6, 5, 3), 1)
    calls = [
        ("matmul", lambda: a @ b),
        ("solve", lambda: LA.solve(a, b)),
        ("one matrix", lambda: a[0, 0] @ b),
        ("one side", lambda: LA.solve(a[0, 0], b)),
        ("mixed types", lambda: a.astype("f4") @ b),
        ("tensordot", lambda: np.tensordot(a, b, axes=([3], [2]))),
        ("einsum", lambda: np.einsum("abij,cdjk,cdlk->acil", a, b, b, optimize=True)),
    ]
    assert differing(calls) == []


def into(make, call):
    """A call that writes into an array of its own, and returns all of that array's memory."""

    def run():
        base, out = make()
        call(out)
        return base

    return run


def test_out_of_any_layout():
    a, b = random("f8", (9, 6, 6)), random("f8", (9, 6, 4), 1)

    def strided():
        base = np.zeros((18, 12, 8))
        return base, base[::-2, ::2, ::2]

    def stack_last():
        base = np.zeros((6, 4, 9))
        return base, np.moveaxis(base, -1, 0)

    def on_top_of_itself():
        base = np.zeros(9 * 24)
        return base, np.lib.stride_tricks.as_strided(base, (9, 6, 4), (16, 32, 8))

    def one_for_all():
        base = np.zeros((6, 4))
        return base, np.lib.stride_tricks.as_strided(base, (9, 6, 4), (0, 32, 8))

    makes = (strided, stack_last, on_top_of_itself, one_for_all)
    calls = [(make.__name__, into(make, lambda out: np.matmul(a, b, out=out))) for make in makes]

    def over_an_input():
        c = random("f8", (10, 6, 6), 2)
        np.matmul(c[:-1], a, out=c[1:])
        return c

    assert differing([*calls, ("over an input", over_an_input)]) == []


@pytest.mark.parametrize("bad", [0, 1, 20, 39])
@pytest.mark.parametrize("dtype", DTYPES)
def test_errors_in_the_middle_of_a_stack(dtype, bad):
    a = random(dtype, (40, 5, 5))
    a[bad] = 0
    nan = random(dtype, (40, 5, 5))
    nan[bad] = np.nan
    p = a @ adjoint(a)
    p[bad] = -np.eye(5)
    calls = [
        ("inv", lambda: LA.inv(a)),
        ("solve", lambda: LA.solve(a, a)),
        ("cholesky", lambda: LA.cholesky(p)),
        ("det", lambda: LA.det(a)),
        ("slogdet", lambda: tuple(LA.slogdet(a))),
        ("eigh", lambda: tuple(LA.eigh(nan))),
        ("eig", lambda: tuple(LA.eig(nan))),
        ("svd", lambda: tuple(LA.svd(nan))),
        ("pinv", lambda: LA.pinv(nan)),
        ("cond", lambda: LA.cond(a)),
        ("matmul", lambda: nan @ nan),
        ("zero times infinity", lambda: a @ np.full((5, 5), np.inf, dtype)),
        ("overflow", lambda: nan @ np.full((5, 5), np.finfo(dtype).max, dtype)),
    ]
    assert differing(calls) == []
    with pytest.raises(LA.LinAlgError, match="Singular matrix"):
        LA.inv(a)


def test_an_earlier_error_does_not_stay():
    a = random("f8", (40, 5, 5))
    singular = np.zeros_like(a)

    def both():
        with pytest.raises(LA.LinAlgError):
            LA.inv(singular)
        return LA.inv(a)

    assert differing([("both", both)]) == []


def test_matrices_get_one_blas_thread_each():
    """Large enough for OpenBLAS's threads, of which each call may start none meanwhile."""
    if not OPENBLAS:
        pytest.skip("NumPy has no OpenBLAS of its own")
    get, _ = OPENBLAS
    a = random("f8", (6, 250, 250))
    calls = [
        ("svd", lambda: tuple(LA.svd(a))),
        ("eigh", lambda: tuple(LA.eigh(a + adjoint(a)))),
        ("matmul", lambda: a @ a),
        ("solve", lambda: LA.solve(a, a)),
    ]
    with threads(OPENBLAS, 2):
        assert differing(calls) == []
        served = {r["op"]: r["threads"] for r in treadle.report().rows if r["backend"] != "openmp"}
        assert set(served.values()) == {1}
        assert {"dgesdd_", "cblas_dgemm"} <= set(served)
        seen = set()
        with ThreadPoolExecutor(1) as pool:
            future = pool.submit(LA.svd, a)
            while not future.done():
                seen.add(get())
        assert 1 in seen
        assert get() == 2


EXACT = """
import numpy as np, treadle
from libraries import find_openblas, threads
LA = np.linalg
shapes = (30, 8, 8), (3, 110, 110), (8, 8), (200, 200)  # few: on a busy machine BLAS takes long
def work():
    for shape in shapes:
        a = np.random.default_rng(0).standard_normal(shape)
        yield from (a @ a, LA.solve(a, a))
    x = np.random.default_rng(0).standard_normal(300_000)
    yield from (x @ x, np.exp(x), x.sum())
def bits():
    return [np.asarray(part).tobytes() for part in work()]
with threads(find_openblas(np), 2):
    plain = bits()
    treadle.install()
    treadle.set_num_threads(3)
    same = [a == b for a, b in zip(plain, bits(), strict=True)]
ops = {row["op"] for row in treadle.report().rows}
print(all(same), "loop" in ops, [op for op in ops if "blas" in op or op.endswith("_")])
for shape in (400, 40, 40), (400, 400):
    print(treadle.explain(LA.inv, np.ones(shape)).backend)
"""


def test_exact_is_plain_numpy_on_all_its_threads():
    done = python("-c", EXACT, TREADLE_EXACT="1")
    assert done.stdout == "True True []\nnumpy\nnumpy\n", done.stderr
    done = python("-c", EXACT, TREADLE_EXACT="0")
    assert done.stdout.startswith("False"), "this can tell"


def gufuncs():
    """Yield NumPy's own, with a stack for each of their inputs."""
    shapes = {"m,m": (6, 4, 4), "m,n": (6, 4, 4), "n,k": (6, 4, 4), "k,m": (6, 4, 4), "": (6,)}
    found = [u for u in vars(UMATH_LINALG).values() if isinstance(u, np.ufunc)]
    found += [getattr(np, n) for n in PRODUCTS if hasattr(np, n)]
    for ufunc in {u.__name__: u for u in found}.values():
        inputs = re.findall(r"\(([^)]*)\)", ufunc.signature.replace("?", "").split("->")[0])
        arrays = [np.ones(shapes.get(i, (6, 4, 4) if "," in i else (6, 4))) for i in inputs]
        arrays[0] = arrays[0] + 4 * np.eye(4) if arrays[0].ndim == 3 else arrays[0]
        yield ufunc, arrays


def test_every_gufunc_is_cut():
    treadle.install()
    treadle.set_min(2)
    treadle.set_num_threads(3)
    seen = {ufunc.__name__: cut(lambda u=ufunc, a=a: u(*a)) for ufunc, a in gufuncs()}
    assert len(seen) > 20
    assert set(seen.values()) == {1}, seen


def test_fewer_large_matrices_than_cores_are_left_to_blas():
    a = random("f8", (2, 250, 250))
    treadle.install("loop=openmp;openblas")
    treadle.set_num_threads(3)
    assert cut(lambda: LA.svd(a)) == 0
    treadle.set_num_threads(2)
    assert cut(lambda: LA.svd(a)) == 1


def test_one_matrix_and_small_stacks_are_not_cut():
    treadle.install()
    treadle.set_num_threads(3)
    a = random("f8", (200, 200))
    small = a[:20, :4].reshape(5, 4, 4)
    for call in (
        lambda: a @ a,
        lambda: a[None] @ a[None],
        lambda: LA.inv(a),
        lambda: LA.svd(a),
        lambda: small @ small,
        lambda: LA.inv(small),
    ):
        assert cut(call) == 0
    assert cut(lambda: LA.inv(np.repeat(small, 200, axis=0))) == 1


def test_serial_keeps_a_stack_on_its_thread():
    a = random("f8", (50, 20, 20))
    treadle.install("serial")
    treadle.set_num_threads(3)
    treadle.reset()
    LA.inv(a)
    assert all(row["threads"] == 1 for row in treadle.report().rows)


def test_calls_of_the_callers_thread_choose_for_the_parts():
    """`using` holds for the routines that the parts of a call run on other threads."""
    a = random("f8", (12, 150, 150))
    treadle.install("auto")
    treadle.set_num_threads(3)
    treadle.reset()
    with treadle.using("loop=openmp;openblas"):
        _ = a @ a
    assert {(r["op"], r["backend"]) for r in treadle.report().rows} == {
        ("loop", "openmp"),
        ("cblas_dgemm", "openblas"),
    }


def test_four_threads_at_once():
    a = random("f8", (60, 12, 12))
    h = a + adjoint(a)
    calls = [lambda: LA.inv(a), lambda: LA.eigh(h)[1], lambda: a @ h, lambda: LA.svd(a)[0]] * 10
    with threads(OPENBLAS, 1):
        expected = [call() for call in calls]
    treadle.install()
    treadle.set_min(1)
    treadle.set_num_threads(3)
    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(lambda call: call(), calls))
    for result, wanted in zip(results, expected, strict=True):
        np.testing.assert_array_equal(result, wanted)


def test_install_and_uninstall_under_running_stacks():
    a = random("f8", (300, 10, 10))
    # Those that are cut have the bits of one thread, and all the calls meanwhile.
    with threads(OPENBLAS, 1), ThreadPoolExecutor(3) as pool:
        expected = LA.inv(a)
        futures = [pool.submit(LA.inv, a) for _ in range(300)]
        for done in itertools.cycle(futures):
            treadle.install()
            treadle.uninstall()
            if done is futures[-1] and all(f.done() for f in futures):
                break
    for future in futures:
        np.testing.assert_array_equal(future.result(), expected)


NO_MEMORY = """
import resource
import numpy as np, treadle
a = np.ones((6, 1500, 1500)) + np.eye(1500)    # before: no block is kept, which makes room later
treadle.install(); treadle.set_num_threads(2)
for _ in range(20):               # both threads and the libraries have what they need
    np.linalg.det(a[:, :300, :300])
taken = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
outcomes = []
for room in (5, 25):              # a workspace is 18 MB
    resource.setrlimit(resource.RLIMIT_AS, (taken + (room << 20), -1))
    try:
        outcomes.append(bool(np.isfinite(np.linalg.det(a)).all()))
    except MemoryError:
        outcomes.append("MemoryError")
print(outcomes)
"""


def test_a_worker_without_memory():
    """Nobody has: MemoryError. Only one thread has: the whole stack is done on it."""
    # What a thread has freed must not stay in its arena, where the other one can't have it.
    done = python("-c", NO_MEMORY, MALLOC_MMAP_THRESHOLD_="65536")
    assert done.stdout.strip() == "['MemoryError', True]", done


FORK = """
import os, threading
import numpy as np, treadle
treadle.install()
treadle.set_num_threads(3)
a = np.random.default_rng(0).random((400, 20, 20))
expected = np.linalg.inv(a)
stop = False
def work():
    while not stop:
        assert (np.linalg.inv(a) == expected).all()
threads = [threading.Thread(target=work) for _ in range(2)]
for t in threads: t.start()
for i in range(10):
    pid = os.fork()
    if pid == 0:
        os._exit(0 if (np.linalg.inv(a) == expected).all() else 1)
    assert os.waitpid(pid, 0)[1] == 0
stop = True
for t in threads: t.join()
"""


def test_fork_while_stacks_are_computed():
    done = python("-W", "ignore", "-c", FORK)
    assert done.returncode == 0, done.stderr
