/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What was decided, for people: lines on stderr, or a file in Chrome's trace format that
 * Perfetto opens. The file is an array that is never closed, which the format allows: a
 * program that dies leaves a readable trace.
 */
#include "trace.h"

#include <fcntl.h>
#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <treadle/status.h>
#include <unistd.h>

#include "ab_same.h"
#include "error.h"
#include "own_file.h"
#include "own_path.h"

enum { LINE = 1536, NAME = 128, OPERANDS = 384 };

static atomic_int descriptor = -1; /* of the trace; stderr's own when that is the target */
static struct own_file kept = OWN_FILE_NONE; /* never closed: a call may be about to write to it */
static atomic_int verbosity;

int64_t trace_clock(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}

bool trace_on(void)
{
    return atomic_load_explicit(&descriptor, memory_order_relaxed) >= 0;
}

/* One write() per line: lines of several threads and processes do not mix. */
static void put(int file, const char *line, size_t length)
{
    while (length > 0) {
        ssize_t written = write(file, line, length);
        if (written < 0 && errno == EINTR)
            continue;
        if (written <= 0)
            return;
        line += written;
        length -= (size_t)written;
    }
}

static void put_line(int file, const char *format, va_list values)
{
    char line[LINE];
    int length = vsnprintf(line, sizeof line - 1, format, values);
    if (length < 0)
        return;
    size_t end = (size_t)length < sizeof line - 2 ? (size_t)length : sizeof line - 2;
    line[end] = '\n';
    put(file, line, end + 1);
}

