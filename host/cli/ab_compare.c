/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * `treadle ab compare`: how B against A has changed between two saved results. Times of two days
 * cannot be compared, ratios can: A is the yardstick that was measured beside B both times.
 */
#include "ab_compare.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ab_limit.h"
#include "ab_options.h"
#include "ab_statistics.h"
#include "ab_store.h"
#include "cli.h"
#include "command_line.h"
#include "member.h"
#include "output.h"

/** One call that both results have: new ratio over old ratio, above 1 if B has gained. */
struct change {
    const json_t *old, *new;
    struct ab_interval interval;
    const char *verdict;
};

struct request {
    const char *old, *new;
    struct ab_limit fail_if;
    double same; /* per cent */
    bool json;
};

static int parse(int argc, char **argv, struct request *request)
{
    const struct cli_option options[] = {{"fail-if", ab_limit_take, .to = &request->fail_if},
                                         {"same", cli_take_number, &request->same, 0, 50},
                                         {"json", .to = &request->json},
                                         {.name = NULL}};
    int status = cli_parse("ab compare", argc, argv, options, false);

    if (status)
        return status;
    if (argc - optind != 2)
        return cli_fail(CLI_USAGE,
                        "ab compare: needs two saved results, but %d were given; see 'treadle ab "
                        "--help'",
                        argc - optind);
    request->old = argv[optind];
    request->new = argv[optind + 1];
    return CLI_OK;
}

/** Is it the same call? */
static bool same_call(const json_t *a, const json_t *b)
{
    static const char *const members[] = {"op",     "dtype",    "shape", "callers",
                                          "layout", "in_place", "cache", "output"};

    for (size_t i = 0; i < sizeof members / sizeof *members; i++) {
        const json_t *x = json_object_get(a, members[i]), *y = json_object_get(b, members[i]);
        if ((x || y) && !json_equal(x, y)) /* a program has no layout */
            return false;
    }
    return true;
}

static const json_t *find_call(const json_t *document, const json_t *call)
{
    size_t i;
    json_t *result;

    json_array_foreach(json_object_get(document, "results"), i,
                       result) if (same_call(result, call)) return result;
    return NULL;
}

/** Both intervals hold with the confidence of their runs; the worst of both ends is kept. */
static struct change change_of(const json_t *old, const json_t *new, double same)
{
    struct change change = {.old = old, .new = new, .verdict = "undecided"};

    change.interval.ratio = member_number(new, "ratio") / member_number(old, "ratio");
    change.interval.high = INFINITY;
    if (!json_is_number(json_object_get(old, "high")) ||
        !json_is_number(json_object_get(new, "high")))
        return change;
    change.interval.low = member_number(new, "low") / member_number(old, "high");
    change.interval.high = member_number(new, "high") / member_number(old, "low");
    if (change.interval.low > 1 + same)
        change.verdict = "B gained";
    else if (change.interval.high < 1 / (1 + same))
        change.verdict = "B lost";
    else if (change.interval.low >= 1 / (1 + same) && change.interval.high <= 1 + same)
        change.verdict = "same";
    return change;
}

static void ratio_cell(struct output_table *table, const json_t *result)
{
    if (json_is_number(json_object_get(result, "high")))
        output_cell(table, "%.3f (%.3f .. %.3f)", member_number(result, "ratio"),
                    member_number(result, "low"), member_number(result, "high"));
    else
        output_cell(table, "%.3f (too few pairs)", member_number(result, "ratio"));
}

static void print_table(const struct change *changes, size_t count)
{
    static const char *const head[] = {"op",      "type",     "size",   "A/B then",
                                       "A/B now", "now/then", "verdict"};
    struct output_table table;

    output_table_init(&table, "llrrrrl");
    for (size_t i = 0; i < sizeof head / sizeof *head; i++)
        output_cell(&table, "%s", head[i]);
    for (size_t i = 0; i < count; i++) {
        const json_t *new = changes[i].new;
        output_cell(&table, "%s", json_string_value(json_object_get(new, "op")));
        output_cell(&table, "%s", json_string_value(json_object_get(new, "dtype")));
        output_cell(&table, "%s", json_string_value(json_object_get(new, "shape")));
        ratio_cell(&table, changes[i].old);
        ratio_cell(&table, new);
        output_cell(&table, "%.3f", changes[i].interval.ratio);
        output_cell(&table, "%s", changes[i].verdict);
    }
    output_table_print(&table);
    output_table_finish(&table);
}

static json_t *change_json(const struct change *change)
{
    const json_t *new = change->new;

    return json_pack("{s:O, s:O, s:O, s:O, s:f, s:f, s:f, s:f, s:o, s:s}", "op",
                     json_object_get(new, "op"), "dtype", json_object_get(new, "dtype"), "size",
                     json_object_get(new, "size"), "callers", json_object_get(new, "callers"),
                     "old_ratio", member_number(change->old, "ratio"), "new_ratio",
                     member_number(new, "ratio"), "change", change->interval.ratio, "low",
                     change->interval.low, "high", output_number(change->interval.high), "verdict",
                     change->verdict);
}

static int print(const struct request *request, const struct change *changes, size_t count)
{
    json_t *list = json_array();

    for (size_t i = 0; i < count && request->json; i++)
        json_array_append_new(list, change_json(&changes[i]));
    if (request->json)
        return output_json(json_pack("{s:i, s:s, s:s, s:o}", "schema", 1, "old", request->old,
                                     "new", request->new, "changes", list));
    json_decref(list);
    print_table(changes, count);
    return CLI_OK;
}

static int judge(const struct request *request, const struct change *changes, size_t count)
{
    int status = CLI_OK;

    for (size_t i = 0; i < count; i++)
        if (ab_limit_exceeded(&request->fail_if, changes[i].interval.low, changes[i].interval.high))
            status = cli_fail(
                CLI_LIMIT, "ab compare: %s of %s: B has become %s against A by more than %g %%",
                json_string_value(json_object_get(changes[i].new, "op")),
                json_string_value(json_object_get(changes[i].new, "shape")),
                request->fail_if.slower ? "slower" : "faster", 100 * request->fail_if.by);
    return status;
}

static int compare(const struct request *request, const json_t *old, const json_t *new)
{
    const json_t *results = json_object_get(new, "results");
    struct change *changes = calloc(json_array_size(results) + 1, sizeof *changes);
    size_t count = 0, left_out = 0, i;
    json_t *result;

    if (!changes)
        return cli_fail(CLI_FAILED, "ab compare: no memory");
    json_array_foreach(results, i, result)
    {
        const json_t *before = find_call(old, result);
        if (before)
            changes[count++] = change_of(before, result, request->same / 100);
        else
            left_out++;
    }
    int status = count > 0 ? print(request, changes, count)
                           : cli_fail(CLI_USAGE, "ab compare: %s and %s have no call in common",
                                      request->old, request->new);
    if (count > 0 && left_out > 0)
        fprintf(stderr, "treadle: ab compare: %zu of %s are not in %s\n", left_out, request->new,
                request->old);
    status = status ? status : judge(request, changes, count);
    free(changes);
    return status;
}

int ab_compare(int argc, char **argv)
{
    struct request request = {.same = 1};
    int status = parse(argc, argv, &request);

    if (status < 0)
        return cli_help(ab_usage, ab_text);
    if (status)
        return status;
    json_t *old = ab_store_load("ab compare", request.old),
           *new = old ? ab_store_load("ab compare", request.new) : NULL;
    status = new ? compare(&request, old, new) : CLI_USAGE;
    json_decref(old);
    json_decref(new);
    return status;
}
