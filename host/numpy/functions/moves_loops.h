/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef TREADLE_NUMPY_MOVES_LOOPS_H
#define TREADLE_NUMPY_MOVES_LOOPS_H

#include "../api.h"

/** The loop out = x on elements of that size; NULL if there is none. */
PyUFuncGenericFunction moves_loop(npy_intp size);

/** Copy n elements of any size, each that many bytes from the last one. */
void moves_copy(char *to, npy_intp to_step, const char *from, npy_intp from_step, npy_intp size,
                npy_intp n);

/** The loop out = c ? x : y, where c is bool. */
PyUFuncGenericFunction moves_choice(npy_intp size);

#endif
