/* SPDX-License-Identifier: BSD-3-Clause */
#include "check_reference.h"

#include <complex.h>
#include <math.h>
#include <string.h>

#include "check_array.h"

enum { PAIRWISE_BLOCK = 128 }; /* of NumPy's pairwise sum */

static const struct {
    const char *name;
    char symbol;
} symbols[] = {{"add", '+'},     {"subtract", '-'}, {"multiply", '*'}, {"divide", '/'},
               {"maximum", '>'}, {"minimum", '<'},  {"negative", 'n'}, {"abs", 'a'},
               {"sqrt", 'r'},    {"square", '2'},   {"copy", '='}};

static char symbol_of(const char *op)
{
    for (size_t i = 0; i < sizeof symbols / sizeof *symbols; i++)
        if (!strcmp(op, symbols[i].name))
            return symbols[i].symbol;
    return '?';
}

#define REAL_REFERENCE(name, type, fabs_of, sqrt_of)                                               \
    static bool name(char op, const void *xs, const void *ys, void *out)                           \
    {                                                                                              \
        type x, y, r;                                                                              \
                                                                                                   \
        memcpy(&x, xs, sizeof x);                                                                  \
        memcpy(&y, ys, sizeof y);                                                                  \
        switch (op) {                                                                              \
        case '+':                                                                                  \
            r = x + y;                                                                             \
            break;                                                                                 \
        case '-':                                                                                  \
            r = x - y;                                                                             \
            break;                                                                                 \
        case '*':                                                                                  \
            r = x * y;                                                                             \
            break;                                                                                 \
        case '/':                                                                                  \
            r = x / y;                                                                             \
            break;                                                                                 \
        case '>':                                                                                  \
            r = isnan(x) ? x : isnan(y) ? y : x > y ? x : y;                                       \
            break;                                                                                 \
        case '<':                                                                                  \
            r = isnan(x) ? x : isnan(y) ? y : x < y ? x : y;                                       \
            break;                                                                                 \
        case 'n':                                                                                  \
            r = -x;                                                                                \
            break;                                                                                 \
        case 'a':                                                                                  \
            r = fabs_of(x);                                                                        \
            break;                                                                                 \
        case 'r':                                                                                  \
            r = sqrt_of(x);                                                                        \
            break;                                                                                 \
        case '2':                                                                                  \
            r = x * x;                                                                             \
            break;                                                                                 \
        default:                                                                                   \
            return false;                                                                          \
        }                                                                                          \
        memcpy(out, &r, sizeof r);                                                                 \
        return true;                                                                               \
    }

REAL_REFERENCE(reference_f32, float, fabsf, sqrtf)
REAL_REFERENCE(reference_f64, double, fabs, sqrt)

/** Complex numbers have no order; what is left is computed wider and rounded once. */
static bool reference_complex(char op, struct treadle_dtype dtype, const void *xs, const void *ys,
                              void *out)
{
    long double complex x = check_get(dtype, xs), y = check_get(dtype, ys), r;

    if (op == '+')
        r = x + y;
    else if (op == '-')
        r = x - y;
    else if (op == '*')
        r = x * y;
    else if (op == '/')
        r = x / y;
    else if (op == 'n')
        r = -x;
    else if (op == 'r')
        r = csqrtl(x);
    else if (op == '2')
        r = x * x;
    else
        return false;
    check_set(dtype, out, r);
    return true;
}

/** In 64 bits without sign everything wraps as it should; the order knows the sign. */
static bool reference_whole(char op, struct treadle_dtype dtype, const void *xs, const void *ys,
                            void *out)
{
    uint64_t x = 0, y = 0, r;
    bool less = creall(check_get(dtype, xs)) < creall(check_get(dtype, ys));
    bool negative = creall(check_get(dtype, xs)) < 0;

    memcpy(&x, xs, dtype.bits / 8);
    memcpy(&y, ys, dtype.bits / 8);
    if (op == '+')
        r = x + y;
    else if (op == '-')
        r = x - y;
    else if (op == '*')
        r = x * y;
    else if (op == '>')
        r = less ? y : x;
    else if (op == '<')
        r = less ? x : y;
    else if (op == 'n')
        r = 0 - x;
    else if (op == 'a')
        r = negative ? 0 - x : x;
    else if (op == '2')
        r = x * x;
    else
        return false;
    memcpy(out, &r, dtype.bits / 8);
    return true;
}

