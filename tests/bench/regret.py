# SPDX-License-Identifier: BSD-3-Clause
"""The choice of `auto` against the best backend and number of threads in hindsight."""

import argparse
import json
import math
import shutil
import statistics
import subprocess
import sys
import time
from pathlib import Path

from demo_report import duration

SIZES = {
    "add": (10_000, 100_000, 1_000_000, 10_000_000),
    "sqrt": (10_000, 100_000, 1_000_000),
    "sum": (10_000, 100_000, 1_000_000, 10_000_000),
    "dot": (100_000, 1_000_000),
    "matmul": (16, 32, 64, 128, 256, 512, 1000),
    "solve": (64, 300),
    "svd": (64, 300),
}
CALLERS = (1, 2, 4, 8)
ROUNDS = 10
DOUBTFUL = 1.05  # cells above it are measured again: the worst of many medians is mostly noise
TRIES = 3


def treadle():
    """The command beside the library that Python loads."""
    staged = Path(__file__).resolve().parents[2] / "build/stage/bin/treadle"
    return str(staged) if staged.exists() else shutil.which("treadle")


def measure(op, size, callers):
    """Samples of every side, in seconds; each round has one of each, in random order."""
    command = [treadle(), "tune", op, "--all", "--dry-run", "--json", "--dtype=f64"]
    command += [f"--sizes={size}", f"--callers={callers}", f"--rounds={ROUNDS}"]
    result = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False)
    (cell,) = json.loads(result.stdout)["cells"][-1:]
    return {
        "auto" if side["threads"] == 0 else f"{side['backend']}:{side['threads']}": side["seconds"]
        for side in cell["sides"]
    }


def best(samples, rounds=slice(None)):
    others = [side for side in samples if side != "auto"]
    return min(others, key=lambda side: statistics.median(samples[side][rounds]))


def ratio(samples, chosen_in, measured_in):
    auto, other = samples["auto"], samples[best(samples, chosen_in)]
    pairs = zip(auto[measured_in], other[measured_in], strict=True)
    return statistics.median(a / b for a, b in pairs)


def regret(samples):
    """
    Time of auto over that of the best side.

    The least of several noisy medians is too small: the side is chosen in one half of the rounds
    and compared in the other, both ways.
    """
    halves = slice(0, None, 2), slice(1, None, 2)
    return math.sqrt(ratio(samples, *halves) * ratio(samples, *reversed(halves)))


def measure_cell(op, size, callers):
    samples = measure(op, size, callers)
    for _ in range(1, TRIES):
        if regret(samples) <= DOUBTFUL:
            break
        more = measure(op, size, callers)
        samples = {side: samples[side] + more[side] for side in samples if side in more}
    return {
        "op": op,
        "size": size,
        "callers": callers,
        "regret": regret(samples),
        "best": best(samples),
        "rounds": len(samples["auto"]),
        "seconds": {side: statistics.median(seconds) for side, seconds in samples.items()},
    }


def progress(i, cells, begin):
    left = f", {(time.monotonic() - begin) / i * (len(cells) - i):.0f} s left" if i else ""
    before, after = ("\r\x1b[K", "") if sys.stderr.isatty() else ("", "\n")
    text = "cell {} of {}: {} {}, callers {}".format(i + 1, len(cells), *cells[i])
    print(before + text + left, end=after, file=sys.stderr, flush=True)


def measure_all(cells):
    begin = time.monotonic()
    for i, cell in enumerate(cells):
        progress(i, cells, begin)
        yield measure_cell(*cell)


def show(result):
    print(f"{'op':<8}{'size':>10}{'callers':>9}{'auto':>10}{'best':>12}{'':>10}{'auto/best':>11}")
    for cell in result["cells"]:
        seconds = cell["seconds"]
        print(
            f"{cell['op']:<8}{cell['size']:>10}{cell['callers']:>9}"
            f"{duration(seconds['auto']):>10}{cell['best']:>12}"
            f"{duration(seconds[cell['best']]):>10}{cell['regret']:>11.2f}"
        )
    print(f"\nmedian {result['median']:.3f}, worst {result['worst']:.3f}")


def main(argv=None):
    parser = argparse.ArgumentParser(prog="./dev bench regret", description=__doc__)
    parser.add_argument("--op", choices=SIZES, nargs="+", default=list(SIZES))
    parser.add_argument("--callers", type=int, choices=CALLERS, nargs="+", default=list(CALLERS))
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args(argv)
    wanted = [(op, size, k) for op in args.op for size in SIZES[op] for k in args.callers]
    cells = list(measure_all(wanted))
    regrets = [cell["regret"] for cell in cells]
    result = {"median": statistics.median(regrets), "worst": max(regrets), "cells": cells}
    if args.json:
        print(json.dumps(result, indent=2))
    else:
        show(result)
    return 0


if __name__ == "__main__":
    sys.exit(main())
