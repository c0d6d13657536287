# SPDX-License-Identifier: BSD-3-Clause
"""How often `treadle ab` is wrong, on a machine that does other work meanwhile.

`./dev test honesty` runs all of it; the fast tests have a tenth.
"""

import collections
import json
import os
import subprocess
import sys
import time

import pytest

# Runs, and how many of equal things may be called different: 5 per cent, the nominal share. Of few
# runs there may be more by chance: 3 of 10 once in 90 times.
EQUAL = [(10, 2), pytest.param(200, 10, marks=pytest.mark.slow)]
# Runs, and how many have to find what was planted.
PLANTED = [(2, 1), pytest.param(40, 38, marks=pytest.mark.slow)]
BURN = "import os, time\nwhile os.getppid() == {}: sum(range(20000)); time.sleep(0.001)"


@pytest.fixture
def load():
    """Two neighbours that come and go, with a little less right to the cores."""
    program = ["nice", "-n", "5", sys.executable, "-c", BURN.format(os.getpid())]
    neighbours = [subprocess.Popen(program) for _ in range(2)]
    yield
    for neighbour in neighbours:
        neighbour.kill()
        neighbour.wait()


def results(treadle, runs, *args):
    """The results of so many runs, and the seconds that each took; -s shows the verdicts."""
    found, took = [], []
    for _ in range(runs):
        begin = time.monotonic()
        found += json.loads(treadle("ab", *args, "--json").stdout)["results"]
        took.append(time.monotonic() - begin)
    print("", runs, "runs:", dict(collections.Counter(r["verdict"] for r in found)))
    return found, took


@pytest.mark.usefixtures("load")
@pytest.mark.parametrize(("runs", "alarms"), EQUAL)
def test_equal_things_are_called_different_at_most_at_the_nominal_rate(treadle, runs, alarms):
    args = ["serial", "serial", "--sizes", 3000, "--time", 0.1, "--level", 95]
    found, _ = results(treadle, runs, *args)
    verdicts = [r["verdict"] for r in found]
    assert sum("faster" in v for v in verdicts) <= alarms, verdicts


@pytest.mark.usefixtures("load")
@pytest.mark.parametrize(("runs", "least"), PLANTED)
def test_a_planted_slow_down_of_two_per_cent_is_found(treadle, build_plugin, runs, least):
    plain = build_plugin("plain/treadle-mine.so", "mine")
    slower = build_plugin("slower/treadle-mine.so", "mine", extra=2)
    found, took = results(treadle, runs, plain, slower, "--sizes", 5000, "--time", 20)
    pairs = [len(r["samples"]) for r in found]
    print("  at most", max(pairs), "pairs,", round(max(took), 1), "s")
    assert [r["verdict"] for r in found].count("A faster") >= least, found
