/* SPDX-License-Identifier: BSD-3-Clause */
#include "pool.h"

#include <fenv.h>
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "budget.h"
#include "thread.h"
#include "trace.h"

/*
 * How long a thread spins before it sleeps. Waking one that sleeps costs its caller 5 us and takes
 * 50 us; between two regions of a LAPACK call there are some tens. Nobody spins while callers and
 * threads awake are more than the cores: it would take one from somebody who has work.
 */
static const int64_t SPIN_NS = 200000, JOIN_SPIN_NS = 50000;
enum { PAUSES = 64 };

struct team {
    treadle_member_fn fn;
    void *ctx;
    uint32_t size;
    fenv_t env;
    _Alignas(64) _Atomic uint32_t running; /* members but the caller; a futex */
    atomic_int raised;
};

/* Added to team.running while the caller sleeps. */
static const uint32_t JOINING = UINT32_C(1) << 31;

enum worker_state { WAITING, ASLEEP, CALLED };

struct worker {
    _Alignas(64) _Atomic uint32_t state; /* enum worker_state; a futex */
    uint32_t member;
    struct team *team;
    struct worker *next;
    _Atomic pid_t thread; /* 0: not yet known */
    _Atomic int cpu;      /* where it is, or fell asleep */
    bool moved;           /* `allowed` is to be put back */
    cpu_set_t allowed;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct worker *idle; /* the last to finish first: its caches are warm */
static _Alignas(64) _Atomic uint32_t awake;

/* ---- waiting --------------------------------------------------------------------------------- */

static void futex_wait(_Atomic uint32_t *word, uint32_t value)
{
    syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, value, NULL, NULL, 0);
}

static void futex_wake(_Atomic uint32_t *word)
{
    syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
}

static void pause_a_little(void)
{
    for (int i = 0; i < PAUSES; i++) {
#if defined(__x86_64__)
        __builtin_ia32_pause();
#elif defined(__aarch64__)
        __asm__ volatile("yield");
#endif
    }
}

static bool core_to_spare(void)
{
    return budget_callers() + atomic_load_explicit(&awake, memory_order_relaxed) <= budget_cores();
}

static bool called_while_spinning(struct worker *self)
{
    int64_t end = trace_clock() + SPIN_NS;
    do {
        atomic_store_explicit(&self->cpu, sched_getcpu(), memory_order_relaxed);
        if (atomic_load_explicit(&self->state, memory_order_acquire) == CALLED)
            return true;
        pause_a_little();
    } while (core_to_spare() && trace_clock() < end);
    return false;
}

static void sleep_until_called(struct worker *self)
{
    uint32_t expected = WAITING;
    atomic_fetch_sub(&awake, 1);
    if (atomic_compare_exchange_strong(&self->state, &expected, ASLEEP))
        while (atomic_load_explicit(&self->state, memory_order_acquire) == ASLEEP)
            futex_wait(&self->state, ASLEEP);
    atomic_fetch_add(&awake, 1);
}

/* ---- a worker -------------------------------------------------------------------------------- */

static void run_member(const struct worker *self)
{
    struct team *team = self->team;
    fesetenv(&team->env);
    feclearexcept(FE_ALL_EXCEPT);
    team->fn(team->ctx, self->member, team->size);
    int raised = fetestexcept(FE_ALL_EXCEPT);
    if (raised)
        atomic_fetch_or(&team->raised, raised);
    /* The caller may leave, and the team be gone, as soon as the count is down. */
    _Atomic uint32_t *running = &team->running;
    if (atomic_fetch_sub(running, 1) == (JOINING | 1))
        futex_wake(running);
}

__attribute__((noreturn)) static void *work(void *arg)
{
    struct worker *self = arg;
    atomic_store_explicit(&self->thread, (pid_t)syscall(SYS_gettid), memory_order_relaxed);
    budget_be_nested();
    for (;;) {
        if (!called_while_spinning(self))
            sleep_until_called(self);
        atomic_store_explicit(&self->state, WAITING, memory_order_relaxed);
        if (self->moved)
            self->moved = sched_setaffinity(0, sizeof self->allowed, &self->allowed) != 0;
        run_member(self);
    }
}

static bool start(struct worker *worker)
{
    atomic_fetch_add(&awake, 1);
    bool started = thread_start(work, worker);
    if (!started)
        atomic_fetch_sub(&awake, 1);
    return started;
}

