/* SPDX-License-Identifier: BSD-3-Clause */
/* Backends that do as a test tells them. */
#include "fakes.h"

#include <stdio.h>
#include <string.h>

enum { SLOTS = 20 };
static struct fake *fakes[SLOTS];
static struct treadle_plugin tables[SLOTS];
static uint32_t count;

static int32_t run(struct treadle_call *call)
{
    struct fake *fake = (struct fake *)call->kernel;
    fake->runs++;
    fake->threads_max = call->threads_max;
    fake->flags_seen = call->flags;
    if (fake->threads_used == UINT32_MAX)
        call->threads_used = 0;
    else
        call->threads_used = fake->threads_used ? fake->threads_used : call->threads_max;
    int32_t status = fake->work ? fake->work(call) : TREADLE_OK;
    if (status == TREADLE_OK)
        status = fake->status;
    if (status != TREADLE_OK && fake->message)
        snprintf(call->error->message, call->error->capacity, "%s", fake->message);
    return status;
}

static int32_t find_kernel(void *state, const struct treadle_query *query,
                           struct treadle_kernel *kernel)
{
    const struct fake *fake = state;
    if (fake->op && strcmp(fake->op, query->op) != 0)
        return TREADLE_E_DECLINED;
    kernel->run = run;
    kernel->kernel = fake;
    kernel->variant = "plain";
    kernel->threads_useful = fake->threads_useful;
    return TREADLE_OK;
}

static void destroy(void *state)
{
    (void)state;
}

static int32_t after_fork(void *state)
{
    return ((const struct fake *)state)->fork_status;
}

/* create() and the entry point have no argument that says which fake they belong to. */
#define SLOT(k)                                                                                    \
    static int32_t create_##k(const struct treadle_host *host, const char *options, void **state,  \
                              struct treadle_error *error)                                         \
    {                                                                                              \
        (void)host, (void)options;                                                                 \
        *state = fakes[k];                                                                         \
        if (fakes[k]->create_status)                                                               \
            snprintf(error->message, error->capacity, "%s", "the fake was told to fail");          \
        return fakes[k]->create_status;                                                            \
    }                                                                                              \
    static const struct treadle_plugin *entry_##k(void)                                            \
    {                                                                                              \
        return &tables[k];                                                                         \
    }
#define EACH_SLOT(X)                                                                               \
    X(0)                                                                                           \
    X(1)                                                                                           \
    X(2)                                                                                           \
    X(3) X(4) X(5) X(6) X(7) X(8) X(9) X(10) X(11) X(12) X(13) X(14) X(15) X(16) X(17) X(18) X(19)
EACH_SLOT(SLOT)

#define CREATE(k) create_##k,
#define ENTRY(k) entry_##k,
static int32_t (*const creates[SLOTS])(const struct treadle_host *, const char *, void **,
                                       struct treadle_error *) = {EACH_SLOT(CREATE)};
static const treadle_plugin_fn entries[SLOTS] = {EACH_SLOT(ENTRY)};

int32_t fake_register(struct fake *fake)
{
    uint32_t slot = count++;
    fakes[slot] = fake;
    tables[slot] = (struct treadle_plugin){
        .struct_size = sizeof tables[slot],
        .abi_minor = TREADLE_ABI_MINOR,
        .flags = fake->flags,
        .id = fake->id,
        .version = "1",
        .vendor = "tests",
        .cpu_required = "",
        .create = creates[slot],
        .destroy = destroy,
        .find_kernel = find_kernel,
        .after_fork_child = after_fork,
    };
    return treadle_register(entries[slot]);
}
