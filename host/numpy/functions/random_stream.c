/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Uniform random numbers from streams that can jump. A thread's part of the stream comes from a
 * copy of the bit generator that has been put at its beginning (treadle/_random.py), and so from
 * NumPy's own code.
 */
#include "random_stream.h"

#include "../limit.h"
#include "../method.h"
#include "parameters.h"

static struct method generator_random, random_sample;
static PyTypeObject *generator, *random_state;
static PyObject *fill; /* of treadle._random */

/* For each. Drawing takes 2 to 5 ns, but the copies have to be made. */
static const double NUMBER_NS = 1.0;

enum { DIMS = 32 };

/* ---- the call: false, or NULL without an exception, sends it on to NumPy -----------------------
 */

struct request {
    PyObject *size, *out;
};

static bool is_float64(PyObject *dtype)
{
    return dtype == (PyObject *)&PyFloat_Type || dtype == (PyObject *)&PyDoubleArrType_Type ||
           (PyArray_DescrCheck(dtype) && ((PyArray_Descr *)dtype)->type_num == NPY_DOUBLE &&
            PyArray_ISNBO(((PyArray_Descr *)dtype)->byteorder));
}

static bool read_request(struct request *r, PyObject *const *args, Py_ssize_t nargs,
                         PyObject *keywords)
{
    static const char *const names[] = {"size", "dtype", "out", NULL};
    PyObject *given[PARAMETERS_MAX];

    if (!parameters_read(names, args, nargs, keywords, given) ||
        (given[1] && !is_float64(given[1])))
        return false;
    *r = (struct request){parameters_absent(given[0]) ? NULL : given[0],
                          parameters_absent(given[2]) ? NULL : given[2]};
    return true;
}

static bool read_extent(PyObject *object, npy_intp *extent)
{
    if (!PyLong_CheckExact(object))
        return false;
    *extent = PyLong_AsSsize_t(object);
    if (*extent < 0)
        PyErr_Clear(); /* too large */
    return *extent >= 0;
}

/* Returns the number of axes, or -1. */
static int read_size(PyObject *size, npy_intp *shape)
{
    if (!PyTuple_CheckExact(size))
        return read_extent(size, shape) ? 1 : -1;
    if (PyTuple_GET_SIZE(size) > DIMS)
        return -1;
    for (int i = 0; i < PyTuple_GET_SIZE(size); i++)
        if (!read_extent(PyTuple_GET_ITEM(size, i), &shape[i]))
            return -1;
    return (int)PyTuple_GET_SIZE(size);
}

static bool is_large(const npy_intp *shape, int ndim)
{
    npy_intp n = 1;

    for (int i = 0; i < ndim; i++)
        if (__builtin_mul_overflow(n, shape[i], &n))
            return false;
    return limit_reached(n, NUMBER_NS);
}

static PyArrayObject *result_of(const struct request *r)
{
    npy_intp shape[DIMS];
    int ndim;

    if (r->out) {
        PyArrayObject *out = (PyArrayObject *)r->out;
        bool suits = !r->size && PyArray_CheckExact(r->out) && PyArray_TYPE(out) == NPY_DOUBLE &&
                     PyArray_ISCARRAY(out) && is_large(PyArray_DIMS(out), PyArray_NDIM(out));

        return suits ? (PyArrayObject *)Py_NewRef(r->out) : NULL;
    }
    ndim = r->size ? read_size(r->size, shape) : -1;
    if (ndim < 0 || !is_large(shape, ndim))
        return NULL;
    return (PyArrayObject *)PyArray_SimpleNew(ndim, shape, NPY_DOUBLE);
}

/* What NumPy, which needs less, may still do. */
static bool lacks_room(void)
{
    return PyErr_ExceptionMatches(PyExc_MemoryError) ||
           PyErr_ExceptionMatches(PyExc_RecursionError);
}

/* -1: an exception of Python code that ran meanwhile, such as a handler of signals. */
static int fill_result(PyObject *self, const char *attribute, PyArrayObject *result)
{
    PyObject *bits = PyObject_GetAttrString(self, attribute);
    PyObject *done =
        bits ? PyObject_CallFunction(fill, "OOi", bits, (PyObject *)result, (int)limit_is_forced())
             : NULL;
    int truth = done ? PyObject_IsTrue(done) : -1;

    Py_XDECREF(bits);
    Py_XDECREF(done);
    if (truth >= 0 || !lacks_room())
        return truth;
    PyErr_Clear();
    return 0;
}

