"""The messages of a VEN: acks, telemetry and status, as docs/wire-contract.md shows.

In messages power is kW and time is epoch seconds.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..curtail.capacity import capacity_w, loads
from ..curtail.failing import awaiting_return
from ..curtail.plan import Load, tolerance_w
from ..curtail.requirement import (
    active_events,
    event_required_w,
    required_w,
    saved_w,
    taken_by_people_w,
)
from ..returns.ending import ended_by
from ..site.spec import Spec
from ..state.alarm import alarm_body
from ..state.effects import Ack
from ..state.measures import commanded_w, known_power_w, planned_w, shed_w
from ..state.memory import Event, Memory
from ..state.reasons import Reason
from ..state.triggers import Command, DrEvent, Get, Lock, Ping, SetConfig, Toggle, signature
from .schedule import events_answer

Body = dict[str, Any]


def kw(watts: int) -> float:
    """Watts as kW."""
    return watts / 1000


def rejected(command: Command, reason: Reason, detail: str) -> Ack:
    """The ack of a refusal. It is not stored, so that the sender can correct it and try again."""
    body = {"op": command.op, "status": "rejected", "reason": reason, "detail": detail}
    return Ack(command.reply, _signed(command, body), "", 0, "")


def duplicate(command: Command, first: Mapping[str, Any]) -> Ack:
    """The first ack again, for the sender of the copy."""
    body = {name: value for name, value in first.items() if name != "correlationId"}
    if command.correlation is not None:
        body["correlationId"] = command.correlation
    return Ack(command.reply, {**command.ids, "ok": True, **body, "status": "duplicate"}, "", 0, "")


def ack_for(spec: Spec, memory: Memory, command: Command) -> Ack:
    """The ack of an accepted command."""
    body = _signed(command, _body(spec, memory, command))
    if isinstance(command, DrEvent):
        by_id = f"event:{command.event_id}" if command.made else ""
        return Ack(command.reply, body, command.key, command.revision, command.digest, by_id)
    return Ack(command.reply, body, command.key, 0, signature(command))


def _body(spec: Spec, memory: Memory, command: Command) -> Body:
    match command:
        case DrEvent():
            return _event_ack(spec, memory, command)
        case Ping():
            return {"op": command.op, "status": "success", "pong": True}
        case Get():
            data = _data(spec, memory, command)
            return {"op": command.op, "status": "success", "data": data}
        case Toggle():
            data = {"loadId": command.circuit, "enabled": command.enabled}
            return {"op": command.op, "status": "success", "data": data}
        case Lock():
            data = {"loadId": command.circuit, "locked": command.locked}
            return {"op": command.op, "status": "success", "data": data}
        case SetConfig():
            data = {"report_interval_seconds": command.every_ms / 1000}
            return {"op": command.op, "status": "success", "data": data}
    return {"op": command.op, "status": "success"}


def _event_ack(spec: Spec, memory: Memory, command: DrEvent) -> Body:
    event = memory.events.get(command.event_id)
    body: Body = {
        "op": command.op,
        "status": "accepted",
        "event_id": command.event_id,
        "requested_shed_kw": kw(command.shed_w),
    }
    if event is not None and event.start_ms > command.at_ms:
        return body | {
            "status": "scheduled",
            "start_ts": event.start_ms // 1000,
            "end_ts": event.end_ms // 1000,
        }
    body |= _observed(spec, memory)
    body["actual_shed_kw"] = kw(commanded_w(spec, memory))
    body["circuits_curtailed"] = _curtailed(spec, memory)
    short_w = command.shed_w - _able_w(spec, memory, event)
    if short_w > tolerance_w(command.shed_w, spec.curtail.policy):
        body["shortfall_kw"] = kw(short_w)
    return body


def _able_w(spec: Spec, memory: Memory, event: Event | None) -> int:
    """What an event gets, in watts: now, or later if its state does not require all yet.

    What people switched off during the event counts too.
    """
    planned, saved = planned_w(memory), saved_w(spec, memory, [event.id] if event else [])
    if event is None or event_required_w(spec, event, memory.at_ms) == event.shed_w:
        return planned + saved
    return max(planned, capacity_w(spec, memory)) + saved


def _observed(spec: Spec, memory: Memory) -> Body:
    """What a site in observe mode adds: what would have been shed."""
    if not spec.observes:
        return {}
    return {"mode": spec.mode, "would_shed_kw": kw(planned_w(memory))}


def _curtailed(spec: Spec, memory: Memory) -> list[Body]:
    return [
        {
            "id": id,
            "name": spec.name_of(id),
            "breaker_amps": spec.circuits[id].amps,
            "original_kw": kw(memory.circuits[id].free_w),
            "curtailed_kw": kw(cut_w),
            "final_kw": kw(memory.circuits[id].free_w - cut_w),
            "critical": spec.circuits[id].critical,
        }
        for id, cut_w in memory.cuts.items()
    ]


def _data(spec: Spec, memory: Memory, command: Get) -> Any:
    match command.what:
        case "events":
            return events_answer(spec, memory, command.at_ms)
        case "loads":
            return _loads(spec, memory)
        case "config":
            return {
                "venId": spec.site.id,
                "report_interval_seconds": memory.every_ms / 1000,
                "longest_event_s": spec.limits.longest_event // 1000,
                "service_kw": kw(spec.site.service),
            }
    return measured(spec, memory, command.at_ms)


def event_status(spec: Spec, memory: Memory, event: Event, word: str, now_ms: int) -> Body:
    """A status message of an event, with requested, commanded and measured shed."""
    sheds = event_required_w(spec, event, now_ms)
    return {
        "type": "event",
        "event_id": event.id,
        "state": word,
        "ts": now_ms // 1000,
        "requested_shed_kw": kw(event.shed_w),
        "commanded_shed_kw": kw(commanded_w(spec, memory)),
        "measured_shed_kw": kw(shed_w(memory)),
        "by_person_kw": kw(saved_w(spec, memory, [event.id] if sheds else [])),
        **ended_by(event),
        **_observed(spec, memory),
        **_faults(memory),
        **(_not_free(spec, memory) if _is_final(spec, word) else {}),
    }


def _faults(memory: Memory) -> Body:
    """The faults of circuits that are shed or to be released."""
    lives = [(id, live) for id, live in memory.circuits.items() if not live.well]
    held = [(id, live) for id, live in lives if id in memory.cuts or live.held_w is not None]
    back = [(id, live) for id, live in lives if live.hold_fault is not None]
    faults = {id: live.trouble for id, live in [*held, *back]}
    faults |= {id: stuck.fault for id, stuck in memory.stuck.items()}
    return {"faults": faults} if faults else {}


def _is_final(spec: Spec, word: str) -> bool:
    return any(state.final and state.report == word for state in spec.event.states.values())


def _not_free(spec: Spec, memory: Memory) -> Body:
    """The circuits that were released and whose drivers have not confirmed it.

    Also circuits that are still held if no event is left that waits for them, because the last one
    was cancelled while its load came back.
    """
    lives = memory.circuits.items()
    ids = [id for id, live in lives if live.held_w is None and live.hold_fault is not None]
    if not any(gives_back(spec, event) for event in memory.events.values()):
        ids += awaiting_return(spec, memory)
    ids += [id for id in memory.leaving if id not in memory.circuits]
    return {"not_free": ids} if ids else {}


def gives_back(spec: Spec, event: Event) -> bool:
    """Whether an event is in a state that ends once all load is back."""
    rows = [row for row in spec.event.transitions if row.trigger == "released"]
    return any(event.state in spec.event.sources(row) for row in rows)


def circuit_status(
    id: str, fault: str | None, held_w: int | None, enabled: bool | None, now_ms: int
) -> Body:
    """A status message of a circuit that does not follow commands, or follows them again.

    `enabled` None: it is no longer in ven.yaml, and is to be released.
    """
    return {
        "type": "circuit",
        "id": id,
        "state": "fault" if fault is not None else "well",
        "fault": fault,
        "wanted_kw": None if held_w is None else kw(held_w),
        "enabled": enabled,
        "ts": now_ms // 1000,
    }


def link_status(online: bool, now_ms: int) -> Body:
    """The retained message that tells whether this VEN is online."""
    return {"type": "link", "state": "online" if online else "offline", "ts": now_ms // 1000}


def measured(spec: Spec, memory: Memory, now_ms: int) -> Body:
    """Power, shed and base power with the binding event. Base is always power plus shed.

    Power and base are null while the main meter cannot be read.
    """
    binding = next(iter(active_events(spec, memory, now_ms)), None)
    drawn_w, taken = known_power_w(memory), shed_w(memory)
    return {
        "power_kw": None if drawn_w is None else kw(drawn_w),
        "shed_kw": kw(taken),
        "base_power_kw": None if drawn_w is None else kw(drawn_w + taken),
        "active_event": binding.id if binding else None,
    }


def telemetry(spec: Spec, memory: Memory, number: int, now_ms: int) -> Body:
    """The payload of both telemetry topics."""
    measurements, alarms = measured(spec, memory, now_ms), memory.alarms.items()
    return {
        "schemaVersion": "1.0",
        "venId": spec.site.id,
        "ts": now_ms // 1000,
        "timestamp": now_ms // 1000,
        "message_num": number,
        **measurements,
        "usedPowerKw": measurements["power_kw"],
        "shedPowerKw": measurements["shed_kw"],
        "baselinePowerKw": measurements["base_power_kw"],
        "by_person_kw": kw(taken_by_people_w(spec, memory, now_ms)),
        "requestedReductionKw": kw(required_w(spec, memory, now_ms)),
        "eventId": measurements["active_event"],
        **_observed(spec, memory),
        **({"alarms": [alarm_body(id, alarm) for id, alarm in alarms]} if alarms else {}),
        "loads": _loads(spec, memory),
    }


def _loads(spec: Spec, memory: Memory) -> list[Body]:
    return [
        _load(spec, memory, load, rank) for rank, load in enumerate(loads(spec, memory), start=1)
    ]


def _load(spec: Spec, memory: Memory, load: Load, rank: int) -> Body:
    """One circuit; `shedCapabilityKw` is what it could shed beyond what it sheds now."""
    id, live = load.circuit, memory.circuits[load.circuit]
    body: Body = {
        "id": id,
        "loadId": id,
        "name": spec.name_of(id),
        "type": spec.circuits[id].type,
        "capacityKw": kw(spec.circuits[id].rated),
        "currentPowerKw": kw(live.drawn_w or 0),
        "shedCapabilityKw": kw(max(0, load.cap_w - memory.cuts.get(id, 0))),
        "enabled": live.enabled,
        "priority": rank,
    }
    return body | ({"estimated": True} if load.estimated else {})


def _signed(command: Command, body: Body) -> Body:
    """Add the fields that tell which command and VEN an ack belongs to."""
    body |= {**command.ids, "ok": body["status"] != "rejected", "ts": command.at_ms // 1000}
    if command.correlation is not None:
        body["correlationId"] = command.correlation
    return body
