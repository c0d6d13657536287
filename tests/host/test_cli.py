# SPDX-License-Identifier: BSD-3-Clause
"""The treadle command from the outside: what it prints, what it refuses, what it exits with."""

import json
import os
import pty
import re
import signal
import subprocess
import termios
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
COMMANDS = ["list", "explain", "bench", "ab", "tune", "check", "doctor", "run", "top"]
OK, FAILED, USAGE, DIFFER, INTERRUPTED = 0, 1, 2, 3, 130


# ---- all commands


def test_version_is_one_line(treadle):
    assert re.fullmatch(r"treadle \d+\.\d+\.\d+\n", treadle("--version").stdout)


def test_help_lists_the_commands(treadle):
    text = treadle("help").stdout
    assert treadle("--help").stdout == text
    assert treadle(code=USAGE).stdout == text
    assert all(re.search(rf"^  {command} ", text, re.MULTILINE) for command in COMMANDS)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_help_has_usage_examples_and_exit_codes(treadle, command):
    text = treadle(command, "--help").stdout
    assert treadle("help", command).stdout == text
    assert text.startswith(f"usage: treadle {command}")
    assert "--json" in text
    assert f"Examples:\n  treadle {command}" in text
    assert "Exit codes: 0 ok, 1 failed, 2 wrong usage, 3 results differ" in text
    assert all(len(line) <= 100 for line in text.splitlines())


@pytest.mark.parametrize(
    ("args", "fragments"),
    [
        (["frobnicate"], ["frobnicate", "list"]),
        (["help", "frobnicate"], ["frobnicate"]),
        (["--version", "junk"], ["junk"]),
        (["list", "--frobnicate"], ["list", "--frobnicate", "--help"]),
        (["list", "junk"], ["list", "junk"]),
        (["doctor", "junk"], ["doctor", "junk"]),
        (["top", "junk"], ["top", "junk"]),
        (["top", "--interval", "0"], ["--interval", "'0'", "0.05"]),
        (["top", "--interval"], ["--interval", "value"]),
        (["explain"], ["explain", "operation", "add"]),
        (["explain", "add"], ["shape"]),
        (["explain", "frobnicate", "10"], ["frobnicate", "add", "matmul"]),
        (["explain", "add", "10y10"], ["10y10", "1000x1000"]),
        (["explain", "add", "x"], ["'x'"]),
        (["explain", "add", "-5"], ["-5"]),
        (["explain", "add", "1.5"], ["1.5"]),
        (["explain", "add", "10", "20"], ["broadcast"]),
        (["explain", "add", "10", "10", "10"], ["add", "3 shapes"]),
        (["explain", "add", "1e15x1e15"], ["memory"]),
        (["explain", "matmul", "3x4", "5x6"], ["matmul", "MxK"]),
        (["explain", "solve", "3x4"], ["square"]),
        (["explain", "add", "10", "--dtype", "f65"], ["--dtype", "f65", "f64"]),
        (["explain", "add", "10", "--callers", "0"], ["--callers", "'0'", "1"]),
        (["explain", "add", "10", "--axis", "0"], ["--axis", "sum"]),
        (["explain", "sum", "10x10", "--axis", "2"], ["'2'", "-2 to 1"]),
        (["explain", "add", "10", "--callers"], ["--callers", "value"]),
        (["explain", "add", "10", "--backend", "nonsense"], ["nonsense", "serial"]),
        (["bench", "frobnicate"], ["frobnicate", "add"]),
        (["bench", "add", "--sizes", "1e3:1e2:log"], ["--sizes", "1e3:1e2:log", "LOW:HIGH:log"]),
        (["bench", "add", "--sizes", "0"], ["--sizes", "0"]),
        (["bench", "add", "--threads", "1,none"], ["--threads", "none"]),
        (["bench", "dispatch", "add"], ["dispatch", "alone"]),
        (["bench", "--axis", "0"], ["--axis", "names of reductions"]),
        (["ab"], ["ab", "two backends"]),
        (["ab", "serial"], ["two backends", "1"]),
        (["ab", "serial", "serial", "junk"], ["two backends", "3"]),
        (["ab", "serial", "nonsense"], ["B", "nonsense", "serial"]),
        (["ab", "serial:none", "serial"], ["A", "serial:none"]),
        (["ab", "serial", "serial", "--level", "101"], ["--level", "101", "99.99"]),
        (["ab", "serial", "serial", "--op", "frobnicate"], ["frobnicate", "add"]),
        (["ab", "serial", "serial", "--sizes", ""], ["--sizes"]),
    ],
)
def test_nonsense_is_refused_in_one_sentence(treadle, args, fragments):
    done = treadle(*args, code=USAGE)
    assert done.stdout == ""
    assert done.stderr.startswith("treadle: ")
    assert done.stderr.count("\n") == 1
    assert [f for f in fragments if f not in done.stderr] == [], done.stderr


