/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef TREADLE_NUMPY_EXPLAIN_H
#define TREADLE_NUMPY_EXPLAIN_H

#include <treadle/treadle.h>

#include "api.h"

/** A decision as a dict, or NULL with the error of `status` set. [GIL held] */
PyObject *explain_result(int32_t status, const struct treadle_decision *decision);

/** What would be done with NumPy's own calls. */
extern PyMethodDef explain_methods[];

#endif
