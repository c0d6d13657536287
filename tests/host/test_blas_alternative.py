# SPDX-License-Identifier: BSD-3-Clause
"""libblas.so.3 and liblapack.so.3 of treadle-blas in the place of the system's."""

import ctypes
import json
import os
import subprocess
from pathlib import Path

import pytest

# Arguments in all kinds of registers and on the stack, results in all kinds of registers. What is
# exact in any order is compared here, the rest with a plain run, to the bit.
PROGRAM = r"""
#include <complex.h>
#include <stdio.h>
#include <string.h>

double dnrm2_(const int *n, const double *x, const int *incx);
int idamax_(const int *n, const double *x, const int *incx);
float cblas_sasum(int n, const float *x, int incx);
double _Complex zdotc_(const int *n, const double _Complex *x, const int *incx,
                       const double _Complex *y, const int *incy);
void cblas_drot(int n, double *x, int incx, double *y, int incy, double c, double s);
void cblas_dgbmv(int order, int trans, int m, int n, int kl, int ku, double alpha, const double *a,
                 int lda, const double *x, int incx, double beta, double *y, int incy);
double dlange_(const char *norm, const int *m, const int *n, const double *a, const int *lda,
               double *work, size_t length);
void dgtsv_(const int *n, const int *nrhs, double *dl, double *d, double *du, double *b,
            const int *ldb, int *info);
double ddot_(const int *n, const double *x, const int *incx, const double *y, const int *incy);
void dgemm_(const char *trans_a, const char *trans_b, const int *m, const int *n, const int *k,
            const double *alpha, const double *a, const int *lda, const double *b, const int *ldb,
            const double *beta, double *c, const int *ldc, size_t length_a, size_t length_b);

static double x[9], y[9], a[80 * 80], b[80 * 80], c[80 * 80];
static const double band[9] = {1, 2, 3, 4, 5, 6, 7, 8, 9};
static float s[9];
static double _Complex z[9];

static void tell(const char *name, const double *values, int n)
{
    printf("%s", name);
    for (int i = 0; i < n; i++)
        printf(" %a", values[i]);
    puts("");
}

static void reset(void)
{
    for (int i = 0; i < 9; i++)
        x[i] = i % 4 - 2, s[i] = x[i], y[i] = i + 1, z[i] = x[i] + y[i] * I;
}

int main(void)
{
    const int n = 9, one = 1, large = 80;
    const double unit = 1, zero = 0;
    int info = 0;
    double result;
    reset();
    result = dnrm2_(&n, x, &one), tell("dnrm2", &result, 1);
    result = idamax_(&n, y, &one), tell("idamax", &result, 1);
    result = cblas_sasum(n, s, 1), tell("sasum", &result, 1);
    double _Complex product = zdotc_(&n, z, &one, z, &one);
    tell("zdotc", (double *)&product, 2);
    cblas_drot(n, x, 1, y, -1, 0, 2), tell("drot", x, n), tell("drot", y, n);
    reset();
    cblas_dgbmv(102, 111, 3, 3, 1, 1, 2, band, 3, x, 1, 3, y + 6, 1), tell("dgbmv", y + 6, 3);
    reset();
    result = dlange_("1", &one, &n, y, &one, x, 1), tell("dlange", &result, 1);
    reset();
    double diagonal[9] = {4, 4, 4, 4, 4, 4, 4, 4, 4}, upper[8] = {1, 1}, lower[8] = {0, 1, 1};
    dgtsv_(&n, &one, lower, diagonal, upper, y, &n, &info), tell("dgtsv", y, n);
    reset();
    result = ddot_(&n, x, &one, y, &one), tell("ddot", &result, 1);
    for (int i = 0; i < 80 * 80; i++)
        a[i] = i % 7 - 3, b[i] = i % 5 - 2;
    dgemm_("N", "T", &large, &large, &large, &unit, a, &large, b, &large, &zero, c, &large, 1, 1);
    for (int j = 0; j < 80; j++)
        for (int i = 0; i < 80; i++) {
            for (int k = 0; k < 80; k++)
                c[i + j * 80] -= a[i + k * 80] * b[j + k * 80];
            info += c[i + j * 80] != 0;
        }
    printf("wrong %d\n", info);
    return 0;
}
"""
EXACT = {
    "idamax": [9],
    "sasum": [10],
    "zdotc": [301, 0],
    "dgbmv": [5, 2, 15],
    "dlange": [9],
    "ddot": [-26],
}


@pytest.fixture(scope="module")
def folder(treadle):
    shown = json.loads(treadle("run", "--json", "true").stdout)
    return Path(shown["environment"]["LD_PRELOAD"]).parent / "treadle-blas"


@pytest.fixture(scope="module")
def program(tmp_path_factory):
    if not all(has_library(name) for name in ("libblas.so.3", "liblapack.so.3")):
        pytest.skip("this machine has no BLAS or no LAPACK")
    source = tmp_path_factory.mktemp("program") / "program.c"
    source.write_text(PROGRAM)
    built = source.with_suffix("")
    libraries = ["-l:liblapack.so.3", "-l:libblas.so.3"]
    subprocess.run(["cc", "-O1", source, *libraries, "-o", built], check=True)
    return built


def has_library(name):
    try:
        return bool(ctypes.CDLL(name))
    except OSError:
        return False


def run(program, **variables):
    env = {k: v for k, v in os.environ.items() if not k.startswith(("TREADLE_", "LD_"))}
    done = subprocess.run(
        [program], env=env | variables, capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return done.stdout


def values(output):
    lines = [line.split() for line in output.splitlines()]
    return {name: [float.fromhex(v) for v in told] for name, *told in lines if name != "wrong"}


def test_calls_reach_the_systems_libraries(program, folder):
    plain = run(program)
    ours = run(program, LD_LIBRARY_PATH=str(folder))
    assert ours == plain
    assert values(ours) | EXACT == values(ours)
    assert ours.endswith("wrong 0\n")


def test_it_is_our_libraries_that_are_called(program, folder):
    told = run(program, LD_LIBRARY_PATH=str(folder), LD_TRACE_LOADED_OBJECTS="1")
    for name in ("libblas.so.3", "liblapack.so.3"):
        assert f"{name} => {folder}/{name}" in told


def exported(library):
    told = subprocess.run(
        ["nm", "-D", "--defined-only", library], capture_output=True, text=True, check=True
    ).stdout
    return {line.split()[-1] for line in told.splitlines() if line.split()[-2] in "TWi"}


@pytest.mark.parametrize("reference", ["blas/libblas.so.3", "lapack/liblapack.so.3"])
def test_every_name_of_the_reference_libraries_is_there(folder, reference):
    found = list(Path("/usr/lib").glob(f"*-linux-gnu/{reference}"))
    if not found:
        pytest.skip(f"this machine has no {reference} of Debian's")
    ours = exported(folder / Path(reference).name) | exported(
        folder.parent / "libtreadle_blas.so.0"
    )
    assert not {name for name in exported(found[0]) - ours if not name.startswith("_")}
