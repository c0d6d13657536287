/* SPDX-License-Identifier: BSD-3-Clause */
/* `treadle ab --env A --env B -- PROGRAM`: whole runs of a program, as pairs like calls. */
#include "ab_program.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "ab_document.h"
#include "ab_run.h"
#include "ab_store.h"
#include "cli.h"
#include "command_line.h"
#include "output.h"
#include "stopwatch.h"

struct request {
    struct cli_texts changes; /* what --env said, A's first */
    const char *save;
    char **program;
    char shown[OUTPUT_CELL]; /* the program and its arguments */
    int64_t pairs, seed;
    double seconds, same, level;
    struct ab_limit fail_if;
    bool json;
};

/** Both sides, while they are measured; `pairs` comes first, so that it leads here. */
struct programs {
    struct ab_pairs pairs;
    struct ab_run runs[2];
    double cpu[2]; /* seconds, added */
    size_t count[2];
    bool outputs_differ;
};

bool ab_program_is_asked(int argc, char **argv)
{
    for (int i = 1; i < argc; i++)
        if (!strcmp(argv[i], "--"))
            return true;
    return false;
}

static int parse(int argc, char **argv, struct request *request)
{
    const struct cli_option options[] = {
        {"env", cli_take_texts, .to = &request->changes},
        {"time", cli_take_number, &request->seconds, 0.01, 86400},
        {"pairs", cli_take_count, &request->pairs, 1, AB_PAIRS_MAX},
        {"same", cli_take_number, &request->same, 0, 50},
        {"level", cli_take_number, &request->level, 50, 99.99},
        {"seed", cli_take_count, &request->seed, 1, AB_SEED_MAX},
        {"save", cli_take_text, .to = &request->save},
        {"fail-if", ab_limit_take, .to = &request->fail_if},
        {"json", .to = &request->json},
        {.name = NULL}};
    int status = cli_parse("ab", argc, argv, options, true);

    if (status)
        return status;
    if (strcmp(argv[optind - 1], "--"))
        return cli_fail(CLI_USAGE,
                        "ab: '%s' stands before --; a program is compared by --env alone",
                        argv[optind]);
    if (optind == argc)
        return cli_fail(CLI_USAGE, "ab: there is no program behind --");
    if (request->changes.count != 2)
        return cli_fail(CLI_USAGE,
                        "ab: a program needs --env twice, A's first, but it was given %zu times",
                        request->changes.count);
    request->program = argv + optind;
    return CLI_OK;
}

static void show_program(struct request *request)
{
    size_t used = 0;

    for (char **word = request->program; *word && used < sizeof request->shown; word++)
        used += (size_t)snprintf(request->shown + used, sizeof request->shown - used, "%s%s",
                                 used ? " " : "", *word);
}

static bool measure(struct ab_pairs *pairs, struct ab_side *side, double *seconds)
{
    struct programs *programs = (struct programs *)pairs;
    int i = side == &pairs->b;
    struct ab_run *run = &programs->runs[i], *other = &programs->runs[!i];

    if (!ab_run(run, (char)('A' + i)))
        return false;
    *seconds = run->seconds;
    programs->cpu[i] += run->cpu_seconds;
    programs->count[i]++;
    programs->outputs_differ |= other->seconds > 0 && run->output != other->output;
    return true;
}

/* ---- what comes out ------------------------------------------------------------------------- */

static json_t *side_json(const struct request *request, const struct programs *programs, int i)
{
    return json_pack("{s:s, s:f, s:f, s:i}", "spec", request->changes.texts[i], "seconds",
                     ab_document_seconds(&programs->pairs, i == 0), "cpu_seconds",
                     programs->cpu[i] / (double)programs->count[i], "calls_per_sample", 1);
}

static json_t *document_of(const struct request *request, const struct programs *programs,
                           const struct facts *facts, json_t *warnings)
{
    const struct ab_interval *interval = &programs->pairs.interval;
    bool known = isfinite(interval->high);
    json_t *result = json_pack(
        "{s:s, s:s, s:i, s:s, s:i, s:f, s:o, s:o, s:s, s:b, s:f, s:o, s:o, s:o}", "op", "program",
        "dtype", "", "size", 0, "shape", request->shown, "callers", 1, "ratio", interval->ratio,
        "low", known ? json_real(interval->low) : json_null(), "high",
        output_number(interval->high), "verdict", ab_verdict_text(programs->pairs.verdict),
        "verified", !programs->outputs_differ, "noise_floor", programs->pairs.floor, "a",
        side_json(request, programs, 0), "b", side_json(request, programs, 1), "samples",
        ab_document_samples(&programs->pairs));

    return json_pack("{s:i, s:s, s:s, s:[o], s:f, s:f, s:f, s:I, s:b, s:o, s:O}", "schema",
                     AB_SCHEMA, "a", request->changes.texts[0], "b", request->changes.texts[1],
                     "results", result, "noise_floor", programs->pairs.floor, "level",
                     request->level / 100, "same", request->same / 100, "seed",
                     (json_int_t)request->seed, "interrupted", cli_interrupted(), "environment",
                     facts_json(facts), "warnings", warnings);
}

