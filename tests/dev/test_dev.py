# SPDX-License-Identifier: BSD-3-Clause
"""./dev and the script that counts test results, from the outside."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

TREE = Path(__file__).parents[2]


def dev(*args, path=None):
    environment = os.environ | ({"PATH": path} if path else {})
    return subprocess.run(
        [TREE / "dev", *args],
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )


def test_help_lists_every_verb():
    script = (TREE / "dev").read_text()
    verbs = re.findall(r"^([a-z]+(?: \| [a-z]+)*)\)", script.split("case $verb in")[1], re.M)
    listed = re.findall(r"^  ([a-z]+) ", dev("help").stdout, re.M)
    assert set(listed) == set(" | ".join(verbs).split(" | ")) - {"help"}


@pytest.mark.parametrize("args", [["nonsense"], ["test", "nonsense"]])
def test_unknown_words_are_refused(args):
    done = dev(*args)
    assert done.returncode == 2
    assert "nonsense" in done.stderr


def test_without_rights_it_names_the_packages_and_stops(tmp_path):
    for name, text in {
        "dpkg-query": '[ "$4" = gcc ] && echo installed',
        "id": "echo 1000",
        "sudo": "exit 1",
    }.items():
        (tmp_path / name).write_text(f"#!/bin/sh\n{text}\n")
        (tmp_path / name).chmod(0o755)
    done = dev("setup", path=f"{tmp_path}:{os.environ['PATH']}")
    assert done.returncode == 1
    missing = done.stderr.splitlines()[-1].split()
    assert "ninja-build" in missing
    assert "gcc" not in missing


def count(tmp_path, *texts):
    files = [tmp_path / f"{i}.xml" for i in range(len(texts))]
    for file, text in zip(files, texts, strict=True):
        if text is not None:
            file.write_text(text)
    done = subprocess.run(
        [sys.executable, TREE / "tests/count.py", *files], capture_output=True, text=True
    )
    return done.returncode, done.stdout.splitlines()


GOOD = '<testsuites><testsuite><testcase name="a"/><testcase name="b"/></testsuite></testsuites>'
BAD = '<t><testcase name="c"><failure/></testcase><testcase name="d"><error/></testcase></t>'
SKIP = '<testsuite><testcase name="e"><skipped/></testcase></testsuite>'


@pytest.mark.parametrize(
    ("texts", "code", "said"),
    [
        ([GOOD, SKIP], 0, ["skipped on this machine: e", "2 passed, 0 failed"]),
        ([GOOD, BAD], 1, ["failed: c, d", "2 passed, 2 failed"]),
        ([GOOD, None], 1, ["failed: 1.xml", "2 passed, 1 failed"]),
        ([SKIP], 1, ["skipped on this machine: e", "0 passed, 0 failed"]),
    ],
)
def test_counts_all_results(tmp_path, texts, code, said):
    got, lines = count(tmp_path, *texts)
    assert (got, [line.replace(f"{tmp_path}/", "") for line in lines]) == (code, said)
