/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The linker (--wrap) sends BLIS's calls of these functions here, which knows threads per call:
 * BLIS 0.9 has one thread count for the process, locks to read it, aborts if OpenMP gives it fewer
 * threads, and spins without end if one of its threads is not running. All of them depend on how
 * BLIS 0.9.0 is made.
 */
#define _GNU_SOURCE /* secure_getenv */
#include "hooks.h"

#include <blis.h>
#include <math.h>
#include <pthread.h>
#include <sched.h>
#include <string.h>

#include "cpu.h"
#include "gemm_avx512.h"
#include "grant.h"

/* Below this n the packing of the AVX-512 kernels, which know no other way, costs more than AVX2's
 * unpacked ones lose: f64 40 GFLOP/s against 47 at n = 52, 52 against 50 at 64; f32 86 against 100
 * at 72, 108 against 106 at 88. */
static double small_side(num_t dt)
{
    return dt == BLIS_DOUBLE ? 62 : dt == BLIS_FLOAT ? 84 : 70;
}

extern void __real_bli_cntx_init_skx(cntx_t *cntx);
extern cntx_t *__real_bli_gks_query_ind_cntx(ind_t ind, num_t dt);
extern void __real_bli_rntm_set_ways_for_op(opid_t op, side_t side, dim_t m, dim_t n, dim_t k,
                                            rntm_t *rntm);
extern void __real_bli_rntm_set_ways_from_rntm_sup(dim_t m, dim_t n, dim_t k, rntm_t *rntm);

arch_t __wrap_bli_arch_query_id(void);
void __wrap_bli_cntx_init_skx(cntx_t *cntx);
cntx_t *__wrap_bli_gks_query_ind_cntx(ind_t ind, num_t dt);
void __wrap_bli_rntm_init_from_global(rntm_t *rntm);
void __wrap_bli_rntm_set_ways_for_op(opid_t op, side_t side, dim_t m, dim_t n, dim_t k,
                                     rntm_t *rntm);
void __wrap_bli_rntm_set_ways_from_rntm_sup(dim_t m, dim_t n, dim_t k, rntm_t *rntm);
void __wrap_bli_l3_thread_decorator(l3int_t func, opid_t family, obj_t *alpha, obj_t *a, obj_t *b,
                                    obj_t *beta, obj_t *c, cntx_t *cntx, rntm_t *rntm,
                                    cntl_t *cntl);
err_t __wrap_bli_l3_sup_thread_decorator(l3supint_t func, opid_t family, obj_t *alpha, obj_t *a,
                                         obj_t *b, obj_t *beta, obj_t *c, cntx_t *cntx,
                                         rntm_t *rntm);
void __wrap_bli_thrcomm_barrier(dim_t thread, thrcomm_t *comm);

/* Set once, by hooks_start(), before any other thread gets here. */
static arch_t arch = BLIS_ARCH_GENERIC;
static cntx_t *native, *induced, *small;

/*
 * BLIS hands out pools of small blocks under a lock. Two threads that multiplied 16 x 16 matrices
 * took 1.6 us for each instead of 0.66, so each keeps the pool of its products on one thread.
 */
static _Thread_local array_t *own_pools;
static _Thread_local bool ends_known;
static pthread_key_t thread_end;
static bool keeps_pools;

static array_t *take_pools(uint32_t threads)
{
    array_t *pools = own_pools;
    if (threads > 1 || !pools)
        return bli_sba_checkout_array(threads);
    own_pools = NULL;
    return pools;
}

static void give_pools(array_t *pools, uint32_t threads)
{
    if (!ends_known)
        ends_known = keeps_pools && pthread_setspecific(thread_end, &own_pools) == 0;
    if (threads > 1 || own_pools || !ends_known)
        bli_sba_checkin_array(pools);
    else
        own_pools = pools;
}

static void end_thread(void *kept)
{
    array_t *pools = *(array_t **)kept;
    if (pools)
        bli_sba_checkin_array(pools);
}

/* ---- kernels ----------------------------------------------------------------------------- */

/* BLIS reads the CPU's brand string to count its FMA units and takes AVX2 kernels if it does not
 * know the name, as in virtual machines: half the speed. */
static arch_t choose_arch(void)
{
    enum treadle_cpu level = treadle_cpu_level();
    if (level == TREADLE_CPU_BASELINE)
        return BLIS_ARCH_GENERIC;
    if (level == TREADLE_CPU_AVX512)
        return BLIS_ARCH_SKX;
    arch_t found = bli_cpuid_query_id();
    return found == BLIS_ARCH_ZEN || found == BLIS_ARCH_ZEN2 || found == BLIS_ARCH_ZEN3
               ? found
               : BLIS_ARCH_HASWELL;
}

arch_t __wrap_bli_arch_query_id(void)
{
    return arch;
}

/* All of BLIS's real and complex products are made of the kernels and sizes in this context. */
void __wrap_bli_cntx_init_skx(cntx_t *cntx)
{
    __real_bli_cntx_init_skx(cntx);
    if (arch == BLIS_ARCH_SKX)
        gemm_avx512_install(cntx);
}

