/* SPDX-License-Identifier: BSD-3-Clause */
#include "openblas_product.h"

#include <string.h>

/* Fortran takes integers by address, so that one prototype serves both widths: the lower half of
 * an int64_t is the int32_t at the same address. */
#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "pass integers of the library's own width"
#endif

const struct treadle_dtype product_dtypes[PRODUCT_TYPES] = {
    {TREADLE_FLOAT, 32, 1},
    {TREADLE_FLOAT, 64, 1},
    {TREADLE_COMPLEX, 64, 1},
    {TREADLE_COMPLEX, 128, 1},
};

static const char *const gemm_names[PRODUCT_TYPES] = {"sgemm_", "dgemm_", "cgemm_", "zgemm_"};
static const char *const dot_names[PRODUCT_TYPES] = {"sdot_", "ddot_", "cblas_cdotu_sub",
                                                     "cblas_zdotu_sub"};

typedef void (*gemm_fn)(const char *trans_a, const char *trans_b, const int64_t *m,
                        const int64_t *n, const int64_t *k, const void *alpha, const void *a,
                        const int64_t *lda, const void *b, const int64_t *ldb, const void *beta,
                        void *c, const int64_t *ldc);
typedef float (*sdot_fn)(const int64_t *n, const void *x, const int64_t *incx, const void *y,
                         const int64_t *incy);
typedef double (*ddot_fn)(const int64_t *n, const void *x, const int64_t *incx, const void *y,
                          const int64_t *incy);
typedef void (*dot_sub_32_fn)(int32_t n, const void *x, int32_t incx, const void *y, int32_t incy,
                              void *out);
typedef void (*dot_sub_64_fn)(int64_t n, const void *x, int64_t incx, const void *y, int64_t incy,
                              void *out);

/* One in each type, for reals and complex numbers alike. */
static const float one_f32[2] = {1, 0};
static const double one_f64[2] = {1, 0};
static const void *const ones[PRODUCT_TYPES] = {one_f32, one_f64, one_f32, one_f64};
static const double zero[2];

bool product_init(struct product *product, const struct library *library, uint32_t type)
{
    *product = (struct product){.type = type,
                                .int_bits = library->int_bits,
                                .gemm = library_find(library, gemm_names[type]),
                                .dot = library_find(library, dot_names[type])};
    return product->gemm && product->dot;
}

static bool fits(const struct product *product, int64_t value)
{
    return product->int_bits == 64 || (value <= INT32_MAX && value >= -INT32_MAX);
}

/* ---- dot -------------------------------------------------------------------------------- */

/* A vector as BLAS wants it: the lowest address, and a step in elements that is not zero. */
static bool vector_of(const struct treadle_array *array, const char **data, int64_t *step)
{
    int64_t n = array->shape[0], stride = array->strides[0], size = array->itemsize;
    *data = array->data;
    *step = 1;
    if (n <= 1)
        return true;
    if (stride == 0 || stride % size)
        return false;
    *step = stride / size;
    if (stride < 0)
        *data += (n - 1) * stride;
    return true;
}

int32_t product_dot(const struct product *product, const struct treadle_array *args)
{
    int64_t n = args[0].shape[0], incx, incy;
    const char *x, *y;
    void *out = args[2].data;
    if (!vector_of(&args[0], &x, &incx) || !vector_of(&args[1], &y, &incy) || !fits(product, n) ||
        !fits(product, incx) || !fits(product, incy))
        return TREADLE_E_DECLINED;
    if (n == 0)
        memset(out, 0, args[2].itemsize);
    else if (product->type == 0)
        *(float *)out = ((sdot_fn)product->dot)(&n, x, &incx, y, &incy);
    else if (product->type == 1)
        *(double *)out = ((ddot_fn)product->dot)(&n, x, &incx, y, &incy);
    else if (product->int_bits == 64)
        ((dot_sub_64_fn)product->dot)(n, x, incx, y, incy, out);
    else
        ((dot_sub_32_fn)product->dot)((int32_t)n, x, (int32_t)incx, y, (int32_t)incy, out);
    return TREADLE_OK;
}

