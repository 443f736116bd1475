"""What the API answers, over the real core."""

from __future__ import annotations

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.kit.core.web_controller import START_MS
from tests.kit.core.web_page import EVENT, Page, api, open_page

__all__ = ["api"]  # a fixture

NOW_S = START_MS / 1000


async def test_the_worked_example_comes_out_to_the_digit(api: Page) -> None:
    seen = await api.get("/api/v1/preview?shed_kw=2&duration_s=300")
    assert (seen["power_before_kw"], seen["power_after_kw"]) == (10.0, 8.0)
    assert seen["rev"] == "heater1:1500,lights1:280,misc1:220"
    status, ack = await api.tell("POST", "/api/v1/events", {**EVENT, "plan_rev": seen["rev"]})
    assert (status, ack["status"], ack["actual_shed_kw"]) == (201, "accepted", 2.0)
    now = await api.get("/api/v1/state")
    assert (now["power_kw"], now["shed_kw"], now["base_power_kw"]) == (8.0, 2.0, 10.0)
    assert (now["required_kw"], now["commanded_kw"], now["binding"]) == (2.0, 2.0, "evt-1")
    gives = {c["name"]: c["shed_kw"] for c in now["circuits"] if c["shed_kw"]}
    assert gives == {"Heater": 1.5, "Lights": 0.28, "House Load": 0.22}
    heater = now["circuits"][0]
    assert (heater["order"], heater["limit_percent"], heater["free_kw"]) == (1, 100, 1.5)
    assert (heater["back_at"], heater["back_how"]) == (NOW_S + 320, "event"), "the last of three"
    assert heater["reason"] == "sheds 1.50 kW, all it can"
    [event] = now["events"]
    assert (event["state"], event["label"], event["active"]) == ("shedding", "Shedding", True)
    assert (event["source"], event["end"]) == ("page", NOW_S + 300)


@pytest.mark.parametrize("asked", [0.001, 0.5, 1.5, 1.501, 2.0, 2.37, 2.38, 2.7, 3.1, 9.0])
async def test_the_preview_is_what_happens_to_the_watt(api: Page, asked: float) -> None:
    seen = await api.get(f"/api/v1/preview?shed_kw={asked}&duration_s=300")
    body = {"shed_kw": asked, "duration_s": 300, "plan_rev": seen["rev"], "confirm_critical": True}
    _, ack = await api.tell("POST", "/api/v1/events", body)
    given_kw = {line["id"]: line["curtailed_kw"] for line in ack["circuits_curtailed"]}
    assert {c["id"]: c["shed_kw"] for c in seen["circuits"] if c["shed_kw"]} == given_kw
    assert seen["shed_kw"] == ack["actual_shed_kw"]
    assert seen["shortfall_kw"] == ack.get("shortfall_kw", 0.0)
    assert seen["max_kw"] == 3.12
    assert (await api.get("/api/v1/state"))["power_kw"] == pytest.approx(seen["power_after_kw"])


async def test_the_preview_counts_the_events_that_run(api: Page) -> None:
    await api.tell("POST", "/api/v1/events", EVENT)
    less = await api.get("/api/v1/preview?shed_kw=1&duration_s=300")
    assert (less["shed_kw"], less["power_before_kw"], less["power_after_kw"]) == (2.0, 8.0, 8.0)


async def test_the_preview_of_a_later_event_is_for_its_start(api: Page) -> None:
    await api.tell("POST", "/api/v1/events", EVENT)
    seen = await api.get("/api/v1/preview?shed_kw=1&duration_s=300&start_at=2025-11-25T18:00")
    assert seen["starts_at"] is not None and seen["covered_until"] is None
    assert (seen["more_kw"], seen["power_after_kw"]) == (1.0, 9.0)
    answer = await api.client.get("/api/v1/preview?shed_kw=1&start_at=tomorrow")
    assert answer.status == 422


async def test_the_preview_says_why_an_event_would_be_refused(api: Page) -> None:
    seen = await api.get("/api/v1/preview?shed_kw=2&duration_s=20000")
    assert seen["refusal"]["reason"] == "limit"
    status, problem = await api.tell("POST", "/api/v1/events", {"shed_kw": 2, "duration_s": 20000})
    assert (status, problem["code"], problem["reason"]) == (409, "refused", "limit")
    assert problem["detail"] == seen["refusal"]["detail"]


@pytest.mark.parametrize(
    "query",
    ["", "shed_kw=abc", "shed_kw=NaN", "shed_kw=-1", "shed_kw=2&duration_s=0", "shed_kw=1e999"],
)
async def test_a_preview_of_no_number_is_invalid(api: Page, query: str) -> None:
    answer = await api.client.get(f"/api/v1/preview?{query}")
    assert (answer.status, (await answer.json())["code"]) == (422, "invalid")


