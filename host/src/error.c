/* SPDX-License-Identifier: BSD-3-Clause */
/* The last failure of each thread, in words. */
#include "error.h"

#include <stdarg.h>
#include <stdio.h>
#include <treadle/treadle.h>

static _Thread_local char message[512];
static _Thread_local int32_t status;

int32_t fail(int32_t code, const char *format, ...)
{
    va_list values;
    va_start(values, format);
    vsnprintf(message, sizeof message, format, values);
    va_end(values);
    status = code;
    return code;
}

int32_t failure(void)
{
    return status;
}

const char *treadle_last_error(void)
{
    return message;
}
