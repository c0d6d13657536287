/* SPDX-License-Identifier: BSD-3-Clause */
/* `treadle ab`: options, and the sizes one after the other. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <treadle/treadle.h>

#include "ab_report.h"
#include "cli.h"

static const char usage[] = "ab A B [OPTION...]";
static const char text[] =
    "Compare two backends: first whether they give the same result, then which one is faster. A\n"
    "and B are backends as in TREADLE_BACKEND: serial, openmp, blis, auto, ...; openmp:2 means\n"
    "exactly two threads, also for small arrays. Both run in this process, as pairs in balanced\n"
    "random order; shown are the median of time of A / time of B (above 1: B is faster) and its\n"
    "confidence interval. docs/measuring.md says more.\n\n"
    "  --op OP          operation (add)\n"
    "  --sizes SIZES    1e3,1e5 or 1000x1000 or a range with N sizes per decade, 1e3:1e7:logN\n"
    "                   (1e3:1e7:log; 100,300,1000 for products and linear algebra)\n"
    "  --dtype TYPE     f64, f32, i64, c128, ... (f64)\n"
    "  --axis AXES      for reductions: 0, -1, or 0,2 (all axes)\n"
    "  --callers K      threads that make such calls at the same time (1)\n"
    "  --threads N      most threads of one call (the machine's limit)\n"
    "  --time SECONDS   per size; some pairs are measured in any case (3)\n"
    "  --pairs N        at most, per size (384)\n"
    "  --same PERCENT   a difference that does not matter (1)\n"
    "  --level PERCENT  confidence, for all sizes together (95)\n"
    "  --seed N         of the data and of the order (from the clock)\n"
    "  --json           results, raw pairs and environment as JSON\n"
    "  --help           this text\n\n"
    "Examples:\n"
    "  treadle ab serial openmp\n"
    "  treadle ab openmp blis --op matmul --sizes 64,256,1000 --callers 2\n"
    "  treadle ab openmp:1 openmp:2 --op sum --sizes 1e4:1e7:log2 --dtype f32\n";

enum { CALLERS_MAX = 256, THREADS_MAX = 4096 };

enum { OP = 256, SIZES, DTYPE, AXIS, CALLERS, THREADS, TIME, PAIRS, SAME, LEVEL, SEED };

static bool take_option(struct ab_request *request, int option, const char *value)
{
    switch (option) {
    case OP:
        request->op = value;
        return true;
    case SIZES:
        request->sizes_text = value;
        return true;
    case DTYPE:
        return options_dtype("ab: --dtype", value, &request->dtype);
    case AXIS:
        request->axes = value;
        return true;
    case CALLERS:
        return options_count("ab: --callers", value, 1, CALLERS_MAX, &request->callers);
    case THREADS:
        return options_count("ab: --threads", value, 1, THREADS_MAX, &request->threads);
    case TIME:
        return options_number("ab: --time", value, 0.01, 3600, &request->seconds);
    case PAIRS:
        return options_count("ab: --pairs", value, 1, AB_PAIRS_MAX, &request->pairs);
    case SAME:
        return options_number("ab: --same", value, 0, 50, &request->same);
    case LEVEL:
        return options_number("ab: --level", value, 50, 99.99, &request->level);
    default:
        return options_count("ab: --seed", value, 1, INT64_C(1) << 53, &request->seed);
    }
}

static const char *usual_sizes(const char *op)
{
    static const char *const matrices[] = {"matmul", "svd",      "qr", "eigh",
                                           "solve",  "cholesky", "inv"};

    for (size_t i = 0; i < sizeof matrices / sizeof *matrices; i++)
        if (!strcmp(op, matrices[i]))
            return "100,300,1000";
    return "1e3:1e7:log";
}

/** Returns CLI_OK, what to exit with, or -1 after --help. */
static int parse(int argc, char **argv, struct ab_request *request)
{
    static const struct option options[] = {{"op", required_argument, NULL, OP},
                                            {"sizes", required_argument, NULL, SIZES},
                                            {"dtype", required_argument, NULL, DTYPE},
                                            {"axis", required_argument, NULL, AXIS},
                                            {"callers", required_argument, NULL, CALLERS},
                                            {"threads", required_argument, NULL, THREADS},
                                            {"time", required_argument, NULL, TIME},
                                            {"pairs", required_argument, NULL, PAIRS},
                                            {"same", required_argument, NULL, SAME},
                                            {"level", required_argument, NULL, LEVEL},
                                            {"seed", required_argument, NULL, SEED},
                                            {"json", no_argument, NULL, 'j'},
                                            {"help", no_argument, NULL, 'h'},
                                            {NULL, 0, NULL, 0}};
    int option;

    opterr = 0;
    while ((option = getopt_long(argc, argv, ":", options, NULL)) != -1) {
        if (option == 'h')
            return -1;
        if (option == '?' || option == ':')
            return cli_bad_option("ab", argc, argv, option);
        if (option == 'j')
            request->json = true;
        else if (!take_option(request, option, optarg))
            return CLI_USAGE;
    }
    if (argc - optind != 2)
        return cli_fail(CLI_USAGE,
                        "ab: needs two backends, A and B, but %d were given; see "
                        "'treadle ab --help'",
                        argc - optind);
    request->a = argv[optind];
    request->b = argv[optind + 1];
    if (!request->sizes_text)
        request->sizes_text = usual_sizes(request->op);
    return options_shapes("ab: --sizes", request->sizes_text, &request->sizes) ? CLI_OK : CLI_USAGE;
}

