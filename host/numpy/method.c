/* SPDX-License-Identifier: BSD-3-Clause */
#include "method.h"

#include <string.h>

/* A round trip through void, because -Wcast-function-type knows only that one. */
static PyCFunction as_stored(method_fn fn)
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

static PyCFunction load(const PyMethodDef *definition)
{
    return __atomic_load_n(&definition->ml_meth, __ATOMIC_ACQUIRE);
}

static void store(PyMethodDef *definition, method_fn fn)
{
    __atomic_store_n(&definition->ml_meth, as_stored(fn), __ATOMIC_RELEASE);
}

bool method_replace(struct method *method, PyTypeObject *type, const char *name, method_fn fn)
{
    PyMethodDef *definition = find(type->tp_methods, name);

    if (!definition || definition->ml_flags != (METH_FASTCALL | METH_KEYWORDS))
        return false;
    if (load(definition) == as_stored(fn))
        return true;
    method->original = (method_fn)(void (*)(void))load(definition);
    method->definition = definition;
    store(definition, fn);
    return true;
}

void method_restore(struct method *method, method_fn fn)
{
    if (method->definition && load(method->definition) == as_stored(fn))
        store(method->definition, method->original);
}
