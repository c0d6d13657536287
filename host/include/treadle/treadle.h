/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef TREADLE_TREADLE_H
#define TREADLE_TREADLE_H

/**
 * libtreadle: array operations on the backend, and with the number of threads, that suits each
 * call.
 *
 * Every function may be called from any thread at any time, also in a forked child; the library
 * gets ready on first use (but not in a constructor, see treadle_init()). All take and return only
 * integers, doubles, pointers and UTF-8 strings. Memory handed in stays the caller's and is not
 * kept; strings handed out are the library's and stay valid until the process ends, unless said
 * otherwise.
 *
 * Functions that can fail return an int32_t: TREADLE_OK or a negative code of <treadle/status.h>.
 * On failure nothing is written to an output (except where the code says "undefined") and
 * treadle_last_error() has one sentence that names the argument or variable and what is allowed.
 */

#include <stddef.h>
#include <stdint.h>

#include <treadle/array.h>
#include <treadle/ops.h>
#include <treadle/plugin.h>
#include <treadle/status.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Element types for the flat functions: code | bits << 8 | lanes << 16 of struct treadle_dtype. */
enum treadle_type {
    TREADLE_TYPE_BOOL = 0x10806,
    TREADLE_TYPE_INT8 = 0x10800,
    TREADLE_TYPE_INT16 = 0x11000,
    TREADLE_TYPE_INT32 = 0x12000,
    TREADLE_TYPE_INT64 = 0x14000,
    TREADLE_TYPE_UINT8 = 0x10801,
    TREADLE_TYPE_UINT16 = 0x11001,
    TREADLE_TYPE_UINT32 = 0x12001,
    TREADLE_TYPE_UINT64 = 0x14001,
    TREADLE_TYPE_FLOAT16 = 0x11002,
    TREADLE_TYPE_FLOAT32 = 0x12002,
    TREADLE_TYPE_FLOAT64 = 0x14002,
    TREADLE_TYPE_COMPLEX64 = 0x14005,
    TREADLE_TYPE_COMPLEX128 = 0x18005
};

/** Who served a call. Only filled in on success. */
struct treadle_used {
    const char *backend; /* "serial", "openmp", ... */
    const char *variant; /* the kernel, e.g. "avx512"; "" if the backend does not say */
    uint32_t threads;    /* the most that worked at once */
    uint32_t fallbacks;  /* backends that were asked before this one and declined */
};

/* ---- calls ------------------------------------------------------------------------------ */

/**
 * Run one operation of <treadle/ops.h>.
 *
 * Inputs of element-wise ops are broadcast to the output's shape as NumPy does. An output may be
 * the very memory of an input; if it overlaps one in any other way the result is as if the inputs
 * had been copied first (not for `loop` and a plugin's own ops, which get their operands as they
 * are). Two elements of an output must not share memory.
 *
 * @param op     "add", "sum", "matmul", "org.you.op", ...; compared by content
 * @param args   nin inputs, then nargs - nin outputs
 * @param attrs  the op's attribute struct, or NULL if it has none
 * @param used   NULL, or filled in with who served the call
 * @return TREADLE_OK, TREADLE_E_INVALID, _UNSUPPORTED, _NOMEM, _NUMERIC or _FAILED
 */
int32_t treadle_run(const char *op, const struct treadle_array *args, uint32_t nargs, uint32_t nin,
                    const void *attrs, struct treadle_used *used);

/** Element-wise out = op(x): negative, abs, sqrt, square, copy; also cholesky and inv. */
int32_t treadle_unary(const char *op, const struct treadle_array *x,
                      const struct treadle_array *out, struct treadle_used *used);

/**
 * out = op(x1, x2): add, subtract, multiply, divide, maximum, minimum; also matmul, dot, solve.
 * divide takes floats only.
 */
int32_t treadle_binary(const char *op, const struct treadle_array *x1,
                       const struct treadle_array *x2, const struct treadle_array *out,
                       struct treadle_used *used);

