/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Copies, conversions and choices: NumPy's iterator converts the operands, as it does in np.where
 * and by the functions that astype() takes too. What is left is to move bytes.
 */
#include "moves.h"

#include <fenv.h>
#include <math.h>
#include <string.h>

#include "../known_type.h"
#include "../large.h"
#include "../limit.h"
#include "../method.h"
#include "../reduce_request.h"
#include "../whole_report.h"
#include "../whole_walk.h"
#include "moves_loops.h"
#include "parameters.h"

static struct method astype, copy, where;
static struct called_function array;

/* From memory to memory. */
static const double MOVE_NS = 0.4, CHOOSE_NS = 1.0;

static bool is_array_of_numbers(PyObject *object)
{
    return PyArray_CheckExact(object) && request_is_number(PyArray_TYPE((PyArrayObject *)object));
}

static PyArray_Descr *new_descr(PyArray_Descr *descr)
{
    Py_INCREF(descr);
    return descr;
}

/* Run a call whose operands and types are there; drops them. Returns its output, or NULL with or
 * without an exception. */
static PyArrayObject *run(struct call *call, const struct slot *slot, int *raised)
{
    PyArrayObject *out = NULL;

    call->slot = slot;
    if (slot->loop && walk_run(call, NPY_BUFSIZE, raised) == 0)
        out = (PyArrayObject *)Py_NewRef((PyObject *)call->op[call->nin]);
    for (int i = 0; i < call->nargs; i++) {
        Py_XDECREF((PyObject *)call->op[i]);
        Py_XDECREF((PyObject *)call->types[i]);
    }
    return out;
}

/* ---- astype and copy ------------------------------------------------------------------------- */

/* What may warn, or be refused, is NumPy's. */
static PyArray_Descr *type_asked_for(PyObject *dtype, PyArrayObject *array)
{
    PyArray_Descr *descr = known_type(dtype);

    if (!descr)
        return NULL;
    if (request_is_number(descr->type_num) && PyArray_ISNBO(descr->byteorder) &&
        (PyTypeNum_ISCOMPLEX(descr->type_num) || !PyArray_ISCOMPLEX(array)))
        return descr;
    Py_DECREF(descr);
    return NULL;
}

/* From end to end. */
static bool is_straight(PyArrayObject *array, NPY_ORDER order)
{
    if (order == NPY_CORDER)
        return PyArray_IS_C_CONTIGUOUS(array);
    return order == NPY_FORTRANORDER ? PyArray_IS_F_CONTIGUOUS(array) : PyArray_ISONESEGMENT(array);
}

/* Others from end to end stay with NumPy, for the iterator's buffers cost what a thread gains. Two
 * threads on an EPYC, times NumPy's speed, in two noisy runs: float64 to half 1.05 and 1.85, half
 * to float64 1.95 and 1.26; but float64 to a byte 0.4 to 1.6, to int64 0.87, int64 to float64 0.55.
 */
static bool is_worth_buffers(PyArrayObject *array, const PyArray_Descr *descr)
{
    return PyArray_TYPE(array) == NPY_HALF || descr->type_num == NPY_HALF;
}

static void move_words(char *to, char *from, int64_t n)
{
    static const int64_t step = sizeof(int64_t);
    struct treadle_array args[2] = {large_operand(from, &n, &step, sizeof(int64_t)),
                                    large_operand(to, &n, &step, sizeof(int64_t))};

    args[0].dtype = args[1].dtype = (struct treadle_dtype){TREADLE_INT, 64, 1};
    if (treadle_run("copy", args, 2, 1, NULL, NULL) != TREADLE_OK)
        memcpy(to, from, (size_t)(n * step));
}

