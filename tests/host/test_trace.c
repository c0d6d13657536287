/* SPDX-License-Identifier: BSD-3-Clause */
/* TREADLE_TRACE: lines on stderr, or a file that JSON readers open. */
#define _GNU_SOURCE /* memfd_create */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <jansson.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "fakes.h"
#include "strided.h"

static void copy_array(int64_t n)
{
    static double data[2][4096];
    struct strided x, out;
    strided_vector(&x, data[0], n, 1);
    strided_vector(&out, data[1], n, 1);
    cr_assert_eq(treadle_unary("copy", &x.a, &out.a, NULL), TREADLE_OK, "%s", treadle_last_error());
}

static size_t slurp(const char *path, char *text, size_t capacity)
{
    FILE *file = fopen(path, "r");
    cr_assert(file, "%s", path);
    size_t length = fread(text, 1, capacity - 1, file);
    fclose(file);
    text[length] = '\0';
    return length;
}

static int count_lines(const char *text)
{
    int lines = 0;
    for (; *text; text++)
        lines += *text == '\n';
    return lines;
}

static char path[64];

static void trace_to_a_file(void)
{
    strcpy(path, "/tmp/treadle-trace-XXXXXX");
    close(mkstemp(path));
}

static void remove_file(void)
{
    unlink(path);
}

Test(trace, one_line_on_stderr_for_each_large_call, .init = trace_to_a_file, .fini = remove_file)
{
    char text[4096];
    setenv("TREADLE_TRACE", "stderr", 1);
    setenv("TREADLE_MIN", "100", 1);
    cr_assert_eq(treadle_init(), TREADLE_OK);
    int keep = dup(STDERR_FILENO), file = open(path, O_WRONLY | O_TRUNC);
    dup2(file, STDERR_FILENO);
    copy_array(1000);
    copy_array(99); /* small: it says nothing */
    copy_array(4096);
    dup2(keep, STDERR_FILENO);
    slurp(path, text, sizeof text);
    cr_assert_eq(count_lines(text), 2, "%s", text);
    cr_assert_eq(strncmp(text, "treadle: copy 1e+03: ", 21), 0, "%s", text);
    cr_assert(strstr(text, "wanted") && strstr(text, "granted") && strstr(text, "callers"));
}

/* The file is an array that is never closed; readers of traces, and this test, close it. */
static json_t *read_trace(void)
{
    static char text[1 << 20];
    json_error_t error;
    size_t length = slurp(path, text, sizeof text - 8);
    cr_assert(length >= 2 && text[0] == '[', "%s", text);
    while (length > 1 && strchr(",\n", text[length - 1]))
        length--;
    strcpy(text + length, "]");
    json_t *events = json_loads(text, 0, &error);
    cr_assert(events, "%s at line %d", error.text, error.line);
    return events;
}

static const char *text_of(const json_t *event, const char *key)
{
    const char *text = json_string_value(json_object_get(event, key));
    cr_assert(text, "%s", key);
    return text;
}

static json_int_t number_of(const json_t *event, const char *key)
{
    cr_assert(json_is_number(json_object_get(event, key)), "%s", key);
    return json_integer_value(json_object_get(event, key));
}

Test(trace, a_file_of_chromes_trace_format, .init = trace_to_a_file, .fini = remove_file)
{
    setenv("TREADLE_TRACE", path, 1);
    setenv("TREADLE_MIN", "100", 1);
    setenv("TREADLE_BACKEND", "serial", 1);
    copy_array(1000);
    copy_array(10);
    copy_array(2000);
    json_t *events = read_trace();
    cr_assert_eq(json_array_size(events), 2);
    const json_t *event = json_array_get(events, 1), *args = json_object_get(event, "args");
    cr_assert_str_eq(text_of(event, "name"), "copy");
    cr_assert_str_eq(text_of(event, "ph"), "X");
    cr_assert_eq(number_of(event, "pid"), getpid());
    cr_assert(json_real_value(json_object_get(event, "ts")) > 0);
    cr_assert(json_real_value(json_object_get(event, "dur")) >= 0);
    cr_assert_str_eq(text_of(args, "backend"), "serial");
    cr_assert_eq(number_of(args, "elements"), 2000);
    cr_assert_eq(number_of(args, "threads"), 1);
    cr_assert_geq(number_of(args, "granted"), 1);
    cr_assert_geq(number_of(args, "wanted"), number_of(args, "granted"));
    text_of(args, "reason");
    json_decref(events);
}

/* What `treadle ab --replay` needs. */
Test(trace, says_what_a_call_was_made_on, .init = trace_to_a_file, .fini = remove_file)
{
    static double data[3][20 * 30];
    const int64_t shape[] = {20, 30}, columns[] = {30};
    const int32_t axis = 0;
    struct strided x, y, out, sums;
    strided_f64(&x, data[0], 2, shape);
    strided_f64(&y, data[1], 2, shape);
    strided_f64(&out, data[2], 2, shape);
    strided_f64(&sums, data[2], 1, columns);
    setenv("TREADLE_TRACE", path, 1);
    setenv("TREADLE_MIN", "100", 1);
    cr_assert_eq(treadle_binary("add", &x.a, &y.a, &out.a, NULL), TREADLE_OK);
    cr_assert_eq(treadle_reduce("sum", &x.a, &axis, 1, &sums.a, NULL), TREADLE_OK);
    json_t *events = read_trace();
    const json_t *add = json_object_get(json_array_get(events, 0), "args"),
                 *sum = json_object_get(json_array_get(events, 1), "args");
    cr_assert_str_eq(text_of(add, "dtype"), "f64");
    cr_assert_str_eq(text_of(add, "shapes"), "600,600", "neighbours are merged");
    cr_assert_null(json_object_get(add, "axes"));
    cr_assert_str_eq(text_of(sum, "shapes"), "20x30");
    cr_assert_str_eq(text_of(sum, "axes"), "0");
    json_decref(events);
}

