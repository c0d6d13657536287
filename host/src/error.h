/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef TREADLE_ERROR_H
#define TREADLE_ERROR_H

#include <stdint.h>

/** Keep the sentence for treadle_last_error() of this thread; returns `code`, so `return
 * fail(...)`. */
int32_t fail(int32_t code, const char *format, ...) __attribute__((format(printf, 2, 3)));

/** What fail() returned last on this thread: for those who got NULL from somebody. */
int32_t failure(void);

#endif
