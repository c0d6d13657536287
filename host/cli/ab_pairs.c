/* SPDX-License-Identifier: BSD-3-Clause */
#include "ab_pairs.h"

#include <math.h>
#include <stdatomic.h>
#include <string.h>

#include "ab_watch.h"
#include "cli.h"
#include "stopwatch.h"

/* Long against the clock (25 ns) and against a wake-up (60 us). */
static const double batch_seconds = 1e-3;
enum { BATCHES = 7 };

/** One batch of one side, seen by all callers. */
struct batch {
    struct ab_pairs *pairs;
    struct ab_side *side;
    long calls;
    bool warm;
    atomic_int status;
    atomic_uint threads;
    struct treadle_used used; /* caller 0's */
};

/** One call on the member's next operands. */
static int32_t call(struct ab_pairs *pairs, uint32_t member, struct treadle_used *used)
{
    uint32_t turn = pairs->turn[member];
    const struct workload *load = &pairs->loads[member * pairs->replicas + turn];

    pairs->turn[member] = turn + 1 == pairs->replicas ? 0 : turn + 1;
    return pairs->fresh ? workload_run_fresh(load, used) : workload_run(load, used);
}

static void prepare_caller(void *ctx, uint32_t member)
{
    struct batch *batch = ctx;
    int32_t status = treadle_set_thread_backend(batch->side->spec);

    if (!status && batch->warm)
        status = call(batch->pairs, member, NULL);
    if (status)
        atomic_store(&batch->status, status);
}

static void run_caller(void *ctx, uint32_t member)
{
    struct batch *batch = ctx;
    struct treadle_used used = {.threads = 0};
    int32_t status = TREADLE_OK;

    for (long i = 0; i < batch->calls && status == TREADLE_OK; i++)
        status = call(batch->pairs, member, &used);
    if (status)
        atomic_store(&batch->status, status);
    unsigned most = atomic_load(&batch->threads);
    while (used.threads > most &&
           !atomic_compare_exchange_weak(&batch->threads, &most, used.threads))
        continue;
    if (member == 0)
        batch->used = used;
}

/** Of the calls that ended since; the library keeps only large ones, and the last of them. */
static void look_at_grants(struct ab_side *side, double since)
{
    static struct treadle_recent_call recent[TREADLE_RECENT_CALLS];
    uint32_t count = treadle_recent_calls(recent, TREADLE_RECENT_CALLS);

    for (uint32_t i = 0; i < count; i++)
        if (1e-9 * (double)recent[i].begin_ns >= since && recent[i].granted > side->granted)
            side->granted = recent[i].granted;
}

/** Seconds of `calls` calls by every caller; negative if one failed. */
static double run_batch(struct ab_pairs *pairs, struct ab_side *side, long calls)
{
    struct batch batch = {.pairs = pairs, .side = side, .calls = calls, .warm = calls > 1};
    const double since = stopwatch_now();

    /* "openmp:2" means two threads, also where the policy would not think so. */
    treadle_set_min(strchr(side->spec, ':') ? 1 : 0);
    ab_watch_step(pairs->what, side == &pairs->a ? 'A' : 'B', side->spec);
    double seconds = crew_run(pairs->crew, prepare_caller, run_caller, &batch);
    ab_watch_rest();
    treadle_set_min(0);
    if (atomic_load(&batch.status)) {
        /* The text of the error is the failing thread's: repeat the call on this one. */
        if (treadle_set_thread_backend(side->spec) || workload_run(&pairs->loads[0], NULL))
            cli_fail_library();
        else
            cli_fail(CLI_FAILED, "%s: a call of another caller failed under %s", pairs->loads[0].op,
                     side->spec);
        return -1;
    }
    side->backend = batch.used.backend;
    side->variant = batch.used.variant;
    if (atomic_load(&batch.threads) > side->threads)
        side->threads = atomic_load(&batch.threads);
    look_at_grants(side, since);
    return seconds;
}

struct side_of {
    struct ab_pairs *pairs;
    struct ab_side *side;
};

static double run_for_calibration(void *ctx, long calls)
{
    struct side_of *of = ctx;

    return run_batch(of->pairs, of->side, calls);
}

