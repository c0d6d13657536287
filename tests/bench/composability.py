# SPDX-License-Identifier: BSD-3-Clause
"""Threads upon threads: plain NumPy, the best of what people do by hand, and Treadle."""

import argparse
import json
import os
import random
import statistics
import subprocess
import sys
import time
from pathlib import Path

from composability_works import CORES, WORKS

from demo_report import duration

# OpenBLAS's threads spin for about 0.1 s after a call, in the way of the next side.
SETTLE = 0.12

PROGRAM = Path(__file__).with_name("composability_works.py")

# What is put in front of the program and behind it, and into the environment. By hand one gives
# BLAS one thread, or by threadpoolctl the cores over the callers.
RUNNERS = {
    "plain": lambda work: ([], [], {}),
    "1 thread": lambda work: ([], [], {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}),
    "threadpoolctl": lambda work: ([], [max(1, CORES // work.callers)], {}),
    "treadle": lambda work: (["-m", "treadle"], [], {}),
}
BY_HAND = [runner for runner in RUNNERS if runner != "treadle"]


class Side:
    """The processes that do a work in one way; between the rounds they wait."""

    def __init__(self, name, runner):
        before, behind, extra = RUNNERS[runner](WORKS[name])
        command = [sys.executable, *before, PROGRAM, name, *behind]
        self.processes = [
            subprocess.Popen(
                [str(word) for word in command],
                env=os.environ | extra,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
            for _ in range(WORKS[name].processes)
        ]
        self.answers()  # "ready"

    def answers(self):
        lines = [process.stdout.readline() for process in self.processes]
        if not all(lines):
            raise SystemExit("a process failed")
        return lines

    def run(self):
        """Seconds until the slowest is done."""
        for process in self.processes:
            process.stdin.write("\n")
            process.stdin.flush()
        return max(map(float, self.answers()))

    def close(self):
        for process in self.processes:
            process.communicate()


def measure(name, rounds, progress):
    """A row for each runner, from rounds in which all of them run in random order."""
    progress(f"{name}: getting ready")
    sides = {runner: Side(name, runner) for runner in RUNNERS}
    samples = {runner: [] for runner in RUNNERS}
    for i in range(rounds):
        for runner in random.sample(list(RUNNERS), len(RUNNERS)):
            progress(f"{name}: round {i + 1} of {rounds}, {runner}")
            time.sleep(SETTLE)
            samples[runner].append(sides[runner].run())
    for side in sides.values():
        side.close()
    seconds = {runner: statistics.median(times) for runner, times in samples.items()}
    best = min(BY_HAND, key=seconds.get)

    def over(runner, other):
        pairs = zip(samples[runner], samples[other], strict=True)
        return statistics.median(a / b for a, b in pairs)

    return [
        {
            "work": name,
            "runner": runner,
            "seconds": seconds[runner],
            "ratio_to_plain": over("plain", runner),
            "ratio_to_best": over(runner, best),
        }
        for runner in RUNNERS
    ]


HEAD = " ".join(["", *(f"{runner:>13}" for runner in RUNNERS), "  plain/   /best"])
NOTE = """plain/: plain NumPy's time over Treadle's. /best: Treadle's over the best of the others;
*: more than a tenth above it."""


def line(rows):
    """The rows of one work; the last two columns are Treadle's."""
    times = " ".join(f"{duration(row['seconds']):>13}" for row in rows)
    to_plain, to_best = rows[-1]["ratio_to_plain"], rows[-1]["ratio_to_best"]
    mark = " *" if to_best > 1.1 else ""
    return f"{WORKS[rows[0]['work']].title:42} {times} {to_plain:7.2f} {to_best:7.2f}{mark}"


def main(argv=None):
    parser = argparse.ArgumentParser(prog="./dev bench composability", description=__doc__)
    parser.add_argument("works", nargs="*", metavar="WORK", help=f"of {', '.join(WORKS)}")
    parser.add_argument("--rounds", type=int, default=3, help="3: some five minutes on two cores")
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args(argv)
    wrong = [name for name in args.works if name not in WORKS]
    if wrong:
        parser.error(f"WORK: there is no {', '.join(wrong)}; allowed are {', '.join(WORKS)}")
    if args.rounds < 1:
        parser.error(f"--rounds: {args.rounds} is not 1 or more")
    terminal = sys.stderr.isatty()

    def progress(text):
        print(
            f"\r\033[K{text}" if terminal else text,
            end="" if terminal else "\n",
            file=sys.stderr,
            flush=True,
        )

    rows = []
    if not args.json:
        print(f"{'':41}{HEAD}", flush=True)
    for name in args.works or WORKS:
        rows += measure(name, args.rounds, progress)
        if terminal:
            progress("")
        if not args.json:
            print(line(rows[-len(RUNNERS) :]), flush=True)
    print(json.dumps(rows, indent=2) if args.json else NOTE)
    return 0


if __name__ == "__main__":
    sys.exit(main())
