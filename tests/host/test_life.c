/* SPDX-License-Identifier: BSD-3-Clause */
/* Threads, forks, lack of memory, plugins that fail: the call still finishes, or says why not. */
#include <criterion/criterion.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fakes.h"
#include "strided.h"

enum { N = 1000 };

/* x - y = 1 in every element, by whatever backend; what is wrong, or NULL. */
static const char *compute(const char *op)
{
    double data[3][N];
    struct strided x, y, out;
    for (int i = 0; i < N; i++)
        data[0][i] = i + 1, data[1][i] = i, data[2][i] = SENTINEL;
    strided_vector(&x, data[0], N, 1);
    strided_vector(&y, data[1], N, 1);
    strided_vector(&out, data[2], N, 1);
    struct treadle_used used;
    if (treadle_binary(op, &x.a, &y.a, &out.a, &used) != TREADLE_OK)
        return treadle_last_error();
    for (int i = 0; i < N; i++)
        if (data[2][i] != 1)
            return used.backend;
    return NULL;
}

static const char *_Atomic trouble;

static pthread_barrier_t start;

static void *first_call(void *unused)
{
    pthread_barrier_wait(&start);
    const char *wrong = compute("subtract");
    if (wrong)
        trouble = wrong;
    return unused;
}

Test(life, sixteen_first_calls_at_once, .timeout = 60)
{
    pthread_t threads[16];
    pthread_barrier_init(&start, NULL, 16);
    for (int i = 0; i < 16; i++)
        pthread_create(&threads[i], NULL, first_call, NULL);
    for (int i = 0; i < 16; i++)
        pthread_join(threads[i], NULL);
    cr_assert_null(trouble, "%s", trouble);
    cr_assert_geq(treadle_backend_count(), 1);
}

/* ---- everything at once -------------------------------------------------------------------- */

static struct fake naive = {.id = "naive", .work = naive_elementwise};

static void look_around(unsigned i)
{
    struct treadle_backend_info info;
    struct treadle_statistic statistic;
    struct treadle_query op;
    struct treadle_decision decision;
    struct strided x;
    double value = 0;
    strided_f64(&x, &value, 0, NULL);
    const struct treadle_array args[] = {x.a, x.a};
    treadle_backend_info(i % treadle_backend_count(), &info);
    treadle_backend_op(0, i % 50, &op);
    treadle_statistic(i % 4, &statistic);
    treadle_explain("copy", args, 2, 1, NULL, i % 5, &decision);
    treadle_get_backend();
    treadle_get_num_threads();
    treadle_last_error();
}

static void change_something(unsigned i)
{
    static const char *const specs[] = {
        "serial", "naive", "auto", "naive:2,serial", "subtract=naive;serial", NULL};
    switch (i % 7) {
    case 0:
        treadle_set_backend(specs[i % 6]);
        break;
    case 1:
        treadle_set_thread_backend(specs[i % 6]);
        break;
    case 2:
        treadle_set_num_threads((int32_t)(i % 4));
        break;
    case 3:
        treadle_set_min(i % 3 ? 1 : 0);
        break;
    case 4:
        treadle_reload_env();
        break;
    case 5:
        treadle_reset_statistics();
        break;
    default:
        treadle_set_backend("nonsense");
    }
}

static void *do_everything(void *number)
{
    for (unsigned i = (unsigned)(uintptr_t)number; i < 200 + (unsigned)(uintptr_t)number; i++) {
        const char *wrong = compute("subtract");
        if (wrong)
            trouble = wrong;
        look_around(i);
        if (i % 5 == 0)
            change_something(i / 5);
    }
    return NULL;
}

Test(life, thirty_two_threads_do_everything, .timeout = 120)
{
    pthread_t threads[32];
    cr_assert_eq(fake_register(&naive), TREADLE_OK, "%s", treadle_last_error());
    for (uintptr_t i = 0; i < 32; i++)
        pthread_create(&threads[i], NULL, do_everything, (void *)i);
    for (int i = 0; i < 32; i++)
        pthread_join(threads[i], NULL);
    cr_assert_null(trouble, "%s", trouble);
    cr_assert_null(broken_promise(), "%s", broken_promise());
}

/* ---- forks --------------------------------------------------------------------------------- */

static atomic_bool stop;

static void *compute_until_stopped(void *unused)
{
    char spec[64];
    for (int i = 0; !stop; i++) {
        /* Each new specification and operation takes the locks that a child must not inherit. */
        snprintf(spec, sizeof spec, "org.tests.op%d=serial;auto", i % 100);
        treadle_set_backend(spec);
        const char *wrong = compute("subtract");
        if (wrong)
            trouble = wrong;
    }
    return unused;
}

static int run_child(void)
{
    alarm(20);
    const char *wrong = treadle_set_backend("serial") ? treadle_last_error() : NULL;
    wrong = wrong ? wrong : compute("subtract");
    wrong = wrong || treadle_set_backend("subtract=auto;serial") == TREADLE_OK
                ? wrong
                : treadle_last_error();
    wrong = wrong ? wrong : compute("subtract");
    return wrong ? 1 : 0;
}

