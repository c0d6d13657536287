/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Which backend, and how many threads a call is worth.
 *
 * A plan is the parsed choice of backends; an entry is what the plan means for one op and its
 * types. Entries are built at first use and published by one pointer, so that a call only reads.
 */
#include "policy.h"

#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <treadle/treadle.h>

#include "cpus.h"
#include "error.h"
#include "loader.h"
#include "profile.h"
#include "spec.h"

/*
 * Built-in costs, conservative on any machine. Units: bytes moved, flops, nanoseconds.
 * docs/design.md, "Thresholds", has the measurements.
 */
#define MANY 4096.0
static const struct cost built_in[OP_CLASSES] = {
    [OP_ELEMENTWISE] = {.start = 17e3, .each = 1800, .unit = 0.04, .spread = MANY},
    [OP_REDUCTION] = {.start = 17e3, .each = 1800, .unit = 0.056, .spread = MANY},
    [OP_DOT] = {.call = 60, .start = 17e3, .each = 1800, .unit = 0.028, .spread = MANY},
    [OP_MATMUL] = {.call = 600, .start = 23e3, .each = 3000, .unit = 0.014, .spread = MANY},
    [OP_LINALG] = {.start = 23e3, .each = 3000, .unit = 0.014, .spread = MANY},
    [OP_LOOP] = {.start = 16.5e3, .each = 1800, .unit = 1, .spread = MANY},
    [OP_OTHER] = {.unit = 1, .spread = MANY},
};

/*
 * The same by plain loops: a product of up to 18 x 18, or a dot of up to 140 elements, is done
 * before BLIS has found its kernel and packed the operands.
 */
static const struct cost plain[OP_CLASSES] = {
    [OP_DOT] = {.call = 20, .unit = 0.046, .spread = 1},
    [OP_MATMUL] = {.call = 100, .unit = 0.06, .spread = 1},
};

/* Without a hint a loop is taken for one that moves its bytes at 10 GB/s. */
static const double LOOP_NS_PER_BYTE = 0.1;

enum { SLOTS = 1024 };

struct plan {
    struct plan *next;
    const char *text;
    bool stale; /* plugins were added since */
    struct spec spec;
    struct entry *_Atomic slots[SLOTS];
};

static const struct plan *_Atomic process_plan;
static _Thread_local const struct plan *thread_plan;
static _Atomic int64_t min_elements;
static _Atomic int32_t blas_threads;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct plan *plans;

const struct plan *policy_process_plan(void)
{
    return atomic_load_explicit(&process_plan, memory_order_acquire);
}

const struct plan *policy_plan(void)
{
    const struct plan *own = thread_plan;
    return own ? own : policy_process_plan();
}

const char *policy_spec(const struct plan *plan)
{
    return plan->text;
}

void policy_use(const struct plan *plan)
{
    atomic_store_explicit(&process_plan, plan, memory_order_release);
}

void policy_use_in_thread(const struct plan *plan)
{
    thread_plan = plan;
}

const struct plan *policy_in_thread(void)
{
    return thread_plan;
}

void policy_set_min(int64_t elements)
{
    atomic_store(&min_elements, elements);
}

void policy_set_blas_threads(int32_t threads)
{
    atomic_store(&blas_threads, threads);
}

static struct plan *parse(const char *spec, const char *source)
{
    struct plan *plan = calloc(1, sizeof *plan);
    char *copy = strdup(spec);
    if (!plan || !copy) {
        fail(TREADLE_E_NOMEM, "%s=%.128s: no memory", source, spec);
        free(copy);
        free(plan);
        return NULL;
    }
    plan->text = copy;
    if (spec_parse(&plan->spec, copy, source) == TREADLE_OK)
        return plan;
    free(copy);
    free(plan);
    return NULL;
}

const struct plan *policy_parse(const char *spec, const char *source)
{
    pthread_mutex_lock(&lock);
    struct plan *plan = plans;
    while (plan && (plan->stale || strcmp(plan->text, spec) != 0))
        plan = plan->next;
    if (!plan && (plan = parse(spec, source))) {
        plan->next = plans;
        plans = plan;
    }
    pthread_mutex_unlock(&lock);
    return plan;
}

void policy_refresh(void)
{
    pthread_mutex_lock(&lock);
    for (struct plan *plan = plans; plan; plan = plan->next)
        plan->stale = true; /* calls and threads may be using it */
    pthread_mutex_unlock(&lock);
}

