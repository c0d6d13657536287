/* SPDX-License-Identifier: BSD-3-Clause */
#include "cli.h"

#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <treadle/treadle.h>

#include "stopwatch.h"

static const double progress_after = 2;
/* Into a file a line now and then is enough; a terminal is redrawn often. */
static const double progress_every_terminal = 0.2;
static const double progress_every_file = 10;

static volatile sig_atomic_t interrupted;
static double progress_begin, progress_last;
static bool progress_shown;

int cli_fail(int code, const char *format, ...)
{
    va_list arguments;

    cli_progress_end();
    fputs("treadle: ", stderr);
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fputc('\n', stderr);
    return code;
}

int cli_fail_library(void)
{
    return cli_fail(CLI_FAILED, "%s", treadle_last_error());
}

int cli_help(const char *usage, const char *text)
{
    printf("usage: treadle %s\n\n%s\n"
           "Exit codes: 0 ok, 1 failed, 2 wrong usage, 3 results differ, 4 --fail-if, "
           "130 interrupted.\n",
           usage, text);
    return CLI_OK;
}

bool cli_init_library(void)
{
    if (treadle_init() == TREADLE_OK)
        return true;
    cli_fail_library();
    return false;
}

void cli_ignore_others(void)
{
    if (!getenv("TREADLE_BUDGET"))
        treadle_set_budget("process");
}

static void note_interrupt(int signal)
{
    (void)signal;
    interrupted = 1;
}

void cli_catch_interrupt(void)
{
    struct sigaction action = {.sa_handler = note_interrupt, .sa_flags = (int)SA_RESETHAND};

    sigemptyset(&action.sa_mask);
    sigaction(SIGINT, &action, NULL);
    progress_begin = stopwatch_now();
}

bool cli_interrupted(void)
{
    return interrupted != 0;
}

void cli_progress(const char *format, ...)
{
    bool terminal = isatty(STDERR_FILENO) != 0;
    double now = stopwatch_now();
    va_list arguments;

    if (now - progress_begin < progress_after ||
        now - progress_last < (terminal ? progress_every_terminal : progress_every_file))
        return;
    progress_last = now;
    if (terminal)
        fputs("\r\033[K", stderr);
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    if (!terminal)
        fputc('\n', stderr);
    progress_shown = terminal;
}

void cli_progress_end(void)
{
    if (progress_shown)
        fputs("\r\033[K", stderr);
    progress_shown = false;
}