Test(life, forks_while_other_threads_compute, .timeout = 120)
{
    pthread_t threads[3];
    cr_assert_eq(treadle_set_min(1), TREADLE_OK);
    for (int i = 0; i < 3; i++)
        pthread_create(&threads[i], NULL, compute_until_stopped, NULL);
    for (int i = 0; i < 50; i++) {
        int status;
        pid_t child = fork();
        if (child == 0)
            _exit(run_child());
        cr_assert_eq(waitpid(child, &status, 0), child);
        cr_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0, "child %d: status %x", i, status);
    }
    stop = true;
    for (int i = 0; i < 3; i++)
        pthread_join(threads[i], NULL);
    cr_assert_null(trouble, "%s", trouble);
}

Test(life, a_plugin_that_cannot_fork_is_not_asked_in_the_child)
{
    static struct fake lost = {
        .id = "lost", .work = naive_elementwise, .fork_status = TREADLE_E_UNSUPPORTED};
    int status;
    cr_assert_eq(fake_register(&lost), TREADLE_OK);
    cr_assert_eq(treadle_set_backend("lost"), TREADLE_OK);
    cr_assert_null(compute("subtract"));
    cr_assert_eq(lost.runs, 1);
    pid_t child = fork();
    if (child == 0) {
        const char *wrong = compute("subtract");
        treadle_set_min(1);
        wrong = wrong ? wrong : compute("subtract");
        _exit(wrong || lost.runs != 1);
    }
    cr_assert_eq(waitpid(child, &status, 0), child);
    cr_assert_eq(status, 0);
    cr_assert_null(compute("subtract"));
    cr_assert_eq(lost.runs, 2, "the parent goes on as before");
}

/* A fork inside of a call: the child leaves the call as well, and the cores come out even. */
static int32_t fork_inside(struct treadle_call *call)
{
    static atomic_int forks;
    if (forks++ == 0) {
        pid_t child = fork();
        int status = 0;
        if (child > 0) {
            waitpid(child, &status, 0);
            return status == 0 ? naive_elementwise(call) : TREADLE_E_FAILED;
        }
    }
    return naive_elementwise(call);
}

Test(life, a_fork_inside_of_a_call)
{
    static struct fake forking = {.id = "forking", .work = fork_inside};
    pid_t parent = getpid();
    struct treadle_decision d;
    struct strided x;
    double data[N];
    strided_vector(&x, data, N, 1);
    const struct treadle_array args[] = {x.a, x.a};
    cr_assert_eq(fake_register(&forking), TREADLE_OK);
    cr_assert_eq(treadle_set_backend("forking"), TREADLE_OK);
    cr_assert_eq(treadle_set_min(1), TREADLE_OK);
    cr_assert_eq(treadle_set_num_threads(4), TREADLE_OK);
    const char *wrong = compute("subtract");
    int32_t status = treadle_explain("copy", args, 2, 1, NULL, 0, &d);
    bool even = status == TREADLE_OK && d.granted == 4 && d.callers == 1;
    if (getpid() != parent)
        _exit(wrong || !even);
    cr_assert_null(wrong, "%s", wrong);
    cr_assert(even, "granted %u of 4, %u callers", d.granted, d.callers);
}

/* A fork waits for the call of another thread, which forks as well before it ends. */
static atomic_bool is_inside, is_forking;

static int32_t fork_beside_another(struct treadle_call *call)
{
    is_inside = true;
    while (!is_forking)
        usleep(1000);
    usleep(100000);
    pid_t child = fork();
    if (child == 0)
        _exit(0);
    waitpid(child, NULL, 0);
    return naive_elementwise(call);
}

static void *fork_during_a_call(void *unused)
{
    while (!is_inside)
        usleep(1000);
    is_forking = true;
    pid_t child = fork();
    if (child == 0)
        _exit(0);
    waitpid(child, NULL, 0);
    return unused;
}

Test(life, a_fork_is_woken_after_another_inside_of_a_call, .timeout = 30)
{
    static struct fake forking = {.id = "forking", .work = fork_beside_another};
    pthread_t thread;
#if defined(__GLIBC__) && !__GLIBC_PREREQ(2, 36)
    cr_skip_test("this C library lets one fork at a time prepare");
#endif
    cr_assert_eq(fake_register(&forking), TREADLE_OK);
    cr_assert_eq(treadle_set_backend("forking"), TREADLE_OK);
    cr_assert_eq(treadle_set_min(1), TREADLE_OK);
    cr_assert_eq(pthread_create(&thread, NULL, fork_during_a_call, NULL), 0);
    const char *wrong = compute("subtract");
    cr_assert_null(wrong, "%s", wrong);
    pthread_join(thread, NULL); /* not a minute later */
}

/* ---- memory -------------------------------------------------------------------------------- */

#ifdef __has_feature /* clang's way to say it */
#if __has_feature(thread_sanitizer)
#define __SANITIZE_THREAD__ 1
#endif
#endif

