/* SPDX-License-Identifier: BSD-3-Clause */
/* From DLPack's description of a tensor to ours; its layouts are those of DLPack 1. */
#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <treadle/treadle.h>

#include "error.h"

enum { DLPACK_MAJOR = 1, DLPACK_READ_ONLY = 1 };

/* Devices whose memory the CPU reads as its own: the CPU, and pinned memory of CUDA and ROCm. */
enum { DEVICE_CPU = 1, DEVICE_CUDA_HOST = 3, DEVICE_ROCM_HOST = 11 };

struct tensor {
    void *data;
    int32_t device_type, device_id;
    int32_t ndim;
    struct treadle_dtype dtype;
    const int64_t *shape, *strides; /* in elements; strides may be NULL: C order */
    uint64_t byte_offset;
};

/* The tensor is what an unversioned capsule begins with. */
struct versioned_tensor {
    uint32_t major, minor;
    void *manager_ctx;
    void (*deleter)(void *);
    uint64_t flags;
    struct tensor tensor;
};

static int32_t check_dtype(struct treadle_dtype dtype)
{
    static const struct treadle_dtype known[] = {
        {TREADLE_INT, 8, 1},      {TREADLE_INT, 16, 1},   {TREADLE_INT, 32, 1},
        {TREADLE_INT, 64, 1},     {TREADLE_UINT, 8, 1},   {TREADLE_UINT, 16, 1},
        {TREADLE_UINT, 32, 1},    {TREADLE_UINT, 64, 1},  {TREADLE_FLOAT, 16, 1},
        {TREADLE_FLOAT, 32, 1},   {TREADLE_FLOAT, 64, 1}, {TREADLE_BFLOAT, 16, 1},
        {TREADLE_COMPLEX, 64, 1}, {TREADLE_BOOL, 8, 1},   {TREADLE_COMPLEX, 128, 1},
    };
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        if (memcmp(&known[i], &dtype, sizeof dtype) == 0)
            return TREADLE_OK;
    return fail(TREADLE_E_INVALID,
                "dlpack: dtype code %d, %d bits, %d lanes; allowed are whole bytes of bool, int, "
                "uint, float, bfloat and complex with one lane",
                dtype.code, dtype.bits, dtype.lanes);
}

static int32_t check_tensor(const struct tensor *tensor)
{
    const int32_t device = tensor->device_type;
    if (device != DEVICE_CPU && device != DEVICE_CUDA_HOST && device != DEVICE_ROCM_HOST)
        return fail(TREADLE_E_INVALID,
                    "dlpack: memory of device type %d; allowed is the CPU's own (1, 3 and 11)",
                    device);
    if (tensor->ndim < 0 || tensor->ndim > TREADLE_NDIM_MAX)
        return fail(TREADLE_E_INVALID, "dlpack: ndim is %d; allowed is 0 to %d", tensor->ndim,
                    TREADLE_NDIM_MAX);
    if (tensor->ndim > 0 && !tensor->shape)
        return fail(TREADLE_E_INVALID, "dlpack: shape is NULL; a tensor with axes needs it");
    return check_dtype(tensor->dtype);
}

/* In bytes. An extent or a stride that no memory can have is refused here or by the call. */
static int32_t convert_strides(const struct tensor *tensor, int64_t itemsize, int64_t *strides)
{
    int64_t next = itemsize;
    for (int32_t axis = tensor->ndim - 1; axis >= 0; axis--) {
        bool overflow = false;
        if (tensor->strides)
            overflow = __builtin_mul_overflow(tensor->strides[axis], itemsize, &strides[axis]);
        else
            strides[axis] = next;
        if (!tensor->strides && tensor->shape[axis] > 0)
            overflow = __builtin_mul_overflow(next, tensor->shape[axis], &next);
        if (overflow)
            return fail(TREADLE_E_INVALID, "dlpack: axis %d leads out of the address space", axis);
    }
    return TREADLE_OK;
}

static int32_t from_tensor(const struct tensor *tensor, uint32_t flags, struct treadle_dlpack *to)
{
    int32_t status = check_tensor(tensor);
    if (status)
        return status;
    const uint32_t itemsize = tensor->dtype.bits / 8u;
    status = convert_strides(tensor, itemsize, to->strides);
    if (status)
        return status;
    to->array = (struct treadle_array){
        .data = tensor->data ? (char *)tensor->data + tensor->byte_offset : NULL,
        .shape = tensor->shape,
        .strides = to->strides,
        .ndim = tensor->ndim,
        .flags = flags,
        .dtype = tensor->dtype,
        .itemsize = itemsize,
    };
    return TREADLE_OK;
}

int32_t treadle_from_dlpack(const void *managed, int32_t versioned, struct treadle_dlpack *dlpack)
{
    if (!managed || !dlpack)
        return fail(TREADLE_E_INVALID, "dlpack: %s is NULL", managed ? "dlpack" : "managed");
    if (!versioned)
        return from_tensor(managed, 0, dlpack);
    const struct versioned_tensor *outer = managed;
    if (outer->major != DLPACK_MAJOR)
        return fail(TREADLE_E_INVALID, "dlpack: version %u.%u; allowed is major %d", outer->major,
                    outer->minor, DLPACK_MAJOR);
    return from_tensor(&outer->tensor, outer->flags & DLPACK_READ_ONLY ? TREADLE_READONLY : 0,
                       dlpack);
}
