# SPDX-License-Identifier: BSD-3-Clause
"""Add up JUnit files and close with "N passed, N failed"; a missing file counts as failed."""

import sys
import xml.etree.ElementTree as ET


def count(path):
    """(passed, failed, names of the skipped) in one file."""
    try:
        cases = list(ET.parse(path).iter("testcase"))
    except (OSError, ET.ParseError) as error:
        print(f"{path}: {error}", file=sys.stderr)
        return 0, 1, []
    failed = [c for c in cases if c.find("failure") is not None or c.find("error") is not None]
    skipped = [c.get("name", "?") for c in cases if c.find("skipped") is not None]
    return len(cases) - len(failed) - len(skipped), len(failed), skipped


def main(paths):
    counts = [count(path) for path in paths]
    passed, failed = sum(c[0] for c in counts), sum(c[1] for c in counts)
    skipped = [name for c in counts for name in c[2]]
    if skipped:
        print(f"skipped on this machine: {', '.join(skipped)}")
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
