/* SPDX-License-Identifier: BSD-3-Clause */
/* Teams: what a plugin gets from the service treadle.team/1. */
#define _GNU_SOURCE /* affinity */
#include <criterion/criterion.h>
#include <fenv.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fakes.h"
#include "strided.h"

enum { TEAM = 4 };

static const char *_Atomic trouble;
static treadle_member_fn member_fn;
static uint32_t wanted = TEAM;
static _Atomic uint32_t worked;

static int32_t run_team(struct treadle_call *call)
{
    const struct treadle_team *team = call->host->get_service(call->host, TREADLE_TEAM_ID);
    worked = team->run(call->host, call, wanted, member_fn, NULL);
    return TREADLE_OK;
}

static struct fake backend = {.id = "team", .op = "org.tests.team", .work = run_team};

/* One call of an op that is divided into a team by `fn`. */
static int32_t call_team(void)
{
    double x = 0;
    struct strided array;
    strided_f64(&array, &x, 0, NULL);
    const struct treadle_array args[] = {array.a, array.a};
    return treadle_run("org.tests.team", args, 2, 1, NULL, NULL);
}

static void begin(treadle_member_fn fn)
{
    member_fn = fn;
    cr_assert_eq(fake_register(&backend), TREADLE_OK);
    cr_assert_eq(treadle_set_backend("team"), TREADLE_OK);
    cr_assert_eq(treadle_set_num_threads(TEAM), TREADLE_OK);
}

/* ---- who takes part ---------------------------------------------------------------------------
 */

static atomic_uint times[TEAM];
static pthread_barrier_t meeting;

/* Nobody leaves before all have come. */
static void meet(void *ctx, uint32_t member, uint32_t team)
{
    (void)ctx;
    if (team != wanted || member >= team) {
        trouble = "a wrong number of members";
        return;
    }
    times[member]++;
    if (pthread_barrier_wait(&meeting) > 0)
        trouble = "the barrier failed";
}

Test(pool, members_run_at_the_same_time, .timeout = 60)
{
    begin(meet);
    for (wanted = 2; wanted <= TEAM; wanted++) {
        pthread_barrier_init(&meeting, NULL, wanted);
        for (int i = 0; i < 50; i++)
            cr_assert_eq(call_team(), TREADLE_OK);
        cr_assert_eq(worked, wanted);
        pthread_barrier_destroy(&meeting);
    }
    cr_assert_null(trouble, "%s", trouble);
    for (uint32_t i = 0; i < TEAM; i++)
        cr_assert_eq(times[i], i < 2 ? 150 : i == 2 ? 100 : 50);
}

static void count_alone(void *ctx, uint32_t member, uint32_t team)
{
    (void)ctx;
    times[0]++;
    if (member != 0 || team != 1)
        trouble = "not alone";
}

Test(pool, a_team_is_never_larger_than_the_call_may_be)
{
    begin(count_alone);
    cr_assert_eq(treadle_set_num_threads(1), TREADLE_OK);
    cr_assert_eq(call_team(), TREADLE_OK);
    cr_assert_eq(times[0], 1);
    cr_assert_null(trouble, "%s", trouble);
}

/* ---- calls of members ---------------------------------------------------------------------------
 */

static struct fake inner = {.id = "inner", .op = "org.tests.inner"};

static void call_inside(void *ctx, uint32_t member, uint32_t team)
{
    (void)ctx, (void)team;
    double x = 0;
    struct strided array;
    strided_f64(&array, &x, 0, NULL);
    const struct treadle_array args[] = {array.a, array.a};
    if (treadle_run("org.tests.inner", args, 2, 1, NULL, NULL) != TREADLE_OK)
        trouble = "the inner call failed";
    else if (inner.threads_max != 1)
        trouble = member ? "a member's call had threads" : "the caller's call had threads";
}

Test(pool, calls_of_members_get_one_thread, .timeout = 60)
{
    cr_assert_eq(fake_register(&inner), TREADLE_OK);
    begin(call_inside);
    cr_assert_eq(treadle_set_backend("team,inner"), TREADLE_OK);
    cr_assert_eq(call_team(), TREADLE_OK);
    cr_assert_eq(worked, TEAM);
    cr_assert_null(trouble, "%s", trouble);
}

/* ---- floating point -----------------------------------------------------------------------------
 */

static void divide_by_zero(void *ctx, uint32_t member, uint32_t team)
{
    (void)ctx;
    volatile double zero = 0;
    if (fegetround() != FE_UPWARD)
        trouble = "not the caller's rounding mode";
    if (fetestexcept(FE_ALL_EXCEPT) && member > 0)
        trouble = "flags of an earlier team";
    if (member == team - 1)
        zero = 1 / zero;
}

