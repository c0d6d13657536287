/* SPDX-License-Identifier: BSD-3-Clause */
#include "tune_fit.h"

#include <math.h>

/*
 * Calls without pause find their threads awake. One that sleeps takes 50 to 100 us to come, in
 * which the caller goes on with its parts; counted as if every sixtieth call had to wait for it.
 */
static const double wake_ns = 1200;

/** y = fixed + slope * x, with neither below zero */
struct line {
    double fixed, slope;
};

/** Sums over points: with u = x / y and v = 1 / y the line is fixed * v + slope * u = 1. */
struct sums {
    double uu, uv, vv, u, v, first;
    bool differ; /* more than one x */
};

static void add_point(struct sums *sums, double x, double y)
{
    double u = x / y, v = 1 / y;

    if (sums->u == 0)
        sums->first = x;
    sums->differ |= x != sums->first;
    sums->uu += u * u;
    sums->uv += u * v;
    sums->vv += v * v;
    sums->u += u;
    sums->v += v;
}

/** The least sum of squared relative errors; a line through the origin if it would start below. */
static bool fit_line(const struct sums *sums, struct line *line)
{
    double determinant = sums->uu * sums->vv - sums->uv * sums->uv;

    if (!sums->differ || !(determinant > 0))
        return false;
    line->fixed = (sums->uu * sums->v - sums->uv * sums->u) / determinant;
    line->slope = (sums->vv * sums->u - sums->uv * sums->v) / determinant;
    if (line->fixed < 0)
        *line = (struct line){0, sums->u / sums->uu};
    return line->slope > 0;
}

/** Seconds of the same work with one thread; 0 if it was not measured. */
static double alone(const struct tune_sample *samples, size_t count, double work)
{
    for (size_t i = 0; i < count; i++)
        if (samples[i].threads == 1 && samples[i].work == work)
            return samples[i].seconds;
    return 0;
}

/**
 * A team against one thread, size by size: what does not fit a line, such as arrays that leave the
 * cache, hits both alike.
 */
static bool fit_team(const struct tune_sample *samples, size_t count, int32_t threads,
                     struct line *line)
{
    struct sums sums = {.differ = false};

    for (size_t i = 0; i < count; i++) {
        double one = alone(samples, count, samples[i].work);
        if (samples[i].threads == threads && one > 0)
            add_point(&sums, one, samples[i].seconds);
    }
    return fit_line(&sums, line);
}

static bool fit_alone(const struct tune_sample *samples, size_t count, struct tune_cost *cost)
{
    struct sums sums = {.differ = false};
    struct line line;

    for (size_t i = 0; i < count; i++)
        if (samples[i].threads == 1)
            add_point(&sums, samples[i].work, samples[i].seconds);
    if (!fit_line(&sums, &line))
        return false;
    *cost = (struct tune_cost){.call = 1e9 * line.fixed, .unit = 1e9 * line.slope, .spread = 1};
    return true;
}

/** start + each (p - 1) through what teams of p threads cost beside the work. */
struct starts {
    double n, p, pp, f, pf;
};

static void fit_start(const struct starts *s, struct tune_cost *cost)
{
    double determinant = s->n * s->pp - s->p * s->p;

    if (s->n == 0)
        return;
    cost->each = determinant > 0 ? fmax((s->n * s->pf - s->p * s->f) / determinant, 0) : 0;
    cost->start = wake_ns + fmax((s->f - cost->each * s->p) / s->n, 0);
}

bool tune_fit(const struct tune_sample *samples, size_t count, struct tune_cost *cost)
{
    struct starts starts = {.n = 0};
    struct line line;
    int32_t most = 1;

    if (!fit_alone(samples, count, cost))
        return false;
    for (size_t i = 0; i < count; i++)
        most = samples[i].threads > most ? samples[i].threads : most;
    for (int32_t threads = 2; threads <= most; threads++) {
        if (!fit_team(samples, count, threads, &line))
            continue;
        double others = threads - 1, fixed = 1e9 * line.fixed;
        starts.n++;
        starts.p += others;
        starts.pp += others * others;
        starts.f += fixed;
        starts.pf += others * fixed;
        cost->spread = fmax(cost->spread, fmin(1 / line.slope, threads));
    }
    fit_start(&starts, cost);
    return true;
}