async def test_an_event_is_refused_when_the_plan_shown_is_no_longer_so(api: Page) -> None:
    seen = await api.get("/api/v1/preview?shed_kw=2")
    await api.tell("PATCH", "/api/v1/circuits/heater1", {"enabled": False})
    status, problem = await api.tell("POST", "/api/v1/events", {**EVENT, "plan_rev": seen["rev"]})
    assert (status, problem["code"]) == (409, "plan-changed")
    close = "heater1:0,lights1:280,misc1:600,hvac1:700,fridge1:40"
    body = {**EVENT, "plan_rev": close, "confirm_critical": True}
    assert (await api.tell("POST", "/api/v1/events", body))[0] == 201


async def test_critical_circuits_give_only_where_that_is_confirmed(api: Page) -> None:
    body = {"shed_kw": 3, "duration_s": 300}
    status, problem = await api.tell("POST", "/api/v1/events", body)
    assert (status, problem["code"]) == (409, "critical-circuit")
    assert "HVAC" in problem["detail"]
    status, ack = await api.tell("POST", "/api/v1/events", {**body, "confirm_critical": True})
    assert (status, ack["actual_shed_kw"]) == (201, 3.0)


async def test_a_circuit_that_does_not_follow_is_a_refusal_with_its_drivers_words(
    api: Page,
) -> None:
    api.desk.stuck["heater1"] = "the relay does not answer"
    status, problem = await api.tell("PATCH", "/api/v1/circuits/heater1", {"enabled": False})
    assert (status, problem["code"], problem["reason"]) == (409, "device", "device")
    assert "the relay does not answer" in problem["detail"]
    heater = await api.get("/api/v1/circuits/heater1")
    assert heater["fault"] == "the relay does not answer" and heater["enabled"] is False


async def test_a_critical_circuit_goes_off_only_where_that_is_confirmed(api: Page) -> None:
    path = "/api/v1/circuits/fridge1"
    status, problem = await api.tell("PATCH", path, {"enabled": False})
    assert (status, problem["code"]) == (409, "critical-circuit")
    body = {"enabled": False, "confirm_critical": True}
    status, circuit = await api.tell("PATCH", path, body)
    assert (status, circuit["enabled"], circuit["power_kw"]) == (200, False, 0.0)
    assert (circuit["switched_by"], circuit["switched_at"]) == ("page", NOW_S)
    assert circuit == await api.get(path)


async def test_what_is_not_known_is_not_found(api: Page) -> None:
    for method, path in [
        ("PATCH", "/api/v1/circuits/nothing"),
        ("POST", "/api/v1/events/nothing/restore"),
        ("DELETE", "/api/v1/events/nothing"),
    ]:
        body = {"enabled": True} if method == "PATCH" else {}
        status, problem = await api.tell(method, path, body)
        assert (status, problem["code"]) == (404, "not-found")


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b"{", 400),
        (b'{"shed_kw": NaN, "duration_s": 300}', 400),
        (b'{"shed_kw": 1e999, "duration_s": 300}', 400),
        (b"\xff\xfe", 400),
        (b"[" * 40_000, 400),
        (b"[]", 422),
        (b"2", 422),
        (b"{}", 422),
        (b'{"shed_kw": "2", "duration_s": 300}', 422),
        (b'{"shed_kw": true}', 422),
        (b'{"shed_kw": 2, "duration_s": 0}', 422),
        (b'{"shed_kw": 2, "durations": 300}', 422),
        (b'{"shed_kw": 2, "plan_rev": "?"}', 422),
        (b'{"shed_kw": 2, "start_at": 7}', 422),
        (b'{"shed_kw": 2, "start_at": "2026-03-08T02:30"}', 422),
        (b'{"shed_kw": 2, "pad": "' + b"x" * 70_000 + b'"}', 413),
    ],
)
async def test_a_body_that_cannot_be_is_refused(api: Page, body: bytes, expected: int) -> None:
    status, problem = await api.raw("/api/v1/events", body)
    assert (status, problem["status"]) == (expected, expected)
    assert api.desk.heard == []


async def test_a_start_is_the_sites_own_time_and_can_be_taken_back(api: Page) -> None:
    body = {**EVENT, "start_at": "2025-11-24T18:00"}
    status, ack = await api.tell("POST", "/api/v1/events", body)
    assert (status, ack["status"], ack["start_ts"]) == (201, "scheduled", 1764036000)
    [event] = (await api.get("/api/v1/state"))["events"]
    assert (event["scheduled"], event["active"], event["commanded_kw"]) == (True, False, 0.0)
    assert await api.get("/api/v1/events/evt-1") == event
    assert (await api.tell("DELETE", "/api/v1/events/evt-1", {}))[0] == 200
    assert (await api.get("/api/v1/state"))["events"] == []


