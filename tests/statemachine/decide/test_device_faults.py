"""A circuit that does not do what it is told: who hears of it, what the plan makes of it, and when
an event is over.
"""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from statemachine.journal.integrity import check_parts
from statemachine.kit.frozen import changed
from statemachine.state.effects import Ack, Effect, Hold, Status, Switch
from statemachine.state.parts import from_parts, to_parts
from statemachine.state.pending_release import StuckCircuit
from statemachine.state.triggers import Held, Readings, Restarted, Switched, Timer
from tests.kit.core.sample_sites import MAPLE, site
from tests.kit.harness import Harness

CALL = {"op": "event", "event_id": "e1", "shed_kw": 2.0, "duration_sec": 600}
DEAD = "the relay does not answer"
WITHOUT_HEATER = MAPLE.replace("  heater1: {name: Heater, rated: 1.5 kW, shed: 100 %}\n", "")
NO_METER = MAPLE.replace("rated: 1.5 kW, shed: 100 %", "rated: 1.5 kW, shed: 100 %, meter: none")


class Site(Harness):
    """Some circuits of it die: they obey nothing, and their drivers say it."""

    def __init__(self, text: str = MAPLE) -> None:
        super().__init__(site(text))
        self.said: list[dict[str, Any]] = []
        self.read()

    def hear(self, trigger: Any) -> list[Effect]:
        effects = super().hear(trigger)
        self.note(effects)
        dead = [one for one in effects if isinstance(one, Hold) and self.is_dead(one.circuit)]
        for hold in dead:
            effects += self.holds(hold.circuit, hold.watts, DEAD)
        return effects

    def holds(self, *said: Any, **stamp: int) -> list[Effect]:
        effects = super().holds(*said, **stamp)
        self.note(effects)
        return effects

    def note(self, effects: list[Effect]) -> None:
        self.said += [dict(one.body) for one in effects if isinstance(one, Status)]

    def is_dead(self, id: str) -> bool:
        return id in self.panel.all and self.panel.all[id].fault == "deaf"

    def dies(self, *ids: str) -> None:
        self.mute |= set(ids)
        for id in ids:
            self.panel.all[id].fault = "deaf"

    def recovers(self, id: str) -> None:
        """Its driver is tried again, and answers."""
        self.panel.all[id].fault = "none"
        self.mute.discard(id)
        self.effects = self.holds(id, self.memory.circuits[id].held_w)

    def words(self, event: str = "e1") -> list[str]:
        return [said["state"] for said in self.said if said.get("event_id") == event]

    def of(self, circuit: str) -> list[tuple[str, str | None]]:
        return [(one["state"], one["fault"]) for one in self.said if one.get("id") == circuit]


@pytest.fixture
def desk() -> Site:
    return Site()


# -- the end of an event --------------------------------------------------------------------------


def test_an_event_is_completed_once_every_driver_has_let_go(desk: Site) -> None:
    desk.ask(**CALL)
    desk.dies("heater1")
    desk.ask(op="restore")
    desk.wait(23)
    assert desk.memory.circuits["heater1"].held_w is None and desk.words()[-1] == "restoring"
    desk.recovers("heater1")
    assert desk.words()[-1] == "completed" and "not_free" not in desk.said[-1]


def test_a_circuit_that_is_not_free_is_named_and_tried_for_ever(desk: Site) -> None:
    desk.ask(**CALL)
    desk.dies("heater1")
    desk.ask(op="restore")
    desk.wait(40)
    last = next(one for one in desk.said if one["state"] == "completed")
    assert last["not_free"] == ["heater1"] and last["faults"] == {"heater1": DEAD}
    assert desk.memory.events == {}
    assert desk.memory.circuits["heater1"].trouble == DEAD
    desk.recovers("heater1")
    assert desk.of("heater1") == [("fault", DEAD), ("well", None)]
    assert desk.memory.circuits["heater1"].trouble is None


def test_a_driver_that_says_nothing_at_all_is_waited_for_six_seconds(desk: Site) -> None:
    desk.ask(**CALL)
    desk.mute.add("heater1")
    desk.ask(op="restore")
    desk.wait(25.9)
    assert desk.memory.circuits["heater1"].held_w is None and desk.words()[-1] == "restoring"
    desk.wait(0.1)
    last = next(one for one in desk.said if one["state"] == "completed")
    assert last["not_free"] == ["heater1"]


def test_an_answer_to_an_older_hold_frees_nothing(desk: Site) -> None:
    desk.ask(**CALL)
    desk.mute.add("heater1")
    desk.ask(op="restore")
    desk.wait(22)
    desk.holds("heater1", 0)
    assert not desk.memory.circuits["heater1"].sure and desk.words()[-1] == "restoring"


