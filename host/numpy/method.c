/* SPDX-License-Identifier: BSD-3-Clause */
#include "method.h"

#include <string.h>

enum { WITH_KEYWORDS = METH_FASTCALL | METH_KEYWORDS };

/* Round trips through void, because -Wcast-function-type knows only that one. */
static PyCFunction as_stored(method_fn fn)
{
    return (PyCFunction)(void (*)(void))fn;
}

static PyCFunction plain_as_stored(method_plain_fn fn)
{
    return (PyCFunction)(void (*)(void))fn;
}

static PyMethodDef *find(PyMethodDef *definitions, const char *name)
{
    for (; definitions && definitions->ml_name; definitions++)
        if (strcmp(definitions->ml_name, name) == 0)
            return definitions;
    return NULL;
}

/* Cython's functions begin like Python's own, and call by the definition as well. */
static PyMethodDef *definition_of(PyObject *function)
{
    PyTypeObject *type = Py_TYPE(function);
    const char *name = strrchr(type->tp_name, '.');

    if (!PyCFunction_CheckExact(function) &&
        strcmp(name ? name + 1 : type->tp_name, "cython_function_or_method") != 0)
        return NULL;
    if (type->tp_basicsize < (Py_ssize_t)sizeof(PyCFunctionObject))
        return NULL;
    return ((PyCFunctionObject *)function)->m_ml;
}

static PyCFunction load(const PyMethodDef *definition)
{
    return __atomic_load_n(&definition->ml_meth, __ATOMIC_ACQUIRE);
}

static void store(PyMethodDef *definition, PyCFunction fn)
{
    __atomic_store_n(&definition->ml_meth, fn, __ATOMIC_RELEASE);
}

static bool replace(struct method *method, PyMethodDef *definition, int flags, PyCFunction fn)
{
    if (!definition || definition->ml_flags != flags)
        return false;
    if (load(definition) == fn)
        return true;
    method->stored = load(definition);
    method->definition = definition;
    method->replacement = fn;
    store(definition, fn);
    return true;
}

bool method_replace(struct method *method, PyTypeObject *type, const char *name, method_fn fn)
{
    return replace(method, find(type->tp_methods, name), WITH_KEYWORDS, as_stored(fn));
}

bool method_replace_function(struct method *method, PyObject *function, method_fn fn)
{
    return replace(method, definition_of(function), WITH_KEYWORDS, as_stored(fn));
}

bool method_replace_plain(struct method *method, PyObject *function, method_plain_fn fn)
{
    return replace(method, definition_of(function), METH_FASTCALL, plain_as_stored(fn));
}

void method_restore(struct method *method)
{
    if (method->definition && load(method->definition) == method->replacement)
        store(method->definition, method->stored);
}

/* ---- by what is called ------------------------------------------------------------------------
 */

/* From 3.11 on Python's interpreter calls functions of just these flags by their definition. One
 * flag more, which says something to who makes a module only, and it calls what is in the object.
 */
static void take_shortcut(PyMethodDef *definition, bool take)
{
    int flags = definition->ml_flags;

    __atomic_store_n(&definition->ml_flags, take ? flags & ~METH_COEXIST : flags | METH_COEXIST,
                     __ATOMIC_RELEASE);
}

bool called_replace(struct called_function *called, PyObject *function, vectorcallfunc fn)
{
    PyCFunctionObject *object = (PyCFunctionObject *)function;

    if (!PyCFunction_CheckExact(function) ||
        (object->m_ml->ml_flags & ~METH_COEXIST) != WITH_KEYWORDS)
        return false;
    if (object->vectorcall == fn)
        return true;
    if (!called->function)
        called->function = (PyCFunctionObject *)Py_NewRef(function);
    called->stored = object->vectorcall;
    called->replacement = fn;
    __atomic_store_n(&object->vectorcall, fn, __ATOMIC_RELEASE);
    take_shortcut(object->m_ml, false);
    return true;
}

void called_restore(struct called_function *called)
{
    PyCFunctionObject *object = called->function;

    if (!object || object->vectorcall != called->replacement)
        return;
    take_shortcut(object->m_ml, true);
    __atomic_store_n(&object->vectorcall, called->stored, __ATOMIC_RELEASE);
}
