/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Reductions: values against plain loops here, on every thread count the bits of one thread. Their
 * agreement with NumPy's bits over all kinds of arrays is tests/numpy/test_kernel_bits.py.
 */
#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <fenv.h>
#include <math.h>
#include <string.h>

#include "kernel_host.h"

static const uint32_t thread_counts[] = {2, 3, 8};

/* ---- the reference: numbers as long double, sums as NumPy's tree --------------------------------
 */

static long double number(struct treadle_dtype dtype, const void *item)
{
    float f32;
    double f64;
    int32_t i32;
    int64_t i64;
    memcpy(&f32, item, 4);
    memcpy(&i32, item, 4);
    if (dtype.bits == 32)
        return dtype.code == TREADLE_FLOAT ? (long double)f32 : (long double)i32;
    memcpy(&f64, item, 8);
    memcpy(&i64, item, 8);
    return dtype.code == TREADLE_FLOAT ? (long double)f64 : (long double)i64;
}

static double pairwise(const double *x, size_t n)
{
    double r[8], sum = -0.0;
    size_t i = 0;
    if (n > 128) {
        size_t left = n / 2 - n / 2 % 8;
        return pairwise(x, left) + pairwise(x + left, n - left);
    }
    if (n >= 8) {
        memcpy(r, x, sizeof(r));
        for (i = 8; i < n - n % 8; i++)
            r[i % 8] += x[i];
        sum = ((r[0] + r[1]) + (r[2] + r[3])) + ((r[4] + r[5]) + (r[6] + r[7]));
    }
    for (; i < n; i++)
        sum += x[i];
    return sum;
}

struct row {
    char op[16];
    struct treadle_dtype in, out;
};

static struct criterion_test_params listed_rows(void)
{
    static struct row rows[100];
    size_t n = 0;
    struct treadle_query query;
    for (uint32_t i = 0; listed(i, &query); i++) {
        if (strcmp(query.op, "sum") != 0 && strcmp(query.op, "prod") != 0 &&
            strcmp(query.op, "min") != 0 && strcmp(query.op, "max") != 0 &&
            strcmp(query.op, "mean") != 0)
            continue;
        strcpy(rows[n].op, query.op);
        rows[n].in = query.dtypes[0];
        rows[n++].out = query.dtypes[1];
    }
    return cr_make_param_array(struct row, rows, n);
}

static int32_t reduce(const struct row *row, struct operand *x, struct operand *out, uint64_t axes,
                      uint32_t threads, uint32_t *used)
{
    struct treadle_reduction attrs = {sizeof(attrs), 0, axes};
    struct operand *args[] = {x, out};
    int64_t shape[AXES_MAX];
    for (int i = 0; i < x->array.ndim; i++)
        shape[i] = axes >> i & 1 ? 1 : x->shape[i];
    operand_init(out, row->out, x->array.ndim, shape, 1, 0);
    for (int i = 0; i < x->array.ndim; i++)
        if (axes >> i & 1)
            out->strides[i] = 0;
    return run_op(row->op, args, 2, 1, &attrs, threads, used);
}

/* Whole numbers so small that every order of adding them gives the same float. */
static void fill_small(struct operand *x)
{
    for (size_t i = 0, n = operand_count(x); i < n; i++) {
        int value = (int)(i * 7919 % 17) - 8;
        float f32 = (float)value;
        double f64 = value;
        int32_t i32 = value;
        int64_t i64 = value;
        const void *is_float[] = {&i32, &f32, &i64, &f64};
        memcpy(operand_item(x, i),
               is_float[(x->array.dtype.bits == 64) * 2 + (x->array.dtype.code == TREADLE_FLOAT)],
               x->array.itemsize);
    }
}

static long double expected(const char *op, const struct operand *x)
{
    const size_t n = operand_count(x);
    long double sum = 0, product = 1, least = INFINITY, largest = -INFINITY;
    for (size_t i = 0; i < n; i++) {
        long double value = number(x->array.dtype, operand_item(x, i));
        sum += value;
        product *= value;
        least = value < least ? value : least;
        largest = value > largest ? value : largest;
    }
    if (!strcmp(op, "prod"))
        return product;
    if (!strcmp(op, "min") || !strcmp(op, "max"))
        return op[1] == 'i' ? least : largest;
    return !strcmp(op, "mean") ? sum / (long double)n : sum;
}

/* ---- tests
 * ---------------------------------------------------------------------------------------- */

ParameterizedTestParameters(reductions, agree_with_a_plain_loop)
{
    return listed_rows();
}

