/* SPDX-License-Identifier: BSD-3-Clause */
/* Counts of what was run: exact, also from many threads at once. */
#include <criterion/criterion.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

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

static atomic_uint adapted;

static void adapt(void *state)
{
    (void)state;
    adapted++;
}

static const struct treadle_routines routines = {.struct_size = sizeof routines,
                                                 .find = find_routine,
                                                 .enter = enter,
                                                 .leave = leave,
                                                 .adapt = adapt};

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

/* ---- the last calls ---------------------------------------------------------------------------
 */

static struct treadle_recent_call calls[TREADLE_RECENT_CALLS];

static void copy_some(int64_t n)
{
    static double data[2][1000];
    struct strided x, out;
    strided_vector(&x, data[0], n, 1);
    strided_vector(&out, data[1], n, 1);
    cr_assert_eq(treadle_unary("copy", &x.a, &out.a, NULL), TREADLE_OK);
}

Test(recent, the_last_calls_in_order, .init = set_up)
{
    cr_assert_eq(treadle_recent_calls(calls, TREADLE_RECENT_CALLS), 0);
    for (int n = 1; n <= 1000; n++) {
        copy_some(n);
        uint32_t kept = n < TREADLE_RECENT_CALLS ? (uint32_t)n : TREADLE_RECENT_CALLS;
        cr_assert_eq(treadle_recent_calls(calls, TREADLE_RECENT_CALLS), kept);
        for (uint32_t i = 0; i < kept; i++)
            cr_assert_eq(calls[i].elements, n - (int)(kept - 1 - i));
    }
    cr_assert_eq(treadle_recent_calls(calls, 3), 3);
    cr_assert_eq(calls[0].elements, 998);
    cr_assert_eq(treadle_recent_calls(NULL, 0), 0);
}

Test(recent, what_was_decided_and_why, .init = set_up)
{
    static struct fake wide = {.id = "wide", .op = "copy", .threads_used = 2};
    cr_assert_eq(fake_register(&wide), TREADLE_OK);
    cr_assert_eq(treadle_set_backend("wide:3"), TREADLE_OK);
    cr_assert_eq(treadle_set_num_threads(4), TREADLE_OK);
    copy_some(500);
    treadle_set_min(1000);
    copy_some(500); /* small: it leaves no trace */
    cr_assert_eq(treadle_recent_calls(calls, TREADLE_RECENT_CALLS), 1);
    cr_assert_str_eq(calls[0].op, "copy");
    cr_assert_str_eq(calls[0].backend, "wide");
    cr_assert_str_eq(calls[0].variant, "plain");
    cr_assert_str_eq(calls[0].reason, "size: worth these threads");
    cr_assert_eq(calls[0].wanted, 3);
    cr_assert_eq(calls[0].granted, 3);
    cr_assert_eq(calls[0].threads, 2);
    cr_assert_eq(calls[0].callers, 1);
    cr_assert_eq(calls[0].cores, 4);
    cr_assert_eq(calls[0].thread, getpid());
    cr_assert_geq(calls[0].end_ns, calls[0].begin_ns);
}

Test(recent, a_child_has_made_none, .init = set_up)
{
    copy_some(10);
    pid_t child = fork();
    if (child == 0) {
        bool none = treadle_recent_calls(calls, TREADLE_RECENT_CALLS) == 0;
        copy_some(20);
        bool one = treadle_recent_calls(calls, TREADLE_RECENT_CALLS) == 1;
        _exit(none && one && calls[0].thread == getpid() ? 0 : 1);
    }
    int status;
    cr_assert_eq(waitpid(child, &status, 0), child);
    cr_assert_eq(status, 0);
}

/* Each thread's calls have sizes of its own, and grow. */
static atomic_bool stop;

static void *copy_until_stopped(void *number)
{
    double data[2][100] = {{0}};
    struct strided x, out;
    for (int64_t n = 1; !stop; n = n % 10 + 1) {
        strided_vector(&x, data[0], 10 * (int64_t)(intptr_t)number + n, 1);
        strided_vector(&out, data[1], 10 * (int64_t)(intptr_t)number + n, 1);
        treadle_unary(n % 2 ? "copy" : "negative", &x.a, &out.a, NULL);
    }
    return NULL;
}

Test(recent, none_is_torn, .init = set_up)
{
    pthread_t threads[THREADS];
    pid_t of_thread[THREADS] = {0};
    for (intptr_t i = 0; i < THREADS; i++)
        pthread_create(&threads[i], NULL, copy_until_stopped, (void *)i);
    for (int look = 0; look < 2000; look++) {
        uint32_t count = treadle_recent_calls(calls, TREADLE_RECENT_CALLS);
        for (uint32_t i = 0; i < count; i++) {
            int n = (int)calls[i].elements, number = (n - 1) / 10;
            cr_assert(number >= 0 && number < THREADS);
            cr_assert_str_eq(calls[i].op, n % 2 ? "copy" : "negative");
            cr_assert_eq(calls[i].thread, of_thread[number] ? of_thread[number] : calls[i].thread);
            of_thread[number] = calls[i].thread;
        }
    }
    stop = true;
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
}

static void *copy_in_thread(void *elements)
{
    static double data[2][1 << 20];
    struct strided x, out;
    strided_vector(&x, data[0], *(int64_t *)elements, 1);
    strided_vector(&out, data[1], *(int64_t *)elements, 1);
    cr_assert_eq(treadle_unary("copy", &x.a, &out.a, NULL), TREADLE_OK);
    return NULL;
}

static void copy_elsewhere(int64_t elements)
{
    pthread_t thread;
    pthread_create(&thread, NULL, copy_in_thread, &elements);
    pthread_join(thread, NULL);
}

Test(statistics, a_routine_in_flight_hears_of_others)
{
    struct treadle_routine_call call;
    cr_assert_eq(treadle_register(routine_plugin), TREADLE_OK, "%s", treadle_last_error());
    cr_assert_eq(treadle_set_backend("routines,auto"), TREADLE_OK, "%s", treadle_last_error());
    cr_assert_eq(treadle_set_num_threads(4), TREADLE_OK);
    copy_elsewhere(1 << 20);
    cr_assert_eq(adapted, 0, "there is none in flight");
    treadle_routine_begin(&call, "dgemm_", 64, 1e9, fallback);
    copy_elsewhere(1 << 20);
    cr_assert_eq(adapted, 1);
    copy_elsewhere(16);
    cr_assert_eq(adapted, 1, "small");
    treadle_routine_end(&call);
    copy_elsewhere(1 << 20);
    cr_assert_eq(adapted, 1);
}
