# SPDX-License-Identifier: BSD-3-Clause
"""The comparison of NumPy's own tests tells which end otherwise."""

import subprocess
import sys
from pathlib import Path

import suite


def test_each_other_end_is_a_difference():
    plain = {
        "a": ("passed", ""),
        "b": ("failed", "text"),
        "c": ("skipped", ""),
        "d": ("passed", ""),
    }
    other = plain | {"a": ("failed", "why"), "c": ("passed", ""), "e": ("passed", "")}
    del other["d"]
    assert suite.differences(plain, plain) == []
    assert suite.differences(plain, other) == [
        ("a", "passed", "failed", "why"),
        ("c", "skipped", "passed", ""),
        ("d", "passed", "absent", ""),
        ("e", "absent", "passed", ""),
    ]


def test_an_unknown_setting_is_named():
    command = [sys.executable, Path(suite.__file__), "sideways"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 2
    assert "sideways" in done.stderr
