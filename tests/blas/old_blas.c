/* SPDX-License-Identifier: BSD-3-Clause */
#include "old_blas.h"

#include <stdlib.h>
#include <string.h>

#include <treadle/plugin.h>

#pragma GCC visibility push(default)

static _Thread_local struct old_log counted;
void (*OLD(old_xerbla_hook))(void);

struct old_log *OLD(old_log)(void)
{
    return &counted;
}

static const double *first_of(const double *x, OLD_INT n, OLD_INT inc)
{
    return inc < 0 ? x - (n - 1) * inc : x;
}

double OLD(cblas_ddot)(OLD_INT n, const double *x, OLD_INT incx, const double *y, OLD_INT incy)
{
    double sum = 0;
    counted.dot++;
    counted.stride = incx;
    x = first_of(x, n, incx);
    y = first_of(y, n, incy);
    for (OLD_INT i = 0; i < n; i++)
        sum += x[i * incx] * y[i * incy];
    return sum;
}

double OLD(ddot_)(const OLD_INT *n, const double *x, const OLD_INT *incx, const double *y,
                  const OLD_INT *incy)
{
    return OLD(cblas_ddot)(*n, x, *incx, y, *incy);
}

double OLD(dnrm2_)(const OLD_INT *n, const double *x, const OLD_INT *incx)
{
    double most = 0;
    counted.nrm2++;
    for (OLD_INT i = 0; i < *n; i++)
        most += x[i * *incx] * x[i * *incx];
    return most;
}

double _Complex OLD(zdotc_)(const OLD_INT *n, const double _Complex *x, const OLD_INT *incx,
                            const double _Complex *y, const OLD_INT *incy)
{
    double _Complex sum = 0;
    counted.dot++;
    for (OLD_INT i = 0; i < *n; i++)
        sum += conj(x[i * *incx]) * y[i * *incy];
    return sum;
}

OLD_INT OLD(isamax_)(const OLD_INT *n, const float *x, const OLD_INT *incx)
{
    OLD_INT best = *n > 0;
    for (OLD_INT i = 1; i < *n; i++)
        if (x[i * *incx] > x[(best - 1) * *incx])
            best = i + 1;
    return best;
}

static double at(const double *a, OLD_INT ld, int transposed, OLD_INT i, OLD_INT j)
{
    return transposed ? a[j + i * ld] : a[i + j * ld];
}

static void multiply(int ta, int tb, OLD_INT m, OLD_INT n, OLD_INT k, double alpha, const double *a,
                     OLD_INT lda, const double *b, OLD_INT ldb, double beta, double *c, OLD_INT ldc)
{
    counted.gemm++;
    for (OLD_INT j = 0; j < n; j++)
        for (OLD_INT i = 0; i < m; i++) {
            double sum = 0;
            for (OLD_INT l = 0; l < k; l++)
                sum += at(a, lda, ta, i, l) * at(b, ldb, tb, l, j);
            c[i + j * ldc] = alpha * sum + beta * c[i + j * ldc];
        }
}

void OLD(dgemm_)(const char *trans_a, const char *trans_b, const OLD_INT *m, const OLD_INT *n,
                 const OLD_INT *k, const double *alpha, const double *a, const OLD_INT *lda,
                 const double *b, const OLD_INT *ldb, const double *beta, double *c,
                 const OLD_INT *ldc, size_t length_a, size_t length_b)
{
    const OLD_INT wrong = 8;
    counted.lengths = length_a + length_b;
    if (*lda < (*trans_a == 'N' ? *m : *k))
        OLD(xerbla_)("DGEMM ", &wrong, 6);
    else
        multiply(*trans_a != 'N', *trans_b != 'N', *m, *n, *k, *alpha, a, *lda, b, *ldb, *beta, c,
                 *ldc);
}

void OLD(cblas_dgemm)(int order, int trans_a, int trans_b, OLD_INT m, OLD_INT n, OLD_INT k,
                      double alpha, const double *a, OLD_INT lda, const double *b, OLD_INT ldb,
                      double beta, double *c, OLD_INT ldc)
{
    if (order == 102)
        multiply(trans_a != 111, trans_b != 111, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc);
    else
        multiply(trans_b != 111, trans_a != 111, n, m, k, alpha, b, ldb, a, lda, beta, c, ldc);
}

static void replace(const OLD_INT *n, const OLD_INT *nrhs, const double *a, const OLD_INT *lda,
                    double *b, const OLD_INT *ldb)
{
    const double one = 1, zero = 0;
    size_t size = (size_t)(*ldb * *nrhs) * sizeof *b;
    double *copy = malloc(size);
    memcpy(copy, b, size);
    OLD(dgemm_)("N", "N", n, nrhs, n, &one, a, lda, copy, ldb, &zero, b, ldb, 1, 1);
    free(copy);
}

void OLD(dgesv_)(const OLD_INT *n, const OLD_INT *nrhs, const double *a, const OLD_INT *lda,
                 OLD_INT *ipiv, double *b, const OLD_INT *ldb, OLD_INT *info)
{
    (void)ipiv;
    counted.gesv++;
    *info = 0;
    replace(n, nrhs, a, lda, b, ldb);
}

void OLD(dgetrs_)(const char *trans, const OLD_INT *n, const OLD_INT *nrhs, const double *a,
                  const OLD_INT *lda, OLD_INT *ipiv, double *b, const OLD_INT *ldb, OLD_INT *info,
                  size_t length)
{
    (void)trans;
    (void)ipiv;
    counted.getrs++;
    counted.lengths = length;
    *info = 0;
    replace(n, nrhs, a, lda, b, ldb);
}

void OLD(xerbla_)(const char *name, const OLD_INT *argument, size_t length)
{
    (void)name;
    (void)argument;
    (void)length;
    counted.xerbla++;
    if (OLD(old_xerbla_hook))
        OLD(old_xerbla_hook)();
}

#define COUNT(name, ...)                                                                           \
    void OLD(name)(__VA_ARGS__)                                                                    \
    {                                                                                              \
        counted.others++;                                                                          \
    }
#pragma GCC diagnostic ignored "-Wunused-parameter"
COUNT(dgemv_, const char *trans, const OLD_INT *m, const OLD_INT *n, const double *alpha,
      const double *a, const OLD_INT *lda, const double *x, const OLD_INT *incx, const double *beta,
      double *y, const OLD_INT *incy, size_t length)
COUNT(cblas_dgemv, int order, int trans, OLD_INT m, OLD_INT n, double alpha, const double *a,
      OLD_INT lda, const double *x, OLD_INT incx, double beta, double *y, OLD_INT incy)
COUNT(dsyrk_, const char *uplo, const char *trans, const OLD_INT *n, const OLD_INT *k,
      const double *alpha, const double *a, const OLD_INT *lda, const double *beta, double *c,
      const OLD_INT *ldc, size_t length_u, size_t length_t)
COUNT(cblas_dsyrk, int order, int uplo, int trans, OLD_INT n, OLD_INT k, double alpha,
      const double *a, OLD_INT lda, double beta, double *c, OLD_INT ldc)

#pragma GCC visibility pop
