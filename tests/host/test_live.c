/* SPDX-License-Identifier: BSD-3-Clause */
/* TREADLE_AB: a share of the program's own calls runs on B, and the program finds out. */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <fenv.h>
#include <glob.h>
#include <jansson.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "fakes.h"
#include "strided.h"

enum { N = 1000 };
static char path[64];
static double data[3][N];
static struct strided x, y, out;

static void nap(long nanoseconds)
{
    nanosleep(&(struct timespec){.tv_nsec = nanoseconds}, NULL);
}

static int32_t work_slowly(struct treadle_call *call)
{
    nap(100000);
    return naive_elementwise(call);
}

static int32_t work_very_slowly(struct treadle_call *call)
{
    nap(20000000);
    return naive_elementwise(call);
}

static int32_t work_wrongly(struct treadle_call *call)
{
    const struct treadle_array *result = &call->args[call->nargs - 1];
    int32_t status = naive_elementwise(call);
    if (result->shape[0] > 7)
        *(double *)((char *)result->data + 7 * result->strides[0]) += 0.25;
    return status;
}

static int32_t divide_by_zero(struct treadle_call *call)
{
    feraiseexcept(FE_DIVBYZERO);
    return naive_elementwise(call);
}

static int32_t dot_to_and_fro(struct treadle_call *call, bool backwards)
{
    const struct treadle_array *a = &call->args[0], *b = &call->args[1];
    double sum = 0;
    for (int64_t i = 0, n = a->shape[0]; i < n; i++) {
        int64_t k = backwards ? n - 1 - i : i;
        sum += *(double *)((char *)a->data + k * a->strides[0]) *
               *(double *)((char *)b->data + k * b->strides[0]);
    }
    *(double *)call->args[2].data = sum;
    return TREADLE_OK;
}

static int32_t dot(struct treadle_call *call)
{
    return dot_to_and_fro(call, false);
}

static int32_t dot_backwards(struct treadle_call *call)
{
    return dot_to_and_fro(call, true);
}

static int32_t dot_wrongly(struct treadle_call *call)
{
    int32_t status = dot(call);
    *(double *)call->args[2].data += 1e-6;
    return status;
}

static struct fake quick = {.id = "quick", .work = naive_elementwise},
                   twin = {.id = "twin", .work = naive_elementwise},
                   slow = {.id = "slow", .work = work_slowly},
                   very_slow = {.id = "very-slow", .work = work_very_slowly},
                   wrong = {.id = "wrong", .work = work_wrongly},
                   raises = {.id = "raises", .work = divide_by_zero},
                   fails = {.id = "fails", .status = TREADLE_E_FAILED, .message = "on purpose"},
                   multiplies = {.id = "multiplies", .op = "multiply", .work = naive_elementwise},
                   dots = {.id = "dots", .work = dot},
                   dots_back = {.id = "dots-back", .work = dot_backwards},
                   dots_wrong = {.id = "dots-wrong", .work = dot_wrongly};

static void set_up(void)
{
    struct fake *const fakes[] = {&quick, &twin,       &slow, &very_slow, &wrong,     &raises,
                                  &fails, &multiplies, &dots, &dots_back, &dots_wrong};
    strcpy(path, "/tmp/treadle-live-XXXXXX");
    close(mkstemp(path));
    for (size_t i = 0; i < sizeof fakes / sizeof *fakes; i++)
        cr_assert_eq(fake_register(fakes[i]), TREADLE_OK, "%s", treadle_last_error());
    strided_vector(&x, data[0], N, 1);
    strided_vector(&y, data[1], N, 1);
    strided_vector(&out, data[2], N, 1);
    fill_random(data[0], N);
    fill_random(data[1], N);
    setenv("TREADLE_MIN", "100", 1);
    setenv("TREADLE_AB_SAVE", path, 1);
}

static void remove_file(void)
{
    unlink(path);
}

static void compare(const char *spec)
{
    setenv("TREADLE_AB", spec, 1);
    cr_assert_eq(treadle_reload_env(), TREADLE_OK, "%s: %s", spec, treadle_last_error());
}

