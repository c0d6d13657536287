/* SPDX-License-Identifier: BSD-3-Clause */
/* `treadle tune`: measure this machine, and write down what calls cost. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <treadle/treadle.h>

#include "ab_store.h"
#include "cli.h"
#include "command_line.h"
#include "crew.h"
#include "facts.h"
#include "options.h"
#include "output.h"
#include "stopwatch.h"
#include "tune_case.h"
#include "tune_fit.h"
#include "tune_from.h"
#include "tune_profile.h"
#include "tune_times.h"

static const char usage[] = "tune [OP...] [OPTION...]";
static const char text[] =
    "Measure what operations cost on this machine, with one and more callers at a time, and write\n"
    "it into a profile, from which programs then choose backends and threads. Without a profile\n"
    "careful built-in costs hold. Ctrl-C keeps what was measured.\n\n"
    "  --dtype TYPES    f64, f32, ... (f64,f32)\n"
    "  --callers LIST   calls at the same time: 1, 2, 4 or 8 (up to twice the cores)\n"
    "  --sizes LIST     elements, or n of n x n matrices (some that tell)\n"
    "  --rounds N       samples of each (7)\n"
    "  --from FILE      measure nothing: take costs from what 'treadle ab' has saved, or a "
    "program\n"
    "                   under TREADLE_AB; again for more files\n"
    "  --only-missing   leave alone what the profile has\n"
    "  --dry-run        measure and show, but write nothing\n"
    "  --anyway         keep what was measured beside busy processes\n"
    "  --all            time the choice of auto too, and more threads than a caller's share\n"
    "  --json           as JSON, with all samples\n"
    "  --help           this text\n\n"
    "Examples:\n"
    "  treadle tune\n"
    "  treadle tune add sum --dry-run\n"
    "  treadle tune --only-missing\n"
    "  treadle tune --from monday.json\n";

static const char *const usual_ops[] = {"add", "sqrt",     "sum", "dot",  "matmul", "solve",
                                        "inv", "cholesky", "qr",  "eigh", "svd"};

/* Around the sizes at which threads, or a library's kernels, begin to pay, and some beyond. */
static const char vector_sizes[] = "3000,10000,30000,100000,400000,2000000",
                  matrix_sizes[] = "8,16,24,48,96,192,384";

enum { OPS_MAX = 32, CALLERS_MOST = 8, TRIES = 3 };

struct request {
    const char *ops[OPS_MAX];
    size_t nops;
    struct options_dtypes dtypes;
    struct cli_texts from;
    struct options_counts callers;
    const char *sizes;
    int64_t rounds;
    bool missing, dry, all, anyway, json;
};

/** Everything that was asked for, and how far it is. */
struct tuning {
    const struct request *request;
    struct tune_profile profile;
    struct tune_case *tune; /* too large for the stack */
    json_t *cells;
    size_t done, left_out, total; /* groups */
    double begin;
};

/* ---- one operation and type with so many callers: a line for each backend ----------------------
 */

struct group {
    struct treadle_dtype dtype;
    struct tune_times times;
};

static json_t *side_json(const struct tune_case *tune, const struct tune_side *side)
{
    json_t *seconds = json_array();

    for (size_t r = 0; r < tune->rounds; r++)
        json_array_append_new(seconds, json_real(side->seconds[r]));
    return json_pack("{s:s, s:i, s:f, s:o}", "backend", side->backend, "threads", side->threads,
                     "median", side->median, "seconds", seconds);
}

static void keep(struct tuning *tuning, struct group *group)
{
    const struct tune_case *tune = tuning->tune;
    json_t *sides = json_array();

    for (size_t i = 0; i < tune->count; i++) {
        const struct tune_side *side = &tune->sides[i];
        json_array_append_new(sides, side_json(tune, side));
        if (side->threads > 0)
            tune_times_add(&group->times, side->backend,
                           (struct tune_sample){tune->work, side->quartile, side->threads});
    }
    json_array_append_new(tuning->cells,
                          json_pack("{s:s, s:s, s:f, s:I, s:f, s:o}", "op", group->times.op,
                                    "dtype", group->times.dtype, "size", tune->size, "callers",
                                    (json_int_t)group->times.callers, "work", tune->work, "sides",
                                    sides));
}

