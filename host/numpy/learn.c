/* SPDX-License-Identifier: BSD-3-Clause */
#include "learn.h"

#include "clock.h"
#include "large.h"

/* 4096 elements take 0.2 us and more, two looks at the clock 0.05 us. New pages and a disturbance
 * make calls longer, nothing makes them shorter: the fastest counts. */
enum { LEAST = 4096, CALLS = 8 };

static bool is_learning(const struct slot *slot)
{
    return !slot->op && __atomic_load_n(&slot->timed, __ATOMIC_RELAXED) < CALLS;
}

npy_intp learn_limit(const struct slot *slot, npy_intp limit)
{
    return is_learning(slot) && limit > LEAST && limit < NPY_MAX_INTP ? LEAST : limit;
}

/* Two threads that learn from the same loop lose one of two calls. */
static void note(struct slot *slot, double ns)
{
    uint8_t timed = __atomic_load_n(&slot->timed, __ATOMIC_RELAXED);

    if (timed == 0 || ns < (double)slot->fastest_ns)
        slot->fastest_ns = (float)ns;
    if (timed + 1 == CALLS)
        slot->element_ns = (double)slot->fastest_ns;
    __atomic_store_n(&slot->timed, (uint8_t)(timed + 1), __ATOMIC_RELAXED);
    if (timed + 1 == CALLS)
        slot_update_limits(slot);
}

bool learn_from_call(struct slot *slot, char **args, const npy_intp *dims, const npy_intp *steps,
                     void *data)
{
    double begin;

    if (!is_learning(slot) || dims[0] < LEAST ||
        dims[0] >= __atomic_load_n(&slot->worth, __ATOMIC_RELAXED))
        return false;
    begin = clock_ns();
    slot->loop(args, dims, steps, data);
    note(slot, (clock_ns() - begin) / (double)dims[0]);
    return true;
}
