/* SPDX-License-Identifier: BSD-3-Clause */
#include "stream.h"

#include <string.h>

#include "limit.h"
#include "operands.h"

#if defined(__SSE2__)

#include <emmintrin.h>

enum {
    LINE = 64,
    PIECE = 4096,       /* bytes of the widest output: stay in the first-level cache */
    WHOLE_VECTORS = 64, /* elements; a multiple of what NumPy's loops do at a time */
    SHORTEST = 2048,    /* bytes of a line: its two ends are written through the caches */
    /* Below that the next reader finds an ordinary output in the cache: plugins/common/stream.h. */
    LEAST = 12 << 20,
    OUTPUTS_MAX = 2
};

/* The end of an output that is not yet written. bytes[0] belongs to the beginning of a line. */
struct staged {
    char *line;    /* where bytes[0] belongs */
    size_t before; /* bytes of the line that are not of this output */
    size_t held;   /* bytes up to where the next piece begins, the ones before included */
    alignas(LINE) char bytes[LINE + PIECE];
};

static size_t out_size(const struct slot *slot, int i)
{
    return slot->itemsize[slot->nin + i];
}

static npy_intp widest(const struct slot *slot)
{
    npy_intp most = 1;

    for (int i = slot->nin; i < slot->nargs; i++)
        if (slot->itemsize[i] > most)
            most = slot->itemsize[i];
    return most;
}

bool stream_pays(const struct slot *slot, npy_intp n)
{
    return n >= LEAST / widest(slot) || limit_is_forced();
}

static bool suits(const struct slot *slot, char *const *args, npy_intp n, const npy_intp *steps)
{
    if (slot->nargs - slot->nin > OUTPUTS_MAX ||
        (n * widest(slot) < SHORTEST && !limit_is_forced()))
        return false;
    for (int i = slot->nin; i < slot->nargs; i++)
        if (steps[i] != slot->itemsize[i])
            return false;
    return operands_form(slot->nin, slot->nargs, slot->itemsize, n, args, steps) == OPERANDS_APART;
}

static void stage(struct staged *staged, char *output)
{
    staged->before = staged->held = (uintptr_t)output % LINE;
    staged->line = output - staged->before;
}

static void put_line(char *to, const char *from)
{
    for (int i = 0; i < LINE; i += (int)sizeof(__m128i))
        _mm_stream_si128((__m128i *)(to + i), _mm_load_si128((const __m128i *)(from + i)));
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

void stream_run(const struct slot *slot, char *const *args, npy_intp n, const npy_intp *steps,
                void *data)
{
    const int nin = slot->nin, nout = slot->nargs - nin;
    const npy_intp piece = PIECE / widest(slot) / WHOLE_VECTORS * WHOLE_VECTORS;
    struct staged staged[OUTPUTS_MAX];

    if (!suits(slot, args, n, steps)) {
        slot->loop((char **)args, &n, steps, data);
        return;
    }
    for (int i = 0; i < nout; i++)
        stage(&staged[i], args[nin + i]);
    for (npy_intp at = 0, count; at < n; at += count) {
        char *parts[SLOT_ARGS_MAX];

        count = n - at < piece ? n - at : piece;
        for (int i = 0; i < nin; i++)
            parts[i] = args[i] + at * steps[i];
        for (int i = 0; i < nout; i++)
            parts[nin + i] = staged[i].bytes + staged[i].held;
        slot->loop(parts, &count, steps, data);
        for (int i = 0; i < nout; i++)
            put(&staged[i], (size_t)count * out_size(slot, i));
    }
    for (int i = 0; i < nout; i++)
        put_rest(&staged[i]);
}

void stream_end(void)
{
    _mm_sfence();
}

#else

bool stream_pays(const struct slot *slot, npy_intp n)
{
    (void)slot, (void)n;
    return false;
}

void stream_run(const struct slot *slot, char *const *args, npy_intp n, const npy_intp *steps,
                void *data)
{
    slot->loop((char **)args, &n, steps, data);
}

void stream_end(void)
{
}

#endif
