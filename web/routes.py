"""Every operation of the API: where it is, what it takes and what it answers."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from typing import Any

from aiohttp.web import Request, Response

from .api import Api
from .controller_port import ControllerPort
from .endings import Endings
from .http.problems import Answer, as_json
from .http.session import SESSION_PATH, Sessions
from .live import Broadcaster
from .openapi import Operation, document
from .resources import program_version
from .shapes.ack import AckBody
from .shapes.answers import OpenApiBody, ReloadBody
from .shapes.circuit import CircuitBody, CircuitDoneBody, CircuitsBody
from .shapes.event import EventBody, EventsBody
from .shapes.machine import MachineBody
from .shapes.preview import PreviewBody
from .shapes.requests import (
    AnyEndBody,
    CircuitChangeBody,
    CircuitLockBody,
    CommandBody,
    EndBody,
    EventCallBody,
    LegacyCircuitChangeBody,
    LegacyEventCallBody,
    NothingBody,
    OptOutBody,
    PreviewOfBody,
    TokenBody,
)
from .shapes.shadow import ShadowBody
from .shapes.site_state import AlarmsBody, LiveBody, ReadyBody, RecentBody, StateBody

V1 = "/api/v1"


def operations(desk: ControllerPort, sessions: Sessions, hub: Broadcaster) -> list[Operation]:
    """All operations, in the order of the document; the last one answers the document."""
    api, ends = Api(desk), Endings(desk)
    routes = [
        *_reads(api),
        *_commands(api, ends),
        *_legacy(api, ends),
        *_session(sessions),
        replace(_get(f"{V1}/stream", hub.get_stream, None), media="text/event-stream"),
    ]

    @cache
    def described() -> dict[str, Any]:
        return document(routes, program_version())

    async def get_openapi(request: Request) -> Response:
        """This document."""
        return as_json(await asyncio.to_thread(described))  # it takes a while, once

    routes.append(_get(f"{V1}/openapi.json", get_openapi, OpenApiBody))
    return routes


def _reads(api: Api) -> Iterator[Operation]:
    yield _get(f"{V1}/state", api.get_state, StateBody)
    yield _get(f"{V1}/machine", api.get_machine, MachineBody)
    yield _get(f"{V1}/shadow", api.get_shadow, ShadowBody)
    yield _get(f"{V1}/recent", api.get_recent, RecentBody)
    yield _get(f"{V1}/circuits", api.get_circuits, CircuitsBody)
    yield _get(f"{V1}/circuits/{{id}}", api.get_circuit, CircuitBody, 404)
    yield _get(f"{V1}/events", api.get_events, EventsBody)
    yield _get(f"{V1}/events/{{id}}", api.get_event, EventBody, 404)
    yield _get(f"{V1}/health/live", api.get_live, LiveBody)
    yield _get(f"{V1}/health/ready", api.get_ready, ReadyBody)
    yield replace(_get(f"{V1}/preview", api.get_preview, PreviewBody, 422), query=PreviewOfBody)


def _commands(api: Api, ends: Endings) -> Iterator[Operation]:
    yield _tell(
        "PATCH", f"{V1}/circuits/{{id}}", api.switch_circuit, CircuitChangeBody, CircuitDoneBody
    )
    yield _tell(
        "PUT", f"{V1}/circuits/{{id}}/lock", api.lock_circuit, CircuitLockBody, CircuitDoneBody
    )
    yield replace(
        _tell("POST", f"{V1}/events", api.create_event, EventCallBody, AckBody), gives=201
    )
    yield _tell("POST", f"{V1}/events/{{id}}/restore", ends.restore_event, EndBody, AckBody)
    yield _tell("POST", f"{V1}/events/{{id}}/opt-out", ends.opt_out, OptOutBody, AckBody)
    yield _tell("DELETE", f"{V1}/events/{{id}}", ends.cancel_event, EndBody, AckBody)
    yield _tell("POST", f"{V1}/restore", ends.restore_all, AnyEndBody, AckBody)
    yield _tell("POST", f"{V1}/all-back", ends.all_back, EndBody, AckBody)
    yield _tell("POST", f"{V1}/reload", api.reload, NothingBody, ReloadBody)
    acknowledge = f"{V1}/alarms/{{id}}/acknowledge"
    yield _tell("POST", acknowledge, api.acknowledge_alarm, NothingBody, AlarmsBody)
    send = _tell("POST", f"{V1}/commands", api.send_command, CommandBody, AckBody)
    yield replace(send, refuses_with=AckBody)


def _legacy(api: Api, ends: Endings) -> Iterator[Operation]:
    """As they were called before there was a version; kept for whoever calls them so."""
    before = [
        _get("/api/state", api.get_state, StateBody),
        _tell(
            "POST",
            "/api/circuit/toggle",
            api.toggle_circuit,
            LegacyCircuitChangeBody,
            CircuitDoneBody,
        ),
        _tell("POST", "/api/event/trigger", api.trigger_event, LegacyEventCallBody, AckBody),
        _tell("POST", "/api/event/restore", ends.restore_all, AnyEndBody, AckBody),
    ]
    return (replace(operation, legacy=True) for operation in before)


def _session(sessions: Sessions) -> Iterator[Operation]:
    enter = _tell("POST", SESSION_PATH, sessions.sign_in, TokenBody, None)
    leave = _tell("DELETE", SESSION_PATH, sessions.sign_out, NothingBody, None)
    for operation in (enter, leave):
        yield replace(operation, gives=204, keyed=False, refuses=())


def _get(path: str, handle: Answer, answers: Any, *refuses: int) -> Operation:
    return Operation(method="GET", path=path, handle=handle, answers=answers, refuses=refuses)


def _tell(method: str, path: str, handle: Answer, takes: Any, answers: Any) -> Operation:
    return Operation(
        method=method,
        path=path,
        handle=handle,
        takes=takes,
        answers=answers,
        keyed=True,
        refuses=(400, 404, 409),
    )