/* What is saved when the comparison ends; NULL if nothing is. */
static json_t *finish(void)
{
    json_error_t error;
    unlink(path);
    unsetenv("TREADLE_AB");
    cr_assert_eq(treadle_reload_env(), TREADLE_OK, "%s", treadle_last_error());
    if (access(path, F_OK) != 0)
        return NULL;
    json_t *document = json_load_file(path, 0, &error);
    cr_assert(document, "%s at line %d", error.text, error.line);
    return document;
}

static void subtract_once(int64_t n)
{
    struct strided a, b, sum;
    strided_vector(&a, data[0], n, 1);
    strided_vector(&b, data[1], n, 1);
    strided_vector(&sum, data[2], n, 1);
    data[2][0] = data[2][n - 1] = SENTINEL;
    cr_assert_eq(treadle_binary("subtract", &a.a, &b.a, &sum.a, NULL), TREADLE_OK, "%s",
                 treadle_last_error());
    cr_assert_eq(data[2][0], data[0][0] - data[1][0]);
    cr_assert_eq(data[2][n - 1], data[0][n - 1] - data[1][n - 1]);
}

static void subtract_often(int calls)
{
    for (int i = 0; i < calls; i++)
        subtract_once(N);
}

static double number(const json_t *object, const char *name)
{
    const json_t *value = json_object_get(object, name);
    cr_assert(json_is_number(value), "%s", name);
    return json_number_value(value);
}

static const char *word(const json_t *object, const char *name)
{
    const char *text = json_string_value(json_object_get(object, name));
    cr_assert(text, "%s", name);
    return text;
}

static const json_t *only_result(const json_t *document)
{
    const json_t *results = json_object_get(document, "results");
    cr_assert_eq(json_array_size(results), 1, "%zu results", json_array_size(results));
    return json_array_get(results, 0);
}

/* Until B is not called any more. */
static void subtract_until_decided(const struct fake *b)
{
    unsigned before = 1;
    for (int i = 0; i < 100 && (b->runs < 24 || b->runs > before); i++) {
        before = b->runs;
        subtract_often(2000);
    }
}

static void expect_planted(const char *spec, const char *verdict, const struct fake *one,
                           const struct fake *two)
{
    const char *a = one->id, *b = two->id;
    compare(spec);
    subtract_until_decided(two);
    json_t *document = finish();
    const json_t *result = only_result(document);
    cr_assert_eq(number(document, "schema"), 1);
    cr_assert_str_eq(word(document, "a"), a);
    cr_assert_str_eq(word(document, "b"), b);
    cr_assert_str_eq(word(result, "op"), "subtract");
    cr_assert_str_eq(word(result, "dtype"), "f64");
    cr_assert_str_eq(word(result, "shape"), "1000");
    cr_assert_eq(number(result, "size"), N);
    cr_assert_eq(number(result, "callers"), 1);
    cr_assert_str_eq(word(result, "verdict"), verdict);
    cr_assert(json_is_true(json_object_get(result, "verified")));
    cr_assert(json_is_true(json_object_get(result, "same_bits_required")));
    cr_assert_leq(number(result, "low"), number(result, "ratio"));
    cr_assert_leq(number(result, "ratio"), number(result, "high"));
    const json_t *samples = json_object_get(result, "samples"), *sample;
    size_t i, a_first = 0;
    cr_assert_geq(json_array_size(samples), 12);
    json_array_foreach(samples, i, sample)
    {
        cr_assert_gt(number(sample, "a"), 0);
        cr_assert_gt(number(sample, "b"), 0);
        a_first += json_is_true(json_object_get(sample, "a_first"));
    }
    cr_assert(a_first > 0 && a_first < i, "both orders");
    cr_assert_str_eq(word(json_object_get(result, "a"), "backend"), a);
    cr_assert_str_eq(word(json_object_get(result, "b"), "backend"), b);
    json_decref(document);
}

Test(live, finds_a_planted_slow_backend, .init = set_up, .fini = remove_file)
{
    expect_planted("quick,slow@0.5", "A faster", &quick, &slow);
    quick.runs = 0;
    expect_planted("slow,quick@25%", "B faster", &slow, &quick);
}

