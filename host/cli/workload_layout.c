/* SPDX-License-Identifier: BSD-3-Clause */
/* How the operands of a call lie in memory, and their items one after the other. */
#include "workload.h"

#include <stdlib.h>
#include <string.h>

#include "cli.h"

static const char *const names[] = {[WORKLOAD_CONTIGUOUS] = "contiguous",
                                    [WORKLOAD_STRIDED] = "strided",
                                    [WORKLOAD_TRANSPOSED] = "transposed",
                                    [WORKLOAD_MISALIGNED] = "misaligned",
                                    [WORKLOAD_BROADCAST] = "broadcast"};

enum { NLAYOUTS = sizeof names / sizeof *names, STEP = 2 };

const char *workload_layout_name(enum workload_layout layout)
{
    return names[layout];
}

bool workload_layout_parse(const char *what, const char *text, enum workload_layout *layout)
{
    for (int i = 0; i < NLAYOUTS; i++)
        if (!strcmp(text, names[i])) {
            *layout = (enum workload_layout)i;
            return true;
        }
    cli_fail(CLI_USAGE,
             "%s: '%s' is no layout; use contiguous, strided, transposed, misaligned or broadcast",
             what, text);
    return false;
}

/** The first axis varies fastest, as in Fortran. */
static void transpose(struct workload *load, uint32_t i)
{
    int64_t stride = load->args[i].itemsize;

    for (int32_t axis = 0; axis < load->args[i].ndim; axis++) {
        load->strides[i][axis] = stride;
        stride *= load->shapes[i][axis];
    }
}

static bool lay_transposed(struct workload *load, const char *what)
{
    if (load->args[0].ndim < 2) {
        cli_fail(CLI_USAGE, "%s: transposed needs a shape with two axes, like 1000x1000", what);
        return false;
    }
    transpose(load, 0);
    return true;
}

/** One row for all, or one number if there is only one axis. */
static bool lay_broadcast(struct workload *load, const char *what)
{
    uint32_t last = load->nin - 1;

    if (load->class != WORKLOAD_ELEMENTWISE || load->nin < 2) {
        cli_fail(CLI_USAGE, "%s: broadcast is for add and others with two inputs, not for %s", what,
                 load->op);
        return false;
    }
    load->strides[last][0] = 0;
    return true;
}

bool workload_lay(struct workload *load, const char *what, enum workload_layout layout)
{
    load->layout = layout;
    if (layout == WORKLOAD_TRANSPOSED)
        return lay_transposed(load, what);
    if (layout == WORKLOAD_BROADCAST)
        return lay_broadcast(load, what);
    for (uint32_t i = 0; layout == WORKLOAD_STRIDED && i < load->nargs; i++)
        for (int32_t axis = 0; axis < load->args[i].ndim; axis++)
            load->strides[i][axis] *= STEP;
    return true;
}

bool workload_lay_in_place(struct workload *load, const char *what)
{
    const struct treadle_array *x = &load->args[0], *out = &load->args[load->nin];
    size_t extents = (size_t)x->ndim * sizeof *load->shapes[0];

    if (load->class != WORKLOAD_ELEMENTWISE || x->ndim != out->ndim ||
        memcmp(x->shape, out->shape, extents)) {
        cli_fail(CLI_USAGE, "%s is for element-wise operations, not for %s", what, load->op);
        return false;
    }
    memcpy(load->strides[load->nin], load->strides[0], extents);
    load->in_place = true;
    return true;
}

size_t workload_span(const struct workload *load, uint32_t i)
{
    size_t span = load->args[i].itemsize;

    for (int32_t axis = 0; axis < load->args[i].ndim; axis++) {
        if (load->shapes[i][axis] == 0)
            return 0;
        span += (size_t)((load->shapes[i][axis] - 1) * load->strides[i][axis]);
    }
    return span;
}

/** Copy between an operand and `packed`, where its items follow each other; returns its end. */
static char *copy_items(const struct treadle_array *array, int32_t axis, char *at, char *packed,
                        bool pack)
{
    if (axis == array->ndim) {
        memcpy(pack ? packed : at, pack ? at : packed, array->itemsize);
        return packed + array->itemsize;
    }
    for (int64_t i = 0; i < array->shape[axis]; i++)
        packed = copy_items(array, axis + 1, at + i * array->strides[axis], packed, pack);
    return packed;
}

static bool is_packed(const struct workload *load)
{
    return load->layout == WORKLOAD_CONTIGUOUS || load->layout == WORKLOAD_MISALIGNED;
}

void *workload_pack(const struct workload *load, uint32_t i)
{
    void *packed = workload_memory(workload_bytes(load, i));

    if (!packed)
        cli_fail(CLI_FAILED, "%s: no memory for a copy of an operand", load->op);
    else if (is_packed(load))
        memcpy(packed, load->args[i].data, workload_bytes(load, i));
    else
        copy_items(&load->args[i], 0, load->args[i].data, packed, true);
    return packed;
}

void workload_unpack(const struct workload *load, uint32_t i, void *packed)
{
    if (is_packed(load))
        memcpy(load->args[i].data, packed, workload_bytes(load, i));
    else
        copy_items(&load->args[i], 0, load->args[i].data, packed, false);
}

static size_t offset_of(const struct workload *load)
{
    return load->layout == WORKLOAD_MISALIGNED;
}

void *workload_operand_memory(const struct workload *load, uint32_t i, void **memory)
{
    *memory = workload_memory(workload_span(load, i) + offset_of(load));
    return *memory ? (char *)*memory + offset_of(load) : NULL;
}

int32_t workload_run_fresh(const struct workload *load, struct treadle_used *used)
{
    struct treadle_array args[WORKLOAD_ARGS_MAX];
    void *memory[WORKLOAD_ARGS_MAX] = {NULL};
    int32_t status = TREADLE_OK;

    memcpy(args, load->args, sizeof args);
    for (uint32_t i = load->nin; i < load->nargs; i++) {
        args[i].data = workload_operand_memory(load, i, &memory[i]);
        if (!args[i].data)
            status = TREADLE_E_NOMEM;
    }
    if (status == TREADLE_OK)
        status = treadle_run(load->op, args, load->nargs, load->nin, load->attrs, used);
    for (uint32_t i = load->nin; i < load->nargs; i++)
        free(memory[i]);
    return status;
}