@pytest.mark.parametrize(
    "args", [["list"], ["explain", "add", "10"], ["bench", "add"], ["ab", "serial", "serial"]]
)
def test_wrong_variable_is_named(treadle, args):
    done = treadle(*args, code=FAILED, TREADLE_BACKEND="nonsense")
    assert done.stdout == ""
    assert re.search(r"TREADLE_BACKEND=nonsense.*serial", done.stderr)


@pytest.mark.parametrize("args", [["list"], ["explain", "add", "10"], ["doctor"], ["top"]])
def test_full_disk_is_a_failure(treadle, args):
    with open("/dev/full", "w") as full:
        done = subprocess.run([treadle.command, *args, "--json"], stdout=full, check=False)
    assert done.returncode == FAILED


# ---- list


def test_list_has_serial_with_its_ops(treadle):
    backends = json.loads(treadle("list", "--json").stdout)["backends"]
    serial = next(b for b in backends if b["name"] == "serial" and b["usable"])
    assert serial["path"] == "(built in)"
    assert serial["reason"] == ""
    assert {"op": "add", "dtypes": ["f64"] * 3, "inputs": 2} in serial["ops"]
    text = treadle("list").stdout
    assert re.search(rf"^serial {re.escape(serial['version'])} ", text, re.MULTILINE)
    assert re.search(r"^    .*f64.*: add ", text, re.MULTILINE)


def test_junk_in_the_plugin_path_is_listed_with_a_reason(treadle, tmp_path):
    junk = tmp_path / "treadle-junk.so"
    junk.write_text("not a library\n")
    backends = json.loads(treadle("list", "--json", plugins=tmp_path).stdout)["backends"]
    listed = next(b for b in backends if b["path"] == str(junk))
    assert not listed["usable"]
    assert listed["reason"]
    text = treadle("list", plugins=tmp_path).stdout
    assert str(junk) in text.partition("Not used:")[2]
    assert listed["reason"] in text


# ---- explain


def test_explain_has_the_decision(treadle):
    decision = json.loads(treadle("explain", "add", "1e7", "--callers", 3, "--json").stdout)
    assert decision["op"] == "add"
    assert decision["shape"] == "10000000"
    assert decision["elements"] == 1e7
    assert decision["callers"] == 3
    assert 1 <= decision["granted"] <= max(decision["cores"], 1)
    assert decision["backend"]
    assert decision["reason"]


@pytest.mark.parametrize(
    "args",
    [
        ["sum", "1000x1000", "--axis", "0", "--dtype", "f32"],
        ["sum", "10x20x30", "--axis", "-1,0"],
        ["mean", "1000", "--dtype", "i64"],
        ["add", "100x1", "200", "--dtype", "i32"],
        ["dot", "1000"],
        ["matmul", "500x300", "300x200"],
        ["matmul", "1000", "--dtype", "c128"],
        ["add", "0"],
        ["add", "1e15"],
    ],
)
def test_explain_takes_shapes_types_and_axes(treadle, args):
    decision = json.loads(treadle("explain", *args, "--json").stdout)
    assert decision["op"] == args[0]
    assert decision["backend"] in treadle("explain", *args).stdout


