/* SPDX-License-Identifier: BSD-3-Clause */
#include "ab_limit.h"

#include <stdio.h>
#include <string.h>

#include "cli.h"
#include "options.h"

bool ab_limit_take(const char *what, const char *text, const struct cli_option *option)
{
    struct ab_limit *limit = option->to;
    char number[32];
    const char *colon = strchr(text, ':');
    size_t length = colon ? strlen(colon + 1) : 0;

    limit->slower = !strncmp(text, "slower:", 7);
    if ((!limit->slower && strncmp(text, "faster:", 7)) || length < 2 || length >= sizeof number ||
        colon[length] != '%') {
        cli_fail(CLI_USAGE, "%s: '%s' is not like slower:3%% or faster:3%%", what, text);
        return false;
    }
    snprintf(number, sizeof number, "%.*s", (int)length - 1, colon + 1);
    if (!options_number(what, number, 0.01, 10000, &limit->by))
        return false;
    limit->by /= 100;
    return true;
}

bool ab_limit_exceeded(const struct ab_limit *limit, double low, double high)
{
    if (limit->by == 0)
        return false;
    return limit->slower ? high < 1 / (1 + limit->by) : low > 1 + limit->by;
}
