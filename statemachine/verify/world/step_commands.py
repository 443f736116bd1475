"""A step of a scenario as the command that is sent for it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .scenario import ALL, EventStep, Step

Said = dict[str, Any]


def to_command(
    step: Step, zero_ms: int, calls: Mapping[str, tuple[Said, str]]
) -> tuple[Said, str] | None:
    """The command and its door; None if the step sends none.

    `zero_ms` is the wall clock at the start, `calls` the last request of every event and its door.
    """
    unique = {"correlationId": f"step-{step.at}"}
    if step.event is not None:
        return _call(step.event, zero_ms), step.event.door
    if step.restore is not None:
        named = {} if step.restore.event == ALL else {"event_id": step.restore.event}
        op = "all_back" if step.restore.shuts else "restore"
        restore = {"op": op, **named, **unique, **_as(step.restore.as_)}
        return restore | _confirming(step.restore.confirm), step.restore.door
    if step.cancel is not None:
        cancel = {"op": "cancel", "event_id": step.cancel.event, **unique}
        return cancel | _confirming(step.cancel.confirm), step.cancel.door
    if step.again is not None:
        return calls.get(step.again)
    if step.opt_out is not None:
        out = {"op": "optOut", "event_id": step.opt_out.event, "out": step.opt_out.out, **unique}
        out |= {"loadId": step.opt_out.circuit} if step.opt_out.circuit else {}
        return out | _confirming(step.opt_out.confirm), "page"
    if step.switch is not None:
        switch = {"op": "setLoad", "loadId": step.switch.circuit, "enabled": step.switch.to == "on"}
        body = {**switch, "confirm_critical": True, **unique, **_as(step.switch.as_)}
        return body, step.switch.door
    if step.lock is not None:
        lock = {"op": "setLock", "loadId": step.lock.circuit, "locked": step.lock.to == "on"}
        return {**lock, **unique}, "page"
    return None


def _as(correlation: str | None) -> Said:
    return {} if correlation is None else {"correlationId": correlation}


def _confirming(confirm: bool) -> Said:
    return {"confirm_operator": True} if confirm else {}


def _call(call: EventStep, zero_ms: int) -> Said:
    body: Said = {
        "op": "event",
        "event_id": call.id,
        "shed_kw": call.shed / 1000,
        "duration_sec": call.for_ / 1000,
        "revision": call.revision,
        **_confirming(call.confirm),
    }
    if call.start is not None:
        body["start_ts"] = (zero_ms + call.start) / 1000
    if call.issued is not None:
        body["issued_at"] = (zero_ms + call.issued) / 1000
    if call.random:
        body["randomize_sec"] = call.random / 1000
    return body
