/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef TREADLE_NUMPY_WHOLE_TYPES_H
#define TREADLE_NUMPY_WHOLE_TYPES_H

#include "whole_call.h"

/**
 * Find what this NumPy offers for that. [GIL held]
 * @return 0, or -1 with an exception
 */
int types_find(void);

/**
 * Ask NumPy for the types of the loop, and find the loop. Nothing that can be seen has happened.
 * @return false if NumPy refuses the types or the loop can't run on other threads; false with an
 *         exception if Python code has run meanwhile and raised it
 */
bool types_resolve(struct call *call);

/** Whether NumPy gives the whole call to the loop at once, so that the loop's trampoline sees it.
 */
bool types_are_trivial(const struct call *call, npy_intp bufsize);

/**
 * Convert Python numbers and small operands as NumPy does before it begins. May warn.
 * @return 0; 1 if it is better left to NumPy, and nothing has happened; -1 with an exception
 */
int types_convert(struct call *call, npy_intp bufsize);

/** Whether NumPy has to cast operand i, or to copy it because of its byte order or alignment. */
bool types_differ(const struct call *call, int i);

#endif
