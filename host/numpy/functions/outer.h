/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef TREADLE_NUMPY_OUTER_H
#define TREADLE_NUMPY_OUTER_H

/** Let ufunc.outer() of large arrays go the way of ufunc(). @return how many methods: 0 or 1 */
int outer_install(void);
void outer_uninstall(void);

#endif
