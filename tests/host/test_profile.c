/* SPDX-License-Identifier: BSD-3-Clause */
/* What is measured on disk: it changes decisions, or is refused with a sentence. */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fakes.h"
#include "strided.h"

static char folder[] = "/tmp/treadle-profile-XXXXXX", path[64];
static struct fake first = {.id = "first"}, second = {.id = "second"};

static void remove_all(void)
{
    unlink(path);
    rmdir(folder);
}

/* Each test is a process of its own, and the library has not read anything yet. */
static void set_up(void)
{
    cr_assert(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/profile", folder);
    setenv("TREADLE_PROFILE", path, 1);
    unsetenv("TREADLE_BACKEND");
    unsetenv("TREADLE_MIN");
}

static struct treadle_profile_info read_info(void)
{
    struct treadle_profile_info info;
    cr_assert_eq(treadle_profile_info(&info), TREADLE_OK);
    return info;
}

static struct treadle_profile_info read_again(void)
{
    cr_assert_eq(treadle_reload_env(), TREADLE_OK, "%s", treadle_last_error());
    return read_info();
}

static void write_bytes(const char *text, size_t size)
{
    FILE *file = fopen(path, "w");
    cr_assert(file);
    cr_assert_eq(fwrite(text, 1, size, file), size);
    fclose(file);
}

/* A profile of this machine with these lines between its first ones and the last one. */
static void write_lines(const char *lines)
{
    char text[4096];
    snprintf(text, sizeof text, "%s%send\n", read_info().machine, lines);
    write_bytes(text, strlen(text));
}

static struct treadle_decision explain(const char *op, int64_t n, uint32_t callers)
{
    static struct strided x, out;
    struct treadle_decision decision;
    strided_vector(&x, (double *)64, n, 1);
    strided_vector(&out, (double *)64, n, 1);
    const struct treadle_array args[] = {x.a, out.a};
    cr_assert_eq(treadle_explain(op, args, 2, 1, NULL, callers, &decision), TREADLE_OK, "%s",
                 treadle_last_error());
    return decision;
}

#define BACKENDS "backend serial %s\nbackend first 1\nbackend second 1\n"

/* serial takes 1 ns a byte, a team of `first` 100 ns more, and `second` nothing at all, but only
 * while others call too. A square root moves 16 bytes an element. */
static const char costs[] = "cost sqrt f64 serial 1 0 0 0 1000000 1000\n"
                            "cost sqrt f64 first 1 0 100 0 1000000 4000\n"
                            "cost sqrt f64 second 1 0 0 0 9000000 1000\n"
                            "cost sqrt f64 serial 2 0 0 0 1000000 1000\n"
                            "cost sqrt f64 first 2 0 100 0 1000000 4000\n"
                            "cost sqrt f64 second 2 0 0 0 1000 1000\n";

static void use_costs(void)
{
    char lines[1024];
    set_up();
    cr_assert_eq(treadle_init(), TREADLE_OK);
    cr_assert_eq(fake_register(&first), TREADLE_OK);
    cr_assert_eq(fake_register(&second), TREADLE_OK);
    cr_assert_eq(treadle_set_num_threads(8), TREADLE_OK);
    snprintf(lines, sizeof lines, BACKENDS "%s", treadle_version(), costs);
    write_lines(lines);
    const struct treadle_profile_info info = read_again();
    cr_assert_str_eq(info.state, "used", "%s", info.reason);
    cr_assert_eq(info.costs, 6);
    cr_assert_eq(treadle_set_num_threads(8), TREADLE_OK);
}

Test(profile, measured_costs_change_the_decision, .init = use_costs, .fini = remove_all)
{
    /* 1600 ns alone; 500 ns with four threads, more of which do not help */
    struct treadle_decision decision = explain("sqrt", 100, 1);
    cr_assert_str_eq(decision.backend, "first");
    cr_assert_eq(decision.granted, 4);
    cr_assert(strstr(decision.reason, "profile"), "%s", decision.reason);
    /* 256 ns alone, 164 with four, which would then be idle for more than half of the time */
    decision = explain("sqrt", 16, 1);
    cr_assert_eq(decision.granted, 2);
    decision = explain("sqrt", 4, 1);
    cr_assert_str_eq(decision.backend, "serial");
    cr_assert_eq(decision.granted, 1);
    cr_assert_lt(decision.elements, decision.limit);
    cr_assert(strstr(decision.reason, "small"), "%s", decision.reason);
    cr_assert(strstr(decision.reason, "profile"), "%s", decision.reason);
}

Test(profile, costs_depend_on_the_callers, .init = use_costs, .fini = remove_all)
{
    cr_assert_str_eq(explain("sqrt", 10000, 1).backend, "first");
    for (uint32_t callers = 2; callers < 20; callers++)
        cr_assert_str_eq(explain("sqrt", 10000, callers).backend, "second");
}

Test(profile, a_list_of_backends_keeps_its_order, .init = use_costs, .fini = remove_all)
{
    treadle_set_backend("second,first");
    cr_assert_str_eq(explain("sqrt", 10000, 1).backend, "second");
    cr_assert_eq(explain("sqrt", 10000, 1).wanted, 1);
    treadle_set_backend("first:3,second");
    cr_assert_eq(explain("sqrt", 10000, 1).wanted, 3);
}

Test(profile, what_was_not_measured_is_built_in, .init = use_costs, .fini = remove_all)
{
    cr_assert_null(strstr(explain("square", 1 << 20, 1).reason, "profile"));
    unlink(path);
    cr_assert_str_eq(read_again().state, "refused"); /* it was named, and is not there */
    cr_assert_null(strstr(explain("sqrt", 1 << 20, 1).reason, "profile"));
}

static void nothing(void *ctx, int64_t n, char **ptrs, const int64_t *strides)
{
    (void)ctx, (void)n, (void)ptrs, (void)strides;
}

Test(profile, kin_of_what_was_measured_costs_the_same, .init = use_costs, .fini = remove_all)
{
    struct treadle_decision decision;
    struct strided x;
    const struct treadle_loop loop = {
        .struct_size = sizeof loop, .fn = nothing, .grain = 1, .element_ns = 16};
    char lines[1024];
    snprintf(lines, sizeof lines,
             BACKENDS "cost add f64 serial 1 0 0 0 1000000 1000\n"
                      "cost add f32 first 1 0 100 0 1000000 4000\n"
                      "cost add f64 first 1 0 100 0 1000000 4000\n",
             treadle_version());
    write_lines(lines);
    cr_assert_str_eq(read_again().state, "used", "%s", read_info().reason);
    treadle_set_num_threads(8);
    decision = explain("square", 100, 1);
    cr_assert_eq(decision.granted, 4);
    cr_assert(strstr(decision.reason, "profile"), "%s", decision.reason);
    /* a loop brings its own nanoseconds, and is not limited by memory */
    strided_vector(&x, (double *)64, 100, 1);
    treadle_set_backend("first");
    cr_assert_eq(treadle_explain("loop", &x.a, 1, 0, &loop, 1, &decision), TREADLE_OK, "%s",
                 treadle_last_error());
    cr_assert(strstr(decision.reason, "profile"), "%s", decision.reason);
    cr_assert_eq(decision.granted, 8);
}

Test(profile, another_version_of_a_backend_has_other_costs, .init = use_costs, .fini = remove_all)
{
    char lines[1024];
    snprintf(lines, sizeof lines, "backend first 2\nbackend serial %s\n%s", treadle_version(),
             costs);
    write_lines(lines);
    cr_assert_str_eq(read_again().state, "used");
    cr_assert_null(strstr(explain("sqrt", 1 << 20, 1).reason, "profile"));
}

/* ---- refused ----------------------------------------------------------------------------------
 */

static void expect_refused(const char *words)
{
    const struct treadle_profile_info info = read_again();
    char copy[256], *rest = NULL;
    cr_assert_str_eq(info.state, "refused", "%s", words);
    cr_assert_eq(info.costs, 0);
    snprintf(copy, sizeof copy, "%s", words);
    for (char *word = strtok_r(copy, "|", &rest); word; word = strtok_r(NULL, "|", &rest))
        cr_assert(strstr(info.reason, word), "\"%s\" is not in \"%s\"", word, info.reason);
    cr_assert_null(strchr(info.reason, '\n'));
}

static const struct wrong {
    const char *lines, *words;
} wrongs[] = {
    {"nonsense\n", "line 5|nonsense"},
    {"\n", "line 5"},
    {"end\n", "nothing may follow"},
    {"backend first\n", "line 5|backend first"},
    {"backend first 1 2\n", "line 5"},
    {"backend first 1\ncost add f64 first 1 0 0 0 1\n", "line 6|cost add"},
    {"cost add f64 first 1 0 0 0 1 1000 0\n", "line 5"},
    {"cost add f64 first 1 0  0 0 1 1000\n", "line 5"},
    {"cost add f64 first 3 0 0 0 1 1000\n", "line 5"},
    {"cost add f64 first 16 0 0 0 1 1000\n", "line 5"},
    {"cost add f64 first 1 -1 0 0 1 1000\n", "line 5"},
    {"cost add f64 first 1 0 0 0 0 1000\n", "line 5"},
    {"cost add f64 first 1 0 0 0 1 999\n", "line 5"},
    {"cost add f64 first 1 0 0 0 1.5 1000\n", "line 5"},
    {"cost add f64 first 1 0 0 0 nan 1000\n", "line 5"},
    {"cost add f64 first 1 0 0 0 1e9 1000\n", "line 5"},
    {"cost add f64 first 1 0 0 0 9999999999999999 1000\n", "line 5"},
    {"cost add f64 a-name-that-is-longer-than-names-are 1 0 0 0 1 1000\n", "line 5"},
    {"cost add f64 first 1 0 0 0 1 1000\ncost add f64 first 1 0 0 0 1 1000\n", "line 6"},
};

Test(profile, what_is_wrong_is_named, .init = set_up, .fini = remove_all)
{
    for (size_t i = 0; i < sizeof wrongs / sizeof *wrongs; i++) {
        write_lines(wrongs[i].lines);
        expect_refused(wrongs[i].words);
    }
}

/* A line of the beginning in another's place. */
static void write_with(const char *old, const char *other)
{
    char text[1024];
    const char *own = read_info().machine, *at = strstr(own, old);
    cr_assert(at, "%s", own);
    const char *rest = strchr(at, '\n');
    snprintf(text, sizeof text, "%.*s%s%send\n", (int)(at - own), own, other, rest);
    write_bytes(text, strlen(text));
}

Test(profile, another_machine_or_version_is_refused, .init = set_up, .fini = remove_all)
{
    write_with("treadle-profile ", "treadle-profile 2");
    expect_refused("treadle-profile 2|treadle-profile 1");
    write_with("cpu ", "cpu Z80");
    expect_refused("cpu Z80");
    write_with("cores ", "cores 1000");
    expect_refused("cores 1000");
    write_with("library ", "library 0.0.1");
    expect_refused("library 0.0.1|library ");
}

Test(profile, a_file_cut_short_is_refused, .init = set_up, .fini = remove_all)
{
    char text[2048];
    size_t size =
        (size_t)snprintf(text, sizeof text, "%sbackend first 1\nend\n", read_info().machine);
    for (size_t cut = 0; cut < size; cut++) {
        write_bytes(text, cut);
        cr_assert_str_eq(read_again().state, "refused", "after %zu bytes", cut);
    }
    write_bytes(text, size);
    cr_assert_str_eq(read_again().state, "used");
    text[size - 2] = '\0';
    write_bytes(text, size);
    expect_refused("no text");
}

Test(profile, who_else_could_have_written_it_is_refused, .init = set_up, .fini = remove_all)
{
    write_lines("");
    cr_assert_str_eq(read_again().state, "used");
    chmod(path, 0666);
    expect_refused("everybody|chmod o-w");
    chmod(path, 0600);
    if (geteuid() == 0) {
        cr_assert_eq(chown(path, 12345, 0), 0);
        expect_refused("user 12345");
    }
    unlink(path);
    cr_assert_eq(mkdir(path, 0700), 0);
    expect_refused("not a file");
    rmdir(path);
    cr_assert_eq(mkfifo(path, 0600), 0);
    expect_refused("not a file"); /* and nobody waits for a writer */
    unlink(path);
    cr_assert_eq(symlink("profile", path), 0);
    expect_refused("symbolic links");
    unlink(path);
    write_lines("");
    cr_assert_eq(truncate(path, 1 << 20), 0);
    expect_refused("bytes");
}

/* ---- where ------------------------------------------------------------------------------------
 */

Test(profile, the_usual_place, .init = set_up, .fini = remove_all)
{
    unsetenv("TREADLE_PROFILE");
    setenv("HOME", "/nowhere", 1);
    setenv("XDG_CACHE_HOME", folder, 1);
    struct treadle_profile_info info = read_again();
    cr_assert_str_eq(info.state, "none");
    cr_assert_eq(strncmp(info.path, folder, strlen(folder)), 0, "%s", info.path);
    setenv("XDG_CACHE_HOME", "relative", 1);
    info = read_again();
    cr_assert_eq(strncmp(info.path, "/nowhere/.cache/treadle/profile-", 32), 0, "%s", info.path);
    unsetenv("HOME");
    info = read_again();
    cr_assert_str_eq(info.path, "");
    cr_assert_str_eq(info.state, "none");
    setenv("TREADLE_PROFILE", "off", 1);
    cr_assert_str_eq(read_again().state, "off");
    setenv("TREADLE_PROFILE", "profile", 1);
    expect_invalid(treadle_reload_env(), "TREADLE_PROFILE=profile|\"off\"|absolute");
    expect_invalid(treadle_profile_info(NULL), "info is NULL");
}

/* ---- any text ---------------------------------------------------------------------------------
 */

static size_t change(char *text, size_t size)
{
    static const char bytes[] = "0019 \n\t-+.cbe\0\xff";
    size_t at = random_below((uint32_t)size), many = 1 + random_below(20);
    switch (random_below(3)) {
    case 0:
        text[at] = bytes[random_below(sizeof bytes - 1)];
        return size;
    case 1:
        many = many < size - at ? many : size - at;
        memmove(text + at, text + at + many, size - at - many);
        return size - many;
    default:
        memmove(text + at + many, text + at, size - at);
        return size + many;
    }
}

Test(profile, no_text_does_harm, .init = use_costs, .fini = remove_all)
{
    char whole[4096], text[8192];
    int file = open(path, O_RDONLY);
    const ssize_t read_size = read(file, whole, sizeof whole);
    close(file);
    seed_once();
    cr_assert_gt(read_size, 0);
    for (int i = 0; i < 2000; i++) {
        size_t size = (size_t)read_size;
        memcpy(text, whole, size);
        for (uint32_t k = random_below(4); k < 4 && size > 0; k++)
            size = change(text, size);
        write_bytes(text, size);
        const struct treadle_profile_info info = read_again();
        cr_assert(!strcmp(info.state, "refused") == (*info.reason != '\0'));
        const struct treadle_decision decision = explain("sqrt", 1 + random_below(1 << 20), 1);
        cr_assert_geq(decision.granted, 1);
        cr_assert_leq(decision.granted, decision.cores);
        cr_assert_geq(decision.limit, 0);
    }
}
