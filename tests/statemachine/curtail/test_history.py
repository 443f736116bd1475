"""The marks a decision leaves on a circuit, and what is reckoned from them, moment by moment."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from statemachine.curtail import delivery_tracking as notices
from statemachine.curtail import estimate, limits
from statemachine.curtail.dwell import (
    daily_limit_reason,
    duration,
    saved_by_person_w,
    shed_left_ms,
    shed_today_ms,
)
from statemachine.curtail.history import reset_after_reboot, update_history
from statemachine.curtail.plan import Load, as_relay, plan_shed
from statemachine.decide import admit, backlog
from statemachine.kit.localtime import next_day_ms
from statemachine.site.panel import Circuit
from statemachine.state.circuit import CircuitState
from statemachine.state.memory import Event, Memory, initial_memory
from statemachine.state.past import PastEvent
from statemachine.state.triggers import Disconnected, DrEvent, Timer
from statemachine.state.turn import Turn
from tests.kit.core.sample_sites import NOW_MS, site

SITE = site(
    "site: {id: v, timezone: UTC}\ncircuits:\n"
    "  a: {rated: 2 kW, shed: 100 %, max_shed_per_day: 1 h}\n  b: {rated: 1 kW, shed: 50 %}\n"
)
MONO = 1_000_000
DAY = 738_000


def circuit(**said: str) -> Circuit:
    return Circuit.model_validate({"rated": "2 kW", "shed": "100 %", **said})


def live(**known: Any) -> CircuitState:
    return CircuitState(
        **{"enabled": True, "drawn_w": 500, "read_mono_ms": MONO, "free_w": 500, **known}
    )


def memory(**circuits: CircuitState) -> Memory:
    return replace(initial_memory(SITE), circuits=circuits, at_ms=NOW_MS, mono_ms=MONO, boot="one")


def turn_at(known: Memory) -> Turn:
    return Turn(SITE, known, Timer(at_ms=known.at_ms, mono_ms=known.mono_ms))


def marked(
    before: CircuitState,
    after: CircuitState,
    cuts: dict[str, int] | None = None,
    at_ms: int = NOW_MS,
) -> CircuitState:
    """What `a` is after a decision that turned `before` into `after`."""
    was = memory(a=before, b=live())
    now = replace(was, circuits={**was.circuits, "a": after}, cuts=cuts or {}, at_ms=at_ms)
    turn = turn_at(now)
    turn.before = was
    update_history(turn)
    return turn.memory.circuits["a"]


# -- lengths for people ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("ms", "text"),
    [
        (0, "0:00"),
        (1, "0:01"),
        (59_000, "0:59"),
        (59_001, "1:00"),
        (252_000, "4:12"),
        (3_599_000, "59:59"),
        (3_600_000, "1:00:00"),
        (3_601_000, "1:00:01"),
        (11_345_000, "3:09:05"),
        (36_060_000, "10:01:00"),
    ],
)
def test_a_length_is_told_in_minutes_and_hours_and_never_too_short(ms: int, text: str) -> None:
    assert duration(ms) == text


# -- what a day counts ----------------------------------------------------------------------------


def test_what_was_given_today_adds_up_what_is_done_and_what_runs() -> None:
    done = live(day=DAY, shed_today_ms=600_000)
    assert shed_today_ms(done, MONO, DAY) == 600_000
    assert shed_today_ms(replace(done, giving_mono_ms=MONO - 1_000), MONO, DAY) == 601_000
    assert shed_today_ms(done, MONO, DAY + 1) == 0
    assert shed_today_ms(replace(done, giving_mono_ms=MONO + 5), MONO, DAY + 1) == 0
    assert shed_left_ms(SITE.circuits["a"], done, MONO, DAY) == 3_000_000
    assert shed_left_ms(SITE.circuits["a"], replace(done, shed_today_ms=4_000_000), MONO, DAY) == 0
    assert shed_left_ms(SITE.circuits["b"], done, MONO, DAY) is None


def test_a_day_that_is_over_has_spent_nothing_of_the_next() -> None:
    twice = circuit(max_events_per_day="2")
    gave = live(day=DAY, sheds_today=2)
    assert daily_limit_reason(twice, gave, MONO, DAY) == "was shed 2 times today, its maximum"
    assert daily_limit_reason(twice, gave, MONO, DAY + 1) == ""
    assert daily_limit_reason(twice, replace(gave, sheds_today=1), MONO, DAY) == ""
    assert daily_limit_reason(twice, replace(gave, giving_mono_ms=MONO), MONO, DAY) == "", (
        "it gives already"
    )
    assert daily_limit_reason(circuit(), gave, MONO, DAY) == ""


def test_midnight_begins_a_new_count_while_a_circuit_gives() -> None:
    giving = live(held_w=0, off_mono_ms=MONO - 9_000, giving_mono_ms=MONO - 9_000, sheds_today=3,
                  shed_today_ms=500_000, day=1)  # fmt: skip
    after = marked(giving, giving, {"a": 500})
    assert (after.sheds_today, after.shed_today_ms, after.giving_mono_ms) == (1, 0, MONO)
    assert marked(giving, after, {"a": 500}) == after, "once"


# -- what people switched off ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("known", "saved_w"),
    [
        ({}, 800),
        ({"by_person_w": 0}, 0),
        ({"drawn_w": 300}, 800),  # its meter is read, and its switch has no fault
        ({"fault": "stuck", "drawn_w": 300}, 500),
        ({"fault": "stuck", "drawn_w": 900}, 0),
        ({"fault": "stuck", "drawn_w": None}, 800),
        ({"enabled": True, "off_mono_ms": None}, 0),
        ({"enabled": True, "off_mono_ms": MONO - 299_999}, 800),  # it must rest
        ({"enabled": True, "off_mono_ms": MONO - 300_000}, 0),
    ],
)
def test_what_a_person_switched_off_counts_while_it_is_off_less_what_a_stuck_switch_draws(
    known: dict[str, Any], saved_w: int
) -> None:
    off = {"enabled": False, "drawn_w": 0, "by_person_w": 800, "off_mono_ms": MONO - 9_000}
    assert saved_by_person_w(circuit(min_off="5 min"), live(**{**off, **known}), MONO) == saved_w


# -- marks ----------------------------------------------------------------------------------------


def test_going_off_and_coming_on_are_marked_once() -> None:
    on = live()
    off = marked(on, replace(on, held_w=0))
    assert (off.off_mono_ms, off.on_mono_ms) == (MONO, None)
    later = memory(a=off, b=live())
    turn = turn_at(replace(later, mono_ms=MONO + 5))
    turn.before = later
    update_history(turn)
    assert turn.memory.circuits["a"] == off
    back = marked(off, replace(off, held_w=None))
    assert (back.off_mono_ms, back.on_mono_ms) == (None, MONO)
    person = marked(on, replace(on, enabled=False))
    assert person.off_mono_ms == MONO


def test_a_circuit_held_in_part_is_not_off() -> None:
    on = live()
    partly = marked(on, replace(on, held_w=100), {"a": 400})
    assert (partly.off_mono_ms, partly.on_mono_ms) == (None, None)


def test_giving_is_counted_from_its_first_moment_to_its_last() -> None:
    gives = marked(live(), live(held_w=0), {"a": 500})
    today = gives.day
    assert (gives.giving_mono_ms, gives.gave_ms, gives.sheds_today) == (MONO, NOW_MS, 1)
    again = marked(live(day=today, sheds_today=1, shed_today_ms=7), live(
        held_w=0, day=today, sheds_today=1, shed_today_ms=7), {"a": 500})  # fmt: skip
    assert (again.sheds_today, again.shed_today_ms) == (2, 7)
    running = replace(gives, giving_mono_ms=MONO - 60_000, shed_today_ms=1_000)
    waiting = marked(running, running)
    assert waiting.giving, "it is not back yet"
    over = marked(running, replace(running, held_w=None))
    assert (over.giving, over.back_mono_ms, over.shed_today_ms) == (False, MONO, 61_000)
    switched_off = marked(running, replace(running, enabled=False))
    assert not switched_off.giving and switched_off.sheds_today == 1


@pytest.mark.parametrize(
    ("before_w", "now_w", "in_ms"),
    [
        (None, 300, estimate.SETTLES_MS),
        (300, 100, estimate.SETTLES_MS),
        (100, 300, estimate.WAKES_MS),
        (300, 300, None),
    ],
)
def test_a_load_takes_longer_to_rise_to_a_looser_hold_than_to_fall_to_a_tighter_one(
    before_w: int | None, now_w: int, in_ms: int | None
) -> None:
    after = marked(live(held_w=before_w), live(held_w=now_w))
    assert after.settled_mono_ms == (0 if in_ms is None else MONO + in_ms)


def test_a_deaf_circuit_is_given_a_new_chance_when_nothing_is_asked() -> None:
    deaf = live(deaf_w=10)
    assert marked(deaf, deaf).deaf_w is None
    known = memory(a=deaf, b=live())
    asked = replace(known, basis=replace(known.basis, required_w=500))
    turn = turn_at(asked)
    turn.before = asked
    update_history(turn)
    assert turn.memory.circuits["a"].deaf_w == 10


def test_a_reboot_begins_every_length_anew_and_forgets_no_budget() -> None:
    known = memory(
        a=live(
            held_w=0,
            off_mono_ms=5,
            giving_mono_ms=MONO - 1_000,
            shed_today_ms=50,
            stopped_mono_ms=4,
        ),
        b=live(on_mono_ms=6, back_mono_ms=7, changed_mono_ms=8),
    )
    basis = replace(known.basis, required_w=5, events=("e",))
    known = replace(known, basis=basis, every_mono_ms=3, server_mono_ms=4)
    turn = turn_at(replace(known, mono_ms=100, boot="two"))
    turn.before = known
    reset_after_reboot(turn)
    a, b = turn.memory.circuits["a"], turn.memory.circuits["b"]
    assert (a.off_mono_ms, a.on_mono_ms, a.giving_mono_ms) == (100, None, 100)
    assert (a.back_mono_ms, a.shed_today_ms, a.stopped_mono_ms) == (None, 1_050, 100)
    assert (b.off_mono_ms, b.on_mono_ms, b.giving_mono_ms, b.back_mono_ms) == (None, 100, None, 100)
    assert b.changed_mono_ms is None and b.shed_today_ms == 0
    assert turn.memory.basis == initial_memory(SITE).basis
    assert (turn.memory.every_mono_ms, turn.memory.server_mono_ms) == (None, None)
    late_ms = turn.memory.coming.not_before_ms - NOW_MS
    assert 60_000 <= late_ms <= 300_000 and turn.memory.coming.due_ms is None


def after_reboot(known: CircuitState, mono_ms: int = 100) -> CircuitState:
    before = memory(a=known, b=live())
    turn = turn_at(replace(before, mono_ms=mono_ms, boot="two"))
    turn.before = before
    reset_after_reboot(turn)
    return turn.memory.circuits["a"]


def test_after_a_reboot_no_mark_is_left_on_the_clock_before_it() -> None:
    marks = [name for name in CircuitState.__dataclass_fields__ if name.endswith("_mono_ms")]
    faults = {"hold_fault": "x", "fault": "x", "read_fault": "x"}
    known = replace(live(), **dict.fromkeys(marks, 10**9), **faults)
    after = after_reboot(known, mono_ms=100)
    late = {name: getattr(after, name) for name in marks}
    assert {name for name, ms in late.items() if ms is not None and ms > 100} == set()


@pytest.mark.parametrize(
    ("mark", "fault"),
    [
        ("started_mono_ms", {}),
        ("stopped_mono_ms", {}),
        ("back_mono_ms", {}),
        ("asked_mono_ms", {}),
        ("hold_fault_mono_ms", {"hold_fault": "no answer"}),
        ("fault_mono_ms", {"fault": "no answer"}),
        ("read_fault_mono_ms", {"read_fault": "its meter reports 1 MW"}),
    ],
)
def test_a_reboot_moves_a_mark_to_the_new_clock_and_invents_none(
    mark: str, fault: dict[str, str]
) -> None:
    marked_before = live(**{mark: MONO - 5, **fault})
    assert getattr(after_reboot(marked_before), mark) == 100
    assert getattr(after_reboot(live()), mark) is None


def test_after_a_reboot_a_circuit_draws_what_it_is_held_at() -> None:
    assert after_reboot(live(held_w=200, settled_mono_ms=MONO + 9_000)).settled_mono_ms == 100


def test_a_return_under_way_waits_after_a_reboot_another_time_at_each_site() -> None:
    def due_ms(boot: str, id: str) -> int | None:
        known = memory(a=live(held_w=0), b=live())
        coming = replace(known.coming, due_ms=NOW_MS + 5)
        turn = turn_at(replace(known, coming=coming, boot=boot))
        spec = SITE.model_copy(update={"site": SITE.site.model_copy(update={"id": id})})
        turn.spec = spec
        turn.before = known
        reset_after_reboot(turn)
        assert turn.memory.coming.due_ms == turn.memory.coming.not_before_ms
        return turn.memory.coming.due_ms

    dues = [due_ms(boot, id) for boot in ("x", "y") for id in ("v", "w")]
    assert len(set(dues)) == 4 and dues[0] == due_ms("x", "v")
    assert all(due is not None and 60_000 <= due - NOW_MS <= 300_000 for due in dues)


def test_nothing_held_returns_without_a_wait_after_a_reboot() -> None:
    known = memory(a=live(), b=live())
    turn = turn_at(replace(known, boot="two"))
    turn.before = known
    reset_after_reboot(turn)
    assert turn.memory.coming.not_before_ms == 0


# -- estimates ------------------------------------------------------------------------------------


def read(known: CircuitState, *readings: tuple[int, int], **said: Any) -> CircuitState:
    """A circuit after readings, each with its moment in seconds."""
    one = circuit(**{"rated": "11 kW", **said})
    for at_s, drawn_w in readings:
        known = estimate.estimate_from_reading(one, known, drawn_w, MONO + at_s * 1_000, NOW_MS)
    return known


@pytest.mark.parametrize(
    ("known", "drawn_w", "free_w"),
    [
        ({}, 900, 900),
        ({"enabled": False}, 0, 500),
        ({"held_w": 0}, 0, 500),
        ({"held_w": 200}, 200, 500),
        ({"held_w": 200}, 150, 500),
        ({"held_w": 200}, 149, 149),
        ({"held_w": 2_000, "free_w": 2_500}, 1_900, 2_500),
        ({"held_w": 2_000, "free_w": 2_500}, 1_899, 1_899),
        ({"held_w": 200, "free_w": 100}, 150, 150),
        ({"asked_mono_ms": MONO}, 900, 900),
        ({"asked_mono_ms": MONO}, 100, 500),
        ({"held_w": 200, "asked_mono_ms": MONO}, 0, 500),
        ({"held_w": 200, "hold_fault": "no answer"}, 0, 500),
        ({"held_w": 200, "settled_mono_ms": MONO + 2_001}, 0, 500),
    ],
)
def test_an_estimate_is_the_last_free_reading_or_what_a_loose_hold_shows(
    known: dict[str, Any], drawn_w: int, free_w: int
) -> None:
    assert read(live(**known), (1, drawn_w), (2, drawn_w)).free_w == free_w


def test_one_odd_reading_lowers_no_estimate_and_a_duty_cycle_is_off_at_times() -> None:
    held = live(held_w=400, drawn_w=400)
    assert read(held, (1, 0)).free_w == 500
    assert read(held, (1, 0), (2, 400), (3, 0)).free_w == 500
    assert read(held, (1, 100), (2, 0)).free_w == 100
    assert read(held, (1, 0), (2, 0), control="duty_cycle").free_w == 500


def test_the_meter_sees_a_load_start_and_stop_by_itself() -> None:
    def seen(*readings: tuple[int, int]) -> tuple[int | None, int | None]:
        one = read(CircuitState(enabled=True), *readings)
        return one.started_mono_ms, one.stopped_mono_ms

    assert seen((1, 9_000)) == (None, None), "nobody knows since when it runs"
    assert seen((1, 0)) == (None, MONO + 1_000)
    assert seen((1, 0), (2, 0), (3, 9_000), (4, 9_000)) == (MONO + 3_000, None)
    assert seen((1, 0), (2, 110)) == (None, MONO + 1_000), "its standby"
    assert seen((1, 0), (2, 549)) == (None, None), "nobody knows"
    assert seen((1, 9_000), (2, 8_000), (3, 0)) == (None, MONO + 3_000)
    on = read(live(drawn_w=0, read_mono_ms=MONO - 1, on_mono_ms=MONO), (10, 9_000))
    assert on.started_mono_ms is None, "it was let on"
    assert seen((1, 0), (60, 0)) == (None, MONO + 60_000), "it may have run meanwhile"


@pytest.mark.parametrize(
    ("known", "drawn_w"),
    [({}, 1_400), ({"held_w": 300}, 300), ({"held_w": 9_000}, 1_400), ({"enabled": False}, 0)],
)
def test_without_a_meter_a_circuit_draws_what_it_does_as_a_rule(
    known: dict[str, Any], drawn_w: int
) -> None:
    assumed = estimate.estimate_without_meter(circuit(meter="none"), live(**known), MONO)
    assert (assumed.drawn_w, assumed.free_w, assumed.read_mono_ms) == (drawn_w, 1_400, MONO)
    assert (
        estimate.estimate_without_meter(circuit(meter="none", typical="600 W"), live(), MONO).free_w
        == 600
    )


# -- limits, the queue, notices -------------------------------------------------------------------


def test_an_event_that_ends_early_counts_what_it_ran_and_one_that_never_began_nothing() -> None:
    running = PastEvent("run", "operator", NOW_MS - 1_000, NOW_MS + 1_000)
    other = PastEvent("other", "page", NOW_MS - 500, NOW_MS + 500)
    later = PastEvent("later", "operator", NOW_MS, NOW_MS + 1_000)
    past = {one.id: one for one in (running, other, later)}
    known = replace(memory(a=live(), b=live()), past=past)
    ended = PastEvent("run", "operator", NOW_MS - 1_000, NOW_MS)
    assert limits.shorten_to_run(known, "run", NOW_MS) == {**past, "run": ended}
    assert limits.shorten_to_run(known, "later", NOW_MS) == {"run": running, "other": other}
    assert limits.shorten_to_run(known, "run", NOW_MS + 5_000) == past
    assert limits.shorten_to_run(known, "unknown", NOW_MS) == past


def test_a_moved_event_that_ends_before_it_goes_on_counts_the_last_time_it_ran() -> None:
    first, second = (NOW_MS - 9_000, NOW_MS - 8_000), (NOW_MS - 5_000, NOW_MS - 3_000)
    moved = PastEvent("e", "operator", NOW_MS, NOW_MS + 1_000, (first, second))
    known = replace(memory(a=live(), b=live()), past={"e": moved})
    kept = PastEvent("e", "operator", *second, (first,))
    assert limits.shorten_to_run(known, "e", NOW_MS) == {"e": kept}
    assert limits.shorten_to_run(known, "e", NOW_MS + 1)["e"].end_ms == NOW_MS + 1


S = 1_000


@pytest.mark.parametrize(
    ("ran", "begun_s", "new", "kept"),
    [
        ((), 10, (10, 40), ()),  # the new terms cover all of it
        ((), 10, (20, 40), ((10, 20),)),
        ((), 10, (30, 40), ((10, 30),)),  # it has run until now and no longer
        ((), 10, (5, 20), ((20, 30),)),
        ((), 10, (5, 30), ()),  # it ends where the new terms end
        ((), 10, (15, 20), ((10, 15), (20, 30))),
        ((), 30, (40, 50), ()),  # it has not begun
        (((0, 10),), 10, (40, 50), ((0, 30),)),  # one follows on the other
        (((0, 9),), 10, (40, 50), ((0, 9), (10, 30))),
        (((0, 28),), 10, (40, 50), ((0, 30),)),
        (((0, 35),), 10, (40, 50), ((0, 35),)),
        (((0, 2), (4, 6), (5, 8)), 10, (40, 50), ((0, 2), (4, 8), (10, 30))),
    ],
)
def test_what_an_event_ran_under_earlier_terms_counts_once_beside_its_new_ones(
    ran: tuple[tuple[int, int], ...],
    begun_s: int,
    new: tuple[int, int],
    kept: tuple[tuple[int, int], ...],
) -> None:
    """It is second 30, and the event would have run on."""

    def at_ms(span: tuple[int, int]) -> tuple[int, int]:
        return NOW_MS + (span[0] - 30) * S, NOW_MS + (span[1] - 30) * S

    start_ms, end_ms = at_ms((begun_s, 60))
    runs = event(start_ms=start_ms, end_ms=end_ms)
    earlier = PastEvent("e", "operator", start_ms, end_ms, tuple(map(at_ms, ran)))
    known = replace(memory(a=live(), b=live()), past={"e": earlier}, events={"e": runs})
    found = limits.with_earlier_runs(known, PastEvent("e", "operator", *at_ms(new)))
    assert found.ran_ms == tuple(map(at_ms, kept))


def test_of_an_event_that_is_moved_again_and_again_the_last_runs_count_as_one() -> None:
    spans = tuple((NOW_MS + 10 * n * S, NOW_MS + (10 * n + 5) * S) for n in range(-99, -77))
    earlier = PastEvent("e", "operator", NOW_MS, NOW_MS + S, spans)
    runs = event(start_ms=NOW_MS, end_ms=NOW_MS + S)
    known = replace(memory(a=live(), b=live()), past={"e": earlier}, events={"e": runs})
    candidate = PastEvent("e", "operator", NOW_MS, NOW_MS + S)
    last = (spans[limits.MOST_SPANS - 1][0], spans[-1][1])
    assert limits.with_earlier_runs(known, candidate).ran_ms == (
        *spans[: limits.MOST_SPANS - 1],
        last,
    )


def test_another_event_with_an_id_of_before_leaves_the_earlier_one_counted() -> None:
    earlier = PastEvent("e", "operator", NOW_MS - 9_000, NOW_MS - 8_000)
    known = replace(memory(a=live(), b=live()), past={"e": earlier})
    new = PastEvent("e", "operator", NOW_MS, NOW_MS + 1_000)
    name = f"e@{earlier.start_ms // 1000}"
    kept = limits.remember_event(known, new, True)
    assert kept == {"e": new, name: earlier._replace(id=name)}
    assert limits.remember_event(known, new, False) == {"e": new}


@pytest.mark.parametrize(
    ("ran_s", "new_s", "words"),
    [
        (0, 14_400, ""),
        (0, 14_401, "the event lasts 14401 s; this site takes at most 14400 s"),
        (400, 14_000, ""),
        (
            400,
            14_001,
            "the event has run 400 s and lasts 14001 s more; this site takes at most 14400 s",
        ),
        (0, 86_400, "the event lasts 86400 s; this site takes at most 14400 s"),
        (
            0,
            86_401,
            "the event lasts 86401 s; this site takes at most 14400 s; is it in milliseconds?",
        ),
    ],
)
def test_an_event_that_is_too_long_hears_how_long_it_ran_and_would_last(
    ran_s: int, new_s: int, words: str
) -> None:
    ran = ((NOW_MS - ran_s * S, NOW_MS),) if ran_s else ()
    asked = PastEvent("e", "operator", NOW_MS, NOW_MS + new_s * S, ran)
    assert limits.too_long_reason(SITE, asked) == words


def test_two_hundred_are_remembered_and_what_ended_first_is_forgotten() -> None:
    ends_ms = [NOW_MS + (7 * n) % 200 for n in range(200)]
    past = {f"e{n}": PastEvent(f"e{n}", "operator", 0, ms) for n, ms in enumerate(ends_ms)}
    known = replace(memory(a=live(), b=live()), past=past)
    again = PastEvent("e0", "operator", 5, NOW_MS + 9)
    assert limits.remember_event(known, again, False) == {**past, "e0": again}
    new = PastEvent("new", "operator", 0, 1)
    kept = limits.remember_event(known, new, True)
    assert kept == {**{id: one for id, one in past.items() if id != "e0"}, "new": new}


def test_a_link_that_is_lost_again_drains_no_more_and_was_away_since_the_first_time() -> None:
    known = replace(memory(a=live(), b=live()), draining=(NOW_MS, NOW_MS))
    turn = Turn(SITE, known, Disconnected(at_ms=NOW_MS, mono_ms=MONO))
    backlog.link_lost(turn)
    assert (turn.memory.lost_ms, turn.memory.draining) == (NOW_MS, None)
    later = Turn(SITE, turn.memory, Disconnected(at_ms=NOW_MS + 9, mono_ms=MONO))
    backlog.link_lost(later)
    assert later.memory.lost_ms == NOW_MS


def test_what_drains_came_with_the_link_until_the_link_is_lost_again() -> None:
    turn = Turn(SITE, memory(a=live(), b=live()), Disconnected(at_ms=NOW_MS, mono_ms=MONO))
    assert backlog.connected_ms(turn.memory) is None
    backlog.link_restored(turn)
    assert backlog.connected_ms(turn.memory) == NOW_MS
    backlog.link_lost(turn)
    assert backlog.connected_ms(turn.memory) is None


def test_only_an_undated_call_of_the_operator_that_starts_at_once_may_be_too_old() -> None:
    known = replace(memory(a=live(), b=live()), draining=(NOW_MS + 1, NOW_MS + 1))
    asked = DrEvent(at_ms=NOW_MS, mono_ms=MONO, op="event", source="operator", reply="",
                    correlation=None, key="", digest="", event_id="e", shed_w=1, start_ms=None,
                    duration_ms=1, revision=0, issued_ms=None)  # fmt: skip
    assert backlog.too_old_reason(SITE, known, asked)
    refused = admit.event_refusal(SITE, known, asked)
    assert refused is not None and refused[0] == "expired"
    for other in ({"source": "page"}, {"start_ms": NOW_MS}, {"issued_ms": NOW_MS}):
        assert admit.event_refusal(SITE, known, replace(asked, **other)) is None
    assert not backlog.too_old_reason(SITE, replace(known, draining=None), asked)


def event(**said: Any) -> Event:
    terms = {"id": "e", "source": "page", "shed_w": 1_000, "start_ms": 0, "end_ms": 10**15}
    rest = {"scheduled": False, "revision": 0, "state": "shedding", "entered_ms": 0}
    return Event(**{**terms, **rest, **said})


@pytest.mark.parametrize(("since_ms", "short"), [(None, False), (29_999, False), (30_000, True)])
def test_short_is_said_after_half_a_minute(since_ms: int | None, short: bool) -> None:
    began = None if since_ms is None else NOW_MS - since_ms
    assert notices.underperforms(event(short_ms=began), NOW_MS) is short


# -- steps ----------------------------------------------------------------------------------------


def test_a_relay_that_draws_nothing_has_no_step() -> None:
    assert as_relay(Load("a", (False, 1), 0, 0)).steps == ()


@pytest.mark.parametrize(
    ("policy", "relays", "smooth_w", "ask_w", "total_w"),
    [
        ("closest", (1_000,), 200, 500, 200),
        ("closest", (1_000,), 200, 700, 1_000),
        ("closest", (1_000,), 200, 600, 1_000),
        ("at_most", (1_000,), 200, 999, 200),
        ("at_most", (300, 500), 100, 999, 900),
        ("at_most", (300, 500), 100, 450, 400),
        ("at_least", (300, 500), 100, 450, 500),
        ("at_least", (300, 500), 100, 350, 350),
        ("at_least", (64, 64, 64), 0, 65, 64),
        ("at_least", (64, 64, 64), 0, 66, 128),
    ],
)
def test_relays_and_smooth_circuits_of_one_tier_serve_the_policy_together(
    policy: str, relays: tuple[int, ...], smooth_w: int, ask_w: int, total_w: int
) -> None:
    tier = [as_relay(Load(f"r{n}", (False, 1), w, w)) for n, w in enumerate(relays)]
    tier.append(Load("smooth", (False, 1), smooth_w, smooth_w))
    assert plan_shed(tier, ask_w, {}, policy).total_w == total_w


def test_the_next_day_begins_at_the_sites_midnight() -> None:
    midnight = next_day_ms(NOW_MS, "UTC")
    assert midnight % 86_400_000 == 0 and 0 < midnight - NOW_MS <= 86_400_000
