# SPDX-License-Identifier: BSD-3-Clause
"""`treadle ab` from the outside: what it finds, what it refuses, what it writes."""

import csv
import io
import json
import os
import re
import signal
import subprocess
import sys

import pytest

OK, FAILED, USAGE, DIFFER, LIMIT, INTERRUPTED = 0, 1, 2, 3, 4, 130


def ab(treadle, *args, **more):
    quick = ["--time", 0.05, "--json"]
    return json.loads(treadle("ab", *args, *quick, **more).stdout)


def test_ab_of_the_same_has_all_fields(treadle):
    report = ab(treadle, "serial", "serial", "--sizes", "100,1000", "--seed", 7)
    assert report["schema"] == 1
    assert report["seed"] == 7
    assert report["noise_floor"] >= 0
    assert report["environment"]["cores"] == os.cpu_count()
    assert report["environment"]["turbo"] in ("on", "off", "")
    assert [r["size"] for r in report["results"]] == [100, 1000]
    for result in report["results"]:
        assert result["op"] == "add"
        assert result["dtype"] == "f64"
        assert result["callers"] == 1
        assert result["verified"] is True
        assert result["verdict"] in {"same", "undecided", "A faster", "B faster"}
        assert len(result["samples"]) >= 12
        assert sum(s["a_first"] for s in result["samples"]) > 0
        assert 0 < result["low"] <= result["ratio"] <= result["high"]
        for side in "ab":
            assert result[side]["backend"] == "serial"
            assert result[side]["threads"] == result[side]["granted"] == 1
            assert result[side]["seconds"] * result[side]["calls_per_sample"] > 1e-4


@pytest.mark.skipif(len(os.sched_getaffinity(0)) < 2, reason="there is but one core")
def test_ab_tells_threads_and_grants(treadle):
    report = ab(treadle, "serial", "openmp:2", "--sizes", "1e6", "--pairs", 12)
    side = report["results"][0]["b"]
    assert side["granted"] == 2
    assert 1 <= side["threads"] <= 2


def test_ab_pairs_are_balanced(treadle):
    report = ab(treadle, "serial", "serial", "--sizes", 100, "--pairs", 12)
    assert sum(s["a_first"] for s in report["results"][0]["samples"]) == 6


@pytest.mark.parametrize("order", [("serial", "slow"), ("slow", "serial")])
def test_ab_finds_a_planted_slow_backend(treadle, plugin_folder, order):
    report = ab(treadle, *order, "--sizes", "1e4", plugins=plugin_folder)
    result = report["results"][0]
    assert result["verdict"] == ("A faster" if order[1] == "slow" else "B faster")
    assert (result["ratio"] < 1) == (order[1] == "slow")


def test_ab_refuses_a_planted_wrong_backend(treadle, plugin_folder):
    args = ["ab", "serial", "wrong", "--sizes", "1000", "--seed", 1]
    done = treadle(*args, plugins=plugin_folder, code=DIFFER)
    assert done.stdout == ""
    found = re.search(
        r"serial \(A\) and wrong \(B\) differ: index 777 of output 0: A gives (\S+), B gives (\S+)",
        done.stderr,
    )
    assert found, done.stderr
    assert float(found[2]) - float(found[1]) == pytest.approx(0.25)


def test_ab_does_not_see_what_is_not_wrong(treadle, plugin_folder):
    report = ab(treadle, "serial", "wrong", "--sizes", "700", plugins=plugin_folder)
    assert report["results"][0]["verified"]


def test_ab_allows_products_a_rounding_error_only(treadle, plugin_folder):
    args = ["--op", "matmul", "--sizes", 50]
    result = ab(treadle, "serial", "rounds", *args, plugins=plugin_folder)["results"][0]
    assert result["same_bits_required"] is False
    assert 0 < result["difference"] < 1e-13
    done = treadle("ab", "serial", "wrong", *args, plugins=plugin_folder, code=DIFFER)
    assert re.search(r"index \d+ of output 0: A gives \S+, B gives \S+", done.stderr)


