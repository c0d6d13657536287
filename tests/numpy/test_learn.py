# SPDX-License-Identifier: BSD-3-Clause
"""What an element of a loop costs is learned from the first calls, and results stay the same."""

import numpy as np
import pytest
from conftest import differing, python

# The library's view of NumPy's own loop, before and after calls of so many elements. In a process
# of its own: what is learned stays.
PROGRAM = """
import numpy as np, treadle
treadle.install()
function, n, calls = np.{function}, {n}, {calls}
x = np.linspace(1, 2, n).astype("{dtype}")
operands = (x,) * function.nin
before = treadle.explain(function, *operands).limit
for _ in range(calls):
    function(*operands)
print(before, treadle.explain(function, *operands).limit)
"""


def limits(function, n, calls, dtype="f8"):
    result = python("-c", PROGRAM.format(function=function, n=n, calls=calls, dtype=dtype))
    assert result.returncode == 0, result.stderr
    before, after = map(float, result.stdout.split())
    return before, after


@pytest.mark.parametrize(("function", "dtype"), [("power", "f8"), ("cbrt", "f8"), ("sin", "f4")])
def test_eight_calls_teach_a_loop(function, dtype):
    before, after = limits(function, 5000, 8, dtype)
    assert after != before
    assert after > 0


@pytest.mark.parametrize(("n", "calls"), [(5000, 7), (4095, 100)])
def test_few_or_small_calls_teach_nothing(n, calls):
    before, after = limits("cbrt", n, calls)
    assert after == before


def test_a_loop_with_a_kernel_of_its_own_has_nothing_to_learn():
    before, after = limits("sqrt", 5000, 20)
    assert after == before


@pytest.mark.parametrize("n", [4095, 4096, 5000, 300_000])
def test_the_calls_that_teach_are_numpys(n):
    rng = np.random.default_rng(n)
    x, y = rng.normal(size=n), rng.normal(size=n)
    x[::500] = np.resize([np.nan, np.inf, -np.inf, 0.0, -0.0, 1e308, 5e-324], len(x[::500]))
    # Outputs far from the operands: the bits of NumPy 1 depend on whether they touch.
    apart = np.empty(3 * n)[n : 2 * n]
    functions = (np.hypot, np.arctan2, np.power, np.fmod, np.nextafter)
    calls = [(f.__name__, lambda f=f: f(x, y, out=apart).copy()) for f in functions]
    calls += [
        (f"{f.__name__} strided", lambda f=f: f(x[::-2], y[::2], out=apart[: (n + 1) // 2]).copy())
        for f in functions
    ]
    assert differing(12 * calls, least=0) == []
