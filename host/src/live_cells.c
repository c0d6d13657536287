/* SPDX-License-Identifier: BSD-3-Clause */
#include "live_cells.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ab_same.h"
#include "beside.h"

static struct cell cells[CELLS_MOST];
static uint32_t count;

static int32_t size_class_of(double size)
{
    return size > 1 ? ilogb(size) : 0;
}

static uint32_t callers_class_of(uint32_t callers)
{
    uint32_t most = 1;
    while (most < callers)
        most *= 2;
    return most;
}

static bool is_of(const struct cell *cell, const struct kind *kind, int32_t size_class,
                  uint32_t callers)
{
    return cell->size_class == size_class && cell->dtype == kind->dtype &&
           cell->trials.row.callers == callers && strcmp(cell->trials.row.op, kind->op) == 0;
}

static struct cell *add_cell(const struct kind *kind, double size)
{
    char *op = count < CELLS_MOST ? strdup(kind->op) : NULL;
    if (!op)
        return NULL;
    struct cell *cell = &cells[count++];
    const struct op *known = kind->known;
    *cell = (struct cell){
        .trials = {.row = {.op = op,
                           .size = size,
                           .work = size * kind->unit,
                           .callers = callers_class_of(kind->callers),
                           .bits = op_is_exact(known)},
                   .number = count,
                   .checkable = known && beside_can_tell(known, kind->dtype)},
        .dtype = kind->dtype,
        .size_class = size_class_of(size),
        .least = size,
        .most = size,
        .flops = !known || known->class == OP_MATMUL || known->class == OP_LINALG,
    };
    if (kind->dtype)
        ab_dtype_text(kind->dtype, cell->trials.row.dtype);
    return cell;
}

struct cell *cells_find(const struct kind *kind, double size)
{
    int32_t size_class = size_class_of(size);
    uint32_t callers = callers_class_of(kind->callers);
    for (uint32_t i = 0; i < count; i++)
        if (is_of(&cells[i], kind, size_class, callers)) {
            cells[i].least = fmin(cells[i].least, size);
            cells[i].most = fmax(cells[i].most, size);
            return &cells[i];
        }
    return add_cell(kind, size);
}

static void name_size(struct cell *cell)
{
    struct ab_live_row *row = &cell->trials.row;
    const char *unit = cell->flops ? " flop" : "";
    if (cell->least == cell->most)
        snprintf(row->shape, sizeof row->shape, "%.0f%s", cell->least, unit);
    else
        snprintf(row->shape, sizeof row->shape, "%.0f..%.0f%s", ldexp(1, cell->size_class),
                 ldexp(1, cell->size_class + 1) - 1, unit);
}

size_t cells_rows(const struct ab_live_row **rows)
{
    size_t found = 0;
    for (uint32_t i = 0; i < count; i++) {
        struct cell *cell = &cells[i];
        if (cell->trials.row.count == 0 || cell->wrong)
            continue;
        ab_trials_judge(&cell->trials);
        name_size(cell);
        rows[found++] = &cell->trials.row;
    }
    return found;
}

void cells_forget(void)
{
    for (uint32_t i = 0; i < count; i++) {
        free((void *)(uintptr_t)cells[i].trials.row.op);
        ab_trials_finish(&cells[i].trials);
    }
    memset(cells, 0, sizeof *cells * count);
    count = 0;
}
