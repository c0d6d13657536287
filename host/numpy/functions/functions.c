/* SPDX-License-Identifier: BSD-3-Clause */
#include "functions.h"

#include "../limit.h"
#include "../whole_report.h"
#include "best.h"
#include "count.h"
#include "gather.h"
#include "moves.h"
#include "order.h"
#include "outer.h"
#include "random_stream.h"

/* The module in which NumPy's C code keeps its functions; some are wrapped elsewhere. */
static PyObject *import_core(void)
{
    PyObject *core = PyImport_ImportModule("numpy._core._multiarray_umath");

    if (core)
        return core;
    PyErr_Clear(); /* NumPy 1.26 */
    return PyImport_ImportModule("numpy.core._multiarray_umath");
}

int functions_install(void)
{
    PyObject *core = import_core();
    int count = -1;

    if (core && report_find() == 0) {
        limit_update();
        count = best_install() + count_install(core) + gather_install() + moves_install(core) +
                order_install() + outer_install();
    }
    Py_XDECREF(core);
    return count;
}

void functions_uninstall(void)
{
    best_uninstall();
    count_uninstall();
    gather_uninstall();
    moves_uninstall();
    order_uninstall();
    outer_uninstall();
    stream_uninstall();
}