/* Nothing that B gives has reached the program: subtract_once() would have seen it. */
Test(live, refuses_a_wrong_backend_before_it_is_used, .init = set_up, .fini = remove_file)
{
    compare("quick,wrong@0.5");
    double expected = data[0][7] - data[1][7];
    for (int i = 0; i < 500; i++) {
        subtract_once(N);
        cr_assert_eq(data[2][7], expected);
    }
    cr_assert_eq(wrong.runs, 1);
    json_t *document = finish();
    char sentence[300];
    snprintf(
        sentence, sizeof sentence,
        "TREADLE_AB: subtract f64 of 1000: quick (A) and wrong (B) differ: index 7: A gives %.17g, "
        "B gives %.17g",
        expected, expected + 0.25);
    const json_t *warnings = json_object_get(document, "warnings");
    cr_assert_eq(json_array_size(warnings), 1);
    cr_assert_str_eq(json_string_value(json_array_get(warnings, 0)), sentence);
    cr_assert_eq(json_array_size(json_object_get(document, "results")), 0);
    json_decref(document);
}

/* B is run before the input is overwritten, and what it is compared with is what A makes of that.
 */
Test(live, checks_a_call_in_place, .init = set_up, .fini = remove_file)
{
    compare("quick,twin@0.5");
    for (int i = 0; i < 500; i++) {
        double before = data[0][N - 1];
        cr_assert_eq(treadle_binary("subtract", &x.a, &y.a, &x.a, NULL), TREADLE_OK);
        cr_assert_eq(data[0][N - 1], before - data[1][N - 1], "call %d", i);
    }
    json_t *document = finish();
    cr_assert_eq(json_array_size(json_object_get(document, "warnings")), 0);
    cr_assert_geq(number(only_result(document), "checks"), 1);
    json_decref(document);
}

/* A plugin must find what ops.h promises also in the copies. */
Test(live, keeps_the_promises_in_a_check, .init = set_up, .fini = remove_file)
{
    static double memory[3][4000];
    compare("quick,twin@0.5");
    for (int i = 0; i < 1000; i++) {
        struct strided arrays[3];
        const int64_t shape[] = {20, 30};
        for (int k = 0; k < 3; k++)
            cr_assert(strided_random(&arrays[k], memory[k], 4000, 2, shape));
        cr_assert_eq(treadle_binary("subtract", &arrays[0].a, &arrays[1].a, &arrays[2].a, NULL),
                     TREADLE_OK);
    }
    cr_assert_null(broken_promise(), "%s", broken_promise());
    json_t *document = finish();
    cr_assert_eq(json_array_size(json_object_get(document, "warnings")), 0);
    cr_assert_gt(twin.runs, 10);
    json_decref(document);
}

/* 24 MB of output, of which 16 are compared: the wrong element lies in whatever part it is. */
Test(live, checks_a_part_of_a_huge_call, .init = set_up, .fini = remove_file)
{
    enum { HUGE_N = 3000000 };
    double *memory = malloc(2 * sizeof *memory * HUGE_N);
    struct strided from, to;
    strided_vector(&from, memory, HUGE_N, 1);
    strided_vector(&to, memory + HUGE_N, HUGE_N, 1);
    fill(memory, HUGE_N, 3);
    compare("quick,wrong@0.5");
    for (int i = 0; i < 60 && wrong.runs == 0; i++)
        cr_assert_eq(treadle_unary("copy", &from.a, &to.a, NULL), TREADLE_OK);
    cr_assert_eq(wrong.runs, 1);
    json_t *document = finish();
    const char *sentence =
        json_string_value(json_array_get(json_object_get(document, "warnings"), 0));
    cr_assert(strstr(sentence, "copy f64 of 3000000"), "%s", sentence);
    cr_assert(strstr(sentence, ": A gives 3, B gives 3.25"), "%s", sentence);
    json_decref(document);
    free(memory);
}

static json_t *dot_often(const char *spec)
{
    double result;
    struct strided number;
    strided_f64(&number, &result, 0, NULL);
    for (int i = 0; i < N; i++) { /* the terms cancel */
        data[0][i] = (i % 2 ? 1 : -1) * (1 + i / 2 * 1e-3);
        data[1][i] = 1.1;
    }
    compare(spec);
    for (int i = 0; i < 600; i++)
        cr_assert_eq(treadle_binary("dot", &x.a, &y.a, &number.a, NULL), TREADLE_OK);
    return finish();
}

