/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * values.linalg: factors are multiplied together again, solutions put back. What an operation has
 * no business to read (the upper triangle for eigh and cholesky) holds NaN.
 */
#include <complex.h>
#include <math.h>
#include <string.h>

#include "check.h"
#include "check_tests.h"
#include "check_values.h"

#define LINALG "svd qr eigh solve cholesky inv"

enum { SIDE_MAX = 40, ARGS_MAX = 4, COLUMNS = 3, STACK = 2 };

/* Roundings allowed per row: LAPACK's own tests allow 30 for a whole factorisation. */
static const long double errors_per_row = 30;

typedef long double complex number;

/** A small matrix of numbers. */
struct matrix {
    int64_t rows, columns;
    number at[SIDE_MAX][SIDE_MAX];
};

static const struct matrix zero;

static struct matrix times(const struct matrix *a, const struct matrix *b)
{
    struct matrix c = zero;

    c.rows = a->rows, c.columns = b->columns;
    for (int64_t i = 0; i < c.rows; i++)
        for (int64_t j = 0; j < c.columns; j++)
            for (int64_t k = 0; k < a->columns; k++)
                c.at[i][j] += a->at[i][k] * b->at[k][j];
    return c;
}

static struct matrix adjoint(const struct matrix *a)
{
    struct matrix b = zero;

    b.rows = a->columns, b.columns = a->rows;
    for (int64_t i = 0; i < b.rows; i++)
        for (int64_t j = 0; j < b.columns; j++)
            b.at[i][j] = conjl(a->at[j][i]);
    return b;
}

static struct matrix identity(int64_t n)
{
    struct matrix a = zero;

    a.rows = a.columns = n;
    for (int64_t i = 0; i < n; i++)
        a.at[i][i] = 1;
    return a;
}

/** A square matrix with these values on its diagonal. */
static struct matrix diagonal(const struct matrix *values)
{
    struct matrix a = identity(values->rows);

    for (int64_t i = 0; i < a.rows; i++)
        a.at[i][i] = values->at[i][0];
    return a;
}

static long double largest(const struct matrix *a)
{
    long double most = 0;

    for (int64_t i = 0; i < a->rows; i++)
        for (int64_t j = 0; j < a->columns; j++)
            most = fmaxl(most, cabsl(a->at[i][j]));
    return most;
}

/** Matrix k of a stack, or a vector of it as one column. */
static struct matrix read_matrix(const struct check_array *a, int64_t k, bool vector)
{
    struct matrix m = zero;
    int32_t last = a->array.ndim - 1;

    m.rows = a->shape[vector ? last : last - 1];
    m.columns = vector ? 1 : a->shape[last];
    for (int64_t i = 0; i < m.rows; i++)
        for (int64_t j = 0; j < m.columns; j++)
            m.at[i][j] =
                check_get(a->array.dtype, check_array_item(a, (k * m.rows + i) * m.columns + j));
    return m;
}

/** One call in progress: its operands and how exact it has to be. */
struct problem {
    const struct check_op *op;
    struct check_array args[ARGS_MAX];
    uint32_t nargs;
    int64_t rows, columns;
    long double tolerance;
};

static void expect_same(const struct problem *p, const struct matrix *got,
                        const struct matrix *want, const char *what)
{
    long double scale = fmaxl(largest(want), 1);

    for (int64_t i = 0; i < want->rows; i++)
        for (int64_t j = 0; j < want->columns; j++) {
            long double off = cabsl(got->at[i][j] - want->at[i][j]);
            if (!(off <= p->tolerance * scale)) {
                check_fail_here("%s: row %lld, column %lld is off by %.2Lg, allowed is %.2Lg", what,
                                (long long)i, (long long)j, off, p->tolerance * scale);
                return;
            }
        }
}

static void expect_unitary(const struct problem *p, const struct matrix *q, const char *what)
{
    struct matrix qh = adjoint(q), product = times(&qh, q), one = identity(q->columns);

    expect_same(p, &product, &one, what);
}

static void expect_order(const struct matrix *values, bool descending)
{
    for (int64_t i = 1; i < values->rows; i++) {
        long double step = creall(values->at[i][0]) - creall(values->at[i - 1][0]);
        if (!(descending ? step <= 0 : step >= 0)) {
            check_fail_here("values are not in %s order", descending ? "descending" : "ascending");
            return;
        }
    }
}

/* ---- one matrix of each operation ------------------------------------------------------------*/

