/* SPDX-License-Identifier: BSD-3-Clause */
/* `treadle ab`: the sizes one after the other. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <treadle/treadle.h>

#include "ab_compare.h"
#include "ab_options.h"
#include "ab_profile.h"
#include "ab_program.h"
#include "ab_replay.h"
#include "ab_report.h"
#include "ab_watch.h"
#include "cli.h"
#include "limits_call.h"
#include "tune_times.h"

/* Where the machine does not tell. */
static const double usual_cache = 32 << 20;

enum { REPLICAS_MAX = 1 << 16 };

static void finish_loads(struct workload *loads, size_t count)
{
    for (size_t i = 0; loads && i < count; i++)
        workload_finish(&loads[i]);
    free(loads);
}

/**
 * How many sets of operands a caller needs until the first has left the caches: twice what the
 * last-level cache holds.
 */
static size_t replicas_for(const struct ab_request *request, const struct options_shape *size)
{
    struct workload load;
    long cache = sysconf(_SC_LEVEL3_CACHE_SIZE);

    if (!request->cold || !ab_options_plan(request, size, &load))
        return 1;
    double wanted = 2 * (cache > 0 ? (double)cache : usual_cache) / load.bytes;
    return wanted < 1 ? 1 : wanted > REPLICAS_MAX ? REPLICAS_MAX : (size_t)wanted + 1;
}

/** `count` calls, each on operands of its own. */
static struct workload *make_loads(const struct ab_request *request,
                                   const struct options_shape *size, size_t count)
{
    struct workload *loads = calloc(count, sizeof *loads);

    if (!loads)
        cli_fail(CLI_FAILED, "no memory for %zu calls", count);
    for (size_t i = 0; loads && i < count; i++)
        if (!ab_options_plan(request, size, &loads[i]) ||
            !workload_allocate(&loads[i], (uint64_t)request->seed + i)) {
            finish_loads(loads, count);
            return NULL;
        }
    return loads;
}

/** What the machine can do at best with the threads that the callers of a side had. */
static bool measure_limit(const struct ab_result *result, uint32_t threads, double *limit)
{
    const struct ab_pairs *pairs = &result->pairs;
    uint32_t cores = (uint32_t)sysconf(_SC_NPROCESSORS_ONLN), all = threads * pairs->callers;

    *limit = limits_call_rate(&pairs->loads[0], (size_t)pairs->callers * pairs->replicas,
                              all < cores ? all : cores);
    return *limit >= 0;
}

static bool measure_limits(struct ab_result *result)
{
    const struct ab_pairs *pairs = &result->pairs;

    if (cli_interrupted())
        return true;
    if (!measure_limit(result, pairs->a.threads, &result->limit_a))
        return false;
    result->limit_b = result->limit_a;
    return pairs->a.threads == pairs->b.threads ||
           measure_limit(result, pairs->b.threads, &result->limit_b);
}

/** A team's time says little without that of one thread. */
static bool measure_alone(struct ab_result *result)
{
    struct ab_pairs *pairs = &result->pairs;
    const struct ab_side *sides[] = {&pairs->a, &pairs->b};
    char spec[64];

    result->work = tune_work(&pairs->loads[0]);
    for (size_t i = 0; i < 2 && !cli_interrupted(); i++) {
        struct ab_alone *alone = &result->alone[i];
        if (sides[i]->threads == 1)
            continue;
        alone->backend = sides[i]->backend;
        snprintf(spec, sizeof spec, "%s:1", alone->backend);
        alone->seconds = ab_pairs_time(pairs, spec);
        if (alone->seconds < 0)
            return false;
    }
    return true;
}

static int measure_loads(struct ab_result *result, bool alone)
{
    struct ab_pairs *pairs = &result->pairs;
    const struct workload *load = &pairs->loads[0];

    workload_shape_text(load, result->shape, sizeof result->shape);
    result->dtype = load->dtype;
    result->size = workload_size(load);
    result->bytes = load->bytes;
    result->flops = load->flops;
    cli_progress("%s %s: comparing the results", load->op, result->shape);
    if (!verify_backends(load, pairs->a.spec, pairs->b.spec, &result->verified))
        return CLI_FAILED;
    if (!result->verified.agree)
        return cli_fail(CLI_DIFFER, "%s %s of %s: %s (A) and %s (B) differ: %s", load->op,
                        options_dtype_name(load->dtype), result->shape, pairs->a.spec,
                        pairs->b.spec, result->verified.text);
    pairs->pairs = calloc(pairs->most, sizeof *pairs->pairs);
    pairs->turn = calloc(pairs->callers, sizeof *pairs->turn);
    if (!pairs->pairs || !pairs->turn)
        return cli_fail(CLI_FAILED, "no memory for %zu pairs", pairs->most);
    if (!ab_pairs_measure(pairs) || (alone && !measure_alone(result)) || !measure_limits(result))
        return CLI_FAILED;
    return CLI_OK;
}

