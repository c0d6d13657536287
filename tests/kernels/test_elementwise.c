/* SPDX-License-Identifier: BSD-3-Clause */
/* Element-wise kernels against plain loops: every listed op, type, layout, ISA and thread count. */
#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <fenv.h>
#include <math.h>
#include <string.h>

#include "kernel_host.h"

static const int64_t lengths[] = {0, 1, 2, 3, 7, 8, 9, 15, 16, 17, 31, 33, 64, 65, 1000, 20001};
static const int64_t steps[] = {1, 2, -1, 0};
static const uint32_t thread_counts[] = {1, 2, 3, 8};

/* ---- the reference ----------------------------------------------------------------------------
 */

#define REFERENCE(name, type, wide, is_float, fabs_of, sqrt_of)                                    \
    static int name(const char *op, const void *xs, const void *ys, void *out)                     \
    {                                                                                              \
        type x, y, r;                                                                              \
        memcpy(&x, xs, sizeof(x));                                                                 \
        memcpy(&y, ys, sizeof(y));                                                                 \
        if (!strcmp(op, "add"))                                                                    \
            r = (type)((wide)x + (wide)y);                                                         \
        else if (!strcmp(op, "subtract"))                                                          \
            r = (type)((wide)x - (wide)y);                                                         \
        else if (!strcmp(op, "multiply"))                                                          \
            r = (type)((wide)x * (wide)y);                                                         \
        else if (!strcmp(op, "divide") && is_float)                                                \
            r = x / y;                                                                             \
        else if (!strcmp(op, "maximum"))                                                           \
            r = x != x ? x : y != y ? y : x > y ? x : y;                                           \
        else if (!strcmp(op, "minimum"))                                                           \
            r = x != x ? x : y != y ? y : x < y ? x : y;                                           \
        else if (!strcmp(op, "negative"))                                                          \
            r = is_float ? -x : (type)((wide)0 - (wide)x);                                         \
        else if (!strcmp(op, "abs"))                                                               \
            r = is_float ? (type)fabs_of(x) : x < 0 ? (type)((wide)0 - (wide)x) : x;               \
        else if (!strcmp(op, "sqrt") && is_float)                                                  \
            r = (type)sqrt_of(x);                                                                  \
        else if (!strcmp(op, "square"))                                                            \
            r = (type)((wide)x * (wide)x);                                                         \
        else                                                                                       \
            return 0;                                                                              \
        memcpy(out, &r, sizeof(r));                                                                \
        return 1;                                                                                  \
    }

REFERENCE(reference_f32, float, float, 1, fabsf, sqrtf)
REFERENCE(reference_f64, double, double, 1, fabs, sqrt)
REFERENCE(reference_i32, int32_t, uint32_t, 0, (int32_t), (int32_t))
REFERENCE(reference_i64, int64_t, uint64_t, 0, (int64_t), (int64_t))

/* 0 if there is no reference for this op and type. */
static int reference(const char *op, struct treadle_dtype dtype, const void *x, const void *y,
                     void *out)
{
    if (!strcmp(op, "copy")) {
        memcpy(out, x, dtype.bits / 8);
        return 1;
    }
    if (dtype.code == TREADLE_FLOAT)
        return dtype.bits == 32 ? reference_f32(op, x, y, out) : reference_f64(op, x, y, out);
    return dtype.bits == 32 ? reference_i32(op, x, y, out) : reference_i64(op, x, y, out);
}

/* Which of two NaNs survives is compared with NumPy itself, in tests/numpy. */
static int is_nan(struct treadle_dtype dtype, const void *item)
{
    float narrow = 0;
    double wide = 0;
    if (dtype.code != TREADLE_FLOAT || dtype.bits < 32)
        return 0;
    memcpy(dtype.bits == 32 ? (void *)&narrow : (void *)&wide, item, dtype.bits / 8);
    return narrow != narrow || wide != wide;
}

static void check_item(const char *op, struct treadle_dtype dtype, const void *x, const void *y,
                       const void *got, size_t i, size_t n)
{
    char want[16];
    cr_assert(reference(op, dtype, x, y, want), "%s has no reference", op);
    cr_assert((is_nan(dtype, got) && is_nan(dtype, want)) || !memcmp(got, want, dtype.bits / 8),
              "%s, %d bits: item %zu of %zu", op, dtype.bits, i, n);
}

/* ---- the cases ----------------------------------------------------------------------------------
 */

struct row {
    char op[16];
    struct treadle_dtype dtype;
    uint32_t nin;
};

