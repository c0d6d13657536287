/* SPDX-License-Identifier: BSD-3-Clause */
/* What was run, per op and backend: a small table that fills up from the front, without a lock. */
#include "statistics.h"

#include <stdatomic.h>
#include <stddef.h>
#include <treadle/treadle.h>

#include "error.h"

enum { ROWS = 1024 };

/* A row is claimed by its op, then completed by its backend; counts are of one process. */
static struct row {
    const char *_Atomic op;
    const char *_Atomic backend;
    _Atomic uint64_t calls, nanoseconds, fallbacks;
    _Atomic uint32_t threads_most;
} rows[ROWS];

/* True if the row is, or now has become, that of (op, backend). */
static int claim(struct row *row, const char *op, const char *backend)
{
    const char *owner = NULL;
    if (!atomic_compare_exchange_strong(&row->op, &owner, op) && owner != op)
        return 0;
    const char *has = NULL;
    return atomic_compare_exchange_strong(&row->backend, &has, backend) || has == backend;
}

void statistics_add(const char *op, const char *backend, int64_t nanoseconds, uint32_t threads,
                    uint32_t fallbacks)
{
    for (uint32_t i = 0; i < ROWS; i++) {
        struct row *row = &rows[i];
        if (!claim(row, op, backend))
            continue;
        atomic_fetch_add_explicit(&row->calls, 1, memory_order_relaxed);
        atomic_fetch_add_explicit(&row->nanoseconds, (uint64_t)nanoseconds, memory_order_relaxed);
        atomic_fetch_add_explicit(&row->fallbacks, fallbacks, memory_order_relaxed);
        uint32_t most = atomic_load_explicit(&row->threads_most, memory_order_relaxed);
        while (most < threads && !atomic_compare_exchange_weak(&row->threads_most, &most, threads))
            ;
        return;
    }
}

int32_t treadle_statistic(uint32_t i, struct treadle_statistic *statistic)
{
    for (uint32_t k = 0; statistic && k < ROWS; k++) {
        struct row *row = &rows[k];
        uint64_t calls = atomic_load(&row->calls);
        if (calls == 0 || i-- > 0)
            continue;
        *statistic = (struct treadle_statistic){
            .op = atomic_load(&row->op),
            .backend = atomic_load(&row->backend),
            .calls = calls,
            .nanoseconds = atomic_load(&row->nanoseconds),
            .fallbacks = atomic_load(&row->fallbacks),
            .threads_most = atomic_load(&row->threads_most),
        };
        return TREADLE_OK;
    }
    return fail(TREADLE_E_INVALID, "treadle_statistic: there is no entry %u", i);
}

void treadle_reset_statistics(void)
{
    for (uint32_t i = 0; i < ROWS; i++) {
        atomic_store(&rows[i].calls, 0);
        atomic_store(&rows[i].nanoseconds, 0);
        atomic_store(&rows[i].fallbacks, 0);
        atomic_store(&rows[i].threads_most, 0);
    }
}
