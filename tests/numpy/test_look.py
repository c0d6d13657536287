# SPDX-License-Identifier: BSD-3-Clause
"""Seeing what ran where, and what would run: report, explain, doctor, and the cell magic."""

import inspect
import math
import operator
import re
import threading
import time
from html.parser import HTMLParser

import numpy as np
import pytest
from conftest import python

import treadle

LARGE = 200_000


@pytest.fixture
def installed():
    treadle.install()
    treadle.set_min(1)
    treadle.reset()


class Cells(HTMLParser):
    """The rows of a table, and every tag and style in it."""

    def __init__(self, html):
        super().__init__()
        self.rows, self.open, self.styles = [], [], []
        self.feed(html)
        assert self.open == []

    def handle_starttag(self, tag, attributes):
        self.open.append(tag)
        self.styles += [value for name, value in attributes if name == "style"]
        if tag == "tr":
            self.rows.append([])
        elif tag in ("td", "th"):
            self.rows[-1].append("")

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open[-1] in ("td", "th"):
            self.rows[-1][-1] += data


def takes_colours_from_the_page(cells):
    """Whether no colour is fixed, so that it reads on dark and on light."""
    return not re.search(r"#[0-9a-f]{3}|rgb\(|black|white|gr[ae]y", " ".join(cells.styles))


# ---- report ------------------------------------------------------------------------------------


def test_report_as_dict_and_html_have_the_same(installed):
    np.exp(np.ones(1000))
    report = treadle.report()
    (row,) = report.rows
    assert report.as_dict() == {
        "loop": {row["backend"]: {k: row[k] for k in ("calls", "seconds", "threads", "fallbacks")}}
    }
    cells = Cells(report._repr_html_())
    assert [line.split() for line in str(report).splitlines()] == cells.rows
    assert takes_colours_from_the_page(cells)


def test_html_of_nothing():
    treadle.reset()
    assert Cells(treadle.report()._repr_html_()).rows == []


def test_repr_says_how_much(installed):
    np.exp(np.ones(1000))
    assert repr(treadle.report()).startswith("<treadle.Report: 1 large call, ")


def test_recordings_nest_and_lose_nothing(installed):
    from treadle._report import recording

    x = np.ones(1000)
    np.exp(x)
    with recording() as outer:
        np.exp(x)
        with recording() as inner:
            np.exp(x)
        np.sqrt(x)
    np.exp(x)

    def calls(report):
        return sorted((row["op"], row["calls"]) for row in report.rows)

    assert calls(inner) == [("loop", 1)]
    assert calls(outer) == [("loop", 2), ("sqrt", 1)]
    assert calls(treadle.report()) == [("loop", 4), ("sqrt", 1)]
    assert 0 < inner.elapsed < outer.elapsed
    treadle.reset()
    assert treadle.report().rows == []


# ---- explain -----------------------------------------------------------------------------------

X = np.linspace(0.5, 2.0, LARGE)
SQUARE = np.random.default_rng(0).standard_normal((200, 200)) + 20 * np.eye(200)
POSITIVE = SQUARE @ SQUARE.T


