/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef TREADLE_FORK_STEP_H
#define TREADLE_FORK_STEP_H

#include <pthread.h>

/** A fork as seen by a lock: taken before, so that what it guards is whole in the child. */
enum fork_step { FORK_BEFORE, FORK_PARENT, FORK_CHILD };

static inline void fork_lock(pthread_mutex_t *lock, enum fork_step step)
{
    if (step == FORK_BEFORE)
        pthread_mutex_lock(lock);
    else if (step == FORK_PARENT)
        pthread_mutex_unlock(lock);
    else
        *lock = (pthread_mutex_t)PTHREAD_MUTEX_INITIALIZER; /* its owner was another thread id */
}

#endif
