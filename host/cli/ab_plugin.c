/* SPDX-License-Identifier: BSD-3-Clause */
#include "ab_plugin.h"

#include <dlfcn.h>
#include <linux/limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <treadle/treadle.h>

#include "cli.h"

enum { ID = 80, SPEC = ID + 24 };

/** A plugin under another name. */
struct renamed {
    struct treadle_plugin table;
    char id[ID], spec[SPEC];
};

static struct renamed renamed[2];

/* An entry point has no argument: one for each side. */
static const struct treadle_plugin *entry_a(void)
{
    return &renamed[0].table;
}

static const struct treadle_plugin *entry_b(void)
{
    return &renamed[1].table;
}

bool ab_plugin_is_path(const char *side)
{
    return strchr(side, '/') != NULL;
}

/** Absolute path, and the ":2" behind it. */
static bool split(const char *side, char *path, const char **threads)
{
    char name[PATH_MAX];
    const char *colon = strrchr(side, ':');

    *threads = colon && !strchr(colon, '/') ? colon : "";
    snprintf(name, sizeof name, "%.*s", (int)(strlen(side) - strlen(*threads)), side);
    return realpath(name, path) != NULL;
}

/** Two links to one file would be one plugin in memory; two files are two. */
static treadle_plugin_fn entry_of(const char *path)
{
    void *handle = dlopen(path, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
    treadle_plugin_fn entry = NULL;

    if (handle)
        *(void **)&entry = dlsym(handle, TREADLE_ENTRY_NAME);
    if (!handle)
        cli_fail(CLI_USAGE, "ab: %s: cannot be loaded: %s", path, dlerror());
    else if (!entry)
        cli_fail(CLI_USAGE, "ab: %s: exports no %s()", path, TREADLE_ENTRY_NAME);
    return entry;
}

static bool rename_plugin(struct renamed *copy, treadle_plugin_fn entry, const char *path,
                          char which)
{
    const struct treadle_plugin *table = entry();

    if (!table || !TREADLE_HAS(table, find_kernel) || !table->id ||
        strlen(table->id) + 3 > sizeof copy->id) {
        cli_fail(CLI_USAGE, "ab: %s: is no usable plugin; see 'treadle check'", path);
        return false;
    }
    memcpy(&copy->table, table,
           table->struct_size < sizeof copy->table ? table->struct_size : sizeof copy->table);
    copy->table.struct_size = sizeof copy->table;
    snprintf(copy->id, sizeof copy->id, "%s.%c", table->id, which);
    copy->table.id = copy->id;
    return true;
}

const char *ab_plugin_load(const char *side, char which)
{
    struct renamed *copy = &renamed[which == 'b'];
    char path[PATH_MAX];
    const char *threads;

    if (!split(side, path, &threads)) {
        cli_fail(CLI_USAGE, "ab: %s: there is no such file", side);
        return NULL;
    }
    treadle_plugin_fn entry = entry_of(path);
    if (!entry || !rename_plugin(copy, entry, path, which))
        return NULL;
    if (treadle_register(which == 'b' ? entry_b : entry_a)) {
        cli_fail_library();
        return NULL;
    }
    snprintf(copy->spec, sizeof copy->spec, "%s.%c%s", entry()->id, which, threads);
    return copy->spec;
}
