# SPDX-License-Identifier: BSD-3-Clause
"""The main job at small sizes: what it measures, what it writes, what it notices."""

import json
import re
import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "bench"))

import demo
import demo_report
import treadle
from demo_works import Add, AddOut, Dot2, Small, Sum, Svd4, Work, WrongResultError

KEYS = {"work", "backend", "seconds", "ratio", "same_bits", "threads"}
SMALL_TASKS = [
    demo.Task(Add, 200_000, 2, 9),
    demo.Task(AddOut, 200_000, 2, 9),
    demo.Task(Sum, 300_000, 2, 9),
    demo.Task(Dot2, 100, 2, 9),
    demo.Task(Small, 10, 3, 9),
    demo.Task(Svd4, 64, 2, 9),
]


@pytest.fixture(autouse=True)
def plain_afterwards():
    yield
    treadle.uninstall()
    treadle.set_backend(None)


@pytest.fixture(scope="module")
def result():
    return demo.compare(SMALL_TASKS, ["serial", "auto"], 1, demo.Progress(len(SMALL_TASKS)))


def test_has_one_row_per_work_and_side(result):
    works = ["add", "add_out", "sum", "dot2", "small_10", "svd4"]
    sides = ["plain", "serial", "auto"]
    found = [(row["work"], row["backend"]) for row in result["rows"]]
    assert found == [(work, side) for work in works for side in sides]
    assert all(set(row) == KEYS for row in result["rows"])


def test_rows_are_plausible(result):
    for row in result["rows"]:
        assert row["seconds"] > 0
        assert row["ratio"] == 1 if row["backend"] == "plain" else row["ratio"] > 0
        assert row["threads"] >= 1
        assert row["same_bits"] is (None if row["work"] in ("dot2", "svd4") else True)


def test_result_survives_json(result):
    assert json.loads(json.dumps(result))["rows"] == result["rows"]
    assert result["versions"]["numpy"] == np.__version__
    assert result["machine"]["cores"] >= 1


def test_table_has_every_row(result):
    lines = demo_report.table(result).splitlines()
    for row in result["rows"]:
        assert any(line.startswith(f"{row['work']:<11} {row['backend']:<9} ") for line in lines)


def test_page_stands_alone(result):
    page = demo_report.page(result)
    assert page.count("<tr class=") == len(result["rows"])
    assert not re.search(r"<!--|<script|<link|<img|@import|url\(|https?:", page)


class OtherBits(Work):
    """Every result differs in its last bit from the one before."""

    name, title, value = "other", "other bits", 1.0

    def __init__(self, size, rng):
        pass

    def run(self):
        self.value = np.nextafter(self.value, 2)
        return np.array([self.value])


class WrongNumbers(Work):
    name, title, exact = "wrong", "wrong numbers", False

    def __init__(self, size, rng):
        pass

    def run(self):
        return np.array([np.nan])

    def verify(self, result):
        raise WrongResultError("not a number")


def test_other_bits_are_told():
    work, measured = demo.measure(
        demo.Task(OtherBits, 0, 1, 9), ["plain", "serial"], demo.random.Random(1), demo.Progress(1)
    )
    assert [row["same_bits"] for row in demo.rows_of(work, measured)] == [True, False]


def test_wrong_numbers_stop_it():
    task = demo.Task(WrongNumbers, 0, 1, 9)
    with pytest.raises(WrongResultError, match="wrong on plain: not a number"):
        demo.measure(task, ["plain"], demo.random.Random(1), demo.Progress(1))


@pytest.mark.parametrize("make", [Dot2, Svd4])
def test_verify_sees_one_wrong_element(make):
    work = make(64, np.random.default_rng(2))
    good = work.run()
    work.verify(good)
    last = good[-1] if make is Dot2 else good[-1][0]
    last[3, 5] += 1e-6
    with pytest.raises(WrongResultError, match="residual"):
        work.verify(good)


def test_unknown_backend_is_refused(capsys):
    with pytest.raises(SystemExit) as stop:
        demo.arguments(["--backends", "serial,nonsense"])
    assert stop.value.code == 2
    assert "'nonsense' is none of serial, openmp, blis, openblas, auto" in capsys.readouterr().err


def test_missing_backend_has_no_row_but_a_reason(capsys, monkeypatch):
    monkeypatch.setattr(demo, "backend_reasons", lambda: {"serial": "", "blis": "file is junk"})
    assert demo.usable(["serial", "openmp", "blis", "auto"]) == ["serial", "auto"]
    told = capsys.readouterr().err
    assert "no rows for openmp: not found" in told
    assert "no rows for blis: file is junk" in told
