/* SPDX-License-Identifier: BSD-3-Clause */
/* Products whose sizes are no multiples of any kernel's tile, against plain loops. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>

#include "blis_data.h"

enum { ROW = 101, COLUMN = 102, NO_TRANS = 111, TRANS = 112 };
enum { EDGE_MOST = 50, GAP = 3 };

typedef void dgemm64(int, int, int, int64_t, int64_t, int64_t, double, const void *, int64_t,
                     const void *, int64_t, double, void *, int64_t);
typedef void sgemm64(int, int, int, int64_t, int64_t, int64_t, float, const void *, int64_t,
                     const void *, int64_t, float, void *, int64_t);

/* A matrix in plain doubles beside the one the library gets: element (i, j) is at
 * i * row + j * column of both. */
struct twin {
    int64_t rows, columns, row, column, count;
    double *exact;
    void *given;
};

static double next_number(void)
{
    static uint32_t state = 12345;
    state = state * 1664525u + 1013904223u;
    return (double)(state >> 8) / (1 << 23) - 1;
}

static void put(struct twin *x, enum blis_type type, int64_t at, double value)
{
    if (type == F32)
        ((float *)x->given)[at] = (float)value;
    else
        ((double *)x->given)[at] = value;
    x->exact[at] = type == F32 ? (double)(float)value : value;
}

static double given(const struct twin *x, enum blis_type type, int64_t at)
{
    return type == F32 ? (double)((float *)x->given)[at] : ((double *)x->given)[at];
}

/* by_rows: columns are `step` apart, rows further; else the other way round. */
static struct twin make(enum blis_type type, int64_t rows, int64_t columns, bool by_rows,
                        int64_t step)
{
    struct twin x = {.rows = rows, .columns = columns};
    x.row = by_rows ? columns * step + GAP : step;
    x.column = by_rows ? step : rows * step + GAP;
    x.count = by_rows ? rows * x.row : columns * x.column;
    x.exact = malloc((size_t)x.count * sizeof(double));
    x.given = malloc((size_t)x.count * sizeof(double));
    for (int64_t at = 0; at < x.count; at++)
        put(&x, type, at, next_number());
    return x;
}

static void drop(struct twin *x)
{
    free(x->exact);
    free(x->given);
}

/* c = alpha a b + beta c in c->exact. */
static void multiply_exactly(double alpha, const struct twin *a, const struct twin *b, double beta,
                             struct twin *c)
{
    double *line = malloc((size_t)c->columns * sizeof *line);
    for (int64_t i = 0; i < c->rows; i++) {
        for (int64_t j = 0; j < c->columns; j++)
            line[j] = 0;
        for (int64_t l = 0; l < a->columns; l++)
            for (int64_t j = 0; j < c->columns; j++)
                line[j] +=
                    a->exact[i * a->row + l * a->column] * b->exact[l * b->row + j * b->column];
        for (int64_t j = 0; j < c->columns; j++) {
            double *to = &c->exact[i * c->row + j * c->column];
            *to = alpha * line[j] + (beta == 0 ? 0 : beta * *to);
        }
    }
    free(line);
}

/* Also what lies between the rows must be as it was. */
static void compare(const struct twin *c, enum blis_type type, int64_t k, const char *what)
{
    double allowed = (type == F32 ? 1e-6 : 2e-15) * (double)(k + 10);
    for (int64_t at = 0; at < c->count; at++)
        cr_assert(fabs(given(c, type, at) - c->exact[at]) <= allowed,
                  "%s: %d x %d x %d, type %d, at %d: %g, not %g", what, (int)c->rows, (int)k,
                  (int)c->columns, (int)type, (int)at, given(c, type, at), c->exact[at]);
}

static void set_to_nan(struct twin *c, enum blis_type type)
{
    for (int64_t i = 0; i < c->rows; i++)
        for (int64_t j = 0; j < c->columns; j++)
            put(c, type, i * c->row + j * c->column, NAN);
}

