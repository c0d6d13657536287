/* SPDX-License-Identifier: BSD-3-Clause */
#include "limits_call.h"

#include <math.h>

size_t limits_call_kinds(const struct workload *load, enum limits_kind kinds[LIMITS_CALL_MOST])
{
    int32_t parts = load->dtype.code == TREADLE_COMPLEX ? 2 : 1;
    bool two = load->nin == 2;

    if (!workload_is_memory_bound(load)) {
        kinds[0] = load->dtype.bits / parts == 32 ? LIMITS_FMA_F32 : LIMITS_FMA_F64;
        return 1;
    }
    if (load->class != WORKLOAD_ELEMENTWISE) {
        kinds[0] = two ? LIMITS_READ_TWO : LIMITS_READ;
        return 1;
    }
    kinds[0] = two ? LIMITS_ADD : LIMITS_COPY;
    kinds[1] = two ? LIMITS_ADD_STREAM : LIMITS_COPY_STREAM;
    kinds[2] = LIMITS_COPY_C;
    return two ? 2 : 3;
}

struct limits_memory limits_call_memory(const struct workload *load)
{
    const struct treadle_array *args = load->args;
    struct limits_memory memory = {.bytes = workload_bytes(load, 0)};

    memory.in[0] = args[0].data;
    memory.in[1] = load->nin == 2 ? args[1].data : NULL;
    if (load->class == WORKLOAD_ELEMENTWISE)
        memory.out = args[load->nin].data;
    return memory;
}

/** Borrowed if the loops may lie where the call does. */
static bool get_memory(const struct workload *load, size_t sets, struct limits_memory *memory)
{
    if (!workload_is_memory_bound(load)) {
        *memory = (struct limits_memory){.bytes = 0};
        return true;
    }
    if (sets > 1 || load->layout != WORKLOAD_CONTIGUOUS)
        return limits_memory_create(memory, sets * workload_bytes(load, 0));
    *memory = limits_call_memory(load);
    return true;
}

double limits_call_rate(const struct workload *load, size_t sets, uint32_t threads)
{
    enum limits_kind kinds[LIMITS_CALL_MOST];
    size_t count = limits_call_kinds(load, kinds);
    struct limits_memory memory;
    double best = 0;

    if (!get_memory(load, sets, &memory))
        return -1;
    for (size_t i = 0; i < count && best >= 0; i++) {
        double rate = limits_rate(kinds[i], threads, &memory);
        best = rate < 0 ? rate : fmax(best, rate);
    }
    limits_memory_finish(&memory);
    return best;
}
