/* SPDX-License-Identifier: BSD-3-Clause */
/* The variables, one by one. Each test is a process that starts afresh. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "strided.h"

static const char *const variables[] = {
    "TREADLE_BACKEND", "TREADLE_NUM_THREADS", "TREADLE_MIN",          "TREADLE_TRACE",
    "TREADLE_VERBOSE", "TREADLE_ONLY",        "TREADLE_DISABLE",      "TREADLE_BUDGET",
    "OMP_NUM_THREADS", "OMP_THREAD_LIMIT",    "OPENBLAS_NUM_THREADS", "TREADLE_IGNORE_OMP",
    "TREADLE_EXACT"};

static void own_dgemm(void)
{
}

static void clean(void)
{
    for (size_t i = 0; i < sizeof variables / sizeof *variables; i++)
        unsetenv(variables[i]);
}

static const struct wrong {
    const char *name, *value, *words;
} wrongs[] = {
    {"TREADLE_CPU", "sse", "TREADLE_CPU=sse|baseline, avx2 and avx512"},
    {"TREADLE_NUM_THREADS", "0", "TREADLE_NUM_THREADS=0|1 to 4096"},
    {"TREADLE_NUM_THREADS", "-2", "TREADLE_NUM_THREADS=-2|1 to 4096"},
    {"TREADLE_NUM_THREADS", "4097", "TREADLE_NUM_THREADS=4097|1 to 4096"},
    {"TREADLE_NUM_THREADS", "two", "TREADLE_NUM_THREADS=two|1 to 4096"},
    {"TREADLE_NUM_THREADS", "2x", "TREADLE_NUM_THREADS=2x|1 to 4096"},
    {"TREADLE_NUM_THREADS", "2.5", "TREADLE_NUM_THREADS=2.5|whole number"},
    {"TREADLE_NUM_THREADS", "99999999999999999999", "TREADLE_NUM_THREADS|1 to 4096"},
    {"TREADLE_IGNORE_OMP", "2", "TREADLE_IGNORE_OMP=2|0 to 1"},
    {"TREADLE_EXACT", "yes", "TREADLE_EXACT=yes|0 to 1"},
    {"TREADLE_BUDGET", "shared", "TREADLE_BUDGET=shared|machine, process and off"},
    {"TREADLE_BUDGET", "Machine", "TREADLE_BUDGET=Machine|machine, process and off"},
    {"TREADLE_VERBOSE", "3", "TREADLE_VERBOSE=3|0 to 2"},
    {"TREADLE_VERBOSE", "yes", "TREADLE_VERBOSE=yes|0 to 2"},
    {"TREADLE_MIN", "0", "TREADLE_MIN=0|from 1"},
    {"TREADLE_MIN", "many", "TREADLE_MIN=many|from 1"},
    {"TREADLE_TRACE", "trace.json", "TREADLE_TRACE=trace.json|stderr|absolute"},
    {"TREADLE_TRACE", "./x/trace.json", "TREADLE_TRACE|absolute"},
    {"TREADLE_TRACE", "stdout", "TREADLE_TRACE=stdout|stderr|absolute"},
    {"TREADLE_TRACE", "/nowhere/at/all.json", "TREADLE_TRACE=/nowhere/at/all.json|No such file"},
    {"TREADLE_TRACE", "/", "TREADLE_TRACE=/|Is a directory"},
};

Test(environment, a_wrong_value_is_named_with_what_is_allowed, .init = clean)
{
    for (size_t i = 0; i < sizeof wrongs / sizeof *wrongs; i++) {
        setenv(wrongs[i].name, wrongs[i].value, 1);
        expect_invalid(treadle_reload_env(), wrongs[i].words);
        expect_invalid(treadle_init(), wrongs[i].words);
        cr_assert_geq(treadle_backend_count(), 1, "the plugins can be listed all the same");
        unsetenv(wrongs[i].name);
        cr_assert_eq(treadle_reload_env(), TREADLE_OK, "%s", treadle_last_error());
    }
}

Test(environment, the_budget_and_the_call_that_changes_it, .init = clean)
{
    struct treadle_budget_info info;
    setenv("TREADLE_BUDGET", "off", 1);
    cr_assert_eq(treadle_reload_env(), TREADLE_OK, "%s", treadle_last_error());
    cr_assert_str_eq(treadle_get_budget(), "off");
    cr_assert_eq(treadle_set_budget("process"), TREADLE_OK);
    cr_assert_str_eq(treadle_get_budget(), "process");
    cr_assert_eq(treadle_budget_info(&info), TREADLE_OK);
    cr_assert_str_eq(info.mode, "process");
    cr_assert_str_eq(info.asked, "process");
    cr_assert_str_eq(info.reason, "");
    cr_assert_eq(info.cores, (uint32_t)treadle_get_num_threads());
    cr_assert_eq(info.left, info.cores);
    cr_assert_eq(info.processes, 0);
    expect_invalid(treadle_set_budget("all"), "budget is \"all\"|machine, process and off");
    expect_invalid(treadle_budget_info(NULL), "info is NULL");
    cr_assert_str_eq(treadle_get_budget(), "process");
    cr_assert_eq(treadle_set_budget(NULL), TREADLE_OK);
    cr_assert_str_eq(treadle_get_budget(), "off");
    unsetenv("TREADLE_BUDGET");
    cr_assert_eq(treadle_reload_env(), TREADLE_OK);
    cr_assert_eq(treadle_budget_info(&info), TREADLE_OK);
    cr_assert_str_eq(info.asked, "machine");
    cr_assert_eq(strcmp(info.mode, "machine") == 0, info.reason[0] == '\0', "%s", info.reason);
}

Test(environment, an_endless_value_leaves_room_for_what_is_allowed, .init = clean)
{
    static char value[5000];
    memset(value, '7', sizeof value - 1);
    setenv("TREADLE_NUM_THREADS", value, 1);
    expect_invalid(treadle_init(), "TREADLE_NUM_THREADS=777|1 to 4096");
    unsetenv("TREADLE_NUM_THREADS");
    setenv("TREADLE_TRACE", value, 1);
    expect_invalid(treadle_reload_env(), "TREADLE_TRACE=777|absolute");
}

static int32_t cores_with(const char *name, const char *value)
{
    setenv(name, value, 1);
    cr_assert_eq(treadle_reload_env(), TREADLE_OK, "%s", treadle_last_error());
    int32_t cores = treadle_get_num_threads();
    unsetenv(name);
    return cores;
}

Test(environment, the_numbers_of_openmp_are_limits_too, .init = clean)
{
    int32_t machine = treadle_get_num_threads();
    cr_assert_eq(cores_with("OMP_NUM_THREADS", "1"), 1);
    cr_assert_eq(cores_with("OMP_NUM_THREADS", "1,8"), 1, "the outermost level counts");
    cr_assert_eq(cores_with("OMP_NUM_THREADS", " 1 , 8"), 1);
    cr_assert_eq(cores_with("OMP_NUM_THREADS", "4096,2"), machine);
    cr_assert_eq(cores_with("OMP_NUM_THREADS", "garbage"), machine);
    cr_assert_eq(cores_with("OMP_NUM_THREADS", "1garbage"), machine);
    cr_assert_eq(cores_with("OMP_NUM_THREADS", "0"), machine);
    cr_assert_eq(cores_with("OMP_NUM_THREADS", "-1"), machine);
    cr_assert_eq(cores_with("OMP_NUM_THREADS", ""), machine);
    cr_assert_eq(cores_with("OMP_NUM_THREADS", "99999999999999999999"), machine);
    cr_assert_eq(cores_with("OMP_THREAD_LIMIT", "1"), 1);
    cr_assert_eq(cores_with("TREADLE_NUM_THREADS", "1"), 1);
    cr_assert_eq(treadle_set_num_threads(5), TREADLE_OK);
    cr_assert_eq(cores_with("OMP_NUM_THREADS", "1"), 5);
    cr_assert_eq(cores_with("OMP_THREAD_LIMIT", "3"), 3);
    expect_invalid(treadle_set_num_threads(-1), "threads is -1|0 to 4096");
    expect_invalid(treadle_set_num_threads(4097), "threads is 4097|0 to 4096");
    cr_assert_eq(treadle_set_num_threads(0), TREADLE_OK);
    cr_assert_eq(cores_with("OMP_NUM_THREADS", "1"), 1);
}

static uint32_t threads_of_a_product(void)
{
    struct treadle_decision d;
    cr_assert_eq(treadle_explain_routine("dgemm_", 64, 1e12, 1, &d), TREADLE_OK);
    return d.wanted;
}

Test(environment, the_numbers_of_openmp_can_be_ignored, .init = clean)
{
    int32_t machine = treadle_get_num_threads();
    uint32_t unlimited = threads_of_a_product();
    setenv("OPENBLAS_NUM_THREADS", "1", 1);
    setenv("TREADLE_IGNORE_OMP", "1", 1);
    cr_assert_eq(cores_with("OMP_NUM_THREADS", "1"), machine);
    cr_assert_eq(threads_of_a_product(), unlimited);
    cr_assert_eq(cores_with("OMP_THREAD_LIMIT", "1"), 1);
    cr_assert_eq(cores_with("TREADLE_NUM_THREADS", "1"), 1);
    setenv("TREADLE_IGNORE_OMP", "0", 1);
    cr_assert_eq(cores_with("OMP_NUM_THREADS", "1"), 1);
    cr_assert_eq(threads_of_a_product(), 1);
}

Test(environment, exact_leaves_routines_to_their_library, .init = clean)
{
    struct treadle_routine_call call;
    struct treadle_decision d;
    setenv("TREADLE_EXACT", "1", 1);
    cr_assert_eq(treadle_reload_env(), TREADLE_OK);
    cr_assert_eq(treadle_explain_routine("dgemm_", 64, 1e12, 1, &d), TREADLE_OK);
    cr_assert(strstr(d.reason, "TREADLE_EXACT=1"), "%s", d.reason);
    cr_assert_eq(treadle_routines_hold(&call), TREADLE_E_UNSUPPORTED);
    treadle_routine_begin(&call, "dgemm_", 64, 1e12, own_dgemm);
    cr_assert_eq(call.fn, own_dgemm);
    treadle_routine_end(&call);
    unsetenv("TREADLE_EXACT");
    cr_assert_eq(treadle_reload_env(), TREADLE_OK);
    cr_assert_eq(treadle_explain_routine("dgemm_", 64, 1e12, 1, &d), TREADLE_OK);
    cr_assert_not(strstr(d.reason, "TREADLE_EXACT"), "%s", d.reason);
}

Test(environment, min_by_variable_and_by_call, .init = clean)
{
    struct treadle_decision d;
    struct strided x, out;
    double data[2][10] = {{0}};
    strided_vector(&x, data[0], 10, 1);
    strided_vector(&out, data[1], 10, 1);
    const struct treadle_array args[] = {x.a, out.a};
    setenv("TREADLE_MIN", "11", 1);
    cr_assert_eq(treadle_explain("copy", args, 2, 1, NULL, 0, &d), TREADLE_OK);
    cr_assert_eq(d.limit, 11);
    cr_assert_eq(treadle_set_min(5), TREADLE_OK);
    cr_assert_eq(treadle_explain("copy", args, 2, 1, NULL, 0, &d), TREADLE_OK);
    cr_assert_eq(d.limit, 5);
    cr_assert_eq(treadle_set_min(0), TREADLE_OK);
    cr_assert_eq(treadle_explain("copy", args, 2, 1, NULL, 0, &d), TREADLE_OK);
    cr_assert_eq(d.limit, 11);
}
