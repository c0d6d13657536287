# SPDX-License-Identifier: BSD-3-Clause
"""Several NumPy processes at once: plain, one thread each by hand, OpenMP, and under Treadle."""

import argparse
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from demo_report import duration

# The work begins when all processes are ready: each says so, and waits for a line.
PROGRAM = """
import sys, time
import numpy as np
{prepare}
print("ready", flush=True)
sys.stdin.readline()
start = time.perf_counter()
{work}
print(time.perf_counter() - start, flush=True)
"""

MIXED = {
    "prepare": """
a = np.random.default_rng(1).standard_normal((700, 700))
b = np.ones(4_000_000)
np.linalg.svd(a[:64, :64])
""",
    "work": """
for _ in range(3):
    np.linalg.svd(a)
    for _ in range(20):
        b = b * 1.000001
""",
}
SUM = {
    "prepare": """
x = np.arange(1e6)
x.sum()
""",
    "work": """
for _ in range(2000):
    x.sum()
""",
}
# What an OpenMP program does by default: all cores, and threads that spin between two regions.
OPENMP_SUM = {
    "prepare": """
import ctypes
x = np.arange(1e6)
function = ctypes.CDLL("{library}").sum
function.restype = ctypes.c_double
function.argtypes = [ctypes.c_void_p, ctypes.c_long]
assert function(x.ctypes.data, x.size) == x.sum()
""",
    "work": """
for _ in range(2000):
    function(x.ctypes.data, x.size)
""",
}
OPENMP_SOURCE = """
double sum(const double *x, long n)
{
    double total = 0;
#pragma omp parallel for reduction(+ : total)
    for (long i = 0; i < n; i++)
        total += x[i];
    return total;
}
"""

TREADLE = ["-m", "treadle"]
SIDES = {
    "mixed": {
        "plain": (MIXED, [], {}),
        "by hand": (MIXED, [], {"OPENBLAS_NUM_THREADS": "1"}),
        "process": (MIXED, TREADLE, {"TREADLE_BUDGET": "process"}),
        "treadle": (MIXED, TREADLE, {}),
    },
    "sum": {
        "openmp": (OPENMP_SUM, [], {}),
        "serial": (SUM, [], {}),
        "process": (SUM, TREADLE, {"TREADLE_BUDGET": "process"}),
        "treadle": (SUM, TREADLE, {}),
    },
}


def compile_openmp(folder):
    """Build the plain OpenMP side; it has to be no slower than NumPy's sum on one thread."""
    source, library = Path(folder, "sum.c"), Path(folder, "sum.so")
    source.write_text(OPENMP_SOURCE)
    options = ["-O3", "-ffast-math", "-march=native", "-fopenmp", "-shared", "-fPIC"]
    subprocess.run(["gcc", *options, source, "-o", library], check=True)
    return library


def run_at_once(side, count, library):
    """Seconds until the slowest of `count` processes is done."""
    program, module, extra = side
    text = PROGRAM.format(**program).replace("{library}", str(library))
    processes = [
        subprocess.Popen(
            [sys.executable, *module, "-c", text],
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


def measure(work, count, rounds, library):
    sides = SIDES[work]
    samples = {side: [] for side in sides}
    for i in range(rounds):
        for side in random.sample(list(sides), len(sides)):
            print(f"{count} x {work}: round {i + 1} of {rounds}, {side}", file=sys.stderr)
            samples[side].append(run_at_once(sides[side], count, library))
    first = samples[next(iter(sides))]
    return [
        {
            "work": work,
            "processes": count,
            "side": side,
            "seconds": statistics.median(seconds),
            "ratio": statistics.median(a / b for a, b in zip(first, seconds, strict=True)),
        }
        for side, seconds in samples.items()
    ]


def main(argv=None):
    cores = len(os.sched_getaffinity(0))
    parser = argparse.ArgumentParser(prog="./dev bench processes", description=__doc__)
    parser.add_argument("--work", choices=SIDES, nargs="+", default=list(SIDES))
    parser.add_argument("--count", type=int, nargs="+", default=[1, cores, 2 * cores])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args(argv)
    with tempfile.TemporaryDirectory() as folder:
        library = compile_openmp(folder) if "sum" in args.work else None
        rows = [
            row
            for work in args.work
            for count in args.count
            for row in measure(work, count, args.rounds, library)
        ]
    if args.json:
        print(json.dumps(rows, indent=2))
        return 0
    print(f"Until the slowest process is done; medians of {args.rounds}; ratios to the first side")
    for row in rows:
        time = duration(row["seconds"])
        print(f"{row['work']:<6} x {row['processes']} {row['side']:<8} {time} {row['ratio']:6.2f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
