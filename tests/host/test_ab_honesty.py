# SPDX-License-Identifier: BSD-3-Clause
"""How often `treadle ab` is wrong, on a machine that does other work meanwhile."""

import json
import os
import subprocess
import sys

import pytest

pytestmark = pytest.mark.slow

RUNS, ALARMS = 200, 10  # 5 per cent, the nominal share
PLANTED_RUNS, PLANTED_FOUND = 20, 19
BURN = "import os, time\nwhile os.getppid() == {}: sum(range(20000)); time.sleep(0.001)"


@pytest.fixture
def load():
    """Two neighbours that come and go."""
    program = [sys.executable, "-c", BURN.format(os.getpid())]
    neighbours = [subprocess.Popen(program) for _ in range(2)]
    yield
    for neighbour in neighbours:
        neighbour.kill()
        neighbour.wait()


def verdict(treadle, *args):
    return json.loads(treadle("ab", *args, "--json").stdout)["results"][0]["verdict"]


@pytest.mark.usefixtures("load")
def test_equal_things_are_called_different_at_most_at_the_nominal_rate(treadle):
    args = ["serial", "serial", "--sizes", 3000, "--time", 0.1, "--level", 95]
    verdicts = [verdict(treadle, *args) for _ in range(RUNS)]
    assert sum("faster" in v for v in verdicts) <= ALARMS, verdicts


@pytest.mark.usefixtures("load")
def test_a_planted_slow_down_of_two_per_cent_is_found(treadle, build_plugin):
    plain = build_plugin("plain/treadle-mine.so", "mine")
    slower = build_plugin("slower/treadle-mine.so", "mine", extra=2)
    args = [plain, slower, "--sizes", 5000, "--time", 20]
    verdicts = [verdict(treadle, *args) for _ in range(PLANTED_RUNS)]
    assert verdicts.count("A faster") >= PLANTED_FOUND, verdicts
