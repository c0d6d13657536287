/* SPDX-License-Identifier: BSD-3-Clause */
#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "blis_data.h"

struct product {
    enum blis_type type;
    int64_t m, k, n;
};

/* Around the sizes where another way is taken: vectors, AVX2 kernels below n = 62 to 84, two
 * threads above n = 158. */
static const int64_t sizes[][3] = {{1, 1, 1},       {1, 7, 9},     {9, 7, 1},    {2, 3, 4},
                                   {17, 5, 31},     {64, 64, 64},  {70, 69, 71}, {130, 127, 129},
                                   {170, 161, 160}, {200, 1, 150}, {3, 500, 5},  {700, 300, 1},
                                   {1, 300, 700}};

ParameterizedTestParameters(matmul, is_the_sum_of_products)
{
    enum { COUNT = sizeof sizes / sizeof sizes[0] * BLIS_TYPES };
    static struct product cases[COUNT];
    for (size_t i = 0; i < COUNT; i++) {
        const int64_t *size = sizes[i / BLIS_TYPES];
        cases[i] = (struct product){(enum blis_type)(i % BLIS_TYPES), size[0], size[1], size[2]};
    }
    return cr_make_param_array(struct product, cases, COUNT);
}

static void check(struct blis_array *x, struct blis_array *y, struct blis_array *out,
                  enum blis_type type, uint32_t threads)
{
    struct blis_array *args[] = {x, y, out};
    int64_t index[3] = {0, 0, 0}, k = x->shape[x->array.ndim - 1];
    if (out->shape[0] && out->shape[1])
        data_set(out, index, NAN); /* must not be read */
    cr_assert_eq(blis_run("matmul", args, 3, 2, 0, threads, NULL), TREADLE_OK, "%s", blis_error());
    for (int64_t i = 0; i < (out->array.ndim == 3 ? out->shape[0] : 1); i++)
        cr_assert_leq(data_product_error(x, y, out, i), data_tolerance(type, k),
                      "type %d, strides %d %d times %d %d to %d %d", (int)type, (int)x->strides[0],
                      (int)x->strides[1], (int)y->strides[0], (int)y->strides[1],
                      (int)out->strides[0], (int)out->strides[1]);
}

ParameterizedTest(struct product *p, matmul, is_the_sum_of_products)
{
    for (uint32_t threads = 1; threads <= 3; threads++) {
        struct blis_array x, y, out;
        data_make(&x, p->type, 2, (int64_t[]){p->m, p->k}, 1);
        data_make(&y, p->type, 2, (int64_t[]){p->k, p->n}, 2);
        data_make(&out, p->type, 2, (int64_t[]){p->m, p->n}, 3);
        check(&x, &y, &out, p->type, threads);
    }
}

/* Each of x, y and out in one of six layouts. */
static void make_laid_out(struct blis_array *x, enum blis_type type, int64_t rows, int64_t columns,
                          int layout, unsigned seed)
{
    if (layout == 1) { /* column-major */
        data_make(x, type, 2, (int64_t[]){columns, rows}, seed);
        data_transpose(x);
        return;
    }
    data_make(x, type, 2, (int64_t[]){rows * 3, columns * 2}, seed);
    x->shape[0] = rows;
    x->shape[1] = columns;
    if (layout == 2) { /* neither stride is one */
        x->strides[0] *= 3;
        x->strides[1] *= 2;
    }
    if (layout == 3)
        data_reverse(x, 0);
    if (layout == 4)
        data_reverse(x, 1);
    if (layout == 5) {
        x->strides[1] *= 2;
        data_reverse(x, 0);
        data_reverse(x, 1);
    }
}

Test(matmul, takes_any_layout)
{
    enum { LAYOUTS = 6 };
    static const int64_t edges[][3] = {{9, 13, 10}, {90, 77, 85}, {1, 13, 10}, {9, 13, 1}};
    for (size_t e = 0; e < sizeof edges / sizeof edges[0]; e++)
        for (int layout = 0; layout < LAYOUTS * LAYOUTS * LAYOUTS; layout++) {
            enum blis_type type =
                (enum blis_type)((layout + layout / LAYOUTS + (int)e) % BLIS_TYPES);
            struct blis_array x, y, out;
            make_laid_out(&x, type, edges[e][0], edges[e][1], layout % LAYOUTS, 1);
            make_laid_out(&y, type, edges[e][1], edges[e][2], layout / LAYOUTS % LAYOUTS, 2);
            make_laid_out(&out, type, edges[e][0], edges[e][2], layout / LAYOUTS / LAYOUTS, 3);
            check(&x, &y, &out, type, 2);
        }
}

