/* SPDX-License-Identifier: BSD-3-Clause */
#include "fork_gate.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

/* The counter and the flag are a pair as in Dekker's algorithm: each side first writes its own,
 * then reads the other's, so both must be sequentially consistent. The mutex serves those who wait.
 */
static atomic_int inside;
static atomic_bool closed;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t emptied = PTHREAD_COND_INITIALIZER;
static pthread_cond_t opened = PTHREAD_COND_INITIALIZER;

static void wait_until_open(void)
{
    pthread_mutex_lock(&mutex);
    while (atomic_load(&closed))
        pthread_cond_wait(&opened, &mutex);
    pthread_mutex_unlock(&mutex);
}

void treadle_gate_enter(void)
{
    atomic_fetch_add(&inside, 1);
    while (atomic_load(&closed)) {
        treadle_gate_leave();
        wait_until_open();
        atomic_fetch_add(&inside, 1);
    }
}

void treadle_gate_leave(void)
{
    if (atomic_fetch_sub(&inside, 1) == 1 && atomic_load(&closed)) {
        pthread_mutex_lock(&mutex);
        pthread_cond_broadcast(&emptied);
        pthread_mutex_unlock(&mutex);
    }
}

static void before_fork(void)
{
    pthread_mutex_lock(&mutex);
    /* Closed anew after each wait: another thread's fork may have opened it meanwhile. */
    while (atomic_store(&closed, true), atomic_load(&inside) > 0)
        pthread_cond_wait(&emptied, &mutex);
}

static void after_fork_in_parent(void)
{
    atomic_store(&closed, false);
    pthread_cond_broadcast(&opened);
    pthread_mutex_unlock(&mutex);
}

static void after_fork_in_child(void)
{
    /* A thread that met the closed gate may have been counted for a moment; it is gone. */
    atomic_store(&inside, 0);
    pthread_cond_init(&emptied, NULL);
    pthread_cond_init(&opened, NULL);
    after_fork_in_parent();
}

static void install(void)
{
    pthread_atfork(before_fork, after_fork_in_parent, after_fork_in_child);
}

void treadle_gate_install(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, install);
}
