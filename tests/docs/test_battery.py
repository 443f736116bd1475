"""The table of the battery names tests that are there, and the documents have every row."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.kit.campaigns.battery import BATTERY
from tests.kit.paths import ROOT

RELIABILITY = (ROOT / "docs" / "reliability.md").read_text()


@pytest.mark.parametrize("name", BATTERY)
def test_each_row_runs_tests_that_are_there_or_says_what_is_missing(name: str) -> None:
    row = BATTERY[name]
    assert row.files or row.module or row.lacks
    assert all(Path(ROOT, file).exists() for file in row.files), row.files


@pytest.mark.parametrize("name", BATTERY)
def test_the_document_has_each_row_and_what_it_lacks(name: str) -> None:
    lines = [line for line in RELIABILITY.splitlines() if line.startswith(f"| {name} |")]
    assert len(lines) == 1
    lacks = BATTERY[name].lacks
    assert lacks in lines[0]
