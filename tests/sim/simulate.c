/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Machines of 2 to 256 cores that do not exist, under the library's own policy and budget: callers
 * of several kinds make calls, and the cores are shared out among the threads that run.
 *
 *     simulate [--json] [CORES]
 *
 * on machines of up to so many cores. For each machine and kind: how long all takes, over the best
 * fixed number of threads in hindsight; the longest time with more threads than cores though
 * callers were not more; the longest time, and the share, of cores idle beside calls that wanted
 * more. Fails if a promise is broken.
 */
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policy.h"
#include "world.h"

static const double MS = 1e6; /* in nanoseconds, as all times */

/*
 * Calibrated on two cores (docs/measuring.md): a thread does 5 Gflop/s; starting a team for a
 * region of a call costs each member 10 us; a team whose threads do not all have a core waits for
 * those without, and does 1 / 2.7 of the work.
 */
static const double FLOPS_PER_NS = 5, START_NS = 1e4, STALL = 2.7;

/* What a call does between two looks at how many threads it may use, on one core. */
static const double REGION_NS = 1e6;

/* ---- who calls ------------------------------------------------------------------------------- */

/* Times are of one core. Callers and calls are spread over the processes. */
struct kind {
    const char *name;
    double callers_per_core;
    uint32_t processes, calls;
    double work, pause; /* of a call, and between two */
    bool unequal;       /* both vary by a factor of up to 20, and so does the number of calls */
};

static const struct kind kinds[] = {
    {"one caller", 0, 1, 20, 100e6, 1e6, false},
    {"balanced", 1, 1, 10, 20e6, 0.1e6, false},
    {"unbalanced", 1, 1, 10, 20e6, 0.1e6, true},
    {"few callers", 0.25, 1, 10, 100e6, 0.1e6, false},
    {"many callers", 4, 1, 10, 20e6, 0.1e6, false},
    {"with pauses", 1, 1, 10, 20e6, 20e6, true},
    {"four processes", 1, 4, 10, 20e6, 0.1e6, false},
    {"four unbalanced", 1, 4, 10, 20e6, 0.1e6, true},
    {"four, one caller", 0, 4, 20, 100e6, 0.1e6, false},
};

enum phase { PAUSES, CALLS, DONE };

struct caller {
    enum phase phase;
    uint32_t process, number, calls;
    double left;      /* of the pause or the call */
    double in_region; /* of the region */
    double work, begin;
    double idle; /* how long this call has wanted a core that was idle */
    uint32_t wanted, threads;
    struct grant grant;
};

/* ---- a run ----------------------------------------------------------------------------------- */

struct outcome {
    double makespan, longest_over, longest_idle, idle, worst_wait;
};

static struct run {
    const struct kind *kind;
    uint32_t cores, fixed; /* threads of each call; 0: as the library says */
    struct caller *callers;
    uint32_t count;
    double now, over;
    struct outcome outcome;
} run;

/* The same for the same call in each run. */
static double varied(double value, const struct caller *c, uint32_t salt)
{
    uint32_t hash = (c->number * 2654435761u) ^ (c->calls * 40503u) ^ (salt * 97u);
    hash = (hash ^ (hash >> 15)) * 2246822519u;
    hash ^= hash >> 13;
    return run.kind->unequal ? value * exp2((hash % 1000) / 1000.0 * 4.3 - 3) : value;
}

static void enter(const struct caller *c)
{
    world_set_time((int64_t)run.now);
    world_enter(c->process, c->number);
}

/* With fixed threads nothing is decided between two regions: they are taken together. */
static void next_region(struct caller *c)
{
    double regions = run.fixed ? ceil(c->left / REGION_NS) : 1;
    c->in_region = fmin(c->left, regions * REGION_NS);
    c->left -= c->in_region;
    if (c->threads > 1)
        c->in_region += regions * START_NS * c->threads;
}

