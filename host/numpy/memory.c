/* SPDX-License-Identifier: BSD-3-Clause */
#define _GNU_SOURCE
#include "api.h"

#include <malloc.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "memory.h"
#include "memory_limit.h"
#include "memory_use.h"

enum {
    SMALL = 1 << 10,  /* below it NumPy keeps blocks by the size it names, and so do we */
    SHELF = 7,        /* blocks of a size, as many as NumPy keeps */
    MEDIUM = 1 << 14, /* below it blocks begin on a cache line, and are kept by lines */
    LINE = 64,
    LINES_MAX = 1 << 18, /* bytes in those that are kept */
    BIG = 1 << 20,       /* below it the cost of new pages drowns in that of the call */
    PAGE = 1 << 12,
    HUGE_PAGE = 1 << 21, /* a huge page of x86-64, and of AArch64 with 4 KiB pages */
    BLOCKS_MAX = 64,
    MEMORY_SHARE = 16,
    PEAK_SHARE = 32, /* what others allocate between two looks comes on top of it */
    AGE_NS_MAX = 2000000000,
    LOOK_NS = 999999999,    /* between two looks for blocks that are too old */
    WATCH_NS_MIN = 3000000, /* between two looks at the process's memory */
    WATCH_NS_MAX = 100000000,
    FILL_RATE = 4, /* bytes in a nanosecond: so fast a thread gets new pages */
    STACK = 1 << 17
};

struct block {
    void *data;
    size_t capacity; /* malloc_usable_size() */
    int64_t since;
};

/* `live` is the sum of the big blocks we gave out and did not see freed; blocks that others free
 * make it drift, which only moves the point at which something is kept. */
static struct {
    pthread_mutex_t lock;
    struct block blocks[BLOCKS_MAX]; /* oldest first */
    int count;
    size_t held;
    size_t live;
    size_t live_most;
    size_t limit;
    size_t leaving;  /* taken out, and not yet given back */
    size_t live_top; /* the most of `live` since the last look at the process's memory */
    int64_t others;  /* what the process had beside big blocks then; below 0 if they are not full */
    int64_t peak;    /* the most that it would have had without what is kept */
    int64_t highest; /* what it had at most when the last trimmer ended */
    int64_t room;    /* for used and kept blocks, beside `others` and below `peak` */
    bool huge_pages;
    bool trimmer; /* somebody looks for old blocks */
} cache = {.lock = PTHREAD_MUTEX_INITIALIZER, .room = INT64_MAX};

static PyDataMem_Handler *handler; /* NumPy's default one, a static struct of its own */
static PyDataMemAllocator original;

static int64_t now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC_COARSE, &time);
    return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

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

/* ---- big blocks: all under the cache's lock ------------------------------------------------- */

static struct block take_out(int i)
{
    struct block block = cache.blocks[i];
    cache.count--;
    memmove(&cache.blocks[i], &cache.blocks[i + 1],
            (size_t)(cache.count - i) * sizeof *cache.blocks);
    cache.held -= block.capacity;
    return block;
}

/* As long as nobody knows better, what others have stays: then a new peak of ours is one of the
 * process. */
static void count_live(size_t less, size_t more)
{
    cache.live -= less < cache.live ? less : cache.live;
    cache.live += more;
    if (cache.live > cache.live_top)
        cache.live_top = cache.live;
    if (cache.live > cache.live_most) {
        cache.live_most = cache.live;
        if (cache.room < (int64_t)cache.live)
            cache.room = (int64_t)cache.live;
    }
}

/* The smallest kept block that holds `size`. It may be an eighth larger, and by a huge page, which
 * malloc leaves behind where it aligns to one. */
static struct block take_fitting(size_t size)
{
    int best = -1;
    for (int i = 0; i < cache.count; i++) {
        size_t capacity = cache.blocks[i].capacity;
        if (capacity >= size && capacity <= size + size / 8 + HUGE_PAGE &&
            (best < 0 || capacity < cache.blocks[best].capacity))
            best = i;
    }
    if (best < 0)
        return (struct block){.data = NULL};
    struct block block = take_out(best);
    count_live(0, block.capacity);
    return block;
}

static struct block take_oldest(void)
{
    struct block block = take_out(0);
    cache.leaving += block.capacity;
    return block;
}

/* One block that should not be kept any longer; its data is NULL if there is none. */
static struct block take_surplus(int64_t time)
{
    size_t roof = (int64_t)cache.live_most < cache.room ? cache.live_most : (size_t)cache.room;
    size_t most = roof > cache.live ? roof - cache.live : 0;
    if (most > cache.limit)
        most = cache.limit;
    if (cache.count > 0 && (cache.held > most || time - cache.blocks[0].since > AGE_NS_MAX))
        return take_oldest();
    return (struct block){.data = NULL};
}

