/* SPDX-License-Identifier: BSD-3-Clause */
#include "limits.h"

#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "crew.h"
#include "workload.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

/* FMA_ROUNDS make a pass of some microseconds. With 12 chains 256-bit registers suffice. */
enum { FMA_CHAINS = 12, FMA_ROUNDS = 1000, LINE = 64, SINK = 64 };

/** What one thread works on: n doubles per stream. */
struct streams {
    const double *a, *b;
    double *out;
    size_t n;
    double *sink; /* takes what would be optimised away */
};

typedef void (*loop_fn)(const struct streams *streams, long passes);

/* Otherwise a compiler may leave out all passes but the last. */
#define KEEP(p) __asm__ volatile("" : : "r"(p) : "memory")

#define ISA(name) name##_c
#define TARGET
#define V double
#define VS float
#define LOAD(p) (*(p))
#define STORE(p, v) (*(p) = (v))
#define STREAM(p, v) (*(p) = (v))
#define ADD(x, y) ((x) + (y))
#define ZERO() 0.0
#define SET(x) (x)
#define FMA(x, m, c) ((x) * (m) + (c))
#define SETS(x) (x)
#define FMAS(x, m, c) ((x) * (m) + (c))
#define ADDS(x, y) ((x) + (y))
#define STORES(p, v) (*(p) = (double)(v))
#define FENCE() KEEP(s->out)
#include "limits_loops.h"

#if defined(__x86_64__)
#define ISA(name) name##_avx2
#define TARGET __attribute__((target("avx2,fma")))
#define V __m256d
#define VS __m256
#define LOAD(p) _mm256_load_pd(p)
#define STORE(p, v) _mm256_store_pd(p, v)
#define STREAM(p, v) _mm256_stream_pd(p, v)
#define ADD(x, y) _mm256_add_pd(x, y)
#define ZERO() _mm256_setzero_pd()
#define SET(x) _mm256_set1_pd(x)
#define FMA(x, m, c) _mm256_fmadd_pd(x, m, c)
#define SETS(x) _mm256_set1_ps(x)
#define FMAS(x, m, c) _mm256_fmadd_ps(x, m, c)
#define ADDS(x, y) _mm256_add_ps(x, y)
#define STORES(p, v) _mm256_store_ps((float *)(p), v)
#define FENCE() _mm_sfence()
#include "limits_loops.h"

#define ISA(name) name##_avx512
#define TARGET __attribute__((target("avx512f")))
#define V __m512d
#define VS __m512
#define LOAD(p) _mm512_load_pd(p)
#define STORE(p, v) _mm512_store_pd(p, v)
#define STREAM(p, v) _mm512_stream_pd(p, v)
#define ADD(x, y) _mm512_add_pd(x, y)
#define ZERO() _mm512_setzero_pd()
#define SET(x) _mm512_set1_pd(x)
#define FMA(x, m, c) _mm512_fmadd_pd(x, m, c)
#define SETS(x) _mm512_set1_ps(x)
#define FMAS(x, m, c) _mm512_fmadd_ps(x, m, c)
#define ADDS(x, y) _mm512_add_ps(x, y)
#define STORES(p, v) _mm512_store_ps(p, v)
#define FENCE() _mm_sfence()
#include "limits_loops.h"
#endif

static const struct isa {
    const char *name;
    const loop_fn *loops;
    size_t lanes; /* doubles in a vector */
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
    [LIMITS_COPY] = {"copy", 2},
    [LIMITS_COPY_STREAM] = {"copy, non-temporal", 2},
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
    size_t n; /* doubles of each stream of each thread */
    double *memory[3];
    double *sinks;
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

static bool get_memory(struct limits_loop *loop, size_t bytes)
{
    size_t streams = kinds[loop->kind].streams, line = LINE / sizeof(double);

    loop->sinks = workload_memory(loop->threads * SINK * sizeof(double));
    if (!loop->sinks)
        return false;
    if (streams == 0)
        return true;
    loop->n = bytes / streams / loop->threads / LINE * line;
    if (loop->n < 8 * line)
        loop->n = 8 * line;
    for (size_t i = 0; i < streams; i++) {
        size_t size = loop->n * loop->threads * sizeof(double);
        loop->memory[i] = workload_memory(size);
        if (!loop->memory[i])
            return false;
        memset(loop->memory[i], 0, size);
    }
    return true;
}

struct limits_loop *limits_create(enum limits_kind kind, uint32_t threads, size_t bytes)
{
    struct limits_loop *loop = calloc(1, sizeof *loop);

    if (!loop) {
        cli_fail(CLI_FAILED, "no memory to measure the machine");
        return NULL;
    }
    *loop = (struct limits_loop){.kind = kind, .isa = best_isa(), .threads = threads};
    loop->crew = crew_create(threads);
    if (loop->crew && get_memory(loop, bytes))
        return loop;
    if (loop->crew)
        cli_fail(CLI_FAILED, "no memory to measure the machine with %zu bytes", bytes);
    limits_destroy(loop);
    return NULL;
}

static void run_member(void *ctx, uint32_t member)
{
    const struct limits_loop *loop = ctx;
    size_t from = member * loop->n;
    const struct streams streams = {
        .a = loop->memory[0] ? loop->memory[0] + from : NULL,
        .b = loop->memory[2] ? loop->memory[2] + from : NULL,
        .out = loop->memory[1] ? loop->memory[1] + from : NULL,
        .n = loop->n,
        .sink = loop->sinks + member * SINK,
    };

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
        return (double)(kinds[loop->kind].streams * loop->n * loop->threads * sizeof(double));
    if (loop->kind == LIMITS_FMA_F32 && loop->isa->lanes > 1)
        lanes *= 2;
    return 2.0 * lanes * FMA_CHAINS * FMA_ROUNDS * loop->threads;
}

void limits_destroy(struct limits_loop *loop)
{
    if (!loop)
        return;
    crew_destroy(loop->crew);
    for (int i = 0; i < 3; i++)
        free(loop->memory[i]);
    free(loop->sinks);
    free(loop);
}
