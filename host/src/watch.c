/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Cores become free without a sign: callers that may come back are waited for, and other processes
 * tell nobody. A call with regions looks before each; for a library whose regions nobody sees this
 * thread looks, while there is a routine that wants more, and sleeps otherwise.
 */
#include "watch.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <time.h>

#include "routine.h"
#include "thread.h"

/* As long as callers that left are waited for; a look takes some microseconds. */
static const struct timespec PERIOD = {.tv_nsec = 4000000};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t called = PTHREAD_COND_INITIALIZER;
static bool started;
static atomic_bool wanted; /* set by anybody, cleared by the thread before it looks */

__attribute__((noreturn)) static void *look_again_and_again(void *unused)
{
    (void)unused;
    for (;;) {
        pthread_mutex_lock(&lock);
        while (!atomic_load(&wanted))
            pthread_cond_wait(&called, &lock);
        pthread_mutex_unlock(&lock);
        nanosleep(&PERIOD, NULL);
        atomic_store(&wanted, false);
        routines_adapt(); /* whoever still wants more says so */
    }
}

void watch_for_cores(void)
{
    if (atomic_exchange(&wanted, true))
        return;
    pthread_mutex_lock(&lock);
    if (started)
        pthread_cond_signal(&called);
    else if (thread_start(look_again_and_again, NULL))
        started = true;
    else
        atomic_store(&wanted, false); /* whoever wants more next tries again */
    pthread_mutex_unlock(&lock);
}

void watch_fork(enum fork_step step)
{
    fork_lock(&lock, step);
    if (step != FORK_CHILD)
        return;
    called = (pthread_cond_t)PTHREAD_COND_INITIALIZER;
    started = false;
    atomic_store(&wanted, false);
}