Test(life, no_memory_for_a_copy_of_an_overlapping_input)
{
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    cr_skip_test("sanitizers need more address space than this test leaves");
#endif
    enum { BIG = 1 << 24 };
    double *data = malloc((BIG + 8) * sizeof *data);
    cr_assert(data);
    fill(data, BIG + 8, 1);
    struct strided x, out;
    strided_vector(&x, data, BIG, 1);
    strided_vector(&out, data + 1, BIG, 1);
    cr_assert_eq(treadle_set_backend("serial"), TREADLE_OK);
    cr_assert_null(compute("subtract"));
    struct rlimit limit = {.rlim_cur = 64 << 20, .rlim_max = RLIM_INFINITY};
    cr_assert_eq(setrlimit(RLIMIT_AS, &limit), 0); /* what is mapped already stays */
    int32_t status = treadle_unary("negative", &x.a, &out.a, NULL);
    limit.rlim_cur = RLIM_INFINITY;
    setrlimit(RLIMIT_AS, &limit);
    expect_status(status, TREADLE_E_NOMEM, "negative|no memory|overlaps");
    for (int i = 0; i < BIG + 8; i++)
        cr_assert_eq(data[i], 1);
    cr_assert_eq(treadle_unary("negative", &x.a, &out.a, NULL), TREADLE_OK);
    free(data);
}

/* ---- plugins ------------------------------------------------------------------------------- */

Test(life, plugins_that_cannot_be_taken)
{
    static struct fake failing = {.id = "failing", .create_status = TREADLE_E_FAILED},
                       serial = {.id = "serial"}, automatic = {.id = "auto"};
    struct treadle_backend_info info;
    expect_invalid(treadle_load(NULL), "path is NULL");
    expect_invalid(treadle_load("treadle-x.so"), "path|absolute");
    expect_status(treadle_load("/nowhere/treadle-x.so"), TREADLE_E_PLUGIN,
                  "/nowhere/treadle-x.so|No such file");
    expect_status(treadle_load("/dev/null"), TREADLE_E_PLUGIN, "/dev/null|not a regular file");
    expect_invalid(treadle_register(NULL), "plugin is NULL");
    expect_status(fake_register(&failing), TREADLE_E_PLUGIN, "create() failed|told to fail");
    expect_status(fake_register(&serial), TREADLE_E_PLUGIN, "\"serial\"");
    expect_status(fake_register(&automatic), TREADLE_E_PLUGIN, "\"auto\"");
    expect_invalid(treadle_set_backend("failing"), "failing cannot be used|told to fail");
    cr_assert_null(compute("subtract"));
    uint32_t count = treadle_backend_count();
    expect_invalid(treadle_backend_info(count, &info), "no backend number");
    expect_invalid(treadle_backend_info(0, NULL), "info is NULL");
    expect_invalid(treadle_backend_op(0, 0, NULL), "op is NULL");
    expect_invalid(treadle_backend_op(0, 1 << 20, &(struct treadle_query){0}), "no operation");
}

static int32_t overflowing_message(struct treadle_call *call)
{
    memset(call->error->message, 'x', call->error->capacity); /* and no final zero */
    return TREADLE_E_NUMERIC;
}

Test(life, a_message_that_fills_all_its_room)
{
    static struct fake wordy = {.id = "wordy", .work = overflowing_message};
    cr_assert_eq(fake_register(&wordy), TREADLE_OK);
    cr_assert_eq(treadle_set_backend("wordy"), TREADLE_OK);
    const char *wrong = compute("subtract");
    cr_assert(wrong && strncmp(wrong, "subtract: wordy: xxx", 20) == 0, "%s", wrong);
    cr_assert_lt(strlen(wrong), 512);
}

/* ---- services ------------------------------------------------------------------------------ */

enum { TASKS = 1000, WORKERS = 4 };
static atomic_uint times[TASKS];
static atomic_int working[WORKERS];

static void task(void *ctx, uint32_t number, uint32_t worker)
{
    (void)ctx;
    times[number]++;
    if (worker >= WORKERS || working[worker]++ > 0)
        trouble = "two threads are the same worker";
    else
        working[worker]--;
}

static int32_t run_tasks(struct treadle_call *call)
{
    return call->host->parallel(call->host, call, TASKS, task, NULL);
}

Test(life, tasks_run_once_each_and_workers_are_alone)
{
    static struct fake parallel = {.id = "parallel", .work = run_tasks};
    double data[N];
    struct strided x;
    strided_vector(&x, data, N, 1);
    const struct treadle_array args[] = {x.a, x.a};
    cr_assert_eq(fake_register(&parallel), TREADLE_OK);
    cr_assert_eq(treadle_set_backend("parallel"), TREADLE_OK);
    cr_assert_eq(treadle_set_min(1), TREADLE_OK);
    cr_assert_eq(treadle_set_num_threads(WORKERS), TREADLE_OK);
    for (unsigned i = 1; i <= 20; i++) {
        cr_assert_eq(treadle_run("org.tests.op", args, 2, 1, NULL, NULL), TREADLE_OK);
        for (int k = 0; k < TASKS; k++)
            cr_assert_eq(times[k], i);
    }
    cr_assert_null(trouble, "%s", trouble);
}
