/* SPDX-License-Identifier: BSD-3-Clause */
/* `treadle doctor`: what affects speed or safety here, one check a function. */
#include <dlfcn.h>
#include <link.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <treadle/treadle.h>

#include "cli.h"
#include "command_line.h"
#include "facts.h"
#include "options.h"
#include "output.h"
#include "workload.h"

static const char usage[] = "doctor [OPTION...]";
static const char text[] =
    "Check everything that affects speed or safety here, and say what to do about it: variables,\n"
    "cores, plugins, kernels, OpenMP runtimes, memory, other processes. A check is 'ok', 'note'\n"
    "(worth knowing), 'warn' (costs speed) or 'bad' (does not work; the exit code is then 1).\n\n"
    "  --json  as JSON\n"
    "  --help  this text\n\n"
    "Examples:\n"
    "  treadle doctor\n"
    "  treadle doctor --json\n";

extern char **environ;

enum level { OK, NOTE, WARN, BAD };

static const char *const levels[] = {[OK] = "ok", [NOTE] = "note", [WARN] = "warn", [BAD] = "bad"};

/** What was found so far. */
struct report {
    json_t *checks;
    enum level worst;
};

/** One line: what was looked at, what was found, and ("" if nothing) what to do. */
static void found(struct report *report, enum level level, const char *name, const char *advice,
                  const char *format, ...) __attribute__((format(printf, 5, 6)));

static void found(struct report *report, enum level level, const char *name, const char *advice,
                  const char *format, ...)
{
    char value[1024];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(value, sizeof value, format, arguments);
    va_end(arguments);
    if (level > report->worst)
        report->worst = level;
    json_array_append_new(report->checks,
                          json_pack("{s:s, s:s, s:s, s:s}", "name", name, "status", levels[level],
                                    "value", value, "advice", advice));
}

static void check_library(struct report *report)
{
    const char *(*version)(void) = treadle_version;
    void *address;
    Dl_info where;

    memcpy(&address, &version, sizeof address);
    found(report, OK, "library", "", "libtreadle %s, %s", treadle_version(),
          dladdr(address, &where) && where.dli_fname ? where.dli_fname : "place unknown");
}

/** Returns whether the library can be asked further questions. */
static bool check_settings(struct report *report)
{
    if (treadle_init() != TREADLE_OK) {
        found(report, BAD, "settings", "mend or unset the variable; nothing runs until then", "%s",
              treadle_last_error());
        return false;
    }
    found(report, OK, "settings", "", "backends: %s", treadle_get_backend());
    return true;
}

static bool is_known_variable(const char *entry)
{
    static const char *const names[] = {"BACKEND",     "BUDGET",  "CPU",         "DISABLE",
                                        "MIN",         "NUMPY",   "NUM_THREADS", "ONLY",
                                        "PLUGIN_PATH", "PROFILE", "TRACE",       "VERBOSE"};
    const char *name = entry + strlen("TREADLE_");

    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (!strncmp(name, names[i], strlen(names[i])) && name[strlen(names[i])] == '=')
            return true;
    return false;
}

static void check_treadle_variables(struct report *report)
{
    for (char **entry = environ; *entry; entry++) {
        if (strncmp(*entry, "TREADLE_", strlen("TREADLE_")) ||
            !strncmp(*entry, "TREADLE_CLI=", strlen("TREADLE_CLI=")))
            continue;
        if (is_known_variable(*entry))
            found(report, OK, "variable", "", "%s", *entry);
        else
            found(report, WARN, "variable", "Treadle reads no variable of this name: a slip?", "%s",
                  *entry);
    }
}

static void check_thread_variables(struct report *report)
{
    static const char *const limits[] = {"OMP_NUM_THREADS", "OMP_THREAD_LIMIT"};
    static const char *const others[] = {"MKL_NUM_THREADS", "BLIS_NUM_THREADS", "GOTO_NUM_THREADS"};

    for (size_t i = 0; i < sizeof limits / sizeof *limits; i++)
        if (getenv(limits[i]))
            found(report, NOTE, "threads", "it limits Treadle too; unset it to use all cores",
                  "%s=%s", limits[i], getenv(limits[i]));
    if (getenv("OPENBLAS_NUM_THREADS"))
        found(report, NOTE, "threads", "it limits Treadle's products and linear algebra too",
              "OPENBLAS_NUM_THREADS=%s", getenv("OPENBLAS_NUM_THREADS"));
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        if (getenv(others[i]))
            found(report, NOTE, "threads", "it holds for that library only, not for Treadle",
                  "%s=%s", others[i], getenv(others[i]));
    const char *bind = getenv("OMP_PROC_BIND");
    if (bind && strcasecmp(bind, "false"))
        found(report, WARN, "threads",
              "unset it: several processes would be bound to the same cores", "OMP_PROC_BIND=%s",
              bind);
}