def test_ab_takes_callers_types_and_axes(treadle):
    options = ["--op", "sum", "--sizes", "30x40", "--axis", 0, "--dtype", "f32", "--callers", 3]
    result = ab(treadle, "serial", "auto", *options)["results"][0]
    assert result["callers"] == 3
    assert result["shape"] == "30x40"


def test_ab_takes_a_list_of_types(treadle):
    args = ["serial", "serial", "--sizes", "100,200", "--dtypes", "f64,f32", "--pairs", 12]
    results = ab(treadle, *args)["results"]
    found = [(r["dtype"], r["size"]) for r in results]
    assert found == [(t, n) for t in ["f64", "f32"] for n in [100, 200]]
    done = treadle("ab", "serial", "serial", "--dtypes", "f64,f23", code=USAGE)
    assert "--dtypes: 'f23' is not an element type" in done.stderr


def test_ab_without_the_operation_says_so(treadle, plugin_folder):
    done = treadle(
        "ab", "serial", "slow", "--op", "svd", "--sizes", 10, plugins=plugin_folder, code=FAILED
    )
    assert "svd" in done.stderr


def test_ab_prints_what_it_has_when_interrupted(treadle):
    command = [treadle.command, "ab", "serial", "serial", "--same", "0", "--json"]
    command += ["--sizes", "1e5:1e6:log40", "--time", "5"]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert "pair" in process.stderr.readline()
        process.send_signal(signal.SIGINT)
        out, _ = process.communicate(timeout=60)
    assert process.returncode == INTERRUPTED
    report = json.loads(out)
    assert report["interrupted"] is True
    assert 0 < len(report["results"]) < 41


# ---- layouts and memory


LAYOUTS = ["contiguous", "strided", "transposed", "misaligned", "broadcast"]


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("op", ["add", "multiply"])
def test_ab_lays_operands_out_as_asked(treadle, layout, op):
    args = ["serial", "openmp:2", "--op", op, "--sizes", "200x300", "--layout", layout]
    result = ab(treadle, *args)["results"][0]
    assert result["layout"] == layout
    assert result["verified"] is True
    assert result["a"]["backend"] == "serial"


@pytest.mark.parametrize("layout", LAYOUTS[:4])
@pytest.mark.parametrize("op", ["svd", "eigh", "solve", "matmul"])
def test_ab_lays_matrices_out_too(treadle, layout, op):
    if '"blis"' not in treadle("list", "--json").stdout:
        pytest.skip("blis was not built")
    args = ["blis", "blis:1", "--op", op, "--sizes", 25, "--layout", layout]
    assert ab(treadle, *args)["results"][0]["verified"] is True


@pytest.mark.parametrize("layout", LAYOUTS[:4])
def test_ab_lays_reductions_out_too(treadle, layout):
    args = ["serial", "openmp:2", "--op", "sum", "--sizes", "40x5000", "--layout", layout]
    assert ab(treadle, *args)["results"][0]["verified"] is True


def test_ab_sees_wrong_results_in_every_layout(treadle, plugin_folder):
    for layout in ["strided", "misaligned", "broadcast"]:
        args = ["ab", "serial", "wrong", "--sizes", 1000, "--layout", layout]
        done = treadle(*args, plugins=plugin_folder, code=DIFFER)
        assert "index 777 of output 0" in done.stderr


def test_ab_works_in_place(treadle, plugin_folder):
    for op in ["add", "multiply", "divide", "sqrt", "square"]:
        result = ab(treadle, "serial", "openmp", "--op", op, "--sizes", 5000, "--inplace")
        assert result["results"][0]["in_place"] is True
    args = ["ab", "serial", "wrong", "--sizes", 1000, "--inplace"]
    assert "index 777" in treadle(*args, plugins=plugin_folder, code=DIFFER).stderr


