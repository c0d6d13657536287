/* SPDX-License-Identifier: BSD-3-Clause */
#include "crew.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "cli.h"
#include "stopwatch.h"

/* Members wait for each other this often before they yield: on cores that are shared, the one
 * that is waited for needs the core. */
enum { SPINS = 2000 };

struct member {
    struct crew *crew;
    pthread_t thread;
    double begin, end;
    uint32_t index;
};

struct crew {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    uint64_t round; /* of work handed out; under lock */
    bool over;
    crew_fn prepare, work;
    void *ctx;
    atomic_uint ready, done; /* members, in all rounds so far */
    uint32_t size;
    struct member members[];
};

static void wait_until(atomic_uint *counter, unsigned goal)
{
    for (int spins = 0; (int)(atomic_load(counter) - goal) < 0; spins++)
        if (spins > SPINS)
            sched_yield();
}

static void take_part(struct member *member, uint64_t round)
{
    struct crew *crew = member->crew;
    unsigned goal = (unsigned)round * crew->size;

    if (crew->prepare)
        crew->prepare(crew->ctx, member->index);
    atomic_fetch_add(&crew->ready, 1);
    wait_until(&crew->ready, goal);
    member->begin = stopwatch_now();
    crew->work(crew->ctx, member->index);
    member->end = stopwatch_now();
    atomic_fetch_add(&crew->done, 1);
}

static void *serve(void *argument)
{
    struct member *member = argument;
    struct crew *crew = member->crew;

    for (uint64_t round = 1;; round++) {
        pthread_mutex_lock(&crew->lock);
        while (crew->round < round && !crew->over)
            pthread_cond_wait(&crew->changed, &crew->lock);
        bool over = crew->over;
        pthread_mutex_unlock(&crew->lock);
        if (over)
            return NULL;
        take_part(member, round);
    }
}

struct crew *crew_create(uint32_t members)
{
    struct crew *crew = calloc(1, sizeof *crew + members * sizeof *crew->members);

    if (!crew) {
        cli_fail(CLI_FAILED, "no memory for %u threads", members);
        return NULL;
    }
    pthread_mutex_init(&crew->lock, NULL);
    pthread_cond_init(&crew->changed, NULL);
    for (crew->size = 0; crew->size < members; crew->size++) {
        struct member *member = &crew->members[crew->size];
        *member = (struct member){.crew = crew, .index = crew->size};
        if (crew->size > 0 && pthread_create(&member->thread, NULL, serve, member)) {
            cli_fail(CLI_FAILED, "only %u of %u threads could be started", crew->size, members);
            crew_destroy(crew);
            return NULL;
        }
    }
    return crew;
}

double crew_run(struct crew *crew, crew_fn prepare, crew_fn work, void *ctx)
{
    pthread_mutex_lock(&crew->lock);
    crew->prepare = prepare;
    crew->work = work;
    crew->ctx = ctx;
    uint64_t round = ++crew->round;
    pthread_cond_broadcast(&crew->changed);
    pthread_mutex_unlock(&crew->lock);

    take_part(&crew->members[0], round);
    wait_until(&crew->done, (unsigned)round * crew->size);

    double begin = crew->members[0].begin, end = crew->members[0].end;
    for (uint32_t i = 1; i < crew->size; i++) {
        if (crew->members[i].begin < begin)
            begin = crew->members[i].begin;
        if (crew->members[i].end > end)
            end = crew->members[i].end;
    }
    return end - begin;
}

void crew_destroy(struct crew *crew)
{
    if (!crew)
        return;
    pthread_mutex_lock(&crew->lock);
    crew->over = true;
    pthread_cond_broadcast(&crew->changed);
    pthread_mutex_unlock(&crew->lock);
    for (uint32_t i = 1; i < crew->size; i++)
        pthread_join(crew->members[i].thread, NULL);
    pthread_cond_destroy(&crew->changed);
    pthread_mutex_destroy(&crew->lock);
    free(crew);
}
