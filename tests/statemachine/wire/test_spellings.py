"""The spellings of the existing backend, as a table of payloads: what each means, or why not."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from statemachine.state.triggers import Cancel, Command, DrEvent, Invalid, OptOut, Restore
from statemachine.wire.commands import Origin, parse_command
from statemachine.wire.terms import DURATION, END, EVENT_ID, SHED, START
from tests.kit.core.sample_sites import NOW_MS, NOW_S, PANEL, site
from tests.kit.harness import Harness
from tests.kit.paths import ROOT

SITE = site(PANEL)
DOCS = (ROOT / "docs" / "backend.md").read_text("utf-8")
NOW_TEXT = "2023-11-14T22:13:20Z"
IN_60 = "2023-11-14T23:14:20+01:00"
IN_80 = "2023-11-14T22:14:40.000Z"


def parsed(said: dict[str, Any], source: str = "operator") -> Command:
    return parse_command(json.dumps(said), "ven-test", Origin(source, "mqtt", NOW_MS, 5))


def event(**said: Any) -> dict[str, Any]:
    return {"op": "event", "event_id": "e", "shed_kw": 1, **said}


# What is said; id, watts, start after now in seconds (None: now), and duration in seconds.
GOLDEN: list[tuple[dict[str, Any], tuple[str, int, int | None, int]]] = [
    # docs/ven-contract.md and ven_agent.py of the existing backend
    (
        {
            "op": "shedPanel",
            "correlationId": "cc1",
            "data": {"requestedReductionKw": 1.0, "durationS": 20, "eventId": "evt-named"},
        },
        ("evt-named", 1_000, None, 20),
    ),
    # POST /api/events/ of its newest version
    (
        {
            "op": "event",
            "correlationId": "evt-9-0a1b2c3d",
            "venId": "ven-test",
            "event_id": "evt-9",
            "shed_kw": 2.5,
            "duration_sec": 600,
            "data": {"event_id": "evt-9", "requestedReductionKw": 2.5, "duration_s": 600},
        },
        ("evt-9", 2_500, None, 600),
    ),
    # EventCreate
    (
        {
            "op": "event",
            "event_id": "e",
            "requestedReductionKw": 1,
            "startTime": IN_60,
            "endTime": IN_80,
        },
        ("e", 1_000, 60, 20),
    ),
    (event(data={"durationS": 20}), ("e", 1_000, None, 20)),
    (event(durationS=20), ("e", 1_000, None, 20)),
    (event(data={"duration_sec": 20}), ("e", 1_000, None, 20)),
    (event(data={"end_ts": NOW_S + 20}), ("e", 1_000, 0, 20)),
    (event(end_ts=NOW_S + 20), ("e", 1_000, 0, 20)),
    (event(endTime=IN_80), ("e", 1_000, 0, 80)),
    (event(start_ts=IN_60, duration_sec=20), ("e", 1_000, 60, 20)),
    (event(start_ts=NOW_S + 60, duration_sec=20), ("e", 1_000, 60, 20)),
    (event(startTime=NOW_S + 60, endTime=NOW_S + 80), ("e", 1_000, 60, 20)),
    (event(data={"startTime": IN_60, "endTime": IN_80}), ("e", 1_000, 60, 20)),
    (event(start_ts=NOW_TEXT.lower(), end_ts=IN_80), ("e", 1_000, 0, 80)),
    (event(end_ts=NOW_S + 80, duration_sec=20), ("e", 1_000, 60, 20)),
    (event(start_ts=NOW_S, end_ts=NOW_S + 20, duration_sec=20), ("e", 1_000, 0, 20)),
    (event(start_ts=NOW_S - 10, end_ts=NOW_S + 20), ("e", 1_000, -10, 30)),
    # the top wins over `data`, in whichever spelling
    (event(durationS=20, data={"duration_sec": 600}), ("e", 1_000, None, 20)),
    (event(data={"eventId": "other", "requestedReductionKw": 9}), ("e", 1_000, None, 3_600)),
    (event(duration_sec=20, data={"durationS": 600}), ("e", 1_000, None, 20)),
    # what says nothing is not said
    (event(duration_sec=None, durationS=20, end_ts=None), ("e", 1_000, None, 20)),
    (
        event(data={"venId": None, "revision": None, "start_ts": None, "startAt": None}),
        ("e", 1_000, None, 3_600),
    ),
    (event(durationMinutes=None), ("e", 1_000, None, 3_600)),
    (event(), ("e", 1_000, None, 3_600)),
]


@pytest.mark.parametrize(("said", "terms"), GOLDEN, ids=lambda one: json.dumps(one)[:70])
def test_every_spelling_of_the_existing_backend_is_read(
    said: dict[str, Any], terms: tuple[str, int, int | None, int]
) -> None:
    found = parsed(said)
    assert isinstance(found, DrEvent), found
    start_s = None if found.start_ms is None else (found.start_ms - NOW_MS) // 1000
    assert (found.event_id, found.shed_w, start_s, found.duration_ms // 1000) == terms


REFUSED: list[tuple[dict[str, Any], str]] = [
    (event(durationMinutes=5), "`durationMinutes` is not a known field"),
    (event(data={"duration": 5}), "`duration` is not a known field"),
    (event(data={"startsAt": NOW_S}), "`startsAt` is not a known field"),
    (event(start=NOW_S), "`start` is not a known field"),
    (event(END_TS=NOW_S), "`END_TS` is not a known field"),
    (
        event(end_time=NOW_S),
        "`end_time` is not a known field; use one of: duration_sec, duration_s",
    ),
    (event(duration_sec=20, data={"durationHours": 1}), "`durationHours` is not a known field"),
    (event(duration_sec=20, durationS=30), "duration_sec and durationS contradict each other"),
    (event(start_ts=NOW_S, startTime=IN_60), "start_ts and startTime contradict each other"),
    (event(start_ts=NOW_S, end_ts=NOW_S + 99, duration_sec=20), "contradict each other"),
    (event(start_ts=NOW_S + 60, end_ts=NOW_S + 60), "end_ts must be 1 s to 31 days after"),
    (event(start_ts=NOW_S + 60, endTime=NOW_TEXT), "endTime must be 1 s to 31 days after"),
    (event(end_ts=NOW_MS), "end_ts must be 1 s to 31 days after the start; is it in milliseconds?"),
    (event(end_ts=NOW_MS, duration_sec=20), "end_ts is more than 366 days ahead; is it in millis"),
    (event(startTime=NOW_MS), "startTime is more than 366 days ahead; is it in milliseconds?"),
    (event(start_ts="2023-11-14T22:13:20"), "a time with an offset like 2026-11-24T17:00:00Z"),
    (event(start_ts="tomorrow"), 'got "tomorrow"'),
    (event(start_ts="2023-02-30T00:00:00Z"), "start_ts must be epoch seconds, or"),
    (event(start_ts="0001-01-01T00:00:00Z"), "start_ts must be epoch seconds, or"),
    (event(start_ts="20231114T221320Z"), "start_ts must be epoch seconds, or"),
    (event(start_ts=str(NOW_S)), "start_ts must be epoch seconds, or"),
    (event(issued_at="now"), "issued_at must be epoch seconds, or"),
    (event(durationS="20"), 'durationS must be a finite number above 0, got "20"'),
    (event(data={"durationS": 0}), "durationS must be a finite number above 0, got 0"),
    (event(revision=2, end_ts=NOW_S + 20), "a revision with `end_ts` must also have a start"),
    (event(eventId=5, event_id=None), "eventId must be text in quotes, got a number: 5"),
    ({"op": "setLoad", "loadId": "hvac", "enabled": True, "capacityKw": 2}, "`capacityKw`"),
    ({"op": "setLoad", "data": {"loadId": "hvac", "priority": 1}}, "`priority` cannot be set"),
    ({"op": "setConfig", "data": {"target_power_kw": 5}}, "`target_power_kw` cannot be set"),
]


@pytest.mark.parametrize(("said", "why"), REFUSED, ids=lambda one: json.dumps(one)[:70])
def test_what_is_not_read_or_contradicts_itself_is_refused_by_name(
    said: dict[str, Any], why: str
) -> None:
    found = parsed(said)
    assert isinstance(found, Invalid) and why in found.detail, found
    assert found.ids.get("event_id") == said.get("event_id")


def test_the_commands_of_the_docs_are_read_and_their_refusal_is_what_is_said() -> None:
    first, second = re.findall(r"```json\n(.*?)```", DOCS, re.DOTALL)
    that_day = Origin("operator", "mqtt", 1_795_500_000_000, 5)
    for line in first.splitlines():
        assert not isinstance(parse_command(line, "v", that_day), Invalid), line
    said = json.loads(second)
    asked = '{"op": "event", "event_id": "evt-1", "shed_kw": NaN, "correlationId": "c-1"}'
    command = parse_command(asked, "volttron_local", Origin("operator", "mqtt", NOW_MS, 5))
    assert Harness(SITE).ack(command) == said


def test_every_spelling_stands_in_the_docs() -> None:
    for family in (EVENT_ID, SHED, DURATION, START, END):
        assert f"| {', '.join(f'`{name}`' for name in family)} |" in DOCS


def test_an_issue_date_may_be_text_too() -> None:
    found = parsed(event(issued_at=NOW_TEXT))
    assert isinstance(found, DrEvent) and found.issued_ms == NOW_MS


def test_an_event_whose_end_has_passed_is_expired() -> None:
    desk = Harness(SITE)
    desk.read()
    ack = desk.ask(op="event", event_id="e", shed_kw=1, end_ts=NOW_S - 5)
    assert (ack["status"], ack["reason"], ack["event_id"]) == ("rejected", "expired", "e")
    assert desk.ask(op="event", event_id="f", shed_kw=1, end_ts=NOW_S + 30)["status"] == "accepted"
    assert desk.memory.events["f"].end_ms == NOW_MS + 30_000


def test_the_other_spelling_of_an_id_ends_that_event_and_no_other() -> None:
    for where in ({"eventId": "e"}, {"data": {"eventId": "e"}}):
        restore, cancel = parsed({"op": "restore", **where}), parsed({"op": "cancel", **where})
        assert isinstance(restore, Restore) and isinstance(cancel, Cancel)
        assert restore.event_id == cancel.event_id == "e"
        out = parsed({"op": "optOut", **where}, "page")
        assert isinstance(out, OptOut) and out.event_id == "e"


def test_an_ack_says_the_op_as_it_was_sent() -> None:
    desk = Harness(SITE)
    desk.read()
    ack = desk.ask(op="shedPanel", data={"eventId": "e", "requestedReductionKw": 1})
    assert (ack["op"], ack["ok"], ack["venId"]) == ("shedPanel", True, "ven-test")


def test_the_same_event_in_the_same_spelling_is_one_event() -> None:
    said = {"op": "shedPanel", "data": {"eventId": "e", "requestedReductionKw": 1, "durationS": 9}}
    first, again = parsed({**said, "correlationId": "a"}), parsed({**said, "correlationId": "b"})
    assert (first.key, first.digest) == (again.key, again.digest) == ("event:e", first.digest)
