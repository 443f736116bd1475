"""The API: what each address reads, passes to the desk, and answers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from aiohttp.web import Request, Response

from statemachine import SpecError
from statemachine.state.triggers import Acknowledge, DrEvent, Lock, Toggle
from statemachine.wire.commands import Origin, parse_command

from .alarms import alarm_list
from .commands import (
    Ack,
    circuit_in,
    command_of,
    event_asked,
    event_in,
    event_of,
    submit,
    submit_or_raise,
)
from .controller_port import ControllerPort
from .http.bodies import read_object, read_raw
from .http.problems import Problem, as_json, invalid
from .machine import machine
from .planning import PlanOutlook, differs, plan_outlook, preview
from .resources import circuit, events, past, recent, state
from .shadow import shadow
from .shapes.answers import ReloadBody
from .shapes.base import fields_of
from .shapes.circuit import CircuitBody, CircuitDoneBody, CircuitsBody
from .shapes.event import EventBody, EventsBody
from .shapes.requests import (
    CircuitChangeBody,
    CircuitLockBody,
    EventCallBody,
    LegacyCircuitChangeBody,
    LegacyEventCallBody,
    NothingBody,
)
from .shapes.site_state import AlarmsBody, LiveBody, ReadyBody


class Api:
    """The request handlers. No GET changes anything."""

    def __init__(self, desk: ControllerPort) -> None:
        self._desk = desk

    async def get_state(self, request: Request) -> Response:
        """The whole state."""
        return as_json(state(self._desk))

    async def get_machine(self, request: Request) -> Response:
        """The state charts, and the states of events."""
        return as_json(machine(self._desk.spec, self._desk.memory))

    async def get_shadow(self, request: Request) -> Response:
        """The device shadows: desired and reported values."""
        now_ms = self._desk.clocks()[0]
        return as_json(shadow(self._desk.spec, self._desk.memory, now_ms))

    async def get_recent(self, request: Request) -> Response:
        """Power over the last 15 minutes."""
        return as_json(recent(self._desk))

    async def get_circuits(self, request: Request) -> Response:
        """All circuits."""
        circuits: CircuitsBody = {"circuits": state(self._desk)["circuits"]}
        return as_json(circuits)

    async def get_circuit(self, request: Request) -> Response:
        """One circuit."""
        return as_json(circuit(self._desk, self._circuit_in(request.match_info["id"])))

    async def get_events(self, request: Request) -> Response:
        """Current and past events."""
        body: EventsBody = {"events": self._events(), "past": past(self._desk.memory)}
        return as_json(body)

    async def get_event(self, request: Request) -> Response:
        """One current event."""
        id = event_in(self._desk, request)
        return as_json(next(event for event in self._events() if event["id"] == id))

    async def get_live(self, request: Request) -> Response:
        """Whether the program is running."""
        live: LiveBody = {"status": "live"}
        return as_json(live)

    async def get_ready(self, request: Request) -> Response:
        """Whether the circuits have been read."""
        if self._desk.memory.read_ms is None:
            raise Problem(503, "not-ready", "No circuit has been read yet")
        ready: ReadyBody = {"status": "ready"}
        return as_json(ready)

    async def get_preview(self, request: Request) -> Response:
        """What an event would do."""
        event = event_asked(self._desk, request.query)
        return as_json(preview(self._desk.spec, self._desk.memory, event))

    async def switch_circuit(self, request: Request) -> Response:
        """Switch a circuit; returns the circuit."""
        body = await read_object(request, fields_of(CircuitChangeBody))
        return await self._switch(self._circuit_in(request.match_info["id"]), body, request)

    async def lock_circuit(self, request: Request) -> Response:
        """Lock or unlock a circuit; returns the circuit."""
        body = await read_object(request, fields_of(CircuitLockBody))
        id = self._circuit_in(request.match_info["id"])
        fields = {"op": "setLock", "loadId": id, "locked": body.get("locked")}
        ack = await submit_or_raise(self._desk, command_of(self._desk, fields, Lock), request)
        return as_json(self._done(id, ack))

    async def toggle_circuit(self, request: Request) -> Response:
        """Switch a circuit (legacy); without `enabled`, toggles it."""
        body = await read_object(request, fields_of(LegacyCircuitChangeBody))
        id = self._circuit_in(body.get("circuit_id", body.get("id")))
        enabled = body.get("enabled", not self._desk.memory.circuits[id].enabled)
        return await self._switch(id, {**body, "enabled": enabled}, request)

    async def create_event(self, request: Request) -> Response:
        """Start or schedule an event; returns 201 and the ack."""
        body = await read_object(request, fields_of(EventCallBody))
        event = event_of(self._desk, body)
        self._check_plan(event, body)
        return _created(await submit_or_raise(self._desk, event, request), 201)

    async def trigger_event(self, request: Request) -> Response:
        """Start an event (legacy), without confirmation."""
        event = event_of(self._desk, await read_object(request, fields_of(LegacyEventCallBody)))
        return _created(await submit_or_raise(self._desk, event, request), 200)

    async def acknowledge_alarm(self, request: Request) -> Response:
        """Acknowledge an alarm; returns the current alarms."""
        await read_object(request, fields_of(NothingBody))
        fields = {"op": "acknowledge", "alarm": request.match_info["id"]}
        await submit_or_raise(self._desk, command_of(self._desk, fields, Acknowledge), request)
        alarms: AlarmsBody = {"alarms": alarm_list(self._desk.memory)}
        return as_json(alarms)

    async def reload(self, request: Request) -> Response:
        """Load ven.yaml again; returns what it changes. A file with errors changes nothing."""
        await read_object(request, fields_of(NothingBody))
        try:
            edit = await self._desk.reload()
        except SpecError as error:
            title, detail = "The file has errors", "The previous settings stay in effect."
            faults = [fault.pretty() for fault in error.faults]
            raise Problem(422, "faulty-file", title, detail, faults=faults) from None
        except OSError as error:
            raise Problem(409, "not-taken", "The file could not be loaded", str(error)) from None
        brought: ReloadBody = {
            "file": edit.file,
            "taken": list(edit.taken),
            "waits": list(edit.waits),
            "restart": list(edit.restart),
            "lines": list(edit.lines),
        }
        return as_json(brought)

    async def send_command(self, request: Request) -> Response:
        """Send a command as on MQTT; a refused one returns its ack with 409."""
        door = Origin("cli", "", *self._desk.clocks())
        command = parse_command(await read_raw(request), self._desk.spec.site.id, door)
        ack = await submit(self._desk, command, request)
        return as_json(dict(ack), 409 if ack["status"] == "rejected" else 200)

    async def _switch(self, id: str, body: Mapping[str, Any], request: Request) -> Response:
        fields = {"op": "setLoad", "loadId": id, "enabled": body.get("enabled")}
        fields["confirm_critical"] = body.get("confirm_critical")
        ack = await submit_or_raise(self._desk, command_of(self._desk, fields, Toggle), request)
        return as_json(self._done(id, ack))

    def _done(self, id: str, ack: Ack) -> CircuitBody | CircuitDoneBody:
        """A circuit after a change; it says so if the change is not stored."""
        done = circuit(self._desk, id)
        return {**done, "stored": False} if ack.get("stored") is False else done

    def _check_plan(self, event: DrEvent, body: Mapping[str, Any]) -> None:
        """The plan a person saw must be what happens. A later event is planned when it starts."""
        spec, memory = self._desk.spec, self._desk.memory
        now = plan_outlook(spec, memory, event)
        if now.later or event.event_id in memory.events:
            return
        if isinstance(rev := body.get("plan_rev"), str) and _changed(rev, now):
            raise Problem(409, "plan-changed", "The loads have changed", "Request a new preview.")
        if (touched := now.touched(spec)) and body.get("confirm_critical") is not True:
            names = ", ".join(map(spec.name_of, touched))
            detail = f"It would curtail {names}. Send confirm_critical: true to accept that."
            raise Problem(409, "critical-circuit", "This event affects critical circuits", detail)

    def _events(self) -> list[EventBody]:
        return events(self._desk.spec, self._desk.memory, self._desk.clocks()[0])

    def _circuit_in(self, id: Any) -> str:
        return circuit_in(self._desk, id)


def _changed(rev: str, now: PlanOutlook) -> bool:
    try:
        return differs(rev, now)
    except ValueError as error:
        raise invalid(str(error), "plan_rev") from None


def _created(ack: Ack, status: int) -> Response:
    location = f"/api/v1/events/{quote(str(ack['event_id']), safe='')}"
    return as_json(dict(ack), status, {"Location": location})
