# SPDX-License-Identifier: BSD-3-Clause
"""NumPy's own tests, from its wheel: under Treadle each must end exactly as without it.

    suite.py [SETTING ...] [--tests MODULE ...]

runs them with the Python that runs this file. Tests of f2py are left out: they compile Fortran for
minutes, and compute nothing. Results and logs go to build/suite.
"""

import argparse
import importlib.util
import json
import os
import platform
import subprocess
import sys
import time
from importlib.metadata import version
from pathlib import Path

HERE = Path(__file__).parent
TREE = HERE.parents[1]
PARALLEL = {"TREADLE_MIN": "1", "SUITE_THREADS": "3"}
SETTINGS = {
    "normal": {"SUITE_THREADS": "0"},
    "parallel": PARALLEL,
    "serial": PARALLEL | {"TREADLE_BACKEND": "serial"},
    "openmp": PARALLEL | {"TREADLE_BACKEND": "openmp"},
    "blis": PARALLEL | {"TREADLE_BACKEND": "blis"},
}
IGNORED = (  # as numpy.test() does
    "ignore:Not importing directory",
    "ignore:the matrix subclass is not",
    "ignore:Importing from numpy.matlib is",
    "ignore::UserWarning:cpuinfo",
)


def title():
    return f"NumPy {version('numpy')}, Python {platform.python_version()}"


def pytest_command(site, ini, tests):
    command = [sys.executable, "-P", "-m", "pytest", "-c", ini, f"--rootdir={site}", "-q", "-l"]
    command += ["-p", "suite_plugin", "-p", "no:cacheprovider", "-m", "not slow", "--tb=short"]
    command += ["-n", str(os.cpu_count()), "--dist", "loadfile", f"--ignore={site}/numpy/f2py"]
    for ignored in IGNORED:
        command += ["-W", ignored]
    return [*command, "--pyargs", *tests]


def run(setting, wishes, tests, folder):
    """Run the tests in one setting; return (seconds, what suite_plugin.py wrote down)."""
    folder.mkdir(parents=True, exist_ok=True)
    result, log, ini = folder / f"{setting}.json", folder / f"{setting}.log", folder / "pytest.ini"
    result.unlink(missing_ok=True)
    ini.write_text("[pytest]\n")  # or pytest would take that of the tree around the environment
    site = Path(importlib.util.find_spec("numpy").origin).parents[1]
    keep = {n: v for n, v in os.environ.items() if not n.startswith(("TREADLE_", "SUITE_"))}
    path = os.pathsep.join([str(Path(sys.executable).parent), keep["PATH"]])
    own = {"SUITE_RESULT": str(result), "PYTHONPATH": str(HERE), "PATH": path}
    start = time.monotonic()
    with log.open("w") as file:
        subprocess.run(
            pytest_command(site, ini, tests),
            env=keep | own | wishes,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=subprocess.STDOUT,
            check=False,
        )
    if not result.exists():
        sys.exit(f"{setting}: pytest did not finish:\n{log.read_text()[-3000:]}")
    return time.monotonic() - start, json.loads(result.read_text())


def differences(plain, other):
    """Return (name, plain outcome, other outcome, text of the failure) of those that differ."""
    absent = ("absent", "")
    return [
        (name, plain.get(name, absent)[0], *other.get(name, absent))
        for name in sorted(plain.keys() | other.keys())
        if plain.get(name, absent)[0] != other.get(name, absent)[0]
    ]


def tell(setting, seconds, outcomes, served):
    ends = [outcome for outcome, _ in outcomes.values()]
    counts = ", ".join(f"{ends.count(end)} {end}" for end in sorted(set(ends)))
    work = ", ".join(f"{n} calls by {backend}" for backend, n in sorted(served.items()))
    print(f"  {setting}: {counts} in {seconds:.0f} s" + f"; {work}" * bool(work), flush=True)


def compare(settings, tests, folder):
    """Run plain and in each setting; return (tests that end alike, tests that do not)."""
    print(title(), flush=True)
    seconds, plain = run("plain", {}, tests, folder)
    tell("plain", seconds, plain["outcomes"], {})
    alike = unlike = 0
    for setting in settings:
        seconds, other = run(setting, SETTINGS[setting], tests, folder)
        tell(setting, seconds, other["outcomes"], other["served"])
        wrong = differences(plain["outcomes"], other["outcomes"])
        for name, before, after, text in wrong:
            print(f"  {name} differs: plain {before}, {setting} {after}\n{text}", flush=True)
        if not other["served"]:
            print(f"  {setting}: Treadle has not served a single call")
            unlike += 1
        alike += len(plain["outcomes"]) - len(wrong)
        unlike += len(wrong)
    return alike, unlike


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("setting", nargs="*", help=f"of {', '.join(SETTINGS)}; else all")
    parser.add_argument("--tests", nargs="+", default=["numpy"], metavar="MODULE")
    options = parser.parse_args()
    for name in options.setting:
        if name not in SETTINGS:
            parser.error(f"there is no setting '{name}', only {', '.join(SETTINGS)}")
    folder = TREE / "build" / "suite" / f"{version('numpy')}-{platform.python_version()}"
    alike, unlike = compare(options.setting or SETTINGS, options.tests, folder)
    print(f"{alike} passed, {unlike} failed")
    return 1 if unlike or not alike else 0


if __name__ == "__main__":
    sys.exit(main())