void policy_fork(enum fork_step step)
{
    fork_lock(&lock, step);
}

/* ---- entries -------------------------------------------------------------------------------- */

static uint32_t least_cap(uint32_t a, uint32_t b)
{
    return a == 0 || (b != 0 && b < a) ? b : a;
}

static bool ask(const struct choice *choice, const struct treadle_query *query,
                struct candidate *candidate)
{
    const struct treadle_plugin *table = &choice->backend->table;
    *candidate = (struct candidate){.backend = choice->backend};
    candidate->kernel.struct_size = sizeof candidate->kernel;
    if (!choice->backend->usable ||
        table->find_kernel(choice->backend->state, query, &candidate->kernel) != TREADLE_OK ||
        !candidate->kernel.run)
        return false;
    if (!candidate->kernel.variant)
        candidate->kernel.variant = "";
    candidate->threads_cap = least_cap(choice->threads_cap, candidate->kernel.threads_useful);
    return true;
}

static double unit_of(const struct op *op, const struct treadle_array *args, uint32_t nargs)
{
    double bytes = 0;
    switch ((enum op_class)op->class) {
    case OP_ELEMENTWISE:
        for (uint32_t i = 0; i < nargs; i++)
            bytes += args[i].itemsize;
        return bytes;
    case OP_REDUCTION:
        return args[0].itemsize;
    case OP_DOT:
        return 2.0 * args[0].itemsize;
    case OP_LOOP:
        return 0;
    case OP_MATMUL:
    case OP_LINALG:
    case OP_OTHER:
        break;
    }
    return 1;
}

/* Only element-wise kernels are told. */
static double stream_of(const struct op *op, const struct treadle_array *args, uint32_t nin)
{
    return op->class == OP_ELEMENTWISE ? (double)treadle_stream_bytes() / args[nin].itemsize
                                       : HUGE_VAL;
}

/* Work that memory limits is best kept on the caller while it is small; flops are worth a BLAS. */
static bool small_is_serial(const struct op *op)
{
    return op->class != OP_MATMUL && op->class != OP_LINALG && op->class != OP_OTHER;
}

static bool is_blas(const struct op *op)
{
    return op->class == OP_MATMUL || op->class == OP_LINALG || op->class == OP_DOT;
}

/*
 * The order of "auto". Element-wise work and reductions are limited by memory, so threads are all
 * that helps: openmp. Products and linear algebra belong to BLIS, or to the library at hand.
 */
static bool is_favourite(const struct op *op, const struct backend *backend, uint32_t place)
{
    static const char *const for_memory[] = {"openmp", "", ""};
    static const char *const for_flops[] = {"blis", "openblas", "openmp"};
    return strcmp(backend->table.id, (is_blas(op) ? for_flops : for_memory)[place]) == 0;
}

static void add_candidate(struct entry *entry, const struct choice *choice,
                          const struct treadle_query *query)
{
    for (uint32_t i = 0; i < entry->count; i++)
        if (entry->candidates[i].backend == choice->backend)
            return;
    entry->count += ask(choice, query, &entry->candidates[entry->count]);
}

static void fill_candidates(struct entry *entry, const struct rule *rule,
                            const struct treadle_query *query)
{
    for (uint32_t place = 0; rule->automatic && place < 3; place++)
        for (uint32_t i = 0; i < rule->count; i++)
            if (is_favourite(entry->op, rule->choices[i].backend, place))
                add_candidate(entry, &rule->choices[i], query);
    for (uint32_t i = 0; i < rule->count; i++)
        add_candidate(entry, &rule->choices[i], query);
}

static struct option built_in_option(uint32_t candidate, uint32_t cap, const struct cost *cost)
{
    struct option option = {.candidate = (uint8_t)candidate, .threads_cap = cap};
    for (uint32_t level = 0; level < STEP_LEVELS; level++)
        option.costs[level] = *cost;
    return option;
}

static void compile_built_in(struct entry *entry, bool automatic)
{
    uint32_t last = automatic ? entry->count - 1 : 0;
    const struct option options[] = {
        built_in_option(0, 0, &built_in[entry->op->class]),
        built_in_option(last, 1, &plain[entry->op->class]),
    };
    steps_compile(&entry->steps, options, last > 0 && options[1].costs[0].unit > 0 ? 2 : 1);
}

