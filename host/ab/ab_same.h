/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef TREADLE_AB_SAME_H
#define TREADLE_AB_SAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <treadle/array.h>

/** "f64", "bf16", "bool": the type code | bits << 8, as treadle_type has it. "" if unknown. */
void ab_dtype_text(uint32_t dtype, char text[8]);

/** One element for people, with all its digits: "0.25", "-3", "1-2i". */
void ab_element_text(struct treadle_dtype dtype, const void *element, char *text, size_t capacity);

/** The largest absolute value of float32, float64 and complex of them; infinite if there is a NaN.
 */
double ab_largest(const struct treadle_array *array);

/**
 * Have two arrays of one shape and type the same elements? One NaN is as good as another.
 *
 * @param allowed  difference of float32, float64 and complex of them; 0: the same bits, all types
 * @param before   elements of the whole before the first one here
 * @param text     gets "index 7: A gives 1, B gives 2" if not
 */
bool ab_same(const struct treadle_array *a, const struct treadle_array *b, double allowed,
             int64_t before, char *text, size_t capacity);

#endif /* TREADLE_AB_SAME_H */
