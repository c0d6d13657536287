/* SPDX-License-Identifier: BSD-3-Clause */
/* Cores are shared by the calls in flight: fairly, without waiting, and given back. */
#define _GNU_SOURCE /* CPU_SET */
#include <criterion/criterion.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

#include "fakes.h"
#include "strided.h"

enum { CALLERS = 12, N = 64 };

/* Calls of "gate" stay inside run() until they are let out one by one, or all. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t moved = PTHREAD_COND_INITIALIZER;
static uint32_t inside, may_leave, left;
static struct {
    uint32_t granted;
    const struct treadle_call *call;
    uint32_t share;
} callers[CALLERS + 1]; /* the last one finds the gate open */
static uint32_t asked;  /* a number that grows when everybody shall ask */
static uint32_t answered;

static uint32_t now(const struct treadle_call *call)
{
    return call->host->threads_now(call->host, call);
}

static uint32_t retake(const struct treadle_call *call)
{
    const struct treadle_cores *cores = call->host->get_service(call->host, TREADLE_CORES_ID);
    return cores->retake(call->host, call);
}

static uint32_t (*ask)(const struct treadle_call *call) = now;

static int32_t wait_at_the_gate(struct treadle_call *call)
{
    pthread_mutex_lock(&lock);
    uint32_t own = inside, seen = asked;
    if (may_leave != UINT32_MAX)
        inside++; /* an open gate lets pass whoever comes */
    callers[own].granted = call->threads_max;
    pthread_cond_broadcast(&moved);
    while (own >= may_leave) {
        if (seen != asked) {
            seen = asked;
            callers[own].share = ask(call);
            answered++;
            pthread_cond_broadcast(&moved);
        }
        pthread_cond_wait(&moved, &lock);
    }
    pthread_mutex_unlock(&lock);
    return TREADLE_OK;
}

static struct fake gate = {.id = "gate", .work = wait_at_the_gate};

static void wait_for(const uint32_t *number, uint32_t value)
{
    pthread_mutex_lock(&lock);
    while (*number != value)
        pthread_cond_wait(&moved, &lock);
    pthread_mutex_unlock(&lock);
}

static int32_t call(int64_t n, struct treadle_used *used)
{
    static double data[2][5 * N]; /* nobody looks at them */
    struct strided x, out;
    strided_vector(&x, data[0], n, 1);
    strided_vector(&out, data[1], n, 1);
    return treadle_unary("copy", &x.a, &out.a, used);
}

static int32_t call_once(struct treadle_used *used)
{
    return call(N, used);
}

static void *call_in_thread(void *unused)
{
    cr_assert_eq(call_once(NULL), TREADLE_OK);
    pthread_mutex_lock(&lock);
    left++;
    pthread_cond_broadcast(&moved);
    pthread_mutex_unlock(&lock);
    return unused;
}

static void set_up(void)
{
    cr_assert_eq(fake_register(&gate), TREADLE_OK, "%s", treadle_last_error());
    cr_assert_eq(treadle_set_backend("gate"), TREADLE_OK);
    cr_assert_eq(treadle_set_min(1), TREADLE_OK);
}

/* Soon: callers that met are expected to meet again for as long as their calls took. */
static void expect_all_cores_are_free(int32_t cores)
{
    struct treadle_used used = {.threads = 0};
    may_leave = UINT32_MAX;
    for (int tries = 0; tries < 5000 && used.threads != (uint32_t)cores; tries++) {
        cr_assert_eq(call_once(&used), TREADLE_OK);
        usleep(1000);
    }
    cr_assert_eq(used.threads, (uint32_t)cores, "%u of %d", used.threads, cores);
}

/* Everybody inside asks; the sum of the answers. */
static uint32_t sum_of_shares(uint32_t from, uint32_t to)
{
    uint32_t sum = 0;
    pthread_mutex_lock(&lock);
    asked++;
    answered = 0;
    pthread_cond_broadcast(&moved);
    while (answered != to - from)
        pthread_cond_wait(&moved, &lock);
    pthread_mutex_unlock(&lock);
    for (uint32_t i = from; i < to; i++) {
        cr_assert_geq(callers[i].share, 1);
        cr_assert(ask == retake || callers[i].share <= callers[i].granted);
        sum += callers[i].share;
    }
    return sum;
}

static uint32_t most(uint32_t a, uint32_t b)
{
    return a > b ? a : b;
}

/*
 * Callers come one after the other. A grant is never taken back, so a caller that came alone holds
 * all cores; those who come later get one each, and the first one's share shrinks.
 */