/* From end to end, all of the same type, be it by another name: long and long long. */
static PyObject *copy_straight(PyArrayObject *array, PyArray_Descr *descr, NPY_ORDER order)
{
    PyArrayObject *out = (PyArrayObject *)PyArray_NewLikeArray(array, order, new_descr(descr), 0);
    npy_intp bytes = PyArray_NBYTES(array), words = bytes / (npy_intp)sizeof(int64_t);
    npy_intp rest = words * (npy_intp)sizeof(int64_t);

    if (!out)
        return NULL;
    Py_BEGIN_ALLOW_THREADS;
    move_words(PyArray_BYTES(out), PyArray_BYTES(array), words);
    memcpy(PyArray_BYTES(out) + rest, PyArray_BYTES(array) + rest, (size_t)(bytes - rest));
    Py_END_ALLOW_THREADS;
    return (PyObject *)out;
}

/* NULL without an exception: NumPy shall do it. */
static PyObject *convert(PyArrayObject *array, PyArray_Descr *descr, NPY_ORDER order)
{
    uint8_t size = (uint8_t)PyDataType_ELSIZE(descr);
    struct slot slot = {.loop = moves_loop(size),
                        .element_ns = MOVE_NS,
                        .nin = 1,
                        .nargs = 2,
                        .itemsize = {size, size}};
    struct call call = {.nin = slot.nin, .nargs = slot.nargs};
    bool to_integers = !PyTypeNum_ISFLOAT(descr->type_num) && !PyTypeNum_ISCOMPLEX(descr->type_num);
    PyArrayObject *out;
    int raised = 0;

    if (is_straight(array, order) && PyArray_EquivTypes(PyArray_DESCR(array), descr))
        return copy_straight(array, descr, order);
    if (is_straight(array, order) && !is_worth_buffers(array, descr) && !limit_is_forced())
        return NULL;
    call.op[1] = (PyArrayObject *)PyArray_NewLikeArray(array, order, new_descr(descr), 0);
    if (!call.op[1])
        return NULL;
    call.op[0] = (PyArrayObject *)Py_NewRef((PyObject *)array);
    call.types[0] = new_descr(descr);
    call.types[1] = new_descr(descr);
    out = run(&call, &slot, &raised);
    /* Which integer a number that fits none becomes may depend on its place. */
    if (out && raised && (to_integers || report_raised("cast", raised) < 0))
        Py_CLEAR(out);
    return (PyObject *)out;
}

static bool is_large(PyObject *object)
{
    PyArrayObject *array = (PyArrayObject *)object;

    return limit_reached(PyArray_SIZE(array), MOVE_NS) && is_array_of_numbers(object) &&
           PyArray_SIZE(array) > 0;
}

static bool read_order(PyObject *object, NPY_ORDER *order)
{
    bool known = !object || (PyUnicode_CheckExact(object) && PyArray_OrderConverter(object, order));

    PyErr_Clear();
    return known;
}

static __attribute__((noinline)) PyObject *convert_large(PyObject *self, PyObject *const *args,
                                                         Py_ssize_t nargs, PyObject *keywords)
{
    static const char *const names[] = {"dtype", "order", "casting", "subok", "copy", NULL};
    PyObject *given[PARAMETERS_MAX], *result = NULL;
    PyArray_Descr *descr = NULL;
    NPY_ORDER order = NPY_KEEPORDER;

    if (is_large(self) && parameters_read(names, args, nargs, keywords, given) && given[0] &&
        read_order(given[1], &order) && (!given[2] || parameters_is_word(given[2], "unsafe")) &&
        (!given[3] || PyBool_Check(given[3])) && (!given[4] || given[4] == Py_True))
        descr = type_asked_for(given[0], (PyArrayObject *)self);
    if (descr)
        result = convert((PyArrayObject *)self, descr, order);
    Py_XDECREF((PyObject *)descr);
    return result || PyErr_Occurred() ? result : astype.original(self, args, nargs, keywords);
}

static HOT PyObject *convert_array(PyObject *self, PyObject *const *args, Py_ssize_t nargs,
                                   PyObject *keywords)
{
    if (LIKELY(limit_is_far((PyArrayObject *)self)))
        return astype.original(self, args, nargs, keywords);
    return convert_large(self, args, nargs, keywords);
}

