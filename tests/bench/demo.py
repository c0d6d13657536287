# SPDX-License-Identifier: BSD-3-Clause
"""Plain NumPy and every backend of Treadle side by side: paired, interleaved, verified."""

import argparse
import json
import random
import statistics
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

import demo_report
import treadle
from demo_works import Add, AddOut, Dot2, Small, Sum, Svd4, WrongResultError

PLAIN = "plain"
BACKENDS = ("serial", "openmp", "blis", "openblas", "auto")


@dataclass(frozen=True)
class Task:
    """A work to be made when its turn comes, and how often it is measured.

    No round is begun after `seconds`, so that a slow machine measures less instead of longer.
    """

    make: object
    size: int
    rounds: int
    seconds: float


def full_tasks():
    return [
        Task(Add, 10_000_000, 25, 20),
        Task(AddOut, 10_000_000, 25, 20),
        Task(Sum, 100_000_000, 15, 20),
        Task(Dot2, 1000, 25, 35),
        *(Task(Small, n, 300, 15) for n in (1, 10, 100, 1000)),
        Task(Svd4, 2000, 3, 150),
    ]


def quick_tasks():
    return [
        Task(Add, 10_000_000, 9, 4),
        Task(AddOut, 10_000_000, 9, 4),
        Task(Sum, 100_000_000, 7, 5),
        Task(Dot2, 1000, 15, 16),
        *(Task(Small, n, 100, 3) for n in (1, 10, 100, 1000)),
        Task(Svd4, 1000, 2, 10),
    ]


def enter(side):
    """Make NumPy plain, or put Treadle with one backend in front of it."""
    if side == PLAIN:
        treadle.uninstall()
    else:
        treadle.install()
        treadle.set_backend(side)


def threads_used(work, side):
    """Most threads that one call used. What Treadle did not count ran on its caller alone."""
    if side == PLAIN:
        return demo_report.numpy_blas_threads() if work.blas else 1
    return max((row["threads"] for row in treadle.report().rows), default=1)


def backend_reasons():
    """{name: why it cannot be used, or ""}"""
    reasons = {}
    for found in treadle.backends():
        if reasons.get(found["name"]) != "":  # of several with one name, one may be usable
            reasons[found["name"]] = found["reason"]
    return reasons


class Progress:
    """One line on stderr that says where we are; on a file, one line per work."""

    def __init__(self, total):
        self.total, self.start, self.done = total, time.monotonic(), 0
        self.live = sys.stderr.isatty()

    def show(self, work, text):
        minutes, seconds = divmod(int(time.monotonic() - self.start), 60)
        line = f"{minutes}:{seconds:02} work {self.done + 1} of {self.total}: {work.title}"
        if self.live:
            print(f"\r\x1b[K{line}, {text}", end="", file=sys.stderr, flush=True)
        elif text == "":
            print(line, file=sys.stderr, flush=True)

    def finish(self):
        if self.live:
            print("\r\x1b[K", end="", file=sys.stderr, flush=True)


@dataclass
class Measured:
    """What one side of one work came to."""

    samples: list
    threads: int = 1
    digest: str | None = None


def check(work, side, result):
    """Judge a result with plain NumPy, so that no backend vouches for itself."""
    enter(PLAIN)
    try:
        work.verify(result)
    except WrongResultError as error:
        raise WrongResultError(f"{work.name} on {side}: {error}") from None
    return work.digest(result) if work.exact else None


def sample(work, side, measured):
    """Add one sample of `side`; check the result if none has been checked yet."""
    enter(side)
    time.sleep(work.settle)
    work.warm()  # memory and threads as they are in the midst of a program, on every side
    treadle.reset()
    first = work.slow and not measured.samples
    seconds, result = work.timed(keep=first)
    measured.samples.append(seconds)
    measured.threads = max(measured.threads, threads_used(work, side))
    if first:
        check(work, side, result)


def measure(task, sides, rng, progress):
    """(work, {side: Measured}); each round takes one sample of every side in random order."""
    work = task.make(task.size, np.random.default_rng(rng.randrange(2**32)))
    progress.show(work, "")
    measured = {side: Measured([]) for side in sides}
    for side in sides:
        progress.show(work, f"warming {side}")
        enter(side)
        if work.slow:
            work.warm()
        else:
            measured[side].digest = check(work, side, work.run())
    start = time.monotonic()
    for i in range(task.rounds):
        if i and time.monotonic() - start > task.seconds:
            break
        for side in rng.sample(sides, len(sides)):
            progress.show(work, f"round {i + 1}, {side}")
            sample(work, side, measured[side])
    enter(PLAIN)
    progress.done += 1
    return work, measured


def rows_of(work, measured):
    plain = measured[PLAIN]
    rows = []
    for side, m in measured.items():
        ratios = [p / t for p, t in zip(plain.samples, m.samples, strict=True)]
        rows.append(
            {
                "work": work.name,
                "backend": side,
                "seconds": statistics.median(m.samples),
                "ratio": statistics.median(ratios),
                "same_bits": m.digest == plain.digest if work.exact else None,
                "threads": m.threads,
            }
        )
    return rows


def compare(tasks, backends, seed, progress):
    """Everything measured, as the dict that --json writes."""
    rng = random.Random(seed)
    result = {
        "machine": demo_report.machine(),
        "versions": demo_report.versions(treadle.__version__),
        "seed": seed,
        "titles": {},
        "rows": [],
        "samples": {},
    }
    for task in tasks:
        work, measured = measure(task, [PLAIN, *backends], rng, progress)
        result["titles"][work.name] = work.title
        result["rows"] += rows_of(work, measured)
        result["samples"][work.name] = {side: m.samples for side, m in measured.items()}
    progress.finish()
    return result


def usable(names):
    """Those of `names` that can be measured here; says why the others cannot."""
    reasons = backend_reasons()
    reasons["auto"] = ""
    for name in names:
        if reasons.get(name, "not found"):
            print(f"demo: no rows for {name}: {reasons.get(name, 'not found')}", file=sys.stderr)
    return [name for name in names if reasons.get(name) == ""]


def backend_list(text):
    names = text.split(",")
    for name in names:
        if name not in BACKENDS:
            raise argparse.ArgumentTypeError(f"{name!r} is none of {', '.join(BACKENDS)}")
    return names


def arguments(argv):
    parser = argparse.ArgumentParser(prog="./dev demo", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="at most a minute; svd(1000)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write rows and samples")
    parser.add_argument(
        "--html",
        type=Path,
        metavar="FILE",
        default=Path("build/demo.html"),
        help="where the page goes (build/demo.html)",
    )
    parser.add_argument("--backends", type=backend_list, default=BACKENDS, metavar="A,B")
    parser.add_argument("--seed", type=int, default=1, help="of the data and the order of rounds")
    return parser.parse_args(argv)


def main(argv=None):
    args = arguments(argv)
    tasks = quick_tasks() if args.quick else full_tasks()
    try:
        result = compare(tasks, usable(args.backends), args.seed, Progress(len(tasks)))
    except WrongResultError as error:
        print(f"\ndemo: WRONG RESULT: {error}", file=sys.stderr)
        return 1
    print(demo_report.table(result))
    if args.json:
        args.json.write_text(json.dumps(result, indent=1) + "\n")
    args.html.write_text(demo_report.page(result))
    print(f"demo: the same with bars: {args.html}", file=sys.stderr)
    wrong = [f"{r['work']} on {r['backend']}" for r in result["rows"] if r["same_bits"] is False]
    if wrong:
        print(f"demo: OTHER BITS THAN NUMPY'S: {', '.join(wrong)}", file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
