/* SPDX-License-Identifier: BSD-3-Clause */
#include "parameters.h"

static int parameter_named(const char *const *names, PyObject *keyword)
{
    for (int i = 0; names[i]; i++)
        if (PyUnicode_CompareWithASCIIString(keyword, names[i]) == 0)
            return i;
    return -1;
}

bool parameters_read(const char *const *names, PyObject *const *args, Py_ssize_t nargs,
                     PyObject *keywords, PyObject *given[PARAMETERS_MAX])
{
    int count = 0;

    for (; names[count]; count++)
        given[count] = count < nargs ? args[count] : NULL;
    if (nargs > count)
        return false;
    for (Py_ssize_t i = 0; keywords && i < PyTuple_GET_SIZE(keywords); i++) {
        int parameter = parameter_named(names, PyTuple_GET_ITEM(keywords, i));

        if (parameter < 0 || given[parameter])
            return false;
        given[parameter] = args[nargs + i];
    }
    return true;
}

bool parameters_absent(PyObject *given)
{
    return !given || given == Py_None;
}

bool parameters_is_word(PyObject *object, const char *word)
{
    return PyUnicode_CheckExact(object) && PyUnicode_CompareWithASCIIString(object, word) == 0;
}

bool parameters_read_axis(PyObject *object, int ndim, int *axis)
{
    int overflow = 0;
    long value = PyLong_CheckExact(object) ? PyLong_AsLongAndOverflow(object, &overflow) : ndim;

    *axis = (int)(value < 0 ? value + ndim : value);
    return !overflow && value >= -ndim && value < ndim;
}
