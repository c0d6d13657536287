/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef TREADLE_RECORD_H
#define TREADLE_RECORD_H

#include <stdint.h>

#include "budget.h"
#include "trace.h"

/** A large call that was made. All strings but `op` live as long as the process. */
struct made_call {
    const char *op, *backend, *variant;
    struct trace_operands operands;
    double elements;
    uint32_t used, fallbacks;
    struct grant grant;
    int64_t end;
};

/** To the statistics, to the last calls of treadle_recent_calls(), and to the trace if it is on. */
void record_call(const struct made_call *call);

/** In a forked child: it has made no calls. */
void record_after_fork(void);

#endif
