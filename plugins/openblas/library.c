/* SPDX-License-Identifier: BSD-3-Clause */
#define _GNU_SOURCE
#include "library.h"

#include <dlfcn.h>
#include <link.h>
#include <stdio.h>
#include <string.h>

enum {
    CANDIDATES_MAX = 8,
    PARALLEL_BY_OPENMP = 2 /* of openblas_get_parallel() */
};

static const char *const prefixes[] = {"scipy_", ""};
static const char *const suffixes[] = {"64_", ""};

struct scan {
    const char *paths[CANDIDATES_MAX];
    int count;
    uint64_t *seen;
};

/* Under the loader's lock: nothing here may ask the loader for anything. */
static int collect(struct dl_phdr_info *info, size_t size, void *arg)
{
    struct scan *scan = arg;
    (void)size;
    if (info->dlpi_adds == *scan->seen)
        return 1;
    const char *slash = info->dlpi_name ? strrchr(info->dlpi_name, '/') : NULL;
    if (!slash)
        return 0;
    if (!strncmp(slash, "/libscipy_openblas", 18) || !strncmp(slash, "/libopenblas", 12)) {
        if (scan->count < CANDIDATES_MAX)
            scan->paths[scan->count++] = info->dlpi_name;
    }
    return 0;
}

static int read_generation(struct dl_phdr_info *info, size_t size, void *arg)
{
    (void)size;
    *(uint64_t *)arg = info->dlpi_adds;
    return 1;
}

treadle_routine_fn library_find(const struct library *library, const char *name)
{
    char symbol[80];
    int length = snprintf(symbol, sizeof symbol, "%s%s%s", library->prefix, name, library->suffix);
    if (length < 0 || (size_t)length >= sizeof symbol)
        return NULL;
    return (treadle_routine_fn)(uintptr_t)dlsym(library->handle, symbol);
}

static uint32_t int_bits_of(const struct library *library)
{
    if (*library->suffix)
        return 64;
    const char *(*get_config)(void) =
        (const char *(*)(void))library_find(library, "openblas_get_config");
    return get_config && strstr(get_config(), "USE64BITINT") ? 64 : 32;
}

/* True if the names of the opened library begin and end in this way. */
static bool has_names(struct library *library, const char *prefix, const char *suffix)
{
    library->prefix = prefix;
    library->suffix = suffix;
    int (*get_parallel)(void) = (int (*)(void))library_find(library, "openblas_get_parallel");
    library->set_num_threads = (void (*)(int))library_find(library, "openblas_set_num_threads");
    library->get_num_threads = (int (*)(void))library_find(library, "openblas_get_num_threads");
    return library->set_num_threads && library->get_num_threads &&
           !(get_parallel && get_parallel() == PARALLEL_BY_OPENMP);
}

static bool open_library(struct library *library, const char *path, uint32_t int_bits)
{
    library->handle = dlopen(path, RTLD_LAZY | RTLD_NOLOAD);
    if (!library->handle)
        return false;
    for (size_t p = 0; p < sizeof prefixes / sizeof *prefixes; p++) {
        for (size_t s = 0; s < sizeof suffixes / sizeof *suffixes; s++) {
            if (has_names(library, prefixes[p], suffixes[s]) && int_bits_of(library) == int_bits)
                return true;
        }
    }
    dlclose(library->handle);
    return false;
}

bool library_adopt(struct library *library, uint32_t int_bits, uint64_t *seen)
{
    struct scan scan = {.seen = seen};
    uint64_t generation = 0;
    dl_iterate_phdr(read_generation, &generation);
    dl_iterate_phdr(collect, &scan);
    *seen = generation;
    for (int i = 0; i < scan.count; i++) {
        if (open_library(library, scan.paths[i], int_bits))
            return true;
    }
    return false;
}