def test_ab_takes_cold_caches_and_fresh_outputs(treadle):
    args = ["serial", "serial", "--sizes", "1e5", "--output", "fresh", "--cache", "cold"]
    result = ab(treadle, *args)["results"][0]
    assert (result["cache"], result["output"]) == ("cold", "fresh")


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (["--layout", "diagonal"], "'diagonal' is no layout; use contiguous"),
        (["--layout", "transposed"], "--layout: transposed needs a shape with two axes"),
        (["--layout", "broadcast", "--op", "sum"], "broadcast is for add and others"),
        (["--inplace", "--op", "sum"], "--inplace is for element-wise operations, not for sum"),
        (["--inplace", "--output", "fresh"], "--inplace"),
        (["--cache", "lukewarm"], "'lukewarm' is neither warm nor cold"),
        (["--output", "stale"], "'stale' is neither reused nor fresh"),
        (["--fail-if", "slower"], "'slower' is not like slower:3%"),
        (["--fail-if", "slower:3"], "'slower:3' is not like slower:3%"),
        (["--fail-if", "other:3%"], "'other:3%' is not like"),
        (["--fail-if", "slower:x%"], "'x' is not a number"),
    ],
)
def test_ab_explains_what_does_not_fit(treadle, args, words):
    assert words in treadle("ab", "serial", "serial", *args, code=USAGE).stderr


# ---- plugins by path, limits


def test_ab_compares_two_builds_of_one_plugin(treadle, build_plugin):
    old = build_plugin("old/treadle-mine.so", "mine", repeat=1)
    new = build_plugin("new/treadle-mine.so", "mine", repeat=50)
    report = ab(treadle, old, new, "--sizes", "1e4")
    result = report["results"][0]
    assert (report["a"], report["b"]) == (str(old), str(new))
    assert (result["a"]["backend"], result["b"]["backend"]) == ("mine.a", "mine.b")
    assert result["verdict"] == "A faster"


def test_ab_takes_threads_behind_a_path(treadle, build_plugin):
    plugin = build_plugin("one/treadle-mine.so", "mine", repeat=1)
    result = ab(treadle, f"{plugin}:1", "serial", "--sizes", 1000)["results"][0]
    assert result["a"]["backend"] == "mine.a"


def test_ab_explains_a_path_that_is_no_plugin(treadle, tmp_path):
    junk = tmp_path / "treadle-junk.so"
    junk.write_text("not a library\n")
    assert "cannot be loaded" in treadle("ab", junk, "serial", code=USAGE).stderr
    missing = treadle("ab", "serial", "./no/such.so", code=USAGE).stderr
    assert "./no/such.so: there is no such file" in missing


def test_ab_fails_if_b_is_slower(treadle, plugin_folder):
    args = ["ab", "serial", "slow", "--sizes", "1e4", "--time", 5, "--fail-if"]
    done = treadle(*args, "slower:3%", plugins=plugin_folder, code=LIMIT)
    assert "add of 10000: B is slower than A by more than 3 %" in done.stderr
    assert "A faster" in done.stdout
    treadle(*args, "faster:3%", plugins=plugin_folder)
    swapped = ["ab", "slow", "serial", *args[3:]]
    treadle(*swapped, "slower:3%", plugins=plugin_folder)
    treadle(*swapped, "faster:3%", plugins=plugin_folder, code=LIMIT)


def test_ab_cuts_off_a_hang(treadle, build_plugin):
    plugin = build_plugin("hangs/treadle-hangs.so", "hangs", hang=500)
    args = ["ab", "serial", plugin, "--time", 0.05, "--limit", 1, "--sizes"]
    done = treadle(*args, "100,500", code=FAILED)
    assert "add under hangs.b (B) is not back after 1 s" in done.stderr
    treadle(*args, "100,501")


# ---- kept and compared


def save(treadle, name, *args, **more):
    args = [*args, "--sizes", "1e3,1e4", "--time", 0.2, "--save", name, "--json"]
    return json.loads(treadle("ab", *args, **more).stdout)


def test_ab_saves_under_a_name(treadle, tmp_path):
    report = save(treadle, "monday", "serial", "serial", XDG_DATA_HOME=str(tmp_path))
    file = tmp_path / "treadle" / "ab" / "monday.json"
    assert json.loads(file.read_text()) == report
    home = tmp_path / "home"
    home.mkdir()
    save(treadle, "tuesday", "serial", "serial", HOME=str(home), XDG_DATA_HOME="")
    assert (home / ".local/share/treadle/ab/tuesday.json").exists()