/** All that can be wrong is found before the first size is measured. */
static int check(const struct ab_request *request)
{
    const char *specs[] = {request->a, request->b};

    for (size_t i = 0; i < request->sizes.count; i++) {
        struct workload load;
        if (!workload_plan(&load, "ab", request->op, request->dtype, &request->sizes.shapes[i], 1,
                           request->axes))
            return CLI_USAGE;
        if (workload_elements(&load, 0) == 0)
            return cli_fail(CLI_USAGE, "ab: --sizes: a size of 0 cannot be measured");
    }
    if (!cli_init_library())
        return CLI_FAILED;
    cli_ignore_others();
    for (int i = 0; i < 2; i++)
        if (treadle_set_thread_backend(specs[i]))
            return cli_fail(CLI_USAGE, "ab: %c: %s", 'A' + i, treadle_last_error());
    treadle_set_thread_backend(NULL);
    if (request->threads && treadle_set_num_threads((int32_t)request->threads))
        return cli_fail_library();
    return CLI_OK;
}

static void finish_loads(struct workload *loads, size_t count)
{
    for (size_t i = 0; loads && i < count; i++)
        workload_finish(&loads[i]);
    free(loads);
}

/** One call per caller, each on operands of its own. */
static struct workload *make_loads(const struct ab_request *request,
                                   const struct options_shape *size)
{
    struct workload *loads = calloc((size_t)request->callers, sizeof *loads);

    for (int64_t i = 0; loads && i < request->callers; i++)
        if (!workload_plan(&loads[i], "ab", request->op, request->dtype, size, 1, request->axes) ||
            !workload_allocate(&loads[i], (uint64_t)(request->seed + i))) {
            finish_loads(loads, (size_t)request->callers);
            return NULL;
        }
    return loads;
}

static int measure_loads(struct ab_result *result)
{
    struct ab_pairs *pairs = &result->pairs;
    const struct workload *load = &pairs->loads[0];

    workload_shape_text(load, result->shape, sizeof result->shape);
    result->size = workload_size(load);
    cli_progress("%s %s: comparing the results", load->op, result->shape);
    if (!verify_backends(load, pairs->a.spec, pairs->b.spec, &result->verified))
        return CLI_FAILED;
    if (!result->verified.agree)
        return cli_fail(CLI_DIFFER, "%s %s of %s: %s (A) and %s (B) differ: %s", load->op,
                        options_dtype_name(load->dtype), result->shape, pairs->a.spec,
                        pairs->b.spec, result->verified.text);
    pairs->pairs = calloc(pairs->most, sizeof *pairs->pairs);
    if (!pairs->pairs)
        return cli_fail(CLI_FAILED, "no memory for %zu pairs", pairs->most);
    return ab_pairs_measure(pairs) ? CLI_OK : CLI_FAILED;
}

static int measure_size(const struct ab_request *request, const struct options_shape *size,
                        struct crew *crew, uint64_t *seed, struct ab_result *result)
{
    result->pairs = (struct ab_pairs){.a.spec = request->a,
                                      .b.spec = request->b,
                                      .crew = crew,
                                      .callers = (uint32_t)request->callers,
                                      .seed = seed,
                                      .level = request->level / 100,
                                      .same = request->same / 100,
                                      .comparisons = request->sizes.count,
                                      .most = (size_t)request->pairs,
                                      .seconds = request->seconds};
    result->pairs.loads = make_loads(request, size);
    if (!result->pairs.loads)
        return CLI_FAILED;
    int status = measure_loads(result);
    finish_loads(result->pairs.loads, (size_t)request->callers);
    return status;
}

/** Returns how the sizes ended; `count` is the number of results worth showing. */
static int measure(const struct ab_request *request, struct ab_result *results, size_t *count)
{
    uint64_t seed = (uint64_t)request->seed;
    struct crew *crew = crew_create((uint32_t)request->callers);
    int status = crew ? CLI_OK : CLI_FAILED;

    *count = 0;
    for (size_t i = 0; i < request->sizes.count && status == CLI_OK && !cli_interrupted(); i++) {
        struct ab_result *result = &results[*count];
        status = measure_size(request, &request->sizes.shapes[i], crew, &seed, result);
        if (status == CLI_OK && result->pairs.count > 0)
            ++*count;
    }
    crew_destroy(crew);
    return status;
}

int cli_ab(int argc, char **argv)
{
    struct ab_request request = {.op = "add",
                                 .dtype = {TREADLE_FLOAT, 64, 1},
                                 .callers = 1,
                                 .pairs = AB_PAIRS_MAX,
                                 .seed = (int64_t)time(NULL),
                                 .seconds = 3,
                                 .same = 1,
                                 .level = 95};
    struct facts_moment begin;
    size_t count;
    int status = parse(argc, argv, &request);

    if (status < 0)
        return cli_help(usage, text);
    if (!status)
        status = check(&request);
    if (status)
        return status;
    struct ab_result *results = calloc(request.sizes.count, sizeof *results);
    if (!results)
        return cli_fail(CLI_FAILED, "no memory for %zu results", request.sizes.count);
    cli_catch_interrupt();
    facts_moment_now(&begin);
    status = measure(&request, results, &count);
    /* What differs must not look like a result: of that size nothing is shown. */
    if (count > 0 || status == CLI_OK) {
        int reported = ab_report(&request, results, count, &begin);
        status = status ? status : reported;
    }
    for (size_t i = 0; i < request.sizes.count; i++)
        free(results[i].pairs.pairs);
    free(results);
    return status == CLI_OK && cli_interrupted() ? CLI_INTERRUPTED : status;
}
