/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef TREADLE_CACHE_H
#define TREADLE_CACHE_H

#include <stdint.h>

/**
 * What treadle_stream_bytes() says where the last-level cache holds so many bytes; 0 or less if
 * that is not known.
 */
uint64_t cache_stream_bytes(int64_t last_level);

#endif
