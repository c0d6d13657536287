/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef TREADLE_NUMPY_LIMIT_H
#define TREADLE_NUMPY_LIMIT_H

#include <stdbool.h>

#include "api.h"

/*
 * From which size on a call that is seen before NumPy's iterators cut it up is worth several
 * threads. Views and iterators of our own take some microseconds.
 */

/** Ask the policy again. Until the first time nothing is worth it. */
void limit_update(void);

/** Whether n elements, each of which takes that long on one core, are worth it. [any thread] */
bool limit_reached(npy_intp n, double element_ns);

/** Whether the user sets the limit, in elements, whatever they take. [any thread] */
bool limit_is_forced(void);

#endif
