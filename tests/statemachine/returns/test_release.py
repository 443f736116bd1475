"""How load comes back, step by step: leases, turns, the main breaker, what bridges a gap."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from statemachine.curtail.capacity import loads
from statemachine.curtail.delivery_tracking import track_delivery
from statemachine.curtail.estimate import typical_memory
from statemachine.curtail.replan import plan_in_force
from statemachine.returns.bridge import bridged_circuits
from statemachine.returns.idle import BLOCKED_MS
from statemachine.returns.release import (
    LEASE_MS,
    RENEW_MS,
    circuits_to_return,
    hold_and_release,
    holds_beyond_plan,
    restate_holds,
)
from statemachine.site.spec import Spec
from statemachine.state.circuit import CircuitState
from statemachine.state.effects import Effect, Hold, Switch
from statemachine.state.memory import Event, Memory, Returning, initial_memory
from statemachine.state.triggers import Readings, Timer
from statemachine.state.turn import Turn
from tests.kit.core.sample_sites import NOW_MS, site

MONO = 10_000_000
EVERY_MS = 10_000
PANEL = """
  a: {rated: 2 kW, shed: 100 %}
  b: {rated: 2 kW, shed: 100 %}
  c: {rated: 2 kW, shed: 100 %, critical: true}
"""


def spec_of(circuits: str = PANEL, service: str = "24 kW", more: str = "") -> Spec:
    return site(f"site: {{id: v, service: {service}, timezone: UTC}}\n{more}\ncircuits:{circuits}")


SITE = spec_of()


def held(watts: int | None = 0, **known: Any) -> CircuitState:
    """A circuit that would draw 1 kW and is held."""
    first = {"enabled": True, "drawn_w": min(1_000, 1_000 if watts is None else watts)}
    marks = {"read_mono_ms": MONO, "free_w": 1_000, "held_w": watts}
    giving = {} if watts is None else {"giving_mono_ms": MONO - 60_000}
    return CircuitState(**{**first, **marks, **giving, **known})


def turn_of(spec: Spec, lives: dict[str, CircuitState], **known: Any) -> Turn:
    others = {id: held(None) for id in spec.circuits}
    memory = replace(
        initial_memory(spec), circuits={**others, **lives}, at_ms=NOW_MS, mono_ms=MONO, **known
    )
    return Turn(spec, memory, Timer(at_ms=NOW_MS, mono_ms=MONO))


def carried(turn: Turn) -> list[Effect]:
    done = len(turn.effects)
    hold_and_release(turn)
    return turn.effects[done:]


def live_event(**said: Any) -> Event:
    terms = {"id": "e", "source": "page", "shed_w": 1_000, "start_ms": 0, "end_ms": NOW_MS + 60_000}
    rest = {"scheduled": False, "revision": 0, "state": "shedding", "entered_ms": 0}
    return Event(**{**terms, **rest, **said})


# -- leases ---------------------------------------------------------------------------------------


def test_every_hold_is_said_again_with_a_whole_lease() -> None:
    turn = turn_of(SITE, {"a": held(300)}, leaving={"old": "sim"})
    until_ms = NOW_MS + LEASE_MS
    assert restate_holds(turn) == [
        Hold("a", 300, until_ms),
        Hold("b", None, until_ms),
        Hold("c", None, until_ms),
        Hold("old", None, until_ms),
    ]


def test_who_only_observes_restates_nothing_but_what_is_left_from_before() -> None:
    turn = turn_of(spec_of(more="mode: observe"), {"a": held(300)}, leaving={"old": "sim"})
    said = [(hold.circuit, hold.watts) for hold in restate_holds(turn) if isinstance(hold, Hold)]
    assert said == [("a", 300), ("old", None)]


def test_a_new_hold_is_a_lease_and_its_renewal_is_due() -> None:
    turn = turn_of(SITE, {}, events={"e": live_event()})
    assert carried(turn) == [Hold("a", 0, NOW_MS + LEASE_MS)]
    assert turn.memory.renew_ms == NOW_MS + RENEW_MS
    assert turn.memory.circuits["a"].held_w == 0


@pytest.mark.parametrize(("late_ms", "renewed"), [(-1, False), (0, True)])
def test_leases_are_renewed_when_it_is_time(late_ms: int, renewed: bool) -> None:
    due_ms = NOW_MS - late_ms
    turn = turn_of(SITE, {}, events={"e": live_event()}, renew_ms=due_ms)
    turn.memory = replace(turn.memory, cuts={"a": 1_000})
    turn.memory = turn.memory.circuit("a", **{"held_w": 0, "drawn_w": 0, "giving_mono_ms": MONO})
    said = carried(turn)
    assert said == ([Hold("a", 0, NOW_MS + LEASE_MS)] if renewed else [])
    assert turn.memory.renew_ms == (NOW_MS + RENEW_MS if renewed else due_ms)


def test_where_nothing_is_held_nothing_is_renewed() -> None:
    turn = turn_of(SITE, {}, renew_ms=NOW_MS)
    assert carried(turn) == [] and turn.memory.renew_ms is None


# -- turns ----------------------------------------------------------------------------------------


def test_load_returns_one_by_one_in_reverse_order_and_each_step_is_counted() -> None:
    turn = turn_of(SITE, {"a": held(), "b": held(), "c": held()})
    assert circuits_to_return(SITE, turn.memory, loads(SITE, turn.memory)) == ["c", "b", "a"]
    for n, id in enumerate(["c", "b", "a"], start=1):
        assert holds_beyond_plan(turn)
        at_ms = NOW_MS + (n - 1) * EVERY_MS
        turn = Turn(SITE, replace(turn.memory, at_ms=at_ms), Timer(at_ms=at_ms, mono_ms=MONO))
        assert carried(turn) == [Hold(id, None, at_ms + LEASE_MS)]
        due_ms = at_ms + EVERY_MS if n < 3 else None
        assert turn.memory.coming == Returning(due_ms, at_ms, 0, n)
    assert holds_beyond_plan(turn), "their drivers have not answered"
    for id in ("a", "b", "c"):
        turn.memory = turn.memory.circuit(id, asked_mono_ms=None)
    assert not holds_beyond_plan(turn)


def test_the_next_one_waits_for_its_turn() -> None:
    turn = turn_of(
        SITE, {"a": held(), "b": held()}, coming=Returning(NOW_MS + 1, NOW_MS - 9_999, 0, 2)
    )
    assert carried(turn) == [] and turn.memory.coming.due_ms == NOW_MS + 1
    turn = turn_of(SITE, {"a": held()}, coming=Returning(None, NOW_MS - 4_000))
    assert carried(turn) == [] and turn.memory.coming.due_ms == NOW_MS + 6_000


def test_what_is_switched_off_needs_no_turn() -> None:
    turn = turn_of(SITE, {"a": held(0, enabled=False), "b": held()}, coming=Returning(NOW_MS + 5))
    assert carried(turn) == [Hold("a", None, NOW_MS + LEASE_MS)]
    assert circuits_to_return(SITE, turn.memory, loads(SITE, turn.memory)) == ["b"]


def test_a_smaller_share_of_the_plan_returns_in_part() -> None:
    turn = turn_of(SITE, {"a": held(0)}, events={"e": live_event(shed_w=400)})
    assert carried(turn) == [Hold("a", 600, NOW_MS + LEASE_MS)]
    assert turn.memory.coming.due_ms is None and turn.memory.cuts == {"a": 400}


# -- the main breaker -----------------------------------------------------------------------------


@pytest.mark.parametrize(("unmetered_w", "returns"), [(2_000, True), (2_001, False)])
def test_a_circuit_returns_up_to_the_last_watt_of_the_main_breaker(
    unmetered_w: int, returns: bool
) -> None:
    spec = spec_of(service="5 kW")
    turn = turn_of(spec, {"a": held(0, drawn_w=0)}, unmetered_w=unmetered_w)
    said = carried(turn)
    assert said == ([Hold("a", None, NOW_MS + LEASE_MS)] if returns else [])
    if not returns:
        assert turn.memory.coming == Returning(NOW_MS + EVERY_MS, 0, 0, 0, NOW_MS)


@pytest.mark.parametrize(("unmetered_w", "returns"), [(2_400, True), (2_401, False)])
def test_a_share_that_returns_takes_the_room_of_a_share(unmetered_w: int, returns: bool) -> None:
    spec, asks = spec_of(service="5 kW"), {"e": live_event(shed_w=400)}
    turn = turn_of(spec, {"a": held(0, drawn_w=0)}, unmetered_w=unmetered_w, events=asks)
    assert carried(turn) == ([Hold("a", 600, NOW_MS + LEASE_MS)] if returns else [])


def test_once_all_is_back_no_wait_and_no_block_is_left_over() -> None:
    turn = turn_of(SITE, {}, coming=Returning(None, NOW_MS - 7, NOW_MS + 5, 2, NOW_MS - 5))
    assert carried(turn) == [] and turn.memory.coming == Returning(None, NOW_MS - 7, 0, 2)
    turn = turn_of(SITE, {"a": held()}, coming=Returning(None, NOW_MS, 0, 2))
    assert carried(turn) == [] and turn.memory.coming == Returning(NOW_MS + EVERY_MS, NOW_MS, 0, 0)


@pytest.mark.parametrize(("unmetered_w", "since_ms"), [(9_000, NOW_MS - BLOCKED_MS), (0, None)])
def test_critical_load_that_came_back_without_room_is_told_until_the_site_draws_less(
    unmetered_w: int, since_ms: int | None
) -> None:
    blocked = Returning(None, 0, 0, 1, NOW_MS - BLOCKED_MS)
    turn = turn_of(spec_of(service="5 kW"), {}, unmetered_w=unmetered_w, coming=blocked)
    carried(turn)
    assert turn.memory.coming.blocked_ms == since_ms


def test_one_that_does_not_fit_holds_up_no_other() -> None:
    spec = spec_of(service="5 kW")
    small = held(0, free_w=300, drawn_w=0)
    lives = {"a": small, "b": held(0, drawn_w=0), "c": held(None)}
    turn = turn_of(spec, lives, unmetered_w=3_500)
    assert carried(turn) == [Hold("a", None, NOW_MS + LEASE_MS)]
    assert turn.memory.coming == Returning(NOW_MS + EVERY_MS, NOW_MS, 0, 1)


def test_what_a_held_circuit_draws_already_counts_once() -> None:
    spec = spec_of(service="5 kW")
    turn = turn_of(spec, {"a": held(600)}, unmetered_w=2_000)
    assert carried(turn) == [Hold("a", None, NOW_MS + LEASE_MS)]


@pytest.mark.parametrize(
    ("blocked_for_ms", "returns"), [(BLOCKED_MS - 1, False), (BLOCKED_MS, True)]
)
def test_critical_load_returns_after_a_quarter_of_an_hour_above_the_breaker(
    blocked_for_ms: int, returns: bool
) -> None:
    spec = spec_of(service="5 kW")
    coming = Returning(NOW_MS, 0, 0, 0, NOW_MS - blocked_for_ms)
    turn = turn_of(spec, {"c": held(0, drawn_w=0)}, unmetered_w=6_000, coming=coming)
    assert bool(carried(turn)) is returns
    turn = turn_of(spec, {"a": held(0, drawn_w=0)}, unmetered_w=6_000, coming=coming)
    assert not carried(turn), "only critical load"
    assert turn.memory.coming.blocked_ms == NOW_MS - blocked_for_ms


# -- in part --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("circuit", "known", "level"),
    [
        ("rated: 2 kW, shed: 100 %", {"free_w": 1_000}, None),
        ("rated: 2 kW, shed: 100 %", {"free_w": 1_001}, 1_000),
        ("rated: 2 kW, shed: 100 %, control: duty_cycle", {"free_w": 2_000}, 1_000),
        ("rated: 2 kW, shed: 100 %, control: relay", {"free_w": 2_000}, None),
        ("rated: 2 kW, shed: 100 %", {"free_w": 2_000, "held_w": 600, "drawn_w": 600}, 1_600),
        ("rated: 2 kW, shed: 100 %", {"free_w": 2_000, "held_w": 1_000, "drawn_w": 1_000}, None),
        ("rated: 7 kW, shed: 100 %, type: ev, control: ev_pilot", {"free_w": 7_000}, 1_440),
        ("rated: 7 kW, shed: 100 %, type: ev, control: ev_pilot", {"free_w": 1_440}, None),
        ("rated: 7 kW, shed: 100 %, type: ev, control: ev_pilot", {"free_w": 1_441}, 1_440),
    ],
)
def test_a_step_goes_as_far_as_the_ramp_or_the_cars_six_amperes(
    circuit: str, known: dict[str, Any], level: int | None
) -> None:
    spec = spec_of(f"\n  x: {{{circuit}}}\n", more="restore: {ramp: 1 kW}")
    turn = turn_of(spec, {"x": held(0, **known)})
    assert carried(turn) == [Hold("x", level, NOW_MS + LEASE_MS)]
    assert turn.memory.coming.done == (level is None)
    assert turn.memory.coming.due_ms == (None if level is None else NOW_MS + EVERY_MS)


def test_what_comes_back_by_hand_is_switched_off_and_then_let_go() -> None:
    spec = spec_of("\n  iron: {rated: 2 kW, shed: 100 %, comes_back: by_hand}\n")
    turn = turn_of(spec, {"iron": held()})
    said = carried(turn)
    assert said == [Switch("iron", False), Hold("iron", None, NOW_MS + LEASE_MS)]
    assert [one.by for one in said if isinstance(one, Switch)] == ["event"]
    live = turn.memory.circuits["iron"]
    assert (live.enabled, live.switched_by, live.switched_ms) == (False, "event", NOW_MS)


# -- out of turn ----------------------------------------------------------------------------------


def test_a_fridge_that_was_off_too_long_returns_before_its_turn_and_the_rest_keep_away() -> None:
    circuits = "\n  a: {rated: 2 kW, shed: 100 %}\n  f: {rated: 1 kW, type: fridge, shed: 100 %}\n"
    spec = spec_of(circuits)
    lives = {"f": held(0, off_mono_ms=MONO - 1_800_000), "a": held()}
    turn = turn_of(spec, lives, coming=Returning(NOW_MS + 5, NOW_MS - 1, 0, 0))
    assert carried(turn) == [Hold("f", None, NOW_MS + LEASE_MS)]
    assert (turn.memory.coming.due_ms, turn.memory.coming.last_ms) == (NOW_MS + EVERY_MS, NOW_MS)
    later_ms = NOW_MS + 60_000
    late = turn_of(spec, lives, coming=Returning(later_ms, NOW_MS - 1, later_ms, 0))
    carried(late)
    assert late.memory.coming.due_ms == later_ms
    counted = turn_of(spec, lives, coming=Returning(NOW_MS + 5, NOW_MS - 1, 0, 2))
    carried(counted)
    assert counted.memory.coming.done == 2, "what came back before is still counted"
    sooner = {"f": held(0, off_mono_ms=MONO - 1_799_999), "a": held()}
    assert carried(turn_of(spec, sooner, coming=Returning(NOW_MS + 5))) == []


def test_of_several_that_were_off_too_long_as_many_return_as_there_is_room_for() -> None:
    """Each by a step of the ramp; what one takes is not there for the next."""
    panel = PANEL.replace("100 %", "100 %, max_off: 30 min")
    spec = spec_of(panel, service="5 kW", more="restore: {ramp: 500 W}")
    overdue = held(0, drawn_w=0, off_mono_ms=MONO - 1_800_000)
    turn = turn_of(spec, dict.fromkeys("abc", overdue), unmetered_w=4_000)
    said = carried(turn)
    assert said == [Hold(id, 500, NOW_MS + LEASE_MS) for id in ("c", "b")]


# -- bridging -------------------------------------------------------------------------------------


def soon(**said: Any) -> Event:
    """An event that starts in half a minute."""
    return live_event(
        **{"start_ms": NOW_MS + 30_000, "end_ms": NOW_MS + 10**6, "state": "scheduled", **said}
    )


def let_go(turn: Turn) -> list[str]:
    """The circuits that come back one after another, each at the pace of the site."""
    back = []
    for n in range(len(turn.spec.circuits)):
        at_ms = turn.memory.at_ms if n == 0 else turn.memory.coming.due_ms or NOW_MS
        memory = replace(turn.memory, at_ms=max(at_ms, NOW_MS))
        turn = Turn(turn.spec, memory, Timer(at_ms=memory.at_ms, mono_ms=MONO))
        back += [hold.circuit for hold in carried(turn) if isinstance(hold, Hold)]
    return back


@pytest.mark.parametrize(
    ("starts_in_ms", "state", "kept"),
    [
        (60_000, "scheduled", True),
        (60_001, "scheduled", False),
        (1, "scheduled", True),
        (0, "scheduled", False),
        (30_000, "restoring", False),
    ],
)
def test_an_event_that_starts_soon_keeps_load_down(
    starts_in_ms: int, state: str, kept: bool
) -> None:
    event = soon(start_ms=NOW_MS + starts_in_ms, state=state)
    turn = turn_of(SITE, {"a": held()}, events={"e": event})
    back = carried(turn)
    assert (back == []) is kept
    if back:  # its driver says so
        lives = {"a": replace(turn.memory.circuits["a"], asked_mono_ms=None)}
        turn.memory = replace(turn.memory, circuits=lives)
    assert holds_beyond_plan(turn) is kept


def test_what_waits_for_an_event_keeps_its_turn_and_wakes_nobody() -> None:
    turn = turn_of(SITE, {"a": held()}, events={"e": soon()})
    assert carried(turn) == []
    assert turn.memory.coming == Returning(NOW_MS, 0, 0, 0, None, True), "nothing is blocked"
    turn.remember(renew_ms=None)
    assert turn.memory.due_ms() is None
    turn.remember(events={})
    assert carried(turn) == [Hold("a", None, NOW_MS + LEASE_MS)]
    assert turn.memory.coming == Returning(None, NOW_MS, 0, 1)


@pytest.mark.parametrize(
    "news",
    [
        {"start_ms": NOW_MS + 60_001},
        {"opted_out": ("a",)},
        {"state": "cancelling"},
        {"end_ms": NOW_MS + 30_000},
    ],
)
def test_load_comes_back_at_once_when_no_event_will_ask_for_it_any_more(
    news: dict[str, Any],
) -> None:
    turn = turn_of(SITE, {"a": held()}, events={"e": soon()})
    assert carried(turn) == []
    turn.remember(events={"e": soon(**news)})
    assert carried(turn) == [Hold("a", None, NOW_MS + LEASE_MS)]


def test_a_smaller_event_keeps_down_what_it_will_take_and_nothing_else() -> None:
    lives = {"a": held(), "b": held(), "c": held()}
    for shed_w, back in ((100, ["c", "b"]), (1_021, ["c"]), (2_041, [])):
        assert let_go(turn_of(SITE, lives, events={"e": soon(shed_w=shed_w)})) == back


@pytest.mark.parametrize(("overlap", "back"), [("max", ["c", "b"]), ("sum", ["c"])])
def test_events_that_will_run_together_keep_down_what_they_require_together(
    overlap: str, back: list[str]
) -> None:
    spec = spec_of(more=f"curtail: {{overlap: {overlap}}}")
    events = {"e": soon(), "f": soon(id="f", start_ms=NOW_MS + 40_000)}
    assert let_go(turn_of(spec, {"a": held(), "b": held(), "c": held()}, events=events)) == back


def test_an_event_that_runs_counts_among_those_that_will_run_together() -> None:
    spec = spec_of(more="curtail: {overlap: sum}")
    for end_ms, back in ((NOW_MS + 60_000, ["c"]), (NOW_MS + 30_000, ["c", "b"])):
        events = {"e": soon(), "now": live_event(id="now", end_ms=end_ms)}
        assert let_go(turn_of(spec, dict.fromkeys("abc", held()), events=events)) == back


def test_of_two_starts_each_keeps_its_own_and_one_that_is_over_by_then_adds_nothing() -> None:
    spec = spec_of(more="curtail: {overlap: sum}")
    first = soon(end_ms=NOW_MS + 35_000)
    events = {"e": first, "f": soon(id="f", start_ms=NOW_MS + 40_000, shed_w=2_000)}
    turn = turn_of(spec, dict.fromkeys("abc", held()), events=events)
    assert bridged_circuits(spec, turn.memory) == {"a": NOW_MS + 30_000, "b": NOW_MS + 40_000}


def test_an_event_keeps_down_nothing_that_could_not_give_at_its_start() -> None:
    """It will have been off for as long as it may be by then, or may not be taken at all."""
    spec = spec_of(
        PANEL.replace("a: {rated: 2 kW,", "a: {rated: 2 kW, control: relay, max_off: 30 min,")
    )
    for off_for_ms, kept in ((1_769_999, {"a"}), (1_770_000, {"b"})):
        lives = {"a": held(off_mono_ms=MONO - off_for_ms), "b": held()}
        turn = turn_of(spec, lives, events={"e": soon()})
        assert set(bridged_circuits(spec, turn.memory)) == kept


def test_readings_are_as_old_at_its_start_as_they_are_now() -> None:
    spec = spec_of(PANEL.replace("a: {rated: 2 kW,", "a: {rated: 2 kW, stale_after: 20 s,"))
    for age_ms, kept in ((19_999, {"a"}), (20_000, {"b"})):
        lives = {"a": held(read_mono_ms=MONO - age_ms), "b": held()}
        turn = turn_of(spec, lives, events={"e": soon()})
        assert set(bridged_circuits(spec, turn.memory)) == kept


HALF_OR_LATER = """
event:
  initial: received
  states:
    received:
    scheduled: {until: start}
    noticed:   {for: 30 s}
    half:      {until: end, sheds: 50 %}
    restoring:
    done:      {final: true}
  transitions:
    - {trigger: dr_event, from: received, to: scheduled, do: accept}
    - {trigger: dr_event, from: [scheduled, noticed, half], to: same, do: accept}
    - {trigger: started,  from: scheduled, to: done, if: over}
    - {trigger: started,  from: scheduled, to: noticed, unless: from_operator}
    - {trigger: started,  from: scheduled, to: half}
    - {trigger: elapsed,  from: noticed, to: half}
    - {trigger: ended,    from: half, to: restoring}
    - {trigger: restore,  from: [scheduled, noticed, half], to: restoring}
    - {trigger: cancel,   from: [scheduled, noticed, half], to: restoring}
    - {trigger: released, from: restoring, to: done}
