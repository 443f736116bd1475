"""An event that is revised while it runs, or moved, has run what it ran: no limit forgets it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from statemachine.curtail.limits import MOST_SPANS, with_earlier_runs
from statemachine.state.parts import from_parts, to_parts
from statemachine.state.past import PastEvent
from statemachine.verify.rules.run_rules import violations_of
from statemachine.verify.world.elapsed import elapsed_text
from statemachine.verify.world.play import Play
from statemachine.verify.world.scenario import Scenario
from tests.kit.core.sample_sites import site
from tests.kit.harness import Harness, Journaled

HOUR_S = 3_600
LIMITS = "longest_event: 4 h, min_gap: 30 min, hours_per_month: 3, events_per_day: 2"


def desk_of(limits: str) -> Harness:
    circuits = "{a: {rated: 2 kW, shed: 100 %}, b: {rated: 3 kW, shed: 100 %}}"
    text = f"site: {{id: v, service: 24 kW, timezone: UTC}}\nlimits: {{{limits}}}\n"
    desk = Journaled(site(f"{text}circuits: {circuits}"))
    desk.read()
    return desk


def call(desk: Harness, id: str, seconds: int, source: str = "operator", **said: Any) -> Any:
    terms = {"op": "event", "event_id": id, "shed_kw": 1.0, "duration_sec": seconds, **said}
    return desk.ask_from(source, **terms)


def ran_s(desk: Harness, seconds: int, id: str) -> int:
    """For how many of the next seconds an event asks for load."""
    total = 0
    for _ in range(seconds):
        total += id in desk.memory.events and desk.memory.events[id].state == "shedding"
        desk.wait(1)
    return total


@pytest.mark.parametrize("source", ["operator", "page", "cli"])
def test_a_revision_that_begins_anew_is_counted_from_the_first_start(source: str) -> None:
    desk = desk_of("longest_event: 20 s")
    assert call(desk, "e", 20, source)["status"] == "accepted"
    total = 0
    for revision in range(1, 5):
        total += ran_s(desk, 12 if revision == 1 else 2, "e")
        again = call(desk, "e", 20, source, revision=revision, start_ts=desk.ms // 1000)
        assert (again["status"], again["reason"]) == ("rejected", "limit")
        assert "s and lasts 20 s more; this site takes at most" in again["detail"]
    assert total + ran_s(desk, 30, "e") == 20


def test_a_revision_may_use_what_is_left_of_the_longest_event() -> None:
    desk = desk_of("longest_event: 20 s")
    call(desk, "e", 20)
    desk.wait(12)
    now = {"revision": 1, "start_ts": desk.ms // 1000}
    assert call(desk, "e", 9, **now)["reason"] == "limit"
    assert call(desk, "e", 8, **now)["status"] == "accepted"
    assert ran_s(desk, 30, "e") == 8


def test_a_revision_that_names_the_first_start_counts_nothing_twice() -> None:
    desk = desk_of("longest_event: 1 h")
    start_s = desk.ms // 1000
    call(desk, "e", HOUR_S // 2, start_ts=start_s)
    desk.wait(600)
    assert call(desk, "e", HOUR_S, start_ts=start_s, revision=1)["status"] == "accepted"
    desk.wait(600)
    assert call(desk, "e", HOUR_S, revision=2)["status"] == "accepted"
    assert desk.memory.past["e"].length_ms == HOUR_S * 1000


def moved_and_cancelled(limits: str) -> Harness:
    """It ran for an hour, was moved to the evening and called off."""
    desk = desk_of(limits)
    call(desk, "e1", 2 * HOUR_S)
    desk.wait(HOUR_S)
    later_s = desk.ms // 1000 + 5 * HOUR_S
    assert call(desk, "e1", HOUR_S, revision=1, start_ts=later_s)["status"] == "scheduled"
    desk.ask(op="cancel", event_id="e1")
    assert not desk.memory.events
    return desk


def test_the_hour_that_a_moved_event_ran_is_not_forgotten() -> None:
    desk = moved_and_cancelled("hours_per_month: 2")
    assert (
        call(desk, "e2", HOUR_S + 60)["detail"]
        == "this site takes at most 2 h of events a month, of which 60 min are left"
    )
    assert call(desk, "e2", HOUR_S)["status"] == "accepted"


def test_the_rest_after_what_a_moved_event_ran_is_not_forgotten() -> None:
    desk = moved_and_cancelled("min_gap: 30 min")
    desk.wait(29 * 60)
    assert call(desk, "e2", 60)["detail"] == "this site needs 30 min between events; e1 is nearer"
    desk.wait(60)
    assert call(desk, "e2", 60)["status"] == "accepted"


def test_a_moved_event_counts_on_the_day_on_which_it_ran() -> None:
    desk = moved_and_cancelled("events_per_day: 1")
    assert call(desk, "e2", 60)["reason"] == "limit"


def test_what_an_event_ran_counts_for_others_also_while_it_waits_to_go_on() -> None:
    desk = desk_of("min_gap: 30 min, hours_per_month: 3")
    call(desk, "e1", 2 * HOUR_S)
    desk.wait(HOUR_S)
    call(desk, "e1", HOUR_S, revision=1, start_ts=desk.ms // 1000 + 5 * HOUR_S)
    desk.wait(60)
    assert call(desk, "e2", 60)["detail"] == "this site needs 30 min between events; e1 is nearer"
    desk.wait(HOUR_S)
    assert (
        call(desk, "e2", HOUR_S + 60)["detail"]
        == "this site takes at most 3 h of events a month, of which 60 min are left"
    )


def test_what_an_event_ran_outlives_a_restart_and_an_event_of_long_ago_with_its_id() -> None:
    desk = moved_and_cancelled(LIMITS)
    desk.memory = from_parts(desk.spec, to_parts(desk.memory))
    desk.wait(8 * 86_400)
    again = call(desk, "e1", 2 * HOUR_S + 60)  # nobody knows its id any more: another event
    assert (
        again["detail"]
        == "this site takes at most 3 h of events a month, of which 120 min are left"
    )
    assert call(desk, "e1", 2 * HOUR_S)["status"] == "accepted"
    desk.wait(2 * HOUR_S)
    assert call(desk, "e3", 2 * HOUR_S, start_ts=desk.ms // 1000 + HOUR_S)["reason"] == "limit"


def test_an_event_that_is_cut_off_after_it_was_moved_counts_both_its_parts() -> None:
    desk = desk_of("longest_event: 4 h")
    call(desk, "e1", 2 * HOUR_S)
    desk.wait(HOUR_S)
    call(desk, "e1", HOUR_S, revision=1, start_ts=desk.ms // 1000 + HOUR_S)
    desk.wait(HOUR_S + 600)
    desk.ask(op="restore", event_id="e1")
    assert desk.memory.past["e1"].length_ms == (HOUR_S + 600) * 1000


STEPS = st.lists(st.tuples(st.integers(1, 9), st.integers(-5, 9), st.integers(1, 12)), max_size=12)


@settings(deadline=None, max_examples=40)
@given(STEPS)
def test_p42_no_chain_of_revisions_makes_an_event_run_longer_than_the_longest(
    steps: list[tuple[int, int, int]],
) -> None:
    """However it is prolonged and moved, a second at a time."""
    desk = desk_of("longest_event: 20 s")
    call(desk, "e", 10)
    total = 0
    for revision, (wait_s, later_s, length_s) in enumerate(steps, start=1):
        total += ran_s(desk, wait_s, "e")
        call(desk, "e", length_s, revision=revision, start_ts=desk.ms // 1000 + later_s)
        past = desk.memory.past["e"]
        assert past.length_ms <= 20_000 and len(past.spans) <= MOST_SPANS + 1
    assert total + ran_s(desk, 40, "e") <= 20


def test_an_event_that_is_moved_for_ever_is_kept_in_few_words() -> None:
    desk = desk_of("longest_event: 4 h")
    call(desk, "e", 60)
    event, ran = desk.memory.events["e"], tuple((n * 10, n * 10 + 1) for n in range(MOST_SPANS))
    desk.memory = desk.memory.event("e", start_ms=event.start_ms - 5_000)
    past = {"e": PastEvent("e", "operator", event.start_ms, event.end_ms, ran)}
    desk.ms += 1
    desk.hear(desk.command(op="ping"))
    found = with_earlier_runs(
        replace(desk.memory, past=past),
        PastEvent("e", "operator", event.start_ms + 9_000_000, event.end_ms + 9_000_000),
    )
    assert len(found.ran_ms) == MOST_SPANS and found.ran_ms[-1][0] == (MOST_SPANS - 1) * 10


def rules_broken_by_a_chain_of_revisions() -> set[str]:
    """A day on which an event of 5 min at most begins anew every 4 min."""
    text = "limits: {longest_event: 5 min}\ncircuits: {a: {rated: 2 kW, shed: 100 %}}"
    steps = [
        {
            "at": elapsed_text(n * 240_000),
            "event": {
                "id": "e1",
                "shed": "1 kW",
                "for": "5 min",
                "start": elapsed_text(n * 240_000),
                "revision": str(n),
            },
        }
        for n in range(1, 4)
    ]
    day = Scenario.model_validate({"loads": "steady", "look": "10 s", "steps": steps})
    return {one.rule for one in violations_of(Play(site(f"site: {{id: v}}\n{text}"), day))}


def test_the_bystander_of_a_day_sees_an_event_that_runs_on_and_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert rules_broken_by_a_chain_of_revisions() == set()
    monkeypatch.setattr("statemachine.decide.admit.with_earlier_runs", lambda memory, asked: asked)
    assert rules_broken_by_a_chain_of_revisions() == {"P42"}
