/* SPDX-License-Identifier: BSD-3-Clause */
#include "routines.h"

#include <string.h>

#include "grant.h"

static const struct routine *look_up(const struct routine *table, const char *name)
{
    for (; table->name; table++)
        if (!strcmp(table->name, name))
            return table;
    return NULL;
}

static treadle_routine_fn find(void *state, const char *name, uint32_t int_bits)
{
    (void)state;
    const struct routine *found = look_up(routines_blas, name);
    if (!found)
        found = look_up(routines_lapack, name);
    if (!found)
        return NULL;
    return int_bits == 64 ? found->fn64 : int_bits == 32 ? found->fn32 : NULL;
}

const struct treadle_routines routines = {
    .struct_size = sizeof routines,
    .find = find,
    .enter = grant_enter,
    .leave = grant_leave,
};
