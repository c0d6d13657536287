/* SPDX-License-Identifier: BSD-3-Clause */
#include "span.h"

#include "../large.h"

struct span {
    span_fn fn;
    void *ctx;
};

/* The operand stands for the numbers: nothing is behind its pointer. */
static void run_range(void *ctx, int64_t n, char **ptrs, const int64_t *strides)
{
    const struct span *span = ctx;
    int64_t begin = ptrs[0] - (char *)ctx;

    (void)strides;
    span->fn(span->ctx, begin, begin + n);
}

bool span_run(span_fn fn, void *ctx, int64_t n, int64_t grain, double ns)
{
    struct span span = {fn, ctx};
    int64_t one = 1;
    struct treadle_array numbers = large_operand(&span, &n, &one, 1);
    struct treadle_loop loop = {.struct_size = sizeof(loop),
                                .fn = run_range,
                                .ctx = &span,
                                .grain = grain,
                                .element_ns = ns};
    int32_t status;

    Py_BEGIN_ALLOW_THREADS;
    status = treadle_run("loop", &numbers, 1, 0, &loop, NULL);
    Py_END_ALLOW_THREADS;
    return status == TREADLE_OK;
}
