/* SPDX-License-Identifier: BSD-3-Clause */
/* A host just large enough for the blis plugin: it loads the plugin and lets the test call its ops.
 */
#ifndef TREADLE_TEST_BLIS_HOST_H
#define TREADLE_TEST_BLIS_HOST_H

#include <stdbool.h>
#include <stdint.h>

#include <treadle/plugin.h>

/** The plugin of the build, loaded and created on first use. */
const struct treadle_plugin *blis_plugin(void);
void *blis_state(void);

/** What threads_now() answers at most; call->threads_max at first. */
extern uint32_t blis_threads_now;

/** What treadle_cores.retake() answers, however few the call began with; 0: as threads_now(). */
extern uint32_t blis_cores;

/** Let teams be the caller alone, as if the system had no more threads. */
extern bool blis_team_fails;

/** Text of the last call that failed on this thread. */
const char *blis_error(void);

/** The host of the calls. */
const struct treadle_host *blis_host(void);

/** An array of up to four dimensions; strides in elements. */
struct blis_array {
    struct treadle_array array;
    int64_t shape[4], strides[4];
};

enum blis_type { F32, F64, C64, C128, BLIS_TYPES };

/** C-contiguous over `data`. */
void blis_array(struct blis_array *x, enum blis_type type, void *data, int32_t ndim,
                const int64_t *shape);

/** Run `op` on nargs arrays with at most `threads` threads; *used, if not NULL, gets threads_used.
 */
int32_t blis_run(const char *op, struct blis_array *const *args, uint32_t nargs, uint32_t nin,
                 uint32_t flags, uint32_t threads, uint32_t *used);

#endif /* TREADLE_TEST_BLIS_HOST_H */
