/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef TREADLE_NUMPY_WHOLE_ROWS_H
#define TREADLE_NUMPY_WHOLE_ROWS_H

#include "stream.h"
#include "whole_call.h"

enum { ROWS_INPUTS = 2 };

/**
 * A call on rows of slices, with one output that is contiguous and new. NumPy's iterator, from 2.3
 * on, copies such rows into buffers so that its loop gets several of them at once. Here the loop
 * gets the same elements in the same steps, but from where they are: only the few that lie across
 * the end of a row are copied.
 */
struct rows {
    struct stream_source source;
    npy_intp first; /* the element at which the source begins */
    npy_intp width;
    int nin;
    char *base[ROWS_INPUTS], *output;
    npy_intp row[ROWS_INPUTS], step[ROWS_INPUTS]; /* bytes */
    char *buffer[ROWS_INPUTS];
};

/**
 * Whether the call is one, and what its rows are. [GIL held]
 * @param iter  NumPy's iterator for the call, with the operands that it walks over
 */
bool rows_of(struct rows *rows, const struct call *call, NpyIter *iter);

/** Carry out elements [first, end), which begin and end as the pieces of NumPy's do. [any thread]
 */
void rows_run(const struct rows *rows, const struct call *call, npy_intp first, npy_intp end);

#endif
