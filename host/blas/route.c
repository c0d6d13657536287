/* SPDX-License-Identifier: BSD-3-Clause */
#define _GNU_SOURCE
#include "route.h"

#include <dlfcn.h>
#include <elf.h>
#include <link.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <treadle/treadle.h>
#include <unistd.h>

#include "forward.h"

#if defined(__x86_64__)
enum { SLOT_OF_CALL = R_X86_64_JUMP_SLOT, SLOT_OF_ADDRESS = R_X86_64_GLOB_DAT };
#elif defined(__aarch64__)
enum { SLOT_OF_CALL = R_AARCH64_JUMP_SLOT, SLOT_OF_ADDRESS = R_AARCH64_GLOB_DAT };
#else
#error "add this machine's relocation types"
#endif

/* The files of NumPy that call BLAS and LAPACK, by how their names begin. Of SciPy it may be any
 * file: wheels of 1.17 have two dozen that do, others than those of 1.11. */
static const char *const module_names[] = {"_multiarray_umath", "_umath_linalg"};
static const char *const package_folder = "/scipy/";

/* SciPy has 130 extension modules. */
enum { MODULES_MAX = 512 };

/* A loaded module. The reference is kept: Python does not unload extension modules either. */
struct module {
    void *handle;
    uintptr_t base;
    uintptr_t end;
    uintptr_t relro_begin; /* pages the loader has made read-only */
    uintptr_t relro_end;
    const ElfW(Sym) * symbols;
    const char *names;
    const ElfW(Rela) * tables[2];
    size_t counts[2];
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

/* Under the lock: the modules whose slots have been routed, and how many slots that were. */
static uintptr_t routed[MODULES_MAX];
static int routed_modules, routed_slots;

/* Under the lock: a bit for 32-bit, one for 64-bit integers. Libraries of such have been met, and
 * their fork handlers have ours in front of them. */
static unsigned widths_met, widths_watched;

/* ---- finding modules -------------------------------------------------------------------- */

struct found {
    struct dl_phdr_info infos[MODULES_MAX];
    int count;
};

static bool is_wanted(const char *path)
{
    const char *slash = strrchr(path, '/');
    const char *file = slash ? slash + 1 : path;
    if (strstr(path, package_folder))
        return true;
    for (size_t i = 0; i < sizeof module_names / sizeof *module_names; i++) {
        size_t length = strlen(module_names[i]);
        if (!strncmp(file, module_names[i], length) && file[length] == '.')
            return true;
    }
    return false;
}

/* Under the loader's lock: nothing here may ask the loader for anything. */
static int collect(struct dl_phdr_info *info, size_t size, void *arg)
{
    (void)size;
    struct found *found = arg;
    if (info->dlpi_name && is_wanted(info->dlpi_name) && found->count < MODULES_MAX)
        found->infos[found->count++] = *info;
    return 0;
}

static const ElfW(Dyn) * read_headers(struct module *module, const struct dl_phdr_info *info)
{
    const ElfW(Dyn) *dynamic = NULL;
    uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
    module->base = info->dlpi_addr;
    for (int i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *header = &info->dlpi_phdr[i];
        uintptr_t begin = info->dlpi_addr + header->p_vaddr, end = begin + header->p_memsz;
        if (header->p_type == PT_DYNAMIC) {
            dynamic = (const ElfW(Dyn) *)begin;
        } else if (header->p_type == PT_GNU_RELRO) {
            module->relro_begin = begin & -page;
            module->relro_end = end & -page;
        } else if (header->p_type == PT_LOAD && end > module->end) {
            module->end = end;
        }
    }
    return dynamic;
}

/* The addresses in it are absolute: glibc has relocated them. */
static void read_dynamic(struct module *module, const ElfW(Dyn) * dynamic)
{
    for (; dynamic->d_tag != DT_NULL; dynamic++) {
        switch (dynamic->d_tag) {
        case DT_SYMTAB:
            module->symbols = (const void *)dynamic->d_un.d_ptr;
            break;
        case DT_STRTAB:
            module->names = (const void *)dynamic->d_un.d_ptr;
            break;
        case DT_JMPREL:
            module->tables[0] = (const void *)dynamic->d_un.d_ptr;
            break;
        case DT_PLTRELSZ:
            module->counts[0] = dynamic->d_un.d_val / sizeof(ElfW(Rela));
            break;
        case DT_RELA:
            module->tables[1] = (const void *)dynamic->d_un.d_ptr;
            break;
        case DT_RELASZ:
            module->counts[1] = dynamic->d_un.d_val / sizeof(ElfW(Rela));
            break;
        default:
            break;
        }
    }
}

static bool open_module(struct module *module, const struct dl_phdr_info *info)
{
    *module = (struct module){.handle = dlopen(info->dlpi_name, RTLD_LAZY | RTLD_NOLOAD)};
    if (!module->handle)
        return false;
    const ElfW(Dyn) *dynamic = read_headers(module, info);
    if (dynamic)
        read_dynamic(module, dynamic);
    return module->symbols && module->names;
}

/* ---- one slot --------------------------------------------------------------------------- */

/* Places in the tables, in the order of the names: each module of SciPy imports 1600 symbols. */
static uint16_t by_name[TREADLE_ROUTINE_COUNT];

static int compare_names(const void *a, const void *b)
{
    const uint16_t *left = a, *right = b;
    return strcmp(treadle_routines_64[*left].name, treadle_routines_64[*right].name);
}

static void sort_names(void)
{
    for (size_t i = 0; i < TREADLE_ROUTINE_COUNT; i++)
        by_name[i] = (uint16_t)i;
    qsort(by_name, TREADLE_ROUTINE_COUNT, sizeof *by_name, compare_names);
}

/* The place of the routine whose name is the first `length` characters, or -1. */
static int find_name(const char *name, size_t length)
{
    int first = 0, last = TREADLE_ROUTINE_COUNT - 1;
    while (first <= last) {
        int middle = (first + last) / 2;
        const char *other = treadle_routines_64[by_name[middle]].name;
        int order = strncmp(name, other, length);
        if (order == 0 && !other[length])
            return by_name[middle];
        if (order <= 0)
            last = middle - 1;
        else
            first = middle + 1;
    }
    return -1;
}

/* The routine that a module calls "scipy_dgesdd_64_", "cblas_dgemm64_", "dgesv_" ...: wheels put
 * "scipy_" in front (not before NumPy 2.0) and "64_" behind where integers have 64 bits. */
static struct routine *find_routine(const char *symbol)
{
    if (!strncmp(symbol, "scipy_", 6))
        symbol += 6;
    size_t length = strlen(symbol);
    bool wide = length > 3 && !strcmp(symbol + length - 3, "64_");
    int i = find_name(symbol, wide ? length - 3 : length);
    return i < 0 ? NULL : wide ? &treadle_routines_64[i] : &treadle_routines_32[i];
}

/* What a slot would lead to without us. One that was never called still points into its own
 * module, to code that would have the loader overwrite the slot. */
static treadle_routine_fn resolve(const struct module *module, treadle_routine_fn now,
                                  const char *symbol)
{
    if ((uintptr_t)now < module->base || (uintptr_t)now >= module->end)
        return now;
    uintptr_t address = (uintptr_t)dlsym(RTLD_DEFAULT, symbol);
    if (!address)
        address = (uintptr_t)dlsym(module->handle, symbol);
    return (treadle_routine_fn)address;
}

static unsigned width_of(const struct routine *routine)
{
    bool wide =
        routine >= treadle_routines_64 && routine < treadle_routines_64 + TREADLE_ROUTINE_COUNT;
    return wide ? 2 : 1;
}

/* True if the routine leads back to `original`: one forwarder has one original. */
static bool claim(struct routine *routine, treadle_routine_fn original)
{
    treadle_routine_fn none = NULL;
    if (!original)
        return false;
    if (!atomic_compare_exchange_strong(&routine->original, &none, original))
        return none == original;
    widths_met |= width_of(routine);
    return true;
}

static void store(const struct module *module, treadle_routine_fn *slot, treadle_routine_fn value)
{
    uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
    uintptr_t begin = (uintptr_t)slot & -page;
    bool sealed = (uintptr_t)slot >= module->relro_begin && (uintptr_t)slot < module->relro_end;
    if (sealed && mprotect((void *)begin, page, PROT_READ | PROT_WRITE))
        return;
    __atomic_store_n(slot, value, __ATOMIC_RELEASE);
    if (sealed)
        mprotect((void *)begin, page, PROT_READ);
}

typedef int (*slot_fn)(const struct module *module, treadle_routine_fn *slot, const char *symbol,
                       struct routine *routine);

static int route_slot(const struct module *module, treadle_routine_fn *slot, const char *symbol,
                      struct routine *routine)
{
    treadle_routine_fn now = __atomic_load_n(slot, __ATOMIC_ACQUIRE);
    if (now != routine->forward && claim(routine, resolve(module, now, symbol)))
        store(module, slot, routine->forward);
    return __atomic_load_n(slot, __ATOMIC_ACQUIRE) == routine->forward;
}

static int unroute_slot(const struct module *module, treadle_routine_fn *slot, const char *symbol,
                        struct routine *routine)
{
    (void)symbol;
    if (__atomic_load_n(slot, __ATOMIC_ACQUIRE) != routine->forward)
        return 0;
    store(module, slot, atomic_load(&routine->original));
    return __atomic_load_n(slot, __ATOMIC_ACQUIRE) != routine->forward;
}

/* ---- all slots -------------------------------------------------------------------------- */

static int visit_table(const struct module *module, const ElfW(Rela) * table, size_t count,
                       slot_fn visit)
{
    int sum = 0;
    for (size_t i = 0; table && i < count; i++) {
        unsigned type = (unsigned)ELF64_R_TYPE(table[i].r_info);
        if (type != SLOT_OF_CALL && type != SLOT_OF_ADDRESS)
            continue;
        const char *symbol = module->names + module->symbols[ELF64_R_SYM(table[i].r_info)].st_name;
        struct routine *routine = find_routine(symbol);
        if (routine)
            sum += visit(module, (treadle_routine_fn *)(module->base + table[i].r_offset), symbol,
                         routine);
    }
    return sum;
}

static int visit_module(const struct dl_phdr_info *info, slot_fn visit)
{
    struct module module;
    int sum = 0;
    if (open_module(&module, info))
        for (int t = 0; t < 2; t++)
            sum += visit_table(&module, module.tables[t], module.counts[t], visit);
    return sum;
}

static bool is_routed(const struct dl_phdr_info *info)
{
    for (int i = 0; i < routed_modules; i++)
        if (routed[i] == info->dlpi_addr)
            return true;
    return false;
}

/* The slots of modules that have not been routed so far. */
static int route_new_modules(void)
{
    struct found found = {.count = 0};
    int sum = 0;
    dl_iterate_phdr(collect, &found);
    for (int i = 0; i < found.count; i++) {
        if (is_routed(&found.infos[i]))
            continue;
        sum += visit_module(&found.infos[i], route_slot);
        if (routed_modules < MODULES_MAX)
            routed[routed_modules++] = found.infos[i].dlpi_addr;
    }
    return sum;
}

int treadle_blas_route(void)
{
    static pthread_once_t sorted = PTHREAD_ONCE_INIT;
    pthread_once(&sorted, sort_names);
    pthread_mutex_lock(&lock);
    int slots = routed_slots += route_new_modules();
    unsigned fresh = widths_met & ~widths_watched;
    widths_watched = widths_met;
    pthread_mutex_unlock(&lock);
    if (fresh) /* a BLAS has been loaded, with fork handlers of its own */
        treadle_watch_fork();
    return slots;
}

int treadle_blas_unroute(void)
{
    struct found found = {.count = 0};
    int sum = 0;
    pthread_mutex_lock(&lock);
    dl_iterate_phdr(collect, &found);
    for (int i = 0; i < found.count; i++)
        if (is_routed(&found.infos[i]))
            sum += visit_module(&found.infos[i], unroute_slot);
    routed_modules = routed_slots = 0;
    pthread_mutex_unlock(&lock);
    return sum;
}
