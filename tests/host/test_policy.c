/* SPDX-License-Identifier: BSD-3-Clause */
/* TREADLE_BACKEND by variable and by call: who is asked, in which order, and what is refused. */
#include <criterion/criterion.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fakes.h"
#include "strided.h"

enum { N = 64 };
static double data[3][N];
static struct strided x, y, out;
static struct fake first = {.id = "first"}, second = {.id = "second", .op = "multiply"};

static void set_up(void)
{
    strided_vector(&x, data[0], N, 1);
    strided_vector(&y, data[1], N, 1);
    strided_vector(&out, data[2], N, 1);
    cr_assert_eq(fake_register(&first), TREADLE_OK, "%s", treadle_last_error());
    cr_assert_eq(fake_register(&second), TREADLE_OK, "%s", treadle_last_error());
}

static struct treadle_used run(const char *op)
{
    struct treadle_used used = {.backend = "nobody"};
    int32_t status = treadle_binary(op, &x.a, &y.a, &out.a, &used);
    cr_assert_eq(status, TREADLE_OK, "%s", treadle_last_error());
    return used;
}

static void use(const char *spec)
{
    cr_assert_eq(treadle_set_backend(spec), TREADLE_OK, "%s: %s", spec, treadle_last_error());
    if (spec)
        cr_assert_str_eq(treadle_get_backend(), spec);
}

static void expect_served(const char *spec, const char *op, const char *backend)
{
    use(spec);
    cr_assert_str_eq(run(op).backend, backend, "%s of %s", op, spec);
}

Test(policy, names_lists_and_rules, .init = set_up)
{
    expect_served("serial", "add", "serial");
    expect_served("first", "add", "first");
    expect_served("first,second", "multiply", "first");
    expect_served("second,first", "multiply", "second");
    expect_served("second,first", "add", "first");
    expect_served("second", "add", "serial");
    expect_served("multiply=second;add=first;serial", "multiply", "second");
    expect_served("multiply=second;add=first;serial", "add", "first");
    expect_served("multiply=second;add=first;serial", "subtract", "serial");
    expect_served("serial;multiply=second", "multiply", "second");
    expect_served("add=first;", "add", "first");
    expect_served("first,first,serial,first", "add", "first");
    expect_served("serial,first", "add", "serial");
    expect_served("org.tests.op=first;serial", "add", "serial");
    expect_served("auto", "add", "serial"); /* it is small */
}

Test(policy, auto_prefers_more_than_serial_for_large_calls, .init = set_up)
{
    cr_assert_eq(treadle_set_min(1), TREADLE_OK);
    use("auto");
    cr_assert_str_neq(run("add").backend, "serial");
    use("add=serial"); /* the others are auto */
    cr_assert_str_eq(run("add").backend, "serial");
    cr_assert_str_neq(run("multiply").backend, "serial");
}

Test(policy, null_goes_back_to_the_variable)
{
    setenv("TREADLE_BACKEND", "serial", 1);
    set_up();
    use("first");
    cr_assert_str_eq(run("add").backend, "first");
    use(NULL);
    cr_assert_str_eq(treadle_get_backend(), "serial");
    cr_assert_str_eq(run("add").backend, "serial");
}

static const struct wrong {
    const char *spec, *words;
} wrongs[] = {
    {"nonsense", "\"nonsense\"|allowed are auto, serial"},
    {"first,nonsense", "\"nonsense\"|allowed are auto"},
    {",", "no backend \"\""},
    {"first,,serial", "no backend \"\""},
    {" first", "no backend \" first\""},
    {";", "a backend is missing"},
    {"first;;", "a backend is missing"},
    {"add=", "a backend is missing"},
    {"add=;first", "a backend is missing"},
    {"=first", "no operation \"\""},
    {"nonsense=first", "no operation \"nonsense\""},
    {"add=first=second", "no backend \"first=second\""},
    {"add=nonsense", "no backend \"nonsense\""},
    {"first:", "\"first:\"|number of threads"},
    {"first:0", "\"first:0\"|number of threads"},
    {"first:-1", "\"first:-1\"|number of threads"},
    {"first: 1", "\"first: 1\"|number of threads"},
    {"first:+1", "\"first:+1\"|number of threads"},
    {"first:two", "\"first:two\"|number of threads"},
    {"first:2x", "\"first:2x\"|number of threads"},
    {"first:99999", "\"first:99999\"|number of threads"},
    {"first:18446744073709551617", "number of threads"},
    {":2", "no backend \"\""},
    {"first;second", "two parts without ="},
    {"add=first;add=serial", "two parts for \"add\""},
};

