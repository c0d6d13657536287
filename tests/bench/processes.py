# SPDX-License-Identifier: BSD-3-Clause
"""Several NumPy processes at once: plain, one thread each by hand, and under Treadle."""

import argparse
import os
import random
import statistics
import subprocess
import sys

from demo_report import duration

# The work begins when all processes are ready: each says so, and waits for a line.
PROGRAM = """
import sys, time
import numpy as np
a = np.random.default_rng(1).standard_normal((700, 700))
b = np.ones(4_000_000)
np.linalg.svd(a[:64, :64])
print("ready", flush=True)
sys.stdin.readline()
start = time.perf_counter()
for _ in range(3):
    np.linalg.svd(a)
    for _ in range(20):
        b = b * 1.000001
print(time.perf_counter() - start, flush=True)
"""

SIDES = {
    "plain": ([], {}),
    "by hand": ([], {"OPENBLAS_NUM_THREADS": "1"}),
    "treadle": (["-m", "treadle"], {}),
}


def run_at_once(side, count):
    """Seconds until the slowest of `count` processes is done."""
    module, extra = SIDES[side]
    command = [sys.executable, *module, "-c", PROGRAM]
    processes = [
        subprocess.Popen(
            command,
            env=os.environ | extra,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(count)
    ]
    for process in processes:
        process.stdout.readline()
    for process in processes:
        process.stdin.write("\n")
        process.stdin.flush()
    seconds = [float(process.communicate()[0]) for process in processes]
    return max(seconds)


def main(argv=None):
    parser = argparse.ArgumentParser(prog="./dev bench processes", description=__doc__)
    parser.add_argument("--count", type=int, default=2 * len(os.sched_getaffinity(0)))
    parser.add_argument("--rounds", type=int, default=3)
    args = parser.parse_args(argv)
    samples = {side: [] for side in SIDES}
    for i in range(args.rounds):
        for side in random.sample(list(SIDES), len(SIDES)):
            print(f"round {i + 1} of {args.rounds}, {side}", file=sys.stderr)
            samples[side].append(run_at_once(side, args.count))
    print(f"{args.count} processes, until the slowest is done; median of {args.rounds}")
    for side, seconds in samples.items():
        ratio = statistics.median(p / s for p, s in zip(samples["plain"], seconds, strict=True))
        print(f"{side:<8} {duration(statistics.median(seconds))} {ratio:6.2f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
