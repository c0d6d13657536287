/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef TREADLE_NUMPY_GUFUNC_COST_H
#define TREADLE_NUMPY_GUFUNC_COST_H

#include "gufunc.h"

/** What gufunc_matrix_ns() wants to know of a loop: `type` is NumPy's number of its first input. */
double gufunc_rate(const char *ufunc, int type);

/** Estimated nanoseconds for one matrix of a stack; core: the core dimensions. */
double gufunc_matrix_ns(const struct gufunc_slot *slot, const npy_intp *core);

#endif
