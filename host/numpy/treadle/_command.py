# SPDX-License-Identifier: BSD-3-Clause
"""The command ``treadle`` of a wheel: the program inside the package takes this one's place."""

import os
import sys
from pathlib import Path


def main() -> None:
    program = Path(__file__).parent / "bin/treadle"
    os.execv(program, [sys.argv[0], *sys.argv[1:]])
