/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A forked child has one thread and the parent's memory. The gate is closed and the locks are taken
 * before, outermost first, so that what they guard is whole in the child. Grants of the threads
 * that are gone are forgotten, and plugins are asked whether they can go on; those that cannot are
 * taken out of use, and serial answers in their place.
 */
#include <pthread.h>
#include <string.h>
#include <treadle/treadle.h>

#include "backend.h"
#include "budget.h"
#include "gate.h"
#include "host.h"
#include "live.h"
#include "loader.h"
#include "machine.h"
#include "op.h"
#include "policy.h"
#include "pool.h"
#include "profile.h"
#include "record.h"
#include "watch.h"

/* The handlers may be registered more than once; the first one to run does the work. */
static _Thread_local int running;

static void locks(enum fork_step step)
{
    host_fork(step);
    live_fork(step);
    policy_fork(step);
    profile_fork(step);
    op_fork(step);
    pool_fork(step);
    watch_fork(step);
    machine_fork(step);
}

static void before(void)
{
    if (running++ > 0)
        return;
    gate_fork(FORK_BEFORE);
    locks(FORK_BEFORE);
}

static void in_parent(void)
{
    if (--running > 0)
        return;
    locks(FORK_PARENT);
    gate_fork(FORK_PARENT);
}

static void in_child(void)
{
    if (--running > 0)
        return;
    locks(FORK_CHILD);
    gate_fork(FORK_CHILD);
    budget_after_fork();
    record_after_fork();
    for (uint32_t i = 0; i < loader_count(); i++) {
        struct backend *b = loader_at(i);
        if (b->usable && b->table.after_fork_child(b->state) != TREADLE_OK)
            backend_refuse(b, "it cannot go on in a forked child");
    }
}

void treadle_watch_fork(void)
{
    pthread_atfork(before, in_parent, in_child);
}
