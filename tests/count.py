# SPDX-License-Identifier: BSD-3-Clause
"""Add up JUnit files and close with "N passed, N failed"; a missing file counts as failed."""

import sys
import xml.etree.ElementTree as ET


def count(path):
    """(number of tests that passed, names of the failed, names of the skipped) in one file."""
    try:
        cases = list(ET.parse(path).iter("testcase"))
    except (OSError, ET.ParseError) as error:
        print(f"{path}: {error}", file=sys.stderr)
        return 0, [str(path)], []

    def names(*ends):
        return [c.get("name", "?") for c in cases if any(c.find(e) is not None for e in ends)]

    failed, skipped = names("failure", "error"), names("skipped")
    return len(cases) - len(failed) - len(skipped), failed, skipped


def main(paths):
    counts = [count(path) for path in paths]
    passed = sum(c[0] for c in counts)
    failed, skipped = ([name for c in counts for name in c[i]] for i in (1, 2))
    for title, tests in ("skipped on this machine", skipped), ("failed", failed):
        if tests:
            print(f"{title}: {', '.join(tests)}")
    print(f"{passed} passed, {len(failed)} failed")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
