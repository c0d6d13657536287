/* SPDX-License-Identifier: BSD-3-Clause */
#include "govern.h"

#include <stdlib.h>

static uint32_t ask(const struct governor *governor, const struct treadle_call *call)
{
    return governor->cores ? governor->cores->retake(call->host, call)
                           : call->host->threads_now(call->host, call);
}

static int least_share(const struct governor *governor)
{
    uint32_t least = UINT32_MAX;
    for (uint32_t i = 0; i < governor->calls; i++) {
        uint32_t now = ask(governor, governor->active[i].call);
        if (now < least)
            least = now;
    }
    return least < 1 ? 1 : least > INT32_MAX ? INT32_MAX : (int)least;
}

/* Asked twice: what the last one gives back the first can take only then. */
static int share(const struct governor *governor)
{
    int once = least_share(governor);
    return governor->calls > 1 ? least_share(governor) : once;
}

/* A count that is not the one we set is the user's latest wish. Setting one at or below that is a
 * single store in the pthreads builds of OpenBLAS (0.3.23 to 0.3.34 looked at), so it is safe
 * beside running calls; above it threads would be created. */
static void apply(struct governed *governed, int count)
{
    int now = governed->library.get_num_threads();
    if (now != governed->set)
        governed->limit = now;
    if (count > governed->limit)
        count = governed->limit;
    if (count != now)
        governed->library.set_num_threads(count);
    governed->set = count;
}

static void retune(struct governor *governor)
{
    int count = governor->calls ? share(governor) : INT32_MAX;
    int most = 1;
    for (uint32_t i = 0; i < governor->count; i++) {
        struct governed *governed = &governor->libraries[i];
        apply(governed, count);
        most = governed->set > most ? governed->set : most;
    }
    for (uint32_t i = 0; i < governor->calls; i++) {
        if ((uint32_t)most > governor->active[i].most)
            governor->active[i].most = (uint32_t)most;
    }
}

static const struct library *find(const struct governor *governor, uint32_t int_bits)
{
    for (uint32_t i = 0; i < governor->count; i++) {
        if (governor->libraries[i].library.int_bits == int_bits)
            return &governor->libraries[i].library;
    }
    return NULL;
}

static void adopt(struct governor *governor, uint32_t int_bits)
{
    struct governed *governed = &governor->libraries[governor->count];
    if (!library_adopt(&governed->library, int_bits, &governor->seen[int_bits == 64]))
        return;
    governed->library.int_bits = int_bits;
    governed->limit = governed->set = governed->library.get_num_threads();
    governor->count++;
}

const struct library *governor_library(struct governor *governor, uint32_t int_bits)
{
    if (int_bits != 32 && int_bits != 64)
        return NULL;
    pthread_mutex_lock(&governor->lock);
    if (!find(governor, int_bits))
        adopt(governor, int_bits);
    const struct library *library = find(governor, int_bits);
    pthread_mutex_unlock(&governor->lock);
    return library;
}

static int reserve(struct governor *governor)
{
    if (governor->calls < governor->capacity)
        return 1;
    uint64_t capacity = governor->capacity ? 2 * governor->capacity : 16;
    struct active *active = realloc(governor->active, capacity * sizeof *active);
    if (!active)
        return 0;
    governor->active = active;
    governor->capacity = capacity;
    return 1;
}

/* Without memory for its entry a call runs all the same, only unseen. */
void governor_enter(struct governor *governor, struct treadle_call *call)
{
    pthread_mutex_lock(&governor->lock);
    if (reserve(governor)) {
        governor->active[governor->calls++] = (struct active){.call = call, .most = 1};
        retune(governor);
    }
    pthread_mutex_unlock(&governor->lock);
}

void governor_leave(struct governor *governor, struct treadle_call *call)
{
    pthread_mutex_lock(&governor->lock);
    for (uint32_t i = governor->calls; i-- > 0;) {
        if (governor->active[i].call != call)
            continue;
        call->threads_used = governor->active[i].most;
        governor->active[i] = governor->active[--governor->calls];
        retune(governor);
        break;
    }
    pthread_mutex_unlock(&governor->lock);
}

void governor_adapt(struct governor *governor)
{
    pthread_mutex_lock(&governor->lock);
    if (governor->calls)
        retune(governor);
    pthread_mutex_unlock(&governor->lock);
}

/* The count is restored with the first call: setting it here would start the library's threads
 * in a child that may never want them. */
void governor_after_fork(struct governor *governor)
{
    pthread_mutex_init(&governor->lock, NULL);
    governor->calls = 0;
}
