/* SPDX-License-Identifier: BSD-3-Clause */
/* What `treadle ab` is told, and what is wrong with it before anything is measured. */
#include <stdio.h>
#include <string.h>

#include <treadle/treadle.h>

#include "ab_options.h"
#include "ab_plugin.h"
#include "ab_statistics.h"
#include "cli.h"

const char ab_usage[] = "ab A B [OPTION...]\n       treadle ab compare OLD NEW [OPTION...]\n       "
                        "treadle ab --env A --env B [OPTION...] -- PROGRAM [ARGUMENT...]";
const char ab_text[] =
    "Compare two backends: first whether they give the same result, then which one is faster. A\n"
    "and B are backends as in TREADLE_BACKEND: serial, openmp, blis, auto, ..., or the path of a\n"
    "plugin with a slash in it; :2 behind it means exactly two threads, also for small arrays.\n"
    "Both run in this process, as pairs in balanced random order; shown are the median of time of\n"
    "A / time of B (above 1: B is faster) and its confidence interval. docs/measuring.md says "
    "more.\n"
    "'compare' tells how B against A has changed between two results that were saved. With a\n"
    "program the sides are environments, 'NAME=VALUE NAME=VALUE', and its whole runs are timed.\n\n"
    "  --op OP          operation (add)\n"
    "  --sizes SIZES    1e3,1e5 or 1000x1000 or a range with N sizes per decade, 1e3:1e7:logN\n"
    "                   (1e3:1e7:log; 100,300,1000 for products and linear algebra)\n"
    "  --dtypes TYPES   f64,f32,i64,c128, ... (f64)\n"
    "  --axis AXES      for reductions: 0, -1, or 0,2 (all axes)\n"
    "  --layout LAYOUT  contiguous, strided, transposed, misaligned or broadcast (contiguous)\n"
    "  --inplace        the output is the first input\n"
    "  --cache STATE    warm: the same arrays again and again; cold: others each time (warm)\n"
    "  --output KIND    reused, or fresh: allocated for each call (reused)\n"
    "  --callers K      threads that make such calls at the same time (1)\n"
    "  --threads N      most threads of one call (the machine's limit)\n"
    "  --replay FILE    the calls that a program made, from the file of its TREADLE_TRACE\n"
    "  --time SECONDS   per size; some pairs are measured in any case (3)\n"
    "  --limit SECONDS  that a batch of calls may take before it counts as hung (60)\n"
    "  --pairs N        at most, per size (1536)\n"
    "  --same PERCENT   a difference that does not matter (1)\n"
    "  --level PERCENT  confidence, for all sizes together (95)\n"
    "  --seed N         of the data and of the order (from the clock)\n"
    "  --save NAME      keep the JSON under this name, or in this file if it has a slash in it\n"
    "  --write-profile  let the times be the costs by which programs choose, as 'treadle tune' "
    "does\n"
    "  --anyway         write them even if other processes were busy\n"
    "  --env SETTINGS   for a program: 'NAME=VALUE NAME=VALUE'; A's first, then B's\n"
    "  --fail-if WHAT   exit with 4 if B is surely slower:3% (faster:3%) than A at any size\n"
    "  --json           results, raw pairs and environment as JSON\n"
    "  --markdown       the table as Markdown\n"
    "  --csv            one line per size, for spreadsheets\n"
    "  --html FILE      also write a page with the ratio over size\n"
    "  --help           this text\n\n"
    "Examples:\n"
    "  treadle ab serial openmp\n"
    "  treadle ab openmp blis --op matmul --sizes 64,256,1000 --callers 2\n"
    "  treadle ab openmp:1 openmp:2 --op sum --sizes 1e4:1e7:log2 --dtypes f32\n"
    "  treadle ab old/treadle-you.so new/treadle-you.so --fail-if slower:3%\n"
    "  treadle ab serial openmp --save monday; treadle ab compare monday tuesday\n"
    "  treadle ab --env TREADLE_BACKEND=serial --env TREADLE_BACKEND=auto -- python -m treadle "
    "x.py\n";

enum { CALLERS_MAX = 256, THREADS_MAX = 4096 };

/** One of two words: is it the second? */
static bool take_word(const char *what, const char *value, const char *first, const char *second,
                      bool *is_second)
{
    *is_second = !strcmp(value, second);
    if (*is_second || !strcmp(value, first))
        return true;
    cli_fail(CLI_USAGE, "%s: '%s' is neither %s nor %s", what, value, first, second);
    return false;
}

static bool take_cache(const char *what, const char *value, const struct cli_option *option)
{
    return take_word(what, value, "warm", "cold", option->to);
}

static bool take_output(const char *what, const char *value, const struct cli_option *option)
{
    return take_word(what, value, "reused", "fresh", option->to);
}

static bool take_layout(const char *what, const char *value, const struct cli_option *option)
{
    return workload_layout_parse(what, value, option->to);
}

