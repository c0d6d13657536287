/* SPDX-License-Identifier: BSD-3-Clause */
/* BLAS and LAPACK by name, as a host calls them: between enter() and leave(). */
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "blis_data.h"

enum { ROW = 101, COLUMN = 102, NO_TRANS = 111, TRANS = 112, CONJ_TRANS = 113, UPPER = 121 };

static const struct treadle_routines *routines(void)
{
    return blis_plugin()->get_extension(blis_state(), TREADLE_ROUTINES_ID);
}

static treadle_routine_fn find(const char *name, uint32_t bits)
{
    treadle_routine_fn fn = routines()->find(blis_state(), name, bits);
    cr_assert(fn, "%s", name);
    return fn;
}

static struct treadle_call enter(uint32_t threads)
{
    return (struct treadle_call){.struct_size = sizeof(struct treadle_call),
                                 .host = blis_host(),
                                 .threads_max = threads,
                                 .threads_used = 1};
}

static struct blis_array make(enum blis_type type, int64_t rows, int64_t columns, unsigned seed)
{
    struct blis_array x;
    data_make(&x, type, 2, (int64_t[]){rows, columns}, seed);
    return x;
}

Test(routines, exist_for_what_numpy_imports)
{
    static const char *const blas[] = {"gemm", "gemv", "syrk", "axpy"};
    static const char *const lapack[] = {"gesdd", "gesv", "getrf", "potrf", "geqrf",
                                         "gelsd", "geev", "copy",  "syrk"};
    static const char *const others[] = {"cblas_sdot",      "cblas_ddot",      "cblas_cdotu_sub",
                                         "cblas_cdotc_sub", "cblas_zdotu_sub", "cblas_zdotc_sub",
                                         "ssyevd_",         "dsyevd_",         "cheevd_",
                                         "zheevd_",         "dorgqr_",         "zungqr_"};
    char name[32];
    for (const char *letter = "sdcz"; *letter; letter++)
        for (uint32_t bits = 32; bits <= 64; bits += 32) {
            for (size_t i = 0; i < sizeof blas / sizeof *blas; i++) {
                snprintf(name, sizeof name, "cblas_%c%s", *letter, blas[i]);
                find(name, bits);
            }
            for (size_t i = 0; i < sizeof lapack / sizeof *lapack; i++) {
                snprintf(name, sizeof name, "%c%s_", *letter, lapack[i]);
                find(name, bits);
            }
        }
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        find(others[i], 64);
    cr_assert(!routines()->find(blis_state(), "dgesdd", 64));
    cr_assert(!routines()->find(blis_state(), "dgesdd_", 16));
}

typedef void gemm64(int, int, int, int64_t, int64_t, int64_t, double, const void *, int64_t,
                    const void *, int64_t, double, void *, int64_t);

Test(routines, gemm_takes_both_orders_and_all_transpositions)
{
    enum { M = 90, N = 70, K = 80 };
    gemm64 *gemm = (gemm64 *)find("cblas_dgemm", 64);
    for (int variant = 0; variant < 8; variant++) {
        int order = variant & 1 ? ROW : COLUMN, ta = variant & 2, tb = variant & 4;
        bool a_by_rows = (order == ROW) == !ta, b_by_rows = (order == ROW) == !tb;
        struct blis_array a = make(F64, a_by_rows ? M : K, a_by_rows ? K : M, 1);
        struct blis_array b = make(F64, b_by_rows ? K : N, b_by_rows ? N : K, 2);
        struct blis_array c = make(F64, order == ROW ? M : N, order == ROW ? N : M, 3);
        int64_t lda = a.shape[1], ldb = b.shape[1], ldc = c.shape[1];
        struct treadle_call call = enter(2);
        routines()->enter(&call);
        gemm(order, ta ? TRANS : NO_TRANS, tb ? TRANS : NO_TRANS, M, N, K, 1, a.array.data, lda,
             b.array.data, ldb, 0, c.array.data, ldc);
        routines()->leave(&call);
        if (!a_by_rows)
            data_transpose(&a);
        if (!b_by_rows)
            data_transpose(&b);
        if (order == COLUMN)
            data_transpose(&c);
        cr_assert_leq(data_product_error(&a, &b, &c, 0), 1e-12, "variant %d", variant);
    }
}

typedef void gemv64(int, int, int64_t, int64_t, const void *, const void *, int64_t, const void *,
                    int64_t, const void *, void *, int64_t);

