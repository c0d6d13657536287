/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef TREADLE_NUMPY_ORDER_PARTS_H
#define TREADLE_NUMPY_ORDER_PARTS_H

#include <stdbool.h>
#include <stdint.h>

/*
 * Cutting a line of numbers so that its parts can be sorted by themselves: all that are less than
 * some number go to the front. What matters is only how a sorted line ends up: of numbers that are
 * equal and still differ in bits, NumPy's algorithm decides the order.
 */

/** How a type of numbers is cut. */
struct order_type {
    /** Whether all that are equal have the same bits: no NaN, and no zero below zero. */
    bool (*is_plain)(const void *line, int64_t begin, int64_t end);
    /** Move what is less than about the middle to the front; returns how many, 0 if it is hard. */
    int64_t (*cut)(void *line, int64_t n);
};

/** NULL for types that are better left to NumPy. */
const struct order_type *order_type(int numpy_type);

#endif