static __attribute__((noinline)) PyObject *copy_large(PyObject *self, PyObject *const *args,
                                                      Py_ssize_t nargs, PyObject *keywords)
{
    static const char *const names[] = {"order", NULL};
    PyArrayObject *array = (PyArrayObject *)self;
    PyObject *given[PARAMETERS_MAX], *result = NULL;
    NPY_ORDER order = NPY_CORDER;

    if (is_large(self) && PyArray_ISBEHAVED_RO(array) &&
        parameters_read(names, args, nargs, keywords, given) && read_order(given[0], &order))
        result = convert(array, PyArray_DESCR(array), order);
    return result || PyErr_Occurred() ? result : copy.original(self, args, nargs, keywords);
}

static HOT PyObject *copy_array(PyObject *self, PyObject *const *args, Py_ssize_t nargs,
                                PyObject *keywords)
{
    if (LIKELY(limit_is_far((PyArrayObject *)self)))
        return copy.original(self, args, nargs, keywords);
    return copy_large(self, args, nargs, keywords);
}

/* np.array(x) of an array, which copies, as np.nansum() does with what it is given. */
static __attribute__((noinline)) PyObject *make_large(PyObject *function, PyObject *const *args,
                                                      size_t nargsf, PyObject *keywords)
{
    static const char *const names[] = {"object", "copy", "subok", NULL};
    PyObject *given[PARAMETERS_MAX], *result = NULL;
    PyArrayObject *from = (PyArrayObject *)args[0];

    if (PyVectorcall_NARGS(nargsf) == 1 && is_large(args[0]) && PyArray_ISBEHAVED_RO(from) &&
        parameters_read(names, args, 1, keywords, given) && (!given[1] || given[1] == Py_True) &&
        (!given[2] || PyBool_Check(given[2])))
        result = convert(from, PyArray_DESCR(from), NPY_KEEPORDER);
    return result || PyErr_Occurred() ? result : called_original(function, args, nargsf, keywords);
}

static HOT PyObject *make_array(PyObject *function, PyObject *const *args, size_t nargsf,
                                PyObject *keywords)
{
    if (LIKELY(PyVectorcall_NARGS(nargsf) < 1 || !PyArray_CheckExact(args[0]) ||
               limit_is_far((PyArrayObject *)args[0])))
        return called_original(function, args, nargsf, keywords);
    return make_large(function, args, nargsf, keywords);
}

/* ---- where ----------------------------------------------------------------------------------- */

/* Of a type that every type of number has room for, so that NumPy has nothing to warn of. */
static bool is_modest(PyObject *number)
{
    double value;

    if (PyBool_Check(number))
        return true;
    if (!PyFloat_CheckExact(number) && !PyLong_CheckExact(number))
        return false;
    value = PyFloat_AsDouble(number);
    PyErr_Clear(); /* an integer beyond any float: -1, which is asked about below */
    if (PyLong_CheckExact(number))
        return value >= 0.0 && value <= 100.0;
    return value == 0.0 || !isfinite(value) || (fabs(value) > 1e-3 && fabs(value) < 1e4);
}

static bool is_operand(PyObject *object)
{
    return is_array_of_numbers(object) || is_modest(object) || PyArray_IsScalar(object, Number) ||
           PyArray_IsScalar(object, Bool);
}

static npy_intp size_of(PyObject *object)
{
    return PyArray_CheckExact(object) ? PyArray_SIZE((PyArrayObject *)object) : 1;
}

/* Elements of the result, at least, for the shapes may broadcast to more; or 0 if it has none. */
static npy_intp least_size(PyObject *const *args)
{
    npy_intp size = size_of(args[0]);

    for (int i = 1; i < 3; i++)
        if (size_of(args[i]) == 0 || size_of(args[i]) > size)
            size = size > 0 ? size_of(args[i]) : 0;
    return size;
}

/* An array without elements stands for an array, a number for itself. */
static PyObject *stand_in(PyObject *object)
{
    npy_intp none = 0;

    if (!PyArray_CheckExact(object) || PyArray_NDIM((PyArrayObject *)object) == 0)
        return Py_NewRef(object);
    return PyArray_Empty(1, &none, new_descr(PyArray_DESCR((PyArrayObject *)object)), 0);
}