static size_t comparisons(const struct ab_request *request)
{
    return request->sizes.count * request->dtypes.count;
}

static int measure_size(const struct ab_request *request, size_t i, struct crew *crew,
                        uint64_t *seed, struct ab_result *result)
{
    const struct options_shape *size = &request->sizes.shapes[i % request->sizes.count];
    size_t replicas = replicas_for(request, size), count = (size_t)request->callers * replicas;

    result->pairs = (struct ab_pairs){.what = request->op,
                                      .a.spec = request->a,
                                      .b.spec = request->b,
                                      .crew = crew,
                                      .callers = (uint32_t)request->callers,
                                      .replicas = (uint32_t)replicas,
                                      .fresh = request->fresh,
                                      .seed = seed,
                                      .level = request->level / 100,
                                      .same = request->same / 100,
                                      .comparisons = comparisons(request),
                                      .later = comparisons(request) - i - 1,
                                      .most = (size_t)request->pairs,
                                      .seconds = request->seconds};
    result->pairs.loads = make_loads(request, size, count);
    if (!result->pairs.loads)
        return CLI_FAILED;
    int status = measure_loads(result, request->write_profile);
    finish_loads(result->pairs.loads, count);
    free(result->pairs.turn);
    return status;
}

/** Returns how the sizes ended; `count` is the number of results worth showing. */
static int measure(struct ab_request *request, struct ab_result *results, size_t *count)
{
    uint64_t seed = (uint64_t)request->seed;
    struct crew *crew = crew_create((uint32_t)request->callers);
    int status = crew ? CLI_OK : CLI_FAILED;

    *count = 0;
    for (size_t i = 0; i < comparisons(request) && status == CLI_OK && !cli_interrupted(); i++) {
        struct ab_result *result = &results[*count];
        request->dtype = request->dtypes.dtypes[i / request->sizes.count];
        status = measure_size(request, i, crew, &seed, result);
        if (status == CLI_OK && result->pairs.count > 0)
            ++*count;
    }
    crew_destroy(crew);
    return status;
}

int cli_ab(int argc, char **argv)
{
    if (argc > 1 && !strcmp(argv[1], "compare"))
        return ab_compare(argc - 1, argv + 1);
    if (ab_program_is_asked(argc, argv))
        return ab_program(argc, argv);

    struct ab_request request = {.pairs = AB_PAIRS_MAX,
                                 .seed = (int64_t)time(NULL),
                                 .seconds = 3,
                                 .limit = 60,
                                 .same = 1,
                                 .level = 95};
    struct facts_moment begin;
    size_t count;
    int status = ab_options_parse(argc, argv, &request);

    if (status < 0)
        return cli_help(ab_usage, ab_text);
    if (!status)
        status = ab_options_check(&request);
    if (!status && request.write_profile)
        status = ab_profile_check(&request);
    if (status)
        return status;
    if (request.replay)
        return ab_replay(&request);
    struct ab_result *results = calloc(comparisons(&request), sizeof *results);
    if (!results)
        return cli_fail(CLI_FAILED, "no memory for %zu results", comparisons(&request));
    cli_catch_interrupt();
    facts_moment_now(&begin);
    count = 0;
    status = ab_watch_start(request.limit) ? measure(&request, results, &count) : CLI_FAILED;
    /* What differs must not look like a result: of that size nothing is shown. */
    if (count > 0 || status == CLI_OK) {
        int reported = ab_report(&request, results, count, &begin);
        status = status ? status : reported;
    }
    for (size_t i = 0; i < comparisons(&request); i++)
        free(results[i].pairs.pairs);
    free(results);
    return status == CLI_OK && cli_interrupted() ? CLI_INTERRUPTED : status;
}
