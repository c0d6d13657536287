# SPDX-License-Identifier: BSD-3-Clause
"""`treadle check` finds what is wrong with a plugin, and nothing where nothing is."""

import json
import os
import shutil
import signal
import subprocess
import time
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
OK, FAILED, USAGE = 0, 1, 2

# What is broken, the tests that have to notice, and what the first of them says.
BROKEN = {
    "EXPORTS_MORE": (["abi.file"], "exports helper_for_all"),
    "NEW_TABLE": (["abi.entry"], "another table"),
    "LISTS_MORE": (["kernels.list"], "find_kernel() declines what is listed"),
    "FINDS_ALL": (["kernels.find"], "should be declined"),
    "DROPS_TAIL": (["values.elementwise", "values.inplace"], "should be"),
    "WRITES_PAST": (["values.elementwise", "values.edges"], "wrote outside the output"),
    "READS_PAST": (["values.edges"], "crashed with SIGSEGV"),
    "NO_ELEMENTS_ABORTS": (["values.elementwise"], "crashed with SIGABRT"),
    "NEGATIVE_STRIDE_HANGS": (["values.elementwise"], "not back after"),
    "NEGATIVE_STRIDE_EXITS": (["values.elementwise"], "ended the process with exit code 0"),
    "STREAMS": (["values.elementwise", "values.edges"], "TREADLE_CALL_STREAM"),
    "CLAIMS_BITS": (["values.reductions"], "says TREADLE_KERNEL_EXACT"),
    "DECLINES_LATE": (["values.reductions"], "declined after writing"),
    "LONG_TEXT": (["errors.text"], "writes past them"),
    "KEEPS_BLOCKS": (["leaks.memory"], "blocks of the host's memory"),
    "WAKES": (["threads.one"], "other threads ran"),
    "COUNTS_THREADS": (["threads.used"], "no other thread has run"),
    "EXCEEDS": (["threads.used"], "threads_max was"),
    "STATIC": (["threads.reentrant"], "another result when 4 threads call at once"),
    "RAISES": (["fp.flags"], "flags are divide-by-zero"),
    "FLUSHES": (["fp.modes"], "MXCSR"),
    "FOLDER": (["process.state"], "working directory changed by its calls"),
    "HANDLES_SIGNALS": (["process.state"], "handler of SIGPIPE changed by loading or create()"),
    "CHILD_HANGS": (["process.fork"], "in a forked child"),
    "KEEPS_FILE": (["leaks.files"], "open files"),
    "KEEPS_THREAD": (["leaks.threads"], "5 more threads"),
    "LEAKS": (["leaks.memory"], "each call leaves"),
}


def command():
    staged = ROOT / "build" / "stage" / "bin" / "treadle"
    found = os.environ.get("TREADLE_CLI") or shutil.which("treadle") or str(staged)
    if not os.access(found, os.X_OK):
        pytest.fail(f"{found}: no treadle command; set TREADLE_CLI, or build it first")
    return found


def check(*args, code):
    done = subprocess.run(
        [command(), "check", *map(str, args)], capture_output=True, text=True, timeout=300
    )
    assert done.returncode == code, f"{args}: {done.returncode}\n{done.stdout}\n{done.stderr}"
    return done


def failures(report):
    return {t["name"]: t["text"] for t in report["tests"] if t["status"] == "failed"}


@pytest.fixture(scope="session")
def build(tmp_path_factory):
    folder = tmp_path_factory.mktemp("check")

    def compile_plugin(name, *macros):
        plugin = folder / f"treadle-{name.lower()}.so"
        source = Path(__file__).with_name("broken_plugin.c")
        subprocess.run(
            [
                *["cc", "-O1", "-shared", "-fPIC", "-pthread", "-fvisibility=hidden"],
                *["-ffp-contract=off", "-fno-builtin-malloc", f"-I{ROOT / 'abi'}", *macros],
                *[source, "-o", plugin, "-lm"],
            ],
            check=True,
        )
        return plugin

    return compile_plugin


@pytest.fixture(scope="session")
def honest(build):
    return build("honest")


def staged_plugins():
    folder = ROOT / "build" / "stage" / "lib" / "treadle-1"
    names = ["serial", "openmp", "blis", "template"]
    return [folder / f"treadle-{name}.so" for name in names]


@pytest.mark.parametrize(
    "plugin",
    [
        pytest.param(
            p, marks=() if p.stem in ("treadle-openmp", "treadle-template") else pytest.mark.slow
        )
        for p in staged_plugins()
    ],
    ids=lambda p: p.stem,
)
def test_our_own_plugins_pass(plugin):
    if not plugin.exists():
        pytest.skip(f"{plugin.name} was not built")
    report = json.loads(check(plugin, "--json", "--time", 200, code=OK).stdout)
    assert report["failed"] == 0
    assert report["passed"] >= 15
    ran = {t["name"] for t in report["tests"] if t["status"] == "passed"}
    family = {"blis": "values.linalg", "template": "values.repeat"}
    assert family.get(plugin.stem.removeprefix("treadle-"), "values.elementwise") in ran


