#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# run_rust.sh LIBTREADLE SOURCE_ROOT TEMPLATE_TEST GOLDEN_HOST: the crates as they are without any other, so without
# cargo and without a download; then the plugin in Rust, before the tests of its twin in C and of the ABI.
command -v rustc > /dev/null || { echo "no rustc on this machine"; exit 77; }
library=$1 root=$2 template_test=$3 golden_host=$4
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
crates=$root/host/rust
set -e
# The features of the crates are cargo's.
compile() {
    rustc --edition 2021 -D warnings -A unknown_lints -A unexpected_cfgs -L dependency="$folder" \
        -L native="$(dirname "$library")" "$@"
}
linked() {
    compile -C link-arg=-Wl,-rpath,"$(dirname "$library")" --extern treadle="$folder/libtreadle.rlib" \
        --extern treadle_sys="$folder/libtreadle_sys.rlib" "$@"
}
compile --crate-type rlib --crate-name treadle_sys -o "$folder/libtreadle_sys.rlib" --cfg 'feature="link"' \
    -l dylib=treadle "$crates/treadle-sys/src/lib.rs"
compile --crate-type rlib --crate-name treadle -o "$folder/libtreadle.rlib" \
    --extern treadle_sys="$folder/libtreadle_sys.rlib" "$crates/treadle/src/lib.rs"
linked --test -o "$folder/layout" "$crates/treadle-sys/tests/layout.rs"
linked --test -o "$folder/calls" "$crates/treadle/tests/calls.rs"
TREADLE_LAYOUT_LOCK=$root/tests/abi/layout.lock "$folder/layout" -q
"$folder/calls" -q

mkdir "$folder/bare" "$folder/plugins"
plugin=$folder/plugins/treadle-rust.so
compile --crate-type rlib --crate-name treadle_sys -o "$folder/bare/libtreadle_sys.rlib" \
    "$crates/treadle-sys/src/lib.rs"
compile -O --crate-type cdylib --extern treadle_sys="$folder/bare/libtreadle_sys.rlib" -o "$plugin" \
    "$crates/example-plugin/src/lib.rs"
"$root/tests/abi/check_exports.sh" "$plugin"
TREADLE_TEST_PLUGIN=$plugin "$template_test"
"$golden_host" "$plugin"
linked -o "$folder/rust_plugin" "$root/tests/languages/rust_plugin.rs"
TREADLE_PLUGIN_PATH=$folder/plugins "$folder/rust_plugin"