def test_explain_backend_overrides_the_variable(treadle, plugin_folder):
    decision = treadle("explain", "add", 10, "--backend", "slow", "--json", plugins=plugin_folder)
    assert json.loads(decision.stdout)["backend"] == "slow"


# ---- bench


def test_bench_compares_with_limits_of_the_same_run(treadle):
    done = treadle("bench", "add", "sum", "matmul", "--sizes", 200, "--time", 0.05, "--json")
    report = json.loads(done.stdout)
    serial = {r["op"]: r for r in report["results"] if r["backend"] == "serial"}
    assert set(serial) == {"add", "sum", "matmul"}
    for row in serial.values():
        assert row["ratio_to_serial"] == 1
        assert row["threads"] == 1
        assert row["ns"] > 0
        assert row["rate"] > 0
        assert row["share"] > 0
        assert row["rounds"] >= 3
    assert serial["add"]["unit"] == serial["sum"]["unit"] == "GB/s"
    assert serial["matmul"]["unit"] == "GFLOP/s"
    assert serial["add"]["ns"] * serial["add"]["rate"] == pytest.approx(3 * 200 * 8)
    assert serial["matmul"]["ns"] * serial["matmul"]["rate"] == pytest.approx(2 * 200**3)
    assert serial["sum"]["limit_kind"] == "read"
    assert report["machine"] == []
    kinds = {limit["kind"] for limit in report["limits"]}
    assert kinds == {"add", "add, non-temporal", "read", "fma f64"}
    assert all(limit["rate"] > 0 for limit in report["limits"])
    assert report["environment"]["cores"] == os.cpu_count()


def test_bench_without_names_has_every_operation(treadle, browse, tmp_path):
    page = tmp_path / "bench.html"
    args = ["bench", "--sizes", 24, "--time", 0.01, "--threads", 1, "--html", page, "--json"]
    report = json.loads(treadle(*args).stdout)
    ops = {r["op"] for r in report["results"]}
    explained = treadle("explain", "nothing", 1, code=USAGE).stderr.split("use one of ")[1].split()
    assert ops <= {*explained}
    assert ops >= {"add", "copy", "sum", "dot", "matmul"}
    serial = {r["op"]: r for r in report["results"] if r["backend"] == "serial"}
    assert [serial[op]["operations"] for op in ["add", "copy", "dot"]] == [24, 0, 48]
    assert serial["matmul"]["operations"] / serial["matmul"]["bytes"] == 24 / 12
    for r in report["results"]:
        assert r["share"] > 0
        assert r["limit"] > 0
        moved = r["operations"] if r["unit"] == "GFLOP/s" else r["bytes"]
        assert r["rate"] * r["ns"] == pytest.approx(moved)
    machine = {(row["level"], row["kind"]): row["rate"] for row in report["machine"]}
    kinds = ["read", "copy", "copy, non-temporal", "copy, memcpy", "add", "add, non-temporal"]
    assert all(machine["memory", kind] > 0 for kind in kinds)
    assert machine["registers", "fma f32"] > 0
    for width, dark in [(1000, False), (390, True)]:
        seen = browse(page, LOOK, width, dark)
        assert seen["rows"] == len(report["results"])
        assert seen["chosen"] == len([r for r in report["results"] if r["op"] == "sum"]) - 1
        assert seen["told"].startswith("sum f64 24 on ")
        assert seen["roofs"] == len({row["level"] for row in report["machine"]})


LOOK = """
  const button = [...document.querySelectorAll("#ops button")].find(b => b.textContent === "sum");
  button.click();
  const chosen = document.querySelectorAll("#roofline .chosen");
  chosen[0].dispatchEvent(new Event("click"));
  return {
    rows: document.querySelectorAll("#rows tr").length,
    chosen: chosen.length,
    roofs: document.querySelectorAll("#roofline .roof").length,
    told: document.getElementById("told").textContent,
  };
"""


