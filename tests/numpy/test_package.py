# SPDX-License-Identifier: BSD-3-Clause
"""The Python package: life cycle, choosing, looking, and running programs."""

import ctypes
import threading
import time

import numpy as np
import pytest
from conftest import canonical, outcome, python

import treadle

try:
    from numpy._core import _multiarray_umath as umath
except ImportError:  # NumPy 1.26
    from numpy.core import _multiarray_umath as umath

LARGE = 200_000


@pytest.fixture
def installed():
    treadle.install()
    treadle.set_min(1)
    treadle.reset()


def served():
    return {(row["op"], row["backend"]) for row in treadle.report().rows}


# ---- install and uninstall -------------------------------------------------------------------


def test_install_twice_and_uninstall_twice():
    assert not treadle.installed
    treadle.install()
    first = treadle.status()
    treadle.install()
    assert treadle.installed
    assert treadle.status()["loops"] == first["loops"]
    treadle.uninstall()
    treadle.uninstall()
    assert not treadle.installed
    assert treadle.status()["loops"] == 0
    assert treadle.status()["problems"] == []


def test_uninstalled_numpy_is_plain():
    treadle.install()
    treadle.uninstall()
    treadle.set_min(1)
    treadle.reset()
    np.sin(np.ones(LARGE)).sum()
    assert treadle.report().rows == []


def test_install_again_counts_again(installed):
    treadle.uninstall()
    treadle.install()
    np.sin(np.ones(1000))
    assert [row["calls"] for row in treadle.report().rows] == [1]


def test_install_while_other_threads_compute():
    x = np.random.default_rng(0).standard_normal(30_000)
    expected = [canonical(v) for v in (x + x, np.sin(x), x.sum(), x.max())]
    stop = threading.Event()
    wrong = []

    def work():
        while not stop.is_set():
            if [canonical(v) for v in (x + x, np.sin(x), x.sum(), x.max())] != expected:
                wrong.append(1)

    threads = [threading.Thread(target=work) for _ in range(3)]
    for t in threads:
        t.start()
    treadle.set_min(1)
    for _ in range(60):
        treadle.install()
        treadle.uninstall()
    stop.set()
    for t in threads:
        t.join()
    assert wrong == []


def test_install_from_several_threads():
    threads = [threading.Thread(target=f) for f in (treadle.install, treadle.uninstall) * 8]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    treadle.install()
    assert treadle.status()["loops"] > 900


def replace_loop(ufunc, types, loop):
    """Call PyUFunc_ReplaceLoopBySignature as another library would; return the old loop."""
    pointer = ctypes.pythonapi.PyCapsule_GetPointer
    pointer.restype, pointer.argtypes = ctypes.c_void_p, [ctypes.py_object, ctypes.c_char_p]
    api = ctypes.cast(pointer(umath._UFUNC_API, None), ctypes.POINTER(ctypes.c_void_p))
    call = ctypes.PYFUNCTYPE(
        ctypes.c_int,
        ctypes.py_object,
        ctypes.c_void_p,
        ctypes.POINTER(ctypes.c_int),
        ctypes.POINTER(ctypes.c_void_p),
    )(api[30])
    old = ctypes.c_void_p()
    assert call(ufunc, loop, (ctypes.c_int * len(types))(*types), ctypes.byref(old)) == 0
    return old.value


def test_a_loop_that_somebody_else_put_on_top_stays():
    types = [np.dtype("f8").num] * 3
    multiply = replace_loop(np.multiply, types, None)
    replace_loop(np.multiply, types, multiply)
    add = replace_loop(np.add, types, multiply)
    replace_loop(np.add, types, add)
    x = np.full(5, 3.0)
    try:
        treadle.install()
        replace_loop(np.add, types, multiply)
        treadle.uninstall()
        assert (x + x).tolist() == [9.0] * 5
    finally:
        replace_loop(np.add, types, add)
    treadle.install()
    treadle.uninstall()
    assert replace_loop(np.add, types, add) == add
    assert (x + x).tolist() == [6.0] * 5


# ---- choosing --------------------------------------------------------------------------------


def test_using_holds_for_the_thread_and_nests(installed):
    before = treadle.get_backend()
    seen = []
    with treadle.using("serial"):
        assert treadle.get_backend() == "serial"
        thread = threading.Thread(target=lambda: seen.append(treadle.get_backend()))
        thread.start()
        thread.join()
        with treadle.using("auto"):
            assert treadle.get_backend() == "auto"
        assert treadle.get_backend() == "serial"
        np.exp(np.ones(1000))
    assert seen == [before]
    assert treadle.get_backend() == before
    assert served() == {("loop", "serial")}


