/* SPDX-License-Identifier: BSD-3-Clause */
/* Products for one type of PLANES parts (1 real, 2 complex) of type T, TI. (No guard.) */

#include "vector_body.h"

enum {
    BODY(LANES) = TREADLE_VECTOR_BYTES / sizeof(T),
    BODY(TILE_COLUMNS) = 2 * TREADLE_VECTOR_BYTES / sizeof(T) / PLANES,
    BODY(VECTORS) = 2 / PLANES
};

/* x[rows, depth] as [depth][plane][TILE_ROWS], y[depth, columns] as [depth][plane][columns]. */
static void BODY(pack)(T *to, size_t depth, size_t count, size_t width, const char *from,
                       ptrdiff_t depth_stride, ptrdiff_t stride)
{
    for (size_t k = 0; k < depth; k++, from += depth_stride) {
        for (size_t plane = 0; plane < PLANES; plane++, to += width) {
            const char *part = from + plane * sizeof(T);
            for (size_t i = 0; i < count; i++)
                to[i] = *(const BODY(item) *)(part + (ptrdiff_t)i * stride);
            memset(to + count, 0, (width - count) * sizeof(T));
        }
    }
}

/* tile[plane][row][column] += the product of two packed blocks. */
static void BODY(multiply_tile)(T *tile, size_t depth, const T *x, const T *y)
{
    BODY(vector) sum[PLANES][TILE_ROWS][BODY(VECTORS)];
    memcpy(sum, tile, sizeof(sum));
    for (size_t k = 0; k < depth; k++) {
        const BODY(vector) *yv = (const BODY(vector) *)y;
#pragma GCC unroll 4
        for (size_t i = 0; i < TILE_ROWS; i++) {
            BODY(vector) re = BODY(splat)(x[i]);
#if PLANES == 1
#pragma GCC unroll 2
            for (size_t j = 0; j < BODY(VECTORS); j++)
                sum[0][i][j] += re * yv[j];
#else
            BODY(vector) im = BODY(splat)(x[TILE_ROWS + i]);
            sum[0][i][0] += re * yv[0] - im * yv[1];
            sum[1][i][0] += re * yv[1] + im * yv[0];
#endif
        }
        x += PLANES * TILE_ROWS;
        y += PLANES * BODY(TILE_COLUMNS);
    }
    memcpy(tile, sum, sizeof(sum));
}

static void BODY(load_tile)(T *tile, size_t rows, size_t columns, const char *out,
                            const struct treadle_product_shape *shape)
{
    memset(tile, 0, PLANES * TILE_ROWS * BODY(TILE_COLUMNS) * sizeof(T));
    for (size_t plane = 0; plane < PLANES; plane++)
        for (size_t i = 0; i < rows; i++)
            for (size_t j = 0; j < columns; j++)
                tile[(plane * TILE_ROWS + i) * BODY(TILE_COLUMNS) + j] =
                    *(const BODY(item) *)(out + (ptrdiff_t)i * shape->out_row +
                                          (ptrdiff_t)j * shape->out_column + plane * sizeof(T));
}

static void BODY(store_tile)(const T *tile, size_t rows, size_t columns, char *out,
                             const struct treadle_product_shape *shape)
{
    for (size_t plane = 0; plane < PLANES; plane++)
        for (size_t i = 0; i < rows; i++)
            for (size_t j = 0; j < columns; j++)
                *(BODY(item) *)(out + (ptrdiff_t)i * shape->out_row +
                                (ptrdiff_t)j * shape->out_column + plane * sizeof(T)) =
                    tile[(plane * TILE_ROWS + i) * BODY(TILE_COLUMNS) + j];
}

/* One row of tiles: x packed, y packed as panels of TILE_COLUMNS columns. */
static void BODY(multiply_row)(const struct treadle_product_shape *shape, size_t rows, size_t depth,
                               size_t columns, const T *x, const T *y, char *out, int first)
{
    T tile[PLANES * TILE_ROWS * BODY(TILE_COLUMNS)];
    for (size_t j = 0; j < columns; j += BODY(TILE_COLUMNS)) {
        size_t width = columns - j < BODY(TILE_COLUMNS) ? columns - j : BODY(TILE_COLUMNS);
        char *corner = out + (ptrdiff_t)j * shape->out_column;
        if (first)
            memset(tile, 0, sizeof(tile));
        else
            BODY(load_tile)(tile, rows, width, corner, shape);
        BODY(multiply_tile)(tile, depth, x, y + j * depth * PLANES);
        BODY(store_tile)(tile, rows, width, corner, shape);
    }
}

