/* SPDX-License-Identifier: BSD-3-Clause */
/* `treadle bench`: options, the cases one after the other, the tables and the JSON. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <treadle/treadle.h>

#include "bench_case.h"
#include "cli.h"
#include "dispatch.h"
#include "facts.h"
#include "limits.h"
#include "options.h"
#include "output.h"
#include "workload.h"

static const char usage[] = "bench [OP...] [OPTION...]\n       treadle bench dispatch [--json]";
static const char text[] =
    "Time operations on every backend that has them, and tight loops of our own that find what\n"
    "the machine can do at best (bytes per second with and without non-temporal stores, fused\n"
    "multiply-adds per second), all in turn in the same run. Shown are the time of a call, the\n"
    "rate, its share of the best loop with as many threads, and how many times faster than serial\n"
    "it is.\n"
    "'bench dispatch' finds what a call of one element costs beyond the kernel itself.\n"
    "docs/measuring.md says more.\n\n"
    "  --sizes SIZES    1e3,1e5 or 1000x1000 or 1e3:1e7:log (1e3,1e5,1e7; 100,1000 for products\n"
    "                   and linear algebra)\n"
    "  --dtype TYPE     f64, f32, i64, c128, ... (f64)\n"
    "  --axis AXES      for reductions: 0, -1, or 0,2 (all axes)\n"
    "  --threads LIST   numbers of threads to try (1 and the machine's limit)\n"
    "  --time SECONDS   per operation and size; three rounds are made in any case (1)\n"
    "  --json           as JSON\n"
    "  --help           this text\n\n"
    "Examples:\n"
    "  treadle bench\n"
    "  treadle bench matmul --sizes 64,256,1000 --dtype f32\n"
    "  treadle bench add sum --sizes 1e7 --threads 1,2,4\n"
    "  treadle bench dispatch --json\n";

enum { SIZES = 256, DTYPE, AXIS, THREADS, TIME, THREADS_MAX = 4096 };

struct request {
    const char *sizes_text, *axes;
    struct treadle_dtype dtype;
    struct options_counts threads;
    double seconds;
    bool json;
};

/** Where the rows of all cases are gathered. */
struct report {
    struct output_table results, limits;
    json_t *results_json, *limits_json;
};

static int parse(int argc, char **argv, struct request *request)
{
    static const struct option options[] = {
        {"sizes", required_argument, NULL, SIZES}, {"dtype", required_argument, NULL, DTYPE},
        {"axis", required_argument, NULL, AXIS},   {"threads", required_argument, NULL, THREADS},
        {"time", required_argument, NULL, TIME},   {"json", no_argument, NULL, 'j'},
        {"help", no_argument, NULL, 'h'},          {NULL, 0, NULL, 0}};
    int option;

    opterr = 0;
    while ((option = getopt_long(argc, argv, ":", options, NULL)) != -1) {
        if (option == 'h')
            return -1;
        if (option == '?' || option == ':')
            return cli_bad_option("bench", argc, argv, option);
        if (option == 'j')
            request->json = true;
        else if (option == SIZES)
            request->sizes_text = optarg;
        else if (option == AXIS)
            request->axes = optarg;
        else if ((option == DTYPE && !options_dtype("bench: --dtype", optarg, &request->dtype)) ||
                 (option == THREADS &&
                  !options_counts("bench: --threads", optarg, 1, THREADS_MAX, &request->threads)) ||
                 (option == TIME &&
                  !options_number("bench: --time", optarg, 0.01, 3600, &request->seconds)))
            return CLI_USAGE;
    }
    return CLI_OK;
}

static bool sizes_for(const struct request *request, const char *op, struct options_shapes *sizes)
{
    const struct options_shape one = {{1}, 1};
    struct workload load;

    /* The op's class decides about the usual sizes; a wrong op is found here. */
    if (!workload_plan(&load, "bench", op, request->dtype, &one, 1, request->axes))
        return false;
    const char *usual = workload_is_memory_bound(&load) ? "1e3,1e5,1e7" : "100,1000";
    return options_shapes("bench: --sizes", request->sizes_text ? request->sizes_text : usual,
                          sizes);
}

/** Whether all ops, sizes and axes go together, before the first is measured. */
static bool check_ops(const struct request *request, char **ops, int nops)
{
    struct options_shapes sizes;
    struct workload load;

    for (int i = 0; i < nops; i++) {
        if (!sizes_for(request, ops[i], &sizes))
            return false;
        for (size_t s = 0; s < sizes.count; s++) {
            if (!workload_plan(&load, "bench", ops[i], request->dtype, &sizes.shapes[s], 1,
                               request->axes))
                return false;
            if (workload_elements(&load, 0) == 0) {
                cli_fail(CLI_USAGE, "bench: --sizes: a size of 0 cannot be measured");
                return false;
            }
        }
    }
    return true;
}