Test(routines, gemv_conjugates_and_runs_backwards)
{
    int64_t m = 211, n = 300;
    struct blis_array a = make(C128, m, n, 1), x = make(C128, m, 1, 2), y = make(C128, n, 2, 3);
    struct blis_array before = make(C128, n, 2, 3);
    double complex alpha = 2 - I, beta = 0.5 * I;
    struct treadle_call call = enter(2);
    routines()->enter(&call);
    ((gemv64 *)find("cblas_zgemv", 64))(ROW, CONJ_TRANS, m, n, &alpha, a.array.data, n,
                                        x.array.data, -1, &beta, y.array.data, 2);
    routines()->leave(&call);
    cr_assert_eq(call.threads_used, 2);
    for (int64_t j = 0; j < n; j++) {
        double complex sum = 0;
        for (int64_t i = 0; i < m; i++)
            sum += conj(data_at(&a, 0, i, j)) * data_at(&x, 0, m - 1 - i, 0);
        sum = alpha * sum + beta * data_at(&before, 0, j, 0);
        cr_assert_leq(cabs(sum - data_at(&y, 0, j, 0)), 1e-11);
        cr_assert(data_at(&y, 0, j, 1) == data_at(&before, 0, j, 1));
    }
}

typedef void syrk64(int, int, int, int64_t, int64_t, double, const void *, int64_t, double, void *,
                    int64_t);

Test(routines, syrk_writes_one_triangle)
{
    int64_t n = 150, k = 40;
    struct blis_array a = make(F64, k, n, 1), c = make(F64, n, n, 2), before = make(F64, n, n, 2);
    ((syrk64 *)find("cblas_dsyrk", 64))(ROW, UPPER, TRANS, n, k, 1, a.array.data, n, 0,
                                        c.array.data, n);
    for (int64_t i = 0; i < n; i++)
        for (int64_t j = 0; j < n; j++) {
            double complex sum = 0;
            for (int64_t l = 0; l < k; l++)
                sum += data_at(&a, 0, l, i) * data_at(&a, 0, l, j);
            if (j < i)
                sum = data_at(&before, 0, i, j);
            cr_assert_leq(cabs(sum - data_at(&c, 0, i, j)), 1e-12);
        }
}

typedef void fortran_syrk32(const char *, const char *, const int32_t *, const int32_t *,
                            const double *, const void *, const int32_t *, const double *, void *,
                            const int32_t *);

/* c = 2 a a^T + 3 c, columns first: the transpose of what lies there by rows. */
Test(routines, fortran_syrk_writes_one_triangle)
{
    const int32_t n = 150, k = 40;
    const double two = 2, three = 3;
    struct blis_array a = make(F64, k, n, 1), c = make(F64, n, n, 2), before = make(F64, n, n, 2);
    ((fortran_syrk32 *)find("dsyrk_", 32))("l", "n", &n, &k, &two, a.array.data, &n, &three,
                                           c.array.data, &n);
    for (int64_t i = 0; i < n; i++)
        for (int64_t j = 0; j < n; j++) {
            double complex sum = 0;
            for (int64_t l = 0; l < k; l++)
                sum += 2 * data_at(&a, 0, l, i) * data_at(&a, 0, l, j);
            sum = j < i ? data_at(&before, 0, i, j) : sum + 3 * data_at(&before, 0, i, j);
            cr_assert_leq(cabs(sum - data_at(&c, 0, i, j)), 1e-12);
        }
}

typedef void dotc64(int64_t, const void *, int64_t, const void *, int64_t, void *);

Test(routines, dotc_conjugates_the_first)
{
    int64_t n = 20001;
    struct blis_array x = make(C128, n, 1, 1), y = make(C128, n, 1, 2);
    double complex sum = 0, result;
    ((dotc64 *)find("cblas_zdotc_sub", 64))(n, x.array.data, 1, y.array.data, 1, &result);
    for (int64_t i = 0; i < n; i++)
        sum += conj(data_at(&x, 0, i, 0)) * data_at(&y, 0, i, 0);
    cr_assert_leq(cabs(sum - result), 1e-10);
}

typedef void gesv64(const int64_t *, const int64_t *, void *, const int64_t *, int64_t *, void *,
                    const int64_t *, int64_t *);
typedef void gesv32(const int32_t *, const int32_t *, void *, const int32_t *, int32_t *, void *,
                    const int32_t *, int32_t *);

