"""Requests that end an event early, or take the site or a circuit out of it."""

from __future__ import annotations

from typing import Any

from aiohttp.web import Request, Response

from statemachine.state.triggers import Cancel, OptOut, Restore

from .commands import circuit_in, command_of, event_in, submit_or_raise
from .controller_port import ControllerPort
from .http.bodies import read_json, read_object
from .http.problems import Problem, as_json
from .shapes.base import fields_of
from .shapes.requests import EndBody, OptOutBody


class Endings:
    """The request handlers. For the grid operator's events, each needs `confirm_operator`."""

    def __init__(self, desk: ControllerPort) -> None:
        self._desk = desk

    async def restore_all(self, request: Request) -> Response:
        """End every active event."""
        body = await read_json(request)
        fields = _asked(body) if isinstance(body, dict) else {}
        command = command_of(self._desk, {"op": "restore", **fields}, Restore)
        return as_json(await submit_or_raise(self._desk, command, request))

    async def all_back(self, request: Request) -> Response:
        """End every event; for 10 min only people at the site can start a new one."""
        fields = {"op": "all_back", **_asked(await read_object(request, fields_of(EndBody)))}
        return as_json(
            await submit_or_raise(self._desk, command_of(self._desk, fields, Restore), request)
        )

    async def restore_event(self, request: Request) -> Response:
        """End one event and restore its load."""
        body = await read_object(request, fields_of(EndBody))
        fields = {"op": "restore", "event_id": self._event_named(request), **_asked(body)}
        return as_json(
            await submit_or_raise(self._desk, command_of(self._desk, fields, Restore), request)
        )

    async def cancel_event(self, request: Request) -> Response:
        """Cancel an event that has not started."""
        body = await read_object(request, fields_of(EndBody))
        id = self._event_named(request)
        fields = {"op": "cancel", "event_id": id, **_asked(body)}
        command = command_of(self._desk, fields, Cancel)
        event = self._desk.memory.events.get(id)
        if event is not None and event.start_ms <= command.at_ms:
            detail = "The event has started; restore it instead."
            raise Problem(409, "refused", "Only a scheduled event can be cancelled", detail)
        return as_json(await submit_or_raise(self._desk, command, request))

    async def opt_out(self, request: Request) -> Response:
        """Take the site or one circuit out of an event; `out: false` puts a circuit back in."""
        body = await read_object(request, fields_of(OptOutBody))
        fields = {"op": "optOut", "event_id": self._event_named(request), **_asked(body)}
        fields["out"] = body.get("out", True)
        if "circuit" in body:
            fields["loadId"] = circuit_in(self._desk, body["circuit"])
        return as_json(
            await submit_or_raise(self._desk, command_of(self._desk, fields, OptOut), request)
        )

    def _event_named(self, request: Request) -> str:
        """The id of a live event; any id while the state cannot be read: it is applied later."""
        return request.match_info["id"] if self._desk.blind else event_in(self._desk, request)


def _asked(body: dict[str, Any]) -> dict[str, Any]:
    return {name: body[name] for name in fields_of(EndBody) if name in body}
