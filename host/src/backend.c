/* SPDX-License-Identifier: BSD-3-Clause */
/* A plugin's table becomes a backend: copied, checked, and without a member that is not callable.
 */
#include "backend.h"

#include <fenv.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

/* What 1.0 required of each table, and more than any table will ever have: a size beyond it is
 * garbage. */
enum {
    PLUGIN_FLOOR = offsetof(struct treadle_plugin, list_kernel),
    ROUTINES_FLOOR = offsetof(struct treadle_routines, enter),
    TABLE_LIMIT = 65536,
};

static int32_t no_create(const struct treadle_host *host, const char *options, void **state,
                         struct treadle_error *error)
{
    (void)host, (void)options, (void)state, (void)error;
    return TREADLE_E_PLUGIN;
}

static void no_destroy(void *state)
{
    (void)state;
}

static int32_t no_kernel(void *state, const struct treadle_query *query,
                         struct treadle_kernel *kernel)
{
    (void)state, (void)query, (void)kernel;
    return TREADLE_E_DECLINED;
}

static int32_t no_list(void *state, uint32_t i, struct treadle_query *query)
{
    (void)state, (void)i, (void)query;
    return TREADLE_E_DECLINED;
}

static int32_t alive_after_fork(void *state)
{
    (void)state;
    return TREADLE_OK;
}

static int32_t lost_after_fork(void *state)
{
    (void)state;
    return TREADLE_E_UNSUPPORTED;
}

static const void *no_extension(void *state, const char *id)
{
    (void)state, (void)id;
    return NULL;
}

static treadle_routine_fn no_routine(void *state, const char *name, uint32_t int_bits)
{
    (void)state, (void)name, (void)int_bits;
    return NULL;
}

static void no_grant(struct treadle_call *call)
{
    (void)call;
}

static const struct treadle_plugin plugin_stubs = {
    .struct_size = sizeof(struct treadle_plugin),
    .id = "",
    .version = "",
    .vendor = "",
    .cpu_required = "",
    .create = no_create,
    .destroy = no_destroy,
    .find_kernel = no_kernel,
    .list_kernel = no_list,
    .after_fork_child = lost_after_fork,
    .get_extension = no_extension,
};

static const struct treadle_routines routine_stubs = {
    .struct_size = sizeof(struct treadle_routines),
    .find = no_routine,
    .enter = no_grant,
    .leave = no_grant,
};

static uint32_t size_of_table(const void *table)
{
    uint32_t size;
    memcpy(&size, table, sizeof size);
    return size;
}

/* All tables consist of 8-byte units: another size would cut a pointer in half. */
static bool is_table_size(uint32_t size, uint32_t floor)
{
    return size >= floor && size <= TABLE_LIMIT && size % sizeof(uint64_t) == 0;
}

/* What both sides know of a table, zero where the other one is older. */
static void copy_table(void *copy, uint32_t size, const void *table)
{
    uint32_t theirs = size_of_table(table);
    memset(copy, 0, size);
    memcpy(copy, table, theirs < size ? theirs : size);
}

void backend_init(struct backend *backend, const char *name, const char *path)
{
    *backend = (struct backend){.table = plugin_stubs, .routines = routine_stubs, .path = path};
    backend->table.id = name;
}

int32_t backend_refuse(struct backend *backend, const char *format, ...)
{
    /* A very long path must leave room for the reason. */
    int prefix = snprintf(backend->reason, sizeof backend->reason / 2, "%s", backend->path);
    size_t used = strlen(backend->reason);
    if (prefix > (int)used)
        memcpy(backend->reason + used - 3, "...", 3);
    memcpy(backend->reason + used, ": ", 3);
    used += 2;

    va_list values;
    va_start(values, format);
    vsnprintf(backend->reason + used, sizeof backend->reason - used, format, values);
    va_end(values);

    struct treadle_plugin named = plugin_stubs;
    named.flags = backend->table.flags;
    named.id = backend->table.id;
    named.version = backend->table.version;
    named.vendor = backend->table.vendor;
    named.cpu_required = backend->table.cpu_required;
    backend->table = named;
    backend->routines = routine_stubs;
    backend->usable = false;
    return TREADLE_E_PLUGIN;
}

static bool is_id(const char *id)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyz";
    if (!id[0] || !strchr(letters, id[0]))
        return false;
    for (; *id; id++)
        if (!strchr(letters, *id) && !strchr("0123456789_.-", *id))
            return false;
    return true;
}

/* 1: the machine has it, 0: it has not, -1: not a level that is known here. Neither compiler knows
 * all level names in __builtin_cpu_supports, so each level is spelt out; flags that it cannot ask
 * for (movbe, lzcnt, f16c) came with the ones that it can. */
