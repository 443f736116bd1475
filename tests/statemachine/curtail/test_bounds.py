"""At the bounds, to the watt and the millisecond, and on the clock of the site and no other."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from statemachine.curtail.capacity import can_give, loads, next_change_ms
from statemachine.curtail.delivery_tracking import track_delivery
from statemachine.curtail.dwell import can_give_ms, next_changes_ms
from statemachine.curtail.history import update_history
from statemachine.curtail.limits import limit_refusal
from statemachine.curtail.plan import Load, plan_shed
from statemachine.curtail.replan import replan
from statemachine.curtail.requirement import active_events, needed_w, random_offset_ms
from statemachine.decide import backlog
from statemachine.kit.localtime import day_of
from statemachine.site.panel import Circuit
from statemachine.site.spec import Spec
from statemachine.state.circuit import CircuitState
from statemachine.state.memory import Event, Memory, PlanBasis, initial_memory
from statemachine.state.past import PastEvent
from statemachine.state.triggers import DrEvent, Readings, Timer
from statemachine.state.turn import Turn
from statemachine.wire.commands import Origin, command_from
from tests.kit.core.sample_sites import NOW_MS, site

MONO = 10_000_000
ZONE = "Pacific/Auckland"  # half a day ahead: its days and months are not those of UTC
PANEL = """
  a: {rated: 10 kW, shed: 100 %}
  b: {rated: 10 kW, shed: 100 %}
