/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef TREADLE_NUMPY_LEARN_H
#define TREADLE_NUMPY_LEARN_H

#include "slot.h"

/**
 * Learn what an element costs here. cost.c knows it of another machine, and of loops that are not
 * in its table only what their bytes cost: so the first calls that are long enough for two looks
 * at the clock, but would stay on the caller anyway, are timed.
 *
 * @return true if the call was carried out, by NumPy's loop
 */
bool learn_from_call(struct slot *slot, char **args, const npy_intp *dims, const npy_intp *steps,
                     void *data);

/** The least size that slot->loop should not get at once: `limit`, or less while it is learned. */
npy_intp learn_limit(const struct slot *slot, npy_intp limit);

#endif
