/* SPDX-License-Identifier: BSD-3-Clause */
/* `treadle explain`: what would be done with a call. */
#include <math.h>
#include <stdio.h>

#include <treadle/treadle.h>

#include "cli.h"
#include "command_line.h"
#include "options.h"
#include "output.h"
#include "workload.h"

static const char usage[] = "explain OP SHAPE... [OPTION...]";
static const char text[] =
    "Say what would be done with a call: which backend and kernel, with how many threads, and "
    "why.\n"
    "Nothing is run. A SHAPE is that of an input: 1000x1000, 10000000 or 1e7; inputs without one\n"
    "follow from the first, and for matmul and linear algebra 1000 means 1000x1000.\n\n"
    "  --dtype TYPE     f64, f32, i64, c128, ... (f64)\n"
    "  --axis AXES      for reductions: 0, -1, or 0,2 (all axes)\n"
    "  --callers K      calls in flight to assume, this one included (as it is now)\n"
    "  --backend SPEC   as in TREADLE_BACKEND (what is set there)\n"
    "  --json           as JSON\n"
    "  --help           this text\n\n"
    "Examples:\n"
    "  treadle explain add 1e7\n"
    "  treadle explain sum 1000x1000 --axis 0 --dtype f32\n"
    "  treadle explain matmul 500x300 300x200 --callers 4\n";

enum { CALLERS_MAX = 1000000 };

struct request {
    const char *axes, *backend;
    struct treadle_dtype dtype;
    int64_t callers;
    bool json;
};

static int parse(int argc, char **argv, struct request *request)
{
    const struct cli_option options[] = {
        {"dtype", cli_take_dtype, .to = &request->dtype},
        {"axis", cli_take_text, .to = &request->axes},
        {"callers", cli_take_count, &request->callers, 1, CALLERS_MAX},
        {"backend", cli_take_text, .to = &request->backend},
        {"json", .to = &request->json},
        {.name = NULL}};

    return cli_parse("explain", argc, argv, options, false);
}

static int plan(int argc, char **argv, const struct request *request, struct workload *load)
{
    struct options_shape shapes[WORKLOAD_ARGS_MAX];
    int nshapes = argc - optind - 1;

    if (nshapes < 1)
        return cli_fail(CLI_USAGE,
                        "explain: needs an operation and a shape, such as 'add 1e7'; operations "
                        "are %s",
                        workload_ops());
    if (nshapes > WORKLOAD_ARGS_MAX)
        return cli_fail(CLI_USAGE, "explain: %d shapes are too many", nshapes);
    for (int i = 0; i < nshapes; i++)
        if (!options_shape("explain", argv[optind + 1 + i], &shapes[i]))
            return CLI_USAGE;
    return workload_plan(load, "explain", argv[optind], request->dtype, shapes, (size_t)nshapes,
                         request->axes)
               ? CLI_OK
               : CLI_USAGE;
}

static void print_text(const struct workload *load, const struct treadle_decision *decision)
{
    char shape[64];

    workload_shape_text(load, shape, sizeof shape);
    printf("%s %s of %s\n", load->op, options_dtype_name(load->dtype), shape);
    printf("  backend   %s%s%s\n", decision->backend, *decision->variant ? ", kernel " : "",
           decision->variant);
    printf("  threads   %u of %u wanted; %u core%s, %u caller%s\n", decision->granted,
           decision->wanted, decision->cores, decision->cores == 1 ? "" : "s", decision->callers,
           decision->callers == 1 ? "" : "s");
    printf("  size      %.6g %s; below %.6g it stays on the caller\n", decision->elements,
           workload_is_memory_bound(load) ? "elements" : "flops", ceil(decision->limit));
    printf("  because   %s\n", decision->reason);
}

static int print_json(const struct workload *load, const struct treadle_decision *decision)
{
    char shape[64];

    workload_shape_text(load, shape, sizeof shape);
    return output_json(
        json_pack("{s:i, s:s, s:s, s:s, s:s, s:s, s:I, s:I, s:I, s:I, s:f, s:f, s:s}", "schema", 1,
                  "op", load->op, "dtype", options_dtype_name(load->dtype), "shape", shape,
                  "backend", decision->backend, "variant", decision->variant, "wanted",
                  (json_int_t)decision->wanted, "granted", (json_int_t)decision->granted, "callers",
                  (json_int_t)decision->callers, "cores", (json_int_t)decision->cores, "elements",
                  decision->elements, "limit", decision->limit, "reason", decision->reason));
}

int cli_explain(int argc, char **argv)
{
    struct request request = {.dtype = {TREADLE_FLOAT, 64, 1}};
    struct treadle_decision decision;
    struct workload load;
    int status = parse(argc, argv, &request);

    if (status < 0)
        return cli_help(usage, text);
    if (!status)
        status = plan(argc, argv, &request, &load);
    if (status)
        return status;
    if (!cli_init_library())
        return CLI_FAILED;
    if (request.backend && treadle_set_thread_backend(request.backend))
        return cli_fail(CLI_USAGE, "explain: --backend: %s", treadle_last_error());
    if (treadle_explain(load.op, load.args, load.nargs, load.nin, load.attrs,
                        (uint32_t)request.callers, &decision))
        return cli_fail_library();
    if (request.json)
        return print_json(&load, &decision);
    print_text(&load, &decision);
    return CLI_OK;
}
