/* SPDX-License-Identifier: BSD-3-Clause */
#include "gate.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <time.h>

static const time_t WAIT_SECONDS = 60;

/* The counter and the flag are a pair as in Dekker's algorithm: each side first writes its own,
 * then reads the other's, so both must be sequentially consistent. The mutex serves those who wait.
 */
static _Alignas(64) atomic_int inside;
static atomic_bool closed;
static _Thread_local int depth; /* how often this thread is inside */
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t emptied = PTHREAD_COND_INITIALIZER;
static pthread_cond_t opened = PTHREAD_COND_INITIALIZER;

static void step_out(void)
{
    atomic_fetch_sub(&inside, 1);
    if (atomic_load(&closed)) {
        pthread_mutex_lock(&mutex);
        pthread_cond_broadcast(&emptied);
        pthread_mutex_unlock(&mutex);
    }
}

static void wait_until_open(void)
{
    pthread_mutex_lock(&mutex);
    while (atomic_load(&closed))
        pthread_cond_wait(&opened, &mutex);
    pthread_mutex_unlock(&mutex);
}

void gate_enter(void)
{
    if (depth++ > 0)
        return;
    atomic_fetch_add(&inside, 1);
    while (atomic_load(&closed)) {
        step_out();
        wait_until_open();
        atomic_fetch_add(&inside, 1);
    }
}

void gate_leave(void)
{
    if (--depth == 0)
        step_out();
}

void gate_join(void)
{
    depth++;
}

void gate_part(void)
{
    depth--;
}

static void close_gate(void)
{
    struct timespec limit;
    clock_gettime(CLOCK_MONOTONIC, &limit);
    limit.tv_sec += WAIT_SECONDS;
    int self = depth > 0, late = 0;
    pthread_mutex_lock(&mutex);
    /* Closed anew after each wait: another thread's fork may have opened it meanwhile. */
    while (atomic_store(&closed, true), atomic_load(&inside) > self && !late)
        late = pthread_cond_clockwait(&emptied, &mutex, CLOCK_MONOTONIC, &limit);
}

static void open_gate(void)
{
    atomic_store(&closed, false);
    pthread_cond_broadcast(&opened);
    /* Whoever leaves an open gate wakes nobody: a fork that still waits has to close it anew. */
    pthread_cond_broadcast(&emptied);
    pthread_mutex_unlock(&mutex);
}

void gate_fork(enum fork_step step)
{
    if (step == FORK_BEFORE) {
        close_gate();
        return;
    }
    if (step == FORK_CHILD) {
        /* A thread that met the closed gate may have been counted for a moment; it is gone. */
        atomic_store(&inside, depth > 0);
        pthread_cond_init(&emptied, NULL);
        pthread_cond_init(&opened, NULL);
    }
    open_gate();
}
