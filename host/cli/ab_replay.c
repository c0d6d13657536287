/* SPDX-License-Identifier: BSD-3-Clause */
#include "ab_replay.h"

#include <jansson.h>
#include <math.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "ab_report.h"
#include "ab_watch.h"
#include "cli.h"
#include "member.h"
#include "stopwatch.h"

enum { KINDS_MAX = 64, CALLERS_MAX = 64, CALLS_MAX = 100000 };

/* A run is one half of a pair: it has to be short against the mood of the machine. */
static const double seconds_most = 0.25;

/** A recorded call. */
struct call {
    double begin, end; /* seconds; once cut, without the pauses */
    uint32_t kind, caller;
};

/** Calls of one operation, type and shape. */
struct kind {
    char op[32], axes[64];
    struct treadle_dtype dtype;
    struct options_shapes shapes;
    size_t calls;
};

struct replay {
    struct ab_pairs pairs; /* first, so that it leads here */
    struct kind kinds[KINDS_MAX];
    int threads[CALLERS_MAX]; /* as the trace numbers them */
    uint32_t nkinds, ncallers;
    struct call *calls; /* in the order of their begins */
    size_t count, all;
    double recorded, left_out; /* seconds of calls */
    struct workload *loads;    /* of kind k and caller c: [c * nkinds + k] */
    double start, taken[CALLERS_MAX];
    const char *spec;
    atomic_int status;
    atomic_uint used_threads;
    const char *_Atomic backend;
};

/* ---- reading -------------------------------------------------------------------------------- */

/** The file is an array that may not be closed. */
static json_t *read_events(const char *path)
{
    json_error_t error = {.text = "it cannot be read"};
    FILE *file = fopen(path, "r");
    char *text = NULL;
    size_t room = 0;
    ssize_t length = file ? getdelim(&text, &room, '\0', file) : -1;
    json_t *events = NULL;

    if (file)
        fclose(file);
    if (length > 0) {
        while (length > 0 && strchr("], \r\n\t", text[length - 1]))
            length--;
        text[length] = '\0';
        char *closed = NULL;
        if (asprintf(&closed, "%s]", text) > 0)
            events = json_loads(closed, 0, &error);
        free(closed);
    }
    free(text);
    if (json_is_array(events))
        return events;
    json_decref(events);
    cli_fail(CLI_USAGE, "ab: --replay: %s is no trace of TREADLE_TRACE: %s", path, error.text);
    return NULL;
}

static bool same_kind(const struct kind *a, const struct kind *b)
{
    return !strcmp(a->op, b->op) && !memcmp(&a->dtype, &b->dtype, sizeof a->dtype) &&
           !strcmp(a->axes, b->axes) && a->shapes.count == b->shapes.count &&
           !memcmp(a->shapes.shapes, b->shapes.shapes, a->shapes.count * sizeof *a->shapes.shapes);
}

/** What options_shapes() would complain about. */
static bool has_long_shape(const char *shapes)
{
    int crosses = 0;

    for (; *shapes && crosses < OPTIONS_NDIM_MAX; shapes++)
        crosses = *shapes == ',' ? 0 : crosses + (*shapes == 'x');
    return crosses >= OPTIONS_NDIM_MAX;
}

/** False if the trace does not say what the operands were, or there is nothing like it here. */
static bool read_kind(const json_t *event, struct kind *kind)
{
    const json_t *args = json_object_get(event, "args");
    const char *shapes = member_text(args, "shapes"), *type = member_text(args, "dtype");
    char known[256];

    memset(kind, 0, sizeof *kind);
    snprintf(kind->op, sizeof kind->op, "%s", member_text(event, "name"));
    snprintf(kind->axes, sizeof kind->axes, "%s", member_text(args, "axes"));
    snprintf(known, sizeof known, " %s ", workload_ops());
    char word[sizeof kind->op + 2];
    snprintf(word, sizeof word, " %s ", kind->op);
    return *shapes && *type && !has_long_shape(shapes) && strstr(known, word) &&
           options_dtype("ab: --replay", type, &kind->dtype) &&
           options_shapes("ab: --replay", shapes, &kind->shapes);
}

/** The place of `kind` among those of the replay, or -1. */
static int64_t find_kind(struct replay *replay, const struct kind *kind)
{
    for (uint32_t i = 0; i < replay->nkinds; i++)
        if (same_kind(&replay->kinds[i], kind))
            return i;
    if (replay->nkinds == KINDS_MAX)
        return -1;
    replay->kinds[replay->nkinds] = *kind;
    return replay->nkinds++;
}

static int64_t find_caller(struct replay *replay, int thread)
{
    for (uint32_t i = 0; i < replay->ncallers; i++)
        if (replay->threads[i] == thread)
            return i;
    if (replay->ncallers == CALLERS_MAX)
        return -1;
    replay->threads[replay->ncallers] = thread;
    return replay->ncallers++;
}

