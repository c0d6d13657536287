/* SPDX-License-Identifier: BSD-3-Clause */
/* A table of any size, age and address becomes a backend whose every member can be called. */
#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "backend.h"

enum { FLOOR = offsetof(struct treadle_plugin, list_kernel) };

static int32_t create(const struct treadle_host *host, const char *options, void **state,
                      struct treadle_error *error)
{
    (void)host, (void)error;
    *state = (void *)options;
    return TREADLE_OK;
}

static int32_t create_fails(const struct treadle_host *host, const char *options, void **state,
                            struct treadle_error *error)
{
    (void)host, (void)options, (void)state;
    memset(error->message, 'x', error->capacity); /* and no final zero */
    return TREADLE_E_FAILED;
}

static void destroy(void *state)
{
    (void)state;
}

static int32_t find_kernel(void *state, const struct treadle_query *query,
                           struct treadle_kernel *kernel)
{
    (void)state, (void)query, (void)kernel;
    return TREADLE_E_DECLINED;
}

static int32_t list_one(void *state, uint32_t i, struct treadle_query *query)
{
    (void)state;
    query->op = "org.test.op";
    return i == 0 ? TREADLE_OK : TREADLE_E_DECLINED;
}

static treadle_routine_fn find_routine(void *state, const char *name, uint32_t int_bits)
{
    (void)state, (void)name, (void)int_bits;
    return (treadle_routine_fn)destroy;
}

static struct treadle_routines routines;

static const void *get_extension(void *state, const char *id)
{
    (void)state;
    return strcmp(id, TREADLE_ROUTINES_ID) ? NULL : &routines;
}

static struct treadle_plugin whole_table(void)
{
    return (struct treadle_plugin){
        .struct_size = sizeof(struct treadle_plugin),
        .id = "test",
        .version = "1",
        .vendor = "tests",
        .cpu_required = "",
        .create = create,
        .destroy = destroy,
        .find_kernel = find_kernel,
        .list_kernel = list_one,
        .get_extension = get_extension,
    };
}

static int32_t import(struct backend *backend, const void *table)
{
    backend_init(backend, "file", "/somewhere/treadle-file.so");
    return backend_import(backend, table);
}

static int32_t import_and_create(struct backend *backend, const struct treadle_plugin *table)
{
    int32_t status = import(backend, table);
    return status == TREADLE_OK ? backend_create(backend, NULL) : status;
}

static void call_everything(struct backend *backend)
{
    struct treadle_query query = {.struct_size = sizeof query};
    struct treadle_kernel kernel = {.struct_size = sizeof kernel};
    struct treadle_call call = {.struct_size = sizeof call};
    struct treadle_plugin *table = &backend->table;
    table->find_kernel(backend->state, &query, &kernel);
    table->list_kernel(backend->state, 7, &query);
    table->after_fork_child(backend->state);
    table->get_extension(backend->state, "org.test.none/1");
    backend->routines.find(backend->state, "dgemm_", 64);
    backend->routines.enter(&call);
    backend->routines.leave(&call);
    table->destroy(backend->state);
    cr_assert(strlen(table->id) && table->version && table->vendor && table->cpu_required);
}

static void expect_refusal(const struct treadle_plugin *table, const char *words)
{
    struct backend backend;
    cr_assert_eq(import_and_create(&backend, table), TREADLE_E_PLUGIN, "%s", words);
    cr_assert_not(backend.usable);
    cr_assert(strstr(backend.reason, words), "\"%s\" lacks \"%s\"", backend.reason, words);
    cr_assert_eq(strncmp(backend.reason, "/somewhere/treadle-file.so: ", 28), 0);
    call_everything(&backend);
}

/* `size` bytes that end where the next byte would crash. */
static char *before_guard_page(size_t size)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    char *pages = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    cr_assert(pages != MAP_FAILED);
    cr_assert_eq(mprotect(pages + page, page, PROT_NONE), 0);
    return pages + page - size;
}

Test(import, reads_nothing_past_a_table_cut_anywhere)
{
    struct treadle_plugin whole = whole_table();
    for (uint32_t size = sizeof(uint64_t); size <= sizeof whole; size += sizeof(uint64_t)) {
        char *cut = before_guard_page(size);
        whole.struct_size = size;
        memcpy(cut, &whole, size);
        struct backend backend;
        int32_t status = import_and_create(&backend, (const struct treadle_plugin *)cut);
        cr_assert_eq(status, size < FLOOR ? TREADLE_E_PLUGIN : TREADLE_OK, "size %u", size);
        cr_assert_eq(backend.usable, size >= FLOOR);
        call_everything(&backend);
    }
}

Test(import, keeps_the_members_that_are_there)
{
    struct treadle_plugin whole = whole_table();
    struct treadle_query query = {.struct_size = sizeof query};
    struct backend backend;
    cr_assert_eq(import_and_create(&backend, &whole), TREADLE_OK);
    cr_assert_eq(backend.table.list_kernel(backend.state, 0, &query), TREADLE_OK);
    cr_assert_str_eq(query.op, "org.test.op");
    cr_assert_str_eq(backend.table.id, "test");
    cr_assert_str_eq(backend.state, "", "options are an empty string");
    cr_assert_str_eq(backend.reason, "");
}

Test(import, ignores_the_tail_of_a_newer_table)
{
    struct treadle_plugin whole = whole_table();
    _Alignas(8) char newer[512];
    memset(newer, 0xAA, sizeof newer);
    whole.struct_size = sizeof newer;
    memcpy(newer, &whole, sizeof whole);
    struct backend backend;
    cr_assert_eq(import_and_create(&backend, (const struct treadle_plugin *)newer), TREADLE_OK);
    call_everything(&backend);
}