static bool reference_bool(char op, const unsigned char *x, const unsigned char *y,
                           unsigned char *out)
{
    if (op == '+' || op == '>')
        *out = *x | *y;
    else if (op == '*' || op == '<')
        *out = *x & *y;
    else if (op == 'a' || op == '2')
        *out = *x;
    else
        return false;
    return true;
}

bool check_reference(const char *op, struct treadle_dtype dtype, const void *x, const void *y,
                     void *out)
{
    char symbol = symbol_of(op);

    if (symbol == '=' && dtype.bits / 8 <= CHECK_ITEM_MAX) {
        memcpy(out, x, dtype.bits / 8);
        return true;
    }
    if (symbol == '?' || !check_is_number(dtype))
        return false;
    switch (dtype.code) {
    case TREADLE_FLOAT:
        return (dtype.bits == 32 ? reference_f32 : reference_f64)(symbol, x, y, out);
    case TREADLE_COMPLEX:
        return reference_complex(symbol, dtype, x, y, out);
    case TREADLE_BOOL:
        return reference_bool(symbol, x, y, out);
    default:
        return reference_whole(symbol, dtype, x, y, out);
    }
}

bool check_reference_agrees(const char *op, struct treadle_dtype dtype, const void *got,
                            const void *want)
{
    char symbol = symbol_of(op);

    if (!memcmp(got, want, dtype.bits / 8))
        return true;
    if (symbol == '=' || !check_is_number(dtype))
        return false;
    long double complex g = check_get(dtype, got), w = check_get(dtype, want);
    if (dtype.code == TREADLE_FLOAT)
        return (isnan(creall(g)) && isnan(creall(w))) || (strchr("<>", symbol) && g == 0 && w == 0);
    return dtype.code == TREADLE_COMPLEX && cabsl(g - w) <= 8 * check_epsilon(dtype) * cabsl(w);
}

#define NUMPY_SUM(name, type)                                                                      \
    static type name(const char *items, int64_t n, int64_t stride)                                 \
    {                                                                                              \
        type r[8], sum = -(type)0, x;                                                              \
        int64_t i = 0;                                                                             \
                                                                                                   \
        if (n > PAIRWISE_BLOCK) {                                                                  \
            int64_t left = n / 2 - n / 2 % 8;                                                      \
            return name(items, left, stride) + name(items + left * stride, n - left, stride);      \
        }                                                                                          \
        if (n >= 8) {                                                                              \
            for (i = 0; i < n - n % 8; i++) {                                                      \
                memcpy(&x, items + i * stride, sizeof x);                                          \
                r[i % 8] = i < 8 ? x : r[i % 8] + x;                                               \
            }                                                                                      \
            sum = ((r[0] + r[1]) + (r[2] + r[3])) + ((r[4] + r[5]) + (r[6] + r[7]));               \
        }                                                                                          \
        for (; i < n; i++) {                                                                       \
            memcpy(&x, items + i * stride, sizeof x);                                              \
            sum += x;                                                                              \
        }                                                                                          \
        return sum;                                                                                \
    }

NUMPY_SUM(sum_f32, float)
NUMPY_SUM(sum_f64, double)

double check_numpy_sum(struct treadle_dtype dtype, const char *items, int64_t n, int64_t stride)
{
    return dtype.bits == 32 ? (double)(0.0f + sum_f32(items, n, stride))
                            : 0.0 + sum_f64(items, n, stride);
}