def test_ab_saves_into_a_file_or_says_why_not(treadle, tmp_path):
    of_another = tmp_path / "x.json.new"
    of_another.write_text("unfinished")
    save(treadle, tmp_path / "x.json", "serial", "serial")
    assert json.loads((tmp_path / "x.json").read_text())["schema"] == 1
    assert of_another.read_text() == "unfinished"
    assert len(list(tmp_path.iterdir())) == 2
    args = ["serial", "serial", "--sizes", 10, "--time", 0.02, "--save", tmp_path / "no" / "x.json"]
    assert "cannot be written" in treadle("ab", *args, code=FAILED).stderr


def test_ab_compare_finds_what_was_lost_and_gained(treadle, tmp_path):
    good, bad = tmp_path / "good.json", tmp_path / "bad.json"
    document = save(treadle, good, "serial", "serial")
    for file, ratio in [(good, 1.0), (bad, 0.5)]:
        for result in document["results"]:
            result |= {"ratio": ratio, "low": ratio * 0.99, "high": ratio * 1.02}
        file.write_text(json.dumps(document))
    done = treadle("ab", "compare", good, bad, "--json")
    changes = json.loads(done.stdout)["changes"]
    assert [c["size"] for c in changes] == [1000, 10000]
    for c in changes:
        assert c["verdict"] == "B lost"
        assert c["change"] == pytest.approx(0.5)
        assert c["low"] == pytest.approx(0.5 * 0.99 / 1.02)
        assert c["high"] == pytest.approx(0.5 * 1.02 / 0.99)
    done = treadle("ab", "compare", good, bad, "--fail-if", "slower:3%", code=LIMIT)
    assert "B has become slower against A by more than 3 %" in done.stderr
    assert treadle("ab", "compare", bad, good).stdout.count("B gained") == 2
    treadle("ab", "compare", bad, good, "--fail-if", "slower:3%")


def test_ab_compare_of_one_result_with_itself_has_lost_nothing(treadle, tmp_path):
    file = tmp_path / "x.json"
    save(treadle, file, "serial", "serial")
    changes = json.loads(treadle("ab", "compare", file, file, "--json").stdout)["changes"]
    assert {c["change"] for c in changes} == {1}
    assert {c["verdict"] for c in changes} <= {"same", "undecided"}


def test_ab_compare_explains_what_it_cannot_compare(treadle, tmp_path):
    file, other = tmp_path / "x.json", tmp_path / "y.json"
    save(treadle, file, "serial", "serial")
    document = json.loads(file.read_text())
    for result in document["results"]:
        result["dtype"] = "f32"
    other.write_text(json.dumps(document))
    assert "no call in common" in treadle("ab", "compare", file, other, code=USAGE).stderr
    other.write_text(json.dumps({"schema": 99, "results": []}))
    assert "schema 1" in treadle("ab", "compare", file, other, code=USAGE).stderr
    other.write_text("{")
    assert str(other) in treadle("ab", "compare", file, other, code=USAGE).stderr
    assert "2 were" not in treadle("ab", "compare", file, code=USAGE).stderr


# ---- formats


def test_ab_writes_markdown(treadle):
    args = ["ab", "serial", "serial", "--sizes", "100,1e4", "--time", 0.05, "--markdown"]
    lines = treadle(*args).stdout.splitlines()
    rows = [line for line in lines if line.startswith("| add | f64 | ")]
    assert len(rows) == 2
    assert all(row.count("|") == 9 for row in [*rows, lines[2], lines[3]])


def test_ab_writes_csv(treadle):
    args = ["ab", "serial", "openmp:2", "--sizes", "100,1e4", "--time", 0.05, "--csv"]
    rows = list(csv.DictReader(io.StringIO(treadle(*args).stdout)))
    assert [row["size"] for row in rows] == ["100", "10000"]
    assert all(None not in row and None not in row.values() for row in rows)
    assert all(float(row["low"]) <= float(row["ratio"]) <= float(row["high"]) for row in rows)
    assert all(row["b_spec"] == "openmp:2" and int(row["pairs"]) >= 12 for row in rows)
    assert all(float(row["a_share"]) > 0 and float(row["b_limit"]) > 0 for row in rows)