/**
 * Reduce x over `axes` (negative ones count from the end; naxes < 0 means all axes): sum, prod,
 * min, max, mean.
 *
 * `out` has either the remaining axes or all of them with extent 1. min, max and mean of nothing
 * are refused. The mean of integers is float64; all else has x's type.
 */
int32_t treadle_reduce(const char *op, const struct treadle_array *x, const int32_t *axes,
                       int32_t naxes, const struct treadle_array *out, struct treadle_used *used);

/* ---- the same, flat: for foreign function interfaces ------------------------------------- */

/**
 * An array is five arguments: data, dtype (enum treadle_type), ndim, shape, strides in bytes.
 * strides may be NULL for a C-contiguous array.
 */
int32_t treadle_unary_flat(const char *op, const void *x_data, uint32_t x_dtype, int32_t x_ndim,
                           const int64_t *x_shape, const int64_t *x_strides, void *out_data,
                           uint32_t out_dtype, int32_t out_ndim, const int64_t *out_shape,
                           const int64_t *out_strides, struct treadle_used *used);

int32_t treadle_binary_flat(const char *op, const void *x1_data, uint32_t x1_dtype, int32_t x1_ndim,
                            const int64_t *x1_shape, const int64_t *x1_strides, const void *x2_data,
                            uint32_t x2_dtype, int32_t x2_ndim, const int64_t *x2_shape,
                            const int64_t *x2_strides, void *out_data, uint32_t out_dtype,
                            int32_t out_ndim, const int64_t *out_shape, const int64_t *out_strides,
                            struct treadle_used *used);

int32_t treadle_reduce_flat(const char *op, const void *x_data, uint32_t x_dtype, int32_t x_ndim,
                            const int64_t *x_shape, const int64_t *x_strides, const int32_t *axes,
                            int32_t naxes, void *out_data, uint32_t out_dtype, int32_t out_ndim,
                            const int64_t *out_shape, const int64_t *out_strides,
                            struct treadle_used *used);

/** Any op: operand i is data[i], dtypes[i], ndims[i], shapes[i], strides[i]; flags as in attrs. */
int32_t treadle_run_flat(const char *op, uint32_t nargs, uint32_t nin, void *const *data,
                         const uint32_t *dtypes, const int32_t *ndims, const int64_t *const *shapes,
                         const int64_t *const *strides, uint32_t flags, struct treadle_used *used);

/**
 * The same, reductions too, for languages whose next call may come from another thread, where
 * treadle_last_error() would say something else.
 *
 * @param axes, naxes  as in treadle_reduce(); not looked at by other ops
 * @param message      NULL, or `capacity` bytes for the sentence of a failure
 */
int32_t treadle_run_flat_with_message(const char *op, uint32_t nargs, uint32_t nin,
                                      void *const *data, const uint32_t *dtypes,
                                      const int32_t *ndims, const int64_t *const *shapes,
                                      const int64_t *const *strides, uint32_t flags,
                                      const int32_t *axes, int32_t naxes, struct treadle_used *used,
                                      char *message, uint64_t capacity);

/* ---- arrays of others ---------------------------------------------------------------------- */

/** Room for the array of a DLPack tensor; array.strides points into it. */
struct treadle_dlpack {
    struct treadle_array array;
    int64_t strides[TREADLE_NDIM_MAX];
};

/**
 * Describe the tensor that a DLPack capsule holds. Nothing is copied: the capsule stays its
 * owner's, and must live, not moved to another consumer, as long as the array is used.
 *
 * @param managed    the capsule's pointer
 * @param versioned  0: a DLManagedTensor ("dltensor"); 1: a DLManagedTensorVersioned
 *                   ("dltensor_versioned"), whose read-only flag becomes the array's
 * @return TREADLE_OK; TREADLE_E_INVALID for memory of a device, vectors as elements, packed or
 *         unknown types, more than 64 axes, and a major version other than 1
 */
