# SPDX-License-Identifier: BSD-3-Clause
"""Which of two backends is faster for a statement, and how sure that is."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from html import escape
from time import perf_counter
from typing import Any

import numpy as np

from treadle._choice import using
from treadle._hooks import install, is_installed, uninstall
from treadle._picture import as_svg

# As `treadle ab` has it: docs/measuring.md says why.
_LOOKS = (12, 24, 48, 96, 192, 384, 768, 1536)
_BATCH_SECONDS = 1e-3
# Where A comes a second time, as the noise floor: before, between or after.
_ORDERS = tuple(
    (*order[:place], "again", *order[place:])
    for order in (("a", "b"), ("b", "a"))
    for place in range(3)
)

Statement = str | Callable[[], Any]


@dataclass(frozen=True)
class Comparison:
    """What `ab` has found; ``str()`` gives it in two lines, a notebook shows the pairs too.

    Attributes
    ----------
    a, b : str
        The two sides.
    ratio, low, high : float
        Median of time of A over time of B, above 1 if B is faster, and its confidence interval
        (0 and infinity: too few pairs).
    verdict : str
        "A faster", "B faster", "same" or "undecided".
    noise_floor : float
        How far from 1 the median of A against itself was.
    same_bits : bool or None
        Whether both gave the same bits; None if the statement has no value to compare.
    a_seconds, b_seconds : float
        Medians of one execution.
    samples : list of tuple
        Seconds of A, B, and A again, of each pair.
    """

    a: str
    b: str
    ratio: float
    low: float
    high: float
    verdict: str
    noise_floor: float
    same_bits: bool | None
    a_seconds: float
    b_seconds: float
    samples: list[tuple[float, float, float]]

    def __str__(self) -> str:
        values = {True: "the same bits", False: "equal but for rounding", None: "not compared"}
        return (
            f"{self.verdict}: {self.a} (A) {_seconds(self.a_seconds)}, "
            f"{self.b} (B) {_seconds(self.b_seconds)}, "
            f"A/B {self.ratio:.3f} ({self.low:.3f} .. {self.high:.3f})\n"
            f"{len(self.samples)} pairs; A against itself: "
            f"off by {100 * self.noise_floor:.2f} %; results: {values[self.same_bits]}"
        )

    def _repr_html_(self) -> str:
        first, second = str(self).split("\n")
        rows = [
            ("A / B", [a / b for a, b, _ in self.samples]),
            ("A / A", [a / again for a, _, again in self.samples]),
        ]
        return (
            f"<p><strong>{escape(first)}</strong><br>{escape(second)}</p>"
            f"{as_svg(rows, self.low, self.high)}"
        )


def _seconds(seconds: float) -> str:
    for scale, unit in ((1, "s"), (1e3, "ms"), (1e6, "us")):
        if seconds * scale >= 1:
            return f"{seconds * scale:.3g} {unit}"
    return f"{seconds * 1e9:.3g} ns"


# ---- statistics --------------------------------------------------------------------------------


def _outside(n: int, alpha: float) -> int:
    """Count the samples to leave out on each side, by the sign test."""
    tail, k = 0.0, 0
    while k < n // 2:
        tail += math.exp(math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1)
                         - n * math.log(2))  # fmt: skip
        if 2 * tail > alpha:
            break
        k += 1
    return k


def _interval(logs: list[float], alpha: float) -> tuple[float, float, float]:
    """Return the median ratio and the order statistics around it."""
    logs = sorted(logs)
    k = _outside(len(logs), alpha)
    low, high = (math.exp(logs[k - 1]), math.exp(logs[-k])) if k else (0.0, math.inf)
    return math.exp(float(np.median(logs))), low, high


def _judge(ratio: float, low: float, high: float, same: float, floor: float) -> str:
    if low >= 1 / (1 + same) and high <= 1 + same:
        return "same"
    if high < 1 and ratio < 1 / (1 + floor):
        return "A faster"
    if low > 1 and ratio > 1 + floor:
        return "B faster"
    return "undecided"


def pool(documents: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Judge the calls that several processes compared under TREADLE_AB together, kind by kind.

    A kind is of one operation, type, size and number of callers. The k-th may err with a share of
    1 / (k (k + 1)), as in one process.
    """
    kinds: dict[tuple[Any, ...], tuple[dict[str, Any], list[dict[str, Any]]]] = {}
    for document in documents:
        for row in document["results"]:
            kind = {name: document[name] for name in ("a", "b", "level", "same")}
            kind |= {name: row[name] for name in ("op", "dtype", "shape", "callers")}
            kinds.setdefault(tuple(kind.values()), (kind, []))[1].append(row)
    return [_pooled(k, kind, rows) for k, (kind, rows) in enumerate(kinds.values(), 1)]


