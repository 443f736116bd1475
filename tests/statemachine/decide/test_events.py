"""What the grid may ask of a site, how it is told of the delivery, and how load comes back."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from statemachine.curtail.requirement import random_offset_ms
from statemachine.kit.localtime import next_day_ms, within_hours
from statemachine.state.effects import Effect, Hold, Status, Switch
from statemachine.state.measures import power_w
from statemachine.state.triggers import Connected, Disconnected, Readings, Restarted, Timer
from statemachine.wire.commands import Origin, command_from
from tests.kit.core.sample_sites import NOW_MS, NOW_S, site
from tests.kit.harness import Harness

HOUR_S = 3600
TWO = """
  a: {rated: 2 kW, shed: 100 %}
  b: {rated: 3 kW, shed: 100 %}
  c: {rated: 1 kW, shed: 50 %, critical: true}
"""


def desk_of(more: str = "", circuits: str = TWO, zone: str = "UTC") -> Harness:
    desk = Harness(
        site(f"site: {{id: v, service: 24 kW, timezone: {zone}}}\n{more}\ncircuits:{circuits}")
    )
    desk.read()
    return desk


def call(
    desk: Harness, id: str, kw: float = 2.0, seconds: int = 600, **said: Any
) -> dict[str, Any]:
    return desk.ask(op="event", event_id=id, shed_kw=kw, duration_sec=seconds, **said)


def at_site(desk: Harness, **said: Any) -> dict[str, Any]:
    """The ack of what somebody at the site says and confirms."""
    said = {"confirm_operator": True, **said}
    return desk.ack(command_from(said, "v", Origin("page", "here", desk.ms, desk.ms)))


def words(effects: list[Effect]) -> list[str]:
    return [effect.body["state"] for effect in effects if isinstance(effect, Status)]


# -- limits ---------------------------------------------------------------------------------------


def test_more_events_a_day_than_the_site_takes_are_refused_and_the_next_day_is_new() -> None:
    desk = desk_of("limits: {events_per_day: 2}")
    for n in range(2):
        assert call(desk, f"e{n}", seconds=60)["status"] == "accepted"
        desk.wait(120)
    refused = call(desk, "third", seconds=60)
    assert (refused["reason"], refused["detail"]) == (
        "limit",
        "this site takes at most 2 events a day, and has 2 on that day",
    )
    tomorrow_s = next_day_ms(desk.ms, "UTC") // 1000
    assert call(desk, "tomorrow", start_ts=tomorrow_s)["status"] == "scheduled"


def test_limits_bind_the_grid_operator_and_nobody_at_the_site() -> None:
    desk = desk_of("limits: {events_per_day: 0, blackout: ['00:00-23:59']}")
    assert call(desk, "theirs")["status"] == "rejected"
    own = at_site(desk, op="event", event_id="own", shed_kw=1.0, duration_sec=60)
    assert own["status"] == "accepted"


def test_the_hours_of_a_month_are_counted_as_they_ran() -> None:
    desk = desk_of("limits: {hours_per_month: 2, longest_event: 4 h}")
    call(desk, "long", seconds=2 * HOUR_S)
    desk.wait(HOUR_S)
    assert call(desk, "more", seconds=60)["reason"] == "limit"
    desk.ask(op="restore", event_id="long")
    desk.wait(60)
    assert call(desk, "rest", seconds=HOUR_S - 120)["status"] == "accepted"
    desk.ask(op="restore", event_id="rest")
    assert call(desk, "too long", seconds=HOUR_S + 120)["reason"] == "limit"


def test_a_revision_is_held_to_the_limits_and_does_not_count_twice() -> None:
    desk = desk_of("limits: {events_per_day: 1, hours_per_month: 1}")
    first = {"op": "event", "event_id": "e", "shed_kw": 1.0, "duration_sec": 1800}
    desk.ask(**first)
    assert desk.ask_again({**first, "duration_sec": 3000, "revision": 1})["status"] == "accepted"
    refused = desk.ask_again({**first, "duration_sec": 2 * HOUR_S, "revision": 2})
    assert refused["reason"] == "limit"
    assert desk.memory.events["e"].revision == 1


def test_two_events_keep_their_distance() -> None:
    desk = desk_of("limits: {min_gap: 30 min}")
    call(desk, "first", seconds=600)
    assert call(desk, "soon", start_ts=NOW_S + 600 + 1799)["reason"] == "limit"
    assert call(desk, "later", start_ts=NOW_S + 600 + 1800)["status"] == "scheduled"
    assert call(desk, "over it", seconds=300)["status"] == "accepted", "an overlap is no gap"


def test_no_event_runs_in_the_dark_hours() -> None:
    desk = desk_of("limits: {blackout: ['22:00-06:00']}")
    midnight_s = next_day_ms(desk.ms, "UTC") // 1000 + 24 * HOUR_S
    refused = call(desk, "night", start_ts=midnight_s + HOUR_S)
    assert (refused["reason"], refused["detail"]) == (
        "blackout",
        "this site takes no events from 22:00 to 06:00",
    )
    assert call(desk, "into it", start_ts=midnight_s - 2 * HOUR_S - 300)["reason"] == "blackout"
    assert call(desk, "before", start_ts=midnight_s - 2 * HOUR_S - 600)["status"] == "scheduled"
    assert call(desk, "after", start_ts=midnight_s + 6 * HOUR_S)["status"] == "scheduled"


@given(st.integers(0, 1439), st.integers(0, 1439), st.integers(0, 3 * 1440), st.integers(1, 600))
def test_hours_of_a_day_are_found_minute_by_minute(
    from_min: int, to_min: int, start_min: int, length_min: int
) -> None:
    def dark(minute: int) -> bool:
        of_day, inside = minute % 1440, from_min < to_min
        if from_min == to_min:
            return True
        return from_min <= of_day < to_min if inside else of_day >= from_min or of_day < to_min

    base_ms = NOW_MS - NOW_MS % 86_400_000
    start_ms = base_ms + start_min * 60_000
    found = within_hours(start_ms, start_ms + length_min * 60_000, (from_min, to_min), "UTC")
    assert found == any(dark(start_min + n) for n in range(length_min))


# -- random start, sum, opt-out -------------------------------------------------------------------


@given(st.text(max_size=20), st.text(max_size=20), st.integers(0, 3_600_000))
def test_a_random_start_is_pure_and_within_its_bounds(ven: str, event: str, within_ms: int) -> None:
    late_ms = random_offset_ms(ven, event, within_ms)
    assert 0 <= late_ms <= within_ms and late_ms == random_offset_ms(ven, event, within_ms)


def test_random_starts_differ_between_sites_and_fill_their_span() -> None:
    lates = {random_offset_ms(f"site-{n}", "e", 600_000) for n in range(200)}
    assert len(lates) > 190 and min(lates) < 30_000 and max(lates) > 570_000


def test_an_event_with_a_random_start_begins_late_and_keeps_its_length() -> None:
    desk = desk_of()
    ack = call(desk, "e", seconds=600, randomize_sec=300)
    late_ms = random_offset_ms("v", "e", 300_000)
    event = desk.memory.events["e"]
    assert ack["status"] == "scheduled" and desk.held() == {}
    assert (event.start_ms, event.end_ms) == (NOW_MS + late_ms, NOW_MS + late_ms + 600_000)
    desk.wait(300)
    assert desk.held() == {"a": 0}


def test_a_programme_may_add_events_up() -> None:
    desk = desk_of("curtail: {overlap: sum}")
    call(desk, "one", kw=2.0)
    call(desk, "two", kw=1.5)
    assert sum(desk.memory.cuts.values()) == 3_500
    desk.ask(op="cancel", event_id="one")
    assert sum(desk.memory.cuts.values()) == 1_500


def test_an_occupant_keeps_one_circuit_out_and_the_others_make_up() -> None:
    desk = desk_of()
    call(desk, "e", kw=2.0)
    assert desk.held() == {"a": 0}
    assert at_site(desk, op="optOut", event_id="e", loadId="a")["status"] == "success"
    assert desk.memory.cuts == {"b": 2_000}
    desk.wait(20)
    assert desk.held() == {"b": 1_000}
    for _ in range(20):
        desk.wait(10)
        assert "a" not in desk.memory.cuts


def test_an_occupant_keeps_the_site_out_and_no_revision_brings_it_back() -> None:
    desk = desk_of()
    first = {"op": "event", "event_id": "e", "shed_kw": 2.0, "duration_sec": 600}
    desk.ask(**first)
    kept = desk.last
    at_site(desk, op="optOut", event_id="e")
    assert desk.memory.cuts == {}
    desk.last = kept
    again = desk.ask_again({**first, "shed_kw": 3.0, "revision": 1})
    assert (again["reason"], desk.memory.cuts) == ("opted_out", {})


def test_the_operator_cannot_opt_the_occupant_out() -> None:
    desk = desk_of()
    call(desk, "e")
    assert desk.ask(op="optOut", event_id="e")["reason"] == "invalid"
    assert desk.memory.cuts == {"a": 2_000}


def test_who_calls_an_opted_out_event_anew_hears_of_it_and_a_redelivery_hears_the_first_ack() -> (
    None
):
    desk = desk_of()
    said = {"op": "event", "event_id": "e", "shed_kw": 2.0, "duration_sec": 600}
    first = desk.ask(**said, correlationId="one")
    kept = desk.last
    at_site(desk, op="optOut", event_id="e")
    desk.last = kept
    assert desk.ask_again({**said, "correlationId": "one"}) == {**first, "status": "duplicate"}
    desk.last = kept
    assert desk.ask_again({**said, "correlationId": "two"})["reason"] == "opted_out"


def test_an_opt_out_of_what_is_not_there_is_not_found() -> None:
    desk = desk_of()
    assert at_site(desk, op="optOut", event_id="x")["reason"] == "not_found"
    call(desk, "e")
    assert at_site(desk, op="optOut", event_id="e", loadId="x")["reason"] == "not_found"


# -- the queue after an outage --------------------------------------------------------------------


OFF = {"op": "setLoad", "loadId": "a", "enabled": False}
FOR_NOW = [OFF, {**OFF, "enabled": True}, {"op": "setConfig", "report_interval_seconds": 7}]
GIVES_BACK = [
    {"op": "restore"},
    {"op": "restore", "event_id": "e"},
    {"op": "cancel", "event_id": "e"},
    {"op": "all_back"},
]


def away(desk: Harness, seconds: float) -> None:
    for what in (Connected, Disconnected):
        desk.hear(what(**desk.stamp()))
    desk.wait(seconds)
    desk.hear(Connected(**desk.stamp()))


@pytest.mark.parametrize("said", FOR_NOW)
@pytest.mark.parametrize("ago_s", [59, 61, 86_400])
@pytest.mark.parametrize("source", ["operator", "page"])
def test_what_is_for_now_and_was_issued_too_long_ago_is_not_done(
    said: dict[str, Any], ago_s: int, source: str
) -> None:
    desk, before = desk_of(), desk_of().memory
    ack = desk.ask_from(source, **said, issued_at=desk.ms / 1000 - ago_s)
    if ago_s == 59:
        assert ack["status"] == "success"
        return
    assert (ack["status"], ack["reason"]) == ("rejected", "expired")
    assert desk.memory.every_ms == before.every_ms
    assert desk.memory.circuits["a"].enabled == before.circuits["a"].enabled


@pytest.mark.parametrize("said", FOR_NOW)
@pytest.mark.parametrize("seconds", [59, 61])
def test_what_is_for_now_and_undated_may_have_waited_while_the_site_was_away(
    said: dict[str, Any], seconds: int
) -> None:
    desk = desk_of()
    away(desk, seconds)
    ack = desk.ask(**said)
    assert (ack["status"], ack.get("reason")) == (
        ("rejected", "expired") if seconds == 61 else ("success", None)
    )
    desk.wait(5)
    assert desk.ask(**said, correlationId="again")["status"] == "success"


@pytest.mark.parametrize("said", GIVES_BACK)
@pytest.mark.parametrize("dated", [False, True])
def test_who_wants_load_back_is_heard_however_late(said: dict[str, Any], dated: bool) -> None:
    desk = desk_of()
    call(desk, "e", seconds=3_600)
    away(desk, 300)
    assert desk.held()
    issued = {"issued_at": desk.ms / 1000 - 200} if dated else {}
    assert desk.ask(**said, **issued)["status"] == "success"
    desk.wait(60)
    assert not desk.held() and not desk.memory.events


def test_all_back_keeps_new_events_away_for_ten_minutes_after_it_was_asked() -> None:
    desk = desk_of()
    desk.ask(op="all_back", issued_at=desk.ms / 1000 - 540)
    assert call(desk, "soon", issued_at=desk.ms / 1000)["reason"] == "opted_out"
    desk.wait(61)
    assert call(desk, "later", issued_at=desk.ms / 1000)["status"] == "accepted"
    desk.ask(op="all_back")
    desk.ask(op="all_back", correlationId="late", issued_at=desk.ms / 1000 - 3_600)
    assert call(desk, "then", issued_at=desk.ms / 1000)["reason"] == "opted_out"


def test_an_undated_call_that_waited_while_the_site_was_away_is_too_old() -> None:
    desk = desk_of()
    desk.hear(Connected(**desk.stamp()))
    desk.hear(Disconnected(**desk.stamp()))
    desk.wait(61)
    desk.hear(Connected(**desk.stamp()))
    refused = call(desk, "old")
    assert refused["reason"] == "expired" and "send it again" in refused["detail"]
    assert call(desk, "dated", issued_at=desk.ms / 1000)["status"] == "accepted"
    assert call(desk, "later", start_ts=desk.ms // 1000 + 60)["status"] == "scheduled"
    desk.wait(4.9)
    assert call(desk, "still")["reason"] == "expired"
    desk.wait(5)
    assert call(desk, "fresh")["status"] == "accepted"


def test_the_queue_counts_as_drained_after_half_a_minute_however_busy_it_is() -> None:
    desk = desk_of()
    desk.hear(Disconnected(**desk.stamp()))
    desk.wait(61)
    desk.hear(Connected(**desk.stamp()))
    answers = []
    for n in range(8):
        answers.append(call(desk, f"e{n}")["status"])
        desk.wait(4)
    assert answers == ["rejected"] * 8
    assert call(desk, "now")["status"] == "accepted"


def test_a_short_outage_makes_nothing_old_and_neither_does_a_short_restart() -> None:
    desk = desk_of()
    desk.hear(Disconnected(**desk.stamp()))
    desk.wait(59)
    desk.hear(Connected(**desk.stamp()))
    assert call(desk, "e")["status"] == "accepted"
    desk.ms += 30_000
    desk.hear(Restarted(**desk.stamp(), boot=""))
    assert call(desk, "f")["status"] == "accepted"


def test_a_long_time_off_makes_what_waited_too_old() -> None:
    desk = desk_of()
    desk.ms += 3_600_000
    desk.hear(Restarted(**desk.stamp(), boot=""))
    assert call(desk, "before the link is up")["reason"] == "expired"
    desk.hear(Connected(**desk.stamp()))
    assert call(desk, "with the queue")["reason"] == "expired"
    assert at_site(desk, op="event", event_id="own", shed_kw=1.0)["status"] == "accepted"


# -- what is said of the delivery -----------------------------------------------------------------


def test_an_event_that_delivers_is_achieved_once() -> None:
    desk = desk_of()
    call(desk, "e")
    assert words(desk.read()) == ["achieved"]
    desk.wait(60)
    assert words(desk.effects) == []


def test_an_event_that_falls_short_for_half_a_minute_underperforms_until_it_delivers() -> None:
    desk = desk_of()
    call(desk, "e", kw=9.0)
    desk.wait(29)
    assert words(desk.effects) == [] and desk.memory.events["e"].short_ms == NOW_MS + 10_000
    desk.wait(20)
    assert words(desk.effects) == ["underperforming"]
    desk.ask_again(
        {"op": "event", "event_id": "e", "shed_kw": 2.0, "duration_sec": 600, "revision": 1}
    )
    assert words(desk.read()) == ["achieved"]


def test_silence_does_not_prove_that_a_circuit_obeys_no_hold() -> None:
    desk = desk_of()
    call(desk, "e")
    before = {id: desk.free_w(id) * live.enabled for id, live in desk.memory.circuits.items()}
    desk.hear(Readings(**desk.stamp(), drawn_w=before, unmetered_w=0))
    desk.ms += 40_000
    desk.hear(Timer(**desk.stamp()))
    assert desk.memory.circuits["a"].deaf_w is None
    desk.hear(Readings(**desk.stamp(), drawn_w=before, unmetered_w=0))
    assert desk.memory.circuits["a"].deaf_w == 0


def test_the_weaker_of_two_events_is_told_that_it_is_superseded() -> None:
    desk = desk_of()
    call(desk, "weak", kw=1.0)
    call(desk, "strong", kw=2.0, seconds=60)
    said = [x.body for x in desk.effects if isinstance(x, Status)]
    assert [(x["event_id"], x["state"]) for x in said] == [
        ("strong", "started"),
        ("weak", "superseded"),
    ]
    desk.wait(120)
    assert desk.memory.cuts == {"a": 1_000}


# -- how load comes back --------------------------------------------------------------------------


def test_the_return_never_lifts_the_site_above_its_main_breaker() -> None:
    desk = Harness(site(f"site: {{id: v, service: 5 kW}}\nrestore: {{every: 1 s}}\ncircuits:{TWO}"))
    drawn = {"a": 1_500, "b": 2_000, "c": 500}
    desk.hear(Readings(**desk.stamp(), drawn_w=drawn, unmetered_w=500))
    call(desk, "e", kw=4.5, seconds=60)
    desk.ms += 60_000
    for seconds in range(200):
        desk.ms += 1_000
        base_w = 4_000 if seconds < 100 else 500
        lives = desk.memory.circuits
        now = {id: w if lives[id].held_w is None else min(w, lives[id].held_w or 0)
               for id, w in drawn.items()}  # fmt: skip
        desk.hear(Readings(**desk.stamp(), drawn_w=now, unmetered_w=base_w))
        assert power_w(desk.memory) <= 5_000
        if seconds < 100:
            assert "a" in desk.held() or "b" in desk.held()
    assert desk.held() == {}


def test_where_the_base_alone_is_too_much_critical_load_returns_after_a_quarter_of_an_hour() -> (
    None
):
    desk = Harness(
        site(f"site: {{id: v, service: 5 kW}}\nrestore: {{every: 10 s}}\ncircuits:{TWO}")
    )
    drawn = {"a": 1_500, "b": 1_500, "c": 1_000}
    desk.hear(Readings(**desk.stamp(), drawn_w=drawn, unmetered_w=500))
    call(desk, "e", kw=5.0, seconds=60)
    for seconds in range(0, 1_000, 10):
        desk.ms += 10_000
        lives = desk.memory.circuits
        now = {id: w if lives[id].held_w is None else min(w, lives[id].held_w or 0)
               for id, w in drawn.items()}  # fmt: skip
        desk.hear(Readings(**desk.stamp(), drawn_w=now, unmetered_w=6_000))
        if 60 < seconds < 900:
            assert "c" in desk.held(), seconds
    assert set(desk.held()) == {"a", "b"}


def test_no_step_returns_more_than_the_ramp_where_a_circuit_can_return_in_part() -> None:
    desk = desk_of("restore: {ramp: 1 kW, bridge: 0 s}")
    call(desk, "e", kw=5.5, seconds=60)
    desk.wait(59)
    held = dict(desk.held())
    for _ in range(120):
        desk.wait(1)
        for id, watts in held.items():
            free_w = desk.memory.circuits[id].free_w
            assert desk.held().get(id, free_w) - watts <= 1_000
        held = dict(desk.held())
    assert held == {} and desk.memory.events == {}


def test_an_operators_event_may_return_at_a_random_moment_and_a_persons_restore_at_once() -> None:
    desk = desk_of("restore: {spread: 10 min, bridge: 0 s}")
    call(desk, "e", seconds=60)
    desk.wait(60)
    late_ms = random_offset_ms("v", "return-e", 600_000)
    assert desk.memory.coming.due_ms == NOW_MS + 60_000 + late_ms and desk.held() == {"a": 0}
    at_site(desk, op="restore")
    assert desk.held() == {}
    at_site(desk, op="event", event_id="own", shed_kw=2.0, duration_sec=60)
    desk.wait(60)
    assert desk.held() == {}


def test_adjacent_events_leave_no_gap_for_load_to_come_back_in() -> None:
    desk = desk_of()
    call(desk, "first", kw=5.0, seconds=600)
    call(desk, "second", kw=5.0, start_ts=NOW_S + 630)
    desk.wait(600)
    assert set(desk.held()) == {"a", "b"} and desk.memory.cuts == {}
    desk.wait(29)
    assert set(desk.held()) == {"a", "b"}
    desk.wait(2)
    assert set(desk.memory.cuts) == {"a", "b"}
    assert not [x for x in desk.effects if isinstance(x, Hold) and x.watts is None]


def test_what_must_not_come_back_by_itself_is_off_after_the_event() -> None:
    desk = desk_of(circuits="\n  iron: {rated: 2 kW, shed: 100 %, comes_back: by_hand}\n")
    call(desk, "e", seconds=60)
    desk.wait(60)
    live = desk.memory.circuits["iron"]
    assert (live.enabled, live.held_w, live.switched_by) == (False, None, "event")
    done = [x for x in desk.effects if isinstance(x, Hold | Switch)]
    assert done[-2:] == [Switch("iron", False), Hold("iron", None, done[-1].until_ms)]
    assert desk.ask(op="setLoad", loadId="iron", enabled=True)["reason"] == "locked_out"
    assert at_site(desk, op="setLoad", loadId="iron", enabled=True)["status"] == "success"


# -- observe --------------------------------------------------------------------------------------


def test_who_only_observes_plans_and_switches_nothing() -> None:
    desk = desk_of("mode: observe")
    call(desk, "e")
    assert desk.memory.cuts == {"a": 2_000} and desk.held() == {}
    desk.hear(Restarted(**desk.stamp(), boot=""))
    assert not [x for x in desk.effects if isinstance(x, Hold | Switch)]
    assert desk.ask(op="setLoad", loadId="a", enabled=False)["reason"] == "locked_out"
    desk.wait(700)
    assert desk.memory.events == {} and desk.memory.cuts == {}


@pytest.mark.parametrize("state", ["gone", "shedding"])
def test_an_event_whose_state_is_no_longer_declared_ends_as_failed(state: str) -> None:
    desk = desk_of()
    call(desk, "e")
    desk.memory = replace(desk.memory, events={"e": replace(desk.memory.events["e"], state=state)})
    desk.hear(Restarted(**desk.stamp(), boot=""))
    if state == "gone":
        assert words(desk.effects) == ["failed"] and desk.memory.cuts == {}
        desk.wait(30)
        assert desk.held() == {}
    else:
        assert desk.memory.cuts == {"a": 2_000}
