/* SPDX-License-Identifier: BSD-3-Clause */
/* Who would be called if this library were not there. */
#ifndef TREADLE_ORIGINAL_H
#define TREADLE_ORIGINAL_H

#include <treadle/plugin.h>

/**
 * A function of this name, in the first of
 *   1. the libraries that TREADLE_BLAS_LIBRARY names,
 *   2. what the dynamic linker would have taken next,
 *   3. the libraries of the module that `caller` is in,
 *   4. all libraries of the process,
 *   5. the system's BLAS and LAPACK, in the order of Debian's priorities.
 * Its library stays loaded from then on.
 * @return NULL if there is none
 * [any thread]
 */
treadle_routine_fn original_find(const char *symbol, const void *caller);

/**
 * The same, but without it the process ends, as the dynamic linker ends it for a function that
 * nobody has. For libblas.so.3 and liblapack.so.3.
 */
TREADLE_EXPORT treadle_routine_fn treadle_blas_original(const char *symbol, const void *caller);

/** The function of this name in the library of `fn`, or in those that it needs; or NULL. */
treadle_routine_fn original_beside(treadle_routine_fn fn, const char *symbol);

/** Where the library of `fn` begins. */
const void *original_library(treadle_routine_fn fn);

#endif
