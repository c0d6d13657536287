# SPDX-License-Identifier: BSD-3-Clause
"""For suite.py, inside pytest: put Treadle under NumPy's tests, and write down how each one ends.

All wishes come by variables, because pytest-xdist starts workers of its own.
"""

import json
import os
from collections import Counter

outcomes = {}
served = Counter()


def pytest_configure(config):
    if "SUITE_THREADS" not in os.environ or config.getoption("numprocesses", None):
        return  # a plain run, or the process that only hands out the tests
    import treadle

    treadle.install()
    treadle.set_num_threads(int(os.environ["SUITE_THREADS"]))
    if treadle.status()["problems"] or not treadle.installed:
        raise RuntimeError(f"treadle is not installed: {treadle.status()}")


def outcome_of(report):
    if hasattr(report, "wasxfail"):
        return "xfailed" if report.skipped else "xpassed"
    return report.outcome


def pytest_runtest_logreport(report):
    """Keep the worst of set-up, call and tear-down."""
    outcome = outcome_of(report)
    if outcome != "passed" or report.when == "call":
        text = report.longreprtext[-4000:] if outcome == "failed" else ""
        if outcomes.get(report.nodeid, ("passed",))[0] != "failed":
            outcomes[report.nodeid] = (outcome, text)


def pytest_testnodedown(node, error):
    served.update(getattr(node, "workeroutput", {}).get("served", {}))


def pytest_sessionfinish(session):
    if hasattr(session.config, "workeroutput"):
        if "SUITE_THREADS" in os.environ:
            session.config.workeroutput["served"] = calls_by_backend()
    else:
        with open(os.environ["SUITE_RESULT"], "w") as file:
            json.dump({"outcomes": outcomes, "served": served}, file)


def calls_by_backend():
    import treadle

    calls = Counter()
    for row in treadle.report().rows:
        calls[row["backend"]] += row["calls"]
    return dict(calls)
