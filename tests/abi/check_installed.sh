#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# check_installed.sh MESON BUILD_FOLDER PLUGIN_FOLDER: installed plugins look for libraries beside themselves or
# where the system does. (In the build folder they carry search paths that installing removes.)
export LC_ALL=C
stage=$(mktemp -d)
trap 'rm -rf "$stage"' EXIT
"$1" install -C "$2" --quiet --no-rebuild --tags runtime --destdir "$stage" || exit 1

status=0
found=0
for plugin in "$stage$3"/treadle-*.so; do
    [ -f "$plugin" ] && found=$((found + 1))
    paths=$(readelf -dW "$plugin" | sed -nE 's/.*\((RPATH|RUNPATH)\).*\[(.*)\]/\2/p' | tr ':' '\n')
    for path in $paths; do
        # shellcheck disable=SC2016 # the dynamic linker's word, not the shell's
        case $path in
            '$ORIGIN' | '$ORIGIN/'*) ;;
            *) echo "${plugin##*/}: searches libraries in $path" >&2; status=1 ;;
        esac
    done
done
[ $found -gt 0 ] || { echo 'no plugin was installed' >&2; exit 1; }
exit $status