static int take_options(int argc, char **argv, struct ab_request *request)
{
    bool json = false, markdown = false, csv = false;
    const struct cli_option options[] = {
        {"op", cli_take_text, .to = &request->op},
        {"sizes", cli_take_text, .to = &request->sizes_text},
        {"dtypes", cli_take_dtypes, .to = &request->dtypes},
        {"axis", cli_take_text, .to = &request->axes},
        {"layout", take_layout, .to = &request->layout},
        {"inplace", .to = &request->in_place},
        {"cache", take_cache, .to = &request->cold},
        {"output", take_output, .to = &request->fresh},
        {"callers", cli_take_count, &request->callers, 1, CALLERS_MAX},
        {"threads", cli_take_count, &request->threads, 1, THREADS_MAX},
        {"replay", cli_take_text, .to = &request->replay},
        {"time", cli_take_number, &request->seconds, 0.01, 3600},
        {"limit", cli_take_number, &request->limit, 0.1, 86400},
        {"pairs", cli_take_count, &request->pairs, 1, AB_PAIRS_MAX},
        {"same", cli_take_number, &request->same, 0, 50},
        {"level", cli_take_number, &request->level, 50, 99.99},
        {"seed", cli_take_count, &request->seed, 1, AB_SEED_MAX},
        {"save", cli_take_text, .to = &request->save},
        {"write-profile", .to = &request->write_profile},
        {"anyway", .to = &request->anyway},
        {"fail-if", ab_limit_take, .to = &request->fail_if},
        {"json", .to = &json},
        {"markdown", .to = &markdown},
        {"csv", .to = &csv},
        {"html", cli_take_text, .to = &request->html},
        {.name = NULL}};
    int status = cli_parse("ab", argc, argv, options, false);

    request->format = json ? AB_JSON : csv ? AB_CSV : markdown ? AB_MARKDOWN : AB_TABLE;
    return status;
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

/** The trace says what is called. */
static int check_replay(const struct ab_request *request)
{
    const char *other = request->op             ? "--op"
                        : request->sizes_text   ? "--sizes"
                        : request->dtypes.count ? "--dtypes"
                        : request->axes         ? "--axis"
                        : request->layout       ? "--layout"
                        : request->in_place     ? "--inplace"
                        : request->cold         ? "--cache"
                        : request->fresh        ? "--output"
                        : request->callers      ? "--callers"
                                                : NULL;

    if (!other)
        return CLI_OK;
    return cli_fail(CLI_USAGE, "ab: --replay: the trace says what %s would; give one of the two",
                    other);
}

int ab_options_parse(int argc, char **argv, struct ab_request *request)
{
    int status = take_options(argc, argv, request);

    if (status)
        return status;
    if (argc - optind != 2)
        return cli_fail(CLI_USAGE,
                        "ab: needs two backends, A and B, but %d were given; see "
                        "'treadle ab --help'",
                        argc - optind);
    request->a = request->given_a = argv[optind];
    request->b = request->given_b = argv[optind + 1];
    if (request->replay)
        return check_replay(request);
    if (!request->op)
        request->op = "add";
    if (!request->dtypes.count)
        options_dtypes("ab", "f64", &request->dtypes);
    if (!request->callers)
        request->callers = 1;
    if (!request->sizes_text)
        request->sizes_text = usual_sizes(request->op);
    return options_shapes("ab: --sizes", request->sizes_text, &request->sizes) ? CLI_OK : CLI_USAGE;
}

/** One size: does it exist, and does the layout suit it? */
static bool check_size(const struct ab_request *request, const struct options_shape *size)
{
    struct workload load;

    if (!ab_options_plan(request, size, &load))
        return false;
    if (workload_elements(&load, 0) > 0)
        return true;
    cli_fail(CLI_USAGE, "ab: --sizes: a size of 0 cannot be measured");
    return false;
}

bool ab_options_plan(const struct ab_request *request, const struct options_shape *size,
                     struct workload *load)
{
    return workload_plan(load, "ab", request->op, request->dtype, size, 1, request->axes) &&
           workload_lay(load, "ab: --layout", request->layout) &&
           (!request->in_place || workload_lay_in_place(load, "ab: --inplace"));
}

/** What was given becomes what TREADLE_BACKEND would be. */
static bool find_side(const char **spec, char which)
{
    if (ab_plugin_is_path(*spec) && !(*spec = ab_plugin_load(*spec, which)))
        return false;
    if (!treadle_set_thread_backend(*spec))
        return true;
    cli_fail(CLI_USAGE, "ab: %c: %s", which - 'a' + 'A', treadle_last_error());
    return false;
}

int ab_options_check(struct ab_request *request)
{
    if (request->in_place && request->fresh)
        return cli_fail(CLI_USAGE, "ab: --inplace: there is no fresh output then");
    for (size_t k = 0; k < request->dtypes.count; k++) {
        request->dtype = request->dtypes.dtypes[k];
        for (size_t i = 0; i < request->sizes.count; i++)
            if (!check_size(request, &request->sizes.shapes[i]))
                return CLI_USAGE;
    }
    if (!cli_init_library())
        return CLI_FAILED;
    cli_ignore_others();
    if (!find_side(&request->a, 'a') || !find_side(&request->b, 'b'))
        return CLI_USAGE;
    treadle_set_thread_backend(NULL);
    if (request->threads && treadle_set_num_threads((int32_t)request->threads))
        return cli_fail_library();
    return CLI_OK;
}
