/* SPDX-License-Identifier: BSD-3-Clause */
#include "bench_case.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <treadle/treadle.h>

#include "ab_statistics.h"
#include "cli.h"
#include "limits_call.h"
#include "stopwatch.h"

/*
 * Long against the clock, and against a wake-up, which the call before has seen to; short against
 * the 3 ms a busy neighbour takes at a time, so that most batches are spared.
 */
static const double batch_seconds = 5e-4;
static const double limit_seconds_most = 0.1;
enum { ROUNDS_LEAST = 3 };

static struct bench_contender *new_contender(struct bench_case *bench)
{
    if (bench->count == BENCH_CONTENDERS_MAX)
        return NULL;
    struct bench_contender *contender = &bench->contenders[bench->count++];
    memset(contender, 0, sizeof *contender);
    return contender;
}

/** Make what holds for this contender hold for the calls that follow. */
static bool select_backend(const struct bench_contender *contender)
{
    return treadle_set_num_threads(contender->threads_asked) == TREADLE_OK &&
           treadle_set_thread_backend(contender->backend) == TREADLE_OK;
}

static bool is_repetition(const struct bench_case *bench, const struct bench_contender *contender)
{
    for (const struct bench_contender *c = bench->contenders; c < contender; c++)
        if (c->load && !strcmp(c->backend, contender->backend) &&
            c->used.threads == contender->used.threads)
            return true;
    return false;
}

/** Kept only if the backend itself carries the call out, with a thread count not yet seen. */
static void add_backend(struct bench_case *bench, const char *backend, int32_t threads)
{
    struct bench_contender *contender = new_contender(bench);

    if (!contender)
        return;
    contender->load = &bench->load;
    contender->backend = backend;
    contender->threads_asked = threads;
    contender->work =
        workload_is_memory_bound(&bench->load) ? bench->load.bytes : bench->load.flops;
    bool runs = select_backend(contender) &&
                workload_run(&bench->load, &contender->used) == TREADLE_OK &&
                (!strcmp(backend, "auto") || !strcmp(backend, contender->used.backend));
    if (!runs || is_repetition(bench, contender))
        bench->count--;
}

static bool add_limit(struct bench_case *bench, enum limits_kind kind, uint32_t threads)
{
    struct bench_contender *contender = new_contender(bench);

    if (!contender)
        return true;
    contender->kind = kind;
    contender->used.threads = threads;
    contender->loop = limits_create(kind, threads, &bench->memory);
    if (!contender->loop)
        return false;
    contender->work = limits_work(contender->loop);
    return true;
}

static bool add_limits(struct bench_case *bench, uint32_t threads)
{
    enum limits_kind kinds[LIMITS_CALL_MOST];
    size_t count = limits_call_kinds(&bench->load, kinds);

    for (size_t i = 0; i < count; i++)
        if (!add_limit(bench, kinds[i], threads))
            return false;
    return true;
}

bool bench_case_gather(struct bench_case *bench, const struct options_counts *threads)
{
    struct treadle_backend_info info;

    for (uint32_t i = 0; treadle_backend_info(i, &info) == TREADLE_OK; i++)
        for (size_t t = 0; t < threads->count && !*info.reason; t++)
            add_backend(bench, info.name, (int32_t)threads->counts[t]);
    if (bench->count == 0) {
        cli_fail(CLI_FAILED, "%s: no backend has it for %s", bench->load.op,
                 options_dtype_name(bench->load.dtype));
        return false;
    }
    add_backend(bench, "auto", (int32_t)threads->counts[threads->count - 1]);
    bench->memory = limits_call_memory(&bench->load);
    for (size_t t = 0; t < threads->count; t++)
        if (!add_limits(bench, (uint32_t)threads->counts[t]))
            return false;
    return true;
}

static double run_contender(void *ctx, long calls)
{
    struct bench_contender *contender = ctx;

    if (contender->loop)
        return limits_run(contender->loop, calls);
    double begin = stopwatch_now();
    for (long i = 0; i < calls; i++)
        if (workload_run(contender->load, &contender->used)) {
            cli_fail_library();
            return -1;
        }
    return stopwatch_now() - begin;
}

