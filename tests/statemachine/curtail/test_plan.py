"""Which circuits give how much: rules over invented panels, and figures known by hand."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from statemachine.curtail.capacity import loads
from statemachine.curtail.plan import Load, as_relay, plan_shed
from statemachine.state.memory import Memory
from statemachine.verify.rules.properties import RULES, Trial, broken_site_limits
from statemachine.verify.search.generate_panels import (
    generate_loads,
    generate_memory,
    generate_trial,
)
from tests.kit.core.sample_sites import MAPLE, PANEL, site
from tests.kit.depth import examples
from tests.kit.harness import Harness

SITE = site(PANEL)
DICE = st.randoms(use_true_random=False)
TRIALS = DICE.map(lambda dice: generate_trial(dice, generate_loads(dice, 8)))


@pytest.mark.parametrize("number", RULES)
def test_every_rule_of_planning_holds(number: str) -> None:
    @settings(max_examples=examples(80), deadline=None)
    @given(TRIALS)
    def holds(trial: Trial) -> None:
        assert RULES[number](trial, trial.plan()) is None

    holds()


@settings(max_examples=examples(60), deadline=None)
@given(DICE.map(lambda dice: generate_memory(dice, SITE)))
def test_a_circuit_gives_only_what_ven_yaml_allows(memory: Memory) -> None:
    assert list(broken_site_limits(SITE, memory)) == []


RELAYS = st.lists(st.integers(1, 60), min_size=1, max_size=12)


@settings(max_examples=examples(50), deadline=None)
@given(RELAYS, st.integers(0, 80), st.data())
def test_relays_overshoot_least_of_all_ways_to_open_them(
    caps: list[int], smooth_w: int, data: st.DataObject
) -> None:
    target_w = data.draw(st.integers(1, sum(caps) + smooth_w))
    tier = [_load(f"r{n:02}", cap_w, stepped=True) for n, cap_w in enumerate(caps)]
    tier.append(_load("smooth", smooth_w, stepped=False))
    sums = [sum(x * cap_w for x, cap_w in zip(on, caps, strict=True)) for on in _ways(caps)]
    enough_w = target_w - target_w * 2 // 100
    least_w = min(sum_w for sum_w in sums if sum_w + smooth_w >= enough_w)
    total_w = plan_shed(tier, target_w, {}).total_w
    assert enough_w <= total_w
    if any(sum_w <= enough_w <= sum_w + smooth_w for sum_w in sums):
        assert total_w <= target_w, "what stops at any watt fills up, and no more"
    else:
        assert total_w == max(least_w, min(target_w, least_w + smooth_w))


def _ways(caps: Sequence[int]) -> product[tuple[int, ...]]:
    return product((0, 1), repeat=len(caps))


def _load(circuit: str, cap_w: int, *, stepped: bool) -> Load:
    load = Load(circuit, (False, 1), cap_w, cap_w)
    return as_relay(load) if stepped else load


def test_relays_in_force_stay_when_others_would_do_as_well() -> None:
    tier = [_load(id, 300, stepped=True) for id in ("a", "b", "c")]
    assert dict(plan_shed(tier, 300, {"c": 300}).cuts) == {"c": 300}
    assert dict(plan_shed(tier, 600, {"b": 300, "c": 300}).cuts) == {"b": 300, "c": 300}


def test_two_hundred_relays_are_planned_exactly() -> None:
    tier = [_load(f"r{n:03}", 1_000 + 7 * n, stepped=True) for n in range(200)]
    assert plan_shed(tier, 123_457, {}).total_w - 123_457 < 7


def test_the_worked_example_comes_out_to_the_digit() -> None:
    desk = Harness(site(MAPLE))
    desk.read()
    ack = desk.ask(op="event", event_id="evt-123", shed_kw=2.0, duration_sec=600)
    assert ack["status"] == "accepted" and ack["actual_shed_kw"] == 2.0
    assert "shortfall_kw" not in ack
    rows = [(c["id"], c["original_kw"], c["curtailed_kw"], c["final_kw"]) for c in _rows(ack)]
    assert rows == [
        ("heater1", 1.5, 1.5, 0.0),
        ("lights1", 0.4, 0.28, 0.12),
        ("misc1", 1.0, 0.22, 0.78),
    ]
    assert desk.held() == {"heater1": 0, "lights1": 120, "misc1": 780}
    desk.read()
    said = desk.ask(op="get")["data"]
    assert said == {
        "power_kw": 8.0,
        "shed_kw": 2.0,
        "base_power_kw": 10.0,
        "active_event": "evt-123",
    }


def _rows(ack: dict[str, list[dict[str, object]]]) -> list[dict[str, object]]:
    return ack["circuits_curtailed"]


def test_critical_circuits_give_last_and_only_a_fifth() -> None:
    desk = Harness(site(MAPLE))
    desk.read()
    ack = desk.ask(op="event", shed_kw=9.0, duration_sec=600)
    assert desk.held() == {
        "heater1": 0,
        "lights1": 120,
        "misc1": 400,
        "hvac1": 2_800,
        "fridge1": 160,
    }
    assert ack["actual_shed_kw"] == 3.12 and ack["shortfall_kw"] == 5.88


def test_every_circuit_is_told_why_it_gives_or_not() -> None:
    desk = Harness(SITE)
    desk.read()
    reasons = plan_shed(loads(SITE, desk.memory), 2_100, {}).reasons
    assert reasons["heater"] == "sheds 2.00 kW, all it can"
    assert reasons["lights"] == "sheds 0.10 kW, the rest of the target"
    assert reasons["server"] == "never shed"
    assert reasons["oven"] == "not declared to be shed"
    assert reasons["hvac"] == "not needed"