static void begin_call(struct caller *c)
{
    c->begin = run.now;
    c->idle = 0;
    c->left = c->work = varied(run.kind->work, c, 1);
    c->wanted = c->threads = run.fixed;
    if (!run.fixed) {
        enter(c);
        c->wanted = policy_routine_wanted("dgesv_", c->work * FLOPS_PER_NS);
        budget_take(&c->grant, c->wanted, c->work);
        c->threads = c->grant.threads;
    }
    c->phase = CALLS;
    next_region(c);
}

static void end_call(struct caller *c)
{
    double crowd = fmax(1, (double)run.count / run.cores);
    run.outcome.worst_wait = fmax(run.outcome.worst_wait, (run.now - c->begin) / c->work / crowd);
    if (!run.fixed) {
        enter(c);
        budget_give(&c->grant);
    }
    c->phase = --c->calls ? PAUSES : DONE;
    c->threads = c->phase == PAUSES;
    c->left = varied(run.kind->pause, c, 2);
}

static void step(struct caller *c)
{
    if (c->phase == PAUSES) {
        begin_call(c);
    } else if (c->left > 0) {
        if (!run.fixed) {
            enter(c);
            c->threads = budget_retake(&c->grant);
        }
        next_region(c);
    } else {
        end_call(c);
    }
}

static double *left_of(struct caller *c)
{
    return c->phase == PAUSES ? &c->left : &c->in_region;
}

/* Work of a caller per nanosecond, with so many threads on the machine. */
static double speed(const struct caller *c, uint32_t threads)
{
    double share = threads > run.cores ? (double)run.cores / threads : 1;
    return c->threads * share / (share < 1 && c->threads > 1 ? STALL : 1);
}

/* Threads and callers, without those that do something else, of which the library knows nothing. */
struct census {
    uint32_t all_threads, threads, callers;
    bool wants_more;
};

static bool wants_more(const struct caller *c)
{
    return c->phase == CALLS && c->threads < c->wanted;
}

static struct census look(void)
{
    struct census census = {0, 0, 0, false};
    for (uint32_t i = 0; i < run.count; i++) {
        const struct caller *c = &run.callers[i];
        if (c->phase == DONE)
            continue;
        census.all_threads += c->threads;
        if (c->phase == PAUSES)
            continue;
        census.threads += c->threads;
        census.callers++;
        census.wants_more |= wants_more(c);
    }
    return census;
}

static void note(const struct census *census, double duration)
{
    struct outcome *out = &run.outcome;
    bool over = census->threads > run.cores && census->callers <= run.cores;
    bool idle = census->all_threads < run.cores;
    run.over = over ? run.over + duration : 0;
    out->longest_over = fmax(out->longest_over, run.over);
    if (idle && census->wants_more)
        out->idle += (run.cores - census->all_threads) * duration;
    for (uint32_t i = 0; i < run.count; i++) {
        struct caller *c = &run.callers[i];
        c->idle = idle && wants_more(c) ? c->idle + duration : 0;
        out->longest_idle = fmax(out->longest_idle, c->idle);
    }
}

/* Until the next caller has something to decide. */
static bool advance(void)
{
    struct census census = look();
    struct caller *first = NULL;
    double soonest = INFINITY;
    for (uint32_t i = 0; i < run.count; i++) {
        struct caller *c = &run.callers[i];
        double needs = c->phase == DONE ? INFINITY : *left_of(c) / speed(c, census.all_threads);
        if (needs < soonest)
            soonest = needs, first = c;
    }
    if (!first)
        return false;
    note(&census, soonest);
    run.now += soonest;
    for (uint32_t i = 0; i < run.count; i++)
        if (run.callers[i].phase != DONE)
            *left_of(&run.callers[i]) -= soonest * speed(&run.callers[i], census.all_threads);
    *left_of(first) = 0;
    step(first);
    return true;
}