def test_a_cancelled_event_names_what_is_not_free_too(desk: Site) -> None:
    desk.ask(**CALL)
    desk.dies("misc1")
    desk.ask(op="cancel", event_id="e1")
    desk.wait(60)
    last = next(one for one in desk.said if one["state"] == "cancelled")
    assert last["not_free"] == ["misc1"]


def test_an_event_that_is_called_off_while_its_load_returns_names_what_is_still_held(
    desk: Site,
) -> None:
    desk.ask(**CALL)
    desk.dies("misc1")
    desk.ask(**CALL, start_ts=desk.ms / 1_000 + 3_600, revision=1)
    assert set(desk.held()) == {"heater1", "lights1"}
    desk.wait(1)
    desk.ask(op="cancel", event_id="e1")
    last = desk.said[-1]
    assert last["state"] == "cancelled" and set(last["not_free"]) == {"misc1", "heater1", "lights1"}


def test_an_event_that_never_began_names_nothing_that_another_gives_back(desk: Site) -> None:
    desk.ask(**CALL)
    desk.ask(**{**CALL, "event_id": "e2"}, start_ts=desk.ms / 1_000 + 3_600)
    desk.ask(op="restore", event_id="e1")
    desk.ask(op="cancel", event_id="e2")
    assert desk.words("e2")[-1] == "cancelled" and "not_free" not in desk.said[-1]
    assert desk.held()


def test_after_a_restart_nothing_is_believed_that_was_held_until_it_is_confirmed(
    desk: Site,
) -> None:
    desk.ask(**CALL)
    desk.ask(op="restore")
    desk.mute |= set(desk.spec.circuits)
    held = set(desk.held())
    assert held
    desk.memory = from_parts(desk.spec, json.loads(json.dumps(to_parts(desk.memory))))
    effects = desk.hear(Restarted(**desk.stamp(), boot=""))
    assert {one.circuit for one in effects if isinstance(one, Hold)} == set(desk.spec.circuits)
    assert {id for id, live in desk.memory.circuits.items() if not live.sure} == held


def test_a_site_that_only_observes_asks_for_ever_to_let_go() -> None:
    desk = Site()
    desk.ask(**CALL)
    desk.dies("heater1")
    desk.ask(op="restore")
    desk.wait(60)
    observing = site(MAPLE + "mode: observe\n")
    memory = from_parts(observing, to_parts(desk.memory))
    assert memory.leaving == {"heater1": "sim"}, "it was given back, and is not free"


def test_a_circuit_that_is_not_free_and_leaves_the_file_is_still_given_back(desk: Site) -> None:
    desk.ask(**CALL)
    desk.dies("heater1")
    desk.ask(op="restore")
    desk.wait(60)
    without = site(WITHOUT_HEATER)
    assert from_parts(without, to_parts(desk.memory)).leaving == {"heater1": "sim"}


def test_a_circuit_that_cannot_leave_is_told_of_until_it_has_left(desk: Site) -> None:
    desk.ask(**CALL)
    desk.dies("heater1")
    desk.reload(WITHOUT_HEATER)
    assert "heater1" not in desk.memory.circuits and desk.of("heater1") == [("fault", DEAD)]
    desk.holds("heater1", None, "burnt")
    assert desk.memory.stuck == {"heater1": StuckCircuit("burnt", desk.ms)}
    desk.ask(op="restore")
    desk.wait(60)
    for word in ("restoring", "completed"):
        said = next(one for one in desk.said if one["state"] == word)
        assert said["faults"]["heater1"] in (DEAD, "burnt")
    assert said["not_free"] == ["heater1"]
    desk.holds("heater1", 0, None)
    assert desk.memory.stuck, "an answer to an older hold frees nothing"
    desk.holds("heater1", None)
    assert desk.of("heater1") == [("fault", DEAD), ("well", None)]
    assert desk.memory.stuck == desk.memory.leaving == {}
    desk.holds("heater1", None, DEAD)
    assert desk.memory.stuck == {}, "it has left"


def test_a_circuit_that_was_in_trouble_already_is_told_of_once_though_it_comes_and_goes(
    desk: Site,
) -> None:
    desk.ask(**CALL)
    desk.dies("heater1")
    desk.ask(op="restore")
    desk.wait(60)
    assert desk.of("heater1") == [("fault", DEAD)]
    desk.reload(WITHOUT_HEATER)
    assert desk.memory.stuck["heater1"].fault == DEAD
    desk.reload(MAPLE)
    assert desk.memory.stuck == {} and desk.memory.circuits["heater1"].trouble == DEAD
    assert desk.of("heater1") == [("fault", DEAD)]
    desk.recovers("heater1")
    assert desk.of("heater1") == [("fault", DEAD), ("well", None)]


