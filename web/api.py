"""The API: what each address reads, passes to the desk, and answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import Any
from urllib.parse import quote

from aiohttp.web import Request, Response

from statemachine import SpecError
from statemachine.state.triggers import Acknowledge, DrEvent, Lock, Toggle
from statemachine.wire.commands import Door, parse_command

from .alarms import listed
from .commands import (
    Ack,
    circuit_in,
    command_of,
    event_asked,
    event_in,
    event_of,
    settle,
    submit,
)
from .desk import Desk
from .endings import END, Endings
from .http.bodies import read_object, read_raw
from .http.problems import Answer, Problem, as_json, invalid
from .machine import machine
from .openapi import FLAG, NUMBER, TEXT, Operation
from .planning import Outlook, differs, outlook, preview
from .resources import circuit, events, past, recent, state
from .shadow import shadow

EVENT = {
    "shed_kw": {**NUMBER, "maximum": 1000},
    "duration_s": {"type": "number", "minimum": 1, "maximum": 2_678_400},
    "start_at": TEXT,
    "id": {"type": "string", "minLength": 1, "maxLength": 128},
    "plan_rev": TEXT,
    "confirm_critical": FLAG,
    "confirm_operator": FLAG,
}
CIRCUIT = {"enabled": FLAG, "confirm_critical": FLAG}
LOCK = {"locked": FLAG}
LEGACY_EVENT = {"shed_kw": NUMBER, "duration_sec": NUMBER, "event_id": TEXT}
LEGACY_CIRCUIT = {"circuit_id": TEXT, "id": TEXT, **CIRCUIT}


class Api:
    """The request handlers. No GET changes anything."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._endings = Endings(desk)

    def operations(self) -> list[Operation]:
        """Every operation except those of the session and the stream."""
        v1, endings = "/api/v1", self._endings
        keeping_out = {"circuit": TEXT, "out": FLAG, **END}
        made = [
            _get(f"{v1}/state", self.state, "the whole state"),
            _get(f"{v1}/machine", self.machine, "the state charts, and the states of events"),
            _get(f"{v1}/shadow", self.shadow, "the device shadows: desired and reported values"),
            _get(f"{v1}/recent", self.recent, "power over the last 15 minutes"),
            _get(f"{v1}/circuits", self.circuits, "all circuits"),
            _get(f"{v1}/circuits/{{id}}", self.circuit, "one circuit", refuses=(404,)),
            _get(f"{v1}/events", self.events, "current and past events"),
            _get(f"{v1}/events/{{id}}", self.event, "one current event", refuses=(404,)),
            _get(f"{v1}/health/live", self.alive, "whether the program is running"),
            _get(
                f"{v1}/health/ready",
                self.ready,
                "whether the circuits have been read",
                refuses=(503,),
            ),
            replace(
                _get(f"{v1}/preview", self.preview, "what an event would do", refuses=(422,)),
                query={name: EVENT[name] for name in ("shed_kw", "duration_s", "start_at")},
                needs=("shed_kw",),
            ),
            _tell("PATCH", f"{v1}/circuits/{{id}}", self.switch, CIRCUIT, needs=("enabled",)),
            _tell("PUT", f"{v1}/circuits/{{id}}/lock", self.lock, LOCK, needs=("locked",)),
            _tell("POST", f"{v1}/events", self.call, EVENT, gives=201, needs=("shed_kw",)),
            _tell("POST", f"{v1}/events/{{id}}/restore", endings.restore_one, END),
            _tell("POST", f"{v1}/events/{{id}}/opt-out", endings.opt_out, keeping_out),
            _tell("DELETE", f"{v1}/events/{{id}}", endings.cancel, END),
            _tell("POST", f"{v1}/restore", endings.restore, END, open=True),
            _tell("POST", f"{v1}/all-back", endings.all_back, END),
            _tell("POST", f"{v1}/reload", self.reload, {}),
            _tell("POST", f"{v1}/alarms/{{id}}/acknowledge", self.acknowledge, {}),
            _tell("POST", f"{v1}/commands", self.command, {"op": TEXT}, needs=("op",), open=True),
        ]
        old = [
            _get("/api/state", self.state, "the whole state (legacy; use /api/v1/state)"),
            _tell("POST", "/api/circuit/toggle", self.toggle, LEGACY_CIRCUIT),
            _tell("POST", "/api/event/trigger", self.trigger, LEGACY_EVENT, needs=("shed_kw",)),
            _tell("POST", "/api/event/restore", endings.restore, END, open=True),
        ]
        return [*made, *(replace(operation, legacy=True) for operation in old)]

    async def state(self, request: Request) -> Response:
        return as_json(state(self._desk))

    async def machine(self, request: Request) -> Response:
        return as_json(machine(self._desk.spec, self._desk.memory))

    async def shadow(self, request: Request) -> Response:
        now_ms = self._desk.clocks()[0]
        return as_json(shadow(self._desk.spec, self._desk.memory, now_ms))

    async def recent(self, request: Request) -> Response:
        return as_json(recent(self._desk))

    async def circuits(self, request: Request) -> Response:
        return as_json({"circuits": state(self._desk)["circuits"]})

    async def circuit(self, request: Request) -> Response:
        return as_json(circuit(self._desk, self._circuit_in(request.match_info["id"])))

    async def events(self, request: Request) -> Response:
        return as_json({"events": self._events(), "past": past(self._desk.memory)})

    async def event(self, request: Request) -> Response:
        id = event_in(self._desk, request)
        return as_json(next(event for event in self._events() if event["id"] == id))

    async def alive(self, request: Request) -> Response:
        return as_json({"status": "live"})

    async def ready(self, request: Request) -> Response:
        if self._desk.memory.read_ms is None:
            raise Problem(503, "not-ready", "No circuit has been read yet")
        return as_json({"status": "ready"})

    async def preview(self, request: Request) -> Response:
        asked = event_asked(self._desk, request.query)
        return as_json(preview(self._desk.spec, self._desk.memory, asked))

    async def switch(self, request: Request) -> Response:
        """Switch a circuit; returns the circuit."""
        said = await read_object(request, CIRCUIT)
        return await self._switch(self._circuit_in(request.match_info["id"]), said, request)

    async def lock(self, request: Request) -> Response:
        """Lock or unlock a circuit; returns the circuit."""
        said = await read_object(request, LOCK)
        id = self._circuit_in(request.match_info["id"])
        fields = {"op": "setLock", "loadId": id, "locked": said.get("locked")}
        ack = await settle(self._desk, command_of(self._desk, fields, Lock), request)
        return as_json(circuit(self._desk, id) | _unstored(ack))

    async def toggle(self, request: Request) -> Response:
        """Switch a circuit (legacy); without `enabled`, toggles it."""
        said = await read_object(request, LEGACY_CIRCUIT)
        id = self._circuit_in(said.get("circuit_id", said.get("id")))
        enabled = said.get("enabled", not self._desk.memory.circuits[id].enabled)
        return await self._switch(id, {**said, "enabled": enabled}, request)

    async def call(self, request: Request) -> Response:
        """Start or schedule an event; returns 201 and the ack."""
        said = await read_object(request, EVENT)
        asked = event_of(self._desk, said)
        self._check_plan(asked, said)
        return _created(await settle(self._desk, asked, request), 201)

    async def trigger(self, request: Request) -> Response:
        """Start an event (legacy), without confirmation."""
        asked = event_of(self._desk, await read_object(request, LEGACY_EVENT))
        return _created(await settle(self._desk, asked, request), 200)

    async def acknowledge(self, request: Request) -> Response:
        """Acknowledge an alarm; returns the current alarms."""
        await read_object(request, ())
        fields = {"op": "acknowledge", "alarm": request.match_info["id"]}
        await settle(self._desk, command_of(self._desk, fields, Acknowledge), request)
        return as_json({"alarms": listed(self._desk.memory)})

    async def reload(self, request: Request) -> Response:
        """Load ven.yaml again; returns what it changes. A file with errors changes nothing."""
        await read_object(request, ())
        try:
            edit = await self._desk.reload()
        except SpecError as error:
            title, detail = "The file has errors", "The previous settings stay in effect."
            faults = [fault.pretty() for fault in error.faults]
            raise Problem(422, "faulty-file", title, detail, faults=faults) from None
        except OSError as error:
            raise Problem(409, "not-taken", "The file could not be loaded", str(error)) from None
        return as_json(asdict(edit))

    async def command(self, request: Request) -> Response:
        """Send a command as on MQTT; a refused one returns its ack with 409."""
        door = Door("cli", "", *self._desk.clocks())
        command = parse_command(await read_raw(request), self._desk.spec.site.id, door)
        ack = await submit(self._desk, command, request)
        return as_json(dict(ack), 409 if ack["status"] == "rejected" else 200)

    async def _switch(self, id: str, said: Mapping[str, Any], request: Request) -> Response:
        fields = {"op": "setLoad", "loadId": id, "enabled": said.get("enabled")}
        fields["confirm_critical"] = said.get("confirm_critical")
        ack = await settle(self._desk, command_of(self._desk, fields, Toggle), request)
        return as_json(circuit(self._desk, id) | _unstored(ack))

    def _check_plan(self, asked: DrEvent, said: Mapping[str, Any]) -> None:
        """The plan a person saw must be what happens. A later event is planned when it starts."""
        spec, memory = self._desk.spec, self._desk.memory
        now = outlook(spec, memory, asked)
        if now.later or asked.event_id in memory.events:
            return
        if isinstance(rev := said.get("plan_rev"), str) and _changed(rev, now):
            raise Problem(409, "plan-changed", "The loads have changed", "Request a new preview.")
        if (touched := now.touched(spec)) and said.get("confirm_critical") is not True:
            names = ", ".join(map(spec.name_of, touched))
            detail = f"It would curtail {names}. Send confirm_critical: true to accept that."
            raise Problem(409, "critical-circuit", "This event affects critical circuits", detail)

    def _events(self) -> list[dict[str, Any]]:
        return events(self._desk.spec, self._desk.memory, self._desk.clocks()[0])

    def _circuit_in(self, id: Any) -> str:
        return circuit_in(self._desk, id)


def _changed(rev: str, now: Outlook) -> bool:
    try:
        return differs(rev, now)
    except ValueError as error:
        raise invalid(str(error), "plan_rev") from None


def _unstored(ack: Ack) -> dict[str, Any]:
    """Added to an answer about something that was done but not stored."""
    return {"stored": False} if ack.get("stored") is False else {}


def _created(ack: Ack, status: int) -> Response:
    place = f"/api/v1/events/{quote(str(ack['event_id']), safe='')}"
    return as_json(dict(ack), status, {"Location": place})


def _get(path: str, handle: Answer, summary: str, refuses: tuple[int, ...] = ()) -> Operation:
    return Operation(method="GET", path=path, handle=handle, summary=summary, refuses=refuses)


def _tell(method: str, path: str, handle: Answer, body: dict[str, Any], **more: Any) -> Operation:
    return Operation(
        method=method,
        path=path,
        handle=handle,
        summary=(handle.__doc__ or handle.__name__).splitlines()[0],
        body=body,
        keyed=True,
        refuses=(404, 409, 503),
        **more,
    )