/* Only arrays are counted as they come and go; what else the process allocates is seen by looking.
 * The peak between two looks is taken to be that of the arrays, and the least that others had.
 * Gives the bytes that others may take before something must be given back. */
static int64_t compare(int64_t resident)
{
    int64_t live = (int64_t)cache.live;
    int64_t others = resident - (int64_t)(cache.held + cache.leaving) - live;
    int64_t least = others < cache.others ? others : cache.others;
    if (cache.peak < live + others)
        cache.peak = live + others;
    if (cache.peak < (int64_t)cache.live_top + least)
        cache.peak = (int64_t)cache.live_top + least;
    int64_t most = cache.peak + cache.peak / PEAK_SHARE;
    cache.others = others;
    cache.live_top = cache.live;
    cache.room = most > others ? most - others : 0;
    return most - resident;
}

/* ---- the rest: not under the lock ------------------------------------------------------- */

static void change_live(size_t less, size_t more)
{
    pthread_mutex_lock(&cache.lock);
    count_live(less, more);
    pthread_mutex_unlock(&cache.lock);
}

/* The whole pages of a block from `size` on hold nothing that anybody needs. */
static void forget_behind(struct block block, size_t size)
{
    uintptr_t begin = ((uintptr_t)block.data + size + PAGE - 1) & -(uintptr_t)PAGE;
    uintptr_t end = ((uintptr_t)block.data + block.capacity) & -(uintptr_t)PAGE;
    if (end > begin)
        madvise((void *)begin, end - begin, MADV_DONTNEED);
}

/* free() may keep the pages for malloc(): tell the system first. */
static void give_back(struct block block)
{
    forget_behind(block, 0);
    original.free(original.ctx, block.data, block.capacity);
    pthread_mutex_lock(&cache.lock);
    cache.leaving -= block.capacity;
    pthread_mutex_unlock(&cache.lock);
}

static void drop_surplus(void)
{
    int64_t time = now();
    for (;;) {
        pthread_mutex_lock(&cache.lock);
        struct block block = take_surplus(time);
        pthread_mutex_unlock(&cache.lock);
        if (!block.data)
            return;
        give_back(block);
    }
}

/* The limit may be moved while a program runs. */
static void read_limit(void)
{
    size_t limit = memory_limit("") / MEMORY_SHARE;
    pthread_mutex_lock(&cache.lock);
    cache.limit = limit;
    pthread_mutex_unlock(&cache.lock);
}

/* Nothing was kept meanwhile: if the highest is new it is that of the program alone. */
static void begin_to_watch(void)
{
    int64_t highest = memory_highest();
    pthread_mutex_lock(&cache.lock);
    if (highest > cache.highest && highest > cache.peak)
        cache.peak = highest;
    cache.others = INT64_MAX;
    cache.live_top = cache.live;
    pthread_mutex_unlock(&cache.lock);
}

/* Looks for a second, and the oftener the sooner something may have to go. */
static void watch(void)
{
    for (int64_t slept = 0, next = 0; slept < LOOK_NS; slept += next) {
        int64_t resident = memory_resident();
        next = LOOK_NS;
        if (resident >= 0) {
            pthread_mutex_lock(&cache.lock);
            next = compare(resident) / FILL_RATE;
            pthread_mutex_unlock(&cache.lock);
            drop_surplus();
            next = next < WATCH_NS_MIN ? WATCH_NS_MIN : next > WATCH_NS_MAX ? WATCH_NS_MAX : next;
        }
        nanosleep(&(struct timespec){.tv_nsec = next}, NULL);
    }
}

/* Without blocks there is no trimmer: the next one that is kept starts it again. */
static bool trimmer_may_end(void)
{
    int64_t highest = memory_highest();
    pthread_mutex_lock(&cache.lock);
    bool end = cache.count == 0;
    if (end) {
        cache.trimmer = false;
        cache.highest = highest;
    }
    pthread_mutex_unlock(&cache.lock);
    return end;
}

/* A thread, because no other call may come after which blocks could be given back. */
static void *trim_when_idle(void *none)
{
    pthread_setname_np(pthread_self(), "treadle-trim");
    begin_to_watch();
    do {
        watch();
        read_limit();
        drop_surplus();
    } while (!trimmer_may_end());
    return none;
}

/* It must not be the one to get the program's signals. If it can't be had, old blocks still go with
 * the next big call. */
static void start_trimmer(void)
{
    sigset_t all, before;
    pthread_attr_t attributes;
    pthread_t thread;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    pthread_attr_init(&attributes);
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    pthread_attr_setstacksize(&attributes, STACK);
    if (pthread_create(&thread, &attributes, trim_when_idle, NULL)) {
        pthread_mutex_lock(&cache.lock);
        cache.trimmer = false;
        pthread_mutex_unlock(&cache.lock);
    }
    pthread_attr_destroy(&attributes);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
}