def test_bench_leaves_out_what_nobody_has(treadle):
    args = ["bench", "--sizes", 10, "--time", 0.01, "--threads", 1, "--dtype", "i64", "--json"]
    ops = {r["op"] for r in json.loads(treadle(*args).stdout)["results"]}
    assert "add" in ops
    assert "svd" not in ops


def test_bench_shows_other_backends(treadle, plugin_folder):
    done = treadle("bench", "add", "--sizes", "1e4", "--time", 0.1, "--json", plugins=plugin_folder)
    rows = {r["backend"]: r for r in json.loads(done.stdout)["results"]}
    assert rows["slow"]["variant"] == "test"
    assert rows["slow"]["ratio_to_serial"] < 1  # it does everything fifty times


def test_bench_table_is_aligned(treadle):
    lines = treadle("bench", "add", "--sizes", "10,1e4", "--time", 0.05).stdout.splitlines()
    table = lines[: lines.index("")]
    at = table[0].index("backend")
    assert len(table) >= 3
    assert all(line[at - 2 : at] == "  " and line[at] != " " for line in table)


def test_bench_dispatch(treadle):
    cost = json.loads(treadle("bench", "dispatch", "--json").stdout)
    assert 0 < cost["grant_ns"] < 1e5
    assert cost["direct_ns"] > 0
    assert cost["call_ns"] > 0
    assert -50 < cost["dispatch_ns"] < cost["call_ns"] * 2


# ---- doctor


def checks(report, name):
    return [c for c in json.loads(report.stdout)["checks"] if c["name"] == name]


def test_doctor_looks_at_everything(treadle):
    report = json.loads(treadle("doctor", "--json").stdout)
    names = {c["name"] for c in report["checks"]}
    assert {"library", "settings", "cores", "plugin", "kernel", "OpenMP", "cpu"} <= names
    assert {"huge pages", "governor", "load"} <= names
    assert all(c["status"] in {"ok", "note", "warn", "bad"} for c in report["checks"])
    assert all(c["advice"] for c in report["checks"] if c["status"] in {"warn", "bad"})


def test_doctor_reports_a_wrong_variable_and_goes_on(treadle):
    report = treadle("doctor", "--json", code=FAILED, TREADLE_BACKEND="nonsense")
    (settings,) = checks(report, "settings")
    assert settings["status"] == "bad"
    assert "TREADLE_BACKEND=nonsense" in settings["value"]
    assert checks(report, "cpu")


def test_doctor_sees_slips_limits_and_open_folders(treadle, tmp_path):
    tmp_path.chmod(0o777)
    report = treadle(
        "doctor", "--json", plugins=tmp_path, TREADLE_BAKEND="serial", OMP_NUM_THREADS="1"
    )
    slip = [c for c in checks(report, "variable") if c["status"] == "warn"]
    assert [c["value"] for c in slip] == ["TREADLE_BAKEND=serial"]
    assert checks(report, "threads")[0]["value"] == "OMP_NUM_THREADS=1"
    folder = next(c for c in checks(report, "plugin folder") if str(tmp_path) in c["value"])
    assert folder["status"] == "warn"


def test_doctor_lists_refused_plugins(treadle, tmp_path):
    (tmp_path / "treadle-junk.so").write_text("not a library\n")
    report = treadle("doctor", "--json", plugins=tmp_path)
    refused = [c for c in checks(report, "plugin") if c["status"] == "warn"]
    assert any("treadle-junk.so" in c["value"] for c in refused)
    assert "-> mend or remove the file" in treadle("doctor", plugins=tmp_path).stdout