/** Threads that wait for work by spinning take cores from everybody, and nobody counts them. */
static void check_spinning(struct report *report)
{
    static const struct {
        const char *name, *bad, *advice; /* bad: the only value to warn of */
    } variables[] = {
        {"OMP_WAIT_POLICY", "active", "unset it: threads that wait would burn their cores"},
        {"KMP_BLOCKTIME", "infinite", "a long time makes threads that wait burn their cores"},
        {"GOMP_SPINCOUNT", "infinite", "a high count makes threads of GNU OpenMP burn their cores"},
        {"OPENBLAS_THREAD_TIMEOUT", "30",
         "threads of OpenBLAS spin for 2^value ticks after a call, for other processes' cores too"},
    };

    for (size_t i = 0; i < sizeof variables / sizeof *variables; i++) {
        const char *value = getenv(variables[i].name);
        if (value)
            found(report, strcasecmp(value, variables[i].bad) ? NOTE : WARN, "spinning",
                  variables[i].advice, "%s=%s", variables[i].name, value);
    }
}

static void check_budget(struct report *report)
{
    struct treadle_budget_info budget;

    if (treadle_budget_info(&budget))
        found(report, BAD, "budget", "", "%s", treadle_last_error());
    else if (*budget.reason)
        found(report, WARN, "budget",
              "processes do not know of each other, and take all cores each",
              "%s instead of %s: %s", budget.mode, budget.asked, budget.reason);
    else if (!strcmp(budget.mode, "off"))
        found(report, WARN, "budget", "calls at the same time take all cores each", "off");
    else if (!strcmp(budget.mode, "process"))
        found(report, NOTE, "budget",
              "processes do not know of each other, and take all cores each", "process");
    else
        found(report, OK, "budget", "", "machine: %u of %u cores are left by %u other process%s",
              budget.left, budget.cores, budget.processes, budget.processes == 1 ? "" : "es");
    if (budget.quota > 0)
        found(report, budget.quota < 1 ? WARN : NOTE, "quota",
              budget.quota < 1 ? "less than a core: even one thread is stopped now and then"
                               : "the cgroup's (container's) limit; it is rounded down",
              "%.2f cores", budget.quota);
}

static void check_profile(struct report *report)
{
    struct treadle_profile_info profile;

    if (treadle_profile_info(&profile))
        found(report, BAD, "profile", "", "%s", treadle_last_error());
    else if (!strcmp(profile.state, "refused"))
        found(report, WARN, "profile", "run 'treadle tune'; until then built-in costs hold",
              "%s: %s", profile.path, profile.reason);
    else if (!strcmp(profile.state, "used"))
        found(report, OK, "profile", "", "%s: %u costs", profile.path, profile.costs);
    else
        found(report, NOTE, "profile", "'treadle tune' measures what pays on this machine",
              "%s: built-in costs hold", profile.state);
}

static void check_cores(struct report *report, const struct facts *facts)
{
    if (facts->affinity > 0 && facts->affinity < facts->cores)
        found(report, NOTE, "cores", "this process is bound to some of the cores (taskset, cpuset)",
              "%d of %d online cores, Treadle uses %d", facts->affinity, facts->cores,
              facts->threads);
    else if (facts->threads < facts->cores)
        found(report, NOTE, "cores",
              "a variable or the cgroup's cpu.max (container limit) keeps it lower",
              "%d online, Treadle uses %d", facts->cores, facts->threads);
    else
        found(report, OK, "cores", "", "%d, Treadle uses %d", facts->cores, facts->threads);
}

