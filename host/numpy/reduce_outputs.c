/* SPDX-License-Identifier: BSD-3-Clause */
#include "reduce_outputs.h"

#include <stdlib.h>
#include <string.h>

/* Lines come in pairs. Of more bytes than this one line does not matter. */
enum { LINES = 128, BYTES_MAX = 1 << 16 };

/* Where the box's outputs begin, and their number; 0 if they are not one piece of memory. */
static npy_intp outputs_of(const struct parts_call *call, const struct box *box, char **place)
{
    npy_intp size = call->slot->itemsize[0], outputs = 1, reach = size;

    *place = PyArray_BYTES(call->result);
    for (int i = 0, k = 0; i < PyArray_NDIM(call->array); i++) {
        npy_intp stride = PyArray_STRIDE(call->result, call->keepdims ? i : k);

        if (call->reduced[i])
            continue;
        *place += box->first[i] * stride;
        outputs *= box->count[i];
        reach += (box->count[i] - 1) * stride;
        k++;
    }
    return PyArray_ISONESEGMENT(call->result) && reach == outputs * size ? outputs : 0;
}

/* An array like the result that has its box in other memory, and nothing else. */
static PyArrayObject *result_at(const struct parts_call *call, const char *place, char *own)
{
    PyArrayObject *result = call->result;

    Py_INCREF(call->descr);
    return (PyArrayObject *)PyArray_NewFromDescr(
        &PyArray_Type, call->descr, PyArray_NDIM(result), PyArray_DIMS(result),
        PyArray_STRIDES(result), own - (place - PyArray_BYTES(result)), NPY_ARRAY_WRITEABLE, NULL);
}

PyArrayObject *outputs_of_its_own(const struct parts_call *call, const struct box *box,
                                  struct part *part)
{
    char *place;
    size_t bytes = (size_t)(outputs_of(call, box, &place) * call->slot->itemsize[0]);
    size_t before = (uintptr_t)place % LINES; /* loops may look at how their operands are aligned */

    if (bytes == 0 || bytes > BYTES_MAX)
        return call->result;
    part->memory = aligned_alloc(LINES, (before + bytes + LINES - 1) / LINES * LINES);
    if (!part->memory)
        return call->result;
    part->outcome = result_at(call, place, part->memory + before);
    if (!part->outcome) {
        PyErr_Clear();
        return call->result;
    }
    part->own = part->memory + before;
    part->place = place;
    part->bytes = bytes;
    if (!call->skips_first) /* else they are written before they are read */
        memcpy(part->own, place, bytes);
    return part->outcome;
}

void outputs_copy_back(const struct part *part)
{
    if (part->bytes)
        memcpy(part->place, part->own, part->bytes);
}