def test_using_ends_with_an_error():
    before = treadle.get_backend()
    with pytest.raises(KeyError), treadle.using("serial"):
        raise KeyError
    assert treadle.get_backend() == before


def test_using_as_a_decorator():
    @treadle.using("serial")
    def backend():
        return treadle.get_backend()

    assert [backend(), backend()] == ["serial", "serial"]


@pytest.mark.parametrize("call", [treadle.set_backend, treadle.install])
def test_unknown_backend_is_named(call):
    before = treadle.get_backend()
    with pytest.raises(ValueError, match=r"nonsense.*serial"):
        call("nonsense")
    assert treadle.get_backend() == before


def test_unknown_backend_in_using():
    with pytest.raises(ValueError, match="nonsense"), treadle.using("nonsense"):
        pass


def test_number_of_threads():
    machine = treadle.get_num_threads()
    treadle.set_num_threads(1)
    assert treadle.get_num_threads() == 1
    treadle.set_num_threads(0)
    assert treadle.get_num_threads() == machine >= 1
    for wrong in (-1, 1 << 40):
        with pytest.raises(ValueError, match="number of threads"):
            treadle.set_num_threads(wrong)
    with pytest.raises(TypeError):
        treadle.set_num_threads("two")


def test_budget():
    before = treadle.get_budget()
    for mode in ("off", "process"):
        treadle.set_budget(mode)
        assert treadle.get_budget() == mode
    with pytest.raises(ValueError, match=r'budget is "all".*machine, process and off'):
        treadle.set_budget("all")
    with pytest.raises(TypeError):
        treadle.set_budget(1)
    treadle.set_budget()
    assert treadle.get_budget() == before


def test_one_thread_is_one_thread(installed):
    treadle.set_num_threads(1)
    np.exp(np.ones(LARGE))
    assert [row["threads"] for row in treadle.report().rows] == [1]


@pytest.mark.parametrize("call", [np.tanh, np.add.reduce, np.maximum.reduce, np.sqrt])
def test_several_threads_are_used(installed, call):
    if not any(b["name"] == "openmp" and b["usable"] for b in treadle.backends()):
        pytest.skip("the openmp backend is not built")
    treadle.set_num_threads(2)
    x = np.arange(1.0, 10 * LARGE)
    used, end = 0, time.monotonic() + 60
    while used < 2 and time.monotonic() < end:  # on a busy machine the second thread comes too late
        call(x)
        used = max(row["threads"] for row in treadle.report().rows)
        time.sleep(0.001)
    assert used == 2


# ---- looking ---------------------------------------------------------------------------------


def test_report_of_nothing():
    treadle.reset()
    assert treadle.report().rows == []
    assert "no large calls" in str(treadle.report())


def test_report_is_aligned(installed):
    np.exp(np.ones(1000))
    lines = str(treadle.report()).splitlines()
    assert lines[0].split() == ["op", "backend", "calls", "seconds", "threads", "fallbacks"]
    assert lines[1].split()[0] == "loop"
    assert len({len(line) for line in lines}) == 1
    row = treadle.report().rows[0]
    assert row["calls"] == 1
    assert 0 < row["seconds"] < 10


def test_backends_lists_serial():
    serial = next(b for b in treadle.backends() if b["name"] == "serial")
    assert serial["usable"]
    assert {"add", "sum", "loop"} <= set(serial["ops"])


def test_explain_says_why():
    small, large = (treadle.explain("add", *[np.empty(n)] * 2, callers=1) for n in (10, 10**7))
    assert small["granted"] == 1
    assert small["reason"]
    assert 1 <= large["granted"] <= large["wanted"]
    assert large["elements"] == 1e7


def test_version():
    assert treadle.version == treadle.__version__
    assert treadle.version.count(".") == 2


# ---- direct calls ----------------------------------------------------------------------------


def test_run_elementwise_and_reduce():
    x, y = np.random.default_rng(0).standard_normal((2, 30, 40))
    used = {}
    assert canonical(treadle.run("add", x, y, used=used)) == canonical(x + y)
    assert used["threads"] >= 1
    assert used["backend"]
    assert canonical(treadle.run("multiply", x[:, ::2], y[0, ::2])) == canonical(
        x[:, ::2] * y[0, ::2]
    )
    for axis in (None, 0, 1, -1, np.int64(1), (0, 1), (np.int64(0),)):
        assert canonical(treadle.run("sum", x, axis=axis)) == canonical(x.sum(axis=axis))
        assert canonical(treadle.run("max", x, axis=axis)) == canonical(x.max(axis=axis))
    out = np.zeros((1, 40))
    assert treadle.run("min", x, axis=0, out=out) is out
    assert canonical(out) == canonical(x.min(axis=0, keepdims=True))