/* BLIS has no vectors, and for the widest panels no function at all, to pack for these kernels. */
#define PACK(ch, type)                                                                             \
    extern void __real_bli_##ch##packm_cxk(                                                        \
        conj_t conj, pack_t schema, dim_t rows, dim_t width, dim_t count, dim_t padded,            \
        type *kappa, type *a, inc_t inca, inc_t lda, type *p, inc_t ldp, cntx_t *cntx);            \
    void __wrap_bli_##ch##packm_cxk(conj_t conj, pack_t schema, dim_t rows, dim_t width,           \
                                    dim_t count, dim_t padded, type *kappa, type *a, inc_t inca,   \
                                    inc_t lda, type *p, inc_t ldp, cntx_t *cntx);                  \
    void __wrap_bli_##ch##packm_cxk(conj_t conj, pack_t schema, dim_t rows, dim_t width,           \
                                    dim_t count, dim_t padded, type *kappa, type *a, inc_t inca,   \
                                    inc_t lda, type *p, inc_t ldp, cntx_t *cntx)                   \
    {                                                                                              \
        if (arch == BLIS_ARCH_SKX &&                                                               \
            gemm_avx512_pack_##ch(rows, width, count, padded, kappa, a, inca, lda, p, ldp))        \
            return;                                                                                \
        __real_bli_##ch##packm_cxk(conj, schema, rows, width, count, padded, kappa, a, inca, lda,  \
                                   p, ldp, cntx);                                                  \
    }
PACK(s, float)
PACK(d, double)

/* The original takes a lock, which a fork could leave locked in the child. */
cntx_t *__wrap_bli_gks_query_ind_cntx(ind_t ind, num_t dt)
{
    if (!induced)
        return __real_bli_gks_query_ind_cntx(ind, dt);
    return ind == BLIS_NAT ? native : induced;
}

bool hooks_start(void)
{
    if (strcmp(bli_info_get_version_str(), HOOKS_BLIS_VERSION) != 0)
        return false;
    if (induced)
        return true;
    keeps_pools = pthread_key_create(&thread_end, end_thread) == 0;
    arch = choose_arch();
    bli_init();
    /* All arguments are checked before they get to BLIS, whose checks abort the process. */
    bli_error_checking_level_set(BLIS_NO_ERROR_CHECKING);
    native = bli_gks_lookup_nat_cntx(arch);
    small = arch == BLIS_ARCH_SKX ? bli_gks_lookup_nat_cntx(BLIS_ARCH_HASWELL) : NULL;
    induced = __real_bli_gks_query_ind_cntx(BLIS_1M, BLIS_DCOMPLEX);
    return true;
}

const char *hooks_arch(void)
{
    return bli_arch_string(arch);
}

void *hooks_small_context(num_t dt, double multiplications)
{
    double side = small_side(dt);
    return multiplications < side * side * side ? small : NULL;
}

/* ---- threads ----------------------------------------------------------------------------- */

void __wrap_bli_rntm_init_from_global(rntm_t *rntm)
{
    *rntm = (rntm_t)BLIS_RNTM_INITIALIZER;
    bli_rntm_set_num_threads(grant_now(HUGE_VAL), rntm);
}

/* Every product of BLIS, also those inside LAPACK, comes by here once, with its size. */
static void cap_threads(dim_t m, dim_t n, dim_t k, rntm_t *rntm)
{
    double useful = (double)m * (double)n * (double)k / HOOKS_WORK_PER_THREAD;
    if (useful < (double)bli_rntm_num_threads(rntm))
        bli_rntm_set_num_threads(useful < 2 ? 1 : (dim_t)useful, rntm);
}

void __wrap_bli_rntm_set_ways_for_op(opid_t op, side_t side, dim_t m, dim_t n, dim_t k,
                                     rntm_t *rntm)
{
    cap_threads(m, n, k, rntm);
    __real_bli_rntm_set_ways_for_op(op, side, m, n, k, rntm);
}

void __wrap_bli_rntm_set_ways_from_rntm_sup(dim_t m, dim_t n, dim_t k, rntm_t *rntm)
{
    cap_threads(m, n, k, rntm);
    __real_bli_rntm_set_ways_from_rntm_sup(m, n, k, rntm);
}

/* What the members of a team share: the arguments of the decorators below. */
struct product {
    l3int_t func;
    l3supint_t sup;
    opid_t family;
    obj_t *alpha, *a, *b, *beta, *c;
    pack_t schema_a, schema_b;
    cntx_t *cntx;
    rntm_t *rntm;
    cntl_t *cntl;
    array_t *pools;
    thrcomm_t *comm;
};

