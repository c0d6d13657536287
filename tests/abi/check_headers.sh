#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# check_headers.sh HEADER INCLUDE_DIR...: the header alone is strict C99, C11 and C++17 without padding, for
# every compiler there is.
header=$1
shift
flags='-pedantic -Wall -Wextra -Wpadded -Werror -fsyntax-only'
for dir in "$@"; do
    flags="$flags -I$dir"
done
status=0
tried=0
for compiler in gcc clang; do
    command -v $compiler > /dev/null || continue
    tried=$((tried + 1))
    for dialect in 'c -std=c99' 'c -std=c11' 'c++ -std=c++17'; do
        # shellcheck disable=SC2086 # lists of words
        printf '#include <%s>\n#include <%s>\n' "$header" "$header" | $compiler -x $dialect $flags - ||
            { echo "$header: refused by $compiler -x $dialect" >&2; status=1; }
    done
done
[ $tried -gt 0 ] || { echo 'neither gcc nor clang found' >&2; exit 1; }
exit $status