int32_t treadle_from_dlpack(const void *managed, int32_t versioned, struct treadle_dlpack *dlpack);

/* ---- BLAS and LAPACK routines under a grant ------------------------------------------------ */

/** A routine call in progress. The caller allocates it; its content is the library's. */
struct treadle_routine_call {
    treadle_routine_fn fn; /* what to call */
    uint64_t reserved[31];
};

/**
 * Choose who carries out a BLAS or LAPACK routine, and get the cores for it.
 *
 * Call `call->fn` with the routine's own arguments on this same thread, then treadle_routine_end().
 *
 * @param name      "dgesdd_" or "cblas_dgemm"
 * @param int_bits  32 or 64
 * @param flops     estimated floating-point operations; below the parallel size nothing is counted
 * @param fallback  the routine that would be called without Treadle; used if no backend has it
 * @return threads granted; 0 if `fallback` is to run as it would without Treadle
 */
int32_t treadle_routine_begin(struct treadle_routine_call *call, const char *name,
                              uint32_t int_bits, double flops, treadle_routine_fn fallback);

/**
 * treadle_routine_begin() for a product of matrices, also of a matrix and itself.
 *
 * @param side  rows or columns of the result, whichever are fewer: not every library is as good at
 *              narrow results as at others
 */
int32_t treadle_product_begin(struct treadle_routine_call *call, const char *name,
                              uint32_t int_bits, double flops, double side,
                              treadle_routine_fn fallback);

/** The routine has returned. */
void treadle_routine_end(struct treadle_routine_call *call);

/**
 * Keep the BLAS library that the program has loaded to one thread in each of its callers, until
 * treadle_routines_release(): for an op "loop" whose parts call BLAS or LAPACK.
 *
 * @param hold  the caller's; handed to treadle_routines_release() on this same thread
 * @return TREADLE_OK; TREADLE_E_UNSUPPORTED if no library is known whose threads can be counted
 *         (see the backend openblas) or TREADLE_EXACT=1, and then there is nothing to release
 */
int32_t treadle_routines_hold(struct treadle_routine_call *hold);

/** Each library gets its own number of threads back when its last holder and caller has left. */
void treadle_routines_release(struct treadle_routine_call *hold);

/**
 * Put the library's fork handlers in front of all registered so far. Done once by treadle_init();
 * to be called again after loading a library that has fork handlers and threads of its own and
 * whose routines are given to treadle_routine_begin(). A fork waits for large calls to end, and
 * they for the fork.
 */
void treadle_watch_fork(void);

/* ---- choosing ------------------------------------------------------------------------------ */

/**
 * Get ready now: read the environment, load the plugins. Otherwise done by the first call, which
 * must not be made by a constructor (in C++ a static initialiser) of a library that is being
 * loaded: it would hold the loader's lock and wait for a thread that gets ready, whose plugins
 * wait for the loader.
 *
 * @return TREADLE_OK; TREADLE_E_INVALID if a TREADLE_ variable has a wrong value (every call
 *         reports it until it is mended and treadle_reload_env() called)
 */
int32_t treadle_init(void);

/**
 * Read the TREADLE_ and OMP_ variables again, except those that say which plugins are loaded and
 * which kernels they pick (TREADLE_PLUGIN_PATH, _ONLY, _DISABLE, _CPU). Calls in progress are not
 * affected.
 */
int32_t treadle_reload_env(void);

/**
 * Set the backends of all threads: "auto", a name, an ordered list "blis,openmp", or
 * "matmul=blis;add=openmp;auto" per op with an optional default. "serial" is always last.
 * NULL goes back to TREADLE_BACKEND.
 */
int32_t treadle_set_backend(const char *spec);

/** The same for the calling thread only; NULL ends it. */
int32_t treadle_set_thread_backend(const char *spec);

/** What holds for the calling thread now. */
const char *treadle_get_backend(void);

