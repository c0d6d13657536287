# SPDX-License-Identifier: BSD-3-Clause
"""What Treadle's BLAS adds to small calls of the system's libblas.so.3, called from C.

The same program runs in turns alone, with libtreadle_blas.so.0 in LD_PRELOAD, and with Treadle's
libblas.so.3 found first. "over" is the median of the differences in each round.
"""

import argparse
import os
import statistics
import subprocess
import tempfile
from pathlib import Path

SOURCE = Path(__file__).parent / "call_cost/cost_blas.c"
LIB = Path(__file__).parents[2] / "build/stage/lib"
WAYS = {
    "alone": {},
    "preloaded": {"LD_PRELOAD": f"{LIB}/libtreadle_blas.so.0"},
    "in its place": {"LD_LIBRARY_PATH": f"{LIB}/treadle-blas:{LIB}"},
}


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=15, help="runs of each, interleaved")
    options = parser.parse_args(argv)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        program = folder / "cost"
        subprocess.run(["gcc", "-O2", SOURCE, "-o", program, "-l:libblas.so.3"], check=True)
        print(f"{'':18} {'ns':>9} {'over':>7}")
        for routine in ["ddot", "dgemv", "dgemm"]:
            spent = {way: [] for way in WAYS}
            for _ in range(options.rounds):
                for way, variables in WAYS.items():
                    done = subprocess.run(
                        [program, routine],
                        env=os.environ | variables,
                        capture_output=True,
                        text=True,
                        check=True,
                    )
                    spent[way].append(float(done.stdout))
            for way, times in spent.items():
                over = statistics.median(t - b for t, b in zip(times, spent["alone"], strict=True))
                print(f"{routine:6}{way:12} {statistics.median(times):9.1f} {over:7.2f}")


if __name__ == "__main__":
    main()
