"""One answer for the page's preview and for `venctl plan`, under the site's own rules."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from statemachine import Spec
from statemachine.curtail.estimate import typical_memory
from statemachine.curtail.requirement import random_offset_ms
from statemachine.state.triggers import DrEvent
from statemachine.wire.commands import Origin, command_from
from tests.kit.core.sample_sites import MAPLE, NOW_MS, NOW_S, site
from tests.kit.harness import Harness
from web.planning import plan_outlook, preview

RELAYS = """
site: {id: relays}
circuits:
  a: {rated: 1 kW, shed: 100 %, control: relay, priority: 1}
  b: {rated: 1 kW, shed: 100 %, control: relay, priority: 1}
  c: {rated: 3 kW, shed: 50 %, max_shed_per_day: 20 min}
  d: {rated: 1 kW, shed: 100 %, max_off: 5 min, meter: none, typical: 0.5 kW}
"""


def event(kw: float, seconds: int = 600, **more: Any) -> DrEvent:
    said = {"op": "event", "event_id": "e9", "shed_kw": kw, "duration_sec": seconds, **more}
    asked = (
        command_from(said, "", Origin("page", "", NOW_MS, NOW_MS))
        if not more
        else command_from(said, "", Origin("operator", "", NOW_MS, NOW_MS))
    )
    assert isinstance(asked, DrEvent)
    return asked


def running(text: str) -> Harness:
    desk = Harness(site(text))
    desk.read()
    return desk


def shown(spec: Spec, said: dict[str, Any]) -> dict[str, float]:
    return {c["id"]: c["shed_kw"] for c in said["circuits"] if c["shed_kw"]}


@pytest.mark.parametrize(
    ("policy", "asked", "gives"),
    [
        ("at_least", 1.2, {"a": 1.0, "b": 1.0}),
        ("at_most", 1.2, {"a": 1.0}),
        ("closest", 1.2, {"a": 1.0}),
        ("closest", 1.8, {"a": 1.0, "b": 1.0}),
    ],
)
def test_the_preview_plans_by_the_policy_of_the_site(
    policy: str, asked: float, gives: dict[str, float]
) -> None:
    desk = running(RELAYS + f"curtail: {{policy: {policy}}}\n")
    seen = preview(desk.spec, desk.memory, event(asked))
    assert shown(desk.spec, seen) == gives
    ack = desk.ask(op="event", event_id="e9", shed_kw=asked, duration_sec=600)
    assert {c["id"]: c["curtailed_kw"] for c in ack["circuits_curtailed"]} == gives


@pytest.mark.parametrize(("overlap", "total"), [("max", 2.0), ("sum", 3.0)])
def test_the_preview_counts_other_events_as_the_programme_does(overlap: str, total: float) -> None:
    desk = running(MAPLE + f"curtail: {{overlap: {overlap}}}\n")
    desk.ask(op="event", event_id="e1", shed_kw=1.0, duration_sec=600)
    assert preview(desk.spec, desk.memory, event(2.0))["shed_kw"] == total
    ack = desk.ask(op="event", event_id="e9", shed_kw=2.0, duration_sec=600)
    assert ack["actual_shed_kw"] == total


@given(
    st.sampled_from(["at_least", "at_most", "closest"]),
    st.sampled_from(["max", "sum"]),
    st.lists(st.integers(1, 6_000), min_size=1, max_size=3),
)
def test_whatever_is_asked_the_preview_is_what_happens(
    policy: str, overlap: str, amounts_w: list[int]
) -> None:
    desk = running(RELAYS + f"curtail: {{policy: {policy}, overlap: {overlap}}}\n")
    for place, watts in enumerate(amounts_w):
        said = {"op": "event", "event_id": f"e{place}", "shed_kw": watts / 1000}
        asked = desk.command(**said, duration_sec=600)
        assert isinstance(asked, DrEvent)
        seen = plan_outlook(desk.spec, desk.memory, asked)
        desk.ack(asked)
        assert seen.plan.cuts == desk.memory.cuts


def test_a_revision_does_not_count_its_own_earlier_terms() -> None:
    desk = running(MAPLE + "curtail: {overlap: sum}\n")
    desk.ask(op="event", event_id="e9", shed_kw=2.0, duration_sec=600)
    assert preview(desk.spec, desk.memory, event(1.0))["shed_kw"] == 1.0


def test_a_random_start_is_shown_to_the_second() -> None:
    desk = running(MAPLE)
    asked = event(1.0, start_ts=NOW_S + 60, randomize_sec=600)
    late_ms = random_offset_ms("volttron_local", "e9", 600_000)
    seen = preview(desk.spec, desk.memory, asked)
    assert seen["starts_at"] == NOW_S + 60 + late_ms / 1000
    assert preview(desk.spec, desk.memory, event(1.0))["starts_at"] is None


def test_a_later_event_counts_who_runs_then_and_not_who_runs_now() -> None:
    desk = running(MAPLE + "curtail: {overlap: sum}\n")
    desk.ask(op="event", event_id="e1", shed_kw=1.0, duration_sec=60)
    desk.ask(op="event", event_id="e2", shed_kw=0.5, start_ts=NOW_S + 90, duration_sec=600)
    asked = event(0.2, start_ts=NOW_S + 100)
    assert preview(desk.spec, desk.memory, asked)["shed_kw"] == pytest.approx(0.7)


def test_who_cannot_give_for_so_long_is_said_to_give_for_a_while() -> None:
    desk = running(RELAYS)
    seen = preview(desk.spec, desk.memory, event(6.0, 3_600))
    lasts = {c["id"]: c["lasts_s"] for c in seen["circuits"]}
    assert lasts == {"a": None, "b": None, "c": 1_200, "d": 300}
    said = {c["id"]: c["reason"] for c in seen["circuits"]}
    assert said["c"] == "sheds 1.50 kW, all it can; for at most 20:00"
    estimated = "estimated, because it has no meter; for at most 5:00"
    assert said["d"] == f"sheds 0.50 kW, all it can; {estimated}"
    brief = preview(desk.spec, desk.memory, event(6.0, 240))
    assert all(circuit["lasts_s"] is None for circuit in brief["circuits"])


def test_what_a_circuit_gave_today_is_taken_off_what_it_can_give() -> None:
    desk = running(RELAYS)
    desk.ask(op="event", event_id="e1", shed_kw=6.0, duration_sec=600)
    desk.wait(400)
    seen = preview(desk.spec, desk.memory, event(6.0, 3_600))
    assert next(c["lasts_s"] for c in seen["circuits"] if c["id"] == "c") == 800


def test_other_amounts_are_told_beside_it() -> None:
    desk = running(MAPLE)
    others = preview(desk.spec, desk.memory, event(0.3))["others"]
    assert [(o["asked_kw"], o["shed_kw"], o["shortfall_kw"]) for o in others] == [
        (1.0, 1.0, 0.0),
        (2.0, 2.0, 0.0),
        (5.0, 3.12, 1.88),
    ]
    assert others[0]["circuits"] == ["heater1"] and not others[0]["critical"]
    assert others[2]["critical"] == ["hvac1", "fridge1"]


def test_a_file_alone_is_planned_on_typical_loads() -> None:
    spec = site(MAPLE.replace("rated: 1.5 kW", "rated: 1.5 kW, typical: 1.2 kW"))
    seen = preview(spec, typical_memory(spec), event(5.0))
    free = {c["id"]: c["free_kw"] for c in seen["circuits"]}
    assert (free["heater1"], free["lights1"], free["ev1"]) == (1.2, 0.28, 0.0)
    assert seen["power_before_kw"] == pytest.approx(3.4 + 1.2 + 0.28 + 0.7 + 2.45 + 0.14)
    assert {c["id"]: c["reason"] for c in seen["circuits"]}["ev1"] == "switched off"


def test_a_site_that_observes_previews_what_it_would_do() -> None:
    desk = running(MAPLE + "mode: observe\n")
    seen = preview(desk.spec, desk.memory, event(2.0))
    assert (seen["mode"], seen["shed_kw"]) == ("observe", 2.0)
