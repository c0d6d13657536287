# SPDX-License-Identifier: BSD-3-Clause
"""TREADLE_AB under NumPy: a program's own calls on two backends, with the bits of plain NumPy."""

import json
import re
import subprocess
from pathlib import Path

import pytest
from conftest import python

ROOT = Path(__file__).resolve().parents[2]

# No sums and products: of two NaNs, NumPy before 2.3 keeps another one than Treadle's kernels, and
# so its own loop runs.
WORK = """
import hashlib
import numpy as np

digest = hashlib.sha256()
x = np.random.default_rng(1).random(200_000)
y = np.random.default_rng(2).random((400, 500))
for i in range(ROUNDS):
    x = np.sqrt(x / 1.5 - -1e-3)
    y -= 1e-3
    digest.update(x.tobytes())
    digest.update(y.sum(axis=0).tobytes())
    digest.update(np.exp(x[::2]).tobytes())
print(digest.hexdigest())
"""


def treadle_version():
    return python("-c", "import treadle; print(treadle.__version__)").stdout.strip()


def run(tmp_path, sides, code=WORK, rounds=200, **env):
    """Run it under Treadle; return what it printed, and what was saved."""
    saved = tmp_path / "live.json"
    code = code.replace("ROUNDS", str(rounds))
    env = {"TREADLE_AB": sides, "TREADLE_AB_SAVE": str(saved), "TREADLE_MIN": "10000", **env}
    done = python("-m", "treadle", "-c", code, **env)
    assert done.returncode == 0, done.stderr
    return done, json.loads(saved.read_text())


def test_the_bits_are_plain_numpys(tmp_path):
    plain = python("-c", WORK.replace("ROUNDS", "200"))
    done, saved = run(tmp_path, "serial,openmp@0.5")
    assert done.stdout == plain.stdout
    assert done.stderr == ""
    assert saved["warnings"] == []
    assert saved["environment"]["version"] == treadle_version()
    results = {r["op"]: r for r in saved["results"]}
    assert {"subtract", "divide", "sqrt", "loop"} <= set(results)
    for op in ["subtract", "divide", "sqrt"]:
        assert results[op]["verified"] is True
        assert results[op]["same_bits_required"] is True
        assert results[op]["a"]["backend"] == "serial"
        assert results[op]["b"]["backend"] == "openmp"
        assert results[op]["dtype"] == "f64"
        assert results[op]["shape"] == "200000"
        assert results[op]["work"] == 200_000 * 8 * (2 if op == "sqrt" else 3)
        assert len(results[op]["samples"]) > 1


def test_products_are_compared_too(tmp_path):
    code = """if True:
        import numpy as np
        a = np.eye(200)
        for _ in range(1000):
            b = a @ a
        assert (b == a).all()
    """
    _, saved = run(tmp_path, "blis,openblas@0.5", code)
    (result,) = saved["results"]
    assert result["op"] == "cblas_dgemm"
    assert result["verified"] is None
    assert result["shape"] == f"{2 * 200**3} flop"
    assert (result["a"]["backend"], result["b"]["backend"]) == ("blis", "openblas")


def test_the_table_comes_at_exit():
    done = python(
        "-m", "treadle", "-c", WORK.replace("ROUNDS", "40"), TREADLE_AB="serial,openmp@0.5"
    )
    assert done.returncode == 0
    assert done.stderr.startswith("treadle: A: serial   B: openmp, for a share of 0.5")
    assert "\ndivide " in done.stderr


def test_a_wrong_value_is_a_warning():
    done = python(
        *["-m", "treadle", "-c", "import numpy; print(numpy.ones(3).sum())"], TREADLE_AB="serial"
    )
    assert done.stdout == "3.0\n"
    assert "TREADLE_AB=serial: allowed are two backends" in done.stderr


def test_saved_runs_can_be_compared(tmp_path):
    treadle = ROOT / "build" / "stage" / "bin" / "treadle"
    if not treadle.exists():
        pytest.skip("the treadle command is not built")
    files = []
    for name in ["old", "new"]:
        folder = tmp_path / name
        folder.mkdir()
        run(folder, "serial,openmp@0.5", rounds=60)
        files.append(folder / "live.json")
    done = subprocess.run(
        [treadle, "ab", "compare", *files, "--json"], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert "divide" in {c["op"] for c in json.loads(done.stdout)["changes"]}


def test_a_page_is_saved_where_the_name_says_so(tmp_path):
    page = tmp_path / "live.html"
    code = WORK.replace("ROUNDS", "60")
    env = {"TREADLE_AB": "serial,openmp@0.5", "TREADLE_AB_SAVE": str(page), "TREADLE_MIN": "10000"}
    assert python("-m", "treadle", "-c", code, **env).returncode == 0
    text = page.read_text()
    data = re.search(r'<script type="application/json" id="data">(.*?)</script>', text, re.DOTALL)
    assert "divide" in {r["op"] for r in json.loads(data[1])["results"]}
    assert text.endswith("</html>\n")


SIBLINGS = """
import os, subprocess, sys
import numpy as np
x = np.ones(200_000)
for _ in range(40):
    x + x
print(os.getpid(), flush=True)
if len(sys.argv) == 1:
    subprocess.run([sys.executable, "-m", "treadle", __file__, "child"], check=True)
"""


def test_processes_write_files_of_their_own(tmp_path):
    script = tmp_path / "siblings.py"
    script.write_text(SIBLINGS)
    saved = {f"TREADLE_{kind}": f"{tmp_path}/{kind}-%p.json" for kind in ["AB_SAVE", "TRACE"]}
    env = {"TREADLE_AB": "serial,openmp@0.5", "TREADLE_MIN": "10000", **saved}
    done = python("-m", "treadle", script, **env)
    assert done.returncode == 0, done.stderr
    pids = done.stdout.split()
    assert len(set(pids)) == 2
    for pid in pids:
        assert json.loads((tmp_path / f"AB_SAVE-{pid}.json").read_text())["results"]
        trace = (tmp_path / f"TRACE-{pid}.json").read_text()
        assert set(re.findall(r'"pid":(\d+)', trace)) == {pid}
