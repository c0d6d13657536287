/* SPDX-License-Identifier: BSD-3-Clause */
#include "dispatch.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <treadle/treadle.h>

#include "cli.h"
#include "options.h"
#include "stopwatch.h"
#include "workload.h"

/* A batch lasts about 200 us: the clock's 25 ns are gone, an interrupt hits few of the batches. */
enum { PAIRS = 301, BATCH = 5000 };

static void no_log(const struct treadle_host *host, int32_t level, const char *line)
{
    (void)host, (void)level, (void)line;
}

/* Enough for a kernel that runs on its caller; what it lacks is for parallel work. */
static const struct treadle_host host = {.struct_size = sizeof host,
                                         .abi_minor = TREADLE_ABI_MINOR,
                                         .name = "treadle bench dispatch",
                                         .version = "",
                                         .log = no_log};

static treadle_plugin_fn load_serial(const char *folder, size_t length)
{
    char path[4096];
    treadle_plugin_fn function = NULL;

    snprintf(path, sizeof path, "%.*s/treadle-serial.so", (int)length, folder);
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    void *entry = library ? dlsym(library, TREADLE_ENTRY_NAME) : NULL;
    if (entry)
        memcpy(&function, &entry, sizeof function);
    return function;
}

/**
 * The kernel itself can only be had from the serial plugin's file (the one built into the library
 * is hidden): in TREADLE_PLUGIN_PATH, or beside another plugin.
 */
static treadle_plugin_fn find_serial(void)
{
    const char *folder = getenv("TREADLE_PLUGIN_PATH");
    treadle_plugin_fn function = NULL;
    struct treadle_backend_info info;

    while (folder && *folder && !function) {
        size_t length = strcspn(folder, ":");
        if (*folder == '/')
            function = load_serial(folder, length);
        folder += length + (folder[length] == ':');
    }
    for (uint32_t i = 0; !function && treadle_backend_info(i, &info) == TREADLE_OK; i++)
        if (info.path[0] == '/')
            function = load_serial(info.path, (size_t)(strrchr(info.path, '/') - info.path));
    return function;
}

static bool find_kernel(const struct workload *load, struct treadle_kernel *kernel, void **state)
{
    treadle_plugin_fn entry = find_serial();
    const struct treadle_plugin *plugin = entry ? entry() : NULL;
    struct treadle_dtype dtypes[WORKLOAD_ARGS_MAX];

    if (!plugin) {
        cli_fail(CLI_FAILED, "bench dispatch: treadle-serial.so is in no plugin folder; put its "
                             "folder into TREADLE_PLUGIN_PATH");
        return false;
    }
    for (uint32_t i = 0; i < load->nargs; i++)
        dtypes[i] = load->args[i].dtype;
    const struct treadle_query query = {.struct_size = sizeof query,
                                        .op = load->op,
                                        .dtypes = dtypes,
                                        .ntypes = load->nargs,
                                        .nin = load->nin};
    if (plugin->create(&host, "", state, NULL) == TREADLE_OK &&
        plugin->find_kernel(*state, &query, kernel) == TREADLE_OK)
        return true;
    cli_fail(CLI_FAILED, "bench dispatch: the serial plugin has no add for f64");
    return false;
}

static double time_direct(const struct treadle_kernel *kernel, struct treadle_call *call)
{
    int32_t (*volatile run)(struct treadle_call *) = kernel->run;
    double begin = stopwatch_now();

    for (int i = 0; i < BATCH; i++)
        run(call);
    return stopwatch_now() - begin;
}

/* The same call; as a large one if TREADLE_MIN says so. */
static double time_library(const struct workload *load)
{
    double begin = stopwatch_now();

    for (int i = 0; i < BATCH; i++)
        treadle_binary("add", &load->args[0], &load->args[1], &load->args[2], NULL);
    return stopwatch_now() - begin;
}

static void measure_pairs(const struct workload *load, const struct treadle_kernel *kernel,
                          struct treadle_call *call, struct dispatch_cost *cost)
{
    double library[PAIRS], direct[PAIRS], difference[PAIRS];
    const double ns = 1e9 / BATCH;

    time_direct(kernel, call);
    time_library(load);
    for (int i = 0; i < PAIRS; i++) {
        if (i % 2) {
            direct[i] = time_direct(kernel, call) * ns;
            library[i] = time_library(load) * ns;
        } else {
            library[i] = time_library(load) * ns;
            direct[i] = time_direct(kernel, call) * ns;
        }
        difference[i] = library[i] - direct[i];
    }
    cost->dispatch_ns = stopwatch_median(difference, PAIRS);
    cost->call_ns = stopwatch_median(library, PAIRS);
    cost->direct_ns = stopwatch_median(direct, PAIRS);
}

static bool take_for_large(bool large)
{
    if (treadle_set_min(large ? 1 : 0) == TREADLE_OK)
        return true;
    cli_fail_library();
    return false;
}

/* On the same backend, so that both ways end in the same kernel. */
static bool measure_grant(const struct workload *load, struct dispatch_cost *cost)
{
    double difference[PAIRS];
    const double ns = 1e9 / BATCH;

    if (treadle_set_backend("serial")) {
        cli_fail_library();
        return false;
    }
    for (int i = 0; i < PAIRS; i++) {
        double times[2];
        for (int turn = 0; turn < 2; turn++) {
            bool large = turn == i % 2;
            if (!take_for_large(large))
                return false;
            times[large] = time_library(load);
        }
        difference[i] = (times[true] - times[false]) * ns;
    }
    cost->grant_ns = stopwatch_median(difference, PAIRS);
    return take_for_large(false);
}

bool dispatch_measure(struct dispatch_cost *cost)
{
    const struct options_shape one = {{1}, 1};
    struct treadle_kernel kernel = {.struct_size = sizeof kernel};
    struct workload load;
    void *state = NULL;
    bool found = workload_plan(&load, "bench dispatch", "add",
                               (struct treadle_dtype){TREADLE_FLOAT, 64, 1}, &one, 1, NULL) &&
                 workload_allocate(&load, 1) && find_kernel(&load, &kernel, &state);

    if (found) {
        struct treadle_call call = {.struct_size = sizeof call,
                                    .host = &host,
                                    .state = state,
                                    .kernel = kernel.kernel,
                                    .args = load.args,
                                    .nargs = load.nargs,
                                    .nin = load.nin,
                                    .threads_max = 1,
                                    .threads_used = 1};
        if (kernel.run(&call) ||
            treadle_binary("add", &load.args[0], &load.args[1], &load.args[2], NULL)) {
            cli_fail_library();
            found = false;
        } else {
            measure_pairs(&load, &kernel, &call, cost);
            found = measure_grant(&load, cost);
        }
    }
    workload_finish(&load);
    return found;
}
