/* SPDX-License-Identifier: BSD-3-Clause */
/* `treadle top`: the processes that share the cores, live or once. */
#include "top.h"

#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cli.h"
#include "command_line.h"
#include "options.h"
#include "output.h"
#include "stopwatch.h"

static const char usage[] = "top [OPTION...]";
static const char text[] =
    "Show the processes of this user that share the cores of this machine: what each holds, what\n"
    "it would like, and its share beside the others. A process appears with its first large call\n"
    "and stays until it ends; with TREADLE_BUDGET=process or off it does not appear. Without a\n"
    "terminal the page is printed once. 'q' or Ctrl-C ends it.\n\n"
    "  --interval SECONDS  time between two looks (1)\n"
    "  --once              print a table once: the rates are those of one interval\n"
    "  --json              the same as JSON\n"
    "  --help              this text\n\n"
    "CORES and USE are threads that worked, on average since the last look; HELD and WANTED are\n"
    "those of the calls in flight; SHARE is what the process may use beside the others.\n\n"
    "Examples:\n"
    "  treadle top\n"
    "  treadle top --interval 0.2\n"
    "  treadle top --json | jq '.processes[].pid'\n";

/* ---- looking --------------------------------------------------------------------------------- */

/** The command line of a process that is here, else what the kernel calls it. */
static void read_command(const struct treadle_process *process, char *command)
{
    char path[64];
    size_t length = 0;

    snprintf(path, sizeof path, "/proc/%d/cmdline", process->pid);
    FILE *file = process->is_here ? fopen(path, "re") : NULL;
    if (file) {
        length = fread(command, 1, TOP_COMMAND - 1, file);
        fclose(file);
    }
    while (length > 0 && !command[length - 1])
        length--;
    command[length] = '\0';
    for (size_t i = 0; i < length; i++)
        if (!command[i])
            command[i] = ' ';
    if (!length)
        snprintf(command, TOP_COMMAND, "[%s]%s", process->command,
                 process->is_here ? "" : " (another container)");
}

static const struct top_row *find(const struct top_look *look, const struct treadle_process *same)
{
    for (uint32_t i = 0; look && i < look->count; i++) {
        const struct treadle_process *other = &look->rows[i].process;
        if (other->pid == same->pid && other->is_here == same->is_here &&
            other->calls <= same->calls)
            return &look->rows[i];
    }
    return NULL;
}

/**
 * Time is counted when a call ends: a long call shows what it holds until then, and not more than
 * there is when it has ended.
 */
static void measure(struct top_row *row, const struct top_row *before, double interval)
{
    uint64_t calls = before ? row->process.calls - before->process.calls : 0;

    row->use = row->process.held;
    if (calls == 0 || interval <= 0)
        return;
    row->calls_per_second = (double)calls / interval;
    double use = 1e-9 * (double)(row->process.core_ns - before->process.core_ns) / interval;
    if (use <= row->process.cores)
        row->use = use;
}

static int by_use(const void *a, const void *b)
{
    const struct top_row *left = a, *right = b;

    if (left->use != right->use)
        return left->use < right->use ? 1 : -1;
    return (left->process.pid > right->process.pid) - (left->process.pid < right->process.pid);
}

static void look(struct top_look *now, const struct top_look *before)
{
    static struct treadle_process list[TOP_PROCESSES];
    int32_t count = treadle_processes(list, TOP_PROCESSES);

    memset(now, 0, offsetof(struct top_look, rows));
    now->time = stopwatch_now();
    now->interval = before ? now->time - before->time : 0;
    now->cores = (uint32_t)sysconf(_SC_NPROCESSORS_ONLN);
    now->trouble[0] = '\0';
    if (count < 0)
        snprintf(now->trouble, sizeof now->trouble, "%s", treadle_last_error());
    for (int32_t i = 0; i < count && i < TOP_PROCESSES; i++) {
        struct top_row *row = &now->rows[now->count++];
        *row = (struct top_row){.process = list[i]};
        read_command(&list[i], row->command);
        measure(row, find(before, &list[i]), now->interval);
        now->use += row->use;
        now->active += row->process.callers > 0 || row->calls_per_second > 0;
        now->calls_per_second += row->calls_per_second;
    }
    qsort(now->rows, now->count, sizeof *now->rows, by_use);
}

/* ---- once -------------------------------------------------------------------------------------
 */

