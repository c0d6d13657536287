/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef TREADLE_OP_H
#define TREADLE_OP_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "fork_step.h"

/** What decides how arguments are prepared and what a call costs. */
enum op_class {
    OP_ELEMENTWISE, /* all operands of one shape; cost: bytes moved */
    OP_REDUCTION,   /* cost: bytes read */
    OP_DOT,         /* cost: bytes read */
    OP_MATMUL,      /* cost: flops */
    OP_LINALG,      /* cost: flops */
    OP_LOOP,        /* cost: nanoseconds */
    OP_OTHER        /* a plugin's own op: arguments pass unchanged, cost unknown */
};
enum { OP_CLASSES = OP_OTHER + 1 };

/** One operation; never freed. */
struct op {
    const char *name;
    uint64_t head; /* op_head() of it */
    uint8_t class;
    uint8_t nin, nout;   /* 0: any */
    uint8_t flops_cubed; /* OP_LINALG: flops are about this times m * n * min(m, n) */
};

/** Has every backend to give the same bits? */
static inline bool op_is_exact(const struct op *op)
{
    return op && (op->class == OP_ELEMENTWISE || op->class == OP_REDUCTION);
}

/** Up to eight characters as a number: most names whole, so that one comparison tells. */
static inline uint64_t op_head(const char *name)
{
    uint64_t head = 0;
    for (int i = 0; i < 8 && name[i]; i++)
        head |= (uint64_t)(unsigned char)name[i] << (8 * i);
    return head;
}

static inline bool op_is_called(const struct op *op, const char *name, uint64_t head)
{
    return op->head == head && (head >> 56 == 0 || strcmp(op->name + 8, name + 8) == 0);
}

/**
 * The operation of that name. A name that is not in ops.h becomes an OP_OTHER at its first use.
 * NULL, with a sentence, if the name is NULL or empty, there are too many, or no memory.
 */
const struct op *op_find(const char *name);

/** The lock of this file, at a fork. */
void op_fork(enum fork_step step);

#endif
