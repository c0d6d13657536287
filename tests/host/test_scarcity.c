/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Memory and threads that are refused, at whichever attempt: a call is right or says why not, and
 * when there is enough again, all is as ever. The linker leads malloc() and its kin, and
 * pthread_create(), from the library to this file.
 */
#include <criterion/criterion.h>
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fakes.h"
#include "strided.h"
#include "watch.h"

/* ---- who refuses ----------------------------------------------------------------------------- */

static struct scarcity {
    atomic_int attempts, refused, from, each; /* attempt number `from`, and each `each` later */
} memory, threads;

static bool refuses(struct scarcity *of)
{
    int past = atomic_fetch_add(&of->attempts, 1) + 1 - of->from;
    bool no = of->from > 0 && (past == 0 || (past > 0 && of->each > 0 && past % of->each == 0));
    of->refused += no;
    return no;
}

static void refuse(struct scarcity *of, int from, int each)
{
    of->attempts = of->refused = 0;
    of->from = from;
    of->each = each;
}

#define WRAP(of, type, name, failure, parameters, arguments)                                       \
    type __real_##name parameters;                                                                 \
    type __wrap_##name parameters;                                                                 \
    type __wrap_##name parameters                                                                  \
    {                                                                                              \
        return refuses(&of) ? (failure) : __real_##name arguments;                                 \
    }
WRAP(memory, void *, malloc, NULL, (size_t size), (size))
WRAP(memory, void *, calloc, NULL, (size_t count, size_t size), (count, size))
WRAP(memory, void *, aligned_alloc, NULL, (size_t align, size_t size), (align, size))
WRAP(memory, int, posix_memalign, ENOMEM, (void **place, size_t align, size_t size),
     (place, align, size))
WRAP(memory, char *, strdup, NULL, (const char *text), (text))
WRAP(memory, char *, strndup, NULL, (const char *text, size_t most), (text, most))
WRAP(threads, int, pthread_create, EAGAIN,
     (pthread_t * thread, const pthread_attr_t *attr, void *(*fn)(void *), void *ctx),
     (thread, attr, fn, ctx))

/* ---- what is called -------------------------------------------------------------------------- */

enum { N = 3000, TEAM = 4 };

static double x[N], out[N + 1];

static uint32_t members; /* of the team that came about */
static atomic_uint times[TEAM];

static void count_member(void *ctx, uint32_t member, uint32_t team)
{
    (void)ctx, (void)team;
    times[member]++;
}

static void negate_part(void *ctx, uint32_t part, uint32_t worker)
{
    (void)worker;
    const struct treadle_call *call = ctx;
    const double *from = call->args[0].data;
    double *to = call->args[1].data;
    for (uint32_t i = part * (N / 10); i < (part + 1) * (N / 10); i++)
        to[i] = -from[i];
}

/* Half of its work on a team, half in tasks, with memory of the host's. */
static int32_t negate(struct treadle_call *call)
{
    const struct treadle_team *team = call->host->get_service(call->host, TREADLE_TEAM_ID);
    void *memory = call->host->alloc(call->host, 100, 64);
    if (!memory)
        return TREADLE_E_NOMEM;
    memset(times, 0, sizeof times);
    members = team->run(call->host, call, TEAM, count_member, NULL);
    int32_t status = call->host->parallel(call->host, call, 10, negate_part, call);
    call->host->release(call->host, memory);
    return status;
}

static struct fake fake = {.id = "fake", .op = "negative", .work = negate};

static const char *trouble;

/* True if the call was made; else it must have said that memory is the reason. */
static bool made(int32_t status)
{
    if (status == TREADLE_OK)
        return true;
    if (status != TREADLE_E_NOMEM && status != TREADLE_E_PLUGIN)
        trouble = "a wrong status", fprintf(stderr, "%d %s\n", status, treadle_last_error());
    if (!strstr(treadle_last_error(), "memory") && !strstr(treadle_last_error(), "gives no reason"))
        trouble = treadle_last_error();
    return false;
}

static void check(bool right, const char *what)
{
    if (!right)
        trouble = what;
}

