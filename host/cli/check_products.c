/* SPDX-License-Identifier: BSD-3-Clause */
/* values.products: matmul and dot, over stacks, transposed, repeated, and of nothing. */
#include <complex.h>
#include <string.h>

#include "check.h"
#include "check_tests.h"
#include "check_values.h"

/* Roundings allowed for each term of a sum of products, whatever the order. */
static const long double errors_per_term = 4;

static bool has_numbers(const struct check_op *op)
{
    return op->ntypes == 3 && check_is_number(op->dtypes[0]) &&
           !memcmp(&op->dtypes[0], &op->dtypes[1], sizeof op->dtypes[0]) &&
           !memcmp(&op->dtypes[0], &op->dtypes[2], sizeof op->dtypes[0]);
}

/** A sum of products, its size without signs, and its bits if it wraps. */
struct sum {
    long double complex value;
    long double magnitude;
    uint64_t whole;
};

static void add_term(struct sum *sum, struct treadle_dtype dtype, const void *x, const void *y)
{
    long double complex a = check_get(dtype, x), b = check_get(dtype, y);
    uint64_t i = 0, k = 0;

    memcpy(&i, x, dtype.bits / 8 < 8 ? dtype.bits / 8 : 8);
    memcpy(&k, y, dtype.bits / 8 < 8 ? dtype.bits / 8 : 8);
    sum->value += a * b;
    sum->magnitude += cabsl(a) * cabsl(b);
    sum->whole += i * k;
}

static bool check_sum(const struct check_op *op, const struct sum *sum, int64_t terms,
                      const void *got, int64_t index)
{
    struct treadle_dtype dtype = op->dtypes[0];
    long double off = cabsl(check_get(dtype, got) - sum->value);
    long double allowed =
        errors_per_term * ((long double)terms + 1) * check_epsilon(dtype) * sum->magnitude;

    if (check_epsilon(dtype) > 0 ? off <= allowed : !memcmp(got, &sum->whole, dtype.bits / 8))
        return true;
    check_fail_here("item %lld is %s, should be %.17Lg (off by %.2Lg, allowed is %.2Lg)",
                    (long long)index, check_item_text(dtype, got), creall(sum->value), off,
                    allowed);
    return false;
}

/* ---- matmul ----------------------------------------------------------------------------------*/

static const void *entry(const struct check_array *a, int64_t matrix, int64_t row, int64_t column)
{
    int32_t last = a->array.ndim - 1;
    const char *at =
        (const char *)a->array.data + row * a->strides[last - 1] + column * a->strides[last];

    return at + (last == 2 ? matrix * a->strides[0] : 0);
}

static void compare_matmul(const struct check_op *op, const struct check_array *x,
                           const struct check_array *y, const struct check_array *out)
{
    int32_t last = out->array.ndim - 1;
    int64_t m = out->shape[last - 1], n = out->shape[last], k = x->shape[last];

    for (int64_t i = 0; i < check_array_count(out); i++) {
        int64_t matrix = i / (m * n), row = i / n % m, column = i % n;
        struct sum sum = {0};
        for (int64_t j = 0; j < k; j++)
            add_term(&sum, op->dtypes[0], entry(x, matrix, row, j), entry(y, matrix, j, column));
        if (!check_sum(op, &sum, k, check_array_item(out, i), i))
            return;
    }
}

/** How the operands of one product lie. */
enum order { BY_ROWS, BY_COLUMNS, SPREAD, REPEATED };

static void init_operand(struct check_array *a, struct treadle_dtype dtype, int32_t ndim,
                         const int64_t *shape, enum order order)
{
    if (order == BY_COLUMNS)
        check_array_init_columns(a, dtype, ndim, shape);
    else
        check_array_init(a, dtype, ndim, shape, order == SPREAD ? 3 : 1, CHECK_ALIGNED);
    if (order == REPEATED && ndim == 3)
        a->strides[0] = 0;
}