def test_ab_rates_are_bytes_over_seconds(treadle):
    result = ab(treadle, "serial", "serial", "--sizes", 1000)["results"][0]
    assert result["a"]["unit"] == "GB/s"
    assert result["a"]["rate"] * result["a"]["seconds"] == pytest.approx(3 * 8 * 1000 * 1e-9)
    result = ab(treadle, "serial", "serial", "--op", "matmul", "--sizes", 30)["results"][0]
    assert result["a"]["unit"] == "GFLOP/s"
    assert result["a"]["rate"] * result["a"]["seconds"] == pytest.approx(2 * 30**3 * 1e-9)


def test_ab_shares_are_rates_of_all_callers_over_the_limit(treadle):
    args = ["serial", "serial", "--sizes", 1000, "--callers", 2, "--pairs", 12]
    for op, cache in [("add", "warm"), ("sum", "cold"), ("dot", "warm"), ("matmul", "warm")]:
        more = ["--op", op, "--cache", cache, "--sizes", 50 if op == "matmul" else 1000]
        result = ab(treadle, *args, *more)["results"][0]
        for side in [result["a"], result["b"]]:
            assert side["limit"] > 0
            assert side["share"] == pytest.approx(2 * side["rate"] / side["limit"])
    table = treadle("ab", "serial", "serial", "--sizes", 1000, "--pairs", 12).stdout
    assert len(re.findall(r"GB/s \(\d+ %\)", table)) == 2
    markdown = treadle("ab", "serial", "serial", "--sizes", 10, "--pairs", 12, "--markdown").stdout
    assert len(re.findall(r"GB/s, \d+ % of limit", markdown)) == 2


def page_of(treadle, folder):
    file = folder / "page.html"
    args = ["serial", "serial", "--sizes", "1e2:1e5:log", "--time", 0.05, "--html", file, "--json"]
    return file, json.loads(treadle("ab", *args).stdout)


def test_ab_page_stands_alone_and_has_the_data(treadle, tmp_path):
    file, report = page_of(treadle, tmp_path)
    page = file.read_text()
    assert not re.search(r"<link|<img|@import|url\(|src=|https?://(?!www\.w3\.org/2000/svg)", page)
    data = re.search(r'<script type="application/json" id="data">(.*?)</script>', page, re.DOTALL)
    assert json.loads(data[1]) == report


def test_ab_page_cannot_be_broken_by_what_is_in_it(treadle, build_plugin, tmp_path):
    plugin = build_plugin("</script><b>/treadle-mine.so", "mine", repeat=1)
    file = tmp_path / "page.html"
    args = ["ab", plugin, "serial", "--sizes", 100, "--time", 0.02, "--html", file]
    treadle(*args)
    assert file.read_text().count("</script>") == 2


LOOK = """
  const buttons = document.querySelectorAll("#sizes button");
  buttons[buttons.length > 2 ? 2 : 0].click();
  return {
    pressed: [...buttons].map(b => b.getAttribute("aria-pressed")),
    kinds: [...document.querySelectorAll("#kinds button")].map(b => b.textContent),
    marks: document.querySelectorAll("#curve circle").length,
    dots: document.querySelectorAll("#pairs .sample").length,
    rows: document.querySelectorAll("#rows tr").length,
  };
"""


@pytest.mark.parametrize(("width", "dark"), [(1000, False), (390, True)])
def test_ab_page_draws_itself_in_a_browser(treadle, browse, tmp_path, width, dark):
    file, report = page_of(treadle, tmp_path)
    seen = browse(file, LOOK, width, dark)
    assert seen["pressed"] == ["false", "false", "true", "false"]
    assert seen["rows"] == seen["marks"] == len(report["results"]) == 4
    assert seen["kinds"] == ["add f64"]
    assert seen["dots"] == len(report["results"][2]["samples"])