"""


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ({"source": "page"}, set()),
        ({"source": "operator"}, {"a"}),
        ({"source": "operator", "shed_w": 2_042}, {"a", "b"}),
        ({"source": "operator", "end_ms": NOW_MS + 30_000}, set()),
    ],
)
def test_an_event_keeps_down_what_the_state_it_begins_in_sheds(
    said: dict[str, Any], kept: set[str]
) -> None:
    spec = spec_of(more=HALF_OR_LATER)
    event = soon(**{"shed_w": 2_000, **said})
    turn = turn_of(spec, dict.fromkeys("ab", held()), events={"e": event})
    assert set(bridged_circuits(spec, turn.memory)) == kept


def test_a_step_that_an_older_version_put_off_for_an_event_is_taken_at_the_sites_own_pace() -> None:
    turn = turn_of(SITE, {"a": held()}, coming=Returning(NOW_MS + 600_000, NOW_MS - 60_000))
    assert carried(turn) == [] and turn.memory.coming.due_ms == NOW_MS + EVERY_MS
    waits = Returning(NOW_MS + 600_000, NOW_MS - 60_000, NOW_MS + 600_000)
    turn = turn_of(SITE, {"a": held()}, coming=waits)
    assert carried(turn) == [] and turn.memory.coming.due_ms == NOW_MS + 600_000


def test_where_one_has_no_room_and_another_waits_for_an_event_the_first_is_counted_as_blocked() -> (
    None
):
    spec = spec_of(service="5 kW")
    lives = {"a": held(0, free_w=300, drawn_w=0), "c": held(0, drawn_w=0)}
    events = {"e": soon(shed_w=300)}
    turn = turn_of(spec, lives, unmetered_w=3_500, events=events)
    assert carried(turn) == []
    assert turn.memory.coming == Returning(NOW_MS, 0, 0, 0, NOW_MS, True)
    turn.remember(events={})
    assert carried(turn) == [Hold("a", None, NOW_MS + LEASE_MS)]


def test_who_only_observes_keeps_nothing_down() -> None:
    spec = spec_of(more="mode: observe")
    turn = turn_of(spec, {"a": held()}, events={"e": soon()})
    assert bridged_circuits(spec, turn.memory) == {}
    assert carried(turn) == [Hold("a", None, NOW_MS + LEASE_MS)]


# -- observing ------------------------------------------------------------------------------------


def test_who_only_observes_plans_holds_nothing_and_lets_go_in_steps() -> None:
    spec = spec_of(more="mode: observe")
    turn = turn_of(spec, {"b": held()}, events={"e": live_event()})
    assert carried(turn) == [Hold("b", None, NOW_MS + LEASE_MS)]
    assert turn.memory.cuts and turn.memory.circuits["a"].held_w is None
    assert turn.memory.leaving == {"b": "sim"}, "until the driver has done it"
    acting = turn_of(SITE, {"b": held()})
    assert carried(acting) and acting.memory.leaving == {}


# -- what is said of the delivery -----------------------------------------------------------------


def noticed(memory: Memory, drawn_w: int) -> tuple[list[tuple[str, str]], Memory]:
    """What is new when `a`, held at nothing of 1 kW, is measured."""
    memory = memory.circuit("a", drawn_w=drawn_w, taken_w=1_000 - drawn_w)
    readings = Readings(at_ms=memory.at_ms, mono_ms=MONO, drawn_w={}, unmetered_w=0)
    turn = Turn(SITE, memory, readings)
    return track_delivery(turn), turn.memory


def test_ninety_five_percent_are_enough_and_a_shortfall_is_said_once_and_taken_back() -> None:
    turn = turn_of(SITE, {"a": held(0)}, events={"e": live_event()}, cuts={"a": 1_000})
    said, memory = noticed(turn.memory, 51)
    assert said == [] and memory.events["e"].short_ms == NOW_MS
    said, memory = noticed(memory, 50)
    assert said == [("e", "achieved")] and memory.events["e"].short_ms is None
    again = memory.circuit("a", drawn_w=0, taken_w=1_000)
    assert noticed(memory, 0) == ([], again), "once"
    _, memory = noticed(memory, 51)
    for late_ms, words in ((29_999, []), (30_000, [("e", "underperforming")]), (31_000, [])):
        memory = replace(memory, at_ms=NOW_MS + late_ms)
        said, memory = noticed(memory, 51)
        assert said == words
    assert memory.events["e"].told == ("underperforming",)
    said, memory = noticed(memory, 0)
    assert said == [("e", "achieved")] and memory.events["e"].told == ("achieved",)
    assert memory.events["e"].short_ms is None


def test_delivery_is_judged_where_something_was_measured() -> None:
    turn = turn_of(SITE, {"a": held(0)}, events={"e": live_event()}, cuts={"a": 1_000})
    assert track_delivery(turn) == [] and turn.memory.events["e"].told == ()


# -- words ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("circuit", "free_w", "words"),
    [
        ("shed: 100 %, floor: 1 kW", 1_000, "is at its floor of 1.00 kW"),
        ("shed: 50 %, floor: 800 W", 800, "is at its floor of 0.80 kW"),
        (
            "shed: 50 %, type: ev, control: ev_pilot",
            1_440,
            "charges at 6 A, its minimum, and cannot be paused now",
        ),
        (
            "shed: 100 %, type: ev, control: ev_pilot, floor: 1 kW",
            1_000,
            "is at its floor of 1.00 kW",
        ),
    ],
)
def test_why_a_circuit_has_nothing_to_give(circuit: str, free_w: int, words: str) -> None:
    spec = spec_of(f"\n  x: {{rated: 2 kW, {circuit}}}\n")
    turn = turn_of(spec, {"x": held(None, free_w=free_w, drawn_w=free_w)})
    assert [load.why_not for load in loads(spec, turn.memory)] == [words]


def test_a_standing_plan_tells_the_reason_for_every_circuit() -> None:
    turn = turn_of(SITE, {"a": held(400)}, events={"e": live_event(shed_w=600)}, cuts={"a": 600})
    every, plan = plan_in_force(SITE, turn.memory)
    assert [load.circuit for load in every] == ["a", "b", "c"]
    assert (plan.target_w, dict(plan.cuts)) == (600, {"a": 600})
    assert plan.reasons == {
        "a": "sheds 0.60 kW, the rest of the target",
        "b": "not needed",
        "c": "not needed",
    }


def test_a_file_alone_is_taken_to_draw_what_it_does_as_a_rule() -> None:
    circuits = (
        "\n  a: {rated: 2 kW, shed: 100 %}\n  b: {rated: 1 kW, enabled: false, typical: 10 W}\n"
    )
    memory = typical_memory(spec_of(circuits))
    a, b = memory.circuits["a"], memory.circuits["b"]
    assert (a.drawn_w, a.free_w, a.read_mono_ms) == (1_400, 1_400, 0)
    assert (b.drawn_w, b.free_w) == (0, 10)
    assert (memory.unmetered_w, memory.read_ms) == (0, 0)
