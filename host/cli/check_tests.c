/* SPDX-License-Identifier: BSD-3-Clause */
/* The list of tests, cheap and basic ones first. */
#include "check_tests.h"

#include <stddef.h>

#include "check.h"

const struct check_test check_tests[] = {
    {"abi.file", "a 64-bit shared object that exports treadle_plugin_v1() and nothing else",
     check_file},
    {"abi.load", "loading it changes nothing", check_load},
    {"abi.entry", "the entry returns the same table each time and does nothing else", check_entry},
    {"abi.table", "size, id, flags and required members", check_table},
    {"life.create", "create() and destroy(), three times", check_create},
    {"kernels.list", "list_kernel() ends, answers the same again, and find_kernel() agrees",
     check_list},
    {"kernels.find", "find_kernel() declines what it does not know", check_find},
    {"values.elementwise", "each length, stride and number of threads, special values too",
     check_elementwise},
    {"values.inplace", "an output that is an input", check_in_place},
    {"values.edges", "nothing is read or written past the operands' ends", check_edges},
    {"values.reductions", "along any axes, of nothing, with NaN; NumPy's bits if promised",
     check_reductions},
    {"values.products", "matmul and dot, over stacks, in any order", check_products},
    {"values.linalg", "factors multiply to the matrix again, solutions solve", check_linalg},
    {"values.loop", "each element once, cut at multiples of the grain", check_loop},
    {"values.repeat", "the same call gives the same again, on more threads too", check_repeat},
    {"errors.numeric", "matrices that cannot be solved are said to be so", check_numeric},
    {"errors.text", "an error's text stays within its bytes, and may have none", check_text},
    {"errors.memory", "no memory from the host is an error and loses none", check_nomem},
    {"threads.one", "at threads_max 1 no other thread is woken", check_one_thread},
    {"threads.limit", "no more threads work than threads_max", check_thread_limit},
    {"threads.used", "threads_used is what has worked", check_threads_used},
    {"threads.reentrant", "four threads may call at once", check_reentrant},
    {"fp.flags", "exceptions as in plain C, and no others", check_fp_flags},
    {"fp.modes", "rounding and MXCSR stay as the caller has set them", check_fp_modes},
    {"fp.rounding", "all threads round as the caller does", check_fp_rounding},
    {"process.state", "signals, affinity, locale, folder, environment, thread counts stay",
     check_process},
    {"process.fork", "a forked child can go on, or the plugin says that it cannot", check_fork},
    {"leaks.files", "no open files are left behind", check_descriptors},
    {"leaks.threads", "create() and destroy() again and again add no threads", check_threads_left},
    {"leaks.memory", "calls leave no memory behind", check_memory},
    {NULL, NULL, NULL},
};