def live_result(op, size, **more):
    side = {"spec": "serial", "backend": "serial", "seconds": 1e-4, "threads": 1}
    samples = [{"a": 1e-4, "b": 2e-4, "a_first": True}] * 3
    ends = {"verdict": "undecided", "verified": None, "same_bits_required": True}
    call = {"op": op, "dtype": "f64", "size": size, "shape": f"{size}", "callers": 1, "ratio": 0.5}
    return (
        call | ends | {"low": None, "high": None, "a": side, "b": side, "samples": samples} | more
    )


@pytest.mark.parametrize("count", [0, 3])
def test_ab_page_draws_a_live_result(treadle, browse, tmp_path, count):
    file, report = page_of(treadle, tmp_path)
    results = [live_result("add", 3000), live_result("sqrt", 10), live_result("add", 1000)]
    results[1] |= {"shape": "512..1023", "low": 0.4, "high": 0.6, "verdict": "A faster"}
    live = {"live": True, "share": 0.1, "environment": {"cores": 2}, "results": results[:count]}
    del report["seed"]
    page = file.read_text()
    data = re.search(r'(<script type="application/json" id="data">).*?(</script>)', page, re.DOTALL)
    file.write_text(page.replace(data[0], data[1] + json.dumps(report | live) + data[2]))
    seen = browse(file, LOOK.replace("buttons[", "buttons[0] && buttons["))
    assert seen["rows"] == count
    assert seen["kinds"] == (["add f64", "sqrt f64"] if count else [])
    assert seen["marks"] == (2 if count else 0)


# ---- whole programs


def programs(treadle, *args, code=OK):
    done = treadle("ab", *args, code=code)
    return json.loads(done.stdout) if "--json" in args and code == OK else done


def test_ab_of_a_program_finds_the_slower_environment(treadle):
    env = ["--env", "NAP=0.01", "--env", "NAP=0.2 OTHER=1", "--time", 1]
    report = programs(treadle, *env, "--json", "--", "sh", "-c", "sleep $NAP")
    (result,) = report["results"]
    assert result["op"] == "program"
    assert result["verdict"] == "A faster"
    assert result["verified"] is True
    assert result["low"] <= result["ratio"] <= result["high"] < 1
    assert len(result["samples"]) >= 12
    assert result["b"]["spec"] == "NAP=0.2 OTHER=1"
    assert result["b"]["cpu_seconds"] > 0
    assert result["b"]["seconds"] > 0.2


def test_ab_of_a_program_keeps_the_rest_of_the_environment(treadle):
    script = "import os; print(sorted(k for k in os.environ if k in 'HOME PATH X Y'.split()))"
    env = ["--env", "X=1", "--env", "X=2", "--pairs", 1]
    report = programs(treadle, *env, "--json", "--", sys.executable, "-c", script)
    assert report["results"][0]["verified"] is True
    env[1] = "Y=1"
    done = programs(treadle, *env, "--", sys.executable, "-c", script)
    assert "stdout: not the same in all runs" in done.stdout
    assert "too few pairs" in done.stdout


def test_ab_warns_of_short_runs(treadle):
    def warnings(seconds):
        env = ["--env", "A=1", "--env", "A=2", "--pairs", 3]
        report = programs(treadle, *env, "--json", "--", "sleep", str(seconds))
        return " ".join(report["warnings"])

    assert "much of it to start the program" in warnings(0)
    assert "to start the program" not in warnings(0.1)


def test_ab_of_a_program_takes_fail_if_and_save(treadle, tmp_path):
    file = tmp_path / "runs.json"
    env = ["--env", "NAP=0.01", "--env", "NAP=0.2", "--time", 1, "--save", file]
    run = [*env, "--fail-if", "slower:3%", "--", "sh", "-c", "sleep $NAP"]
    assert "B is slower than A by more than 3 %" in programs(treadle, *run, code=LIMIT).stderr
    changes = json.loads(treadle("ab", "compare", file, file, "--json").stdout)["changes"]
    assert [(c["op"], c["change"]) for c in changes] == [("program", 1)]
    assert json.loads(file.read_text())["results"][0]["verdict"] == "A faster"


