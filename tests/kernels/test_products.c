/* SPDX-License-Identifier: BSD-3-Clause */
/* dot and matmul of whole numbers, exact in every order, against three plain loops. */
#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <complex.h>
#include <string.h>

#include "kernel_host.h"

struct row {
    char op[16];
    struct treadle_dtype dtype;
};

static struct criterion_test_params listed_rows(const char *op)
{
    static struct row rows[20];
    size_t n = 0;
    struct treadle_query query;
    for (uint32_t i = 0; listed(i, &query); i++)
        if (!strcmp(query.op, op)) {
            strcpy(rows[n].op, op);
            rows[n++].dtype = query.dtypes[0];
        }
    return cr_make_param_array(struct row, rows, n);
}

static double complex number(const struct operand *o, size_t i)
{
    const void *item = operand_item(o, i);
    const int single = o->array.dtype.code == TREADLE_COMPLEX ? o->array.dtype.bits == 64
                                                              : o->array.dtype.bits == 32;
    float narrow[2] = {0, 0};
    double wide[2] = {0, 0};
    memcpy(single ? (void *)narrow : (void *)wide, item, o->array.itemsize);
    double complex result; /* laid out as its two parts; clang 14 has no CMPLX */
    memcpy(&result, single ? (double[]){(double)narrow[0], (double)narrow[1]} : wide,
           sizeof(result));
    return result;
}

static void fill(struct operand *o, unsigned seed)
{
    const int parts = o->array.dtype.code == TREADLE_COMPLEX ? 2 : 1;
    for (size_t i = 0, n = operand_count(o); i < n; i++) {
        seed = seed * 1664525u + 1013904223u;
        double wide[2] = {(int)(seed >> 8) % 9 - 4, (int)(seed >> 16) % 5 - 2};
        float narrow[2] = {(float)wide[0], (float)wide[1]};
        memcpy(operand_item(o, i),
               o->array.itemsize == (unsigned)parts * 4 ? (void *)narrow : (void *)wide,
               o->array.itemsize);
    }
}

static void check_matmul(const struct row *row, const int64_t *mkn, const int64_t *steps,
                         int64_t stack, uint32_t threads)
{
    const int64_t m = mkn[0], k = mkn[1], n = mkn[2];
    const int64_t xs[] = {stack, m, k}, ys[] = {stack, k, n}, os[] = {stack, m, n};
    struct operand x, y, out, *args[] = {&x, &y, &out};
    operand_init(&x, row->dtype, 3, xs, steps[0], 1);
    operand_init(&y, row->dtype, 3, ys, steps[1], 0);
    operand_init(&out, row->dtype, 3, os, steps[2], 2);
    fill(&x, 1);
    fill(&y, 2);
    y.strides[0] = 0; /* one y for the whole stack */
    cr_assert_eq(run_op("matmul", args, 3, 2, NULL, threads, NULL), TREADLE_OK);
    for (int64_t b = 0; b < stack; b++)
        for (int64_t i = 0; i < m; i++)
            for (int64_t j = 0; j < n; j++) {
                double complex want = 0;
                for (int64_t l = 0; l < k; l++)
                    want += number(&x, (size_t)((b * m + i) * k + l)) *
                            number(&y, (size_t)((b * k + l) * n + j));
                cr_assert(number(&out, (size_t)((b * m + i) * n + j)) == want,
                          "%dx%dx%d [%d,%d,%d]", (int)m, (int)k, (int)n, (int)b, (int)i, (int)j);
            }
    operand_check_sentinels(&out);
    operand_finish(&x);
    operand_finish(&y);
    operand_finish(&out);
}

ParameterizedTestParameters(matmul, agrees_with_three_loops)
{
    return listed_rows("matmul");
}

ParameterizedTest(struct row *row, matmul, agrees_with_three_loops)
{
    static const int64_t sizes[][3] = {{1, 1, 1},    {0, 3, 2},    {3, 0, 2},
                                       {2, 3, 0},    {4, 5, 6},    {17, 9, 33},
                                       {5, 300, 40}, {130, 20, 3}, {3, 20, 900}};
    static const int64_t steps[][3] = {{1, 1, 1}, {2, -1, 1}, {1, 2, -2}};
    for (size_t i = 0; i < COUNT_OF(sizes); i++)
        for (size_t s = 0; s < COUNT_OF(steps); s++)
            for (uint32_t threads = 1; threads <= 3; threads++)
                check_matmul(row, sizes[i], steps[s], 1 + (int64_t)(i + s) % 3, threads);
}

Test(matmul, says_when_there_is_no_memory)
{
    const struct treadle_dtype f64 = {TREADLE_FLOAT, 64, 1};
    const int64_t shape[] = {200, 200};
    for (int allowed = 0; allowed < 3; allowed++) {
        struct operand x, out, *args[] = {&x, &x, &out};
        operand_init(&x, f64, 2, shape, 1, 0);
        operand_init(&out, f64, 2, shape, 1, 0);
        fill(&x, 1);
        limit_allocations(allowed);
        int32_t status = run_op("matmul", args, 3, 2, NULL, 2, NULL);
        limit_allocations(-1);
        cr_assert_eq(status, allowed == 0 || has_threads() ? TREADLE_E_NOMEM : TREADLE_OK);
        operand_finish(&x);
        operand_finish(&out);
    }
}

ParameterizedTestParameters(dot, agrees_with_a_plain_loop)
{
    return listed_rows("dot");
}

ParameterizedTest(struct row *row, dot, agrees_with_a_plain_loop)
{
    static const int64_t lengths[] = {0, 1, 2, 7, 8, 9, 1000};
    static const int64_t steps[] = {1, 2, -1, 0};
    for (size_t l = 0; l < COUNT_OF(lengths); l++)
        for (size_t s = 0; s < COUNT_OF(steps) * COUNT_OF(steps); s++) {
            struct operand x, y, out, *args[] = {&x, &y, &out};
            double complex want = 0;
            operand_init(&x, row->dtype, 1, &lengths[l], steps[s % 4], 1);
            operand_init(&y, row->dtype, 1, &lengths[l], steps[s / 4], 0);
            operand_init(&out, row->dtype, 0, NULL, 1, 0);
            fill(&x, 1);
            fill(&y, 2);
            cr_assert_eq(run_op("dot", args, 3, 2, NULL, 2, NULL), TREADLE_OK);
            for (size_t i = 0; i < (size_t)lengths[l]; i++)
                want += number(&x, i) * number(&y, i);
            cr_assert(number(&out, 0) == want, "n=%d", (int)lengths[l]);
            operand_check_sentinels(&out);
            operand_finish(&x);
            operand_finish(&y);
            operand_finish(&out);
        }
}
