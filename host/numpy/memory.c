/* SPDX-License-Identifier: BSD-3-Clause */
#define _GNU_SOURCE
#include "memory.h"

#include <malloc.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "api.h"
#include "memory_kept.h"

enum {
    SMALL = 1 << 10,  /* below it NumPy keeps blocks by the size it names, and so do we */
    SHELF = 7,        /* blocks of a size, as many as NumPy keeps */
    MEDIUM = 1 << 14, /* below it blocks begin on a cache line, and are kept by lines */
    LINE = 64,
    LINES_MAX = 1 << 18, /* bytes in those that are kept */
    BIG = 1 << 20,       /* below it the cost of new pages drowns in that of the call */
};

static PyDataMem_Handler *handler; /* NumPy's default one, a static struct of its own */
static PyDataMemAllocator original;
static bool use_huge_pages;

/* ---- small blocks: all under the GIL, as NumPy's own cache for them ------------------------- */

/* What NumPy's functions do, done here: to go on to them would cost a small call 2 % of its time.
 * From SMALL on malloc begins blocks anywhere in a cache line, and adding two of 8 KB takes up to
 * a tenth longer if they begin inside of one. To align each one anew would take longer still. */
static struct shelf {
    size_t count;
    void *blocks[SHELF];
} shelves[SMALL + (MEDIUM - SMALL) / LINE];
static size_t in_lines; /* bytes kept from SMALL on */

static inline size_t whole_lines(size_t size)
{
    return (size + LINE - 1) & -(size_t)LINE;
}

static inline struct shelf *shelf_of(size_t size)
{
    return &shelves[size < SMALL ? size : SMALL + (whole_lines(size) - SMALL) / LINE];
}

static inline void *shelf_take(struct shelf *shelf)
{
    return shelf->count ? shelf->blocks[--shelf->count] : NULL;
}

/* The count last: a fork may fall in between. */
static inline bool shelf_keep(struct shelf *shelf, void *data)
{
    if (shelf->count == SHELF)
        return false;
    shelf->blocks[shelf->count] = data;
    __atomic_store_n(&shelf->count, shelf->count + 1, __ATOMIC_RELEASE);
    return true;
}

static void shelves_release(size_t from, size_t end)
{
    for (size_t size = from; size < end; size += size < SMALL ? 1 : LINE)
        for (void *data; (data = shelf_take(shelf_of(size)));)
            original.free(original.ctx, data, size);
}

/* Blocks may come from elsewhere, or have been resized. When there are too many, all go: those of
 * the sizes in use come back at once. */
static __attribute__((noinline)) void lines_free(void *ctx, void *data, size_t size)
{
    size_t capacity = whole_lines(size);
    bool fits = (uintptr_t)data % LINE == 0 && malloc_usable_size(data) >= capacity;
    if (fits && in_lines + capacity > LINES_MAX) {
        shelves_release(SMALL, MEDIUM);
        in_lines = 0;
    }
    if (fits && shelf_keep(shelf_of(size), data))
        in_lines += capacity;
    else
        original.free(ctx, data, size);
}

/* ---- NumPy's four functions ----------------------------------------------------------------- */

/* Rounded up so that nearly equal sizes share blocks; what lies beyond `size` is not touched and so
 * takes no memory. Huge pages only where they are filled. */
static void *new_block(size_t size)
{
    size_t step = (size_t)1 << (63 - __builtin_clzl(size) - 3);
    if (step > MEMORY_HUGE_PAGE)
        step = MEMORY_HUGE_PAGE;
    if (size > SIZE_MAX - step)
        return NULL;
    size_t capacity = (size + step - 1) & -step;
    void *data = NULL;
    if (posix_memalign(&data, capacity < MEMORY_HUGE_PAGE ? MEMORY_PAGE : MEMORY_HUGE_PAGE,
                       capacity))
        return NULL;
    if (size >= MEMORY_HUGE_PAGE && use_huge_pages)
        madvise(data, size & -(size_t)MEMORY_HUGE_PAGE, MADV_HUGEPAGE);
    return data;
}

/* Not inlined, as free_big(): registers are saved for big blocks only. Most arrays are small. */
static __attribute__((noinline)) void *big_malloc(size_t size)
{
    void *data = memory_kept_take(size);
    if (data)
        return data;
    data = new_block(size);
    if (!data) {
        memory_kept_trim();
        data = new_block(size);
    }
    if (data)
        memory_kept_count(0, malloc_usable_size(data));
    return data;
}

/* Not inlined either: so much may fail where a kept block would help. */
static __attribute__((noinline)) void *medium_malloc(void *ctx, size_t size)
{
    void *data = original.malloc(ctx, size);
    if (!data && memory_kept_held()) {
        memory_kept_trim();
        data = original.malloc(ctx, size);
    }
    return data;
}

