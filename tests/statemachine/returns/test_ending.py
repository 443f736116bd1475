"""All back now: everything comes back, and nothing new is taken on unless people here say so."""

from __future__ import annotations

from typing import Any

import pytest

from statemachine.returns.ending import SHUT_MS
from statemachine.state.effects import Ack, Hold
from statemachine.verify.rules.run_rules import violations_of
from statemachine.verify.world.play import Play
from statemachine.verify.world.scenario import Scenario
from statemachine.wire.commands import Origin, command_from
from tests.kit.core.sample_sites import MAPLE, site
from tests.kit.harness import Harness

MINUTES = SHUT_MS // 60_000
CALL = {"op": "event", "shed_kw": 2.0, "duration_sec": 3_600}


@pytest.fixture
def desk() -> Harness:
    one = Harness(site(MAPLE))
    one.read()
    return one


def ask(desk: Harness, said: dict[str, Any], door: str = "operator") -> tuple[Any, list[Any]]:
    """The ack of a command at a door, and all effects."""
    command = command_from(said, desk.spec.site.id, Origin(door, "r", **desk.stamp()))
    effects = desk.hear(command)
    (ack,) = [one.body for one in effects if isinstance(one, Ack)]
    return ack, effects


def busy(desk: Harness) -> None:
    """One event runs, one is to come, both the operator's."""
    assert ask(desk, {**CALL, "event_id": "e1"})[0]["status"] == "accepted"
    later = {**CALL, "event_id": "e2", "start_ts": desk.ms // 1000 + 7_200}
    assert ask(desk, later)[0]["status"] == "scheduled"
    assert desk.held()


def test_every_event_ends_and_every_driver_hears_that_its_circuit_is_free(desk: Harness) -> None:
    busy(desk)
    ack, effects = ask(desk, {"op": "all_back"})
    assert ack["status"] == "success"
    told = {one.circuit: one.watts for one in effects if isinstance(one, Hold)}
    free = set(desk.spec.circuits) - set(desk.held())
    assert {id for id, watts in told.items() if watts is None} >= free
    desk.wait(120)
    assert desk.held() == {} and desk.memory.events == {}


@pytest.mark.parametrize("door", ["page", "cli"])
def test_at_the_site_the_operators_events_want_their_one_confirmation(
    desk: Harness, door: str
) -> None:
    busy(desk)
    ack, _ = ask(desk, {"op": "all_back"}, door)
    assert ack["reason"] == "operator" and "e1" in ack["detail"] and "e2" in ack["detail"]
    assert set(desk.memory.events) == {"e1", "e2"} and not desk.memory.shut_ms
    ack, _ = ask(desk, {"op": "all_back", "confirm_operator": True}, door)
    assert ack["status"] == "success"


def test_for_ten_minutes_nobody_from_afar_takes_load(desk: Harness) -> None:
    ask(desk, {"op": "all_back"}, "page")
    desk.wait(MINUTES * 60 - 1)
    event, _ = ask(desk, {**CALL, "event_id": "e3"})
    assert event["reason"] == "opted_out" and "only people at the site" in event["detail"]
    switch = {"op": "setLoad", "loadId": "lights1", "enabled": False}
    assert ask(desk, switch)[0]["reason"] == "opted_out"
    desk.wait(1)
    assert ask(desk, {**CALL, "event_id": "e4"})[0]["status"] == "accepted"


def test_people_here_call_an_event_all_the_same_and_that_opens_the_site_again(
    desk: Harness,
) -> None:
    ask(desk, {"op": "all_back"}, "page")
    assert ask(desk, {**CALL, "event_id": "own"}, "page")[0]["status"] == "accepted"
    assert ask(desk, {**CALL, "event_id": "e5", "shed_kw": 3.0})[0]["status"] == "accepted"


def test_a_clock_that_is_set_back_shuts_nobody_out_for_longer(desk: Harness) -> None:
    ask(desk, {"op": "all_back"}, "page")
    desk.step(-86_400_000)
    desk.read()
    desk.wait(MINUTES * 60 + 1)
    assert ask(desk, {**CALL, "event_id": "e6"})[0]["status"] == "accepted"


def test_what_nobody_can_know_of_ends_as_well_where_nothing_can_be_read() -> None:
    """Without journal and without cloud: every driver hears it, whatever memory has forgotten."""
    desk = Harness(site(MAPLE))
    _, effects = ask(desk, {"op": "all_back"}, "cli")
    told = {one.circuit for one in effects if isinstance(one, Hold) and one.watts is None}
    assert told == set(desk.spec.circuits)


def test_a_core_that_takes_an_event_on_after_it_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    steps = [
        {"at": "0:10:00", "restore": {"event": "all", "shuts": "true", "door": "page"}},
        {"at": "0:15:00", "event": {"id": "e1", "shed": "1 kW", "for": "5 min"}},
    ]

    def broken() -> set[str]:
        play = Play(site(MAPLE), Scenario.model_validate({"steps": steps}))
        return {one.rule for one in violations_of(play)}

    assert broken() == set()
    monkeypatch.setattr("statemachine.decide.admit.closed_to_events", lambda memory, source: False)
    assert broken() == {"P48"}