Test(live, allows_products_their_rounding, .init = set_up, .fini = remove_file)
{
    json_t *document = dot_often("dots,dots-back@0.5");
    cr_assert_eq(json_array_size(json_object_get(document, "warnings")), 0);
    cr_assert(json_is_false(json_object_get(only_result(document), "same_bits_required")));
    cr_assert_geq(number(only_result(document), "checks"), 1);
    json_decref(document);
    document = dot_often("dots,dots-wrong@0.5");
    cr_assert_eq(json_array_size(json_object_get(document, "warnings")), 1);
    cr_assert_eq(json_array_size(json_object_get(document, "results")), 0);
    json_decref(document);
}

Test(live, leaves_no_trace_of_a_check, .init = set_up, .fini = remove_file)
{
    cr_assert_neq(treadle_unary("copy", NULL, NULL, NULL), TREADLE_OK);
    char said[256];
    snprintf(said, sizeof said, "%s", treadle_last_error());
    compare("quick,fails@0.5");
    feclearexcept(FE_ALL_EXCEPT);
    subtract_often(300);
    cr_assert_str_eq(treadle_last_error(), said);
    json_t *document = finish();
    const char *sentence =
        json_string_value(json_array_get(json_object_get(document, "warnings"), 0));
    cr_assert(strstr(sentence, "A ends with status 0, B with "), "%s", sentence);
    json_decref(document);
    cr_assert_eq(fails.runs, 1);
    compare("quick,raises@0.5");
    for (int i = 0; i < 500 && raises.runs == 0; i++) {
        subtract_once(N);
        cr_assert_eq(fetestexcept(FE_DIVBYZERO), 0);
    }
    cr_assert_eq(raises.runs, 1);
    json_decref(finish());
}

Test(live, share_0_and_small_calls_and_own_choices_stay, .init = set_up, .fini = remove_file)
{
    compare("quick,slow@0");
    subtract_often(300);
    cr_assert_null(finish());
    compare("quick,slow@0.5");
    for (int i = 0; i < 300; i++)
        subtract_once(99);
    cr_assert_eq(treadle_set_thread_backend("quick"), TREADLE_OK);
    subtract_often(300);
    treadle_set_thread_backend(NULL);
    cr_assert_eq(treadle_set_backend("twin"), TREADLE_OK);
    subtract_often(300);
    cr_assert_eq(treadle_set_backend(NULL), TREADLE_OK);
    cr_assert_str_eq(treadle_get_backend(), "quick");
    cr_assert_eq(slow.runs, 0);
    json_decref(finish());
}

/* Where B lacks the operation nobody stands in for it. */
Test(live, leaves_alone_what_b_cannot_do, .init = set_up, .fini = remove_file)
{
    struct treadle_used used;
    compare("quick,multiplies@0.5");
    for (int i = 0; i < 300; i++) {
        cr_assert_eq(treadle_binary("subtract", &x.a, &y.a, &out.a, &used), TREADLE_OK);
        cr_assert_str_eq(used.backend, "quick");
        cr_assert_eq(treadle_binary("multiply", &x.a, &y.a, &out.a, &used), TREADLE_OK);
    }
    json_t *document = finish();
    cr_assert_str_eq(word(only_result(document), "op"), "multiply");
    cr_assert_gt(multiplies.runs, 0);
    json_decref(document);
}

static int runs_of_twin(const char *spec)
{
    twin.runs = 0;
    compare(spec);
    subtract_often(4000);
    json_decref(finish());
    return (int)twin.runs;
}

Test(live, takes_no_more_than_its_share, .init = set_up, .fini = remove_file)
{
    int runs = runs_of_twin("quick,twin@0.2");
    cr_assert(runs > 0 && runs < 4000 * 0.25, "%d", runs);
    runs = runs_of_twin("quick,twin@2%");
    cr_assert(runs > 0 && runs < 4000 * 0.04, "%d", runs);
}

