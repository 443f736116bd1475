"""Turns HTTP requests into commands and acks into answers, with the same parser as MQTT."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, TypeVar, assert_never

from aiohttp.web import Request

from statemachine.kit.localtime import instant_s
from statemachine.kit.strict_json import JsonError, strict_json
from statemachine.site.spec import Spec
from statemachine.state.reasons import Reason
from statemachine.state.triggers import Command, DrEvent, Invalid
from statemachine.wire.commands import Origin, command_from

from .controller_port import ControllerPort
from .http.bodies import key_of
from .http.problems import Problem, invalid, not_found
from .http.requester import requester_text
from .time_zone import zone_of

ANSWER_S = 30
Ack = Mapping[str, Any]
C = TypeVar("C", bound=Command)


def command_of(desk: ControllerPort, fields: Mapping[str, Any], kind: type[C]) -> C:
    """The command in `fields`. Raises a 422 problem if the parser refuses it."""
    command = command_from(fields, desk.spec.site.id, Origin("page", "", *desk.clocks()))
    if isinstance(command, Invalid):
        raise invalid(command.detail)
    if not isinstance(command, kind):
        raise TypeError(f"{command.op} made no {kind.__name__}")
    return command


def event_of(desk: ControllerPort, body: Mapping[str, Any]) -> DrEvent:
    """The event in a body of POST /api/v1/events. Raises a 422 problem."""
    fields = {
        "op": "event",
        "event_id": body.get("id", body.get("event_id")),
        "shed_kw": body.get("shed_kw"),
        "duration_sec": body.get("duration_s", body.get("duration_sec")),
        "confirm_operator": body.get("confirm_operator"),
    }
    if body.get("start_at") is not None:
        fields["start_ts"] = _start_s(desk.spec, body["start_at"])
    return command_of(desk, fields, DrEvent)


def event_asked(desk: ControllerPort, query: Mapping[str, str]) -> DrEvent:
    """The event in a preview's query. Raises a 422 problem."""
    try:
        numbers = {n: strict_json(query[n]) for n in ("shed_kw", "duration_s") if n in query}
    except JsonError:
        raise invalid("shed_kw and duration_s must be numbers") from None
    return event_of(desk, numbers | {n: query[n] for n in ("start_at",) if n in query})


def circuit_in(desk: ControllerPort, id: Any) -> str:
    """The id of a circuit. Raises a 404 problem if there is no such circuit."""
    if not isinstance(id, str) or id not in desk.spec.circuits:
        raise not_found(f"There is no circuit with id {str(id)[:40]!r}.")
    return id


def event_in(desk: ControllerPort, request: Request) -> str:
    """The id of the live event in the path. Raises a 404 problem if there is no such event."""
    id = request.match_info["id"]
    if id not in desk.memory.events:
        raise not_found(f"There is no current event with id {id[:40]!r}.")
    return id


async def submit(desk: ControllerPort, command: Command, request: Request) -> Ack:
    """Submit a command and wait for its ack. Raises a 503 problem if none comes."""
    try:
        async with asyncio.timeout(ANSWER_S):
            keyed = replace(_keyed(command, key_of(request)), who=requester_text(request))
            return await desk.submit(keyed)
    except TimeoutError:
        detail = "The outcome is unknown. Check the current state."
        raise Problem(503, "no-answer", "The controller did not answer", detail) from None


async def submit_or_raise(desk: ControllerPort, command: Command, request: Request) -> Ack:
    """Like `submit`, but also raises a problem if the command is refused."""
    ack = await submit(desk, command, request)
    if ack["status"] == "rejected":
        raise problem_of(ack["reason"], ack["detail"])
    return ack


def problem_of(reason: Reason, detail: str) -> Problem:
    """What a refusal of the core is over HTTP."""
    problem = _problem(reason, detail)
    problem.more["reason"] = reason
    return problem


def _problem(reason: Reason, detail: str) -> Problem:
    match reason:
        case "not_found":
            return not_found(detail)
        case "critical":
            return Problem(409, "critical-circuit", "This circuit is critical", detail)
        case "operator":
            return Problem(409, "operator-event", "This event belongs to the grid operator", detail)
        case "locked_out":
            return Problem(409, "locked", "This circuit may not be switched remotely", detail)
        case "device":
            return Problem(409, "device", "The circuit did not respond", detail)
        case "overloaded" | "storage":
            return Problem(503, "unavailable", "The controller cannot accept this now", detail)
        case "blackout" | "conflict" | "expired" | "invalid" | "limit" | "opted_out":
            return Problem(409, "refused", "The controller refused this request", detail)
        case "stale_revision" | "unknown_op":
            return Problem(409, "refused", "The controller refused this request", detail)
    assert_never(reason)


def _keyed(command: Command, key: str | None) -> Command:
    """Set the key that identifies copies: people may repeat a command, but not a request.

    An event keeps its id as the key, so that it counts once however it arrives.
    """
    own = isinstance(command, DrEvent) and command.key.startswith("event:")
    if own or not command.key:
        return command
    return replace(command, key=f"http:{key}" if key else "")


def _start_s(spec: Spec, value: Any) -> float:
    if not isinstance(value, str):
        raise invalid("start_at must be text like 2026-11-24T18:00", "start_at")
    try:
        return instant_s(value, zone_of(spec.site.timezone))
    except ValueError as error:
        raise invalid(str(error), "start_at") from None
