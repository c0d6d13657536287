#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# packages.sh FOLDER PYTHON [bookworm|trixie]: build Debian's packages of this tree in a root of that release, try
# them in fresh ones, and build the wheel twice. As root. FOLDER keeps the roots, logs and packages; PYTHON is one
# that builds wheels of this tree. The last line is "N passed, N failed".
set -euo pipefail
folder=$1 python=$2 release=${3:-bookworm}
tree=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
base=$folder/$release-base     # what debootstrap leaves
builder=$folder/$release-build # and what is needed to build
work=$folder/$release
version=$(sed -nE '1s/^treadle \((.*)-[^-]*\).*/\1/p' "$tree/debian/changelog")
# sudo's git is not the owner's.
git() {
    command git -c safe.directory="$tree" -C "$tree" "$@"
}
SOURCE_DATE_EPOCH=$(git log -1 --format=%ct)
export SOURCE_DATE_EPOCH DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8

case $release in
bookworm) DEB_BUILD_PROFILES='' ;;
trixie) DEB_BUILD_PROFILES='pkg.treadle.noblis' ;; # see debian/rules
*) echo "packages: the release is bookworm or trixie, not '$release'" >&2 && exit 2 ;;
esac
export DEB_BUILD_PROFILES

say() {
    echo "packages: $*" >&2
}

# with_root ROOT COMMAND: ROOT gets its /proc and /dev, which only COMMAND sees.
with_root() {
    # shellcheck disable=SC2016 # the inner shell's
    unshare --mount --pid --fork -- bash -c '
        mount --make-rprivate /
        mount -t proc proc "$0/proc"
        mount --rbind /dev "$0/dev"
        exec "$@"' "$@"
}

in_root() {
    with_root "$1" chroot "$@"
}

# A root is complete when it has its name.
make_base() {
    [[ ! -d $base ]] || return 0
    say "debootstrap of $release"
    rm -rf "$base.new"
    debootstrap --variant=minbase "$release" "$base.new"
    mv "$base.new" "$base"
}

make_builder() {
    if [[ ! -d $builder ]]; then
        rm -rf "$builder.new"
        cp -a "$base" "$builder.new"
        in_root "$builder.new" apt-get -q update
        in_root "$builder.new" apt-get -q -y install --no-install-recommends build-essential lintian
        mv "$builder.new" "$builder"
    fi
    rm -rf "$builder/build"
    mkdir -p "$builder/build"
}

# What git knows or would take: a change need not be committed to be tried.
make_source() {
    mkdir -p "$work"
    cd "$tree"
    git ls-files -z --cached --others --exclude-standard -- . ':!debian' |
        tar --null --files-from=- --sort=name --mtime="@$SOURCE_DATE_EPOCH" --owner=0 --group=0 --numeric-owner \
            --transform "s,^,treadle-$version/," -cJf "$work/treadle_$version.orig.tar.xz"
}

# build_in FOLDER NAME OPTION...: the packages, in that folder of the builder.
build_in() {
    local to=$builder/build/$1 name=$2
    shift 2
    mkdir -p "$to"
    cp "$work/treadle_$version.orig.tar.xz" "$to"
    tar -xf "$work/treadle_$version.orig.tar.xz" -C "$to"
    [[ $name == "treadle-$version" ]] || mv "$to/treadle-$version" "$to/$name"
    cp -a "$tree/debian" "$to/$name"
    # shellcheck disable=SC2016 # the inner shell's
    in_root "$builder" bash -c 'cd "$1" && apt-get -q -y build-dep . && dpkg-buildpackage -us -uc "${@:2}"' \
        - "${to#"$builder"}/$name" "$@"
}

# ---- what must be true ----------------------------------------------------------------------

builds() {
    build_in one "treadle-$version" &&
        cp "$builder"/build/one/*.{deb,dsc,changes,buildinfo,tar.xz} "$work"
}

lintian_finds_nothing() {
    in_root "$builder" bash -c 'cd /build/one && lintian --allow-root --fail-on error,warning treadle_*_amd64.changes'
}

same_bytes_from_another_folder() {
    local file failed=0
    TZ=Asia/Tokyo build_in another/folder source -b || return
    for file in "$work"/*.deb; do
        cmp "$file" "$builder/build/another/folder/${file##*/}" || failed=1
    done
    return "$failed"
}

# Also that removing leaves nothing behind.
installs_and_is_removed() {
    piuparts --existing-chroot "$base" --distribution "$release" --keep-sources-list --no-upgrade-test \
        --warn-on-leftovers-after-purge "$work"/*_amd64.deb
}

installed_tests_pass() {
    local status=0
    rm -rf "$work/root" "$work/autopkgtest"
    cp -a "$base" "$work/root"
    in_root "$work/root" apt-get -q update
    with_root "$work/root" autopkgtest --no-built-binaries --output-dir="$work/autopkgtest" \
        "$work"/treadle_*_amd64.changes -- chroot "$work/root" || status=$?
    rm -rf "$work/root"
    return "$status"
}

wheel_in() {
    mkdir -p "$1"
    tar -xf "$work/treadle_$version.orig.tar.xz" -C "$1" --strip-components=1
    (cd "$1" && PATH=${python%/*}:$PATH && "$python" -m build --wheel --no-isolation --outdir raw &&
        auditwheel repair --wheel-dir fixed raw/*.whl)
}

same_wheel_from_another_folder() {
    rm -rf "$work/wheel"
    wheel_in "$work/wheel/one" && wheel_in "$work/wheel/another/folder" &&
        cmp "$work"/wheel/one/fixed/*.whl "$work"/wheel/another/folder/fixed/*.whl
}

# ---- running them ---------------------------------------------------------------------------

passed=0
failed=0

# check FUNCTION: its output goes into a file, which is shown if it fails.
check() {
    local log=$work/${1//_/-}.log begin=$SECONDS
    if ("$1") >"$log" 2>&1; then
        passed=$((passed + 1))
        say "${1//_/ }: ok, $((SECONDS - begin)) s"
    else
        failed=$((failed + 1))
        tail -n 60 "$log" >&2
        say "${1//_/ }: FAILED, $log"
    fi
}

mkdir -p "$folder"
rm -rf "$work"
mkdir -p "$work"
make_base >"$folder/debootstrap.log" 2>&1
make_builder >"$work/builder.log" 2>&1
make_source
check builds
if [[ $failed == 0 ]]; then
    check lintian_finds_nothing
    check same_bytes_from_another_folder
    check installs_and_is_removed
    check installed_tests_pass
fi
[[ $release != bookworm ]] || check same_wheel_from_another_folder
echo "$passed passed, $failed failed"
[[ $failed == 0 ]]
