"""The reported section of a shadow, when it changes, and how large it can get."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from ..curtail.requirement import active_events
from ..kit.frozen import changed
from ..kit.strict_json import compact
from ..site.named_shadows import MOST, circuits_by_shadow
from ..site.spec import Spec
from ..state.alarm import shadow_alarms
from ..state.measures import commanded_w, planned_w, shed_w
from ..state.memory import Memory, initial_memory
from ..wire.messages import kw, measured
from ..wire.schedule import AHEAD_BYTES, next_events, next_events_within
from .ack_record import MOST_BYTES as ACK_BYTES

Body = dict[str, Any]

FULL, NAMELESS, BARE = 0, 1, 2  # how much is left out after a refusal as too large
TELLING_W = 100
_SORTED = json.JSONEncoder(sort_keys=True)
MOST_BYTES = 7_000  # the service takes 8,192


def reported_section(spec: Spec, memory: Memory, key: str, now_ms: int) -> Body:
    """The reported section of shadow `key`. A null removes a key from the document."""
    section: Body = {"timestamp": now_ms // 1000} if key else _whole(spec, memory, now_ms)
    if ids := circuits_by_shadow(spec)[key]:
        section["circuits"] = [_circuit(spec, memory, id, memory.shadows[key].lean) for id in ids]
    if not key:
        section |= next_events_within(_room(spec, memory), memory, now_ms)
    return section | _ack(memory, key)


def fingerprint(spec: Spec, memory: Memory, key: str, now_ms: int) -> str:
    """A hash of the report without the power drawn: reports with the same hash say the same.

    Of the power it includes only whether a circuit that is off still draws.
    """
    event = None if key else next(iter(active_events(spec, memory, now_ms)), None)
    shadow = memory.shadows[key]
    lives = [(id, memory.circuits[id]) for id in circuits_by_shadow(spec)[key]]
    parts = (
        [(id, live.enabled, not live.enabled and bool(live.drawn_w)) for id, live in lives],
        event and (event.id, event.end_ms // 1000),
        None if key else _ahead(memory, now_ms),
        None if key else memory.every_ms,
        None if key else shadow_alarms(memory.alarms),
        shadow.ack,
        shadow.lean,
    )
    return hashlib.sha256(_SORTED.encode(parts).encode()).hexdigest()[:16]


def newsworthy_w(memory: Memory, key: str) -> int:
    """Planned plus measured shed; a change by `TELLING_W` is worth a report."""
    return 0 if key else planned_w(memory) + shed_w(memory)


def largest_bytes(spec: Spec) -> dict[str, int]:
    """The bytes that each shadow of a site can grow to; the service takes 8,192.

    Counted as the service does: desired plus reported, compact. Reported has every circuit with
    all its digits, an event with an id of 128 characters and the longest ack record. Desired has a
    wish for every circuit of the shadow, in the classic one for 40. Events ahead fill the rest of
    the classic one.
    """
    memory = _widest(spec)
    sizes = {key: _bytes(spec, memory, key) for key in circuits_by_shadow(spec)}
    return sizes | {"": max(sizes[""], min(MOST_BYTES, sizes[""] + AHEAD_BYTES))}


def _widest(spec: Spec) -> Memory:
    """Memory without events, in which every circuit has all its digits."""
    memory = initial_memory(spec)
    circuits = {
        id: changed(
            memory.circuits[id], enabled=False, drawn_w=int("9" * len(str(2 * circuit.rated)))
        )
        for id, circuit in spec.circuits.items()
    }
    return changed(memory, circuits=circuits)


def _room(spec: Spec, memory: Memory) -> int:
    """The bytes of the classic shadow that circuits, ack and wishes leave at their largest."""
    if not memory.events or memory.shadow.lean:
        return 0
    return MOST_BYTES - _bytes(spec, _widest(spec), "")


def _ahead(memory: Memory, now_ms: int) -> list[Any]:
    events, number = next_events(memory, now_ms)
    return [number, *((event.id, event.shed_w, event.start_ms, event.end_ms) for event in events)]


def _whole(spec: Spec, memory: Memory, now_ms: int) -> Body:
    figures = measured(spec, memory, now_ms)
    binding = next(iter(active_events(spec, memory, now_ms)), None)
    named = list(circuits_by_shadow(spec))[1:]
    return {
        "power_kw": figures["power_kw"],
        "shed_kw": figures["shed_kw"],
        "base_power_kw": figures["base_power_kw"],
        "circuits": None,
        "circuit_shadows": named or None,
        "active_event": binding
        and {
            "event_id": binding.id,
            "shed_kw": kw(commanded_w(spec, memory)),
            "end_ts": binding.end_ms // 1000,
        },
        "report_interval_seconds": seconds(memory.every_ms),
        "alarms": shadow_alarms(memory.alarms) or None,
        "timestamp": now_ms // 1000,
    }


def _circuit(spec: Spec, memory: Memory, id: str, lean: int) -> Body:
    live = memory.circuits[id]
    body: Body = {
        "id": id,
        "name": spec.name_of(id),
        "enabled": live.enabled,
        "current_kw": kw(live.drawn_w or 0),
        "critical": spec.circuits[id].critical,
    }
    gone = {FULL: (), NAMELESS: ("name",)}.get(lean, ("name", "current_kw"))
    return {name: value for name, value in body.items() if name not in gone}


def _ack(memory: Memory, key: str) -> Body:
    """The last ack record. Ids that only an earlier record had are removed by a null."""
    shadow = memory.shadows[key]
    if shadow.ack is None:
        return {"ack": None} if shadow.acked else {}
    entries: Mapping[str, Any] = shadow.ack.get("r", {})
    stale = {id: None for id in shadow.acked if id not in entries}
    ack = dict(shadow.ack)
    if shadow.acked:
        ack = {"r": None, "more": None, **ack}
    return {"ack": {**ack, "r": {**stale, **entries}} if entries and stale else ack}


def seconds(ms: int) -> int | float:
    """Whole seconds as an int, so that an echoed value equals the desired one."""
    return ms // 1000 if ms % 1000 == 0 else ms / 1000


def _bytes(spec: Spec, memory: Memory, key: str) -> int:
    section = {
        name: v for name, v in reported_section(spec, memory, key, 0).items() if v is not None
    }
    if not key:
        section["active_event"] = {"event_id": "e" * 128, "shed_kw": 99.999, "end_ts": 10**10}
        section |= dict.fromkeys(("power_kw", "shed_kw", "base_power_kw"), 9999.999)
    section["timestamp"] = 10**10
    ids = circuits_by_shadow(spec)[key] or tuple(spec.circuits)[:MOST]
    desired = {"circuits": [{"id": id, "enabled": False} for id in ids]}
    return len(compact(section)) + len('"ack":,') + ACK_BYTES + len(compact(desired))
