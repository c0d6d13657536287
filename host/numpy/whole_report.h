/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef TREADLE_NUMPY_WHOLE_REPORT_H
#define TREADLE_NUMPY_WHOLE_REPORT_H

#include "api.h"

/**
 * Find what this NumPy offers for reporting. [GIL held]
 * @return 0, or -1 with an exception
 */
int report_find(void);

/**
 * Report floating-point exceptions as NumPy does at the end of a ufunc: numpy.errstate decides
 * between silence, a warning, a function and an error. [GIL held]
 *
 * @param raised  of <fenv.h>
 * @return 0, or -1 with an exception
 */
int report_raised(const char *ufunc, int raised);

/** numpy.getbufsize() of the calling thread, or -1 with an exception. [GIL held] */
npy_intp report_bufsize(void);

#endif