static int cpu_has(const char *level)
{
    if (!level[0])
        return 1;
#if defined(__x86_64__)
    __builtin_cpu_init();
    int v2 = __builtin_cpu_supports("sse4.2") && __builtin_cpu_supports("ssse3") &&
             __builtin_cpu_supports("popcnt");
    int v3 = v2 && __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
             __builtin_cpu_supports("bmi") && __builtin_cpu_supports("bmi2");
    int v4 = v3 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
             __builtin_cpu_supports("avx512cd") && __builtin_cpu_supports("avx512dq") &&
             __builtin_cpu_supports("avx512vl");
    if (!strcmp(level, "x86-64-v2"))
        return v2;
    if (!strcmp(level, "x86-64-v3"))
        return v3;
    if (!strcmp(level, "x86-64-v4"))
        return v4;
#endif
    return -1;
}

static const char *missing_member(const struct treadle_plugin *table)
{
    return !table->id             ? "id"
           : !table->version      ? "version"
           : !table->vendor       ? "vendor"
           : !table->cpu_required ? "cpu_required"
           : !table->create       ? "create"
           : !table->destroy      ? "destroy"
           : !table->find_kernel  ? "find_kernel"
                                  : NULL;
}

static int32_t check_table(struct backend *backend, const struct treadle_plugin *table)
{
    const char *missing = missing_member(table);
    if (missing)
        return backend_refuse(backend, "required member `%s` is NULL; the plugin must set it",
                              missing);
    if (!is_id(table->id) || !strcmp(table->id, "auto"))
        return backend_refuse(
            backend,
            "\"%.64s\" cannot be a plugin's id; allowed is [a-z][a-z0-9_.-]* except \"auto\"",
            table->id);
    uint64_t unknown = table->flags >> TREADLE_PLUGIN_MUST_UNDERSTAND_SHIFT;
    if (unknown)
        return backend_refuse(backend,
                              "its flags demand something this host does not know (upper 16 bits: "
                              "0x%04x); update libtreadle",
                              (unsigned)unknown);
    int has = cpu_has(table->cpu_required);
    if (has <= 0)
        return backend_refuse(backend,
                              has ? "asks for a CPU level \"%.64s\" that is not known here; use a "
                                    "build for this machine"
                                  : "built for %.64s, which this CPU is not; use a build for this "
                                    "machine",
                              table->cpu_required);
    return TREADLE_OK;
}

static void fill_stubs(struct treadle_plugin *table)
{
    if (!table->list_kernel)
        table->list_kernel = plugin_stubs.list_kernel;
    if (!table->after_fork_child)
        table->after_fork_child =
            table->flags & TREADLE_PLUGIN_FORK_SAFE ? alive_after_fork : lost_after_fork;
    if (!table->get_extension)
        table->get_extension = plugin_stubs.get_extension;
}

int32_t backend_import(struct backend *backend, const struct treadle_plugin *table)
{
    struct treadle_plugin copy;
    if (!table)
        return backend_refuse(backend, "%s() returned no table; the plugin is broken",
                              TREADLE_ENTRY_NAME);
    if (!is_table_size(size_of_table(table), PLUGIN_FLOOR))
        return backend_refuse(backend,
                              "its struct_size is %u, but a table has a multiple of 8 bytes, at "
                              "least %d; the plugin must set it to sizeof(struct treadle_plugin)",
                              size_of_table(table), PLUGIN_FLOOR);
    copy_table(&copy, sizeof copy, table);
    int32_t status = check_table(backend, &copy);
    if (status == TREADLE_OK) {
        fill_stubs(&copy);
        backend->table = copy;
    }
    return status;
}

static void import_routines(struct backend *backend)
{
    const void *theirs = backend->table.get_extension(backend->state, TREADLE_ROUTINES_ID);
    struct treadle_routines copy;
    if (!theirs || !is_table_size(size_of_table(theirs), ROUTINES_FLOOR))
        return;
    copy_table(&copy, sizeof copy, theirs);
    if (!copy.find)
        return;
    if (!copy.enter)
        copy.enter = no_grant;
    if (!copy.leave)
        copy.leave = no_grant;
    backend->routines = copy;
}

int32_t backend_create(struct backend *backend, const struct treadle_host *services)
{
    char text[256] = "";
    struct treadle_error error = {
        .struct_size = sizeof error, .message = text, .capacity = sizeof text};
    fenv_t modes;
    fegetenv(&modes);
    int32_t status = backend->table.create(services, "", &backend->state, &error);
    if (status == TREADLE_OK)
        import_routines(backend);
    fesetenv(&modes);

    text[sizeof text - 1] = '\0';
    if (status != TREADLE_OK)
        return backend_refuse(backend, "its create() failed with status %d: %s", status,
                              text[0] ? text : "it gave no reason");
    backend->usable = true;
    return TREADLE_OK;
}