def test_doctor_tells_the_budget(treadle):
    (budget,) = checks(treadle("doctor", "--json"), "budget")
    assert budget["value"].startswith("machine: ")
    (budget,) = checks(treadle("doctor", "--json", TREADLE_BUDGET="off"), "budget")
    assert (budget["status"], budget["value"]) == ("warn", "off")
    report = treadle("doctor", "--json", TREADLE_BUDGET="all", code=FAILED)
    (settings,) = checks(report, "settings")
    assert "TREADLE_BUDGET=all: allowed are machine, process and off" in settings["value"]


def test_doctor_says_why_processes_do_not_share(treadle):
    full = "mount -t tmpfs -o size=64k none /dev/shm && touch /dev/shm/mounted && exec "
    if subprocess.run(
        ["unshare", "-m", "sh", "-c", f"{full} true"], capture_output=True
    ).returncode:
        pytest.skip("this user may not mount")
    done = subprocess.run(
        ["unshare", "-m", "sh", "-c", f"{full} {treadle.command} doctor --json"],
        env={k: v for k, v in os.environ.items() if k != "TREADLE_BUDGET"},
        capture_output=True,
        text=True,
        check=True,
    )
    (budget,) = checks(done, "budget")
    assert budget["status"] == "warn"
    assert re.match(r"process instead of machine: /dev/shm/.*No space left", budget["value"])


@pytest.mark.parametrize(
    ("name", "bad", "harmless"),
    [
        ("OMP_WAIT_POLICY", "ACTIVE", "passive"),
        ("KMP_BLOCKTIME", "infinite", "1"),
        ("GOMP_SPINCOUNT", "infinite", "1000"),
        ("OPENBLAS_THREAD_TIMEOUT", "30", "4"),
    ],
)
def test_doctor_names_what_makes_threads_spin(treadle, name, bad, harmless):
    for value, status in [(bad, "warn"), (harmless, "note")]:
        (spinning,) = checks(treadle("doctor", "--json", **{name: value}), "spinning")
        assert (spinning["status"], spinning["value"]) == (status, f"{name}={value}")


# ---- top

# Takes cores and keeps them: its plugin waits inside of a call.
NEIGHBOUR = r"""
#include <stdio.h>
#include <unistd.h>
#include <treadle/treadle.h>

static double x[64], y[64];

static int32_t wait_here(struct treadle_call *call)
{
    puts("inside");
    fflush(stdout);
    while (getchar() != '\n')
        ;
    (void)call;
    return TREADLE_OK;
}

static int32_t create(const struct treadle_host *host, const char *options, void **state,
                      struct treadle_error *error)
{
    (void)host, (void)options, (void)state, (void)error;
    return TREADLE_OK;
}

static void destroy(void *state)
{
    (void)state;
}

static int32_t find_kernel(void *state, const struct treadle_query *query,
                           struct treadle_kernel *kernel)
{
    (void)state, (void)query;
    kernel->run = wait_here;
    return TREADLE_OK;
}

static const struct treadle_plugin *entry(void)
{
    static const struct treadle_plugin plugin = {
        .struct_size = sizeof plugin, .id = "waiting", .version = "1", .vendor = "test",
        .cpu_required = "", .create = create, .destroy = destroy, .find_kernel = find_kernel,
    };
    return &plugin;
}

int main(void)
{
    const int64_t shape[] = {64};
    if (treadle_register(entry) || treadle_set_backend("waiting") || treadle_set_min(1) ||
        treadle_set_num_threads(3) ||
        treadle_unary_flat("copy", x, TREADLE_TYPE_FLOAT64, 1, shape, NULL, y,
                           TREADLE_TYPE_FLOAT64, 1, shape, NULL, NULL))
        puts(treadle_last_error());
    puts("outside");
    fflush(stdout);
    getchar();
    return 0;
}
"""


