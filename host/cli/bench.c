/* SPDX-License-Identifier: BSD-3-Clause */
/* `treadle bench`: options, and the cases one after the other. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <treadle/treadle.h>

#include "bench_case.h"
#include "bench_report.h"
#include "cli.h"
#include "command_line.h"
#include "dispatch.h"
#include "facts.h"
#include "limits_machine.h"
#include "options.h"
#include "output.h"
#include "stopwatch.h"
#include "workload.h"

static const char usage[] = "bench [OP...] [OPTION...]\n       treadle bench dispatch [--json]";
static const char text[] =
    "Time operations on every backend that has them, and tight loops of our own that find what\n"
    "the machine can do at best (bytes per second with and without non-temporal stores, fused\n"
    "multiply-adds per second), all in turn in the same run. Shown are the time of a call, the\n"
    "rate, its share of the best loop with as many threads, and how many times faster than serial\n"
    "it is. Without OP these are all operations, and the machine's limits in each cache.\n"
    "'bench dispatch' finds what a call of one element costs beyond the kernel itself.\n"
    "docs/measuring.md says more.\n\n"
    "  --sizes SIZES    1e3,1e5 or 1000x1000 or 1e3:1e7:log (1e3,1e5,1e7; 100,1000 for products,\n"
    "                   100,300 for linear algebra)\n"
    "  --dtype TYPE     f64, f32, i64, c128, ... (f64)\n"
    "  --axis AXES      for reductions: 0, -1, or 0,2 (all axes)\n"
    "  --threads LIST   numbers of threads to try (1 and the machine's limit)\n"
    "  --time SECONDS   per operation and size; three rounds are made in any case (0.2)\n"
    "  --json           as JSON\n"
    "  --html FILE      also write a page with a roofline picture\n"
    "  --help           this text\n\n"
    "Examples:\n"
    "  treadle bench\n"
    "  treadle bench matmul --sizes 64,256,1000 --dtype f32\n"
    "  treadle bench add sum --sizes 1e7 --threads 1,2,4\n"
    "  treadle bench --html machine.html\n"
    "  treadle bench dispatch --json\n";

enum { THREADS_MAX = 4096, OPS_MAX = 64 };

struct request {
    const char *ops[OPS_MAX];
    size_t nops;
    bool all; /* operations: none was named */
    const char *sizes_text, *axes, *html;
    struct treadle_dtype dtype;
    struct options_counts threads;
    double seconds;
    bool json;
};

static int parse(int argc, char **argv, struct request *request)
{
    const struct cli_option options[] = {
        {"sizes", cli_take_text, .to = &request->sizes_text},
        {"dtype", cli_take_dtype, .to = &request->dtype},
        {"axis", cli_take_text, .to = &request->axes},
        {"threads", cli_take_counts, &request->threads, 1, THREADS_MAX},
        {"time", cli_take_number, &request->seconds, 0.01, 3600},
        {"html", cli_take_text, .to = &request->html},
        {"json", .to = &request->json},
        {.name = NULL}};

    return cli_parse("bench", argc, argv, options, false);
}

/** Are these operations? Without any, all of them. */
static int take_ops(int argc, char **argv, struct request *request)
{
    static char names[512];
    char *rest = NULL;

    if (argc - optind > OPS_MAX)
        return cli_fail(CLI_USAGE, "bench: more than %d operations", OPS_MAX);
    for (int i = optind; i < argc; i++)
        request->ops[request->nops++] = argv[i];
    request->all = request->nops == 0;
    snprintf(names, sizeof names, "%s", request->all ? workload_ops() : "");
    for (char *op = strtok_r(names, " ", &rest); op; op = strtok_r(NULL, " ", &rest))
        request->ops[request->nops++] = op;
    return CLI_OK;
}

static const char *usual_sizes(const struct workload *load)
{
    if (workload_is_memory_bound(load))
        return "1e3,1e5,1e7";
    return load->class == WORKLOAD_MATMUL ? "100,1000" : "100,300";
}

static bool sizes_for(const struct request *request, const char *op, struct options_shapes *sizes)
{
    const struct options_shape one = {{1}, 1};
    const char *text = request->sizes_text;
    struct workload load;

    /* The op's class decides about the usual sizes; a wrong op is found here. */
    if (!workload_plan(&load, "bench", op, request->dtype, &one, 1, request->axes))
        return false;
    return options_shapes("bench: --sizes", text ? text : usual_sizes(&load), sizes);
}

