/* SPDX-License-Identifier: BSD-3-Clause */
#include "reduce_operation.h"

#include <stdlib.h>
#include <string.h>

#include "hook.h"
#include "known_type.h"

/* Floats of minimum and the like: unless zeros or NaNs tell, which reduce_parts.c looks for. */
static struct operation operations[] = {
    {.name = "add", PARTS_FROM_ZERO, true, true, false, false},
    {.name = "multiply", PARTS_FROM_ONE, true, true, false, false},
    {.name = "maximum", PARTS_FROM_RESULT, true, true, true, false},
    {.name = "minimum", PARTS_FROM_RESULT, true, true, true, false},
    {.name = "fmax", PARTS_FROM_RESULT, true, true, true, false},
    {.name = "fmin", PARTS_FROM_RESULT, true, true, true, false},
    {.name = "logical_or", PARTS_FROM_ZERO, true, false, false, true},
    {.name = "logical_and", PARTS_FROM_ONE, true, false, false, true},
    {.name = "logical_xor", PARTS_FROM_ZERO, true, false, false, false},
    {.name = "bitwise_or", PARTS_FROM_RESULT, true, true, false, false},
    {.name = "bitwise_and", PARTS_FROM_RESULT, true, true, false, false},
    {.name = "bitwise_xor", PARTS_FROM_ZERO, true, true, false, false},
};

enum { OPERATIONS = sizeof(operations) / sizeof(operations[0]) };

const struct operation *operation_of(const PyObject *ufunc)
{
    for (int i = 0; i < OPERATIONS; i++)
        if ((PyObject *)operations[i].ufunc == ufunc)
            return &operations[i];
    return NULL;
}

static bool is_sum(const struct operation *operation)
{
    return strcmp(operation->name, "add") == 0;
}

enum parts_order operation_order(const struct operation *operation, int type)
{
    bool narrow = type == NPY_HALF || type == NPY_FLOAT || type == NPY_DOUBLE;

    if (PyTypeNum_ISBOOL(type)      ? operation->bools
        : PyTypeNum_ISINTEGER(type) ? operation->integers
                                    : operation->floats && narrow)
        return PARTS_ANY;
    /* The loop for half rounds each time it is called, so its sums can't be taken apart. */
    return is_sum(operation) && type != NPY_HALF ? PARTS_PAIRWISE : PARTS_ORDERED;
}

bool operation_skips_nans(const struct operation *operation)
{
    return strcmp(operation->name, "fmax") == 0 || strcmp(operation->name, "fmin") == 0;
}

bool operation_finds_least(const struct operation *operation)
{
    return strcmp(operation->name, "minimum") == 0 || strcmp(operation->name, "fmin") == 0;
}

/* The type of the loop that NumPy will choose, or -1. It is compared with the result's later. */
int operation_type(const struct operation *operation, const struct request *r)
{
    int type = PyArray_TYPE(r->array);
    bool widens = is_sum(operation) || strcmp(operation->name, "multiply") == 0;

    if (r->given[REQUEST_DTYPE]) {
        PyArray_Descr *descr = known_type(r->given[REQUEST_DTYPE]);

        type = descr ? descr->type_num : -1;
        Py_XDECREF(descr);
        return type;
    }
    if (r->given[REQUEST_OUT])
        return type;
    if (strncmp(operation->name, "logical", 7) == 0)
        return NPY_BOOL;
    if (!widens || type > NPY_ULONG)
        return type;
    return PyTypeNum_ISUNSIGNED(type) ? NPY_ULONG : NPY_LONG;
}

/* The slot in front of NumPy's own loop, unless somebody has put another there since. */
const struct slot *operation_slot(const struct operation *operation, int type, void **data)
{
    const PyUFuncObject *ufunc = operation->ufunc;
    const struct slot *slot = request_is_number(type) ? operation->loops[type].slot : NULL;
    int index = slot ? operation->loops[type].index : 0;

    if (!slot || ufunc->functions[index] != slot_trampoline(slot))
        return NULL;
    *data = ufunc->data ? ufunc->data[index] : NULL;
    return slot;
}

static void find_loops(struct operation *operation)
{
    const PyUFuncObject *ufunc = operation->ufunc;

    for (int i = ufunc->ntypes - 1; i >= 0; i--) { /* of several, NumPy uses the first */
        const char *types = ufunc->types + (size_t)i * 3;
        int type = types[0];

        if (!request_is_number(type) || types[1] != type || types[2] != type)
            continue;
        operation->loops[type].slot = hook_slot(ufunc, i);
        operation->loops[type].index = i;
    }
}

static bool find(struct operation *operation, PyObject *numpy)
{
    PyObject *ufunc = PyObject_GetAttrString(numpy, operation->name);
    PyObject *identity = ufunc ? PyObject_GetAttrString(ufunc, "identity") : NULL;
    bool found = identity && PyObject_TypeCheck(ufunc, &PyUFunc_Type);

    if (found) {
        Py_XSETREF(operation->ufunc, (PyUFuncObject *)Py_NewRef(ufunc));
        operation->has_identity = identity != Py_None;
        find_loops(operation);
    }
    Py_XDECREF(ufunc);
    Py_XDECREF(identity);
    return found;
}

bool operations_find(PyObject *numpy)
{
    for (int i = 0; i < OPERATIONS; i++)
        if (!find(&operations[i], numpy))
            return false;
    return true;
}

/* ---- what it costs -----------------------------------------------------------------------------
 */

/* Nanoseconds, NumPy 2.5 on an EPYC in cache; right within a factor of two. Products have one
 * accumulator, half and long double no vectors. */
static double loop_ns(const struct operation *operation, int type, double itemsize)
{
    double product = strcmp(operation->name, "multiply") == 0 ? 0.5 : 0.0;

    if (type == NPY_HALF)
        return 3.0;
    if (type == NPY_LONGDOUBLE || type == NPY_CLONGDOUBLE)
        return 0.06 * itemsize + product;
    return 0.02 * itemsize + product;
}

static double conversion_ns(int from, int to)
{
    if (from == to)
        return 0.0;
    return from == NPY_HALF || to == NPY_HALF ? 2.0 : 0.3;
}

static npy_intp innermost_extent(PyArrayObject *array)
{
    npy_intp extent = 1, least = NPY_MAX_INTP;

    for (int i = 0; i < PyArray_NDIM(array); i++) {
        npy_intp distance = llabs(PyArray_STRIDE(array, i));

        if (PyArray_DIM(array, i) > 1 && distance < least) {
            least = distance;
            extent = PyArray_DIM(array, i);
        }
    }
    return extent;
}

double operation_element_ns(const struct operation *operation, const struct request *r,
                            const struct slot *slot)
{
    double masked = r->given[REQUEST_WHERE] ? 5.0 : 0.0, call = 15.0;

    return loop_ns(operation, slot->type, slot->itemsize[0]) +
           conversion_ns(PyArray_TYPE(r->array), slot->type) + masked +
           call / (double)innermost_extent(r->array);
}
