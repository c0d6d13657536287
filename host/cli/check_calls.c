/* SPDX-License-Identifier: BSD-3-Clause */
/* values.loop and values.repeat; errors.*: what a plugin says when it cannot. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "check_example.h"
#include "check_tests.h"
#include "check_values.h"

/* ---- loop ----------------------------------------------------------------------------------- */

/** What the loop's function found wrong; all threads write it. */
struct cuts {
    const char *begin;
    int64_t n, grain;
    atomic_int off_grain, outside;
    atomic_llong elements;
};

static void doubled(void *ctx, int64_t n, char **ptrs, const int64_t *strides)
{
    struct cuts *cuts = ctx;
    int64_t first = strides[0] ? (ptrs[0] - cuts->begin) / strides[0] : 0;

    if (first < 0 || n < 0 || first + n > cuts->n) {
        atomic_store(&cuts->outside, 1);
        return;
    }
    if (first % cuts->grain || (n % cuts->grain && first + n != cuts->n))
        atomic_store(&cuts->off_grain, 1);
    for (int64_t i = 0; i < n; i++) {
        double x;
        memcpy(&x, ptrs[0] + i * strides[0], sizeof x);
        x *= 2;
        memcpy(ptrs[1] + i * strides[1], &x, sizeof x);
    }
    atomic_fetch_add(&cuts->elements, n);
    ptrs[0] = ptrs[1] = NULL; /* the array is the function's */
}

static void try_loop(const struct check_op *op, int64_t n, int64_t grain, int64_t step,
                     uint32_t threads, struct check_tally *tally)
{
    static const struct treadle_dtype f64 = {TREADLE_FLOAT, 64, 1};
    struct check_array x, out, *arrays[] = {&x, &out};
    struct cuts cuts = {.n = n, .grain = grain};
    struct treadle_loop attrs = {sizeof attrs, 0, doubled, &cuts, grain, 0};

    check_array_init(&x, f64, 1, &n, step, CHECK_ALIGNED);
    check_array_init(&out, f64, 1, &n, 2, CHECK_ALIGNED);
    check_array_fill(&x, CHECK_PLAIN, 3);
    cuts.begin = x.array.data;
    check_doing("loop, %lld elements, grain %lld, stride %lld items, threads_max %u", (long long)n,
                (long long)grain, (long long)step, threads);
    if (check_case(op, arrays, 2, &attrs, threads, tally)) {
        if (atomic_load(&cuts.outside))
            check_fail_here("hands out elements that are not there");
        else if (atomic_load(&cuts.off_grain))
            check_fail_here("cuts where it is no multiple of the grain");
        else if (atomic_load(&cuts.elements) != n)
            check_fail_here("hands out %lld elements", (long long)atomic_load(&cuts.elements));
        for (int64_t i = 0; i < n && !check_has_failed(); i++)
            if (creall(check_get(f64, check_array_item(&out, i))) !=
                2 * creall(check_get(f64, check_array_item(&x, i))))
                check_fail_here("element %lld was not handed out", (long long)i);
    }
    check_array_finish(&x);
    check_array_finish(&out);
}

static void try_loops(const struct check_op *op)
{
    struct check_tally tally = {0};

    for (int64_t n = 0; n < 200000; n = n * 6 + 5)
        for (int64_t grain = 1; grain < 5000; grain *= 16)
            for (uint32_t threads = 1; threads <= 4 && !check_has_failed(); threads++)
                try_loop(op, n, grain, threads % 2 ? 1 : -1, threads, &tally);
    check_tally_end(op, &tally);
}

void check_loop(void)
{
    check_each("loop", try_loops);
}

/* ---- the same call again --------------------------------------------------------------------- */

/** Bits may depend on the number of threads only where TREADLE_KERNEL_EXACT does not stand. */
static void try_again(struct check_example *e)
{
    static struct check_example again;
    bool exact = e->op->kernel.flags & TREADLE_KERNEL_EXACT;

    for (uint32_t threads = 1; threads <= 4 && !check_has_failed(); threads++) {
        check_example_init(&again, e->op, check_array_count(&e->arrays[0]));
        if (check_example_run(&again, threads, NULL) == TREADLE_OK) {
            if (threads == 1 && !check_example_same(e, &again))
                check_fail_here("the same call on one thread gives other bits");
            else if (exact && !check_example_same(e, &again))
                check_fail_here("says TREADLE_KERNEL_EXACT, but one thread gives other bits");
            else if (!check_example_close(e, &again))
                check_fail_here("gives another result than one thread");
        }
        for (uint32_t i = 0; i < again.nargs; i++)
            check_array_sentinels(&again.arrays[i]);
        check_example_finish(&again);
    }
}

