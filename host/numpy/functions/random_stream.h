/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef TREADLE_NUMPY_RANDOM_STREAM_H
#define TREADLE_NUMPY_RANDOM_STREAM_H

#include "../api.h"

/**
 * Generator.random and RandomState.random_sample, once numpy.random has been imported. [GIL held]
 * @return how many go through Treadle now
 */
int stream_install(void);

/** Put NumPy's own back. */
void stream_uninstall(void);

/** What treadle/_random.py needs. */
extern PyMethodDef stream_methods[];

#endif