/* 1 per cent of these calls would take five times as long as all the others. */
Test(live, does_not_spend_more_time_than_its_share, .init = set_up, .fini = remove_file)
{
    compare("quick,very-slow@1%");
    subtract_often(4000);
    json_decref(finish());
    cr_assert_leq(very_slow.runs, 3);
}

static void *subtract_in_a_thread(void *failures)
{
    double own[3][N];
    struct strided a, b, sum;
    strided_vector(&a, own[0], N, 1);
    strided_vector(&b, own[1], N, 1);
    strided_vector(&sum, own[2], N, 1);
    fill(own[0], N, 5);
    fill(own[1], N, 2);
    for (int i = 0; i < 400; i++) {
        own[2][N / 2] = SENTINEL;
        if (treadle_binary("subtract", &a.a, &b.a, &sum.a, NULL) || own[2][N / 2] != 3)
            atomic_fetch_add((atomic_int *)failures, 1);
    }
    return NULL;
}

Test(live, serves_many_threads, .init = set_up, .fini = remove_file)
{
    pthread_t threads[8];
    atomic_int failures = 0;
    compare("quick,slow@0.5");
    for (int i = 0; i < 8; i++)
        pthread_create(&threads[i], NULL, subtract_in_a_thread, &failures);
    for (int i = 0; i < 50; i++) /* begins and ends under running calls */
        compare(i % 2 ? "quick,slow@0.5" : "quick,twin@0.5");
    for (int i = 0; i < 8; i++)
        pthread_join(threads[i], NULL);
    json_t *document = finish();
    cr_assert_eq(failures, 0);
    cr_assert_eq(json_array_size(json_object_get(document, "warnings")), 0);
    json_decref(document);
}

static size_t kinds_so_far(void)
{
    json_error_t error;
    cr_assert_eq(treadle_ab_save(path), TREADLE_OK, "%s", treadle_last_error());
    json_t *document = json_load_file(path, 0, &error);
    cr_assert(document, "%s at line %d", error.text, error.line);
    size_t count = json_array_size(json_object_get(document, "results"));
    json_decref(document);
    return count;
}

/* Checks and pairs wait until there is time to spend on them, which one slow call may use up. */
static void subtract_until_there_are_kinds(size_t kinds, int64_t n)
{
    for (int i = 0; i < 100000 && (i % 500 || kinds_so_far() < kinds); i++)
        subtract_once(n);
    cr_assert_eq(kinds_so_far(), kinds);
}

Test(live, a_forked_child_compares_nothing, .init = set_up, .fini = remove_file)
{
    int status;
    compare("quick,twin@0.5");
    subtract_often(200);
    unsigned before = twin.runs;
    pid_t child = fork();
    if (child == 0) {
        subtract_often(200);
        json_t *document = finish();
        _exit(twin.runs != before || document);
    }
    cr_assert_eq(waitpid(child, &status, 0), child);
    cr_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0, "%x", status);
    subtract_until_there_are_kinds(1, N);
    subtract_until_there_are_kinds(2, N / 4); /* another kind, which is not decided yet */
    json_decref(finish());
    cr_assert_gt(twin.runs, before);
}