static void come_and_go(int32_t cores)
{
    pthread_t threads[CALLERS];
    inside = may_leave = left = 0;
    cr_assert_eq(treadle_set_num_threads(cores), TREADLE_OK);
    for (uint32_t k = 1; k <= CALLERS; k++) {
        pthread_create(&threads[k - 1], NULL, call_in_thread, NULL);
        wait_for(&inside, k);
        uint32_t fair = most((uint32_t)cores / k, 1), taken = 0;
        cr_assert_geq(callers[k - 1].granted, 1);
        cr_assert_leq(callers[k - 1].granted, fair, "caller %u of %d cores", k, cores);
        for (uint32_t i = 0; i < k; i++)
            taken += callers[i].granted;
        cr_assert_leq(taken, (uint32_t)cores + k - 1);
        cr_assert_leq(sum_of_shares(0, k), most((uint32_t)cores, k), "%u callers", k);
    }
    for (uint32_t k = 1; k < CALLERS; k++) {
        pthread_mutex_lock(&lock);
        may_leave = k;
        pthread_cond_broadcast(&moved);
        pthread_mutex_unlock(&lock);
        wait_for(&left, k);
        uint32_t remain = CALLERS - k;
        cr_assert_leq(sum_of_shares(k, CALLERS), most((uint32_t)cores, remain));
    }
    pthread_mutex_lock(&lock);
    may_leave = CALLERS;
    pthread_cond_broadcast(&moved);
    pthread_mutex_unlock(&lock);
    for (uint32_t k = 0; k < CALLERS; k++)
        pthread_join(threads[k], NULL);
    expect_all_cores_are_free(cores);
}

Test(budget, callers_share_the_cores, .init = set_up, .timeout = 30)
{
    static const int32_t counts[] = {1, 2, 3, 8, 256};
    for (int i = 0; i < 5; i++)
        come_and_go(counts[i]);
}

Test(budget, a_share_grows_when_others_have_gone, .init = set_up, .timeout = 30)
{
    pthread_t threads[2];
    cr_assert_eq(treadle_set_num_threads(8), TREADLE_OK);
    pthread_create(&threads[0], NULL, call_in_thread, NULL);
    wait_for(&inside, 1);
    cr_assert_eq(sum_of_shares(0, 1), 8);
    pthread_create(&threads[1], NULL, call_in_thread, NULL);
    wait_for(&inside, 2);
    sum_of_shares(0, 2);
    cr_assert_eq(callers[0].share, 4, "it holds 8, but may use 4 now");
    cr_assert_eq(callers[1].share, 1, "it came late");
    pthread_mutex_lock(&lock);
    may_leave = 2;
    pthread_cond_broadcast(&moved);
    pthread_mutex_unlock(&lock);
    pthread_join(threads[0], NULL);
    pthread_join(threads[1], NULL);
    expect_all_cores_are_free(8);
}

static void let_out(uint32_t first_ones)
{
    pthread_mutex_lock(&lock);
    may_leave = first_ones;
    pthread_cond_broadcast(&moved);
    pthread_mutex_unlock(&lock);
}

/* Of those who ask anew, whoever came first. */
Test(budget, a_grant_shrinks_and_grows_while_the_call_runs, .init = set_up, .timeout = 30)
{
    pthread_t threads[4];
    cr_assert_eq(treadle_set_num_threads(8), TREADLE_OK);
    ask = retake;
    for (uint32_t k = 0; k < 3; k++) {
        pthread_create(&threads[k], NULL, call_in_thread, NULL);
        wait_for(&inside, k + 1);
        cr_assert_leq(sum_of_shares(0, k + 1), 9);
        cr_assert_leq(sum_of_shares(0, k + 1), 8, "one has given back what the other needs");
        usleep(20000); /* a call grows when it has lasted */
        sum_of_shares(0, k + 1);
        cr_assert_eq(sum_of_shares(0, k + 1), 8, "all cores are in use");
    }
    cr_assert_eq(callers[1].granted, 1, "it came when all were taken");
    for (int k = 0; k < 3; k++)
        cr_assert(callers[k].share == 2 || callers[k].share == 3, "8 cores for 3 callers");
    let_out(2);
    pthread_join(threads[0], NULL);
    pthread_join(threads[1], NULL);
    usleep(20000); /* they may come back */
    cr_assert_eq(sum_of_shares(2, 3), 8);
    pthread_create(&threads[3], NULL, call_in_thread, NULL);
    wait_for(&inside, 4);
    usleep(20000);
    sum_of_shares(2, 4);
    cr_assert_eq(sum_of_shares(2, 4), 8);
    cr_assert_eq(callers[2].share, 4);
    cr_assert_eq(callers[3].share, 4);
    let_out(4);
    pthread_join(threads[2], NULL);
    pthread_join(threads[3], NULL);
    struct treadle_recent_call calls[4];
    cr_assert_eq(treadle_recent_calls(calls, 4), 4);
    uint32_t grown = 0;
    for (int k = 0; k < 4; k++)
        grown += strcmp(calls[k].reason, "cores became free during the call") == 0;
    cr_assert_eq(grown, 3, "all but the first");
    ask = now;
    expect_all_cores_are_free(8);
}

