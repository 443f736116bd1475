"""The device shadow as the API shows it, and the lock that refuses its wishes."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from statemachine import Spec, read
from statemachine.state.cloud_triggers import Delta, Document
from statemachine.state.desires import Interval, Wish
from statemachine.state.effects import GetShadow
from statemachine.state.triggers import Connected, Disconnected, Restarted
from tests.kit.core.web_controller import START_MS, WebController
from tests.kit.core.web_page import Page, open_page
from tests.kit.paths import ROOT
from venctl.cli.kit.clock import of_zone
from venctl.cli.shadow import _lines
from web.shadow import shadow

NOW_S = START_MS // 1000


@pytest.fixture
async def api() -> AsyncIterator[Page]:
    async with open_page() as opened:
        yield opened


def hear(desk: WebController, kind: type[Any], **said: Any) -> None:
    at_ms, mono_ms = desk.clocks()
    trigger = kind(at_ms=at_ms, mono_ms=mono_ms, **said)
    desk.memory, desk.effects = desk.ven.decide(desk.memory, trigger)  # type: ignore[attr-defined]


def wished(desk: WebController, *wishes: Wish, interval: Interval | None = None) -> None:
    """The site connects and finds these wishes in its shadow."""
    hear(desk, Connected)
    (get,) = [e for e in desk.effects if isinstance(e, GetShadow)]  # type: ignore[attr-defined]
    said: dict[str, Any] = {"token": get.token, "version": 7, "server_s": NOW_S}
    hear(desk, Document, wishes=wishes or None, interval=interval, **said)
    desk.advance(1_000)


def row(said: dict[str, Any], key: str) -> dict[str, Any]:
    found: dict[str, Any] = next(one for one in said["rows"] if one["key"] == key)
    return found


async def test_before_any_link_nothing_is_desired_and_the_shadow_is_offline(api: Page) -> None:
    said = await api.get("/api/v1/shadow")
    assert (said["state"], said["open"], said["refused"], said["alarms"]) == ("offline", 0, [], [])
    (classic,) = said["shadows"]
    assert (classic["title"], classic["circuits"], classic["version"]) == ("classic", 6, None)
    assert [one["key"] for one in said["rows"]][:2] == [
        "report_interval_seconds",
        "circuits.heater1.enabled",
    ]
    assert (await api.get("/api/v1/state"))["shadow"]["label"] == "Offline"


@pytest.mark.parametrize("cloud", ["{kind: local}", "{kind: mqtt, host: h, shadow: serve}"])
def test_nothing_is_called_in_sync_before_the_shadow_was_read(cloud: str) -> None:
    desk = WebController(served(cloud))
    assert states(desk) == {"unknown"}
    wished(desk)
    assert states(desk) == {"in_sync"}
    hear(desk, Disconnected)
    assert states(desk) == {"unknown"}
    hear(desk, Restarted, boot="another")
    assert states(desk) == {"unknown"}


def test_where_nobody_keeps_a_shadow_it_is_off_and_so_is_every_row() -> None:
    desk = WebController(served("{kind: mqtt, host: h}"))
    said = shadow(desk.spec, desk.memory, desk.now_ms)
    assert (said["state"], said["label"]) == ("off", "Off") and states(desk) == {"off"}
    lines = _lines(said, of_zone("UTC"))
    assert lines[0].startswith("off ") and "`cloud: {shadow: serve}`" in lines[0]
    assert not any("in sync" in line for line in lines)


def served(cloud: str) -> Spec:
    text = (ROOT / "ven.yaml").read_text("utf-8")
    return read(text.replace("cloud: {kind: local}", f"cloud: {cloud}"), "ven.yaml")


def states(desk: WebController) -> set[str]:
    return {one["state"] for one in shadow(desk.spec, desk.memory, desk.now_ms)["rows"]}


async def test_a_wish_that_waits_for_its_circuit_is_pending(api: Page) -> None:
    wished(api.desk, Wish("ev1", True, NOW_S))
    said = await api.get("/api/v1/shadow")
    assert (said["state"], said["open"]) == ("applying", 1)
    assert row(said, "circuits.ev1.enabled") == {
        "key": "circuits.ev1.enabled",
        "name": "EV Charger",
        "reported": True,
        "desired": True,
        "state": "pending",
        "since": NOW_S,
    }
    (wish,) = said["shadows"][0]["wishes"]
    assert wish == {"id": "ev1", "name": "EV Charger", "enabled": True, "asked_at": NOW_S}


async def test_a_refused_wish_stands_there_with_its_reason_for_a_day(api: Page) -> None:
    status, circuit = await api.tell("PUT", "/api/v1/circuits/ev1/lock", {"locked": True})
    assert (status, circuit["locked_by"], circuit["locked_at"]) == (200, "page", NOW_S)
    wished(api.desk, Wish("ev1", True, NOW_S), Wish("nobody", True, NOW_S))
    said = await api.get("/api/v1/shadow")
    refused = {one["id"]: (one["code"], one["reason"], one["wanted"]) for one in said["refused"]}
    assert refused == {
        "ev1": (423, "locked by page", True),
        "nobody": (404, "unknown", None),
    }
    assert row(said, "circuits.ev1.enabled")["state"] == "rejected"
    assert said["shadows"][0]["ack"]["ac"] == 400
    assert (await api.get("/api/v1/state"))["shadow"]["refused"] == said["refused"]
    api.desk.advance(86_400_000)
    assert (await api.get("/api/v1/shadow"))["refused"] == []


async def test_a_refusal_stands_until_something_newer_was_chosen_through_whatever_door(
    api: Page,
) -> None:
    await api.tell("PUT", "/api/v1/circuits/ev1/lock", {"locked": True})
    wished(api.desk, Wish("ev1", True, NOW_S), interval=Interval(None, NOW_S))
    said = await api.get("/api/v1/shadow")
    assert {one["id"] for one in said["refused"]} == {"ev1", "report_interval_seconds"}
    api.desk.advance(2_000)
    await api.tell("PUT", "/api/v1/circuits/ev1/lock", {"locked": False})
    await api.tell("PATCH", "/api/v1/circuits/ev1", {"enabled": True})
    every = {"op": "setConfig", "report_interval_seconds": 8}
    await api.tell("POST", "/api/v1/commands", every)
    assert (await api.get("/api/v1/shadow"))["refused"] == []


async def test_a_wish_that_says_nothing_sensible_is_shown_behind_an_older_one(api: Page) -> None:
    wished(api.desk, Wish("ev1", True, NOW_S))
    hear(api.desk, Delta, version=9, wishes=(), refusals={"ev1": (400, "must be true or false")})
    api.desk.advance(1_000)
    (refused,) = (await api.get("/api/v1/shadow"))["refused"]
    assert (refused["id"], refused["code"]) == ("ev1", 400)


async def test_a_setting_stands_there_as_it_was_desired_or_refused(api: Page) -> None:
    wished(api.desk, interval=Interval(7_000, NOW_S))
    found = row(await api.get("/api/v1/shadow"), "report_interval_seconds")
    assert (found["desired"], found["reported"], found["state"]) == (7, 7, "in_sync")
    async with open_page() as other:
        wished(other.desk, interval=Interval(None, NOW_S))
        found = row(await other.get("/api/v1/shadow"), "report_interval_seconds")
        assert (found["state"], found["reason"]) == ("rejected", "must be 1 to 900")


async def test_a_locked_circuit_is_switched_by_nobody_until_it_is_unlocked(api: Page) -> None:
    path = "/api/v1/circuits/heater1"
    await api.tell("PUT", f"{path}/lock", {"locked": True})
    status, problem = await api.tell("PATCH", path, {"enabled": False})
    assert (status, problem["code"]) == (409, "locked") and "unlock it first" in problem["detail"]
    assert (await api.get(path))["reason"] == "locked by a person"
    status, circuit = await api.tell("PUT", f"{path}/lock", {"locked": False})
    assert (status, circuit["locked_by"]) == (200, None)
    assert (await api.tell("PATCH", path, {"enabled": False}))[0] == 200


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("/api/v1/circuits/heater1/lock", {}, 422),
        ("/api/v1/circuits/heater1/lock", {"locked": "yes"}, 422),
        ("/api/v1/circuits/heater1/lock", {"locked": True, "more": 1}, 422),
        ("/api/v1/circuits/nothing/lock", {"locked": True}, 404),
    ],
)
async def test_a_lock_that_says_nothing_sensible_is_refused(
    api: Page, path: str, body: Any, status: int
) -> None:
    assert (await api.tell("PUT", path, body))[0] == status
    assert all(live.locked_by is None for live in api.desk.memory.circuits.values())
