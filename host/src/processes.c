/* SPDX-License-Identifier: BSD-3-Clause */
/* The budget and the processes that share it, for those who look. */
#include <stdatomic.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <treadle/treadle.h>

#include "budget.h"
#include "cpus.h"
#include "error.h"
#include "host.h"
#include "machine.h"
#include "table.h"

#define LOAD(field) atomic_load_explicit(&(field), memory_order_relaxed)

static struct treadle_process describe(const struct slot *slot, uint64_t space)
{
    uint64_t state = LOAD(slot->state);
    struct treadle_process process = {
        .pid = LOAD(slot->pid),
        .is_here = LOAD(slot->pid_space) == space,
        .cores = LOAD(slot->cores),
        .share = LOAD(slot->share),
        .callers = (uint32_t)(state >> 32),
        .held = (uint32_t)state,
        .wanted = LOAD(slot->wanted),
        .calls = LOAD(slot->calls),
        .core_ns = LOAD(slot->core_ns),
    };
    for (int i = 0; i < TABLE_COMMAND / 8; i++) {
        uint64_t part = LOAD(slot->command[i]);
        memcpy(process.command + 8 * (ptrdiff_t)i, &part, sizeof part);
    }
    process.command[TABLE_COMMAND - 1] = '\0';
    return process;
}

int32_t treadle_processes(struct treadle_process *list, uint32_t capacity)
{
    char why[TABLE_REASON];
    if (!list || capacity > TABLE_SLOTS)
        capacity = list ? TABLE_SLOTS : 0;
    struct slot *slots = capacity ? aligned_alloc(64, capacity * sizeof *slots) : NULL;
    if (capacity && !slots)
        return fail(TREADLE_E_NOMEM, "no memory to look at %u processes", capacity);
    uint32_t count = machine_read(slots, capacity, why);
    uint64_t space = machine_process_space();
    for (uint32_t i = 0; i < count && i < capacity; i++)
        list[i] = describe(&slots[i], space);
    free(slots);
    return *why ? fail(TREADLE_E_FAILED, "%s", why) : (int32_t)count;
}

static enum budget_mode mode_now(char *reason, uint32_t capacity)
{
    (void)host_ready();
    (void)budget_preview(1, 1, 0); /* takes part, if it may and did not yet */
    reason[0] = '\0';
    enum budget_mode mode = budget_used();
    return mode == BUDGET_MACHINE && !machine_shares(reason, capacity) ? BUDGET_PROCESS : mode;
}

const char *treadle_get_budget(void)
{
    char reason[sizeof((struct treadle_budget_info *)0)->reason];
    return budget_mode_name(mode_now(reason, sizeof reason));
}

int32_t treadle_budget_info(struct treadle_budget_info *info)
{
    if (!info)
        return fail(TREADLE_E_INVALID, "info is NULL");
    *info = (struct treadle_budget_info){.quota = cpus_quota("").cores};
    enum budget_mode mode = mode_now(info->reason, sizeof info->reason);
    struct grant grant = budget_preview(1, 1, 0);
    info->mode = budget_mode_name(mode);
    info->asked = budget_mode_name(budget_used());
    info->cores = grant.cores;
    info->left = grant.left;
    int32_t processes = mode == BUDGET_MACHINE ? treadle_processes(NULL, 0) : 0;
    info->processes = processes > 0 ? (uint32_t)processes - 1 : 0;
    return TREADLE_OK;
}
