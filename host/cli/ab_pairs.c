/* SPDX-License-Identifier: BSD-3-Clause */
#include "ab_pairs.h"

#include <math.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "stopwatch.h"

/* Long against the clock (25 ns) and against a wake-up (60 us). */
static const double batch_seconds = 1e-3;

/* Of the time for a comparison, A against A may take a third. */
static const double floor_share = 1.0 / 3;
enum { FLOOR_PAIRS = 12, FLOOR_PAIRS_LEAST = 4 };

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

static void prepare_caller(void *ctx, uint32_t member)
{
    struct batch *batch = ctx;
    int32_t status = treadle_set_thread_backend(batch->side->spec);

    if (!status && batch->warm)
        status = workload_run(&batch->pairs->loads[member], NULL);
    if (status)
        atomic_store(&batch->status, status);
}

static void run_caller(void *ctx, uint32_t member)
{
    struct batch *batch = ctx;
    const struct workload *load = &batch->pairs->loads[member];
    struct treadle_used used = {.threads = 0};
    int32_t status = TREADLE_OK;

    for (long i = 0; i < batch->calls && status == TREADLE_OK; i++)
        status = workload_run(load, &used);
    if (status)
        atomic_store(&batch->status, status);
    unsigned most = atomic_load(&batch->threads);
    while (used.threads > most &&
           !atomic_compare_exchange_weak(&batch->threads, &most, used.threads))
        continue;
    if (member == 0)
        batch->used = used;
}

/** Seconds of `calls` calls by every caller; negative if one failed. */
static double run_batch(struct ab_pairs *pairs, struct ab_side *side, long calls)
{
    struct batch batch = {.pairs = pairs, .side = side, .calls = calls, .warm = calls > 1};

    /* "openmp:2" means two threads, also where the policy would not think so. */
    treadle_set_min(strchr(side->spec, ':') ? 1 : 0);
    double seconds = crew_run(pairs->crew, prepare_caller, run_caller, &batch);
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
    side->calls = stopwatch_calibrate(run_for_calibration, &of, batch_seconds);
    return side->calls > 0;
}

static bool measure_pair(struct ab_pairs *pairs, struct ab_side *a, struct ab_side *b,
                         struct ab_pair *pair)
{
    double first = run_batch(pairs, pair->a_first ? a : b, (pair->a_first ? a : b)->calls);
    double second = run_batch(pairs, pair->a_first ? b : a, (pair->a_first ? b : a)->calls);

    if (first < 0 || second < 0)
        return false;
    pair->a = (pair->a_first ? first : second) / (double)a->calls;
    pair->b = (pair->a_first ? second : first) / (double)b->calls;
    return true;
}

/** Append pairs up to `goal` in all, in balanced random order. */
static bool extend(struct ab_pairs *pairs, struct ab_side *a, struct ab_side *b, size_t goal,
                   double until, size_t least)
{
    size_t planned = goal - pairs->count;
    bool *a_first = malloc(planned * sizeof *a_first + 1);

    if (!a_first) {
        cli_fail(CLI_FAILED, "no memory for %zu pairs", planned);
        return false;
    }
    ab_balanced_orders(a_first, planned, pairs->seed);
    bool going = true;
    for (size_t i = 0; i < planned && going && !cli_interrupted(); i++) {
        if (pairs->count >= least && stopwatch_now() > until)
            break;
        struct ab_pair *pair = &pairs->pairs[pairs->count];
        pair->a_first = a_first[i];
        going = measure_pair(pairs, a, b, pair);
        pairs->count += going;
        cli_progress("%s %s: pair %zu", pairs->loads[0].op,
                     options_dtype_name(pairs->loads[0].dtype), pairs->count);
    }
    free(a_first);
    return going;
}

static bool summarise(struct ab_pairs *pairs)
{
    double *samples = malloc(pairs->count * sizeof *samples + 1);

    if (!samples) {
        cli_fail(CLI_FAILED, "no memory for %zu samples", pairs->count);
        return false;
    }
    for (size_t i = 0; i < pairs->count; i++)
        samples[i] = log(pairs->pairs[i].a / pairs->pairs[i].b);
    if (pairs->count > 0)
        pairs->interval = ab_interval_of(samples, pairs->count,
                                         ab_alpha_of_look(pairs->level, pairs->comparisons));
    free(samples);
    return true;
}

/** A against A: what a difference must exceed to be one. */
static bool measure_floor(struct ab_pairs *pairs)
{
    struct ab_side again = pairs->a;
    size_t goal = pairs->most < FLOOR_PAIRS ? pairs->most : FLOOR_PAIRS;
    double until = stopwatch_now() + floor_share * pairs->seconds;

    if (!extend(pairs, &pairs->a, &again, goal, until, FLOOR_PAIRS_LEAST) || !summarise(pairs))
        return false;
    double ratio = pairs->interval.ratio;
    pairs->floor = pairs->count ? (ratio < 1 ? 1 / ratio : ratio) - 1 : 0;
    pairs->count = 0;
    return true;
}

bool ab_pairs_measure(struct ab_pairs *pairs)
{
    pairs->count = 0;
    pairs->verdict = AB_UNDECIDED;
    if (!calibrate(pairs, &pairs->a) || !calibrate(pairs, &pairs->b) || !measure_floor(pairs))
        return false;

    double until = stopwatch_now() + pairs->seconds;
    for (size_t look = 0; look < AB_LOOKS && pairs->verdict == AB_UNDECIDED; look++) {
        size_t goal = ab_pairs_at_look(look), least = ab_pairs_at_look(0);
        bool last = goal >= pairs->most;
        if (last)
            goal = pairs->most;
        if (!extend(pairs, &pairs->a, &pairs->b, goal, until, least) || !summarise(pairs))
            return false;
        if (pairs->count == 0 || cli_interrupted())
            break;
        pairs->verdict = ab_judge(&pairs->interval, pairs->same, pairs->floor);
        if (last || pairs->count < goal)
            break;
    }
    return true;
}
