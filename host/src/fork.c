/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A forked child has one thread and the parent's memory. Grants of the threads that are gone are
 * forgotten, and plugins are asked whether they can go on; those that cannot are taken out of
 * use, and serial answers in their place.
 */
#include <pthread.h>
#include <string.h>

#include "backend.h"
#include "budget.h"
#include "host.h"
#include "loader.h"

static void in_child(void)
{
    budget_after_fork();
    for (uint32_t i = 0; i < loader_count(); i++) {
        struct backend *b = loader_at(i);
        if (b->usable && b->table.after_fork_child(b->state) != TREADLE_OK)
            backend_refuse(b, "it cannot go on in a forked child");
    }
}

void fork_watch(void)
{
    pthread_atfork(NULL, NULL, in_child);
}
