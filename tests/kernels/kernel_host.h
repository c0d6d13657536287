/* SPDX-License-Identifier: BSD-3-Clause */
/* A host just large enough to call the kernels of one plugin, TREADLE_TEST_PLUGIN. */
#ifndef KERNEL_HOST_H
#define KERNEL_HOST_H

#include <stddef.h>

#include <treadle/plugin.h>

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

enum { AXES_MAX = 4, ARGS_MAX = 3 };

/** An operand with its own shape and strides, inside memory with sentinels on both sides. */
struct operand {
    struct treadle_array array;
    int64_t shape[AXES_MAX], strides[AXES_MAX];
    char *memory;
    size_t bytes;
};

/** The loaded plugin. */
const struct treadle_plugin *plugin(void);

/** True if the plugin has threads of its own. */
int has_threads(void);

/** The i-th listed operation; 0 past the end. */
int listed(uint32_t i, struct treadle_query *query);

/** `shape` has ndim entries; step is the last axis's stride in items (0, 1, 2, -1, ...). */
void operand_init(struct operand *o, struct treadle_dtype dtype, int ndim, const int64_t *shape,
                  int64_t step, size_t misalign);
void operand_finish(struct operand *o);

/** Fill with numbers of the type, special ones among them, or with what `seed` < 0 says: ones. */
void operand_fill(struct operand *o, int seed);

/** Address of the item with C-order number i. */
void *operand_item(const struct operand *o, size_t i);

/** Number of items. */
size_t operand_count(const struct operand *o);

/** Fails the test if a byte outside the items has changed. */
void operand_check_sentinels(const struct operand *o);

/** treadle_call.flags of the calls from now on. */
void use_flags(uint32_t flags);

/** The status; *used gets threads_used unless NULL. */
int32_t run_op(const char *op, struct operand *const *operands, uint32_t nargs, uint32_t nin,
               const void *attrs, uint32_t threads, uint32_t *used);

/** Most requests of scratch memory that may succeed from now on; negative: all. */
void limit_allocations(int count);

#endif /* KERNEL_HOST_H */