static void BODY(clear)(const struct treadle_product_shape *shape, char *out)
{
    for (size_t i = 0; i < shape->m; i++)
        for (size_t j = 0; j < shape->n; j++)
            memset(out + (ptrdiff_t)i * shape->out_row + (ptrdiff_t)j * shape->out_column, 0,
                   PLANES * sizeof(T));
}

static void BODY(matmul)(const struct treadle_product_shape *shape, const char *x, const char *y,
                         char *out, void *scratch)
{
    enum {
        X_ITEMS = BLOCK_K * PLANES * TILE_ROWS,
        PANEL_ITEMS = BLOCK_K * PLANES * BODY(TILE_COLUMNS),
        PANELS = (TREADLE_PRODUCT_SCRATCH / (int)sizeof(T) - X_ITEMS) / PANEL_ITEMS,
        BLOCK_N = PANELS * BODY(TILE_COLUMNS)
    };
    T *packed_x = scratch, *packed_y = packed_x + X_ITEMS;
    if (!shape->k)
        BODY(clear)(shape, out);
    for (size_t n0 = 0; n0 < shape->n; n0 += BLOCK_N) {
        size_t columns = shape->n - n0 < BLOCK_N ? shape->n - n0 : BLOCK_N;
        for (size_t k0 = 0; k0 < shape->k; k0 += BLOCK_K) {
            size_t depth = shape->k - k0 < BLOCK_K ? shape->k - k0 : BLOCK_K;
            const char *y0 = y + (ptrdiff_t)k0 * shape->y_row + (ptrdiff_t)n0 * shape->y_column;
            for (size_t j = 0; j < columns; j += BODY(TILE_COLUMNS))
                BODY(pack)
            (packed_y + j * depth * PLANES, depth,
             columns - j < BODY(TILE_COLUMNS) ? columns - j : BODY(TILE_COLUMNS),
             BODY(TILE_COLUMNS), y0 + (ptrdiff_t)j * shape->y_column, shape->y_row,
             shape->y_column);
            for (size_t i = 0; i < shape->m; i += TILE_ROWS) {
                size_t rows = shape->m - i < TILE_ROWS ? shape->m - i : TILE_ROWS;
                BODY(pack)
                (packed_x, depth, rows, TILE_ROWS,
                 x + (ptrdiff_t)i * shape->x_row + (ptrdiff_t)k0 * shape->x_column, shape->x_column,
                 shape->x_row);
                BODY(multiply_row)
                (shape, rows, depth, columns, packed_x, packed_y,
                 out + (ptrdiff_t)i * shape->out_row + (ptrdiff_t)n0 * shape->out_column, k0 == 0);
            }
        }
    }
}

/* Sums of LANES interleaved chains, added up in order. */
static void BODY(dot)(size_t n, const char *x, ptrdiff_t x_stride, const char *y,
                      ptrdiff_t y_stride, char *out)
{
    T sum[PLANES][BODY(LANES)], total[PLANES] = {0};
    memset(sum, 0, sizeof(sum));
    for (size_t i = 0; i < n; i += BODY(LANES)) {
        size_t width = n - i < BODY(LANES) ? n - i : BODY(LANES);
        for (size_t j = 0; j < width; j++, x += x_stride, y += y_stride) {
            const BODY(item) *a = (const BODY(item) *)x, *b = (const BODY(item) *)y;
#if PLANES == 1
            sum[0][j] += a[0] * b[0];
#else
            sum[0][j] += a[0] * b[0] - a[1] * b[1];
            sum[1][j] += a[0] * b[1] + a[1] * b[0];
#endif
        }
    }
    for (size_t plane = 0; plane < PLANES; plane++) {
        for (size_t j = 0; j < BODY(LANES); j++)
            total[plane] += sum[plane][j];
        ((BODY(item) *)out)[plane] = total[plane];
    }
}

#undef BODY
#undef T
#undef TI
#undef TNAME
#undef PLANES