/* Element-wise operations and reductions that were not measured cost what these do. */
static const char *kin(const struct op *op)
{
    return op->class == OP_ELEMENTWISE ? "add" : op->class == OP_REDUCTION ? "sum" : op->name;
}

/* A loop says itself what its elements cost, and needs the threads that an addition needs. */
static bool loop_costs(const struct backend *backend, struct cost costs[STEP_LEVELS])
{
    const struct treadle_dtype f64 = {TREADLE_FLOAT, 64, 1};
    if (!profile_costs("add", f64, backend->table.id, backend->table.version, costs))
        return false;
    for (uint32_t level = 0; level < STEP_LEVELS; level++) {
        costs[level].unit = 1;
        costs[level].spread = MANY;
    }
    return true;
}

static bool costs_of(const struct op *op, struct treadle_dtype dtype, const struct backend *backend,
                     struct cost costs[STEP_LEVELS])
{
    const char *id = backend->table.id, *version = backend->table.version;
    if (op->class == OP_LOOP)
        return loop_costs(backend, costs);
    return profile_costs(op->name, dtype, id, version, costs) ||
           profile_costs(kin(op), dtype, id, version, costs);
}

/*
 * By what was measured, if the first of the list was. A list that the user has ordered keeps its
 * order: then only the number of threads is chosen.
 */
static bool compile_measured(struct entry *entry, bool automatic, struct treadle_dtype dtype)
{
    struct option options[CANDIDATES_MAX];
    uint32_t count = 0;
    for (uint32_t i = 0; i < (automatic ? entry->count : 1); i++) {
        const struct candidate *candidate = &entry->candidates[i];
        options[count].candidate = (uint8_t)i;
        options[count].threads_cap = candidate->threads_cap;
        bool known = costs_of(entry->op, dtype, candidate->backend, options[count].costs);
        if (!known && i == 0)
            return false;
        count += known;
    }
    steps_compile(&entry->steps, options, count);
    return true;
}

static struct entry *build(const struct plan *plan, const struct op *op,
                           const struct treadle_array *args, uint32_t nargs, uint32_t nin)
{
    struct entry *entry = calloc(1, sizeof *entry);
    if (!entry) {
        fail(TREADLE_E_NOMEM, "%s: no memory", op->name);
        return NULL;
    }
    struct treadle_dtype dtypes[ARGS_MAX];
    for (uint32_t i = 0; i < nargs; i++) {
        dtypes[i] = args[i].dtype;
        entry->dtypes[i] = dtype_number(args[i].dtype);
    }
    bool opaque = op->class == OP_LOOP;
    const struct treadle_query query = {
        .struct_size = sizeof query,
        .op = op->name,
        .dtypes = opaque ? NULL : dtypes,
        .ntypes = opaque ? 0 : nargs,
        .nin = nin,
    };
    const struct rule *rule = spec_rule(&plan->spec, op);
    entry->op = op;
    fill_candidates(entry, rule, &query);
    if (entry->count == 0) {
        fail(TREADLE_E_UNSUPPORTED,
             "%s: no backend of \"%s\" has it for these %u operands and types", op->name,
             plan->text, nargs);
        free(entry);
        return NULL;
    }
    entry->nargs = nargs;
    entry->nin = nin;
    entry->unit = unit_of(op, args, nargs);
    entry->stream = stream_of(op, args, nin);
    entry->measured = compile_measured(entry, rule->automatic, args[0].dtype);
    if (!entry->measured)
        compile_built_in(entry, rule->automatic);
    entry->graded = is_blas(op) && rule->automatic;
    entry->limit = entry->graded ? 0 : entry->steps.limit;
    entry->small = entry->candidates[rule->automatic && small_is_serial(op) ? entry->count - 1 : 0];
    return entry;
}

static inline struct entry *_Atomic *slot_of(const struct plan *plan, uint64_t head,
                                             const struct treadle_array *args)
{
    uint64_t hash = (head ^ dtype_number(args[0].dtype)) * UINT64_C(0x9e3779b97f4a7c15);
    return (struct entry * _Atomic *)&plan->slots[hash >> 54]; /* the part of a plan that changes */
}

_Static_assert(SLOTS == 1 << 10, "the hash keeps ten bits");

