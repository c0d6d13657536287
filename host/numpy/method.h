/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef TREADLE_NUMPY_METHOD_H
#define TREADLE_NUMPY_METHOD_H

#include <stdbool.h>

#include "api.h"

/**
 * Replacing the C function behind a method, or behind a function of a module.
 *
 * Python looks the function up in its definition at every call, also for bound methods that were
 * fetched long ago, and NumPy's definitions lie in writable memory. So one pointer reaches every
 * caller in every version: np.add.reduce, np.sum, a.sum(), and NumPy's own Python code.
 */

/** METH_FASTCALL | METH_KEYWORDS. */
typedef PyObject *(*method_fn)(PyObject *self, PyObject *const *args, Py_ssize_t nargs,
                               PyObject *kwnames);

/** METH_FASTCALL. */
typedef PyObject *(*method_plain_fn)(PyObject *self, PyObject *const *args, Py_ssize_t nargs);

/** One method; static storage, zero before the first method_replace(). */
struct method {
    PyMethodDef *definition;
    PyCFunction replacement;
    union {
        PyCFunction stored;
        method_fn original;
        method_plain_fn plain;
    };
};

/**
 * Let `fn` be called in the place of type.name; again without effect.
 * @return whether it is in place; false (no Python exception) if the method is none of that kind
 */
bool method_replace(struct method *method, PyTypeObject *type, const char *name, method_fn fn);

/** The same for a function that is written in C, or in Cython with a binding. */
bool method_replace_function(struct method *method, PyObject *function, method_fn fn);

/** The same for a function in C that takes no keywords. */
bool method_replace_plain(struct method *method, PyObject *function, method_plain_fn fn);

/** Put the original back, if ours is still in place. */
void method_restore(struct method *method);

#endif
