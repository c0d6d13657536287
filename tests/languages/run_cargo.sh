#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# run_cargo.sh LIBTREADLE SOURCE_ROOT TARGET_FOLDER: the crates with ndarray, its oldest and its newest version that are
# allowed; formats and lints, where this cargo has them; and their packages.
command -v cargo > /dev/null || { echo "no cargo on this machine"; exit 77; }
root=$2
CARGO_TARGET_DIR=$3
TREADLE_LIB_DIR=$(realpath "$(dirname "$1")")
TREADLE_LAYOUT_LOCK=$root/tests/abi/layout.lock
export CARGO_TARGET_DIR TREADLE_LIB_DIR TREADLE_LAYOUT_LOCK
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
set -e
cp -r "$root/host/rust" "$folder/rust" # cargo writes beside what it builds
cd "$folder/rust"
rm -f Cargo.lock

# What the newest versions need is more than Debian 12 has.
if cargo test --quiet --workspace --all-features --no-run 2> "$folder/refused"; then
    cargo test --quiet --workspace --all-features
    if cargo clippy --version > /dev/null 2>&1; then
        cargo clippy --quiet --workspace --all-features --all-targets -- -D warnings
    fi
else
    grep -q 'requires rustc' "$folder/refused" || { cat "$folder/refused" >&2; exit 1; }
    echo "$(cargo --version) is too old for the newest ndarray"
fi
if cargo fmt --version > /dev/null 2>&1; then
    cargo fmt --all -- --check
fi
cargo update --quiet -p ndarray --precise 0.15.6
cargo test --quiet -p treadle --all-features
# Cargo 1.90 takes the one that needs the other along; those before would look for it on crates.io.
packages='-p treadle-sys'
[ "$(cargo --version | cut -d. -f2)" -lt 90 ] || packages="$packages -p treadle"
# shellcheck disable=SC2086 # a list of words
cargo package --quiet --allow-dirty $packages