void check_repeat(void)
{
    if (check_plugin_create())
        check_each_example(20000, try_again);
}

/* ---- errors ----------------------------------------------------------------------------------*/

/** Zeros have no inverse and no Cholesky factor; NaN has nothing. */
static void try_numeric(const struct check_op *op)
{
    struct check_example e;

    if (!check_example_init(&e, op, 16))
        return;
    for (int64_t i = 0; i < check_array_count(&e.arrays[0]); i++)
        check_set(op->dtypes[0], check_array_item(&e.arrays[0], i), 0);
    int32_t status = check_example_run(&e, 1, NULL);
    if (check_op_is(op, "solve cholesky inv") && status != TREADLE_E_NUMERIC &&
        status != TREADLE_E_DECLINED)
        check_fail_here("of zeros: status %d, should be TREADLE_E_NUMERIC (%d)", status,
                        TREADLE_E_NUMERIC);
    for (int64_t i = 0; i < check_array_count(&e.arrays[0]); i++)
        check_set(op->dtypes[0], check_array_item(&e.arrays[0], i), NAN);
    check_example_run(&e, 1, NULL);
    for (uint32_t i = op->nin; i < e.nargs; i++)
        check_array_sentinels(&e.arrays[i]);
    check_example_finish(&e);
}

void check_numeric(void)
{
    check_each("solve cholesky inv svd qr eigh", try_numeric);
}

/** A call that fails, with an error buffer of every small size, and with none. */
static bool fails_in_words(const struct check_op *op, struct check_example *e, bool *failed)
{
    enum { FENCE = 0x5a, MOST = 24 };
    struct treadle_array args[CHECK_TYPES_MAX];

    for (uint32_t i = 0; i < e->nargs; i++)
        args[i] = e->arrays[i].array;
    for (int capacity = -1; capacity <= MOST && !check_has_failed(); capacity++) {
        char text[MOST + 1];
        struct treadle_error error = {sizeof error, 0, capacity > 0 ? text : NULL,
                                      capacity > 0 ? (uint64_t)capacity : 0};
        struct treadle_call call = {.struct_size = sizeof call,
                                    .host = check_host(),
                                    .state = check_plugin_state(),
                                    .kernel = op->kernel.kernel,
                                    .args = args,
                                    .nargs = e->nargs,
                                    .nin = e->nin,
                                    .attrs = e->attrs,
                                    .threads_max = 1,
                                    .threads_used = 1,
                                    .error = capacity < 0 ? NULL : &error};
        memset(text, FENCE, sizeof text);
        check_doing("%s that fails, %d bytes for the error's text", check_op_text(op), capacity);
        int32_t status = op->kernel.run(&call);
        *failed |= status != TREADLE_OK && status != TREADLE_E_DECLINED;
        for (int i = capacity < 0 ? 0 : capacity; i <= MOST; i++)
            if (text[i] != FENCE) {
                check_fail_here("writes past them");
                return false;
            }
    }
    return true;
}

/** Each operation on zeros and with no memory from the host: one of the two makes most fail. */
void check_text(void)
{
    size_t count;
    bool failed = false;

    if (!check_plugin_create())
        return;
    const struct check_op *ops = check_plugin_ops(&count);
    for (size_t i = 0; i < count && !check_has_failed(); i++) {
        struct check_example e;
        if (!check_example_init(&e, &ops[i], 16))
            continue;
        if (check_op_is(&ops[i], "solve cholesky inv"))
            for (int64_t k = 0; k < check_array_count(&e.arrays[0]); k++)
                check_set(ops[i].dtypes[0], check_array_item(&e.arrays[0], k), 0);
        check_host_limit_blocks(0);
        fails_in_words(&ops[i], &e, &failed);
        check_host_limit_blocks(-1);
        check_example_finish(&e);
    }
    if (!failed)
        check_skip("no call could be made to fail");
}

static void try_without_memory(struct check_example *e)
{
    enum { REQUESTS = 40 };

    for (int limit = 0; limit < REQUESTS && !check_has_failed(); limit++) {
        long before = check_host_blocks();
        check_host_limit_blocks(limit);
        int32_t status = check_example_run(e, 2, NULL);
        check_host_limit_blocks(-1);
        if (status != TREADLE_OK && status != TREADLE_E_NOMEM && status != TREADLE_E_DECLINED)
            check_fail_here("no memory from request %d on: status %d, should be TREADLE_E_NOMEM",
                            limit + 1, status);
        if (check_host_blocks() > before)
            check_fail_here("no memory from request %d on: keeps %ld blocks", limit + 1,
                            check_host_blocks() - before);
        if (status == TREADLE_OK)
            return;
    }
}

void check_nomem(void)
{
    if (check_plugin_create())
        check_each_example(4096, try_without_memory);
}
