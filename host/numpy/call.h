/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef TREADLE_NUMPY_CALL_H
#define TREADLE_NUMPY_CALL_H

#include "api.h"

/** Functions of the module that hand NumPy arrays to the library: run and explain. */
extern PyMethodDef call_methods[];

#endif
