/* SPDX-License-Identifier: BSD-3-Clause */
#include "screen.h"

#include <langinfo.h>
#include <locale.h>
#include <math.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include "stopwatch.h"

/* Another page beside the user's, without a cursor. */
static const char enter[] = "\033[?1049h\033[?25l\033[H\033[2J";
static const char leave[] = "\033[?25h\033[?1049l";

static struct termios cooked;
static bool has_keys;
static volatile sig_atomic_t taken, interrupted, changed;

static void put(const char *text, size_t length)
{
    while (length > 0) {
        ssize_t written = write(STDOUT_FILENO, text, length);
        if (written <= 0)
            return;
        text += written;
        length -= (size_t)written;
    }
}

bool screen_is_there(void)
{
    const char *terminal = getenv("TERM");

    return isatty(STDOUT_FILENO) && terminal && *terminal && strcmp(terminal, "dumb") != 0;
}

/* Only what a signal handler may do: write() and tcsetattr(). */
static void take(void)
{
    struct termios raw = cooked;

    raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
    if (has_keys)
        tcsetattr(STDIN_FILENO, TCSADRAIN, &raw);
    put(enter, sizeof enter - 1);
    taken = 1;
}

void screen_leave(void)
{
    if (!taken)
        return;
    taken = 0;
    put(leave, sizeof leave - 1);
    if (has_keys)
        tcsetattr(STDIN_FILENO, TCSADRAIN, &cooked);
}

static void note_end(int signal)
{
    interrupted = signal;
}

static void note_change(int signal)
{
    (void)signal;
    changed = 1;
}

static void stop(int signal)
{
    (void)signal;
    screen_leave();
    raise(SIGSTOP);
    take();
    changed = 1;
}

static void on(int signal, void (*handler)(int))
{
    struct sigaction action = {.sa_handler = handler};

    sigemptyset(&action.sa_mask);
    sigaction(signal, &action, NULL);
}

void screen_enter(void)
{
    setlocale(LC_CTYPE, "");
    has_keys = isatty(STDIN_FILENO) && tcgetattr(STDIN_FILENO, &cooked) == 0;
    atexit(screen_leave);
    on(SIGINT, note_end);
    on(SIGTERM, note_end);
    on(SIGHUP, note_end);
    on(SIGQUIT, note_end);
    on(SIGWINCH, note_change);
    on(SIGTSTP, stop);
    take();
}

struct screen screen_look(void)
{
    struct winsize size;
    struct screen screen = {24, 80, !getenv("NO_COLOR"), !strcmp(nl_langinfo(CODESET), "UTF-8")};

    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_row > 0 && size.ws_col > 0) {
        screen.rows = size.ws_row;
        screen.columns = size.ws_col;
    }
    return screen;
}

static enum screen_event read_key(void)
{
    char key;
    ssize_t length = read(STDIN_FILENO, &key, 1);

    if (length == 0 || (length == 1 && (key == 'q' || key == 'Q')))
        return SCREEN_QUIT;
    return SCREEN_REDRAW;
}

enum screen_event screen_wait(double seconds)
{
    double end = stopwatch_now() + seconds;
    struct pollfd keys = {.fd = has_keys ? STDIN_FILENO : -1, .events = POLLIN};

    for (;;) {
        double left = end - stopwatch_now();
        if (interrupted)
            return SCREEN_INTERRUPTED;
        if (changed) {
            changed = 0;
            return SCREEN_REDRAW;
        }
        if (left <= 0)
            return SCREEN_TIME;
        if (poll(&keys, 1, (int)ceil(left * 1000)) > 0)
            return read_key();
    }
}

void screen_show(const char *page, size_t length)
{
    static const char home[] = "\033[H", rest[] = "\033[J", end_of_line[] = "\033[K\n";

    put(home, sizeof home - 1);
    while (length > 0) {
        const char *line = memchr(page, '\n', length);
        size_t width = line ? (size_t)(line - page) : length;
        put(page, width);
        if (!line)
            break;
        put(end_of_line, sizeof end_of_line - 1);
        page += width + 1;
        length -= width + 1;
    }
    put(rest, sizeof rest - 1);
}
