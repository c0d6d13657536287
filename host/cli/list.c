/* SPDX-License-Identifier: BSD-3-Clause */
/* `treadle list`: the plugins found. */
#include <stdio.h>
#include <string.h>

#include <treadle/treadle.h>

#include "cli.h"
#include "command_line.h"
#include "options.h"
#include "output.h"
#include "workload.h"

static const char usage[] = "list [OPTION...]";
static const char text[] =
    "List the backends found: where they are, their version, the kernels they picked for this\n"
    "machine and their operations; and the files that were refused, with the reason.\n\n"
    "  --json  as JSON\n"
    "  --help  this text\n\n"
    "Examples:\n"
    "  treadle list\n"
    "  TREADLE_PLUGIN_PATH=$HOME/plugins treadle list --json\n";

enum { OPS_LINE = 76, TYPES = 128 };

/** An operation is listed once for each of its types; only its first input's counts here. */
static bool is_listed_before(uint32_t backend, uint32_t k, const char *op)
{
    struct treadle_query query = {.struct_size = sizeof query};

    for (uint32_t i = 0; i < k; i++)
        if (treadle_backend_op(backend, i, &query) == TREADLE_OK && !strcmp(query.op, op))
            return true;
    return false;
}

static bool has_word(const char *text, const char *word)
{
    size_t length = strlen(word);

    for (; *text; text += strcspn(text, " "), text += strspn(text, " "))
        if (strcspn(text, " ") == length && !strncmp(text, word, length))
            return true;
    return false;
}

/** An op may be listed twice for a type: with one output and with three. */
static void types_of(uint32_t backend, const char *op, char *types)
{
    struct treadle_query query = {.struct_size = sizeof query};
    size_t used = 0;

    types[0] = '\0';
    for (uint32_t i = 0; treadle_backend_op(backend, i, &query) == TREADLE_OK; i++) {
        if (strcmp(query.op, op) || query.ntypes == 0 || used >= TYPES)
            continue;
        const char *name = options_dtype_name(query.dtypes[0]);
        if (!has_word(types, name))
            used += (size_t)snprintf(types + used, TYPES - used, "%s%s", used ? " " : "", name);
    }
}

/** The kernel a backend has for a large sum or product; "" if it has neither or does not say. */
static const char *variant_of(const char *backend)
{
    static const char *const ops[] = {"add", "matmul"};
    const struct options_shape shape = {{1000, 1000}, 2};
    const char *variant = "";

    for (size_t i = 0; i < sizeof ops / sizeof *ops && !*variant; i++) {
        struct treadle_decision decision;
        struct workload load;
        if (!workload_plan(&load, "list", ops[i], (struct treadle_dtype){TREADLE_FLOAT, 64, 1},
                           &shape, 1, NULL) ||
            treadle_set_thread_backend(backend))
            continue;
        if (treadle_explain(load.op, load.args, load.nargs, load.nin, load.attrs, 1, &decision) ==
                TREADLE_OK &&
            !strcmp(decision.backend, backend))
            variant = decision.variant;
    }
    treadle_set_thread_backend(NULL);
    return variant;
}

/** Operations with equal types share a line; lines are broken before OPS_LINE. */
static void print_ops(uint32_t backend)
{
    struct treadle_query query = {.struct_size = sizeof query}, other = query;
    char types[TYPES], others[TYPES], previous[TYPES];

    for (uint32_t k = 0; treadle_backend_op(backend, k, &query) == TREADLE_OK; k++) {
        bool printed = is_listed_before(backend, k, query.op);
        types_of(backend, query.op, types);
        for (uint32_t i = 0; i < k && !printed; i++)
            if (treadle_backend_op(backend, i, &other) == TREADLE_OK) {
                types_of(backend, other.op, previous);
                printed = !strcmp(previous, types);
            }
        if (printed)
            continue;
        int column = printf("    %s", *types ? types : "any type");
        column += printf(":");
        for (uint32_t i = k; treadle_backend_op(backend, i, &other) == TREADLE_OK; i++) {
            types_of(backend, other.op, others);
            if (strcmp(others, types) || is_listed_before(backend, i, other.op))
                continue;
            if (column + (int)strlen(other.op) >= OPS_LINE)
                column = printf("\n       ") - 1;
            column += printf(" %s", other.op);
        }
        putchar('\n');
    }
}

static void print_usable(uint32_t i, const struct treadle_backend_info *info)
{
    const char *variant = variant_of(info->name);

    printf("%s %s%s%s  %s  (%s)\n", info->name, info->version, *variant ? "  " : "", variant,
           info->path, info->vendor);
    print_ops(i);
}

static int print_text(void)
{
    struct treadle_backend_info info;
    bool refused = false;

    for (uint32_t i = 0; treadle_backend_info(i, &info) == TREADLE_OK; i++)
        if (!*info.reason)
            print_usable(i, &info);
    for (uint32_t i = 0; treadle_backend_info(i, &info) == TREADLE_OK; i++)
        if (*info.reason) {
            puts(refused ? "" : "\nNot used:");
            printf("%s  %s\n    %s\n", info.name, info.path, info.reason);
            refused = true;
        }
    return CLI_OK;
}

static json_t *ops_json(uint32_t backend)
{
    struct treadle_query query = {.struct_size = sizeof query};
    json_t *ops = json_array();

    for (uint32_t k = 0; treadle_backend_op(backend, k, &query) == TREADLE_OK; k++) {
        json_t *dtypes = json_array();
        for (uint32_t i = 0; i < query.ntypes; i++)
            json_array_append_new(dtypes, json_string(options_dtype_name(query.dtypes[i])));
        json_array_append_new(ops, json_pack("{s:s, s:o, s:I}", "op", query.op, "dtypes", dtypes,
                                             "inputs", (json_int_t)query.nin));
    }
    return ops;
}

static int print_json(void)
{
    struct treadle_backend_info info;
    json_t *backends = json_array();

    for (uint32_t i = 0; treadle_backend_info(i, &info) == TREADLE_OK; i++) {
        bool usable = !*info.reason;
        json_array_append_new(backends,
                              json_pack("{s:s, s:s, s:s, s:s, s:b, s:s, s:s, s:o}", "name",
                                        info.name, "path", info.path, "version", info.version,
                                        "vendor", info.vendor, "usable", usable, "reason",
                                        info.reason, "variant", usable ? variant_of(info.name) : "",
                                        "ops", usable ? ops_json(i) : json_array()));
    }
    return output_json(json_pack("{s:i, s:s, s:s, s:o}", "schema", 1, "version", treadle_version(),
                                 "backend", treadle_get_backend(), "backends", backends));
}

int cli_list(int argc, char **argv)
{
    bool json = false;
    const struct cli_option options[] = {{"json", .to = &json}, {.name = NULL}};
    int status = cli_parse("list", argc, argv, options, false);

    if (status)
        return status < 0 ? cli_help(usage, text) : status;
    if (optind < argc)
        return cli_fail(CLI_USAGE, "list: takes no argument, but '%s' was given", argv[optind]);
    if (!cli_init_library())
        return CLI_FAILED;
    return json ? print_json() : print_text();
}
