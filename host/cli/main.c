/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdio.h>
#include <string.h>

#include <treadle/treadle.h>

#include "cli.h"

static const struct {
    const char *name;
    cli_command_fn run;
    const char *summary;
} commands[] = {
    {"list", cli_list, "backends found, where, their operations, and why one was refused"},
    {"explain", cli_explain, "what would run for a call, with how many threads, and why"},
    {"bench", cli_bench, "rates of every backend against the machine's limits"},
    {"ab", cli_ab, "which of two backends is faster, and how sure that is"},
    {"tune", cli_tune, "measure this machine, so that the choices suit it"},
    {"check", cli_check, "whether a plugin keeps the ABI: a test kit for its author"},
    {"doctor", cli_doctor, "everything that affects speed or safety here, and what to do"},
    {"run", cli_run, "a program, with its BLAS and LAPACK calls led here"},
    {"top", cli_top, "the processes that share the cores, live"},
};

enum { NCOMMANDS = sizeof commands / sizeof *commands };

static int help(void)
{
    puts("usage: treadle COMMAND [OPTION...]\n\n"
         "Looks into Treadle, which picks the backend and the threads of array operations.\n");
    for (int i = 0; i < NCOMMANDS; i++)
        printf("  %-8s %s\n", commands[i].name, commands[i].summary);
    puts("\n'treadle COMMAND --help' has the options and examples; all take --json.\n"
         "'treadle --version' prints the version.\n\n"
         "Exit codes: 0 ok, 1 failed, 2 wrong usage, 3 results differ, 4 --fail-if, "
         "130 interrupted.");
    return CLI_OK;
}

static cli_command_fn find_command(const char *name)
{
    for (int i = 0; i < NCOMMANDS; i++)
        if (!strcmp(commands[i].name, name))
            return commands[i].run;
    return NULL;
}

static int run_help(int argc, char **argv)
{
    char *help_option[] = {argv[1], "--help", NULL};
    cli_command_fn run = argc > 2 ? NULL : argc > 1 ? find_command(argv[1]) : NULL;

    if (argc == 1)
        return help();
    if (!run)
        return cli_fail(CLI_USAGE, "help: '%s' is not a command; see 'treadle help'",
                        argv[argc - 1]);
    return run(2, help_option);
}

static int version(int argc, char **argv)
{
    if (argc > 1)
        return cli_fail(CLI_USAGE, "--version takes no argument, but '%s' was given", argv[1]);
    printf("treadle %s\n", treadle_version());
    return CLI_OK;
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        help();
        return CLI_USAGE;
    }
    cli_command_fn run = find_command(argv[1]);
    if (run)
        return run(argc - 1, argv + 1);
    if (!strcmp(argv[1], "help") || !strcmp(argv[1], "--help") || !strcmp(argv[1], "-h"))
        return run_help(argc - 1, argv + 1);
    if (!strcmp(argv[1], "--version"))
        return version(argc - 1, argv + 1);
    return cli_fail(
        CLI_USAGE,
        "'%s' is not a command; use list, explain, bench, ab, tune, check, doctor, run, top, help",
        argv[1]);
}
