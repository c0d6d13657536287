#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# The plugin shows one symbol, and asks the process for no BLAS, no LAPACK and no second OpenMP runtime.
set -eu
plugin=$1
exported=$(nm -D --defined-only "$plugin" | awk '{print $NF}')
if [ "$exported" != treadle_plugin_v1 ]; then
    echo "exports: $exported"
    exit 1
fi
if nm -D --undefined-only "$plugin" | grep -E ' (cblas_|bli_|[sdcz][a-z0-9]{2,6}_$)'; then
    echo "takes these from the process"
    exit 1
fi
if readelf -d "$plugin" | grep -E 'NEEDED.*(gomp|blas|blis|lapack)'; then
    exit 1
fi
