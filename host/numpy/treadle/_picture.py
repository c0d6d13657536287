# SPDX-License-Identifier: BSD-3-Clause
"""Ratios of pairs as a strip of dots, for notebooks."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

_WIDTH, _ROW, _MARGIN = 520, 46, 64
# Axis marks, and how far from 1 the outermost dots may push the axis.
_MARKS = (0.1, 0.2, 0.5, 0.8, 0.9, 0.95, 0.98, 1, 1.02, 1.05, 1.1, 1.25, 2, 5, 10)
_LEAST, _MOST = 0.02, math.log(12)


def _reach(ratios: Sequence[float]) -> float:
    """Return how far the axis goes to either side of 1, as a logarithm."""
    return min(_MOST, max([_LEAST, *(abs(math.log(r)) for r in ratios)]) * 1.05)


def _marks(x: Callable[[float], float], reach: float) -> list[float]:
    """Choose the marks on the axis whose numbers do not touch, from 1 outwards."""
    chosen: list[float] = []
    for mark in sorted(_MARKS, key=lambda m: abs(math.log(m))):
        if abs(math.log(mark)) <= reach and all(abs(x(mark) - x(c)) > 34 for c in chosen):
            chosen.append(mark)
    return chosen


def as_svg(rows: Sequence[tuple[str, Sequence[float]]], low: float, high: float) -> str:
    """Draw a row of dots for each (name, ratios), over a band from `low` to `high`.

    Beyond the axis a dot stands at its end. Colours are those of the page.
    """
    reach = _reach([r for _, ratios in rows for r in ratios if r > 0])
    height = _ROW * len(rows)

    def x(ratio: float) -> float:
        place = max(-reach, min(reach, math.log(ratio) if ratio > 0 else -reach))
        return round(_MARGIN + (_WIDTH - 2 * _MARGIN) * (place / reach + 1) / 2, 1)

    band = f'<rect x="{x(low)}" y="0" height="{height}" fill="currentColor" opacity="0.15" '
    parts = [band + f'width="{max(1.0, x(high) - x(low)):.1f}"/>']
    for mark in _marks(x, reach):
        parts.append(
            f'<line x1="{x(mark)}" x2="{x(mark)}" y1="0" y2="{height}" '
            f'stroke="currentColor" opacity="{0.8 if mark == 1 else 0.2}"/>'
            f'<text x="{x(mark)}" y="{height + 14}" text-anchor="middle">{mark:g}</text>'
        )
    for i, (name, ratios) in enumerate(rows):
        parts.append(f'<text x="0" y="{_ROW * i + _ROW // 2 + 4}">{name}</text>')
        for k, ratio in enumerate(ratios):
            y = _ROW * i + 8 + k * 7 % 31  # neighbours in time apart, so that dots can be counted
            parts.append(f'<circle cx="{x(ratio)}" cy="{y}" r="2" opacity="0.6"/>')
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height + 20}" role="img" '
        f'width="100%" style="max-width: {_WIDTH}px; color: inherit" fill="currentColor" '
        f'font-size="12"><title>Ratios of pairs</title>{"".join(parts)}</svg>'
    )
