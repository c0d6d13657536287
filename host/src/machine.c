/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The cores of the machine, shared among the processes of a user. Each shows in its slot of the
 * table (table.h) what it would like, and reckons from all slots what it may have; as all reckon
 * alike, nobody has to agree with anybody. What it found holds for a millisecond, the lease.
 */
#include "machine.h"

#include <fcntl.h>
#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cpus.h"
#include "table.h"
#include "trace.h"

static const int64_t LEASE_NS = 1000000;
static const int64_t REFRESH_NS = 2000000000; /* of what changes rarely; and after a failure */

/*
 * A process that was active is taken for active for as long as its last call took: of two that
 * call in loops, each would else take all cores in the other's pauses. 10 ms is longer than the
 * scheduler keeps a process waiting between two calls, 100 ms is as long as cores may lie idle.
 */
static const int64_t LINGER_NS_MIN = 10000000, LINGER_NS_MAX = 100000000;

/* How old the knowledge of a neighbour's life may be. Asking costs system calls, so that of many
 * only a few are asked in one lease. */
static const int64_t ALIVE_NS = 20000000;
enum { ASKED_PER_LEASE = 4 };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* of all that follows, but atomics */
static const char *folder = "/dev/shm";
static bool wanted_by_user;
static char reason[TABLE_REASON];
static int64_t leased_at, refreshed_at;
static uint32_t demand_before;
static struct neighbour {
    int64_t asked_at, since;
    uint64_t state, calls; /* then */
    bool counts;           /* alive, and not stopped */
} neighbours[TABLE_SLOTS];
static uint64_t mask[CPUS_WORDS]; /* as in the own slot */

static _Alignas(64) _Atomic int64_t lease_end = INT64_MAX;
static _Atomic uint32_t lease_cores = UINT32_MAX;
static struct slot *_Atomic slot;             /* the own one; NULL: alone */
static const _Atomic uint64_t *_Atomic calls; /* budget.c's word */
static _Alignas(64) _Atomic uint32_t demand_now;

#define LOAD(field) atomic_load_explicit(&(field), memory_order_relaxed)
#define STORE(field, value) atomic_store_explicit(&(field), (value), memory_order_relaxed)

/* ---- what others may know ---------------------------------------------------------------------
 */

void machine_show(void)
{
    struct slot *mine = LOAD(slot);
    const _Atomic uint64_t *state = LOAD(calls);
    if (!mine)
        return;
    /* Whoever stores an old value sees that it is old, and stores again. */
    uint64_t now;
    do {
        now = atomic_load(state);
        atomic_store(&mine->state, now);
    } while (atomic_load(state) != now);
}

void machine_note(int64_t core_ns, int64_t begin, int64_t end)
{
    struct slot *mine = LOAD(slot);
    if (!mine)
        return;
    int64_t linger = end - begin;
    linger = linger < LINGER_NS_MIN   ? LINGER_NS_MIN
             : linger > LINGER_NS_MAX ? LINGER_NS_MAX
                                      : linger;
    int64_t until = LOAD(mine->busy_until);
    if (until < end + linger || until > end + LINGER_NS_MAX)
        STORE(mine->busy_until, end + linger);
    atomic_fetch_add_explicit(&mine->calls, 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&mine->core_ns, (uint64_t)core_ns, memory_order_relaxed);
}

static void refresh(struct slot *mine, uint32_t own)
{
    uint64_t group, sum = 0;
    uint32_t count = cpus_mask(mask);
    (void)cpus_quota_cores(&group);
    for (int i = 0; i < CPUS_WORDS; i++) {
        STORE(mine->mask[i], mask[i]);
        sum = (sum ^ mask[i]) * UINT64_C(0x9e3779b97f4a7c15);
        sum ^= sum >> 29;
    }
    STORE(mine->mask_sum, sum);
    STORE(mine->mask_count, count);
    STORE(mine->group, group);
    STORE(mine->cores, own);
}

uint64_t machine_process_space(void)
{
    struct stat status;
    return stat("/proc/self/ns/pid", &status) == 0 ? status.st_ino : 0;
}

static void introduce(struct slot *mine, int64_t now)
{
    uint64_t command[TABLE_COMMAND / 8] = {0};
    FILE *file = fopen("/proc/self/comm", "re");
    if (file) {
        char *text = (char *)command;
        if (fgets(text, sizeof command, file))
            text[strcspn(text, "\n")] = '\0';
        fclose(file);
    }
    for (int i = 0; i < TABLE_COMMAND / 8; i++)
        STORE(mine->command[i], command[i]);
    STORE(mine->pid_space, machine_process_space());
    STORE(mine->since, now);
    STORE(mine->pid, getpid());
}

/* ---- dealing ----------------------------------------------------------------------------------
 */

