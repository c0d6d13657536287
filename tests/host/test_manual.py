# SPDX-License-Identifier: BSD-3-Clause
"""The man page and the shells' completions have every command and option that --help has."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest


@pytest.fixture(scope="module")
def share(treadle):
    return Path(treadle.command).parents[1] / "share"


@pytest.fixture(scope="module")
def options(treadle):
    """{command: the options that its help mentions}"""
    commands = re.findall(r"(?m)^  (\w+)  ", treadle("--help").stdout)
    assert {"list", "explain", "ab", "doctor"} <= {*commands}
    helps = {c: treadle(c, "--help").stdout.partition("\n\nExit codes: ")[0] for c in commands}
    return {c: {*re.findall(r"--[a-z][a-z-]+", text)} for c, text in helps.items()}


def test_man_page(share, options):
    page = share / "man/man1/treadle.1"
    shown = subprocess.run(
        ["groff", "-man", "-ww", "-Tascii", "-P-cbou", page], capture_output=True, text=True
    )
    assert (shown.returncode, shown.stderr) == (0, "")
    sections = re.split(r"(?m)^   treadle (\w+)$", shown.stdout)
    found = dict(zip(sections[1::2], sections[2::2], strict=True))
    assert {*found} == {*options}
    for command, names in options.items():
        assert names <= {*re.findall(r"(?m)^ +(--[a-z-]+)", found[command])}, command


def complete_bash(share, *words):
    script = (
        'source $0; COMP_WORDS=(treadle "$@"); COMP_CWORD=$#; _treadle; '
        'printf "%s\\n" "${COMPREPLY[@]}"'
    )
    file = share / "bash-completion/completions/treadle.bash"
    done = subprocess.run(
        ["bash", "-c", script, file, *words], capture_output=True, text=True, check=True
    )
    assert done.stderr == ""
    return {*done.stdout.split()}


def test_bash(share, options):
    assert complete_bash(share, "") == {*options, "help", "--help", "--version"}
    assert complete_bash(share, "help", "") == {*options}
    for command, names in options.items():
        assert complete_bash(share, command, "--") == names
        assert complete_bash(share, command, "") == set()
    assert complete_bash(share, "ab", "--pa") == {"--pairs"}


def test_zsh(share, options):
    text = (share / "zsh/site-functions/_treadle").read_text()
    parts = re.split(r"(?m)^    (\w+)\)", text)
    found = dict(zip(parts[1::2], parts[2::2], strict=True))
    for command, names in options.items():
        assert {*re.findall(r"'\*(--[a-z-]+)\[", found[command])} == names
        assert re.search(rf"(?m)^ +'{command}:\w", text)


def test_fish(share, options):
    text = (share / "fish/vendor_completions.d/treadle.fish").read_text()
    for command, names in options.items():
        found = re.findall(rf"(?m)_from {command}' -l ([a-z-]+) .*-d '\S", text)
        assert {f"--{name}" for name in found} == names
        assert re.search(rf"(?m) -a {command} -d '\w", text)


@pytest.mark.parametrize(
    ("shell", "file"),
    [
        ("bash", "bash-completion/completions/treadle.bash"),
        ("zsh", "zsh/site-functions/_treadle"),
        ("fish", "fish/vendor_completions.d/treadle.fish"),
    ],
)
def test_syntax(share, shell, file):
    if not shutil.which(shell):
        pytest.skip(f"{shell} is not here")
    subprocess.run([shell, "-n", share / file], check=True)
