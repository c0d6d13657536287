# SPDX-License-Identifier: BSD-3-Clause
"""The bill of materials names what is installed, and what is inside."""

import json
import subprocess
from pathlib import Path

import pytest

TREE = Path(__file__).parents[2]
STAGE = TREE / "build/stage"
FILE = STAGE / "share/treadle/treadle.cdx.json"
BLIS = STAGE / "lib/treadle-1/treadle-blis.so"


@pytest.fixture(scope="module")
def bill():
    return json.loads(FILE.read_text())


@pytest.fixture(scope="module")
def components(bill):
    return {component["bom-ref"]: component for component in bill["components"]}


@pytest.fixture(scope="module")
def depends(bill):
    return {entry["ref"]: entry["dependsOn"] for entry in bill["dependencies"]}


def test_every_reference_leads_to_one_component(bill, components, depends):
    assert len(components) == len(bill["components"])
    assert set().union(*depends.values()) <= set(components)
    assert set(depends) <= {"treadle", *components}


def test_all_installed_binaries_are_listed(components):
    files = [f for f in STAGE.rglob("*") if f.is_file() and f.read_bytes()[:4] == b"\x7fELF"]
    names = {component["name"] for component in components.values()}
    assert {f.resolve().name for f in files} <= names


@pytest.mark.skipif(not BLIS.exists(), reason="built without BLIS")
@pytest.mark.parametrize(
    ("name", "package"), [("blis", "libblis-pthread-dev"), ("lapack_pic", "liblapack-dev")]
)
def test_what_the_blis_plugin_has_inside(components, depends, name, package):
    inside = [components[ref] for ref in depends["treadle/treadle-blis.so"]]
    (part,) = [part for part in inside if part["name"] == name]
    version = subprocess.run(
        ["dpkg-query", "-W", "-f", "${Version}", package], capture_output=True, text=True
    )
    if version.returncode == 0:
        assert part["version"] == version.stdout
    assert part["properties"] == [{"name": "linkage", "value": "static"}]
    assert part["licenses"] == [{"expression": "BSD-3-Clause"}]


def test_no_path_of_the_build_is_in_it():
    assert str(TREE) not in FILE.read_text()