Test(policy, what_is_wrong_is_named, .init = set_up)
{
    use("first");
    for (size_t i = 0; i < sizeof wrongs / sizeof *wrongs; i++) {
        expect_invalid(treadle_set_backend(wrongs[i].spec), wrongs[i].words);
        cr_assert(strstr(treadle_last_error(), "backend="), "%s", treadle_last_error());
        cr_assert(strstr(treadle_last_error(), wrongs[i].spec), "%s", treadle_last_error());
        expect_invalid(treadle_set_thread_backend(wrongs[i].spec), wrongs[i].words);
        cr_assert_str_eq(treadle_get_backend(), "first", "it stays as it was");
    }
}

/* By variable in a fresh process each; criterion runs each test in one of its own. */
static void try_variable(const char *spec, const char *words)
{
    setenv("TREADLE_BACKEND", spec, 1);
    expect_invalid(treadle_init(), words);
    cr_assert(strstr(treadle_last_error(), "TREADLE_BACKEND="), "%s", treadle_last_error());
    strided_vector(&x, data[0], N, 1);
    fill(data[0], N, SENTINEL);
    expect_invalid(treadle_unary("sqrt", &x.a, &x.a, NULL), words);
    cr_assert_eq(data[0][0], SENTINEL);
    cr_assert_str_eq(treadle_get_backend(), "");
    cr_assert_geq(treadle_backend_count(), 1, "plugins are listed all the same");

    setenv("TREADLE_BACKEND", "serial", 1);
    expect_invalid(treadle_init(), "");
    cr_assert_eq(treadle_reload_env(), TREADLE_OK, "%s", treadle_last_error());
    cr_assert_eq(treadle_unary("sqrt", &x.a, &x.a, NULL), TREADLE_OK);
}

Test(policy, a_wrong_variable_is_reported_until_it_is_mended)
{
    try_variable("nonsense", "TREADLE_BACKEND=nonsense|no backend \"nonsense\"|allowed are auto");
}

Test(policy, a_wrong_rule_in_the_variable)
{
    try_variable("add=serial;nonsense=serial", "no operation \"nonsense\"");
}

Test(policy, an_empty_variable_is_no_variable)
{
    setenv("TREADLE_BACKEND", "", 1);
    cr_assert_eq(treadle_init(), TREADLE_OK);
    cr_assert_str_eq(treadle_get_backend(), "auto");
}

Test(policy, a_very_long_specification, .init = set_up)
{
    static char spec[100000];
    memset(spec, 'a', sizeof spec - 1);
    expect_invalid(treadle_set_backend(spec), "backend=aaa|allowed are auto, serial");
    memcpy(spec + 70, "=serial", 8);
    expect_invalid(treadle_set_backend(spec), "no operation");
    spec[0] = '\0';
    for (int i = 0; i < 40; i++)
        snprintf(spec + strlen(spec), 32, "org.tests.op%d=serial;", i);
    expect_invalid(treadle_set_backend(spec), "more than 32 rules");
    /* A long list of the same name is one name. */
    spec[0] = '\0';
    for (int i = 0; i < 5000; i++)
        strcpy(spec + (size_t)6 * i, "first,");
    strcat(spec, "second");
    use(spec);
    cr_assert_str_eq(run("add").backend, "first");
}

Test(policy, rules_for_long_names_of_operations, .init = set_up)
{
    char name[300], spec[400];
    memset(name, 'b', sizeof name - 1);
    memcpy(name, "org.", 4);
    name[sizeof name - 1] = '\0';
    struct treadle_used used;
    const struct treadle_array args[] = {x.a, out.a};
    snprintf(spec, sizeof spec, "%s=first;serial", name);
    use(spec);
    cr_assert_eq(treadle_run(name, args, 2, 1, NULL, &used), TREADLE_OK, "%s",
                 treadle_last_error());
    cr_assert_str_eq(used.backend, "first");
    name[100] = '\0';
    cr_assert_eq(treadle_run(name, args, 2, 1, NULL, &used), TREADLE_E_UNSUPPORTED);
}

static void *see_backend(void *seen)
{
    cr_assert_eq(treadle_binary("add", &x.a, &y.a, &out.a, seen), TREADLE_OK);
    return NULL;
}

