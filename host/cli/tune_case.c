/* SPDX-License-Identifier: BSD-3-Clause */
#include "tune_case.h"

#include <math.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include <treadle/treadle.h>

#include "ab_statistics.h"
#include "cli.h"
#include "stopwatch.h"
#include "tune_times.h"

/*
 * Threads begin on the core of whoever woke them, and are spread over the others after some
 * milliseconds; those that share a core take turns of up to 5 ms.
 */
static const struct pace {
    double warm, window;
} alone = {0.2e-3, 3e-3}, together = {5e-3, 20e-3};

static const double batch_seconds = 5e-6;
enum { CALLS_LEAST = 3 };

/** What the members of the crew see. */
struct window {
    const struct tune_side *side;
    const struct workload *loads;
    double warm, length;   /* seconds */
    _Atomic double opened; /* when the first caller began; 0: not yet */
    _Atomic double calls;  /* of all callers, within the window */
    atomic_int status;
};

static void add(_Atomic double *sum, double value)
{
    double before = atomic_load(sum);

    while (!atomic_compare_exchange_weak(sum, &before, before + value))
        continue;
}

static void prepare(void *ctx, uint32_t member)
{
    struct window *window = ctx;

    (void)member;
    if (treadle_set_thread_backend(window->side->backend))
        atomic_store(&window->status, TREADLE_E_INVALID);
}

/** The same for all callers. */
static double opened(struct window *window, double now)
{
    double first = 0;

    return atomic_compare_exchange_strong(&window->opened, &first, now) ? now : first;
}

/** A batch that crosses a border of the window counts by its part. */
static void call_until_end(void *ctx, uint32_t member)
{
    struct window *window = ctx;
    double last = stopwatch_now(), calls = 0;
    double begin = opened(window, last) + window->warm, end = begin + window->length;
    int32_t status = TREADLE_OK;

    while (last < end && status == TREADLE_OK) {
        for (long i = 0; i < window->side->batch && status == TREADLE_OK; i++)
            status = workload_run(&window->loads[member], NULL);
        double now = stopwatch_now();
        double part = fmin(now, end) - fmax(last, begin);
        if (part > 0)
            calls += (double)window->side->batch * part / (now - last);
        last = now;
    }
    add(&window->calls, calls);
    if (status)
        atomic_store(&window->status, status);
}

/** What holds for the whole process while this side is measured. */
static bool enter(const struct tune_side *side)
{
    bool forced = side->threads > 0;

    return !treadle_set_num_threads(side->threads) && !treadle_set_min(side->threads > 1) &&
           !treadle_set_budget(forced ? "off" : "process");
}

/** Seconds of a call while all callers are at it; negative if one failed. */
static double sample(struct crew *crew, uint32_t callers, const struct tune_side *side,
                     const struct workload *loads)
{
    const struct pace *pace = callers > 1 ? &together : &alone;
    struct window window = {.side = side,
                            .loads = loads,
                            .warm = fmax(pace->warm, side->once),
                            .length = fmax(pace->window, CALLS_LEAST * side->once)};

    if (!enter(side))
        return -1;
    crew_run(crew, prepare, call_until_end, &window);
    return atomic_load(&window.status) ? -1 : callers * window.length / atomic_load(&window.calls);
}

/* ---- sides ---------------------------------------------------------------------------------- */

/** By what would be done: how many threads of a team came to work in time varies. */
static bool does_it_itself(const struct tune_side *side, const struct workload *load)
{
    struct treadle_decision decision;

    return enter(side) && !treadle_set_thread_backend(side->backend) &&
           !treadle_explain(load->op, load->args, load->nargs, load->nin, load->attrs, 1,
                            &decision) &&
           !strcmp(decision.backend, side->backend) && decision.granted == (uint32_t)side->threads;
}

static void add_side(struct tune_case *tune, const struct workload *load, const char *backend,
                     int32_t threads)
{
    struct tune_side *side = &tune->sides[tune->count];

    *side = (struct tune_side){.backend = backend, .threads = threads, .batch = 1};
    if (threads == 0 || does_it_itself(side, load))
        tune->count += tune->count + 1 < TUNE_SIDES_MAX;
}

