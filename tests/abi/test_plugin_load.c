/* SPDX-License-Identifier: BSD-3-Clause */
/* One plugin by its path: what is refused, in which words, and what works. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "plugin_folder.h"

TestSuite(plugin_load, .init = folder_make, .fini = folder_remove, .timeout = 20);

static struct treadle_array doubles(double *data, const int64_t *shape, const int64_t *strides)
{
    return (struct treadle_array){.data = data,
                                  .shape = shape,
                                  .strides = strides,
                                  .ndim = 1,
                                  .dtype = {TREADLE_FLOAT, 64, 1},
                                  .itemsize = sizeof(double)};
}

/* The 1.0 plugin still loads, is used, and computes. */
static void expect_golden_works(void)
{
    double x[5] = {1, 2, 3, 4, 5}, sum[5] = {0};
    const int64_t shape = 5, stride = sizeof(double), backwards = -stride;
    struct treadle_array up = doubles(x, &shape, &stride),
                         down = doubles(x + 4, &shape, &backwards),
                         out = doubles(sum, &shape, &stride);
    struct treadle_used used = {.backend = ""};
    cr_assert_eq(treadle_load(built("golden")), TREADLE_OK, "%s", treadle_last_error());
    cr_assert_eq(treadle_set_backend("golden"), TREADLE_OK, "%s", treadle_last_error());
    cr_assert_eq(treadle_binary("add", &up, &down, &out, &used), TREADLE_OK, "%s",
                 treadle_last_error());
    cr_assert_str_eq(used.backend, "golden");
    cr_assert_str_eq(used.variant, "golden");
    for (int i = 0; i < 5; i++)
        cr_assert_eq(sum[i], 6.0);
}

Test(plugin_load, runs_a_plugin_written_for_1_0)
{
    expect_golden_works();
    expect_usable(built("golden"));
    struct treadle_query op = {.struct_size = sizeof op};
    for (uint32_t i = 0; i < treadle_backend_count(); i++) {
        struct treadle_backend_info info;
        cr_assert_eq(treadle_backend_info(i, &info), TREADLE_OK);
        if (strcmp(info.name, "golden"))
            continue;
        cr_assert_eq(treadle_backend_op(i, 0, &op), TREADLE_OK);
        cr_assert_str_eq(op.op, "add");
        cr_assert_eq(treadle_backend_op(i, 1, &op), TREADLE_E_INVALID);
    }
}

static const struct {
    const char *plugin, *words;
} refusals[] = {
    {"v2", "built for another ABI major (no symbol treadle_plugin_v1)"},
    {"nothing", "no symbol treadle_plugin_v1"},
    {"null-table", "returned no table"},
    {"data-symbol", "is data, not a function"},
    {"null-member", "`find_kernel` is NULL"},
    {"null-id", "`id` is NULL"},
    {"bad-id", "\"Bad Id\" cannot be a plugin's id"},
    {"must-understand", "does not know (upper 16 bits: 0x8000)"},
    {"size-0", "struct_size is 0"},
    {"size-7", "struct_size is 7"},
    {"size-huge", "struct_size is 4294967295"},
    {"cpu", "x86-64-v9"},
    {"create-fails", "create() failed with status -1"},
    {"unresolved", "undefined symbol: odd_function_that_is_nowhere"},
};

Test(plugin_load, refuses_wrong_plugins_and_goes_on)
{
    for (size_t i = 0; i < sizeof refusals / sizeof *refusals; i++) {
        const char *path = built(refusals[i].plugin);
        cr_assert_eq(treadle_load(path), TREADLE_E_PLUGIN, "%s", path);
        cr_assert(strstr(treadle_last_error(), refusals[i].words), "\"%s\" lacks \"%s\"",
                  treadle_last_error(), refusals[i].words);
        expect_refused(path, refusals[i].words);
    }
    expect_golden_works();
}

Test(plugin_load, lists_a_repeated_refusal_once)
{
    cr_assert_eq(treadle_load(built("v2")), TREADLE_E_PLUGIN);
    uint32_t count = treadle_backend_count();
    for (int i = 0; i < 100; i++)
        cr_assert_eq(treadle_load(built("v2")), TREADLE_E_PLUGIN);
    cr_assert_eq(treadle_backend_count(), count);
    expect_golden_works();
}