static void put_format(int file, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void put_format(int file, const char *format, ...)
{
    va_list values;
    va_start(values, format);
    put_line(file, format, values);
    va_end(values);
}

static int keep(int file)
{
    struct stat status;
    int before = own_file_number(&kept, &status);
    if (before >= 0) {
        dup3(file, before, O_CLOEXEC);
        close(file);
        file = before;
    }
    own_file_keep(&kept, file);
    return file;
}

/* The number of the trace, unless the program has closed it: then it may be another file's. */
static int still_open(int file)
{
    struct stat status;
    int number = own_file_number(&kept, &status);
    if (number < 0 && atomic_compare_exchange_strong(&descriptor, &file, -1))
        trace_say(1, "the trace ends here: the program closed its file");
    return number;
}

static int open_file(const char *target)
{
    char path[PATH_MAX];
    if (!own_path(target, path, sizeof path))
        return -1;
    return own_file_move(
        open(path, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0666));
}

int32_t trace_start(const char *target, int32_t verbose)
{
    atomic_store(&verbosity, verbose);
    int file = -1;
    if (strcmp(target, "stderr") == 0)
        file = STDERR_FILENO;
    else if (*target) {
        file = open_file(target);
        if (file < 0)
            return fail(TREADLE_E_INVALID, "TREADLE_TRACE=%.128s: cannot be written: %s", target,
                        strerror(errno));
        put(file, "[\n", 2);
        atomic_store(&descriptor, -1); /* a call that finds the wrong file does not end this one */
        file = keep(file);
    }
    atomic_store(&descriptor, file);
    return TREADLE_OK;
}

/* A name as JSON and a line can hold it. */
static const char *plain(const char *name, char text[NAME])
{
    size_t length = strnlen(name, NAME - 1);
    for (size_t i = 0; i < length; i++)
        text[i] = (unsigned char)name[i] < ' ' || strchr("\"\\", name[i]) ? '_' : name[i];
    text[length] = '\0';
    return text;
}

static int shape_text(char *text, size_t room, const struct treadle_array *array)
{
    int used = 0;
    for (int32_t d = 0; d < array->ndim && (size_t)used < room; d++)
        used += snprintf(text + used, room - (size_t)used, "%s%lld", d ? "x" : "",
                         (long long)array->shape[d]);
    return used;
}

/* "axes" of a reduction: "0,2". */
static int axes_text(char *text, size_t room, const struct trace_operands *operands)
{
    int used = snprintf(text, room, "%s", operands->axes ? ",\"axes\":\"" : "");
    const char *comma = "";
    for (int32_t d = 0; d < operands->args[0].ndim && operands->axes; d++)
        if (operands->axes >> d & 1 && (size_t)used < room) {
            used += snprintf(text + used, room - (size_t)used, "%s%d", comma, d);
            comma = ",";
        }
    if (operands->axes && (size_t)used < room)
        used += snprintf(text + used, room - (size_t)used, "\"");
    return used;
}

/*
 * Members that tell what the call was made on, for who wants to make it again (`treadle ab
 * --replay`): nothing if they are not known, or if they are too many for a line.
 */
static const char *operands_text(char text[OPERANDS], const struct trace_operands *operands)
{
    text[0] = '\0';
    if (operands->nin == 0 || operands->args[0].ndim == 0)
        return text;
    char dtype[8];
    ab_dtype_text(operands->args[0].dtype.code | (uint32_t)operands->args[0].dtype.bits << 8,
                  dtype);
    int used = snprintf(text, OPERANDS, ",\"dtype\":\"%s\",\"shapes\":\"", dtype);
    for (uint32_t i = 0; i < operands->nin && used < OPERANDS; i++) {
        used += snprintf(text + used, (size_t)(OPERANDS - used), "%s", i ? "," : "");
        if (used < OPERANDS)
            used += shape_text(text + used, (size_t)(OPERANDS - used), &operands->args[i]);
    }
    if (used < OPERANDS)
        used += snprintf(text + used, (size_t)(OPERANDS - used), "\"");
    if (used < OPERANDS)
        used += axes_text(text + used, (size_t)(OPERANDS - used), operands);
    if (used >= OPERANDS)
        text[0] = '\0';
    return text;
}

void trace_call(const char *op, const struct trace_operands *operands, const char *backend,
                const char *variant, double elements, uint32_t wanted, uint32_t granted,
                uint32_t used, uint32_t callers, const char *reason, int64_t begin_ns,
                int64_t end_ns)
{
    int file = atomic_load(&descriptor);
    char op_text[NAME], variant_text[NAME], text[OPERANDS];
    op = plain(op, op_text);
    variant = plain(variant, variant_text);
    double begin = (double)begin_ns * 1e-3, duration = (double)(end_ns - begin_ns) * 1e-3;
    if (file == STDERR_FILENO)
        put_format(file,
                   "treadle: %s %.3g: %s %s, %u threads (wanted %u, granted %u, callers %u), "
                   "%.1f us: %s",
                   op, elements, backend, variant, used, wanted, granted, callers, duration,
                   reason);
    else if (file >= 0 && (file = still_open(file)) >= 0)
        put_format(file,
                   "{\"name\":\"%s\",\"cat\":\"%s\",\"ph\":\"X\",\"ts\":%.3f,\"dur\":%.3f,"
                   "\"pid\":%d,\"tid\":%ld,\"args\":{\"backend\":\"%s\",\"variant\":\"%s\","
                   "\"elements\":%.0f,\"wanted\":%u,\"granted\":%u,\"threads\":%u,\"callers\":%u,"
                   "\"reason\":\"%s\"%s}},",
                   op, backend, begin, duration, (int)getpid(), syscall(SYS_gettid), backend,
                   variant, elements, wanted, granted, used, callers, reason,
                   operands_text(text, operands));
}

void trace_say(int32_t level, const char *format, ...)
{
    bool to_stderr = atomic_load(&descriptor) == STDERR_FILENO;
    if (!to_stderr && atomic_load(&verbosity) < level)
        return;
    char prefixed[LINE];
    snprintf(prefixed, sizeof prefixed, "treadle: %s", format);
    va_list values;
    va_start(values, format);
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    put_line(STDERR_FILENO, prefixed, values);
#pragma GCC diagnostic pop
    va_end(values);
}
