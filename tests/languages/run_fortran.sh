#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# run_fortran.sh LIBTREADLE SOURCE_FOLDER PROGRAM INCLUDE_DIR...: compile strictly, and run; then see that an error
# without `stat` stops the program with the sentence. (gfortran takes its own array descriptors for uninitialized.)
command -v gfortran > /dev/null || { echo "no gfortran on this machine"; exit 77; }
library=$1 sources=$2 program=$3
shift 3
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
includes=
for dir in "$@"; do
    includes="$includes -I$dir"
done
warnings='-Wall -Wextra -Wpedantic -Werror'
set -e
# shellcheck disable=SC2086 # lists of words
gcc -std=gnu11 -O1 $warnings $includes -c "$sources/treadle_fortran.c" -o "$folder/shim.o"
build() {
    # shellcheck disable=SC2086 # a list of words
    gfortran -std=f2018 -O1 -g -fcheck=bounds $warnings -Wno-compare-reals -Wno-uninitialized -Wno-maybe-uninitialized -J "$folder" "$sources/treadle.f90" "$1" "$folder/shim.o" \
        -o "$2" "$library" -Wl,-rpath,"$(dirname "$library")"
}
build "$program" "$folder/program"
"$folder/program"

cat > "$folder/stops.f90" << 'TEXT'
program stops
  use treadle
  implicit none
  double precision :: x(3) = 0, out(2)
  call treadle_binary('add', x, x, out)
  print '(a)', 'it went on'
end program stops
TEXT
build "$folder/stops.f90" "$folder/stops"
if "$folder/stops" > "$folder/said" 2>&1; then
    echo 'a wrong call without stat did not stop the program' >&2
    exit 1
fi
grep -q 'add: input 1' "$folder/said" || { cat "$folder/said" >&2; exit 1; }