Test(routines, gesv_gives_the_same_pivots_in_both_widths)
{
    enum { N = 50 };
    int64_t n = N, one = 1, info = 99, pivots[N + 1];
    int32_t n32 = N, one32 = 1, info32 = 99, pivots32[N];
    struct blis_array a = make(F64, N, N, 1), again = make(F64, N, N, 1), kept = make(F64, N, N, 1);
    struct blis_array b = make(F64, N, 1, 2), b32 = make(F64, N, 1, 2), right = make(F64, N, 1, 2);
    pivots[N] = 1234567;
    ((gesv64 *)find("dgesv_", 64))(&n, &one, a.array.data, &n, pivots, b.array.data, &n, &info);
    ((gesv32 *)find("dgesv_", 32))(&n32, &one32, again.array.data, &n32, pivots32, b32.array.data,
                                   &n32, &info32);
    cr_assert_eq(info, 0);
    cr_assert_eq(info32, 0);
    cr_assert_eq(pivots[N], 1234567);
    for (int i = 0; i < N; i++) {
        cr_assert_eq(pivots[i], pivots32[i]);
        cr_assert(pivots[i] > i && pivots[i] <= N);
    }
    data_transpose(&kept); /* Fortran reads columns */
    cr_assert_leq(data_product_error(&kept, &b, &right, 0), 1e-11);
    cr_assert_eq(memcmp(b.array.data, b32.array.data, N * sizeof(double)), 0);
}

Test(routines, tell_a_wrong_or_too_large_argument_by_info)
{
    int64_t huge = INT64_C(1) << 32, n = 2, bad = 1, info = 0, pivots[2];
    double a[4] = {1, 0, 0, 1}, b[2] = {1, 1};
    gesv64 *gesv = (gesv64 *)find("dgesv_", 64);
    gesv(&huge, &n, a, &huge, pivots, b, &huge, &info);
    cr_assert_eq(info, -1);
    gesv(&n, &huge, a, &n, pivots, b, &n, &info);
    cr_assert_eq(info, -2);
    gesv(&n, &n, a, &bad, pivots, b, &n, &info); /* xerbla must not end the process */
    cr_assert_eq(info, -4);
}

typedef void gesdd64(const char *, const int64_t *, const int64_t *, void *, const int64_t *,
                     void *, void *, const int64_t *, void *, const int64_t *, void *,
                     const int64_t *, int64_t *, int64_t *);

Test(routines, gesdd_asks_decomposes_and_refuses_workspaces_beyond_32_bits)
{
    enum { N = 120 };
    gesdd64 *gesdd = (gesdd64 *)find("dgesdd_", 64);
    int64_t n = N, size = -1, info = 99, ints[8 * N], large = 40000;
    struct blis_array a = make(F64, N, N, 1), kept = make(F64, N, N, 1), u = make(F64, N, N, 2);
    struct blis_array vt = make(F64, N, N, 3), s = make(F64, N, 1, 4);
    double best = 0;
    gesdd("A", &n, &n, a.array.data, &n, s.array.data, u.array.data, &n, vt.array.data, &n, &best,
          &size, ints, &info);
    cr_assert_eq(info, 0);
    size = (int64_t)best;
    cr_assert(size > 3 * N);
    struct treadle_call call = enter(2);
    routines()->enter(&call);
    gesdd("A", &n, &n, a.array.data, &n, s.array.data, u.array.data, &n, vt.array.data, &n,
          malloc((size_t)size * sizeof(double)), &size, ints, &info);
    routines()->leave(&call);
    cr_assert_eq(info, 0);
    data_transpose(&u);
    data_transpose(&vt);
    data_transpose(&kept);
    for (int64_t i = 0; i < N; i++)
        for (int64_t j = 0; j < N; j++)
            data_set(&u, (int64_t[]){i, j}, data_at(&u, 0, i, j) * data_at(&s, 0, j, 0));
    cr_assert_leq(data_product_error(&u, &vt, &kept, 0), 1e-11);
    size = -1;
    gesdd("A", &large, &large, NULL, &large, NULL, NULL, &large, NULL, &large, &best, &size, ints,
          &info);
    cr_assert_eq(info, -12);
}

typedef void syevd64(const char *, const char *, const int64_t *, void *, const int64_t *, void *,
                     void *, const int64_t *, int64_t *, const int64_t *, int64_t *);

Test(routines, syevd_tells_both_workspaces)
{
    int64_t n = 100, ask = -1, ints = -7, info = 99;
    double best = 0;
    ((syevd64 *)find("dsyevd_", 64))("V", "L", &n, &best, &n, &best, &best, &ask, &ints, &ask,
                                     &info);
    cr_assert_eq(info, 0);
    cr_assert_eq(ints, 3 + 5 * n);
    cr_assert_geq(best, (double)(1 + 6 * n + 2 * n * n));
}
