/* SPDX-License-Identifier: BSD-3-Clause */
/* The operations by name. Flop counts per m * n * min(m, n) after LAPACK Working Note 41. */
#include "op.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <treadle/status.h>

#include "error.h"

#define ELEMENTWISE(op, inputs)                                                                    \
    {                                                                                              \
        .name = op, .class = OP_ELEMENTWISE, .nin = inputs, .nout = 1                              \
    }
#define REDUCTION(op)                                                                              \
    {                                                                                              \
        .name = op, .class = OP_REDUCTION, .nin = 1, .nout = 1                                     \
    }
#define LINALG(op, inputs, outputs, flops)                                                         \
    {                                                                                              \
        .name = op, .class = OP_LINALG, .nin = inputs, .nout = outputs, .flops_cubed = flops       \
    }

static struct op known[] = {
    ELEMENTWISE("add", 2),
    ELEMENTWISE("subtract", 2),
    ELEMENTWISE("multiply", 2),
    ELEMENTWISE("divide", 2),
    ELEMENTWISE("maximum", 2),
    ELEMENTWISE("minimum", 2),
    ELEMENTWISE("negative", 1),
    ELEMENTWISE("abs", 1),
    ELEMENTWISE("sqrt", 1),
    ELEMENTWISE("square", 1),
    ELEMENTWISE("copy", 1),
    REDUCTION("sum"),
    REDUCTION("prod"),
    REDUCTION("min"),
    REDUCTION("max"),
    REDUCTION("mean"),
    {.name = "dot", .class = OP_DOT, .nin = 2, .nout = 1},
    {.name = "matmul", .class = OP_MATMUL, .nin = 2, .nout = 1},
    LINALG("svd", 1, 0, 20),
    LINALG("qr", 1, 2, 4),
    LINALG("eigh", 1, 2, 9),
    LINALG("solve", 2, 1, 1),
    LINALG("cholesky", 1, 1, 1),
    LINALG("inv", 1, 1, 2),
    {.name = "loop", .class = OP_LOOP},
};

enum { KNOWN = sizeof known / sizeof *known, SLOTS = 512, MOST = SLOTS / 2 };

static const struct op *_Atomic table[SLOTS]; /* open addressing; entries only ever appear */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static uint32_t count;

static inline __attribute__((always_inline)) const struct op *look(const char *name, uint32_t *slot)
{
    uint64_t head = op_head(name);
    uint32_t at = (uint32_t)(head * UINT64_C(0x9e3779b97f4a7c15) >> 55); /* Fibonacci hashing */
    for (;; at = (at + 1) % SLOTS) {
        const struct op *op = atomic_load_explicit(&table[at], memory_order_acquire);
        if (!op || op_is_called(op, name, head)) {
            *slot = at;
            return op;
        }
    }
}

_Static_assert(SLOTS == 1 << 9, "the hash keeps nine bits");

/* Under the lock. */
static void publish(struct op *op)
{
    uint32_t slot;
    if (look(op->name, &slot))
        return;
    op->head = op_head(op->name);
    count++;
    atomic_store_explicit(&table[slot], op, memory_order_release);
}

static const struct op *learn(const char *name)
{
    struct op *op = calloc(1, sizeof *op);
    char *copy = strdup(name);
    if (!op || !copy || count >= MOST) {
        free(op);
        free(copy);
        if (count >= MOST)
            fail(TREADLE_E_INVALID, "op is one of too many; allowed are %d names", MOST);
        else
            fail(TREADLE_E_NOMEM, "no memory for a new operation");
        return NULL;
    }
    *op = (struct op){.name = copy, .class = OP_OTHER};
    publish(op);
    return op;
}

/* Out of the way of the calls that find theirs. */
static __attribute__((noinline)) const struct op *find_or_learn(const char *name)
{
    uint32_t slot;
    pthread_mutex_lock(&lock);
    for (uint32_t i = 0; count < KNOWN && i < KNOWN; i++)
        publish(&known[i]);
    const struct op *op = look(name, &slot);
    if (!op)
        op = learn(name);
    pthread_mutex_unlock(&lock);
    return op;
}

const struct op *op_find(const char *name)
{
    if (!name || !*name) {
        fail(TREADLE_E_INVALID, "op is %s; allowed is the name of an operation",
             name ? "empty" : "NULL");
        return NULL;
    }
    uint32_t slot;
    const struct op *op = look(name, &slot);
    return op ? op : find_or_learn(name);
}

void op_fork(enum fork_step step)
{
    fork_lock(&lock, step);
}
