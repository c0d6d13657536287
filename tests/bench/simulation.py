# SPDX-License-Identifier: BSD-3-Clause
"""Machines of 2 to 256 cores, simulated: the library's policy and budget against fixed threads."""

import subprocess
import sys
from pathlib import Path

BUILD = Path(__file__).parents[2] / "build"
PROGRAM = "tests/sim/simulate"


def main():
    subprocess.run(["ninja", "-C", BUILD, "--quiet", PROGRAM], check=True)
    return subprocess.run([BUILD / PROGRAM, *sys.argv[1:]], check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
