/* SPDX-License-Identifier: BSD-3-Clause */
#include "cost.h"

#include <stdbool.h>
#include <string.h>

#include "api.h"

/* Moving one byte between memory and one core: a + b on 10M float64 takes 15 ms for 240 MB, and
 * half as much in cache. */
static const double byte_ns = 0.02;

/* Nanoseconds per float64, NumPy 2.5 on a Xeon with AVX-512, 4096 elements in cache. A ufunc that
 * is not listed moves bytes and computes nothing that takes longer. */
static const struct {
    const char *name;
    double ns;
} computing[] = {
    {"arccos", 1.3},   {"arccosh", 4.3},     {"arcsin", 1.2},    {"arcsinh", 2.4},
    {"arctan", 1.2},   {"arctan2", 2.0},     {"arctanh", 1.5},   {"cbrt", 1.1},
    {"cos", 4.8},      {"cosh", 0.9},        {"deg2rad", 1.1},   {"degrees", 1.1},
    {"divmod", 15.0},  {"exp", 0.7},         {"exp2", 0.7},      {"expm1", 1.2},
    {"fabs", 1.2},     {"float_power", 10.}, {"fmod", 11.0},     {"floor_divide", 14.},
    {"gcd", 15.0},     {"heaviside", 1.4},   {"hypot", 12.0},    {"lcm", 15.0},
    {"log", 0.9},      {"log10", 0.9},       {"log1p", 1.1},     {"log2", 1.0},
    {"logaddexp", 15}, {"logaddexp2", 15.},  {"logical_and", 1}, {"logical_or", 1.0},
    {"modf", 1.4},     {"nextafter", 8.0},   {"power", 2.3},     {"rad2deg", 1.1},
    {"radians", 1.1},  {"remainder", 9.6},   {"sin", 5.4},       {"sinh", 1.1},
    {"spacing", 1.8},  {"sqrt", 0.9},        {"tan", 1.3},       {"tanh", 1.3},
};

/* The same per integer or bool. Divisions by one number are multiplications, and learning (learn.h)
 * can only find a call cheap that is not cut already. */
static const struct {
    const char *name;
    double ns;
} integers[] = {{"divmod", 2.5},      {"floor_divide", 0.5}, {"fmod", 2.5},
                {"logical_and", 0.0}, {"logical_or", 0.0},   {"remainder", 2.5}};

static double computing_ns(const char *name, int type)
{
    bool whole = PyTypeNum_ISINTEGER(type) || PyTypeNum_ISBOOL(type);

    for (size_t i = 0; whole && i < sizeof(integers) / sizeof(integers[0]); i++)
        if (strcmp(integers[i].name, name) == 0)
            return integers[i].ns;
    for (size_t i = 0; i < sizeof(computing) / sizeof(computing[0]); i++)
        if (strcmp(computing[i].name, name) == 0)
            return computing[i].ns;
    return 0.0;
}

/* Types without vector instructions: each element is a call into libm, or a conversion. */
static double type_ns(int type, double float64_ns)
{
    switch (type) {
    case NPY_FLOAT:
        return 0.5 * float64_ns;
    case NPY_HALF:
        return 3.0 + 0.5 * float64_ns;
    case NPY_LONGDOUBLE:
    case NPY_CLONGDOUBLE:
        return 2.5 + 30.0 * float64_ns;
    case NPY_CFLOAT:
    case NPY_CDOUBLE:
        return 1.0 + 20.0 * float64_ns;
    default:
        return float64_ns;
    }
}

double cost_element_ns(const char *name, const int *types, int bytes)
{
    double memory = byte_ns * bytes;
    double compute = type_ns(types[0], computing_ns(name, types[0]));

    return compute > memory ? compute : memory;
}