static bool calibrate(struct ab_pairs *pairs, struct ab_side *side)
{
    struct side_of of = {pairs, side};

    side->threads = 0;
    side->granted = 1;
    side->calls = stopwatch_calibrate(run_for_calibration, &of, batch_seconds);
    return side->calls > 0;
}

/** Seconds per call. */
static bool measure_side(struct ab_pairs *pairs, struct ab_side *side, double *seconds)
{
    if (pairs->measure)
        return pairs->measure(pairs, side, seconds);
    *seconds = run_batch(pairs, side, side->calls) / (double)side->calls;
    return *seconds >= 0;
}

/** Six orders: A or B first, and A again before, between or after the two. */
static bool measure_pair(struct ab_pairs *pairs, uint8_t order, struct ab_pair *pair)
{
    pair->a_first = order < 3;
    for (int turn = 0; turn < 3; turn++) {
        bool again = turn == order % 3;
        bool first = turn == 0 || (turn == 1 && order % 3 == 0);
        bool is_a = again || first == pair->a_first;
        double *seconds = again ? &pair->a_again : is_a ? &pair->a : &pair->b;
        if (!measure_side(pairs, is_a ? &pairs->a : &pairs->b, seconds))
            return false;
    }
    return true;
}

/** Append pairs up to `goal` in all, in balanced random order, but none after `until`. */
static bool extend(struct ab_pairs *pairs, size_t goal, double until)
{
    size_t planned = goal - pairs->count;
    uint8_t orders[AB_PAIRS_MAX];
    bool going = true;

    ab_balanced_orders(orders, planned, 6, pairs->seed);
    for (size_t i = 0; i < planned && going && !cli_interrupted(); i++) {
        if (pairs->count >= ab_pairs_at_look(0) && stopwatch_now() > until)
            break;
        going = measure_pair(pairs, orders[i], &pairs->pairs[pairs->count]);
        pairs->count += going;
        cli_progress("%s: pair %zu, at most %.0f s left", pairs->what, pairs->count,
                     fmax(until - stopwatch_now(), 0) + pairs->seconds * (double)pairs->later);
    }
    return going;
}

static void summarise(struct ab_pairs *pairs)
{
    double alpha = ab_alpha_of_look(pairs->level, pairs->comparisons);
    double samples[AB_PAIRS_MAX];

    for (size_t i = 0; i < pairs->count; i++)
        samples[i] = log(pairs->pairs[i].a / pairs->pairs[i].a_again);
    double itself = ab_interval_of(samples, pairs->count, alpha).ratio;
    pairs->floor = (itself < 1 ? 1 / itself : itself) - 1;
    for (size_t i = 0; i < pairs->count; i++)
        samples[i] = log(pairs->pairs[i].a / pairs->pairs[i].b);
    pairs->interval = ab_interval_of(samples, pairs->count, alpha);
    pairs->verdict = ab_judge(&pairs->interval, pairs->same, pairs->floor);
}

bool ab_pairs_measure(struct ab_pairs *pairs)
{
    pairs->count = 0;
    pairs->verdict = AB_UNDECIDED;
    if (!pairs->measure && (!calibrate(pairs, &pairs->a) || !calibrate(pairs, &pairs->b)))
        return false;

    double until = stopwatch_now() + pairs->seconds;
    for (size_t look = 0; look < AB_LOOKS && pairs->verdict == AB_UNDECIDED; look++) {
        size_t goal = ab_pairs_at_look(look);
        if (goal > pairs->most)
            goal = pairs->most;
        /* A program that Ctrl-C has ended is no failure. */
        if (!extend(pairs, goal, until) && !cli_interrupted())
            return false;
        if (pairs->count > 0)
            summarise(pairs);
        if (pairs->count < goal || goal == pairs->most)
            break;
    }
    return true;
}

double ab_pairs_time(struct ab_pairs *pairs, const char *spec)
{
    struct ab_side side = {.spec = spec};
    double seconds[BATCHES];

    if (!calibrate(pairs, &side))
        return -1;
    for (size_t i = 0; i < BATCHES; i++) {
        seconds[i] = run_batch(pairs, &side, side.calls) / (double)side.calls;
        if (seconds[i] < 0)
            return -1;
    }
    stopwatch_median(seconds, BATCHES); /* sorts them */
    return seconds[BATCHES / 4];
}
