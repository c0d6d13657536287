# SPDX-License-Identifier: BSD-3-Clause
"""Tables for people: aligned text, and HTML for notebooks."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Any


def cell_text(value: Any) -> str:
    return f"{value:.6f}" if isinstance(value, float) else str(value)


def as_text(lines: Sequence[Sequence[str]], right_from: int) -> str:
    """Align columns, those from number `right_from` on at their right ends."""
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join(
        "  ".join(
            cell.ljust(width) if i < right_from else cell.rjust(width)
            for i, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in lines
    )


def as_html(
    caption: str, lines: Sequence[Sequence[str]], right_from: int, head: bool = True
) -> str:
    """Make a table that takes its colours from the page, be it dark or light."""
    rule = "border-bottom: 1px solid color-mix(in srgb, currentColor 30%, transparent)"

    def row(line: Sequence[str], tag: str) -> str:
        cells = (
            f'<{tag} style="padding: 2px 10px; {rule}; vertical-align: top; '
            f'text-align: {"left" if i < right_from else "right"}">{escape(cell)}</{tag}>'
            for i, cell in enumerate(line)
        )
        return f'<tr style="background: transparent">{"".join(cells)}</tr>'

    body = [row(line, "th" if head and i == 0 else "td") for i, line in enumerate(lines)]
    return (
        '<table style="border-collapse: collapse; color: inherit; background: transparent; '
        'font-variant-numeric: tabular-nums">'
        f'<caption style="caption-side: top; text-align: left; color: inherit">{escape(caption)}'
        f"</caption>{''.join(body)}</table>"
    )
