"""Whole days at random sites, with every door, fault and crash, under the eyes of a bystander.

`VENCTL_DAYS=2000 pytest tests/statemachine/verify/test_days.py` plays more of them. A seed that
fails is printed by its test; put it into KEPT, so that it is always played.
"""

from __future__ import annotations

import os
from pathlib import Path
from random import Random

import pytest

from statemachine import read
from statemachine.verify.rules.run_rules import violations_of
from statemachine.verify.search.generate_days import generate_day
from statemachine.verify.search.narrate import narrate, scenario_text
from statemachine.verify.search.pairs import TWINS, differences
from statemachine.verify.world.play import Play
from statemachine.verify.world.scenario import Scenario, read_scenario
from tests.kit.core.random_sites import invent_valid
from tests.kit.paths import DATA

DAYS = int(os.environ.get("VENCTL_DAYS", "40"))
KEPT = (63, 574, 1167, 1196, 2140, 2180)
STORIES = sorted((DATA / "days").glob("*.yaml"))
MOST_STEPS = 12


@pytest.mark.parametrize("seed", sorted({*KEPT, *range(DAYS)}))
def test_no_rule_is_broken_on_any_day(seed: int) -> None:
    dice = Random(seed)
    text = invent_valid(dice)
    spec, words = read(text, "panel.yaml"), generate_day(read(text, "panel.yaml"), dice, MOST_STEPS)
    scenario = Scenario.model_validate(words)
    one = next(violations_of(Play(spec, scenario)), None)
    if one is not None:
        story = narrate(spec, scenario, one.ms, str(one))
        pytest.fail(f"seed {seed}\n{text}\n{scenario_text(words, story)}")


@pytest.mark.parametrize("seed", range(max(5, DAYS // 10)))
@pytest.mark.parametrize("rule", TWINS)
def test_two_days_that_must_come_out_the_same_do(rule: str, seed: int) -> None:
    dice = Random(f"{rule}-{seed}")
    text = invent_valid(dice)
    spec = read(text, "panel.yaml")
    words = TWINS[rule].invent(generate_day(spec, dice, MOST_STEPS), dice) | {"loads": "steady"}
    found = next(differences(spec, Scenario.model_validate(words), rule), None)
    assert found is None, f"seed {seed}\n{text}\n{scenario_text(words, [str(found)])}"


@pytest.mark.parametrize("file", STORIES, ids=lambda file: file.stem)
def test_a_fault_found_once_stays_mended(file: Path) -> None:
    """Each file is a site and, below `---`, the day on which it once broke a rule."""
    site, _, day = file.read_text("utf-8").partition("---\n")
    spec = read(site, file.name)
    scenario = read_scenario(day, file.name, spec)
    assert scenario.breaks is not None
    if scenario.breaks in TWINS:
        assert list(differences(spec, scenario, scenario.breaks)) == []
    assert list(violations_of(Play(spec, scenario))) == []
