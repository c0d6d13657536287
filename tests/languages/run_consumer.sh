#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# run_consumer.sh KIND MESON BUILD_FOLDER PREFIX LIBDIR: install into a folder of its own, which is not where
# Treadle was configured for, and build a program against that by pkg-config, cmake or meson; or with this tree as
# Meson subproject.
kind=$1 meson=$2 build=$3 prefix=$4 libdir=$5
here=$(cd "$(dirname "$0")" && pwd)
case $kind in
    pkg-config | cmake) tool=$kind ;;
    *) tool=c++ ;;
esac
command -v "$tool" > /dev/null || { echo "no $tool on this machine"; exit 77; }
set -e
unset DESTDIR
stage=$(mktemp -d)
trap 'rm -rf "$stage"' EXIT

if [ "$kind" != subproject ]; then
    "$meson" install -C "$build" --quiet --no-rebuild --tags runtime,devel --destdir "$stage"
    export PKG_CONFIG_SYSROOT_DIR="$stage"
    export PKG_CONFIG_LIBDIR="$stage$prefix/$libdir/pkgconfig"
    export LD_LIBRARY_PATH="$stage$prefix/$libdir"
fi
case $kind in
    pkg-config)
        [ -d "$(pkg-config --variable plugindir treadle)" ]
        [ "$(pkg-config --variable abi treadle)" = 1 ]
        [ -f "$(pkg-config --variable cdef treadle)" ]
        # shellcheck disable=SC2046 # lists of words
        c++ -std=c++17 "$here/consumer/hello.cpp" $(pkg-config --cflags --libs treadle) -o "$stage/hello"
        ;;
    cmake)
        unset LD_LIBRARY_PATH # the target brings its path
        cmake -S "$here/consumer" -B "$stage/built" -DCMAKE_PREFIX_PATH="$stage$prefix" > /dev/null
        cmake --build "$stage/built" > /dev/null
        ln -s built/hello "$stage/hello"
        ;;
    meson)
        "$meson" setup "$stage/built" "$here/consumer" > /dev/null
        ninja -C "$stage/built" > /dev/null
        ln -s built/hello "$stage/hello"
        ;;
    subproject)
        cp -r "$here/consumer" "$stage/source"
        mkdir "$stage/source/subprojects"
        ln -s "$here/../.." "$stage/source/subprojects/treadle"
        off=
        for part in openmp blis openblas cli numpy tests; do
            off="$off -Dtreadle:$part=disabled"
        done
        # shellcheck disable=SC2086 # a list of words
        "$meson" setup "$stage/built" "$stage/source" --wrap-mode=forcefallback $off > /dev/null
        ninja -C "$stage/built" hello > /dev/null
        ln -s built/hello "$stage/hello"
        ;;
esac
said=$("$stage/hello")
[ "$said" = '11 22 33 by serial' ] || { echo "$kind: the program said: $said" >&2; exit 1; }
