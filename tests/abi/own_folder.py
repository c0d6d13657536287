#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""The library finds the plugins beside it, however it was named.

own_folder.py LIBTREADLE PLUGIN
"""

import pathlib
import shutil
import subprocess
import sys
import tempfile

LIST = """
import ctypes, os, sys
class Info(ctypes.Structure):
    _fields_ = [(n, ctypes.c_char_p) for n in "name path version vendor reason".split()]
    _fields_ += [("flags", ctypes.c_uint64)]
library, info, i = ctypes.CDLL(sys.argv[1]), Info(), 0
os.chdir(sys.argv[2])
while library.treadle_backend_info(i, ctypes.byref(info)) == 0:
    print(info.name.decode(), info.path.decode(), info.reason.decode() or "usable")
    i += 1
"""


def listed(library, folder, chdir="/", **environment):
    command = [sys.executable, "-c", LIST, library, chdir]
    ran = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=True
    )
    return ran.stdout.splitlines()


def check(got, expected):
    if got != expected:
        sys.exit(f"{got} instead of {expected}")


def main():
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name).resolve()
        library, plugin = folder / "libtreadle.so.0", folder / "treadle-1/treadle-golden.so"
        serial = "serial (built in) usable"
        shutil.copy(sys.argv[1], library)
        check(listed(library, folder), [serial])
        plugin.parent.mkdir()
        shutil.copy(sys.argv[2], plugin)
        expected = [serial, f"golden {plugin} usable"]
        check(listed(library, folder), expected)
        check(listed("./libtreadle.so.0", folder), expected)
        # Where the program is by then must not matter.
        other = folder / "other"
        (other / "treadle-1").mkdir(parents=True)
        check(listed("./libtreadle.so.0", folder, chdir=other), expected)
        path = {"TREADLE_PLUGIN_PATH": str(plugin.parent)}
        check(listed(library, folder, **path), expected)


if __name__ == "__main__":
    main()
