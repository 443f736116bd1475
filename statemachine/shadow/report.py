"""The reported section of a shadow, when it says something new, and how large it can get."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from ..curtail.requirement import active
from ..kit.frozen import changed
from ..kit.strict_json import compact
from ..site.named_shadows import MOST, shards
from ..site.spec import Spec
from ..state.alarm import in_shadow
from ..state.measures import commanded_w, planned_w, shed_w
from ..state.memory import Memory, blank
from ..wire.messages import kw, measured
from ..wire.schedule import AHEAD_BYTES, ahead, ahead_in
from .ack_record import MOST_BYTES as ACK_BYTES

Body = dict[str, Any]

FULL, NAMELESS, BARE = 0, 1, 2  # what a refusal as too large makes us leave out
TELLING_W = 100
MOST_BYTES = 7_000  # of the service's 8,192


def reported(spec: Spec, memory: Memory, key: str, now_ms: int) -> Body:
    """The reported section of shadow `key`. A null takes a key out of the document."""
    said: Body = {"timestamp": now_ms // 1000} if key else _whole(spec, memory, now_ms)
    if ids := shards(spec)[key]:
        said["circuits"] = [_circuit(spec, memory, id, memory.shadows[key].lean) for id in ids]
    if not key:
        said |= ahead_in(_room(spec, memory), memory, now_ms)
    return said | _ack(memory, key)


def fingerprint(spec: Spec, memory: Memory, key: str, now_ms: int) -> str:
    """Reports with the same fingerprint tell an operator the same, but for the power drawn.

    Of that only whether a circuit that is off has ceased to draw.
    """
    event = None if key else next(iter(active(spec, memory, now_ms)), None)
    shadow = memory.shadows[key]
    lives = [(id, memory.circuits[id]) for id in shards(spec)[key]]
    said = (
        [(id, live.enabled, not live.enabled and bool(live.drawn_w)) for id, live in lives],
        event and (event.id, event.end_ms // 1000),
        None if key else _ahead(memory, now_ms),
        None if key else memory.every_ms,
        None if key else in_shadow(memory.alarms),
        shadow.ack,
        shadow.lean,
    )
    return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()[:16]


def telling_w(memory: Memory, key: str) -> int:
    """Power of which a change of `TELLING_W` is news by itself: commanded plus measured shed."""
    return 0 if key else planned_w(memory) + shed_w(memory)


def largest(spec: Spec) -> dict[str, int]:
    """The bytes each shadow of a site can grow to, of the 8,192 that the service takes.

    Counted as the service does: desired plus reported, compact. In reported stand every circuit
    with all its digits, an event with an id of 128 letters and the longest ack record; in desired
    a wish for every circuit of the shadow, in the classic one for as many as fit elsewhere. Events
    to come fill what is left of the classic one.
    """
    memory = _widest(spec)
    sizes = {key: _bytes(spec, memory, key) for key in shards(spec)}
    return sizes | {"": max(sizes[""], min(MOST_BYTES, sizes[""] + AHEAD_BYTES))}


def _widest(spec: Spec) -> Memory:
    """No event lives, and every circuit has all its digits."""
    memory = blank(spec)
    circuits = {
        id: changed(
            memory.circuits[id], enabled=False, drawn_w=int("9" * len(str(2 * circuit.rated)))
        )
        for id, circuit in spec.circuits.items()
    }
    return changed(memory, circuits=circuits)


def _room(spec: Spec, memory: Memory) -> int:
    """What circuits, ack and wishes leave of the classic shadow at their largest, in bytes."""
    if not memory.events or memory.shadow.lean:
        return 0
    return MOST_BYTES - _bytes(spec, _widest(spec), "")


def _ahead(memory: Memory, now_ms: int) -> list[Any]:
    events, number = ahead(memory, now_ms)
    return [number, *((one.id, one.shed_w, one.start_ms, one.end_ms) for one in events)]


def _whole(spec: Spec, memory: Memory, now_ms: int) -> Body:
    said = measured(spec, memory, now_ms)
    binding = next(iter(active(spec, memory, now_ms)), None)
    named = list(shards(spec))[1:]
    return {
        "power_kw": said["power_kw"],
        "shed_kw": said["shed_kw"],
        "base_power_kw": said["base_power_kw"],
        "circuits": None,
        "circuit_shadows": named or None,
        "active_event": binding
        and {
            "event_id": binding.id,
            "shed_kw": kw(commanded_w(spec, memory)),
            "end_ts": binding.end_ms // 1000,
        },
        "report_interval_seconds": seconds(memory.every_ms),
        "alarms": in_shadow(memory.alarms) or None,
        "timestamp": now_ms // 1000,
    }


def _circuit(spec: Spec, memory: Memory, id: str, lean: int) -> Body:
    live = memory.circuits[id]
    said: Body = {
        "id": id,
        "name": spec.name_of(id),
        "enabled": live.enabled,
        "current_kw": kw(live.drawn_w or 0),
        "critical": spec.circuits[id].critical,
    }
    gone = {FULL: (), NAMELESS: ("name",)}.get(lean, ("name", "current_kw"))
    return {name: value for name, value in said.items() if name not in gone}


def _ack(memory: Memory, key: str) -> Body:
    """The last ack record. What an earlier one said of other ids is taken out by a null."""
    shadow = memory.shadows[key]
    if shadow.ack is None:
        return {"ack": None} if shadow.acked else {}
    entries: Mapping[str, Any] = shadow.ack.get("r", {})
    stale = {id: None for id in shadow.acked if id not in entries}
    said = dict(shadow.ack)
    if shadow.acked:
        said = {"r": None, "more": None, **said}
    return {"ack": {**said, "r": {**stale, **entries}} if entries and stale else said}


def seconds(ms: int) -> int | float:
    """Whole seconds as a whole number, so that what is echoed equals what was desired."""
    return ms // 1000 if ms % 1000 == 0 else ms / 1000


def _bytes(spec: Spec, memory: Memory, key: str) -> int:
    said = {name: v for name, v in reported(spec, memory, key, 0).items() if v is not None}
    if not key:
        said["active_event"] = {"event_id": "e" * 128, "shed_kw": 99.999, "end_ts": 10**10}
        said |= dict.fromkeys(("power_kw", "shed_kw", "base_power_kw"), 9999.999)
    said["timestamp"] = 10**10
    ids = shards(spec)[key] or tuple(spec.circuits)[:MOST]
    desired = {"circuits": [{"id": id, "enabled": False} for id in ids]}
    return len(compact(said)) + len('"ack":,') + ACK_BYTES + len(compact(desired))