static void print_table(const struct request *request, const struct programs *programs)
{
    static const char *const head[] = {"",    "environment", "time",   "CPU",
                                       "A/B", "interval",    "verdict"};
    const struct ab_interval *interval = &programs->pairs.interval;
    struct output_table table;

    printf("%s\n\n", request->shown);
    output_table_init(&table, "llrrrrl");
    for (size_t i = 0; i < sizeof head / sizeof *head; i++)
        output_cell(&table, "%s", head[i]);
    for (int i = 0; i < 2; i++) {
        char cell[OUTPUT_CELL];
        output_cell(&table, "%c", 'A' + i);
        output_cell(&table, "%s", request->changes.texts[i]);
        output_cell(&table, "%s",
                    output_seconds(ab_document_seconds(&programs->pairs, i == 0), cell));
        output_cell(&table, "%s",
                    output_seconds(programs->cpu[i] / (double)programs->count[i], cell));
        for (int empty = 0; empty < 3 && i == 0; empty++)
            output_cell(&table, "%s", "");
    }
    output_cell(&table, "%.3f", interval->ratio);
    if (isfinite(interval->high))
        output_cell(&table, "%.3f .. %.3f", interval->low, interval->high);
    else
        output_cell(&table, "too few pairs");
    output_cell(&table, "%s", ab_verdict_text(programs->pairs.verdict));
    output_table_print(&table);
    output_table_finish(&table);
    printf("\nstdout: %s\n%zu pairs; %g %% confidence; A against itself: off by %.2f %%\n",
           programs->outputs_differ ? "not the same in all runs" : "the same in all runs",
           programs->pairs.count, request->level, 100 * programs->pairs.floor);
}

/* Below this the start of a program, with its libraries, may be most of a run. */
static const double short_run = 0.02;

static void warn_of_short_runs(const struct programs *programs, json_t *warnings)
{
    double seconds = ab_document_seconds(&programs->pairs, true);
    char text[128];

    if (seconds >= short_run)
        return;
    snprintf(text, sizeof text, "a run takes %.1f ms only, much of it to start the program",
             1e3 * seconds);
    facts_warn_of(text, warnings);
}

static int report(const struct request *request, const struct programs *programs,
                  const struct facts_moment *begin)
{
    struct facts_disturbance disturbance = facts_since(begin);
    const struct ab_interval *interval = &programs->pairs.interval;
    json_t *warnings = json_array();
    struct facts facts;
    int status = CLI_OK;

    cli_progress_end();
    facts_read(&facts);
    facts_warn(&facts, &disturbance, warnings);
    warn_of_short_runs(programs, warnings);
    json_t *document = document_of(request, programs, &facts, warnings);
    json_decref(warnings);
    if (request->json)
        status = output_json(json_incref(document));
    else
        print_table(request, programs);
    if (!status && request->save && !ab_store_save(request->save, document))
        status = CLI_FAILED;
    json_decref(document);
    if (!status && ab_limit_exceeded(&request->fail_if, interval->low, interval->high))
        status = cli_fail(CLI_LIMIT, "ab: B is %s than A by more than %g %%",
                          request->fail_if.slower ? "slower" : "faster", 100 * request->fail_if.by);
    return status;
}

static int compare(struct request *request, struct programs *programs)
{
    uint64_t seed = (uint64_t)request->seed;
    struct facts_moment begin;

    programs->pairs =
        (struct ab_pairs){.what = request->shown,
                          .measure = measure,
                          .seed = &seed,
                          .level = request->level / 100,
                          .same = request->same / 100,
                          .comparisons = 1,
                          .most = (size_t)request->pairs,
                          .seconds = request->seconds,
                          .pairs = calloc((size_t)request->pairs, sizeof *programs->pairs.pairs)};
    if (!programs->pairs.pairs)
        return cli_fail(CLI_FAILED, "ab: no memory for %lld pairs", (long long)request->pairs);
    cli_catch_interrupt();
    facts_moment_now(&begin);
    int status = ab_pairs_measure(&programs->pairs) ? CLI_OK : CLI_FAILED;
    if (status == CLI_OK && programs->pairs.count > 0)
        status = report(request, programs, &begin);
    free(programs->pairs.pairs);
    return status == CLI_OK && cli_interrupted() ? CLI_INTERRUPTED : status;
}

int ab_program(int argc, char **argv)
{
    struct request request = {
        .pairs = AB_PAIRS_MAX, .seed = (int64_t)time(NULL), .seconds = 30, .same = 1, .level = 95};
    struct programs programs = {.outputs_differ = false};
    int status = parse(argc, argv, &request);

    if (status < 0)
        return cli_help(ab_usage, ab_text);
    if (status)
        return status;
    show_program(&request);
    for (int i = 0; i < 2; i++) {
        programs.runs[i].arguments = request.program;
        programs.runs[i].environment = ab_run_environment("ab: --env", request.changes.texts[i]);
    }
    status = programs.runs[0].environment && programs.runs[1].environment
                 ? compare(&request, &programs)
                 : CLI_USAGE;
    for (int i = 0; i < 2; i++)
        ab_run_free_environment(programs.runs[i].environment);
    return status;
}
