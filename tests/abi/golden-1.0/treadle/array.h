/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef TREADLE_ARRAY_H
#define TREADLE_ARRAY_H

#include <stdint.h>

/* The structs below have no padding because a pointer has 64 bits; others are not supported. */
typedef char treadle_needs_64_bit_pointers[sizeof(void *) == 8 ? 1 : -1];

/** Kinds of elements: the numbers of DLPack's DLDataTypeCode. */
enum treadle_dtype_code {
    TREADLE_INT = 0,
    TREADLE_UINT = 1,
    TREADLE_FLOAT = 2,
    TREADLE_BFLOAT = 4,
    TREADLE_COMPLEX = 5,
    TREADLE_BOOL = 6
};

/** Type of one element, byte for byte a DLDataType. `lanes` is 1. */
struct treadle_dtype {
    uint8_t code; /* enum treadle_dtype_code */
    uint8_t bits; /* of one element; a complex double has 128 */
    uint16_t lanes;
};

enum treadle_array_flags {
    /** The memory must not be written; refused as an output. */
    TREADLE_READONLY = 1
};

/** Most dimensions an array may have. */
enum { TREADLE_NDIM_MAX = 64 };

/**
 * One strided array in the caller's memory, native byte order.
 *
 * FROZEN for ABI major 1 (64 bytes): arrays of it cross the ABI. `strides` are in BYTES and may
 * be zero or negative; `data` is the element with all indices zero. `shape` and `strides` have
 * `ndim` entries and may be NULL only if `ndim` is 0. The struct owns nothing: data, shape and
 * strides stay the caller's and must live until the call has returned.
 */
struct treadle_array {
    void *data;
    const int64_t *shape;   /* elements, each >= 0 */
    const int64_t *strides; /* bytes */
    int32_t ndim;
    uint32_t flags; /* enum treadle_array_flags */
    struct treadle_dtype dtype;
    uint32_t itemsize;    /* bytes of one element */
    uint64_t reserved[3]; /* zero */
};

#endif /* TREADLE_ARRAY_H */
