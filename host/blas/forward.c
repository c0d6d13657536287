/* SPDX-License-Identifier: BSD-3-Clause */
/* The functions NumPy's calls arrive at: the exact prototypes, an estimate of the work, and
 * either straight on to the original or under a grant. Compiled with TREADLE_INT_BITS 32 and 64.
 *
 * Fortran's hidden string lengths do not appear: NumPy does not pass them. */
#include "forward.h"

#include <stdint.h>

#include <treadle/treadle.h>

#define PASTE_(a, b) a##b
#define PASTE(a, b) PASTE_(a, b)
#define TABLE PASTE(treadle_routines_, TREADLE_INT_BITS)

typedef PASTE(PASTE(int, TREADLE_INT_BITS), _t) blas_int;

/* Below these floating-point operations a call goes straight on. They lie under every size at which
 * OpenBLAS starts threads (10000 elements for dot and axpy, 9216 for gemv, 64^3 for gemm; in LAPACK
 * its gemv's 9216), because what starts threads must be seen by a fork (treadle_watch_fork). */
enum { VECTOR_WORK = 16000, MATRIX_WORK = 200000 };

static treadle_routine_fn original_of(unsigned i)
{
    return atomic_load_explicit(&TABLE[i].original, memory_order_relaxed);
}

/* ---- work ------------------------------------------------------------------------------- */

static inline double at(const void *integer)
{
    return (double)*(const blas_int *)integer;
}

static inline double smaller(const void *m, const void *n)
{
    return at(m) < at(n) ? at(m) : at(n);
}

static inline double larger(const void *m, const void *n)
{
    return at(m) < at(n) ? at(n) : at(m);
}

/* 1 for a real call, 0 for the question how much workspace it needs, which is no work. The answer
 * of one LAPACK is above the minimum of another, so it does not matter who is asked. */
static inline double works(const void *lwork)
{
    return at(lwork) == -1 ? 0 : 1;
}

static inline double wants(const void *job, double with, double without)
{
    return *(const char *)job == 'N' ? without : with;
}

/* ---- prototypes -------------------------------------------------------------------------- */