Test(pool, members_share_the_callers_floating_point, .timeout = 60)
{
    begin(divide_by_zero);
    fesetround(FE_UPWARD);
    for (int i = 0; i < 3; i++) {
        feclearexcept(FE_ALL_EXCEPT);
        cr_assert_eq(call_team(), TREADLE_OK);
        cr_assert(fetestexcept(FE_DIVBYZERO));
        cr_assert_not(fetestexcept(FE_INVALID | FE_OVERFLOW));
    }
    fesetround(FE_TONEAREST);
    cr_assert_null(trouble, "%s", trouble);
}

/* ---- when threads can't be had ------------------------------------------------------------------
 */

static void count_all(void *ctx, uint32_t member, uint32_t team)
{
    (void)ctx, (void)team;
    times[member]++;
}

Test(pool, without_threads_the_caller_is_the_team, .timeout = 60)
{
    begin(count_all);
    const struct rlimit none = {1, 1};
    cr_assert_eq(setrlimit(RLIMIT_NPROC, &none), 0);
    if (geteuid() == 0) /* whom the limit does not bind */
        cr_assert_eq(setuid(65534), 0);
    cr_assert_eq(call_team(), TREADLE_OK);
    cr_assert_eq(worked, 1);
    cr_assert_eq(times[0], 1);
}

/* ---- forks, and many callers --------------------------------------------------------------------
 */

static int status_of_child(void)
{
    pid_t child = fork();
    if (child == 0) {
        alarm(30); /* a hang must not outlive the test */
        _exit(call_team() == TREADLE_OK && worked == TEAM && !trouble ? 0 : 1);
    }
    int status = -1;
    waitpid(child, &status, 0);
    return status;
}

Test(pool, a_forked_child_has_threads_of_its_own, .timeout = 60)
{
    begin(meet);
    pthread_barrier_init(&meeting, NULL, TEAM);
    for (int i = 0; i < 5; i++) {
        cr_assert_eq(call_team(), TREADLE_OK);
        cr_assert_eq(status_of_child(), 0);
    }
    cr_assert_null(trouble, "%s", trouble);
}

static atomic_bool done;

static void *call_until_done(void *unused)
{
    while (!done)
        if (call_team() != TREADLE_OK)
            trouble = treadle_last_error();
    return unused;
}

Test(pool, forks_during_calls, .timeout = 120)
{
    pthread_t callers[2];
    begin(count_all);
    for (int i = 0; i < 2; i++)
        pthread_create(&callers[i], NULL, call_until_done, NULL);
    for (int i = 0; i < 20; i++) {
        pid_t child = fork();
        if (child == 0) {
            alarm(30);
            _exit(call_team() == TREADLE_OK ? 0 : 1);
        }
        int status = -1;
        waitpid(child, &status, 0);
        cr_assert_eq(status, 0, "fork %d", i);
    }
    done = true;
    for (int i = 0; i < 2; i++)
        pthread_join(callers[i], NULL);
    cr_assert_null(trouble, "%s", trouble);
}

/* Each caller's members write only what is their caller's. */
static void write_own(void *ctx, uint32_t member, uint32_t team)
{
    (void)ctx, (void)team;
    times[member % TEAM]++;
}

enum { CALLERS = 6, CALLS = 300 };

static void *call_often(void *unused)
{
    for (int i = 0; i < CALLS; i++) {
        if (call_team() != TREADLE_OK)
            trouble = treadle_last_error();
        if (i % 50 == 0)
            usleep(500); /* long enough to fall asleep */
    }
    return unused;
}

Test(pool, many_callers_at_once, .timeout = 120)
{
    pthread_t callers[CALLERS];
    begin(write_own);
    for (int i = 0; i < CALLERS; i++)
        pthread_create(&callers[i], NULL, call_often, NULL);
    for (int i = 0; i < CALLERS; i++)
        pthread_join(callers[i], NULL);
    cr_assert_null(trouble, "%s", trouble);
    cr_assert_eq(times[0], CALLERS * CALLS);
}

/* ---- what is left alone -------------------------------------------------------------------------
 */

Test(pool, affinity_is_as_it_was)
{
    cpu_set_t before, after;
    begin(count_all);
    sched_getaffinity(0, sizeof before, &before);
    for (int i = 0; i < 20; i++) {
        cr_assert_eq(call_team(), TREADLE_OK);
        usleep(1000);
    }
    sched_getaffinity(0, sizeof after, &after);
    cr_assert(CPU_EQUAL(&before, &after));
}
