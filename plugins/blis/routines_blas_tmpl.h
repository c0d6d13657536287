/* SPDX-License-Identifier: BSD-3-Clause */
/* Included by routines_blas.c once per width of integers: INT and BITS. No guard. */

#define WIDTH(name) TREADLE_PASTE0(name, BITS)
#define TREADLE_PASTE0(a, b) TREADLE_PASTE1(a, b)
#define TREADLE_PASTE1(a, b) a##b

/* NUMBER is how CBLAS hands over alpha and beta, AT makes an address of it. */
#define ROUTINES(l, dt, NUMBER, AT)                                                                \
    static void WIDTH(cblas_##l##gemm)(int order, int trans_a, int trans_b, INT m, INT n, INT k,   \
                                       NUMBER alpha, const void *a, INT lda, const void *b,        \
                                       INT ldb, NUMBER beta, void *c, INT ldc)                     \
    {                                                                                              \
        gemm(dt, order, trans_a, trans_b, m, n, k, AT(alpha), a, lda, b, ldb, AT(beta), c, ldc);   \
    }                                                                                              \
    static void WIDTH(cblas_##l##gemv)(int order, int trans, INT m, INT n, NUMBER alpha,           \
                                       const void *a, INT lda, const void *x, INT incx,            \
                                       NUMBER beta, void *y, INT incy)                             \
    {                                                                                              \
        gemv(dt, order, trans, m, n, AT(alpha), a, lda, x, incx, AT(beta), y, incy);               \
    }                                                                                              \
    static void WIDTH(cblas_##l##syrk)(int order, int part, int trans, INT n, INT k, NUMBER alpha, \
                                       const void *a, INT lda, NUMBER beta, void *c, INT ldc)      \
    {                                                                                              \
        syrk(dt, order, part, trans, n, k, AT(alpha), a, lda, AT(beta), c, ldc);                   \
    }                                                                                              \
    static void WIDTH(cblas_##l##axpy)(INT n, NUMBER alpha, const void *x, INT incx, void *y,      \
                                       INT incy)                                                   \
    {                                                                                              \
        axpy(dt, n, AT(alpha), x, incx, y, incy);                                                  \
    }                                                                                              \
    static void WIDTH(l##gemm_)(const char *trans_a, const char *trans_b, const INT *m,            \
                                const INT *n, const INT *k, const void *alpha, const void *a,      \
                                const INT *lda, const void *b, const INT *ldb, const void *beta,   \
                                void *c, const INT *ldc)                                           \
    {                                                                                              \
        gemm(dt, 0, trans_of(trans_a), trans_of(trans_b), *m, *n, *k, alpha, a, *lda, b, *ldb,     \
             beta, c, *ldc);                                                                       \
    }                                                                                              \
    static void WIDTH(l##gemv_)(const char *trans, const INT *m, const INT *n, const void *alpha,  \
                                const void *a, const INT *lda, const void *x, const INT *incx,     \
                                const void *beta, void *y, const INT *incy)                        \
    {                                                                                              \
        gemv(dt, 0, trans_of(trans), *m, *n, alpha, a, *lda, x, *incx, beta, y, *incy);            \
    }                                                                                              \
    static void WIDTH(l##syrk_)(const char *uplo, const char *trans, const INT *n, const INT *k,   \
                                const void *alpha, const void *a, const INT *lda,                  \
                                const void *beta, void *c, const INT *ldc)                         \
    {                                                                                              \
        syrk(dt, 0, part_of(uplo), trans_of(trans), *n, *k, alpha, a, *lda, beta, c, *ldc);        \
    }                                                                                              \
    static void WIDTH(l##copy_)(const INT *n, const void *x, const INT *incx, void *y,             \
                                const INT *incy)                                                   \
    {                                                                                              \
        copy(dt, *n, x, *incx, y, *incy);                                                          \
    }

ROUTINES(s, BLIS_FLOAT, float, BY_VALUE)
ROUTINES(d, BLIS_DOUBLE, double, BY_VALUE)
ROUTINES(c, BLIS_SCOMPLEX, const void *, BY_ADDRESS)
ROUTINES(z, BLIS_DCOMPLEX, const void *, BY_ADDRESS)

#define REAL_DOT(name, type, dt)                                                                   \
    static type WIDTH(name)(INT n, const void *x, INT incx, const void *y, INT incy)               \
    {                                                                                              \
        type sum = 0;                                                                              \
        dot(dt, BLIS_NO_CONJUGATE, n, x, incx, y, incy, &sum);                                     \
        return sum;                                                                                \
    }
REAL_DOT(cblas_sdot, float, BLIS_FLOAT)
REAL_DOT(cblas_ddot, double, BLIS_DOUBLE)

#define COMPLEX_DOT(name, dt, conj)                                                                \
    static void WIDTH(name)(INT n, const void *x, INT incx, const void *y, INT incy, void *sum)    \
    {                                                                                              \
        dot(dt, conj, n, x, incx, y, incy, sum);                                                   \
    }
COMPLEX_DOT(cblas_cdotu_sub, BLIS_SCOMPLEX, BLIS_NO_CONJUGATE)
COMPLEX_DOT(cblas_cdotc_sub, BLIS_SCOMPLEX, BLIS_CONJUGATE)
COMPLEX_DOT(cblas_zdotu_sub, BLIS_DCOMPLEX, BLIS_NO_CONJUGATE)
COMPLEX_DOT(cblas_zdotc_sub, BLIS_DCOMPLEX, BLIS_CONJUGATE)

#undef WIDTH
#undef TREADLE_PASTE0
#undef TREADLE_PASTE1
#undef ROUTINES
#undef REAL_DOT
#undef COMPLEX_DOT
