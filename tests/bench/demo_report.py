# SPDX-License-Identifier: BSD-3-Clause
"""What demo.py found, as a table for the terminal and as one self-contained page."""

import ctypes
import os
import platform
from contextlib import suppress
from html import escape
from itertools import groupby
from pathlib import Path

import numpy as np

PAGE = Path(__file__).with_name("demo_page.html")
NOTE = "A dash: BLAS and LAPACK promise no bits; these results were verified by their residuals."


def cpu_facts():
    """(model, names of the vector extensions) as Linux tells them."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor(), []
    facts = dict(line.split(":", 1) for line in reversed(lines) if ":" in line)
    facts = {key.strip(): value.strip() for key, value in facts.items()}
    flags = facts.get("flags", facts.get("Features", "")).split()
    known = ("avx2", "avx512f", "asimd", "sve")
    return facts.get("model name", platform.machine()), [f for f in known if f in flags]


def machine():
    model, isa = cpu_facts()
    pages = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return {
        "cpu": model,
        "isa": isa,
        "cores": len(os.sched_getaffinity(0)),
        "memory_gib": round(pages / 2**30, 1),
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
    }


def numpy_blas_threads():
    """Threads of the OpenBLAS that NumPy brought along; 1 if that cannot be told."""
    maps = Path("/proc/self/maps").read_text(errors="replace").splitlines()
    for path in {line.split()[-1] for line in maps if "openblas" in line and ".so" in line}:
        library = ctypes.CDLL(path)
        for prefix, suffix in (("scipy_", "64_"), ("", "64_"), ("scipy_", ""), ("", "")):
            with suppress(AttributeError):
                return getattr(library, f"{prefix}openblas_get_num_threads{suffix}")()
    return 1


def versions(treadle_version):
    blas = np.show_config(mode="dicts")["Build Dependencies"]["blas"]
    return {
        "treadle": treadle_version,
        "numpy": np.__version__,
        "numpy_blas": f"{blas['name']} {blas['version']}",
        "python": platform.python_version(),
    }


def duration(seconds):
    """Four characters of number and a unit, so that a column is easy to compare."""
    for unit, scale in (("s ", 1.0), ("ms", 1e-3), ("µs", 1e-6)):
        if seconds >= scale:
            return f"{seconds / scale:.3g} {unit}".rjust(8)
    return f"{seconds / 1e-9:.0f} ns".rjust(8)


def same_bits(row):
    return {True: "yes", False: "NO", None: "–"}[row["same_bits"]]


def by_work(result):
    for name, rows in groupby(result["rows"], key=lambda row: row["work"]):
        yield name, result["titles"][name], list(rows)


def subtitle(result):
    m, v = result["machine"], result["versions"]
    return (
        f"{m['cpu']} ({', '.join(m['isa'])}), {m['cores']} cores, {m['memory_gib']} GiB · "
        f"Treadle {v['treadle']}, NumPy {v['numpy']} ({v['numpy_blas']}), Python {v['python']}"
    )


def table(result):
    lines = [
        subtitle(result),
        "",
        f"{'work':<11} {'backend':<9} {'time':>8} {'ratio':>7} {'threads':>8}  same bits",
    ]
    for name, title, rows in by_work(result):
        lines += ["", f"{name}: {title}"]
        lines += [
            f"{name:<11} {row['backend']:<9} {duration(row['seconds'])} {row['ratio']:7.2f} "
            f"{row['threads']:8d}  {same_bits(row)}"
            for row in rows
        ]
    return "\n".join([*lines, "", "ratio: how many times as fast as plain NumPy. " + NOTE])


def bar(row, longest):
    share = 100 * row["ratio"] / longest
    return (
        f'<tr class="{"plain" if row["backend"] == "plain" else "treadle"}">'
        f'<th scope="row">{escape(row["backend"])}</th>'
        f'<td class="bar"><span style="width:{share:.1f}%"></span></td>'
        f'<td class="ratio">{row["ratio"]:.2f}×</td><td>{duration(row["seconds"]).strip()}</td>'
        f"<td>{row['threads']}</td><td>{same_bits(row)}</td></tr>"
    )


def section(title, rows):
    longest = max(row["ratio"] for row in rows)
    head = (
        '<thead><tr><th scope="col">backend</th><th scope="col" class="bar">speed</th>'
        '<th scope="col">ratio</th><th scope="col">time</th><th scope="col">threads</th>'
        '<th scope="col">same bits</th></tr></thead>'
    )
    body = "\n".join(bar(row, longest) for row in rows)
    one = f"--one:{1 / longest:.4f}"
    return (
        f'<section><h2>{escape(title)}</h2>\n<table style="{one}">{head}\n'
        f"<tbody>\n{body}\n</tbody></table></section>"
    )


def page(result):
    """demo_page.html with the figures put in; it loads nothing and runs no script."""
    sections = "\n".join(section(title, rows) for _, title, rows in by_work(result))
    text = PAGE.read_text(encoding="utf-8")
    for name, value in (("SUBTITLE", escape(subtitle(result))), ("NOTE", NOTE), ("BODY", sections)):
        text = text.replace(f"<!--{name}-->", value)
    return text