static struct worker *hire(void)
{
    struct worker *worker = aligned_alloc(_Alignof(struct worker), sizeof *worker);
    if (!worker)
        return NULL;
    *worker = (struct worker){.state = WAITING, .cpu = -1};
    if (start(worker))
        return worker;
    free(worker);
    return NULL;
}

/* ---- a team -----------------------------------------------------------------------------------
 */

static void release(struct worker *first, struct worker *last)
{
    pthread_mutex_lock(&lock);
    last->next = idle;
    idle = first;
    pthread_mutex_unlock(&lock);
}

/* Up to `wanted` of those that wait, as a list. */
static struct worker *take_idle(uint32_t wanted, uint32_t *taken)
{
    struct worker *first = NULL;
    pthread_mutex_lock(&lock);
    for (*taken = 0; *taken < wanted && idle; ++*taken) {
        struct worker *worker = idle;
        idle = worker->next;
        worker->next = first;
        first = worker;
    }
    pthread_mutex_unlock(&lock);
    return first;
}

static struct worker *last_of(struct worker *worker)
{
    while (worker->next)
        worker = worker->next;
    return worker;
}

/* A list of exactly `wanted`, or NULL. */
static struct worker *gather(uint32_t wanted)
{
    uint32_t taken;
    struct worker *first = take_idle(wanted, &taken);
    for (; taken < wanted; taken++) {
        struct worker *worker = hire();
        if (!worker) {
            if (first)
                release(first, last_of(first));
            return NULL;
        }
        worker->next = first;
        first = worker;
    }
    return first;
}

/*
 * The kernel likes to wake a thread on the core of the one that wakes it, even if others are idle:
 * 287 of 300 times on a virtual machine with two cores. There it waits behind the caller, 1 ms and
 * more, until queues are balanced. So it is kept off that core until it runs.
 */
static void keep_off(struct worker *worker, int cpu)
{
    const pid_t thread = atomic_load_explicit(&worker->thread, memory_order_relaxed);
    if (cpu < 0 || cpu >= CPU_SETSIZE || thread == 0 || /* which would be the caller */
        sched_getaffinity(thread, sizeof worker->allowed, &worker->allowed))
        return;
    cpu_set_t others = worker->allowed;
    CPU_CLR((size_t)cpu, &others);
    worker->moved = sched_setaffinity(thread, sizeof others, &others) == 0;
}

static void call(struct worker *worker, struct team *team, uint32_t member, int cpu)
{
    worker->team = team;
    worker->member = member;
    if (atomic_load_explicit(&worker->state, memory_order_relaxed) == ASLEEP ||
        atomic_load_explicit(&worker->cpu, memory_order_relaxed) == cpu)
        keep_off(worker, cpu);
    if (atomic_exchange(&worker->state, CALLED) == ASLEEP)
        futex_wake(&worker->state);
}

static void join(struct team *team)
{
    int64_t end = trace_clock() + JOIN_SPIN_NS;
    while (atomic_load_explicit(&team->running, memory_order_acquire)) {
        pause_a_little();
        if (trace_clock() > end)
            break;
    }
    uint32_t running = atomic_load_explicit(&team->running, memory_order_acquire);
    while (running) {
        if (running & JOINING)
            futex_wait(&team->running, running);
        else if (atomic_compare_exchange_weak(&team->running, &running, running | JOINING))
            futex_wait(&team->running, running | JOINING);
        running = atomic_load_explicit(&team->running, memory_order_acquire);
        if (running == JOINING)
            return;
    }
}

uint32_t pool_run(uint32_t threads, treadle_member_fn fn, void *ctx)
{
    struct worker *first = threads > 1 ? gather(threads - 1) : NULL;
    if (!first) {
        fn(ctx, 0, 1);
        return 1;
    }
    struct team team = {.fn = fn, .ctx = ctx, .size = threads, .running = threads - 1};
    fegetenv(&team.env);
    int cpu = sched_getcpu();
    uint32_t member = 1;
    for (struct worker *worker = first; worker; worker = worker->next)
        call(worker, &team, member++, cpu);
    fn(ctx, 0, threads);
    join(&team);
    int raised = atomic_load(&team.raised);
    if (raised)
        feraiseexcept(raised);
    release(first, last_of(first));
    return threads;
}

void pool_fork(enum fork_step step)
{
    fork_lock(&lock, step);
    if (step == FORK_CHILD) {
        idle = NULL; /* its threads are gone; what they held is lost, once per fork */
        atomic_store(&awake, 0);
    }
}
