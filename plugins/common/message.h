/* SPDX-License-Identifier: BSD-3-Clause */
/* Say why a call failed, into the host's memory. */
#ifndef TREADLE_MESSAGE_H
#define TREADLE_MESSAGE_H

#include <stdarg.h>
#include <stdio.h>

#include <treadle/plugin.h>

/** Fill in `error`, which may be NULL, and return `status`. */
__attribute__((format(printf, 3, 4))) static inline int32_t
treadle_fail(struct treadle_error *error, int32_t status, const char *format, ...)
{
    if (error) {
        va_list args;
        va_start(args, format);
        error->code = status;
        if (error->message && error->capacity)
            vsnprintf(error->message, error->capacity, format, args);
        va_end(args);
    }
    return status;
}

#endif /* TREADLE_MESSAGE_H */
