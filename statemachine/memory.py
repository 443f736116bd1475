"""All that the controller remembers between triggers, frozen, and its way to JSON and back.

Memory has a few parts, kept apart so that the journal writes only what a decision changed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, is_dataclass, replace
from typing import Any

from .shadows import Shadow, from_plain
from .shards import shards
from .spec import Spec


@dataclass(frozen=True, slots=True)
class Live:
    """One circuit as last known. `free_w` is what it drew when it was last let be.

    `changed_mono_ms` is when somebody switched it otherwise than by a wish in the shadow, on the
    monotonic clock, which a reboot makes worthless. `locked_by`: who locked it out.
    """

    enabled: bool
    drawn_w: int | None = None
    free_w: int = 0
    held_w: int | None = None
    switched_by: str | None = None
    switched_ms: int | None = None
    changed_mono_ms: int | None = None
    locked_by: str | None = None
    locked_ms: int | None = None
    fault: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One live event: its terms, where it stands in its chart, and when it is to be woken."""

    id: str
    source: str
    shed_w: int
    start_ms: int
    end_ms: int
    scheduled: bool
    revision: int
    state: str
    entered_ms: int
    wakes: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Passed:
    """A transition as it was seen: for the page and for `graph`."""

    event_id: str
    source: str
    target: str
    trigger: str
    at_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """Everything. `cuts` is the plan in force: watts taken from each circuit that gives.

    `server_mono_ms` is the shadow service's clock less this machine's monotonic one.
    """

    shadows: Mapping[str, Shadow]
    circuits: Mapping[str, Live]
    events: Mapping[str, Event] = field(default_factory=dict)
    cuts: Mapping[str, int] = field(default_factory=dict)
    unmetered_w: int = 0
    read_ms: int | None = None
    every_ms: int
    every_mono_ms: int | None = None
    server_mono_ms: int | None = None
    release_ms: int | None = None
    released_ms: int = 0
    renew_ms: int | None = None
    offset_ms: int | None = None
    boot: str = ""
    last: Passed | None = None

    @property
    def shadow(self) -> Shadow:
        """The classic shadow."""
        return self.shadows[""]

    def circuit(self, id: str, **fields: Any) -> Memory:
        """This memory, with fields of one circuit replaced."""
        return replace(self, circuits={**self.circuits, id: replace(self.circuits[id], **fields)})

    def event(self, id: str, **fields: Any) -> Memory:
        """This memory, with fields of one live event replaced."""
        return replace(self, events={**self.events, id: replace(self.events[id], **fields)})

    def due_ms(self) -> int | None:
        """When something remembered wants a look next; None: never."""
        dues = [due for event in self.events.values() for due in event.wakes.values()]
        looks = [self.release_ms, self.renew_ms]
        for shadow in self.shadows.values():
            dues += shadow.wakes.values()
            looks.append(shadow.look_ms)
        return min([*dues, *(due for due in looks if due is not None)], default=None)


def blank(spec: Spec) -> Memory:
    """What a site knows before anything has happened."""
    return Memory(
        shadows={key: Shadow(state=spec.shadow.initial) for key in shards(spec)},
        circuits={id: Live(enabled=circuit.enabled) for id, circuit in spec.circuits.items()},
        every_ms=spec.telemetry.every,
    )


_PARTS = ("shadows", "circuits", "events", "cuts", "last")


def to_parts(memory: Memory) -> dict[str, Any]:
    """Memory as JSON values, a part for each thing that changes by itself."""
    whole = asdict(memory)
    parts = {name: whole.pop(name) for name in _PARTS}
    return {**parts, "site": whole}


def changed_parts(before: Memory | None, after: Memory) -> dict[str, Any]:
    """The parts of `after` that differ from what was kept; all of them where nothing was."""
    if before is None:
        return to_parts(after)
    parts = {name: getattr(after, name) for name in _PARTS}
    changed = {
        name: _plain(value)
        for name, value in parts.items()
        if value is not getattr(before, name) and value != getattr(before, name)
    }
    site = {f.name: getattr(after, f.name) for f in fields(after) if f.name not in _PARTS}
    return {**changed, "site": site}


def _plain(value: Any) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        return asdict(value)
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    return value


def from_parts(spec: Spec, parts: Mapping[str, Any]) -> Memory:
    """Memory out of what the journal kept, fitted to the circuits of `spec`.

    A circuit that is new starts as on the first day; one that is gone is forgotten, and so is an
    event in a state that the chart no longer has: its load comes back in steps.
    """
    first = blank(spec)
    if not parts:
        return first
    kept = {id: Live(**live) for id, live in parts["circuits"].items() if id in first.circuits}
    last = parts["last"]
    return Memory(
        shadows=_shadows(spec, parts.get("shadows", {})),
        circuits={**first.circuits, **kept},
        events={
            id: Event(**event)
            for id, event in parts["events"].items()
            if event["state"] in spec.event.states
        },
        cuts={id: cut for id, cut in parts["cuts"].items() if id in first.circuits},
        last=Passed(**last) if last else None,
        **parts["site"],
    )


def _shadows(spec: Spec, kept: Mapping[str, Any]) -> dict[str, Shadow]:
    first = blank(spec).shadows
    fit = {
        key: from_plain(shadow)
        for key, shadow in kept.items()
        if key in first and shadow["state"] in spec.shadow.states
    }
    return {**first, **fit}
