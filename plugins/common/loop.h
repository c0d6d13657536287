/* SPDX-License-Identifier: BSD-3-Clause */
/* The operands of `loop` as its function takes them. */
#ifndef TREADLE_LOOP_H
#define TREADLE_LOOP_H

#include <treadle/plugin.h>

/** Most operands; no ufunc of NumPy has half as many. */
enum { TREADLE_LOOP_ARGS = 64 };

static inline int64_t treadle_loop_length(const struct treadle_call *call)
{
    return call->nargs && call->args[0].ndim ? call->args[0].shape[0] : 1;
}

/** Where element `first` of each operand is, and their strides. */
static inline void treadle_loop_operands(const struct treadle_call *call, int64_t first,
                                         char **ptrs, int64_t *strides)
{
    for (uint32_t k = 0; k < call->nargs; k++) {
        strides[k] = call->args[k].ndim ? call->args[k].strides[0] : 0;
        ptrs[k] = (char *)call->args[k].data + first * strides[k];
    }
}

#endif /* TREADLE_LOOP_H */
