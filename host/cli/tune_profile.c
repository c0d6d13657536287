/* SPDX-License-Identifier: BSD-3-Clause */
#include "tune_profile.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <treadle/treadle.h>

#include "cli.h"
#include "draft.h"

enum { LINE = 256 };

static void append(struct tune_profile *profile, const char *line)
{
    char **costs = realloc(profile->costs, (profile->count + 1) * sizeof *costs);
    char *copy = strdup(line);

    if (!costs || !copy)
        exit(cli_fail(CLI_FAILED, "%s: no memory", profile->what));
    profile->costs = costs;
    profile->costs[profile->count++] = copy;
}

/** "backend openmp 0.1.0", as long as it is loaded. */
static bool is_here(const char *line)
{
    struct treadle_backend_info info;
    char here[LINE];

    for (uint32_t i = 0; treadle_backend_info(i, &info) == TREADLE_OK; i++) {
        snprintf(here, sizeof here, "backend %s %s", info.name, info.version);
        if (!*info.reason && !strcmp(line, here))
            return true;
    }
    return false;
}

/**
 * Only of a file that the library uses: it has checked every line. Costs of another version of a
 * backend are left out.
 */
static void read_costs(struct tune_profile *profile)
{
    FILE *file = fopen(profile->path, "re");
    char line[LINE], names[16 * 40] = " ", name[40], key[42];

    while (file && fgets(line, sizeof line, file)) {
        line[strcspn(line, "\n")] = '\0';
        size_t used = strlen(names);
        if (sscanf(line, "backend %39s", name) == 1 && is_here(line))
            snprintf(names + used, sizeof names - used, "%s ", name);
        if (sscanf(line, "cost %*s %*s %39s", name) != 1)
            continue;
        snprintf(key, sizeof key, " %s ", name);
        if (strstr(names, key))
            append(profile, line);
    }
    if (file)
        fclose(file);
}

bool tune_profile_open(struct tune_profile *profile, const char *what, bool write)
{
    struct treadle_profile_info info;

    *profile = (struct tune_profile){.what = what};
    if (treadle_profile_info(&info))
        return cli_fail_library() == CLI_OK;
    if (!*info.path && write) {
        cli_fail(CLI_FAILED, "%s: %s", what,
                 strcmp(info.state, "off") ? "there is no folder for a profile; set HOME, "
                                             "XDG_CACHE_HOME or TREADLE_PROFILE"
                                           : "TREADLE_PROFILE=off: there is nothing to write");
        return false;
    }
    memcpy(profile->path, info.path, sizeof profile->path);
    memcpy(profile->machine, info.machine, sizeof profile->machine);
    if (!strcmp(info.state, "used"))
        read_costs(profile);
    return true;
}

static size_t find(const struct tune_profile *profile, const char *op, const char *dtype,
                   const char *backend, uint32_t callers, char *key)
{
    size_t i = 0,
           length = (size_t)snprintf(key, LINE, "cost %s %s %s %u ", op, dtype, backend, callers);

    while (i < profile->count && strncmp(profile->costs[i], key, length) != 0)
        i++;
    return i;
}

bool tune_profile_has(const struct tune_profile *profile, const char *op, const char *dtype,
                      const char *backend, uint32_t callers)
{
    char key[LINE];

    return find(profile, op, dtype, backend, callers, key) < profile->count;
}

bool tune_profile_get(const struct tune_profile *profile, const char *op, const char *dtype,
                      const char *backend, uint32_t callers, struct tune_cost *cost)
{
    char key[LINE];
    size_t i = find(profile, op, dtype, backend, callers, key);

    if (i == profile->count ||
        sscanf(profile->costs[i] + strlen(key), "%lf %lf %lf %lf %lf", &cost->call, &cost->start,
               &cost->each, &cost->unit, &cost->spread) != 5)
        return false;
    cost->unit *= 1e-6;
    cost->spread *= 1e-3;
    return true;
}

void tune_profile_put(struct tune_profile *profile, const char *op, const char *dtype,
                      const char *backend, uint32_t callers, const struct tune_cost *cost)
{
    char line[LINE];
    size_t i = find(profile, op, dtype, backend, callers, line), used = strlen(line);

    snprintf(line + used, LINE - used, "%.0f %.0f %.0f %.0f %.0f", cost->call, cost->start,
             cost->each, fmax(1e6 * cost->unit, 1), 1e3 * cost->spread);
    if (i == profile->count) {
        append(profile, line);
        return;
    }
    free(profile->costs[i]);
    profile->costs[i] = strdup(line);
    if (!profile->costs[i])
        exit(cli_fail(CLI_FAILED, "%s: no memory", profile->what));
}

static void print_all(const struct tune_profile *profile, FILE *file)
{
    struct treadle_backend_info info;

    fputs(profile->machine, file);
    for (uint32_t i = 0; treadle_backend_info(i, &info) == TREADLE_OK; i++)
        if (!*info.reason)
            fprintf(file, "backend %s %s\n", info.name, info.version);
    for (size_t i = 0; i < profile->count; i++)
        fprintf(file, "%s\n", profile->costs[i]);
    fputs("end\n", file);
}

bool tune_profile_write(struct tune_profile *profile)
{
    struct draft draft;

    draft_make_folders(profile->path);
    if (draft_begin(&draft, profile->path, 0600)) {
        print_all(profile, draft.file);
        if (draft_end(&draft, true))
            return true;
    }
    cli_fail(CLI_FAILED, "%s: %s cannot be written: %s", profile->what, profile->path,
             strerror(errno));
    return false;
}

void tune_profile_finish(struct tune_profile *profile)
{
    for (size_t i = 0; i < profile->count; i++)
        free(profile->costs[i]);
    free(profile->costs);
}
