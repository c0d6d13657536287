/* SPDX-License-Identifier: BSD-3-Clause */
/* fp.*: the flags that plain C would raise and no others, and the caller's modes left and kept. */
#include <fenv.h>
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "check.h"
#include "check_example.h"
#include "check_state.h"
#include "check_tests.h"
#include "check_values.h"

/* Every rounding raises it, and nobody looks. */
enum { FLAGS = FE_ALL_EXCEPT & ~FE_INEXACT };

static const int64_t lengths[] = {1, 5, 1000, 40009};

static bool is_real(const struct check_op *op)
{
    return op->dtypes[0].code == TREADLE_FLOAT && op->dtypes[0].bits >= 32 && op->ntypes >= 2;
}

/* ---- fp.flags ------------------------------------------------------------------------------- */

/** Operands of one item and what they raise. MOST is the largest number of the type. */
#define MOST DBL_MAX
static const struct {
    const char *op;
    double x, y;
    int raised;
} cases[] = {
    {"add", MOST, MOST, FE_OVERFLOW},
    {"add", NAN, 1, 0},
    {"subtract", INFINITY, INFINITY, FE_INVALID},
    {"multiply", MOST, 2, FE_OVERFLOW},
    {"multiply", INFINITY, 0, FE_INVALID},
    {"divide", 1, 0, FE_DIVBYZERO},
    {"divide", 0, 0, FE_INVALID},
    {"divide", MOST, 0.5, FE_OVERFLOW},
    {"sqrt", -1, 1, FE_INVALID},
    {"sqrt", NAN, 1, 0},
    {"square", MOST, 1, FE_OVERFLOW},
    {"maximum", NAN, 1, 0},
    {"minimum", 1, NAN, 0},
    {"negative", NAN, 1, 0},
    {"abs", -INFINITY, 1, 0},
    {"copy", NAN, 1, 0},
};

static const char *flags_text(int flags, char *text, size_t capacity)
{
    static const struct {
        int flag;
        const char *name;
    } names[] = {{FE_INVALID, " invalid"},
                 {FE_DIVBYZERO, " divide-by-zero"},
                 {FE_OVERFLOW, " overflow"},
                 {FE_UNDERFLOW, " underflow"}};
    size_t used = 0;

    snprintf(text, capacity, " none");
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (flags & names[i].flag)
            used += (size_t)snprintf(text + used, capacity - used, "%s", names[i].name);
    return text + 1;
}

/** Ones everywhere but at the last item; `before` stands already. */
static void try_flags(const struct check_op *op, int64_t n, double x_last, double y_last,
                      int expected, int before)
{
    struct check_array x, y, out, *binary[] = {&x, &y, &out}, *unary[] = {&x, &out};
    struct check_tally tally = {0};
    uint32_t threads = check_threads[n % 2];
    char got_text[80], want_text[80];

    check_array_init(&x, op->dtypes[0], 1, &n, 1, CHECK_ALIGNED);
    check_array_init(&y, op->dtypes[0], 1, &n, 1, CHECK_ALIGNED);
    check_array_init(&out, op->dtypes[0], 1, &n, 1, CHECK_ALIGNED);
    check_array_fill(&x, CHECK_ONES, 0);
    check_array_fill(&y, CHECK_ONES, 0);
    bool single = op->dtypes[0].bits == 32;
    check_set(op->dtypes[0], check_array_item(&x, n - 1),
              single && x_last == MOST ? (double)FLT_MAX : x_last);
    check_set(op->dtypes[0], check_array_item(&y, n - 1),
              single && y_last == MOST ? (double)FLT_MAX : y_last);
    check_doing("%s of %lld items, the last one %g and %g, threads_max %u", check_op_text(op),
                (long long)n, x_last, y_last, threads);
    feclearexcept(FE_ALL_EXCEPT);
    feraiseexcept(before);
    bool served = check_case(op, op->nin == 2 ? binary : unary, op->nin + 1, NULL, threads, &tally);
    int raised = fetestexcept(FLAGS);
    if (served && raised != (expected | before))
        check_fail_here("flags are %s, should be %s", flags_text(raised, got_text, sizeof got_text),
                        flags_text(expected | before, want_text, sizeof want_text));
    check_array_finish(&x);
    check_array_finish(&y);
    check_array_finish(&out);
}

static void try_cases(const struct check_op *op)
{
    if (!is_real(op))
        return;
    for (size_t l = 0; l < sizeof lengths / sizeof *lengths; l++) {
        for (size_t i = 0; i < sizeof cases / sizeof *cases && !check_has_failed(); i++)
            if (!strcmp(op->name, cases[i].op))
                try_flags(op, lengths[l], cases[i].x, cases[i].y, cases[i].raised, 0);
        if (!check_has_failed())
            try_flags(op, lengths[l], 1, 1, 0, FE_DIVBYZERO);
    }
}

void check_fp_flags(void)
{
    check_each("add subtract multiply divide maximum minimum negative abs sqrt square copy",
               try_cases);
}

/* ---- fp.modes ------------------------------------------------------------------------------- */

static void try_modes(struct check_example *e)
{
    static const int roundings[] = {FE_TONEAREST, FE_DOWNWARD};
    struct check_state before, after;

    for (size_t i = 0; i < 4 && !check_has_failed(); i++) {
        fesetround(roundings[i / 2]);
        check_state_read(&before);
        check_example_run(e, check_threads[i % 2], NULL);
        check_state_read(&after);
        fesetround(FE_TONEAREST);
        check_state_compare(&before, &after, check_op_text(e->op));
    }
}

void check_fp_modes(void)
{
    struct check_state before, after;

    check_state_read(&before);
    if (!check_plugin_create())
        return;
    check_state_read(&after);
    check_state_compare(&before, &after, "create()");
    check_each_example(40009, try_modes);
    check_plugin_destroy();
    check_state_read(&after);
    check_state_compare(&before, &after, "destroy()");
}

/* ---- fp.rounding ---------------------------------------------------------------------------- */

/** 1 + tiny is the next number upwards, and 1 in any other mode: on every thread. */
static void try_rounding(const struct check_op *op)
{
    struct check_array x, y, out, *arrays[] = {&x, &y, &out};
    struct check_tally tally = {0};

    for (size_t i = 0; is_real(op) && i < 4 && !check_has_failed(); i++) {
        int64_t n = lengths[2 + i / 2];
        long double want = 1 + check_epsilon(op->dtypes[0]);
        for (int k = 0; k < 3; k++) {
            check_array_init(arrays[k], op->dtypes[0], 1, &n, 1, CHECK_ALIGNED);
            check_array_fill(arrays[k], CHECK_ONES, 0);
        }
        for (int64_t k = 0; k < n; k++)
            check_set(op->dtypes[0], check_array_item(&y, k), 0x1p-60L);
        check_doing("%s of %lld items, rounding upward, threads_max %u", check_op_text(op),
                    (long long)n, check_threads[i % 2]);
        fesetround(FE_UPWARD);
        bool served = check_case(op, arrays, 3, NULL, check_threads[i % 2], &tally);
        fesetround(FE_TONEAREST);
        for (int64_t k = 0; k < n && served && !check_has_failed(); k++)
            if (creall(check_get(op->dtypes[0], check_array_item(&out, k))) != want)
                check_fail_here("item %lld is not rounded upward", (long long)k);
        for (int k = 0; k < 3; k++)
            check_array_finish(arrays[k]);
    }
}

void check_fp_rounding(void)
{
    check_each("add", try_rounding);
}
