/* SPDX-License-Identifier: BSD-3-Clause */
#include "limits.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "crew.h"
#include "stopwatch.h"
#include "workload.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

/*
 * FMA_ROUNDS make a pass of some microseconds. With 12 chains 256-bit registers suffice. TURN lines
 * are what the longest turn of a loop reads.
 */
enum { FMA_CHAINS = 12, FMA_ROUNDS = 1000, LINE = 64, TURN = 8, SINK = 64 };

/* Bytes of a stream that fill no private cache, and how far ahead it is then read. */
enum { FAR = 4 << 20, AHEAD = 1024 };

static const double batch_seconds = 1e-3;
enum { BATCHES = 15 };

/** What one thread works on: n items of 64 bits per stream. */
struct streams {
    const uint64_t *a, *b;
    uint64_t *out;
    size_t n;
    uint64_t *sink; /* takes what would be optimised away */
};

typedef void (*loop_fn)(const struct streams *streams, long passes);

/* Otherwise a compiler may leave out all passes but the last. */
#define KEEP(p) __asm__ volatile("" : : "r"(p) : "memory")

static void copy_by_c(const struct streams *s, long passes)
{
    for (long pass = 0; pass < passes; pass++) {
        memcpy(s->out, s->a, s->n * sizeof *s->out);
        KEEP(s->out);
    }
}

#define ISA(name) name##_c
#define TARGET
#define V uint64_t
#define VD double
#define VS float
#define LOAD(p) (*(p))
#define STORE(p, v) (*(p) = (v))
#define STREAM(p, v) (*(p) = (v))
#define ADD(x, y) ((x) + (y))
#define ZERO() 0
#define SET(x) (x)
#define FMA(x, m, c) ((x) * (m) + (c))
#define ADDD(x, y) ((x) + (y))
#define SETS(x) (x)
#define FMAS(x, m, c) ((x) * (m) + (c))
#define ADDS(x, y) ((x) + (y))
#define TO_SINK(p, x) memcpy(p, x, sizeof *(x))
#define FENCE(p) KEEP(p)
#include "limits_loops.h"

#if defined(__x86_64__)
#define ISA(name) name##_avx2
#define TARGET __attribute__((target("avx2,fma")))
#define V __m256i
#define VD __m256d
#define VS __m256
#define LOAD(p) _mm256_load_si256((const __m256i *)(p))
#define STORE(p, v) _mm256_store_si256((__m256i *)(p), v)
#define STREAM(p, v) _mm256_stream_si256((__m256i *)(p), v)
#define ADD(x, y) _mm256_add_epi64(x, y)
#define ZERO() _mm256_setzero_si256()
#define SET(x) _mm256_set1_pd(x)
#define FMA(x, m, c) _mm256_fmadd_pd(x, m, c)
#define ADDD(x, y) _mm256_add_pd(x, y)
#define SETS(x) _mm256_set1_ps(x)
#define FMAS(x, m, c) _mm256_fmadd_ps(x, m, c)
#define ADDS(x, y) _mm256_add_ps(x, y)
#define TO_SINK(p, x) memcpy(p, x, sizeof *(x))
#define FENCE(p) _mm_sfence()
#include "limits_loops.h"

#define ISA(name) name##_avx512
#define TARGET __attribute__((target("avx512f")))
#define V __m512i
#define VD __m512d
#define VS __m512
#define LOAD(p) _mm512_load_si512(p)
#define STORE(p, v) _mm512_store_si512(p, v)
#define STREAM(p, v) _mm512_stream_si512((__m512i *)(p), v)
#define ADD(x, y) _mm512_add_epi64(x, y)
#define ZERO() _mm512_setzero_si512()
#define SET(x) _mm512_set1_pd(x)
#define FMA(x, m, c) _mm512_fmadd_pd(x, m, c)
#define ADDD(x, y) _mm512_add_pd(x, y)
#define SETS(x) _mm512_set1_ps(x)
#define FMAS(x, m, c) _mm512_fmadd_ps(x, m, c)
#define ADDS(x, y) _mm512_add_ps(x, y)
#define TO_SINK(p, x) memcpy(p, x, sizeof *(x))
#define FENCE(p) _mm_sfence()
#include "limits_loops.h"
#endif

static const struct isa {
    const char *name;
    const loop_fn *loops;
    size_t lanes; /* items of 64 bits in a vector */
} isas[] = {
    {"c", loops_c, LANES_c},
#if defined(__x86_64__)
    {"avx2", loops_avx2, LANES_avx2},
    {"avx512", loops_avx512, LANES_avx512},
#endif
};

static const struct isa *best_isa(void)
{
#if defined(__x86_64__)
    __builtin_cpu_init();
    if (__builtin_cpu_supports("avx512f"))
        return &isas[2];
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
        return &isas[1];
#endif
    return &isas[0];
}

static const struct {
    const char *name;
    size_t streams; /* 0: arithmetic */
} kinds[LIMITS_KINDS] = {
    [LIMITS_READ] = {"read", 1},
    [LIMITS_READ_TWO] = {"read two", 2},
    [LIMITS_COPY] = {"copy", 2},
    [LIMITS_COPY_STREAM] = {"copy, non-temporal", 2},
    [LIMITS_COPY_C] = {"copy, memcpy", 2},
    [LIMITS_ADD] = {"add", 3},
    [LIMITS_ADD_STREAM] = {"add, non-temporal", 3},
    [LIMITS_FMA_F32] = {"fma f32", 0},
    [LIMITS_FMA_F64] = {"fma f64", 0},
};

