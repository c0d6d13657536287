# SPDX-License-Identifier: BSD-3-Clause
"""What every kind of NumPy call gains: plain and under Treadle, interleaved, same bits."""

import argparse
import json
import random
import statistics
import sys
import time
import timeit
from pathlib import Path

import numpy as np

import demo_report
import treadle

N = 10_000_000
MIN_SECONDS = 0.001  # of a sample
SMALL_SIZES = (1, 4, 16, 64, 256, 1024, 4096)
SMALL_UFUNCS = [
    np.add,
    np.subtract,
    np.multiply,
    np.divide,
    np.maximum,
    np.minimum,
    np.greater,
    np.equal,
    np.power,
    np.hypot,
    np.negative,
    np.absolute,
    np.sqrt,
    np.square,
    np.exp,
    np.log,
    np.sin,
    np.floor,
    np.isnan,
    np.sign,
]

SETUP = {
    "a, b": "a, b = rng.random(N), rng.random(N); out = np.empty(N)",
    "1M": "a, b = rng.random(N // 10) + 0.5, rng.random(N // 10)",
    "rows": "a = rng.random((4000, 2500)); row = rng.random(2500); column = rng.random((4000, 1))",
    "mixed": "a = rng.random(N); f = rng.random(N, dtype='f4'); i = rng.integers(0, 99, N, 'i4')",
    "slices": "a = rng.random((4100, 2600))[:4000, :2500]; c = np.asfortranarray(a)",
    "pairs": "a = rng.random((N // 10, 2)); row = rng.random(2)",
    "mask": "a, b = rng.random(N), rng.random(N); out = np.zeros(N); mask = a < 0.5",
    "cube": "a = rng.random((200, 250, 200)); i = rng.integers(0, 99, N); t = i < 200",
    "stack": "a = rng.random((2000, 40, 40)) + 40 * np.eye(40)",
    "market": "s = rng.random(N // 2) * 90 + 10; k = s * (0.5 + rng.random(N // 2)); "
    "t = rng.random(N // 2) + 0.1; from math import sqrt",
    "heat": "u = rng.random((4000, 4000))",
}

BLACK_SCHOLES = (
    "v = 0.3 * np.sqrt(t); d = (np.log(s / k) + (0.02 + 0.045) * t) / v; "
    "p = 1 / (1 + np.exp(-1.702 * d)); q = 1 / (1 + np.exp(-1.702 * (d - v))); "
    "r = s * p - k * np.exp(-0.02 * t) * q"
)
HEAT = (
    "r = u.copy(); r[1:-1, 1:-1] += 0.1 * (u[2:, 1:-1] + u[:-2, 1:-1] + u[1:-1, 2:] "
    "+ u[1:-1, :-2] - 4 * u[1:-1, 1:-1])"
)

# (kind, what it needs, statement); the result that is compared is `r`.
CASES = [
    ("memory", "a, b", "r = a + b"),
    ("memory", "a, b", "r = np.add(a, b, out=out)"),
    ("memory", "a, b", "r = a * 2.0"),
    ("memory", "a, b", "r = a > b"),
    ("memory", "a, b", "r = np.sqrt(a)"),
    ("computing", "1M", "r = np.exp(a)"),
    ("computing", "1M", "r = np.sin(a)"),
    ("computing", "1M", "r = np.log(a)"),
    ("computing", "1M", "r = np.power(a, b)"),
    ("computing", "1M", "r = np.arctan2(a, b)"),
    ("broadcast", "rows", "r = a + row"),
    ("broadcast", "rows", "r = a * column"),
    ("broadcast", "rows", "r = np.exp(a - row)"),
    ("broadcast", "rows", "r = np.multiply.outer(column[:, 0], row)"),
    ("broadcast", "pairs", "r = a + row"),
    ("mixed types", "mixed", "r = a + f"),
    ("mixed types", "mixed", "r = a * i"),
    ("mixed types", "mixed", "r = np.sin(i)"),
    ("layouts", "slices", "r = a + c"),
    ("layouts", "slices", "r = np.sqrt(a)"),
    ("layouts", "mask", "r = np.add(a, b, out=out, where=mask)"),
    ("reductions", "cube", "r = a.sum()"),
    ("reductions", "cube", "r = a.sum(axis=0)"),
    ("reductions", "cube", "r = a.mean(axis=1)"),
    ("reductions", "cube", "r = a.max(axis=2)"),
    ("reductions", "cube", "r = a.std()"),
    ("reductions", "cube", "r = np.nansum(a)"),
    ("reductions", "cube", "r = i.min()"),
    ("reductions", "cube", "r = t.all()"),
    ("order", "1M", "r = np.sort(a)"),
    ("order", "1M", "r = np.sort(a, kind='stable')"),
    ("order", "1M", "r = np.argsort(a)"),
    ("order", "1M", "r = np.argsort(a, kind='stable')"),
    ("stacks", "stack", "r = np.linalg.inv(a)"),
    ("stacks", "stack", "r = np.linalg.svd(a, compute_uv=False)"),
    ("stacks", "stack", "r = np.linalg.eigvalsh(a)"),
    ("stacks", "stack", "r = a @ a"),
    ("programs", "market", BLACK_SCHOLES),
    ("programs", "heat", HEAT),
]
TITLES = {BLACK_SCHOLES: "Black-Scholes, 5M options", HEAT: "heat step, 4000 x 4000"}