def test_what_keeps_a_circuit_outlives_a_crash_and_older_journals_do_not_know_it(
    desk: Site,
) -> None:
    desk.ask(**CALL)
    desk.dies("heater1")
    desk.reload(WITHOUT_HEATER)
    parts = json.loads(json.dumps(to_parts(desk.memory)))
    check_parts(parts)
    assert from_parts(desk.spec, parts) == desk.memory
    del parts["site"]["stuck"]
    check_parts(parts)
    assert from_parts(desk.spec, parts) == changed(desk.memory, stuck={})


def test_a_memory_from_before_holds_were_confirmed_is_read(desk: Site) -> None:
    parts = to_parts(desk.memory)
    for name in ("asked_mono_ms", "hold_fault", "hold_fault_mono_ms", "fault_mono_ms", "read_ms"):
        for circuit in desk.spec.circuits:
            del parts[f"circuits/{circuit}"][name]
    del parts["site"]["pending"]
    memory = from_parts(desk.spec, parts)
    assert all(live.sure for live in memory.circuits.values()) and memory.pending == ()


# -- what is told ---------------------------------------------------------------------------------


def test_a_fault_is_told_when_it_begins_and_when_it_ends_and_not_between(desk: Site) -> None:
    desk.dies("heater1")
    desk.ask(**CALL)
    for text in (DEAD, DEAD, "burnt"):
        desk.holds("heater1", 0, text)
    assert desk.said[0] == {
        "type": "circuit",
        "id": "heater1",
        "state": "fault",
        "fault": DEAD,
        "wanted_kw": 0.0,
        "enabled": True,
        "ts": desk.ms // 1000,
    } or desk.of("heater1") == [("fault", DEAD)]
    assert desk.memory.circuits["heater1"].trouble == "burnt"
    desk.recovers("heater1")
    assert desk.of("heater1") == [("fault", DEAD), ("well", None)]


def test_of_two_faults_of_a_circuit_the_newer_is_shown(desk: Site) -> None:
    desk.dies("heater1")
    desk.ask(**CALL)
    desk.ms += 1_000
    said: dict[str, Any] = {"circuit": "heater1", "enabled": True, "fault": "stuck"}
    desk.hear(Switched(**desk.stamp(), **said))
    assert desk.memory.circuits["heater1"].trouble == "stuck"


def test_status_messages_of_an_event_name_the_faults_in_its_plan(desk: Site) -> None:
    desk.dies("heater1")
    desk.ask(**CALL)
    desk.wait(45)
    short = next(one for one in desk.said if one["state"] == "underperforming")
    assert short["faults"] == {"heater1": DEAD}
    started = next(one for one in desk.said if one["state"] == "started")
    assert "faults" not in started, "nothing was known then"


# -- the plan -------------------------------------------------------------------------------------


def gives(desk: Site) -> dict[str, int]:
    return dict(desk.memory.cuts)


def test_a_relay_that_fails_for_three_seconds_touches_no_critical_circuit(desk: Site) -> None:
    desk.dies("heater1")
    desk.ask(**CALL)
    plan = gives(desk)
    for _ in range(3):
        desk.ms += 1_000
        desk.read()
    desk.recovers("heater1")
    held = desk.held()
    desk.wait(300)
    assert gives(desk) == plan == {"heater1": 1_500, "lights1": 280, "misc1": 220}
    assert desk.held() == held, "and nothing chatters"


@pytest.mark.parametrize("text", [MAPLE, NO_METER], ids=["with a meter", "without"])
def test_of_a_relay_that_is_dead_for_an_hour_others_take_over_critical_ones_last(text: str) -> None:
    desk = Site(text)
    desk.dies("heater1")
    desk.ask(**{**CALL, "shed_kw": 1.0, "duration_sec": 3_600})
    alone, held_w = {"heater1": 1_000}, desk.held()["heater1"]
    assert gives(desk) == alone
    desk.wait(29)
    assert gives(desk) == alone, "it is tried again, and may get over it"
    desk.wait(30)
    assert "heater1" not in gives(desk)
    plan = {"lights1": 280, "misc1": 600, "hvac1": 120}
    assert gives(desk) == plan, "all that is not critical first"
    assert desk.held()["heater1"] == held_w, "and it is still told"
    desk.wait(3_000)
    assert gives(desk) == plan
    assert desk.of("heater1") == [("fault", DEAD)], "once"
    desk.recovers("heater1")
    assert gives(desk) == alone, "it counts again"
    desk.wait(200)
    assert desk.held() == {"heater1": held_w}