static void read_call(struct replay *replay, const json_t *event)
{
    double begin = 1e-6 * json_number_value(json_object_get(event, "ts"));
    double duration = 1e-6 * json_number_value(json_object_get(event, "dur"));
    struct kind kind;

    if (!json_is_number(json_object_get(event, "ts")))
        return;
    replay->all++;
    replay->recorded += duration;
    int64_t k =
        replay->count < CALLS_MAX && read_kind(event, &kind) ? find_kind(replay, &kind) : -1;
    int64_t c =
        k < 0 ? -1 : find_caller(replay, (int)json_integer_value(json_object_get(event, "tid")));
    if (c < 0) {
        replay->left_out += duration;
        return;
    }
    replay->calls[replay->count++] =
        (struct call){begin, begin + duration, (uint32_t)k, (uint32_t)c};
}

static int by_begin(const void *a, const void *b)
{
    double x = ((const struct call *)a)->begin, y = ((const struct call *)b)->begin;

    return (x > y) - (x < y);
}

/** Take out the time in which no call ran, and what comes after the longest time of a run. */
static void cut(struct replay *replay)
{
    double pauses = replay->count > 0 ? replay->calls[0].begin : 0, latest = pauses;
    size_t kept = 0;

    for (size_t i = 0; i < replay->count; i++) {
        struct call *call = &replay->calls[i];
        if (call->begin > latest)
            pauses += call->begin - latest;
        latest = fmax(latest, call->end);
        if (kept > 0 && call->begin - pauses > seconds_most) {
            replay->left_out += call->end - call->begin;
            continue;
        }
        call->begin -= pauses;
        call->end -= pauses;
        replay->kinds[call->kind].calls++;
        replay->calls[kept++] = *call;
    }
    replay->count = kept;
}

static int read_trace(struct replay *replay, const char *path)
{
    json_t *events = read_events(path);
    size_t i;
    json_t *event;

    if (!events)
        return CLI_USAGE;
    replay->calls = calloc(json_array_size(events) + 1, sizeof *replay->calls);
    json_array_foreach(events, i, event) if (replay->calls) read_call(replay, event);
    json_decref(events);
    if (!replay->calls)
        return cli_fail(CLI_FAILED, "ab: --replay: no memory for the calls");
    qsort(replay->calls, replay->count, sizeof *replay->calls, by_begin);
    cut(replay);
    if (replay->count > 0)
        return CLI_OK;
    return cli_fail(CLI_USAGE,
                    "ab: --replay: %s has %zu calls, but none of an operation of `treadle ab --op`",
                    path, replay->all);
}

/* ---- running -------------------------------------------------------------------------------- */

static bool make_loads(struct replay *replay, uint64_t seed)
{
    size_t count = (size_t)replay->ncallers * replay->nkinds;
    double bytes = 0, most = 0.25 * (double)sysconf(_SC_PHYS_PAGES) * (double)sysconf(_SC_PAGESIZE);

    replay->loads = calloc(count, sizeof *replay->loads);
    if (!replay->loads)
        return false;
    for (size_t i = 0; i < count; i++) {
        const struct kind *kind = &replay->kinds[i % replay->nkinds];
        struct workload *load = &replay->loads[i];
        if (!workload_plan(load, "ab: --replay", kind->op, kind->dtype, kind->shapes.shapes,
                           kind->shapes.count, kind->axes[0] ? kind->axes : NULL))
            return false;
        bytes += load->bytes;
        if (bytes > most) {
            cli_fail(CLI_FAILED, "ab: --replay: the arrays of %u callers need more than %.3g GB",
                     replay->ncallers, 1e-9 * most);
            return false;
        }
        if (!workload_allocate(load, seed + i))
            return false;
    }
    return true;
}

static void finish(struct replay *replay)
{
    size_t count = (size_t)replay->ncallers * replay->nkinds;

    for (size_t i = 0; replay->loads && i < count; i++)
        workload_finish(&replay->loads[i]);
    free(replay->loads);
    free(replay->calls);
    free(replay->pairs.pairs);
}

static void choose_side(void *ctx, uint32_t member)
{
    struct replay *replay = ctx;
    int32_t status = treadle_set_thread_backend(replay->spec);

    replay->taken[member] = 0;
    if (status)
        atomic_store(&replay->status, status);
    if (member == 0)
        replay->start = stopwatch_now();
}

/** Long waits give the core away, short ones would be long then. */
static void wait_until(double moment)
{
    static const double too_short_to_sleep = 3e-4;

    for (double left = moment - stopwatch_now(); left > 0; left = moment - stopwatch_now())
        if (left > too_short_to_sleep)
            nanosleep(&(struct timespec){.tv_nsec = (long)(5e8 * left)}, NULL);
}

/** The calls of one thread, none before its time. */
static void replay_calls(void *ctx, uint32_t member)
{
    struct replay *replay = ctx;
    struct treadle_used used = {.threads = 0};

    for (size_t i = 0; i < replay->count && !atomic_load(&replay->status); i++) {
        const struct call *call = &replay->calls[i];
        if (call->caller != member)
            continue;
        wait_until(replay->start + call->begin);
        double begin = stopwatch_now();
        int32_t status = workload_run(&replay->loads[member * replay->nkinds + call->kind], &used);
        replay->taken[member] += stopwatch_now() - begin;
        if (status)
            atomic_store(&replay->status, status);
        unsigned most = atomic_load(&replay->used_threads);
        while (used.threads > most &&
               !atomic_compare_exchange_weak(&replay->used_threads, &most, used.threads))
            continue;
        if (used.backend)
            atomic_store(&replay->backend, used.backend);
    }
}

