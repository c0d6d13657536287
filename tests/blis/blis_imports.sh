#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# blis_imports.sh PLUGIN.so: the plugin asks the process for no BLAS, no LAPACK and no Fortran.
export LC_ALL=C
if nm -D --undefined-only "$1" | grep -E ' (cblas_|bli_|[sdcz][a-z0-9]{2,6}_$)| _gfortran_' ||
    readelf -dW "$1" | grep -E 'NEEDED.*(blas|blis|lapack|gfortran)'; then
    echo "$1: takes these from the process" >&2
    exit 1
fi
