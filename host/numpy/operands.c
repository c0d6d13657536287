/* SPDX-License-Identifier: BSD-3-Clause */
#include "operands.h"

#include <stdlib.h>

#include "api.h"

/* The bytes an operand touches: [first, end). */
struct extent {
    uintptr_t first, end;
};

static struct extent extent_of(const char *data, int64_t n, int64_t step, uint8_t itemsize)
{
    uintptr_t start = (uintptr_t)data;
    uintptr_t last = start + (uintptr_t)((n - 1) * step);

    return step < 0 ? (struct extent){last, start + itemsize}
                    : (struct extent){start, last + itemsize};
}

static bool disjoint(struct extent a, struct extent b)
{
    return a.end <= b.first || b.end <= a.first;
}

/* Element by element the same memory, and no element reaches into the next one. */
static bool same_elements(int a, int b, const uint8_t *itemsize, char *const *args,
                          const int64_t *steps)
{
    return args[a] == args[b] && steps[a] == steps[b] && llabs(steps[a]) >= itemsize[a] &&
           llabs(steps[a]) >= itemsize[b];
}

/* An operand as nomemoverlap() of NumPy 1 sees it: one step too long, and its end belongs to it. */
static struct extent span_of(const char *data, int64_t n, int64_t step)
{
    uintptr_t start = (uintptr_t)data, end = start + (uintptr_t)(n * step);

    return step < 0 ? (struct extent){end, start} : (struct extent){start, end};
}

static bool touch(struct extent a, struct extent b)
{
    return a.first <= b.end && b.first <= a.end && (a.first != b.first || a.end != b.end);
}

bool operands_touch(int nin, int nargs, int64_t n, char *const *args, const int64_t *steps)
{
    if (numpy_is_2())
        return false;
    for (int out = nin; out < nargs; out++)
        for (int i = 0; i < nin; i++)
            if (touch(span_of(args[i], n, steps[i]), span_of(args[out], n, steps[out])))
                return true;
    return false;
}

enum operands_form operands_form(int nin, int nargs, const uint8_t *itemsize, int64_t n,
                                 char *const *args, const int64_t *steps)
{
    enum operands_form form = OPERANDS_APART;

    if (nin == 2 && nargs == 3 && args[0] == args[2] && steps[0] == 0 && steps[2] == 0)
        return OPERANDS_REDUCE;
    if (operands_touch(nin, nargs, n, args, steps))
        return OPERANDS_TANGLED;
    for (int out = nin; out < nargs; out++) {
        struct extent written = extent_of(args[out], n, steps[out], itemsize[out]);

        if (llabs(steps[out]) < itemsize[out])
            return OPERANDS_TANGLED;
        for (int i = 0; i < nargs; i++) {
            if (i == out || disjoint(written, extent_of(args[i], n, steps[i], itemsize[i])))
                continue;
            if (i >= nin || !same_elements(i, out, itemsize, args, steps))
                return OPERANDS_TANGLED;
            form = OPERANDS_IN_PLACE;
        }
    }
    return form;
}
