/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The loops of limits.c for one vector length. No include guard: included once per ISA, with
 * ISA(name), TARGET, V (a vector of 64-bit integers), LOAD, STORE, STREAM, ADD, ZERO, and for the
 * arithmetic VD and VS (vectors of doubles and floats), SET, FMA, ADDD, SETS, FMAS, ADDS, TO_SINK.
 *
 * Memory holds operands of any type. They are added up as integers: read as doubles, some would be
 * denormal, which is slow. The pointers are copied first, or each store would have them read again.
 */

enum { ISA(LANES) = sizeof(V) / sizeof(uint64_t) };

/* Eight sums hide the cycles of an addition. From beyond the caches the hardware alone does not
 * read far enough ahead: 800 MB in 48 ms, and 42 with prefetching. */
TARGET static void ISA(read)(const struct streams *s, long passes)
{
    const uint64_t *a = s->a;
    size_t n = s->n;
    const int is_far = n * sizeof *a > FAR;
    V sums[8];
    for (int k = 0; k < 8; k++)
        sums[k] = ZERO();
    for (long pass = 0; pass < passes; pass++)
        for (size_t i = 0; i + 8 * ISA(LANES) <= n; i += 8 * ISA(LANES)) {
            for (size_t k = 0; is_far && k < 8 * ISA(LANES); k += LINE / sizeof *a)
                __builtin_prefetch(a + i + k + AHEAD / sizeof *a);
#pragma GCC unroll 8
            for (size_t k = 0; k < 8; k++)
                sums[k] = ADD(sums[k], LOAD(a + i + k * ISA(LANES)));
        }
    for (int k = 1; k < 8; k++)
        sums[0] = ADD(sums[0], sums[k]);
    STORE(s->sink, sums[0]);
}

TARGET static void ISA(read_two)(const struct streams *s, long passes)
{
    const uint64_t *a = s->a, *b = s->b;
    size_t n = s->n;
    V sums[8];
    for (int k = 0; k < 8; k++)
        sums[k] = ZERO();
    for (long pass = 0; pass < passes; pass++)
        for (size_t i = 0; i + 4 * ISA(LANES) <= n; i += 4 * ISA(LANES)) {
#pragma GCC unroll 4
            for (size_t k = 0; k < 4; k++) {
                sums[k] = ADD(sums[k], LOAD(a + i + k * ISA(LANES)));
                sums[k + 4] = ADD(sums[k + 4], LOAD(b + i + k * ISA(LANES)));
            }
        }
    for (int k = 1; k < 8; k++)
        sums[0] = ADD(sums[0], sums[k]);
    STORE(s->sink, sums[0]);
}

/* EACH(i) for all vectors of a pass, four in a turn of the loop. */
#define PASSES(EACH, END)                                                                          \
    const uint64_t *a = s->a, *b = s->b;                                                           \
    uint64_t *out = s->out;                                                                        \
    size_t n = s->n;                                                                               \
    (void)b;                                                                                       \
    for (long pass = 0; pass < passes; pass++) {                                                   \
        for (size_t i = 0; i + 4 * ISA(LANES) <= n; i += 4 * ISA(LANES)) {                         \
            EACH(i);                                                                               \
            EACH(i + ISA(LANES));                                                                  \
            EACH(i + 2 * ISA(LANES));                                                              \
            EACH(i + 3 * ISA(LANES));                                                              \
        }                                                                                          \
        END;                                                                                       \
    }
#define COPY_ONE(i) STORE(out + (i), LOAD(a + (i)))
#define COPY_PAST(i) STREAM(out + (i), LOAD(a + (i)))
#define ADD_ONE(i) STORE(out + (i), ADD(LOAD(a + (i)), LOAD(b + (i))))
#define ADD_PAST(i) STREAM(out + (i), ADD(LOAD(a + (i)), LOAD(b + (i))))

TARGET static void ISA(copy)(const struct streams *s, long passes)
{
    PASSES(COPY_ONE, KEEP(out));
}

TARGET static void ISA(copy_stream)(const struct streams *s, long passes)
{
    PASSES(COPY_PAST, FENCE(out));
}

TARGET static void ISA(add)(const struct streams *s, long passes)
{
    PASSES(ADD_ONE, KEEP(out));
}

TARGET static void ISA(add_stream)(const struct streams *s, long passes)
{
    PASSES(ADD_PAST, FENCE(out));
}

/* FMA_CHAINS independent chains hide the latency of a fused multiply-add on both ports. */
TARGET static void ISA(fma_f64)(const struct streams *s, long passes)
{
    VD x[FMA_CHAINS], m = SET(0.999999), c = SET(1e-9);
    for (int k = 0; k < FMA_CHAINS; k++)
        x[k] = SET(k + 1.0);
    for (long i = 0; i < passes * FMA_ROUNDS; i++) {
#pragma GCC unroll 16
        for (int k = 0; k < FMA_CHAINS; k++)
            x[k] = FMA(x[k], m, c);
    }
    for (int k = 1; k < FMA_CHAINS; k++)
        x[0] = ADDD(x[0], x[k]);
    TO_SINK(s->sink, x);
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
    TO_SINK(s->sink, x);
}

static const loop_fn ISA(loops)[LIMITS_KINDS] = {
    [LIMITS_READ] = ISA(read),
    [LIMITS_READ_TWO] = ISA(read_two),
    [LIMITS_COPY] = ISA(copy),
    [LIMITS_COPY_STREAM] = ISA(copy_stream),
    [LIMITS_COPY_C] = copy_by_c,
    [LIMITS_ADD] = ISA(add),
    [LIMITS_ADD_STREAM] = ISA(add_stream),
    [LIMITS_FMA_F32] = ISA(fma_f32),
    [LIMITS_FMA_F64] = ISA(fma_f64),
};

#undef PASSES
#undef COPY_ONE
#undef COPY_PAST
#undef ADD_ONE
#undef ADD_PAST
#undef ISA
#undef TARGET
#undef V
#undef VD
#undef VS
#undef LOAD
#undef STORE
#undef STREAM
#undef ADD
#undef ZERO
#undef SET
#undef FMA
#undef ADDD
#undef SETS
#undef FMAS
#undef ADDS
#undef TO_SINK
#undef FENCE