static void show_progress(const struct tuning *tuning, const struct group *group)
{
    double gone = stopwatch_now() - tuning->begin;
    double left =
        gone / (double)(tuning->done ? tuning->done : 1) * (double)(tuning->total - tuning->done);

    cli_progress("tune: %s %s, %u caller%s: %zu of %zu, %.0f s left", group->times.op,
                 group->times.dtype, group->times.callers, group->times.callers == 1 ? "" : "s",
                 tuning->done + 1, tuning->total, left);
}

static bool measure_sizes(struct tuning *tuning, struct group *group, struct crew *crew,
                          const struct options_shapes *sizes)
{
    for (size_t i = 0; i < sizes->count && !cli_interrupted(); i++) {
        *tuning->tune = (struct tune_case){.op = group->times.op,
                                           .dtype = group->dtype,
                                           .shape = sizes->shapes[i],
                                           .callers = group->times.callers};
        show_progress(tuning, group);
        if (!tune_case_measure(tuning->tune, crew, (size_t)tuning->request->rounds,
                               tuning->request->all))
            return false;
        if (tuning->tune->rounds > 0)
            keep(tuning, group);
    }
    return true;
}

/**
 * Measure until nobody disturbs. In what others leave of the machine a second thread never pays:
 * after some tries such costs are dropped. Who asks for auto too compares it round by round.
 */
static bool measure_quietly(struct tuning *tuning, struct group *group, struct crew *crew,
                            const struct options_shapes *sizes, bool *quiet)
{
    bool any = tuning->request->anyway || tuning->request->all;
    struct facts_moment begin;

    *quiet = false;
    for (int i = 0; i < TRIES && !*quiet && !cli_interrupted(); i++) {
        group->times.count = 0;
        facts_moment_now(&begin);
        if (!measure_sizes(tuning, group, crew, sizes))
            return false;
        const struct facts_disturbance disturbance = facts_since(&begin);
        *quiet = any || tune_is_quiet(&disturbance);
    }
    return true;
}

static bool measure_group(struct tuning *tuning, struct group *group)
{
    struct options_shapes sizes;
    struct workload load;
    const struct options_shape any = {{8}, 1};

    if (!workload_plan(&load, "tune", group->times.op, group->dtype, &any, 1, NULL) ||
        !options_shapes("tune: --sizes",
                        tuning->request->sizes            ? tuning->request->sizes
                        : workload_is_memory_bound(&load) ? vector_sizes
                                                          : matrix_sizes,
                        &sizes))
        return false;
    struct crew *crew = crew_create(group->times.callers);
    bool quiet, good = crew && measure_quietly(tuning, group, crew, &sizes, &quiet);
    crew_destroy(crew);
    if (!good || cli_interrupted())
        return good;
    tuning->done++;
    tuning->left_out += !quiet;
    if (!quiet)
        return true;
    tune_times_put(&group->times, &tuning->profile);
    return tuning->request->dry || tune_profile_write(&tuning->profile);
}

/* ---- all of them -------------------------------------------------------------------------------
 */

static bool runs(const char *op, struct treadle_dtype dtype)
{
    struct treadle_decision decision;
    struct workload load;
    const struct options_shape any = {{8}, 1};

    return workload_plan(&load, "tune", op, dtype, &any, 1, NULL) &&
           !treadle_explain(load.op, load.args, load.nargs, load.nin, load.attrs, 1, &decision);
}

static bool is_wanted(const struct tuning *tuning, const struct group *group)
{
    return runs(group->times.op, group->dtype) &&
           !(tuning->request->missing &&
             tune_profile_has(&tuning->profile, group->times.op, group->times.dtype, "serial",
                              group->times.callers));
}

/** Counts the groups if `measure` is false. Returns false if one failed. */
static bool each_group(struct tuning *tuning, struct group *group, bool measure)
{
    const struct request *request = tuning->request;
    size_t all = request->nops * request->dtypes.count * request->callers.count;

    for (size_t i = 0; i < all && !cli_interrupted(); i++) {
        group->times.op = request->ops[i / (request->dtypes.count * request->callers.count)];
        group->dtype = request->dtypes.dtypes[i / request->callers.count % request->dtypes.count];
        group->times.dtype = options_dtype_name(group->dtype);
        group->times.callers = (uint32_t)request->callers.counts[i % request->callers.count];
        group->times.count = 0;
        if (!is_wanted(tuning, group))
            continue;
        if (!measure)
            tuning->total++;
        else if (!measure_group(tuning, group))
            return false;
    }
    return true;
}

