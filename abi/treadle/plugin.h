/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef TREADLE_PLUGIN_H
#define TREADLE_PLUGIN_H

/**
 * The contract between a Treadle host and a backend plugin, ABI major 1.
 *
 * A plugin is a shared object that exports exactly one symbol, treadle_plugin_v1(), which returns
 * a static const struct treadle_plugin and does nothing else. docs/writing-a-plugin.md walks
 * through one; docs/abi.md has the rules by which this header may grow.
 *
 * Each member names the threads it is called on:
 *   [loader]      one thread at a time, never at the same time as another [loader] member
 *   [any]         any thread, any number of threads at once
 *   [in call]     any thread, but only between the entry to and the return from create or run
 * No member may throw, longjmp, exit, abort, or leave changed what others can see: global thread
 * counts, affinity, signal handlers, locale, working directory, floating-point modes.
 */

#include <stddef.h>
#include <stdint.h>

#include "array.h"
#include "ops.h"
#include "status.h"

#ifdef __cplusplus
extern "C" {
#endif

#if defined(_WIN32)
#define TREADLE_EXPORT __declspec(dllexport)
#else
#define TREADLE_EXPORT __attribute__((visibility("default")))
#endif

/** Minor of this header. It counts additions; none of them ever becomes mandatory. */
#define TREADLE_ABI_MINOR 3u

/** Name of the one symbol. A host of another major looks for another name. */
#define TREADLE_ENTRY_NAME "treadle_plugin_v1"

/** True if member `m` of struct `p` lies within what the other side has filled in. */
#define TREADLE_HAS(p, m)                                                                          \
    ((p)->struct_size >= (uint32_t)((const char *)(&(p)->m + 1) - (const char *)(p)))

struct treadle_call;
struct treadle_host;

/** Where an error's text goes: the host's memory, so that nothing of the plugin's outlives a call.
 */
struct treadle_error {
    uint32_t struct_size;
    int32_t code; /* enum treadle_status */
    char *message;
    uint64_t capacity; /* bytes of message, the final zero included; may be 0 */
};

/** One task of treadle_host.parallel(): `task` of ntasks, run by `worker` below threads_max. */
typedef void (*treadle_task_fn)(void *ctx, uint32_t task, uint32_t worker);

/** Services of the host. They stay valid until the process ends. */
struct treadle_host {
    uint32_t struct_size;
    uint32_t abi_minor; /* the host's */
    void *ctx;          /* the host's own */
    const char *name;
    const char *version;
    /** `size` bytes at a multiple of `align` (a power of two), or NULL. [any] */
    void *(*alloc)(const struct treadle_host *host, uint64_t size, uint64_t align);
    /** Give back what alloc() returned; NULL is allowed. [any] */
    void (*release)(const struct treadle_host *host, void *memory);
    /** One line for the user, without newline. level: 0 error, 1 warning, 2 info. [any] */
    void (*log)(const struct treadle_host *host, int32_t level, const char *line);
    /**
     * Run fn for every task in [0, ntasks) on at most call->threads_max threads, the caller
     * included, and return when all are done. May run everything on the caller. [in call]
     */
    int32_t (*parallel)(const struct treadle_host *host, const struct treadle_call *call,
                        uint32_t ntasks, treadle_task_fn fn, void *ctx);
    /**
     * How many threads the next region of this call should use: between 1 and call->threads_max,
     * fewer while other callers want cores. Costs about a nanosecond; meant to be asked again
     * inside long calls. [in call]
     */
    uint32_t (*threads_now)(const struct treadle_host *host, const struct treadle_call *call);
    /** A further service by id ("org.name/revision"), or NULL. [any] */
    const void *(*get_service)(const struct treadle_host *host, const char *id);
};

/** The question "do you have this operation for these types?" */
struct treadle_query {
    uint32_t struct_size;
    uint32_t flags; /* zero */
    const char *op;
    const struct treadle_dtype *dtypes; /* of all operands, inputs first; NULL for `loop` */
    uint32_t ntypes;
    uint32_t nin;
};

enum treadle_kernel_flags {
    /** Same bits as NumPy's, whatever the thread count. */
    TREADLE_KERNEL_EXACT = 1,
    /** The thread count is a setting of the whole process, not of one call (an adopted library). */
    TREADLE_KERNEL_PROCESS_THREADS = 2
};

/** The answer. The host zeroes it, sets struct_size, and keeps what find_kernel() fills in. */
struct treadle_kernel {
    uint32_t struct_size;
    uint32_t flags; /* enum treadle_kernel_flags */
    /**
     * Carry out one call. TREADLE_E_DECLINED only before anything was written. [any], re-entrant
     * on the same kernel. The caller's floating-point flags end as the union of what all
     * threads raised; other threads compute in the caller's rounding mode.
     */
    int32_t (*run)(struct treadle_call *call);
    const void *kernel;      /* handed back as call->kernel */
    const char *variant;     /* what was chosen, e.g. "avx512"; static; for people to read */
    uint32_t threads_useful; /* 0: as many as there are; 1: never more than the caller */
    uint32_t reserved;       /* zero */
};

enum treadle_call_flags {
    /**
     * Since minor 3, for element-wise operations: the output is large beside the caches, and none
     * of the inputs is in the same place; it is better written past the caches. The result is the
     * same either way.
     */
    TREADLE_CALL_STREAM = 1
};

/** One call. The host owns it and may append members: ask TREADLE_HAS() for those added later. */
struct treadle_call {
    uint32_t struct_size;
    uint32_t flags; /* enum treadle_call_flags */
    const struct treadle_host *host;
    void *state;                      /* what create() made */
    const void *kernel;               /* what find_kernel() answered */
    const struct treadle_array *args; /* inputs, then outputs, prepared as ops.h says */
    uint32_t nargs;
    uint32_t nin;
    const void *attrs; /* the op's attribute struct, or NULL */
    /** In: most threads, the caller included, >= 1. At 1 no other thread may be woken. */
    uint32_t threads_max;
    uint32_t threads_used;       /* out: the most that worked at once; the host presets 1 */
    struct treadle_error *error; /* may be NULL */
};

enum {
    /** A forked child may go on using the plugin (no thread, no lock was lost). */
    TREADLE_PLUGIN_FORK_SAFE = 1,
    /** The host must understand the upper 16 bits of `flags`, or refuse. */
    TREADLE_PLUGIN_MUST_UNDERSTAND_SHIFT = 48
};

/** The table. Members up to find_kernel are required, a later one may be NULL or absent. */
struct treadle_plugin {
    uint32_t struct_size; /* sizeof(struct treadle_plugin), by the compiler */
    uint32_t abi_minor;   /* TREADLE_ABI_MINOR */
    uint64_t flags;       /* TREADLE_PLUGIN_... */
    const char *id;       /* name in TREADLE_BACKEND: [a-z][a-z0-9_.-]* */
    const char *version;
    const char *vendor;
    const char *cpu_required; /* "x86-64-v3"; "" is the baseline */
    /** Get ready. options: "" (reserved). Sets *state. [loader] */
    int32_t (*create)(const struct treadle_host *host, const char *options, void **state,
                      struct treadle_error *error);
    /** Join all threads and free. No call is running. [loader] */
    void (*destroy)(void *state);
    /** TREADLE_OK with *kernel filled in, or TREADLE_E_DECLINED. [any] */
    int32_t (*find_kernel)(void *state, const struct treadle_query *query,
                           struct treadle_kernel *kernel);
    /**
     * Fill in the i-th operation for listings (op, dtypes, ntypes, nin; static memory);
     * TREADLE_E_DECLINED past the end. [any]
     */
    int32_t (*list_kernel)(void *state, uint32_t i, struct treadle_query *query);
    /** Called in a forked child before anything else. Not OK: never called there. [loader] */
    int32_t (*after_fork_child)(void *state);
    /** An extension by id ("org.name/revision"), or NULL. [any] */
    const void *(*get_extension)(void *state, const char *id);
};

/** Type of the one exported function. [loader] */
typedef const struct treadle_plugin *(*treadle_plugin_fn)(void);

/** Any routine of a library; cast to its real type before calling. */
typedef void (*treadle_routine_fn)(void);

#define TREADLE_ROUTINES_ID "treadle.routines/1"

/**
 * Extension: BLAS and LAPACK entry points by name, called by the host under a grant.
 *
 * The host calls enter(), then the routine on the same thread, then leave(). Between the two the
 * routine may use call->threads_max threads, and should ask call->host->threads_now() in long
 * calls.
 */
struct treadle_routines {
    uint32_t struct_size;
    uint32_t flags; /* enum treadle_kernel_flags, holds for all routines */
    /**
     * Entry point of `name`: "dgesdd_" (Fortran, all arguments by address, without hidden string
     * lengths) or "cblas_dgemm"; int_bits, 32 or 64, is the width of its integers. NULL: none.
     * [any]
     */
    treadle_routine_fn (*find)(void *state, const char *name, uint32_t int_bits);
    /** The calling thread is about to call a routine. [any], nests */
    void (*enter)(struct treadle_call *call);
    /** It has returned; fills in call->threads_used. [any] */
    void (*leave)(struct treadle_call *call);
    /**
     * Since minor 2, may be NULL: others have taken cores, or given some back, so each call that
     * is entered should treadle_cores.retake(). For libraries whose regions nobody sees. [any]
     */
    void (*adapt)(void *state);
};

/** What one member of a team does; `member` is below `team`, the caller's thread is member 0. */
typedef void (*treadle_member_fn)(void *ctx, uint32_t member, uint32_t team);

#define TREADLE_TEAM_ID "treadle.team/1"

/** Service (since minor 1): threads of the host's that run at the same time. */
struct treadle_team {
    uint32_t struct_size;
    uint32_t flags; /* zero */
    /**
     * Run fn on `threads` threads, at most call->threads_max or what treadle_cores.retake() said
     * last, and return when all have returned.
     * Members may wait for each other. Where so many threads can't be had, fn runs once, as the
     * only member of a team of one. Members compute in the caller's floating-point environment, and
     * what they raise is raised on the caller. Returns the size of the team. [in call]
     */
    uint32_t (*run)(const struct treadle_host *host, const struct treadle_call *call,
                    uint32_t threads, treadle_member_fn fn, void *ctx);
};

#define TREADLE_CORES_ID "treadle.cores/1"

/** Service (since minor 2): a long call whose threads follow what other calls leave. */
struct treadle_cores {
    uint32_t struct_size;
    uint32_t flags; /* zero */
    /**
     * Before the next region of a call: give back the cores that others want by now, and take
     * those that have become free. Returns how many threads the region may use, at least 1; it may
     * be more than call->threads_max, and treadle_team.run() then allows as many. `call` is the
     * host's own struct, not a copy. Costs about 50 ns. [any], one thread at a time for one call,
     * between its entry and its return
     */
    uint32_t (*retake)(const struct treadle_host *host, const struct treadle_call *call);
};

#ifdef __cplusplus
}
#endif
#endif /* TREADLE_PLUGIN_H */