def test_run_products():
    x, y = np.random.default_rng(0).standard_normal((2, 5, 20, 20))
    np.testing.assert_allclose(treadle.run("matmul", x, y), x @ y, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(treadle.run("dot", x[0, 0], y[0, 0]), x[0, 0] @ y[0, 0])


@pytest.mark.parametrize(
    ("args", "error", "text"),
    [
        (("add", np.ones(3), np.ones(4)), ValueError, "broadcast"),
        (("add", np.ones(3)), ValueError, "add"),
        (("add",), ValueError, "at least one"),
        (("nonsense", np.ones(3)), TypeError, "nonsense"),
        (("add", np.ones(3, "g"), np.ones(3, "g")), TypeError, "argument 1"),
        (("add", np.ones(3, ">f8"), np.ones(3, ">f8")), TypeError, "argument 1"),
        (("add", np.ones(3, object), np.ones(3, object)), TypeError, "argument 1"),
        (("matmul", np.ones(3), np.ones(3)), ValueError, "two dimensions"),
        (("svd", np.ones(3)), ValueError, "two dimensions"),
    ],
)
def test_wrong_arguments(args, error, text):
    with pytest.raises(error, match=text):
        treadle.run(*args)


def test_output_must_be_writable():
    out = np.zeros(3)
    out.flags.writeable = False
    with pytest.raises(ValueError, match=r"(?i)read"):
        treadle.run("add", np.ones(3), np.ones(3), out=out)
    assert not out.any()


def test_wrong_axis():
    with pytest.raises(ValueError, match="axis 2"):
        treadle.run("sum", np.ones((3, 3)), axis=2)


# ---- environment -----------------------------------------------------------------------------

INSTALL = (
    "import numpy as np, treadle; treadle.install(); print(np.ones(9).sum(), treadle.installed)"
)


def test_wrong_variable_warns_once_and_numpy_goes_on():
    result = python("-c", INSTALL, TREADLE_BACKEND="nonsense")
    assert result.stdout == "9.0 False\n"
    assert result.returncode == 0
    assert result.stderr.count("TreadleWarning") == 1
    assert "TREADLE_BACKEND" in result.stderr
    assert "nonsense" in result.stderr


def test_wrong_variable_can_be_mended():
    program = (
        "import os, warnings, treadle\n"
        "with warnings.catch_warnings(record=True) as w:\n    treadle.install()\n"
        "os.environ['TREADLE_NUM_THREADS'] = '1'\n"
        "treadle.reload_env(); treadle.install(); print(len(w), treadle.installed)\n"
    )
    assert python("-c", program, TREADLE_NUM_THREADS="many").stdout == "1 True\n"


def test_variables_hold():
    program = (
        "import numpy as np, treadle; treadle.install(); treadle.reset(); np.sin(np.ones(100));"
        "print([(r['backend'], r['threads']) for r in treadle.report().rows])"
    )
    result = python("-c", program, TREADLE_BACKEND="serial", TREADLE_MIN="1")
    assert result.stdout == "[('serial', 1)]\n"


def test_without_plugins():
    result = python("-c", INSTALL, TREADLE_DISABLE="*", TREADLE_PLUGIN_PATH="")
    assert result.stdout == "9.0 True\n", result.stderr


# ---- python -m treadle -----------------------------------------------------------------------

SHOW = (
    "import sys; print(sys.argv, sys.path[0], __name__, globals().get('__file__'));"
    "print(__spec__ is None)"
)


def same_as_python(*args, stdin=None, **env):
    """Run with and without ``-m treadle``; return the plain result after comparing."""
    plain = python(*args, stdin=stdin, **env)
    treadled = python("-m", "treadle", *args, stdin=stdin, **env)
    assert treadled.stdout == plain.stdout
    assert treadled.stderr == plain.stderr
    assert treadled.returncode == plain.returncode
    return plain


@pytest.fixture
def script(tmp_path):
    def write(text, name="program.py"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return str(path)

    return write


def test_script_sees_what_python_shows(script):
    assert (
        "['a', '-b', '--backend']"
        in same_as_python(script(SHOW + "; print(sys.argv[1:])"), "a", "-b", "--backend").stdout
    )


def test_script_by_a_relative_path(script, monkeypatch, tmp_path):
    script(SHOW + "; 1 / 0")
    script(SHOW, "folder/__main__.py")
    monkeypatch.chdir(tmp_path)
    for path in ("program.py", "./program.py", "folder/../program.py", "folder", "./none.py"):
        same_as_python(path)


def test_script_is_parallel(script):
    text = "import treadle; print(treadle.installed)"
    assert python("-m", "treadle", script(text)).stdout == "True\n"


def test_script_in_main(script):
    same_as_python(
        script(
            "import pickle, sys\nclass C: pass\n"
            "print(pickle.loads(pickle.dumps(C())).__class__, sys.modules['__main__'].C is C)"
        )
    )


@pytest.mark.parametrize(
    "text",
    [
        "import sys; sys.exit(3)",
        "import sys; sys.exit('a message')",
        "raise SystemExit",
        "def f():\n    return 1 / 0\nf()",
        "x = (",
        "import nothing_of_that_name",
        "raise KeyboardInterrupt",
        "import sys; sys.excepthook = lambda *e: print('hook', e[0]); 1 / 0",
        "try:\n    1 / 0\nexcept ZeroDivisionError as e:\n    raise ValueError('x') from e",
        "import atexit; atexit.register(print, 'last'); print('first')",
        "assert False, 'text'",
    ],
)
def test_script_ends_as_under_python(script, text):
    same_as_python(script(text))


def test_missing_script(tmp_path):
    assert same_as_python(str(tmp_path / "none.py")).returncode == 2


def test_folder_and_zip(script, tmp_path):
    script(SHOW, "folder/__main__.py")
    same_as_python(str(tmp_path / "folder"), "x")


def test_module(script, monkeypatch, tmp_path):
    script(SHOW, "package/part.py")
    monkeypatch.chdir(tmp_path)
    assert "part.py', 'x'" in same_as_python("-m", "package.part", "x").stdout
    same_as_python("-m", "no_such_module")


def test_command_and_stdin():
    same_as_python("-c", SHOW, "a")
    same_as_python("-", "a", stdin=SHOW)
    same_as_python("-c", "def f():\n    return 1 / 0\n\nf()")
    same_as_python("-", stdin="1 / 0")


def test_names_of_main(script):
    names = "print(sorted(globals()), type(__loader__),globals().get('__annotations__'))"
    same_as_python(script(names))
    same_as_python("-c", names)
    same_as_python("-", stdin=names)


def test_errors_of_modules_and_folders(script, monkeypatch, tmp_path):
    script("def f():\n    return 1 / 0\nf()", "folder/__main__.py")
    monkeypatch.chdir(tmp_path)
    assert "ZeroDivisionError" in same_as_python("folder").stderr
    assert "ZeroDivisionError" in same_as_python("-m", "folder").stderr


def test_help_and_usage():
    assert "usage: python -m treadle" in python("-m", "treadle", "--help").stdout
    assert python("-m", "treadle").returncode == 2
    wrong = python("-m", "treadle", "--nonsense", "x.py")
    assert wrong.returncode == 2
    assert "--nonsense" in wrong.stderr


def test_backend_option(script):
    text = "import treadle; print(treadle.get_backend())"
    assert python("-m", "treadle", "--backend", "serial", script(text)).stdout == "serial\n"
    wrong = python("-m", "treadle", "--backend", "nonsense", script(text))
    assert wrong.returncode == 2
    assert "nonsense" in wrong.stderr
    assert "Traceback" not in wrong.stderr


def test_verbose_reports_at_the_end(script):
    text = "import numpy as np; np.sin(np.ones(100))"
    result = python("-m", "treadle", script(text), TREADLE_VERBOSE="1", TREADLE_MIN="1")
    assert "loop" in result.stderr
    assert result.stdout == ""


def test_wrong_variable_under_the_launcher(script):
    result = python("-m", "treadle", script("print(1)"), TREADLE_BACKEND="nonsense")
    assert (result.stdout, result.returncode) == ("1\n", 0)
    assert "TREADLE_BACKEND" in result.stderr


def test_children_by_fork(script):
    text = (
        "import os, sys, numpy as np, treadle\n"
        "treadle.set_min(1); x = np.ones(9000); x + x; np.sin(x)\n"
        "pid = os.fork()\n"
        "if pid == 0:\n    os._exit(0 if (np.sin(x) + x).sum() > 9000 else 1)\n"
        "print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))\n"
    )
    assert python("-m", "treadle", script(text)).stdout == "0\n"


def test_helper_of_the_tests_sees_errors():
    assert outcome(lambda: 1 / 0)[0] == "ZeroDivisionError"


def test_texts_may_be_of_any_characters():
    with pytest.raises(TypeError, match="é"):
        treadle.run("é" * 600, np.ones(3))
    with pytest.raises(ValueError, match="null character"):
        treadle.set_backend("serial\0nonsense")
    assert treadle.get_backend() == "auto"
