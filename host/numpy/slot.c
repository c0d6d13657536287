/* SPDX-License-Identifier: BSD-3-Clause */
#include "slot.h"

#include <fenv.h>

#include "large.h"
#include "learn.h"
#include "repeat.h"

static struct slot slots[SLOT_COUNT];
static int taken;

#define MIN(slot) __atomic_load_n(&(slot).min, __ATOMIC_RELAXED)

/* One compare, then a jump: most calls of most programs are small. */
#define TRAMPOLINE(id)                                                                             \
    static void trampoline_##id(char **args, npy_intp const *dims, npy_intp const *steps,          \
                                void *data)                                                        \
    {                                                                                              \
        if (dims[0] < MIN(slots[id - 1000]))                                                       \
            slots[id - 1000].loop(args, dims, steps, data);                                        \
        else                                                                                       \
            large_run(&slots[id - 1000], args, dims, steps, data);                                 \
    }
#define ALL(m)                                                                                     \
    REPEAT_HUNDRED(m, 10)                                                                          \
    REPEAT_HUNDRED(m, 11)                                                                          \
    REPEAT_HUNDRED(m, 12)                                                                          \
    REPEAT_HUNDRED(m, 13)                                                                          \
    REPEAT_HUNDRED(m, 14)                                                                          \
    REPEAT_HUNDRED(m, 15)                                                                          \
    REPEAT_HUNDRED(m, 16)                                                                          \
    REPEAT_HUNDRED(m, 17)                                                                          \
    REPEAT_HUNDRED(m, 18)                                                                          \
    REPEAT_HUNDRED(m, 19) REPEAT_HUNDRED(m, 20) REPEAT_HUNDRED(m, 21)

ALL(TRAMPOLINE)

#define NAME(id) trampoline_##id,
static const PyUFuncGenericFunction trampolines[] = {ALL(NAME)};

static_assert(sizeof(trampolines) / sizeof(trampolines[0]) == SLOT_COUNT, "a trampoline a slot");
static_assert(sizeof(struct slot) == 64, "one cache line");

struct slot *slot_take(void)
{
    return taken < SLOT_COUNT ? &slots[taken++] : NULL;
}

PyUFuncGenericFunction slot_trampoline(const struct slot *slot)
{
    return trampolines[slot - slots];
}

int slots_taken(void)
{
    return taken;
}

void slot_update_limits(struct slot *slot)
{
    npy_intp limit = large_limit(slot);
    uint32_t worth = limit < SLOT_NEVER ? (uint32_t)limit : SLOT_NEVER;

    __atomic_store_n(&slot->worth, worth, __ATOMIC_RELAXED);
    __atomic_store_n(&slot->min, learn_limit(slot, limit), __ATOMIC_RELAXED);
}

void slots_update_limits(void)
{
    for (int i = 0; i < taken; i++)
        slot_update_limits(&slots[i]);
}

enum { PROBE = 16, ITEM_MAX = 32 };

bool slot_clears_exceptions(const struct slot *slot, void *data)
{
    alignas(64) char items[SLOT_ARGS_MAX][PROBE * ITEM_MAX] = {{0}};
    char *args[SLOT_ARGS_MAX];
    npy_intp n = PROBE, steps[SLOT_ARGS_MAX];
    fenv_t callers;
    bool cleared;

    for (int i = 0; i < slot->nargs; i++) {
        args[i] = items[i];
        steps[i] = slot->itemsize[i];
    }
    fegetenv(&callers);
    feraiseexcept(FE_UNDERFLOW);
    slot->loop(args, &n, steps, data);
    cleared = !fetestexcept(FE_UNDERFLOW);
    fesetenv(&callers);
    return cleared;
}
