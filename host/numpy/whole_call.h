/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef TREADLE_NUMPY_WHOLE_CALL_H
#define TREADLE_NUMPY_WHOLE_CALL_H

#include "whole.h"

/** A call as it was written, and what NumPy makes of it. */
struct call {
    const struct whole *whole;
    int nin, nargs;
    PyObject *inputs[SLOT_ARGS_MAX];      /* as given; borrowed */
    PyArrayObject *op[SLOT_ARGS_MAX + 1]; /* owned; NULL: NumPy makes it; last is the mask */
    PyTypeObject *weak[SLOT_ARGS_MAX];    /* of a Python number, whose type yields to others' */
    bool masked;
    npy_intp size; /* elements, after broadcasting */

    PyObject *casting;    /* as given, or NULL; borrowed */
    PyArray_Descr *dtype; /* owned, or NULL */

    PyArray_Descr *types[SLOT_ARGS_MAX + 1]; /* of the loop; owned */
    const struct slot *slot;
    void *data; /* for slot->loop */
};

/**
 * Carry out a call that is not small, as NumPy's vectorcall does it. What is unusual, trivial for
 * NumPy, or not worth several threads, goes on to `whole->numpy`.
 */
PyObject *whole_call(const struct whole *whole, PyObject *const *args, size_t nargsf,
                     PyObject *names);

/** Elements below which no call that ends in this loop is worth a look. */
npy_intp whole_call_min(const struct slot *slot);

#endif