static PyObject *random_array(PyObject *self, const char *attribute, const struct request *r)
{
    PyArrayObject *result = result_of(r);
    int done = result ? fill_result(self, attribute, result) : 0;

    if (done > 0)
        return (PyObject *)result;
    Py_XDECREF((PyObject *)result);
    if (done == 0)
        PyErr_Clear();
    return NULL;
}

/* A number, or so few: a lone argument, whatever its name, that is a small size. */
static inline bool is_few(PyObject *const *args, Py_ssize_t nargs, PyObject *names)
{
    Py_ssize_t given = nargs + (names ? PyTuple_GET_SIZE(names) : 0);
    PyObject *size = given == 1 ? args[0] : NULL;
    npy_intp n;

    if (size && PyTuple_CheckExact(size) && PyTuple_GET_SIZE(size) == 1)
        size = PyTuple_GET_ITEM(size, 0);
    return given == 0 ||
           (size && read_extent(size, &n) && n < __atomic_load_n(&limit_least, __ATOMIC_RELAXED));
}

static __attribute__((noinline)) PyObject *many_of_generator(PyObject *self, PyObject *const *args,
                                                             Py_ssize_t nargs, PyObject *names)
{
    struct request r;
    PyObject *result = NULL;

    if (Py_TYPE(self) == generator && read_request(&r, args, nargs, names))
        result = random_array(self, "bit_generator", &r);
    return result || PyErr_Occurred() ? result
                                      : generator_random.original(self, args, nargs, names);
}

static HOT PyObject *random_of_generator(PyObject *self, PyObject *const *args, Py_ssize_t nargs,
                                         PyObject *names)
{
    if (LIKELY(is_few(args, nargs, names)))
        return generator_random.original(self, args, nargs, names);
    return many_of_generator(self, args, nargs, names);
}

static __attribute__((noinline)) PyObject *many_of_state(PyObject *self, PyObject *const *args,
                                                         Py_ssize_t nargs, PyObject *names)
{
    struct request r;
    PyObject *result = NULL;

    if (Py_TYPE(self) == random_state && nargs + (names ? PyTuple_GET_SIZE(names) : 0) == 1 &&
        read_request(&r, args, nargs, names) && r.size)
        result = random_array(self, "_bit_generator", &r);
    return result || PyErr_Occurred() ? result : random_sample.original(self, args, nargs, names);
}

static HOT PyObject *random_of_state(PyObject *self, PyObject *const *args, Py_ssize_t nargs,
                                     PyObject *names)
{
    if (LIKELY(is_few(args, nargs, names)))
        return random_sample.original(self, args, nargs, names);
    return many_of_state(self, args, nargs, names);
}

/* ---- in and out --------------------------------------------------------------------------------
 */

static PyObject *attribute_of(const char *module_name, const char *name)
{
    PyObject *module = PyImport_ImportModule(module_name);
    PyObject *attribute = module ? PyObject_GetAttrString(module, name) : NULL;

    Py_XDECREF(module);
    return attribute;
}

/* One method; the type is kept for ever. */
static bool install(struct method *method, PyTypeObject **type, const char *type_name,
                    const char *name, method_fn fn)
{
    PyObject *function;
    bool done;

    if (!*type)
        *type = (PyTypeObject *)attribute_of("numpy.random", type_name);
    function = *type ? PyObject_GetAttrString((PyObject *)*type, name) : NULL;
    done = function && method_replace_function(method, function, fn);
    Py_XDECREF(function);
    return done;
}

int stream_install(void)
{
    int count = 0;

    if (!fill)
        fill = attribute_of("treadle._random", "fill");
    if (fill)
        count =
            install(&generator_random, &generator, "Generator", "random", random_of_generator) +
            install(&random_sample, &random_state, "RandomState", "random_sample", random_of_state);
    PyErr_Clear();
    return count;
}

void stream_uninstall(void)
{
    method_restore(&generator_random);
    method_restore(&random_sample);
}
