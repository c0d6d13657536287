/* SPDX-License-Identifier: BSD-3-Clause */
/* One kind of names: small calls reach the old library of these names, large ones the backend, and
 * all compute what a plain loop does. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>

#include "old_blas.h"
#include "taker.h"

enum { BITS = 8 * sizeof(OLD_INT), SMALL = 7, LARGE = 90 };

static void before(void)
{
    taker_install();
}
TestSuite(names, .init = before);

static double *numbers(size_t count, unsigned seed)
{
    double *x = malloc(count * sizeof *x);
    srand(seed);
    for (size_t i = 0; i < count; i++)
        x[i] = rand() % 100 / 8.0 - 6;
    return x;
}

/* c = 2 a^T b + 3 c of n x n; all products and sums are exact, so that any order gives the same. */
static void check_gemm(OLD_INT n, int cblas)
{
    double *a = numbers((size_t)(n * n), 1), *b = numbers((size_t)(n * n), 2);
    double *c = numbers((size_t)(n * n), 3), *expected = numbers((size_t)(n * n), 3);
    double two = 2, three = 3;
    for (OLD_INT i = 0; i < n; i++)
        for (OLD_INT j = 0; j < n; j++) {
            double sum = 0;
            for (OLD_INT k = 0; k < n; k++)
                sum += cblas ? a[k * n + i] * b[k * n + j] : a[i * n + k] * b[j * n + k];
            double *out = cblas ? &expected[i * n + j] : &expected[j * n + i];
            *out = 2 * sum + 3 * *out;
        }
    if (cblas)
        OLD(cblas_dgemm)(101, 112, 111, n, n, n, two, a, n, b, n, three, c, n);
    else
        OLD(dgemm_)("T", "N", &n, &n, &n, &two, a, &n, b, &n, &three, c, &n, 1, 1);
    for (OLD_INT i = 0; i < n * n; i++)
        cr_assert_eq(c[i], expected[i], "%d: %g, not %g", (int)i, c[i], expected[i]);
    free(a), free(b), free(c), free(expected);
}

Test(names, small_products_reach_the_old_library)
{
    for (int cblas = 0; cblas < 2; cblas++) {
        check_gemm(SMALL, cblas);
        cr_assert_eq(OLD(old_log)()->gemm, 1 + cblas);
    }
    cr_assert_eq(taken.gemm, 0);
}

Test(names, large_products_go_to_the_backend)
{
    for (int cblas = 0; cblas < 2; cblas++) {
        check_gemm(LARGE, cblas);
        cr_assert_eq(taken.gemm, 1 + cblas);
        cr_assert_eq(taken.int_bits, (uint32_t)BITS);
        cr_assert_eq(taken.inside, 0);
    }
    cr_assert_eq(OLD(old_log)()->gemm, 0);
}

Test(names, results_come_back)
{
    double x[4] = {1, 2, 3, 4}, y[4] = {5, 6, 7, 8};
    OLD_INT n = 4, one = 1, back = -1;
    cr_assert_eq(OLD(ddot_)(&n, x, &one, y, &one), 70);
    cr_assert_eq(OLD(ddot_)(&n, x, &one, y, &back), 60);
    cr_assert_eq(OLD(cblas_ddot)(n, x, 1, y, 1), 70);
    cr_assert_eq(OLD(cblas_ddot)(n, x, 1, y, -1), 60);
    n = 20000; /* large, but the backend has none */
    double *z = numbers((size_t)n, 4), sum = 0;
    for (OLD_INT i = 0; i < n; i++)
        sum += z[i] * z[i];
    cr_assert_eq(OLD(ddot_)(&n, z, &one, z, &one), sum);
    cr_assert_eq(OLD(cblas_ddot)(n, z, 1, z, 1), sum);
    cr_assert_eq(OLD(old_log)()->dot, 6);
    free(z);
}

Test(names, what_is_not_taken_is_the_old_librarys)
{
    double x[2] = {3, 4};
    double _Complex z[2] = {1 + 2 * I, 3 - I};
    OLD_INT n = 2, one = 1;
    cr_assert_eq(OLD(dnrm2_)(&n, x, &one), 25);
    cr_assert_eq(OLD(old_log)()->nrm2, 1);
    double _Complex product = OLD(zdotc_)(&n, z, &one, z, &one);
    cr_assert(creal(product) == 15 && cimag(product) == 0);
}