Test(plugin_load, takes_what_is_unusual_but_right)
{
    static const char *const plugins[] = {"v1-and-v2", "low-flag"};
    for (size_t i = 0; i < sizeof plugins / sizeof *plugins; i++) {
        cr_assert_eq(treadle_load(built(plugins[i])), TREADLE_OK, "%s", treadle_last_error());
        expect_usable(built(plugins[i]));
    }
}

Test(plugin_load, loads_a_file_once)
{
    cr_assert_eq(symlink(built("odd"), in_folder("link.so")), 0);
    cr_assert_eq(treadle_load(built("odd")), TREADLE_OK);
    uint32_t count = treadle_backend_count();
    cr_assert_eq(treadle_load(built("odd")), TREADLE_OK);
    cr_assert_eq(treadle_load(in_folder("link.so")), TREADLE_OK);
    cr_assert_eq(treadle_backend_count(), count);
}

Test(plugin_load, refuses_a_second_plugin_of_one_id)
{
    folder_copy("copy.so", "odd");
    cr_assert_eq(treadle_load(built("odd")), TREADLE_OK);
    cr_assert_eq(treadle_load(in_folder("copy.so")), TREADLE_E_PLUGIN);
    expect_refused(in_folder("copy.so"), "\"odd\" was already loaded from ");
    cr_assert_eq(treadle_load(built("same-id")), TREADLE_E_PLUGIN);
    expect_refused(built("same-id"), "\"odd\" was already loaded from ");
}

Test(plugin_load, tries_the_next_of_one_id_if_the_first_fails)
{
    cr_assert_eq(treadle_load(built("create-fails")), TREADLE_E_PLUGIN);
    cr_assert_eq(treadle_load(built("odd")), TREADLE_OK, "%s", treadle_last_error());
}

Test(plugin_load, takes_only_an_absolute_path)
{
    static const char *const wrong[] = {"", "treadle-odd.so", "./treadle-odd.so", "../x.so"};
    cr_assert_eq(chdir(BUILT_PLUGINS), 0);
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        cr_assert_eq(treadle_load(wrong[i]), TREADLE_E_INVALID);
        cr_assert(strstr(treadle_last_error(), "absolute"), "%s", treadle_last_error());
    }
    cr_assert_eq(treadle_load(NULL), TREADLE_E_INVALID);
    cr_assert_null(getenv("ODD_CONSTRUCTED"));
    cr_assert_eq(treadle_load("/nowhere/treadle-odd.so"), TREADLE_E_PLUGIN);
    cr_assert(strstr(treadle_last_error(), "No such file"), "%s", treadle_last_error());
}

Test(plugin_load, keeps_denormals_when_an_object_switches_them_off)
{
    volatile double tiny = 1e-310;
    cr_assert_eq(treadle_load(built("fast-math")), TREADLE_OK, "%s", treadle_last_error());
    cr_assert_gt(tiny / 2, 0.0);
}

static struct treadle_plugin linked_in;

static const struct treadle_plugin *linked_in_entry(void)
{
    return &linked_in;
}

static int32_t linked_in_create(const struct treadle_host *host, const char *options, void **state,
                                struct treadle_error *error)
{
    (void)host, (void)options, (void)error;
    *state = NULL;
    return TREADLE_OK;
}

static void linked_in_destroy(void *state)
{
    (void)state;
}

static int32_t linked_in_find(void *state, const struct treadle_query *query,
                              struct treadle_kernel *kernel)
{
    (void)state, (void)query, (void)kernel;
    return TREADLE_E_DECLINED;
}

Test(plugin_load, takes_a_plugin_of_the_program_itself)
{
    cr_assert_eq(treadle_register(NULL), TREADLE_E_INVALID);
    cr_assert_eq(treadle_register(linked_in_entry), TREADLE_E_PLUGIN);
    cr_assert(strstr(treadle_last_error(), "struct_size is 0"), "%s", treadle_last_error());
    linked_in = (struct treadle_plugin){.struct_size = sizeof linked_in,
                                        .id = "mine",
                                        .version = "1",
                                        .vendor = "tests",
                                        .cpu_required = "",
                                        .create = linked_in_create,
                                        .destroy = linked_in_destroy,
                                        .find_kernel = linked_in_find};
    cr_assert_eq(treadle_register(linked_in_entry), TREADLE_OK, "%s", treadle_last_error());
    cr_assert_eq(treadle_set_backend("mine"), TREADLE_OK, "%s", treadle_last_error());
}
