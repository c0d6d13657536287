# SPDX-License-Identifier: BSD-3-Clause
"""TREADLE_NUMPY=1: every program of an environment, without a change."""

import ast
import os
import sys

import pytest
from conftest import python

PROBE = "print(treadle.installed, treadle.status()['loops'] > 900)"


def switched(text, value="1", **env):
    return python("-c", text, TREADLE_NUMPY=value, **env)


def test_numpy_brings_treadle():
    result = switched(f"import numpy, treadle; {PROBE}")
    assert (result.stdout, result.stderr) == ("True True\n", "")


def test_treadle_may_come_first():
    result = switched(f"import treadle; print(treadle.__version__[0]); {PROBE}")
    assert (result.stdout, result.stderr) == ("0\nTrue True\n", "")


def test_install_before_numpy():
    result = switched(f"import treadle; treadle.install(); {PROBE}")
    assert (result.stdout, result.stderr) == ("True True\n", "")


def test_a_look_is_no_import():
    text = (
        "import importlib.util, sys; importlib.util.find_spec('numpy');"
        f"import numpy; import treadle; {PROBE};"
        "print(type(numpy.__spec__.loader).__name__, 'exec_module' in vars(numpy.__loader__),"
        "[f for f in sys.meta_path if getattr(f, 'name', '') == 'numpy'])"
    )
    assert switched(text).stdout == "True True\nSourceFileLoader False []\n"


def test_numpy_is_not_imported_for_it():
    text = "import sys; print([m for m in sys.modules if m.partition('.')[0] == 'numpy'])"
    result = switched(text)
    assert (result.stdout, result.stderr) == ("[]\n", "")


@pytest.mark.parametrize("value", ["", "0"])
def test_off(value):
    text = "import sys, numpy; print([m for m in sys.modules if 'treadle' in m])"
    result = switched(text, value)
    assert result.stderr == ""
    loaded = set(ast.literal_eval(result.stdout))
    assert loaded <= {"treadle", "treadle._later", "treadle._spin", "treadle._switch"}


def test_several_threads_import_numpy():
    text = (
        "import threading\n"
        "def load(): import numpy; numpy.ones(9).sum()\n"
        "threads = [threading.Thread(target=load) for _ in range(8)]\n"
        "[t.start() for t in threads]; [t.join() for t in threads]\n"
        f"import treadle; {PROBE}"
    )
    result = switched(text)
    assert (result.stdout, result.stderr) == ("True True\n", "")


def test_numpy_that_fails_to_load_fails_as_ever(tmp_path):
    (tmp_path / "numpy.py").write_text("raise ImportError('broken')\n")
    text = f"import sys; sys.path.insert(0, {str(tmp_path)!r})\nimport numpy"
    result = switched(text)
    assert result.returncode == 1
    assert result.stderr.endswith("ImportError: broken\n")


def test_wrong_value_is_named():
    result = switched("import numpy; print(numpy.ones(3).sum())", "yes")
    assert result.stdout == "3.0\n"
    assert "TREADLE_NUMPY=yes: allowed are 0 and 1" in result.stderr


def test_wrong_other_variable_leaves_numpy_alone():
    result = switched("import numpy; print(numpy.ones(3).sum())", TREADLE_BACKEND="nonsense")
    assert (result.stdout, result.returncode) == ("3.0\n", 0)
    assert result.stderr.count("TreadleWarning") == 1
    assert "nonsense" in result.stderr


def test_spawned_workers_have_it_too(tmp_path):
    (tmp_path / "program.py").write_text(
        "import multiprocessing\n"
        "def installed(_):\n    import numpy, treadle\n    return treadle.installed\n"
        "if __name__ == '__main__':\n"
        "    with multiprocessing.get_context('spawn').Pool(1) as pool:\n"
        "        print(pool.map(installed, [0]))\n"
    )
    assert python(str(tmp_path / "program.py"), TREADLE_NUMPY="1").stdout == "[True]\n"


# ---- where Treadle can't be loaded -----------------------------------------------------------

BROKEN = (
    "import sys\n"
    "class Broken:\n"
    "    def find_spec(self, name, path=None, target=None):\n"
    "        if name == 'treadle._treadle': raise ImportError('libtreadle.so.0: missing')\n"
    "sys.meta_path.insert(0, Broken())\n"
)


def test_a_program_goes_on_without_the_library():
    text = (
        BROKEN + "import numpy, treadle\ntreadle.install()\n"
        "with treadle.using('serial'): print(numpy.ones(3).sum(), treadle.installed)\n"
        "treadle.uninstall(); print(treadle.doctor())"
    )
    result = python("-c", text)
    assert result.stdout.startswith("3.0 False\n"), result.stderr
    assert "missing" in result.stdout.splitlines()[1]
    assert result.stderr.count("TreadleWarning") == 1
    assert "missing; NumPy goes on without Treadle" in result.stderr


def test_the_launcher_goes_on_without_numpy(tmp_path):
    (tmp_path / "numpy.py").write_text("raise ImportError('no numpy here')\n")
    path = os.pathsep.join([str(tmp_path), *filter(None, sys.path)])
    result = python("-m", "treadle", "-c", "print(1)", PYTHONPATH=path)
    assert (result.stdout, result.returncode) == ("1\n", 0), result.stderr
    assert "no numpy here; NumPy goes on without Treadle" in result.stderr


def test_what_needs_the_library_says_why():
    result = python("-c", BROKEN + "import treadle\ntreadle.report()")
    assert result.returncode == 1
    assert result.stderr.splitlines()[-1].endswith("libtreadle.so.0: missing")


SUB_INTERPRETER = """
code = 'import treadle; treadle.install(); assert not treadle.installed; print(treadle.doctor())'
try:
    import _interpreters as i
    print(i.exec(i.create('legacy'), code))
except ImportError:  # Python 3.11 and 3.12
    import _xxsubinterpreters as i
    print(i.run_string(i.create(isolated=False), code))
"""


def test_a_sub_interpreter_is_refused_in_words():
    result = python("-W", "ignore::UserWarning", "-c", SUB_INTERPRETER)
    assert result.stdout.startswith("warn  treadle "), result.stderr
    assert result.stdout.endswith("None\n"), result.stderr


IDLE = """
import os, sys, time
{install}
import numpy as np
a = np.ones((800, 800))
np.dot(a, a)
time.sleep(0.02)
begin = time.process_time()
time.sleep(0.3)
print(time.process_time() - begin < 0.02, os.environ.get("OPENBLAS_THREAD_TIMEOUT"))
"""


@pytest.mark.parametrize("way", ["switch", "install first"])
def test_threads_of_openblas_sleep_soon(way):
    """By themselves they spin for 0.1 s, on cores that others need."""
    switch = way == "switch"
    text = IDLE.format(install="" if switch else "import treadle; treadle.install()")
    env = {"TREADLE_BACKEND": "openblas", "OPENBLAS_NUM_THREADS": "2"}
    assert switched(text, "1" if switch else "0", **env).stdout == "True None\n"


def test_a_spin_of_the_users_stays():
    text = IDLE.format(install="import treadle; treadle.install()")
    assert "20" in switched(text, "0", OPENBLAS_THREAD_TIMEOUT="20").stdout
