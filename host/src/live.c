/* SPDX-License-Identifier: BSD-3-Clause */
/* Which of the program's large calls run on B, what they took, and whether the results agree. */
#include "live.h"

#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <treadle/treadle.h>
#include <unistd.h>

#include "ab_live.h"
#include "ab_same.h"
#include "budget.h"
#include "cpus.h"
#include "error.h"
#include "live_cells.h"
#include "live_sides.h"
#include "own_path.h"
#include "profile.h"
#include "trace.h"

enum { WARNINGS = 16, SENTENCE = 400 };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
atomic_bool live_started;
static struct {
    const char *spec, *save; /* as given; "" is none */
    struct live_sides sides;
    struct ab_schedule schedule;
    uint64_t seed;
    int64_t began;
    double cost; /* seconds that the comparison has taken from the program */
    uint32_t run, warned;
    char warnings[WARNINGS][SENTENCE];
} live = {.spec = "", .save = ""};

/* ---- the variables ----------------------------------------------------------------------------
 */

static int32_t check_save(const char *save)
{
    if (!*save || *save == '/')
        return TREADLE_OK;
    return fail(TREADLE_E_INVALID, "TREADLE_AB_SAVE=%.128s: allowed is the absolute path of a file",
                save);
}

static void report(void);

static void forget(void)
{
    cells_forget();
    live.warned = 0;
    live.cost = 0;
    live.run++; /* calls that are under way now have no part in the next one */
    atomic_store(&live_started, false);
}

static void report_at_exit(void)
{
    pthread_mutex_lock(&lock);
    report();
    forget();
    pthread_mutex_unlock(&lock);
}

static int32_t start(const char *spec, const char *save)
{
    static bool registered;
    int32_t status = check_save(save);
    if (!status && *spec)
        status = live_sides_parse(spec, &live.sides);
    if (status || !*spec)
        return status;
    if (!registered && atexit(report_at_exit) == 0)
        registered = true;
    live.schedule = ab_schedule_of(live.sides.share);
    live.spec = spec;
    live.save = save;
    live.began = trace_clock();
    live.seed = (uint64_t)live.began ^ (uint64_t)getpid() << 40;
    atomic_store(&live_started, live.schedule.share > 0);
    return TREADLE_OK;
}

int32_t live_start(const char *spec, const char *save)
{
    int32_t status = TREADLE_OK;
    pthread_mutex_lock(&lock);
    if (strcmp(spec, live.spec) != 0 || strcmp(save, live.save) != 0) {
        report();
        forget();
        live.spec = "";
        status = start(spec, save);
    }
    pthread_mutex_unlock(&lock);
    return status;
}

const char *live_a(void)
{
    return *live.spec ? live.sides.a : NULL;
}

void live_fork(enum fork_step step)
{
    fork_lock(&lock, step);
    if (step == FORK_CHILD)
        forget();
}

static void warn(const struct cell *cell, const char *text)
{
    const struct ab_live_row *row = &cell->trials.row;
    if (live.warned < WARNINGS)
        snprintf(live.warnings[live.warned++], SENTENCE,
                 "TREADLE_AB: %.64s %s of %.0f: %s (A) and %s (B) differ: %.200s", row->op,
                 row->dtype, row->size, live.sides.a, live.sides.b, text);
}

/* ---- turns ------------------------------------------------------------------------------------
 */

/* Calls inside others, and of who has chosen a backend by itself, are left alone. */
static bool is_concerned(void)
{
    const struct plan *plan = policy_process_plan();
    return !budget_nested() && !policy_in_thread() && plan &&
           strcmp(policy_spec(plan), live.sides.a) == 0;
}

/* Of the program's time half of the share at most: it has other losses, such as colder caches. */
static double left_to_spend(int64_t now)
{
    return 0.5 * live.schedule.share * 1e-9 * (double)(now - live.began) - live.cost;
}