/* The type NumPy would choose, or NULL. */
static PyArray_Descr *ask_for_type(PyObject *module, PyObject *const *args)
{
    PyObject *empty[3] = {stand_in(args[0]), stand_in(args[1]), stand_in(args[2])};
    PyObject *result = empty[0] && empty[1] && empty[2] ? where.plain(module, empty, 3) : NULL;
    PyArray_Descr *descr = NULL;

    if (result && is_array_of_numbers(result))
        descr = new_descr(PyArray_DESCR((PyArrayObject *)result));
    for (int i = 0; i < 3; i++)
        Py_XDECREF(empty[i]);
    Py_XDECREF(result);
    return descr;
}

/* Python's numbers take the type of the result. */
static PyArrayObject *as_array(PyObject *object, PyArray_Descr *descr)
{
    bool is_weak = !PyArray_CheckExact(object) && !PyArray_CheckScalar(object);

    return (PyArrayObject *)PyArray_FromAny(object, is_weak ? new_descr(descr) : NULL, 0, 0, 0,
                                            NULL);
}

/* NULL: NumPy shall do it, and say what is wrong. Wider types hold all numbers of narrower ones. */
static PyObject *choose_with_type(PyObject *const *args, PyArray_Descr *descr)
{
    uint8_t size = (uint8_t)PyDataType_ELSIZE(descr);
    struct slot slot = {.loop = moves_choice(size),
                        .element_ns = CHOOSE_NS,
                        .nin = 3,
                        .nargs = 4,
                        .itemsize = {sizeof(npy_bool), size, size, size}};
    struct call call = {.nin = slot.nin, .nargs = slot.nargs};
    PyArrayObject *out = NULL;
    int raised;

    for (int i = 0; i < 3; i++)
        call.op[i] = as_array(args[i], descr);
    call.types[0] = PyArray_DescrFromType(NPY_BOOL);
    for (int i = 1; i < 4; i++)
        call.types[i] = new_descr(descr);
    slot.loop = call.op[0] && call.op[1] && call.op[2] ? slot.loop : NULL;
    out = run(&call, &slot, &raised);
    forget_refusal();
    return (PyObject *)out;
}

static bool can_choose(PyObject *const *args)
{
    return limit_reached(least_size(args), CHOOSE_NS) && PyArray_CheckExact(args[0]) &&
           PyArray_TYPE((PyArrayObject *)args[0]) == NPY_BOOL && is_operand(args[1]) &&
           is_operand(args[2]);
}

static __attribute__((noinline)) PyObject *choose_large(PyObject *module, PyObject *const *args)
{
    PyArray_Descr *descr = ask_for_type(module, args);
    PyObject *result = NULL;

    forget_refusal();
    if (descr)
        result = choose_with_type(args, descr);
    Py_XDECREF((PyObject *)descr);
    return result || PyErr_Occurred() ? result : where.plain(module, args, 3);
}

static HOT PyObject *choose(PyObject *module, PyObject *const *args, Py_ssize_t nargs)
{
    if (LIKELY(nargs != 3 || !can_choose(args)))
        return where.plain(module, args, nargs);
    return choose_large(module, args);
}

/* ---- in and out ------------------------------------------------------------------------------ */

static bool replace_array(PyObject *core)
{
    PyObject *function = PyObject_GetAttrString(core, "array");
    bool done = function && called_replace(&array, function, make_array);

    Py_XDECREF(function);
    return done;
}

static bool replace_where(PyObject *core)
{
    PyObject *function = PyObject_GetAttrString(core, "where");
    bool done = function && method_replace_plain(&where, function, choose);

    Py_XDECREF(function);
    return done;
}

int moves_install(PyObject *core)
{
    int count = 0;

    if (walk_learn() == 0)
        count = method_replace(&astype, &PyArray_Type, "astype", convert_array) +
                method_replace(&copy, &PyArray_Type, "copy", copy_array) + replace_array(core) +
                replace_where(core);
    PyErr_Clear();
    return count;
}

void moves_uninstall(void)
{
    method_restore(&astype);
    method_restore(&copy);
    called_restore(&array);
    method_restore(&where);
}