"""


def spec_of(circuits: str = PANEL, more: str = "", zone: str = ZONE) -> Spec:
    return site(f"site: {{id: v, service: 100 kW, timezone: {zone}}}\n{more}\ncircuits:{circuits}")


SITE = spec_of()
TODAY = day_of(NOW_MS, ZONE)


def live(**known: Any) -> CircuitState:
    first = {"enabled": True, "drawn_w": 8_000, "free_w": 8_000, "read_mono_ms": MONO}
    one = CircuitState(**{**first, **known})
    short_w = one.free_w - max(one.drawn_w or 0, one.held_w or 0)
    return replace(one, taken_w=0 if one.held_w is None else max(0, short_w))


def memory(spec: Spec, **known: Any) -> Memory:
    lives = {id: known.pop(id, live()) for id in spec.circuits}
    return replace(initial_memory(spec), circuits=lives, at_ms=NOW_MS, mono_ms=MONO, **known)


def event(id: str = "e", **said: Any) -> Event:
    terms = {"source": "page", "shed_w": 1_000, "start_ms": 0, "end_ms": NOW_MS + 600_000}
    rest = {"scheduled": False, "revision": 0, "state": "shedding", "entered_ms": 0}
    return Event(id=id, **{**terms, **rest, **said})


def utc_ms(text: str) -> int:
    return round(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1000)


# -- what changes by itself -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("known", "in_ms"),
    [
        ({}, None),
        ({"giving_mono_ms": MONO - 1_000}, 60_000),
        ({"giving_mono_ms": MONO - 1_000, "read_mono_ms": MONO - 59_999}, 1),
        ({"giving_mono_ms": MONO - 1_000, "read_mono_ms": MONO - 60_000}, None),
        ({"giving_mono_ms": MONO - 1_000, "read_mono_ms": None}, None),
    ],
)
def test_a_reading_that_grows_old_is_looked_at_when_it_does(
    known: dict[str, Any], in_ms: int | None
) -> None:
    found = next_change_ms(SITE, memory(SITE, a=live(**known)))
    assert found == (None if in_ms is None else NOW_MS + in_ms)


def test_a_budget_runs_out_on_the_day_of_the_site_and_only_while_it_is_used() -> None:
    spec = spec_of("\n  a: {rated: 2 kW, shed: 100 %, max_shed_per_day: 1 h}\n")
    gave = live(day=TODAY, shed_today_ms=3_590_000)
    assert next_change_ms(spec, memory(spec, a=gave)) is None
    gives = replace(gave, giving_mono_ms=MONO - 1_000)
    assert next_change_ms(spec, memory(spec, a=gives)) == NOW_MS + 9_000
    assert list(next_changes_ms(spec.circuits["a"], gives, MONO, TODAY)) == [9_000]
    assert list(next_changes_ms(spec.circuits["a"], gave, MONO, TODAY)) == []


@pytest.mark.parametrize(
    ("known", "off", "for_ms"),
    [
        ({}, False, 3_600_000),
        ({}, True, 1_200_000),
        ({"off_mono_ms": MONO - 60_000}, True, 1_140_000),
        ({"day": TODAY, "shed_today_ms": 3_000_000}, True, 600_000),
        ({"day": TODAY - 1, "shed_today_ms": 3_000_000}, False, 3_600_000),
    ],
)
def test_a_circuit_gives_as_long_as_its_rest_and_its_day_allow(
    known: dict[str, Any], off: bool, for_ms: int
) -> None:
    fridge = Circuit.model_validate(
        {"rated": "2 kW", "shed": "100 %", "max_off": "20 min", "max_shed_per_day": "1 h"}
    )
    assert can_give_ms(fridge, live(**known), off, MONO, TODAY) == for_ms


# -- why not, in words ----------------------------------------------------------------------------


RUNS = ", min_on: 5 min, control: relay"


@pytest.mark.parametrize(
    ("circuit", "known", "words"),
    [
        ("", {"locked_by": "page"}, "locked by a person"),
        ("", {"enabled": False}, "switched off"),
        ("", {"drawn_w": None}, "no reading yet"),
        ("", {"read_mono_ms": None}, "no reading yet"),
        ("", {"free_w": 0}, "draws nothing"),
        (
            ", max_off: 20 min, min_off: 0 s, control: relay",
            {"off_mono_ms": MONO - 1_200_000, "held_w": 0},
            "was off for 20:00, its maximum",
        ),
        (", min_off: 5 min", {"off_mono_ms": MONO - 1_000}, "was off, must rest for another 4:59"),
        (", min_off: 5 min", {"off_mono_ms": MONO - 1_000, "giving_mono_ms": 0}, ""),
        (RUNS, {"on_mono_ms": MONO - 299_999}, "came on, must run for another 0:01"),
        (RUNS, {"on_mono_ms": MONO - 300_000}, ""),
        (RUNS, {"started_mono_ms": MONO - 299_999}, "came on, must run for another 0:01"),
        (
            RUNS,
            {"started_mono_ms": MONO - 299_999, "on_mono_ms": 0},
            "came on, must run for another 0:01",
        ),
        (", min_off: 5 min", {"off_mono_ms": MONO - 1_000, "stopped_mono_ms": MONO - 300_000}, ""),
        (", min_off: 5 min", {"off_mono_ms": MONO - 300_000, "stopped_mono_ms": MONO - 1_000}, ""),
    ],
)
def test_every_reason_is_told_in_words(circuit: str, known: dict[str, Any], words: str) -> None:
    spec = spec_of(f"\n  a: {{rated: 9 kW, shed: 100 %{circuit}}}\n")
    assert [load.why_not for load in loads(spec, memory(spec, a=live(**known)))] == [words]


@pytest.mark.parametrize(
    "known",
    [{"on_mono_ms": MONO - 1}, {"started_mono_ms": MONO - 1}, {"off_mono_ms": 0, "held_w": 0}],
)
@pytest.mark.parametrize(
    ("said", "cap_w"),
    [
        ("shed: 100 %", 8_550),
        ("shed: 99 %", 8_550),
        ("shed: 50 %", 4_500),
        ("shed: 100 %, floor: 2 kW", 7_000),
        ("shed: 100 %, control: relay", 0),
        ("shed: 100 %, control: ev_pilot", 7_560),
        ("shed: 80 %, control: ev_pilot", 7_080),
    ],
)
def test_what_must_run_gives_all_that_leaves_it_running(
    known: dict[str, Any], said: str, cap_w: int
) -> None:
    """To reduce is not to take off, whether it came on, started itself or was off long enough."""
    spec = spec_of(f"\n  a: {{rated: 9 kW, {said}, min_on: 5 min, max_off: 5 min}}\n")
    (load,) = loads(spec, memory(spec, a=live(free_w=9_000, **known)))
    assert (load.cap_w, bool(load.why_not)) == (cap_w, not cap_w)


@pytest.mark.parametrize(
    ("known", "cap_w"),
    [({"on_mono_ms": MONO - 1}, 8_550), ({"off_mono_ms": MONO - 300_000, "held_w": 0}, 0)],
)
def test_what_comes_back_by_hand_is_reduced_while_it_runs_and_never_switched_on_for_it(
    known: dict[str, Any], cap_w: int
) -> None:
    spec = spec_of(
        "\n  a: {rated: 9 kW, shed: 100 %, min_on: 5 min, max_off: 5 min, comes_back: by_hand}\n"
    )
    (load,) = loads(spec, memory(spec, a=live(free_w=9_000, **known)))
    assert (load.cap_w, bool(load.why_not)) == (cap_w, not cap_w)


def test_figures_are_told_to_ten_watts() -> None:
    spec = spec_of("\n  a: {rated: 10 kW, shed: 50 %, floor: 9 kW}\n")
    (at_floor,) = loads(spec, memory(spec, a=live(free_w=9_000)))
    assert at_floor.why_not == "is at its floor of 9.00 kW"
    (gives,) = plan_shed([Load("a", (False, 1), 9_000, 9_000)], 9_000, {}).reasons.values()
    assert gives == "sheds 9.00 kW, all it can"


def test_an_opted_out_circuit_says_so() -> None:
    known = memory(SITE, events={"e": event(opted_out=("a",))})
    assert [load.why_not for load in loads(SITE, known)] == ["opted out of this event", ""]


def test_a_site_can_give_as_long_as_one_of_its_circuits_can() -> None:
    off = live(enabled=False)
    assert can_give(SITE, memory(SITE, a=off))
    assert not can_give(SITE, memory(SITE, a=off, b=off))


def test_a_circuit_declared_otherwise_gives_as_it_is_declared_now() -> None:
    assert [load.cap_w for load in loads(SITE, memory(SITE))] == [8_000, 8_000]
    half = SITE.circuits["a"].model_copy(update={"shed": 50, "priority": 3})
    spec = SITE.model_copy(update={"circuits": {**SITE.circuits, "a": half}})
    assert [(load.circuit, load.cap_w) for load in loads(spec, memory(spec))] == [
        ("b", 8_000),
        ("a", 4_000),
    ]


@pytest.mark.parametrize(("free_w", "steps"), [(0, ()), (1, (1,))])
def test_a_relay_has_one_step_down_to_a_watt(free_w: int, steps: tuple[int, ...]) -> None:
    spec = spec_of("\n  a: {rated: 9 kW, shed: 100 %, control: relay}\n")
    known = memory(spec, a=live(free_w=free_w))
    assert [load.steps for load in loads(spec, known)] == [steps]


# -- limits, on the clock of the site -------------------------------------------------------------


def refusal(limits: str, asked: tuple[str, int], *past: tuple[str, int]) -> str | None:
    """What is said to an event of so many ms, after those before it; times are UTC."""
    spec = spec_of(more=f"limits: {limits}")
    first, *others = (
        PastEvent(f"e{n}", "operator", utc_ms(at), utc_ms(at) + length_ms)
        for n, (at, length_ms) in enumerate([asked, *past])
    )
    known = replace(memory(spec), past={one.id: one for one in others})
    found = limit_refusal(spec, known, first)
    return None if found is None else found[1]


HOUR_MS = 3_600_000


@pytest.mark.parametrize(
    ("before", "at", "taken"),
    [
        ("2023-11-14T10:30", "2023-11-14T11:30", True),  # local midnight lies between
        ("2023-11-14T11:30", "2023-11-15T10:30", False),  # two dates in UTC, one there
    ],
)
def test_events_a_day_are_counted_in_days_of_the_site(before: str, at: str, taken: bool) -> None:
    said = refusal("{events_per_day: 1}", (at, 60_000), (before, 60_000))
    assert said == (
        None if taken else "this site takes at most 1 events a day, and has 1 on that day"
    )


@pytest.mark.parametrize(
    ("before", "at", "length_ms", "said"),
    [
        ("2023-11-30T10:30", "2023-11-30T11:30", HOUR_MS, None),
        (
            "2023-12-02T00:00",
            "2023-11-30T11:30",
            HOUR_MS,
            "this site takes at most 1 h of events a month, of which 0 min are left",
        ),
        (
            "2023-11-30T11:30",
            "2023-12-01T00:00",
            HOUR_MS,
            "this site takes at most 1 h of events a month, of which 0 min are left",
        ),
        (
            "2023-11-30T11:30",
            "2023-12-01T00:00",
            1_830_000,
            "this site takes at most 1 h of events a month, of which 29 min are left",
        ),
        (
            "2023-11-30T11:30",
            "2023-12-01T00:00",
            600_000,
            "this site takes at most 1 h of events a month, of which 50 min are left",
        ),
        (
            "2023-11-30T11:30",
            "2023-12-01T00:00",
            HOUR_MS + 1,
            "this site takes at most 1 h of events a month, of which 0 min are left",
        ),
    ],
)
def test_hours_a_month_are_counted_in_months_of_the_site(
    before: str, at: str, length_ms: int, said: str | None
) -> None:
    assert refusal("{hours_per_month: 1}", (at, HOUR_MS), (before, length_ms)) == said


def test_dark_hours_are_those_of_the_site() -> None:
    dark = "{blackout: ['18:00-19:00']}"
    assert (
        refusal(dark, ("2023-11-14T05:30", 60_000))
        == "this site takes no events from 18:00 to 19:00"
    )
    assert refusal(dark, ("2023-11-14T18:30", 60_000)) is None


@pytest.mark.parametrize(
    ("gap", "apart_ms", "said"),
    [
        ("10 min", -1, None),
        ("10 min", 0, "this site needs 10 min between events; e1 is nearer"),
        ("10 min", 599_999, "this site needs 10 min between events; e1 is nearer"),
        ("10 min", 600_000, None),
        ("630 s", 0, "this site needs 10 min between events; e1 is nearer"),
    ],
)
def test_two_events_are_so_far_apart_or_overlap(gap: str, apart_ms: int, said: str | None) -> None:
    length_ms = HOUR_MS - apart_ms
    asked, before = ("2023-11-14T05:00", 60_000), ("2023-11-14T04:00", length_ms)
    assert refusal(f"{{min_gap: {gap}}}", asked, before) == said


# -- too little, too much, and deaf ---------------------------------------------------------------


def basis_after(
    needed_w: int, more_w: int, before: PlanBasis | None = None
) -> tuple[PlanBasis, CircuitState]:
    """What is noted where `a` draws so much more than it is held at, and `a` itself."""
    level_w = 8_000 - needed_w + more_w
    held_w = level_w - max(0, more_w)  # what draws less is still held lower, from an earlier plan
    giving = live(held_w=held_w, drawn_w=level_w, giving_mono_ms=MONO - 60_000)
    events = {"e": event(shed_w=needed_w)} if needed_w else {}
    cuts = {"a": needed_w} if needed_w else {}
    basis = before or PlanBasis(needed_w, tuple(events), ("a", "b"))
    known = memory(SITE, a=giving, events=events, cuts=cuts, basis=basis)
    said = Readings(at_ms=NOW_MS, mono_ms=MONO, drawn_w={}, unmetered_w=0)
    turn = Turn(SITE, known, said)
    replan(turn)
    return turn.memory.basis, turn.memory.circuits["a"]


@pytest.mark.parametrize(
    ("needed_w", "more_w", "short"),
    [
        (1_000, 50, False), (1_000, 51, True), (4_000, 200, False), (4_000, 201, True),
        (4_040, 202, False), (4_040, 203, True),
    ],
)  # fmt: skip
def test_short_is_more_than_five_percent_and_fifty_watts(
    needed_w: int, more_w: int, short: bool
) -> None:
    basis, _ = basis_after(needed_w, more_w)
    assert (basis.short_mono_ms, basis.over_mono_ms) == (MONO if short else None, None)


@pytest.mark.parametrize(
    ("needed_w", "more_w", "over"),
    [
        (1_000, -150, False), (1_000, -151, True), (4_000, -400, False), (4_000, -401, True),
        (2_020, -202, False), (2_020, -203, True),
    ],
)  # fmt: skip
def test_over_is_more_than_ten_percent_and_a_hundred_and_fifty_watts(
    needed_w: int, more_w: int, over: bool
) -> None:
    basis, _ = basis_after(needed_w, more_w)
    assert (basis.short_mono_ms, basis.over_mono_ms) == (None, MONO if over else None)


def test_where_nothing_is_asked_nothing_is_short_or_over() -> None:
    basis, _ = basis_after(0, 0)
    assert (basis.short_mono_ms, basis.over_mono_ms) == (None, None)


def test_too_much_since_when_is_remembered_by_what_measures_nothing() -> None:
    known = memory(SITE, events={"e": event()}, cuts={"a": 1_000}, a=live(held_w=7_000))
    basis = PlanBasis(1_000, ("e",), ("a", "b"), MONO - 9_000, MONO - 8_000)
    turn = Turn(SITE, replace(known, basis=basis), Timer(at_ms=NOW_MS, mono_ms=MONO))
    replan(turn)
    assert turn.memory.basis == basis


@pytest.mark.parametrize(
    ("held_w", "more_w", "deaf_w"),
    [
        (1_000, 50, None), (1_000, 51, 6_949), (2_000, 100, None), (2_000, 101, 5_899),
        (2_020, 101, None), (2_020, 102, 5_878),
    ],
)  # fmt: skip
def test_deaf_is_who_draws_five_percent_and_fifty_watts_above_its_hold(
    held_w: int, more_w: int, deaf_w: int | None
) -> None:
    """Of two that are held, `b` falls short for half a minute; `a` is looked at with it."""
    short = live(held_w=0, drawn_w=8_000, giving_mono_ms=0)
    looked_at = live(held_w=held_w, drawn_w=held_w + more_w, giving_mono_ms=0)
    cuts = {"a": 8_000 - held_w, "b": 8_000}
    asked_w = sum(cuts.values())
    basis = PlanBasis(asked_w, ("e",), ("a", "b"), short_mono_ms=MONO - 30_000)
    known = memory(SITE, a=looked_at, b=short, events={"e": event(shed_w=asked_w)}, cuts=cuts)
    said = Readings(at_ms=NOW_MS, mono_ms=MONO, drawn_w={}, unmetered_w=0)
    turn = Turn(SITE, replace(known, basis=basis), said)
    replan(turn)
    assert turn.memory.circuits["a"].deaf_w == deaf_w
    assert turn.memory.circuits["b"].deaf_w == 0
    assert turn.memory.cuts.get("b") is None, "planned again without what it does not give"
    assert turn.memory.basis.usable == ("a",)


@pytest.mark.parametrize(
    ("known", "deaf"),
    [
        ({}, True),
        ({"asked_mono_ms": MONO - 29_999}, False),
        ({"asked_mono_ms": MONO - 30_000}, True),
        ({"hold_fault": "no answer", "hold_fault_mono_ms": MONO - 29_999}, False),
        ({"hold_fault": "no answer", "hold_fault_mono_ms": MONO - 30_000}, True),
        # asked again and again, a driver that answers nothing has the time of its first fault
        (
            {
                "hold_fault": "no answer",
                "hold_fault_mono_ms": MONO - 30_000,
                "asked_mono_ms": MONO - 1_000,
            },
            True,
        ),
    ],
)
def test_a_driver_has_half_a_minute_to_follow_before_its_circuit_is_called_deaf(
    known: dict[str, Any], deaf: bool
) -> None:
    held = live(held_w=0, drawn_w=8_000, giving_mono_ms=0, **known)
    basis = PlanBasis(8_000, ("e",), ("a", "b"), short_mono_ms=MONO - 30_000)
    before = memory(SITE, a=held, events={"e": event(shed_w=8_000)}, cuts={"a": 8_000})
    said = Readings(at_ms=NOW_MS, mono_ms=MONO, drawn_w={}, unmetered_w=0)
    turn = Turn(SITE, replace(before, basis=basis), said)
    replan(turn)
    assert turn.memory.circuits["a"].deaf_w == (0 if deaf else None)
    assert turn.memory.cuts == ({"b": 8_000} if deaf else {"a": 8_000})
    assert turn.memory.basis.short_mono_ms == (None if deaf else MONO - 30_000), "it waits on"


@pytest.mark.parametrize(
    ("since", "more_w"),
    [({"short_mono_ms": MONO - 30_000}, 40), ({"over_mono_ms": MONO - 60_000}, -90)],
)
def test_a_new_plan_begins_to_wait_anew(since: dict[str, int], more_w: int) -> None:
    """Each of two is off by less than would make it deaf; together they are short, or over."""
    held_w = 4_000 + min(0, more_w)
    both = live(free_w=4_500, held_w=held_w, drawn_w=4_000 + more_w, giving_mono_ms=0)
    basis = PlanBasis(1_000, ("e",), ("a", "b"), **since)
    known = memory(SITE, a=both, b=both, events={"e": event()}, cuts={"a": 500, "b": 500})
    said = Readings(at_ms=NOW_MS, mono_ms=MONO, drawn_w={}, unmetered_w=0)
    turn = Turn(SITE, replace(known, basis=basis), said)
    replan(turn)
    assert turn.memory.basis == PlanBasis(1_000, ("e",), ("a", "b"))
    assert turn.memory.cuts == {"a": 1_000}


def test_a_plan_that_takes_what_is_no_longer_there_is_made_anew_at_once() -> None:
    smaller = live(free_w=900, held_w=0, drawn_w=0, giving_mono_ms=0)
    basis = PlanBasis(1_000, ("e",), ("a", "b"))
    known = memory(SITE, a=smaller, events={"e": event()}, cuts={"a": 1_000}, basis=basis)
    turn = Turn(SITE, known, Timer(at_ms=NOW_MS, mono_ms=MONO))
    replan(turn)
    assert turn.memory.cuts == {"a": 900, "b": 100}


def test_of_choices_that_do_equally_well_the_one_in_force_stays() -> None:
    cars = [Load(id, (False, 1), 480, 480, (240, 480)) for id in "xy"]
    assert plan_shed(cars, 480, {"x": 240, "y": 240}).cuts == {"x": 240, "y": 240}
    assert plan_shed(cars, 480, {"y": 480}).cuts == {"y": 480}


def test_neither_who_is_not_held_nor_who_returns_is_called_deaf() -> None:
    free, returns = live(drawn_w=8_000), live(held_w=0, drawn_w=500, giving_mono_ms=0)
    basis = PlanBasis(8_000, ("e",), ("a", "b"), short_mono_ms=MONO - 30_000)
    known = memory(SITE, a=free, b=returns, events={"e": event(shed_w=8_000)}, cuts={"a": 8_000})
    said = Readings(at_ms=NOW_MS, mono_ms=MONO, drawn_w={}, unmetered_w=0)
    turn = Turn(SITE, replace(known, basis=basis), said)
    replan(turn)
    assert [one.deaf_w for one in turn.memory.circuits.values()] == [None, None]


# -- marks ----------------------------------------------------------------------------------------


def test_of_those_that_begin_at_once_the_first_of_the_plan_gave_first() -> None:
    before = memory(SITE)
    turn = Turn(SITE, replace(before, cuts={"b": 5, "a": 5}), Timer(at_ms=NOW_MS, mono_ms=MONO))
    turn.before = before
    update_history(turn)
    lives = turn.memory.circuits
    assert (lives["b"].gave_ms, lives["a"].gave_ms) == (NOW_MS, NOW_MS + 1)


def test_what_began_on_a_day_that_is_over_counts_for_the_day_on_which_it_ends() -> None:
    before = memory(SITE, a=live(day=TODAY - 1, sheds_today=3, shed_today_ms=9_000))
    begun = Turn(SITE, replace(before, cuts={"a": 5}), Timer(at_ms=NOW_MS, mono_ms=MONO))
    begun.before = before
    update_history(begun)
    one = begun.memory.circuits["a"]
    assert (one.day, one.sheds_today, one.shed_today_ms) == (TODAY, 1, 0)
    gave = memory(SITE, a=live(day=TODAY - 1, sheds_today=3, shed_today_ms=9_000,
                               giving_mono_ms=MONO - 500))  # fmt: skip
    ended = Turn(SITE, gave, Timer(at_ms=NOW_MS, mono_ms=MONO))
    ended.before = gave
    update_history(ended)
    one = ended.memory.circuits["a"]
    assert (one.day, one.sheds_today, one.shed_today_ms) == (TODAY, 1, 500)


# -- events beside each other ---------------------------------------------------------------------


def told(spec: Spec, known: Memory) -> tuple[list[tuple[str, str]], Memory]:
    turn = Turn(spec, known, Timer(at_ms=NOW_MS, mono_ms=MONO))
    return track_delivery(turn), turn.memory


def test_all_weaker_events_are_superseded_and_each_anew_once_it_had_bound() -> None:
    events = {n: event(n, shed_w=w) for n, w in (("x", 1_000), ("y", 2_000), ("z", 3_000))}
    said, known = told(SITE, memory(SITE, events=events))
    assert sorted(said) == [("x", "superseded"), ("y", "superseded")]
    alone = {id: one for id, one in known.events.items() if id != "z"}
    said, known = told(SITE, replace(known, events=alone))
    assert said == [] and known.events["y"].told == ()
    said, _ = told(SITE, replace(known, events={**known.events, "z": events["z"]}))
    assert said == [("y", "superseded")]


def test_equal_events_and_such_that_add_up_supersede_none() -> None:
    equal = {"x": event("x"), "y": event("y")}
    assert told(SITE, memory(SITE, events=equal))[0] == []
    adding = spec_of(more="curtail: {overlap: sum}")
    both = {"x": event("x"), "y": event("y", shed_w=2_000)}
    assert told(adding, memory(adding, events=both))[0] == []


def test_of_equal_events_the_one_that_ends_last_binds() -> None:
    events = {n: event(n, end_ms=NOW_MS + ms) for n, ms in (("x", 1), ("y", 3), ("z", 2))}
    known = memory(SITE, events=events)
    assert [one.id for one in active_events(SITE, known, NOW_MS)] == ["y", "z", "x"]


@pytest.mark.parametrize(
    ("overlap", "by_person_w", "still_w"),
    [("sum", 500, 1_500), ("sum", 1_500, 1_000), ("max", 500, 1_000)],
)
def test_what_a_person_switched_off_before_an_event_started_spares_nothing_of_it(
    overlap: str, by_person_w: int, still_w: int
) -> None:
    """Two events of 1 kW: a circuit was switched off during `x`, and `y` started after that."""
    spec = spec_of(more=f"curtail: {{overlap: {overlap}}}")
    events = {"x": event("x", start_ms=NOW_MS - 9), "y": event("y", start_ms=NOW_MS - 5)}
    off = live(enabled=False, drawn_w=0, by_person_w=by_person_w, by_person_in=("x",))
    assert needed_w(spec, memory(spec, a=off, events=events), NOW_MS) == still_w


def test_a_random_start_may_be_the_first_and_the_last_moment() -> None:
    assert {random_offset_ms("v", f"e{n}", 1) for n in range(50)} == {0, 1}
    assert {random_offset_ms("v", f"e{n}", 0) for n in range(5)} == {0}


# -- away -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("draining", "lost_ms", "since_ms"),
    [
        (None, None, NOW_MS - 50),  # away since it last heard anything
        (None, NOW_MS - 90, NOW_MS - 90),
        ((NOW_MS - 49, NOW_MS + 9), None, NOW_MS - SITE.commands.max_age - 1),
        ((NOW_MS - 50, NOW_MS + 9), None, NOW_MS - 50),  # it was quiet by then
    ],
)
def test_what_was_draining_when_the_program_stopped_drains_anew(
    draining: tuple[int, int] | None, lost_ms: int | None, since_ms: int
) -> None:
    before = replace(memory(SITE, draining=draining, lost_ms=lost_ms), at_ms=NOW_MS - 50)
    turn = Turn(SITE, replace(before, at_ms=NOW_MS), Timer(at_ms=NOW_MS, mono_ms=MONO))
    turn.before = before
    backlog.program_restarted(turn)
    assert (turn.memory.lost_ms, turn.memory.draining) == (since_ms, None)


def test_on_the_first_day_nothing_was_missed() -> None:
    first = initial_memory(SITE)
    turn = Turn(SITE, replace(first, at_ms=NOW_MS), Timer(at_ms=NOW_MS, mono_ms=MONO))
    turn.before = first
    backlog.program_restarted(turn)
    assert turn.memory.lost_ms is None


@pytest.mark.parametrize(("ago_ms", "long"), [(0, False), (1, True)])
def test_away_for_longer_than_a_command_may_be_old(ago_ms: int, long: bool) -> None:
    lost_ms = NOW_MS - SITE.commands.max_age - ago_ms
    known = memory(SITE, lost_ms=lost_ms)
    assert backlog.link_long_lost(SITE, known) is long
    asked = command_from({"op": "event", "shed_kw": 1}, "v", Origin("operator", "r", NOW_MS, MONO))
    assert isinstance(asked, DrEvent)
    why = "it may have waited while this site was offline; send it again, with `issued_at`"
    assert backlog.too_old_reason(SITE, known, asked) == (why if long else "")