struct limits_loop {
    enum limits_kind kind;
    const struct isa *isa;
    struct crew *crew;
    uint32_t threads;
    long passes;
    size_t n;                           /* items of each stream of each thread */
    const struct limits_memory *memory; /* own, if what was given is too small */
    struct limits_memory own;
    uint64_t *sinks;
};

const char *limits_name(enum limits_kind kind)
{
    return kinds[kind].name;
}

bool limits_is_memory(enum limits_kind kind)
{
    return kinds[kind].streams > 0;
}

const char *limits_isa(void)
{
    return best_isa()->name;
}

bool limits_memory_create(struct limits_memory *memory, size_t bytes)
{
    *memory = (struct limits_memory){.bytes = bytes, .owned = true};
    void **streams[] = {&memory->in[0], &memory->in[1], &memory->out};
    for (size_t i = 0; i < 3; i++) {
        *streams[i] = workload_memory(bytes);
        if (!*streams[i]) {
            cli_fail(CLI_FAILED, "no memory to measure the machine with %zu bytes", bytes);
            limits_memory_finish(memory);
            return false;
        }
        memset(*streams[i], 0, bytes);
    }
    return true;
}

void limits_memory_finish(struct limits_memory *memory)
{
    for (size_t i = 0; i < 2 && memory->owned; i++)
        free(memory->in[i]);
    if (memory->owned)
        free(memory->out);
    *memory = (struct limits_memory){.bytes = 0};
}

/** Each thread has a part of the memory, at least as long as one turn of the longest loop. */
static bool get_memory(struct limits_loop *loop)
{
    size_t least = (size_t)TURN * LINE;

    loop->sinks = workload_memory(loop->threads * SINK * sizeof *loop->sinks);
    if (!loop->sinks) {
        cli_fail(CLI_FAILED, "no memory to measure the machine");
        return false;
    }
    if (!limits_is_memory(loop->kind))
        return true;
    if (loop->memory->bytes / loop->threads < least) {
        if (!limits_memory_create(&loop->own, loop->threads * least))
            return false;
        loop->memory = &loop->own;
    }
    loop->n = loop->memory->bytes / loop->threads / least * least / sizeof(uint64_t);
    return true;
}

struct limits_loop *limits_create(enum limits_kind kind, uint32_t threads,
                                  const struct limits_memory *memory)
{
    struct limits_loop *loop = calloc(1, sizeof *loop);

    if (!loop) {
        cli_fail(CLI_FAILED, "no memory to measure the machine");
        return NULL;
    }
    *loop =
        (struct limits_loop){.kind = kind, .isa = best_isa(), .threads = threads, .memory = memory};
    loop->crew = crew_create(threads);
    if (loop->crew && get_memory(loop))
        return loop;
    limits_destroy(loop);
    return NULL;
}

/** The part of a stream that belongs to a member. */
static void *part(const struct limits_loop *loop, void *stream, uint32_t member)
{
    return stream ? (uint64_t *)stream + member * loop->n : NULL;
}

static void run_member(void *ctx, uint32_t member)
{
    const struct limits_loop *loop = ctx;
    const struct limits_memory *memory = loop->memory;
    struct streams streams = {.n = loop->n, .sink = loop->sinks + (size_t)member * SINK};

    if (limits_is_memory(loop->kind)) {
        streams.a = part(loop, memory->in[0], member);
        streams.b = part(loop, memory->in[1], member);
        streams.out = part(loop, memory->out, member);
    }
    loop->isa->loops[loop->kind](&streams, loop->passes);
}

double limits_run(void *argument, long passes)
{
    struct limits_loop *loop = argument;

    loop->passes = passes;
    return crew_run(loop->crew, NULL, run_member, loop);
}

double limits_work(const struct limits_loop *loop)
{
    double lanes = (double)loop->isa->lanes;

    if (limits_is_memory(loop->kind))
        return (double)(kinds[loop->kind].streams * loop->n * loop->threads * sizeof(uint64_t));
    if (loop->kind == LIMITS_FMA_F32 && loop->isa->lanes > 1)
        lanes *= 2;
    return 2.0 * lanes * FMA_CHAINS * FMA_ROUNDS * loop->threads;
}

void limits_destroy(struct limits_loop *loop)
{
    if (!loop)
        return;
    crew_destroy(loop->crew);
    limits_memory_finish(&loop->own);
    free(loop->sinks);
    free(loop);
}

double limits_rate(enum limits_kind kind, uint32_t threads, const struct limits_memory *memory)
{
    struct limits_loop *loop = limits_create(kind, threads, memory);
    double fastest = INFINITY;

    if (!loop)
        return -1;
    long passes = stopwatch_calibrate(limits_run, loop, batch_seconds);
    for (int i = 0; i < BATCHES; i++)
        fastest = fmin(fastest, limits_run(loop, passes) / (double)passes);
    double rate = limits_work(loop) / fastest;
    limits_destroy(loop);
    return rate;
}
