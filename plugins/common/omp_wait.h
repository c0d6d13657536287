/* SPDX-License-Identifier: BSD-3-Clause */
/* How long LLVM's OpenMP workers spin after a region before they sleep. */
#ifndef TREADLE_OMP_WAIT_H
#define TREADLE_OMP_WAIT_H

/* libomp's own functions; gcc's omp.h does not have them. */
extern int kmp_get_blocktime(void);
extern void kmp_set_blocktime(int milliseconds);

/* libomp's default of 200 ms takes a core from the neighbours after each call; 0 would make a
 * region right after another one wake its workers anew (50 us instead of 1). */
enum { TREADLE_OMP_SPIN_MS = 1 };

/**
 * To be called before a region; gives what omp_wait_end() needs after it. The setting is the
 * calling thread's own, which may run OpenMP regions of the host program too: so it is put back.
 */
static inline int omp_wait_begin(void)
{
    int before = kmp_get_blocktime();
    if (before > TREADLE_OMP_SPIN_MS)
        kmp_set_blocktime(TREADLE_OMP_SPIN_MS);
    return before;
}

static inline void omp_wait_end(int before)
{
    if (before > TREADLE_OMP_SPIN_MS)
        kmp_set_blocktime(before);
}

#endif /* TREADLE_OMP_WAIT_H */
