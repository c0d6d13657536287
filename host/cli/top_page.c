/* SPDX-License-Identifier: BSD-3-Clause */
/* The page of `treadle top`: a head with the whole machine, then a line for each process. */
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "top.h"

enum { PAGE = 1 << 16, HEAD_LINES = 6, BAR = 10 };

/** The page as it grows, and how wide its last line is. */
struct page {
    const struct screen *screen;
    size_t length;
    int column;
    char text[PAGE];
};

enum colour { PLAIN = 0, BOLD = 1, DIM = 2, RED = 31, GREEN = 32, YELLOW = 33, CYAN = 36 };

static void colour(struct page *page, enum colour wanted)
{
    if (page->screen->colours && page->length < PAGE - 16)
        page->length += (size_t)sprintf(page->text + page->length, "\033[%dm", wanted);
}

/** One character of a name; what is not printable is a question mark. */
static void put_byte(struct page *page, char byte)
{
    if (page->length < PAGE - 16)
        page->text[page->length++] = (unsigned char)byte < ' ' || byte == 127 ? '?' : byte;
}

/** Text up to the right margin; bytes of one UTF-8 character stay together. */
static void put(struct page *page, const char *text)
{
    for (; *text; text++) {
        bool begins = (*text & 0xc0) != 0x80;
        if (begins && page->column >= page->screen->columns)
            return;
        page->column += begins;
        put_byte(page, *text);
    }
}

static void print(struct page *page, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void print(struct page *page, const char *format, ...)
{
    char text[512];
    va_list values;

    va_start(values, format);
    vsnprintf(text, sizeof text, format, values);
    va_end(values);
    put(page, text);
}

static void new_line(struct page *page)
{
    colour(page, PLAIN);
    page->text[page->length++] = '\n';
    page->column = 0;
}

static enum colour colour_of(double share)
{
    return share > 1.05 ? RED : share > 0.75 ? GREEN : share > 0 ? CYAN : DIM;
}

/** A bar of so many characters, filled to a share, in eighths where the terminal has them. */
static void bar(struct page *page, double share, int width)
{
    static const char *const eighths[] = {"", "▏", "▎", "▍", "▌", "▋", "▊", "▉"};
    double filled = fmin(fmax(share, 0), 1) * width;
    int whole = (int)filled, part = (int)((filled - whole) * 8), i = 0;

    colour(page, colour_of(share));
    for (; i < whole; i++)
        put(page, page->screen->utf8 ? "█" : "#");
    if (page->screen->utf8 && part > 0 && i++ < width)
        put(page, eighths[part]);
    colour(page, PLAIN);
    colour(page, DIM);
    for (; i < width; i++)
        put(page, page->screen->utf8 ? "░" : ".");
    colour(page, PLAIN);
}

static void history_line(struct page *page, const struct top_history *history)
{
    static const char *const blocks[] = {"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
    static const char *const plain[] = {"_", ".", ".", "-", "-", "=", "=", "#"};
    size_t room = (size_t)(page->screen->columns > 10 ? page->screen->columns - 10 : 0);
    size_t first = history->count > room ? history->count - room : 0;

    print(page, " past    ");
    for (size_t i = first; i < history->count; i++) {
        int height = (int)(fmin(fmax(history->use[i], 0), 1) * 7.999);
        colour(page, colour_of(history->use[i]));
        put(page, (page->screen->utf8 ? blocks : plain)[height]);
        colour(page, PLAIN);
    }
    new_line(page);
}

static void head(struct page *page, const struct top_look *look, const struct top_history *history)
{
    char clock[16];
    time_t now = time(NULL);
    struct tm local;
    int width = page->screen->columns - 36;

    strftime(clock, sizeof clock, "%H:%M:%S", localtime_r(&now, &local));
    colour(page, BOLD);
    print(page, " treadle top");
    colour(page, PLAIN);
    print(page, "  %s, %u core%s; %u process%s, %u active; %.0f calls/s   (q quits)", clock,
          look->cores, look->cores == 1 ? "" : "s", look->count, look->count == 1 ? "" : "es",
          look->active, look->calls_per_second);
    new_line(page);
    new_line(page);
    print(page, " cores   ");
    bar(page, look->use / fmax(look->cores, look->active), width > 50 ? 50 : width < 8 ? 8 : width);
    print(page, "  %.1f threads on %u", look->use, look->cores);
    new_line(page);
    history_line(page, history);
    new_line(page);
}

static void row(struct page *page, const struct top_row *row)
{
    const struct treadle_process *process = &row->process;
    bool idle = row->use <= 0 && process->callers == 0;

    if (idle)
        colour(page, DIM);
    print(page, " %7d ", process->pid);
    bar(page, process->cores ? row->use / process->cores : 0, BAR);
    if (idle)
        colour(page, DIM);
    print(page, " %5.1f %5u %6u %5u %9.0f  ", row->use, process->held,
          process->callers ? process->wanted : 0, process->share, row->calls_per_second);
    put(page, row->command);
    new_line(page);
}

static void rows(struct page *page, const struct top_look *look)
{
    uint32_t room =
        page->screen->rows > HEAD_LINES + 2 ? (uint32_t)(page->screen->rows - HEAD_LINES - 2) : 1;

    colour(page, BOLD);
    print(page, " %7s %-*s %5s %5s %6s %5s %9s  %s", "PID", BAR, "CORES", "USE", "HELD", "WANTED",
          "SHARE", "CALLS/S", "COMMAND");
    new_line(page);
    for (uint32_t i = 0; i < look->count && i < room; i++)
        row(page, &look->rows[i]);
    if (look->count > room) {
        print(page, " and %u more", look->count - room);
        new_line(page);
    }
}

static void nothing(struct page *page, const struct top_look *look)
{
    if (*look->trouble) {
        colour(page, YELLOW);
        print(page, " %s", look->trouble);
    } else {
        print(page,
              " No process shares cores now. It appears here with its first large call, unless");
        new_line(page);
        print(page, " TREADLE_BUDGET is process or off.");
    }
    new_line(page);
}

void top_page(const struct top_look *look, const struct top_history *history,
              const struct screen *screen)
{
    static struct page page;

    page.screen = screen;
    page.length = 0;
    page.column = 0;
    head(&page, look, history);
    if (look->count > 0)
        rows(&page, look);
    else
        nothing(&page, look);
    screen_show(page.text, page.length);
}