uint32_t machine_deal(double total, const double *demands, uint32_t count, uint32_t me)
{
    double fair = total / count, rest = total;
    uint32_t open = count;
    for (;;) {
        double taken = 0;
        uint32_t content = 0;
        for (uint32_t i = 0; i < count; i++)
            if (demands[i] <= fair)
                taken += demands[i], content++;
        open = count - content;
        rest = total - taken;
        if (open == 0 || rest / open <= fair)
            break;
        fair = rest / open;
    }
    double cores = floor(demands[me]);
    if (demands[me] > fair) {
        cores = floor(fair);
        uint32_t more = (uint32_t)(rest - cores * open), before = 0;
        for (uint32_t i = 0; i < me; i++)
            before += demands[i] > fair;
        cores += before < more;
    }
    return cores < 1 ? 1 : (uint32_t)cores;
}

/* Which part of the cores that `other` may run on are ours, too. */
static double overlap(const struct slot *mine, const struct slot *other)
{
    if (LOAD(other->mask_sum) == LOAD(mine->mask_sum))
        return 1;
    uint32_t common = 0, count = LOAD(other->mask_count);
    for (int i = 0; i < CPUS_WORDS; i++)
        common += (uint32_t)__builtin_popcountll(LOAD(other->mask[i]) & mask[i]);
    return count == 0 || common >= count ? 1 : (double)common / count;
}

static bool is_active(const struct slot *other, int64_t now)
{
    int64_t until = LOAD(other->busy_until);
    return LOAD(other->state) >> 32 || (now < until && until <= now + LINGER_NS_MAX);
}

/* By Ctrl-Z or a debugger. In another name space of process ids nobody can tell. */
static bool is_stopped(const struct slot *mine, const struct slot *other)
{
    char path[32], text[256];
    if (LOAD(other->pid_space) != LOAD(mine->pid_space))
        return false;
    snprintf(path, sizeof path, "/proc/%d/stat", LOAD(other->pid));
    int file = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t length = file < 0 ? 0 : read(file, text, sizeof text - 1);
    if (file >= 0)
        close(file);
    text[length > 0 ? length : 0] = '\0';
    const char *name_end = strrchr(text, ')');
    return name_end && (strncmp(name_end, ") T", 3) == 0 || strncmp(name_end, ") t", 3) == 0);
}

/* The dead keep what they held until somebody asks the kernel; the stopped will go on with it, but
 * do not use it now. */
static bool counts(const struct slot *mine, uint32_t i, int64_t now, uint32_t *questions)
{
    const struct slot *other = table_slot(i);
    struct neighbour *known = &neighbours[i];
    struct neighbour seen = {now, LOAD(other->since), LOAD(other->state), LOAD(other->calls), true};
    bool same = known->since == seen.since;
    if (same && now - known->asked_at < ALIVE_NS && (known->counts || known->state == seen.state))
        return known->counts;
    if (*questions > 0) {
        --*questions;
        bool moves = !same || known->state != seen.state || known->calls != seen.calls;
        seen.counts = table_is_alive(i) && (moves || !is_stopped(mine, other));
        *known = seen;
    }
    return seen.counts;
}

/* The demands on one resource, in the order of the slots, which is the same for all. */
struct demands {
    double of[TABLE_SLOTS];
    uint32_t count, me;
};

static void demand(struct demands *demands, double cores, bool mine)
{
    if (mine)
        demands->me = demands->count;
    demands->of[demands->count++] = cores;
}

static uint32_t deal_now(const struct slot *mine, uint32_t own, int64_t now)
{
    struct demands cpus, quota;
    uint64_t group;
    int32_t quota_cores = cpus_quota_cores(&group);
    uint32_t end = table_end(), me = table_own(), questions = ASKED_PER_LEASE;
    if (now - leased_at > ALIVE_NS)
        questions = end; /* it comes rarely, and may take its time */
    cpus.count = quota.count = cpus.me = quota.me = 0;
    for (uint32_t i = 0; i < end; i++) {
        const struct slot *other = table_slot(i);
        if (i == me) {
            demand(&cpus, own, true);
            demand(&quota, own, true);
        } else if (is_active(other, now) && counts(mine, i, now, &questions)) {
            uint32_t held = (uint32_t)LOAD(other->state), asked = LOAD(other->wanted);
            double wanted = held > asked ? held : asked;
            demand(&cpus, overlap(mine, other) * wanted, false);
            if (group && LOAD(other->group) == group)
                demand(&quota, wanted, false);
        }
    }
    /* Threads may have other masks than the process's first, and users other numbers in mind. */
    uint32_t total = LOAD(mine->mask_count) > own ? LOAD(mine->mask_count) : own;
    uint32_t cores = machine_deal(total, cpus.of, cpus.count, cpus.me);
    if (quota_cores > 0) {
        uint32_t allowed = machine_deal(quota_cores, quota.of, quota.count, quota.me);
        cores = allowed < cores ? allowed : cores;
    }
    return cores;
}