/** Whether all ops, sizes and axes go together, before the first is measured. */
static bool check_ops(const struct request *request)
{
    struct options_shapes sizes;
    struct workload load;

    for (size_t i = 0; i < request->nops; i++) {
        if (!sizes_for(request, request->ops[i], &sizes))
            return false;
        for (size_t s = 0; s < sizes.count; s++) {
            if (!workload_plan(&load, "bench", request->ops[i], request->dtype, &sizes.shapes[s], 1,
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

/** Of all operations, those that a backend has for the type. */
static void leave_out(struct request *request)
{
    const struct options_shape any = {{8}, 1};
    struct treadle_decision decision;
    struct workload load;
    size_t kept = 0;

    for (size_t i = 0; i < request->nops; i++)
        if (!request->all ||
            (workload_plan(&load, "bench", request->ops[i], request->dtype, &any, 1, NULL) &&
             !treadle_explain(load.op, load.args, load.nargs, load.nin, load.attrs, 1, &decision)))
            request->ops[kept++] = request->ops[i];
    request->nops = kept;
}

static bool measure_case(const struct request *request, const char *op,
                         const struct options_shape *size, struct bench_report *report)
{
    struct bench_case *bench = calloc(1, sizeof *bench);
    bool done = bench &&
                workload_plan(&bench->load, "bench", op, request->dtype, size, 1, request->axes) &&
                workload_allocate(&bench->load, 1) && bench_case_gather(bench, &request->threads) &&
                bench_case_measure(bench, request->seconds);

    if (!bench)
        cli_fail(CLI_FAILED, "no memory for a benchmark");
    else if (bench->rounds > 0)
        bench_report_add(report, bench);
    if (bench)
        bench_case_finish(bench);
    free(bench);
    return done;
}

static bool measure_machine(const struct request *request, struct bench_report *report)
{
    struct limits_table *table = calloc(1, sizeof *table);
    bool good = table && limits_machine(table, &request->threads);

    if (!table)
        cli_fail(CLI_FAILED, "no memory for the machine's limits");
    if (good)
        bench_report_machine(report, table);
    free(table);
    return good;
}

static void show_progress(const struct request *request, size_t done, double begin)
{
    double each = (stopwatch_now() - begin) / (double)(done ? done : 1);

    cli_progress("bench: %s, %zu of %zu, about %.0f s left", request->ops[done], done + 1,
                 request->nops, each * (double)(request->nops - done));
}

static bool measure(const struct request *request, struct bench_report *report)
{
    struct options_shapes sizes;

    if ((request->all || request->html) && !measure_machine(request, report))
        return false;
    double begin = stopwatch_now();
    for (size_t i = 0; i < request->nops; i++) {
        const char *op = request->ops[i];
        if (!sizes_for(request, op, &sizes))
            return false;
        for (size_t s = 0; s < sizes.count && !cli_interrupted(); s++) {
            show_progress(request, i, begin);
            if (!measure_case(request, op, &sizes.shapes[s], report))
                return false;
        }
    }
    return true;
}

static int bench_dispatch(const struct request *request, int nops)
{
    struct dispatch_cost cost;

    if (nops > 1 || request->sizes_text || request->axes || request->threads.count || request->html)
        return cli_fail(CLI_USAGE, "bench: dispatch is measured alone and takes only --json");
    if (!cli_init_library() || !dispatch_measure(&cost))
        return CLI_FAILED;
    if (request->json)
        return output_json(json_pack("{s:f, s:f, s:f, s:f}", "dispatch_ns", cost.dispatch_ns,
                                     "call_ns", cost.call_ns, "direct_ns", cost.direct_ns,
                                     "grant_ns", cost.grant_ns));
    printf("add of one f64: %.1f ns by treadle_binary(), %.1f ns by the kernel's pointer, "
           "dispatch %.1f ns\n",
           cost.call_ns, cost.direct_ns, cost.dispatch_ns);
    printf("a large call takes %.1f ns more to decide, take and give back cores, and be recorded\n",
           cost.grant_ns);
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
    struct request request = {.dtype = {TREADLE_FLOAT, 64, 1}, .seconds = 0.2};
    struct facts_moment begin;
    struct bench_report report;
    int status = parse(argc, argv, &request);

    if (status)
        return status < 0 ? cli_help(usage, text) : status;
    if (optind < argc && !strcmp(argv[optind], "dispatch"))
        return bench_dispatch(&request, argc - optind);
    status = take_ops(argc, argv, &request);
    if (status)
        return status;
    /* Which of all operations have axes is not the user's to know. */
    if (request.all && request.axes)
        return cli_fail(CLI_USAGE, "bench: --axis needs the names of reductions");
    if (!check_ops(&request))
        return CLI_USAGE;
    if (!cli_init_library())
        return CLI_FAILED;
    cli_ignore_others();
    choose_threads(&request);
    leave_out(&request);
    bench_report_init(&report);
    cli_catch_interrupt();
    facts_moment_now(&begin);
    bool done = measure(&request, &report);
    status = bench_report_finish(&report, request.json, request.html, &begin);
    return !done ? CLI_FAILED : cli_interrupted() ? CLI_INTERRUPTED : status;
}