void memory_trim(void)
{
    for (;;) {
        pthread_mutex_lock(&cache.lock);
        struct block block = cache.count ? take_oldest() : (struct block){.data = NULL};
        pthread_mutex_unlock(&cache.lock);
        if (!block.data)
            return;
        give_back(block);
    }
}

size_t memory_held(void)
{
    pthread_mutex_lock(&cache.lock);
    size_t held = cache.held;
    pthread_mutex_unlock(&cache.lock);
    return held;
}

/* ---- NumPy's four functions ----------------------------------------------------------------- */

/* Rounded up so that nearly equal sizes share blocks; what lies beyond `size` is not touched and so
 * takes no memory. Huge pages only where they are filled. */
static void *new_block(size_t size)
{
    size_t step = (size_t)1 << (63 - __builtin_clzl(size) - 3);
    if (step > HUGE_PAGE)
        step = HUGE_PAGE;
    if (size > SIZE_MAX - step)
        return NULL;
    size_t capacity = (size + step - 1) & -step;
    void *data = NULL;
    if (posix_memalign(&data, capacity < HUGE_PAGE ? PAGE : HUGE_PAGE, capacity))
        return NULL;
    if (size >= HUGE_PAGE && cache.huge_pages)
        madvise(data, size & -(size_t)HUGE_PAGE, MADV_HUGEPAGE);
    return data;
}

/* Not inlined, as free_big(): registers are saved for big blocks only. Most arrays are small. */
static __attribute__((noinline)) void *big_malloc(size_t size)
{
    pthread_mutex_lock(&cache.lock);
    struct block kept = take_fitting(size);
    pthread_mutex_unlock(&cache.lock);
    if (kept.data)
        forget_behind(kept, size + size / 16); /* it may live long: no more than that */
    void *data = kept.data ? kept.data : new_block(size);
    if (!data) {
        memory_trim();
        data = new_block(size);
    }
    if (data && !kept.data)
        change_live(0, malloc_usable_size(data));
    if (data)
        drop_surplus();
    return data;
}

/* Not inlined either: so much may fail where a kept block would help. */
static __attribute__((noinline)) void *medium_malloc(void *ctx, size_t size)
{
    void *data = original.malloc(ctx, size);
    if (!data && memory_held()) {
        memory_trim();
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
    if (!data && memory_held()) {
        memory_trim();
        data = original.calloc(ctx, count, size);
    }
    if (data && count * size >= BIG) {
        change_live(0, malloc_usable_size(data));
        drop_surplus();
    }
    return data;
}

static void *cached_realloc(void *ctx, void *old, size_t size)
{
    size_t before = malloc_usable_size(old);
    void *data = original.realloc(ctx, old, size);
    if (!data && size && memory_held()) {
        memory_trim();
        data = original.realloc(ctx, old, size);
    }
    if (data && (before >= BIG || size >= BIG)) {
        change_live(before >= BIG ? before : 0, size >= BIG ? malloc_usable_size(data) : 0);
        drop_surplus();
    }
    return data;
}

/* The size that NumPy names is a hint: views may have changed it. malloc knows the block, whoever
 * asked for it. Blocks that do not begin with a page are not ours and would be slow to work on. */
static bool is_worth_keeping(struct block block, size_t size)
{
    return (uintptr_t)block.data % PAGE == 0 && block.capacity >= BIG && block.capacity >= size;
}

static bool keep(struct block block)
{
    pthread_mutex_lock(&cache.lock);
    bool kept = cache.count < BLOCKS_MAX && block.capacity <= cache.limit;
    bool start = kept && !cache.trimmer;
    if (kept) {
        count_live(block.capacity, 0);
        cache.blocks[cache.count++] = block;
        cache.held += block.capacity;
        cache.trimmer = true;
    }
    pthread_mutex_unlock(&cache.lock);
    drop_surplus();
    if (start)
        start_trimmer();
    return kept;
}

static __attribute__((noinline)) void free_big(void *ctx, void *data, size_t size)
{
    struct block block = {data, malloc_usable_size(data), now()};
    if (is_worth_keeping(block, size) && keep(block))
        return;
    original.free(ctx, data, size);
    change_live(block.capacity, 0);
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

/* ---- life ------------------------------------------------------------------------------- */

static void before_fork(void)
{
    pthread_mutex_lock(&cache.lock);
}

static void after_fork(void)
{
    pthread_mutex_unlock(&cache.lock);
}

/* Kept pages are shared with the parent now: to write to one costs more than a new one. And the
 * trimmer is not here. */
static void in_child(void)
{
    cache.trimmer = false;
    cache.leaving = 0; /* somebody is at it who is not here */
    cache.peak = cache.highest = 0;
    pthread_mutex_unlock(&cache.lock);
    memory_trim();
}

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
    pthread_atfork(before_fork, after_fork, in_child);
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
    cache.huge_pages = huge_pages;
    read_limit();
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
    memory_trim();
}
