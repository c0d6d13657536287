/* SPDX-License-Identifier: BSD-3-Clause */
#define _GNU_SOURCE
#include "memory_kept.h"

#include <malloc.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#include "memory_limit.h"
#include "memory_peak.h"
#include "memory_use.h"

enum {
    BLOCKS_MAX = 64,
    LIMIT_SHARE = 16,
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

static struct {
    pthread_mutex_t lock;
    struct block blocks[BLOCKS_MAX]; /* oldest first */
    int count;
    size_t held;
    size_t leaving; /* taken out, and not yet given back */
    size_t limit;
    struct memory_peak peak;
    bool trimmer; /* somebody looks for old blocks */
} cache = {.lock = PTHREAD_MUTEX_INITIALIZER, .peak = MEMORY_PEAK_INITIALIZER};

static int64_t now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC_COARSE, &time);
    return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

/* ---- under the lock ------------------------------------------------------------------------- */

static struct block take_out(int i)
{
    struct block block = cache.blocks[i];
    cache.count--;
    memmove(&cache.blocks[i], &cache.blocks[i + 1],
            (size_t)(cache.count - i) * sizeof *cache.blocks);
    cache.held -= block.capacity;
    return block;
}

/* The smallest kept block that holds `size`. It may be an eighth larger, and by a huge page, which
 * malloc leaves behind where it aligns to one. */
static struct block take_fitting(size_t size)
{
    int best = -1;
    for (int i = 0; i < cache.count; i++) {
        size_t capacity = cache.blocks[i].capacity;
        if (capacity >= size && capacity <= size + size / 8 + MEMORY_HUGE_PAGE &&
            (best < 0 || capacity < cache.blocks[best].capacity))
            best = i;
    }
    if (best < 0)
        return (struct block){.data = NULL};
    struct block block = take_out(best);
    memory_peak_count(&cache.peak, 0, block.capacity);
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
    size_t most = memory_peak_spare(&cache.peak);
    if (most > cache.limit)
        most = cache.limit;
    if (cache.count > 0 && (cache.held > most || time - cache.blocks[0].since > AGE_NS_MAX))
        return take_oldest();
    return (struct block){.data = NULL};
}

/* ---- not under the lock --------------------------------------------------------------------- */

/* The whole pages of a block from `size` on hold nothing that anybody needs. */
static void forget_behind(struct block block, size_t size)
{
    uintptr_t begin = ((uintptr_t)block.data + size + MEMORY_PAGE - 1) & -(uintptr_t)MEMORY_PAGE;
    uintptr_t end = ((uintptr_t)block.data + block.capacity) & -(uintptr_t)MEMORY_PAGE;
    if (end > begin)
        madvise((void *)begin, end - begin, MADV_DONTNEED);
}

/* free() may keep the pages for malloc(): tell the system first. */
static void give_back(struct block block)
{
    forget_behind(block, 0);
    free(block.data);
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
void memory_kept_read_limit(void)
{
    size_t limit = memory_limit("") / LIMIT_SHARE;
    pthread_mutex_lock(&cache.lock);
    cache.limit = limit;
    pthread_mutex_unlock(&cache.lock);
}

static void begin_to_watch(void)
{
    int64_t highest = memory_highest();
    pthread_mutex_lock(&cache.lock);
    memory_peak_begin(&cache.peak, highest);
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
            next = memory_peak_look(&cache.peak, resident, cache.held + cache.leaving) / FILL_RATE;
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
        memory_peak_end(&cache.peak, highest);
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
        memory_kept_read_limit();
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

void memory_kept_trim(void)
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

size_t memory_kept_held(void)
{
    pthread_mutex_lock(&cache.lock);
    size_t held = cache.held;
    pthread_mutex_unlock(&cache.lock);
    return held;
}

/* ---- blocks come and go --------------------------------------------------------------------- */

void *memory_kept_take(size_t size)
{
    pthread_mutex_lock(&cache.lock);
    struct block block = take_fitting(size);
    pthread_mutex_unlock(&cache.lock);
    if (!block.data)
        return NULL;
    forget_behind(block, size + size / 16); /* it may live long: no more than that */
    drop_surplus();
    return block.data;
}

bool memory_kept_add(void *data)
{
    struct block block = {data, malloc_usable_size(data), now()};
    pthread_mutex_lock(&cache.lock);
    bool kept = cache.count < BLOCKS_MAX && block.capacity <= cache.limit;
    bool start = kept && !cache.trimmer;
    if (kept) {
        memory_peak_count(&cache.peak, block.capacity, 0);
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

void memory_kept_count(size_t less, size_t more)
{
    pthread_mutex_lock(&cache.lock);
    memory_peak_count(&cache.peak, less, more);
    pthread_mutex_unlock(&cache.lock);
    if (more)
        drop_surplus();
}

/* ---- forks ---------------------------------------------------------------------------------- */

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
    memory_peak_forget(&cache.peak);
    pthread_mutex_unlock(&cache.lock);
    memory_kept_trim();
}

void memory_kept_follow_forks(void)
{
    pthread_atfork(before_fork, after_fork, in_child);
}
