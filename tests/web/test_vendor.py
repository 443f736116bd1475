"""The third-party files of the page are those that vendor.json lists, and a change is noticed."""

from __future__ import annotations

import json
import runpy
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.kit.paths import ROOT

VENDOR = ROOT / "web" / "static" / "vendor"
faults: Callable[[Path], list[str]] = runpy.run_path(str(ROOT / "web/tools/check_vendor.py"))[
    "faults"
]


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    return shutil.copytree(VENDOR, tmp_path / "vendor")


def test_the_vendored_files_match_their_manifest() -> None:
    assert faults(VENDOR) == []


def test_a_changed_byte_is_noticed(copy: Path) -> None:
    file = copy / "ui.js"
    file.write_bytes(file.read_bytes() + b" ")
    assert faults(copy) == ["changed: ui.js"]


def test_an_added_file_is_noticed(copy: Path) -> None:
    (copy / "more.js").write_text("export default 1;\n")
    assert faults(copy) == ["not in vendor.json: more.js"]


def test_a_missing_file_is_noticed(copy: Path) -> None:
    (copy / "uplot.css").unlink()
    assert faults(copy) == ["missing: uplot.css"]


def test_a_licence_that_is_not_allowed_or_has_no_text_is_noticed(copy: Path) -> None:
    manifest = json.loads((copy / "vendor.json").read_text("utf-8"))
    manifest["packages"]["htm"]["license"] = "GPL-3.0"
    manifest["files"].pop("LICENSES/preact.txt")
    (copy / "LICENSES" / "preact.txt").unlink()
    (copy / "vendor.json").write_text(json.dumps(manifest), "utf-8")
    assert faults(copy) == [
        "licence GPL-3.0 of htm is not in ALLOWED_LICENCES",
        "the licence text of preact is missing",
    ]


def test_every_vendored_package_is_named_with_its_version_in_third_party_md() -> None:
    text = (ROOT / "THIRD_PARTY.md").read_text("utf-8")
    packages = json.loads((VENDOR / "vendor.json").read_text("utf-8"))["packages"]
    lines = [
        f"| {name} | {entry['version']} | {entry['license']} |" for name, entry in packages.items()
    ]
    assert [line for line in lines if line not in text] == []


def test_the_manifest_names_the_versions_that_are_locked() -> None:
    lock = json.loads((ROOT / "package-lock.json").read_text("utf-8"))["packages"]
    packages = json.loads((VENDOR / "vendor.json").read_text("utf-8"))["packages"]
    locked = {
        place.removeprefix("node_modules/"): (entry["version"], entry["integrity"])
        for place, entry in lock.items()
        if place and not entry.get("dev")
    }
    assert locked == {name: (one["version"], one["integrity"]) for name, one in packages.items()}
