"""The document of the API says all that is answered, and an answer that it does not say is noticed.

That every answer of every other test is as documented is looked at in `contract.py`.
"""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator, Iterator, Mapping
from typing import Any, get_args

import pytest
from jsonschema import Draft202012Validator

from statemachine.state.reasons import Reason
from statemachine.wire.commands import OPS
from tests.kit.core.contract import Contract, described, documented
from tests.kit.core.web_controller import WebController
from tests.kit.core.web_page import EVENT, Page, open_page
from tests.kit.paths import ROOT
from tests.web.test_live import told
from web.commands import problem_of
from web.http.problems import Problem
from web.http.server import _body
from web.resources import state

OPENAPI = "/api/v1/openapi.json"
PAGE = (ROOT / "docs/api.md").read_text("utf-8")
OF_THE_DOCUMENT = {"OpenApi"}  # what OpenAPI itself says of its paths is said elsewhere


@pytest.fixture
async def api() -> AsyncIterator[Page]:
    async with open_page() as opened:
        yield opened


def schemas(said: Any, path: str = "") -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Every schema in a document, with its path; those of its parts too."""
    if isinstance(said, list):
        for number, one in enumerate(said):
            yield from schemas(one, f"{path}/{number}")
    elif isinstance(said, dict):
        if isinstance(said.get("type"), str) or "anyOf" in said:
            yield path, said
        for name, one in said.items():
            yield from schemas(one, f"{path}/{name}")


async def test_no_object_is_without_a_shape(api: Page) -> None:
    document = await api.get(OPENAPI)
    document["components"]["schemas"] = {
        name: schema
        for name, schema in document["components"]["schemas"].items()
        if name not in OF_THE_DOCUMENT
    }
    objects = [(path, one) for path, one in schemas(document) if one.get("type") == "object"]
    assert len(objects) > 40
    for path, one in objects:
        assert "properties" in one or one.get("additionalProperties") not in (None, True), path


async def test_every_field_says_what_it_is(api: Page) -> None:
    document = await api.get(OPENAPI)
    for name, schema in document["components"]["schemas"].items():
        assert schema.get("description") or "enum" in schema, name
        for field, one in schema.get("properties", {}).items():
            assert one.get("description"), f"{name}.{field}"


async def test_every_reference_leads_somewhere_and_every_schema_is_one(api: Page) -> None:
    document = await api.get(OPENAPI)
    words = json.dumps(document).split('"$ref": "#/')[1:]
    assert len(words) > 100
    for word in words:
        said = document
        for part in word.partition('"')[0].split("/"):
            said = said[part]
    for schema in document["components"]["schemas"].values():
        Draft202012Validator.check_schema(schema)


async def test_the_reasons_of_refusals_are_those_of_the_core(api: Page) -> None:
    document = await api.get(OPENAPI)
    assert document["components"]["schemas"]["Reason"]["enum"] == list(get_args(Reason))


def test_the_page_about_the_api_has_every_operation_and_no_other() -> None:
    rows = re.findall(r"^\| `(\w+)` \| `([A-Z]+) (/\S+)` \|", PAGE, re.M)
    expected = [
        (one["operationId"], method.upper(), path)
        for path, methods in described()["paths"].items()
        for method, one in methods.items()
        if not one.get("deprecated")
    ]
    assert sorted(rows) == sorted(expected)


def test_the_page_about_the_api_has_every_reason_and_what_it_becomes() -> None:
    rows = re.findall(r"^\| `(\w+)` \| (\d+) \| `([\w-]+)` \|", PAGE, re.M)
    problems = {reason: problem_of(reason, "") for reason in get_args(Reason)}
    assert rows == [(name, str(one.status), one.code) for name, one in problems.items()]


# What the page's own types call otherwise than the document.
TYPES = {
    "DrEvent": "Event",
    "Restore": "RestoreOutlook",
    "Refusal": "RefusedWish",
    "PlanLine": "PreviewCircuit",
}
TYPED = re.findall(
    r"^export interface (\w+)(?: extends \w+)? {\n(.*?)^}",
    (ROOT / "web/static/core/bodies.d.ts").read_text("utf-8"),
    re.M | re.S,
)


@pytest.mark.parametrize(("name", "lines"), TYPED)
def test_the_page_reads_what_the_document_has(name: str, lines: str) -> None:
    body = described()["components"]["schemas"][TYPES.get(name, name)]
    fields = re.findall(r"^  (\w+)(\??): (.*);$", lines, re.M)
    assert len(fields) == len(lines.splitlines())
    for field, optional, kind in fields:
        schema = body["properties"][field]
        assert optional or field in body["required"], field
        if {"type": "null"} in schema.get("anyOf", ()) and not kind.startswith("Column"):
            assert kind.endswith("| null"), f"{name}.{field} may be null"


@pytest.mark.parametrize("what", ["status", "config", "loads", "events"])
async def test_what_is_asked_for_comes_as_documented(api: Page, what: str) -> None:
    await api.tell("POST", "/api/v1/events", EVENT)
    said = {"op": "get", "data": {"what": what}, "correlationId": "c1"}
    status, ack = await api.tell("POST", "/api/v1/commands", said)
    assert status == 200 and ack["data"]


COMMANDS: dict[str, dict[str, Any]] = {
    "event": {"event_id": "a", "shed_kw": 1, "start_ts": "2025-11-25T18:00:00Z"},
    "shedPanel": {"data": {"eventId": "b", "requestedReductionKw": 9, "durationS": 60}},
    "restore": {"reason": "it is cold"},
    "all_back": {},
    "cancel": {"event_id": "later"},
    "optOut": {"event_id": "evt-1", "loadId": "heater1"},
    "ping": {},
    "get": {},
    "setLoad": {"loadId": "heater1", "enabled": False},
    "setLock": {"loadId": "heater1", "locked": True},
    "setConfig": {"report_interval_seconds": 7.5},
    "acknowledge": {"alarm": "clock"},
}


@pytest.mark.parametrize("op", OPS)
async def test_every_command_is_taken_and_answered_as_documented(api: Page, op: str) -> None:
    await api.tell("POST", "/api/v1/events", EVENT)
    later = {"shed_kw": 1, "id": "later", "start_at": "2025-11-25T18:00"}
    await api.tell("POST", "/api/v1/events", later)
    said = {"op": op, **COMMANDS[op]}
    document = documented()
    assert document.wrong("#/components/schemas/Command", said) == []
    status, ack = await api.tell("POST", "/api/v1/commands", said)
    assert status == (409 if op == "acknowledge" else 200), ack
    assert ack["op"] == op


async def test_a_body_with_a_wrong_value_is_noticed(
    api: Page, contract: Contract, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("web.api.state", lambda desk: {**state(desk), "power_kw": "ten"})
    await api.get("/api/v1/state")
    [fault] = contract.broken()
    assert "GET /api/v1/state: 200: $.power_kw" in fault and "'ten'" in fault


async def test_a_body_with_a_field_too_many_or_too_few_is_noticed(
    api: Page, contract: Contract, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("web.api.recent", lambda desk: {"t": [], "serie": {}})
    await api.get("/api/v1/recent")
    faults = contract.broken()
    assert len(faults) == 2
    assert any("'serie' was unexpected" in fault for fault in faults)
    assert any("'series' is a required property" in fault for fault in faults)


async def test_a_status_that_is_not_documented_is_noticed(
    api: Page, contract: Contract, monkeypatch: pytest.MonkeyPatch
) -> None:
    def brews(desk: WebController) -> None:
        raise Problem(418, "teapot", "It is a teapot")

    monkeypatch.setattr("web.api.recent", brews)
    assert (await api.client.get("/api/v1/recent")).status == 418
    assert contract.broken() == ["GET /api/v1/recent: 418: 418 is not in the document"]


async def test_a_wrong_content_type_is_noticed(
    api: Page, contract: Contract, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("web.http.problems.PROBLEM", "application/json")
    assert (await api.client.get("/api/v1/circuits/nobody")).status == 404
    assert (await api.client.get("/api/v1/nothing")).status == 404
    documented, beside = contract.broken()
    assert "'application/json' is not in the document" in documented
    assert "404 with 'application/json', and not a problem" in beside


async def test_a_stream_that_tells_otherwise_is_noticed(
    contract: Contract, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("web.live.state", lambda desk: {**state(desk), "events": None})
    async with open_page() as api, api.client.get("/api/v1/stream") as stream:
        await told(stream)
    first, *others = contract.broken()
    assert first == "snapshot of the stream: $.events: None is not of type 'array'"
    assert all(other.startswith("state of the stream: $.events") for other in others)


@pytest.mark.parametrize("status", [400, 503])
async def test_what_is_answered_before_the_application_hears_of_it_is_a_problem(
    api: Page, status: int
) -> None:
    document = documented()
    told = json.loads(_body(status, "a title"))
    assert document.wrong("#/components/schemas/Problem", told) == []
