/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * threads.*: who works, by what the kernel has counted for each thread. A thread that has run has a
 * longer run time; one that was woken has more time slices.
 */
#include <dirent.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "check.h"
#include "check_example.h"
#include "check_tests.h"
#include "stopwatch.h"

enum { TASKS_MAX = 512, ATTEMPTS = 3, CALLS = 50, CALLERS = 4 };

/* Large enough that threads are worth it to any plugin. */
static const int64_t large = 400000;

/* Workers that spin after a call have gone to sleep after this long, or never will. */
static const double settle_seconds = 3;
static const struct timespec quiet_time = {.tv_nsec = 20000000};

/* So much of the wall time is no accident. */
static const double worked_share = 0.3;
static const double batch_seconds = 0.05;

/* Callers go on for so long: they meet, also on cores that are shared. */
static const double together_seconds = 0.01;

/* Of others, per call: below it is the time between two looks at a clock. */
static const double idle_seconds = 1e-6;

/** What the kernel says of all threads but the calling one. */
struct tasks {
    double seconds; /* of them all, those that have ended too */
    size_t count;
    struct task {
        long id;
        uint64_t ran, slices; /* nanoseconds; times it got a core */
    } all[TASKS_MAX];
};

static double seconds_of(clockid_t clock)
{
    struct timespec now;

    clock_gettime(clock, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

/** False if this kernel does not count. */
static bool read_tasks(struct tasks *tasks)
{
    DIR *folder = opendir("/proc/self/task");
    char path[64];

    tasks->count = 0;
    tasks->seconds = seconds_of(CLOCK_PROCESS_CPUTIME_ID) - seconds_of(CLOCK_THREAD_CPUTIME_ID);
    for (struct dirent *entry; folder && (entry = readdir(folder));) {
        struct task task = {.id = atol(entry->d_name)};
        uint64_t waited;
        if (task.id == 0 || task.id == syscall(SYS_gettid) || tasks->count == TASKS_MAX)
            continue;
        snprintf(path, sizeof path, "/proc/self/task/%ld/schedstat", task.id);
        FILE *file = fopen(path, "re");
        if (!file)
            continue;
        if (fscanf(file, "%" SCNu64 " %" SCNu64 " %" SCNu64, &task.ran, &waited, &task.slices) == 3)
            tasks->all[tasks->count++] = task;
        fclose(file);
    }
    if (folder)
        closedir(folder);
    return folder && !access("/proc/self/schedstat", R_OK);
}

static const struct task *find_task(const struct tasks *tasks, long id)
{
    static const struct task none;

    for (size_t i = 0; i < tasks->count; i++)
        if (tasks->all[i].id == id)
            return &tasks->all[i];
    return &none;
}

/** What has happened between two looks. */
struct work {
    uint32_t threads, woken;
    double seconds;
};

static struct work work_between(const struct tasks *before, const struct tasks *after)
{
    struct work work = {.seconds = after->seconds - before->seconds};

    for (size_t i = 0; i < after->count; i++) {
        const struct task *now = &after->all[i], *then = find_task(before, now->id);
        work.threads += now->ran > then->ran || now->slices > then->slices;
        work.woken += now->slices > then->slices;
    }
    return work;
}

/** Wait until no other thread runs any more. */
static bool settle(void)
{
    static struct tasks before, after;
    double until = stopwatch_now() + settle_seconds;

    do {
        read_tasks(&before);
        nanosleep(&quiet_time, NULL);
        read_tasks(&after);
        if (work_between(&before, &after).threads == 0)
            return true;
    } while (stopwatch_now() < until);
    return false;
}

static bool begin(void)
{
    static struct tasks tasks;

    if (!check_plugin_create())
        return false;
    if (read_tasks(&tasks))
        return true;
    check_skip("the kernel does not count how long threads run");
    return false;
}

/* ---- threads.one ---------------------------------------------------------------------------- */

static struct work work_of_calls(struct check_example *e, uint32_t threads)
{
    static struct tasks before, after;

    read_tasks(&before);
    for (int i = 0; i < CALLS; i++)
        check_example_run(e, threads, NULL);
    read_tasks(&after);
    return work_between(&before, &after);
}

static void try_one(struct check_example *e)
{
    struct work work = {0};

    for (int i = 0; i < ATTEMPTS; i++) {
        check_example_run(e, 4, NULL); /* whatever threads it keeps are there now */
        if (!settle()) {
            check_fail_here("threads still run %g s after the call", settle_seconds);
            return;
        }
        work = work_of_calls(e, 1);
        if (work.woken == 0 && work.seconds < CALLS * idle_seconds)
            return;
    }
    check_fail_here("other threads ran, for %.1f us a call", 1e6 * work.seconds / CALLS);
}

void check_one_thread(void)
{
    if (begin())
        check_each_name(20000, try_one);
}

/* ---- threads.limit -------------------------------------------------------------------------- */

static void try_limit(struct check_example *e)
{
    static struct tasks before, after;
    uint32_t more = 0;

    for (uint32_t threads = 2; threads <= 3 && !check_has_failed(); threads++)
        for (int i = 0; i < ATTEMPTS; i++) {
            settle();
            read_tasks(&before);
            check_example_run(e, threads, NULL);
            read_tasks(&after);
            more = work_between(&before, &after).threads;
            if (more < threads)
                break;
            if (i == ATTEMPTS - 1)
                check_fail_here("%u threads besides the caller were at work", more);
        }
}

void check_thread_limit(void)
{
    if (begin())
        check_each_name(large, try_limit);
}

/* ---- threads.used --------------------------------------------------------------------------- */

static void try_used(struct check_example *e)
{
    static struct tasks before, after;
    uint32_t used = 1, most = 1, started = check_host_threads();
    double start, seconds;
    int inside = 0;

    settle();
    read_tasks(&before);
    start = stopwatch_now();
    do {
        check_example_run(e, 4, &used);
        most = used > most ? used : most;
        if (atomic_load(&e->most_inside) > (int)used)
            inside = atomic_load(&e->most_inside);
        seconds = stopwatch_now() - start;
    } while (seconds < batch_seconds);
    read_tasks(&after);

    struct work work = work_between(&before, &after);
    if (inside)
        check_fail_here("threads_used is %u, but %d were in the loop's function at once", used,
                        inside);
    else if (most > 1 && work.threads == 0 && check_host_threads() == started)
        check_fail_here("threads_used is %u, but no other thread has run", most);
    else if (most == 1 && work.seconds > worked_share * seconds)
        check_fail_here("threads_used is 1, but others worked for %.0f ms of %.0f",
                        1e3 * work.seconds, 1e3 * seconds);
}

void check_threads_used(void)
{
    if (begin())
        check_each_name(large, try_used);
}

/* ---- threads.reentrant ---------------------------------------------------------------------- */

/** One of several callers, on operands of its own. */
struct caller {
    pthread_t thread;
    struct check_example e;
    const struct check_example *expected;
    pthread_barrier_t *start;
    uint32_t threads;
};

static void call_once(struct caller *caller)
{
    struct check_example *e = &caller->e;
    bool exact = e->op->kernel.flags & TREADLE_KERNEL_EXACT;

    for (uint32_t k = e->nin; k < e->nargs; k++)
        check_array_reset(&e->arrays[k]);
    if (check_example_run(e, caller->threads, NULL) != TREADLE_OK)
        check_fail("%s: fails when %d threads call at once", check_op_text(e->op), CALLERS);
    else if (!(exact ? check_example_same : check_example_close)(caller->expected, e))
        check_fail("%s: gives another result when %d threads call at once", check_op_text(e->op),
                   CALLERS);
}

static void *call_often(void *argument)
{
    struct caller *caller = argument;

    pthread_barrier_wait(caller->start);
    double until = stopwatch_now() + together_seconds;
    do
        call_once(caller);
    while (stopwatch_now() < until && !check_has_failed());
    return NULL;
}

static void try_reentrant(struct check_example *e)
{
    static struct caller callers[CALLERS];
    pthread_barrier_t start;

    pthread_barrier_init(&start, NULL, CALLERS);
    for (uint32_t i = 0; i < CALLERS; i++) {
        callers[i].expected = e;
        callers[i].start = &start;
        callers[i].threads = 1 + i % 3;
        check_example_init(&callers[i].e, e->op, check_array_count(&e->arrays[0]));
    }
    for (int i = 0; i < CALLERS; i++)
        if (pthread_create(&callers[i].thread, NULL, call_often, &callers[i])) {
            check_fail("no thread could be started to call it");
            exit(EXIT_FAILURE);
        }
    for (int i = 0; i < CALLERS; i++) {
        pthread_join(callers[i].thread, NULL);
        check_example_finish(&callers[i].e);
    }
    pthread_barrier_destroy(&start);
}

void check_reentrant(void)
{
    if (check_plugin_create())
        check_each_example(10000, try_reentrant);
}