static void *copy_often(void *unused)
{
    double data[2][100] = {{0}};
    struct strided x, out;
    strided_vector(&x, data[0], 100, 1);
    strided_vector(&out, data[1], 100, 1);
    for (int i = 0; i < 100; i++)
        treadle_unary("copy", &x.a, &out.a, NULL);
    return unused;
}

Test(trace, threads_do_not_mix_their_lines, .init = trace_to_a_file, .fini = remove_file)
{
    pthread_t threads[8];
    setenv("TREADLE_TRACE", path, 1);
    setenv("TREADLE_MIN", "1", 1);
    for (int i = 0; i < 8; i++)
        pthread_create(&threads[i], NULL, copy_often, NULL);
    for (int i = 0; i < 8; i++)
        pthread_join(threads[i], NULL);
    json_t *events = read_trace();
    cr_assert_eq(json_array_size(events), 800);
    json_decref(events);
}

/* Names come from users and plugins: quotes, control characters, any length. */
Test(trace, stays_json_whatever_an_operation_is_called, .init = trace_to_a_file,
     .fini = remove_file)
{
    static struct fake any = {.id = "any"};
    static char name[3000] = "org.\"quoted\\\n\t\x01.";
    memset(name + strlen(name), 'x', sizeof name - 1 - strlen(name));
    double value = 0;
    struct strided x;
    strided_f64(&x, &value, 0, NULL);
    const struct treadle_array args[] = {x.a, x.a};
    setenv("TREADLE_TRACE", path, 1);
    cr_assert_eq(fake_register(&any), TREADLE_OK, "%s", treadle_last_error());
    cr_assert_eq(treadle_set_backend("any"), TREADLE_OK);
    cr_assert_eq(treadle_run(name, args, 2, 1, NULL, NULL), TREADLE_OK);
    json_t *events = read_trace();
    cr_assert_eq(json_array_size(events), 1);
    cr_assert_eq(strncmp(text_of(json_array_get(events, 0), "name"), "org.", 4), 0);
    json_decref(events);
}

/* A descriptor that was a trace must not be written to when it is somebody else's file. */
Test(trace, switched_off_and_on_again, .init = trace_to_a_file, .fini = remove_file)
{
    setenv("TREADLE_TRACE", path, 1);
    setenv("TREADLE_MIN", "1", 1);
    copy_array(1000);
    unsetenv("TREADLE_TRACE");
    cr_assert_eq(treadle_reload_env(), TREADLE_OK);
    copy_array(1000);
    json_t *events = read_trace();
    cr_assert_eq(json_array_size(events), 1);
    json_decref(events);
    setenv("TREADLE_TRACE", path, 1);
    cr_assert_eq(treadle_reload_env(), TREADLE_OK);
    copy_array(1000);
    copy_array(1000);
    events = read_trace();
    cr_assert_eq(json_array_size(events), 2, "it begins anew");
    json_decref(events);
}

/* The number of the trace here. */
static int trace_descriptor(void)
{
    for (int number = 0; number < 1024; number++) {
        char name[64], target[sizeof path] = "";
        snprintf(name, sizeof name, "/proc/self/fd/%d", number);
        if (readlink(name, target, sizeof target - 1) > 0 && strcmp(target, path) == 0)
            return number;
    }
    cr_assert(0, "no trace is open");
    return -1;
}

/* A program may close what it did not open, and get the number for a file of its own. */
Test(trace, spares_a_file_that_has_its_number, .init = trace_to_a_file, .fini = remove_file)
{
    setenv("TREADLE_TRACE", path, 1);
    setenv("TREADLE_MIN", "1", 1);
    int input = dup(STDIN_FILENO);
    close(STDIN_FILENO);
    copy_array(1000);
    int number = trace_descriptor();
    cr_assert_gt(number, STDERR_FILENO);
    dup2(input, STDIN_FILENO);

    int program_file = memfd_create("a file of the program", MFD_CLOEXEC);
    dup2(program_file, number);
    copy_array(1000);
    cr_assert_eq(treadle_reload_env(), TREADLE_OK);
    copy_array(1000);
    copy_array(1000);
    cr_assert_eq(lseek(number, 0, SEEK_END), 0, "it has lines of the trace");
    json_t *events = read_trace();
    cr_assert_eq(json_array_size(events), 2, "the trace goes on at another number");
    json_decref(events);
}

Test(trace, does_not_follow_a_link, .init = trace_to_a_file, .fini = remove_file)
{
    char name[80];
    snprintf(name, sizeof name, "%s.link", path);
    cr_assert_eq(symlink(path, name), 0);
    setenv("TREADLE_TRACE", name, 1);
    expect_invalid(treadle_init(), "TREADLE_TRACE=|cannot be written");
    unlink(name);
}
