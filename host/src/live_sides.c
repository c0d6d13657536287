/* SPDX-License-Identifier: BSD-3-Clause */
#include "live_sides.h"

#include <locale.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <treadle/status.h>

#include "error.h"

static const double SHARE = 0.1, SHARE_MAX = 0.5;

static int32_t refuse(const char *spec)
{
    return fail(TREADLE_E_INVALID,
                "TREADLE_AB=%.128s: allowed are two backends and a share of the calls up to a "
                "half: A,B or A,B@0.1 or A,B@10%%",
                spec);
}

/* "0.1" or "10%", in any locale. */
static bool parse_share(const char *text, double *share)
{
    locale_t plain = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    char *end = (char *)(uintptr_t)text;

    *share = plain ? strtod_l(text, &end, plain) : -1;
    if (plain)
        freelocale(plain);
    bool whole = end > text && *end == '\0';
    if (end > text && strcmp(end, "%") == 0) {
        *share /= 100;
        whole = true;
    }
    return whole && *share >= 0 && *share <= SHARE_MAX;
}

static const struct plan *plan_of(const char *begin, const char *end)
{
    char *name = strndup(begin, (size_t)(end - begin));
    const struct plan *plan = name ? policy_parse(name, "TREADLE_AB") : NULL;
    if (!name)
        fail(TREADLE_E_NOMEM, "TREADLE_AB=%.128s: no memory", begin);
    free(name);
    return plan;
}

int32_t live_sides_parse(const char *spec, struct live_sides *sides)
{
    const char *comma = strchr(spec, ','), *at = strchrnul(spec, '@');
    double share = SHARE;
    if (!comma || comma == spec || comma > at || comma + 1 == at ||
        memchr(comma + 1, ',', (size_t)(at - comma - 1)) || (*at && !parse_share(at + 1, &share)))
        return refuse(spec);
    const struct plan *a = plan_of(spec, comma), *b = a ? plan_of(comma + 1, at) : NULL;
    if (!b)
        return TREADLE_E_INVALID;
    *sides = (struct live_sides){policy_spec(a), policy_spec(b), b, share};
    return TREADLE_OK;
}
