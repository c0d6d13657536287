/* SPDX-License-Identifier: BSD-3-Clause */
#include "ab_report.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "cli.h"
#include "output.h"
#include "stopwatch.h"

static double median_seconds(const struct ab_pairs *pairs, bool of_a)
{
    double values[AB_PAIRS_MAX];

    for (size_t i = 0; i < pairs->count; i++)
        values[i] = of_a ? pairs->pairs[i].a : pairs->pairs[i].b;
    return stopwatch_median(values, pairs->count);
}

static double largest_floor(const struct ab_result *results, size_t count)
{
    double largest = 0;

    for (size_t i = 0; i < count; i++)
        largest = fmax(largest, results[i].pairs.floor);
    return largest;
}

static void print_side(struct output_table *table, const struct ab_pairs *pairs, bool of_a)
{
    const struct ab_side *side = of_a ? &pairs->a : &pairs->b;
    char cell[OUTPUT_CELL];

    output_cell(table, "%s", output_seconds(median_seconds(pairs, of_a), cell));
    output_cell(table, "%s x%u", side->backend, side->threads);
}

static void print_table(const struct ab_request *request, const struct ab_result *results,
                        size_t count)
{
    static const char *const head[] = {"op", "type",   "size", "A",        "ran on",
                                       "B",  "ran on", "A/B",  "interval", "verdict"};
    struct output_table table;

    printf("A: %s   B: %s   callers: %lld\n\n", request->a, request->b,
           (long long)request->callers);
    output_table_init(&table, "llrrlrlrrl");
    for (size_t i = 0; i < sizeof head / sizeof *head; i++)
        output_cell(&table, "%s", head[i]);
    for (size_t i = 0; i < count; i++) {
        const struct ab_pairs *pairs = &results[i].pairs;
        char cell[OUTPUT_CELL];
        output_cell(&table, "%s", request->op);
        output_cell(&table, "%s", options_dtype_name(request->dtype));
        output_cell(&table, "%s",
                    strchr(results[i].shape, 'x') ? results[i].shape
                                                  : output_count(results[i].size, cell));
        print_side(&table, pairs, true);
        print_side(&table, pairs, false);
        output_cell(&table, "%.3f", pairs->interval.ratio);
        if (isfinite(pairs->interval.high))
            output_cell(&table, "%.3f .. %.3f", pairs->interval.low, pairs->interval.high);
        else
            output_cell(&table, "too few pairs");
        output_cell(&table, "%s", ab_verdict_text(pairs->verdict));
    }
    output_table_print(&table);
    output_table_finish(&table);
}

static void print_notes(const struct ab_request *request, const struct ab_result *results,
                        size_t count)
{
    double difference = 0;
    bool bits = count > 0 && results[0].verified.bits;
    size_t pairs = 0;

    for (size_t i = 0; i < count; i++) {
        difference = fmax(difference, results[i].verified.difference);
        pairs += results[i].pairs.count;
    }
    if (bits)
        puts("\nresults: the same bits");
    else
        printf("\nresults: agree, largest difference %.2g of the largest element\n", difference);
    printf("%zu pairs; %g %% confidence for all sizes together; A against itself: off by up to "
           "%.2f %%\n",
           pairs, request->level, 100 * largest_floor(results, count));
}

static json_t *side_json(const struct ab_pairs *pairs, bool of_a)
{
    const struct ab_side *side = of_a ? &pairs->a : &pairs->b;

    return json_pack("{s:s, s:s, s:s, s:I, s:f, s:I}", "spec", side->spec, "backend", side->backend,
                     "variant", side->variant, "threads", (json_int_t)side->threads, "seconds",
                     median_seconds(pairs, of_a), "calls_per_sample", (json_int_t)side->calls);
}

static json_t *samples_json(const struct ab_pairs *pairs)
{
    json_t *samples = json_array();

    for (size_t i = 0; i < pairs->count; i++)
        json_array_append_new(samples,
                              json_pack("{s:f, s:f, s:f, s:b}", "a", pairs->pairs[i].a, "a_again",
                                        pairs->pairs[i].a_again, "b", pairs->pairs[i].b, "a_first",
                                        pairs->pairs[i].a_first));
    return samples;
}

static json_t *result_json(const struct ab_request *request, const struct ab_result *result)
{
    const struct ab_pairs *pairs = &result->pairs;
    bool known = isfinite(pairs->interval.high);

    return json_pack(
        "{s:s, s:s, s:f, s:s, s:I, s:f, s:o, s:o, s:s, s:b, s:b, s:f, s:f, s:o, s:o, s:o}", "op",
        request->op, "dtype", options_dtype_name(request->dtype), "size", result->size, "shape",
        result->shape, "callers", (json_int_t)request->callers, "ratio", pairs->interval.ratio,
        "low", known ? json_real(pairs->interval.low) : json_null(), "high",
        output_number(pairs->interval.high), "verdict", ab_verdict_text(pairs->verdict), "verified",
        result->verified.agree, "same_bits_required", result->verified.bits, "difference",
        result->verified.difference, "noise_floor", pairs->floor, "a", side_json(pairs, true), "b",
        side_json(pairs, false), "samples", samples_json(pairs));
}

static int print_json(const struct ab_request *request, const struct ab_result *results,
                      size_t count, const struct facts *facts, json_t *warnings)
{
    json_t *list = json_array();

    for (size_t i = 0; i < count; i++)
        json_array_append_new(list, result_json(request, &results[i]));
    return output_json(json_pack(
        "{s:i, s:o, s:f, s:f, s:f, s:I, s:b, s:o, s:o}", "schema", 1, "results", list,
        "noise_floor", largest_floor(results, count), "level", request->level / 100, "same",
        request->same / 100, "seed", (json_int_t)request->seed, "interrupted", cli_interrupted(),
        "environment", facts_json(facts), "warnings", json_incref(warnings)));
}

int ab_report(const struct ab_request *request, const struct ab_result *results, size_t count,
              const struct facts_moment *begin)
{
    struct facts_disturbance disturbance = facts_since(begin);
    json_t *warnings = json_array();
    struct facts facts;
    int status = CLI_OK;

    cli_progress_end();
    facts_read(&facts);
    if (!request->json && count > 0) {
        print_table(request, results, count);
        print_notes(request, results, count);
        fflush(stdout);
    }
    facts_warn(&facts, &disturbance, warnings);
    if (request->json)
        status = print_json(request, results, count, &facts, warnings);
    json_decref(warnings);
    return status;
}
