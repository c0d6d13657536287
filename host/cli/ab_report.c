/* SPDX-License-Identifier: BSD-3-Clause */
#include "ab_report.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "ab_document.h"
#include "ab_profile.h"
#include "ab_store.h"
#include "ab_text.h"
#include "cli.h"
#include "output.h"

static void print_side(struct output_table *table, const struct ab_result *result, bool of_a)
{
    const struct ab_pairs *pairs = &result->pairs;
    const struct ab_side *side = of_a ? &pairs->a : &pairs->b;
    char cell[OUTPUT_CELL];
    const struct ab_rate rate = ab_document_rate(result, of_a);

    output_cell(table, "%s", output_seconds(ab_document_seconds(pairs, of_a), cell));
    if (isnan(rate.share))
        output_cell(table, "%.3g %s", rate.rate, rate.unit);
    else
        output_cell(table, "%.3g %s (%.0f %%)", rate.rate, rate.unit, 100 * rate.share);
    output_cell(table, "%s x%u", side->backend, side->threads);
}

static void print_head(const struct ab_request *request)
{
    printf("A: %s   B: %s   callers: %lld", request->given_a, request->given_b,
           (long long)request->callers);
    if (request->layout != WORKLOAD_CONTIGUOUS)
        printf("   layout: %s", workload_layout_name(request->layout));
    printf("%s%s%s\n\n", request->in_place ? "   in place" : "",
           request->cold ? "   cold caches" : "", request->fresh ? "   fresh outputs" : "");
}

static void print_table(const struct ab_request *request, const struct ab_result *results,
                        size_t count)
{
    static const char *const head[] = {
        "op",     "type", "size",     "A",      "rate (of limit)", "ran on", "B", "rate (of limit)",
        "ran on", "A/B",  "interval", "verdict"};
    struct output_table table;

    print_head(request);
    output_table_init(&table, "llrrrlrrlrrl");
    for (size_t i = 0; i < sizeof head / sizeof *head; i++)
        output_cell(&table, "%s", head[i]);
    for (size_t i = 0; i < count; i++) {
        const struct ab_pairs *pairs = &results[i].pairs;
        char cell[OUTPUT_CELL];
        output_cell(&table, "%s", request->op);
        output_cell(&table, "%s", options_dtype_name(results[i].dtype));
        output_cell(&table, "%s",
                    strchr(results[i].shape, 'x') ? results[i].shape
                                                  : output_count(results[i].size, cell));
        print_side(&table, &results[i], true);
        print_side(&table, &results[i], false);
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
           pairs, request->level, 100 * ab_document_floor(results, count));
}

static int print(const struct ab_request *request, const struct ab_result *results, size_t count,
                 json_t *document)
{
    switch (request->format) {
    case AB_JSON:
        return output_json(json_incref(document));
    case AB_MARKDOWN:
        ab_text_markdown(document);
        break;
    case AB_CSV:
        ab_text_csv(document);
        break;
    default:
        print_table(request, results, count);
        print_notes(request, results, count);
    }
    if (!fflush(stdout))
        return CLI_OK;
    return cli_fail(CLI_FAILED, "ab: the results could not be written");
}

/** Print the sizes, and say which of them --fail-if does not allow. */
static int judge(const struct ab_request *request, const struct ab_result *results, size_t count)
{
    int status = CLI_OK;

    for (size_t i = 0; i < count; i++) {
        const struct ab_interval *interval = &results[i].pairs.interval;
        if (ab_limit_exceeded(&request->fail_if, interval->low, interval->high))
            status =
                cli_fail(CLI_LIMIT, "ab: %s of %s: B is %s than A by more than %g %%", request->op,
                         results[i].shape, request->fail_if.slower ? "slower" : "faster",
                         100 * request->fail_if.by);
    }
    return status;
}

static int deliver(const struct ab_request *request, const struct ab_result *results, size_t count,
                   json_t *document)
{
    int status = CLI_OK;

    if (count > 0 || request->format == AB_JSON)
        status = print(request, results, count, document);
    if (!status && request->save && !ab_store_save(request->save, document))
        status = CLI_FAILED;
    if (!status && request->html &&
        !output_page("ab: --html", request->html, page_of_ab(), document))
        status = CLI_FAILED;
    return status ? status : judge(request, results, count);
}

int ab_report(const struct ab_request *request, const struct ab_result *results, size_t count,
              const struct facts_moment *begin)
{
    struct facts_disturbance disturbance = facts_since(begin);
    json_t *warnings = json_array(), *document;
    struct facts facts;
    int status;

    cli_progress_end();
    facts_read(&facts);
    facts_warn(&facts, &disturbance, warnings);
    document = ab_document(request, results, count, &facts, warnings);
    json_decref(warnings);
    if (!document)
        return cli_fail(CLI_FAILED, "ab: no memory for the results");
    status = deliver(request, results, count, document);
    if (!status && request->write_profile && !cli_interrupted())
        status = ab_profile_write(request, document, &disturbance);
    json_decref(document);
    return status;
}