/* `variant`: order, transpositions and beta. */
static void check_gemm(enum blis_type type, int64_t m, int64_t n, int64_t k, int variant)
{
    int order = variant & 1 ? ROW : COLUMN;
    bool ta = variant & 2, tb = variant & 4, by_rows = order == ROW;
    double alpha = variant & 8 ? -0.5 : 1, beta = variant & 16 ? 0.25 : 0;
    struct twin a = make(type, m, k, by_rows != ta, 1), b = make(type, k, n, by_rows != tb, 1);
    struct twin c = make(type, m, n, by_rows, 1);
    int64_t lda = a.row > a.column ? a.row : a.column, ldb = b.row > b.column ? b.row : b.column;
    int64_t ldc = c.row > c.column ? c.row : c.column;
    if (beta == 0)
        set_to_nan(&c, type);
    const struct treadle_routines *routines =
        blis_plugin()->get_extension(blis_state(), TREADLE_ROUTINES_ID);
    treadle_routine_fn fn =
        routines->find(blis_state(), type == F32 ? "cblas_sgemm" : "cblas_dgemm", 64);
    if (type == F32)
        ((sgemm64 *)fn)(order, ta ? TRANS : NO_TRANS, tb ? TRANS : NO_TRANS, m, n, k, (float)alpha,
                        a.given, lda, b.given, ldb, (float)beta, c.given, ldc);
    else
        ((dgemm64 *)fn)(order, ta ? TRANS : NO_TRANS, tb ? TRANS : NO_TRANS, m, n, k, alpha,
                        a.given, lda, b.given, ldb, beta, c.given, ldc);
    multiply_exactly(alpha, &a, &b, beta, &c);
    compare(&c, type, k, "gemm");
    drop(&a);
    drop(&b);
    drop(&c);
}

/* The same through matmul, whose strides are free. */
static void check_matmul(enum blis_type type, int64_t m, int64_t n, int64_t k, int variant)
{
    struct twin x[] = {make(type, m, k, variant & 1, 1 + (variant >> 3 & 1)),
                       make(type, k, n, variant & 2, 1 + (variant >> 4 & 1)),
                       make(type, m, n, variant & 4, 1 + (variant >> 5 & 1))};
    struct blis_array arrays[3], *args[] = {&arrays[0], &arrays[1], &arrays[2]};
    set_to_nan(&x[2], type);
    for (int i = 0; i < 3; i++) {
        blis_array(&arrays[i], type, x[i].given, 2, (int64_t[]){x[i].rows, x[i].columns});
        arrays[i].strides[0] = x[i].row * arrays[i].array.itemsize;
        arrays[i].strides[1] = x[i].column * arrays[i].array.itemsize;
    }
    cr_assert_eq(blis_run("matmul", args, 3, 2, 0, 1 + (uint32_t)variant % 3, NULL), TREADLE_OK);
    multiply_exactly(1, &x[0], &x[1], 0, &x[2]);
    compare(&x[2], type, k, "matmul");
    for (int i = 0; i < 3; i++)
        drop(&x[i]);
}

/* With the other sides this long, products from edge 3 on are no longer small. */
enum { LONG = 360 };

Test(gemm, is_right_at_all_edges_of_each_side)
{
    for (int64_t edge = 1; edge <= EDGE_MOST; edge++)
        for (int side = 0; side < 3; side++)
            for (int type = F32; type <= F64; type++) {
                int64_t m = side == 0 ? edge : LONG, n = side == 1 ? edge : LONG;
                int64_t k = side == 2 ? edge : LONG;
                int variant = (int)(edge * 7 + side * 11 + type * 13);
                check_gemm((enum blis_type)type, m, n, k, variant % 32);
                check_matmul((enum blis_type)type, m, n, k, variant % 64);
            }
}

Test(gemm, is_right_for_all_edges_of_small_products)
{
    for (int64_t m = 1; m <= EDGE_MOST; m++)
        for (int64_t n = 1; n <= EDGE_MOST; n++) {
            int variant = (int)(m * 5 + n * 3);
            check_gemm(m % 2 ? F32 : F64, m, n, 1 + (m * n) % EDGE_MOST, variant % 32);
            check_matmul(n % 2 ? F64 : F32, m, n, 1 + (m + n) % EDGE_MOST, variant % 64);
        }
}

Test(gemm, is_right_for_all_rests_of_a_tile)
{
    for (int64_t m = 96; m < 96 + 48; m++)
        for (int64_t n = 96; n < 96 + 8; n++) {
            check_gemm(F32, m, n, 40, (int)(m + n) % 32);
            check_gemm(F64, m, n, 40, (int)(m + 3 * n) % 32);
        }
}

Test(gemm, is_right_for_all_orders_transpositions_and_strides)
{
    for (int type = F32; type <= F64; type++)
        for (int variant = 0; variant < 64; variant++) {
            check_gemm((enum blis_type)type, 101, 83, 77, variant % 32);
            check_matmul((enum blis_type)type, 101, 83, 77, variant);
        }
}

/* Longer than a block of the caches in each direction. */
Test(gemm, is_right_across_blocks)
{
    for (int type = F32; type <= F64; type++) {
        check_gemm((enum blis_type)type, 1001, 91, 1299, 16 + type);
        check_matmul((enum blis_type)type, 67, 4100, 70, 5 + type);
    }
}

Test(gemm, of_no_terms_scales)
{
    for (int variant = 0; variant < 32; variant++) {
        check_gemm(F64, 100, 90, 0, variant);
        check_gemm(F32, 3, 5, 0, variant);
    }
}