ParameterizedTest(struct row *row, reductions, agree_with_a_plain_loop)
{
    static const int64_t lengths[] = {1, 2, 7, 8, 9, 63, 64, 65, 127, 128, 129, 1000};
    static const int64_t steps[] = {1, 2, -1, 0};
    for (size_t l = 0; l < COUNT_OF(lengths); l++)
        for (size_t s = 0; s < COUNT_OF(steps); s++) {
            struct operand x, out;
            /* products of more than these leave the range in which floats are exact */
            int64_t n = !strcmp(row->op, "prod") && lengths[l] > 9 ? 9 : lengths[l];
            operand_init(&x, row->in, 1, &n, steps[s], l % 2);
            fill_small(&x);
            cr_assert_eq(reduce(row, &x, &out, 1, thread_counts[l % 3], NULL), TREADLE_OK);
            long double want = expected(row->op, &x), got = number(row->out, operand_item(&out, 0));
            cr_assert_float_eq(got, want, fabsl(want) * 1e-7L, "%s n=%d", row->op, (int)n);
            operand_check_sentinels(&out);
            operand_finish(&x);
            operand_finish(&out);
        }
}

ParameterizedTestParameters(reductions, have_the_same_bits_on_any_number_of_threads)
{
    return listed_rows();
}

ParameterizedTest(struct row *row, reductions, have_the_same_bits_on_any_number_of_threads)
{
    static const int64_t shapes[][3] = {
        {1, 1, 200003}, {3, 1, 70001}, {1, 5000, 40}, {40, 50, 60}, {70001, 3, 1}};
    for (size_t i = 0; i < COUNT_OF(shapes); i++)
        for (uint64_t axes = 1; axes < 8; axes++)
            for (int step = 1; step <= 2; step++) {
                struct operand x, one, many;
                operand_init(&x, row->in, 3, shapes[i], step, 0);
                x.strides[1] += x.array.itemsize * (i % 2); /* does not merge */
                x.strides[1] -= x.array.itemsize * (i % 2);
                operand_fill(&x, (int)i);
                reduce(row, &x, &one, axes, 1, NULL);
                for (size_t t = 0; t < COUNT_OF(thread_counts); t++) {
                    reduce(row, &x, &many, axes, thread_counts[t], NULL);
                    cr_assert_arr_eq(one.memory, many.memory, one.bytes, "%s over %d of shape %d",
                                     row->op, (int)axes, (int)i);
                    operand_finish(&many);
                }
                operand_finish(&one);
                operand_finish(&x);
            }
}

Test(reductions, sums_are_numpys_tree)
{
    static double x[100003];
    const struct row row = {"sum", {TREADLE_FLOAT, 64, 1}, {TREADLE_FLOAT, 64, 1}};
    for (size_t i = 0; i < COUNT_OF(x); i++)
        x[i] = ldexp((double)(i * 2654435761u % 1000003), (int)(i % 40) - 20);
    for (int64_t n = 1; n <= (int64_t)COUNT_OF(x); n = n * 3 / 2 + 1)
        for (uint32_t threads = 1; threads <= 3; threads++) {
            struct operand in, out;
            operand_init(&in, row.in, 1, &n, 1, 8);
            memcpy(in.array.data, x, (size_t)n * sizeof(*x));
            reduce(&row, &in, &out, 1, threads, NULL);
            double want = 0.0 + pairwise(x, (size_t)n);
            cr_assert_arr_eq(operand_item(&out, 0), &want, sizeof(want), "n=%d", (int)n);
            operand_finish(&in);
            operand_finish(&out);
        }
}

ParameterizedTestParameters(reductions, of_nothing_are_the_identity_or_refused)
{
    return listed_rows();
}

ParameterizedTest(struct row *row, reductions, of_nothing_are_the_identity_or_refused)
{
    const int64_t shape[] = {3, 0};
    struct operand x, out;
    operand_init(&x, row->in, 2, shape, 1, 0);
    int32_t status = reduce(row, &x, &out, 2, 2, NULL);
    if (!strcmp(row->op, "sum") || !strcmp(row->op, "prod")) {
        cr_assert_eq(status, TREADLE_OK);
        for (size_t i = 0; i < 3; i++)
            cr_assert_eq(number(row->out, operand_item(&out, i)), row->op[0] == 'p');
    } else {
        cr_assert_eq(status, TREADLE_E_INVALID);
    }
    operand_finish(&x);
    operand_finish(&out);
}

Test(reductions, minimum_and_maximum_hand_on_nan_and_raise_nothing)
{
    static const char *const ops[] = {"min", "max"};
    for (size_t k = 0; k < COUNT_OF(ops); k++)
        for (int64_t n = 1; n < 90000; n = n * 5 + 3)
            for (uint32_t threads = 1; threads <= 3; threads++) {
                struct row row = {"", {TREADLE_FLOAT, 64, 1}, {TREADLE_FLOAT, 64, 1}};
                struct operand x, out;
                strcpy(row.op, ops[k]);
                operand_init(&x, row.in, 1, &n, 1, 0);
                operand_fill(&x, -1);
                *(double *)operand_item(&x, (size_t)n / 2) = NAN;
                feclearexcept(FE_ALL_EXCEPT);
                reduce(&row, &x, &out, 1, threads, NULL);
                cr_assert_eq(fetestexcept(FE_ALL_EXCEPT), 0);
                cr_assert(isnan(*(double *)operand_item(&out, 0)));
                operand_finish(&x);
                operand_finish(&out);
            }
}
