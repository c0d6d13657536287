/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The functions that calls of BLAS and LAPACK arrive at: the exact prototypes, an estimate of the
 * work, and either straight on to the original or under a grant.
 *
 * Compiled with TREADLE_INT_BITS 32 and 64. With TREADLE_BLAS_PREFIX and TREADLE_BLAS_SUFFIX the
 * functions are exported, under the routine's name between these two, and originals are looked for
 * at the first call (drop_in.c); without, route.c knows them before.
 */
#include "forward.h"

#include <math.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <treadle/treadle.h>

#define PASTE_(a, b) a##b
#define PASTE(a, b) PASTE_(a, b)

#ifdef TREADLE_BLAS_PREFIX
#include "drop_in.h"
#define SYMBOL(name) TREADLE_BLAS_PREFIX #name TREADLE_BLAS_SUFFIX
#define FORWARDER(type, name, params)                                                              \
    TREADLE_EXPORT type forward_##name params __asm__(SYMBOL(name));                               \
    TREADLE_EXPORT type forward_##name params
#define TABLE table
static struct routine TABLE[TREADLE_ROUTINE_COUNT];
#else
#define SYMBOL(name) #name
#define FORWARDER(type, name, params) static type forward_##name params
#define TABLE PASTE(treadle_routines_, TREADLE_INT_BITS)
#define drop_in_call treadle_routine_call
#define drop_in_begin treadle_product_begin
#define drop_in_end treadle_routine_end
#define drop_in_resolve(routine, caller) ((void)(caller), (treadle_routine_fn)NULL)
#endif

typedef PASTE(PASTE(int, TREADLE_INT_BITS), _t) blas_int;

/* Below these floating-point operations a call goes straight on. They lie under every size at which
 * OpenBLAS starts threads (10000 elements for dot and axpy, 9216 for gemv, 64^3 for gemm; in LAPACK
 * its gemv's 9216), because what starts threads must be seen by a fork (treadle_watch_fork). */
enum { VECTOR_WORK = 16000, MATRIX_WORK = 200000 };

static inline treadle_routine_fn original_of(struct routine *routine, const void *caller)
{
    treadle_routine_fn original = atomic_load_explicit(&routine->original, memory_order_acquire);
    return __builtin_expect(!original, 0) ? drop_in_resolve(routine, caller) : original;
}

/* ---- work ------------------------------------------------------------------------------- */

static inline double at(const void *integer)
{
    return (double)*(const blas_int *)integer;
}

static inline double shorter(double m, double n)
{
    return m < n ? m : n;
}

static inline double smaller(const void *m, const void *n)
{
    return shorter(at(m), at(n));
}

static inline double larger(const void *m, const void *n)
{
    return at(m) < at(n) ? at(n) : at(m);
}

/* Of what is no product, or one with a vector. */
#define ANY_SIDE HUGE_VAL

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

/* ---- arguments --------------------------------------------------------------------------- */

/* Values of CBLAS. */
enum { ROW_MAJOR = 101, COLUMN_MAJOR, NO_TRANS = 111, TRANS, CONJ_TRANS, UPPER = 121, LOWER };

static int trans_of(const void *letter)
{
    switch (*(const char *)letter) {
    case 'N':
    case 'n':
        return NO_TRANS;
    case 'T':
    case 't':
        return TRANS;
    case 'C':
    case 'c':
        return CONJ_TRANS;
    default:
        return 0;
    }
}

static int part_of(const void *letter)
{
    switch (*(const char *)letter) {
    case 'U':
    case 'u':
        return UPPER;
    case 'L':
    case 'l':
        return LOWER;
    default:
        return 0;
    }
}

static inline bool is_between(int first, int value, int last)
{
    return first <= value && value <= last;
}

/*
 * What a product must hold to be given away: a BLAS may assume right arguments, but the program is
 * to hear of wrong ones, and that from its own library, whose xerbla_ it may have replaced.
 */
