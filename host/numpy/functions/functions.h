/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef TREADLE_NUMPY_FUNCTIONS_H
#define TREADLE_NUMPY_FUNCTIONS_H

/**
 * Stand in front of NumPy's functions and methods that are no ufuncs. Small and odd calls go on to
 * NumPy after a few comparisons. Random streams are random_stream.h's to install, because NumPy
 * imports them late. [GIL held]
 * @return how many of them; -1 with an exception if this NumPy is not of a kind known here
 */
int functions_install(void);

/** Step aside, random streams too. Calls that are running finish as they began. [GIL held] */
void functions_uninstall(void);

#endif
