/* SPDX-License-Identifier: BSD-3-Clause */
/* process.* and leaks.*: what a plugin leaves behind, in the process and in a forked child. */
#include <malloc.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "check.h"
#include "check_example.h"
#include "check_state.h"
#include "check_tests.h"
#include "check_values.h"
#include "stopwatch.h"

/* Longer than any plugin's work on a few thousand elements, shorter than a test may take. */
static const double child_seconds = 5;

/* The first calls of a plugin may fill caches of its own. */
enum { WARM_CALLS = 100, CALLS = 400, LEAK_PER_CALL = 8, WARM_ROUNDS = 2, ROUNDS = 5 };

/* ---- process.state -------------------------------------------------------------------------- */

static void run_both(struct check_example *e)
{
    for (size_t i = 0; i < 2; i++)
        check_example_run(e, check_threads[i], NULL);
}

void check_process(void)
{
    struct check_state before, created, after;

    check_state_read(&before);
    if (!check_plugin_create())
        return;
    check_state_read(&created);
    check_state_compare(&before, &created, "loading or create()");
    check_each_example(40009, run_both);
    check_state_read(&after);
    check_state_compare(&created, &after, "its calls");
    check_plugin_destroy();
    check_state_read(&after);
    check_state_compare(&created, &after, "destroy()");
}

/* ---- process.fork --------------------------------------------------------------------------- */

static const char *where = "in the parent";

static void run_again(struct check_example *e)
{
    for (size_t i = 0; i < 2 && !check_has_failed(); i++) {
        struct check_example again;
        check_example_init(&again, e->op, check_array_count(&e->arrays[0]));
        if (check_example_run(&again, check_threads[i], NULL) != TREADLE_OK)
            check_fail_here("%s the call fails", where);
        else if (!check_example_close(e, &again))
            check_fail_here("%s the result is another one", where);
        check_example_finish(&again);
    }
}

static void fork_and_wait(int generations);

/** As a host does it: ask first, then call. */
static void live_as_child(int generations)
{
    const struct treadle_plugin *table = check_plugin_table();

    where = "in a forked child";
    check_doing("after_fork_child()");
    if (table->after_fork_child && table->after_fork_child(check_plugin_state()) != TREADLE_OK) {
        check_note("says in the child that it cannot go on there");
        _exit(0);
    }
    check_each_name(40009, run_again);
    if (generations > 1)
        fork_and_wait(generations - 1);
    _exit(0);
}

static void fork_and_wait(int generations)
{
    static const struct timespec nap = {.tv_nsec = 1000000};
    struct stopwatch_wait wait = {0};
    int status = 0;
    pid_t child = fork();

    if (child == 0)
        live_as_child(generations);
    while (child > 0 && waitpid(child, &status, WNOHANG) == 0) {
        if (stopwatch_waited(&wait, 0.02) > child_seconds * generations) {
            check_fail_here("not back after %g s in a forked child", child_seconds * generations);
            kill(child, SIGKILL);
            waitpid(child, &status, 0);
            return;
        }
        nanosleep(&nap, NULL);
    }
    if (child < 0)
        check_fail("no child could be forked");
    else if (WIFSIGNALED(status))
        check_fail_here("a forked child crashed with SIG%s", sigabbrev_np(WTERMSIG(status)));
    else if (WEXITSTATUS(status))
        check_fail_here("ended the forked child with exit code %d", WEXITSTATUS(status));
}

void check_fork(void)
{
    if (!check_plugin_create())
        return;
    const struct treadle_plugin *table = check_plugin_table();
    if (!(table->flags & TREADLE_PLUGIN_FORK_SAFE) && !table->after_fork_child) {
        check_skip("says that a forked child may not use it");
        return;
    }
    check_each_name(40009, run_both);
    if (check_has_failed())
        return;
    fork_and_wait(2);
    if (!check_has_failed())
        check_each_name(40009, run_again);
}

/* ---- leaks.* -------------------------------------------------------------------------------- */

/** Create, call everything, destroy; what `count` says afterwards must not grow. */
static void see_growth(int (*count)(void), const char *things)
{
    int before = 0;

    for (int i = 0; i < WARM_ROUNDS + ROUNDS; i++) {
        if (!check_plugin_create())
            return;
        check_each_name(20000, run_both);
        check_plugin_destroy();
        if (i == WARM_ROUNDS - 1)
            before = count();
    }
    if (count() > before)
        check_fail("%d rounds of create(), calls and destroy() leave %d more %s behind", ROUNDS,
                   count() - before, things);
}

void check_descriptors(void)
{
    see_growth(check_state_descriptors, "open files");
}

void check_threads_left(void)
{
    see_growth(check_state_threads, "threads");
}

/** Bytes in use by malloc() of the calling thread. */
static long long bytes_in_use(void)
{
    struct mallinfo2 info = mallinfo2();

    return (long long)(info.uordblks + info.hblkhd);
}

static long long growth_of_calls(struct check_example *e, int calls)
{
    long long before = bytes_in_use();

    for (int i = 0; i < calls; i++)
        check_example_run(e, 1, NULL);
    return bytes_in_use() - before;
}

static void try_memory(struct check_example *e)
{
    long blocks;

    growth_of_calls(e, WARM_CALLS);
    blocks = check_host_blocks();
    long long first = growth_of_calls(e, CALLS), second = growth_of_calls(e, CALLS);
    if (first >= CALLS * LEAK_PER_CALL && second >= CALLS * LEAK_PER_CALL)
        check_fail_here("each call leaves %lld bytes behind", second / CALLS);
    if (check_host_blocks() > blocks)
        check_fail_here("%d calls keep %ld blocks of the host's memory", 2 * CALLS,
                        check_host_blocks() - blocks);
}

void check_memory(void)
{
    if (check_plugin_create())
        check_each_example(16, try_memory);
}
