/* SPDX-License-Identifier: BSD-3-Clause */
#include "bench_report.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "bench_page_html.h"
#include "cli.h"

static const char *const heads[] = {"op",   "type", "size",     "backend",  "kernel", "threads",
                                    "time", "rate", "of limit", "x serial", "limit"};

void bench_report_init(struct bench_report *report)
{
    *report = (struct bench_report){
        .results = json_array(), .limits = json_array(), .machine = json_array()};
    output_table_init(&report->table, "llrllrrrrrl");
    for (size_t i = 0; i < sizeof heads / sizeof *heads; i++)
        output_cell(&report->table, "%s", heads[i]);
}

static const char *unit_of(bool memory)
{
    return memory ? "GB/s" : "GFLOP/s";
}

/** Arithmetic on one element counts as one operation, a multiply-add as two, a copy as none. */
static double operations_of(const struct workload *load)
{
    if (!workload_is_memory_bound(load))
        return load->flops;
    double elements = (double)workload_elements(load, 0);
    return load->class == WORKLOAD_DOT ? 2 * elements : strcmp(load->op, "copy") ? elements : 0;
}

static void add_limit(struct bench_report *report, const struct bench_case *bench,
                      const struct bench_contender *limit, const char *shape)
{
    json_array_append_new(report->limits,
                          json_pack("{s:s, s:s, s:s, s:I, s:f, s:s}", "kind",
                                    limits_name(limit->kind), "op", bench->load.op, "shape", shape,
                                    "threads", (json_int_t)limit->used.threads, "rate",
                                    1e-9 * bench_rate(limit), "unit",
                                    unit_of(limits_is_memory(limit->kind))));
}

static void add_row(struct output_table *table, const struct bench_case *bench,
                    const struct bench_contender *row, const struct bench_contender *limit,
                    const char *shape)
{
    const struct workload *load = &bench->load;
    const char *unit = unit_of(workload_is_memory_bound(load));
    bool itself = !strcmp(row->backend, row->used.backend);
    char cell[OUTPUT_CELL];

    output_cell(table, "%s", load->op);
    output_cell(table, "%s", options_dtype_name(load->dtype));
    output_cell(table, "%s",
                load->args[0].ndim == 1 ? output_count(workload_size(load), cell) : shape);
    output_cell(table, "%s%s%s", row->backend, itself ? "" : ": ", itself ? "" : row->used.backend);
    output_cell(table, "%s", row->used.variant);
    output_cell(table, "%u", row->used.threads);
    output_cell(table, "%s", output_seconds(row->median, cell));
    output_cell(table, "%.1f %s", 1e-9 * bench_rate(row), unit);
    output_cell(table, "%.0f %%", 100 * bench_share(bench, row, limit));
    if (isnan(row->ratio))
        output_cell(table, "-");
    else
        output_cell(table, "%.2f", row->ratio);
    output_cell(table, "%.1f %s, %s", 1e-9 * bench_rate(limit), unit, limits_name(limit->kind));
}

static json_t *call_json(const struct workload *load, const char *shape)
{
    return json_pack("{s:s, s:s, s:f, s:s, s:f, s:f}", "op", load->op, "dtype",
                     options_dtype_name(load->dtype), "size", workload_size(load), "shape", shape,
                     "bytes", load->bytes, "operations", operations_of(load));
}

static void add_result(struct bench_report *report, const struct bench_case *bench,
                       const struct bench_contender *row, const char *shape)
{
    const struct bench_contender *limit = bench_limit(bench, row->used.threads);
    json_t *result = call_json(&bench->load, shape);
    json_t *found = json_pack(
        "{s:s, s:s, s:s, s:I, s:I, s:f, s:f, s:s, s:f, s:s, s:f, s:o, s:I}", "backend",
        row->backend, "served_by", row->used.backend, "variant", row->used.variant, "threads",
        (json_int_t)row->used.threads, "threads_asked", (json_int_t)row->threads_asked, "ns",
        1e9 * row->median, "rate", 1e-9 * bench_rate(row), "unit",
        unit_of(workload_is_memory_bound(&bench->load)), "limit", 1e-9 * bench_rate(limit),
        "limit_kind", limits_name(limit->kind), "share", bench_share(bench, row, limit),
        "ratio_to_serial", output_number(row->ratio), "rounds", (json_int_t)bench->rounds);

    json_object_update(result, found);
    json_decref(found);
    json_array_append_new(report->results, result);
    add_row(&report->table, bench, row, limit, shape);
}

void bench_report_add(struct bench_report *report, const struct bench_case *bench)
{
    char shape[64];

    workload_shape_text(&bench->load, shape, sizeof shape);
    for (size_t i = 0; i < bench->count; i++)
        if (bench->contenders[i].loop)
            add_limit(report, bench, &bench->contenders[i], shape);
        else
            add_result(report, bench, &bench->contenders[i], shape);
}

void bench_report_machine(struct bench_report *report, const struct limits_table *table)
{
    for (size_t i = 0; i < table->count; i++) {
        const struct limits_row *row = &table->rows[i];
        json_array_append_new(
            report->machine,
            json_pack("{s:s, s:f, s:s, s:I, s:f, s:s}", "level", row->level, "bytes", row->bytes,
                      "kind", limits_name(row->kind), "threads", (json_int_t)row->threads, "rate",
                      1e-9 * row->rate, "unit", unit_of(limits_is_memory(row->kind))));
    }
}

/** A row for each level, loop by loop. */
static void print_machine(const json_t *machine)
{
    struct output_table table;
    const char *level, *kind, *unit;
    json_int_t threads;
    double rate;
    size_t i;
    json_t *row;

    printf("\nThe machine's limits, by loops in each cache:\n");
    output_table_init(&table, "llrr");
    for (i = 0; i < 4; i++)
        output_cell(&table, "%s", (const char *const[]){"in", "limit", "threads", "rate"}[i]);
    json_array_foreach(machine, i, row)
    {
        json_unpack(row, "{s:s, s:s, s:I, s:f, s:s}", "level", &level, "kind", &kind, "threads",
                    &threads, "rate", &rate, "unit", &unit);
        output_cell(&table, "%s", level);
        output_cell(&table, "%s", kind);
        output_cell(&table, "%lld", (long long)threads);
        output_cell(&table, "%.1f %s", rate, unit);
    }
    output_table_print(&table);
    output_table_finish(&table);
}

static void print(const struct bench_report *report)
{
    output_table_print(&report->table);
    printf("\nEach limit is the best loop (%s) over the same arrays, in turn with the calls.\n",
           limits_isa());
    if (json_array_size(report->machine) > 0)
        print_machine(report->machine);
    fflush(stdout);
}

int bench_report_finish(struct bench_report *report, bool json, const char *html,
                        const struct facts_moment *begin)
{
    struct facts_disturbance disturbance = facts_since(begin);
    json_t *warnings = json_array();
    struct facts facts;

    cli_progress_end();
    facts_read(&facts);
    if (!json)
        print(report);
    output_table_finish(&report->table);
    facts_warn(&facts, &disturbance, warnings);
    json_t *root = json_pack("{s:i, s:o, s:o, s:o, s:s, s:b, s:o, s:o}", "schema", 1, "results",
                             report->results, "limits", report->limits, "machine", report->machine,
                             "limits_isa", limits_isa(), "interrupted", cli_interrupted(),
                             "environment", facts_json(&facts), "warnings", warnings);
    bool good = !html || output_page("bench: --html", html, (const char *)bench_page_html, root);
    int status = json ? output_json(json_incref(root)) : CLI_OK;
    json_decref(root);
    return good ? status : CLI_FAILED;
}
