"""Every file that a document or a docstring names is there, and every link leads to a heading."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from tests.kit.paths import ROOT

TOPS = ("bench", "deploy", "docs", "examples", "statemachine", "tests", "venctl", "web")
NAMED = re.compile(
    rf"(?<![\w/.])((?:{'|'.join(TOPS)})/[\w./-]+\.(?:py|md|yaml|js|css|toml|txt))(?!\w)"
)
DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")])
SOURCES = sorted(file for top in TOPS for file in (ROOT / top).rglob("*.py"))


def names(files: list[Path]) -> list[str]:
    return [str(file.relative_to(ROOT)) for file in files]


@pytest.mark.parametrize("name", names(DOCUMENTS))
def test_every_file_that_a_document_names_is_there(name: str) -> None:
    for path in NAMED.findall((ROOT / name).read_text("utf-8")):
        assert (ROOT / path).exists(), path


@pytest.mark.parametrize("name", names(SOURCES))
def test_every_file_that_a_docstring_names_is_there(name: str) -> None:
    nodes = ast.walk(ast.parse((ROOT / name).read_text("utf-8")))
    kinds = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    for node in nodes:
        if isinstance(node, kinds) and (text := ast.get_docstring(node)):
            for path in NAMED.findall(text):
                assert "NAME" in path or (ROOT / path).exists(), path
            for document in re.findall(r"(?<![\w/-])([\w-]+\.md)\b", text):
                assert {ROOT / document, ROOT / "docs" / document} & set(DOCUMENTS), document


@pytest.mark.parametrize("name", names(DOCUMENTS))
def test_every_link_to_a_heading_finds_one(name: str) -> None:
    for target, heading in re.findall(r"\]\(([^)#:]*)#([^)]+)\)", (ROOT / name).read_text("utf-8")):
        page = ((ROOT / name).parent / target) if target else ROOT / name
        assert heading in headings(page.read_text("utf-8")), f"{target}#{heading}"


def headings(text: str) -> set[str]:
    """The names by which links find the headings of a page, as GitHub makes them."""
    titles = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}
