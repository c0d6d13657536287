/* SPDX-License-Identifier: BSD-3-Clause */
#include "ab_run.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli.h"
#include "stopwatch.h"

/* Of a failing program's stderr: its last words say why. */
enum { LAST_WORDS = 2000 };

void ab_run_free_environment(char **environment)
{
    for (size_t i = 0; environment && environment[i]; i++)
        free(environment[i]);
    free(environment);
}

static size_t count_environment(void)
{
    size_t count = 0;

    while (environ[count])
        count++;
    return count;
}

/** Put a copy of an assignment in the place of the variable's old one, or at the end. */
static bool assign(char **environment, const char *text, size_t length)
{
    const char *sign = memchr(text, '=', length);
    size_t i = 0, name = sign ? (size_t)(sign - text) + 1 : 0;

    if (name < 2)
        return false;
    while (environment[i] && strncmp(environment[i], text, name))
        i++;
    free(environment[i]);
    environment[i] = strndup(text, length);
    return environment[i] != NULL;
}

char **ab_run_environment(const char *what, const char *changes)
{
    size_t count = count_environment();
    char **copy = calloc(count + strlen(changes) / 2 + 2, sizeof *copy);

    for (size_t i = 0; copy && i < count; i++)
        copy[i] = strdup(environ[i]);
    for (const char *at = changes; copy && *at; at += strspn(at, " ")) {
        size_t length = strcspn(at, " ");
        if (length > 0 && !assign(copy, at, length)) {
            cli_fail(CLI_USAGE, "%s: '%.*s' is not like NAME=VALUE", what, (int)length, at);
            ab_run_free_environment(copy);
            return NULL;
        }
        at += length;
    }
    return copy;
}

/* ---- one run -------------------------------------------------------------------------------- */

/** FNV-1a of a whole file. */
static uint64_t hash_file(int file)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    unsigned char bytes[65536];
    ssize_t size;

    for (off_t at = 0; (size = pread(file, bytes, sizeof bytes, at)) > 0; at += size)
        for (ssize_t i = 0; i < size; i++)
            hash = (hash ^ bytes[i]) * UINT64_C(0x100000001b3);
    return hash;
}

static pid_t start(const struct ab_run *run, int out, int err, int *error)
{
    posix_spawn_file_actions_t files;
    pid_t child = -1;

    posix_spawn_file_actions_init(&files);
    posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&files, out, STDOUT_FILENO);
    posix_spawn_file_actions_adddup2(&files, err, STDERR_FILENO);
    *error =
        posix_spawnp(&child, run->arguments[0], &files, NULL, run->arguments, run->environment);
    posix_spawn_file_actions_destroy(&files);
    return *error ? -1 : child;
}

static void print_last_words(int file)
{
    char text[LAST_WORDS];
    off_t end = lseek(file, 0, SEEK_END), from = end > LAST_WORDS ? end - LAST_WORDS : 0;
    ssize_t size = pread(file, text, sizeof text, from);

    if (size > 0)
        fwrite(text, 1, (size_t)size, stderr);
}

static bool judge(const struct ab_run *run, char side, int status, int err)
{
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
        return true;
    if (cli_interrupted())
        return false;
    cli_progress_end();
    print_last_words(err);
    if (WIFSIGNALED(status))
        cli_fail(CLI_FAILED, "ab: %c: %s was ended by SIG%s", side, run->arguments[0],
                 sigabbrev_np(WTERMSIG(status)));
    else
        cli_fail(CLI_FAILED, "ab: %c: %s ended with exit code %d", side, run->arguments[0],
                 WEXITSTATUS(status));
    return false;
}

static double seconds_of(struct timeval time)
{
    return (double)time.tv_sec + 1e-6 * (double)time.tv_usec;
}

static bool run_into(struct ab_run *run, char side, int out, int err)
{
    struct rusage usage = {.ru_maxrss = 0};
    int status = 0, error = 0;
    double begin = stopwatch_now();
    pid_t child = start(run, out, err, &error);

    if (child < 0) {
        cli_fail(CLI_USAGE, "ab: %s cannot be run: %s", run->arguments[0], strerror(error));
        return false;
    }
    while (wait4(child, &status, 0, &usage) < 0 && errno == EINTR)
        continue;
    run->seconds = stopwatch_now() - begin;
    run->cpu_seconds = seconds_of(usage.ru_utime) + seconds_of(usage.ru_stime);
    run->output = hash_file(out);
    return judge(run, side, status, err);
}

bool ab_run(struct ab_run *run, char side)
{
    int out = memfd_create("stdout", MFD_CLOEXEC), err = memfd_create("stderr", MFD_CLOEXEC);
    bool good = out >= 0 && err >= 0;

    if (!good)
        cli_fail(CLI_FAILED, "ab: no file for the program's output: %s", strerror(errno));
    good = good && run_into(run, side, out, err);
    if (out >= 0)
        close(out);
    if (err >= 0)
        close(err);
    return good;
}
