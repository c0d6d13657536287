/* SPDX-License-Identifier: BSD-3-Clause */
/* Factors are judged by what they promise: their product is the matrix, their columns are
 * orthonormal. */
#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <math.h>
#include <string.h>

#include "blis_data.h"

struct shape {
    enum blis_type type;
    int64_t m, n;
    uint32_t flags;
};

static const int64_t shapes[][2] = {{1, 1},  {1, 6},   {6, 1},    {5, 5},    {17, 9},
                                    {9, 17}, {33, 33}, {130, 61}, {61, 130}, {150, 150}};

static struct criterion_test_params rectangles(void)
{
    enum { SHAPES = sizeof shapes / sizeof shapes[0], COUNT = SHAPES * BLIS_TYPES * 2 };
    static struct shape cases[COUNT];
    for (size_t i = 0; i < COUNT; i++)
        cases[i] = (struct shape){(enum blis_type)(i % BLIS_TYPES), shapes[i / 8][0],
                                  shapes[i / 8][1], i / 4 % 2 ? TREADLE_FULL_MATRICES : 0};
    return cr_make_param_array(struct shape, cases, COUNT);
}

static struct criterion_test_params squares(void)
{
    static const int64_t edges[] = {1, 2, 7, 33, 64, 65, 150};
    enum { EDGES = sizeof edges / sizeof edges[0], COUNT = EDGES * BLIS_TYPES * 2 };
    static struct shape cases[COUNT];
    for (size_t i = 0; i < COUNT; i++)
        cases[i] = (struct shape){(enum blis_type)(i % BLIS_TYPES), edges[i / 8], edges[i / 8],
                                  i / 4 % 2 ? TREADLE_UPPER : 0};
    return cr_make_param_array(struct shape, cases, COUNT);
}

static enum blis_type real_of(enum blis_type type)
{
    return type == C64 ? F32 : type == C128 ? F64 : type;
}

static int32_t run(const char *op, struct blis_array *const *args, uint32_t nargs, uint32_t nin,
                   uint32_t flags)
{
    return blis_run(op, args, nargs, nin, flags, 2, NULL);
}