static void negate_once(void)
{
    struct strided from, to;
    struct treadle_used used;
    strided_vector(&from, x, N, 1);
    strided_vector(&to, out, N, 1);
    if (!made(treadle_unary("negative", &from.a, &to.a, &used)))
        return;
    bool right = true;
    for (int i = 0; i < N; i++)
        right = right && out[i] == -x[i];
    check(right, "negative is wrong");
    if (strcmp(used.backend, "fake") != 0)
        return;
    check(members == 1 || members == TEAM, "a team of a wrong size");
    for (uint32_t i = 0; i < TEAM; i++)
        check(times[i] == (i < members), "a member came twice, or not at all");
}

/* Its input overlaps its output, and has to be copied. */
static void square_in_place(void)
{
    struct strided from, to;
    strided_vector(&from, out, N, 1);
    strided_vector(&to, out + 1, N, 1);
    for (int i = 0; i <= N; i++)
        out[i] = i % 100;
    bool done = made(treadle_unary("square", &from.a, &to.a, NULL)), right = true;
    for (int i = 1; i <= N; i++) {
        double before = i % 100, argument = (i - 1) % 100;
        right = right && out[i] == (done ? argument * argument : before);
    }
    check(right, done ? "square is wrong" : "a call that failed wrote");
}

static void sum_once(void)
{
    struct strided from, to;
    double total = 0;
    strided_vector(&from, x, N, 1);
    strided_f64(&to, &total, 0, NULL);
    if (made(treadle_reduce("sum", &from.a, NULL, -1, &to.a, NULL)))
        check(total == (double)N * (N - 1) / 2, "sum is wrong");
}

/* Everything that needs memory or threads, once. */
static void do_everything(void)
{
    static bool registered;
    struct treadle_process processes[4];
    if (!registered)
        registered = made(fake_register(&fake));
    if (made(treadle_set_backend(NULL)))
        check(strcmp(treadle_get_backend(), "serial") == 0, "TREADLE_BACKEND was not read");
    made(treadle_set_num_threads(TEAM));
    made(treadle_set_min(1));
    made(treadle_set_backend(registered ? "negative=fake;serial" : "serial"));
    made(treadle_set_thread_backend("auto"));
    made(treadle_set_thread_backend(NULL));
    negate_once();
    square_in_place();
    sum_once();
    int32_t count = treadle_processes(processes, 4);
    made(count < 0 ? count : TREADLE_OK);
    made(treadle_reload_env());
}

static void set_up(void)
{
    for (int i = 0; i < N; i++)
        x[i] = i;
}

TestSuite(scarcity, .init = set_up, .timeout = 120);

/* 0: right; 1: wrong; 2: right, and nothing was refused. */
static int try_with(struct scarcity *of, int from, int each)
{
    alarm(60);
    refuse(of, from, each);
    for (int i = 0; i < 3; i++)
        do_everything();
    bool any = of->refused > 0;
    refuse(of, 0, 0);
    for (int i = 0; i < 2; i++)
        do_everything();
    check(members == TEAM, "there is enough again, but no team");
    if (trouble)
        fprintf(stderr, "refused from attempt %d, each %d: %s\n", from, each, trouble);
    return trouble ? 1 : any ? 0 : 2;
}

/* A process of its own for each, to begin without memory and threads. How many were of use. */
static int refuse_at_each_attempt(struct scarcity *of, int each)
{
    for (int from = 1;; from++) {
        int status;
        pid_t child = fork();
        if (child == 0)
            _exit(try_with(of, from, each));
        cr_assert_eq(waitpid(child, &status, 0), child);
        cr_assert(WIFEXITED(status) && WEXITSTATUS(status) != 1,
                  "from attempt %d, each %d: status %x", from, each, status);
        if (WEXITSTATUS(status) == 2)
            return from - 1;
    }
}

/* Once; from then on each time; and each third time. */
static const int every[] = {0, 1, 3};

Test(scarcity, of_memory_at_each_attempt)
{
    for (int k = 0; k < 3; k++)
        cr_assert_geq(refuse_at_each_attempt(&memory, every[k]), 10);
}

Test(scarcity, of_threads_at_each_attempt)
{
    for (int k = 0; k < 3; k++)
        cr_assert_geq(refuse_at_each_attempt(&threads, every[k]), TEAM - 1);
}

Test(scarcity, of_the_thread_that_watches_for_cores)
{
    refuse(&threads, 1, 0);
    watch_for_cores();
    cr_assert_eq(threads.refused, 1);
    watch_for_cores();
    cr_assert_eq(threads.attempts, 2);
}