async def test_a_running_event_is_restored_and_not_cancelled(api: Page) -> None:
    await api.tell("POST", "/api/v1/events", EVENT)
    status, problem = await api.tell("DELETE", "/api/v1/events/evt-1", {})
    assert (status, problem["code"]) == (409, "refused")
    status, ack = await api.tell("POST", "/api/v1/events/evt-1/restore", {})
    assert (status, ack["status"]) == (200, "success")


@pytest.mark.parametrize("path", ["evt-1/restore", "evt-1/opt-out", "evt-1"])
async def test_a_no_to_an_event_that_nobody_can_know_of_is_taken(api: Page, path: str) -> None:
    how = "POST" if "/" in path else "DELETE"
    assert (await api.tell(how, f"/api/v1/events/{path}", {}))[0] == 404
    api.desk.blind = True
    status, ack = await api.tell(how, f"/api/v1/events/{path}", {})
    assert (status, ack["status"]) == (200, "success")


async def test_load_returns_one_by_one_and_the_page_is_told_which_is_next(api: Page) -> None:
    await api.tell("POST", "/api/v1/events", EVENT)
    api.desk.advance(60_000)
    assert (await api.get("/api/v1/state"))["restoring"] is None
    await api.tell("POST", "/api/v1/restore", {})
    seen = []
    while (now := await api.get("/api/v1/state"))["restoring"]:
        step = now["restoring"]
        seen.append((step["done"], step["of"], step["next"]))
        api.desk.advance(round(step["next_at"] * 1000) - api.desk.now_ms)
    assert seen == [(1, 3, "lights1"), (2, 3, "heater1")]
    assert (now["power_kw"], now["events"]) == (10.0, [])


async def test_a_request_sent_twice_is_done_once(api: Page) -> None:
    body, key = {"shed_kw": 2, "duration_s": 300}, "0123456789abcdef"
    first = await api.tell("POST", "/api/v1/events", body, key)
    api.desk.advance(5_000)
    assert await api.tell("POST", "/api/v1/events", body, key) == first
    assert len(api.desk.heard) == 1
    assert (await api.tell("POST", "/api/v1/events", {**body, "shed_kw": 1}, key))[0] == 422
    assert (await api.tell("POST", "/api/v1/events", body, "short"))[0] == 400


async def test_a_person_may_say_the_same_twice(api: Page) -> None:
    for expected in (False, True, False):
        await api.tell("PATCH", "/api/v1/circuits/heater1", {"enabled": expected})
        assert api.desk.memory.circuits["heater1"].enabled is expected
    assert [command.key for command in api.desk.heard] == ["", "", ""]


async def test_keys_say_what_a_copy_is(api: Page) -> None:
    key = "0123456789abcdef"
    await api.tell("PATCH", "/api/v1/circuits/lights1", {"enabled": False}, key)
    await api.tell("POST", "/api/v1/events", EVENT, key)
    await api.tell("POST", "/api/v1/events", {"shed_kw": 1}, "another-key")
    await api.tell("POST", "/api/v1/commands", {"op": "restore", "correlationId": "c1"})
    await api.tell("POST", "/api/v1/commands", {"op": "ping"}, "a-third-key")
    heard = [(command.source, command.key) for command in api.desk.heard]
    assert heard == [
        ("page", f"http:{key}"),
        ("page", "event:evt-1"),
        ("page", "http:another-key"),
        ("cli", ""),
        ("cli", ""),
    ]


async def test_commands_are_answered_with_the_ack_of_the_wire(api: Page) -> None:
    said = {"op": "ping", "correlationId": "c1", "venId": "volttron_local"}
    status, ack = await api.tell("POST", "/api/v1/commands", said)
    assert (status, ack) == (
        200,
        {
            "op": "ping",
            "status": "success",
            "pong": True,
            "venId": "volttron_local",
            "ok": True,
            "ts": 1764000000,
            "correlationId": "c1",
        },
    )
    status, ack = await api.tell("POST", "/api/v1/commands", {"op": "dance"})
    assert (status, ack["status"], ack["reason"]) == (409, "rejected", "unknown_op")
    status, ack = await api.raw("/api/v1/commands", b'{"op": "event", "event_id": "b", "x": NaN}')
    assert (status, ack["op"], ack["event_id"], ack["ok"]) == (409, "event", "b", False)
    called = {"op": "event", "event_id": "evt-2", "shed_kw": 3, "duration_sec": 60}
    status, ack = await api.tell("POST", "/api/v1/commands", called)
    assert (status, ack["status"]) == (200, "accepted")
    assert (await api.tell("POST", "/api/v1/commands", called))[1]["status"] == "duplicate"


