/* SPDX-License-Identifier: BSD-3-Clause */
#include "known_type.h"

#include <ctype.h>
#include <string.h>

static PyArray_Descr *type_of_scalars(const PyTypeObject *scalar)
{
    static const struct {
        PyTypeObject *scalar;
        int type;
    } of_python[] = {{&PyFloat_Type, NPY_DOUBLE},
                     {&PyLong_Type, NPY_LONG},
                     {&PyBool_Type, NPY_BOOL},
                     {&PyComplex_Type, NPY_CDOUBLE}};

    for (size_t i = 0; i < sizeof(of_python) / sizeof(of_python[0]); i++)
        if (scalar == of_python[i].scalar)
            return PyArray_DescrFromType(of_python[i].type);
    for (int type = NPY_BOOL; type <= NPY_HALF; type++) {
        PyArray_Descr *descr = PyArray_DescrFromType(type);

        if (descr->typeobj == scalar)
            return descr;
        Py_DECREF(descr);
    }
    return NULL;
}

/* "d", "float32", "<i8". "a" and names with capitals are deprecated in some versions, and what has
 * other characters is read by Python code. */
static bool is_plain_name(PyObject *name)
{
    Py_ssize_t length;
    const char *text = PyUnicode_AsUTF8AndSize(name, &length);

    if (!text || length == 0) {
        PyErr_Clear();
        return false;
    }
    if (length == 1)
        return isalpha((unsigned char)*text) && *text != 'a';
    if (strchr("<>=|", *text))
        text++;
    if (*text == 'a')
        return false;
    for (; *text; text++)
        if (!islower((unsigned char)*text) && !isdigit((unsigned char)*text))
            return false;
    return true;
}

PyArray_Descr *known_type(PyObject *dtype)
{
    PyArray_Descr *descr = NULL;

    if (PyArray_DescrCheck(dtype))
        return (PyArray_Descr *)Py_NewRef(dtype);
    if (PyType_Check(dtype))
        return type_of_scalars((PyTypeObject *)dtype);
    if (PyUnicode_CheckExact(dtype) && is_plain_name(dtype) &&
        !PyArray_DescrConverter(dtype, &descr))
        PyErr_Clear(); /* there is no such type */
    return descr;
}
