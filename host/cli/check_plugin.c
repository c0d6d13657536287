/* SPDX-License-Identifier: BSD-3-Clause */
#include "check_plugin.h"

#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

#include "check.h"
#include "options.h"

enum { MESSAGE = 256, MESSAGE_FENCE = 16, FENCE = 0x5a };

static void *handle;
static struct treadle_plugin table;
static void *state;
static uint32_t call_flags;

bool check_plugin_load(void)
{
    check_doing("dlopen");
    handle = dlopen(check_path(), RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
    if (!handle)
        check_fail("cannot be loaded: %s", dlerror());
    else if (!dlsym(handle, TREADLE_ENTRY_NAME))
        check_fail("exports no %s()", TREADLE_ENTRY_NAME);
    return !check_has_failed();
}

treadle_plugin_fn check_plugin_entry(void)
{
    treadle_plugin_fn entry;

    *(void **)&entry = dlsym(handle, TREADLE_ENTRY_NAME);
    return entry;
}

/** As far as both sides know it. Whether it is a good table is the matter of abi.table. */
static bool take_table(void)
{
    check_doing("%s()", TREADLE_ENTRY_NAME);
    const struct treadle_plugin *theirs = check_plugin_entry()();
    if (!theirs) {
        check_fail("%s() returns no table", TREADLE_ENTRY_NAME);
        return false;
    }
    memset(&table, 0, sizeof table);
    memcpy(&table, theirs, theirs->struct_size < sizeof table ? theirs->struct_size : sizeof table);
    if (table.create && table.destroy && table.find_kernel)
        return true;
    check_fail("create, destroy or find_kernel is missing from the table; see abi.table");
    return false;
}

bool check_plugin_create(void)
{
    char text[MESSAGE] = "";
    struct treadle_error error = {sizeof error, 0, text, sizeof text};

    if (!check_plugin_load() || !take_table())
        return false;
    check_doing("create()");
    int32_t status = table.create(check_host(), "", &state, &error);
    text[sizeof text - 1] = '\0';
    if (status != TREADLE_OK)
        check_fail("create() failed with status %d: %s", status,
                   text[0] ? text : "it gave no reason");
    return status == TREADLE_OK;
}

void check_plugin_destroy(void)
{
    check_doing("destroy()");
    table.destroy(state);
    state = NULL;
}

const struct treadle_plugin *check_plugin_table(void)
{
    return &table;
}

void *check_plugin_state(void)
{
    return state;
}

void *check_plugin_symbol(const char *name)
{
    return dlsym(handle, name);
}

/* ---- what it can do ------------------------------------------------------------------------- */

static struct check_op ops[CHECK_OPS_MAX];
static size_t nops;

/** Ask for one; keep it if the plugin has it. */
static void ask(const struct treadle_query *query)
{
    struct check_op *op = &ops[nops];

    if (nops == CHECK_OPS_MAX || query->ntypes > CHECK_TYPES_MAX)
        return;
    *op = (struct check_op){.ntypes = query->ntypes, .nin = query->nin};
    op->kernel.struct_size = sizeof op->kernel;
    snprintf(op->name, sizeof op->name, "%s", query->op);
    if (query->dtypes)
        memcpy(op->dtypes, query->dtypes, query->ntypes * sizeof *query->dtypes);
    check_doing("find_kernel(%s)", check_op_text(op));
    nops += table.find_kernel(state, query, &op->kernel) == TREADLE_OK && op->kernel.run;
}

/** A plugin need not list: then all ops of ops.h are asked for, all operands of one type. */
static void ask_for_known(void)
{
    static const struct {
        const char *name;
        uint32_t ntypes, nin;
    } known[] = {{"add", 3, 2},     {"subtract", 3, 2}, {"multiply", 3, 2}, {"divide", 3, 2},
                 {"maximum", 3, 2}, {"minimum", 3, 2},  {"negative", 2, 1}, {"abs", 2, 1},
                 {"sqrt", 2, 1},    {"square", 2, 1},   {"copy", 2, 1},     {"sum", 2, 1},
                 {"prod", 2, 1},    {"min", 2, 1},      {"max", 2, 1},      {"mean", 2, 1},
                 {"dot", 3, 2},     {"matmul", 3, 2},   {"svd", 4, 1},      {"qr", 3, 1},
                 {"eigh", 3, 1},    {"solve", 3, 2},    {"cholesky", 2, 1}, {"inv", 2, 1},
                 {"loop", 0, 0}};
    static const struct treadle_dtype types[] = {
        {TREADLE_FLOAT, 64, 1}, {TREADLE_FLOAT, 32, 1}, {TREADLE_INT, 64, 1},
        {TREADLE_INT, 32, 1},   {TREADLE_UINT, 8, 1},
    };

    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        for (size_t t = 0; t < sizeof types / sizeof *types; t++) {
            struct treadle_dtype all[CHECK_TYPES_MAX];
            struct treadle_query query = {sizeof query,    0,           known[i].name, all,
                                          known[i].ntypes, known[i].nin};
            for (size_t k = 0; k < CHECK_TYPES_MAX; k++)
                all[k] = types[t];
            if (known[i].ntypes == 0)
                query.dtypes = NULL;
            if (t == 0 || known[i].ntypes > 0)
                ask(&query);
        }
}

const struct check_op *check_plugin_ops(size_t *count)
{
    nops = 0;
    for (uint32_t i = 0; table.list_kernel && i < CHECK_OPS_MAX; i++) {
        struct treadle_query query = {.struct_size = sizeof query};
        check_doing("list_kernel(%u)", i);
        if (table.list_kernel(state, i, &query) != TREADLE_OK)
            break;
        if (query.op)
            ask(&query);
    }
    if (!table.list_kernel)
        ask_for_known();
    *count = nops;
    return ops;
}

const char *check_op_text(const struct check_op *op)
{
    static char texts[4][96];
    static unsigned next;
    char *text = texts[next++ % 4];

    if (op->ntypes == 0)
        snprintf(text, sizeof texts[0], "%s", op->name);
    else
        snprintf(text, sizeof texts[0], "%s %s", op->name, options_dtype_name(op->dtypes[0]));
    return text;
}

bool check_op_is(const struct check_op *op, const char *names)
{
    size_t length = strlen(op->name);

    for (const char *at = names; *at; at += strcspn(at, " "), at += strspn(at, " "))
        if (strcspn(at, " ") == length && !memcmp(at, op->name, length))
            return true;
    return false;
}

/* ---- calling it ----------------------------------------------------------------------------- */

/** The text is whole, and nothing lies behind it. */
static void check_error(const struct treadle_error *error, int32_t status)
{
    const char *text = error->message;

    for (size_t i = 0; i < MESSAGE_FENCE; i++)
        if (text[error->capacity + i] != FENCE) {
            check_fail_here("the error's text runs past its %llu bytes",
                            (unsigned long long)error->capacity);
            return;
        }
    if (!memchr(text, '\0', error->capacity))
        check_fail_here("the error's text does not end in zero");
    else if (status == TREADLE_OK || status == TREADLE_E_DECLINED)
        return;
    else if (status > 0 || status < TREADLE_E_PLUGIN)
        check_fail_here("status %d is none of status.h", status);
    else if (!text[0])
        check_fail_here("failed with status %d and no text in call->error", status);
}

void check_call_flags(uint32_t flags)
{
    call_flags = flags;
}

int32_t check_call(const struct check_op *op, const struct treadle_array *args, uint32_t nargs,
                   const void *attrs, uint32_t threads, uint32_t *used)
{
    char text[MESSAGE + MESSAGE_FENCE] = "";
    struct treadle_error error = {sizeof error, 0, text, MESSAGE};
    struct treadle_call call = {.struct_size = sizeof call,
                                .flags = call_flags,
                                .host = check_host(),
                                .state = state,
                                .kernel = op->kernel.kernel,
                                .args = args,
                                .nargs = nargs,
                                .nin = op->nin ? op->nin : nargs - 1,
                                .attrs = attrs,
                                .threads_max = threads,
                                .threads_used = 1,
                                .error = &error};

    memset(text + MESSAGE, FENCE, MESSAGE_FENCE);
    int32_t status = op->kernel.run(&call);
    check_error(&error, status);
    if (status == TREADLE_OK && (call.threads_used < 1 || call.threads_used > threads))
        check_fail_here("threads_used is %u, threads_max was %u", call.threads_used, threads);
    if (used)
        *used = call.threads_used;
    return status;
}