static const char *unit_of(const struct workload *load)
{
    return workload_is_memory_bound(load) ? "GB/s" : "GFLOP/s";
}

static void add_limit_row(const struct bench_case *bench, const struct bench_contender *limit,
                          const char *shape, struct report *report)
{
    const char *unit = limits_is_memory(limit->kind) ? "GB/s" : "GFLOP/s";
    double rate = 1e-9 * bench_rate(limit);

    output_cell(&report->limits, "%s", limits_name(limit->kind));
    output_cell(&report->limits, "%s %s", bench->load.op, shape);
    output_cell(&report->limits, "%u", limit->used.threads);
    output_cell(&report->limits, "%.1f %s", rate, unit);
    json_array_append_new(report->limits_json,
                          json_pack("{s:s, s:s, s:s, s:I, s:f, s:s}", "kind",
                                    limits_name(limit->kind), "op", bench->load.op, "shape", shape,
                                    "threads", (json_int_t)limit->used.threads, "rate", rate,
                                    "unit", unit));
}

static void add_result_row(const struct bench_case *bench, const struct bench_contender *row,
                           const char *shape, struct report *report)
{
    const struct workload *load = &bench->load;
    const struct bench_contender *limit = bench_limit(bench, row->used.threads);
    double rate = 1e-9 * bench_rate(row), share = bench_share(bench, row, limit);
    char cell[OUTPUT_CELL];

    output_cell(&report->results, "%s", load->op);
    output_cell(&report->results, "%s", options_dtype_name(load->dtype));
    output_cell(&report->results, "%s",
                load->args[0].ndim == 1 ? output_count(workload_size(load), cell) : shape);
    output_cell(&report->results, "%s%s%s", row->backend,
                strcmp(row->backend, row->used.backend) ? ": " : "",
                strcmp(row->backend, row->used.backend) ? row->used.backend : "");
    output_cell(&report->results, "%s", row->used.variant);
    output_cell(&report->results, "%u", row->used.threads);
    output_cell(&report->results, "%s", output_seconds(row->median, cell));
    output_cell(&report->results, "%.1f %s", rate, unit_of(load));
    output_cell(&report->results, "%.0f %%", 100 * share);
    if (isnan(row->ratio))
        output_cell(&report->results, "-");
    else
        output_cell(&report->results, "%.2f", row->ratio);
    json_array_append_new(
        report->results_json,
        json_pack(
            "{s:s, s:s, s:f, s:s, s:s, s:s, s:s, s:I, s:I, s:f, s:f, s:s, s:f, s:f, s:o, s:I}",
            "op", load->op, "dtype", options_dtype_name(load->dtype), "size", workload_size(load),
            "shape", shape, "backend", row->backend, "served_by", row->used.backend, "variant",
            row->used.variant, "threads", (json_int_t)row->used.threads, "threads_asked",
            (json_int_t)row->threads_asked, "ns", 1e9 * row->median, "rate", rate, "unit",
            unit_of(load), "limit", 1e-9 * bench_rate(limit), "share", share, "ratio_to_serial",
            output_number(row->ratio), "rounds", (json_int_t)bench->rounds));
}

static void add_rows(const struct bench_case *bench, struct report *report)
{
    char shape[64];

    workload_shape_text(&bench->load, shape, sizeof shape);
    for (size_t i = 0; i < bench->count; i++)
        if (bench->contenders[i].loop)
            add_limit_row(bench, &bench->contenders[i], shape, report);
        else
            add_result_row(bench, &bench->contenders[i], shape, report);
}

static bool measure_case(const struct request *request, const char *op,
                         const struct options_shape *size, struct report *report)
{
    struct bench_case *bench = calloc(1, sizeof *bench);
    bool done = bench &&
                workload_plan(&bench->load, "bench", op, request->dtype, size, 1, request->axes) &&
                workload_allocate(&bench->load, 1) && bench_case_gather(bench, &request->threads) &&
                bench_case_measure(bench, request->seconds);

    if (!bench)
        cli_fail(CLI_FAILED, "no memory for a benchmark");
    else if (bench->rounds > 0)
        add_rows(bench, report);
    if (bench)
        bench_case_finish(bench);
    free(bench);
    return done;
}

