"""Every file that a document or a docstring names is there, and every command line is one."""

from __future__ import annotations

import argparse
import ast
import re
import shlex
from pathlib import Path

import pytest

from tests.kit.paths import ROOT
from venctl.cli import parser

TOPS = ("bench", "deploy", "docs", "examples", "statemachine", "tests", "venctl", "web")
NAMED = re.compile(
    rf"(?<![\w/.])((?:{'|'.join(TOPS)})/[\w./-]+\.(?:py|md|yaml|js|css|toml|txt))(?!\w)"
)
SPANS = re.compile(r"`(venctl [^`\n]+)`")
BLOCKS = re.compile(r"```\w*\n(.*?)```", re.DOTALL)
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


def command_lines(text: str) -> list[str]:
    """Each `venctl ...` of a document: in its text, and as a line of a block."""
    lines = [
        line for block in BLOCKS.findall(text) for line in block.replace("\\\n", " ").split("\n")
    ]
    typed = [line.strip().removeprefix("$ ") for line in lines]
    return [*SPANS.findall(BLOCKS.sub("", text)), *(x for x in typed if x.startswith("venctl "))]


def subparsers(parser: argparse.ArgumentParser) -> dict[str, argparse.ArgumentParser]:
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            return dict(action.choices)
    raise AssertionError("there are no commands")


COMMANDS = subparsers(parser())


@pytest.mark.parametrize("name", names(DOCUMENTS))
def test_every_command_line_of_a_document_has_a_command_and_options_that_there_are(
    name: str,
) -> None:
    for line in command_lines((ROOT / name).read_text("utf-8")):
        words = shlex.split(re.split(r"\s[|&>;]|\s#", line)[0], comments=True)[1:]
        if not words or words[0].startswith(("-", "...", "<")):
            continue
        assert words[0] in COMMANDS, line
        known = COMMANDS[words[0]]._option_string_actions
        for word in words[1:]:
            if word.startswith("--"):
                assert word.partition("=")[0] in known, line