Test(matmul, takes_repeated_and_overlapping_inputs)
{
    /* Strides 0 (one row or column repeated, one number repeated) and a window sliding over a
     * vector. */
    static const int64_t strides[][2] = {{0, 1}, {1, 0}, {0, 0}, {1, 1}, {2, 1}, {1, 3}};
    static const int64_t edges[] = {5, 40, 120};
    for (size_t e = 0; e < 3; e++)
        for (int i = 0; i < 36 * BLIS_TYPES; i++) {
            enum blis_type type = (enum blis_type)(i / 36);
            int64_t n = edges[e];
            struct blis_array x, y, out;
            data_make(&x, type, 2, (int64_t[]){n, n}, 1);
            data_make(&y, type, 2, (int64_t[]){n, n}, 2);
            data_make(&out, type, 2, (int64_t[]){n, n}, 3);
            for (int axis = 0; axis < 2; axis++) {
                x.strides[axis] = strides[i % 6][axis] * x.array.itemsize;
                y.strides[axis] = strides[i / 6 % 6][axis] * y.array.itemsize;
            }
            check(&x, &y, &out, type, 2);
        }
}

Test(matmul, walks_stacks)
{
    static const int64_t edges[] = {1, 3, 30, 250};
    for (size_t e = 0; e < 4; e++)
        for (uint32_t threads = 1; threads <= 3; threads++) {
            int64_t n = edges[e], count = e == 3 ? 2 : 7;
            struct blis_array x, y, out;
            data_make(&x, F64, 3, (int64_t[]){count, n, n + 1}, 1);
            data_make(&y, F64, 3, (int64_t[]){count, n + 1, n}, 2);
            data_make(&out, F64, 3, (int64_t[]){count, n, n}, 3);
            y.strides[0] = 0; /* broadcast */
            data_reverse(&x, 0);
            check(&x, &y, &out, F64, threads);
        }
}

Test(matmul, of_no_terms_is_zero)
{
    static const int64_t edges[][2] = {{3, 4}, {1, 4}, {3, 1}, {100, 100}};
    for (int e = 0; e < 4; e++)
        for (int type = 0; type < BLIS_TYPES; type++) {
            struct blis_array x, y, out, *args[] = {&x, &y, &out};
            data_make(&x, (enum blis_type)type, 2, (int64_t[]){edges[e][0], 0}, 1);
            data_make(&y, (enum blis_type)type, 2, (int64_t[]){0, edges[e][1]}, 2);
            data_make(&out, (enum blis_type)type, 2, edges[e], 3);
            for (int64_t i = 0; i < edges[e][0]; i++)
                for (int64_t j = 0; j < edges[e][1]; j++)
                    data_set(&out, (int64_t[]){i, j}, NAN);
            cr_assert_eq(blis_run("matmul", args, 3, 2, 0, 2, NULL), TREADLE_OK);
            for (int64_t i = 0; i < edges[e][0]; i++)
                for (int64_t j = 0; j < edges[e][1]; j++)
                    cr_assert(data_at(&out, 0, i, j) == 0);
        }
}

Test(matmul, of_empty_shapes_does_nothing)
{
    static const int64_t edges[][3] = {{0, 3, 4}, {3, 4, 0}, {0, 0, 0}, {0, 4, 0}};
    for (int e = 0; e < 4; e++) {
        struct blis_array x, y, out, *args[] = {&x, &y, &out};
        data_make(&x, F64, 2, (int64_t[]){edges[e][0], edges[e][1]}, 1);
        data_make(&y, F64, 2, (int64_t[]){edges[e][1], edges[e][2]}, 2);
        data_make(&out, F64, 2, (int64_t[]){edges[e][0], edges[e][2]}, 3);
        cr_assert_eq(blis_run("matmul", args, 3, 2, 0, 2, NULL), TREADLE_OK);
    }
}

