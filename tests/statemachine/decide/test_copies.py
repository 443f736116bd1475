"""What is a copy of a command, and what is asked anew."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from statemachine.state.memory import Memory
from statemachine.state.parts import from_parts, to_parts
from statemachine.state.triggers import Connected, Disconnected, Restarted
from statemachine.verify.rules.run_rules import violations_of
from statemachine.verify.world.play import Play
from statemachine.verify.world.scenario import Scenario
from tests.kit.core.sample_sites import NOW_S, site
from tests.kit.harness import Journaled
from venctl.cli.kit.clock import of_zone
from venctl.cli.trigger import answer

SITE = site("""
site: {id: v, service: 24 kW, unmetered: 1 kW, timezone: UTC}
circuits:
  a: {rated: 2 kW, shed: 100 %}
  b: {rated: 3 kW, shed: 100 %}
restore: {every: 1 s, bridge: 0 s}
""")
OFF = {"op": "setLoad", "loadId": "a", "enabled": False}
ON = {"op": "setLoad", "loadId": "a", "enabled": True}
EVENT = {"op": "event", "shed_kw": 1.5, "duration_sec": 600}
BACK = {"op": "restore"}
DAY_S = 86_400


@pytest.fixture
def desk() -> Journaled:
    one = Journaled(SITE)
    one.read()
    return one


def say(desk: Journaled, *all: dict[str, Any], every_s: float = 1) -> list[str]:
    """What becomes of commands that come one after the other."""
    found = []
    for said in all:
        found.append(desk.ask(**said)["status"])
        desk.wait(every_s)
    return found


def lost_and_found(desk: Journaled) -> None:
    """The link goes and comes back: what was not acknowledged comes again."""
    desk.hear(Disconnected(**desk.stamp()))
    desk.ms += 2_000
    desk.hear(Connected(**desk.stamp()))


def restarted(desk: Journaled) -> None:
    """The program is killed and started; what it kept is there."""
    desk.memory = from_parts(SITE, to_parts(desk.memory))
    desk.ms += 2_000
    desk.hear(Restarted(**desk.stamp(), boot=""))
    desk.read()
    desk.hear(Connected(**desk.stamp()))


def timeless(memory: Memory) -> Memory:
    return replace(memory, at_ms=0, mono_ms=0, draining=None, look_ms=None)


# -- asked anew -----------------------------------------------------------------------------------


def test_off_on_and_off_again_without_ids_ends_off(desk: Journaled) -> None:
    assert say(desk, OFF, ON, OFF) == ["success"] * 3
    assert not desk.memory.circuits["a"].enabled


def test_load_does_not_stay_shed_after_a_second_restore_without_ids(desk: Journaled) -> None:
    assert say(desk, EVENT, BACK, EVENT, BACK) == ["accepted", "success", "accepted", "success"]
    desk.wait(10)
    assert desk.held() == {} and not desk.memory.events


def test_the_same_restore_of_every_day_of_a_week_ends_the_event_of_that_day(
    desk: Journaled,
) -> None:
    for day in range(7):
        event, restore = {**EVENT, "event_id": f"e{day}"}, {**BACK, "correlationId": "r"}
        assert say(desk, event, restore) == ["accepted", "success"]
        desk.wait(20)
        assert desk.held() == {}
        desk.wait(DAY_S - 30)


def test_an_event_without_an_id_is_called_anew_two_days_later(desk: Journaled) -> None:
    said = {**EVENT, "correlationId": "test-event-001"}
    first = desk.ask(**said)
    desk.wait(2 * DAY_S)
    again = desk.ask(**said)
    assert (first["event_id"], again["status"]) == ("evt-test-event-001", "accepted")
    assert again["event_id"] != first["event_id"] and desk.held() == {"a": 500}
    desk.wait(2 * DAY_S)
    third = desk.ask(**said)
    assert third["status"] == "accepted"
    assert len({first["event_id"], again["event_id"], third["event_id"]}) == 3


def test_an_event_without_any_id_is_called_anew_once_it_is_over(desk: Journaled) -> None:
    short = {**EVENT, "duration_sec": 20}
    assert say(desk, short, short, every_s=30) == ["accepted", "accepted"]
    assert say(desk, short, BACK, short, every_s=0) == ["accepted", "success", "accepted"]
    assert desk.held() == {"a": 500}, "also within one second"


@pytest.mark.parametrize("one", [OFF, BACK, EVENT], ids=["setLoad", "restore", "event"])
def test_other_terms_under_the_same_correlation_id_are_another_command(
    desk: Journaled, one: dict[str, Any]
) -> None:
    terms = {"setLoad": ON, "restore": {"event_id": "x"}, "event": {"shed_kw": 3.0}}
    other = {**one, **terms[one["op"]]}
    first, second = say(desk, {**one, "correlationId": "c"}, {**other, "correlationId": "c"})
    assert "duplicate" not in (first, second) and "rejected" not in (first, second)


@pytest.mark.parametrize("source", ["page", "cli"])
def test_what_somebody_at_the_site_switched_since_is_switched_again(
    desk: Journaled, source: str
) -> None:
    off = {**OFF, "correlationId": "c"}
    say(desk, off)
    desk.ask_from(source, **ON)
    assert say(desk, off) == ["success"] and not desk.memory.circuits["a"].enabled


def test_an_interval_that_was_changed_since_is_set_again(desk: Journaled) -> None:
    slow = {"op": "setConfig", "report_interval_seconds": 60, "correlationId": "c"}
    assert say(desk, slow, {**slow, "report_interval_seconds": 5}, slow) == ["success"] * 3
    assert desk.memory.every_ms == 60_000


def test_a_restore_ends_an_event_that_was_still_to_come_when_it_was_sent_first(
    desk: Journaled,
) -> None:
    later, back = {**EVENT, "start_ts": NOW_S + 60}, {**BACK, "correlationId": "r"}
    assert say(desk, later, back) == ["scheduled", "success"]
    desk.wait(120)
    assert desk.held() == {"a": 500}
    assert say(desk, back) == ["success"]
    desk.wait(10)
    assert desk.held() == {}


# -- copies ---------------------------------------------------------------------------------------

SAID = (
    *(OFF, EVENT, BACK, {"op": "setConfig", "report_interval_seconds": 60}),
    {"op": "restore", "event_id": "x"},
)
IDS = ["setLoad", "event", "restore", "setConfig", "restore one"]


@pytest.mark.parametrize("correlation", [{}, {"correlationId": "c"}], ids=["body", "id"])
@pytest.mark.parametrize("said", SAID, ids=IDS)
def test_what_nothing_has_contradicted_is_a_copy(
    desk: Journaled, said: dict[str, Any], correlation: dict[str, str]
) -> None:
    first = desk.ask(**said, **correlation)
    before = timeless(desk.memory)
    assert desk.ask(**said, **correlation) == {**first, "status": "duplicate"}
    assert timeless(desk.memory) == before


@pytest.mark.parametrize("way", [lost_and_found, restarted], ids=["link", "restart"])
def test_what_comes_right_after_a_connect_is_a_copy_whatever_came_since(
    desk: Journaled, way: Any
) -> None:
    off, back = {**OFF, "correlationId": "c1"}, {**BACK, "correlationId": "c2"}
    event = {**EVENT, "duration_sec": 60, "correlationId": "c3"}
    say(desk, off, ON, back, event, BACK, {**EVENT, "event_id": "e"})
    way(desk)
    held = desk.held()
    assert held and say(desk, off, back, event) == ["duplicate"] * 3
    assert desk.memory.circuits["a"].enabled and desk.held() == held
    desk.wait(5)
    assert say(desk, off, back) == ["success"] * 2, "now it is asked anew"
    assert not desk.memory.circuits["a"].enabled


def test_a_dated_command_of_the_same_moment_is_a_copy_at_any_time(desk: Journaled) -> None:
    back = {**BACK, "correlationId": "r", "issued_at": NOW_S}
    assert say(desk, back, EVENT, back) == ["success", "accepted", "duplicate"]
    assert desk.held()
    assert say(desk, {**back, "issued_at": NOW_S + 3}) == ["success"]


@pytest.mark.parametrize("op", ["restore", "cancel"])
def test_who_takes_back_says_nothing_of_an_event_that_was_called_later(
    desk: Journaled, op: str
) -> None:
    back = {"op": op, "event_id": "e", "issued_at": NOW_S - 10}
    say(desk, {**EVENT, "event_id": "e", "issued_at": NOW_S})
    late = desk.ask(**back)
    assert (late["reason"], late["detail"]) == (
        "expired",
        "it was issued before e; send it again",
    )
    assert desk.held()
    assert say(desk, {**back, "issued_at": NOW_S + 1}) == ["success"]


def test_a_restore_of_all_ends_what_was_called_before_it_and_nothing_later(
    desk: Journaled,
) -> None:
    say(desk, {**EVENT, "event_id": "old"})
    say(desk, {**EVENT, "event_id": "new", "shed_kw": 1.0, "issued_at": NOW_S})
    assert say(desk, {**BACK, "issued_at": NOW_S - 30}) == ["success"]
    assert sum(desk.memory.cuts.values()) == 1_000


def test_an_older_revision_that_was_taken_on_is_a_copy_and_no_contradiction(
    desk: Journaled,
) -> None:
    """A broker delivers again, after a crash, what had been accepted before a newer one."""
    said = {**EVENT, "event_id": "e"}
    first = desk.ask(**said)
    assert desk.ask(**{**said, "shed_kw": 1.0}, revision=3)["status"] == "accepted"
    again = desk.ask(**said)
    assert again == {**first, "status": "duplicate", "ts": again["ts"]}
    assert sum(desk.memory.cuts.values()) == 1_000, "the newest terms stand"
    assert desk.ask(**{**said, "duration_sec": 61})["reason"] == "conflict", (
        "it was called otherwise"
    )
    assert desk.ask(**said, revision=2)["reason"] == "stale_revision", "it was never taken on"


def test_an_older_revision_that_was_scheduled_is_a_copy_too(desk: Journaled) -> None:
    said = {**EVENT, "event_id": "e", "start_ts": NOW_S + 60}
    first = desk.ask(**said)
    assert desk.ask(**{**said, "shed_kw": 1.0}, revision=2)["status"] == "scheduled"
    again = desk.ask(**said)
    assert again == {**first, "status": "duplicate", "ts": again["ts"]}


def test_an_id_that_was_made_is_known_by_that_id_too(desk: Journaled) -> None:
    said = {**EVENT, "correlationId": "c"}
    say(desk, said, BACK)
    id = desk.ask(**said)["event_id"]
    again = {**EVENT, "event_id": id}
    assert desk.ask(**again, revision=2)["status"] == "accepted"
    assert desk.ask(**again, revision=1)["reason"] == "stale_revision"
    assert desk.ask(**said, revision=1)["status"] == "accepted", "as its own revision"


def test_a_revision_of_an_event_without_an_id_changes_that_event(desk: Journaled) -> None:
    said = {**EVENT, "correlationId": "c"}
    assert say(desk, said, {**said, "shed_kw": 1.0, "revision": 1}) == ["accepted"] * 2
    assert sum(desk.memory.cuts.values()) == 1_000 and len(desk.memory.events) == 1
    assert desk.ask(**said)["reason"] == "stale_revision"


def test_who_opted_out_of_an_event_without_an_id_is_left_alone_for_its_time(
    desk: Journaled,
) -> None:
    said = {**EVENT, "correlationId": "c"}
    id = desk.ask(**said)["event_id"]
    desk.ask_from("page", op="optOut", event_id=id)
    desk.wait(60)
    assert desk.ask(**said)["reason"] == "opted_out" and desk.memory.cuts == {}
    desk.wait(600)
    assert desk.ask(**said)["status"] == "accepted"


# -- words, and a day that is played --------------------------------------------------------------


@pytest.mark.parametrize("op", ["restore", "event"])
def test_who_triggers_what_was_answered_before_reads_that_nothing_new_was_done(
    desk: Journaled, capsys: pytest.CaptureFixture[str], op: str
) -> None:
    said = {"restore": BACK, "event": {**EVENT, "event_id": "e"}}[op]
    for word in ("", "nothing was done: this command was already answered"):
        assert answer(desk.ask(**said), False, lambda: of_zone("UTC")) == 0
        out = capsys.readouterr().out
        assert word in out and ("nothing was done" in out) == bool(word)
        assert ("a new --id" in out) == bool(word and op == "event")


def rules_broken_by_what_is_said_twice() -> set[str]:
    off = {"circuit": "a", "to": "off", "door": "operator", "as": "c1"}
    back = {"event": "all", "door": "operator", "as": "c2"}
    event = {"shed": "1 kW", "for": "30 min"}
    steps = [
        {"at": "0:10:00", "switch": off},
        {"at": "0:11:00", "switch": {**off, "to": "on", "as": "x"}},
        {"at": "0:12:00", "switch": off},
        {"at": "0:13:00", "event": {**event, "id": "e1"}},
        {"at": "0:14:00", "restore": back},
        {"at": "0:20:00", "event": {**event, "id": "e2"}},
        {"at": "0:21:00", "restore": back},
    ]
    day = Scenario.model_validate({"loads": "steady", "look": "10 s", "steps": steps})
    return {one.rule for one in violations_of(Play(SITE, day))}


def test_the_bystander_of_a_day_sees_what_is_taken_for_a_copy_and_is_none(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert rules_broken_by_what_is_said_twice() == set()
    monkeypatch.setattr("statemachine.decide.copies._stands", lambda *_: True)
    assert rules_broken_by_what_is_said_twice() == {"P44"}


# -- whatever comes -------------------------------------------------------------------------------

CORRELATIONS = st.sampled_from([{}, {}, {"correlationId": "c"}, {"correlationId": "d"}])
SOME = st.sampled_from(
    [OFF, ON, {**OFF, "loadId": "b"}, {**ON, "loadId": "b"}, EVENT, {**EVENT, "duration_sec": 20},
     BACK, BACK, {"op": "setConfig", "report_interval_seconds": 60},
     {"op": "setConfig", "report_interval_seconds": 5}]
)  # fmt: skip
STEPS = st.lists(st.tuples(SOME, CORRELATIONS, st.sampled_from([0, 1, 7, 70, 700])), max_size=14)


def is_so(desk: Journaled, said: dict[str, Any]) -> bool:
    """What was asked for holds now."""
    memory = desk.memory
    match said["op"]:
        case "setLoad":
            return memory.circuits[said["loadId"]].enabled is said["enabled"]
        case "restore":
            return not memory.cuts
        case "setConfig":
            return memory.every_ms == said["report_interval_seconds"] * 1_000
    live = [x for x in memory.events.values() if x.state == "shedding"]
    return any(x.shed_w == 1_500 and x.end_ms > desk.ms for x in live)


@settings(deadline=None, max_examples=60)
@given(STEPS)
def test_p44_what_somebody_asks_is_so_afterwards_however_often_it_was_asked(steps: Any) -> None:
    desk = Journaled(SITE)
    desk.read()
    for said, correlation, wait_s in steps:
        assert desk.ask(**said, **correlation)["status"] != "rejected"
        assert is_so(desk, said), (said, correlation)
        desk.wait(wait_s)


@settings(deadline=None, max_examples=40)
@given(STEPS, st.sampled_from([lost_and_found, restarted]))
def test_p22_all_that_comes_again_after_a_connect_changes_nothing(steps: Any, way: Any) -> None:
    desk = Journaled(SITE)
    desk.read()
    sent, spent_s = [], 0
    for said, correlation, wait_s in steps:
        desk.ask(**said, **correlation)
        sent.append({**said, **correlation})
        spent_s = spent_s + wait_s if spent_s + wait_s < 50 else 0
        sent = sent if spent_s else []
        desk.wait(wait_s if spent_s else 70)
    way(desk)
    before = timeless(desk.memory)
    newest = {}
    for said in sent:  # of two bodies under one id the journal knows the newer
        newest[said["op"], said.get("correlationId", str(said))] = said
    for said in newest.values():
        assert desk.ask(**said)["status"] in ("duplicate", "rejected"), said
    assert timeless(desk.memory) == before