@pytest.mark.parametrize(
    ("op", "arrays", "keywords"),
    [
        (np.add, (X, X), {}),
        (np.add, (X, 2), {}),
        (np.add, (X[::2], X[1::2]), {}),
        ("exp", (X,), {}),
        ("add", (X, X), {}),
        ("multiply", (X, X.astype("f4")), {}),
        ("subtract", (SQUARE, SQUARE[0]), {}),
        ("sum", (X,), {}),
        ("std", (X,), {}),
        ("nanmax", (X,), {}),
        ("logical_or.reduce", (X,), {}),
        ("linalg.inv", (SQUARE,), {}),
        ("matmul", (SQUARE, SQUARE), {}),
        (np.sin, (X.astype("f4"),), {}),
        (np.maximum, (X, X), {}),
        (np.multiply, (X.astype("c16"), X.astype("c16")), {}),
        (np.floor_divide, (np.arange(LARGE), 7), {}),
        (np.sum, (X,), {}),
        (np.add.reduce, (X,), {}),
        (np.max, (X,), {}),
        (np.prod, (np.arange(LARGE),), {}),
        (np.power, (np.arange(LARGE), 2), {}),
        (np.prod, (np.ones(LARGE),), {}),
        (np.matmul, (SQUARE, SQUARE), {}),
        (np.matmul, (SQUARE[:40], np.hstack([SQUARE, SQUARE])), {}),
        (np.dot, (SQUARE, SQUARE), {}),
        (np.dot, (X, X), {}),
        (np.dot, (SQUARE, X[:200]), {}),
        (np.matmul, (SQUARE.astype("c8"), SQUARE.astype("c8")), {}),
        (np.linalg.svd, (SQUARE,), {}),
        (np.linalg.qr, (SQUARE,), {}),
        (np.linalg.solve, (SQUARE, SQUARE), {}),
        (np.linalg.inv, (SQUARE,), {}),
        (np.linalg.det, (SQUARE,), {}),
        (np.linalg.cholesky, (POSITIVE,), {}),
        (np.linalg.eigh, (POSITIVE,), {}),
        (np.linalg.eig, (SQUARE,), {}),
        (np.linalg.lstsq, (SQUARE, SQUARE), {"rcond": None}),
    ],
)
def test_what_was_explained_is_what_happens(installed, op, arrays, keywords):
    treadle.set_num_threads(1)  # a second thread may come too late
    explained = treadle.explain(op, *arrays)
    call = operator.attrgetter(op)(np) if isinstance(op, str) else op
    call(*arrays, **keywords)
    assert explained.granted == 1
    backends = {row["backend"] for row in treadle.report().rows}
    if explained.backend == "numpy":
        assert backends == set()
    else:
        assert explained.backend in backends
    if explained.op.endswith("_") or explained.op.startswith("cblas"):
        assert explained.backend == "numpy" or explained.op in {
            row["op"] for row in treadle.report().rows
        }


STACK = np.random.default_rng(1).standard_normal((300, 9, 9)) + 9 * np.eye(9)
WIDE = STACK[:, :4]


@pytest.mark.parametrize(
    ("op", "arrays"),
    [
        (np.linalg.inv, (STACK,)),
        ("linalg.svd", (WIDE,)),
        ("linalg.qr", (WIDE,)),
        (np.linalg.solve, (STACK, STACK[:1])),
        (np.linalg.solve, (STACK.astype("F"), STACK)),
        (np.linalg.det, (STACK.astype(int),)),
        (np.linalg.slogdet, (STACK.astype("f4"),)),
        (np.linalg.cholesky, (STACK @ STACK.transpose(0, 2, 1),)),
        (np.linalg.eigh, (STACK,)),
        (np.linalg.eigvals, (STACK,)),
        (np.matmul, (STACK, STACK)),
        ("matmul", (STACK[0, 0], STACK)),
        (np.matmul, (STACK.astype("i4"), STACK[:, None])),
    ],
)
def test_stacks_are_explained_as_they_are_cut(installed, op, arrays):
    treadle.set_num_threads(2)
    explained = treadle.explain(op, *arrays, callers=1)
    (operator.attrgetter(op)(np) if isinstance(op, str) else op)(*arrays)
    rows = [row for row in treadle.report().rows if row["op"] == "loop"]
    assert explained.wanted == 2
    assert "stack" in explained.op
    assert explained.elements == math.prod(np.broadcast_shapes(*(a.shape[:-2] for a in arrays)))
    assert {explained.backend} == {row["backend"] for row in rows}


def test_stacks_that_are_not_cut(installed):
    treadle.set_num_threads(2)
    treadle.set_min(0)
    few, one = STACK[:3], STACK[:1]
    explained = treadle.explain(np.linalg.inv, few, callers=1)
    assert (explained.backend, explained.wanted) == ("numpy", 1)
    assert explained.limit > 3
    large = treadle.explain(np.linalg.svd, np.broadcast_to(np.eye(900), (1, 900, 900)), callers=1)
    assert large.op == "dgesdd_"
    treadle.reset()
    np.linalg.inv(few)
    np.linalg.inv(one)
    assert treadle.report().rows == []


