/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef TREADLE_SCREEN_H
#define TREADLE_SCREEN_H

#include <stdbool.h>
#include <stddef.h>

/** The whole terminal, for a page that is drawn again and again. One at a time. */
struct screen {
    int rows, columns;
    bool colours; /* not with NO_COLOR */
    bool utf8;
};

/** What ended a wait. */
enum screen_event { SCREEN_TIME, SCREEN_REDRAW, SCREEN_QUIT, SCREEN_INTERRUPTED };

/** Is there a terminal to draw on? */
bool screen_is_there(void);

/** Take it, until screen_leave(), the end of the process, or a signal that ends it. */
void screen_enter(void);
void screen_leave(void);

/** The size now, and what may be drawn. */
struct screen screen_look(void);

/** Wait so long; 'q' quits, Ctrl-C interrupts, Ctrl-Z gives the terminal back until `fg`. */
enum screen_event screen_wait(double seconds);

/** Show a page: lines that end in '\n'. What was there before is replaced without flicker. */
void screen_show(const char *page, size_t length);

#endif /* TREADLE_SCREEN_H */