static void packed_member(const struct product *p, uint32_t member, rntm_t *rntm)
{
    obj_t a, b, c;
    cntl_t *cntl;
    thrinfo_t *thread;
    bli_obj_alias_to(p->a, &a);
    bli_obj_alias_to(p->b, &b);
    bli_obj_alias_to(p->c, &c);
    bli_l3_cntl_create_if(p->family, p->schema_a, p->schema_b, &a, &b, &c, rntm, p->cntl, &cntl);
    bli_l3_thrinfo_create_root(member, p->comm, rntm, cntl, &thread);
    p->func(p->alpha, &a, &b, p->beta, &c, p->cntx, rntm, cntl, thread);
    bli_l3_cntl_free(rntm, cntl, thread);
    bli_l3_thrinfo_free(rntm, thread);
}

static void unpacked_member(const struct product *p, uint32_t member, rntm_t *rntm)
{
    thrinfo_t *thread = NULL;
    bli_l3_sup_thrinfo_create_root(member, p->comm, rntm, &thread);
    p->sup(p->alpha, p->a, p->b, p->beta, p->c, p->cntx, rntm, thread);
    bli_l3_sup_thrinfo_free(rntm, thread);
}

static void member_run(void *ctx, uint32_t member, uint32_t team)
{
    const struct product *p = ctx;
    rntm_t rntm = *p->rntm;
    if (team < bli_rntm_num_threads(&rntm)) { /* grant_team() gives all or one */
        bli_thrcomm_init(1, p->comm);
        bli_rntm_set_num_threads_only(1, &rntm);
        bli_rntm_set_ways_only(1, 1, 1, 1, 1, &rntm);
    }
    bli_sba_rntm_set_pool(member, p->pools, &rntm);
    if (p->sup)
        unpacked_member(p, member, &rntm);
    else
        packed_member(p, member, &rntm);
}

static void run_product(struct product *p)
{
    uint32_t threads = (uint32_t)bli_rntm_num_threads(p->rntm);
    p->pools = take_pools(threads);
    bli_sba_rntm_set_pool(0, p->pools, p->rntm);
    bli_pba_rntm_set_pba(p->rntm);
    /* Freed by its chief thread. */
    p->comm = bli_thrcomm_create(p->rntm, threads);
    grant_team(threads, member_run, p);
    give_pools(p->pools, threads);
}

void __wrap_bli_l3_thread_decorator(l3int_t func, opid_t family, obj_t *alpha, obj_t *a, obj_t *b,
                                    obj_t *beta, obj_t *c, cntx_t *cntx, rntm_t *rntm, cntl_t *cntl)
{
    struct product p = {.func = func,
                        .family = family,
                        .alpha = alpha,
                        .a = a,
                        .b = b,
                        .beta = beta,
                        .c = c,
                        .schema_a = bli_obj_pack_schema(a),
                        .schema_b = bli_obj_pack_schema(b),
                        .cntx = cntx,
                        .rntm = rntm,
                        .cntl = cntl};
    /* The callers hand the schemas over in these fields, which mean something else below. */
    bli_obj_set_pack_schema(BLIS_NOT_PACKED, a);
    bli_obj_set_pack_schema(BLIS_NOT_PACKED, b);
    run_product(&p);
}

err_t __wrap_bli_l3_sup_thread_decorator(l3supint_t func, opid_t family, obj_t *alpha, obj_t *a,
                                         obj_t *b, obj_t *beta, obj_t *c, cntx_t *cntx,
                                         rntm_t *rntm)
{
    struct product p = {.sup = func,
                        .family = family,
                        .alpha = alpha,
                        .a = a,
                        .b = b,
                        .beta = beta,
                        .c = c,
                        .cntx = cntx,
                        .rntm = rntm};
    run_product(&p);
    return BLIS_SUCCESS;
}

/* The original spins for ever: with one busy neighbour each barrier took a scheduler's time slice
 * (four SVDs at once 41 s instead of 1.7). 4000 spins are some 40 us, longer than any wait between
 * threads that do run. */
void __wrap_bli_thrcomm_barrier(dim_t thread, thrcomm_t *comm)
{
    (void)thread;
    if (!comm || comm->n_threads == 1)
        return;
    gint_t sense = __atomic_load_n(&comm->barrier_sense, __ATOMIC_RELAXED);
    if (__atomic_add_fetch(&comm->barrier_threads_arrived, 1, __ATOMIC_ACQ_REL) ==
        comm->n_threads) {
        comm->barrier_threads_arrived = 0;
        __atomic_fetch_xor(&comm->barrier_sense, 1, __ATOMIC_RELEASE);
        return;
    }
    for (int spins = 0; __atomic_load_n(&comm->barrier_sense, __ATOMIC_ACQUIRE) == sense; spins++) {
        if (spins < 4000)
            __builtin_ia32_pause();
        else
            sched_yield();
    }
}

/* ---- fork -------------------------------------------------------------------------------- */

/* Another thread may have been inside these pools when the process forked: start with new ones.
 * What the old ones hold is lost, once per fork. */
void hooks_after_fork(void)
{
    own_pools = NULL;
    bli_pthread_mutex_init(&bli_sba_query()->mutex, NULL);
    bli_pthread_mutex_init(&bli_pba_query()->mutex, NULL);
    bli_sba_init();
    bli_pba_init(native);
}