async def test_the_addresses_of_old_still_answer(api: Page) -> None:
    assert set(await api.get("/api/state")) == set(await api.get("/api/v1/state"))
    _, circuit = await api.tell("POST", "/api/circuit/toggle", {"circuit_id": "heater1"})
    assert circuit["enabled"] is False
    body = {"id": "heater1", "enabled": True}
    assert (await api.tell("POST", "/api/circuit/toggle", body))[1]["enabled"] is True
    body = {"shed_kw": 3, "duration_sec": 60}
    status, ack = await api.tell("POST", "/api/event/trigger", body)
    assert (status, ack["actual_shed_kw"]) == (200, 3.0)
    assert (await api.raw("/api/event/restore", b""))[1]["status"] == "success"
    assert not any(event["active"] for event in (await api.get("/api/state"))["events"])


async def test_what_is_not_known_yet_is_null_and_not_zero(api: Page) -> None:
    api.desk.memory = api.desk.ven.start()
    now = await api.get("/api/v1/state")
    assert now["power_kw"] is None and now["shed_kw"] is None and now["reading_at"] is None
    assert now["circuits"][0]["power_kw"] is None
    assert (await api.client.get("/api/v1/health/ready")).status == 503
    api.desk.read()
    assert await api.get("/api/v1/health/ready") == {"status": "ready"}


async def test_the_machine_is_the_chart_in_force(api: Page) -> None:
    await api.tell("POST", "/api/v1/events", EVENT)
    told = await api.get("/api/v1/machine")
    event, shadow = told["charts"]
    assert (event["name"], shadow["name"]) == ("event", "shadow")
    names = {state["name"] for state in event["states"]}
    assert all(set(row["from"]) <= names for row in event["rows"])
    assert told["live"] == [{"id": "evt-1", "state": "shedding", "entered": NOW_S}]
    assert told["last"] == {
        "id": "evt-1",
        "from": "received",
        "to": "shedding",
        "trigger": "dr_event",
        "at": NOW_S,
    }


async def test_the_last_minutes_come_in_columns(api: Page) -> None:
    told = await api.get("/api/v1/recent")
    assert told == {"t": [NOW_S], "series": {"power": [10.0], "base": [10.0], "target": [None]}}


async def test_the_document_has_every_operation_of_the_router(api: Page) -> None:
    told = await api.get("/api/v1/openapi.json")
    assert told["openapi"] == "3.1.0"
    said = {(m.upper(), path) for path, methods in told["paths"].items() for m in methods}
    routed = {
        (route.method, route.resource.canonical)
        for route in api.client.app.router.routes()
        if route.resource and route.resource.canonical.startswith("/api/")
    }
    assert said == routed
    ids = [one["operationId"] for methods in told["paths"].values() for one in methods.values()]
    assert len(set(ids)) == len(ids)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=6,
)
FIELDS = (
    "op",
    "data",
    "shed_kw",
    "duration_s",
    "duration_sec",
    "start_at",
    "start_ts",
    "id",
    "event_id",
    "circuit_id",
    "loadId",
    "enabled",
    "confirm_critical",
    "plan_rev",
    "correlationId",
    "venId",
    "revision",
    "token",
    "what",
    "report_interval_seconds",
)
WORDS = st.sampled_from(
    ["event", "restore", "cancel", "ping", "get", "setLoad", "setConfig", "evt-1", "heater1"]
)
NUMBERS = st.sampled_from([0, 1, -1, 0.5, 2, 300, 1e15, 1e300, 10**400, 1764000000, 2**63])
BODIES = st.one_of(
    st.binary(max_size=40),
    JSON.map(lambda value: json.dumps(value).encode()),
    st.dictionaries(st.sampled_from(FIELDS), JSON | WORDS | NUMBERS).map(
        lambda value: json.dumps(value).encode()
    ),
)


async def test_no_body_whatever_breaks_it() -> None:
    async with open_page() as api:
        routes = [
            (route.method, route.resource.canonical.replace("{id}", "heater1"))
            for route in api.client.app.router.routes()
            if route.resource and route.method not in ("GET", "HEAD")
        ]
        drawn: list[tuple[tuple[str, str], bytes]] = []

        @settings(
            max_examples=200,
            deadline=None,
            database=None,
            derandomize=True,
            suppress_health_check=list(HealthCheck),
        )
        @given(st.sampled_from(routes), BODIES)
        def draw(route: tuple[str, str], body: bytes) -> None:
            drawn.append((route, body))

        draw()
        for (method, path), body in drawn:
            said = {"Content-Type": "application/json"}
            async with api.client.request(method, path, data=body, headers=said) as answer:
                assert answer.status < 500, (method, path, body, await answer.text())
        assert len(drawn) >= 200
        assert (await api.get("/api/v1/state"))["t"] == NOW_S