def test_explain_of_stacks_that_do_not_fit(installed):
    with pytest.raises(ValueError, match="do not fit"):
        treadle.explain(np.matmul, STACK, WIDE)


def test_small_calls_are_numpys(installed):
    treadle.set_min(0)
    small, large = (treadle.explain(np.exp, np.ones(n), callers=1) for n in (10, 10**7))
    assert (small.backend, small.wanted, small.granted) == ("numpy", 1, 1)
    assert small.limit == large.limit > 10
    assert large.backend != "numpy"
    assert 1 <= large.granted <= large.wanted
    assert large.elements == 1e7


@pytest.mark.parametrize(
    ("op", "arrays"),
    [
        (np.floor_divide, (np.arange(20_000), 7)),
        (np.floor_divide, (np.ones(20_000, "u1"), np.uint8(3))),
        (np.logical_and, (np.ones(200_000, bool), np.ones(200_000, bool))),
    ],
)
def test_cheap_loops_on_integers_and_bools_stay_on_the_caller(installed, op, arrays):
    treadle.set_min(0)
    treadle.set_num_threads(4)
    assert treadle.explain(op, *arrays, callers=1).wanted == 1


def test_more_callers_get_less(installed):
    treadle.set_num_threads(4)
    alone, crowd = (treadle.explain(np.exp, X, callers=n).granted for n in (1, 4))
    assert crowd == 1 <= alone


def test_factorisations_that_threads_slow_down_stay_on_one(installed):
    treadle.set_min(0)
    treadle.set_num_threads(4)
    wanted = {
        (op, shape): treadle.explain(op, np.empty(shape), callers=1).wanted
        for op in (np.linalg.qr, np.linalg.svd, np.linalg.inv)
        for shape in ((1000, 100), (200, 200), (2000, 2000))
        if op is not np.linalg.inv or shape[0] == shape[1]
    }
    assert {call for call, threads in wanted.items() if threads == 1} == {
        (np.linalg.qr, (1000, 100)),
        (np.linalg.qr, (200, 200)),
        (np.linalg.svd, (1000, 100)),
        (np.linalg.svd, (200, 200)),
    }


def test_explain_shows_everything(installed):
    explained = treadle.explain(np.add, X, X, callers=2)
    for part in ("add", explained.backend, "of", "wanted", "callers 2", explained.reason):
        assert part in repr(explained)
    assert explained["reason"] == explained.reason
    cells = Cells(explained._repr_html_())
    assert ["because", explained.reason] in cells.rows
    assert takes_colours_from_the_page(cells)


def test_explain_without_arguments_shows_the_last_calls(installed):
    treadle.set_num_threads(1)
    treadle.set_min(1000)
    np.add(X, X)
    np.ones(3) + 1  # small
    np.linalg.svd(SQUARE)
    add, svd = treadle.explain().rows[-2:]
    assert (svd["op"], svd["granted"], svd["threads"]) == ("dgesdd_", 1, 1)
    assert add["elements"] == X.size
    assert add["begin_ns"] < svd["begin_ns"] < time.monotonic_ns()
    assert 0 < svd["seconds"] < 60
    assert svd["thread"] == threading.get_native_id()
    assert svd["reason"] == "size: worth one thread"
    shown = treadle.explain()
    assert "dgesdd_" in str(shown)
    assert repr(shown).startswith("<treadle.RecentCalls: ")
    cells = Cells(shown._repr_html_())
    assert cells.rows[-1][:3] == ["dgesdd_", svd["backend"], svd["reason"]]
    assert takes_colours_from_the_page(cells)
    for _ in range(300):
        np.add(X, X)
    assert len(treadle.explain().rows) == 256
    assert {row["elements"] for row in treadle.explain().rows} == {X.size}


def test_explain_of_the_library_needs_no_installation():
    assert treadle.explain("add", X, X).backend != "numpy"
    explained = treadle.explain(np.add, X, X)
    assert explained.backend == "numpy"
    assert "install" in explained.reason


