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

/** The same for a function that is written in C, or in Cython with a binding. A function in C that
 * programs know (np.array) is none for it: its hash is made of that pointer, and who keeps it in a
 * dictionary would not find it again. */
bool method_replace_function(struct method *method, PyObject *function, method_fn fn);

/** The same for a function in C that takes no keywords. */
bool method_replace_plain(struct method *method, PyObject *function, method_plain_fn fn);

/** Put the original back, if ours is still in place. */
void method_restore(struct method *method);

/** One function in C, by what Python calls in its object; static storage, zero at first. */
struct called_function {
    PyCFunctionObject *function;
    vectorcallfunc stored, replacement;
};

/** Let `fn` be called in the place of a function in C whose hash has to stay what it is. */
bool called_replace(struct called_function *called, PyObject *function, vectorcallfunc fn);

void called_restore(struct called_function *called);

/** What the function did before. */
static inline PyObject *called_original(PyObject *function, PyObject *const *args, size_t nargsf,
                                        PyObject *keywords)
{
    const PyCFunctionObject *object = (const PyCFunctionObject *)function;
    method_fn fn = (method_fn)(void (*)(void))object->m_ml->ml_meth;

    return fn(object->m_self, args, PyVectorcall_NARGS(nargsf), keywords);
}

#endif
