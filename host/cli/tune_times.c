/* SPDX-License-Identifier: BSD-3-Clause */
#include "tune_times.h"

#include <stdbool.h>
#include <string.h>

#include <treadle/treadle.h>

void tune_times_add(struct tune_times *times, const char *backend, struct tune_sample sample)
{
    if (times->count == TUNE_TIMES_MAX)
        return;
    times->backends[times->count] = backend;
    times->samples[times->count++] = sample;
}

/** A backend's samples; returns how many there are. */
static size_t select_backend(const struct tune_times *times, const char *backend,
                             struct tune_sample *samples)
{
    size_t count = 0;

    for (size_t i = 0; i < times->count; i++)
        if (!strcmp(times->backends[i], backend))
            samples[count++] = times->samples[i];
    return count;
}

static bool has_alone(const struct tune_sample *samples, size_t count, double work)
{
    for (size_t i = 0; i < count; i++)
        if (samples[i].threads == 1 && samples[i].work == work)
            return true;
    return false;
}

/** Where only teams were timed: one thread by the costs that are known. */
static size_t add_alone(const struct tune_cost *cost, struct tune_sample *samples, size_t count)
{
    size_t all = count;

    for (size_t i = 0; i < count && all < TUNE_TIMES_MAX; i++) {
        double work = samples[i].work;
        if (!has_alone(samples, all, work))
            samples[all++] = (struct tune_sample){work, 1e-9 * (cost->call + cost->unit * work), 1};
    }
    return all;
}

static bool put_backend(const struct tune_times *times, struct tune_profile *profile,
                        const char *backend)
{
    struct tune_sample samples[TUNE_TIMES_MAX];
    size_t count = select_backend(times, backend, samples);
    struct tune_cost cost;

    if (tune_profile_get(profile, times->op, times->dtype, backend, times->callers, &cost))
        count = add_alone(&cost, samples, count);
    if (count == 0 || !tune_fit(samples, count, &cost))
        return false;
    tune_profile_put(profile, times->op, times->dtype, backend, times->callers, &cost);
    return true;
}

size_t tune_times_put(const struct tune_times *times, struct tune_profile *profile)
{
    struct treadle_backend_info info;
    size_t count = 0;

    for (uint32_t i = 0; treadle_backend_info(i, &info) == TREADLE_OK; i++)
        count += !*info.reason && put_backend(times, profile, info.name);
    return count;
}

double tune_work(const struct workload *load)
{
    struct treadle_decision decision;

    if (workload_is_memory_bound(load))
        return load->bytes;
    return treadle_explain(load->op, load->args, load->nargs, load->nin, load->attrs, 1, &decision)
               ? load->flops
               : decision.elements;
}
