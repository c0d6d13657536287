# SPDX-License-Identifier: BSD-3-Clause
"""Element-wise work against numba, numexpr, mkl_umath and jax, side by side."""

import argparse
import json
import os
import random
import statistics
import subprocess
import sys
import time
import venv
from pathlib import Path

from demo_report import duration

FOLDER = Path(__file__).resolve().parents[2] / "build" / "peers"
PACKAGES = ("numba==0.68.1", "numexpr==2.14.2", "jax==0.10.2", "mkl_umath==0.5.0")
STARTS = """
import sys, time
import numpy as np
rng = np.random.default_rng(0)
a, b = rng.random((2, 10_000_000)) + 0.5
out = np.empty_like(a)
x = a[:1_000_000].copy()
"""
LOOP = """
work()
print("ready", flush=True)
for line in sys.stdin:
    begin, calls = time.perf_counter(), 0
    while time.perf_counter() - begin < 0.2:
        work()
        calls += 1
    print((time.perf_counter() - begin) / calls, flush=True)
"""
NUMBA = """
import numba
@numba.vectorize(["f8(f8, f8)"], target="parallel")
def add(x, y): return x + y
@numba.vectorize(["f8(f8)"], target="parallel")
def root(x): return np.sqrt(x)
@numba.vectorize(["f8(f8)"], target="parallel")
def exp(x): return np.exp(x)
@numba.vectorize(["f8(f8)"], target="parallel")
def sin(x): return np.sin(x)
@numba.njit(parallel=True)
def total(x):
    s = 0.0
    for i in numba.prange(x.size):
        s += x[i]
    return s
"""
JAX = """
import jax, jax.numpy as jnp
jax.config.update("jax_enable_x64", True)
a, b, x = jnp.asarray(a), jnp.asarray(b), jnp.asarray(x)
add, root, exp, sin, total = map(jax.jit, (jnp.add, jnp.sqrt, jnp.exp, jnp.sin, jnp.sum))
"""
# What each makes of a work; None: it has no such thing.
WORKS = {
    "a + b, 10 million": {
        "numpy": "a + b",
        "numba": "add(a, b)",
        "numexpr": "ne.evaluate('a + b')",
        "jax": "add(a, b).block_until_ready()",
    },
    "np.add(a, b, out=out)": {
        "numpy": "np.add(a, b, out=out)",
        "numba": "add(a, b, out)",
        "numexpr": "ne.evaluate('a + b', out=out)",
        "jax": None,
    },
    "np.sqrt(a)": {
        "numpy": "np.sqrt(a)",
        "numba": "root(a)",
        "numexpr": "ne.evaluate('sqrt(a)')",
        "jax": "root(a).block_until_ready()",
    },
    "np.sum(a)": {
        "numpy": "np.sum(a)",
        "numba": "total(a)",
        "numexpr": "ne.evaluate('sum(a)')",
        "jax": "total(a).block_until_ready()",
    },
    "np.exp(x), 1 million": {
        "numpy": "np.exp(x)",
        "numba": "exp(x)",
        "numexpr": "ne.evaluate('exp(x)')",
        "jax": "exp(x).block_until_ready()",
    },
    "np.sin(x)": {
        "numpy": "np.sin(x)",
        "numba": "sin(x)",
        "numexpr": "ne.evaluate('sin(x)')",
        "jax": "sin(x).block_until_ready()",
    },
}
# name: (what it is imported by, whose statement it runs)
RUNNERS = {
    "plain": ("", "numpy"),
    "treadle": ("import treadle; treadle.install()", "numpy"),
    "numba": (NUMBA, "numba"),
    "numexpr": ("import numexpr as ne", "numexpr"),
    "mkl_umath": ("import mkl_umath; mkl_umath.patch_numpy_umath()", "numpy"),
    "jax": (JAX, "jax"),
}


def peers_python():
    """The Python of an environment with the peers; made at the first time."""
    python = FOLDER / "bin" / "python"
    stamp = FOLDER / "installed"
    if not stamp.exists() or stamp.read_text() != " ".join(PACKAGES):
        print(f"peers: installing {', '.join(PACKAGES)}", file=sys.stderr)
        venv.create(FOLDER, with_pip=True, clear=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", *PACKAGES], check=True)
        stamp.write_text(" ".join(PACKAGES))
    return python


class Side:
    """A process that does a work in one way; between the rounds it waits."""

    def __init__(self, runner, statement):
        python = sys.executable if runner in ("plain", "treadle") else peers_python()
        program = STARTS + RUNNERS[runner][0] + f"\ndef work(): return {statement}\n" + LOOP
        self.process = subprocess.Popen(
            [python, "-c", program],
            env=os.environ | {"JAX_PLATFORMS": "cpu"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.answer()

    def answer(self):
        line = self.process.stdout.readline()
        if not line:
            raise SystemExit("peers: a process failed")
        return line

    def run(self):
        """Seconds of one call."""
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        return float(self.answer())

    def close(self):
        self.process.communicate()


def measure(work, rounds):
    """Median seconds, and the median ratio of Treadle's time to each side's, by runner."""
    statements = {name: WORKS[work][whose] for name, (_, whose) in RUNNERS.items()}
    sides = {name: Side(name, text) for name, text in statements.items() if text}
    samples = {name: [] for name in sides}
    for _ in range(rounds):
        for name in random.sample(list(sides), len(sides)):
            time.sleep(0.05)
            samples[name].append(sides[name].run())
    for side in sides.values():
        side.close()
    return {
        name: {
            "seconds": statistics.median(times),
            "over_treadle": statistics.median(
                t / own for t, own in zip(times, samples["treadle"], strict=True)
            ),
        }
        for name, times in samples.items()
    }


def cell(result, name):
    if name not in result:
        return f"{'–':>16}"
    return f"{duration(result[name]['seconds']):>9} {result[name]['over_treadle']:6.2f}"


def main(argv=None):
    parser = argparse.ArgumentParser(prog="./dev bench peers", description=__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args(argv)
    if args.rounds < 1:
        parser.error(f"--rounds: {args.rounds} is not 1 or more")
    if not args.json:
        print(f"{'':24}" + "".join(f"{name:>16} " for name in RUNNERS))
    results = {}
    for work in WORKS:
        results[work] = measure(work, args.rounds)
        if not args.json:
            print(
                f"{work:24}" + " ".join(cell(results[work], name) for name in RUNNERS), flush=True
            )
    print(
        json.dumps(results, indent=2)
        if args.json
        else "Behind each time: that time over Treadle's, median of rounds."
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
