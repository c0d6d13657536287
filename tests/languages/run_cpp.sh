#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# run_cpp.sh COMPILER STANDARD LIBTREADLE SOURCE INCLUDE_DIR...: compile strictly, and run.
command -v "$1" > /dev/null || { echo "no $1 on this machine"; exit 77; }
compiler=$1 standard=$2 library=$3 source=$4
shift 4
program=$(mktemp)
trap 'rm -f "$program"' EXIT
includes=
for dir in "$@"; do
    includes="$includes -I$dir"
done
# shellcheck disable=SC2086 # a list of words
"$compiler" -std="$standard" -O1 -pedantic -Wall -Wextra -Werror $includes "$source" \
    -o "$program" "$library" -Wl,-rpath,"$(dirname "$library")" && "$program"