/** Without factors: the sums of the squares and of the fourth powers say nearly as much. */
static void see_singular_values(const struct problem *p, const struct matrix *a,
                                const struct matrix *s)
{
    struct matrix ah = adjoint(a), aha = times(&ah, a), want = zero, got = zero;

    want.rows = got.rows = want.columns = got.columns = 1;
    for (int64_t i = 0; i < aha.rows; i++)
        for (int64_t j = 0; j < aha.columns; j++)
            want.at[0][0] += aha.at[i][j] * conjl(aha.at[i][j]);
    for (int64_t i = 0; i < s->rows; i++)
        got.at[0][0] += cpowl(s->at[i][0], 4);
    expect_same(p, &got, &want, "sum of the fourth powers of s");
}

static void see_svd(const struct problem *p, const struct matrix *a, int64_t k)
{
    bool values_only = p->nargs == 2;
    struct matrix s = read_matrix(&p->args[values_only ? 1 : 2], k, true);

    expect_order(&s, true);
    if (values_only) {
        see_singular_values(p, a, &s);
        return;
    }
    struct matrix u = read_matrix(&p->args[1], k, false), vh = read_matrix(&p->args[3], k, false);
    struct matrix v = adjoint(&vh), d = diagonal(&s), us = times(&u, &d), usv = times(&us, &vh);
    expect_same(p, &usv, a, "u s vh - a");
    expect_unitary(p, &u, "columns of u");
    expect_unitary(p, &v, "rows of vh");
}

static void see_qr(const struct problem *p, const struct matrix *a, int64_t k)
{
    struct matrix q = read_matrix(&p->args[1], k, false), r = read_matrix(&p->args[2], k, false);
    struct matrix qr = times(&q, &r), upper = r;

    for (int64_t i = 0; i < upper.rows; i++)
        for (int64_t j = 0; j < i && j < upper.columns; j++)
            upper.at[i][j] = 0;
    expect_same(p, &qr, a, "q r - a");
    expect_unitary(p, &q, "columns of q");
    expect_same(p, &r, &upper, "r below its diagonal");
}

static void see_eigh(const struct problem *p, const struct matrix *a, int64_t k)
{
    struct matrix w = read_matrix(&p->args[1], k, true), v = read_matrix(&p->args[2], k, false);
    struct matrix d = diagonal(&w), av = times(a, &v), vw = times(&v, &d);

    expect_order(&w, false);
    expect_same(p, &av, &vw, "a v - v w");
    expect_unitary(p, &v, "columns of v");
}

static void see_cholesky(const struct problem *p, const struct matrix *a, int64_t k)
{
    struct matrix l = read_matrix(&p->args[1], k, false), lh = adjoint(&l), llh = times(&l, &lh);
    struct matrix lower = l;

    for (int64_t i = 0; i < l.rows; i++)
        for (int64_t j = i + 1; j < l.columns; j++)
            lower.at[i][j] = 0;
    expect_same(p, &llh, a, "l l^H - a");
    expect_same(p, &l, &lower, "l above its diagonal");
}

static void see_solution(const struct problem *p, const struct matrix *a, int64_t k)
{
    bool inverse = !strcmp(p->op->name, "inv");
    struct matrix x = read_matrix(&p->args[p->nargs - 1], k, false), ax = times(a, &x);
    struct matrix b = inverse ? identity(a->rows) : read_matrix(&p->args[1], k, false);

    expect_same(p, &ax, &b, inverse ? "a inv(a) - 1" : "a x - b");
}

static void see(const struct problem *p, const struct matrix *a, int64_t k)
{
    switch (p->op->name[0]) {
    case 'q':
        see_qr(p, a, k);
        return;
    case 'e':
        see_eigh(p, a, k);
        return;
    case 'c':
        see_cholesky(p, a, k);
        return;
    case 'i':
        see_solution(p, a, k);
        return;
    default:
        (p->op->name[1] == 'v' ? see_svd : see_solution)(p, a, k);
    }
}

/* ---- the operands ----------------------------------------------------------------------------*/

static bool is_triangular(const struct check_op *op)
{
    return check_op_is(op, "eigh cholesky");
}

/** Hermitian and far from singular where the operation needs it. */
static void condition(struct problem *p, int64_t k)
{
    struct check_array *a = &p->args[0];
    int64_t n = p->rows;

    for (int64_t i = 0; i < n; i++)
        for (int64_t j = 0; j <= i; j++) {
            void *low = check_array_item(a, (k * n + i) * n + j);
            void *high = check_array_item(a, (k * n + j) * n + i);
            number value = check_get(a->array.dtype, low);
            if (i == j)
                value = creall(value) + 2 * (long double)n;
            check_set(a->array.dtype, low, value);
            check_set(a->array.dtype, high, conjl(value));
        }
}

