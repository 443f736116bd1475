"""docs/domain.md has every rule of the program, what checks it, and no other rule."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from statemachine.curtail import plan, replan
from statemachine.returns import idle, release
from statemachine.site.panel import DWELL_MS, LEAST_AMPS
from statemachine.site.spec import Limits
from statemachine.verify.rules import circuit_rules, properties, run_rules
from statemachine.verify.rules.day_rules import DAY_RULES
from statemachine.verify.rules.properties import RULES, broken_site_limits
from statemachine.verify.rules.rulebook import PROPERTIES
from statemachine.verify.search.pairs import TWINS
from tests.kit.paths import ROOT

PAGE = (ROOT / "docs" / "domain.md").read_text("utf-8")
SITE_RULES = Path(broken_site_limits.__code__.co_filename).read_text("utf-8")
TESTS = "".join(file.read_text("utf-8") for file in (ROOT / "tests").rglob("test_*.py"))
ROWS = {
    cells[0]: cells[1:]
    for cells in re.findall(
        r"^\| ([A-Z]+\d*) \| (.*) \| ([a-z, ]+) \| (.*) \|$", PAGE, re.MULTILINE
    )
}
NUMBERS = [*PROPERTIES, *(number for number in DAY_RULES if number not in PROPERTIES)]

assert run_rules  # with it, every rule of a day is known


def test_every_rule_of_the_program_is_in_the_document_and_no_other() -> None:
    assert set(ROWS) == set(NUMBERS)


@pytest.mark.parametrize("number", NUMBERS)
def test_the_document_says_of_each_rule_what_the_program_says(number: str) -> None:
    words, _, source = ROWS[number]
    if number in PROPERTIES:
        assert words == PROPERTIES[number][1]
    else:
        assert words == DAY_RULES[number].__name__.replace("_", " ")
    assert source.strip()


@pytest.mark.parametrize("number", NUMBERS)
def test_the_document_says_of_each_rule_all_that_checks_it(number: str) -> None:
    checks = {
        "plan": number in RULES,
        "site": f'f"{number} ' in SITE_RULES,
        "day": number in DAY_RULES,
        "pair": number in TWINS,
        "test": number in PROPERTIES and f"def test_{number.lower()}_" in TESTS,
    }
    if PROPERTIES.get(number, ("",))[0] == "false":
        assert ROWS[number][1] == "false" and checks["test"]
    else:
        assert ROWS[number][1] == ", ".join(name for name, is_so in checks.items() if is_so)


def test_the_figures_are_those_of_the_program() -> None:
    minutes = {type: tuple(ms and ms // 60_000 for ms in span) for type, span in DWELL_MS.items()}
    assert minutes["hvac"] == (5, 5, None) and minutes["fridge"] == (5, 5, 30)
    for said in (
        f"max({replan.SHORT_PERCENT} %, {replan.SHORT_W} W) for {replan.SHORT_MS // 1000} s",
        f"max({replan.OVER_PERCENT} %, {replan.OVER_W} W) for {replan.OVER_MS // 1000} s",
        f"the lesser of {plan.TOLERANCE_PERCENT} % and {plan.TOLERANCE_W} W",
        f"lease of {release.LEASE_MS // 1000} s that is renewed every {release.RENEW_MS // 1000} s",
        f"After {idle.BLOCKED_MS // 60_000} minutes without room",
        f"whole amperes from {LEAST_AMPS} A up",
        f"more than {properties.MOST_STEPPED} circuits of one tier",
        f"the first {circuit_rules.CALM_MS // 60_000} min after something moved",
        f"`longest_event` ({Limits().longest_event // 3_600_000} h by default)",
    ):
        assert said in PAGE, said
