# SPDX-License-Identifier: BSD-3-Clause
"""How often three ways to compare two things are wrong, on a machine that does other work."""

import argparse
import math
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "host"))
from conftest import PLUGIN, ROOT

BATCHES, REPETITIONS = 192, 12  # of each side; the repetitions of google-benchmark
BURN = "import os, time\nwhile os.getppid() == {}: sum(range(20000)); time.sleep(0.001)"


def build(folder: Path, name: str, extra: int) -> None:
    """Compile a backend that does `extra` per cent of its work twice."""
    source = folder / "plugin.c"
    source.write_text(PLUGIN)
    macros = {"ID": f'"{name}"', "REPEAT": 1, "EXTRA": extra, "HANG": -1}
    macros |= {"ADD_ERROR": 0, "MATMUL_ERROR": 0}
    command = ["cc", "-O1", "-shared", "-fPIC", f"-I{ROOT / 'abi'}", source]
    command += [f"-D{macro}={value}" for macro, value in macros.items()]
    subprocess.run([*command, "-o", folder / f"treadle-{name}.so"], check=True)


class Pair:
    """The same call on two backends, in batches of about a millisecond."""

    def __init__(self, a: str, b: str) -> None:
        x = np.arange(5000.0)
        self.names, self.args, self.out = (a, b), (x, x), np.empty_like(x)
        self.calls = 1
        self.calls = math.ceil(1e-3 / min(self.batch(0) for _ in range(200)))

    def run(self) -> None:
        treadle.run("add", *self.args, out=self.out)

    def batch(self, side: int) -> float:
        with treadle.using(self.names[side]):
            self.run()
            begin = time.perf_counter()
            for _ in range(self.calls):
                self.run()
            return (time.perf_counter() - begin) / self.calls


def in_blocks(pair: Pair) -> tuple[list[float], list[float]]:
    a, b = ([pair.batch(side) for _ in range(BATCHES)] for side in (0, 1))
    return a, b


def mean_and_t_test(pair: Pair) -> tuple[float, bool]:
    """As hyperfine does: first all of A, then all of B; means, and Welch's test on them."""
    a, b = in_blocks(pair)
    error = math.sqrt((statistics.variance(a) + statistics.variance(b)) / BATCHES)
    return statistics.mean(a) / statistics.mean(b), abs(statistics.mean(a) - statistics.mean(b)) > (
        1.96 * error
    )


def repetitions_and_u_test(pair: Pair) -> tuple[float, bool]:
    """As google-benchmark's compare.py: repetitions of A, then of B; medians, Mann-Whitney's U."""
    size = BATCHES // REPETITIONS
    a, b = (
        [statistics.mean(times[i : i + size]) for i in range(0, BATCHES, size)]
        for times in in_blocks(pair)
    )
    u = sum((x > y) + 0.5 * (x == y) for x in a for y in b)
    deviation = math.sqrt(REPETITIONS**2 * (2 * REPETITIONS + 1) / 12)
    different = abs(u - REPETITIONS**2 / 2) > 1.96 * deviation
    return statistics.median(a) / statistics.median(b), different


def pairs_and_sign_test(pair: Pair) -> tuple[float, bool]:
    """As treadle ab, in the same time."""
    seconds = 2 * BATCHES * 1e-3
    found = treadle.ab(*pair.names, pair.run, seconds=seconds)
    return found.ratio, "faster" in found.verdict


METHODS = {
    "AAA BBB, means, Welch's t (hyperfine)": mean_and_t_test,
    "AAA BBB, medians, U test (google-benchmark)": repetitions_and_u_test,
    "random pairs, median ratio, sign test (treadle ab)": pairs_and_sign_test,
}


def compare(runs: int) -> None:
    pairs = {"equal": Pair("plain", "plain"), "slower": Pair("plain", "slower")}
    found = {(m, p): [] for m in METHODS for p in pairs}
    for _ in range(runs):
        for method, measure in METHODS.items():
            for name, pair in pairs.items():
                found[method, name].append(measure(pair))
    print("| method | estimates for equal builds | called different | planted 2 % found |")
    print("|---|---|--:|--:|")
    for method in METHODS:
        ratios = sorted(ratio for ratio, _ in found[method, "equal"])
        alarms = sum(different for _, different in found[method, "equal"])
        hits = sum(different and ratio < 1 for ratio, different in found[method, "slower"])
        print(f"| {method} | {ratios[0]:.3f} to {ratios[-1]:.3f} | {alarms} of {runs} "
              f"| {hits} of {runs} |")  # fmt: skip


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=100, help="of each method and pair (100)")
    runs = parser.parse_args().runs
    with tempfile.TemporaryDirectory() as folder:
        for name, extra in [("plain", 0), ("slower", 2)]:
            build(Path(folder), name, extra)
        os.environ["TREADLE_PLUGIN_PATH"] = folder
        import treadle

        program = [sys.executable, "-c", BURN.format(os.getpid())]
        neighbours = [subprocess.Popen(program) for _ in range(2)]
        try:
            compare(runs)
        finally:
            for neighbour in neighbours:
                neighbour.kill()
                neighbour.wait()