/** Most threads a call may use; 0 goes back to the environment's and the machine's limit. */
int32_t treadle_set_num_threads(int32_t threads);

/** Cores that may be used: affinity, cgroup quota, TREADLE_NUM_THREADS, OMP_NUM_THREADS, the call
 * above. */
int32_t treadle_get_num_threads(void);

/**
 * How cores are shared: "machine" with the calls of other processes of this user, too, "process"
 * only among those of this one, "off" not at all: a call gets what it wants, up to the cores. NULL
 * goes back to TREADLE_BUDGET.
 */
int32_t treadle_set_budget(const char *mode);

/** What holds now: "machine", "process" or "off"; "process" too if the machine's can't be had. */
const char *treadle_get_budget(void);

/** Elements below which a call stays on the caller; 0 goes back to TREADLE_MIN or the policy. */
int32_t treadle_set_min(int64_t elements);

/**
 * Bytes from which on an output is better written past the caches, by the size of the last-level
 * cache, in whole MiB: what TREADLE_CALL_STREAM tells kernels, for loops of the caller's own.
 * [any thread]
 */
uint64_t treadle_stream_bytes(void);

/* ---- looking ------------------------------------------------------------------------------- */

/** "0.1.0" */
const char *treadle_version(void);

/** Why this thread's last failing call failed; "" if none did. Valid until the next failure. */
const char *treadle_last_error(void);

/** A plugin that was found, whether or not it can be used. */
struct treadle_backend_info {
    const char *name;
    const char *path; /* "(built in)" for serial */
    const char *version;
    const char *vendor;
    const char *reason; /* "" if usable, else one sentence why not */
    uint64_t flags;     /* struct treadle_plugin's */
};

/** Number of plugins found. */
uint32_t treadle_backend_count(void);

/** Facts on plugin i; TREADLE_E_INVALID past the end. */
int32_t treadle_backend_info(uint32_t i, struct treadle_backend_info *info);

/** The k-th operation of plugin i, as the plugin lists it; TREADLE_E_INVALID past the end. */
int32_t treadle_backend_op(uint32_t i, uint32_t k, struct treadle_query *op);

/**
 * Load the plugin at an absolute path, in addition to those found. The file may belong to
 * anybody; it must be a regular file.
 */
int32_t treadle_load(const char *path);

/** Use a plugin that is linked into the program. */
int32_t treadle_register(treadle_plugin_fn plugin);

/** What would be done with a call, and why. */
struct treadle_decision {
    const char *backend;
    const char *variant;
    uint32_t wanted;  /* threads the size is worth */
    uint32_t granted; /* threads it would get with `callers` callers */
    uint32_t callers;
    uint32_t cores;
    double elements; /* or flops, for products and linear algebra */
    double limit;    /* below it the call is small and stays on the caller */
    char reason[256];
};

/**
 * Decide without running; nothing is read or written behind the operands' data pointers.
 * @param callers  calls in flight to assume, this one included; 0 means as it is now
 */
int32_t treadle_explain(const char *op, const struct treadle_array *args, uint32_t nargs,
                        uint32_t nin, const void *attrs, uint32_t callers,
                        struct treadle_decision *decision);

/** The same for a routine. */
int32_t treadle_explain_routine(const char *name, uint32_t int_bits, double flops, uint32_t callers,
                                struct treadle_decision *decision);

/** The same for a product; `side` as for treadle_product_begin(). */
int32_t treadle_explain_product(const char *name, uint32_t int_bits, double flops, double side,
                                uint32_t callers, struct treadle_decision *decision);

/** How many cores this process has, and why. */
struct treadle_budget_info {
    const char *mode;   /* treadle_get_budget() */
    const char *asked;  /* what was set; mode may be less */
    char reason[256];   /* "", or why mode is not what was asked */
    uint32_t cores;     /* treadle_get_num_threads() */
    uint32_t left;      /* of them, those that other processes leave now */
    double quota;       /* cores that the cgroup allows, 0: no limit */
    uint32_t processes; /* other ones that share cores with this one */
    uint32_t reserved;
};