Test(matmul, lets_nan_and_inf_through)
{
    static const int64_t edges[] = {4, 100};
    for (int e = 0; e < 2; e++) {
        int64_t n = edges[e];
        struct blis_array x, y, out, *args[] = {&x, &y, &out};
        data_make(&x, F64, 2, (int64_t[]){n, n}, 1);
        data_make(&y, F64, 2, (int64_t[]){n, n}, 2);
        data_make(&out, F64, 2, (int64_t[]){n, n}, 3);
        data_set(&x, (int64_t[]){1, 2}, NAN);
        data_set(&y, (int64_t[]){0, 3}, INFINITY);
        cr_assert_eq(blis_run("matmul", args, 3, 2, 0, 2, NULL), TREADLE_OK);
        for (int64_t i = 0; i < n; i++) {
            cr_assert(isnan(creal(data_at(&out, 0, 1, i))));
            cr_assert(i == 1 || isinf(creal(data_at(&out, 0, i, 3))));
            cr_assert(i == 1 || isfinite(creal(data_at(&out, 0, i, 0))));
        }
    }
}

Test(matmul, names_the_operand_whose_shape_is_wrong)
{
    struct blis_array x, y, out, *args[] = {&x, &y, &out};
    data_make(&x, F64, 2, (int64_t[]){2, 3}, 1);
    data_make(&y, F64, 2, (int64_t[]){4, 2}, 2);
    data_make(&out, F64, 2, (int64_t[]){2, 2}, 3);
    cr_assert_eq(blis_run("matmul", args, 3, 2, 0, 1, NULL), TREADLE_E_INVALID);
    cr_assert(strstr(blis_error(), "operand 2"), "%s", blis_error());
}

Test(matmul, declines_strides_between_elements)
{
    struct blis_array x, y, out, *args[] = {&x, &y, &out};
    data_make(&x, F64, 2, (int64_t[]){2, 2}, 1);
    data_make(&y, F64, 2, (int64_t[]){2, 2}, 2);
    data_make(&out, F64, 2, (int64_t[]){2, 2}, 3);
    x.strides[0] = 12;
    cr_assert_eq(blis_run("matmul", args, 3, 2, 0, 1, NULL), TREADLE_E_DECLINED);
}

Test(dot, is_the_sum_of_products_of_any_stride)
{
    static const int64_t counts[] = {0, 1, 5, 1000, 16384, 16385, 200001};
    static const int64_t strides[] = {1, 2, -1, 0};
    for (int c = 0; c < 7; c++)
        for (int s = 0; s < 16 * BLIS_TYPES; s++) {
            enum blis_type type = (enum blis_type)(s / 16);
            int64_t n = counts[c];
            struct blis_array x, y, out, *args[] = {&x, &y, &out};
            data_make(&x, type, 1, (int64_t[]){2 * n}, 1);
            data_make(&y, type, 1, (int64_t[]){2 * n}, 2);
            data_make(&out, type, 0, NULL, 3);
            x.shape[0] = y.shape[0] = n;
            x.strides[0] *= strides[s % 4];
            y.strides[0] *= strides[s / 4 % 4];
            if (x.strides[0] < 0)
                x.array.data = (char *)x.array.data - (n - 1) * x.strides[0];
            if (y.strides[0] < 0)
                y.array.data = (char *)y.array.data - (n - 1) * y.strides[0];
            cr_assert_eq(blis_run("dot", args, 3, 2, 0, 1 + (uint32_t)s % 3, NULL), TREADLE_OK);
            double complex sum = 0;
            for (int64_t i = 0; i < n; i++)
                sum += data_get(&x, &i) * data_get(&y, &i);
            cr_assert_leq(cabs(data_get(&out, NULL) - sum),
                          data_tolerance(type, n) * (1 + cabs(sum)), "n=%d strides %d type %d",
                          (int)n, s % 16, (int)type);
        }
}

Test(dot, has_the_same_bits_for_every_number_of_threads)
{
    int64_t n = 1234567;
    struct blis_array x, y, out, *args[] = {&x, &y, &out};
    data_make(&x, F64, 1, &n, 1);
    data_make(&y, F64, 1, &n, 2);
    data_make(&out, F64, 0, NULL, 3);
    double first = 0;
    for (uint32_t threads = 1; threads <= 4; threads++) {
        uint32_t used;
        cr_assert_eq(blis_run("dot", args, 3, 2, 0, threads, &used), TREADLE_OK);
        cr_assert_eq(used, threads);
        double value = creal(data_get(&out, NULL));
        cr_assert(threads == 1 || !memcmp(&first, &value, sizeof first));
        first = value;
    }
}