static int64_t smaller(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* Column j of x times s[j]. */
static void scale_columns(const struct blis_array *x, const struct blis_array *s)
{
    for (int64_t i = 0; i < x->shape[0]; i++)
        for (int64_t j = 0; j < x->shape[1]; j++)
            data_set(x, (int64_t[]){i, j},
                     j < s->shape[0] ? data_at(x, 0, i, j) * data_get(s, &j) : 0);
}

static void check_descending(const struct blis_array *s)
{
    for (int64_t i = 0; i < s->shape[0]; i++) {
        cr_assert(creal(data_get(s, &i)) >= 0);
        cr_assert(i == 0 || creal(data_get(s, &i)) <= creal(data_get(s, &(int64_t){i - 1})));
    }
}

ParameterizedTestParameters(svd, gives_orthonormal_factors_of_the_matrix)
{
    return rectangles();
}

ParameterizedTest(struct shape *p, svd, gives_orthonormal_factors_of_the_matrix)
{
    struct blis_array a, u, s, vh, only, *args[] = {&a, &u, &s, &vh}, *values[] = {&a, &only};
    int64_t k = smaller(p->m, p->n);
    data_make(&a, p->type, 2, (int64_t[]){p->m, p->n}, 1);
    data_make(&u, p->type, 2, (int64_t[]){p->m, p->flags ? p->m : k}, 2);
    data_make(&s, real_of(p->type), 1, &k, 3);
    data_make(&only, real_of(p->type), 1, &k, 4);
    data_make(&vh, p->type, 2, (int64_t[]){p->flags ? p->n : k, p->n}, 5);
    cr_assert_eq(run("svd", args, 4, 1, p->flags), TREADLE_OK, "%s", blis_error());
    cr_assert_eq(run("svd", values, 2, 1, 0), TREADLE_OK, "%s", blis_error());
    double tolerance = data_tolerance(p->type, p->m + p->n);
    check_descending(&s);
    for (int64_t i = 0; i < k; i++)
        cr_assert_leq(cabs(data_get(&s, &i) - data_get(&only, &i)), tolerance);
    cr_assert_leq(data_unitary_error(&u, 0), tolerance);
    struct blis_array v = vh;
    data_transpose(&v);
    cr_assert_leq(data_unitary_error(&v, 0), tolerance);
    scale_columns(&u, &s);
    vh.shape[0] = u.shape[1] = k;
    cr_assert_leq(data_product_error(&u, &vh, &a, 0), tolerance);
}

ParameterizedTestParameters(qr, gives_an_orthonormal_and_a_triangular_factor)
{
    return rectangles();
}

ParameterizedTest(struct shape *p, qr, gives_an_orthonormal_and_a_triangular_factor)
{
    struct blis_array a, q, r, *args[] = {&a, &q, &r};
    int64_t k = p->flags ? p->m : smaller(p->m, p->n);
    data_make(&a, p->type, 2, (int64_t[]){p->m, p->n}, 1);
    data_make(&q, p->type, 2, (int64_t[]){p->m, k}, 2);
    data_make(&r, p->type, 2, (int64_t[]){k, p->n}, 3);
    cr_assert_eq(run("qr", args, 3, 1, p->flags), TREADLE_OK, "%s", blis_error());
    double tolerance = data_tolerance(p->type, p->m + p->n);
    cr_assert_leq(data_unitary_error(&q, 0), tolerance);
    cr_assert_leq(data_product_error(&q, &r, &a, 0), tolerance);
    for (int64_t i = 0; i < k; i++)
        for (int64_t j = 0; j < smaller(i, p->n); j++)
            cr_assert(data_at(&r, 0, i, j) == 0);
}

ParameterizedTestParameters(eigh, reads_one_triangle_and_diagonalises)
{
    return squares();
}

ParameterizedTest(struct shape *p, eigh, reads_one_triangle_and_diagonalises)
{
    struct blis_array a, w, v, *args[] = {&a, &w, &v};
    data_make(&a, p->type, 2, (int64_t[]){p->n, p->n}, 1);
    data_make(&w, real_of(p->type), 1, &p->n, 2);
    data_make(&v, p->type, 2, (int64_t[]){p->n, p->n}, 3);
    /* The other triangle, and what the diagonal has of i, must not matter. */
    cr_assert_eq(run("eigh", args, 3, 1, p->flags), TREADLE_OK, "%s", blis_error());
    for (int64_t i = 0; i < p->n; i++)
        for (int64_t j = 0; j <= i; j++) {
            int64_t here[] = {i, j}, there[] = {j, i};
            double complex value = data_get(&a, p->flags ? there : here);
            data_set(&a, p->flags ? here : there, i == j ? creal(value) : conj(value));
            data_set(&a, p->flags ? there : here, i == j ? creal(value) : value);
        }
    double tolerance = data_tolerance(p->type, p->n);
    cr_assert_leq(data_unitary_error(&v, 0), tolerance);
    for (int64_t i = 1; i < p->n; i++)
        cr_assert(creal(data_get(&w, &i)) >= creal(data_get(&w, &(int64_t){i - 1})));
    struct blis_array scaled;
    data_make(&scaled, p->type, 2, v.shape, 0);
    for (int64_t i = 0; i < p->n * p->n; i++) {
        int64_t index[] = {i / p->n, i % p->n};
        data_set(&scaled, index, data_get(&v, index));
    }
    scale_columns(&scaled, &w);
    cr_assert_leq(data_product_error(&a, &v, &scaled, 0), tolerance * (double)(p->n + 1));
}

ParameterizedTestParameters(solve, leaves_no_residual)
{
    return squares();
}

ParameterizedTest(struct shape *p, solve, leaves_no_residual)
{
    struct blis_array a, b, x, *args[] = {&a, &b, &x};
    data_make(&a, p->type, 2, (int64_t[]){p->n, p->n}, 1);
    for (int64_t i = 0; i < p->n; i++) /* well conditioned */
        data_set(&a, (int64_t[]){i, i}, data_at(&a, 0, i, i) + (double)p->n);
    /* A vector, or five right sides. */
    int32_t ndim = p->flags ? 1 : 2;
    data_make(&b, p->type, ndim, (int64_t[]){p->n, 5}, 2);
    data_make(&x, p->type, ndim, (int64_t[]){p->n, 5}, 3);
    cr_assert_eq(run("solve", args, 3, 2, 0), TREADLE_OK, "%s", blis_error());
    if (ndim == 1) {
        b.array.ndim = x.array.ndim = 2;
        b.shape[1] = x.shape[1] = 1;
    }
    cr_assert_leq(data_product_error(&a, &x, &b, 0), data_tolerance(p->type, p->n));
}

ParameterizedTestParameters(inv, times_the_matrix_is_one)
{
    return squares();
}

ParameterizedTest(struct shape *p, inv, times_the_matrix_is_one)
{
    struct blis_array a, out, *args[] = {&a, &out};
    data_make(&a, p->type, 2, (int64_t[]){p->n, p->n}, 1);
    data_make_definite(&a);
    data_make(&out, p->type, 2, (int64_t[]){p->n, p->n}, 2);
    cr_assert_eq(run("inv", args, 2, 1, 0), TREADLE_OK, "%s", blis_error());
    cr_assert_leq(data_product_error(&a, &out, NULL, 0), 10 * data_tolerance(p->type, p->n));
}

ParameterizedTestParameters(cholesky, is_a_lower_root)
{
    return squares();
}

ParameterizedTest(struct shape *p, cholesky, is_a_lower_root)
{
    struct blis_array a, l, *args[] = {&a, &l};
    data_make(&a, p->type, 2, (int64_t[]){p->n, p->n}, 1);
    data_make_definite(&a);
    data_make(&l, p->type, 2, (int64_t[]){p->n, p->n}, 2);
    cr_assert_eq(run("cholesky", args, 2, 1, 0), TREADLE_OK, "%s", blis_error());
    struct blis_array lh;
    data_make(&lh, p->type, 2, (int64_t[]){p->n, p->n}, 0);
    for (int64_t i = 0; i < p->n; i++)
        for (int64_t j = 0; j < p->n; j++) {
            cr_assert(j <= i || data_at(&l, 0, i, j) == 0);
            data_set(&lh, (int64_t[]){j, i}, conj(data_at(&l, 0, i, j)));
        }
    double tolerance = data_tolerance(p->type, p->n) * (double)(p->n + 1);
    cr_assert_leq(data_product_error(&l, &lh, &a, 0), tolerance);
}

Test(linalg, takes_any_layout_and_stack)
{
    for (int layout = 0; layout < 8; layout++)
        for (int64_t count = 1; count <= 5; count += 2) {
            struct blis_array a, x, b, *args[] = {&a, &b, &x};
            data_make(&a, F64, 3, (int64_t[]){count, 20, 20}, 1);
            data_make(&b, F64, 2, (int64_t[]){20, 3}, 2); /* for all matrices of the stack */
            data_make(&x, F64, 3, (int64_t[]){count, 20, 3}, 3);
            if (layout & 1)
                data_transpose(&a);
            if (layout & 2)
                data_reverse(&a, 1);
            if (layout & 4) {
                data_reverse(&x, 0);
                data_reverse(&x, 2);
            }
            cr_assert_eq(run("solve", args, 3, 2, 0), TREADLE_OK, "%s", blis_error());
            for (int64_t i = 0; i < count; i++)
                cr_assert_leq(data_product_error(&a, &x, &b, i), 1e-11);
        }
}

Test(linalg, of_empty_matrices_gives_identities)
{
    struct blis_array a, u, s, vh, *args[] = {&a, &u, &s, &vh};
    int64_t none = 0;
    data_make(&a, F64, 2, (int64_t[]){3, 0}, 1);
    data_make(&u, F64, 2, (int64_t[]){3, 3}, 2);
    data_make(&s, F64, 1, &none, 3);
    data_make(&vh, F64, 2, (int64_t[]){0, 0}, 4);
    cr_assert_eq(run("svd", args, 4, 1, TREADLE_FULL_MATRICES), TREADLE_OK, "%s", blis_error());
    cr_assert_eq(data_product_error(&u, &u, NULL, 0), 0);
    struct blis_array *factors[] = {&a, &u, &a};
    data_set(&u, (int64_t[]){1, 2}, 9);
    cr_assert_eq(run("qr", factors, 3, 1, TREADLE_FULL_MATRICES), TREADLE_OK, "%s", blis_error());
    cr_assert_eq(data_product_error(&u, &u, NULL, 0), 0);
    struct blis_array b, x, *equation[] = {&vh, &b, &x};
    data_make(&b, F64, 2, (int64_t[]){0, 2}, 5);
    data_make(&x, F64, 2, (int64_t[]){0, 2}, 6);
    cr_assert_eq(run("solve", equation, 3, 2, 0), TREADLE_OK, "%s", blis_error());
}

/* One matrix of a stack of three is bad. */
static void spoil(struct blis_array *a, int64_t at, double value)
{
    for (int64_t i = 0; i < a->shape[1]; i++)
        for (int64_t j = 0; j < a->shape[2]; j++)
            data_set(a, (int64_t[]){at, i, j}, value);
}

Test(linalg, says_which_matrix_cannot_be_done)
{
    struct blis_array a, out, s, v, *args[] = {&a, &out};
    data_make(&a, F64, 3, (int64_t[]){3, 6, 6}, 1);
    data_make(&out, F64, 3, (int64_t[]){3, 6, 6}, 2);
    spoil(&a, 1, 0);
    cr_assert_eq(run("inv", args, 2, 1, 0), TREADLE_E_NUMERIC);
    cr_assert(strstr(blis_error(), "singular matrix (matrix 2 of 3)"), "%s", blis_error());
    for (int64_t i = 0; i < 3; i++)
        for (int64_t j = 0; j < 6; j++)
            data_set(&a, (int64_t[]){i, j, j}, i == 1 ? -1 : 100);
    cr_assert_eq(run("cholesky", args, 2, 1, 0), TREADLE_E_NUMERIC);
    cr_assert(strstr(blis_error(), "positive definite (matrix 2 of 3)"), "%s", blis_error());
    spoil(&a, 2, NAN);
    data_make(&s, F64, 2, (int64_t[]){3, 6}, 3);
    struct blis_array *values[] = {&a, &s}, *vectors[] = {&a, &s, &v};
    cr_assert_eq(run("svd", values, 2, 1, 0), TREADLE_E_NUMERIC);
    cr_assert(strstr(blis_error(), "NaN"), "%s", blis_error());
    data_make(&v, F64, 3, (int64_t[]){3, 6, 6}, 4);
    cr_assert_eq(run("eigh", vectors, 3, 1, 0), TREADLE_E_NUMERIC);
    struct blis_array *equation[] = {&out, &out, &v};
    spoil(&out, 0, 1);
    cr_assert_eq(run("solve", equation, 3, 2, 0), TREADLE_E_NUMERIC);
}

Test(linalg, names_the_operand_whose_shape_is_wrong)
{
    struct blis_array a, out, s, *args[] = {&a, &out}, *values[] = {&a, &s};
    int64_t four = 4;
    data_make(&a, F64, 2, (int64_t[]){3, 5}, 1);
    data_make(&out, F64, 2, (int64_t[]){3, 5}, 2);
    data_make(&s, F64, 1, &four, 3);
    cr_assert_eq(run("inv", args, 2, 1, 0), TREADLE_E_INVALID);
    cr_assert(strstr(blis_error(), "operand 1"), "%s", blis_error());
    cr_assert_eq(run("svd", values, 2, 1, 0), TREADLE_E_INVALID);
    cr_assert(strstr(blis_error(), "operand 2"), "%s", blis_error());
}