Test(budget, a_grant_does_not_outgrow_the_choice_of_the_user, .init = set_up, .timeout = 30)
{
    pthread_t thread;
    cr_assert_eq(treadle_set_num_threads(8), TREADLE_OK);
    cr_assert_eq(treadle_set_backend("gate:2"), TREADLE_OK);
    ask = retake;
    pthread_create(&thread, NULL, call_in_thread, NULL);
    wait_for(&inside, 1);
    cr_assert_eq(sum_of_shares(0, 1), 2);
    let_out(1);
    pthread_join(thread, NULL);
    ask = now;
}

static _Atomic uint32_t last_worker;

static void note_worker(void *ctx, uint32_t task, uint32_t worker)
{
    (void)ctx, (void)task;
    uint32_t before = last_worker;
    while (before < worker && !atomic_compare_exchange_weak(&last_worker, &before, worker))
        ;
    usleep(1000); /* so that all get one */
}

static int32_t shrink(struct treadle_call *call)
{
    pthread_t other;
    pthread_create(&other, NULL, call_in_thread, NULL);
    wait_for(&inside, 1);
    cr_assert_eq(call->threads_max, 8);
    cr_assert_eq(retake(call), 4);
    cr_assert_eq(call->host->parallel(call->host, call, 64, note_worker, NULL), TREADLE_OK);
    let_out(1);
    pthread_join(other, NULL);
    return TREADLE_OK;
}

Test(budget, what_was_given_back_is_not_used, .init = set_up, .timeout = 30)
{
    static struct fake shrinking = {.id = "shrinking", .work = shrink};
    cr_assert_eq(fake_register(&shrinking), TREADLE_OK);
    cr_assert_eq(treadle_set_num_threads(8), TREADLE_OK);
    cr_assert_eq(treadle_set_thread_backend("shrinking"), TREADLE_OK);
    cr_assert_eq(call_once(NULL), TREADLE_OK);
    cr_assert_eq(last_worker, 3);
}

static uint32_t retaken;

static void *retake_on_one_core(void *call)
{
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET((size_t)sched_getcpu(), &one);
    cr_assert_eq(sched_setaffinity(0, sizeof one, &one), 0);
    retaken = retake(call);
    return NULL;
}

static int32_t ask_elsewhere(struct treadle_call *call)
{
    pthread_t thread;
    pthread_create(&thread, NULL, retake_on_one_core, call);
    pthread_join(thread, NULL);
    return TREADLE_OK;
}

Test(budget, the_cores_of_a_call_are_its_own_threads, .init = set_up)
{
    static struct fake elsewhere = {.id = "elsewhere", .work = ask_elsewhere};
    cr_assert_eq(fake_register(&elsewhere), TREADLE_OK);
    cr_assert_eq(treadle_set_backend("elsewhere"), TREADLE_OK);
    cr_assert_eq(call_once(NULL), TREADLE_OK);
    cr_assert_eq(retaken, elsewhere.threads_max, "whoever asks");
}

static void let_both_end(const pthread_t threads[2])
{
    pthread_mutex_lock(&lock);
    may_leave = UINT32_MAX;
    pthread_cond_broadcast(&moved);
    pthread_mutex_unlock(&lock);
    for (uint32_t k = 0; k < 2; k++)
        pthread_join(threads[k], NULL);
}

Test(budget, those_who_met_are_expected_to_meet_again, .init = set_up, .timeout = 30)
{
    pthread_t threads[2];
    struct treadle_used used;
    cr_assert_eq(treadle_set_num_threads(8), TREADLE_OK);
    for (uint32_t k = 0; k < 2; k++) {
        pthread_create(&threads[k], NULL, call_in_thread, NULL);
        wait_for(&inside, k + 1);
    }
    usleep(500000); /* their calls take this long, and so does the memory of their meeting */
    let_both_end(threads);
    cr_assert_eq(call_once(&used), TREADLE_OK);
    cr_assert_eq(used.threads, 4, "half of 8 cores, not %u", used.threads);
    expect_all_cores_are_free(8);
}