static inline bool matches(const struct entry *entry, const char *name, uint64_t head,
                           const struct treadle_array *args, uint32_t nargs, uint32_t nin)
{
    if (!op_is_called(entry->op, name, head) || entry->nargs != nargs || entry->nin != nin)
        return false;
    if (entry->op->class == OP_LOOP)
        return true;
    for (uint32_t i = 0; i < nargs; i++)
        if (entry->dtypes[i] != dtype_number(args[i].dtype))
            return false;
    return true;
}

const struct entry *policy_known(const struct plan *plan, const char *name,
                                 const struct treadle_array *args, uint32_t nargs, uint32_t nin)
{
    uint64_t head = op_head(name);
    const struct entry *entry =
        atomic_load_explicit(slot_of(plan, head, args), memory_order_acquire);
    while (entry && !matches(entry, name, head, args, nargs, nin))
        entry = entry->next;
    return entry;
}

const struct entry *policy_entry(const struct plan *plan, const struct op *op,
                                 const struct treadle_array *args, uint32_t nargs, uint32_t nin)
{
    pthread_mutex_lock(&lock);
    const struct entry *found = policy_known(plan, op->name, args, nargs, nin);
    if (!found) {
        struct entry *entry = build(plan, op, args, nargs, nin);
        if (entry) {
            struct entry *_Atomic *slot = slot_of(plan, op->head, args);
            entry->next = atomic_load(slot);
            atomic_store_explicit(slot, entry, memory_order_release);
        }
        found = entry;
    }
    pthread_mutex_unlock(&lock);
    return found;
}

/* Which op a routine stands for, by the part of its name that says what it does. */
static const struct op *op_of_routine(const char *name)
{
    static const char *const meaning[][2] = {
        {"gemm", "matmul"}, {"syrk", "matmul"}, {"herk", "matmul"}, {"gemv", "matmul"},
        {"gesdd", "svd"},   {"geqrf", "qr"},    {"orgqr", "qr"},    {"ungqr", "qr"},
        {"syevd", "eigh"},  {"heevd", "eigh"},  {"gesv_", "solve"}, {"potrf", "cholesky"},
        {"dot", "dot"},
    };
    for (size_t i = 0; i < sizeof meaning / sizeof *meaning; i++)
        if (strstr(name, meaning[i][0]))
            return op_find(meaning[i][1]);
    return NULL;
}

/*
 * "auto" leaves LAPACK and small products to the library they come from: it is as fast or faster
 * there, and under as many threads it gives the bits the program had without Treadle. Products
 * above this many flops go to BLIS, whose threads do not spin: those of OpenBLAS do for 0.1 s after
 * each call, in the way of the next one. Two dots of 1000 x 1000 at once: 51 ms there, 26 ms with
 * BLIS.
 */
static const double PRODUCT_FLOPS = 4e6;

/* So do those with a narrow result, for which BLIS packs more than it multiplies, and whose columns
 * its threads can't share. OpenBLAS's time over BLIS's, m x k x n, float32, two cores of a Xeon
 * with AVX-512: 20 x 100000 x 20 0.18, 5000 x 20 x 20 0.46, 100 x 20000 x 100 0.53, 6272 x 144 x 32
 * 0.78, 10000 x 100 x 100 0.86, 200 x 2000 x 200 1.01, 10000 x 30 x 300 1.45
 * and 1000 x 16 x 1000 1.81.
 */
static const double PRODUCT_SIDE = 128;

static const char *favourite_for(const struct op *op, double flops, double side)
{
    bool suits_blis =
        op && op->class == OP_MATMUL && flops >= PRODUCT_FLOPS && side >= PRODUCT_SIDE;
    return suits_blis ? "blis" : "openblas";
}

uint32_t policy_routine_order(const struct plan *plan, const char *name, double flops, double side,
                              const struct backend *order[CANDIDATES_MAX],
                              uint32_t threads_caps[CANDIDATES_MAX])
{
    const struct op *op = op_of_routine(name);
    const struct rule *rule = spec_rule(&plan->spec, op);
    const char *favourite = rule->automatic ? favourite_for(op, flops, side) : "";
    uint32_t count = 0;
    for (int preferred = 1; preferred >= 0; preferred--)
        for (uint32_t i = 0; i < rule->count; i++) {
            const struct choice *choice = &rule->choices[i];
            if ((strcmp(choice->backend->table.id, favourite) == 0) != preferred)
                continue;
            order[count] = choice->backend;
            threads_caps[count++] = choice->threads_cap;
        }
    return count;
}

