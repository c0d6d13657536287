/* SPDX-License-Identifier: BSD-3-Clause */
#include "slot.h"

#include "large.h"

static struct slot slots[SLOT_COUNT];
static int taken;

#define MIN(slot) __atomic_load_n(&(slot).min, __ATOMIC_RELAXED)

/* One compare, then a jump: most calls of most programs are small. Names start at 1000 because
 * a number that is pasted together must not begin with 0. */
#define TRAMPOLINE(id)                                                                             \
    static void trampoline_##id(char **args, npy_intp const *dims, npy_intp const *steps,          \
                                void *data)                                                        \
    {                                                                                              \
        if (dims[0] < MIN(slots[id - 1000]))                                                       \
            slots[id - 1000].loop(args, dims, steps, data);                                        \
        else                                                                                       \
            large_run(&slots[id - 1000], args, dims, steps, data);                                 \
    }
#define TEN(m, p) m(p##0) m(p##1) m(p##2) m(p##3) m(p##4) m(p##5) m(p##6) m(p##7) m(p##8) m(p##9)
#define HUNDRED(m, p)                                                                              \
    TEN(m, p##0)                                                                                   \
    TEN(m, p##1)                                                                                   \
    TEN(m, p##2)                                                                                   \
    TEN(m, p##3) TEN(m, p##4) TEN(m, p##5) TEN(m, p##6) TEN(m, p##7) TEN(m, p##8) TEN(m, p##9)
#define ALL(m)                                                                                     \
    HUNDRED(m, 10)                                                                                 \
    HUNDRED(m, 11)                                                                                 \
    HUNDRED(m, 12)                                                                                 \
    HUNDRED(m, 13)                                                                                 \
    HUNDRED(m, 14)                                                                                 \
    HUNDRED(m, 15)                                                                                 \
    HUNDRED(m, 16) HUNDRED(m, 17) HUNDRED(m, 18) HUNDRED(m, 19) HUNDRED(m, 20) HUNDRED(m, 21)

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

void slots_update_limits(void)
{
    for (int i = 0; i < taken; i++)
        __atomic_store_n(&slots[i].min, large_limit(&slots[i]), __ATOMIC_RELAXED);
}
