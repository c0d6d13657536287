# SPDX-License-Identifier: BSD-3-Clause
"""`treadle run`: programs behind libtreadle_blas, and what is refused."""

import json
import os
import subprocess
from pathlib import Path

import pytest

OLD_BLAS = Path(__file__).resolve().parents[1] / "blas"
ABI = OLD_BLAS.parents[1] / "abi"
FAILED, USAGE, NOT_RUNNABLE, NOT_FOUND = 1, 2, 126, 127

# Prints how many products the BLAS has made that the program is linked with, and whether a small
# and a large one are right.
PROGRAM = r"""
#include <stdio.h>
#include "old_blas.h"

static double a[90 * 90], b[90 * 90], c[90 * 90];

static int multiply(int n)
{
    const double one = 1, zero = 0;
    int wrong = 0;
    for (int i = 0; i < n * n; i++)
        a[i] = i % 7 - 3, b[i] = i % 5 - 2;
    dgemm_("N", "N", &n, &n, &n, &one, a, &n, b, &n, &zero, c, &n, 1, 1);
    for (int j = 0; j < n; j++)
        for (int i = 0; i < n; i++) {
            double sum = 0;
            for (int k = 0; k < n; k++)
                sum += a[i + k * n] * b[k + j * n];
            wrong += c[i + j * n] != sum;
        }
    return wrong;
}

int main(void)
{
    int wrong = multiply(3) + multiply(90);
    printf("wrong %d, old %d\n", wrong, old_log()->gemm);
    return 42;
}
"""


@pytest.fixture(scope="module")
def program(tmp_path_factory):
    folder = tmp_path_factory.mktemp("program")
    (folder / "program.c").write_text(PROGRAM)
    names = ["-DOLD_INT=int", "-DOLD_PREFIX=", "-DOLD_SUFFIX="]
    common = ["cc", "-O1", "-fPIC", f"-I{OLD_BLAS}", f"-I{ABI}", *names]
    library = folder / "libold.so"
    subprocess.run([*common, "-shared", OLD_BLAS / "old_blas.c", "-o", library], check=True)
    subprocess.run(
        [*common, folder / "program.c", library, f"-Wl,-rpath,{folder}", "-o", folder / "program"],
        check=True,
    )
    return folder / "program"


def has_blis(treadle):
    found = json.loads(treadle("list", "--json").stdout)["backends"]
    return any(b["name"] == "blis" and b["usable"] for b in found)


def test_a_backend_takes_the_large_calls(treadle, program, tmp_path):
    if not has_blis(treadle):
        pytest.skip("without blis no backend has products")
    trace = tmp_path / "trace"
    done = treadle(
        *("run", "--backend", "blis", "--threads", 1, "--", program),
        code=42,
        TREADLE_TRACE=str(trace),
    )
    assert done.stdout == "wrong 0, old 1\n"
    assert trace.read_text().count('"name":"dgemm_","cat":"blis"') == 1


def test_what_no_backend_has_stays(treadle, program):
    assert treadle("run", "--backend=serial", program, code=42).stdout == "wrong 0, old 2\n"


def test_a_wrong_variable_is_told_once_and_stops_nothing(treadle, program):
    library = json.loads(treadle("run", "--json", program).stdout)["environment"]["LD_PRELOAD"]
    env = os.environ | {"LD_PRELOAD": library, "TREADLE_BACKEND": "nobody"}
    done = subprocess.run([program], env=env, capture_output=True, text=True, check=False)
    assert done.stdout == "wrong 0, old 2\n"
    assert done.stderr.count("TREADLE_BACKEND") == 1
    assert '"nobody"' in done.stderr


def test_children_inherit_and_options_end_at_the_program(treadle):
    script = "sh -c 'echo $LD_PRELOAD $TREADLE_BACKEND $TREADLE_NUM_THREADS --json'"
    told = treadle("run", "--backend", "openmp:2,serial", "--threads=3", "sh", "-c", script).stdout
    library, *others = told.split()
    assert Path(library).name == "libtreadle_blas.so.0"
    assert Path(library).exists()
    assert others == ["openmp:2,serial", "3", "--json"]


def test_what_was_to_be_preloaded_stays(treadle):
    libc = "libc.so.6"
    told = treadle("run", "--", "sh", "-c", "echo $LD_PRELOAD", LD_PRELOAD=libc).stdout.strip()
    library, other = told.split(":")
    assert Path(library).name == "libtreadle_blas.so.0"
    assert other == libc
    assert treadle("run", "sh", "-c", "echo $LD_PRELOAD", LD_PRELOAD=told).stdout.strip() == told


def test_json_says_what_would_be_set_and_runs_nothing(treadle, tmp_path):
    done = tmp_path / "done"
    shown = json.loads(treadle("run", "--json", "--threads", 2, "--", "touch", done).stdout)
    assert shown["program"] == ["touch", str(done)]
    assert set(shown["environment"]) == {"LD_PRELOAD", "TREADLE_NUM_THREADS"}
    assert not done.exists()


@pytest.mark.parametrize(
    ("arguments", "code", "fragment"),
    [
        ([], USAGE, "run: there is no program"),
        (["--"], USAGE, "run: there is no program"),
        (["--backend", "nobody", "true"], USAGE, "run: --backend: backend=nobody: there is no"),
        (["--backend"], USAGE, "run: option --backend needs a value"),
        (["--threads", "0", "true"], USAGE, "run: --threads: '0' is not a whole number from 1"),
        (["--nothing", "true"], USAGE, "run: unknown option --nothing"),
        (["--", "./nowhere"], NOT_FOUND, "run: ./nowhere cannot be run: No such file"),
        (["--", "/"], NOT_RUNNABLE, "run: / cannot be run: Permission denied"),
    ],
)
def test_refusals(treadle, arguments, code, fragment):
    assert f"treadle: {fragment}" in treadle("run", *arguments, code=code).stderr


def test_a_wrong_variable_of_the_environment_is_told_before(treadle):
    done = treadle("run", "true", code=FAILED, TREADLE_BUDGET="all")
    assert "TREADLE_BUDGET" in done.stderr