#define VOID_FORWARDER(name, small, work_, params, args)                                           \
    static void forward_##name params                                                              \
    {                                                                                              \
        typedef void(*routine_fn) params;                                                          \
        treadle_routine_fn original = original_of(ROUTINE_##name);                                 \
        double work = work_;                                                                       \
        if (work < small) {                                                                        \
            ((routine_fn)original) args;                                                           \
            return;                                                                                \
        }                                                                                          \
        struct treadle_routine_call call;                                                          \
        treadle_routine_begin(&call, #name, TREADLE_INT_BITS, work, original);                     \
        ((routine_fn)call.fn) args;                                                                \
        treadle_routine_end(&call);                                                                \
    }

#define GEMM(name, type, weight)                                                                   \
    VOID_FORWARDER(name, MATRIX_WORK, (2.0 * (weight) * (double)m * (double)n * (double)k),        \
                   (int order, int trans_a, int trans_b, blas_int m, blas_int n, blas_int k,       \
                    type alpha, const void *a, blas_int lda, const void *b, blas_int ldb,          \
                    type beta, void *c, blas_int ldc),                                             \
                   (order, trans_a, trans_b, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc))

#define GEMV(name, type, weight)                                                                   \
    VOID_FORWARDER(name, VECTOR_WORK, (2.0 * (weight) * (double)m * (double)n),                    \
                   (int order, int trans, blas_int m, blas_int n, type alpha, const void *a,       \
                    blas_int lda, const void *x, blas_int incx, type beta, void *y,                \
                    blas_int incy),                                                                \
                   (order, trans, m, n, alpha, a, lda, x, incx, beta, y, incy))

#define SYRK(name, type, weight)                                                                   \
    VOID_FORWARDER(name, MATRIX_WORK, ((weight) * (double)n * (double)n * (double)k),              \
                   (int order, int uplo, int trans, blas_int n, blas_int k, type alpha,            \
                    const void *a, blas_int lda, type beta, void *c, blas_int ldc),                \
                   (order, uplo, trans, n, k, alpha, a, lda, beta, c, ldc))

#define AXPY(name, type, weight)                                                                   \
    VOID_FORWARDER(name, VECTOR_WORK, (2.0 * (weight) * (double)n),                                \
                   (blas_int n, type alpha, const void *x, blas_int incx, void *y, blas_int incy), \
                   (n, alpha, x, incx, y, incy))

#define DOT_SUB(name, type, weight)                                                                \
    VOID_FORWARDER(                                                                                \
        name, VECTOR_WORK, (2.0 * (weight) * (double)n),                                           \
        (blas_int n, const void *x, blas_int incx, const void *y, blas_int incy, void *result),    \
        (n, x, incx, y, incy, result))

#define DOT(name, type, weight)                                                                    \
    static type forward_##name(blas_int n, const void *x, blas_int incx, const void *y,            \
                               blas_int incy)                                                      \
    {                                                                                              \
        typedef type (*routine_fn)(blas_int, const void *, blas_int, const void *, blas_int);      \
        treadle_routine_fn original = original_of(ROUTINE_##name);                                 \
        double work = 2.0 * (weight) * (double)n;                                                  \
        if (work < VECTOR_WORK)                                                                    \
            return ((routine_fn)original)(n, x, incx, y, incy);                                    \
        struct treadle_routine_call call;                                                          \
        treadle_routine_begin(&call, #name, TREADLE_INT_BITS, work, original);                     \
        type result = ((routine_fn)call.fn)(n, x, incx, y, incy);                                  \
        treadle_routine_end(&call);                                                                \
        return result;                                                                             \
    }

#define LAPACK(name, work, params, args) VOID_FORWARDER(name, MATRIX_WORK, work, params, args)

#define GESV(name, type, weight)                                                                   \
    LAPACK(name, ((weight)*at(n) * at(n) * (at(n) / 1.5 + 2 * at(nrhs))),                          \
           (void *n, void *nrhs, void *a, void *lda, void *ipiv, void *b, void *ldb, void *info),  \
           (n, nrhs, a, lda, ipiv, b, ldb, info))

#define GETRF(name, type, weight)                                                                  \
    LAPACK(name, ((weight)*at(m) * at(n) * smaller(m, n) / 1.5),                                   \
           (void *m, void *n, void *a, void *lda, void *ipiv, void *info),                         \
           (m, n, a, lda, ipiv, info))

#define POTRF(name, type, weight)                                                                  \
    LAPACK(name, ((weight)*at(n) * at(n) * at(n) / 3),                                             \
           (void *uplo, void *n, void *a, void *lda, void *info), (uplo, n, a, lda, info))

#define GEQRF(name, type, weight)                                                                  \
    LAPACK(name, (works(lwork) * (weight)*2 * at(m) * at(n) * smaller(m, n)),                      \
           (void *m, void *n, void *a, void *lda, void *tau, void *work_area, void *lwork,         \
            void *info),                                                                           \
           (m, n, a, lda, tau, work_area, lwork, info))

#define ORGQR(name, type, weight)                                                                  \
    LAPACK(name, (works(lwork) * (weight)*2 * at(m) * at(n) * at(k)),                              \
           (void *m, void *n, void *k, void *a, void *lda, void *tau, void *work_area,             \
            void *lwork, void *info),                                                              \
           (m, n, k, a, lda, tau, work_area, lwork, info))

#define GESDD_WORK(weight)                                                                         \
    (works(lwork) * (weight)*wants(job, 20, 4) * larger(m, n) * smaller(m, n) * smaller(m, n))

#define GESDD(name, type, weight)                                                                  \
    LAPACK(name, GESDD_WORK(weight),                                                               \
           (void *job, void *m, void *n, void *a, void *lda, void *s, void *u, void *ldu,          \
            void *vt, void *ldvt, void *work_area, void *lwork, void *iwork, void *info),          \
           (job, m, n, a, lda, s, u, ldu, vt, ldvt, work_area, lwork, iwork, info))

#define GESDD_COMPLEX(name, type, weight)                                                          \
    LAPACK(name, GESDD_WORK(weight),                                                               \
           (void *job, void *m, void *n, void *a, void *lda, void *s, void *u, void *ldu,          \
            void *vt, void *ldvt, void *work_area, void *lwork, void *rwork, void *iwork,          \
            void *info),                                                                           \
           (job, m, n, a, lda, s, u, ldu, vt, ldvt, work_area, lwork, rwork, iwork, info))

#define GELSD_WORK(weight)                                                                         \
    (works(lwork) * (weight)*at(m) * at(n) * (4 * smaller(m, n) + 2 * at(nrhs)))

#define GELSD(name, type, weight)                                                                  \
    LAPACK(name, GELSD_WORK(weight),                                                               \
           (void *m, void *n, void *nrhs, void *a, void *lda, void *b, void *ldb, void *s,         \
            void *rcond, void *rank, void *work_area, void *lwork, void *iwork, void *info),       \
           (m, n, nrhs, a, lda, b, ldb, s, rcond, rank, work_area, lwork, iwork, info))

#define GELSD_COMPLEX(name, type, weight)                                                          \
    LAPACK(name, GELSD_WORK(weight),                                                               \
           (void *m, void *n, void *nrhs, void *a, void *lda, void *b, void *ldb, void *s,         \
            void *rcond, void *rank, void *work_area, void *lwork, void *rwork, void *iwork,       \
            void *info),                                                                           \
           (m, n, nrhs, a, lda, b, ldb, s, rcond, rank, work_area, lwork, rwork, iwork, info))

#define SYEVD(name, type, weight)                                                                  \
    LAPACK(name, (works(lwork) * (weight)*wants(job, 9, 1.4) * at(n) * at(n) * at(n)),             \
           (void *job, void *uplo, void *n, void *a, void *lda, void *w, void *work_area,          \
            void *lwork, void *iwork, void *liwork, void *info),                                   \
           (job, uplo, n, a, lda, w, work_area, lwork, iwork, liwork, info))

#define HEEVD(name, type, weight)                                                                  \
    LAPACK(name, (works(lwork) * (weight)*wants(job, 9, 1.4) * at(n) * at(n) * at(n)),             \
           (void *job, void *uplo, void *n, void *a, void *lda, void *w, void *work_area,          \
            void *lwork, void *rwork, void *lrwork, void *iwork, void *liwork, void *info),        \
           (job, uplo, n, a, lda, w, work_area, lwork, rwork, lrwork, iwork, liwork, info))

/* Real: wr, wi, vl, ldvl, vr, ldvr, work, lwork, info. Complex: w, vl, ldvl, vr, ldvr, work, lwork,
 * rwork, info. As many pointers in both, and lwork one place apart. */
#define GEEV(name, type, weight)                                                                   \
    LAPACK(name,                                                                                   \
           (works((weight) == 1 ? p13 : p12) * (weight)*wants(jobvr, 25, 10) * at(n) * at(n) *     \
            at(n)),                                                                                \
           (void *jobvl, void *jobvr, void *n, void *a, void *lda, void *p6, void *p7, void *p8,   \
            void *p9, void *p10, void *p11, void *p12, void *p13, void *info),                     \
           (jobvl, jobvr, n, a, lda, p6, p7, p8, p9, p10, p11, p12, p13, info))

#define ROUTINE(name, kind, type, weight) kind(name, type, weight)
#include "routines.def"
#undef ROUTINE

struct routine TABLE[TREADLE_ROUTINE_COUNT] = {
#define ROUTINE(routine_, kind, type, weight)                                                      \
    {.name = #routine_, .forward = (treadle_routine_fn)forward_##routine_},
#include "routines.def"
#undef ROUTINE
};
