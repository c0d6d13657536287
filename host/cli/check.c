/* SPDX-License-Identifier: BSD-3-Clause */
/* `treadle check`: the conformance kit for authors of plugins. */
#include "check.h"

#include <errno.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "check_report.h"
#include "cli.h"
#include "command_line.h"
#include "options.h"

static const char usage[] = "check PLUGIN.so [OPTION...]";
static const char text[] =
    "Test whether a plugin keeps the ABI: its table, the results of every operation it lists,\n"
    "threads, errors, floating-point state, forks, leaks. Each test runs in a process of its own\n"
    "with a time limit, so that a crash or a hang is a failure that says what was tried. For an\n"
    "operation of your own there is no reference: it is called, and its threads, flags and leaks\n"
    "are watched. docs/writing-a-plugin.md says more.\n\n"
    "  --only GLOB      the tests whose name matches, e.g. 'threads.*'\n"
    "  --time SECONDS   that a test may take (60)\n"
    "  --junit FILE     also write JUnit XML\n"
    "  --json           the report as JSON\n"
    "  --help           this text\n\n"
    "Examples:\n"
    "  treadle check ./treadle-you.so\n"
    "  treadle check ./treadle-you.so --only values.elementwise\n"
    "  treadle check ./treadle-you.so --junit report.xml\n";

struct request {
    const char *plugin, *only, *junit;
    double seconds;
    bool json;
};

static int parse(int argc, char **argv, struct request *request)
{
    const struct cli_option options[] = {{"only", cli_take_text, .to = &request->only},
                                         {"time", cli_take_number, &request->seconds, 0.1, 3600},
                                         {"junit", cli_take_text, .to = &request->junit},
                                         {"json", .to = &request->json},
                                         {.name = NULL}};
    int status = cli_parse("check", argc, argv, options, false);

    if (status)
        return status;
    if (argc - optind != 1)
        return cli_fail(CLI_USAGE,
                        "check: needs one plugin, but %d were given; see 'treadle check --help'",
                        argc - optind);
    request->plugin = argv[optind];
    return CLI_OK;
}

/** The absolute path, to be freed; NULL after a sentence. */
static char *find_file(const char *path)
{
    char *real = realpath(path, NULL);
    struct stat facts;

    if (!real)
        cli_fail(CLI_USAGE, "check: %s: %s", path, strerror(errno));
    else if (!stat(real, &facts) && S_ISREG(facts.st_mode))
        return real;
    else
        cli_fail(CLI_USAGE, "check: %s: not a regular file", path);
    free(real);
    return NULL;
}

static bool is_wanted(const struct request *request, const struct check_test *test)
{
    return !request->only || !fnmatch(request->only, test->name, 0);
}

static bool run_tests(const struct request *request, struct check_results *results)
{
    for (const struct check_test *test = check_tests; test->name && !cli_interrupted(); test++) {
        struct check_outcome *outcome = &results->outcomes[results->count];
        if (!is_wanted(request, test))
            continue;
        if (request->json)
            cli_progress("check: %s", test->name);
        if (!check_isolate(test, results->path, request->seconds, outcome))
            return false;
        if (cli_interrupted())
            break;
        results->tests[results->count++] = test;
        if (!request->json)
            check_report_line(test, outcome);
    }
    return true;
}

static int report(const struct request *request, const struct check_results *results)
{
    int status = CLI_OK;

    cli_progress_end();
    if (request->json)
        status = check_report_json(results);
    else
        check_report_end(results);
    if (request->junit && !check_report_junit(results, request->junit))
        status = CLI_FAILED;
    if (status)
        return status;
    if (cli_interrupted())
        return CLI_INTERRUPTED;
    return check_results_count(results, CHECK_FAILED) ? CLI_FAILED : CLI_OK;
}

static int check(const struct request *request, const char *path)
{
    size_t most = 0;
    int status = CLI_FAILED;

    while (check_tests[most].name)
        most++;
    struct check_results results = {.path = path,
                                    .tests = calloc(most, sizeof *results.tests),
                                    .outcomes = calloc(most, sizeof *results.outcomes)};
    cli_catch_interrupt();
    if (!results.tests || !results.outcomes)
        cli_fail(CLI_FAILED, "check: no memory for the results");
    else if (run_tests(request, &results) && results.count == 0)
        status = cli_fail(CLI_USAGE, "check: --only %s matches no test; names are like %s",
                          request->only, check_tests[0].name);
    else if (results.count > 0)
        status = report(request, &results);
    free(results.tests);
    free(results.outcomes);
    return status;
}

int cli_check(int argc, char **argv)
{
    struct request request = {.seconds = 60};
    int status = parse(argc, argv, &request);

    if (status < 0)
        return cli_help(usage, text);
    if (status)
        return status;
    char *path = find_file(request.plugin);
    if (!path)
        return CLI_USAGE;
    status = check(&request, path);
    free(path);
    return status;
}
