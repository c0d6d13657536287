/* SPDX-License-Identifier: BSD-3-Clause */
#include "ab_profile.h"

#include <stdio.h>

#include "ab_plugin.h"
#include "cli.h"
#include "tune_from.h"
#include "tune_profile.h"

static const char what[] = "ab: --write-profile";

/** What makes these calls others than those that costs are of; NULL: nothing. */
static const char *unusual(const struct ab_request *request)
{
    if (request->replay)
        return "--replay has calls of several kinds";
    if (request->layout)
        return "costs are those of contiguous operands, without --layout";
    if (request->in_place || request->cold || request->fresh)
        return "costs are without --inplace, --cache and --output";
    if (request->callers > 8 || (request->callers & (request->callers - 1)))
        return "costs are of 1, 2, 4 or 8 callers";
    if (request->sizes.count < 2)
        return "costs take two sizes at least";
    if (ab_plugin_is_path(request->given_a) || ab_plugin_is_path(request->given_b))
        return "a plugin given by its path has no place in a profile";
    return NULL;
}

int ab_profile_check(const struct ab_request *request)
{
    const char *reason = unusual(request);
    struct tune_profile profile;

    if (reason)
        return cli_fail(CLI_USAGE, "%s: %s", what, reason);
    if (!cli_init_library())
        return CLI_FAILED;
    bool good = tune_profile_open(&profile, what, true);
    tune_profile_finish(&profile);
    return good ? CLI_OK : CLI_FAILED;
}

static int write_into(struct tune_profile *profile, const struct ab_request *request,
                      const json_t *results)
{
    if (tune_from_results(results, profile) == 0)
        return cli_fail(CLI_FAILED, "%s: no backend was measured well enough to have costs", what);
    if (!tune_profile_write(profile))
        return CLI_FAILED;
    if (request->format == AB_TABLE)
        printf("\nWritten to %s\n", profile->path);
    return CLI_OK;
}

int ab_profile_write(const struct ab_request *request, const json_t *document,
                     const struct facts_disturbance *disturbance)
{
    struct tune_profile profile;
    int status = CLI_FAILED;

    if (!request->anyway && !tune_is_quiet(disturbance))
        return cli_fail(CLI_FAILED,
                        "%s: other processes were busy, so nothing is written; "
                        "--anyway takes the times as they are",
                        what);
    if (tune_profile_open(&profile, what, true))
        status = write_into(&profile, request, json_object_get(document, "results"));
    tune_profile_finish(&profile);
    return status;
}