/** Seconds that all callers together were in calls. */
static bool measure(struct ab_pairs *pairs, struct ab_side *side, double *seconds)
{
    struct replay *replay = (struct replay *)pairs;

    replay->spec = side->spec;
    atomic_store(&replay->used_threads, 0);
    treadle_set_min(strchr(side->spec, ':') ? 1 : 0);
    ab_watch_step(pairs->what, side == &pairs->a ? 'A' : 'B', side->spec);
    crew_run(pairs->crew, choose_side, replay_calls, replay);
    ab_watch_rest();
    treadle_set_min(0);
    *seconds = 0;
    for (uint32_t i = 0; i < replay->ncallers; i++)
        *seconds += replay->taken[i];
    side->calls = 1;
    side->backend = atomic_load(&replay->backend);
    side->variant = "";
    if (atomic_load(&replay->used_threads) > side->threads)
        side->threads = atomic_load(&replay->used_threads);
    if (atomic_load(&replay->status))
        return cli_fail(CLI_FAILED, "ab: --replay: a call failed under %s", side->spec) == CLI_OK;
    return true;
}

/** Every kind of call must give the same on both sides. */
static int verify(struct replay *replay, struct verify_result *all)
{
    *all = (struct verify_result){.agree = true, .bits = true};
    for (uint32_t k = 0; k < replay->nkinds; k++) {
        const struct workload *load = &replay->loads[k];
        struct verify_result one;
        char shape[64];
        if (replay->kinds[k].calls == 0)
            continue;
        workload_shape_text(load, shape, sizeof shape);
        if (!verify_backends(load, replay->pairs.a.spec, replay->pairs.b.spec, &one))
            return CLI_FAILED;
        if (!one.agree)
            return cli_fail(CLI_DIFFER, "%s %s of %s: %s (A) and %s (B) differ: %s", load->op,
                            options_dtype_name(load->dtype), shape, replay->pairs.a.spec,
                            replay->pairs.b.spec, one.text);
        all->bits &= one.bits;
        all->difference = fmax(all->difference, one.difference);
    }
    return CLI_OK;
}

static void add_up(const struct replay *replay, struct ab_result *result)
{
    double bytes = 0, flops = 0;

    for (uint32_t k = 0; k < replay->nkinds; k++) {
        bytes += replay->loads[k].bytes * (double)replay->kinds[k].calls;
        flops += replay->loads[k].flops * (double)replay->kinds[k].calls;
    }
    result->bytes = bytes;
    result->flops = flops;
    result->size = (double)replay->count;
    snprintf(result->shape, sizeof result->shape, "%zu calls", replay->count);
}

static int compare(struct ab_request *request, struct replay *replay, uint64_t *seed)
{
    struct ab_result result = {.shape = ""};
    struct facts_moment begin;

    facts_moment_now(&begin);
    replay->pairs = (struct ab_pairs){.a.spec = request->a,
                                      .b.spec = request->b,
                                      .what = "replay",
                                      .measure = measure,
                                      .crew = crew_create(replay->ncallers),
                                      .callers = replay->ncallers,
                                      .seed = seed,
                                      .level = request->level / 100,
                                      .same = request->same / 100,
                                      .comparisons = 1,
                                      .most = (size_t)request->pairs,
                                      .seconds = request->seconds};
    replay->pairs.pairs = calloc(replay->pairs.most, sizeof *replay->pairs.pairs);
    if (!replay->pairs.crew || !replay->pairs.pairs || !ab_watch_start(request->limit))
        return CLI_FAILED;
    int status = verify(replay, &result.verified);
    if (!status && !ab_pairs_measure(&replay->pairs))
        status = CLI_FAILED;
    if (!status && replay->pairs.count > 0) {
        add_up(replay, &result);
        result.pairs = replay->pairs;
        request->op = "replay";
        result.dtype = replay->kinds[0].dtype;
        request->callers = replay->ncallers;
        status = ab_report(request, &result, 1, &begin);
    }
    crew_destroy(replay->pairs.crew);
    return status;
}

int ab_replay(struct ab_request *request)
{
    struct replay *replay = calloc(1, sizeof *replay);
    uint64_t seed = (uint64_t)request->seed;

    if (!replay)
        return cli_fail(CLI_FAILED, "ab: --replay: no memory");
    int status = read_trace(replay, request->replay);
    if (!status && !make_loads(replay, seed))
        status = CLI_FAILED;
    if (!status) {
        cli_catch_interrupt();
        fprintf(stderr,
                "treadle: ab: replaying %zu of %zu calls by %u threads, %.0f %% of their time\n",
                replay->count, replay->all, replay->ncallers,
                100 * (1 - replay->left_out / replay->recorded));
        status = compare(request, replay, &seed);
    }
    finish(replay);
    free(replay);
    return status == CLI_OK && cli_interrupted() ? CLI_INTERRUPTED : status;
}
