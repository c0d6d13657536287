#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# run_npm.sh LIBTREADLE PACKAGE FOLDER: the package with what it needs from npm, installed in FOLDER without running
# anybody's install script; its tests, its types, and the tarball that would be published.
for tool in node npm; do
    command -v $tool > /dev/null || { echo "no $tool on this machine"; exit 77; }
done
set -e
TREADLE_LIBRARY=$(realpath "$1")
export TREADLE_LIBRARY
package=$2 folder=$3
mkdir -p "$folder"
cp -r "$package/." "$folder"
cd "$folder"
npm install --ignore-scripts --no-audit --no-fund --loglevel error
npm test
# shellcheck disable=SC2016 # the text is JavaScript's
npm pack --dry-run --json --loglevel error | node -e '
    const [{ files }] = JSON.parse(require("fs").readFileSync(0));
    const names = files.map((file) => file.path).sort().join(" ");
    if (names !== "index.d.ts index.js package.json") throw new Error(`the tarball has ${names}`);
'
