"""What the API tells of protection, budgets, opt-outs and edits, over the real core."""

from __future__ import annotations

import pytest

from statemachine import SpecError, read
from tests.kit.core.web_controller import SITE, START_MS
from tests.kit.core.web_page import EVENT, open_page

NOW_S = START_MS / 1000
TEXT = SITE.read_text("utf-8")


def opened(text: str) -> open_page:
    """A page over a site of its own file."""
    return open_page(read(text, "ven.yaml"))


def heater(more: str) -> str:
    return TEXT.replace("rated: 1.5 kW, shed: 100 %", f"rated: 1.5 kW, shed: 100 %, {more}")


async def test_a_circuit_says_until_when_it_rests_and_then_until_when_it_runs() -> None:
    async with opened(heater("min_off: 5 min, min_on: 2 min")) as api:
        await api.tell("POST", "/api/v1/events", EVENT)
        api.desk.advance(60_000)
        await api.tell("POST", "/api/v1/restore", {})
        api.desk.advance(40_000)
        one = await api.get("/api/v1/circuits/heater1")
        assert (one["held_kw"], one["planned_kw"]) == (0.0, 0.0)
        assert one["rests_until"] == NOW_S + 300 and one["reason"] == "must stay off for 3:20"
        assert one["dwell_left_s"] == 200 and one["runs_until"] is None
        now = await api.get("/api/v1/state")
        assert now["restoring"]["next"] == "heater1"
        assert now["restoring"]["next_at"] == NOW_S + 300
        assert (now["restoring"]["done"], now["restoring"]["of"]) == (2, 3)
        api.desk.advance(220_000)
        one = await api.get("/api/v1/circuits/heater1")
        assert one["held_kw"] is None and one["rests_until"] is None
        assert 0 < one["dwell_left_s"] <= 120


async def test_a_circuit_says_what_it_gave_today_of_what_it_may() -> None:
    async with opened(heater("max_events_per_day: 3, max_shed_per_day: 10 min")) as api:
        await api.tell("POST", "/api/v1/events", EVENT)
        api.desk.advance(90_000)
        one = await api.get("/api/v1/circuits/heater1")
        assert (one["sheds_today"], one["max_sheds_per_day"]) == (1, 3)
        assert (one["shed_today_s"], one["max_shed_per_day_s"]) == (90, 600)


async def test_an_event_says_how_it_delivers_and_what_comes_next() -> None:
    async with opened(TEXT) as api:
        await api.tell("POST", "/api/v1/events", EVENT)
        [event] = (await api.get("/api/v1/state"))["events"]
        assert (event["required_kw"], event["delivery"]) == (2.0, "achieved")
        assert (event["next"], event["next_at"]) == ("ended", NOW_S + 300)
        await api.tell("POST", "/api/v1/events", {**EVENT, "id": "weak", "shed_kw": 1.0})
        events = {e["id"]: e for e in (await api.get("/api/v1/state"))["events"]}
        assert events["weak"]["delivery"] == "superseded"


async def test_an_occupant_keeps_one_circuit_out_and_then_all_of_it() -> None:
    async with opened(TEXT) as api:
        await api.tell("POST", "/api/v1/events", EVENT)
        path = "/api/v1/events/evt-1/opt-out"
        status, _ = await api.tell("POST", path, {"circuit": "heater1"})
        assert status == 200
        now = await api.get("/api/v1/state")
        assert now["events"][0]["opted_out"] == ["heater1"]
        assert {c["id"] for c in now["circuits"] if c["opted_out"]} == {"heater1"}
        assert (await api.tell("POST", path, {"circuit": "nobody"}))[0] == 404
        assert (await api.tell("POST", path, {"circuits": "heater1"}))[0] == 422
        assert (await api.tell("POST", "/api/v1/events/no/opt-out", {}))[0] == 404
        assert (await api.tell("POST", path, {}))[0] == 200
        assert (await api.get("/api/v1/state"))["required_kw"] == 0
        again = {"op": "event", "event_id": "evt-1", "shed_kw": 3, "revision": 1}
        status, ack = await api.tell("POST", "/api/v1/commands", again)
        assert (status, ack["reason"]) == (409, "opted_out")


async def test_events_that_are_over_are_still_listed() -> None:
    async with opened(TEXT) as api:
        await api.tell("POST", "/api/v1/events", EVENT)
        said = await api.get("/api/v1/events")
        assert [e["id"] for e in said["events"]] == ["evt-1"] and said["past"][0]["live"]
        api.desk.advance(400_000)
        said = await api.get("/api/v1/events")
        past = {"id": "evt-1", "source": "page", "start": NOW_S, "end": NOW_S + 300, "live": False}
        assert said == {"events": [], "past": [past]}


async def test_a_locked_circuit_and_one_the_cloud_may_not_switch_are_told_apart() -> None:
    async with opened(heater("remote: no")) as api:
        one = await api.get("/api/v1/circuits/heater1")
        assert (one["locked"], one["remote"]) == (False, False)
        status, _ = await api.tell("PATCH", "/api/v1/circuits/heater1", {"enabled": False})
        assert status == 200, "the page stands at the site"
    text = TEXT.replace("shed: 100 %}     # can be", "shed: never}     # can be")
    async with opened(text) as api:
        one = await api.get("/api/v1/circuits/heater1")
        assert (one["locked"], one["remote"]) == (True, False)


async def test_a_site_that_observes_commands_nothing_and_says_what_it_would() -> None:
    async with opened(TEXT.replace("mode: act", "mode: observe")) as api:
        status, ack = await api.tell("POST", "/api/v1/events", EVENT)
        assert (status, ack["mode"], ack["actual_shed_kw"]) == (201, "observe", 0)
        now = await api.get("/api/v1/state")
        assert (now["mode"], now["commanded_kw"], now["planned_kw"]) == ("observe", 0, 2.0)
        assert (now["power_kw"], now["shed_kw"]) == (10.0, 0)
        assert now["events"][0]["would_shed_kw"] == 2.0
        assert {c["id"]: c["planned_kw"] for c in now["circuits"] if c["planned_kw"]} == {
            "heater1": 1.5,
            "lights1": 0.28,
            "misc1": 0.22,
        }
        status, problem = await api.tell("PATCH", "/api/v1/circuits/heater1", {"enabled": False})
        assert (status, problem["code"]) == (409, "locked")


async def test_a_reload_answers_with_words_or_with_every_fault() -> None:
    async with opened(TEXT) as api:
        status, said = await api.tell("POST", "/api/v1/reload", {})
        assert (status, said["lines"]) == (200, ["nothing changes"])
        with pytest.raises(SpecError) as caught:
            read("site: {id: x}\ncircuits: {a: {rated: 5}, b: {type: , rated: 1 W}}\n", "f")
        api.desk.faulty = caught.value
        status, problem = await api.tell("POST", "/api/v1/reload", {})
        assert (status, problem["code"], len(problem["faults"])) == (422, "faulty-file", 2)
        api.desk.faulty = OSError("ven.yaml is not there")
        status, problem = await api.tell("POST", "/api/v1/reload", {})
        assert (status, problem["code"]) == (409, "not-taken")
        assert problem["detail"] == "ven.yaml is not there"
        assert (await api.tell("POST", "/api/v1/reload", {"file": "/etc/passwd"}))[0] == 422
