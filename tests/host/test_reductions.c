/* SPDX-License-Identifier: BSD-3-Clause */
/* Reductions over every subset of axes, of any layout, and what a plugin sees of them. */
#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

#include "fakes.h"
#include "strided.h"

enum { ROOM = 1 << 13 };
static double in_memory[ROOM], out_memory[ROOM], expected[ROOM];

static struct fake naive = {.id = "naive", .work = naive_reduction};

static void set_up(void)
{
    seed_once();
    cr_assert_eq(fake_register(&naive), TREADLE_OK, "%s", treadle_last_error());
    fill_random(in_memory, ROOM);
}

/* A plain loop over x; out has all axes, extent 1 where reduced. */
static void reduce(const char *op, const struct treadle_array *x, struct treadle_array out)
{
    int64_t index[TREADLE_NDIM_MAX] = {0};
    double start = strcmp(op, "min") == 0   ? INFINITY
                   : strcmp(op, "max") == 0 ? -INFINITY
                                            : strcmp(op, "prod") == 0;
    out.data = (char *)expected + ((char *)out.data - (char *)out_memory);
    int64_t results = 1, elements = 1;
    for (int32_t d = 0; d < x->ndim; d++) {
        results *= out.shape[d];
        elements *= x->shape[d];
    }
    if (has_elements(out.ndim, out.shape))
        do {
            *element(&out, index, out.ndim) = start;
        } while (next_index(index, out.ndim, out.shape));
    memset(index, 0, sizeof index);
    if (!has_elements(x->ndim, x->shape))
        return;
    do {
        double v = *element(x, index, x->ndim), *r = element(&out, index, x->ndim);
        *r = strcmp(op, "min") == 0    ? fmin(*r, v)
             : strcmp(op, "max") == 0  ? fmax(*r, v)
             : strcmp(op, "prod") == 0 ? *r * v
                                       : *r + v;
    } while (next_index(index, x->ndim, x->shape));
    memset(index, 0, sizeof index);
    if (strcmp(op, "mean") == 0)
        do {
            *element(&out, index, out.ndim) *= (double)results / (double)elements;
        } while (next_index(index, out.ndim, out.shape));
}

static void expect_reduced(const char *backend, const char *op, const struct treadle_array *x,
                           uint64_t axes, const struct treadle_array *kept,
                           const struct treadle_array *dropped)
{
    int32_t list[TREADLE_NDIM_MAX], n = 0;
    for (int32_t d = 0; d < x->ndim; d++)
        if (axes >> d & 1)
            list[n++] = random_below(2) ? d : d - x->ndim;
    const struct treadle_array *out = random_below(2) ? kept : dropped;
    fill(out_memory, ROOM, SENTINEL);
    fill(expected, ROOM, SENTINEL);
    reduce(op, x, *kept);
    cr_assert_eq(treadle_set_backend(backend), TREADLE_OK);
    cr_assert_eq(treadle_reduce(op, x, list, n, out, NULL), TREADLE_OK, "%s", treadle_last_error());
    cr_assert_null(broken_promise(), "%s", broken_promise());
    for (int i = 0; i < ROOM; i++)
        cr_assert(fabs(out_memory[i] - expected[i]) <= 1e-12 * fabs(expected[i]) + 1e-12,
                  "%s of %s, axes %llx, at %d: %g for %g", op, backend, (unsigned long long)axes, i,
                  out_memory[i], expected[i]);
}

/* The axes that are left, out of all of them. */
static void without_axes(struct strided *s, const struct strided *all, uint64_t axes)
{
    s->a = all->a;
    s->a.shape = s->shape;
    s->a.strides = s->strides;
    s->a.ndim = 0;
    for (int32_t d = 0; d < all->a.ndim; d++)
        if (!(axes >> d & 1)) {
            s->shape[s->a.ndim] = all->shape[d];
            s->strides[s->a.ndim++] = all->strides[d];
        }
}

static void try_all_axes(int32_t ndim, const int64_t *shape, bool empty)
{
    static const char *const ops[] = {"sum", "prod", "min", "max", "mean"};
    struct strided x, kept, dropped;
    for (uint64_t axes = 0; axes < UINT64_C(1) << ndim; axes++) {
        int64_t left[TREADLE_NDIM_MAX];
        for (int32_t d = 0; d < ndim; d++)
            left[d] = axes >> d & 1 ? 1 : shape[d];
        if (!strided_random(&x, in_memory, ROOM, ndim, shape) ||
            !strided_random(&kept, out_memory, ROOM, ndim, left))
            continue;
        without_axes(&dropped, &kept, axes);
        expect_reduced("naive", "sum", &x.a, axes, &kept.a, &dropped.a);
        for (int op = 0; op < (empty ? 2 : 5); op++)
            expect_reduced("serial", ops[op], &x.a, axes, &kept.a, &dropped.a);
    }
}

