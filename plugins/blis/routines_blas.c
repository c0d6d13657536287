/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * BLAS by its public names. blas.c counts in 64 bits, so that both widths of integers are served by
 * the same code; the four gemv are also what LAPACK calls, instead of BLIS's on one thread.
 */
#include <ctype.h>

#include "blas.h"
#include "routines.h"
#include "template.h"

/* Values of CBLAS. */
enum { ROW_MAJOR = 101, NO_TRANS = 111, CONJ_TRANS = 113, UPPER = 121 };

static int trans_of(const char *letter)
{
    switch (toupper((unsigned char)*letter)) {
    case 'N':
        return NO_TRANS;
    case 'C':
        return CONJ_TRANS;
    default:
        return NO_TRANS + 1;
    }
}

static int part_of(const char *letter)
{
    return toupper((unsigned char)*letter) == 'U' ? UPPER : UPPER + 1;
}

/* The matrix that a BLAS argument means, which has rows x columns after `trans`. */
static struct matrix operand(const void *data, int row_major, int trans, dim_t rows, dim_t columns,
                             inc_t ld)
{
    bool by_rows = row_major == (trans == NO_TRANS);
    return (struct matrix){
        (char *)data,     rows,
        columns,          by_rows ? ld : 1,
        by_rows ? 1 : ld, trans == CONJ_TRANS ? BLIS_CONJUGATE : BLIS_NO_CONJUGATE};
}

/* With a negative stride BLAS's pointer is to the last element. */
static struct vector vector_of(num_t dt, const void *data, dim_t count, inc_t stride, conj_t conj)
{
    inc_t size = (inc_t)bli_dt_size(dt);
    char *first = (char *)data - (stride < 0 ? (count - 1) * stride * size : 0);
    return (struct vector){first, count, stride, conj};
}

static void gemm(num_t dt, int order, int trans_a, int trans_b, dim_t m, dim_t n, dim_t k,
                 const void *alpha, const void *a, inc_t lda, const void *b, inc_t ldb,
                 const void *beta, void *c, inc_t ldc)
{
    int row_major = order == ROW_MAJOR;
    if (m > 0 && n > 0)
        blas_gemm(dt, alpha, operand(a, row_major, trans_a, m, k, lda),
                  operand(b, row_major, trans_b, k, n, ldb), beta,
                  operand(c, row_major, NO_TRANS, m, n, ldc));
}

/* a is m x n before `trans`. BLAS leaves y alone if a is empty. */
static void gemv(num_t dt, int order, int trans, dim_t m, dim_t n, const void *alpha, const void *a,
                 inc_t lda, const void *x, inc_t incx, const void *beta, void *y, inc_t incy)
{
    dim_t rows = trans == NO_TRANS ? m : n, columns = trans == NO_TRANS ? n : m;
    if (m > 0 && n > 0)
        blas_gemv(dt, alpha, operand(a, order == ROW_MAJOR, trans, rows, columns, lda),
                  vector_of(dt, x, columns, incx, BLIS_NO_CONJUGATE), beta,
                  vector_of(dt, y, rows, incy, BLIS_NO_CONJUGATE));
}

static void syrk(num_t dt, int order, int part, int trans, dim_t n, dim_t k, const void *alpha,
                 const void *a, inc_t lda, const void *beta, void *c, inc_t ldc)
{
    int row_major = order == ROW_MAJOR;
    if (n > 0)
        blas_syrk(dt, part == UPPER ? BLIS_UPPER : BLIS_LOWER, alpha,
                  operand(a, row_major, trans, n, k, lda), beta,
                  operand(c, row_major, NO_TRANS, n, n, ldc));
}

static void axpy(num_t dt, dim_t n, const void *alpha, const void *x, inc_t incx, void *y,
                 inc_t incy)
{
    if (n > 0)
        blas_axpy(dt, alpha, vector_of(dt, x, n, incx, BLIS_NO_CONJUGATE),
                  vector_of(dt, y, n, incy, BLIS_NO_CONJUGATE));
}

static void dot(num_t dt, conj_t conj, dim_t n, const void *x, inc_t incx, const void *y,
                inc_t incy, void *out)
{
    blas_dot(dt, vector_of(dt, x, n > 0 ? n : 0, incx, conj),
             vector_of(dt, y, n > 0 ? n : 0, incy, BLIS_NO_CONJUGATE), out);
}

static void copy(num_t dt, dim_t n, const void *x, inc_t incx, void *y, inc_t incy)
{
    if (n > 0)
        blas_copy(dt, vector_of(dt, x, n, incx, BLIS_NO_CONJUGATE),
                  vector_of(dt, y, n, incy, BLIS_NO_CONJUGATE));
}

/* Numbers go by value in CBLAS if they are real, else by address. */
#define BY_VALUE(x) &(x)
#define BY_ADDRESS(x) (x)

#define INT int32_t
#define BITS 32
#include "routines_blas_tmpl.h"
#undef INT
#undef BITS
#define INT int64_t
#define BITS 64
#include "routines_blas_tmpl.h"

#define ROW(name)                                                                                  \
    {                                                                                              \
#name, (treadle_routine_fn)name##32, (treadle_routine_fn)name##64                          \
    }
#define ALL_LETTERS(l)                                                                             \
    ROW(cblas_##l##gemm), ROW(cblas_##l##gemv), ROW(cblas_##l##syrk), ROW(cblas_##l##axpy),        \
        ROW(l##gemm_), ROW(l##gemv_), ROW(l##syrk_), ROW(l##copy_)

const struct routine routines_blas[] = {
    ALL_LETTERS(s),       ALL_LETTERS(d),       ALL_LETTERS(c),       ALL_LETTERS(z),
    ROW(cblas_sdot),      ROW(cblas_ddot),      ROW(cblas_cdotu_sub), ROW(cblas_cdotc_sub),
    ROW(cblas_zdotu_sub), ROW(cblas_zdotc_sub), {NULL, NULL, NULL},
};

/* The linker (--wrap) sends LAPACK's calls here. */
#define FOR_LAPACK(name)                                                                           \
    void __wrap_##name(const char *trans, const int32_t *m, const int32_t *n, const void *alpha,   \
                       const void *a, const int32_t *lda, const void *x, const int32_t *incx,      \
                       const void *beta, void *y, const int32_t *incy);                            \
    void __wrap_##name(const char *trans, const int32_t *m, const int32_t *n, const void *alpha,   \
                       const void *a, const int32_t *lda, const void *x, const int32_t *incx,      \
                       const void *beta, void *y, const int32_t *incy)                             \
    {                                                                                              \
        name##32(trans, m, n, alpha, a, lda, x, incx, beta, y, incy);                              \
    }
FOR_LAPACK(sgemv_)
FOR_LAPACK(dgemv_)
FOR_LAPACK(cgemv_)
FOR_LAPACK(zgemv_)
