"""The rulebook: each is held, and what no day or plan can show has its test here."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from statemachine.curtail.plan import Load, as_relay, plan_shed
from statemachine.curtail.requirement import random_offset_ms
from statemachine.state.triggers import DrEvent, Invalid
from statemachine.verify.rules import run_rules as check
from statemachine.verify.rules.day_rules import DAY_RULES
from statemachine.verify.rules.properties import RULES, broken_site_limits
from statemachine.verify.rules.rulebook import PROPERTIES
from statemachine.verify.search.generate_panels import generate_memory
from statemachine.verify.search.pairs import TWINS
from statemachine.wire.commands import Origin, command_from, parse_command
from tests.kit.core.sample_sites import NOW_MS, PANEL, site
from tests.kit.depth import examples
from tests.kit.harness import Harness
from tests.kit.paths import ROOT

assert check  # it knows all rules
TESTS = "".join(file.read_text("utf-8") for file in (ROOT / "tests").rglob("test_*.py"))
DOOR = Origin("operator", "r", NOW_MS, NOW_MS)


def test_the_properties_are_numbered_without_a_gap() -> None:
    assert list(PROPERTIES) == [f"P{n}" for n in range(1, len(PROPERTIES) + 1)]
    assert len(PROPERTIES) >= 41


@pytest.mark.parametrize("number", PROPERTIES)
def test_every_property_is_held_by_what_it_says(number: str) -> None:
    held = {
        "plan": number in RULES,
        "day": number in DAY_RULES,
        "twin": number in TWINS,
        "site": f"{number} " in (Path(broken_site_limits.__code__.co_filename).read_text("utf-8")),
        "test": f"def test_{number.lower()}_" in TESTS,
        "false": f"def test_{number.lower()}_is_false" in TESTS and number not in RULES,
    }
    assert held[PROPERTIES[number][0]]


def test_p12_is_false_asking_more_may_take_less_of_one_relay() -> None:
    tier = [as_relay(Load(f"r{w}", (False, 1), w, w)) for w in (1, 2)]
    assert dict(plan_shed(tier, 1, {}).cuts) == {"r1": 1}
    assert dict(plan_shed(tier, 2, {}).cuts) == {"r2": 2}


ODD = st.sampled_from(
    [float("nan"), float("inf"), -float("inf"), -1, 0, True, False, "2", "", None, [], {}, 10**30,
     1e-9, 0.0004, -0.0, "NaN"]
)  # fmt: skip


@settings(max_examples=examples(100), deadline=None)
@given(ODD | st.floats() | st.integers(), ODD | st.floats() | st.integers(), ODD, ODD)
def test_p18_only_whole_watts_and_times_reach_the_planner(
    shed: object, length: object, start: object, within: object
) -> None:
    said = {"op": "event", "event_id": "e1", "shed_kw": shed, "duration_sec": length}
    said |= {"start_ts": start, "randomize_sec": within}
    for command in (
        command_from(said, "ven", DOOR),
        parse_command(json.dumps(said), "ven", DOOR),
    ):
        if isinstance(command, Invalid):
            assert command.detail
            continue
        assert isinstance(command, DrEvent)
        assert type(command.shed_w) is int and 1 <= command.shed_w <= 1_000_000
        assert type(command.duration_ms) is int and 1_000 <= command.duration_ms <= 31 * 86_400_000
        assert type(command.randomize_ms) is int and command.randomize_ms >= 0


@settings(max_examples=examples(50), deadline=None)
@given(st.randoms(use_true_random=False).map(lambda dice: generate_memory(dice, site(PANEL))))
def test_p19_stricter_settings_never_let_a_circuit_give_more(memory: object) -> None:
    assert list(broken_site_limits(site(PANEL), memory)) == []  # type: ignore[arg-type]


@given(st.text(max_size=40), st.text(max_size=40), st.integers(0, 3_600_000))
def test_p34_a_random_offset_is_pure_and_within_its_bounds(ven: str, id: str, ms: int) -> None:
    assert 0 <= random_offset_ms(ven, id, ms) <= ms
    assert random_offset_ms(ven, id, ms) == random_offset_ms(ven, id, ms)


def test_p34_offsets_are_spread_over_their_span() -> None:
    offsets = [random_offset_ms("ven", f"evt-{n}", 999) for n in range(2_000)]
    assert min(offsets) < 20 and max(offsets) > 979
    assert 470 < sum(offsets) / len(offsets) < 530


RELAYS = """
site: {{id: ven-test, timezone: UTC}}
circuits:
{circuits}
restore: {{every: 1 s, bridge: 0 s}}
"""


@settings(max_examples=examples(20), deadline=None)
@given(st.integers(2, 6), st.integers(1, 6), st.integers(2, 20))
def test_p36_equal_events_take_equal_relays_in_turn(relays: int, asked: int, events: int) -> None:
    """Whatever number of them one event needs, and over midnight too."""
    one = "  r{}: {{rated: 500 W, control: relay, shed: 100 %, priority: 1}}"
    text = RELAYS.format(circuits="\n".join(one.format(n) for n in range(relays)))
    desk, needed = Harness(site(text)), min(asked, relays)
    desk.read()
    took: Counter[str] = Counter(dict.fromkeys(desk.spec.circuits, 0))
    for n in range(events):
        desk.ask(op="event", event_id=f"e{n}", shed_kw=0.5 * needed, duration_sec=60)
        took.update(desk.memory.cuts.keys())
        desk.wait(3_600)
    assert sum(took.values()) == needed * events
    assert max(took.values()) - min(took.values()) <= 1
