"""What ends an event before its time at the page's door, or keeps something out of it."""

from __future__ import annotations

from typing import Any

from aiohttp.web import Request, Response

from statemachine.state.triggers import Cancel, OptOut, Restore

from .commands import circuit_in, command_of, event_in, settle
from .desk import Desk
from .http.bodies import read_json, read_object
from .http.problems import Problem, as_json
from .openapi import FLAG, TEXT

END = {"confirm_operator": FLAG, "reason": TEXT}


class Endings:
    """Handlers over a desk. Each wants `confirm_operator` where the grid operator called it."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def restore(self, request: Request) -> Response:
        """Ends every active event, whatever else the body says."""
        said = await read_json(request)
        known = _asked(said) if isinstance(said, dict) else {}
        command = command_of(self._desk, {"op": "restore", **known}, Restore)
        return as_json(await settle(self._desk, command, request))

    async def all_back(self, request: Request) -> Response:
        """Ends every event, those to come as well; for 10 min only people here call a new one."""
        fields = {"op": "all_back", **_asked(await read_object(request, END))}
        return as_json(await settle(self._desk, command_of(self._desk, fields, Restore), request))

    async def restore_one(self, request: Request) -> Response:
        """Ends one event; its load comes back."""
        said = await read_object(request, END)
        fields = {"op": "restore", "event_id": self._event_named(request), **_asked(said)}
        return as_json(await settle(self._desk, command_of(self._desk, fields, Restore), request))

    async def cancel(self, request: Request) -> Response:
        """Takes back an event that has not begun."""
        said = await read_object(request, END)
        id = self._event_named(request)
        fields = {"op": "cancel", "event_id": id, **_asked(said)}
        command = command_of(self._desk, fields, Cancel)
        event = self._desk.memory.events.get(id)
        if event is not None and event.start_ms <= command.at_ms:
            detail = "It has started; restore it instead."
            raise Problem(409, "refused", "Only a scheduled event can be cancelled", detail)
        return as_json(await settle(self._desk, command, request))

    async def opt_out(self, request: Request) -> Response:
        """Keeps the site, or one circuit, out of a live event; `out: false` lets it give again."""
        said = await read_object(request, ("circuit", "out", *END))
        fields = {"op": "optOut", "event_id": self._event_named(request), **_asked(said)}
        fields["out"] = said.get("out", True)
        if "circuit" in said:
            fields["loadId"] = circuit_in(self._desk, said["circuit"])
        return as_json(await settle(self._desk, command_of(self._desk, fields, OptOut), request))

    def _event_named(self, request: Request) -> str:
        """A live event; any id where nobody can know what is live: it is done once one can."""
        return request.match_info["id"] if self._desk.blind else event_in(self._desk, request)


def _asked(said: dict[str, Any]) -> dict[str, Any]:
    return {name: said[name] for name in END if name in said}
