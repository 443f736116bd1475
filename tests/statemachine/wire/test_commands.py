"""Commands in every spelling the existing backends use, and everything that is refused."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from statemachine.state.effects import Ack
from statemachine.state.triggers import (
    Cancel,
    Command,
    DrEvent,
    Get,
    Invalid,
    Ping,
    Restore,
    SetConfig,
    Toggle,
)
from statemachine.wire.commands import Origin, parse_command
from tests.kit.core.sample_sites import NOW_MS, NOW_S, PANEL, site
from tests.kit.harness import Harness

SITE = site(PANEL)


def parsed(said: Any) -> Command:
    raw = said if isinstance(said, bytes | str) else json.dumps(said)
    return parse_command(raw, "ven-test", Origin("operator", "mqtt", NOW_MS, 5))


def invalid(said: Any) -> Invalid:
    command = parsed(said)
    assert isinstance(command, Invalid), command
    return command


EVENT = {"op": "event", "shed_kw": 2.5}


@pytest.mark.parametrize(
    "said",
    [
        {"op": "event", "event_id": "e", "shed_kw": 2.5, "duration_sec": 600},
        {"op": "shedPanel", "event_id": "e", "shed_kw": 2.5, "duration_sec": 600},
        {"op": "event", "event_id": "e", "requestedReductionKw": 2.5, "duration_s": 600},
        {
            "op": "shedPanel",
            "data": {"event_id": "e", "requestedReductionKw": 2.5, "duration_s": 600},
        },
        {
            "op": "event",
            "event_id": "e",
            "shed_kw": 2.5,
            "duration_sec": 600,
            "data": {"shed_kw": 9},
        },
        {
            "op": "event",
            "event_id": "e",
            "shed_kw": 2.5,
            "duration_sec": 600,
            "unknown": {"a": [1]},
        },
        {"op": "event", "event_id": "e", "shed_kw": 2.5, "duration_sec": 600, "venId": "ven-test"},
        {"op": "event", "event_id": "e", "shed_kw": 2.5, "duration_sec": 600, "start_ts": None},
    ],
)
def test_every_spelling_of_an_event_means_the_same(said: dict[str, Any]) -> None:
    command = parsed(said)
    assert isinstance(command, DrEvent)
    terms = (command.event_id, command.shed_w, command.duration_ms, command.start_ms)
    assert terms == ("e", 2_500, 600_000, None)
    assert (command.revision, command.issued_ms, command.key) == (0, None, "event:e")


def test_an_event_may_say_its_start_its_revision_and_when_it_was_issued() -> None:
    command = parsed({**EVENT, "start_ts": NOW_S + 60, "revision": 3, "issued_at": NOW_S})
    assert isinstance(command, DrEvent)
    assert (command.start_ms, command.revision) == (NOW_MS + 60_000, 3)
    assert command.issued_ms == NOW_MS and command.duration_ms == 3_600_000


def test_an_event_without_an_id_gets_one_from_its_correlation() -> None:
    command = parsed({**EVENT, "correlationId": "c-1"})
    assert isinstance(command, DrEvent)
    assert (command.event_id, command.key) == ("evt-c-1", "made:c-1")
    nameless, other = parsed(EVENT), parsed({**EVENT, "shed_kw": 3})
    assert isinstance(nameless, DrEvent) and nameless.key.startswith("body:")
    assert nameless.key == parsed(EVENT).key
    assert nameless.event_id.startswith("evt-") and nameless.key != other.key


def test_who_asks_and_when_are_no_terms_of_an_event() -> None:
    called = {**EVENT, "event_id": "e"}
    first, again = parsed({**called, "correlationId": "a"}), parsed({**called, "corr_id": "b"})
    later = parsed({**called, "issued_at": NOW_S})
    assert first.digest == again.digest == later.digest
    assert first.digest != parsed({**called, "shed_kw": 3}).digest


@pytest.mark.parametrize("name", ["correlationId", "corr_id"])
def test_both_names_of_a_correlation_are_read(name: str) -> None:
    assert parsed({"op": "ping", name: "c"}).correlation == "c"


def test_the_other_commands_are_read() -> None:
    assert isinstance(parsed({"op": "ping"}), Ping)
    assert parsed({"op": "restore"}).key and isinstance(parsed({"op": "restore"}), Restore)
    cancel = parsed({"op": "cancel", "event_id": "e"})
    assert isinstance(cancel, Cancel) and cancel.event_id == "e"
    get = parsed({"op": "get", "data": {"what": "loads"}})
    assert isinstance(get, Get) and get.what == "loads" and get.key == ""
    toggle = parsed({"op": "setLoad", "data": {"loadId": "hvac", "enabled": False}})
    assert isinstance(toggle, Toggle) and toggle.confirmed and not toggle.enabled
    config = parsed({"op": "setConfig", "data": {"report_interval_seconds": 30}})
    assert isinstance(config, SetConfig) and config.every_ms == 30_000


BAD_NUMBERS = ["0", "-1", "NaN", "Infinity", "-Infinity", "true", "false", '"2"', '"abc"', "[]"]
BAD_NUMBERS += ["{}", "1e309", "9" * 400, "9" * 5_000, "1e-9", "1e16"]


@pytest.mark.parametrize("number", BAD_NUMBERS)
@pytest.mark.parametrize("name", ["shed_kw", "duration_sec", "start_ts", "issued_at"])
def test_what_is_no_number_is_refused_never_replaced(name: str, number: str) -> None:
    if (name, number) in {("start_ts", "1e-9"), ("issued_at", "1e-9")}:
        return  # the first nanosecond of 1970: refused later, as over long ago
    fields = {"shed_kw": "2.5", "duration_sec": "600"} | {name: number}
    body = ", ".join(f'"{key}": {value}' for key, value in fields.items())
    command = parsed(f'{{"op": "event", "correlationId": "x", {body}}}')
    assert isinstance(command, Invalid)
    assert command.reason == "invalid" and 0 < len(command.detail) < 300


@pytest.mark.parametrize("name", ["revision"])
@pytest.mark.parametrize("value", [-1, 1.5, True, "1", 2**31, [1]])
def test_a_revision_is_a_whole_number(name: str, value: Any) -> None:
    assert "revision" in invalid({**EVENT, name: value}).detail


def test_the_reason_names_the_field_and_what_was_said() -> None:
    found = invalid({**EVENT, "shed_kw": "abc", "correlationId": "x"})
    assert found.detail == 'shed_kw must be a finite number above 0, got "abc"'
    assert (found.op, found.correlation) == ("event", "x")
    assert invalid({"op": "event"}).detail == "`shed_kw` is missing"


@pytest.mark.parametrize(
    ("said", "unit"),
    [
        ({**EVENT, "shed_kw": 2_000}, "watts?"),
        ({**EVENT, "start_ts": NOW_MS}, "milliseconds?"),
        ({**EVENT, "duration_sec": 3_600_000}, "milliseconds?"),
        ({**EVENT, "randomize_sec": 300_000}, "milliseconds?"),
        ({"op": "setConfig", "report_interval_seconds": 5_000}, "milliseconds?"),
        ({**EVENT, "shed_kw": 0.0004}, ""),
        ({**EVENT, "duration_sec": 0.5}, ""),
        ({"op": "setConfig", "report_interval_seconds": 0.5}, ""),
    ],
)
def test_another_unit_in_place_of_the_one_that_belongs_is_asked_about(
    said: dict[str, Any], unit: str
) -> None:
    detail = invalid(said).detail
    assert detail.endswith(unit) if unit else "?" not in detail


@pytest.mark.parametrize(
    ("said", "word"),
    [
        ({**EVENT, "shed_kw": 1_000.5}, "0.001 to 1000"),
        ({**EVENT, "shed_kw": 0.0004}, "0.001 to 1000"),
        ({**EVENT, "duration_sec": 0.5}, "1 to 2678400"),
        ({**EVENT, "duration_sec": 2_678_401}, "1 to 2678400"),
        ({**EVENT, "event_id": "x" * 129}, "128"),
        ({**EVENT, "event_id": ""}, "128"),
        ({**EVENT, "event_id": "a\nb"}, "printable"),
        ({**EVENT, "event_id": 5}, "event_id"),
        ({**EVENT, "correlationId": "x" * 129}, "correlationId"),
        ({**EVENT, "correlationId": 7}, "correlationId"),
        ({**EVENT, "venId": "another"}, "this VEN is ven-test"),
        ({**EVENT, "venId": 5}, "this VEN is ven-test"),
        ({"op": "cancel"}, "event_id"),
        ({"op": "get", "what": "secrets"}, "status, config, loads or events"),
        ({"op": "get", "what": ["status"]}, "status, config, loads or events"),
        ({"op": "setLoad", "loadId": "hvac", "enabled": "false"}, "true or false"),
        ({"op": "setLoad", "loadId": "hvac", "enabled": 0}, "true or false"),
        ({"op": "setLoad", "enabled": True}, "loadId"),
        ({"op": "setConfig"}, "report_interval_seconds"),
        ({"op": "setConfig", "report_interval_seconds": 901}, "1 to 900"),
        ({"op": "setConfig", "report_interval_seconds": 0.5}, "1 to 900"),
        ({"shed_kw": 2}, "`op` is missing"),
        ({"op": 5}, "`op` is missing"),
        ([EVENT], "a JSON object"),
        ("null", "a JSON object"),
    ],
)
def test_what_cannot_be_is_refused_with_a_reason(said: Any, word: str) -> None:
    found = invalid(said)
    assert found.reason == "invalid" and word in found.detail


def test_an_unknown_op_is_told_what_there_is() -> None:
    found = invalid({"op": "selfDestruct", "correlationId": "x"})
    assert found.reason == "unknown_op" and found.correlation == "x"
    assert found.op == "selfDestruct" and "event, shedPanel, restore" in found.detail


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"\xff\xfe\x00",
        b"{",
        b"hello",
        b'{"op": "ping"} trailing',
        b'{"op": "ping", "a": NaN} trailing',
        b'{"op": "ping", "a": "' + b"x" * 70_000 + b'"}',
        b"[" * 30_000 + b"]" * 30_000,
        "\ud800",
    ],
)
def test_garbage_is_answered_and_never_raises(raw: bytes | str) -> None:
    found = invalid(raw)
    assert (found.op, found.correlation, found.reason) == ("unknown", None, "invalid")
    ack = Harness(SITE).ack(found)
    assert (ack["op"], ack["status"]) == ("unknown", "rejected")
    assert "correlationId" not in ack and json.dumps(ack)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner),
    max_leaves=6,
)
WORDS = ["op", "data", "shed_kw", "duration_sec", "start_ts", "event_id", "correlationId"]
WORDS += ["enabled", "loadId", "what", "report_interval_seconds", "revision", "venId", "issued_at"]
OPS = ["event", "restore", "ping", "get", "setLoad", "setConfig", "cancel", "shedPanel"]
BODY = st.dictionaries(st.sampled_from(WORDS), JSON, max_size=6)


@settings(max_examples=300, deadline=None)
@given(BODY, st.sampled_from(OPS), BODY)
def test_whatever_is_said_gets_exactly_one_ack(
    body: dict[str, Any], op: str, data: dict[str, Any]
) -> None:
    for said in (body, {**body, "op": op}, {"op": op, "data": data}):
        desk = Harness(SITE)
        acks = [x for x in desk.hear(parsed(json.dumps(said))) if isinstance(x, Ack)]
        assert len(acks) == 1 and {"op", "status", "ts"} <= acks[0].body.keys()


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=60))
def test_bytes_off_the_wire_never_raise(raw: bytes) -> None:
    assert parsed(raw).op
