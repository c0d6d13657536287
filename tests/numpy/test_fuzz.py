# SPDX-License-Identifier: BSD-3-Clause
"""A few thousand of the random calls of fuzz.py, and proof that it would see a difference."""

import ast
import os
import random
import re
from collections import Counter

import draw_calls
import fuzz
import numpy as np
import pytest
import soak
from random_calls import Alias, Array, Call, carry_out

import treadle

SEED = int(os.environ.get("TREADLE_SEED", "0"))


@pytest.mark.parametrize("family", draw_calls.FAMILIES)
def test_no_call_of_a_family_differs(family):
    failure = fuzz.run_round((family, 400, SEED))[2]
    assert not failure, failure


def test_calls_are_really_served_by_treadle():
    _, seen, failure = fuzz.run_round(("ufunc", 100, SEED))
    assert not failure
    assert seen["large"] > 100


@pytest.mark.parametrize(
    "damage",
    [
        lambda call: Call(call.name, (call.args[0], Array("d", (9,), seed=8)), call.kwargs),
        lambda call: Call("np.subtract", call.args, call.kwargs),
        lambda call: Call(call.name, call.args),
        lambda call: Call(call.name, call.args, {"out": Alias(0, 1)}),
        lambda call: Call(call.name, (1, *call.args[1:]), call.kwargs),
        lambda call: Call(call.name, (Array("d", (8,)), Array("d", (9,)))),
    ],
)
def test_another_call_looks_different(damage):
    call = Call("np.add", (Array("d", (9,)), Array("d", (9,), seed=7)), {"out": Alias(0)})
    assert carry_out(call) == carry_out(call)
    assert carry_out(call) != carry_out(damage(call))


def test_signs_payloads_and_warnings_are_seen():
    def seen(value, **kwargs):
        return carry_out(Call("np.divide", (np.array(value), 1.0), **kwargs))

    other = np.array(np.nan).view("u8") | np.uint64(5)
    assert seen(0.0) != seen(-0.0)
    assert seen(np.nan) != seen(other.view("f8"))
    assert carry_out(Call("np.log", (0.0,)))[1] == [
        ("RuntimeWarning", "divide by zero encountered in log")
    ]


def die(work):
    os._exit(3)


def test_a_round_whose_process_dies_is_a_failure(monkeypatch):
    monkeypatch.setattr(fuzz, "run_round", die)
    assert fuzz.run_apart(("ufunc", 100, 7))[2] == "ufunc, seed 7: the process died"


def test_a_difference_is_shrunk_to_one_call(monkeypatch):
    """A kernel that is wrong for more than 100 elements is found and made small."""
    real = fuzz.carry_out

    def carry_out_wrongly(call):
        outcome = real(call)
        large = any(isinstance(a, Array) and np.prod(a.shape) > 100 for a in call.args)
        return ("wrong", *outcome[1:]) if large and treadle.installed else outcome

    monkeypatch.setattr(fuzz, "carry_out", carry_out_wrongly)
    failure = fuzz.run_round(("operator", 200, SEED))[2]
    assert failure.count("Call(") == 1
    shapes = [ast.literal_eval(text) for text in re.findall(r"shape=(\(.*?\))", failure)]
    assert 100 < max(np.prod(shape) for shape in shapes) <= 300


def test_random_pools_get_the_same_results():
    seen, failure = soak.soak(SEED, seconds=2, drawn=20)
    assert not failure, failure
    assert seen["calls"]


def test_a_pool_with_another_result_fails():
    call = Call("np.add", (Array("d", (9,)), Array("d", (9,), seed=7)))
    other = carry_out(Call("np.subtract", call.args))
    with pytest.raises(AssertionError, match=r"callers.*\n.*differs"):
        soak.run_pool([("ufunc", call, other)], random.Random(SEED), Counter())
