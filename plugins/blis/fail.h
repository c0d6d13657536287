/* SPDX-License-Identifier: BSD-3-Clause */
/* One sentence for the user, in the host's memory. */
#ifndef TREADLE_BLIS_FAIL_H
#define TREADLE_BLIS_FAIL_H

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>

#include <treadle/plugin.h>

/** Returns `code` and writes the sentence to call->error, if there is one. */
__attribute__((format(printf, 3, 4))) static inline int32_t
fail(const struct treadle_call *call, int32_t code, const char *format, ...)
{
    struct treadle_error *error = call->error;
    if (error) {
        error->code = code;
        if (error->message && error->capacity) {
            va_list args;
            va_start(args, format);
            vsnprintf(error->message, error->capacity, format, args);
            va_end(args);
        }
    }
    return code;
}

#endif /* TREADLE_BLIS_FAIL_H */
