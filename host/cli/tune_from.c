/* SPDX-License-Identifier: BSD-3-Clause */
#include "tune_from.h"

#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "facts.h"
#include "member.h"
#include "stopwatch.h"
#include "tune_times.h"

static const double share_of_others_most = 0.1;

/** A word of a profile: what a file says must not become other lines. */
static bool is_word(const char *text)
{
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyz0123456789_-.";
    size_t length = strlen(text);

    return length > 0 && length < 32 && strspn(text, allowed) == length;
}

static bool is_level(double callers)
{
    return callers == 1 || callers == 2 || callers == 4 || callers == 8;
}

/** Costs are those of contiguous operands that lie in the caches. A live result does not tell. */
static bool is_usual(const json_t *result)
{
    static const char *const usual[][2] = {
        {"layout", "contiguous"}, {"cache", "warm"}, {"output", "reused"}};

    for (size_t i = 0; i < sizeof usual / sizeof *usual; i++) {
        const char *text = member_text(result, usual[i][0]);
        if (*text && strcmp(text, usual[i][1]))
            return false;
    }
    return !json_is_true(json_object_get(result, "in_place")) &&
           member_number(result, "work") > 0 && is_level(member_number(result, "callers")) &&
           is_word(member_text(result, "op")) && is_word(member_text(result, "dtype"));
}

/** A quarter of the samples is faster: neighbours only ever make one longer. */
static double quartile_of(const json_t *result, const char *side)
{
    const json_t *samples = json_object_get(result, "samples");
    size_t count = json_array_size(samples), i;
    double *values = count > 0 ? malloc(count * sizeof *values) : NULL, quartile = 0;
    json_t *sample;

    if (!values)
        return 0;
    json_array_foreach(samples, i, sample) values[i] = member_number(sample, side);
    stopwatch_median(values, count); /* sorts them */
    quartile = values[count / 4];
    free(values);
    return quartile;
}

static void add(struct tune_times *times, const json_t *result, const char *backend, double seconds,
                double threads)
{
    if (seconds > 0 && threads >= 1 && threads <= 4096)
        tune_times_add(
            times, backend,
            (struct tune_sample){member_number(result, "work"), seconds, (int32_t)threads});
}

static void add_result(struct tune_times *times, const json_t *result)
{
    static const char *const sides[] = {"a", "b"};
    const json_t *alone;
    size_t i;

    for (i = 0; i < 2; i++) {
        const json_t *side = json_object_get(result, sides[i]);
        add(times, result, member_text(side, "backend"), quartile_of(result, sides[i]),
            member_number(side, "threads"));
    }
    json_array_foreach(json_object_get(result, "alone"), i, alone)
        add(times, result, member_text(alone, "backend"), member_number(alone, "seconds"), 1);
}

static bool is_alike(const json_t *a, const json_t *b)
{
    return !strcmp(member_text(a, "op"), member_text(b, "op")) &&
           !strcmp(member_text(a, "dtype"), member_text(b, "dtype")) &&
           member_number(a, "callers") == member_number(b, "callers");
}

/** Whether an earlier result has taken it along. */
static bool is_done(const json_t *results, size_t i)
{
    for (size_t k = 0; k < i; k++)
        if (is_usual(json_array_get(results, k)) &&
            is_alike(json_array_get(results, k), json_array_get(results, i)))
            return true;
    return false;
}

size_t tune_from_results(const json_t *results, struct tune_profile *profile)
{
    struct tune_times *times = malloc(sizeof *times);
    size_t found = 0, i, k;
    json_t *first, *other;

    if (!times)
        exit(cli_fail(CLI_FAILED, "no memory for a profile"));
    json_array_foreach(results, i, first)
    {
        if (!is_usual(first) || is_done(results, i))
            continue;
        times->op = member_text(first, "op");
        times->dtype = member_text(first, "dtype");
        times->callers = (uint32_t)member_number(first, "callers");
        times->count = 0;
        json_array_foreach(results, k, other) if (is_usual(other) && is_alike(first, other))
            add_result(times, other);
        found += tune_times_put(times, profile);
    }
    free(times);
    return found;
}

bool tune_is_quiet(const struct facts_disturbance *disturbance)
{
    return disturbance->others + disturbance->stolen < share_of_others_most;
}

bool tune_from_here(const char *what, const char *name, const json_t *document)
{
    const json_t *environment = json_object_get(document, "environment");
    struct facts facts;

    facts_read(&facts);
    json_t *here = facts_json(&facts);
    bool good = !strcmp(member_text(environment, "cpu"), facts.cpu) &&
                !strcmp(member_text(environment, "version"), member_text(here, "version"));
    if (!good)
        cli_fail(CLI_USAGE,
                 "%s: %s is of \"%.80s\" with version \"%.40s\", and here is \"%s\" "
                 "with version \"%s\"",
                 what, name, member_text(environment, "cpu"), member_text(environment, "version"),
                 facts.cpu, member_text(here, "version"));
    json_decref(here);
    return good;
}
