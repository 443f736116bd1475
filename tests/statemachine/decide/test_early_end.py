"""What the grid operator called is ended, changed or kept out of at the site only if confirmed."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from statemachine.returns.upcoming import upcoming_reports
from statemachine.state.effects import Status
from statemachine.state.triggers import Restarted
from statemachine.verify.rules.run_rules import violations_of
from statemachine.verify.search.step_text import describe
from statemachine.verify.world.play import Play
from statemachine.verify.world.scenario import Scenario, Step
from statemachine.wire.commands import MAX_REASON, Origin, command_from
from tests.kit.core.sample_sites import NOW_S, site
from tests.kit.core.web_page import Page, api, open_page
from tests.kit.harness import Harness

__all__ = ["api"]
TEXT = """
site: {id: v, service: 24 kW, timezone: Europe/Berlin}
circuits:
  a: {rated: 2 kW, shed: 100 %}
  b: {rated: 3 kW, shed: 100 %}
"""
ACTS: dict[str, dict[str, Any]] = {
    "restore all": {"op": "restore"},
    "restore one": {"op": "restore", "event_id": "now"},
    "cancel what runs": {"op": "cancel", "event_id": "now"},
    "cancel what is to come": {"op": "cancel", "event_id": "later"},
    "opt out": {"op": "optOut", "event_id": "now"},
    "opt out of what is to come": {"op": "optOut", "event_id": "later"},
    "keep a circuit out": {"op": "optOut", "event_id": "now", "loadId": "a"},
    "ask for a watt": {"op": "event", "event_id": "now", "shed_kw": 0.001, "revision": 1},
    "put it off": {
        **{"op": "event", "event_id": "now", "shed_kw": 2.0, "revision": 1},
        **{"start_ts": NOW_S + 86_400},
    },
}


def called(source: str = "operator", kw: float = 2.0) -> Harness:
    """`now` runs and `later` is scheduled, both called by `source`."""
    desk = Harness(site(TEXT))
    desk.read()
    event = {"op": "event", "shed_kw": kw, "duration_sec": 1_800}
    desk.ask_from(source, **event, event_id="now")
    desk.ask_from(source, **event, event_id="later", start_ts=NOW_S + 7_200)
    return desk


def terms(desk: Harness) -> Any:
    events = desk.memory.events.values()
    every = {(e.id, e.state, e.shed_w, e.start_ms, e.end_ms, e.opted_out) for e in events}
    return every, desk.memory.opted_out, desk.memory.cuts


@pytest.mark.parametrize("act", ACTS)
@pytest.mark.parametrize("door", ["page", "cli"])
def test_nothing_of_the_operators_event_changes_at_the_site_until_it_is_confirmed(
    door: str, act: str
) -> None:
    desk = called()
    before = terms(desk)
    ack = desk.ask_from(door, **ACTS[act], confirm_operator=False)
    assert (ack["status"], ack["reason"]) == ("rejected", "operator")
    assert ": 2 kW from 20" in ack["detail"] and "CE" in ack["detail"]
    ends = ACTS[act]["op"] != "event" and "loadId" not in ACTS[act]
    assert ("to the operator" in ack["detail"]) == ends
    assert terms(desk) == before
    assert desk.ask_from(door, **ACTS[act])["status"] in ("success", "accepted", "scheduled")
    assert terms(desk) != before


@pytest.mark.parametrize("act", ["restore all", "restore one", "cancel what is to come"])
def test_the_operator_needs_no_confirmation_and_nobody_is_named_in_its_messages(act: str) -> None:
    desk = called()
    assert desk.ask(**ACTS[act])["status"] == "success"
    assert [said for said in messages(desk) if "ended_by" in said] == []


@pytest.mark.parametrize("act", ACTS)
def test_ones_own_event_needs_no_confirmation(act: str) -> None:
    ack = called("page").ask_from("page", **ACTS[act], confirm_operator=False)
    assert ack["status"] in ("success", "accepted", "scheduled")


def test_load_that_is_coming_back_already_is_asked_for_without_a_question() -> None:
    desk = called(kw=4.0)
    desk.ask(op="restore", event_id="now")
    assert desk.memory.events["now"].state == "restoring"
    assert desk.ask_from("page", op="restore", confirm_operator=False)["status"] == "success"


def test_what_was_asked_while_nobody_could_know_whose_it_is_is_done_once_it_can_be() -> None:
    desk = called()
    asked = replace(desk.command("page", op="restore", event_id="now"), blind=True, reply="nobody")
    desk.hear(Restarted(**desk.stamp(), boot="", since=(asked,)))
    assert desk.memory.cuts == {} and "later" in desk.memory.events


def messages(desk: Harness) -> list[dict[str, Any]]:
    return [dict(effect.body) for effect in desk.effects if isinstance(effect, Status)]


@pytest.mark.parametrize("act", ["restore one", "cancel what is to come", "opt out"])
def test_what_the_operator_is_told_is_what_the_question_says_with_who_and_why(act: str) -> None:
    desk = called()
    event = desk.memory.events[ACTS[act]["event_id"]]
    word = "cancel" if ACTS[act]["op"] == "cancel" else "restore"
    told = upcoming_reports(desk.spec, desk.memory, event, word)
    desk.ask_from("page", **ACTS[act], reason="guests")
    said = messages(desk)
    for _ in range(40):
        desk.wait(10)
        said += messages(desk)
    of_it = [one for one in said if one.get("event_id") == event.id]
    assert [one["state"] for one in of_it] == told != []
    assert {(one["ended_by"], one["ended_because"]) for one in of_it} == {("page", "guests")}


@pytest.mark.parametrize("reason", ["x" * (MAX_REASON + 1), 7, "two\nlines"])
def test_a_reason_that_cannot_be_told_is_refused(reason: object) -> None:
    ack = called().ask_from("page", op="restore", reason=reason)
    assert ack["reason"] == "invalid" and "reason must be" in ack["detail"]


def test_a_circuit_that_was_kept_out_gives_again_once_that_is_taken_back() -> None:
    desk = called()
    out = {"op": "optOut", "event_id": "now", "loadId": "a"}
    desk.ask_from("page", **out)
    assert desk.memory.cuts == {"b": 2_000}
    back = desk.ask_from("page", **out, out=False, confirm_operator=False)
    assert back["status"] == "success" and desk.memory.events["now"].opted_out == ()
    assert desk.memory.cuts == {"a": 2_000}


def test_to_opt_out_of_a_whole_event_is_final() -> None:
    desk = called()
    ack = desk.ask_from("page", op="optOut", event_id="now", out=False)
    assert ack["reason"] == "invalid" and "name a circuit" in ack["detail"]


# -- over HTTP -------------------------------------------------------------------------------------

OVER_HTTP: dict[str, tuple[str, str, dict[str, Any]]] = {
    "restore all": ("POST", "/api/v1/restore", {}),
    "the old restore": ("POST", "/api/event/restore", {"anything": 1}),
    "restore one": ("POST", "/api/v1/events/now/restore", {}),
    "cancel": ("DELETE", "/api/v1/events/later", {}),
    "opt out": ("POST", "/api/v1/events/now/opt-out", {}),
    "keep a circuit out": ("POST", "/api/v1/events/now/opt-out", {"circuit": "heater1"}),
    "a command": ("POST", "/api/v1/commands", {"op": "restore"}),
}


async def of_the_operator(api: Page) -> None:
    event = {"op": "event", "shed_kw": 2.0, "duration_sec": 300}
    later = {**event, "event_id": "later", "start_ts": api.desk.now_ms // 1000 + 7_200}
    for asked in ({**event, "event_id": "now"}, later):
        door = Origin("operator", "r", *api.desk.clocks())
        await api.desk.submit(command_from(asked, api.desk.spec.site.id, door))


@pytest.mark.parametrize("act", OVER_HTTP)
async def test_every_door_of_the_api_asks_for_the_confirmation(act: str) -> None:
    method, path, body = OVER_HTTP[act]
    async with open_page() as api:
        await of_the_operator(api)
        before = await api.get("/api/v1/events")
        status, problem = await api.tell(method, path, body)
        assert (status, problem["reason"]) == (409, "operator")
        assert problem.get("code") == ("operator-event" if act != "a command" else None)
        assert await api.get("/api/v1/events") == before
        sure = {**body, "confirm_operator": True, "reason": "guests"}
        assert (await api.tell(method, path, sure))[0] == 200


async def test_the_page_learns_whose_an_event_is_and_what_its_end_tells_the_operator(
    api: Page,
) -> None:
    await of_the_operator(api)
    now, later = (await api.get("/api/v1/state"))["events"]
    assert (now["theirs"], now["restore_reports"]) == (True, ["restoring", "completed"])
    assert (later["theirs"], later["cancel_reports"]) == (True, ["cancelled"])
    await api.tell("POST", "/api/v1/events", {"shed_kw": 1.0, "duration_s": 60, "id": "own"})
    events = {one["id"]: one for one in (await api.get("/api/v1/state"))["events"]}
    assert events["own"]["theirs"] is False


async def test_a_circuit_is_let_give_again_by_its_own_address(api: Page) -> None:
    await of_the_operator(api)
    path, circuit = "/api/v1/events/now/opt-out", {"circuit": "heater1"}
    assert (await api.tell("POST", path, {**circuit, "confirm_operator": True}))[0] == 200
    assert (await api.get("/api/v1/state"))["events"][0]["opted_out"] == ["heater1"]
    assert (await api.tell("POST", path, {**circuit, "out": False}))[0] == 200
    assert (await api.get("/api/v1/state"))["events"][0]["opted_out"] == []
    assert (await api.tell("POST", path, {"out": False}))[0] == 422


# -- who watches a day finds it --------------------------------------------------------------------

UNCONFIRMED: dict[str, dict[str, Any]] = {
    "restored": {"restore": {"event": "e", "confirm": "false"}},
    "cancelled": {"cancel": {"event": "e", "door": "page", "confirm": "false"}},
    "opted out of": {"opt_out": {"event": "e", "confirm": "false"}},
    "kept out of": {"opt_out": {"event": "e", "circuit": "a", "confirm": "false"}},
    "revised": {
        "event": {
            **{"id": "e", "shed": "1 kW", "for": "5 min", "revision": "1"},
            **{"door": "cli", "confirm": "false"},
        }
    },
}


def broken_on(step: dict[str, Any]) -> set[str]:
    call = {"at": "0:10:00", "event": {"id": "e", "shed": "2 kW", "for": "10 min"}}
    day = {"loads": "steady", "steps": [call, {"at": "0:12:00", **step}]}
    return {one.rule for one in violations_of(Play(site(TEXT), Scenario.model_validate(day)))}


@pytest.mark.parametrize("way", UNCONFIRMED)
def test_a_day_on_which_an_unconfirmed_word_counts_breaks_a_rule(
    way: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert broken_on(UNCONFIRMED[way]) == set()
    monkeypatch.setattr("statemachine.decide.apply.missing_confirmation", lambda *_: "")
    assert "P47" in broken_on(UNCONFIRMED[way])


def test_a_day_on_which_a_kept_out_circuit_may_not_give_again_breaks_no_rule() -> None:
    out = {"event": "e", "circuit": "a"}
    assert broken_on({"opt_out": out}) == set()
    assert describe(Step.model_validate({"at": "0:12:00", "opt_out": {**out, "out": "false"}})) == (
        "the occupant opts a in to e again"
    )