/** 1, 2, 4, ... and `most` itself. */
static int32_t next_count(int32_t threads, int32_t most)
{
    return threads < most && 2 * threads > most ? most : 2 * threads;
}

static void gather(struct tune_case *tune, const struct workload *load, bool all)
{
    struct treadle_backend_info info;
    int32_t cores, share;

    treadle_set_num_threads(0);
    cores = treadle_get_num_threads();
    share = all ? cores : cores / (int32_t)tune->callers;
    share = share > 1 ? share : 1;
    tune->count = 0;
    if (all)
        add_side(tune, load, "auto", 0);
    for (uint32_t i = 0; treadle_backend_info(i, &info) == TREADLE_OK; i++)
        for (int32_t threads = 1; threads <= share && !*info.reason;
             threads = next_count(threads, share))
            add_side(tune, load, info.name, threads);
}

/* ---- rounds --------------------------------------------------------------------------------- */

static bool find_pace(struct tune_case *tune, struct crew *crew, const struct workload *loads)
{
    for (size_t i = 0; i < tune->count && !cli_interrupted(); i++) {
        struct tune_side *side = &tune->sides[i];
        double first = sample(crew, tune->callers, side, loads);
        side->once = first;
        side->batch = first > 0 && first < batch_seconds ? (long)(batch_seconds / first) + 1 : 1;
        if (first < 0)
            return false;
    }
    return true;
}

static bool measure_round(struct tune_case *tune, struct crew *crew, const struct workload *loads)
{
    uint8_t order[TUNE_SIDES_MAX];

    ab_balanced_orders(order, tune->count, (uint8_t)tune->count, &tune->seed);
    for (size_t i = 0; i < tune->count && !cli_interrupted(); i++) {
        struct tune_side *side = &tune->sides[order[i]];
        side->seconds[tune->rounds] = sample(crew, tune->callers, side, loads);
        if (side->seconds[tune->rounds] < 0)
            return false;
    }
    return true;
}

static void summarise(struct tune_case *tune)
{
    double values[TUNE_ROUNDS_MAX];

    for (size_t i = 0; i < tune->count; i++) {
        memcpy(values, tune->sides[i].seconds, tune->rounds * sizeof *values);
        tune->sides[i].median = stopwatch_median(values, tune->rounds);
        tune->sides[i].quartile = values[tune->rounds / 4]; /* they are sorted now */
    }
}

static bool measure(struct tune_case *tune, struct crew *crew, const struct workload *loads,
                    size_t rounds, bool all)
{
    gather(tune, loads, all);
    bool good = find_pace(tune, crew, loads);

    for (tune->rounds = 0; good && tune->rounds < rounds && !cli_interrupted(); tune->rounds++)
        good = measure_round(tune, crew, loads);
    if (cli_interrupted())
        tune->rounds = 0;
    else if (good)
        summarise(tune);
    else
        cli_fail(CLI_FAILED, "tune: %s: a call failed: %s", tune->op, treadle_last_error());
    return good;
}

/* ---- operands ------------------------------------------------------------------------------- */

static bool allocate(struct tune_case *tune, struct workload *loads)
{
    for (uint32_t k = 0; k < tune->callers; k++)
        if (!workload_plan(&loads[k], "tune", tune->op, tune->dtype, &tune->shape, 1, NULL) ||
            !workload_allocate(&loads[k], k + 1))
            return false;
    tune->work = tune_work(loads);
    tune->size = workload_size(loads);
    return true;
}

bool tune_case_measure(struct tune_case *tune, struct crew *crew, size_t rounds, bool all)
{
    struct workload *loads = calloc(tune->callers, sizeof *loads);

    if (!loads) {
        cli_fail(CLI_FAILED, "tune: no memory");
        return false;
    }
    bool good = allocate(tune, loads) && measure(tune, crew, loads, rounds, all);
    for (uint32_t k = 0; k < tune->callers; k++)
        workload_finish(&loads[k]);
    free(loads);
    treadle_set_thread_backend(NULL);
    treadle_set_num_threads(0);
    treadle_set_min(0);
    return good;
}