static bool measure(const struct request *request, char **ops, int nops, struct report *report)
{
    struct options_shapes sizes;

    for (int i = 0; i < nops; i++) {
        if (!sizes_for(request, ops[i], &sizes))
            return false;
        for (size_t s = 0; s < sizes.count && !cli_interrupted(); s++)
            if (!measure_case(request, ops[i], &sizes.shapes[s], report))
                return false;
    }
    return true;
}

static void report_init(struct report *report)
{
    static const char *const heads[] = {"op",      "type", "size", "backend",  "kernel",
                                        "threads", "time", "rate", "of limit", "x serial"};
    static const char *const limit_heads[] = {"limit", "for", "threads", "rate"};

    *report = (struct report){.results_json = json_array(), .limits_json = json_array()};
    output_table_init(&report->results, "llrllrrrrr");
    output_table_init(&report->limits, "llrr");
    for (size_t i = 0; i < sizeof heads / sizeof *heads; i++)
        output_cell(&report->results, "%s", heads[i]);
    for (size_t i = 0; i < sizeof limit_heads / sizeof *limit_heads; i++)
        output_cell(&report->limits, "%s", limit_heads[i]);
}

static int print(const struct request *request, struct report *report,
                 const struct facts_moment *begin)
{
    struct facts_disturbance disturbance = facts_since(begin);
    json_t *warnings = json_array();
    struct facts facts;

    cli_progress_end();
    facts_read(&facts);
    if (!request->json) {
        output_table_print(&report->results);
        printf("\nThe limits, measured in between (%s loops):\n", limits_isa());
        output_table_print(&report->limits);
        fflush(stdout);
    }
    output_table_finish(&report->results);
    output_table_finish(&report->limits);
    facts_warn(&facts, &disturbance, warnings);
    json_t *root = json_pack("{s:i, s:o, s:o, s:s, s:b, s:o, s:o}", "schema", 1, "results",
                             report->results_json, "limits", report->limits_json, "limits_isa",
                             limits_isa(), "interrupted", cli_interrupted(), "environment",
                             facts_json(&facts), "warnings", warnings);
    if (request->json)
        return output_json(root);
    json_decref(root);
    return CLI_OK;
}

static int bench_dispatch(const struct request *request, int nops)
{
    struct dispatch_cost cost;

    if (nops > 1 || request->sizes_text || request->axes || request->threads.count)
        return cli_fail(CLI_USAGE, "bench: dispatch is measured alone and takes only --json");
    if (!cli_init_library() || !dispatch_measure(&cost))
        return CLI_FAILED;
    if (request->json)
        return output_json(json_pack("{s:f, s:f, s:f}", "dispatch_ns", cost.dispatch_ns, "call_ns",
                                     cost.call_ns, "direct_ns", cost.direct_ns));
    printf("add of one f64: %.1f ns by treadle_binary(), %.1f ns by the kernel's pointer, "
           "dispatch %.1f ns\n",
           cost.call_ns, cost.direct_ns, cost.dispatch_ns);
    return CLI_OK;
}

/** Without --threads: one, and as many as there are. */
static void choose_threads(struct request *request)
{
    if (request->threads.count)
        return;
    request->threads.counts[request->threads.count++] = 1;
    if (treadle_get_num_threads() > 1)
        request->threads.counts[request->threads.count++] = treadle_get_num_threads();
}

int cli_bench(int argc, char **argv)
{
    static char *usual_ops[] = {"add", "sum", "matmul"};
    struct request request = {.dtype = {TREADLE_FLOAT, 64, 1}, .seconds = 1};
    struct facts_moment begin;
    struct report report;
    int status = parse(argc, argv, &request), nops = argc - optind;
    char **ops = argv + optind;

    if (status)
        return status < 0 ? cli_help(usage, text) : status;
    if (nops > 0 && !strcmp(ops[0], "dispatch"))
        return bench_dispatch(&request, nops);
    if (nops == 0) {
        ops = usual_ops;
        nops = sizeof usual_ops / sizeof *usual_ops;
    }
    if (!check_ops(&request, ops, nops))
        return CLI_USAGE;
    if (!cli_init_library())
        return CLI_FAILED;
    cli_ignore_others();
    choose_threads(&request);
    report_init(&report);
    cli_catch_interrupt();
    facts_moment_now(&begin);
    bool done = measure(&request, ops, nops, &report);
    status = print(&request, &report, &begin);
    return !done ? CLI_FAILED : cli_interrupted() ? CLI_INTERRUPTED : status;
}
