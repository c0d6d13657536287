/* SPDX-License-Identifier: BSD-3-Clause */
/* A process per test, and the memory through which it tells how it went. */
#include "check.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "cli.h"
#include "stopwatch.h"

/* Long enough to cost nothing, short against any test. */
static const struct timespec nap = {.tv_nsec = 1000000};

static struct check_outcome *shared;
static const char *plugin_path;
/* Some tests call the plugin from several threads. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

const char *check_path(void)
{
    return plugin_path;
}

/** Lines that do not fit are left out: the first ones say most. */
static void add_line(char *text, size_t capacity, const char *format, va_list arguments)
{
    char line[CHECK_TEXT];

    vsnprintf(line, sizeof line, format, arguments);
    pthread_mutex_lock(&lock);
    size_t used = strlen(text);
    if (used + strlen(line) + 2 <= capacity)
        snprintf(text + used, capacity - used, "%s%s", used ? "\n" : "", line);
    pthread_mutex_unlock(&lock);
}

void check_doing(const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(shared->doing, sizeof shared->doing, format, arguments);
    va_end(arguments);
}

void check_fail(const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    add_line(shared->text, sizeof shared->text, format, arguments);
    va_end(arguments);
    shared->status = CHECK_FAILED;
}

void check_fail_here(const char *format, ...)
{
    char text[CHECK_TEXT / 2];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    check_fail("%s: %s", shared->doing, text);
}

void check_skip(const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    add_line(shared->text, sizeof shared->text, format, arguments);
    va_end(arguments);
    if (shared->status == CHECK_PASSED)
        shared->status = CHECK_SKIPPED;
}

void check_note(const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    add_line(shared->notes, sizeof shared->notes, format, arguments);
    va_end(arguments);
}

bool check_has_failed(void)
{
    return shared->status == CHECK_FAILED;
}

/** The child: its own process group, so that all it starts can be ended with it. */
static void run_test(const struct check_test *test, pid_t parent)
{
    setpgid(0, 0);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent)
        _exit(0);
    test->run();
    shared->finished = true;
    _exit(0);
}

/** Returns false if time is up, or at Ctrl-C. */
static bool wait_for(pid_t child, double seconds, int *status)
{
    struct stopwatch_wait wait = {0};

    while (waitpid(child, status, WNOHANG) == 0) {
        if (stopwatch_waited(&wait, 0.02) > seconds || cli_interrupted())
            return false;
        nanosleep(&nap, NULL);
    }
    return true;
}

static const char *tried(void)
{
    return shared->doing[0] ? shared->doing : "nothing yet";
}

static void judge(bool in_time, int status, double seconds)
{
    if (!in_time)
        check_fail("not back after %g s; tried last: %s", seconds, tried());
    else if (WIFSIGNALED(status))
        check_fail("crashed with SIG%s; tried last: %s", sigabbrev_np(WTERMSIG(status)), tried());
    else if (!shared->finished)
        check_fail("ended the process with exit code %d; tried last: %s", WEXITSTATUS(status),
                   tried());
}

static bool supervise(const struct check_test *test, double seconds)
{
    double begin = stopwatch_now();
    int status = 0;
    pid_t parent = getpid(), child;

    fflush(NULL);
    child = fork();
    if (child < 0) {
        cli_fail(CLI_FAILED, "check: no process for a test: %s", strerror(errno));
        return false;
    }
    if (child == 0)
        run_test(test, parent);
    setpgid(child, child);
    bool in_time = wait_for(child, seconds, &status);
    kill(-child, SIGKILL); /* also what a test that ended has left behind */
    if (!in_time)
        waitpid(child, &status, 0);
    judge(in_time, status, seconds);
    shared->seconds = stopwatch_now() - begin;
    return true;
}

bool check_isolate(const struct check_test *test, const char *path, double seconds,
                   struct check_outcome *outcome)
{
    shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (shared == MAP_FAILED) {
        cli_fail(CLI_FAILED, "check: no memory for a test");
        return false;
    }
    plugin_path = path;
    bool done = supervise(test, seconds);
    *outcome = *shared;
    munmap(shared, sizeof *shared);
    return done;
}
