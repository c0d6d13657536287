# SPDX-License-Identifier: BSD-3-Clause
"""threadpoolctl sees Treadle, limits it, and puts back what it found."""

import zipfile

import numpy as np
import pytest
import threadpoolctl
from conftest import canonical, python

import treadle


@pytest.fixture(autouse=True)
def installed():
    treadle.install()
    treadle.set_min(1)


def of_treadle():
    return [i for i in threadpoolctl.threadpool_info() if i["internal_api"] == "treadle"]


def test_it_is_seen():
    (info,) = of_treadle()
    assert info["user_api"] == "treadle"
    assert info["prefix"] == "libtreadle"
    assert info["num_threads"] == treadle.get_num_threads()
    assert info["version"] == treadle.version


@pytest.mark.parametrize(
    "program",
    [
        "import treadle, threadpoolctl; treadle.version",
        "import threadpoolctl, treadle; treadle.version",
        "import threadpoolctl; threadpoolctl.threadpool_info(); import treadle; treadle.version",
    ],
)
def test_in_any_order(program):
    show = "; print([i['prefix'] for i in threadpoolctl.threadpool_info()].count('libtreadle'))"
    result = python("-c", program + show)
    assert (result.stdout, result.stderr) == ("1\n", "")


def test_a_version_that_takes_no_controllers(tmp_path):
    (tmp_path / "threadpoolctl.py").write_text("__version__ = '3.1.0'\n")
    text = f"import sys; sys.path.insert(0, {str(tmp_path)!r})\nimport threadpoolctl, treadle"
    result = python("-c", text + "\nprint(treadle.version[0])")
    assert (result.stdout, result.stderr) == ("0\n", "")


def test_modules_of_a_zip_file_share_a_loader(tmp_path):
    with zipfile.ZipFile(tmp_path / "both.zip", "w") as file:
        file.writestr("other.py", "print('other')\n")
        register = "class LibController: pass\ndef register(_): print('registered')\n"
        file.writestr("threadpoolctl.py", register)
    program = (
        f"import sys; sys.path.insert(0, {str(tmp_path / 'both.zip')!r})\n"
        "import treadle; treadle.version\n"
        "from importlib.util import find_spec\n"
        "find_spec('threadpoolctl'); find_spec('threadpoolctl')\n"
        "import other, threadpoolctl\n"
        "print(type(threadpoolctl.__loader__).__name__, 'exec_module' in vars(other.__loader__))\n"
    )
    result = python("-c", program)
    assert (result.stdout, result.stderr) == ("other\nregistered\nzipimporter False\n", "")


def test_it_is_not_imported_for_it():
    program = "import sys, treadle; treadle.install(); print('threadpoolctl' in sys.modules)"
    assert python("-c", program).stdout == "False\n"


@pytest.mark.parametrize("before", [0, 3])
def test_limits_hold_and_are_put_back(before):
    treadle.set_num_threads(before)
    found = treadle.get_num_threads()
    with threadpoolctl.threadpool_limits(1):
        assert treadle.get_num_threads() == 1
        treadle.reset()
        np.sin(np.ones(100_000))
        assert [row["threads"] for row in treadle.report().rows] == [1]
        with threadpoolctl.threadpool_limits({"treadle": 2}):
            assert treadle.get_num_threads() == 2
        assert treadle.get_num_threads() == 1
    assert treadle.get_num_threads() == found


def test_the_machine_rules_again_afterwards():
    program = (
        "import os, time, treadle, threadpoolctl\n"
        "treadle.install()\n"
        "with threadpoolctl.threadpool_limits(1): print(treadle.get_num_threads())\n"
        "os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})\n"
        "time.sleep(2.2)  # cores are counted every two seconds\n"
        "print(treadle.get_num_threads())\n"
    )
    assert python("-c", program).stdout == "1\n1\n"


@pytest.mark.parametrize("api", ["openmp", "blas", "treadle", None])
@pytest.mark.parametrize("backend", ["auto", "openmp", "blis", "openblas"])
def test_no_limit_changes_results(api, backend):
    if backend != "auto" and not any(
        b["usable"] and b["name"] == backend for b in treadle.backends()
    ):
        pytest.skip(f"the {backend} backend is not built")
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((2, 300, 300))
    treadle.uninstall()
    expected = canonical(np.sin(x) + y), canonical((x + y).sum())
    product = x @ y
    treadle.install()
    with threadpoolctl.threadpool_limits(1, user_api=api), treadle.using(backend):
        got = canonical(np.sin(x) + y), canonical((x + y).sum())
        np.testing.assert_allclose(x @ y, product, rtol=1e-12, atol=1e-10)
    assert got == expected
    np.testing.assert_allclose(x @ y, product, rtol=1e-12, atol=1e-10)