static void show_table(const struct tuning *tuning)
{
    struct output_table table;
    static const char *const head[] = {"op",       "type",    "backend", "callers",    "call ns",
                                       "start ns", "each ns", "unit fs", "spread/1000"};
    char word[9][OUTPUT_CELL];

    output_table_init(&table, "lllrrrrrr");
    for (size_t c = 0; c < 9; c++)
        output_cell(&table, "%s", head[c]);
    for (size_t i = 0; i < tuning->profile.count; i++) {
        sscanf(tuning->profile.costs[i], "cost %63s %63s %63s %63s %63s %63s %63s %63s %63s",
               word[0], word[1], word[2], word[3], word[4], word[5], word[6], word[7], word[8]);
        for (size_t c = 0; c < 9; c++)
            output_cell(&table, "%s", word[c]);
    }
    output_table_print(&table);
    output_table_finish(&table);
}

static int report(struct tuning *tuning, const struct facts *facts)
{
    bool written = !tuning->request->dry && tuning->done > tuning->left_out;
    json_t *costs = json_array();

    for (size_t i = 0; i < tuning->profile.count; i++)
        json_array_append_new(costs, json_string(tuning->profile.costs[i]));
    if (tuning->request->json)
        return output_json(json_pack("{s:i, s:s, s:b, s:b, s:o, s:O, s:o}", "schema", 1, "path",
                                     tuning->profile.path, "written", written, "interrupted",
                                     cli_interrupted(), "costs", costs, "cells", tuning->cells,
                                     "environment", facts_json(facts)));
    json_decref(costs);
    show_table(tuning);
    printf("\n%s %s\n", written ? "Written to" : "Not written to", tuning->profile.path);
    return CLI_OK;
}

static int tune(const struct request *request)
{
    struct tuning tuning = {.request = request, .cells = json_array()};
    struct group *group = calloc(1, sizeof *group);
    struct facts_moment begin;
    struct facts facts;
    int status = CLI_FAILED;

    tuning.tune = calloc(1, sizeof *tuning.tune);
    facts_read(&facts);
    if (group && tuning.tune && tune_profile_open(&tuning.profile, "tune", !request->dry)) {
        cli_catch_interrupt();
        facts_moment_now(&begin);
        each_group(&tuning, group, false);
        tuning.begin = stopwatch_now();
        bool good = each_group(&tuning, group, true);
        cli_progress_end();
        const struct facts_disturbance disturbance = facts_since(&begin);
        facts_warn(&facts, &disturbance, NULL);
        status = good ? report(&tuning, &facts) : CLI_FAILED;
        if (status == CLI_OK && tuning.left_out > 0)
            status = cli_fail(CLI_FAILED,
                              "tune: %zu of %zu were disturbed by other processes and left out; "
                              "'treadle tune --only-missing' tries them again, and "
                              "--anyway takes them",
                              tuning.left_out, tuning.total);
    }
    tune_profile_finish(&tuning.profile);
    json_decref(tuning.cells);
    free(tuning.tune);
    free(group);
    return status == CLI_OK && cli_interrupted() ? CLI_INTERRUPTED : status;
}

/* ---- what others have measured ----------------------------------------------------------------
 */

/** The results of all files; NULL after a sentence. */
static json_t *load_results(const struct request *request)
{
    json_t *results = json_array();

    for (size_t i = 0; i < request->from.count; i++) {
        json_t *document = ab_store_load("tune: --from", request->from.texts[i]);
        bool good = document && tune_from_here("tune: --from", request->from.texts[i], document);
        if (good)
            json_array_extend(results, json_object_get(document, "results"));
        json_decref(document);
        if (!good) {
            json_decref(results);
            return NULL;
        }
    }
    return results;
}

static int put_results(struct tuning *tuning, const json_t *results)
{
    struct facts facts;

    tuning->done = tune_from_results(results, &tuning->profile);
    if (tuning->done == 0)
        return cli_fail(CLI_FAILED, "tune: --from: no backend was seen on one thread at two sizes, "
                                    "or with more threads where the profile knows one");
    if (!tuning->request->dry && !tune_profile_write(&tuning->profile))
        return CLI_FAILED;
    facts_read(&facts);
    return report(tuning, &facts);
}