def test_an_honest_plugin_passes(honest):
    report = json.loads(check(honest, "--json", code=OK).stdout)
    assert failures(report) == {}
    assert report["schema"] == 1
    assert report["plugin"] == str(honest)
    assert all(t["seconds"] > 0 and t["what"] for t in report["tests"])


# A hang takes as long as its limit.
SLOW = ["NEGATIVE_STRIDE_HANGS", "CHILD_HANGS"]


@pytest.mark.parametrize(
    "name",
    [pytest.param(name, marks=pytest.mark.slow if name in SLOW else ()) for name in BROKEN],
)
def test_what_is_broken_is_noticed(build, name):
    expected, words = BROKEN[name]
    plugin = build(name, f"-DBROKEN_{name}")
    report = json.loads(check(plugin, "--json", "--time", 20, code=FAILED).stdout)
    found = failures(report)
    assert set(expected) <= set(found)
    assert words in found[expected[0]]


@pytest.mark.parametrize("words", ["id is", "allowed is [a-z]"])
def test_a_wrong_id_is_shown(build, words):
    plugin = build("badid", '-DID="Bad Id"')
    assert words in check(plugin, "--only", "abi.table", code=FAILED).stdout


def test_a_crash_says_what_was_tried(build):
    plugin = build("aborts", "-DBROKEN_NO_ELEMENTS_ABORTS")
    done = check(plugin, "--only", "values.elementwise", code=FAILED)
    assert "crashed with SIGABRT; tried last: add f64, shape 0, strides 1 1 1 items" in done.stdout


def stop(pid):
    """Stop a process, and wait until it stands: it may run on for a while after kill()."""
    os.kill(pid, signal.SIGSTOP)
    while Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "TZ":
        time.sleep(0.001)


def test_a_stop_is_no_hang(honest):
    with subprocess.Popen(
        [command(), "check", honest, "--time", "3"], stdout=subprocess.DEVNULL
    ) as kit:
        stop(kit.pid)  # first: from then on no child comes or is waited for
        children = Path(f"/proc/{kit.pid}/task/{kit.pid}/children").read_text().split()
        stopped = [kit.pid, *map(int, children)]
        for pid in stopped[1:]:
            stop(pid)
        time.sleep(4)
        for pid in reversed(stopped):  # the kit last: it may wait for a child that has ended
            os.kill(pid, signal.SIGCONT)
        assert kit.wait(timeout=300) == OK


def test_report_is_one_line_a_test(honest):
    lines = check(honest, "--only", "abi.*", code=OK).stdout.splitlines()
    assert [line.split()[:2] for line in lines[:4]] == [
        ["passed", name] for name in ["abi.file", "abi.load", "abi.entry", "abi.table"]
    ]
    assert lines[-1] == f"{honest}: 4 passed, 0 failed, 0 skipped"


def test_junit_has_every_test(build, tmp_path):
    plugin = build("junit", "-DBROKEN_EXPORTS_MORE")
    file = tmp_path / "report.xml"
    done = check(plugin, "--json", "--only", "[abv]*", "--junit", file, code=FAILED)
    suite = ElementTree.parse(file).getroot()
    tests = json.loads(done.stdout)["tests"]
    assert [c.get("name") for c in suite.iter("testcase")] == [t["name"] for t in tests]
    assert suite.get("failures") == "1"
    assert int(suite.get("tests")) == len(tests)
    assert "helper_for_all" in suite.find("testcase[@name='abi.file']/failure").get("message")
    assert suite.find("testcase[@name='values.linalg']/skipped") is not None


def test_relative_paths_are_fine(honest):
    relative = os.path.relpath(honest)
    assert str(honest) in check(relative, "--only", "abi.file", code=OK).stdout


@pytest.mark.parametrize(
    ("args", "words"),
    [
        ([], "needs one plugin, but 0 were given"),
        (["a.so", "b.so"], "needs one plugin, but 2 were given"),
        (["/no/such/file.so"], "/no/such/file.so: No such file"),
        (["/tmp"], "/tmp: not a regular file"),
        (["x.so", "--time", "0"], "--time"),
        (["x.so", "--frobnicate"], "--frobnicate"),
    ],
)
def test_wrong_use_is_explained(args, words):
    assert words in check(*args, code=USAGE).stderr


def test_wrong_pattern_is_explained(honest):
    assert "'" not in check(honest, "--only", "nothing", code=USAGE).stdout
    assert "matches no test" in check(honest, "--only", "nothing", code=USAGE).stderr


def test_a_text_file_is_no_plugin(tmp_path):
    junk = tmp_path / "treadle-junk.so"
    junk.write_text("not a library\n")
    done = check(junk, code=FAILED)
    assert "is no 64-bit ELF shared object" in done.stdout
    assert "cannot be loaded" in done.stdout