static void hide_upper(struct problem *p, int64_t k)
{
    for (int64_t i = 0; i < p->rows; i++)
        for (int64_t j = i + 1; j < p->rows; j++)
            check_set(p->args[0].array.dtype,
                      check_array_item(&p->args[0], (k * p->rows + i) * p->rows + j), NAN);
}

/** Operand i is a stack of vectors (n < 0) or of matrices. */
static void lay_out(struct problem *p, uint32_t i, int64_t m, int64_t n, bool by_columns)
{
    const int64_t shape[] = {STACK, m, n};
    int32_t ndim = n < 0 ? 2 : 3;

    if (by_columns)
        check_array_init_columns(&p->args[i], p->op->dtypes[i], ndim, shape);
    else
        check_array_init(&p->args[i], p->op->dtypes[i], ndim, shape, 1, CHECK_ALIGNED);
}

static void lay_out_all(struct problem *p, bool by_columns)
{
    int64_t m = p->rows, n = p->columns, least = m < n ? m : n;

    lay_out(p, 0, m, n, by_columns);
    switch (p->op->name[0] == 's' ? p->op->name[1] : p->op->name[0]) {
    case 'v':
        lay_out(p, 1, p->nargs == 2 ? least : m, p->nargs == 2 ? -1 : least, by_columns);
        if (p->nargs == 4) {
            lay_out(p, 2, least, -1, false);
            lay_out(p, 3, least, n, by_columns);
        }
        break;
    case 'q':
        lay_out(p, 1, m, least, by_columns);
        lay_out(p, 2, least, n, by_columns);
        break;
    case 'e':
        lay_out(p, 1, n, -1, false);
        lay_out(p, 2, n, n, by_columns);
        break;
    case 'o':
        lay_out(p, 1, n, COLUMNS, by_columns);
        lay_out(p, 2, n, COLUMNS, by_columns);
        break;
    default:
        lay_out(p, 1, n, n, by_columns);
    }
}

static void try_problem(const struct check_op *op, int64_t rows, int64_t columns, bool by_columns,
                        uint32_t threads, struct check_tally *tally)
{
    struct problem p = {.op = op, .nargs = op->ntypes, .rows = rows, .columns = columns};
    struct treadle_linalg attrs = {sizeof attrs, 0};
    struct check_array *arrays[ARGS_MAX];
    struct matrix a[STACK];

    p.tolerance = errors_per_row * (long double)(rows > columns ? rows : columns) *
                  check_epsilon(op->dtypes[0]);
    lay_out_all(&p, by_columns);
    for (uint32_t i = 0; i < op->nin; i++)
        check_array_fill(&p.args[i], CHECK_PLAIN, i);
    for (int64_t k = 0; k < STACK; k++) {
        if (!check_op_is(op, "svd qr"))
            condition(&p, k);
        a[k] = read_matrix(&p.args[0], k, false);
        if (is_triangular(op))
            hide_upper(&p, k);
    }
    for (uint32_t i = 0; i < op->ntypes; i++)
        arrays[i] = &p.args[i];
    check_doing("%s of %s, %s, threads_max %u", check_op_text(op), check_shape_text(&p.args[0]),
                by_columns ? "column by column" : "row by row", threads);
    if (check_case(op, arrays, op->ntypes, &attrs, threads, tally))
        for (int64_t k = 0; k < STACK && !check_has_failed(); k++)
            see(&p, &a[k], k);
    for (uint32_t i = 0; i < op->ntypes; i++)
        check_array_finish(&p.args[i]);
}

/** As many operands as ops.h says, all of floats. */
static bool is_known_form(const struct check_op *op)
{
    uint32_t nargs = check_op_is(op, "cholesky inv") ? 2 : 3;

    for (uint32_t i = 0; i < op->ntypes; i++)
        if (check_epsilon(op->dtypes[i]) == 0 || !check_is_number(op->dtypes[i]))
            return false;
    if (!strcmp(op->name, "svd"))
        return op->ntypes == 2 || op->ntypes == 4;
    return op->ntypes == nargs;
}

static void try_linalg(const struct check_op *op)
{
    static const int64_t shapes[][2] = {{1, 1}, {2, 2}, {5, 5}, {33, 33}, {7, 3}, {3, 8}};
    struct check_tally tally = {0};

    if (!is_known_form(op)) {
        check_note("%s: there is no reference to compare it with", check_op_text(op));
        return;
    }
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++)
        for (int by_columns = 0; by_columns <= 1 && !check_has_failed(); by_columns++)
            if (shapes[i][0] == shapes[i][1] || check_op_is(op, "svd qr"))
                try_problem(op, shapes[i][0], shapes[i][1], by_columns, check_threads[i % 2],
                            &tally);
    check_tally_end(op, &tally);
}

void check_linalg(void)
{
    check_each(LINALG, try_linalg);
}