def test_a_dead_relay_does_not_keep_a_smaller_event_from_ending(desk: Site) -> None:
    desk.dies("heater1")
    desk.ask(**{**CALL, "duration_sec": 60})
    desk.ask(**{**CALL, "event_id": "e2", "shed_kw": 1.0, "duration_sec": 600})
    desk.wait(120)
    assert desk.words("e1")[-1] == "completed"
    assert desk.held()["heater1"] == 500, "e2 wants it still"
    desk.wait(600)
    assert desk.words("e2")[-1] == "completed" and desk.held() == {}


def holds_of(desk: Site, circuit: str) -> set[int | None]:
    """What a circuit was told by the last effects."""
    return {one.watts for one in desk.effects if isinstance(one, Hold) and one.circuit == circuit}


@pytest.mark.parametrize("meter", ["own", "none"])
@pytest.mark.parametrize("by", ["the end of an event", "a revision"])
def test_what_fails_and_no_event_takes_any_more_is_let_go_and_told_nothing_else(
    by: str, meter: str
) -> None:
    more = f"rated: 1.0 kW, shed: 60 %, meter: {meter}"
    desk = Site(MAPLE.replace("rated: 1.0 kW, shed: 60 %", more))
    desk.dies("misc1")
    terms = {**CALL, "shed_kw": 2.3, "duration_sec": 600}
    desk.ask(**{**terms, "duration_sec": 50} if by == "the end of an event" else terms)
    desk.ask(**{**CALL, "event_id": "e2", "shed_kw": 1.0})
    desk.wait(49)
    assert "misc1" in desk.held() and "misc1" not in gives(desk), "it is told the same"
    if by == "a revision":
        desk.ask(**{**terms, "shed_kw": 1.0, "revision": 1})
    desk.wait(50)
    assert desk.held() == {"heater1": 500}
    if by == "the end of an event":
        last = next(one for one in desk.said if one["state"] == "completed")
        assert last["event_id"] == "e1" and last["not_free"] == ["misc1"]
    desk.wait(300)
    assert holds_of(desk, "misc1") == set() and holds_of(desk, "heater1") == {500}


