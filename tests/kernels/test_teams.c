/* SPDX-License-Identifier: BSD-3-Clause */
/* The loop op, honesty about threads, fork after a parallel call, and complete listings. */
#include <criterion/criterion.h>
#include <fenv.h>
#include <pthread.h>
#include <stdio.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kernel_host.h"

static const struct treadle_dtype f64 = {TREADLE_FLOAT, 64, 1};

/* ---- loop -------------------------------------------------------------------------------------
 */

struct seen {
    int64_t grain, n;
    const char *base;
    atomic_int calls, threads_inside, most_inside, bad_cut;
    int exception;
};

static void triple(void *ctx, int64_t n, char **ptrs, const int64_t *strides)
{
    struct seen *seen = ctx;
    int inside = atomic_fetch_add(&seen->threads_inside, 1) + 1,
        most = atomic_load(&seen->most_inside);
    while (inside > most && !atomic_compare_exchange_weak(&seen->most_inside, &most, inside))
        ;
    int64_t first = strides[0] ? (ptrs[0] - seen->base) / strides[0] : 0;
    if (first % seen->grain || (n % seen->grain && first + n != seen->n))
        atomic_store(&seen->bad_cut, 1);
    for (int64_t i = 0; i < n; i++)
        *(double *)(ptrs[1] + i * strides[1]) = 3 * *(const double *)(ptrs[0] + i * strides[0]);
    if (first + n == seen->n)
        feraiseexcept(seen->exception);
    ptrs[0] = NULL; /* allowed: the array is the function's */
    atomic_fetch_add(&seen->calls, 1);
    atomic_fetch_sub(&seen->threads_inside, 1);
}

static uint32_t run_triple(int64_t n, int64_t grain, int64_t step, uint32_t threads, int exception)
{
    struct operand x, out, *args[] = {&x, &out};
    uint32_t used;
    operand_init(&x, f64, 1, &n, step, 0);
    operand_init(&out, f64, 1, &n, 2, 0);
    operand_fill(&x, -1);
    struct seen seen = {.grain = grain, .n = n, .base = x.array.data, .exception = exception};
    struct treadle_loop attrs = {sizeof(attrs), 0, triple, &seen, grain, 0};
    cr_assert_eq(run_op("loop", args, 2, 1, &attrs, threads, &used), TREADLE_OK);
    for (size_t i = 0; i < (size_t)n; i++)
        cr_assert_eq(*(double *)operand_item(&out, i), 3.0);
    operand_check_sentinels(&out);
    cr_assert_not(atomic_load(&seen.bad_cut), "cut within a grain of %d", (int)grain);
    cr_assert_leq((uint32_t)atomic_load(&seen.most_inside), used, "threads_used is too low");
    operand_finish(&x);
    operand_finish(&out);
    return used;
}

Test(loop, covers_every_element_once)
{
    for (int64_t n = 0; n < 100000; n = n * 4 + 3)
        for (int64_t grain = 1; grain < 5000; grain *= 16)
            for (uint32_t threads = 1; threads <= 8; threads += 3)
                run_triple(n, grain, n % 2 ? 1 : -1, threads, 0);
}

Test(loop, hands_on_the_flags_of_all_threads)
{
    for (uint32_t threads = 1; threads <= 4; threads++) {
        feclearexcept(FE_ALL_EXCEPT);
        run_triple(100000, 1, 1, threads, FE_DIVBYZERO);
        cr_assert_eq(fetestexcept(FE_ALL_EXCEPT), FE_DIVBYZERO);
    }
}

Test(loop, uses_threads_if_it_may)
{
    uint32_t most = 0;
    for (int i = 0; i < 200 && most < 2; i++) { /* a worker may come too late to find work */
        uint32_t used = run_triple(400000, 1, 1, 2, 0);
        most = used > most ? used : most;
    }
    cr_assert_eq(most, has_threads() ? 2 : 1);
}

/* ---- threads
 * -------------------------------------------------------------------------------------- */

