"""Every ack names who answers, and all ids that could be read of what it answers."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from statemachine.kit.strict_json import compact
from statemachine.state.effects import Ack
from statemachine.state.triggers import Invalid
from statemachine.verify.rules.run_rules import violations_of
from statemachine.verify.world.play import Play
from statemachine.verify.world.scenario import read_scenario
from statemachine.wire import messages as wire
from statemachine.wire.commands import Origin, parse_command
from statemachine.wire.messages import duplicate
from tests.kit.core.sample_sites import NOW_MS, NOW_S, PANEL, site
from tests.kit.harness import Harness

SITE = site(PANEL)
NAMED = {"correlationId": "c-1", "event_id": "b3", "revision": 4}
CALL = {"op": "event", **NAMED, "shed_kw": 1, "duration_sec": 60}


def answered(raw: bytes | str | dict[str, Any]) -> dict[str, Any]:
    """The ack of a payload that comes over MQTT."""
    raw = json.dumps(raw) if isinstance(raw, dict) else raw
    desk = Harness(SITE)
    command = parse_command(raw, "ven-test", Origin("operator", "mqtt", NOW_MS, 5))
    acks = [effect for effect in desk.hear(command) if isinstance(effect, Ack)]
    assert len(acks) == 1
    assert compact(acks[0].body)
    return dict(acks[0].body)


PYTHON = ("None", "True", "False", "nan", "inf", "sys.", "int_max", "recursion", "{'", "['", "<")
EMBEDDED = ["NaN", "Infinity", "-Infinity", "1e999", "-1e999", "9" * 5_000, "-" + "9" * 401]
DEEP = ["[" * depth + "]" * depth for depth in (9, 30, 600)]
ODD = ['"\\ud800"', "null", "true", '"abc"', "[]", "{}", "-1", "0", '{"a": [1]}', '""', "1.5"]
BROKEN = st.sampled_from([*EMBEDDED, *DEEP, *ODD])
PLACES = ["shed_kw", "duration_sec", "start_ts", "issued_at", "venId", "randomize_sec", "enabled"]
PLACES += ["loadId", "what", "report_interval_seconds", "x"]
OPS = ["event", "shedPanel", "restore", "cancel", "ping", "get", "setLoad", "setConfig", "dance"]
ID = st.text(st.characters(codec="utf-8"), min_size=1, max_size=128).filter(str.isprintable)


@settings(max_examples=500, deadline=None)
@given(
    st.sampled_from(OPS),
    ID,
    ID,
    st.integers(0, 2**31 - 1),
    st.dictionaries(st.sampled_from(PLACES), BROKEN, max_size=4),
    st.booleans(),
)
def test_whatever_else_is_broken_the_ids_that_can_be_read_are_in_the_ack(
    op: str, correlation: str, event_id: str, revision: int, broken: dict[str, str], deeper: bool
) -> None:
    ids = {"event_id": event_id, "revision": revision}
    body = ", ".join(f'"{name}": {value}' for name, value in broken.items())
    inner = json.dumps(ids)[:-1] + (f", {body}" if body else "") + "}"
    outer = json.dumps({"op": op, "correlationId": correlation})[:-1]
    raw = f'{outer}, "data": {inner}}}' if deeper else f"{outer}, {inner[1:]}"
    ack = answered(raw)
    assert (ack["op"], ack["venId"], ack["event_id"]) == (op, "ven-test", event_id)
    assert ack["correlationId"] == correlation
    assert ack["ok"] == (ack["status"] != "rejected")
    if op in ("event", "shedPanel"):
        assert ack["revision"] == revision


@settings(max_examples=300, deadline=None)
@given(
    st.sampled_from(OPS),
    st.dictionaries(st.sampled_from([*PLACES, *NAMED]), BROKEN, min_size=1, max_size=4),
)
def test_a_detail_speaks_json_and_never_python(op: str, broken: dict[str, str]) -> None:
    body = ", ".join(f'"{name}": {value}' for name, value in broken.items())
    ack = answered(f'{{"op": "{op}", {body}}}')
    if ack["status"] == "rejected":
        assert not [word for word in PYTHON if word in ack["detail"]], ack["detail"]


@pytest.mark.parametrize("number", EMBEDDED)
def test_a_number_that_is_none_is_refused_by_the_name_of_its_field(number: str) -> None:
    body = json.dumps(NAMED)[1:-1]
    ack = answered(f'{{"op": "event", {body}, "shed_kw": {number}, "duration_sec": 60}}')
    assert (ack["status"], ack["reason"], ack["event_id"]) == ("rejected", "invalid", "b3")
    assert (ack["revision"], ack["correlationId"]) == (4, "c-1")
    assert ack["detail"].startswith("shed_kw must be a finite number above 0, got ")


def test_a_command_is_refused_whatever_field_holds_what_is_no_number() -> None:
    ack = answered('{"op": "ping", "correlationId": "c", "aside": NaN}')
    assert (ack["op"], ack["status"], ack["correlationId"]) == ("ping", "rejected", "c")
    assert ack["detail"] == "the payload is not JSON: NaN is not a number"


@pytest.mark.parametrize("before", ["", "\ufeff", "\ufeff  "])
@pytest.mark.parametrize("after", ["", "\0", "\0\0\0", "\n\0"])
@pytest.mark.parametrize("coded", [True, False])
def test_a_mark_of_byte_order_and_trailing_nuls_are_let_be(
    before: str, after: str, coded: bool
) -> None:
    text = before + json.dumps(CALL) + after
    ack = answered(text.encode() if coded else text)
    assert (ack["status"], ack["event_id"]) == ("accepted", "b3")


@pytest.mark.parametrize(
    ("said", "why"),
    [
        (12345, "correlationId must be text in quotes, got a number: 12345"),
        (True, "correlationId must be text in quotes, got a flag: true"),
        (["a"], 'correlationId must be text in quotes, got a list: ["a"]'),
        ({}, "correlationId must be text in quotes, got an object: {}"),
        ("", 'correlationId must be 1 to 128 printable characters, got ""'),
        ("a\nb", 'correlationId must be 1 to 128 printable characters, got "a\\nb"'),
    ],
)
def test_an_id_that_is_none_is_refused_with_the_true_reason(said: Any, why: str) -> None:
    ack = answered({**CALL, "correlationId": said})
    assert (ack["status"], ack["detail"], ack["event_id"]) == ("rejected", why, "b3")
    assert "correlationId" not in ack


def test_what_is_no_id_is_not_repeated_and_costs_the_others_nothing() -> None:
    ack = answered({**CALL, "event_id": 5})
    assert ack["detail"] == "event_id must be text in quotes, got a number: 5"
    assert "event_id" not in ack and (ack["revision"], ack["correlationId"]) == (4, "c-1")
    assert answered({"op": "cancel"})["detail"] == "`event_id` is missing"


def test_every_answer_to_an_event_names_its_id_and_its_revision() -> None:
    desk = Harness(SITE)
    desk.read()
    called = {"op": "event", "event_id": "e1", "revision": 2, "shed_kw": 1, "duration_sec": 600}
    over, later = {**called, "shed_kw": 900}, {**called, "event_id": "e3", "start_ts": NOW_S + 60}
    asked = [called, called, {**called, "revision": 1}, {**called, "shed_kw": 2}, over, later]
    acks = [desk.ask(**said) for said in asked]
    accepted, copy = acks[0]["status"], desk.command(**called)
    assert accepted == "accepted"
    assert {(ack["event_id"], ack["revision"]) for ack in acks[:2]} == {("e1", 2)}
    assert acks[2]["revision"] == 1 and acks[5]["status"] == "scheduled"
    assert all("event_id" in ack and "revision" in ack and "venId" in ack for ack in acks)
    older = {"op": "event", "status": "accepted", "event_id": "e1", "ts": NOW_S}
    again = duplicate(copy, older).body  # what an older journal remembers
    assert (again["revision"], again["venId"], again["ok"]) == (2, "ven-test", True)


@pytest.mark.parametrize("id_name", ["event_id", "eventId"])
def test_who_names_an_event_hears_its_name(id_name: str) -> None:
    for said in ({"op": "restore"}, {"op": "cancel"}, {"op": "ping"}, {"op": "dance"}):
        assert answered({**said, id_name: "b3"})["event_id"] == "b3"
        assert answered({**said, "data": {id_name: "b3"}})["event_id"] == "b3"
    assert "event_id" not in answered({"op": "restore"})


def test_who_names_a_circuit_hears_its_name() -> None:
    assert answered({"op": "setLoad", "loadId": "heater"})["loadId"] == "heater"
    desk = Harness(SITE)
    desk.read()
    assert desk.ask(op="setLoad", loadId="nope", enabled=True)["loadId"] == "nope"
    assert desk.ask(op="setLoad", loadId="heater", enabled=False)["loadId"] == "heater"


def test_what_cannot_be_read_at_all_has_no_ids_but_ours() -> None:
    for raw in (b"", b"{", b"\xff\xfe", b"[]", b'{"op": "ping", "event_id": "b3"', b"\0"):
        ack = answered(raw)
        assert (ack["op"], ack["venId"], ack["ok"]) == ("unknown", "ven-test", False)
        assert "correlationId" not in ack and "event_id" not in ack
    assert isinstance(parse_command(b"{", "v", Origin("operator", "", NOW_MS, 5)), Invalid)


DAY = """
steps:
  - {at: 0:01:00, event: {id: e1, shed: 1 kW, for: 10 min}}
  - {at: 0:02:00, switch: {circuit: lights, to: off}}
  - {at: 0:03:00, restore: {event: e1}}
  - {at: 0:04:00, cancel: {event: e2}}
"""


def test_p45_a_day_whose_acks_name_nothing_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    spec = site(PANEL + "sim: {load: steady}\n")
    scenario = read_scenario(DAY, "day.yaml", spec)
    assert not list(violations_of(Play(spec, scenario)))
    monkeypatch.setattr(wire, "_signed", lambda command, body: body)
    found = [broken.rule for broken in violations_of(Play(spec, scenario))]
    assert found.count("P45") == 4 and set(found) == {"P45"}