def bits(array):
    array = np.asarray(array)
    return array.dtype, array.shape, array.tobytes()


def paired(statement, names, rounds, sides):
    """Median seconds of one call on each side, and the median ratio of the pairs."""
    timer = timeit.Timer(statement, globals=names)
    samples = {side: [] for side in sides}
    calls = max(1, int(MIN_SECONDS / timer.timeit(1)))
    for _ in range(rounds):
        for side in random.sample(list(sides), len(sides)):
            sides[side]()
            timer.timeit(max(1, calls // 5))
            samples[side].append(timer.timeit(calls) / calls)
    ratio = statistics.median(p / t for p, t in zip(*samples.values(), strict=True))
    return [statistics.median(s) for s in samples.values()], ratio


SIDES = {"plain": treadle.uninstall, "treadle": treadle.install}


def same_bits(statement, names):
    results = []
    for enter in SIDES.values():
        enter()
        exec(statement, names)
        results.append(bits(names.pop("r")))
    return results[0] == results[1]


def measure(kind, setup, statement, rounds):
    names = {"np": np, "rng": np.random.default_rng(1), "N": N}
    treadle.uninstall()
    exec(SETUP[setup], names)
    same = same_bits(statement, names)
    (plain, other), ratio = paired(statement, names, rounds, SIDES)
    what = f"{setup}: {TITLES.get(statement, statement.removeprefix('r = '))}"
    return {
        "kind": kind,
        "call": what,
        "plain": plain,
        "treadle": other,
        "ratio": ratio,
        "same_bits": same,
    }


def measure_small(ufunc, rounds):
    """One row for a ufunc: the ratio over all small sizes, and the worst of them."""
    times, ratios = [], []
    for n in SMALL_SIZES:
        a = np.linspace(0.1, 2, n)
        statement = "f(a, a)" if ufunc.nin == 2 else "f(a)"
        seconds, ratio = paired(statement, {"f": ufunc, "a": a}, rounds, SIDES)
        times.append(seconds)
        ratios.append(ratio)
    sizes = f"n = {SMALL_SIZES[0]} to {SMALL_SIZES[-1]}"
    return {
        "kind": "small",
        "call": f"np.{ufunc.__name__}, {sizes}; worst {min(ratios):.3f}",
        "plain": statistics.mean(t[0] for t in times),
        "treadle": statistics.mean(t[1] for t in times),
        "ratio": statistics.geometric_mean(ratios),
        "same_bits": True,
    }


def line(row):
    return (
        f"{row['kind']:<12} {row['call']:<58} {demo_report.duration(row['plain'])} "
        f"{demo_report.duration(row['treadle'])} {row['ratio']:7.3f}"
        f"{'' if row['same_bits'] else '  OTHER BITS'}"
    )


def main():
    kinds = [*dict.fromkeys(kind for kind, *_ in CASES), "small"]
    parser = argparse.ArgumentParser(prog="./dev bench calls", description=__doc__)
    parser.add_argument("kinds", nargs="*", metavar="KIND", help=f"of {', '.join(kinds)}")
    parser.add_argument("--rounds", type=int, default=9, help="pairs of samples of each call")
    parser.add_argument("--json", type=Path, metavar="FILE")
    args = parser.parse_args()
    for kind in args.kinds:
        if kind not in kinds:
            parser.error(f"there is no kind {kind!r}, only {', '.join(kinds)}")
    rows, start = [], time.monotonic()
    print(f"{'kind':<12} {'call':<58} {'plain':>8} {'treadle':>8} {'ratio':>7}")
    for kind, setup, statement in CASES:
        if kind in (args.kinds or kinds):
            rows.append(measure(kind, setup, statement, args.rounds))
            print(line(rows[-1]), flush=True)
    for ufunc in SMALL_UFUNCS if "small" in (args.kinds or kinds) else ():
        rows.append(measure_small(ufunc, 3 * args.rounds))
        print(line(rows[-1]), flush=True)
    treadle.uninstall()
    print(f"{time.monotonic() - start:.0f} s", file=sys.stderr)
    if args.json:
        args.json.write_text(json.dumps({"machine": demo_report.machine(), "rows": rows}, indent=1))
    return 0 if all(row["same_bits"] for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
