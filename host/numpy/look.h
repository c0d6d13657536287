/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef TREADLE_NUMPY_LOOK_H
#define TREADLE_NUMPY_LOOK_H

#include "api.h"

/** Functions of the module that report: version, backends, statistics. */
extern PyMethodDef look_methods[];

#endif