static int is_other_family(const char *op)
{
    static const char *const others[] = {"sum",  "prod",   "min", "max",
                                         "mean", "matmul", "dot", "loop"};
    for (size_t i = 0; i < COUNT_OF(others); i++)
        if (!strcmp(op, others[i]))
            return 1;
    return 0;
}

/* What the plugin lists, so that no op can be without a test. */
static struct criterion_test_params listed_rows(void)
{
    static struct row rows[200];
    size_t n = 0;
    struct treadle_query query;
    for (uint32_t i = 0; listed(i, &query); i++) {
        if (is_other_family(query.op))
            continue;
        strcpy(rows[n].op, query.op);
        rows[n].dtype = query.dtypes[0];
        rows[n++].nin = query.nin;
    }
    return cr_make_param_array(struct row, rows, n);
}

static void run_once(const struct row *row, int ndim, const int64_t *shape, const int64_t *step,
                     size_t misalign, uint32_t threads)
{
    struct operand x, y, out, *unary[] = {&x, &out}, *binary[] = {&x, &y, &out};
    operand_init(&x, row->dtype, ndim, shape, step[0], misalign);
    operand_init(&y, row->dtype, ndim, shape, step[1], 0);
    operand_init(&out, row->dtype, ndim, shape, step[2], misalign);
    operand_fill(&x, (int)shape[0]);
    operand_fill(&y, 77);
    cr_assert_eq(run_op(row->op, row->nin == 2 ? binary : unary, row->nin + 1, row->nin, NULL,
                        threads, NULL),
                 TREADLE_OK);
    for (size_t i = 0, n = operand_count(&out); i < n; i++)
        check_item(row->op, row->dtype, operand_item(&x, i), operand_item(&y, i),
                   operand_item(&out, i), i, n);
    operand_check_sentinels(&out);
    operand_finish(&x);
    operand_finish(&y);
    operand_finish(&out);
}

/* As it is, and past the caches. */
static void run_case(const struct row *row, int ndim, const int64_t *shape, const int64_t *step,
                     size_t misalign, uint32_t threads)
{
    run_once(row, ndim, shape, step, misalign, threads);
    use_flags(TREADLE_CALL_STREAM);
    run_once(row, ndim, shape, step, misalign, threads);
    use_flags(0);
}

ParameterizedTestParameters(elementwise, agrees_with_a_plain_loop)
{
    return listed_rows();
}

ParameterizedTest(struct row *row, elementwise, agrees_with_a_plain_loop)
{
    for (size_t l = 0; l < COUNT_OF(lengths); l++)
        for (size_t s = 0; s < COUNT_OF(steps) * COUNT_OF(steps); s++)
            for (size_t misalign = 0; misalign <= 1; misalign++) {
                int64_t out_step = s % 3 == 2 ? 3 : 1;
                int64_t step[] = {steps[s % 4], steps[s / 4], out_step};
                uint32_t threads = thread_counts[(l + s) % COUNT_OF(thread_counts)];
                run_case(row, 1, &lengths[l], step, misalign, threads);
            }
}

ParameterizedTestParameters(elementwise, walks_many_axes)
{
    return listed_rows();
}

ParameterizedTest(struct row *row, elementwise, walks_many_axes)
{
    static const int64_t shapes[][3] = {
        {3, 4, 5}, {2, 1, 9000}, {9000, 2, 1}, {40, 50, 17}, {5, 0, 3}};
    for (size_t i = 0; i < COUNT_OF(shapes); i++)
        for (size_t t = 0; t < COUNT_OF(thread_counts); t++) {
            int64_t step[] = {2, 0, -1};
            run_case(row, 3, shapes[i], step, 0, thread_counts[t]);
        }
}

ParameterizedTestParameters(elementwise, works_in_place)
{
    return listed_rows();
}

ParameterizedTest(struct row *row, elementwise, works_in_place)
{
    for (size_t t = 0; t < COUNT_OF(thread_counts); t++) {
        int64_t n = 20011;
        struct operand x, kept, *unary[] = {&x, &x}, *binary[] = {&x, &x, &x};
        operand_init(&x, row->dtype, 1, &n, 1, 0);
        operand_init(&kept, row->dtype, 1, &n, 1, 0);
        operand_fill(&x, 5);
        operand_fill(&kept, 5);
        run_op(row->op, row->nin == 2 ? binary : unary, row->nin + 1, row->nin, NULL,
               thread_counts[t], NULL);
        for (size_t i = 0; i < (size_t)n; i++)
            check_item(row->op, row->dtype, operand_item(&kept, i), operand_item(&kept, i),
                       operand_item(&x, i), i, (size_t)n);
        operand_finish(&x);
        operand_finish(&kept);
    }
}