def _pooled(k: int, kind: dict[str, Any], rows: list[dict[str, Any]]) -> dict[str, Any]:
    samples = [sample for row in rows for sample in row["samples"]]
    alpha = (1 - kind["level"]) / (len(_LOOKS) * k * (k + 1))
    ratio, low, high = _interval([math.log(x["a"] / x["b"]) for x in samples], alpha)
    floor = max(row["noise_floor"] for row in rows)
    return kind | {
        "processes": len(rows),
        "pairs": len(samples),
        "ratio": ratio,
        "low": low,
        "high": high,
        "verdict": _judge(ratio, low, high, kind["same"], floor),
    }


# ---- the statement -----------------------------------------------------------------------------


def _callable(stmt: Statement, setup: Statement, names: dict[str, Any] | None) -> Callable[[], Any]:
    """Run the set-up, and make the statement a function that returns its value if it has one."""
    space = dict(names or {})
    if callable(setup):
        setup()
    else:
        exec(compile(setup, "<setup>", "exec"), space)
    if callable(stmt):
        return stmt
    try:
        code = compile(stmt, "<stmt>", "eval")
    except SyntaxError:
        code = compile(stmt, "<stmt>", "exec")
    return lambda: eval(code, space)


def _copies(value: Any) -> list[np.ndarray] | None:
    """Copy the numbers in a value; None if there are none."""
    parts = value if isinstance(value, (tuple, list)) else (value,)
    arrays = [np.array(part) for part in parts if isinstance(part, (np.ndarray, np.number))]
    return arrays if arrays and all(a.dtype.kind in "biufc" for a in arrays) else None


def _agree(a: list[np.ndarray] | None, b: list[np.ndarray] | None) -> bool | None:
    """Tell whether the bits are the same; values further apart than rounding are an error."""
    if a is None or b is None:
        return None
    if [(x.shape, x.dtype) for x in a] != [(y.shape, y.dtype) for y in b]:
        raise ValueError("the results differ: not the same shapes and types")
    for i, (x, y) in enumerate(zip(a, b, strict=True)):
        most = np.max(np.abs(x), initial=0, where=np.isfinite(x)) if x.dtype.kind in "fc" else 0
        eps = math.sqrt(np.finfo(x.dtype).eps) if x.dtype.kind in "fc" else 0
        close = np.isclose(x, y, rtol=0, atol=float(eps * most), equal_nan=True)
        if not close.all():
            at = tuple(int(k) for k in np.unravel_index(np.argmin(close), close.shape))
            raise ValueError(f"the results differ: index {at} of value {i}: A gives {x[at]}, "
                             f"B gives {y[at]}")  # fmt: skip
    return all(x.tobytes() == y.tobytes() for x, y in zip(a, b, strict=True))


class _Side:
    """A backend, and how often the statement is executed in a batch."""

    def __init__(self, spec: str, run: Callable[[], Any]) -> None:
        self.spec, self.run, self.calls = spec, run, 1

    def batch(self) -> float:
        """Return the seconds of one execution, after an untimed one if there are several."""
        with using(self.spec):
            if self.calls > 1:
                self.run()
            begin = perf_counter()
            for _ in range(self.calls):
                self.run()
            return (perf_counter() - begin) / self.calls

    def calibrate(self) -> None:
        """Choose a number of executions that takes a millisecond, twice in a row."""
        good = 0
        while good < 2:
            seconds = self.batch() * self.calls
            good = good + 1 if seconds >= _BATCH_SECONDS else 0
            if not good:
                growth = 1.2 * _BATCH_SECONDS / max(seconds, 0.1 * _BATCH_SECONDS)
                self.calls = int(self.calls * growth) + 1


