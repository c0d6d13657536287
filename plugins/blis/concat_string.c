/* SPDX-License-Identifier: BSD-3-Clause */
/* a // b of Fortran. It is all that LAPACK calls of gfortran's runtime, which then need not be
 * where the plugin is. */
#include <string.h>

void _gfortran_concat_string(size_t size, char *to, size_t a_size, const char *a, size_t b_size,
                             const char *b);

/* Cut to `size`, or filled up with blanks. */
void _gfortran_concat_string(size_t size, char *to, size_t a_size, const char *a, size_t b_size,
                             const char *b)
{
    if (a_size > size)
        a_size = size;
    if (b_size > size - a_size)
        b_size = size - a_size;
    memcpy(to, a, a_size);
    memcpy(to + a_size, b, b_size);
    memset(to + a_size + b_size, ' ', size - a_size - b_size);
}
