#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# run_with.sh INTERPRETER ARGS...: skipped (77) where the machine has no such interpreter.
command -v "$1" > /dev/null || { echo "no $1 on this machine"; exit 77; }
exec "$@"
