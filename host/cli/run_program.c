/* SPDX-License-Identifier: BSD-3-Clause */
/* `treadle run -- PROGRAM`: a program whose BLAS and LAPACK calls come to Treadle. */
#include <dlfcn.h>
#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <treadle/treadle.h>

#include "cli.h"
#include "command_line.h"
#include "options.h"
#include "output.h"

static const char usage[] = "run [OPTION...] [--] PROGRAM [ARGUMENT...]";
static const char text[] =
    "Run a program with libtreadle_blas.so before its own BLAS and LAPACK: large calls go to the\n"
    "backend and get the threads that suit them now, all others go where they went. The program's\n"
    "children inherit this. Set-uid programs and statically linked ones run as ever.\n\n"
    "  --backend B  what TREADLE_BACKEND is to be, \"blis\" or \"openblas:2,serial\"\n"
    "  --threads N  what TREADLE_NUM_THREADS is to be\n"
    "  --json       print the variables that would be set, and run nothing\n"
    "  --help       this text\n\n"
    "Examples:\n"
    "  treadle run -- R -f script.R\n"
    "  treadle run --backend blis --threads 4 -- octave script.m\n"
    "  TREADLE_TRACE=stderr treadle run -- python3 script.py\n\n"
    "Once the program runs, the exit code is its own; 126 if it cannot be run, 127 if there is "
    "none.\n";

enum { THREADS_MAX = 4096, NOT_RUNNABLE = 126, NOT_FOUND = 127 };

struct request {
    const char *backend;
    int64_t threads; /* 0: not given */
    bool json;
    char **program;
};

static int parse(int argc, char **argv, struct request *request)
{
    const struct cli_option options[] = {
        {"backend", cli_take_text, .to = &request->backend},
        {"threads", cli_take_count, &request->threads, 1, THREADS_MAX},
        {"json", .to = &request->json},
        {.name = NULL}};
    int status = cli_parse("run", argc, argv, options, true);

    if (status)
        return status;
    if (optind == argc)
        return cli_fail(CLI_USAGE, "run: there is no program; see 'treadle run --help'");
    request->program = argv + optind;
    return CLI_OK;
}

/** It stands beside the library that this command has loaded; NULL after a message if it does not.
 */
static char *find_library(void)
{
    char *own = NULL, *path = NULL;
    Dl_info info;

    if (dladdr((void *)(uintptr_t)treadle_version, &info))
        own = realpath(info.dli_fname, NULL);
    if (!own || asprintf(&path, "%s/%s", dirname(own), TREADLE_BLAS_FILE) < 0)
        path = NULL;
    free(own);
    if (path && access(path, R_OK) == 0 && !strpbrk(path, " :"))
        return path;
    if (path && access(path, R_OK) == 0)
        cli_fail(CLI_FAILED, "run: LD_PRELOAD takes no path with a space or a colon: %s", path);
    else
        cli_fail(CLI_FAILED, "run: this installation has no %s", path ? path : TREADLE_BLAS_FILE);
    free(path);
    return NULL;
}

/** What was to be loaded before stays, behind. */
static void preload(const char *path)
{
    const char *others = getenv("LD_PRELOAD");
    char *both = NULL;

    if (!others || !*others)
        setenv("LD_PRELOAD", path, 1);
    else if (!strstr(others, path) && asprintf(&both, "%s:%s", path, others) > 0)
        setenv("LD_PRELOAD", both, 1);
    free(both);
}

/** Wrong values are told here, where somebody looks. */
static int set_variables(const struct request *request, const char *library)
{
    char threads[24];

    snprintf(threads, sizeof threads, "%" PRId64, request->threads);
    if (request->threads > 0)
        setenv("TREADLE_NUM_THREADS", threads, 1);
    if (request->backend)
        unsetenv("TREADLE_BACKEND");
    if (!cli_init_library())
        return CLI_FAILED;
    if (request->backend && treadle_set_backend(request->backend) != TREADLE_OK)
        return cli_fail(CLI_USAGE, "run: --backend: %s", treadle_last_error());
    if (request->backend)
        setenv("TREADLE_BACKEND", request->backend, 1);
    preload(library);
    return CLI_OK;
}

static int print_json(const struct request *request)
{
    static const char *const names[] = {"LD_PRELOAD", "TREADLE_BACKEND", "TREADLE_NUM_THREADS"};
    json_t *variables = json_object(), *program = json_array();

    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (getenv(names[i]))
            json_object_set_new(variables, names[i], json_string(getenv(names[i])));
    for (char **word = request->program; *word; word++)
        json_array_append_new(program, json_string(*word));
    return output_json(json_pack("{s:o, s:o}", "environment", variables, "program", program));
}

static int run(const struct request *request)
{
    char *library = find_library();
    int status = library ? set_variables(request, library) : CLI_FAILED;

    free(library);
    if (status)
        return status;
    if (request->json)
        return print_json(request);
    execvp(request->program[0], request->program);
    return cli_fail(errno == ENOENT ? NOT_FOUND : NOT_RUNNABLE, "run: %s cannot be run: %s",
                    request->program[0], strerror(errno));
}

int cli_run(int argc, char **argv)
{
    struct request request = {.threads = 0};
    int status = parse(argc, argv, &request);

    if (status < 0)
        return cli_help(usage, text);
    return status ? status : run(&request);
}