static struct outcome simulate(const struct kind *kind, uint32_t cores, uint32_t fixed)
{
    double callers = fmax(kind->callers_per_core * cores, kind->processes);
    run = (struct run){.kind = kind, .cores = cores, .fixed = fixed, .count = (uint32_t)callers};
    run.callers = calloc(run.count, sizeof *run.callers);
    world_begin(cores, kind->processes);
    for (uint32_t i = 0; i < run.count; i++) {
        struct caller *c = &run.callers[i];
        *c = (struct caller){
            .process = i % kind->processes, .number = i, .calls = kind->calls, .threads = 1};
        c->calls = (uint32_t)fmax(1, varied(kind->calls, c, 3));
        c->left = varied(MS, c, 4);
    }
    while (advance())
        ;
    run.outcome.makespan = run.now;
    run.outcome.idle /= run.now * cores;
    free(run.callers);
    return run.outcome;
}

/* ---- what is promised --------------------------------------------------------------------------
 */

/*
 * Who came alone has all cores until its next region, learns of other processes by a lease, and
 * regions stall meanwhile. A call in a crowd gets its share of a core, unless its callers work
 * between calls as well, of which the library knows nothing. Cores are kept for a moment for
 * callers that met, and for 0.1 s for other processes.
 */
static const char *broken(const struct outcome *out, double best)
{
    if (out->makespan > 1.1 * best)
        return "a fixed number of threads would be a tenth faster";
    if (out->longest_over > 10 * MS)
        return "more threads than cores for more than 10 ms";
    if (out->worst_wait > 2)
        return "a call took twice its share of the cores";
    if (out->longest_idle > 50 * MS)
        return "a call wanted a core that was idle for more than 50 ms";
    return NULL;
}

static double best_fixed(const struct kind *kind, uint32_t cores, uint32_t *threads)
{
    double best = INFINITY;
    for (uint32_t k = 1; k <= cores; k *= 2) {
        double makespan = simulate(kind, cores, k).makespan;
        if (makespan < best)
            best = makespan, *threads = k;
    }
    return best;
}

static bool report(const struct kind *kind, uint32_t cores, bool json, bool first)
{
    uint32_t threads = 1;
    double best = best_fixed(kind, cores, &threads);
    double worst = simulate(kind, cores, cores).makespan;
    struct outcome out = simulate(kind, cores, 0);
    const char *why = broken(&out, best);
    if (json)
        printf(
            "%s{\"cores\": %u, \"kind\": \"%s\", \"makespan_ms\": %.3f, \"best_fixed_ms\": %.3f, "
            "\"best_threads\": %u, \"ratio_to_best\": %.4f, \"ratio_to_all_cores\": %.4f, "
            "\"over_ms\": %.3f, \"idle_ms\": %.3f, \"idle_share\": %.4f, \"broken\": \"%s\"}",
            first ? "[\n" : ",\n", cores, kind->name, out.makespan / MS, best / MS, threads,
            out.makespan / best, out.makespan / worst, out.longest_over / MS, out.longest_idle / MS,
            out.idle, why ? why : "");
    else
        printf("%5u  %-17s %9.0f %6.2f (%3u) %6.2f %9.2f %9.1f %6.1f%%%s%s\n", cores, kind->name,
               out.makespan / MS, out.makespan / best, threads, out.makespan / worst,
               out.longest_over / MS, out.longest_idle / MS, 100 * out.idle, why ? "  " : "",
               why ? why : "");
    return !why;
}

static int usage(const char *argument)
{
    fprintf(stderr, "simulate: \"%s\": allowed are --json and a number of cores, 2 to 256\n",
            argument);
    return 2;
}

int main(int argc, char **argv)
{
    bool json = false, good = true, first = true;
    long most = 256;
    for (int i = 1; i < argc; i++) {
        char *end = argv[i];
        if (strcmp(argv[i], "--json") == 0)
            json = true;
        else if ((most = strtol(argv[i], &end, 10)) < 2 || most > 256 || *end)
            return usage(argv[i]);
    }
    if (!json)
        printf("%5s  %-17s %9s %12s %6s %9s %9s %7s\n", "cores", "callers", "ms", "/best (of)",
               "/all", "over, ms", "idle, ms", "idle");
    for (uint32_t cores = 2; cores <= most; cores *= 2)
        for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++, first = false)
            good = report(&kinds[i], cores, json, first) && good;
    if (json)
        puts("\n]");
    return good ? 0 : 1;
}
