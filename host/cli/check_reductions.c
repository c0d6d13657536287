/* SPDX-License-Identifier: BSD-3-Clause */
/* values.reductions: over all and over some axes, of nothing, and with NumPy's bits if promised. */
#include <complex.h>
#include <math.h>
#include <string.h>

#include "check.h"
#include "check_reference.h"
#include "check_tests.h"
#include "check_values.h"

#define REDUCTIONS "sum prod min max mean"

static const int64_t lengths[] = {1, 2, 3, 7, 8, 9, 15, 17, 63, 64, 65, 127, 128, 129, 1000};
static const int64_t steps[] = {1, 2, -1, 0};

static bool has_numbers(const struct check_op *op)
{
    return op->ntypes == 2 && check_is_number(op->dtypes[0]) && check_is_number(op->dtypes[1]) &&
           !(op->dtypes[0].code == TREADLE_COMPLEX && strstr("min max", op->name));
}

/** Result and the error that it may have. */
struct expected {
    long double complex value;
    long double magnitude, tolerance;
    uint64_t whole; /* of integers, wrapped */
    int64_t n;
};

static void expect_begin(const struct check_op *op, struct expected *e)
{
    *e = (struct expected){.value = !strcmp(op->name, "prod"), .whole = !strcmp(op->name, "prod")};
}

static void expect_item(const struct check_op *op, const void *item, struct expected *e)
{
    long double complex value = check_get(op->dtypes[0], item);
    bool product = !strcmp(op->name, "prod"), least = !strcmp(op->name, "min");
    uint64_t whole = creall(value) < 0 ? (uint64_t)(int64_t)creall(value) : (uint64_t)creall(value);

    if (least || !strcmp(op->name, "max")) {
        bool better = least ? creall(value) < creall(e->value) : creall(value) > creall(e->value);
        if (e->n == 0 || isnan(creall(value)) || (better && !isnan(creall(e->value))))
            e->value = value;
    } else {
        e->value = product ? e->value * value : e->value + value;
        e->whole = product ? e->whole * whole : e->whole + whole;
        e->magnitude += cabsl(value);
    }
    e->n++;
}

static void expect_end(const struct check_op *op, struct expected *e)
{
    long double epsilon = check_epsilon(op->dtypes[1]);

    if (!strcmp(op->name, "mean"))
        e->value /= (long double)e->n, e->magnitude /= (long double)e->n;
    if (!strcmp(op->name, "prod"))
        e->magnitude = cabsl(e->value);
    if (strcmp(op->name, "min") && strcmp(op->name, "max"))
        e->tolerance = ((long double)e->n + 4) * epsilon * e->magnitude;
}

static bool agrees(const struct check_op *op, const struct expected *e, const void *got)
{
    struct treadle_dtype dtype = op->dtypes[1];
    long double complex value = check_get(dtype, got);
    bool wraps = !strcmp(op->name, "sum") || !strcmp(op->name, "prod");

    if (check_epsilon(dtype) == 0 && wraps && dtype.code != TREADLE_BOOL)
        return !memcmp(got, &e->whole, dtype.bits / 8);
    if (isnan(creall(e->value)))
        return isnan(creall(value));
    return value == e->value || cabsl(value - e->value) <= e->tolerance;
}

/** Items of x that belong to output i: those whose indices agree on the axes that stay. */
static void expect_output(const struct check_op *op, const struct check_array *x,
                          const struct check_array *out, int64_t i, struct expected *e)
{
    expect_begin(op, e);
    for (int64_t k = 0, n = check_array_count(x); k < n; k++) {
        const char *at = out->array.data;
        int64_t rest = k;
        for (int32_t axis = x->array.ndim - 1; axis >= 0; axis--) {
            at += rest % x->shape[axis] * out->strides[axis];
            rest /= x->shape[axis];
        }
        if (at == check_array_item(out, i))
            expect_item(op, check_array_item(x, k), e);
    }
    expect_end(op, e);
}

static bool compare(const struct check_op *op, const struct check_array *x,
                    const struct check_array *out)
{
    for (int64_t i = 0, n = check_array_count(out); i < n; i++) {
        const void *got = check_array_item(out, i);
        struct expected e;
        expect_output(op, x, out, i, &e);
        if (!agrees(op, &e, got)) {
            check_fail_here("result %lld is %s, should be %.17Lg", (long long)i,
                            check_item_text(op->dtypes[1], got), creall(e.value));
            return false;
        }
    }
    return true;
}

/** Zero stride on the axes that are reduced. */
static void init_output(const struct check_op *op, const struct check_array *x, uint64_t axes,
                        struct check_array *out)
{
    int64_t shape[CHECK_AXES_MAX];

    for (int32_t i = 0; i < x->array.ndim; i++)
        shape[i] = axes >> i & 1 ? 1 : x->shape[i];
    check_array_init(out, op->dtypes[1], x->array.ndim, shape, 1, CHECK_ALIGNED);
    for (int32_t i = 0; i < x->array.ndim; i++)
        if (axes >> i & 1)
            out->strides[i] = 0;
}

