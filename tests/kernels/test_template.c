/* SPDX-License-Identifier: BSD-3-Clause */
/* The plugin that others copy. */
#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

#include "kernel_host.h"

static const struct treadle_dtype f64 = {TREADLE_FLOAT, 64, 1};

static void check_hypot(int ndim, const int64_t *shape, int64_t step)
{
    struct operand x, y, out, *args[] = {&x, &y, &out};
    uint32_t used;
    operand_init(&x, f64, ndim, shape, step, 1);
    operand_init(&y, f64, ndim, shape, 0, 0);
    operand_init(&out, f64, ndim, shape, 2, 3);
    operand_fill(&x, 7);
    operand_fill(&y, 8);
    cr_assert_eq(run_op("org.example.hypot", args, 3, 2, NULL, 4, &used), TREADLE_OK);
    cr_assert_eq(used, 1);
    for (size_t i = 0; i < operand_count(&out); i++) {
        double a, b, r;
        memcpy(&a, operand_item(&x, i), sizeof(a));
        memcpy(&b, operand_item(&y, i), sizeof(b));
        memcpy(&r, operand_item(&out, i), sizeof(r));
        cr_assert(r == hypot(a, b) || (isnan(r) && isnan(hypot(a, b))), "item %zu", i);
    }
    operand_check_sentinels(&out);
    operand_finish(&x);
    operand_finish(&y);
    operand_finish(&out);
}

Test(template, computes_hypot_of_any_shape_and_stride)
{
    static const int64_t shape[] = {3, 4, 5};
    static const int64_t lengths[] = {0, 1, 100};
    for (int64_t step = -1; step <= 2; step++) {
        check_hypot(0, NULL, step);
        check_hypot(3, shape, step);
        for (size_t i = 0; i < COUNT_OF(lengths); i++)
            check_hypot(1, &lengths[i], step);
    }
}

Test(template, lists_what_it_finds_and_declines_the_rest)
{
    struct treadle_query query, none;
    struct treadle_kernel kernel = {.struct_size = sizeof(kernel)};
    cr_assert(listed(0, &query));
    cr_assert_not(listed(1, &none));
    cr_assert_eq(plugin()->find_kernel(NULL, &query, &kernel), TREADLE_OK);
    query.op = "add";
    cr_assert_eq(plugin()->find_kernel(NULL, &query, &kernel), TREADLE_E_DECLINED);
}

Test(template, declines_operands_of_unequal_shapes)
{
    const int64_t shape[] = {2, 3}, strides[] = {24, 8};
    double x[6] = {0}, y = 0, out[6] = {42, 42, 42, 42, 42, 42};
    const struct treadle_array args[] = {
        {x, shape, strides, 2, 0, f64, 8, {0}},
        {&y, NULL, NULL, 0, 0, f64, 8, {0}},
        {out, shape, strides, 2, 0, f64, 8, {0}},
    };
    struct treadle_query query;
    struct treadle_kernel kernel = {.struct_size = sizeof(kernel)};
    cr_assert(listed(0, &query));
    cr_assert_eq(plugin()->find_kernel(NULL, &query, &kernel), TREADLE_OK);
    struct treadle_call call = {.struct_size = sizeof(call),
                                .kernel = kernel.kernel,
                                .args = args,
                                .nargs = 3,
                                .nin = 2,
                                .threads_max = 1,
                                .threads_used = 1};
    cr_assert_eq(kernel.run(&call), TREADLE_E_DECLINED);
    for (int i = 0; i < 6; i++)
        cr_assert_eq(out[i], 42);
}
