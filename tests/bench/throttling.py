# SPDX-License-Identifier: BSD-3-Clause
"""Under a quota of 1.5 cores: how often the kernel stops plain NumPy, and how often Treadle."""

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

from composability_works import WORKS

from demo_report import duration

PROGRAM = Path(__file__).with_name("composability_works.py")
RUNNERS = {"plain": [], "treadle": ["-m", "treadle"]}
CHOSEN = ("add", "sum", "dots", "svds", "eig", "pool_qr", "pool_solve")
PERIOD = 100_000  # microseconds


@contextmanager
def group(cores):
    """A control group with that quota, of version 1 or 2."""
    first = Path("/sys/fs/cgroup/cpu")
    parent = first if (first / "cpu.cfs_quota_us").exists() else Path("/sys/fs/cgroup")
    folder = parent / f"treadle-throttling-{os.getpid()}"
    quota = int(cores * PERIOD)
    try:
        folder.mkdir()
        if parent == first:
            (folder / "cpu.cfs_quota_us").write_text(str(quota))
        else:
            (folder / "cpu.max").write_text(f"{quota} {PERIOD}")
    except OSError as error:
        if folder.exists():
            folder.rmdir()
        raise SystemExit(f"throttling: this user may not make a control group: {error}") from error
    try:
        yield folder
    finally:
        folder.rmdir()


def counted(folder):
    stat = dict(line.split() for line in (folder / "cpu.stat").read_text().splitlines())
    return int(stat["nr_periods"]), int(stat["nr_throttled"])


def run(name, runner, folder, rounds):
    """Seconds of a round, periods in which the group ran, and those in which it was stopped."""
    enter = ["sh", "-c", 'echo $$ > "$0/cgroup.procs" && exec "$@"', folder]
    command = [*enter, sys.executable, *RUNNERS[runner], PROGRAM, name]
    process = subprocess.Popen(
        [str(word) for word in command], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    process.stdout.readline()  # "ready"
    time.sleep(PERIOD / 1e6)
    before, samples = counted(folder), []
    for _ in range(rounds):
        process.stdin.write("\n")
        process.stdin.flush()
        samples.append(float(process.stdout.readline()))
    after = counted(folder)
    process.communicate()
    periods, throttled = (b - a for a, b in zip(before, after, strict=True))
    return {
        "work": name,
        "runner": runner,
        "seconds": statistics.median(samples),
        "periods": periods,
        "throttled": throttled,
    }


def main(argv=None):
    parser = argparse.ArgumentParser(prog="./dev bench throttling", description=__doc__)
    parser.add_argument("works", nargs="*", metavar="WORK", help=f"of {', '.join(WORKS)}")
    parser.add_argument("--cores", type=float, default=1.5, help="the quota (1.5)")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args(argv)
    wrong = [name for name in args.works if name not in WORKS]
    if wrong:
        parser.error(f"WORK: there is no {', '.join(wrong)}; allowed are {', '.join(WORKS)}")
    if not 0.1 <= args.cores <= os.cpu_count():
        parser.error(f"--cores: {args.cores} is not between 0.1 and {os.cpu_count()}")
    if args.rounds < 1:
        parser.error(f"--rounds: {args.rounds} is not 1 or more")
    rows = []
    if not args.json:
        print(f"{'':42} {'plain':>9} {'stopped in':>16}   {'treadle':>9} {'stopped in':>16}")
    for name in args.works or CHOSEN:
        with group(args.cores) as folder:
            pair = [run(name, runner, folder, args.rounds) for runner in RUNNERS]
        rows += pair
        if not args.json:
            columns = (
                f"{duration(r['seconds']):>9} {r['throttled']:>4} of {r['periods']:>4} periods"
                for r in pair
            )
            print(f"{WORKS[name].title:42} {'   '.join(columns)}", flush=True)
    if args.json:
        print(json.dumps(rows, indent=2))
    return 0


if __name__ == "__main__":
    sys.exit(main())
