/* SPDX-License-Identifier: BSD-3-Clause */
/* No lock is held here: a thread may come while it holds the dynamic linker's, from a constructor.
 */
#define _GNU_SOURCE
#include "original.h"

#include <dlfcn.h>
#include <limits.h>
#include <link.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    LIBRARIES_MAX = 1024, /* SciPy has 130 extension modules */
    NOT_FOUND = 127       /* what the dynamic linker exits with */
};

/* Exported so that every copy of this library in a process knows the others. */
TREADLE_EXPORT extern const char treadle_blas_is_here;
const char treadle_blas_is_here = 1;

/* ---- libraries -------------------------------------------------------------------------- */

/* The library that an address is in, with a reference to it; NULL if it is in none. */
static void *open_around(const void *address, int flags)
{
    struct link_map *map;
    Dl_info info;
    if (!dladdr1(address, &info, (void **)&map, RTLD_DL_LINKMAP))
        return NULL;
    return dlopen(map->l_name, RTLD_LAZY | RTLD_NOLOAD | flags);
}

static const void *base_of(const void *address)
{
    Dl_info info;
    return dladdr(address, &info) ? info.dli_fbase : NULL;
}

static bool is_ours(const void *address)
{
    void *handle = open_around(address, 0);
    if (!handle)
        return false;
    const void *mark = dlsym(handle, "treadle_blas_is_here");
    dlclose(handle);
    return mark && base_of(mark) == base_of(address);
}

static void *look(void *handle, const char *symbol)
{
    void *address = dlsym(handle, symbol);
    if (!address || is_ours(address))
        return NULL;
    open_around(address, RTLD_NODELETE);
    return address;
}

/* The same, and gives the reference back. */
static void *look_into(void *handle, const char *symbol)
{
    void *address = handle ? look(handle, symbol) : NULL;
    if (handle)
        dlclose(handle);
    return address;
}

/* ---- the ways --------------------------------------------------------------------------- */

static void *open_named(const char *path)
{
    static atomic_bool said;
    bool absolute = *path == '/';
    void *handle = absolute ? dlopen(path, RTLD_LAZY | RTLD_LOCAL) : NULL;
    if (!handle && !atomic_exchange(&said, true))
        fprintf(stderr, "treadle: TREADLE_BLAS_LIBRARY: %s%s\n", absolute ? "" : path,
                absolute ? dlerror() : " is not an absolute path");
    return handle;
}

static void *find_named(const char *symbol)
{
    const char *paths = secure_getenv("TREADLE_BLAS_LIBRARY");
    void *address = NULL;
    while (paths && *paths && !address) {
        char path[PATH_MAX];
        size_t length = strcspn(paths, ":");
        snprintf(path, sizeof path, "%.*s", (int)length, paths);
        if (length > 0)
            address = look_into(open_named(path), symbol);
        paths += length + (paths[length] == ':');
    }
    return address;
}

struct scan {
    const char *paths[LIBRARIES_MAX];
    int count;
};

/* Under the loader's lock: nothing here may ask the loader for anything. */
static int collect(struct dl_phdr_info *info, size_t size, void *arg)
{
    struct scan *scan = arg;
    (void)size;
    if (scan->count < LIBRARIES_MAX)
        scan->paths[scan->count++] = info->dlpi_name;
    return 0;
}

static void *find_loaded(const char *symbol)
{
    struct scan scan = {.count = 0};
    void *address = NULL;
    dl_iterate_phdr(collect, &scan);
    for (int i = 0; i < scan.count && !address; i++)
        address = look_into(dlopen(scan.paths[i], RTLD_LAZY | RTLD_NOLOAD), symbol);
    return address;
}

/* Beside the C library, where Debian has them: what its alternatives lead to, unless that is this
 * library, and then what they could lead to. */
static void *find_of_system(const char *symbol)
{
    static const char *const files[] = {
        "libblas.so.3",
        "liblapack.so.3",
        "openblas-pthread/libopenblas.so.0",
        "openblas-openmp/libopenblas.so.0",
        "openblas-serial/libopenblas.so.0",
        "blis-openmp/libblas.so.3",
        "blis-pthread/libblas.so.3",
        "blis-serial/libblas.so.3",
        "blas/libblas.so.3",
        "lapack/liblapack.so.3",
    };
    void *address = NULL;
    Dl_info libc;
    if (!dladdr((void *)(uintptr_t)printf, &libc))
        return NULL;
    const char *slash = strrchr(libc.dli_fname, '/');
    for (size_t i = 0; slash && i < sizeof files / sizeof *files && !address; i++) {
        char path[PATH_MAX];
        snprintf(path, sizeof path, "%.*s/%s", (int)(slash - libc.dli_fname), libc.dli_fname,
                 files[i]);
        address = look_into(dlopen(path, RTLD_LAZY | RTLD_LOCAL), symbol);
    }
    return address;
}

treadle_routine_fn original_find(const char *symbol, const void *caller)
{
    void *address = find_named(symbol);
    if (!address)
        address = look(RTLD_NEXT, symbol);
    if (!address)
        address = look_into(open_around(caller, 0), symbol);
    if (!address)
        address = find_loaded(symbol);
    if (!address)
        address = find_of_system(symbol);
    return (treadle_routine_fn)(uintptr_t)address;
}

treadle_routine_fn treadle_blas_original(const char *symbol, const void *caller)
{
    treadle_routine_fn original = original_find(symbol, caller);
    if (original)
        return original;
    fprintf(stderr, "treadle: no library has %s; TREADLE_BLAS_LIBRARY can name one\n", symbol);
    _exit(NOT_FOUND);
}

treadle_routine_fn original_beside(treadle_routine_fn fn, const char *symbol)
{
    return (treadle_routine_fn)(uintptr_t)look_into(open_around((void *)(uintptr_t)fn, 0), symbol);
}

const void *original_library(treadle_routine_fn fn)
{
    return base_of((const void *)(uintptr_t)fn);
}