static bool gemm_is_right(int order, int trans_a, int trans_b, double m, double n, double k,
                          double lda, double ldb, double ldc)
{
    bool rows = order == ROW_MAJOR;
    return is_between(ROW_MAJOR, order, COLUMN_MAJOR) &&
           is_between(NO_TRANS, trans_a, CONJ_TRANS) && is_between(NO_TRANS, trans_b, CONJ_TRANS) &&
           m > 0 && n > 0 && k > 0 && lda >= (rows == (trans_a == NO_TRANS) ? k : m) &&
           ldb >= (rows == (trans_b == NO_TRANS) ? n : k) && ldc >= (rows ? n : m);
}

static bool gemv_is_right(int order, int trans, double m, double n, double lda, double incx,
                          double incy)
{
    return is_between(ROW_MAJOR, order, COLUMN_MAJOR) && is_between(NO_TRANS, trans, CONJ_TRANS) &&
           m > 0 && n > 0 && lda >= (order == ROW_MAJOR ? n : m) && incx != 0 && incy != 0;
}

/* Complex numbers have no conjugate transpose here: that is herk. */
static bool syrk_is_right(int order, int uplo, int trans, double n, double k, double lda,
                          double ldc, bool complex)
{
    bool rows = order == ROW_MAJOR;
    return is_between(ROW_MAJOR, order, COLUMN_MAJOR) && is_between(UPPER, uplo, LOWER) &&
           is_between(NO_TRANS, trans, complex ? TRANS : CONJ_TRANS) && n > 0 && k > 0 &&
           lda >= (rows == (trans == NO_TRANS) ? k : n) && ldc >= n;
}

/* ---- prototypes -------------------------------------------------------------------------- */

#define ITEMS(...) __VA_ARGS__

/*
 * The large call is out of line: products of a stack of 4 x 4 matrices take 30 ns each, and a
 * forwarder that saves registers 4 more.
 *
 * `types` and `lengths` follow the arguments in the calls made here. `right` holds for what may be
 * given away, `refused` after it was taken by somebody who then found a mistake: that, too, is the
 * original's to say.
 */
