"""The words in which commands are refused: one list, of which each word is used."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import get_args

import pytest

from statemachine.state import reasons
from statemachine.state.reasons import Reason
from tests.kit.paths import ROOT
from web.commands import problem_of

SOURCES = [
    file
    for room in ("statemachine", "venctl")
    for file in (ROOT / room).rglob("*.py")
    if file != Path(reasons.__file__)
]


def words(file: Path) -> set[str]:
    """Every string that stands in a file by itself."""
    nodes = ast.walk(ast.parse(file.read_text("utf-8")))
    return {one.value for one in nodes if isinstance(one, ast.Constant) and type(one.value) is str}


def test_no_reason_is_in_the_list_that_nobody_gives() -> None:
    assert set(get_args(Reason)) <= set().union(*map(words, SOURCES))


@pytest.mark.parametrize("reason", get_args(Reason))
def test_every_reason_is_a_problem_of_its_own_status_with_the_cores_words(reason: Reason) -> None:
    problem = problem_of(reason, "why it is so")
    assert problem.detail == "why it is so"
    expected = {"not_found": 404, "overloaded": 503, "storage": 503}.get(reason, 409)
    assert problem.status == expected
    assert problem.more == {"reason": reason}
