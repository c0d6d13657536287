/* SPDX-License-Identifier: BSD-3-Clause */
#include "command_line.h"

#include <stdio.h>

#include "cli.h"
#include "options.h"

enum { OPTIONS_MOST = 40, FIRST = 256, HELP = 'h' };

bool cli_take_text(const char *what, const char *value, const struct cli_option *option)
{
    (void)what;
    *(const char **)option->to = value;
    return true;
}

bool cli_take_count(const char *what, const char *value, const struct cli_option *option)
{
    return options_count(what, value, (int64_t)option->least, (int64_t)option->most, option->to);
}

bool cli_take_number(const char *what, const char *value, const struct cli_option *option)
{
    return options_number(what, value, option->least, option->most, option->to);
}

bool cli_take_counts(const char *what, const char *value, const struct cli_option *option)
{
    return options_counts(what, value, (int64_t)option->least, (int64_t)option->most, option->to);
}

bool cli_take_dtype(const char *what, const char *value, const struct cli_option *option)
{
    return options_dtype(what, value, option->to);
}

bool cli_take_dtypes(const char *what, const char *value, const struct cli_option *option)
{
    return options_dtypes(what, value, option->to);
}

bool cli_take_texts(const char *what, const char *value, const struct cli_option *option)
{
    struct cli_texts *list = option->to;

    if (list->count == CLI_TEXTS_MAX) {
        cli_fail(CLI_USAGE, "%s: more than %d values", what, CLI_TEXTS_MAX);
        return false;
    }
    list->texts[list->count++] = value;
    return true;
}

/** What getopt_long() refused with '?' or ':'. */
static int refuse(const char *command, int argc, char **argv, int refusal)
{
    const char *given = optind > 1 && optind <= argc ? argv[optind - 1] : "";

    if (refusal == ':')
        return cli_fail(CLI_USAGE, "%s: option %s needs a value; see 'treadle %s --help'", command,
                        given, command);
    return cli_fail(CLI_USAGE, "%s: unknown option %s; see 'treadle %s --help'", command, given,
                    command);
}

static bool take(const char *command, const struct cli_option *option)
{
    char what[64];

    snprintf(what, sizeof what, "%s: --%s", command, option->name);
    if (option->take)
        return option->take(what, optarg, option);
    *(bool *)option->to = true;
    return true;
}

int cli_parse(const char *command, int argc, char **argv, const struct cli_option *options,
              bool before)
{
    struct option known[OPTIONS_MOST + 2] = {{"help", no_argument, NULL, HELP}};
    int found;

    for (int i = 0; options[i].name && i < OPTIONS_MOST; i++)
        known[i + 1] = (struct option){
            options[i].name, options[i].take ? required_argument : no_argument, NULL, FIRST + i};
    opterr = 0;
    while ((found = getopt_long(argc, argv, before ? "+:" : ":", known, NULL)) != -1) {
        if (found == HELP)
            return -1;
        if (found < FIRST)
            return refuse(command, argc, argv, found);
        if (!take(command, &options[found - FIRST]))
            return CLI_USAGE;
    }
    return CLI_OK;
}