def _measure(a: _Side, b: _Side, seconds: float, pairs: int, judge: Callable[..., Any]) -> Any:
    """Extend the pairs from look to look, until it is decided or time is up."""
    samples: list[tuple[float, float, float]] = []
    until = perf_counter() + seconds
    found = None
    for look in _LOOKS:
        goal = min(look, pairs)
        orders = [_ORDERS[i % len(_ORDERS)] for i in range(goal - len(samples))]
        random.shuffle(orders)
        for order in orders:
            if len(samples) >= _LOOKS[0] and perf_counter() > until:
                break
            times = {name: (b if name == "b" else a).batch() for name in order}
            samples.append((times["a"], times["b"], times["again"]))
        found = judge(samples)
        if found["verdict"] != "undecided" or len(samples) < look:
            break
    return found


def ab(
    a: str,
    b: str,
    stmt: Statement,
    setup: Statement = "pass",
    globals: dict[str, Any] | None = None,
    *,
    seconds: float = 3,
    pairs: int = 1536,
    same: float = 0.01,
    level: float = 0.95,
) -> Comparison:
    """Compare two backends by a statement, as ``treadle ab`` does.

    Batches of at least 1 ms are run as pairs in balanced random order, until it is decided or
    `seconds` have passed. NumPy's calls are Treadle's meanwhile, as after `install`.

    Parameters
    ----------
    a, b : str
        As for `using`.
    stmt, setup : str or callable
        What is timed, and what is run once before; as in `timeit`.
    globals : dict, optional
        Names that they may use.
    seconds : float
        When to stop; 12 pairs are measured in any case.
    pairs : int
        How many to measure at most, from 1 to 1536.
    same : float
        A difference that does not matter.
    level : float
        Confidence of the interval, for all looks together.

    Returns
    -------
    Comparison

    Raises
    ------
    ValueError
        If a backend is unknown, a number is out of range, or the two results differ by more than
        rounding.

    Examples
    --------
    >>> x = np.random.rand(1_000_000)
    >>> print(treadle.ab("serial", "openmp", "x + x", globals={"x": x}))
    """
    if not 1 <= pairs <= _LOOKS[-1]:
        raise ValueError(f"pairs must be from 1 to {_LOOKS[-1]}, not {pairs}")
    if not 0.5 <= level < 1:
        raise ValueError(f"level must be from 0.5 to below 1, not {level}")
    if same < 0 or seconds < 0:
        raise ValueError("same and seconds must not be negative")
    was_installed = is_installed()
    install()
    try:
        run = _callable(stmt, setup, globals)
        sides = _Side(a, run), _Side(b, run)
        values = []
        for side in sides:
            with using(side.spec):
                values.append(_copies(run()))
        same_bits = _agree(*values)
        for side in sides:
            side.calibrate()

        def judge(samples: list[tuple[float, float, float]]) -> dict[str, Any]:
            alpha = (1 - level) / len(_LOOKS)
            itself = _interval([math.log(x / z) for x, _, z in samples], alpha)[0]
            floor = max(itself, 1 / itself) - 1
            ratio, low, high = _interval([math.log(x / y) for x, y, _ in samples], alpha)
            return {
                "ratio": ratio,
                "low": low,
                "high": high,
                "noise_floor": floor,
                "verdict": _judge(ratio, low, high, same, floor),
                "a_seconds": float(np.median([x for x, _, _ in samples])),
                "b_seconds": float(np.median([y for _, y, _ in samples])),
                "samples": samples,
            }

        return Comparison(a=a, b=b, same_bits=same_bits, **_measure(*sides, seconds, pairs, judge))
    finally:
        if not was_installed:
            uninstall()