Test(policy, a_thread_has_its_own_choice, .init = set_up)
{
    pthread_t thread;
    struct treadle_used other;
    use("serial");
    cr_assert_eq(treadle_set_thread_backend("first"), TREADLE_OK);
    cr_assert_str_eq(treadle_get_backend(), "first");
    cr_assert_str_eq(run("add").backend, "first");
    pthread_create(&thread, NULL, see_backend, &other);
    pthread_join(thread, NULL);
    cr_assert_str_eq(other.backend, "serial");
    cr_assert_eq(treadle_set_backend("second"), TREADLE_OK);
    cr_assert_str_eq(run("add").backend, "first", "the thread's goes first");
    cr_assert_eq(treadle_set_thread_backend(NULL), TREADLE_OK);
    cr_assert_str_eq(treadle_get_backend(), "second");
}

Test(policy, adding_a_plugin_does_not_make_a_threads_choice_everybodys, .init = set_up)
{
    static struct fake third = {.id = "third"};
    pthread_t thread;
    struct treadle_used other;
    use("serial");
    cr_assert_eq(treadle_set_thread_backend("first"), TREADLE_OK);
    cr_assert_eq(fake_register(&third), TREADLE_OK);
    pthread_create(&thread, NULL, see_backend, &other);
    pthread_join(thread, NULL);
    cr_assert_str_eq(other.backend, "serial");
    cr_assert_str_eq(run("add").backend, "first");
}

Test(policy, serial_is_last_however_many_come_before, .init = set_up)
{
    static struct fake many[17];
    static char ids[17][8], spec[400] = "first";
    for (int i = 0; i < 17; i++) {
        snprintf(ids[i], sizeof ids[i], "many%d", i);
        many[i].id = ids[i];
        many[i].op = "org.tests.op";
        cr_assert_eq(fake_register(&many[i]), TREADLE_OK);
        snprintf(spec + strlen(spec), 10, ",%s", ids[i]);
    }
    first.status = TREADLE_E_DECLINED;
    use(spec);
    cr_assert_str_eq(run("add").backend, "serial");
    use("auto");
    cr_assert_str_eq(run("add").backend, "serial");
}

Test(policy, declined_goes_on_to_the_next_and_is_counted, .init = set_up)
{
    struct treadle_statistic statistic;
    first.status = TREADLE_E_DECLINED;
    use("first,second");
    for (int64_t min = 0; min <= 1; min++) {
        cr_assert_eq(treadle_set_min(min), TREADLE_OK);
        cr_assert_str_eq(run("multiply").backend, "second");
        cr_assert_eq(run("multiply").fallbacks, 1);
        cr_assert_str_eq(run("add").backend, "serial");
        cr_assert_eq(run("add").fallbacks, 1);
        cr_assert_eq(run("add").threads, 1);
    }
    cr_assert_eq(treadle_statistic(0, &statistic), TREADLE_OK);
    cr_assert_eq(statistic.fallbacks, statistic.calls);
}

Test(policy, nobody_left, .init = set_up)
{
    const struct treadle_array args[] = {x.a, out.a};
    use("second");
    expect_status(treadle_run("org.tests.op", args, 2, 1, NULL, NULL), TREADLE_E_UNSUPPORTED,
                  "org.tests.op: no backend of \"second\"|2 operands");
    use("first");
    first.status = TREADLE_E_DECLINED;
    expect_status(treadle_run("org.tests.op", args, 2, 1, NULL, NULL), TREADLE_E_UNSUPPORTED,
                  "org.tests.op: every backend declined");
}

Test(policy, an_error_ends_the_call, .init = set_up)
{
    use("first,second");
    first.status = TREADLE_E_NUMERIC;
    first.message = "matrix 3 is singular";
    expect_status(treadle_binary("multiply", &x.a, &y.a, &out.a, NULL), TREADLE_E_NUMERIC,
                  "multiply: first: matrix 3 is singular");
    cr_assert_eq(second.runs, 0);
    first.message = NULL;
    expect_status(treadle_binary("multiply", &x.a, &y.a, &out.a, NULL), TREADLE_E_NUMERIC,
                  "first|no reason");
    /* A status that is none of the ABI's does not reach the user. */
    for (int32_t status = -100; status <= 100; status += 107) {
        first.status = status;
        expect_status(treadle_binary("multiply", &x.a, &y.a, &out.a, NULL), TREADLE_E_FAILED,
                      "multiply: first");
    }
}