@pytest.fixture(scope="session")
def neighbour_program(treadle, tmp_path_factory):
    folder = tmp_path_factory.mktemp("neighbour")
    (folder / "neighbour.c").write_text(NEIGHBOUR)
    libraries = [p for p in Path(treadle.command).parents[1].glob("lib*") if p.is_dir()]
    library = next((p for p in libraries if (p / "libtreadle.so").exists()), None)
    if library is None:
        pytest.skip("libtreadle.so is not beside the command")
    subprocess.run(
        [
            *["cc", folder / "neighbour.c", "-o", folder / "neighbour", f"-L{library}"],
            *["-ltreadle", f"-Wl,-rpath,{library}", f"-I{ROOT / 'abi'}"],
            f"-I{ROOT / 'host' / 'include'}",
        ],
        check=True,
    )
    return folder / "neighbour"


@pytest.fixture
def neighbour(neighbour_program):
    env = {k: v for k, v in os.environ.items() if not k.startswith("TREADLE_")}
    program = subprocess.Popen(
        [neighbour_program, "--a-word"],
        env=env,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert program.stdout.readline() == "inside\n"
    yield program
    program.kill()
    program.communicate()


def shown(treadle, pid):
    page = json.loads(treadle("top", "--json", "--interval", 0.05).stdout)
    return next((p for p in page["processes"] if p["pid"] == pid), None)


def test_top_shows_a_process_until_it_is_dead(treadle, neighbour):
    process = shown(treadle, neighbour.pid)
    assert process["is_here"]
    assert process["command"].endswith("neighbour --a-word")
    assert (process["callers"], process["cores"], process["wanted"]) == (1, 3, 3)
    assert 1 <= process["held"] <= 3
    assert process["calls"] == 0
    neighbour.stdin.write("\n")
    neighbour.stdin.flush()
    assert neighbour.stdout.readline() == "outside\n"
    process = shown(treadle, neighbour.pid)
    assert (process["callers"], process["held"], process["calls"]) == (0, 0, 1)
    neighbour.kill()
    neighbour.wait()
    assert shown(treadle, neighbour.pid) is None


def test_top_without_a_terminal_prints_a_table(treadle, neighbour):
    lines = treadle("top", "--interval", 0.05).stdout.splitlines()
    assert re.match(r"\d+ cores, [\d.]+ threads; \d+ process(es)?, \d+ active$", lines[0])
    assert lines[1].split() == ["PID", "USE", "HELD", "WANTED", "SHARE", "CALLS/S", "COMMAND"]
    assert any(line.split()[0] == str(neighbour.pid) for line in lines[2:])


@pytest.mark.parametrize(
    ("end", "code"), [("q", OK), (signal.SIGINT, INTERRUPTED), (signal.SIGTERM, INTERRUPTED)]
)
def test_top_gives_the_terminal_back(treadle, neighbour, end, code):
    control, terminal = pty.openpty()
    termios.tcsetwinsize(terminal, (10, 70))
    before = termios.tcgetattr(terminal)
    top = subprocess.Popen(
        [treadle.command, "top", "--interval", "0.05"],
        env=os.environ | {"TERM": "xterm", "LC_ALL": "C.UTF-8"},
        stdin=terminal,
        stdout=terminal,
    )
    drawn = b""
    while str(neighbour.pid).encode() not in drawn or drawn.count(b"\033[H") < 5:
        drawn += os.read(control, 4096)
    assert termios.tcgetattr(terminal) != before
    if end == "q":
        os.write(control, b"q")
    else:
        top.send_signal(end)
    while not drawn.endswith(b"\033[?1049l"):
        drawn += os.read(control, 4096)
    assert top.wait(10) == code
    assert termios.tcgetattr(terminal) == before
    assert drawn.startswith(b"\033[?1049h\033[?25l")
    assert b"\033[?25h" in drawn
    page = drawn.decode().split("\033[H")[-2]
    lines = re.sub(r"\033\[\??[0-9;]*[a-zA-Z]", "", page).splitlines()
    assert len(lines) <= 10
    assert max(map(len, lines)) <= 70
    os.close(control)
    os.close(terminal)
