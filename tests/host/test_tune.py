# SPDX-License-Identifier: BSD-3-Clause
"""`treadle tune` from the outside: what it measures, writes, keeps and refuses."""

import json
import os
import re
import signal
import subprocess
import time

import pytest

FAILED, USAGE, INTERRUPTED = 1, 2, 130
# Other tests keep the machine busy: the costs are nonsense, but complete.
QUICK = ["--dtype=f64", "--callers=1", "--sizes=1000,40000", "--rounds=3", "--anyway"]


@pytest.fixture
def home(tmp_path):
    return {"HOME": str(tmp_path), "XDG_CACHE_HOME": ""}


def profiles(folder):
    return sorted(folder.rglob("*"))


def lines_of(file):
    return file.read_text().splitlines()


def doctor(treadle, **variables):
    checks = json.loads(treadle("doctor", "--json", **variables).stdout)["checks"]
    (check,) = [check for check in checks if check["name"] == "profile"]
    return check


def test_what_it_writes_is_used(treadle, home, tmp_path):
    assert "none" in doctor(treadle, **home)["value"]
    assert "profile" not in treadle("explain", "add", "1e6", **home).stdout
    shown = treadle("tune", "add", *QUICK, **home).stdout
    (file,) = (tmp_path / ".cache/treadle").iterdir()
    assert str(file) in shown
    assert file.stat().st_mode & 0o077 == 0
    costs = [line.split() for line in lines_of(file) if line.startswith("cost ")]
    assert ["add", "f64", "serial", "1"] in [cost[1:5] for cost in costs]
    assert all(float(cost[8]) > 0 for cost in costs)
    assert lines_of(file)[-1] == "end"
    assert doctor(treadle, **home) == {
        "name": "profile",
        "status": "ok",
        "value": f"{file}: {len(costs)} costs",
        "advice": "",
    }
    assert "by this machine's profile" in treadle("explain", "add", "1e6", **home).stdout
    off = treadle("explain", "add", "1e6", **home, TREADLE_PROFILE="off").stdout
    assert "profile" not in off


def test_dry_run_writes_nothing(treadle, home, tmp_path):
    done = treadle("tune", "add", "sum", *QUICK, "--dry-run", "--json", **home)
    result = json.loads(done.stdout)
    assert profiles(tmp_path) == []
    assert not result["written"]
    assert {cell["op"] for cell in result["cells"]} == {"add", "sum"}
    assert {cell["size"] for cell in result["cells"]} == {1000, 40000}
    for cell in result["cells"]:
        assert cell["callers"] == 1
        assert cell["work"] == cell["size"] * 24 or cell["op"] == "sum"
        sides = {(side["backend"], side["threads"]): side for side in cell["sides"]}
        assert ("serial", 1) in sides
        assert all(len(side["seconds"]) == 3 for side in sides.values())
        assert all(seconds > 0 for side in sides.values() for seconds in side["seconds"])
    assert any(cost.startswith("cost sum f64 serial 1 ") for cost in result["costs"])


def test_only_missing_leaves_the_rest_alone(treadle, home, tmp_path):
    treadle("tune", "add", *QUICK, **home)
    (file,) = (tmp_path / ".cache/treadle").iterdir()
    before = lines_of(file)
    result = json.loads(
        treadle("tune", "add", "sum", *QUICK, "--only-missing", "--json", **home).stdout
    )
    assert {cell["op"] for cell in result["cells"]} == {"sum"}
    after = lines_of(file)
    assert [line for line in before if line not in after] == []
    assert any(line.startswith("cost sum f64 serial 1 ") for line in after)
    # and measured again, costs take the place of the old ones
    treadle("tune", "add", *QUICK, **home)
    keys = [line.split()[:5] for line in lines_of(file)]
    assert len(keys) == len({tuple(key) for key in keys})


def test_all_times_auto_too(treadle, home):
    done = treadle("tune", "add", *QUICK, "--all", "--dry-run", "--json", **home)
    for cell in json.loads(done.stdout)["cells"]:
        assert ("auto", 0) in [(side["backend"], side["threads"]) for side in cell["sides"]]


def test_an_interrupt_keeps_what_was_measured(treadle, home, tmp_path):
    kept = {name: text for name, text in os.environ.items() if not name.startswith("TREADLE_")}
    command = [treadle.command, "tune", *QUICK]
    process = subprocess.Popen(command, env=kept | home, stdout=subprocess.PIPE, text=True)
    while not any(p.is_file() for p in profiles(tmp_path)) and process.poll() is None:
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=100)
    assert process.returncode == INTERRUPTED
    (file,) = (tmp_path / ".cache/treadle").iterdir()
    assert doctor(treadle, **home)["status"] == "ok"
    assert any(line.startswith("cost add f64 serial 1 ") for line in lines_of(file))


def test_a_refused_profile_is_seen(treadle, home, tmp_path):
    file = tmp_path / "profile"
    file.write_text("treadle-profile 0\n")
    named = home | {"TREADLE_PROFILE": str(file)}
    check = doctor(treadle, **named)
    assert check["status"] == "warn"
    assert check["value"].startswith(f'{file}: it is for "treadle-profile 0"')
    done = treadle("explain", "add", "1e6", **named, TREADLE_VERBOSE="1")
    assert f"profile {file} is not used: " in done.stderr
    assert "profile" not in done.stdout
    # tune puts a good one in its place
    treadle("tune", "add", *QUICK, **named)
    assert doctor(treadle, **named)["status"] == "ok"


@pytest.mark.parametrize("place", [{"HOME": "/proc"}, {"XDG_CACHE_HOME": "/dev/null"}])
def test_where_nothing_can_be_written(treadle, place):
    done = treadle("tune", "add", *QUICK, code=FAILED, **{"XDG_CACHE_HOME": ""} | place)
    assert re.search(r"^treadle: tune: /\S+ cannot be written: ", done.stderr, re.MULTILINE)
    assert "none" in doctor(treadle, **{"XDG_CACHE_HOME": ""} | place)["value"]


@pytest.mark.parametrize("variables", [{"TREADLE_PROFILE": "off"}, {"HOME": "relative"}])
def test_no_place_to_write_to(treadle, home, variables):
    done = treadle("tune", "add", *QUICK, code=FAILED, **home | variables)
    assert done.stderr.count("\n") == 1
    assert "TREADLE_PROFILE" in done.stderr
    treadle("tune", "add", *QUICK, "--dry-run", **home | variables)


@pytest.mark.parametrize(
    ("args", "fragments"),
    [
        (["frobnicate"], ["frobnicate", "add"]),
        (["add", "--callers", "3"], ["--callers", "1, 2, 4 and 8"]),
        (["add", "--callers", "16"], ["--callers", "16", "8"]),
        (["add", "--rounds", "1"], ["--rounds", "'1'", "3"]),
        (["add", "--dtype", "f64,f65"], ["--dtype", "f65"]),
        (["add", "--sizes", "0"], ["--sizes", "'0'"]),
        (["add", "--sizes", "1e15x"], ["--sizes", "1e15x"]),
        (["add", "--sizes", "1000"], ["--sizes", "'1000'", "two sizes"]),
        (["--frobnicate"], ["--frobnicate", "--help"]),
    ],
)
def test_nonsense_is_refused_in_one_sentence(treadle, home, tmp_path, args, fragments):
    done = treadle("tune", *args, code=USAGE, **home)
    assert done.stdout == ""
    assert done.stderr.startswith("treadle: tune: ")
    assert done.stderr.count("\n") == 1
    assert [f for f in fragments if f not in done.stderr] == [], done.stderr
    assert profiles(tmp_path) == []
