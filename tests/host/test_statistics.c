/* SPDX-License-Identifier: BSD-3-Clause */
/* Counts of what was run: exact, also from many threads at once. */
#include <criterion/criterion.h>
#include <pthread.h>
#include <string.h>

#include "fakes.h"
#include "strided.h"

enum { THREADS = 8, CALLS = 500 };

static void *run_both(void *unused)
{
    double data[2][16] = {{0}};
    struct strided x, out;
    strided_vector(&x, data[0], 16, 1);
    strided_vector(&out, data[1], 16, 1);
    for (int i = 0; i < CALLS; i++) {
        treadle_unary("copy", &x.a, &out.a, NULL);
        treadle_unary("negative", &x.a, &out.a, NULL);
    }
    return unused;
}

static void set_up(void)
{
    cr_assert_eq(treadle_set_backend("serial"), TREADLE_OK);
    cr_assert_eq(treadle_set_min(1), TREADLE_OK);
}

static struct treadle_statistic find(const char *op)
{
    struct treadle_statistic s;
    for (uint32_t i = 0; treadle_statistic(i, &s) == TREADLE_OK; i++)
        if (strcmp(s.op, op) == 0)
            return s;
    return (struct treadle_statistic){.calls = 0};
}

Test(statistics, count_calls_from_many_threads, .init = set_up)
{
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++)
        pthread_create(&threads[i], NULL, run_both, NULL);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    cr_assert_eq(find("copy").calls, THREADS * CALLS);
    cr_assert_eq(find("negative").calls, THREADS * CALLS);
    cr_assert_str_eq(find("copy").backend, "serial");
    cr_assert_gt(find("copy").nanoseconds, 0);
    cr_assert_eq(find("copy").threads_most, 1);
    struct treadle_statistic s;
    expect_invalid(treadle_statistic(2, &s), "no entry 2");
    expect_invalid(treadle_statistic(0, NULL), "statistic is NULL");
}

Test(statistics, reset_and_begin_again, .init = set_up)
{
    struct treadle_statistic s;
    run_both(NULL);
    treadle_reset_statistics();
    expect_invalid(treadle_statistic(0, &s), "no entry 0");
    run_both(NULL);
    cr_assert_eq(find("copy").calls, CALLS);
}

Test(statistics, small_and_failing_calls_are_not_counted, .init = set_up)
{
    struct treadle_statistic s;
    static struct fake failing = {.id = "failing", .status = TREADLE_E_FAILED};
    cr_assert_eq(treadle_set_min(17), TREADLE_OK);
    run_both(NULL);
    cr_assert_eq(treadle_set_min(1), TREADLE_OK);
    cr_assert_eq(fake_register(&failing), TREADLE_OK);
    cr_assert_eq(treadle_set_backend("failing"), TREADLE_OK);
    run_both(NULL);
    expect_invalid(treadle_statistic(0, &s), "no entry 0");
}

/* ---- routines: their names may be in memory that is used again ------------------------------ */

static void own_routine(void)
{
}

static treadle_routine_fn find_routine(void *state, const char *name, uint32_t int_bits)
{
    (void)state;
    return strcmp(name, "dgemm_") == 0 && int_bits == 64 ? own_routine : NULL;
}

static uint32_t routine_threads;

static void enter(struct treadle_call *call)
{
    routine_threads = call->threads_max;
}

static void leave(struct treadle_call *call)
{
    call->threads_used = routine_threads;
}

static const struct treadle_routines routines = {
    .struct_size = sizeof routines, .find = find_routine, .enter = enter, .leave = leave};

static const void *get_extension(void *state, const char *id)
{
    (void)state;
    return strcmp(id, TREADLE_ROUTINES_ID) == 0 ? &routines : NULL;
}

static int32_t create(const struct treadle_host *host, const char *options, void **state,
                      struct treadle_error *error)
{
    (void)host, (void)options, (void)state, (void)error;
    return TREADLE_OK;
}

static void destroy(void *state)
{
    (void)state;
}

static int32_t no_kernel(void *state, const struct treadle_query *query,
                         struct treadle_kernel *kernel)
{
    (void)state, (void)query, (void)kernel;
    return TREADLE_E_DECLINED;
}

static const struct treadle_plugin *routine_plugin(void)
{
    static const struct treadle_plugin table = {
        .struct_size = sizeof table,
        .id = "routines",
        .version = "1",
        .vendor = "tests",
        .cpu_required = "",
        .create = create,
        .destroy = destroy,
        .find_kernel = no_kernel,
        .get_extension = get_extension,
    };
    return &table;
}

static void fallback(void)
{
}

static treadle_routine_fn run_routine(const char *name, double flops)
{
    struct treadle_routine_call call;
    char reused[32];
    strcpy(reused, name);
    treadle_routine_begin(&call, reused, 64, flops, fallback);
    treadle_routine_fn fn = call.fn;
    treadle_routine_end(&call);
    memset(reused, '?', sizeof reused - 1);
    return fn;
}

Test(statistics, routines_under_a_grant)
{
    cr_assert_eq(treadle_register(routine_plugin), TREADLE_OK, "%s", treadle_last_error());
    cr_assert_eq(treadle_set_backend("routines"), TREADLE_OK);
    cr_assert_eq(treadle_set_num_threads(4), TREADLE_OK);
    for (int i = 0; i < 3; i++)
        cr_assert_eq(run_routine("dgemm_", 1e9), own_routine);
    cr_assert_eq(routine_threads, 4);
    cr_assert_eq(find("dgemm_").calls, 3, "one row, whatever memory the name was in");
    cr_assert_eq(find("dgemm_").threads_most, 4);
    cr_assert_eq(run_routine("dgemm_", 10), fallback, "small");
    cr_assert_eq(run_routine("zheevd_", 1e9), fallback, "nobody has it");
    cr_assert_eq(find("dgemm_").calls, 3);

    struct treadle_decision d;
    cr_assert_eq(treadle_explain_routine("dgemm_", 64, 1e9, 2, &d), TREADLE_OK);
    cr_assert_str_eq(d.backend, "routines");
    cr_assert_eq(d.granted, 2);
    cr_assert_eq(treadle_explain_routine("dgemm_", 64, 10, 0, &d), TREADLE_OK);
    cr_assert_eq(d.granted, 1);
    expect_invalid(treadle_explain_routine(NULL, 64, 10, 0, &d), "name is NULL");
    expect_invalid(treadle_explain_routine("dgemm_", 64, 10, 0, NULL), "decision is NULL");
}
