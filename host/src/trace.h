/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef TREADLE_TRACE_H
#define TREADLE_TRACE_H

#include <stdbool.h>
#include <stdint.h>
#include <treadle/array.h>

/** Follow TREADLE_TRACE ("", "stderr", or an absolute path) and TREADLE_VERBOSE. */
int32_t trace_start(const char *target, int32_t verbose);

/** True if decisions should be handed to trace_call(). One relaxed load. */
bool trace_on(void);

/** What a call was made on, as far as a plugin sees it. */
struct trace_operands {
    const struct treadle_array *args;
    uint32_t nin;  /* 0: nothing is known */
    uint64_t axes; /* of a reduction */
};

/** One call that ran: as a line on stderr, or as a complete event of Chrome's trace format. */
void trace_call(const char *op, const struct trace_operands *operands, const char *backend,
                const char *variant, double elements, uint32_t wanted, uint32_t granted,
                uint32_t used, uint32_t callers, const char *reason, int64_t begin_ns,
                int64_t end_ns);

/** One sentence for people: written if TREADLE_VERBOSE is at least `level`, or the trace is stderr.
 */
void trace_say(int32_t level, const char *format, ...) __attribute__((format(printf, 2, 3)));

/** Nanoseconds of the monotonic clock. */
int64_t trace_clock(void);

#endif
