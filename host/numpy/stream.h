/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef TREADLE_NUMPY_STREAM_H
#define TREADLE_NUMPY_STREAM_H

#include "slot.h"

/**
 * Whether the outputs of a call of n elements are better written past the caches. NumPy's loops
 * write through them, so that each line is read from memory only to be overwritten.
 */
bool stream_pays(const struct slot *slot, npy_intp n);

/**
 * slot->loop on n elements, piece by piece into a small buffer, from which the outputs are written
 * past the caches. A piece of an output lies in its buffer as it would in memory, and pieces are
 * whole vectors: the loop does with each element what it does without a buffer. Short lines,
 * outputs with gaps and outputs that are inputs go straight to the loop.
 *
 * Others see the outputs after stream_end() on the same thread.
 */
void stream_run(const struct slot *slot, char *const *args, npy_intp n, const npy_intp *steps,
                void *data);
void stream_end(void);

/** Most bytes of a piece, of any operand. */
enum { STREAM_PIECE = 8192 };

/** Where the inputs of elements [at, at + count) are, a step of theirs apart. [any thread] */
struct stream_source {
    void (*locate)(const struct stream_source *source, npy_intp at, npy_intp count, char **inputs);
};

/** The same with inputs from anywhere; outputs are contiguous and apart from them. */
void stream_run_from(const struct slot *slot, char *const *outputs, npy_intp n,
                     const npy_intp *steps, void *data, const struct stream_source *source);

#endif