static void begin(struct live_call *call, struct kind *kind, double size)
{
    int64_t now = trace_clock();
    kind->callers = budget_callers_at(now);
    pthread_mutex_lock(&lock);
    struct cell *cell = live_on() && is_concerned() ? cells_find(kind, size) : NULL;
    if (cell) {
        *call = (struct live_call){.plan_b = live.sides.plan_b, .size = size, .run = live.run};
        call->turn = ab_trials_begin(&cell->trials, &live.schedule, left_to_spend(now), &live.seed);
        call->cell = call->turn.part == AB_NO_PART ? NULL : cell;
    }
    pthread_mutex_unlock(&lock);
}

/* Does B, by its name, carry the call itself? Lists and rules say who does. */
static bool is_b_itself(const char *spec, const struct candidate *candidate)
{
    const char *id = candidate->backend->table.id;
    size_t length = strcspn(spec, ":");
    bool is_name = !strpbrk(spec, "=;") && !(length == 4 && strncmp(spec, "auto", 4) == 0);
    return !is_name || (strlen(id) == length && strncmp(id, spec, length) == 0);
}

/* NULL: others would stand in for B. */
static const struct entry *entry_of_b(const struct plan *plan, const struct entry *entry,
                                      const struct treadle_array *args)
{
    const struct op *op = entry->op;
    const struct entry *other = policy_known(plan, op->name, args, entry->nargs, entry->nin);
    if (!other)
        other = policy_entry(plan, op, args, entry->nargs, entry->nin);
    return other && is_b_itself(policy_spec(plan), &other->candidates[0]) ? other : NULL;
}

/* The call has no part after all: B does not have the operation, or the outputs are too large to
 * be there twice. */
static void leave(struct live_call *call, bool too_large)
{
    pthread_mutex_lock(&lock);
    if (call->run == live.run && too_large)
        call->cell->trials.checkable = false;
    else if (call->run == live.run)
        call->cell->trials.over = true;
    pthread_mutex_unlock(&lock);
    call->cell = NULL;
}

const struct entry *live_entry(struct live_call *call, const struct entry *entry,
                               const struct treadle_array *args, double elements)
{
    call->cell = NULL;
    call->beside = NULL;
    if (!live_on())
        return entry;
    const struct op *op = entry->op;
    struct kind kind = {.op = op->name,
                        .known = op,
                        .unit = op->class == OP_LOOP ? 0 : entry->unit,
                        .dtype = op->class == OP_LOOP ? 0 : dtype_number(args[0].dtype)};
    begin(call, &kind, elements);
    bool check = call->cell && call->turn.part == AB_CHECKED;
    if (!call->cell || !(call->turn.b || check))
        return entry;
    const struct entry *other = entry_of_b(call->plan_b, entry, args);
    if (!other) {
        leave(call, false);
        return entry;
    }
    if (!check)
        return other;
    call->beside = beside_create(other, args);
    if (!call->beside)
        leave(call, true);
    return entry;
}

const struct plan *live_plan(struct live_call *call, const struct plan *plan, const char *name,
                             double flops)
{
    call->cell = NULL;
    call->beside = NULL;
    if (!live_on())
        return plan;
    struct kind kind = {.op = name};
    begin(call, &kind, flops);
    return call->cell && call->turn.b ? call->plan_b : plan;
}

/* ---- times and checks -------------------------------------------------------------------------
 */

static void end_check(struct live_call *call, int32_t status)
{
    struct beside *beside = call->beside;
    struct cell *cell = call->cell;
    char text[SENTENCE];
    int64_t begin = trace_clock();
    bool declined = beside->fallbacks > 0 || beside->status == TREADLE_E_UNSUPPORTED;
    bool agree = declined || beside_agrees(beside, status, text, sizeof text);
    double seconds = 1e-9 * (double)(trace_clock() - begin + beside->nanoseconds);
    beside_destroy(beside);
    pthread_mutex_lock(&lock);
    if (call->run == live.run) {
        live.cost += seconds;
        cell->trials.row.checks += !declined && agree;
        if (!agree && !cell->wrong)
            warn(cell, text);
        cell->wrong |= !agree;
        cell->trials.over |= declined || !agree;
    }
    pthread_mutex_unlock(&lock);
}

