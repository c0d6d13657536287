/* SPDX-License-Identifier: BSD-3-Clause */
#include "plugin_folder.h"

#include <criterion/criterion.h>
#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

char folder[64];

void folder_make(void)
{
    static const char *const variables[] = {"TREADLE_PLUGIN_PATH", "TREADLE_ONLY",
                                            "TREADLE_DISABLE", "TREADLE_BACKEND", "TREADLE_MIN"};
    for (size_t i = 0; i < sizeof variables / sizeof *variables; i++)
        unsetenv(variables[i]);
    strcpy(folder, "/tmp/treadle-test-XXXXXX");
    cr_assert(mkdtemp(folder));
}

static int remove_one(const char *path, const struct stat *facts, int type, struct FTW *where)
{
    (void)facts, (void)type, (void)where;
    return remove(path);
}

void folder_remove(void)
{
    nftw(folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static const char *joined(const char *format, const char *a, const char *b)
{
    static char paths[4][PATH_MAX];
    static unsigned next;
    char *path = paths[next++ % 4];
    snprintf(path, PATH_MAX, format, a, b);
    return path;
}

const char *in_folder(const char *name)
{
    return joined("%s/%s", folder, name);
}

const char *built(const char *name)
{
    return joined("%s/treadle-%s.so", BUILT_PLUGINS, name);
}

void folder_write(const char *name, const void *bytes, size_t size)
{
    FILE *file = fopen(in_folder(name), "wb");
    cr_assert(file && fwrite(bytes, 1, size, file) == size && fclose(file) == 0);
}

void folder_copy(const char *name, const char *plugin)
{
    static char bytes[1 << 20];
    FILE *file = fopen(built(plugin), "rb");
    cr_assert(file, "%s", built(plugin));
    size_t size = fread(bytes, 1, sizeof bytes, file);
    fclose(file);
    cr_assert(size > 0 && size < sizeof bytes);
    folder_write(name, bytes, size);
}

static bool find(const char *path, struct treadle_backend_info *info)
{
    for (uint32_t i = 0; i < treadle_backend_count(); i++)
        if (treadle_backend_info(i, info) == TREADLE_OK && !strcmp(info->path, path))
            return true;
    return false;
}

bool is_listed(const char *path)
{
    struct treadle_backend_info info;
    return find(path, &info);
}

struct treadle_backend_info listed(const char *path)
{
    struct treadle_backend_info info;
    cr_assert(find(path, &info), "%s is not listed", path);
    return info;
}

void expect_usable(const char *path)
{
    struct treadle_backend_info info = listed(path);
    cr_assert_str_eq(info.reason, "", "%s", info.reason);
}

void expect_refused(const char *path, const char *words)
{
    struct treadle_backend_info info = listed(path);
    cr_assert(strstr(info.reason, words), "%s: \"%s\" lacks \"%s\"", path, info.reason, words);
    cr_assert(strstr(info.reason, path), "\"%s\" does not name %s", info.reason, path);
}
