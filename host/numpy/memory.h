/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef TREADLE_MEMORY_H
#define TREADLE_MEMORY_H

#include <stdbool.h>

/**
 * A cache of freed blocks for big arrays, behind NumPy's default allocator, in every thread.
 *
 * A fresh result costs more for its new zeroed pages than for its arithmetic; so big blocks are
 * kept when an array dies, and given to the next one of about that size. All blocks come from
 * malloc() and may be freed by anybody, in any state of this module.
 *
 * What is kept never lifts the sum of used and kept blocks above the highest sum of used ones, and
 * is at most 1/16 of memory_limit(). Blocks unused for two seconds go back to the system within
 * another one: a thread sees to it, which lives only while something is kept. It also looks how
 * much memory the process has, arrays or not, and gives blocks back before that is more than 1/32
 * above the most that it would have had without them: so the peak is about that of NumPy alone.
 * What is allocated between two looks, some 10 MiB, comes on top. A forked child starts with
 * nothing kept.
 */

/**
 * Whether Python's debug allocator puts bytes of its own around each block. NumPy's arrays come
 * from it, and blocks of malloc() must not end there. [with the GIL]
 */
bool memory_is_guarded(void);

/**
 * Install. Handlers that a program has set itself are not touched. May be called again.
 * @param huge_pages Ask the system for huge pages in blocks of 2 MiB and more, as NumPy does unless
 * NUMPY_MADVISE_HUGEPAGE is 0.
 * @return 0, or -1 (no Python exception) if NumPy's handler is not of the kind known here
 * [with the GIL]
 */
int memory_install(bool huge_pages);

/** Put NumPy's own functions back and drop what is kept. [with the GIL] */
void memory_uninstall(void);

#endif