static void check_plugins(struct report *report)
{
    struct treadle_backend_info info;

    for (uint32_t i = 0; treadle_backend_info(i, &info) == TREADLE_OK; i++)
        if (!*info.reason)
            found(report, OK, "plugin", "", "%s %s, %s", info.name, info.version, info.path);
        else if (strstr(info.reason, "built-in"))
            found(report, OK, "plugin", "", "%s", info.reason);
        else
            found(report, WARN, "plugin", "mend or remove the file; 'treadle list' shows the rest",
                  "%s", info.reason);
}

/** Others who may write to a folder may put code into every process that uses Treadle. */
static void check_folder(struct report *report, const char *folder)
{
    struct stat status;

    if (*folder != '/')
        found(report, WARN, "plugin folder", "only absolute paths are searched", "'%s' is relative",
              folder);
    else if (stat(folder, &status))
        found(report, WARN, "plugin folder", "create it, or take it out of TREADLE_PLUGIN_PATH",
              "%s does not exist", folder);
    else if (status.st_uid != 0 && status.st_uid != geteuid())
        found(report, WARN, "plugin folder",
              "plugins in it are refused: it must be yours or root's", "%s belongs to user %u",
              folder, (unsigned)status.st_uid);
    else if (status.st_mode & S_IWOTH)
        found(report, WARN, "plugin folder", "plugins in it are refused; chmod o-w",
              "%s can be written by everybody", folder);
    else if (status.st_mode & S_IWGRP)
        found(report, NOTE, "plugin folder", "chmod g-w unless the whole group is trusted",
              "%s can be written by its group", folder);
    else
        found(report, OK, "plugin folder", "", "%s", folder);
}

static void check_folders(struct report *report)
{
    const char *path = getenv("TREADLE_PLUGIN_PATH");
    char *copy = path ? strdup(path) : NULL, *rest = NULL;

    for (char *folder = copy ? strtok_r(copy, ":", &rest) : NULL; folder;
         folder = strtok_r(NULL, ":", &rest))
        check_folder(report, folder);
    free(copy);
}

static void check_cpu(struct report *report, const struct facts *facts)
{
    const char *mask = getenv("TREADLE_CPU");

    if (mask && *mask)
        found(report, NOTE, "cpu", "TREADLE_CPU holds kernels back; unset it for full speed",
              "%s, %s, TREADLE_CPU=%s", facts->cpu, facts->level, mask);
    else
        found(report, OK, "cpu", "", "%s, %s", facts->cpu, facts->level);
}

static void check_kernels(struct report *report)
{
    static const char *const ops[] = {"add", "sum", "matmul", "svd"};
    static const int64_t sizes[] = {10000000, 10000000, 1000, 1000};

    for (size_t i = 0; i < sizeof ops / sizeof *ops; i++) {
        const struct options_shape shape = {{sizes[i]}, 1};
        struct treadle_decision decision;
        struct workload load;
        if (!workload_plan(&load, "doctor", ops[i], (struct treadle_dtype){TREADLE_FLOAT, 64, 1},
                           &shape, 1, NULL))
            continue;
        if (treadle_explain(load.op, load.args, load.nargs, load.nin, load.attrs, 1, &decision))
            found(report, NOTE, "kernel", "a plugin that has it is missing: see 'treadle list'",
                  "%s of %lld f64: none", ops[i], (long long)sizes[i]);
        else
            found(report, OK, "kernel", "", "%s of %lld f64: %s%s%s, %u thread%s", ops[i],
                  (long long)sizes[i], decision.backend, *decision.variant ? " " : "",
                  decision.variant, decision.granted, decision.granted == 1 ? "" : "s");
    }
}

static void check_huge_pages(struct report *report, const struct facts *facts)
{
    if (!strcmp(facts->huge_pages, "never"))
        found(report, WARN, "huge pages",
              "large arrays are slower; as root: echo madvise > "
              "/sys/kernel/mm/transparent_hugepage/enabled",
              "never");
    else
        found(report, OK, "huge pages", "", "%s",
              *facts->huge_pages ? facts->huge_pages : "unknown");
}