/* Without a place to save it, and where that can't be written, the verdict is for people. */
Test(live, prints_a_table, .init = set_up, .fini = remove_file)
{
    static char text[4096];
    setenv("TREADLE_AB_SAVE", "/nowhere/at/all.json", 1);
    compare("quick,slow@0.5");
    subtract_until_decided(&slow);
    int keep = dup(STDERR_FILENO), file = open(path, O_RDWR | O_TRUNC);
    dup2(file, STDERR_FILENO);
    unsetenv("TREADLE_AB");
    cr_assert_eq(treadle_reload_env(), TREADLE_OK);
    dup2(keep, STDERR_FILENO);
    cr_assert_gt(pread(file, text, sizeof text - 1, 0), 0);
    static const char *const words[] = {"TREADLE_AB_SAVE=/nowhere/at/all.json: cannot be written",
                                        "A: quick   B: slow",
                                        "\nsubtract ",
                                        " 1000 ",
                                        "quick x",
                                        "slow x",
                                        "A faster",
                                        "same bits"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        cr_assert(strstr(text, words[i]), "%s\n%s", words[i], text);
}

static const struct bad {
    const char *spec, *words;
} bads[] = {
    {"quick", "TREADLE_AB=quick|A,B or A,B@0.1"},
    {",slow", "TREADLE_AB=,slow|two backends"},
    {"quick,", "TREADLE_AB=quick,|two backends"},
    {"quick,@0.1", "TREADLE_AB=quick,@0.1|two backends"},
    {"quick,slow,serial", "TREADLE_AB=quick,slow,serial|two backends"},
    {"quick,slow@", "TREADLE_AB=quick,slow@|a share"},
    {"quick,slow@0.6", "TREADLE_AB=quick,slow@0.6|up to a half"},
    {"quick,slow@-1%", "TREADLE_AB=quick,slow@-1%|up to a half"},
    {"quick,slow@nan", "TREADLE_AB=quick,slow@nan|a share"},
    {"quick,slow@1/2", "TREADLE_AB=quick,slow@1/2|a share"},
    {"quick,nobody", "TREADLE_AB=nobody|there is no backend"},
    {"nobody,slow", "TREADLE_AB=nobody|there is no backend"},
    {"quick:0,slow", "TREADLE_AB=quick:0|number of threads"},
};

Test(live, a_wrong_value_is_named_with_what_is_allowed, .init = set_up, .fini = remove_file)
{
    for (size_t i = 0; i < sizeof bads / sizeof *bads; i++) {
        setenv("TREADLE_AB", bads[i].spec, 1);
        expect_invalid(treadle_reload_env(), bads[i].words);
        expect_invalid(treadle_binary("subtract", &x.a, &y.a, &out.a, NULL), bads[i].words);
    }
    setenv("TREADLE_AB", "quick,slow", 1);
    setenv("TREADLE_AB_SAVE", "x.json", 1);
    expect_invalid(treadle_reload_env(), "TREADLE_AB_SAVE=x.json|absolute path");
    setenv("TREADLE_AB_SAVE", path, 1);
    compare("quick,slow");
}

Test(live, saves_what_it_has_so_far_and_goes_on, .init = set_up, .fini = remove_file)
{
    expect_invalid(treadle_ab_save(path), "TREADLE_AB|not set");
    compare("quick,twin@0.5");
    expect_invalid(treadle_ab_save("x.json"), "x.json|absolute path");
    expect_invalid(treadle_ab_save(NULL), "NULL|absolute path");
    cr_assert_eq(treadle_ab_save("/nowhere/at/all.json"), TREADLE_E_FAILED);
    cr_assert_eq(kinds_so_far(), 0);
    subtract_until_there_are_kinds(1, N);
    subtract_until_there_are_kinds(2, N / 3);
    json_decref(finish());
}

static bool is_whole(const char *file)
{
    json_t *document = json_load_file(file, 0, NULL);
    bool whole = document != NULL;
    json_decref(document);
    return whole;
}

static int compare_and_save_often(void)
{
    compare("quick,twin@0.5");
    subtract_often(200);
    for (int i = 0; i < 40; i++)
        if (treadle_ab_save(path) != TREADLE_OK || !is_whole(path))
            return 1;
    return 0;
}

Test(live, processes_that_save_at_once, .init = set_up, .fini = remove_file)
{
    enum { PROCESSES = 3 };
    pid_t children[PROCESSES];
    struct stat file;
    umask(027);
    for (int i = 0; i < PROCESSES; i++)
        if ((children[i] = fork()) == 0)
            _exit(compare_and_save_often());
    for (int i = 0; i < PROCESSES; i++) {
        int status;
        cr_assert_eq(waitpid(children[i], &status, 0), children[i]);
        cr_assert_eq(status, 0, "%x", status);
    }
    cr_assert_eq(stat(path, &file), 0);
    cr_assert_eq(file.st_mode & 0777, 0640);
    char drafts[80];
    glob_t found;
    snprintf(drafts, sizeof drafts, "%s?*", path);
    cr_assert_eq(glob(drafts, 0, NULL, &found), GLOB_NOMATCH);
}