/* One of two that meet, and calls alone after what the process remembers is forgotten. */
struct afterwards {
    useconds_t pause;
    int64_t n;
    uint32_t granted[2];
};

static void *meet_and_call_again(void *data)
{
    struct afterwards *afterwards = data;
    struct treadle_used used;
    call_in_thread(NULL);
    usleep(afterwards->pause);
    for (int i = 0; i < 2; i++) {
        cr_assert_eq(call(afterwards->n, &used), TREADLE_OK);
        afterwards->granted[i] = used.threads;
    }
    return NULL;
}

Test(budget, a_thread_that_met_others_expects_them_once_more, .init = set_up, .timeout = 30)
{
    struct afterwards all[2] = {{.pause = 100000, .n = N}, {.pause = 200000, .n = 5 * N}};
    pthread_t threads[2];
    struct treadle_used used;
    cr_assert_eq(treadle_set_num_threads(8), TREADLE_OK);
    for (uint32_t k = 0; k < 2; k++) {
        pthread_create(&threads[k], NULL, meet_and_call_again, &all[k]);
        wait_for(&inside, k + 1);
    }
    let_both_end(threads);
    cr_assert_eq(all[0].granted[0], 4, "half of 8 cores, not %u", all[0].granted[0]);
    cr_assert_eq(all[0].granted[1], 8, "nobody came: all 8, not %u", all[0].granted[1]);
    cr_assert_eq(all[1].granted[0], 8, "a larger call takes all 8, not %u", all[1].granted[0]);
    cr_assert_eq(call_once(&used), TREADLE_OK);
    cr_assert_eq(used.threads, 8, "this thread met nobody: all 8, not %u", used.threads);
}

/* Callers that would like less leave more to others, and all together fit. */
Test(budget, callers_that_want_few_leave_the_rest, .init = set_up, .timeout = 30)
{
    pthread_t threads[4];
    cr_assert_eq(treadle_set_num_threads(8), TREADLE_OK);
    cr_assert_eq(treadle_set_backend("gate:2"), TREADLE_OK);
    for (uint32_t k = 0; k < 4; k++) {
        pthread_create(&threads[k], NULL, call_in_thread, NULL);
        wait_for(&inside, k + 1);
        cr_assert_eq(callers[k].granted, 2);
    }
    pthread_mutex_lock(&lock);
    may_leave = 4;
    pthread_cond_broadcast(&moved);
    pthread_mutex_unlock(&lock);
    for (int k = 0; k < 4; k++)
        pthread_join(threads[k], NULL);
}

Test(budget, off_gives_everybody_what_is_wanted, .init = set_up, .timeout = 30)
{
    pthread_t threads[3];
    cr_assert_eq(treadle_set_num_threads(8), TREADLE_OK);
    cr_assert_eq(treadle_set_budget("off"), TREADLE_OK);
    for (uint32_t k = 0; k < 3; k++) {
        pthread_create(&threads[k], NULL, call_in_thread, NULL);
        wait_for(&inside, k + 1);
        cr_assert_eq(callers[k].granted, 8);
    }
    cr_assert_eq(sum_of_shares(0, 3), 24);
    cr_assert_eq(treadle_set_budget("process"), TREADLE_OK);
    cr_assert_leq(sum_of_shares(0, 3), 8);
    pthread_mutex_lock(&lock);
    may_leave = 3;
    pthread_cond_broadcast(&moved);
    pthread_mutex_unlock(&lock);
    for (int k = 0; k < 3; k++)
        pthread_join(threads[k], NULL);
    expect_all_cores_are_free(8);
}

static struct treadle_used nested_used;

static int32_t call_inside(struct treadle_call *call)
{
    (void)call;
    cr_assert_eq(treadle_set_thread_backend("inner"), TREADLE_OK);
    cr_assert_eq(call_once(&nested_used), TREADLE_OK);
    cr_assert_eq(treadle_set_thread_backend(NULL), TREADLE_OK);
    return TREADLE_OK;
}

Test(budget, a_call_inside_a_call_gets_one_thread, .init = set_up)
{
    static struct fake outer = {.id = "outer", .work = call_inside}, inner = {.id = "inner"};
    struct treadle_used used;
    cr_assert_eq(fake_register(&outer), TREADLE_OK);
    cr_assert_eq(fake_register(&inner), TREADLE_OK);
    cr_assert_eq(treadle_set_backend("outer:2"), TREADLE_OK);
    treadle_set_num_threads(8);
    cr_assert_eq(call_once(&used), TREADLE_OK);
    cr_assert_eq(used.threads, 2);
    cr_assert_str_eq(nested_used.backend, "inner");
    cr_assert_eq(nested_used.threads, 1);
    cr_assert_eq(treadle_set_backend("gate"), TREADLE_OK);
    expect_all_cores_are_free(8);
}