int32_t treadle_budget_info(struct treadle_budget_info *info);

/** The costs measured by `treadle tune`, from which decisions are made; without them, built-in
 * ones.
 */
struct treadle_profile_info {
    const char *state; /* "used", "none" (no file), "off" or "refused" */
    char path[1024];   /* of the file that is used, or that would be; "" if there is no place */
    char reason[256];  /* why it is refused, else "" */
    char machine[256]; /* the lines with which a profile of this machine and library begins */
    uint32_t costs;    /* that were read */
    uint32_t reserved;
};

int32_t treadle_profile_info(struct treadle_profile_info *info);

/** A process of this user that has lately shared cores. Its own numbers, at the moment of looking.
 */
struct treadle_process {
    int32_t pid;      /* in its own name space of process ids */
    uint32_t is_here; /* 1: that name space is the caller's, too */
    char command[16]; /* as the kernel knows it */
    uint32_t cores;   /* that its limits leave it */
    uint32_t share;   /* of them, those it may use beside the others */
    uint32_t callers; /* calls in flight */
    uint32_t held;    /* threads they were granted */
    uint32_t wanted;  /* threads that its calls would have liked lately */
    uint32_t reserved;
    uint64_t calls;   /* that ended, all above the small size */
    uint64_t core_ns; /* nanoseconds of these calls times their threads */
};

/**
 * The processes that share cores, this one not necessarily among them. Nothing is changed by
 * looking.
 * @param list   room for `capacity` of them, or NULL
 * @return how many there are, which may be more than were written; TREADLE_E_FAILED if the table
 *         they share is unusable
 */
int32_t treadle_processes(struct treadle_process *list, uint32_t capacity);

/** How many of the last large calls are kept. */
#define TREADLE_RECENT_CALLS 256

/** A large call that was made: what was decided, and why. */
struct treadle_recent_call {
    const char *op;
    const char *backend;
    const char *variant;
    const char *reason;
    double elements;  /* or flops, for products and linear algebra */
    int64_t begin_ns; /* of the monotonic clock */
    int64_t end_ns;
    uint32_t wanted;  /* threads the size was worth */
    uint32_t granted; /* threads it got */
    uint32_t threads; /* threads the backend used */
    uint32_t callers;
    uint32_t cores;
    int32_t thread; /* the caller, as the kernel numbers it */
};

/**
 * The last large calls that this process has made, the one that ended last being the last. A few
 * may be missing if many threads make calls meanwhile.
 * @param list   room for `capacity` of them; fewer than TREADLE_RECENT_CALLS get the last ones
 * @return how many were written
 */
uint32_t treadle_recent_calls(struct treadle_recent_call *list, uint32_t capacity);

/**
 * Write what TREADLE_AB has found so far, the document of `treadle ab --json`, into the file at an
 * absolute path: whole, in the place of one that is there, or not at all. The comparison goes on.
 * @return TREADLE_OK; TREADLE_E_INVALID if TREADLE_AB is not set or the path is not absolute;
 *         TREADLE_E_FAILED if the file cannot be written
 */
int32_t treadle_ab_save(const char *path);

/** What was run since start or the last reset. Small calls are not counted: they cost nothing. */
struct treadle_statistic {
    const char *op;
    const char *backend;
    uint64_t calls;
    uint64_t nanoseconds; /* wall time of the calls, added */
    uint64_t fallbacks;
    uint32_t threads_most;
    uint32_t reserved;
};

/** The i-th statistic; TREADLE_E_INVALID past the end. */
int32_t treadle_statistic(uint32_t i, struct treadle_statistic *statistic);

void treadle_reset_statistics(void);

#ifdef __cplusplus
}
#endif
#endif /* TREADLE_TREADLE_H */