Test(elementwise, large_outputs_are_complete)
{
    for (size_t misalign = 0; misalign <= 24; misalign += 8) {
        struct row row = {"add", {TREADLE_FLOAT, 64, 1}, 2};
        int64_t n = 2500003, step[] = {1, 1, 1};
        run_case(&row, 1, &n, step, misalign, misalign ? 2 : 1);
    }
}

/* ---- floating-point flags ----------------------------------------------------------------------
 */

static int flags_of(const char *op, double x, double y, int64_t n, uint32_t threads)
{
    const struct treadle_dtype f64 = {TREADLE_FLOAT, 64, 1};
    const uint32_t nin = !strcmp(op, "sqrt") ? 1 : 2;
    struct operand a, b, out, *unary[] = {&a, &out}, *binary[] = {&a, &b, &out};
    operand_init(&a, f64, 1, &n, 1, 0);
    operand_init(&b, f64, 1, &n, 1, 0);
    operand_init(&out, f64, 1, &n, 1, 0);
    operand_fill(&a, -1);
    operand_fill(&b, -1);
    memcpy(operand_item(&a, (size_t)n - 1), &x, sizeof(x)); /* the last range sees it */
    memcpy(operand_item(&b, (size_t)n - 1), &y, sizeof(y));
    feclearexcept(FE_ALL_EXCEPT);
    run_op(op, nin == 2 ? binary : unary, nin + 1, nin, NULL, threads, NULL);
    int raised = fetestexcept(FE_ALL_EXCEPT);
    operand_finish(&a);
    operand_finish(&b);
    operand_finish(&out);
    return raised;
}

Test(elementwise, raises_the_flags_of_the_plain_operation)
{
    static const int64_t sizes[] = {1, 5, 8, 19, 40000};
    for (size_t s = 0; s < COUNT_OF(sizes); s++)
        for (size_t t = 0; t < COUNT_OF(thread_counts); t++) {
            int64_t n = sizes[s];
            uint32_t p = thread_counts[t];
            cr_assert_eq(flags_of("divide", 1, 0, n, p), FE_DIVBYZERO);
            cr_assert_eq(flags_of("divide", 0, 0, n, p), FE_INVALID);
            cr_assert_eq(flags_of("sqrt", -1, 0, n, p), FE_INVALID);
            cr_assert_eq(flags_of("multiply", 1e300, 1e300, n, p), FE_OVERFLOW | FE_INEXACT);
            cr_assert_eq(flags_of("multiply", 1e-300, 1e-300, n, p), FE_UNDERFLOW | FE_INEXACT);
            cr_assert_eq(flags_of("add", INFINITY, -INFINITY, n, p), FE_INVALID);
            cr_assert_eq(flags_of("add", 1, 1, n, p), 0);
            cr_assert_eq(flags_of("add", NAN, 1, n, p), 0);
            cr_assert_eq(flags_of("maximum", NAN, 1, n, p), 0);
            cr_assert_eq(flags_of("minimum", 1, NAN, n, p), 0);
        }
}

Test(elementwise, keeps_flags_that_were_raised_before)
{
    const struct treadle_dtype f64 = {TREADLE_FLOAT, 64, 1};
    int64_t n = 40000;
    struct operand a, out, *args[] = {&a, &a, &out};
    operand_init(&a, f64, 1, &n, 1, 0);
    operand_init(&out, f64, 1, &n, 1, 0);
    operand_fill(&a, 3);
    feclearexcept(FE_ALL_EXCEPT);
    feraiseexcept(FE_DIVBYZERO);
    run_op("maximum", args, 3, 2, NULL, 2, NULL);
    cr_assert_eq(fetestexcept(FE_ALL_EXCEPT), FE_DIVBYZERO);
    operand_finish(&a);
    operand_finish(&out);
}

Test(elementwise, computes_in_the_callers_rounding_mode)
{
    const struct treadle_dtype f64 = {TREADLE_FLOAT, 64, 1};
    int64_t n = 40000;
    struct operand a, b, out, *args[] = {&a, &b, &out};
    operand_init(&a, f64, 1, &n, 1, 0);
    operand_init(&b, f64, 1, &n, 1, 0);
    operand_init(&out, f64, 1, &n, 1, 0);
    operand_fill(&a, -1);
    for (size_t i = 0; i < (size_t)n; i++)
        *(double *)operand_item(&b, i) = 1e-30;
    fesetround(FE_UPWARD);
    run_op("add", args, 3, 2, NULL, 2, NULL);
    fesetround(FE_TONEAREST);
    for (size_t i = 0; i < (size_t)n; i++)
        cr_assert_gt(*(double *)operand_item(&out, i), 1.0);
    operand_finish(&a);
    operand_finish(&b);
    operand_finish(&out);
}
