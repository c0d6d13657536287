/* SPDX-License-Identifier: BSD-3-Clause */
#include "check_values.h"

#include <stdio.h>
#include <string.h>

#include "check.h"

const uint32_t check_threads[2] = {1, 3};

static bool is_input(struct check_array *const *arrays, uint32_t nin, uint32_t i)
{
    for (uint32_t k = 0; k < nin; k++)
        if (arrays[k]->memory == arrays[i]->memory)
            return true;
    return false;
}

bool check_case(const struct check_op *op, struct check_array **arrays, uint32_t nargs,
                const void *attrs, uint32_t threads, struct check_tally *tally)
{
    struct treadle_array args[CHECK_TYPES_MAX] = {{.data = NULL}};
    uint32_t nin = op->nin ? op->nin : nargs - 1;
    bool whole = true;

    for (uint32_t i = 0; i < nargs; i++) {
        args[i] = arrays[i]->array;
        if (i >= nin && !is_input(arrays, nin, i))
            check_array_reset(arrays[i]);
    }
    int32_t status = check_call(op, args, nargs, attrs, threads, NULL);
    for (uint32_t i = nin; i < nargs && whole; i++) {
        whole = check_array_sentinels(arrays[i]);
        if (status == TREADLE_E_DECLINED && !is_input(arrays, nin, i) &&
            !check_array_is_untouched(arrays[i]))
            check_fail_here("declined after writing to the output");
    }
    tally->served += status == TREADLE_OK;
    tally->declined += status == TREADLE_E_DECLINED;
    if (status != TREADLE_OK && status != TREADLE_E_DECLINED)
        check_fail_here("status %d", status);
    return whole && status == TREADLE_OK;
}

void check_tally_end(const struct check_op *op, const struct check_tally *tally)
{
    if (tally->served == 0 && tally->declined > 0 && !check_has_failed())
        check_fail("%s: declines every call, but find_kernel() answers it", check_op_text(op));
}

const char *check_shape_text(const struct check_array *a)
{
    static char texts[4][96];
    static unsigned next;
    char *text = texts[next++ % 4];
    size_t used = 0;

    snprintf(text, sizeof texts[0], "scalar");
    for (int32_t i = 0; i < a->array.ndim; i++)
        used += (size_t)snprintf(text + used, sizeof texts[0] - used, "%s%lld", i ? "x" : "",
                                 (long long)a->shape[i]);
    return text;
}

void check_each(const char *names, void (*try)(const struct check_op *op))
{
    size_t count, tried = 0;

    if (!check_plugin_create())
        return;
    const struct check_op *ops = check_plugin_ops(&count);
    for (size_t i = 0; i < count; i++)
        if (check_op_is(&ops[i], names)) {
            try(&ops[i]);
            tried++;
        }
    if (tried == 0)
        check_skip("has none of: %s", names);
}