static void try_matmul(const struct check_op *op, int64_t stack, const int64_t *mkn,
                       enum order order, uint32_t threads, struct check_tally *tally)
{
    static const char *const orders[] = {"row by row", "column by column", "spread",
                                         "one matrix repeated"};
    int32_t ndim = stack ? 3 : 2;
    int64_t shapes[3][3] = {
        {stack, mkn[0], mkn[1]}, {stack, mkn[1], mkn[2]}, {stack, mkn[0], mkn[2]}};
    struct check_array x, y, out, *arrays[] = {&x, &y, &out};
    enum check_values values = check_epsilon(op->dtypes[0]) > 0 ? CHECK_PLAIN : CHECK_SMALL;

    init_operand(&x, op->dtypes[0], ndim, shapes[0] + (stack == 0), order);
    init_operand(&y, op->dtypes[0], ndim, shapes[1] + (stack == 0),
                 order == BY_COLUMNS ? BY_ROWS : order);
    init_operand(&out, op->dtypes[0], ndim, shapes[2] + (stack == 0),
                 order == REPEATED ? BY_ROWS : order);
    check_array_fill(&x, values, 1);
    check_array_fill(&y, values, 2);
    check_doing("%s, %s by %s, %s, threads_max %u", check_op_text(op), check_shape_text(&x),
                check_shape_text(&y), orders[order], threads);
    if (check_case(op, arrays, 3, NULL, threads, tally))
        compare_matmul(op, &x, &y, &out);
    for (int i = 0; i < 3; i++)
        check_array_finish(arrays[i]);
}

static void try_matmuls(const struct check_op *op, struct check_tally *tally)
{
    static const int64_t mkn[][3] = {{1, 1, 1},   {2, 3, 4},  {0, 3, 2},  {3, 0, 2},   {5, 1, 7},
                                     {17, 33, 9}, {1, 64, 5}, {40, 3, 1}, {64, 65, 63}};

    for (size_t i = 0; i < sizeof mkn / sizeof *mkn; i++)
        for (int order = BY_ROWS; order <= REPEATED; order++)
            for (int64_t stack = 0; stack <= 2 && !check_has_failed(); stack += 2)
                try_matmul(op, stack, mkn[i], (enum order)order, check_threads[i % 2], tally);
}

/* ---- dot -------------------------------------------------------------------------------------*/

static void try_dot(const struct check_op *op, int64_t n, int64_t step, struct check_tally *tally)
{
    struct check_array x, y, out, *arrays[] = {&x, &y, &out};
    struct sum sum = {0};

    check_array_init(&x, op->dtypes[0], 1, &n, step, CHECK_ALIGNED);
    check_array_init(&y, op->dtypes[0], 1, &n, 1, CHECK_ALIGNED);
    check_array_init(&out, op->dtypes[0], 0, NULL, 1, CHECK_ALIGNED);
    check_array_fill(&x, CHECK_PLAIN, 1);
    check_array_fill(&y, CHECK_PLAIN, 2);
    for (int64_t i = 0; i < n; i++)
        add_term(&sum, op->dtypes[0], check_array_item(&x, i), check_array_item(&y, i));
    check_doing("%s, n = %lld, strides %lld and 1 items", check_op_text(op), (long long)n,
                (long long)step);
    if (check_case(op, arrays, 3, NULL, check_threads[n % 2], tally))
        check_sum(op, &sum, n, out.array.data, 0);
    for (int i = 0; i < 3; i++)
        check_array_finish(arrays[i]);
}

static void try_product(const struct check_op *op)
{
    static const int64_t lengths[] = {0, 1, 2, 7, 8, 9, 31, 64, 65, 1001};
    static const int64_t steps[] = {1, 2, -1, 0};
    struct check_tally tally = {0};

    if (!has_numbers(op)) {
        check_note("%s: there is no reference to compare it with", check_op_text(op));
        return;
    }
    if (!strcmp(op->name, "matmul"))
        try_matmuls(op, &tally);
    else
        for (size_t i = 0; i < sizeof lengths / sizeof *lengths * 4 && !check_has_failed(); i++)
            try_dot(op, lengths[i / 4], steps[i % 4], &tally);
    check_tally_end(op, &tally);
}

void check_products(void)
{
    check_each("matmul dot", try_product);
}