static void add_many(uint32_t threads)
{
    int64_t n = 300000;
    struct operand x, out, *args[] = {&x, &x, &out};
    operand_init(&x, f64, 1, &n, 1, 0);
    operand_init(&out, f64, 1, &n, 1, 0);
    operand_fill(&x, -1);
    cr_assert_eq(run_op("add", args, 3, 2, NULL, threads, NULL), TREADLE_OK);
    for (size_t i = 0; i < (size_t)n; i++)
        cr_assert_eq(*(double *)operand_item(&out, i), 2.0);
    operand_finish(&x);
    operand_finish(&out);
}

static void *add_in_a_thread(void *unused)
{
    for (int i = 0; i < 20; i++)
        add_many(1 + (uint32_t)i % 4);
    return unused;
}

Test(teams, serve_several_callers_at_once)
{
    pthread_t callers[4];
    for (size_t i = 0; i < COUNT_OF(callers); i++)
        cr_assert_eq(pthread_create(&callers[i], NULL, add_in_a_thread, NULL), 0);
    for (size_t i = 0; i < COUNT_OF(callers); i++)
        pthread_join(callers[i], NULL);
}

Test(teams, work_in_a_forked_child)
{
    add_many(4);
    cr_assert(plugin()->flags & TREADLE_PLUGIN_FORK_SAFE);
    pid_t child = fork();
    if (!child) {
        alarm(20); /* a child that hangs is a failure, not a wait */
        if (plugin()->after_fork_child(NULL) != TREADLE_OK)
            _exit(1);
        add_many(4);
        _exit(0);
    }
    int status;
    cr_assert_eq(waitpid(child, &status, 0), child);
    cr_assert_eq(status, 0);
    add_many(4);
}

static int threads_of_process(void)
{
    char line[256];
    int count = -1;
    FILE *file = fopen("/proc/self/status", "r");
    while (file && fgets(line, sizeof(line), file))
        sscanf(line, "Threads: %d", &count);
    if (file)
        fclose(file);
    return count;
}

Test(teams, wake_nobody_for_one_thread)
{
    int before = threads_of_process();
    add_many(1);
    cr_assert_eq(threads_of_process(), before);
}

/* ---- the listing
 * ---------------------------------------------------------------------------------- */

Test(listing, has_each_kernel_once_and_can_find_it)
{
    struct treadle_query query, other;
    uint32_t count = 0;
    for (; listed(count, &query); count++) {
        struct treadle_kernel kernel = {.struct_size = sizeof(kernel)};
        cr_assert_eq(plugin()->find_kernel(NULL, &query, &kernel), TREADLE_OK, "%s", query.op);
        cr_assert(kernel.run && *kernel.variant);
        for (uint32_t i = 0; i < count; i++) {
            listed(i, &other);
            cr_assert(strcmp(other.op, query.op) || other.ntypes != query.ntypes ||
                          memcmp(other.dtypes, query.dtypes, query.ntypes * sizeof(*query.dtypes)),
                      "%s is listed twice", query.op);
        }
    }
    cr_assert_gt(count, 70);
}

Test(listing, declines_what_it_has_not)
{
    static const struct treadle_dtype mixed[] = {
        {TREADLE_FLOAT, 64, 1}, {TREADLE_FLOAT, 32, 1}, {TREADLE_FLOAT, 64, 1}};
    static const struct treadle_dtype ints[] = {
        {TREADLE_INT, 64, 1}, {TREADLE_INT, 64, 1}, {TREADLE_INT, 64, 1}};
    const struct treadle_query queries[] = {
        {sizeof(*queries), 0, "add", mixed, 3, 2}, {sizeof(*queries), 0, "add", ints, 3, 1},
        {sizeof(*queries), 0, "add", ints, 2, 1},  {sizeof(*queries), 0, "divide", ints, 3, 2},
        {sizeof(*queries), 0, "", ints, 3, 2},     {sizeof(*queries), 0, "nonsense", ints, 3, 2},
        {sizeof(*queries), 0, "add", NULL, 0, 0}};
    for (size_t i = 0; i < COUNT_OF(queries); i++) {
        struct treadle_kernel kernel = {.struct_size = sizeof(kernel)};
        cr_assert_eq(plugin()->find_kernel(NULL, &queries[i], &kernel), TREADLE_E_DECLINED, "%zu",
                     i);
    }
}
