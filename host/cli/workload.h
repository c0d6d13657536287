/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef TREADLE_WORKLOAD_H
#define TREADLE_WORKLOAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <treadle/treadle.h>

#include "options.h"

enum workload_class {
    WORKLOAD_ELEMENTWISE,
    WORKLOAD_REDUCTION,
    WORKLOAD_DOT,
    WORKLOAD_MATMUL,
    WORKLOAD_SVD,
    WORKLOAD_QR,
    WORKLOAD_EIGH,
    WORKLOAD_SOLVE,
    WORKLOAD_CHOLESKY,
    WORKLOAD_INV
};

/** How the operands of a call lie in memory. */
enum workload_layout {
    WORKLOAD_CONTIGUOUS,
    WORKLOAD_STRIDED,    /* every other item of each */
    WORKLOAD_TRANSPOSED, /* the first input column by column */
    WORKLOAD_MISALIGNED, /* all one byte off */
    WORKLOAD_BROADCAST   /* the last input repeated along the first axis */
};

enum { WORKLOAD_ARGS_MAX = 4 };

/**
 * One call that can be made again and again: an op, its operands and its attributes.
 *
 * First workload_plan() lays out the operands (enough to explain the call), then
 * workload_allocate() gives them memory and values (enough to run it). The arrays point into the
 * struct: it must not be moved. workload_finish() after either.
 */
struct workload {
    const char *op;
    enum workload_class class;
    struct treadle_dtype dtype; /* of the inputs */
    uint32_t nargs;
    uint32_t nin;
    struct treadle_array args[WORKLOAD_ARGS_MAX];
    int64_t shapes[WORKLOAD_ARGS_MAX][OPTIONS_NDIM_MAX];
    int64_t strides[WORKLOAD_ARGS_MAX][OPTIONS_NDIM_MAX];
    struct treadle_reduction reduction;
    struct treadle_linalg linalg;
    const void *attrs;
    double bytes; /* read and written by one call */
    double flops; /* of one call, textbook count; 0 where memory is the limit */
    enum workload_layout layout;
    bool in_place;                   /* the output is the first input */
    void *memory[WORKLOAD_ARGS_MAX]; /* to be freed; the operands lie within */
    bool allocated;
};

/** The names of the ops that can be tried, separated by spaces. */
const char *workload_ops(void);

/**
 * Lay out the operands of `op`; prints a sentence that starts with `what` if they do not fit.
 *
 * @param shapes  of the inputs; those left out follow from the first (a single n means n x n for
 *                matmul and linear algebra)
 * @param axes    what --axis said, for reductions; NULL means all
 */
bool workload_plan(struct workload *load, const char *what, const char *op,
                   struct treadle_dtype dtype, const struct options_shape *shapes, size_t nshapes,
                   const char *axes);

/**
 * Change the layout of a planned call, then whether it is in place; both before
 * workload_allocate(). They print a sentence that starts with `what` if it does not suit the op.
 */
bool workload_lay(struct workload *load, const char *what, enum workload_layout layout);
bool workload_lay_in_place(struct workload *load, const char *what);

/** The name of a layout, and back. */
const char *workload_layout_name(enum workload_layout layout);
bool workload_layout_parse(const char *what, const char *text, enum workload_layout *layout);

/** Memory (huge pages where they pay) and values that suit the op; the same for equal seeds. */
bool workload_allocate(struct workload *load, uint64_t seed);

void workload_finish(struct workload *load);

/** Call the library. */
int32_t workload_run(const struct workload *load, struct treadle_used *used);

/** The same into outputs that are allocated for the call and freed after it. */
int32_t workload_run_fresh(const struct workload *load, struct treadle_used *used);

/** "1000x1000": the first input's shape */
void workload_shape_text(const struct workload *load, char *text, size_t capacity);

/** Elements, or n for matrices: the number people would call the size. */
double workload_size(const struct workload *load);

/** True where memory bandwidth limits the op, false where arithmetic does. */
bool workload_is_memory_bound(const struct workload *load);

/** Elements and bytes of operand i. */
int64_t workload_elements(const struct workload *load, uint32_t i);
size_t workload_bytes(const struct workload *load, uint32_t i);

/** Bytes from the first to the last item of operand i. */
size_t workload_span(const struct workload *load, uint32_t i);

/** The items of operand i one after the other, to be freed; NULL after a sentence. And back. */
void *workload_pack(const struct workload *load, uint32_t i);
void workload_unpack(const struct workload *load, uint32_t i, void *packed);

/** Memory for operand i, aligned as the layout says; *memory is what to free. NULL: there is none.
 */
void *workload_operand_memory(const struct workload *load, uint32_t i, void **memory);

/** `size` bytes on a cache line, with huge pages if large; NULL if there is no memory. */
void *workload_memory(size_t size);

#endif /* TREADLE_WORKLOAD_H */
