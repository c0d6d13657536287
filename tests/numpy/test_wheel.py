# SPDX-License-Identifier: BSD-3-Clause
"""The wheel, in a fresh virtual environment without compilers."""

import re
import subprocess
import sysconfig
import venv
from pathlib import Path

import pytest

TREE = Path(__file__).parents[2]

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def wheel():
    done = subprocess.run(
        [TREE / "dev", "wheel"], stdin=subprocess.DEVNULL, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return Path(done.stdout.strip())


@pytest.fixture(scope="module")
def fresh(wheel, tmp_path_factory):
    """Return a function that runs a program of a new environment, with nothing else on PATH.

    The environment borrows NumPy, so that no index is asked.
    """
    folder = tmp_path_factory.mktemp("fresh")
    venv.create(folder, with_pip=True)
    (site,) = folder.glob("lib/python*/site-packages")
    (site / "borrowed.pth").write_text(sysconfig.get_path("purelib"))

    def run(*args, **env):
        done = subprocess.run(
            [folder / "bin" / args[0], *args[1:]],
            env={"PATH": str(folder / "bin"), "HOME": str(folder), **env},
            cwd=folder,
            capture_output=True,
            text=True,
            timeout=300,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    run("python", "-m", "pip", "install", "--no-index", "--disable-pip-version-check", str(wheel))
    return run


def test_it_runs_on_other_systems(wheel):
    """auditwheel gives this tag only if all that is not inside belongs to the platform."""
    assert re.search(r"-manylinux_2_\d+_\w+\.whl$", wheel.name)


def test_a_script_finds_all_that_it_needs(fresh, tmp_path):
    script = tmp_path / "script.py"
    script.write_text(
        "import hashlib, re, sys\n"
        "import numpy as np\n"
        "import treadle\n"
        "x = np.linspace(-3, 3, 300_001)\n"
        "work = lambda: hashlib.sha256(b''.join(\n"
        "    np.asarray(v).tobytes() for v in (x + x, np.exp(x), x.sum()))).hexdigest()\n"
        "plain = work()\n"
        "treadle.install()\n"
        "treadle.set_min(1)\n"
        "treadle.set_num_threads(2)\n"
        "print('same' if work() == plain else 'different')\n"
        "a = x[:90000].reshape(300, 300)\n"
        "u, s, vh = treadle.run('svd', a)\n"
        "print('svd' if np.allclose(u * s @ vh, a) else 'wrong')\n"
        "print(*sorted(b['name'] for b in treadle.backends() if b['usable']))\n"
        "maps = open('/proc/self/maps').read()\n"
        "for path in sorted(set(re.findall(r'/\\S*(?:treadle|libomp)\\S*\\.so\\S*', maps))):\n"
        "    print('inside' if path.startswith(sys.prefix) else 'outside', path.split('/')[-1])\n"
    )
    lines = fresh("python", str(script)).splitlines()
    assert lines[:3] == ["same", "svd", "blis openblas openmp serial"]
    inside = sorted(line.split(maxsplit=1)[1] for line in lines[3:] if line.startswith("inside"))
    assert len(inside) == len(lines[3:])
    assert [n for n in inside if "libomp" in n] == ["libomp.so.5"]
    assert {"libtreadle.so.0", "treadle-blis.so", "treadle-openmp.so"} < set(inside)


def test_commands_and_the_switch(fresh):
    assert re.search(r"^openmp ", fresh("treadle", "list"), re.M)
    assert "ok" in fresh("python", "-m", "treadle", "--doctor")
    program = "import numpy, treadle; print(treadle.installed)"
    assert fresh("python", "-c", program) == "False\n"
    assert fresh("python", "-c", program, TREADLE_NUMPY="1") == "True\n"


def test_it_has_types_and_licences(fresh):
    program = "import importlib.metadata as m; print(*m.files('treadle'), sep='\\n')"
    files = fresh("python", "-c", program).splitlines()
    for name in ("treadle/py.typed", "treadle/_treadle.pyi", "treadle-numpy.pth"):
        assert name in files
    assert any(name.startswith("treadle/licenses/libomp") for name in files)