#define VOID_FORWARDER(name, small, work_, side, right, refused, params, args, types, lengths)     \
    typedef void (*name##_fn)(ITEMS params types);                                                 \
    static __attribute__((noinline)) void large_##name params                                      \
    {                                                                                              \
        struct routine *routine = &TABLE[ROUTINE_##name];                                          \
        treadle_routine_fn original =                                                              \
            atomic_load_explicit(&routine->original, memory_order_acquire);                        \
        if (!(right)) {                                                                            \
            ((name##_fn)original)(ITEMS args lengths);                                             \
            return;                                                                                \
        }                                                                                          \
        struct drop_in_call call;                                                                  \
        drop_in_begin(&call, #name, routine->int_bits, work_, side, original);                     \
        ((name##_fn)call.fn)(ITEMS args lengths);                                                  \
        drop_in_end(&call);                                                                        \
        if ((refused) && call.fn != original)                                                      \
            ((name##_fn)original)(ITEMS args lengths);                                             \
    }                                                                                              \
    FORWARDER(void, name, params)                                                                  \
    {                                                                                              \
        treadle_routine_fn original =                                                              \
            original_of(&TABLE[ROUTINE_##name], __builtin_return_address(0));                      \
        if ((work_) < small)                                                                       \
            ((name##_fn)original)(ITEMS args lengths);                                             \
        else                                                                                       \
            large_##name args;                                                                     \
    }

/* Integers of CBLAS are handed on in the width of a register, for originals of either width; here
 * as in the callee the upper half of a 32-bit one is not looked at. */
typedef int64_t any_int;
#define NUMBER(x) ((double)(blas_int)(x))

#define CBLAS(name, small, work, right, params, args)                                              \
    VOID_FORWARDER(name, small, work, ANY_SIDE, right, false, params, args, , )
#define CBLAS_PRODUCT(name, work, side, right, params, args)                                       \
    VOID_FORWARDER(name, MATRIX_WORK, work, side, right, false, params, args, , )

#define GEMM(name, type, weight)                                                                   \
    CBLAS_PRODUCT(                                                                                 \
        name, (2.0 * (weight)*NUMBER(m) * NUMBER(n) * NUMBER(k)), shorter(NUMBER(m), NUMBER(n)),   \
        gemm_is_right(order, trans_a, trans_b, NUMBER(m), NUMBER(n), NUMBER(k), NUMBER(lda),       \
                      NUMBER(ldb), NUMBER(ldc)),                                                   \
        (int order, int trans_a, int trans_b, any_int m, any_int n, any_int k, type alpha,         \
         const void *a, any_int lda, const void *b, any_int ldb, type beta, void *c, any_int ldc), \
        (order, trans_a, trans_b, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc))

#define GEMV(name, type, weight)                                                                   \
    CBLAS(name, VECTOR_WORK, (2.0 * (weight)*NUMBER(m) * NUMBER(n)),                               \
          gemv_is_right(order, trans, NUMBER(m), NUMBER(n), NUMBER(lda), NUMBER(incx),             \
                        NUMBER(incy)),                                                             \
          (int order, int trans, any_int m, any_int n, type alpha, const void *a, any_int lda,     \
           const void *x, any_int incx, type beta, void *y, any_int incy),                         \
          (order, trans, m, n, alpha, a, lda, x, incx, beta, y, incy))

#define SYRK(name, type, weight)                                                                   \
    CBLAS_PRODUCT(name, ((weight)*NUMBER(n) * NUMBER(n) * NUMBER(k)), NUMBER(n),                   \
                  syrk_is_right(order, uplo, trans, NUMBER(n), NUMBER(k), NUMBER(lda),             \
                                NUMBER(ldc), (weight) > 1),                                        \
                  (int order, int uplo, int trans, any_int n, any_int k, type alpha,               \
                   const void *a, any_int lda, type beta, void *c, any_int ldc),                   \
                  (order, uplo, trans, n, k, alpha, a, lda, beta, c, ldc))

#define AXPY(name, type, weight)                                                                   \
    CBLAS(name, VECTOR_WORK, (2.0 * (weight)*NUMBER(n)), true,                                     \
          (any_int n, type alpha, const void *x, any_int incx, void *y, any_int incy),             \
          (n, alpha, x, incx, y, incy))

#define DOT_SUB(name, type, weight)                                                                \
    CBLAS(name, VECTOR_WORK, (2.0 * (weight)*NUMBER(n)), true,                                     \
          (any_int n, const void *x, any_int incx, const void *y, any_int incy, void *result),     \
          (n, x, incx, y, incy, result))

#define REAL_FORWARDER(name, type, work_, params, args)                                            \
    FORWARDER(type, name, params)                                                                  \
    {                                                                                              \
        typedef type(*routine_fn) params;                                                          \
        struct routine *routine = &TABLE[ROUTINE_##name];                                          \
        treadle_routine_fn original = original_of(routine, __builtin_return_address(0));           \
        double work = work_;                                                                       \
        if (work < VECTOR_WORK)                                                                    \
            return ((routine_fn)original)args;                                                     \
        struct drop_in_call call;                                                                  \
        drop_in_begin(&call, #name, routine->int_bits, work, ANY_SIDE, original);                  \
        type result = ((routine_fn)call.fn)args;                                                   \
        drop_in_end(&call);                                                                        \
        return result;                                                                             \
    }

#define DOT(name, type, weight)                                                                    \
    REAL_FORWARDER(name, type, 2.0 * (weight)*NUMBER(n),                                           \
                   (any_int n, const void *x, any_int incx, const void *y, any_int incy),          \
                   (n, x, incx, y, incy))

/*
 * Of Fortran's character arguments the lengths follow, by value: all are 1 here, and at most four.
 * Callers in C rarely give them, and do without as long as a callee only passes them on; but the
 * compiler of a LAPACK may reuse their places for its own calls, which then belong to the caller.
 * More arguments than a callee takes do no harm in the calling conventions of 64-bit systems.
 */
#define LENGTH_TYPES , size_t, size_t, size_t, size_t
#define LENGTHS , 1, 1, 1, 1

static inline bool is_negative(const void *info)
{
    return *(const blas_int *)info < 0;
}

#define LAPACK(name, work, params, args)                                                           \
    VOID_FORWARDER(name, MATRIX_WORK, work, ANY_SIDE, true, is_negative(info), params, args,       \
                   LENGTH_TYPES, LENGTHS)

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

/* ---- Fortran by places ------------------------------------------------------------------ */

/* All arguments are addresses: the first, second, ... are p1, p2, ... */
#define P4 void *p1, void *p2, void *p3, void *p4
#define P5 P4, void *p5
#define P6 P5, void *p6
#define P7 P6, void *p7
#define P8 P7, void *p8
#define P9 P8, void *p9
#define P10 P9, void *p10
#define P11 P10, void *p11
#define P12 P11, void *p12
#define P13 P12, void *p13
#define P14 P13, void *p14
#define P15 P14, void *p15
#define P16 P15, void *p16
#define P17 P16, void *p17
#define P20 P17, void *p18, void *p19, void *p20
#define P21 P20, void *p21
#define P22 P21, void *p22
#define P23 P22, void *p23
#define P24 P23, void *p24
#define A4 p1, p2, p3, p4
#define A5 A4, p5
#define A6 A5, p6
#define A7 A6, p7
#define A8 A7, p8
#define A9 A8, p9
#define A10 A9, p10
#define A11 A10, p11
#define A12 A11, p12
#define A13 A12, p13
#define A14 A13, p14
#define A15 A14, p15
#define A16 A15, p16
#define A17 A16, p17
#define A20 A17, p18, p19, p20
#define A21 A20, p21
#define A22 A21, p22
#define A23 A22, p23
#define A24 A23, p24

#define FORTRAN(name, small, count, work) RIGHT_FORTRAN(name, small, count, work, ANY_SIDE, true)
#define RIGHT_FORTRAN(name, small, count, work, side, right)                                       \
    VOID_FORWARDER(name, small, (work), side, right, false, (P##count), (A##count), LENGTH_TYPES,  \
                   LENGTHS)
/* Their last argument is info. */
#define INFO_FORTRAN(name, small, count, work)                                                     \
    VOID_FORWARDER(name, small, (work), ANY_SIDE, true, is_negative(p##count), (P##count),         \
                   (A##count), LENGTH_TYPES, LENGTHS)

/* Of one side of a product with a square matrix on the left or on the right. */
static inline double on_side(const void *side, const void *m, const void *n)
{
    return *(const char *)side == 'L' || *(const char *)side == 'l' ? at(m) : at(n);
}

static inline double cube(const void *n)
{
    return at(n) * at(n) * at(n);
}

#define F_AXPY(name, type, weight) FORTRAN(name, VECTOR_WORK, 6, 2.0 * (weight)*at(p1))
#define F_SCAL(name, type, weight) FORTRAN(name, VECTOR_WORK, 4, 2.0 * (weight)*at(p1))
#define F_GEMV(name, type, weight)                                                                 \
    RIGHT_FORTRAN(                                                                                 \
        name, VECTOR_WORK, 11, 2.0 * (weight)*at(p2) * at(p3), ANY_SIDE,                           \
        gemv_is_right(COLUMN_MAJOR, trans_of(p1), at(p2), at(p3), at(p6), at(p8), at(p11)))
#define F_GER(name, type, weight) FORTRAN(name, VECTOR_WORK, 9, 2.0 * (weight)*at(p1) * at(p2))
#define F_SYMV(name, type, weight) FORTRAN(name, VECTOR_WORK, 10, 2.0 * (weight)*at(p2) * at(p2))
#define F_TRMV(name, type, weight) FORTRAN(name, VECTOR_WORK, 8, 2.0 * (weight)*at(p4) * at(p4))
#define F_GEMM(name, type, weight)                                                                 \
    RIGHT_FORTRAN(name, MATRIX_WORK, 13, 2.0 * (weight)*at(p3) * at(p4) * at(p5), smaller(p3, p4), \
                  gemm_is_right(COLUMN_MAJOR, trans_of(p1), trans_of(p2), at(p3), at(p4), at(p5),  \
                                at(p8), at(p10), at(p13)))
#define F_SYMM(name, type, weight)                                                                 \
    FORTRAN(name, MATRIX_WORK, 12, 2.0 * (weight)*at(p3) * at(p4) * on_side(p1, p3, p4))
#define F_SYRK_WORK(weight) (weight) * at(p3) * at(p3) * at(p4)
#define F_SYRK(name, type, weight)                                                                 \
    RIGHT_FORTRAN(name, MATRIX_WORK, 10, F_SYRK_WORK(weight), at(p3),                              \
                  syrk_is_right(COLUMN_MAJOR, part_of(p1), trans_of(p2), at(p3), at(p4), at(p7),   \
                                at(p10), (weight) > 1))
#define F_HERK(name, type, weight) FORTRAN(name, MATRIX_WORK, 10, F_SYRK_WORK(weight))
#define F_SYR2K(name, type, weight)                                                                \
    FORTRAN(name, MATRIX_WORK, 12, 2.0 * (weight)*at(p3) * at(p3) * at(p4))
/* OpenBLAS starts threads from 4096 elements on, however small the triangle. */
#define F_TRMM(name, type, weight)                                                                 \
    FORTRAN(name, VECTOR_WORK, 11, (weight)*at(p5) * at(p6) * (3 + on_side(p1, p5, p6)))

#define F_DOT(name, type, weight) REAL_FORWARDER(name, type, 2.0 * (weight)*at(p1), (P5), (A5))

/* Right-hand sides: OpenBLAS starts threads for many of them, also if the matrix is tiny. */
#define GETRS(name, type, weight)                                                                  \
    INFO_FORTRAN(name, VECTOR_WORK, 9, 2.0 * (weight)*at(p2) * at(p2) * at(p3))
#define POTRS(name, type, weight)                                                                  \
    INFO_FORTRAN(name, VECTOR_WORK, 8, 2.0 * (weight)*at(p2) * at(p2) * at(p3))
#define TRTRS(name, type, weight)                                                                  \
    INFO_FORTRAN(name, VECTOR_WORK, 10, (weight)*at(p4) * at(p4) * (3 + at(p5)))

#define F_LAPACK(name, count, work) INFO_FORTRAN(name, MATRIX_WORK, count, work)

#define GETRI(name, type, weight) F_LAPACK(name, 7, works(p6) * (weight)*1.3 * cube(p1))
#define GECON(name, type, weight) F_LAPACK(name, 9, (weight)*10 * at(p2) * at(p2))
#define TRTRI(name, type, weight) F_LAPACK(name, 6, (weight)*cube(p3) / 3)
#define POSV(name, type, weight)                                                                   \
    F_LAPACK(name, 8, (weight)*at(p2) * at(p2) * (at(p2) / 3 + 2 * at(p3)))
#define SYSV(name, type, weight)                                                                   \
    F_LAPACK(name, 11, works(p10) * (weight)*at(p2) * at(p2) * (at(p2) / 3 + 2 * at(p3)))
#define SYTRF(name, type, weight) F_LAPACK(name, 8, works(p7) * (weight)*cube(p2) / 3)
#define GESVX(name, type, weight)                                                                  \
    F_LAPACK(name, 22, (weight)*at(p3) * at(p3) * (at(p3) / 1.5 + 2 * at(p4)))
#define POSVX(name, type, weight)                                                                  \
    F_LAPACK(name, 20, (weight)*at(p3) * at(p3) * (at(p3) / 3 + 2 * at(p4)))
#define GEQP3(name, type, weight)                                                                  \
    F_LAPACK(name, 9, works(p8) * (weight)*2 * at(p1) * at(p2) * smaller(p1, p2))
#define GEQP3_COMPLEX(name, type, weight)                                                          \
    F_LAPACK(name, 10, works(p8) * (weight)*2 * at(p1) * at(p2) * smaller(p1, p2))
#define ORMQR(name, type, weight)                                                                  \
    F_LAPACK(name, 13, works(p12) * (weight)*4 * at(p3) * at(p4) * at(p5))
#define GELS(name, type, weight)                                                                   \
    F_LAPACK(name, 11, works(p10) * (weight)*2 * at(p2) * at(p3) * (smaller(p2, p3) + at(p4)))
#define GELSS(name, type, weight) F_LAPACK(name, 13, works(p12) * GELSS_WORK(weight))
#define GELSS_COMPLEX(name, type, weight) F_LAPACK(name, 14, works(p12) * GELSS_WORK(weight))
#define GELSS_WORK(weight) (weight) * at(p1) * at(p2) * (4 * smaller(p1, p2) + 2 * at(p3))
#define GESVD(name, type, weight) F_LAPACK(name, 14, GESVD_WORK(weight))
#define GESVD_COMPLEX(name, type, weight) F_LAPACK(name, 15, GESVD_WORK(weight))
#define GESVD_WORK(weight)                                                                         \
    works(p13) * (weight)*wants(p1, 20, 4) * larger(p3, p4) * smaller(p3, p4) * smaller(p3, p4)

/* Eigenvalues: the place of n, and that of the workspace's size. */
#define EIGEN(name, count, n, lwork, with, without, job, weight)                                   \
    F_LAPACK(name, count, works(lwork) * (weight)*wants(job, with, without) * cube(n))
#define SYEV(name, type, weight) EIGEN(name, 9, p3, p8, 9, 1.4, p1, weight)
#define HEEV(name, type, weight) EIGEN(name, 10, p3, p8, 9, 1.4, p1, weight)
#define SYEVR(name, type, weight) EIGEN(name, 21, p4, p18, 6, 1.4, p1, weight)
#define HEEVR(name, type, weight) EIGEN(name, 23, p4, p18, 6, 1.4, p1, weight)
#define SYEVX(name, type, weight) EIGEN(name, 20, p4, p17, 6, 1.4, p1, weight)
#define HEEVX(name, type, weight) EIGEN(name, 21, p4, p17, 6, 1.4, p1, weight)
#define SYGV(name, type, weight) EIGEN(name, 12, p4, p11, 12, 4, p2, weight)
#define HEGV(name, type, weight) EIGEN(name, 13, p4, p11, 12, 4, p2, weight)
#define SYGVD(name, type, weight) EIGEN(name, 14, p4, p11, 12, 4, p2, weight)
#define HEGVD(name, type, weight) EIGEN(name, 16, p4, p11, 12, 4, p2, weight)
#define SYGVX(name, type, weight) EIGEN(name, 23, p5, p20, 12, 4, p2, weight)
#define HEGVX(name, type, weight) EIGEN(name, 24, p5, p20, 12, 4, p2, weight)
#define GGEV(name, type, weight) EIGEN(name, 17, p3, (weight) == 1 ? p16 : p15, 50, 30, p2, weight)
#define GEHRD(name, type, weight) F_LAPACK(name, 9, works(p8) * (weight)*3.3 * cube(p1))
#define ORGHR(name, type, weight) F_LAPACK(name, 9, works(p8) * (weight)*1.3 * cube(p1))
#define SYTRD(name, type, weight) F_LAPACK(name, 10, works(p9) * (weight)*1.3 * cube(p2))
#define TRSYL(name, type, weight) F_LAPACK(name, 13, (weight)*at(p4) * at(p5) * (at(p4) + at(p5)))

#define ROUTINE(name, kind, type, weight) kind(name, type, weight)
#include "routines.def"
#undef ROUTINE

#ifdef TREADLE_BLAS_PREFIX
static
#endif
    struct routine TABLE[TREADLE_ROUTINE_COUNT] = {
#define ROUTINE(routine_, kind, type, weight)                                                      \
    {.name = SYMBOL(routine_),                                                                     \
     .forward = (treadle_routine_fn)forward_##routine_,                                            \
     .int_bits = TREADLE_INT_BITS},
#include "routines.def"
#undef ROUTINE
};
