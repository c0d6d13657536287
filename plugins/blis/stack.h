/* SPDX-License-Identifier: BSD-3-Clause */
/* A stack of matrices: the arguments of one call, checked against a signature and walked together.
 */
#ifndef TREADLE_BLIS_STACK_H
#define TREADLE_BLIS_STACK_H

#include <stdint.h>

#include <treadle/plugin.h>

enum { STACK_ARGS_MAX = 4, STACK_CORE_MAX = 2 };

/** One argument: its matrix (or vector, or number) at the current place of the stack. */
struct stack_arg {
    char *data;
    int64_t extent[STACK_CORE_MAX];
    int64_t stride[STACK_CORE_MAX]; /* bytes */
    int64_t outer[TREADLE_NDIM_MAX];
};

struct stack {
    uint32_t nargs;
    int32_t ndim;
    int64_t shape[TREADLE_NDIM_MAX];
    int64_t count; /* matrices; 0 if an axis is empty */
    struct stack_arg args[STACK_ARGS_MAX];
};

/**
 * Check the call's arguments against `signature` and get ready to walk them.
 *
 * "mn>mk,k,kn" is the economic svd: core axes by letters, equal letters equal extents; a letter
 * that first appears in an output is the smaller one of the first argument's extents. The axes
 * before the core's are the stack's; inputs are broadcast to the first output's.
 *
 * @return TREADLE_OK, or TREADLE_E_INVALID with the reason in call->error
 */
int32_t stack_init(struct stack *stack, const struct treadle_call *call, const char *op,
                   const char *signature);

/** Go to matrix `index` of count. */
void stack_seek(struct stack *stack, const struct treadle_call *call, int64_t index);

#endif /* TREADLE_BLIS_STACK_H */
