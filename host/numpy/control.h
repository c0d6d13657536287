/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef TREADLE_NUMPY_CONTROL_H
#define TREADLE_NUMPY_CONTROL_H

#include "api.h"

/** Functions of the module by which a program chooses: backends, threads, limits. */
extern PyMethodDef control_methods[];

/** Set the Python exception for a treadle_status other than TREADLE_OK; returns NULL. */
PyObject *control_raise(int32_t status);

#endif