static int print_json(const struct top_look *now)
{
    json_t *processes = json_array();

    for (uint32_t i = 0; i < now->count; i++) {
        const struct top_row *row = &now->rows[i];
        const struct treadle_process *p = &row->process;
        json_t *command = json_string(row->command); /* NULL if it is not UTF-8 */
        json_array_append_new(
            processes,
            json_pack("{s:i, s:b, s:o, s:i, s:i, s:i, s:i, s:i, s:I, s:f, s:f}", "pid", p->pid,
                      "is_here", (int)p->is_here, "command", command ? command : json_string(""),
                      "cores", (int)p->cores, "share", (int)p->share, "callers", (int)p->callers,
                      "held", (int)p->held, "wanted", (int)p->wanted, "calls", (json_int_t)p->calls,
                      "calls_per_second", row->calls_per_second, "use", row->use));
    }
    return output_json(json_pack("{s:i, s:i, s:f, s:f, s:s, s:o}", "schema", 1, "cores",
                                 (int)now->cores, "interval", now->interval, "use", now->use,
                                 "trouble", now->trouble, "processes", processes));
}

static int print_table(const struct top_look *now)
{
    static const char *const heads[] = {"PID",   "USE",     "HELD",   "WANTED",
                                        "SHARE", "CALLS/S", "COMMAND"};
    struct output_table table;

    printf("%u cores, %.1f threads; %u process%s, %u active\n", now->cores, now->use, now->count,
           now->count == 1 ? "" : "es", now->active);
    if (*now->trouble)
        return cli_fail(CLI_FAILED, "top: %s", now->trouble);
    if (!now->count)
        return CLI_OK;
    output_table_init(&table, "rrrrrrl");
    for (size_t i = 0; i < sizeof heads / sizeof *heads; i++)
        output_cell(&table, "%s", heads[i]);
    for (uint32_t i = 0; i < now->count; i++) {
        const struct top_row *row = &now->rows[i];
        output_cell(&table, "%d", row->process.pid);
        output_cell(&table, "%.1f", row->use);
        output_cell(&table, "%u", row->process.held);
        output_cell(&table, "%u", row->process.callers ? row->process.wanted : 0);
        output_cell(&table, "%u", row->process.share);
        output_cell(&table, "%.0f", row->calls_per_second);
        output_cell(&table, "%s", row->command);
    }
    output_table_print(&table);
    output_table_finish(&table);
    return CLI_OK;
}

static void pause_for(double seconds)
{
    const struct timespec pause = {(time_t)seconds,
                                   (long)((seconds - (double)(time_t)seconds) * 1e9)};

    nanosleep(&pause, NULL);
}

/* ---- live --------------------------------------------------------------------------------------
 */

static void remember(struct top_history *history, const struct top_look *now)
{
    if (history->count == TOP_HISTORY)
        memmove(history->use, history->use + 1, --history->count * sizeof *history->use);
    history->use[history->count++] = now->use / fmax(now->cores, now->active);
}

static int watch(struct top_look looks[2], double interval)
{
    static struct top_history history;
    enum screen_event event = SCREEN_TIME;
    int latest = 0;

    screen_enter();
    while (event == SCREEN_TIME || event == SCREEN_REDRAW) {
        struct screen screen = screen_look();
        top_page(&looks[latest], &history, &screen);
        event = screen_wait(looks[latest].time + interval - stopwatch_now());
        if (event != SCREEN_TIME)
            continue;
        look(&looks[!latest], &looks[latest]);
        latest = !latest;
        remember(&history, &looks[latest]);
    }
    screen_leave();
    return event == SCREEN_QUIT ? CLI_OK : CLI_INTERRUPTED;
}

int cli_top(int argc, char **argv)
{
    static struct top_look looks[2];
    bool json = false, once = !screen_is_there();
    double interval = 1;
    const struct cli_option options[] = {{"interval", cli_take_number, &interval, 0.05, 3600},
                                         {"once", .to = &once},
                                         {"json", .to = &json},
                                         {.name = NULL}};
    int status = cli_parse("top", argc, argv, options, false);

    if (status)
        return status < 0 ? cli_help(usage, text) : status;
    if (optind < argc)
        return cli_fail(CLI_USAGE, "top: takes no argument, but '%s' was given", argv[optind]);
    look(&looks[0], NULL);
    if (!json && !once)
        return watch(looks, interval);
    pause_for(interval);
    look(&looks[1], &looks[0]);
    return json ? print_json(&looks[1]) : print_table(&looks[1]);
}
