/* SPDX-License-Identifier: BSD-3-Clause */
/* A small BLAS of plain loops that counts: what was there before. Built with OLD_INT, OLD_PREFIX
 * and OLD_SUFFIX for each kind of names. */
#ifndef OLD_BLAS_H
#define OLD_BLAS_H

#include <complex.h>
#include <stddef.h>
#include <stdint.h>

struct old_log {
    int dot, gemm, nrm2, gesv, getrs, xerbla;
    int others;     /* those that only count */
    size_t lengths; /* of the strings of the last call, added */
    int64_t stride; /* the first one of the last dot */
};

#define OLD_PASTE_(prefix, name, suffix) prefix##name##suffix
#define OLD_PASTE(prefix, name, suffix) OLD_PASTE_(prefix, name, suffix)
#define OLD(name) OLD_PASTE(OLD_PREFIX, name, OLD_SUFFIX)

struct old_log *OLD(old_log)(void);

/** What xerbla_ does beside counting; NULL: nothing. */
extern void (*OLD(old_xerbla_hook))(void);

double OLD(ddot_)(const OLD_INT *n, const double *x, const OLD_INT *incx, const double *y,
                  const OLD_INT *incy);
double OLD(cblas_ddot)(OLD_INT n, const double *x, OLD_INT incx, const double *y, OLD_INT incy);
double OLD(dnrm2_)(const OLD_INT *n, const double *x, const OLD_INT *incx);
double _Complex OLD(zdotc_)(const OLD_INT *n, const double _Complex *x, const OLD_INT *incx,
                            const double _Complex *y, const OLD_INT *incy);
OLD_INT OLD(isamax_)(const OLD_INT *n, const float *x, const OLD_INT *incx);
void OLD(dgemm_)(const char *trans_a, const char *trans_b, const OLD_INT *m, const OLD_INT *n,
                 const OLD_INT *k, const double *alpha, const double *a, const OLD_INT *lda,
                 const double *b, const OLD_INT *ldb, const double *beta, double *c,
                 const OLD_INT *ldc, size_t length_a, size_t length_b);
void OLD(cblas_dgemm)(int order, int trans_a, int trans_b, OLD_INT m, OLD_INT n, OLD_INT k,
                      double alpha, const double *a, OLD_INT lda, const double *b, OLD_INT ldb,
                      double beta, double *c, OLD_INT ldc);
/** Not solvers: both put a * b in the place of b, by dgemm_. */
void OLD(dgesv_)(const OLD_INT *n, const OLD_INT *nrhs, const double *a, const OLD_INT *lda,
                 OLD_INT *ipiv, double *b, const OLD_INT *ldb, OLD_INT *info);
void OLD(dgetrs_)(const char *trans, const OLD_INT *n, const OLD_INT *nrhs, const double *a,
                  const OLD_INT *lda, OLD_INT *ipiv, double *b, const OLD_INT *ldb, OLD_INT *info,
                  size_t length);
/** These only count. */
void OLD(dgemv_)(const char *trans, const OLD_INT *m, const OLD_INT *n, const double *alpha,
                 const double *a, const OLD_INT *lda, const double *x, const OLD_INT *incx,
                 const double *beta, double *y, const OLD_INT *incy, size_t length);
void OLD(cblas_dgemv)(int order, int trans, OLD_INT m, OLD_INT n, double alpha, const double *a,
                      OLD_INT lda, const double *x, OLD_INT incx, double beta, double *y,
                      OLD_INT incy);
void OLD(dsyrk_)(const char *uplo, const char *trans, const OLD_INT *n, const OLD_INT *k,
                 const double *alpha, const double *a, const OLD_INT *lda, const double *beta,
                 double *c, const OLD_INT *ldc, size_t length_u, size_t length_t);
void OLD(cblas_dsyrk)(int order, int uplo, int trans, OLD_INT n, OLD_INT k, double alpha,
                      const double *a, OLD_INT lda, double beta, double *c, OLD_INT ldc);
void OLD(xerbla_)(const char *name, const OLD_INT *argument, size_t length);

#endif
