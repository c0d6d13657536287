/* SPDX-License-Identifier: BSD-3-Clause */
#include "ab_document.h"

#include <math.h>

#include "cli.h"
#include "output.h"
#include "stopwatch.h"

double ab_document_seconds(const struct ab_pairs *pairs, bool of_a)
{
    double values[AB_PAIRS_MAX];

    for (size_t i = 0; i < pairs->count; i++)
        values[i] = of_a ? pairs->pairs[i].a : pairs->pairs[i].b;
    return stopwatch_median(values, pairs->count);
}

double ab_document_floor(const struct ab_result *results, size_t count)
{
    double largest = 0;

    for (size_t i = 0; i < count; i++)
        largest = fmax(largest, results[i].pairs.floor);
    return largest;
}

struct ab_rate ab_document_rate(const struct ab_result *result, bool of_a)
{
    double work = result->flops > 0 ? result->flops : result->bytes;
    double limit = of_a ? result->limit_a : result->limit_b;
    struct ab_rate rate = {.rate = 1e-9 * work / ab_document_seconds(&result->pairs, of_a),
                           .limit = limit > 0 ? 1e-9 * limit : NAN,
                           .unit = result->flops > 0 ? "GFLOP/s" : "GB/s"};

    rate.share = rate.rate * result->pairs.callers / rate.limit;
    return rate;
}

static json_t *side_json(const struct ab_request *request, const struct ab_result *result,
                         bool of_a)
{
    const struct ab_side *side = of_a ? &result->pairs.a : &result->pairs.b;
    const struct ab_rate rate = ab_document_rate(result, of_a);

    return json_pack("{s:s, s:s, s:s, s:I, s:I, s:f, s:f, s:s, s:o, s:o, s:I}", "spec",
                     of_a ? request->given_a : request->given_b, "backend", side->backend,
                     "variant", side->variant, "threads", (json_int_t)side->threads, "granted",
                     (json_int_t)side->granted, "seconds",
                     ab_document_seconds(&result->pairs, of_a), "rate", rate.rate, "unit",
                     rate.unit, "limit", output_number(rate.limit), "share",
                     output_number(rate.share), "calls_per_sample", (json_int_t)side->calls);
}

json_t *ab_document_samples(const struct ab_pairs *pairs)
{
    json_t *samples = json_array();

    for (size_t i = 0; i < pairs->count; i++)
        json_array_append_new(samples,
                              json_pack("{s:f, s:f, s:f, s:b}", "a", pairs->pairs[i].a, "a_again",
                                        pairs->pairs[i].a_again, "b", pairs->pairs[i].b, "a_first",
                                        pairs->pairs[i].a_first));
    return samples;
}

/** What was called. */
static json_t *call_json(const struct ab_request *request, const struct ab_result *result)
{
    return json_pack("{s:s, s:s, s:f, s:s, s:I, s:s, s:b, s:s, s:s}", "op", request->op, "dtype",
                     options_dtype_name(result->dtype), "size", result->size, "shape",
                     result->shape, "callers", (json_int_t)request->callers, "layout",
                     workload_layout_name(request->layout), "in_place", request->in_place, "cache",
                     request->cold ? "cold" : "warm", "output",
                     request->fresh ? "fresh" : "reused");
}

static json_t *alone_json(const struct ab_result *result)
{
    json_t *list = json_array();

    for (size_t i = 0; i < 2; i++)
        if (result->alone[i].seconds > 0)
            json_array_append_new(list, json_pack("{s:s, s:f}", "backend", result->alone[i].backend,
                                                  "seconds", result->alone[i].seconds));
    return list;
}

static json_t *result_json(const struct ab_request *request, const struct ab_result *result)
{
    const struct ab_pairs *pairs = &result->pairs;
    bool known = isfinite(pairs->interval.high);
    json_t *json = call_json(request, result);
    json_t *found = json_pack(
        "{s:f, s:o, s:o, s:s, s:b, s:b, s:f, s:f, s:o, s:o, s:o}", "ratio", pairs->interval.ratio,
        "low", known ? json_real(pairs->interval.low) : json_null(), "high",
        output_number(pairs->interval.high), "verdict", ab_verdict_text(pairs->verdict), "verified",
        result->verified.agree, "same_bits_required", result->verified.bits, "difference",
        result->verified.difference, "noise_floor", pairs->floor, "a",
        side_json(request, result, true), "b", side_json(request, result, false), "samples",
        ab_document_samples(pairs));

    json_object_update(json, found);
    json_decref(found);
    if (result->work > 0) {
        json_object_set_new(json, "work", json_real(result->work));
        json_object_set_new(json, "alone", alone_json(result));
    }
    return json;
}

json_t *ab_document(const struct ab_request *request, const struct ab_result *results, size_t count,
                    const struct facts *facts, json_t *warnings)
{
    json_t *list = json_array();

    for (size_t i = 0; i < count; i++)
        json_array_append_new(list, result_json(request, &results[i]));
    return json_pack("{s:i, s:s, s:s, s:o, s:f, s:f, s:f, s:I, s:b, s:o, s:O}", "schema", AB_SCHEMA,
                     "a", request->given_a, "b", request->given_b, "results", list, "noise_floor",
                     ab_document_floor(results, count), "level", request->level / 100, "same",
                     request->same / 100, "seed", (json_int_t)request->seed, "interrupted",
                     cli_interrupted(), "environment", facts_json(facts), "warnings", warnings);
}