/* The parts of this loop run on a thread that has neither a choice nor a grant of its own. */
static struct treadle_used used_outside;

static void call_in_part(void *ctx, int64_t n, char **ptrs, const int64_t *strides)
{
    (void)ctx, (void)n, (void)ptrs, (void)strides;
    cr_assert_eq(call_once(&nested_used), TREADLE_OK);
}

static void *work_for_another(void *ctx)
{
    const struct treadle_call *call = ctx;
    const struct treadle_loop *loop = call->attrs;
    char *ptrs[1] = {call->args[0].data};
    loop->fn(loop->ctx, call->args[0].shape[0], ptrs, call->args[0].strides);
    cr_assert_eq(call_once(&used_outside), TREADLE_OK);
    return NULL;
}

static int32_t run_on_another_thread(struct treadle_call *call)
{
    pthread_t thread;
    cr_assert_eq(pthread_create(&thread, NULL, work_for_another, call), 0);
    cr_assert_eq(pthread_join(thread, NULL), 0);
    return TREADLE_OK;
}

Test(budget, calls_from_the_parts_of_a_loop_are_inside_it, .init = set_up, .timeout = 30)
{
    static struct fake elsewhere = {.id = "elsewhere", .op = "loop", .work = run_on_another_thread};
    static struct fake inner = {.id = "inner"};
    const struct treadle_loop loop = {
        .struct_size = sizeof loop, .fn = call_in_part, .grain = 1, .element_ns = 1e9};
    double data[N] = {0};
    struct strided x;
    strided_vector(&x, data, N, 1);
    cr_assert_eq(fake_register(&elsewhere), TREADLE_OK);
    cr_assert_eq(fake_register(&inner), TREADLE_OK);
    cr_assert_eq(treadle_set_thread_backend("loop=elsewhere:2;inner"), TREADLE_OK);
    treadle_set_num_threads(8);
    may_leave = UINT32_MAX;
    cr_assert_eq(treadle_run("loop", &x.a, 1, 0, &loop, NULL), TREADLE_OK);
    cr_assert_str_eq(nested_used.backend, "inner", "the caller's choice holds for the parts");
    cr_assert_eq(nested_used.threads, 1);
    cr_assert_str_eq(used_outside.backend, "gate", "and not longer than they");
    cr_assert_gt(used_outside.threads, 1);
    cr_assert_eq(treadle_set_thread_backend(NULL), TREADLE_OK);
    expect_all_cores_are_free(8);
}

Test(budget, there_is_no_library_to_hold, .init = set_up)
{
    struct treadle_routine_call hold;
    cr_assert_eq(treadle_routines_hold(&hold), TREADLE_E_UNSUPPORTED);
}

Test(budget, cores_come_back_after_errors_and_refusals, .init = set_up, .timeout = 30)
{
    struct treadle_used used;
    treadle_set_num_threads(8);
    may_leave = UINT32_MAX;
    for (int32_t status = TREADLE_E_FAILED; status >= TREADLE_E_NUMERIC; status--) {
        gate.status = status;
        for (int i = 0; i < 20; i++)
            cr_assert_eq(call_once(&used), status == TREADLE_E_DECLINED ? TREADLE_OK : status);
        gate.status = TREADLE_OK;
        inside = 0;
        expect_all_cores_are_free(8);
    }
}

Test(budget, what_a_plugin_claims_is_kept_in_bounds, .init = set_up)
{
    static struct fake liar = {.id = "liar"};
    struct treadle_used used;
    struct treadle_statistic statistic;
    cr_assert_eq(fake_register(&liar), TREADLE_OK);
    cr_assert_eq(treadle_set_backend("liar"), TREADLE_OK);
    treadle_set_num_threads(4);
    liar.threads_used = 1000;
    cr_assert_eq(call_once(&used), TREADLE_OK);
    cr_assert_eq(used.threads, 4);
    liar.threads_used = UINT32_MAX; /* the fake then says 0 */
    cr_assert_eq(call_once(&used), TREADLE_OK);
    cr_assert_eq(used.threads, 1);
    cr_assert_eq(treadle_statistic(0, &statistic), TREADLE_OK);
    cr_assert_eq(statistic.threads_most, 4);
}
