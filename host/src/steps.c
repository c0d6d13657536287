/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * From costs to choices. A choice is the fastest one, but more threads have to be worth it: they
 * take cores that others may want, and the costs are not known better than to a few per cent.
 */
#include "steps.h"

#include <stdbool.h>

/* A larger team must save this much of the time, and keep its threads busy for half of it. */
static const double SAVED_LEAST = 0.05, BUSY_LEAST = 0.5;

static const double NEVER = 0x1p60; /* more work than any call has */

static const uint16_t counts[] = {2,  3,   4,   6,   8,   12,  16,  24,   32,   48,  64,
                                  96, 128, 192, 256, 384, 512, 768, 1024, 2048, 4096};
enum { COUNTS = sizeof counts / sizeof *counts };

static double time_of(const struct cost *cost, double work, double threads)
{
    if (threads <= 1)
        return cost->call + cost->unit * work;
    double spread = threads < cost->spread ? threads : cost->spread;
    return cost->start + cost->each * (threads - 1) + cost->unit * work / spread;
}

/* The fastest option with so many threads. NULL if none may have that many. */
static const struct option *fastest(const struct option *options, uint32_t count, uint32_t level,
                                    double work, uint32_t threads, double *time)
{
    const struct option *best = NULL;
    for (uint32_t i = 0; i < count; i++) {
        if (options[i].threads_cap > 0 && options[i].threads_cap < threads)
            continue;
        double its = time_of(&options[i].costs[level], work, threads);
        if (!best || its < (threads > 1 ? 1 - SAVED_LEAST : 1) * *time) {
            best = &options[i];
            *time = its;
        }
    }
    return best;
}

static struct step choose(const struct option *options, uint32_t count, uint32_t level, double work)
{
    double alone, least, time = 0;
    const struct option *best = fastest(options, count, level, work, 1, &alone);
    struct step step = {.threads = 1, .first = best->candidate, .alone = best->candidate};
    least = alone;
    for (uint32_t k = 0; k < COUNTS; k++) {
        best = fastest(options, count, level, work, counts[k], &time);
        if (best && time < (1 - SAVED_LEAST) * least && alone >= BUSY_LEAST * counts[k] * time) {
            step.threads = counts[k];
            step.first = best->candidate;
            least = time;
        }
    }
    return step;
}

/* The least work of a step. */
static double work_at(uint32_t step)
{
    double octave = (double)(UINT64_C(1) << (step / 4));
    return octave * (1 + 0.25 * (step % 4));
}

/* Where the first caller would take a second thread, or none ever would. */
static void find_limit(struct steps *steps)
{
    uint32_t i = 0;
    while (i < STEPS && steps->at[0][i].threads < 2)
        i++;
    steps->limit = i == 0 ? 0 : i < STEPS ? work_at(i) : NEVER;
}

void steps_compile(struct steps *steps, const struct option *options, uint32_t count)
{
    for (uint32_t level = 0; level < STEP_LEVELS; level++)
        for (uint32_t i = 0; i < STEPS; i++)
            steps->at[level][i] = choose(options, count, level, work_at(i));
    find_limit(steps);
}
