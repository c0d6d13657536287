/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef TREADLE_NUMPY_ORDER_PARTS_H
#define TREADLE_NUMPY_ORDER_PARTS_H

#include <stdbool.h>
#include <stdint.h>

#include "lines.h"

/*
 * Cutting a line of numbers so that its parts can be sorted by themselves. What matters is only how
 * a sorted line ends up: of numbers that are equal and still differ in bits, or in their places,
 * NumPy's algorithm decides the order.
 */

/** The most that sorting takes, in nanoseconds for each number of a line of thousands: without
 *  vector instructions, and by a stable sort at least. */
#define ORDER_NS 20.0

/** How a type of numbers is cut. NaNs come last, as NumPy sorts them, and are equal here. */
struct order_type {
    /** Whether all that are equal have the same bits: no NaN, and no zero below zero. */
    bool (*is_plain)(const void *line, int64_t begin, int64_t end);
    /** Move what is less than about the middle to the front; returns how many, 0 if it is hard. */
    int64_t (*cut)(void *line, int64_t n);
    /**
     * Write of each number its part: 2 k if it is above k of the sorted limits and below the
     * others, 2 k - 1 if it equals the k-th, 2 parts - 1 if it is a NaN.
     * @param parts  one more than there are limits; a power of two, at most 128
     */
    void (*share)(const void *line, int64_t n, const void *limits, int parts, uint8_t *part);
    /** Copy the numbers with these indices. */
    void (*gather)(const void *line, const npy_intp *indices, int64_t n, void *numbers);
    /** The first i from `begin` on, of indices in order, with number i equal to number i - 1, or
     *  unequal to it if `equal` is false; `end` if there is none. */
    int64_t (*find)(const void *line, const npy_intp *indices, int64_t begin, int64_t end,
                    bool equal);
    /** Add of n numbers, each `step` numbers from the last one, how many pairs rise, and fall. */
    void (*slope)(const void *line, int64_t n, int64_t step, int64_t *rises, int64_t *falls);
    /** Write numbers in disorder, none of them twice. */
    void (*fill)(void *line, int n);
};

/** NULL for types that are better left to NumPy. */
const struct order_type *order_type(int numpy_type);

/** Nanoseconds that NumPy's quicksort takes for each number of a short line of such an array's
 * type. By vector instructions it is up to twenty times as fast: it is timed at the first question.
 */
double order_ns(PyArrayObject *array);

/** Whether lines seem to be in order for long stretches, up or down, but for numbers near their
 *  places: a stable sort is fast then. */
bool order_is_in_runs(const struct order_type *type, const struct lines *lines);

#endif
