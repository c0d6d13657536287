/* SPDX-License-Identifier: BSD-3-Clause */
#include "facts.h"

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <treadle/treadle.h>

#include "output.h"
#include "stopwatch.h"

/* Above this share of the machine, others show in the second digit of a time. */
static const double disturbing_share = 0.05;
static const double disturbing_bytes = 1 << 20;

/** The rest of the first line of `path` that starts with `key`; "" if there is none. */
static void read_line(const char *path, const char *key, char *text, size_t capacity)
{
    FILE *file = fopen(path, "re");
    char line[4096];

    text[0] = '\0';
    while (file && fgets(line, sizeof line, file)) {
        if (strncmp(line, key, strlen(key)))
            continue;
        const char *value = line + strlen(key);
        value += strspn(value, " \t:");
        snprintf(text, capacity, "%.*s", (int)strcspn(value, "\n"), value);
        break;
    }
    if (file)
        fclose(file);
}

static void read_level(char *level, size_t capacity)
{
    const char *name = "";

#if defined(__x86_64__)
    __builtin_cpu_init();
    name = "x86-64";
    if (__builtin_cpu_supports("sse4.2") && __builtin_cpu_supports("popcnt"))
        name = "x86-64-v2";
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
        __builtin_cpu_supports("bmi2"))
        name = "x86-64-v3";
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("avx512f") &&
        __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
        __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512cd"))
        name = "x86-64-v4";
#elif defined(__aarch64__)
    name = "aarch64";
#endif
    snprintf(level, capacity, "%s", name);
}

/** "always [madvise] never" -> "madvise" */
static void read_huge_pages(char *text, size_t capacity)
{
    char line[64];

    read_line("/sys/kernel/mm/transparent_hugepage/enabled", "", line, sizeof line);
    const char *begin = strchr(line, '[');
    text[0] = '\0';
    if (begin)
        snprintf(text, capacity, "%.*s", (int)strcspn(begin + 1, "]"), begin + 1);
}

/* Intel's driver says whether it is off, the others whether it is on. */
static void read_turbo(char *text, size_t capacity)
{
    char off[4], on[4];

    read_line("/sys/devices/system/cpu/intel_pstate/no_turbo", "", off, sizeof off);
    read_line("/sys/devices/system/cpu/cpufreq/boost", "", on, sizeof on);
    snprintf(text, capacity, "%s",
             *off == '0' || *on == '1'   ? "on"
             : *off == '1' || *on == '0' ? "off"
                                         : "");
}

static bool has_cpu_flag(const char *flag)
{
    char line[4096];
    size_t length = strlen(flag);

    read_line("/proc/cpuinfo", "flags", line, sizeof line);
    for (const char *at = strstr(line, flag); at; at = strstr(at + 1, flag))
        if ((at == line || at[-1] == ' ') && (at[length] == ' ' || !at[length]))
            return true;
    return false;
}

void facts_read(struct facts *facts)
{
    char line[64];
    struct utsname name;
    cpu_set_t cpus;
    double load;

    read_line("/proc/cpuinfo", "model name", facts->cpu, sizeof facts->cpu);
    if (!facts->cpu[0] && uname(&name) == 0)
        snprintf(facts->cpu, sizeof facts->cpu, "%s", name.machine);
    read_level(facts->level, sizeof facts->level);
    read_line("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor", "", facts->governor,
              sizeof facts->governor);
    read_turbo(facts->turbo, sizeof facts->turbo);
    read_huge_pages(facts->huge_pages, sizeof facts->huge_pages);
    facts->virtual_machine = has_cpu_flag("hypervisor");
    facts->cores = (int32_t)sysconf(_SC_NPROCESSORS_ONLN);
    facts->affinity = sched_getaffinity(0, sizeof cpus, &cpus) ? -1 : CPU_COUNT(&cpus);
    facts->threads = treadle_get_num_threads();
    facts->load = getloadavg(&load, 1) == 1 ? load : -1;
    read_line("/proc/meminfo", "MemAvailable", line, sizeof line);
    facts->memory_free = line[0] ? 1024 * strtod(line, NULL) : -1;
}

