/* SPDX-License-Identifier: BSD-3-Clause */
#include "stream.h"

#include <string.h>

#include <treadle/treadle.h>

#include "limit.h"
#include "operands.h"

enum {
    LINE = 64,
    WHOLE_VECTORS = 64, /* elements; a multiple of what NumPy's loops do at a time */
    SHORTEST = 2048,    /* bytes of a line: its two ends are written through the caches */
    OUTPUTS_MAX = 2
};

/* ---- past the caches ------------------------------------------------------------------------ */

#if defined(__SSE2__)

#include <emmintrin.h>

static const bool can_stream = true;

static void put_line(char *to, const char *from)
{
    for (int i = 0; i < LINE; i += (int)sizeof(__m128i))
        _mm_stream_si128((__m128i *)(to + i), _mm_load_si128((const __m128i *)(from + i)));
}

void stream_end(void)
{
    _mm_sfence();
}

#else

static const bool can_stream = false;

static void put_line(char *to, const char *from)
{
    memcpy(to, from, LINE);
}

void stream_end(void)
{
}

#endif

/* ---- an output ------------------------------------------------------------------------------ */

/* The end of an output that is not yet written. bytes[0] belongs to the beginning of a line. */
struct staged {
    char *line;    /* where bytes[0] belongs */
    size_t before; /* bytes of the line that are not of this output */
    size_t held;   /* bytes up to where the next piece begins, the ones before included */
    alignas(LINE) char bytes[LINE + STREAM_PIECE];
};

static void stage(struct staged *staged, char *output)
{
    staged->before = staged->held = (uintptr_t)output % LINE;
    staged->line = output - staged->before;
}

/* `size` more bytes have come. What is not a whole line at the end waits for the next ones. */
static void put(struct staged *staged, size_t size)
{
    size_t at = 0, end = staged->held + size;

    if (staged->before && end >= LINE) {
        memcpy(staged->line + staged->before, staged->bytes + staged->before,
               LINE - staged->before);
        staged->before = 0;
        at = LINE;
    }
    for (; at + LINE <= end; at += LINE)
        put_line(staged->line + at, staged->bytes + at);
    memmove(staged->bytes, staged->bytes + at, end - at);
    staged->line += at;
    staged->held = end - at;
}

static void put_rest(const struct staged *staged)
{
    memcpy(staged->line + staged->before, staged->bytes + staged->before,
           staged->held - staged->before);
}

/* ---- a call --------------------------------------------------------------------------------- */

/* Bytes of an element of the widest operand from `first` on. */
static npy_intp widest(const struct slot *slot, int first)
{
    npy_intp most = 1;

    for (int i = first; i < slot->nargs; i++)
        if (slot->itemsize[i] > most)
            most = slot->itemsize[i];
    return most;
}

bool stream_pays(const struct slot *slot, npy_intp n)
{
    return slot->nargs - slot->nin <= OUTPUTS_MAX &&
           ((can_stream && n * widest(slot, slot->nin) >= (npy_intp)treadle_stream_bytes()) ||
            limit_is_forced());
}

void stream_run_from(const struct slot *slot, char *const *outputs, npy_intp n,
                     const npy_intp *steps, void *data, const struct stream_source *source)
{
    const int nin = slot->nin, nout = slot->nargs - nin;
    const npy_intp piece = STREAM_PIECE / widest(slot, 0) / WHOLE_VECTORS * WHOLE_VECTORS;
    struct staged staged[OUTPUTS_MAX];

    for (int i = 0; i < nout; i++)
        stage(&staged[i], outputs[i]);
    for (npy_intp at = 0, count; at < n; at += count) {
        char *parts[SLOT_ARGS_MAX];

        count = n - at < piece ? n - at : piece;
        source->locate(source, at, count, parts);
        for (int i = 0; i < nout; i++)
            parts[nin + i] = staged[i].bytes + staged[i].held;
        slot->loop(parts, &count, steps, data);
        for (int i = 0; i < nout; i++)
            put(&staged[i], (size_t)(count * slot->itemsize[nin + i]));
    }
    for (int i = 0; i < nout; i++)
        put_rest(&staged[i]);
}

/* ---- lines: each element is a step behind the one before ------------------------------------- */

struct lines {
    struct stream_source source;
    int nin;
    char *const *args;
    const npy_intp *steps;
};

static void locate(const struct stream_source *source, npy_intp at, npy_intp count, char **inputs)
{
    const struct lines *lines = (const struct lines *)source;

    (void)count;
    for (int i = 0; i < lines->nin; i++)
        inputs[i] = lines->args[i] + at * lines->steps[i];
}

static bool suits(const struct slot *slot, char *const *args, npy_intp n, const npy_intp *steps)
{
    if (n * widest(slot, slot->nin) < SHORTEST && !limit_is_forced())
        return false;
    for (int i = slot->nin; i < slot->nargs; i++)
        if (steps[i] != slot->itemsize[i])
            return false;
    return operands_form(slot->nin, slot->nargs, slot->itemsize, n, args, steps) == OPERANDS_APART;
}

void stream_run(const struct slot *slot, char *const *args, npy_intp n, const npy_intp *steps,
                void *data)
{
    const struct lines lines = {{locate}, slot->nin, args, steps};

    if (suits(slot, args, n, steps))
        stream_run_from(slot, args + slot->nin, n, steps, data, &lines.source);
    else
        slot->loop((char **)args, &n, steps, data);
}