@given(
    loads_w=st.lists(st.sampled_from((300, 700, 1_100)), min_size=1, max_size=5),
    dead=st.sets(st.integers(0, 4)),
    asked_w=st.lists(st.integers(100, 4_000), min_size=2, max_size=3),
)
@settings(max_examples=40, deadline=None)
def test_only_what_the_newest_terms_would_take_of_a_dead_circuit_is_asked_of_it(
    loads_w: list[int], dead: set[int], asked_w: list[int]
) -> None:
    """Circuits without meters, in shed order: who is dead counts for nothing to those behind it.

    Nobody is asked for less than the tolerance, the least of 2 % and 50 W.
    """
    lines = [
        f"  c{n}: {{rated: 2 kW, typical: {watts} W, shed: 100 %, meter: none}}"
        for n, watts in enumerate(loads_w)
    ]
    desk = Site("site: {id: v}\ncircuits:\n" + "\n".join(lines))
    desk.dies(*(f"c{n}" for n in dead if n < len(loads_w)))
    for revision, watts in enumerate(asked_w):
        terms = {"shed_kw": watts / 1_000, "duration_sec": 3_600, "revision": revision}
        desk.ask(**{**CALL, **terms})
        desk.wait(300)
    left_w, slack_w = asked_w[-1], min(asked_w[-1] * 2 // 100, 50)
    for n, load_w in enumerate(loads_w):
        taken_w = load_w - desk.held().get(f"c{n}", load_w)
        due_w = min(load_w, left_w) if left_w > slack_w else 0
        if n in dead:
            assert taken_w <= due_w
        else:
            assert taken_w == due_w
            left_w -= taken_w
    held = desk.held()
    desk.wait(100)
    assert all(holds_of(desk, f"c{n}") <= {held.get(f"c{n}")} for n in dead), "and nothing flaps"


def test_nothing_is_learned_of_a_circuit_that_may_still_be_held(desk: Site) -> None:
    """Its driver has not confirmed that it is free: what it draws is not what it would."""
    desk.ask(**CALL)
    desk.mute.add("heater1")
    desk.ask(op="restore")
    desk.wait(25)
    drawn = {id: self.rated for id, self in desk.spec.circuits.items()} | {"heater1": 0}
    desk.hear(Readings(**desk.stamp(), drawn_w=drawn, unmetered_w=3_400))
    assert desk.memory.circuits["heater1"].free_w == 1_500


def test_a_reading_counts_from_when_it_was_taken(desk: Site) -> None:
    drawn, age = {"heater1": 1_400}, {"heater1": 3_000}
    desk.ms += 10_000
    desk.hear(Readings(**desk.stamp(), drawn_w=drawn, unmetered_w=0, age_ms=age))
    live = desk.memory.circuits["heater1"]
    assert live.read_ms == desk.ms - 3_000 and live.read_mono_ms == desk.memory.mono_ms - 3_000


# -- switches -------------------------------------------------------------------------------------

OFF = {"op": "setLoad", "loadId": "heater1", "enabled": False, "correlationId": "c1"}


def acks(effects: list[Effect]) -> list[Ack]:
    return [one for one in effects if isinstance(one, Ack)]


def moved(desk: Site, enabled: bool, fault: str | None = None) -> list[Ack]:
    said: dict[str, Any] = {"circuit": "heater1", "enabled": enabled, "fault": fault}
    return acks(desk.hear(Switched(**desk.stamp(), **said)))


def test_a_switch_is_answered_when_its_relay_has_moved(desk: Site) -> None:
    effects = desk.hear(desk.command(**OFF))
    assert Switch("heater1", False) in effects and not acks(effects)
    assert moved(desk, False, DEAD) == [], "a retry may succeed in time"
    desk.ms += 2_000
    (ack,) = moved(desk, False)
    assert ack.body["status"] == "success" and ack.body["correlationId"] == "c1" and ack.key
    assert moved(desk, False) == [] and desk.memory.pending == ()


def test_a_switch_that_its_relay_does_not_follow_is_refused_after_five_seconds(desk: Site) -> None:
    desk.hear(desk.command(**OFF))
    moved(desk, False, DEAD)
    desk.wait(4.9)
    assert not acks(desk.effects)
    desk.wait(0.1)
    (ack,) = acks(desk.effects)
    assert (ack.body["status"], ack.body["reason"], ack.key) == ("rejected", "device", "")
    assert DEAD in ack.body["detail"]
    assert not desk.memory.circuits["heater1"].enabled, "the wish stays"
    assert moved(desk, False) == [] and desk.memory.circuits["heater1"].trouble is None


def test_a_newer_switch_the_other_way_answers_the_older_one(desk: Site) -> None:
    desk.hear(desk.command(**OFF))
    (ack,) = acks(desk.hear(desk.command(**{**OFF, "enabled": True, "correlationId": "c2"})))
    assert (ack.body["correlationId"], ack.body["reason"]) == ("c1", "conflict")
    assert "switched on" in ack.body["detail"]
    (ack,) = moved(desk, True)
    assert (ack.body["correlationId"], ack.body["status"]) == ("c2", "success")


def test_a_copy_that_comes_while_its_first_waits_is_answered_with_it(desk: Site) -> None:
    desk.hear(desk.command(**OFF))
    effects = desk.hear(desk.command(**OFF))
    assert not acks(effects) and Switch("heater1", False) not in effects
    first, copy = moved(desk, False)
    assert (first.body["status"], copy.body["status"]) == ("success", "duplicate")


def test_refusals_are_answered_at_once(desk: Site) -> None:
    desk.ask_from("page", op="setLock", loadId="heater1", locked=True)
    (ack,) = acks(desk.hear(desk.command(**OFF)))
    assert ack.body["reason"] == "locked_out" and desk.memory.pending == ()


def test_what_waits_for_its_answer_is_dropped_by_a_restart_and_kept_by_a_reload(desk: Site) -> None:
    desk.hear(desk.command(**OFF))
    kept = from_parts(desk.spec, json.loads(json.dumps(to_parts(desk.memory))))
    assert kept.pending == desk.memory.pending
    desk.hear(Restarted(**desk.stamp(), boot=""))
    assert desk.memory.pending == ()


def test_a_clock_that_is_set_makes_nobody_wait_longer(desk: Site) -> None:
    desk.hear(desk.command(**OFF))
    desk.step(-3_600_000)
    desk.hear(Timer(**desk.stamp()))
    desk.wait(5)
    assert [ack.body["reason"] for ack in acks(desk.effects)] == ["device"]


def test_held_of_a_circuit_that_nobody_knows_changes_nothing(desk: Site) -> None:
    before = desk.memory
    desk.hear(Held(**desk.stamp(), circuit="nobody", watts=None, fault=None))
    assert desk.memory.circuits == before.circuits