static __attribute__((noinline)) void *lines_malloc(void *ctx, size_t size)
{
    void *data = shelf_take(shelf_of(size));
    if (data) {
        in_lines -= whole_lines(size);
        return data;
    }
    data = aligned_alloc(LINE, whole_lines(size));
    return data ? data : medium_malloc(ctx, size);
}

static HOT void *cached_malloc(void *ctx, size_t size)
{
    void *data = size < SMALL ? shelf_take(&shelves[size]) : NULL;
    if (LIKELY(data != NULL))
        return data;
    if (size < SMALL)
        return original.malloc(ctx, size);
    if (size <= MEDIUM - LINE)
        return lines_malloc(ctx, size);
    return size < BIG ? medium_malloc(ctx, size) : big_malloc(size);
}

static void *cached_calloc(void *ctx, size_t count, size_t size)
{
    void *data = original.calloc(ctx, count, size);
    if (!data && memory_kept_held()) {
        memory_kept_trim();
        data = original.calloc(ctx, count, size);
    }
    if (data && count * size >= BIG)
        memory_kept_count(0, malloc_usable_size(data));
    return data;
}

static void *cached_realloc(void *ctx, void *old, size_t size)
{
    size_t before = malloc_usable_size(old);
    void *data = original.realloc(ctx, old, size);
    if (!data && size && memory_kept_held()) {
        memory_kept_trim();
        data = original.realloc(ctx, old, size);
    }
    if (data && (before >= BIG || size >= BIG))
        memory_kept_count(before >= BIG ? before : 0, size >= BIG ? malloc_usable_size(data) : 0);
    return data;
}

/* The size that NumPy names is a hint: views may have changed it. malloc knows the block, whoever
 * asked for it. Blocks that do not begin with a page are not ours and would be slow to work on. */
static __attribute__((noinline)) void free_big(void *ctx, void *data, size_t size)
{
    size_t capacity = malloc_usable_size(data);
    bool fits = (uintptr_t)data % MEMORY_PAGE == 0 && capacity >= BIG && capacity >= size;
    if (fits && memory_kept_add(data))
        return;
    original.free(ctx, data, size);
    memory_kept_count(capacity, 0);
}

static HOT void cached_free(void *ctx, void *data, size_t size)
{
    if (LIKELY(size < SMALL && shelf_keep(&shelves[size], data)))
        return;
    if (size >= SMALL && size <= MEDIUM - LINE)
        lines_free(ctx, data, size);
    else if (size < BIG)
        original.free(ctx, data, size);
    else
        free_big(ctx, data, size);
}

/* ---- life ----------------------------------------------------------------------------------- */

/* The handler sits in a context variable that new threads do not inherit: only the struct that all
 * of them share reaches everybody. */
static int find_handler(void)
{
    if (handler)
        return 0;
    handler = PyCapsule_GetPointer(PyDataMem_DefaultHandler, "mem_handler");
    if (!handler) {
        PyErr_Clear();
        return -1;
    }
    if (handler->version != 1) {
        handler = NULL;
        return -1;
    }
    original = handler->allocator;
    memory_kept_follow_forks();
    return 0;
}

static void set_functions(const PyDataMemAllocator *functions)
{
    PyDataMemAllocator *to = &handler->allocator;
    __atomic_store_n(&to->malloc, functions->malloc, __ATOMIC_RELEASE);
    __atomic_store_n(&to->calloc, functions->calloc, __ATOMIC_RELEASE);
    __atomic_store_n(&to->realloc, functions->realloc, __ATOMIC_RELEASE);
    __atomic_store_n(&to->free, functions->free, __ATOMIC_RELEASE);
}

/* What Python's debug allocator writes before each block: a letter, and seven bytes 0xFD. */
bool memory_is_guarded(void)
{
    static const unsigned char guard[7] = {0xFD, 0xFD, 0xFD, 0xFD, 0xFD, 0xFD, 0xFD};
    unsigned char *block = PyMem_RawMalloc(64);
    bool guarded = block && !memcmp(block - sizeof guard, guard, sizeof guard);
    PyMem_RawFree(block);
    return guarded;
}

int memory_install(bool huge_pages)
{
    static const PyDataMemAllocator cached = {.malloc = cached_malloc,
                                              .calloc = cached_calloc,
                                              .realloc = cached_realloc,
                                              .free = cached_free};
    if (find_handler() < 0)
        return -1;
    use_huge_pages = huge_pages;
    memory_kept_read_limit();
    set_functions(&cached);
    return 0;
}

void memory_uninstall(void)
{
    if (handler) {
        set_functions(&original);
        shelves_release(0, MEDIUM);
        in_lines = 0;
    }
    memory_kept_trim();
}