Test(policy, min_moves_the_border, .init = set_up)
{
    struct treadle_decision decision;
    const struct treadle_array args[] = {x.a, y.a, out.a};
    use("first");
    cr_assert_eq(treadle_set_num_threads(2), TREADLE_OK);
    for (int64_t min = N - 1; min <= N + 1; min++) {
        bool small = N < min;
        cr_assert_eq(treadle_set_min(min), TREADLE_OK);
        cr_assert_eq(run("add").threads, small ? 1 : 2);
        cr_assert_eq(treadle_explain("add", args, 3, 2, NULL, 0, &decision), TREADLE_OK);
        cr_assert_eq(decision.limit, (double)min);
        cr_assert_eq(decision.granted, small ? 1 : 2);
    }
    cr_assert_eq(treadle_set_min(0), TREADLE_OK);
    cr_assert_eq(run("add").threads, 1);
    expect_invalid(treadle_set_min(-1), "elements is -1|0 or more");
}

Test(policy, threads_are_capped_by_the_list_and_by_the_kernel, .init = set_up)
{
    cr_assert_eq(treadle_set_num_threads(8), TREADLE_OK);
    cr_assert_eq(treadle_set_min(1), TREADLE_OK);
    use("first");
    cr_assert_eq(run("add").threads, 8);
    use("first:3");
    cr_assert_eq(run("add").threads, 3);
    use("add=first:2;first:5");
    cr_assert_eq(run("add").threads, 2);
    cr_assert_eq(run("multiply").threads, 5);
    second.threads_useful = 4;
    use("second:6");
    cr_assert_eq(run("multiply").threads, 4);
    use("auto:2");
    cr_assert_leq(run("multiply").threads, 2);
}

/* What explain says is what happens next, for every backend, size and number of cores. */
Test(policy, explain_agrees_with_what_then_runs, .init = set_up)
{
    static const char *const specs[] = {"first", "first:2", "second", "serial", "auto"};
    static double big[3][1 << 18];
    struct treadle_decision decision;
    for (int s = 0; s < 5; s++)
        for (int64_t n = 1; n <= 1 << 18; n *= 8)
            for (int32_t cores = 1; cores <= 4; cores++) {
                struct treadle_used used;
                use(specs[s]);
                treadle_set_num_threads(cores);
                strided_vector(&x, big[0], n, 1);
                strided_vector(&y, big[1], n, 1);
                strided_vector(&out, big[2], n, 1);
                const struct treadle_array args[] = {x.a, y.a, out.a};
                cr_assert_eq(treadle_explain("multiply", args, 3, 2, NULL, 0, &decision),
                             TREADLE_OK);
                cr_assert_eq(treadle_run("multiply", args, 3, 2, NULL, &used), TREADLE_OK);
                cr_assert_str_eq(decision.backend, used.backend);
                cr_assert_str_eq(decision.variant, used.variant);
                cr_assert_geq(decision.granted, used.threads);
                if (used.backend[0] != 's' || used.backend[1] != 'e' || used.backend[2] != 'r')
                    cr_assert_eq(decision.granted, used.threads, "%s n %lld cores %d", specs[s],
                                 (long long)n, cores);
                cr_assert_leq(decision.granted, (uint32_t)cores);
                cr_assert_eq(decision.cores, (uint32_t)cores);
                cr_assert_eq(decision.elements, (double)n);
                cr_assert_eq(decision.elements < decision.limit,
                             strstr(decision.reason, "small") != NULL);
            }
}

Test(policy, explain_with_callers_touches_nothing, .init = set_up)
{
    struct treadle_decision decision;
    const int64_t huge[] = {1 << 20, 1 << 10};
    use("first");
    treadle_set_num_threads(8);
    strided_f64(&x, (double *)16, 2, huge);
    strided_f64(&out, (double *)16, 2, huge);
    const struct treadle_array args[] = {x.a, out.a};
    for (uint32_t callers = 1; callers <= 10; callers++) {
        cr_assert_eq(treadle_explain("sqrt", args, 2, 1, NULL, callers, &decision), TREADLE_OK);
        cr_assert_eq(decision.granted, callers < 8 ? 8 / callers : 1);
        cr_assert_eq(decision.callers, callers);
        cr_assert_eq(decision.wanted, 8);
    }
    cr_assert_eq(first.runs, 0);
    expect_invalid(treadle_explain("sqrt", args, 2, 1, NULL, 0, NULL), "decision is NULL");
    expect_invalid(treadle_explain("sqrt", args, 1, 1, NULL, 0, &decision), "sqrt");
}
