# SPDX-License-Identifier: BSD-3-Clause
"""treadle.ab(): what it finds, what it refuses, what it leaves as it was."""

import math
import time
from fractions import Fraction
from xml.etree import ElementTree

import numpy as np
import pytest

import treadle
from treadle import _ab
from treadle._picture import as_svg

X = np.random.default_rng(1).random(3000)


def nap():
    """Sleep ten times as long under one backend."""
    time.sleep(0.01 if treadle.get_backend() == "serial" else 0.001)


@pytest.mark.parametrize(
    ("sides", "verdict"),
    [(("serial", "auto"), "B faster"), (("auto", "serial"), "A faster")],
)
def test_finds_a_planted_difference(sides, verdict):
    found = treadle.ab(*sides, nap, seconds=0.1)
    assert found.verdict == verdict
    assert found.low <= found.ratio <= found.high
    assert (found.ratio > 1) == (verdict == "B faster")
    assert found.same_bits is None
    assert len(found.samples) >= 12
    assert found.a_seconds / found.b_seconds == pytest.approx(found.ratio, rel=0.5)
    assert str(found).startswith(f"{verdict}: {sides[0]} (A) ")


def test_expressions_have_values_that_are_compared():
    found = treadle.ab("serial", "openmp", "x + x", globals={"x": X}, seconds=0.05)
    assert found.same_bits is True
    assert found.noise_floor >= 0
    assert "the same bits" in str(found)


def test_statements_and_setups_share_their_names():
    found = treadle.ab("serial", "auto", "y = x * k", setup="k = 3", globals={"x": X}, seconds=0.05)
    assert found.same_bits is None
    assert "not compared" in str(found)


def test_setup_runs_once_and_globals_stay_as_they_were():
    names = {"calls": []}
    treadle.ab("serial", "auto", "z = 1", setup="calls.append(1)", globals=names, seconds=0.02)
    assert names == {"calls": [1]}


def wrong(value):
    result = X.copy()
    if treadle.get_backend() == "serial":
        result[777] = value
    return result


def test_wrong_results_are_refused_with_place_and_values():
    with pytest.raises(ValueError, match=r"index \(777,\) of value 0: A gives 5.0, B gives 0\."):
        treadle.ab("serial", "auto", lambda: wrong(5.0))
    with pytest.raises(ValueError, match="index"):
        treadle.ab("serial", "auto", lambda: wrong(math.nan))
    with pytest.raises(ValueError, match="shapes"):
        treadle.ab("serial", "auto", lambda: X[: 5 + (treadle.get_backend() == "serial")])


def test_roundings_are_no_wrong_results():
    found = treadle.ab("serial", "auto", lambda: wrong(X[777] * (1 + 1e-15)), seconds=0.02)
    assert found.same_bits is False
    assert "equal but for rounding" in str(found)


@pytest.mark.parametrize("installed", [False, True])
def test_leaves_things_as_they_were(installed):
    if installed:
        treadle.install()
    treadle.set_backend("serial")
    treadle.ab("openmp", "auto", "x + x", globals={"x": X}, seconds=0.02)
    with pytest.raises(ZeroDivisionError):
        treadle.ab("openmp", "auto", "1 / 0")
    assert treadle.installed is installed
    assert treadle.get_backend() == "serial"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"a": "nonsense"}, "nonsense"),
        ({"pairs": 0}, "pairs must be from 1 to 1536, not 0"),
        ({"pairs": 2000}, "pairs must be from 1"),
        ({"level": 1}, "level must be from 0.5"),
        ({"seconds": -1}, "must not be negative"),
    ],
)
def test_explains_what_is_wrong(arguments, words):
    with pytest.raises(ValueError, match=words):
        treadle.ab(**({"a": "serial", "b": "auto", "stmt": "1"} | arguments))


def test_fewer_pairs_than_a_look_decide_nothing():
    found = treadle.ab("serial", "auto", nap, pairs=3)
    assert len(found.samples) == 3
    assert (found.low, found.high, found.verdict) == (0, math.inf, "undecided")


# ---- statistics, against counting


def test_ranks_are_those_of_the_binomial_distribution():
    for n in [1, 5, 10, 20, 100, 1536]:
        for alpha in [0.05, 0.00625]:
            k = _ab._outside(n, alpha)
            most = Fraction(alpha) * 2**n / 2
            below = [sum(math.comb(n, i) for i in range(m)) <= most for m in (k, k + 1)]
            assert below == [True, False]


def test_intervals_miss_the_true_median_as_rarely_as_they_say():
    rng = np.random.default_rng(5)
    missed = 0
    for _ in range(1000):
        _, low, high = _ab._interval(list(rng.standard_cauchy(25)), 0.05)
        missed += not low <= 1 <= high
    assert 10 < missed <= 65


def test_orders_are_balanced():
    assert sorted(_ab._ORDERS) == sorted(set(_ab._ORDERS))
    assert sum(order.index("a") < order.index("b") for order in _ab._ORDERS) == 3
    assert all(sorted(order) == ["a", "again", "b"] for order in _ab._ORDERS)


def test_a_notebook_shows_every_pair():
    found = treadle.ab("serial", "auto", nap, seconds=0.1)
    html = found._repr_html_()
    picture = ElementTree.fromstring(html[html.index("<svg") :])
    dots = [e for e in picture.iter() if e.tag.endswith("circle")]
    assert len(dots) == 2 * len(found.samples)
    width = float(picture.get("viewBox").split()[2])
    assert all(0 < float(dot.get("cx")) < width for dot in dots)
    one = next(
        float(e.get("x")) for e in picture.iter() if e.tag.endswith("text") and e.text == "1"
    )
    assert all(float(dot.get("cx")) > one for dot in dots[: len(found.samples)])
    assert str(found).split("\n")[0] in html


def test_a_picture_of_too_few_pairs_has_the_whole_width_as_its_band():
    picture = ElementTree.fromstring(as_svg([("A / B", [1.0, 0.0, 40.0])], 0.0, math.inf))
    band = next(e for e in picture.iter() if e.tag.endswith("rect"))
    assert float(band.get("width")) > 300
