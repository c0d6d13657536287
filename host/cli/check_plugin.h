/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef TREADLE_CHECK_PLUGIN_H
#define TREADLE_CHECK_PLUGIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <treadle/plugin.h>

/*
 * The plugin in a test's process, with a host just large enough to call it: the library itself
 * would hide what a plugin does wrong.
 */

enum { CHECK_OPS_MAX = 1024, CHECK_TYPES_MAX = 8 };

/** One operation for one set of types, and the kernel that the plugin answered with. */
struct check_op {
    char name[64];
    struct treadle_dtype dtypes[CHECK_TYPES_MAX];
    uint32_t ntypes, nin;
    struct treadle_kernel kernel;
};

/** Load the file, nothing else. On failure check_fail() has said why. */
bool check_plugin_load(void);

/** Load it, take its table and call create(). */
bool check_plugin_create(void);

void check_plugin_destroy(void);

/** The entry point after check_plugin_load(). */
treadle_plugin_fn check_plugin_entry(void);

/** The host's copy of the table, zero past its struct_size. */
const struct treadle_plugin *check_plugin_table(void);

/** What create() made. */
void *check_plugin_state(void);

/** `name` in the plugin or in a library that it brought, or NULL. */
void *check_plugin_symbol(const char *name);

/**
 * What the plugin can do: what it lists, or, if it lists nothing, what it has of <treadle/ops.h>.
 * Those that it lists but does not find are left out. The memory is static.
 */
const struct check_op *check_plugin_ops(size_t *count);

/** "add f64", "svd f32", "loop"; in one of a few static buffers. */
const char *check_op_text(const struct check_op *op);

/** Does `names` (between spaces) have this op's? */
bool check_op_is(const struct check_op *op, const char *names);

/** The services that the plugin gets. */
const struct treadle_host *check_host(void);

/** Blocks got from the host and not given back. */
long check_host_blocks(void);

/** Threads that parallel() has started so far. */
uint32_t check_host_threads(void);

/** Let so many more requests of memory succeed; negative: all. */
void check_host_limit_blocks(int count);

/** treadle_call.flags of the calls from now on. */
void check_call_flags(uint32_t flags);

/**
 * Make one call. Fails the test if threads_used or the error's text is not what it may be.
 * @param used  NULL, or gets threads_used
 */
int32_t check_call(const struct check_op *op, const struct treadle_array *args, uint32_t nargs,
                   const void *attrs, uint32_t threads, uint32_t *used);

#endif /* TREADLE_CHECK_PLUGIN_H */