@pytest.mark.parametrize(
    ("args", "code", "words"),
    [
        (["--env", "X=1", "--", "true"], USAGE, "needs --env twice"),
        (["--env", "X=1", "--env", "X", "--", "true"], USAGE, "'X' is not like NAME=VALUE"),
        (["--env", "X=1", "--env", "X=2", "--"], USAGE, "there is no program behind --"),
        (["serial", "--env", "X=1", "--", "true"], USAGE, "'serial' stands before --"),
        (["--env", "X=1", "--env", "", "--", "no-such-program"], FAILED, "no-such-program"),
        (["--env", "X=1", "--env", "X=2", "--", "false"], FAILED, "false ended with exit code 1"),
        (
            ["--env", "X=1", "--env", "X=2", "--", "sh", "-c", "echo oops >&2; kill -9 $$"],
            FAILED,
            "oops\ntreadle: ab: ",
        ),
    ],
)
def test_ab_of_a_program_explains_what_is_wrong(treadle, args, code, words):
    assert words in programs(treadle, *args, code=code).stderr


# ---- recorded calls ---------------------------------------------------------------------------


def event(op, begin, duration, thread=1, **operands):
    args = {"backend": "serial", "elements": 1} | operands
    return {"name": op, "ph": "X", "ts": begin, "dur": duration, "tid": thread, "args": args}


@pytest.fixture
def trace(tmp_path):
    """Two threads add and multiply; a third sums columns after a long pause; a loop is unknown."""
    events = [
        event("loop", 999, 50),
        *[event("add", 1000 + 100 * i, 90, dtype="f64", shapes="2000,2000") for i in range(6)],
        *[
            event("matmul", 1000 + 100 * i, 99, 2, dtype="f64", shapes="20x30,30x10")
            for i in [0, 1]
        ],
        event("sum", 9e9, 50, 3, dtype="f32", shapes="50x40", axes="0"),
    ]
    path = tmp_path / "trace.json"
    path.write_text("[\n" + "".join(json.dumps(e) + ",\n" for e in events))
    return path


def replay(treadle, *args, **more):
    done = treadle("ab", *args, "--pairs", 12, "--json", **more)
    (result,) = json.loads(done.stdout)["results"]
    return result, done.stderr


def test_ab_replays_what_was_recorded(treadle, trace):
    result, said = replay(treadle, "serial", "serial", "--replay", trace)
    assert "replaying 9 of 10 calls by 3 threads" in said
    assert result["op"] == "replay"
    assert result["shape"] == "9 calls"
    assert result["callers"] == 3
    assert result["verified"] is True
    assert result["same_bits_required"] is False
    assert len(result["samples"]) == 12
    assert all(0 < s["a"] < 9 for s in result["samples"]), "the pause is left out"


def test_ab_finds_a_planted_slow_backend_in_a_replay(treadle, trace, plugin_folder):
    result, _ = replay(treadle, "serial", "slow", "--replay", trace, plugins=plugin_folder)
    assert result["verdict"] == "A faster"
    assert result["b"]["backend"] in {"slow", "serial"}


def test_ab_refuses_a_planted_wrong_backend_in_a_replay(treadle, trace, plugin_folder):
    args = ["ab", "serial", "wrong", "--replay", trace]
    done = treadle(*args, plugins=plugin_folder, code=DIFFER)
    assert "add f64 of 2000: serial (A) and wrong (B) differ: index 777" in done.stderr


def test_ab_explains_a_trace_that_cannot_be_replayed(treadle, trace, tmp_path):
    empty = tmp_path / "empty.json"
    empty.write_text("[\n" + json.dumps(event("loop", 1, 1)) + ",\n")
    for args, words in [
        ([tmp_path / "none.json"], "none.json is no trace of TREADLE_TRACE: it cannot be read"),
        ([__file__], "is no trace of TREADLE_TRACE"),
        ([empty], "has 1 calls, but none of an operation"),
        ([trace, "--op", "add"], "--replay: the trace says what --op would"),
        ([trace, "--callers", 2], "--replay: the trace says what --callers would"),
    ]:
        done = treadle("ab", "serial", "serial", "--replay", *args, code=USAGE)
        assert words in done.stderr
        assert done.stdout == ""
