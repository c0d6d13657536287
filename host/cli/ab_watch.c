/* SPDX-License-Identifier: BSD-3-Clause */
#include "ab_watch.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "cli.h"
#include "stopwatch.h"

/* Seldom enough not to be seen in a batch of 1 ms. */
static const struct timespec nap = {.tv_nsec = 100000000};
static const double longest_nap = 0.2;

static struct {
    double seconds;
    const char *what, *spec;
    char side;
    atomic_uint_fast64_t steps; /* odd: one is being tried */
} watch;

static void give_up(void)
{
    fflush(stdout);
    cli_fail(CLI_FAILED, "ab: %s under %s (%c) is not back after %g s; see --limit", watch.what,
             watch.spec, watch.side, watch.seconds);
    _exit(CLI_FAILED);
}

static void *look(void *unused)
{
    struct stopwatch_wait wait = {0};
    uint_fast64_t last = 0;

    for (;;) {
        nanosleep(&nap, NULL);
        uint_fast64_t steps = atomic_load(&watch.steps);
        if (steps != last || steps % 2 == 0)
            wait = (struct stopwatch_wait){0};
        last = steps;
        if (stopwatch_waited(&wait, longest_nap) > watch.seconds &&
            atomic_load(&watch.steps) == last)
            give_up();
    }
    return unused;
}

bool ab_watch_start(double seconds)
{
    pthread_t thread;

    watch.seconds = seconds;
    if (!pthread_create(&thread, NULL, look, NULL) && !pthread_detach(thread))
        return true;
    cli_fail(CLI_FAILED, "ab: no thread to watch over the calls");
    return false;
}

void ab_watch_rest(void)
{
    if (atomic_load(&watch.steps) % 2)
        atomic_fetch_add(&watch.steps, 1);
}

void ab_watch_step(const char *what, char side, const char *spec)
{
    ab_watch_rest();
    watch.what = what;
    watch.side = side;
    watch.spec = spec;
    atomic_fetch_add(&watch.steps, 1);
}
