"""The page's modules keep the rules of the house: one direction of imports, short, not crowded."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
STATIC = ROOT / "web" / "static"
LAYERS = ("vendor", "core", "parts", "cards", "")  # lowest first; "" is the top folder
MODULES = sorted(file for file in STATIC.rglob("*.js") if "vendor" not in file.parts)
NAMES = [str(file.relative_to(STATIC)) for file in MODULES]
IMPORT = re.compile(r'^(?:import|export)\b[^"]*"(\.[^"]+)";', re.MULTILINE)
MOST_MODULES, MOST_LINES = 16, 300


def folder_of(file: Path) -> str:
    return str(file.relative_to(STATIC).parent).removeprefix(".")


@pytest.mark.parametrize("name", NAMES)
def test_no_module_imports_from_a_folder_above_its_own(name: str) -> None:
    file = STATIC / name
    imported = [(file.parent / path).resolve() for path in IMPORT.findall(file.read_text("utf-8"))]
    assert all(one.is_file() for one in imported)
    below = LAYERS[: LAYERS.index(folder_of(file)) + 1]
    assert {folder_of(one) for one in imported} <= set(below)


@pytest.mark.parametrize("name", NAMES)
def test_a_module_is_short_and_begins_with_what_it_is_for(name: str) -> None:
    lines = (STATIC / name).read_text("utf-8").splitlines()
    assert len(lines) <= MOST_LINES
    assert re.match(r"// [A-Z].+[.:]$", lines[0])


def test_no_folder_is_crowded() -> None:
    folders = [folder_of(file) for file in MODULES]
    assert [one for one in set(folders) if folders.count(one) > MOST_MODULES] == []


def test_every_style_is_of_a_class_that_some_module_writes() -> None:
    modules = " ".join(file.read_text("utf-8") for file in MODULES)
    rules = " ".join(file.read_text("utf-8") for file in (STATIC / "styles").glob("*.css"))
    selectors = re.sub(r"/\*.*?\*/|\{[^{}]*\}", "", rules, flags=re.DOTALL)
    classes = {one for one in re.findall(r"\.([a-z][\w-]*)", selectors) if not one.startswith("u-")}
    assert [one for one in classes if not re.search(rf"(?<![\w-]){one}(?![\w-])", modules)] == []


def test_a_reason_that_a_preview_leaves_out_is_one_that_the_core_gives() -> None:
    text = (STATIC / "core" / "preview-text.js").read_text("utf-8")
    listed = re.search(r"EXPECTED = new Set\(\[(.*?)\]\)", text, re.DOTALL)
    reasons = re.findall(r'"([^"]+)"', listed[1] if listed else "")
    core = " ".join(
        file.read_text("utf-8") for file in (ROOT / "statemachine/curtail").glob("*.py")
    )
    assert reasons and [one for one in reasons if f'"{one}"' not in core] == []
