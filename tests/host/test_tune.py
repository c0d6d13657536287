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


# ---- costs that others have measured ----------------------------------------------------------


def result(work, one, two, **more):
    """B has two threads; A, the same backend, has one."""
    sides = {
        side: {"backend": "openmp", "threads": k + 1, "seconds": s}
        for k, (side, s) in enumerate([("a", one), ("b", two)])
    }
    call = {"op": "add", "dtype": "f64", "size": work / 24, "work": work, "callers": 1}
    return call | sides | {"samples": [{"a": one, "b": two}] * 5} | more


def seconds(work, threads):
    """100 ns and 10 ps a byte; a team takes 5 us to start."""
    return (100 + 0.01 * work if threads == 1 else 5000 + (100 + 0.01 * work) / 2) * 1e-9


@pytest.fixture
def saved(treadle, home, tmp_path):
    """Write results into a file as if this machine had measured them."""
    args = ["ab", "serial", "serial", "--sizes", 10, "--pairs", 1, "--json"]
    environment = json.loads(treadle(*args, **home).stdout)["environment"]

    def save(*results, name="saved.json", **changes):
        file = tmp_path / name
        document = {"schema": 1, "results": results, "environment": environment | changes}
        file.write_text(json.dumps(document))
        return file

    return save


WORKS = [1e5, 3e5, 1e6, 3e6]


def test_costs_are_taken_from_saved_results(treadle, home, tmp_path, saved):
    results = [result(w, seconds(w, 1), seconds(w, 2)) for w in WORKS]
    odd = [result(1e5, 1, 1, op="add f64 serial 1 1 1 1 1 1\ncost sum"), 7]
    odd += [result(1e5, 1, 1, layout="strided"), result(1e5, 1, 1) | {"work": None}]
    files = [saved(*results[:2], *odd), saved(*results[2:], name="other.json")]
    args = ["tune", "--from", files[0], "--from", files[1], "--json"]
    dry = json.loads(treadle(*args, "--dry-run", **home).stdout)
    # 1200 ns are for threads that sleep.
    assert dry["costs"] == ["cost add f64 openmp 1 100 6200 0 10000 2000"]
    assert not dry["written"]
    assert not (tmp_path / ".cache").exists()
    assert json.loads(treadle(*args, **home).stdout)["costs"] == dry["costs"]
    assert "1 costs" in doctor(treadle, **home)["value"]


def test_teams_are_compared_with_what_the_profile_knows(treadle, home, saved):
    teams = []
    for w in WORKS:
        teams.append(result(w, seconds(w, 1), seconds(w, 2) + 4e-6))
        teams[-1]["a"]["backend"] = "serial"
    alone = "no backend was seen on one thread"
    only_b = [result(w, 0, seconds(w, 2)) for w in WORKS]
    assert alone in treadle("tune", "--from", saved(*only_b), code=FAILED, **home).stderr
    alone_too = [result(w, seconds(w, 1), seconds(w, 2)) for w in WORKS[:2]]
    treadle("tune", "--from", saved(*alone_too), **home)
    done = treadle("tune", "--from", saved(*teams), "--json", **home)
    costs = json.loads(done.stdout)["costs"]
    assert costs == [
        "cost add f64 openmp 1 100 10200 0 10000 2000",
        "cost add f64 serial 1 100 0 0 10000 1000",
    ]


def test_foreign_results_are_refused(treadle, home, tmp_path, saved):
    results = [result(w, seconds(w, 1), seconds(w, 2)) for w in WORKS]
    for changes in [{"cpu": "Another One"}, {"version": "0.0.1"}]:
        done = treadle("tune", "--from", saved(*results, **changes), code=USAGE, **home)
        assert next(iter(changes.values())) in done.stderr
    more = ["tune", "sum", "--from", saved(*results)]
    assert "goes with --dry-run" in treadle(*more, code=USAGE, **home).stderr
    junk = tmp_path / "junk.json"
    junk.write_text("[]")
    assert "no result of 'treadle ab'" in treadle("tune", "--from", junk, code=USAGE, **home).stderr
    assert not (tmp_path / ".cache").exists()


AB = ["ab", "serial", "openmp:2", "--sizes", "2e4,2e5", "--pairs", 12, "--write-profile"]


def test_ab_writes_what_it_has_measured(treadle, home, tmp_path):
    done = treadle(*AB, "--anyway", **home)
    (file,) = (tmp_path / ".cache/treadle").iterdir()
    assert f"Written to {file}" in done.stdout
    costs = {line.split()[3] for line in lines_of(file) if line.startswith("cost add f64 ")}
    assert costs == {"serial", "openmp"}
    assert doctor(treadle, **home)["status"] == "ok"


def test_ab_replaces_a_foreign_profile(treadle, home, tmp_path):
    treadle(*AB, "--anyway", **home)
    (file,) = (tmp_path / ".cache/treadle").iterdir()
    text = file.read_text().replace("\nend", "\ncost sum f64 serial 1 1 0 0 9 1000\nend")
    file.write_text(text)
    treadle(*AB, "--anyway", **home)
    assert any(line.startswith("cost sum ") for line in lines_of(file))
    file.write_text(text.replace("\ncores ", "\ncores 1"))
    treadle(*AB, "--anyway", **home)
    assert not any(line.startswith("cost sum ") for line in lines_of(file))
    assert doctor(treadle, **home)["status"] == "ok"


@pytest.mark.parametrize(
    ("more", "words"),
    [
        (["--layout", "strided"], "contiguous operands"),
        (["--cache", "cold"], "without --inplace"),
        (["--callers", 3], "1, 2, 4 or 8 callers"),
        (["--sizes", 10], "two sizes at least"),
    ],
)
def test_ab_says_what_cannot_become_costs(treadle, home, tmp_path, more, words):
    assert words in treadle(*AB, *more, code=USAGE, **home).stderr
    assert profiles(tmp_path) == []


def test_ab_needs_a_place_for_the_profile(treadle, home):
    done = treadle(*AB, code=FAILED, **home | {"TREADLE_PROFILE": "off"})
    assert "ab: --write-profile: TREADLE_PROFILE=off: there is nothing to write" in done.stderr
    assert done.stdout == ""