/* ---- matmul ----------------------------------------------------------------------------- */

/* One matrix in Fortran's terms: columns one after the other, or their transpose. */
struct matrix {
    char trans; /* 'N' or 'T' */
    int64_t ld;
};

/* Elements with `step` between neighbours and lines of n elements `pitch` apart. */
static bool lines(int64_t n, int64_t step, int64_t count, int64_t pitch, int64_t size, int64_t *ld)
{
    if (n > 1 && step != size)
        return false;
    *ld = n > 1 ? n : 1;
    if (count <= 1)
        return true;
    if (pitch < n * size || pitch <= 0 || pitch % size)
        return false;
    *ld = pitch / size;
    return true;
}

static bool matrix_of(const struct product *product, const struct treadle_array *array,
                      struct matrix *matrix)
{
    int32_t d = array->ndim;
    int64_t rows = array->shape[d - 2], columns = array->shape[d - 1];
    int64_t down = array->strides[d - 2], across = array->strides[d - 1], size = array->itemsize;
    if (lines(columns, across, rows, down, size, &matrix->ld))
        matrix->trans = 'T';
    else if (lines(rows, down, columns, across, size, &matrix->ld))
        matrix->trans = 'N';
    else
        return false;
    return fits(product, matrix->ld) && fits(product, rows) && fits(product, columns);
}

static char flipped(char trans)
{
    return trans == 'N' ? 'T' : 'N';
}

/* One product of the stack. A row-major result is the column-major result of the transposed
 * factors in the other order. */
static void multiply(const struct product *product, const struct treadle_array *args,
                     const struct matrix *matrices, const char *const *data)
{
    const struct matrix *a = &matrices[0], *b = &matrices[1], *c = &matrices[2];
    gemm_fn gemm = (gemm_fn)product->gemm;
    const void *one = ones[product->type];
    const int64_t *x_shape = args[0].shape + args[0].ndim - 2;
    int64_t m = x_shape[0], k = x_shape[1], n = args[1].shape[args[1].ndim - 1];
    char a_trans = a->trans, b_trans = b->trans;
    if (c->trans == 'N') {
        gemm(&a_trans, &b_trans, &m, &n, &k, one, data[0], &a->ld, data[1], &b->ld, zero,
             (void *)data[2], &c->ld);
        return;
    }
    a_trans = flipped(a_trans);
    b_trans = flipped(b_trans);
    gemm(&b_trans, &a_trans, &n, &m, &k, one, data[1], &b->ld, data[0], &a->ld, zero,
         (void *)data[2], &c->ld);
}

static int64_t count_of(const struct treadle_array *out, int32_t begin, int32_t end)
{
    int64_t count = 1;
    for (int32_t i = begin; i < end; i++)
        count *= out->shape[i];
    return count;
}

/* Address of the matrix with this number in the stack. */
static const char *matrix_at(const struct treadle_array *array, int64_t number)
{
    const char *data = array->data;
    for (int32_t i = array->ndim - 2; i-- > 0;) {
        data += number % array->shape[i] * array->strides[i];
        number /= array->shape[i];
    }
    return data;
}

int32_t product_matmul(const struct product *product, const struct treadle_array *args)
{
    const struct treadle_array *out = &args[2];
    struct matrix matrices[3];
    int64_t stack = count_of(out, 0, out->ndim - 2);
    if (stack == 0 || count_of(out, out->ndim - 2, out->ndim) == 0)
        return TREADLE_OK;
    if (args[0].shape[args[0].ndim - 1] == 0)
        return TREADLE_E_DECLINED;
    for (int i = 0; i < 3; i++) {
        if (!matrix_of(product, &args[i], &matrices[i]))
            return TREADLE_E_DECLINED;
    }
    for (int64_t i = 0; i < stack; i++) {
        const char *data[3];
        for (int j = 0; j < 3; j++)
            data[j] = matrix_at(&args[j], i);
        multiply(product, args, matrices, data);
    }
    return TREADLE_OK;
}