Test(reductions, every_subset_of_axes_of_random_layouts, .init = set_up, .timeout = 60)
{
    int64_t shape[4];
    for (int trial = 0; trial < 40; trial++) {
        int32_t ndim = (int32_t)random_below(5);
        for (int32_t d = 0; d < ndim; d++)
            shape[d] = 1 + random_below(7);
        try_all_axes(ndim, shape, false);
    }
}

Test(reductions, of_nothing, .init = set_up)
{
    try_all_axes(3, (int64_t[]){3, 0, 2}, true);
    try_all_axes(2, (int64_t[]){0, 0}, true);
    try_all_axes(1, (int64_t[]){0}, true);
}

Test(reductions, over_64_axes, .init = set_up)
{
    struct strided x, out;
    int64_t shape[TREADLE_NDIM_MAX];
    for (int32_t d = 0; d < TREADLE_NDIM_MAX; d++)
        shape[d] = d % 13 == 5 ? 3 : 1;
    strided_f64(&x, in_memory, TREADLE_NDIM_MAX, shape);
    strided_f64(&out, out_memory, 0, NULL);
    double sum = 0;
    for (int i = 0; i < 3 * 3 * 3 * 3 * 3; i++)
        sum += in_memory[i];
    cr_assert_eq(treadle_reduce("sum", &x.a, NULL, -1, &out.a, NULL), TREADLE_OK);
    cr_assert_eq(out_memory[0], sum);
}

/* numpy.sum of x[::-1] has not the bits of that of x: it adds in the order of the view. */
Test(reductions, a_view_is_added_in_its_own_order, .init = set_up)
{
    struct strided backwards, copy, out;
    double result[2];
    for (int i = 0; i < 1000; i++)
        in_memory[i] = 1.0 / (1 + (double)random_below(100000)) - 0.0003 * i;
    for (int i = 0; i < 1000; i++)
        in_memory[2000 + i] = in_memory[999 - i];
    strided_vector(&backwards, in_memory + 999, 1000, -1);
    strided_vector(&copy, in_memory + 2000, 1000, 1);
    strided_f64(&out, &result[0], 0, NULL);
    cr_assert_eq(treadle_reduce("sum", &backwards.a, NULL, -1, &out.a, NULL), TREADLE_OK);
    strided_f64(&out, &result[1], 0, NULL);
    cr_assert_eq(treadle_reduce("sum", &copy.a, NULL, -1, &out.a, NULL), TREADLE_OK);
    cr_assert_eq(memcmp(&result[0], &result[1], sizeof(double)), 0, "%a %a", result[0], result[1]);
}

/* A matrix of any order of axes in memory: the long axis in memory is added pairwise, as NumPy
 * does, whichever axis the view calls it. */
Test(reductions, axes_are_added_in_the_order_of_memory, .init = set_up)
{
    struct strided x, out;
    double result[2];
    const int64_t shape[] = {37, 53}, turned[] = {53, 37};
    for (int i = 0; i < 37 * 53; i++)
        in_memory[i] = 1.0 / (1 + (double)random_below(100000));
    strided_f64(&x, in_memory, 2, shape);
    strided_f64(&out, &result[0], 0, NULL);
    cr_assert_eq(treadle_reduce("sum", &x.a, NULL, -1, &out.a, NULL), TREADLE_OK);
    strided_f64(&x, in_memory, 2, turned);
    x.strides[0] = 8;
    x.strides[1] = 53 * 8;
    strided_f64(&out, &result[1], 0, NULL);
    cr_assert_eq(treadle_reduce("sum", &x.a, NULL, -1, &out.a, NULL), TREADLE_OK);
    cr_assert_eq(memcmp(&result[0], &result[1], sizeof(double)), 0, "%a %a", result[0], result[1]);
}

/* -0.0 + the sum of nothing is +0.0, also where no axis is left to speak of. */
Test(reductions, a_sum_of_one_negative_zero_is_positive, .init = set_up)
{
    struct strided x, out;
    const int64_t ones[] = {1, 1, 1};
    double minus = -0.0, result = SENTINEL;
    for (int32_t ndim = 1; ndim <= 3; ndim++) {
        strided_f64(&x, &minus, ndim, ones);
        strided_f64(&out, &result, 0, NULL);
        cr_assert_eq(treadle_reduce("sum", &x.a, NULL, -1, &out.a, NULL), TREADLE_OK);
        cr_assert_eq(result, 0);
        cr_assert_not(signbit(result), "ndim %d", ndim);
    }
}

Test(reductions, an_output_inside_the_input, .init = set_up)
{
    struct strided x, out;
    const int64_t shape[] = {20, 30};
    double sums[30] = {0};
    for (int i = 0; i < 600; i++)
        sums[i % 30] += in_memory[i];
    strided_f64(&x, in_memory, 2, shape);
    strided_f64(&out, in_memory + 100, 1, &shape[1]);
    cr_assert_eq(treadle_reduce("sum", &x.a, (int32_t[]){0}, 1, &out.a, NULL), TREADLE_OK);
    for (int i = 0; i < 30; i++)
        cr_assert_eq(in_memory[100 + i], sums[i]);
}