@pytest.mark.parametrize(
    ("args", "error", "text"),
    [
        ((np.sort, X), TypeError, "sort"),
        (("nonsense", X), TypeError, "nonsense"),
        ((np.add, X), ValueError, "add takes 2 arrays, not 1"),
        ((np.sum, X, X), ValueError, "1 array"),
        ((np.dot, X), ValueError, "2 arrays"),
        ((np.matmul, SQUARE, X), ValueError, "do not fit"),
        ((np.add, X, X[1:]), ValueError, "broadcast"),
        (([1], X), TypeError, "no part in"),
    ],
)
def test_explain_of_wrong_arguments(installed, args, error, text):
    with pytest.raises(error, match=text):
        treadle.explain(*args)


def test_explain_of_a_wrong_axis(installed):
    with pytest.raises(ValueError, match="axis 3"):
        treadle.explain(np.sum, SQUARE, axis=3)


# ---- using -------------------------------------------------------------------------------------


def test_one_object_is_entered_again_and_again():
    before = treadle.get_backend()
    serial = treadle.using("serial")
    for _ in range(2):
        with serial, treadle.using("auto"), serial:
            assert treadle.get_backend() == "serial"
        assert treadle.get_backend() == before


def test_one_object_in_several_threads():
    serial, seen = treadle.using("serial"), []
    inside = threading.Barrier(2, timeout=60)

    def work():
        with serial:
            inside.wait()
            seen.append(treadle.get_backend())
        seen.append(treadle.get_backend())

    threads = [threading.Thread(target=work) for _ in range(2)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert sorted(seen) == sorted(["serial", treadle.get_backend()] * 2)


def test_failing_to_enter_changes_nothing():
    before = treadle.get_backend()
    wrong = treadle.using("nonsense")
    with treadle.using("serial"):
        with pytest.raises(ValueError, match="nonsense"):
            wrong.__enter__()
        assert treadle.get_backend() == "serial"
    assert treadle.get_backend() == before


# ---- doctor ------------------------------------------------------------------------------------


def found(doctor, name):
    return [check for check in doctor.checks if check["name"] == name]


def test_doctor_of_a_plain_program():
    (check,) = found(treadle.doctor(), "installed")
    assert check["status"] == "note"
    assert "treadle.install()" in check["advice"]


def test_doctor_agrees_with_status(installed):
    status, doctor = treadle.status(), treadle.doctor()
    assert np.__version__ in found(doctor, "numpy")[0]["value"]
    for name, count in (("loops", status["loops"]), ("products", status["blas"])):
        (check,) = found(doctor, name)
        assert check["value"].startswith(f"{count} ")
        assert check["status"] == ("ok" if count else "warn")
    assert found(doctor, "memory")[0]["value"].startswith("on")
    cells = Cells(doctor._repr_html_())
    assert takes_colours_from_the_page(cells)
    assert all(any(check["value"] in row for row in cells.rows) for check in doctor.checks)


def test_doctor_names_what_cannot_be_had(monkeypatch):
    from treadle import _hooks

    def fail():
        raise RuntimeError("it is linked in")

    monkeypatch.setattr(_hooks._treadle, "route_blas", fail)
    treadle.install()
    doctor = treadle.doctor()
    assert found(doctor, "products")[0]["status"] == "warn"
    assert found(doctor, "problem")[0]["value"] == "blas: it is linked in"
    assert found(doctor, "loops")[0]["status"] == "ok"


def test_doctor_of_an_untested_numpy(monkeypatch):
    monkeypatch.setattr(np, "__version__", "9.1.0.dev0")
    (check,) = found(treadle.doctor(), "numpy")
    assert check["status"] == "note"
    assert "tested with 1.24 to" in check["advice"]


def test_doctor_by_command():
    good = python("-m", "treadle", "--doctor")
    assert good.returncode == 0, good.stderr
    assert re.search(r"^ok +loops +\d{3}", good.stdout, re.M)
    wrong = python("-m", "treadle", "--doctor", TREADLE_BACKEND="nonsense")
    assert wrong.returncode == 1
    assert "nonsense" in wrong.stdout


# ---- %%treadle ---------------------------------------------------------------------------------

NOTEBOOK = """
from IPython.core.interactiveshell import InteractiveShell
shell = InteractiveShell.instance(colors="nocolor")
def cell(text):
    result = shell.run_cell(text)
    assert result.success, result
cell("%load_ext treadle")
cell("import numpy as np, treadle; x = np.ones(1000)")
cell("treadle.install(); treadle.uninstall(); treadle.set_min(1); treadle.reset()")
"""


def notebook(text, **env):
    return python("-c", NOTEBOOK + text, IPYTHONDIR="/nonexistent", **env)


def test_cell_magic_shows_what_ran():
    result = notebook("cell('%%treadle\\ny = np.exp(x)\\ny.sum()')\ncell('print(y[:1])')")
    assert result.returncode == 0, result.stderr
    assert re.search(r"<treadle.Report: 2 large calls, .* of \d", result.stdout)
    assert re.search(r"^loop +\w+ +1 ", result.stdout, re.M)
    assert re.search(r"^sum +\w+ +1 ", result.stdout, re.M)
    assert "Out[" in result.stdout or "2718.28" in result.stdout
    assert "[2.71828183]" in result.stdout


@pytest.mark.parametrize("before", [False, True])
def test_cell_magic_leaves_things_as_they_were(before):
    result = notebook(
        f"cell('{'treadle.install()' if before else 'pass'}; y = np.exp(x)')\n"
        "cell('%%treadle serial\\ny = np.exp(x); print(treadle.get_backend())')\n"
        "cell('print(treadle.installed, treadle.get_backend(), "
        'sum(r["calls"] for r in treadle.report().rows))\')'
    )
    assert result.returncode == 0, result.stderr
    lines = result.stdout.splitlines()
    assert "serial" in lines
    assert re.search(r"^loop +serial +1 ", result.stdout, re.M)
    assert lines[-1] == f"{before} auto {2 if before else 1}"


def test_cell_magic_survives_an_error():
    text = (
        "failed = shell.run_cell('%%treadle\\nnp.exp(x)\\n1 / 0')\n"
        "print(failed.success, isinstance(failed.error_in_exec, Exception))\n"
        "cell('print(treadle.installed)')"
    )
    result = notebook(text)
    assert "ZeroDivisionError" in result.stdout + result.stderr
    assert re.search(r"^loop +\w+ +1 ", result.stdout, re.M)
    assert result.stdout.splitlines()[-2:] == ["False True", "False"]


# ---- the public face ---------------------------------------------------------------------------


# What the library makes, not the user: their attributes are documented instead.
RESULTS = {"Comparison", "Doctor", "Explanation", "RecentCalls", "Report"}
SECTIONS = ["Parameters", "Attributes", "Returns", "Raises", "See Also", "Notes", "Examples"]
CALLABLES = [
    name for name in treadle.__all__ if callable(getattr(treadle, name)) and name not in RESULTS
]


def sections_of(item):
    """Return the summary line of a docstring and its sections by title, in order."""
    text = "\n\n" + inspect.getdoc(item)
    first, *rest = re.split(r"\n\n([A-Z][A-Za-z ]+)\n-+\n", text)
    return first.strip().splitlines()[0], dict(zip(rest[::2], rest[1::2], strict=True))


@pytest.mark.parametrize("name", CALLABLES)
def test_docstrings_are_numpydoc(name):
    """One sentence first; the standard's sections; every parameter, in the order of the call."""
    item = getattr(treadle, name)
    summary, sections = sections_of(item)
    assert summary.endswith(".")
    assert [title for title in SECTIONS if title in sections] == list(sections)
    documented = re.findall(r"^([\w*][\w*, ]*)(?: :|$)", sections.get("Parameters", ""), re.M)
    names = [n.strip().lstrip("*") for line in documented for n in line.split(",")]
    parameters = [] if name == "TreadleWarning" else inspect.signature(item).parameters
    assert names == list(parameters)


@pytest.mark.parametrize("name", sorted(RESULTS))
def test_attributes_are_documented(name):
    _, sections = sections_of(getattr(treadle, name))
    assert sections["Attributes"]


def test_every_public_name_is_there():
    assert set(treadle.__all__) <= set(dir(treadle))
    with pytest.raises(AttributeError, match="nonsense"):
        _ = treadle.nonsense
