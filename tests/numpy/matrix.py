# SPDX-License-Identifier: BSD-3-Clause
"""suite.py with every NumPy that is supported, each in a virtual environment of its own.

    matrix.py [--numpy VERSION ...] [SETTING ...]

Environments and builds stay in build/matrix, so that only the first run takes long to begin.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from suite import SETTINGS, TREE

FOLDER = TREE / "build" / "matrix"
# The first NumPy of each Python has the headers for which the package is built.
MATRIX = {
    "3.11": ("2.4.6", "2.2.6", "2.0.2", "1.26.4", "1.24.4"),
    "3.12": ("2.5.5",),
    "3.13": ("2.5.5",),
}
TOOLS = ("pytest", "pytest-xdist", "hypothesis", "meson")
PROBE = """
import os, sys, sysconfig, ensurepip, venv
assert os.path.exists(os.path.join(sysconfig.get_path("include"), "Python.h"))
print("%d.%d" % sys.version_info[:2])
"""


def quietly(*command, **more):
    done = subprocess.run(command, capture_output=True, text=True, **more)
    if done.returncode:
        sys.exit(f"{' '.join(map(str, command))}\n{done.stdout}{done.stderr}")


def find_python(wanted):
    """Return a Python of that version with headers and venv, or None."""
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    candidates = [shutil.which(f"python{wanted}"), *pyenv.glob(f"versions/{wanted}.*/bin/python3")]
    for candidate in filter(None, candidates):
        done = subprocess.run([candidate, "-c", PROBE], capture_output=True, text=True)
        if done.stdout.strip() == wanted:
            return str(candidate)
    return None


def requirements(numpy):
    """The tools in the versions of tests/requirements.txt."""
    lines = (TREE / "tests" / "requirements.txt").read_text().splitlines()
    tools = [line for line in lines if re.split("==", line)[0] in TOOLS]
    return [f"numpy=={numpy}", *tools]


def make_environment(python, base, numpy):
    """Return the Python of an environment that has this NumPy and the build for this Python."""
    venv = FOLDER / python / f"numpy-{numpy}"
    own, stamp = venv / "bin" / "python", venv / "stamp"
    key = f"{base} {requirements(numpy)}"
    if not stamp.exists() or stamp.read_text() != key:
        print(f"preparing NumPy {numpy} for Python {python}", file=sys.stderr)
        shutil.rmtree(venv, ignore_errors=True)
        quietly(base, "-m", "venv", venv)
        pip = (own, "-m", "pip", "install", "--disable-pip-version-check")
        quietly(*pip, *requirements(numpy))
        path = venv / "lib" / f"python{python}" / "site-packages" / "treadle.pth"
        path.write_text(f"{FOLDER / python / 'stage' / 'python'}\n")
        stamp.write_text(key)
    return own


def build(python, own):
    tree, stage = FOLDER / python / "build", FOLDER / python / "stage"
    if not (tree / "build.ninja").exists():
        places = [f"-Dpython.{name}={stage / 'python'}" for name in ("platlibdir", "purelibdir")]
        quietly(
            *("meson", "setup", tree, TREE, f"--prefix={stage}", "-Dlibdir=lib"),
            *("-Dtests=disabled", f"-Dpython={own}", *places),
        )
    quietly("ninja", "-C", tree)
    quietly("meson", "install", "-C", tree, "--quiet", "--no-rebuild", "--only-changed")


def run_suite(own, options):
    """Run suite.py; return its last line's two numbers."""
    command = [own, TREE / "tests" / "numpy" / "suite.py", *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        last = ""
        for last in process.stdout:
            print(last, end="", flush=True)
    counts = re.match(r"(\d+) passed, (\d+) failed", last)
    return (int(counts[1]), int(counts[2])) if counts else (0, 1)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("setting", nargs="*", help=f"of {', '.join(SETTINGS)}; else all")
    parser.add_argument("--numpy", nargs="+", metavar="VERSION", help="only these")
    options = parser.parse_args()
    passed = failed = 0
    missing = []
    for python, versions in MATRIX.items():
        base = find_python(python)
        wanted = [v for v in versions if not options.numpy or v in options.numpy]
        if not base:
            missing += [f"Python {python} (NumPy {', '.join(wanted)})"] if wanted else []
            continue
        for numpy in wanted:
            build(python, make_environment(python, base, versions[0]))
            counts = run_suite(make_environment(python, base, numpy), options.setting)
            passed, failed = passed + counts[0], failed + counts[1]
    if missing:
        print(f"missing on this machine, with headers and venv: {'; '.join(missing)}")
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
