/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef TREADLE_NUMPY_METHOD_H
#define TREADLE_NUMPY_METHOD_H

#include <stdbool.h>

#include "api.h"

/**
 * Replacing the C function behind a method.
 *
 * Python looks the function up in the method's definition at every call, also for bound methods
 * that were fetched long ago, and NumPy's definitions lie in writable memory. So one pointer
 * reaches every caller in every version: np.add.reduce, np.sum, a.sum(), and NumPy's own Python
 * code. All functions here take METH_FASTCALL | METH_KEYWORDS.
 */
typedef PyObject *(*method_fn)(PyObject *self, PyObject *const *args, Py_ssize_t nargs,
                               PyObject *kwnames);

/** One method; static storage, zero before the first method_replace(). */
struct method {
    PyMethodDef *definition;
    method_fn original;
};

/**
 * Let `fn` be called in the place of type.name; again without effect.
 * @return whether it is in place; false (no Python exception) if the method is none of that kind
 */
bool method_replace(struct method *method, PyTypeObject *type, const char *name, method_fn fn);

/** Put the original back, unless somebody else has replaced `fn` since. */
void method_restore(struct method *method, method_fn fn);

#endif