Test(import, reads_an_unaligned_table)
{
    struct treadle_plugin whole = whole_table();
    char *odd = before_guard_page(sizeof whole + 3);
    memcpy(odd, &whole, sizeof whole);
    void *address = odd;
    struct backend backend;
    cr_assert_eq(import(&backend, address), TREADLE_OK);
    call_everything(&backend);
}

static const uint32_t sizes_of_no_table[] = {0,         1,  7,          8,         FLOOR - 8,
                                             FLOOR + 4, 97, 0x7FFFFFF8, 0xFFFFFFFF};

ParameterizedTestParameters(import, refuses_a_size_that_no_table_has)
{
    return cr_make_param_array(const uint32_t, (void *)sizes_of_no_table,
                               sizeof sizes_of_no_table / sizeof *sizes_of_no_table);
}

ParameterizedTest(const uint32_t *size, import, refuses_a_size_that_no_table_has)
{
    char *four_bytes = before_guard_page(sizeof *size);
    struct treadle_plugin whole = whole_table();
    whole.struct_size = *size;
    memcpy(four_bytes, size, sizeof *size);
    void *address = four_bytes;
    expect_refusal(address, "struct_size");
    expect_refusal(&whole, "struct_size");
}

Test(import, fills_stubs_for_absent_members)
{
    struct treadle_plugin whole = whole_table();
    whole.list_kernel = NULL;
    whole.get_extension = NULL;
    struct treadle_query query = {.struct_size = sizeof query};
    struct backend backend;
    cr_assert_eq(import_and_create(&backend, &whole), TREADLE_OK);
    cr_assert_eq(backend.table.list_kernel(NULL, 0, &query), TREADLE_E_DECLINED);
    cr_assert_null(backend.table.get_extension(NULL, TREADLE_ROUTINES_ID));
    cr_assert_null(backend.routines.find(NULL, "dgemm_", 64));
}

Test(import, takes_a_silent_plugin_over_a_fork_only_if_it_said_so)
{
    struct treadle_plugin whole = whole_table();
    struct backend backend;
    cr_assert_eq(import(&backend, &whole), TREADLE_OK);
    cr_assert_neq(backend.table.after_fork_child(NULL), TREADLE_OK);
    whole.flags = TREADLE_PLUGIN_FORK_SAFE;
    cr_assert_eq(import(&backend, &whole), TREADLE_OK);
    cr_assert_eq(backend.table.after_fork_child(NULL), TREADLE_OK);
}

Test(import, refuses_without_a_required_member)
{
    struct treadle_plugin table = whole_table();
    expect_refusal(NULL, "no table");
#define WITHOUT(member)                                                                            \
    table = whole_table();                                                                         \
    table.member = NULL;                                                                           \
    expect_refusal(&table, "`" #member "` is NULL")
    WITHOUT(id);
    WITHOUT(version);
    WITHOUT(vendor);
    WITHOUT(cpu_required);
    WITHOUT(create);
    WITHOUT(destroy);
    WITHOUT(find_kernel);
}

Test(import, refuses_an_id_that_cannot_be_typed)
{
    static const char *const wrong[] = {"",    "Blis", "1st",      "a b", "a,b",
                                        "a=b", "-a",   "\xc3\xa4", "auto"};
    struct treadle_plugin table = whole_table();
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        table.id = wrong[i];
        expect_refusal(&table, "cannot be a plugin's id");
    }
    table.id = "org.you.back_end-2";
    struct backend backend;
    cr_assert_eq(import(&backend, &table), TREADLE_OK, "%s", backend.reason);
}

Test(import, ignores_unknown_low_flags_and_refuses_high_ones)
{
    struct treadle_plugin table = whole_table();
    struct backend backend;
    table.flags = (UINT64_C(1) << TREADLE_PLUGIN_MUST_UNDERSTAND_SHIFT) - 2;
    cr_assert_eq(import(&backend, &table), TREADLE_OK);
    for (int bit = TREADLE_PLUGIN_MUST_UNDERSTAND_SHIFT; bit < 64; bit++) {
        table.flags = UINT64_C(1) << bit;
        expect_refusal(&table, "upper 16 bits");
    }
}

Test(import, refuses_a_cpu_level_it_does_not_know)
{
    struct treadle_plugin table = whole_table();
    table.cpu_required = "x86-64-v9";
    expect_refusal(&table, "x86-64-v9");
}

Test(import, says_why_create_failed)
{
    struct treadle_plugin table = whole_table();
    table.create = create_fails;
    expect_refusal(&table, "create() failed with status -1: xxx");
    struct backend backend;
    cr_assert_eq(import_and_create(&backend, &table), TREADLE_E_PLUGIN);
    cr_assert_eq(strspn(strchr(backend.reason, 'x'), "x"), 255);
    cr_assert_eq(backend.reason[strlen(backend.reason) - 1], 'x', "%s", backend.reason);
}

Test(import, copies_routines_of_any_size)
{
    struct treadle_plugin table = whole_table();
    struct backend backend;
    static const struct {
        uint32_t size;
        bool found;
    } cases[] = {{0, false},
                 {7, false},
                 {8, false},
                 {offsetof(struct treadle_routines, enter), true},
                 {sizeof(struct treadle_routines), true},
                 {0xFFFFFFFF, false}};
    routines.find = find_routine;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        routines.struct_size = cases[i].size;
        cr_assert_eq(import_and_create(&backend, &table), TREADLE_OK);
        cr_assert_eq(backend.routines.find(NULL, "dgemm_", 64) != NULL, cases[i].found, "%u",
                     cases[i].size);
        call_everything(&backend);
    }
}
