/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef TREADLE_MEMORY_KEPT_H
#define TREADLE_MEMORY_KEPT_H

#include <stdbool.h>
#include <stddef.h>

/**
 * The big blocks that are kept for the next arrays, and the thread that gives back what nobody
 * wants. What a block takes is what malloc_usable_size() says. [any thread]
 */

/** In bytes; a huge page is one of x86-64, and of AArch64 with 4 KiB pages. */
enum { MEMORY_PAGE = 1 << 12, MEMORY_HUGE_PAGE = 1 << 21 };

/** A kept block for `size` bytes, or NULL; it counts as given out. */
void *memory_kept_take(size_t size);

/** Keep a block that was given out; false if it has to be freed instead. It begins with a page. */
bool memory_kept_add(void *data);

/** Blocks of `less` bytes were freed, and others of `more` are given out: what must not be kept
 *  beside these goes. */
void memory_kept_count(size_t less, size_t more);

/** Read how much may be kept at most. */
void memory_kept_read_limit(void);

/** Let a forked child begin with nothing. */
void memory_kept_follow_forks(void);

/** Give all that is kept back to the system. */
void memory_kept_trim(void);

/** Bytes kept now. */
size_t memory_kept_held(void);

#endif
