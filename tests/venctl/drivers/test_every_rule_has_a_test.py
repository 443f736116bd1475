"""Each rule of a driver and each failure that others met names the tests that keep it, and those
are there; docs/devices.md has the same table.
"""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import pytest

from tests.kit.devices.promises import AWAITED, MET, RULES
from tests.kit.paths import ROOT

TESTS = ROOT / "tests"
PAGE = (ROOT / "docs" / "devices.md").read_text("utf-8")
ROW = re.compile(r"^\| (R|F)(\d+) \| (.+) \| (yes|in part|no) \| (.+) \|$", re.MULTILINE)
ROWS = {f"{kind}{number}": cells for kind, number, *cells in ROW.findall(PAGE)}
ALL = {f"R{number}": tests for number, tests in RULES.items()}
ALL |= {f"F{number}": tests for number, tests in MET.items()}
NAMED = sorted({test for tests in ALL.values() for test in tests})


@cache
def names_in(file: Path) -> frozenset[str]:
    """The names of the tests of a file."""
    tree = ast.parse(file.read_text("utf-8"))
    functions = (ast.FunctionDef, ast.AsyncFunctionDef)
    return frozenset(node.name for node in tree.body if isinstance(node, functions))


def test_each_of_the_21_rules_and_26_failures_has_a_test() -> None:
    assert [*RULES] == [*range(1, 22)]
    assert [*MET] == [*range(1, 27)]
    assert all(ALL.values())


@pytest.mark.parametrize("test", NAMED)
def test_a_test_that_is_named_is_there(test: str) -> None:
    file, _, name = test.partition("::")
    if not (TESTS / file).is_file() and file in AWAITED:
        pytest.skip(f"{file} is not merged yet")
    if name.endswith(".yaml"):  # a file that test_bad_files.py goes through
        assert (TESTS / name).is_file()
    else:
        assert name in names_in(TESTS / file)


def test_the_document_has_the_same_table() -> None:
    assert ROWS.keys() == ALL.keys()


@pytest.mark.parametrize("number", sorted(ALL))
def test_the_document_names_a_test_for_each(number: str) -> None:
    _, _, named = ROWS[number]
    files = {Path(test.partition("::")[0]).name for test in ALL[number]}
    assert {*re.findall(r"`(\S+)`", named)} == files