static void check_machine(struct report *report, const struct facts *facts)
{
    const struct timespec pause = {.tv_nsec = 300000000};
    struct facts_moment begin;

    if (!strcmp(facts->governor, "powersave") || !strcmp(facts->governor, "ondemand"))
        found(report, WARN, "governor", "as root: cpupower frequency-set -g performance", "%s",
              facts->governor);
    else
        found(report, OK, "governor", "", "%s",
              *facts->governor ? facts->governor : "none visible");
    facts_moment_now(&begin);
    nanosleep(&pause, NULL);
    struct facts_disturbance now = facts_since(&begin);
    if (facts->virtual_machine)
        found(report, now.stolen > 0.02 ? WARN : NOTE, "virtual machine",
              "times vary with the neighbours: compare with 'treadle ab', not by hand",
              "yes, the hypervisor takes %.0f %% of the cores now", 100 * now.stolen);
    found(report, now.others > 0.25 ? WARN : OK, "load",
          now.others > 0.25 ? "other processes are busy: threads will have to share cores" : "",
          "%.2f; others use %.0f %% of the cores now", facts->load, 100 * now.others);
}

struct runtimes {
    char names[256];
    int count;
};

static int note_runtime(struct dl_phdr_info *info, size_t size, void *ctx)
{
    static const char *const names[] = {"libgomp", "libomp", "libiomp"};
    struct runtimes *runtimes = ctx;
    size_t used = strlen(runtimes->names);

    (void)size;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const char *slash = strrchr(info->dlpi_name, '/');
        const char *base = slash ? slash + 1 : info->dlpi_name;
        if (strncmp(base, names[i], strlen(names[i])))
            continue;
        snprintf(runtimes->names + used, sizeof runtimes->names - used, "%s%s", used ? ", " : "",
                 info->dlpi_name);
        runtimes->count++;
        return 0;
    }
    return 0;
}

static void check_runtimes(struct report *report)
{
    struct runtimes runtimes = {.count = 0};

    dl_iterate_phdr(note_runtime, &runtimes);
    if (runtimes.count == 0)
        found(report, NOTE, "OpenMP", "the openmp and blis plugins are not loaded", "no runtime");
    else if (runtimes.count > 1)
        found(report, WARN, "OpenMP", "each keeps threads of its own; use plugins built for one",
              "%s", runtimes.names);
    else
        found(report, OK, "OpenMP", "", "%s", runtimes.names);
}

/** Which loops and routines of NumPy's are hooked only a process with NumPy in it can tell. */
static void check_numpy(struct report *report)
{
    found(report, OK, "numpy", "", "see 'python -m treadle --doctor'");
}

static void check_all(struct report *report, struct facts *facts)
{
    check_library(report);
    bool ready = check_settings(report);

    facts_read(facts);
    check_treadle_variables(report);
    check_thread_variables(report);
    check_spinning(report);
    check_folders(report);
    if (ready) {
        check_cores(report, facts);
        check_budget(report);
        check_profile(report);
        check_plugins(report);
        check_kernels(report);
        check_runtimes(report);
    }
    check_numpy(report);
    check_cpu(report, facts);
    check_huge_pages(report, facts);
    check_machine(report, facts);
}

static void print_text(const struct report *report)
{
    json_t *check;
    size_t i;

    json_array_foreach(report->checks, i, check)
    {
        const char *advice = json_string_value(json_object_get(check, "advice"));
        printf("%-4s  %-15s  %s\n", json_string_value(json_object_get(check, "status")),
               json_string_value(json_object_get(check, "name")),
               json_string_value(json_object_get(check, "value")));
        if (*advice)
            printf("%23s-> %s\n", "", advice);
    }
}

int cli_doctor(int argc, char **argv)
{
    struct report report = {.worst = OK};
    struct facts facts;
    bool json = false;
    const struct cli_option options[] = {{"json", .to = &json}, {.name = NULL}};
    int status = cli_parse("doctor", argc, argv, options, false);

    if (status)
        return status < 0 ? cli_help(usage, text) : status;
    if (optind < argc)
        return cli_fail(CLI_USAGE, "doctor: takes no argument, but '%s' was given", argv[optind]);
    report.checks = json_array();
    check_all(&report, &facts);
    if (json)
        status = output_json(json_pack("{s:i, s:s, s:O, s:o}", "schema", 1, "status",
                                       levels[report.worst], "checks", report.checks, "environment",
                                       facts_json(&facts)));
    else
        print_text(&report);
    json_decref(report.checks);
    return report.worst == BAD ? CLI_FAILED : status;
}
