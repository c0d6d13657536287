/* SPDX-License-Identifier: BSD-3-Clause */
/* What was run, per op and backend: a small table that fills up from the front, without a lock. */
#include "statistics.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
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

static bool is(const char *name, const char *other)
{
    return name == other || strcmp(name, other) == 0;
}

/* True if the word is, or now has become, `name`. A caller's string is not kept. */
static bool claim_word(const char *_Atomic *word, const char *name)
{
    const char *owner = atomic_load_explicit(word, memory_order_acquire);
    if (owner)
        return is(owner, name);
    char *copy = strdup(name);
    if (copy && atomic_compare_exchange_strong(word, &owner, copy))
        return true;
    free(copy);
    return owner && is(owner, name);
}

static bool claim(struct row *row, const char *op, const char *backend)
{
    return claim_word(&row->op, op) && claim_word(&row->backend, backend);
}

const char *statistics_add(const char *op, const char *backend, int64_t nanoseconds,
                           uint32_t threads, uint32_t fallbacks)
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
        return atomic_load_explicit(&row->op, memory_order_relaxed);
    }
    return "(one of too many)";
}

int32_t treadle_statistic(uint32_t i, struct treadle_statistic *statistic)
{
    if (!statistic)
        return fail(TREADLE_E_INVALID, "statistic is NULL");
    for (uint32_t k = 0, left = i; k < ROWS; k++) {
        struct row *row = &rows[k];
        uint64_t calls = atomic_load(&row->calls);
        if (calls == 0 || left-- > 0)
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