json_t *facts_json(const struct facts *facts)
{
    return json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:b, s:i, s:i, s:i, s:f, s:f}", "version",
                     treadle_version(), "cpu", facts->cpu, "level", facts->level, "governor",
                     facts->governor, "turbo", facts->turbo, "huge_pages", facts->huge_pages,
                     "virtual_machine", facts->virtual_machine, "cores", facts->cores, "affinity",
                     facts->affinity, "threads", facts->threads, "load", facts->load, "memory_free",
                     facts->memory_free);
}

static double pages_swapped(void)
{
    char in[32], out[32];

    read_line("/proc/vmstat", "pswpin ", in, sizeof in);
    read_line("/proc/vmstat", "pswpout ", out, sizeof out);
    return strtod(in, NULL) + strtod(out, NULL);
}

void facts_moment_now(struct facts_moment *moment)
{
    struct rusage usage;
    unsigned long long user = 0, nice = 0, system = 0, idle, wait, irq = 0, soft = 0, steal = 0;
    double ticks = (double)sysconf(_SC_CLK_TCK);
    char line[256];

    getrusage(RUSAGE_SELF, &usage);
    moment->own = (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
                  1e-6 * (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec);
    moment->wall = stopwatch_now();
    moment->swapped = pages_swapped();
    read_line("/proc/stat", "cpu ", line, sizeof line);
    if (sscanf(line, "%llu %llu %llu %llu %llu %llu %llu %llu", &user, &nice, &system, &idle, &wait,
               &irq, &soft, &steal) < 8) {
        moment->busy = moment->stolen = -1;
        return;
    }
    moment->busy = (double)(user + nice + system + irq + soft) / ticks;
    moment->stolen = (double)steal / ticks;
}

static double share(double seconds, double whole)
{
    return seconds < 0 || whole <= 0 ? 0 : seconds / whole;
}

struct facts_disturbance facts_since(const struct facts_moment *begin)
{
    struct facts_moment now;
    double cores = (double)sysconf(_SC_NPROCESSORS_ONLN);

    facts_moment_now(&now);
    if (begin->busy < 0 || now.busy < 0)
        return (struct facts_disturbance){-1, -1, -1};
    double whole = (now.wall - begin->wall) * cores;
    return (struct facts_disturbance){
        share(now.busy - begin->busy - (now.own - begin->own), whole),
        share(now.stolen - begin->stolen, whole),
        (now.swapped - begin->swapped) * (double)sysconf(_SC_PAGESIZE),
    };
}

void facts_warn_of(const char *text, json_t *warnings)
{
    fprintf(stderr, "warning: %s\n", text);
    json_array_append_new(warnings, json_string(text));
}

void facts_warn(const struct facts *facts, const struct facts_disturbance *disturbance,
                json_t *warnings)
{
    char text[256];

    if (disturbance->others > disturbing_share) {
        snprintf(text, sizeof text,
                 "other processes used %.0f %% of the machine meanwhile; ratios hold, times are "
                 "too long",
                 100 * disturbance->others);
        facts_warn_of(text, warnings);
    }
    if (disturbance->stolen > disturbing_share) {
        snprintf(text, sizeof text, "the hypervisor took %.0f %% of the cores away meanwhile",
                 100 * disturbance->stolen);
        facts_warn_of(text, warnings);
    }
    if (disturbance->swapped > disturbing_bytes) {
        snprintf(text, sizeof text, "the machine swapped %.0f MiB meanwhile",
                 disturbance->swapped / (1 << 20));
        facts_warn_of(text, warnings);
    }
    if (!strcmp(facts->turbo, "on"))
        facts_warn_of("turbo is on: the clock depends on how many cores are busy, and how warm",
                      warnings);
    if (!strcmp(facts->governor, "powersave") || !strcmp(facts->governor, "ondemand")) {
        snprintf(text, sizeof text,
                 "the frequency governor is %s; times vary less with 'performance'",
                 facts->governor);
        facts_warn_of(text, warnings);
    }
}