/** Seconds per call; negative if one failed. Warmed up, unless a call is long in itself. */
static double time_contender(struct bench_contender *contender)
{
    if (contender->load && !select_backend(contender)) {
        cli_fail_library();
        return -1;
    }
    if (contender->calls > 1 && run_contender(contender, 1) < 0)
        return -1;
    return run_contender(contender, contender->calls) / (double)contender->calls;
}

static bool calibrate(struct bench_case *bench)
{
    double goal = batch_seconds, fastest = limit_seconds_most;

    for (size_t i = 0; i < bench->count; i++) {
        struct bench_contender *contender = &bench->contenders[i];
        if (contender->load && !select_backend(contender)) {
            cli_fail_library();
            return false;
        }
        /* Limits come last: their batches take as long as a backend's, to be disturbed alike. */
        if (contender->loop)
            goal = fmax(batch_seconds, fastest);
        contender->calls = stopwatch_calibrate(run_contender, contender, goal);
        if (contender->calls == 0)
            return false;
        if (contender->load)
            fastest = fmin(fastest, run_contender(contender, contender->calls));
    }
    return true;
}

static void summarise(struct bench_case *bench)
{
    double values[BENCH_ROUNDS_MAX];
    const struct bench_contender *serial = NULL;

    for (size_t i = 0; i < bench->count && !serial; i++)
        if (bench->contenders[i].load && !strcmp(bench->contenders[i].backend, "serial"))
            serial = &bench->contenders[i];
    for (size_t i = 0; i < bench->count; i++) {
        struct bench_contender *contender = &bench->contenders[i];
        for (size_t r = 0; r < bench->rounds; r++)
            values[r] = serial ? serial->seconds[r] / contender->seconds[r] : NAN;
        contender->ratio = serial ? stopwatch_median(values, bench->rounds) : NAN;
        memcpy(values, contender->seconds, bench->rounds * sizeof *values);
        contender->median = stopwatch_median(values, bench->rounds);
    }
}

bool bench_case_measure(struct bench_case *bench, double seconds)
{
    double until = stopwatch_now() + seconds;
    bool going = calibrate(bench);
    uint8_t order[BENCH_CONTENDERS_MAX];
    uint64_t seed = 1;

    bench->rounds = 0;
    while (going && !cli_interrupted() && bench->rounds < BENCH_ROUNDS_MAX &&
           (bench->rounds < ROUNDS_LEAST || stopwatch_now() < until)) {
        /* In random order: neither a neighbour nor what the last one has left in the caches hits
         * anyone in particular. */
        ab_balanced_orders(order, bench->count, (uint8_t)bench->count, &seed);
        for (size_t i = 0; i < bench->count && going; i++) {
            struct bench_contender *contender = &bench->contenders[order[i]];
            contender->seconds[bench->rounds] = time_contender(contender);
            going = contender->seconds[bench->rounds] >= 0;
        }
        bench->rounds += going;
    }
    treadle_set_thread_backend(NULL);
    treadle_set_num_threads(0);
    if (bench->rounds > 0)
        summarise(bench);
    return going;
}

double bench_rate(const struct bench_contender *contender)
{
    return contender->work / contender->median;
}

const struct bench_contender *bench_limit(const struct bench_case *bench, uint32_t threads)
{
    const struct bench_contender *best = NULL;

    for (size_t i = 0; i < bench->count; i++) {
        const struct bench_contender *contender = &bench->contenders[i];
        if (!contender->loop)
            continue;
        bool fits = contender->used.threads == threads;
        bool best_fits = best && best->used.threads == threads;
        if (!best || fits > best_fits ||
            (fits == best_fits && bench_rate(contender) > bench_rate(best)))
            best = contender;
    }
    return best;
}

double bench_share(const struct bench_case *bench, const struct bench_contender *contender,
                   const struct bench_contender *limit)
{
    double shares[BENCH_ROUNDS_MAX];

    for (size_t r = 0; r < bench->rounds; r++)
        shares[r] = contender->work / contender->seconds[r] * limit->seconds[r] / limit->work;
    return stopwatch_median(shares, bench->rounds);
}

void bench_case_finish(struct bench_case *bench)
{
    for (size_t i = 0; i < bench->count; i++)
        limits_destroy(bench->contenders[i].loop);
    workload_finish(&bench->load);
}