/* ---- threads ----------------------------------------------------------------------------------
 */

double policy_work(const struct entry *entry, double elements, const void *attrs)
{
    if (entry->op->class != OP_LOOP)
        return elements * entry->unit;
    const struct treadle_loop *loop = attrs;
    return elements * (loop->element_ns > 0 ? loop->element_ns : 8 * LOOP_NS_PER_BYTE);
}

bool policy_is_small(const struct entry *entry, double elements, double work)
{
    int64_t min = atomic_load_explicit(&min_elements, memory_order_relaxed);
    return min > 0 ? elements < (double)min : work < entry->limit;
}

static bool is_forced(void)
{
    return atomic_load_explicit(&min_elements, memory_order_relaxed) > 0;
}

static uint32_t up_to_cores(uint32_t worth)
{
    uint32_t cores = (uint32_t)cpus_available();
    return is_forced() || worth > cores ? cores : worth;
}

const struct candidate *policy_graded(const struct entry *entry, double work)
{
    if (!entry->graded || is_forced() || work >= entry->steps.limit)
        return NULL;
    return &entry->candidates[steps_find(&entry->steps, work, 1)->alone];
}

/* TREADLE_MIN is for tests: what is not small is done as if it were very large. */
static const struct step *step_of(const struct entry *entry, double work, uint32_t callers)
{
    return steps_find(&entry->steps, is_forced() ? HUGE_VAL : work, callers);
}

static uint32_t limit_blas(uint32_t wanted)
{
    int32_t limit = atomic_load_explicit(&blas_threads, memory_order_relaxed);
    return limit > 0 && (uint32_t)limit < wanted ? (uint32_t)limit : wanted;
}

uint32_t policy_wanted(const struct entry *entry, double work, uint32_t callers)
{
    const struct step *step = step_of(entry, work, callers);
    uint32_t wanted =
        least_cap(up_to_cores(step->threads), entry->candidates[step->first].threads_cap);
    return is_blas(entry->op) ? limit_blas(wanted) : wanted;
}

uint32_t policy_first(const struct entry *entry, double work, uint32_t callers, uint32_t threads)
{
    const struct step *step = step_of(entry, work, callers);
    return threads > 1 ? step->first : step->alone;
}

double policy_limit(const struct entry *entry, double elements, double work)
{
    int64_t min = atomic_load_explicit(&min_elements, memory_order_relaxed);
    if (min > 0 || work <= 0)
        return min > 0 ? (double)min : entry->steps.limit / (entry->unit > 0 ? entry->unit : 1);
    return entry->steps.limit * elements / work;
}

/* Cheaper to split than our own products: the library decides once more by size. Products up to
 * 64 x 64 x 64 (524288) stay on one thread in OpenBLAS, so there is nothing to decide. */
static const double ROUTINE_FLOPS = 5.25e5, ROUTINE_FLOPS_PER_THREAD = 2.5e5;

/* QR and SVD are mostly products of a matrix and a vector until they are large, which OpenBLAS's
 * threads slow down. One thread over two, 2 cores of an EPYC: qr of 4000 x 60 0.41, 1000 x 100
 * 0.55, 500 x 500 1.21; svd of 100 x 100 0.92, 200 x 200 0.94, 400 x 400 1.22. */
static double flops_per_thread(const char *name)
{
    const struct op *op = op_of_routine(name);
    const char *does = op ? op->name : "";
    if (strcmp(does, "qr") == 0)
        return 1e8;
    return strcmp(does, "svd") == 0 ? 2e8 : ROUTINE_FLOPS_PER_THREAD;
}

bool policy_routine_is_small(double flops)
{
    return flops < policy_routine_limit();
}

uint32_t policy_routine_wanted(const char *name, double flops)
{
    double worth = fmin(flops / flops_per_thread(name), MANY);
    return limit_blas(up_to_cores(worth < 1 ? 1 : (uint32_t)worth));
}

double policy_routine_limit(void)
{
    int64_t min = atomic_load_explicit(&min_elements, memory_order_relaxed);
    return min > 0 ? (double)min : ROUTINE_FLOPS;
}