static int take_over(const struct request *request)
{
    struct tuning tuning = {.request = request};
    json_t *results = load_results(request);
    int status = CLI_FAILED;

    if (!results)
        return CLI_USAGE;
    tuning.cells = json_array();
    if (tune_profile_open(&tuning.profile, "tune", !request->dry))
        status = put_results(&tuning, results);
    tune_profile_finish(&tuning.profile);
    json_decref(tuning.cells);
    json_decref(results);
    return status;
}

/* ---- what was asked for ------------------------------------------------------------------------
 */

/** Returns CLI_OK, CLI_USAGE, or -1 after --help. */
static int parse(int argc, char **argv, struct request *request)
{
    const struct cli_option options[] = {
        {"dtype", cli_take_dtypes, .to = &request->dtypes},
        {"callers", cli_take_counts, &request->callers, 1, CALLERS_MOST},
        {"sizes", cli_take_text, .to = &request->sizes},
        {"rounds", cli_take_count, &request->rounds, 3, TUNE_ROUNDS_MAX},
        {"from", cli_take_texts, .to = &request->from},
        {"only-missing", .to = &request->missing},
        {"dry-run", .to = &request->dry},
        {"all", .to = &request->all},
        {"anyway", .to = &request->anyway},
        {"json", .to = &request->json},
        {.name = NULL}};

    return cli_parse("tune", argc, argv, options, false);
}

static bool is_power_of_two(int64_t n)
{
    return (n & (n - 1)) == 0;
}

/** The costs are a line through several sizes. */
static bool check_sizes(const struct request *request)
{
    struct options_shapes sizes = {.count = 2};

    if (request->sizes && !options_shapes("tune: --sizes", request->sizes, &sizes))
        return false;
    for (size_t i = 0; request->sizes && i < sizes.count; i++)
        for (int32_t k = 0; k < sizes.shapes[i].ndim; k++)
            if (sizes.shapes[i].extents[k] < 1) {
                cli_fail(CLI_USAGE, "tune: --sizes: '%s': a size is at least 1", request->sizes);
                return false;
            }
    if (sizes.count < 2 && !request->dry)
        cli_fail(CLI_USAGE, "tune: --sizes: '%s': costs take two sizes at least", request->sizes);
    return sizes.count >= 2 || request->dry;
}

/** The files say what was measured. */
static int check_from(int argc, const struct request *request)
{
    if (optind == argc && !request->sizes && request->callers.count == 0 && !request->missing &&
        !request->all && !request->anyway)
        return CLI_OK;
    return cli_fail(CLI_USAGE, "tune: --from: goes with --dry-run and --json only");
}

static int check(int argc, char **argv, struct request *request)
{
    const struct options_shape any = {{8}, 1};
    struct workload load;

    if (request->from.count > 0)
        return check_from(argc, request);
    if (!check_sizes(request))
        return CLI_USAGE;
    for (size_t i = 0; i < request->callers.count; i++)
        if (!is_power_of_two(request->callers.counts[i]))
            return cli_fail(CLI_USAGE, "tune: --callers: allowed are 1, 2, 4 and 8");
    if (argc - optind > OPS_MAX)
        return cli_fail(CLI_USAGE, "tune: more than %d operations", OPS_MAX);
    for (int i = optind; i < argc; i++) {
        if (!workload_plan(&load, "tune", argv[i], request->dtypes.dtypes[0], &any, 1, NULL))
            return CLI_USAGE;
        request->ops[request->nops++] = argv[i];
    }
    return CLI_OK;
}

static void fill_in(struct request *request)
{
    int64_t most = 2 * (int64_t)treadle_get_num_threads();

    if (request->nops == 0) {
        request->nops = sizeof usual_ops / sizeof *usual_ops;
        memcpy(request->ops, usual_ops, sizeof usual_ops);
    }
    if (request->callers.count == 0)
        for (int64_t k = 1; k <= most && k <= CALLERS_MOST; k *= 2)
            request->callers.counts[request->callers.count++] = k;
}

int cli_tune(int argc, char **argv)
{
    struct request request = {.dtypes = {{{TREADLE_FLOAT, 64, 1}, {TREADLE_FLOAT, 32, 1}}, 2},
                              .rounds = 7};
    int status = parse(argc, argv, &request);

    if (status == -1)
        return cli_help(usage, text);
    if (status == CLI_OK)
        status = check(argc, argv, &request);
    if (status != CLI_OK)
        return status;
    if (!cli_init_library())
        return CLI_FAILED;
    if (request.from.count > 0)
        return take_over(&request);
    fill_in(&request);
    return tune(&request);
}