/* ---- leases -----------------------------------------------------------------------------------
 */

static void depart(void (*way)(void))
{
    STORE(slot, NULL);
    way();
    STORE(lease_cores, UINT32_MAX);
}

/* A process that was forked past our handlers must not write to its parent's slot. */
static bool is_in_order(const struct slot *mine)
{
    if (!table_is_whole(reason)) /* first: what was cut off must not be touched */
        trace_say(1, "%s; taking part anew", reason);
    else if (LOAD(mine->pid) == getpid())
        return true;
    depart(table_abandon);
    return false;
}

static struct slot *join(uint32_t own, int64_t now)
{
    char before[TABLE_REASON];
    memcpy(before, reason, sizeof before);
    if (!table_join(folder, reason)) {
        if (strcmp(before, reason) != 0) /* it is tried again and again */
            trace_say(1, "cores are not shared with other processes: %s", reason);
        return NULL;
    }
    reason[0] = '\0';
    struct slot *mine = table_slot(table_own());
    introduce(mine, now);
    refresh(mine, own);
    refreshed_at = now;
    memset(neighbours, 0, sizeof neighbours);
    atomic_store_explicit(&slot, mine, memory_order_release);
    machine_show();
    return mine;
}

/* What is reckoned holds for all threads: whoever renews may be bound to fewer cores than others.
 */
static uint32_t cores_of_process(uint32_t own)
{
    uint32_t last = (uint32_t)cpus_last();
    return own > last ? own : last;
}

static void renew(uint32_t own, int64_t now)
{
    struct slot *mine = LOAD(slot);
    own = cores_of_process(own);
    if (!mine || !is_in_order(mine))
        mine = join(own, now);
    if (!mine) {
        STORE(lease_end, now + REFRESH_NS);
        return;
    }
    if (now - refreshed_at >= REFRESH_NS) {
        refresh(mine, own);
        refreshed_at = now;
    }
    uint32_t latest = atomic_exchange_explicit(&demand_now, 0, memory_order_relaxed);
    STORE(mine->wanted, latest > demand_before ? latest : demand_before);
    demand_before = latest;
    uint32_t cores = deal_now(mine, own, now);
    STORE(mine->share, cores);
    STORE(lease_cores, cores);
    STORE(lease_end, now + LEASE_NS);
    leased_at = now;
}

/* More than before is shown at once, less when the lease after the next one begins. */
static void ask_for(uint32_t demand)
{
    struct slot *mine = LOAD(slot);
    STORE(demand_now, demand);
    if (mine && LOAD(mine->wanted) < demand)
        STORE(mine->wanted, demand);
}

uint32_t machine_cores(uint32_t own, uint32_t demand, int64_t now)
{
    demand = demand < own ? demand : own;
    if (LOAD(demand_now) < demand)
        ask_for(demand);
    if (now >= LOAD(lease_end) && pthread_mutex_trylock(&lock) == 0) {
        if (wanted_by_user && now >= LOAD(lease_end))
            renew(own, now);
        pthread_mutex_unlock(&lock);
    }
    uint32_t cores = LOAD(lease_cores);
    return cores < own ? cores : own;
}

uint32_t machine_cores_last(void)
{
    return LOAD(lease_cores);
}

void machine_use(bool yes, const _Atomic uint64_t *state)
{
    pthread_mutex_lock(&lock);
    STORE(calls, state);
    if (wanted_by_user && !yes)
        depart(table_leave);
    wanted_by_user = yes;
    reason[0] = '\0';
    STORE(lease_end, yes ? 0 : INT64_MAX);
    pthread_mutex_unlock(&lock);
}

bool machine_shares(char *text, uint32_t capacity)
{
    pthread_mutex_lock(&lock);
    bool shares = LOAD(slot) != NULL;
    snprintf(text, capacity, "%s", shares ? "" : reason);
    pthread_mutex_unlock(&lock);
    return shares;
}

uint32_t machine_read(struct slot *slots, uint32_t capacity, char *why)
{
    pthread_mutex_lock(&lock);
    uint32_t count = table_read(folder, slots, capacity, why);
    pthread_mutex_unlock(&lock);
    return count;
}

void machine_place(const char *place)
{
    pthread_mutex_lock(&lock);
    folder = place;
    pthread_mutex_unlock(&lock);
}

void machine_fork(enum fork_step step)
{
    fork_lock(&lock, step);
    if (step != FORK_CHILD)
        return;
    depart(table_abandon);
    STORE(lease_end, wanted_by_user ? 0 : INT64_MAX);
}
