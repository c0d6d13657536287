/* SPDX-License-Identifier: BSD-3-Clause */
#include "count.h"

#include "../limit.h"
#include "../method.h"
#include "bits.h"
#include "span.h"

static struct method count_nonzero;
static bool gives_scalar; /* this NumPy: a number of its own, not an int */

struct counting {
    const char *data;
    npy_intp step;
    int type;
    npy_intp count;
};

/* A number is zero if no bit but the sign's is set; NaN is none. */
#define COUNT(numpy_type, bits_type, parts, sign)                                                  \
    case numpy_type:                                                                               \
        for (npy_intp i = begin; i < end; i++) {                                                   \
            const bits_type *bits = (const bits_type *)(c->data + i * c->step);                    \
                                                                                                   \
            count += ((bits[0] | bits[(parts)-1]) & (bits_type) ~(sign)) != 0;                     \
        }                                                                                          \
        break;

static npy_intp count_range(const struct counting *c, npy_intp begin, npy_intp end)
{
    npy_intp count = 0;

    switch (c->type) {
        COUNT(NPY_HALF, bits_2, 1, 0x8000)
        COUNT(NPY_FLOAT, bits_4, 1, UINT32_C(1) << 31)
        COUNT(NPY_DOUBLE, bits_8, 1, UINT64_C(1) << 63)
        COUNT(NPY_CFLOAT, bits_4, 2, UINT32_C(1) << 31)
        COUNT(NPY_CDOUBLE, bits_8, 2, UINT64_C(1) << 63)
    }
    return count;
}

static void add_range(void *ctx, int64_t begin, int64_t end)
{
    struct counting *c = ctx;

    __atomic_fetch_add(&c->count, count_range(c, begin, end), __ATOMIC_RELAXED);
}

/* Of integers and bools NumPy counts as many as memory delivers, and wide numbers are rare. */
static bool is_counted(int type)
{
    return type == NPY_HALF || type == NPY_FLOAT || type == NPY_DOUBLE || type == NPY_CFLOAT ||
           type == NPY_CDOUBLE;
}

static double element_ns(PyArrayObject *array)
{
    return 0.3 + 0.03 * (double)PyArray_ITEMSIZE(array);
}

static bool suits(PyArrayObject *array)
{
    return is_counted(PyArray_TYPE(array)) &&
           limit_reached(PyArray_SIZE(array), element_ns(array)) && PyArray_SIZE(array) > 0 &&
           bits_tell() && PyArray_ISBEHAVED_RO(array) &&
           (PyArray_NDIM(array) == 1 || PyArray_ISONESEGMENT(array));
}

static PyObject *number(npy_intp n)
{
    PyArray_Descr *type = gives_scalar ? PyArray_DescrFromType(NPY_INTP) : NULL;
    PyObject *result = type ? PyArray_Scalar(&n, type, NULL) : PyLong_FromSsize_t(n);

    Py_XDECREF((PyObject *)type);
    return result;
}

/* NULL: NumPy shall do it. */
static PyObject *count_array(PyArrayObject *array)
{
    struct counting c = {.data = PyArray_BYTES(array),
                         .step = PyArray_NDIM(array) == 1 ? PyArray_STRIDE(array, 0)
                                                          : PyArray_ITEMSIZE(array),
                         .type = PyArray_TYPE(array)};

    if (!span_run(add_range, &c, PyArray_SIZE(array), 4096, element_ns(array)))
        return NULL;
    return number(c.count);
}

static __attribute__((noinline)) PyObject *count_large(PyObject *module, PyObject *const *args)
{
    PyArrayObject *array = (PyArrayObject *)args[0];
    PyObject *result = suits(array) ? count_array(array) : NULL;

    return result || PyErr_Occurred() ? result : count_nonzero.plain(module, args, 1);
}

static HOT PyObject *count(PyObject *module, PyObject *const *args, Py_ssize_t nargs)
{
    if (LIKELY(nargs != 1 || !PyArray_CheckExact(args[0]) ||
               limit_is_far((PyArrayObject *)args[0])))
        return count_nonzero.plain(module, args, nargs);
    return count_large(module, args);
}

/* Of an empty array, which is never ours. */
static bool numpy_gives_scalar(PyObject *function)
{
    npy_intp none = 0;
    PyObject *empty = PyArray_SimpleNew(1, &none, NPY_BOOL);
    PyObject *zero = empty ? PyObject_CallOneArg(function, empty) : NULL;
    bool scalar = zero && !PyLong_CheckExact(zero);

    Py_XDECREF(empty);
    Py_XDECREF(zero);
    return scalar;
}

int count_install(PyObject *core)
{
    PyObject *function = PyObject_GetAttrString(core, "count_nonzero");
    bool done = function && method_replace_plain(&count_nonzero, function, count);

    gives_scalar = done && numpy_gives_scalar(function);
    PyErr_Clear();
    Py_XDECREF(function);
    return done;
}

void count_uninstall(void)
{
    method_restore(&count_nonzero);
}
