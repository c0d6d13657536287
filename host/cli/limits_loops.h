/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The loops of limits.c for one vector length. No include guard: included once per ISA, with
 * ISA(name), TARGET, V (a vector of doubles), LOAD, STORE, STREAM, ADD, ZERO, and for the
 * arithmetic FMA and SET in both precisions (VS is a vector of floats).
 */

enum { ISA(LANES) = sizeof(V) / sizeof(double) };

/* Eight sums hide the four cycles of an addition on both ports. */
TARGET static void ISA(read)(const struct streams *s, long passes)
{
    V sums[8];
    for (int k = 0; k < 8; k++)
        sums[k] = ZERO();
    for (long pass = 0; pass < passes; pass++)
        for (size_t i = 0; i + 8 * ISA(LANES) <= s->n; i += 8 * ISA(LANES)) {
#pragma GCC unroll 8
            for (size_t k = 0; k < 8; k++)
                sums[k] = ADD(sums[k], LOAD(s->a + i + k * ISA(LANES)));
        }
    for (int k = 1; k < 8; k++)
        sums[0] = ADD(sums[0], sums[k]);
    STORE(s->sink, sums[0]);
}

TARGET static void ISA(copy)(const struct streams *s, long passes)
{
    for (long pass = 0; pass < passes; pass++) {
        for (size_t i = 0; i + ISA(LANES) <= s->n; i += ISA(LANES))
            STORE(s->out + i, LOAD(s->a + i));
        KEEP(s->out);
    }
}

TARGET static void ISA(copy_stream)(const struct streams *s, long passes)
{
    for (long pass = 0; pass < passes; pass++) {
        for (size_t i = 0; i + ISA(LANES) <= s->n; i += ISA(LANES))
            STREAM(s->out + i, LOAD(s->a + i));
        FENCE();
    }
}

TARGET static void ISA(add)(const struct streams *s, long passes)
{
    for (long pass = 0; pass < passes; pass++) {
        for (size_t i = 0; i + ISA(LANES) <= s->n; i += ISA(LANES))
            STORE(s->out + i, ADD(LOAD(s->a + i), LOAD(s->b + i)));
        KEEP(s->out);
    }
}

TARGET static void ISA(add_stream)(const struct streams *s, long passes)
{
    for (long pass = 0; pass < passes; pass++) {
        for (size_t i = 0; i + ISA(LANES) <= s->n; i += ISA(LANES))
            STREAM(s->out + i, ADD(LOAD(s->a + i), LOAD(s->b + i)));
        FENCE();
    }
}

/* FMA_CHAINS independent chains hide the latency of a fused multiply-add on both ports. */
TARGET static void ISA(fma_f64)(const struct streams *s, long passes)
{
    V x[FMA_CHAINS], m = SET(0.999999), c = SET(1e-9);
    for (int k = 0; k < FMA_CHAINS; k++)
        x[k] = SET(k + 1.0);
    for (long i = 0; i < passes * FMA_ROUNDS; i++) {
#pragma GCC unroll 16
        for (int k = 0; k < FMA_CHAINS; k++)
            x[k] = FMA(x[k], m, c);
    }
    for (int k = 1; k < FMA_CHAINS; k++)
        x[0] = ADD(x[0], x[k]);
    STORE(s->sink, x[0]);
}

TARGET static void ISA(fma_f32)(const struct streams *s, long passes)
{
    VS x[FMA_CHAINS], m = SETS(0.9999f), c = SETS(1e-6f);
    for (int k = 0; k < FMA_CHAINS; k++)
        x[k] = SETS((float)k + 1);
    for (long i = 0; i < passes * FMA_ROUNDS; i++) {
#pragma GCC unroll 16
        for (int k = 0; k < FMA_CHAINS; k++)
            x[k] = FMAS(x[k], m, c);
    }
    for (int k = 1; k < FMA_CHAINS; k++)
        x[0] = ADDS(x[0], x[k]);
    STORES(s->sink, x[0]);
}

static const loop_fn ISA(loops)[LIMITS_KINDS] = {
    [LIMITS_READ] = ISA(read),
    [LIMITS_COPY] = ISA(copy),
    [LIMITS_COPY_STREAM] = ISA(copy_stream),
    [LIMITS_ADD] = ISA(add),
    [LIMITS_ADD_STREAM] = ISA(add_stream),
    [LIMITS_FMA_F32] = ISA(fma_f32),
    [LIMITS_FMA_F64] = ISA(fma_f64),
};

#undef ISA
#undef TARGET
#undef V
#undef VS
#undef LOAD
#undef STORE
#undef STREAM
#undef ADD
#undef ZERO
#undef SET
#undef FMA
#undef SETS
#undef FMAS
#undef ADDS
#undef STORES
#undef FENCE
