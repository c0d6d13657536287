#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# check_exports.sh PLUGIN.so: what a plugin's file must not bring into a process.
export LC_ALL=C
status=0
wrong() {
    echo "$1: $2" >&2
    status=1
}

symbols=$(nm -D --defined-only "$1" | awk '{print $3}')
[ "$symbols" = treadle_plugin_v1 ] ||
    wrong "$1" "exports more or less than treadle_plugin_v1: $(echo "$symbols" | head -5 | tr '\n' ' ')"

readelf -dW "$1" | grep -q 'NEEDED.*libgomp' && wrong "$1" 'needs libgomp, which does not survive a fork'
readelf -lW "$1" | grep GNU_STACK | grep -q RWE && wrong "$1" 'asks for an executable stack'
nm "$1" 2> /dev/null | grep -q ' set_fast_math$' &&
    wrong "$1" 'linked with -ffast-math: loading it would switch denormals off'
exit $status
