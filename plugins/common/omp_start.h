/* SPDX-License-Identifier: BSD-3-Clause */
/* Starting LLVM's OpenMP runtime. */
#ifndef TREADLE_OMP_START_H
#define TREADLE_OMP_START_H

#include <fenv.h>
#include <omp.h>
#include <stdlib.h>
#include <string.h>

/** Take back the floating-point exceptions that libomp's own start raises on the first thread. */
static inline void omp_clear_new_flags(int raised)
{
    const int more = fetestexcept(FE_ALL_EXCEPT) & ~raised;
    if (more)
        feclearexcept(more);
}

/**
 * Start libomp, without threads yet. To be called by create(): libomp registers its fork handlers,
 * which have to come before the host's, so that the host keeps calls out before libomp takes its
 * locks.
 * @return NULL, or why libomp must not be started: it aborts the process over an OMP_NUM_THREADS
 *         without a character in it (libomp 14, kmp_settings.cpp:1134)
 */
static inline const char *omp_start(void)
{
    const char *threads = getenv("OMP_NUM_THREADS");
    if (threads && threads[strspn(threads, " \t")] == '\0')
        return "OMP_NUM_THREADS is set but empty, which LLVM's OpenMP runtime does not survive; "
               "unset it or give it a number";
    const int raised = fetestexcept(FE_ALL_EXCEPT);
    (void)omp_get_max_threads();
    omp_clear_new_flags(raised);
    return NULL;
}

#endif /* TREADLE_OMP_START_H */