/** NumPy's tree, if the plugin says that its bits are NumPy's. */
static void compare_bits(const struct check_op *op, const struct check_array *x,
                         const struct check_array *out)
{
    struct treadle_dtype dtype = op->dtypes[0];

    if (!(op->kernel.flags & TREADLE_KERNEL_EXACT) || strcmp(op->name, "sum") ||
        dtype.code != TREADLE_FLOAT || x->array.ndim != 1)
        return;
    double want = check_numpy_sum(dtype, x->array.data, x->shape[0], x->strides[0]);
    double got = (double)creall(check_get(dtype, out->array.data));
    if (memcmp(&want, &got, sizeof want) && !(isnan(want) && isnan(got)))
        check_fail_here("says TREADLE_KERNEL_EXACT, but the sum is %.17g and NumPy's %.17g", got,
                        want);
}

static bool try_array(const struct check_op *op, struct check_array *x, uint64_t axes,
                      uint32_t threads, struct check_tally *tally)
{
    struct treadle_reduction attrs = {sizeof attrs, 0, axes};
    struct check_array out, *arrays[] = {x, &out};

    init_output(op, x, axes, &out);
    check_doing("%s, shape %s, last stride %lld bytes, axes 0x%llx, threads_max %u",
                check_op_text(op), check_shape_text(x), (long long)x->strides[x->array.ndim - 1],
                (unsigned long long)axes, threads);
    if (check_case(op, arrays, 2, &attrs, threads, tally) && compare(op, x, &out))
        compare_bits(op, x, &out);
    check_array_finish(&out);
    return !check_has_failed();
}

static void try_rows(const struct check_op *op, struct check_tally *tally)
{
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths * 4; i++) {
        struct check_array x;
        check_array_init(&x, op->dtypes[0], 1, &lengths[i / 4], steps[i % 4],
                         i % 2 ? CHECK_MISALIGNED : CHECK_ALIGNED);
        check_array_fill(&x, strcmp(op->name, "prod") ? CHECK_PLAIN : CHECK_ONES, i);
        if (!strcmp(op->name, "prod") && steps[i % 4])
            check_set(op->dtypes[0], check_array_item(&x, lengths[i / 4] - 1), 1.5);
        bool good = try_array(op, &x, 1, check_threads[i / 4 % 2], tally);
        check_array_finish(&x);
        if (!good)
            return;
    }
}

static void try_axes(const struct check_op *op, struct check_tally *tally)
{
    static const int64_t shapes[][3] = {{3, 4, 5}, {1, 33, 2}, {7, 1, 9}, {2, 3, 129}};

    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++)
        for (uint64_t axes = 1; axes < 8; axes++) {
            struct check_array x;
            check_array_init(&x, op->dtypes[0], 3, shapes[i], i % 2 ? 1 : 2, CHECK_ALIGNED);
            check_array_fill(&x, strcmp(op->name, "prod") ? CHECK_SMALL : CHECK_ONES, i);
            bool good = try_array(op, &x, axes, check_threads[axes % 2], tally);
            check_array_finish(&x);
            if (!good)
                return;
        }
}

static void try_nan(const struct check_op *op, struct check_tally *tally)
{
    int64_t n = 1000;
    struct check_array x;

    if (check_epsilon(op->dtypes[0]) == 0)
        return;
    check_array_init(&x, op->dtypes[0], 1, &n, 1, CHECK_ALIGNED);
    check_array_fill(&x, CHECK_ONES, 0);
    check_set(op->dtypes[0], check_array_item(&x, 777), NAN);
    for (size_t t = 0; t < 2 && try_array(op, &x, 1, check_threads[t], tally); t++)
        continue;
    check_array_finish(&x);
}

/** sum is 0, prod is 1; the others have no value, which a plugin has to say. */
static void try_nothing(const struct check_op *op)
{
    static const int64_t shape[] = {3, 0};
    struct treadle_reduction attrs = {sizeof attrs, 0, 2};
    bool has_value = !strcmp(op->name, "sum") || !strcmp(op->name, "prod");
    struct check_array x, out;

    check_array_init(&x, op->dtypes[0], 2, shape, 1, CHECK_ALIGNED);
    init_output(op, &x, 2, &out);
    struct treadle_array args[] = {x.array, out.array};
    check_doing("%s of no elements, shape 3x0, axis 1", check_op_text(op));
    int32_t status = check_call(op, args, 2, &attrs, 1, NULL);
    if (status == TREADLE_OK && !has_value)
        check_fail_here("has no value, but the call succeeds");
    else if (status == TREADLE_OK)
        compare(op, &x, &out);
    else if (status != TREADLE_E_DECLINED && has_value)
        check_fail_here("status %d, should be %s", status, op->name[0] == 's' ? "0" : "1");
    check_array_finish(&x);
    check_array_finish(&out);
}

static void try_reduction(const struct check_op *op)
{
    struct check_tally tally = {0};

    if (!has_numbers(op)) {
        check_note("%s: there is no reference to compare it with", check_op_text(op));
        return;
    }
    try_rows(op, &tally);
    if (!check_has_failed())
        try_axes(op, &tally);
    if (!check_has_failed())
        try_nan(op, &tally);
    if (!check_has_failed())
        try_nothing(op);
    check_tally_end(op, &tally);
}

void check_reductions(void)
{
    check_each(REDUCTIONS, try_reduction);
}
