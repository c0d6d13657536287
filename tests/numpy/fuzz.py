# SPDX-License-Identifier: BSD-3-Clause
"""Random calls of NumPy, plain and under Treadle: nobody may see a difference.

    fuzz.py [--calls N] [--seed S] [--jobs J] [FAMILY ...]

What is compared: bits, dtype, shape, strides, flags and class of each result, warnings, errors, and
all memory in and around the operands. A failure is shrunk to one small call by Hypothesis.
"""

import argparse
import faulthandler
import multiprocessing
import os
import secrets
import sys
import traceback
from collections import Counter
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass

import hypothesis
from draw_calls import FAMILIES
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from random_calls import Call, carry_out

import treadle

# Hypothesis draws lists of four to six calls, which share the cost of install() and uninstall().
CALLS_PER_EXAMPLE = 4
CALLS_PER_ROUND = 3000
DRAWING = settings(deadline=None, database=None, suppress_health_check=list(HealthCheck))
# Products of these have the bits of another library.
INEXACT = {"product", "einsum", "linalg"}


@dataclass(frozen=True)
class Setting:
    backend: str
    threads: int
    least: int


def drawn_settings(family):
    backends = ("openmp", "serial") if family in INEXACT else ("openmp", "auto", "serial", "blis")
    return st.builds(
        Setting,
        backend=st.sampled_from(backends),
        threads=st.sampled_from((3, 2, 4, 5, 3, 2, 4, 100)),
        least=st.sampled_from((1, 1, 1, 100, 1000, 0)),
    )


def under_treadle(calls, setting):
    treadle.install()
    try:
        treadle.set_backend(setting.backend)
        treadle.set_num_threads(setting.threads)
        treadle.set_min(setting.least)
        return [carry_out(call) for call in calls]
    finally:
        treadle.uninstall()


def describe(call: Call, plain, other):
    names = ("result or error", "warnings", "calls of np.errstate", "memory of the operands")
    lines = [f"{call!r} differs"]
    for name, a, b in zip(names, plain, other, strict=True):
        if a != b:
            lines.append(f"  {name}\n    plain   {a!s:.600}\n    treadle {b!s:.600}")
    return "\n".join(lines)


def is_steady(call, plain):
    """Whether NumPy alone always says this, wherever in memory the results happen to lie."""
    ballast = []
    for i in range(8):
        ballast.append(bytearray(1 + 24 * i))
        if carry_out(call) != plain:
            return False
    return True


def is_alike(before, after):
    """Whether nobody can see a difference.

    Where an integer power raises, NumPy has written what its buffers held behind that element.
    """
    if "Integers to negative integer powers" in str(before[0]):
        return before[:3] == after[:3]
    return before == after


def compare(calls, setting, seen):
    plain = [carry_out(call) for call in calls]
    other = under_treadle(calls, setting)
    seen["calls"] += len(calls)
    seen["errors"] += sum(len(p[0]) == 2 and "Error" in p[0][0] for p in plain)
    wrong = []
    for call, before, after in zip(calls, plain, other, strict=True):
        if is_alike(before, after):
            continue
        if is_steady(call, before):
            wrong.append(describe(call, before, after))
        else:
            seen["unsteady"] += 1
    assert not wrong, f"{setting}\n" + "\n".join(wrong)


def run_family(family, calls, seed):
    """Run about so many calls of a family; raise AssertionError with the smallest that differs."""
    seen = Counter()

    @hypothesis.seed(seed)
    @settings(DRAWING, max_examples=max(1, calls // CALLS_PER_EXAMPLE))
    @given(st.lists(FAMILIES[family], min_size=1, max_size=20), drawn_settings(family))
    def same(calls, setting):
        compare(calls, setting, seen)

    same()
    return seen


def last_words(error):
    """Return what was asserted, or the traceback if it is another error."""
    again = ""
    while isinstance(error, ExceptionGroup):
        again, error = "not each time, ", error.exceptions[0]
    if isinstance(error, AssertionError):
        return f"{again}{error}"
    return again + "".join(traceback.format_exception(error))


def run_round(work):
    family, calls, seed = work
    treadle.reset()
    try:
        seen = run_family(family, calls, seed)
    except Exception as error:
        return family, Counter(), f"{family}, seed {seed}: {last_words(error)}"
    seen["large"] = sum(row["calls"] for row in treadle.report().rows)
    return family, seen, ""


def apart(function, *args):
    """Return what the function does in a process of its own, or None if that process dies."""
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, spawn, faulthandler.enable) as process:
        try:
            return process.submit(function, *args).result()
        except BrokenProcessPool:
            return None


def run_apart(work):
    family, _, seed = work
    died = family, Counter(), f"{family}, seed {seed}: the process died"
    return apart(run_round, work) or died


def works(families, calls, seed):
    """Split the calls into rounds, each with a seed of its own."""
    share = -(-calls // len(families))
    for start in range(0, share, CALLS_PER_ROUND):
        for family in families:
            yield family, min(CALLS_PER_ROUND, share - start), seed
            seed += 1


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--calls", type=int, default=200_000, help="at least so many, in all")
    parser.add_argument("--seed", type=int, default=os.environ.get("TREADLE_SEED"))
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="processes")
    parser.add_argument("family", nargs="*", help=f"of {', '.join(FAMILIES)}; all if none is named")
    options = parser.parse_args()
    for name in options.family:
        if name not in FAMILIES:
            parser.error(f"there is no family '{name}', only {', '.join(FAMILIES)}")
    seed = secrets.randbits(30) if options.seed is None else int(options.seed)
    print(f"seed {seed}", flush=True)
    seen, failures = {name: Counter() for name in options.family or FAMILIES}, {}
    todo = works(list(seen), options.calls, seed)
    with ThreadPoolExecutor(options.jobs) as pool:
        for done in as_completed(pool.submit(run_apart, work) for work in todo):
            family, counts, failure = done.result()
            seen[family] += counts
            if sys.stderr.isatty():
                calls = sum(c["calls"] for c in seen.values())
                print(f"\r{calls} of {options.calls} calls", end="", file=sys.stderr, flush=True)
            if failure and family not in failures:
                failures[family] = failure
                print(failure, flush=True)
    if sys.stderr.isatty():
        print(file=sys.stderr)
    for name, counts in seen.items():
        print(f"{name:10} {counts['calls']:7} calls, {counts['errors']:6} that raise", end="")
        print(f", {counts['unsteady']} NumPy is not sure of, {counts['large']:8} times in Treadle")
    print(f"{sum(c['calls'] for c in seen.values())} passed, {len(failures)} failed")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
