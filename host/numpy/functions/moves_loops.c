/* SPDX-License-Identifier: BSD-3-Clause */
#include "moves_loops.h"

#include <stdbool.h>
#include <string.h>

#include "bits.h"

/* A choice without a branch: nobody can foretell a random mask. */
#define LOOPS(size)                                                                                \
    static void move_##size(char **args, npy_intp const *dims, npy_intp const *steps, void *data)  \
    {                                                                                              \
        (void)data;                                                                                \
        if (steps[0] == (size) && steps[1] == (size)) {                                            \
            memcpy(args[1], args[0], (size_t)dims[0] * (size));                                    \
            return;                                                                                \
        }                                                                                          \
        for (npy_intp i = 0; i < dims[0]; i++)                                                     \
            *(bits_##size *)(args[1] + i * steps[1]) =                                             \
                *(const bits_##size *)(args[0] + i * steps[0]);                                    \
    }                                                                                              \
    static void choose_##size(char **args, npy_intp const *dims, npy_intp const *steps,            \
                              void *data)                                                          \
    {                                                                                              \
        (void)data;                                                                                \
        for (npy_intp i = 0; i < dims[0]; i++) {                                                   \
            bits_##size x = *(const bits_##size *)(args[1] + i * steps[1]);                        \
            bits_##size y = *(const bits_##size *)(args[2] + i * steps[2]);                        \
            bits_##size mask = (bits_##size) - (args[0][i * steps[0]] != 0);                       \
                                                                                                   \
            *(bits_##size *)(args[3] + i * steps[3]) = (bits_##size)(y ^ ((x ^ y) & mask));        \
        }                                                                                          \
    }

LOOPS(1)
LOOPS(2)
LOOPS(4)
LOOPS(8)
LOOPS(16)

static const struct {
    PyUFuncGenericFunction move, choose;
} loops[] = {
    [1] = {move_1, choose_1}, [2] = {move_2, choose_2},    [4] = {move_4, choose_4},
    [8] = {move_8, choose_8}, [16] = {move_16, choose_16},
};

static bool is_known(npy_intp size)
{
    return size > 0 && (size_t)size < sizeof(loops) / sizeof(loops[0]);
}

PyUFuncGenericFunction moves_loop(npy_intp size)
{
    return is_known(size) ? loops[size].move : NULL;
}

PyUFuncGenericFunction moves_choice(npy_intp size)
{
    return is_known(size) ? loops[size].choose : NULL;
}

void moves_copy(char *to, npy_intp to_step, const char *from, npy_intp from_step, npy_intp size,
                npy_intp n)
{
    PyUFuncGenericFunction move = moves_loop(size);

    if (move)
        move((char *[]){(char *)from, to}, &n, (npy_intp[]){from_step, to_step}, NULL);
    for (npy_intp i = 0; !move && i < n; i++)
        memcpy(to + i * to_step, from + i * from_step, (size_t)size);
}
