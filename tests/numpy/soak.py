# SPDX-License-Identifier: BSD-3-Clause
"""Random calls of NumPy from random pools of threads, for as long as one likes.

    soak.py [--minutes M] [--seed S] [--jobs J]

Calls are drawn as for fuzz.py, with some larger ones, and carried out once by plain NumPy. Then
pools of 1 to 64 threads carry them out again and again, each pool under another backend, number of
threads and threshold, in a third of the pools while Treadle is switched off and on. All results and
the memory around all operands must have the same bits as before. What is resident after a pool, and
how many threads are left, is told for both halves of the time: the second should not be more.
"""

import argparse
import os
import random
import secrets
import sys
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import fuzz
import hypothesis
from draw_calls import FAMILIES
from random_calls import Array, Call, carry_out

import treadle

CALLS_OF_A_POOL = 300
LARGE = [
    Call(name, tuple(Array("d", shape, seed=seed) for seed in range(operands)))
    for name, shape, operands in (
        ("np.add", (2_000_000,), 2),
        ("np.exp", (300_000,), 1),
        ("np.sum", (2_000_000,), 1),
        ("np.sort", (200_000,), 1),
        ("np.ndarray.copy", (1_000_000,), 1),
        ("np.ndarray.std", (1000, 300), 1),
    )
]


def draw(family, seed, drawn):
    calls = []

    @hypothesis.seed(seed)
    @hypothesis.settings(fuzz.DRAWING, max_examples=drawn)
    @hypothesis.given(FAMILIES[family])
    def take(call):
        calls.append((family, call))

    take()
    return calls


def learn(seed, drawn):
    """Return [(family, call, what plain NumPy does)] of calls that do not warn.

    Python collects warnings for the whole process: which thread's they are can't be told.
    """
    known = []
    large = [("large", call) for call in LARGE]
    for family, call in sum((draw(name, seed, drawn) for name in FAMILIES), large):
        plain = carry_out(call)
        if not plain[1] and not plain[2] and fuzz.is_steady(call, plain):
            known.append((family, call, plain))
    return known


def switch(stop, rng):
    while not stop.wait(rng.uniform(0, 0.02)):
        treadle.uninstall()
        treadle.install()


def run_pool(known, rng, seen):
    """Raise AssertionError for the first call that differs."""
    backend, threads = rng.choice(("auto", "openmp", "blis", "serial")), rng.choice((0, 1, 2, 3, 8))
    callers, least = rng.choice((1, 2, 3, 4, 8, 16, 64)), rng.choice((0, 0, 1, 1000))
    treadle.set_backend(backend)
    treadle.set_num_threads(threads)
    treadle.set_min(least)
    chosen = rng.choices(known, k=CALLS_OF_A_POOL)
    stop = threading.Event()
    switching = threading.Thread(target=switch, args=(stop, rng))
    if rng.random() < 1 / 3:
        switching.start()
        seen["pools with switching"] += 1
    try:
        with ThreadPoolExecutor(callers) as pool:
            results = list(pool.map(lambda work: carry_out(work[1]), chosen))
    finally:
        stop.set()
        if switching.ident:
            switching.join()
    for (family, call, plain), other in zip(chosen, results, strict=True):
        if family not in fuzz.INEXACT or backend in ("openmp", "serial"):
            assert plain == other, (
                f"{callers} callers, {backend}, {threads} threads, from {least} elements on\n"
                + fuzz.describe(call, plain, other)
            )
    seen["pools"] += 1
    seen["calls"] += len(chosen)


def resident():
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGESIZE") >> 20


def soak(seed, seconds, drawn=150):
    """Return (counts, "" or what went wrong); so many calls are drawn of each family."""
    rng, seen = random.Random(seed), Counter()
    known = learn(seed, drawn)
    treadle.install()
    try:
        begin = time.monotonic()
        while (spent := time.monotonic() - begin) < seconds:
            run_pool(known, rng, seen)
            half = "first half" if spent < seconds / 2 else "second half"
            seen[f"MB resident, {half}"] = max(seen[f"MB resident, {half}"], resident())
            seen[f"threads left, {half}"] = max(seen[f"threads left, {half}"], count_threads())
    except AssertionError as error:
        return seen, f"seed {seed}: {error}"
    finally:
        treadle.uninstall()
    return seen, ""


def count_threads():
    return len(os.listdir("/proc/self/task"))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--seed", type=int, default=os.environ.get("TREADLE_SEED"))
    parser.add_argument("--jobs", type=int, default=2, help="processes, which share the cores")
    options = parser.parse_args()
    seed = secrets.randbits(30) if options.seed is None else int(options.seed)
    print(f"seed {seed}", flush=True)
    failures = passed = 0
    with ThreadPoolExecutor(options.jobs) as jobs:
        seeds = range(seed, seed + options.jobs)
        for ended in jobs.map(lambda s: fuzz.apart(soak, s, options.minutes * 60), seeds):
            seen, failure = ended or (Counter(), "a process died")
            print(", ".join(f"{n} {what}" for what, n in seen.items()))
            print(failure, end="\n" * bool(failure), flush=True)
            passed, failures = passed + seen["calls"], failures + bool(failure)
    print(f"{passed} passed, {failures} failed")
    return 1 if failures or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
