"""A site in simulated time: it behaves as one that runs, and its bystander sees all of it."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest

from statemachine.state.effects import Ack, Hold, Status
from statemachine.state.triggers import DrEvent, Readings, Restarted
from statemachine.verify.rules.day_rules import DAY_RULES
from statemachine.verify.rules.run_rules import violations_of
from statemachine.verify.search.generate_days import generate_day
from statemachine.verify.search.pairs import DayHistory, differences
from statemachine.verify.world.play import Moment, Play
from statemachine.verify.world.scenario import Scenario
from tests.kit.core.random_sites import invent_site
from tests.kit.core.sample_sites import MAPLE, site
from venctl.simulate.search import random_day

SITE = site(MAPLE)
CALL = {"id": "e1", "shed": "2 kW", "for": "10 min"}


def play(*steps: dict[str, Any], **settings: Any) -> tuple[Play, list[Moment]]:
    said = {"look": "10 s", "loads": "steady", **settings, "steps": list(steps)}
    one = Play(SITE, Scenario.model_validate(said))
    return one, list(one.moments())


def acks(moments: list[Moment]) -> list[dict[str, Any]]:
    return [dict(x.body) for m in moments for x in m.effects if isinstance(x, Ack)]


def drawn(moments: list[Moment], ms: int) -> dict[str, int]:
    """What the first look from `ms` on saw."""
    look = next(m.trigger for m in moments if m.ms >= ms and isinstance(m.trigger, Readings))
    return dict(look.drawn_w)


def test_an_event_sheds_from_its_start_to_its_end_and_all_comes_back() -> None:
    one, moments = play({"at": "0:10:00", "event": CALL})
    assert acks(moments)[0]["actual_shed_kw"] == 2.0
    assert drawn(moments, 590_000)["heater1"] == 1_500
    assert drawn(moments, 601_000)["heater1"] == 0
    assert drawn(moments, 1_195_000)["heater1"] == 0
    assert drawn(moments, 1_240_000)["heater1"] == 1_500
    assert one.memory.events == {} and one.ms < one.end_ms


def test_a_lease_ends_by_itself_while_the_program_is_away() -> None:
    crash = {"at": "0:11:00", "crash": {"down": "5 min"}}
    one, moments = play({"at": "0:10:00", "event": CALL}, crash)
    back = next(m for m in moments if m.ms > 0 and isinstance(m.trigger, Restarted))
    assert back.ms == 960_000
    assert one.breakers.all["heater1"].hold_w is None
    assert back.memory.events["e1"].state == "shedding"
    assert Hold("heater1", 0, back.trigger.at_ms + 120_000) in back.effects


def test_who_is_down_for_no_time_misses_nothing_that_is_asked_at_the_page() -> None:
    crash = {"at": "0:10:00", "crash": {"down": "0 s"}}
    _, moments = play(crash, {"at": "0:10:00", "event": {**CALL, "door": "page"}})
    assert [ack["status"] for ack in acks(moments)] == ["accepted"]


def test_during_the_outage_the_load_was_back() -> None:
    crash = {"at": "0:11:00", "crash": {"down": "5 min"}}
    said = {"look": "10 s", "loads": "steady", "steps": [{"at": "0:10:00", "event": CALL}, crash]}
    one = Play(SITE, Scenario.model_validate(said))
    last_ms = next(m.ms for m in one.moments() if m.ms >= 650_000)
    assert last_ms < 660_000, "it is still there"
    assert one.breakers.drawn_w("heater1", last_ms + 60_000) == 0
    assert one.breakers.drawn_w("heater1", last_ms + 125_000) == 1_500


def test_what_the_operator_says_to_nobody_waits_at_the_broker() -> None:
    call = {**CALL, "start": "0:30:00"}
    _, moments = play(
        {"at": "0:10:00", "link": "lost"},
        {"at": "0:11:00", "event": call},
        {"at": "0:12:00", "event": {**CALL, "id": "e2"}},
        {"at": "0:20:00", "link": "back"},
    )
    heard = [m for m in moments if isinstance(m.trigger, DrEvent)]
    assert [m.ms >= 1_200_000 for m in heard] == [True, True]
    assert [ack["status"] for ack in acks(moments)] == ["scheduled", "rejected"]
    assert acks(moments)[1]["reason"] == "expired"


def test_a_decision_that_was_journaled_and_not_carried_out_is_made_good() -> None:
    crash = {"at": "0:09:59", "crash": {"down": "1 s", "amid": "true"}}
    one, moments = play(crash, {"at": "0:09:59.100", "event": CALL})
    lost = [m for m in moments if not m.carried]
    assert len(lost) == 1 and isinstance(lost[0].trigger, DrEvent)
    assert drawn(moments, 601_000)["heater1"] == 0
    assert list(violations_of(Play(SITE, one.scenario))) == []


@pytest.mark.parametrize("seed", range(12))
def test_to_skip_what_does_not_happen_changes_nothing(seed: int) -> None:
    dice = Random(seed)
    spec = invent_site(dice)
    words = generate_day(spec, dice, 5) | {"loads": "steady"}
    words["steps"] = [s for s in words["steps"] if not {"crash", "link", "wish"} & s.keys()]
    tracks = []
    for skip in ("true", "false"):
        one, track = Play(spec, Scenario.model_validate({**words, "skip": skip})), DayHistory()
        for moment in one.moments():
            events = {id: event.state for id, event in moment.memory.events.items()}
            track.note(moment.ms, {"cuts": dict(moment.memory.cuts), "events": events})
        tracks.append(track)
    for ms in sorted({*tracks[0].at_ms, *tracks[1].at_ms}):
        assert tracks[0].at(ms + 11_000) in tracks[1].within(ms + 11_000, 11_000)


MUTE = {"at": "0:19:59.500", "fault": {"circuit": "heater1", "kind": "mute"}}
WELL = {"at": "0:30:00", "fault": {"circuit": "heater1", "kind": "none"}}


def statuses(moments: list[Moment]) -> list[dict[str, Any]]:
    return [dict(x.body) for m in moments for x in m.effects if isinstance(x, Status)]


def test_a_mute_circuit_is_named_when_its_event_is_over_and_well_once_it_answers() -> None:
    one, moments = play({"at": "0:10:00", "event": CALL}, MUTE, WELL)
    said = statuses(moments)
    assert next(x for x in said if x["state"] == "completed")["not_free"] == ["heater1"]
    assert [x["state"] for x in said if x["type"] == "circuit"] == ["fault", "well"]
    assert drawn(moments, 1_250_000)["heater1"] == 0, "its lease runs on"
    assert drawn(moments, 1_350_000)["heater1"] == 1_500, "and ends by itself"
    assert list(violations_of(Play(SITE, one.scenario))) == []


def test_a_core_that_names_nobody_breaks_a_rule(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("statemachine.wire.messages._not_free", lambda *_: {})
    steps = [{"at": "0:10:00", "event": CALL}, MUTE, WELL]
    said = {"look": "10 s", "loads": "steady", "steps": steps}
    found = list(violations_of(Play(SITE, Scenario.model_validate(said))))
    assert [broken.rule for broken in found] == ["R1"]


def test_a_core_that_does_not_wait_for_its_drivers_breaks_a_rule(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("statemachine.state.circuit.ANSWER_MS", 0)
    monkeypatch.setattr("statemachine.decide.device_faults.note_missing_answers", lambda turn: None)
    steps = [{"at": "0:10:00", "event": CALL}, {**MUTE, "at": "0:20:15"}, WELL]
    said = {"look": "10 s", "loads": "steady", "steps": steps}
    found = list(violations_of(Play(SITE, Scenario.model_validate(said))))
    assert "R1" in [broken.rule for broken in found]


def test_a_switch_of_a_mute_circuit_is_refused_in_time_and_done_in_the_end() -> None:
    off = {"at": "0:20:00", "switch": {"circuit": "heater1", "to": "off", "door": "page"}}
    one, moments = play(MUTE, off, WELL)
    (ack,) = acks(moments)
    assert (ack["status"], ack["reason"]) == ("rejected", "device")
    assert one.breakers.all["heater1"].on is False
    assert list(violations_of(Play(SITE, one.scenario))) == []


def test_a_fault_in_the_core_is_a_broken_rule_and_no_broken_play() -> None:
    one = Play(SITE, Scenario.model_validate({"steps": [{"at": "0:01:00", "event": CALL}]}))
    decide = one.ven.decide

    def raises(memory: Any, trigger: Any) -> Any:
        if isinstance(trigger, DrEvent):
            raise ZeroDivisionError
        return decide(memory, trigger)

    one.ven.decide = raises  # type: ignore[method-assign]
    found = list(violations_of(one))
    assert [broken.rule for broken in found] == ["P31"]
    assert "DrEvent raised ZeroDivisionError" in str(found[0])


def test_rules_are_named_in_words() -> None:
    assert set(DAY_RULES) >= {"P20", "P21", "P27", "P29", "P31", "P35", "OWN"}
    assert DAY_RULES["P27"].__name__ == "no_circuit_changes_within_its_dwell_time"


@pytest.mark.parametrize("number", [20742, 20829])
def test_a_crash_is_compared_with_the_very_same_looks(number: int) -> None:
    dice = Random(f"random:{number}")
    spec = invent_site(dice)
    rule, words = random_day(spec, dice)
    assert rule == "P25"
    assert next(differences(spec, Scenario.model_validate(words), rule), None) is None