static void note_side(struct ab_live_side *side, const char *backend, uint32_t threads)
{
    side->backend = backend;
    side->threads = threads > side->threads ? threads : side->threads;
}

/* Under the lock. */
static void note(const struct live_call *call, int64_t nanoseconds, const char *backend,
                 uint32_t threads)
{
    struct ab_trials *trials = &call->cell->trials;
    double seconds = 1e-9 * (double)(nanoseconds > 0 ? nanoseconds : 1);
    double scale = call->size > 0 ? trials->row.size / call->size : 1;
    note_side(call->turn.b ? &trials->row.b : &trials->row.a, backend, threads);
    live.cost += ab_trials_end(trials, &call->turn, seconds * scale, &live.seed) / scale;
}

void live_end(struct live_call *call, int32_t status, int64_t nanoseconds, const char *backend,
              uint32_t threads, uint32_t fallbacks)
{
    if (!call->cell)
        return;
    if (call->beside) {
        end_check(call, status);
        return;
    }
    pthread_mutex_lock(&lock);
    if (call->run == live.run) {
        if (status || (call->turn.b && fallbacks > 0))
            ab_trials_lose(&call->cell->trials, &call->turn);
        else
            note(call, nanoseconds, backend, threads);
    }
    pthread_mutex_unlock(&lock);
}

/* ---- the end ----------------------------------------------------------------------------------
 */

/** What ab_live.h takes, and the rows and sentences that it points to. */
struct findings {
    const struct ab_live_row *rows[CELLS_MOST];
    const char *warnings[WARNINGS];
    char cpu[128];
    struct ab_live found;
};

/* Under the lock, until `to` is no longer looked at. */
static void gather(struct findings *to)
{
    struct ab_live *found = &to->found;
    profile_cpu(to->cpu, sizeof to->cpu);
    *found = (struct ab_live){.a = live.sides.a,
                              .b = live.sides.b,
                              .share = live.schedule.share,
                              .level = ab_trials_level,
                              .same = ab_trials_same,
                              .cpu = to->cpu,
                              .version = treadle_version(),
                              .cores = cpus_available(),
                              .rows = to->rows,
                              .warnings = to->warnings};
    found->count = cells_rows(to->rows);
    for (; found->warned < live.warned; found->warned++)
        to->warnings[found->warned] = live.warnings[found->warned];
}

/* Under the lock. */
static void report(void)
{
    struct findings findings;
    char path[PATH_MAX];
    if (!live_on())
        return;
    gather(&findings);
    if (*live.save && own_path(live.save, path, sizeof path) && ab_live_save(path, &findings.found))
        return;
    if (*live.save)
        fprintf(stderr, "treadle: TREADLE_AB_SAVE=%s: cannot be written: %s\n", live.save,
                strerror(errno));
    ab_live_print(stderr, &findings.found);
}

int32_t treadle_ab_save(const char *path)
{
    struct findings findings;
    if (!path || *path != '/')
        return fail(TREADLE_E_INVALID, "path: \"%.128s\" is not the absolute path of a file",
                    path ? path : "(NULL)");
    if (!live_on())
        return fail(TREADLE_E_INVALID, "TREADLE_AB is not set: nothing is compared");
    pthread_mutex_lock(&lock);
    gather(&findings);
    bool saved = ab_live_save(path, &findings.found);
    int reason = errno;
    pthread_mutex_unlock(&lock);
    return saved ? TREADLE_OK
                 : fail(TREADLE_E_FAILED, "%.256s: cannot be written: %s", path, strerror(reason));
}
