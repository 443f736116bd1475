"""Memory as JSON and back: the parts that the journal keeps.

Every circuit, event and shadow is a part of its own, so that the journal writes only what a
decision changed. None of the classes has slots: `vars` is their way to JSON.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from typing import Any

from pydantic import TypeAdapter

from ..kit.frozen import changed
from ..site.spec import Spec
from .circuit import CircuitState
from .memory import Memory, initial_memory
from .pending_release import StuckCircuit, pending_releases, stuck_circuits
from .shadow import ShadowState

FORMAT = 5  # raised whenever what is kept changes its shape
SHELVES = ("shadows", "circuits", "events", "past")  # a part for each of their entries
_SITE = tuple(name for name in Memory.__dataclass_fields__ if name not in SHELVES)


def to_parts(memory: Memory) -> dict[str, Any]:
    """Memory as JSON values, a part for each thing that changes by itself."""
    parts = changed_parts(None, memory)
    return {name: json.loads(text) for name, text in parts.items() if text is not None}


def changed_parts(before: Memory | None, after: Memory) -> dict[str, str | None]:
    """The parts of `after`, as JSON, that differ from what was kept; None: it is no more.

    All there are where nothing was kept.
    """
    texts: dict[str, str | None] = {}
    for shelf in SHELVES:
        entries = getattr(after, shelf)
        known = getattr(before, shelf) if before is not None else {}
        if entries is known:
            continue
        for key, entry in entries.items():
            if (was := known.get(key)) is not entry and was != entry:
                texts[f"{shelf}/{key}"] = _JSON.encode(entry)
        texts.update((f"{shelf}/{key}", None) for key in known.keys() - entries.keys())
    return {**texts, "site": _JSON.encode({name: getattr(after, name) for name in _SITE})}


_JSON = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False, allow_nan=False, default=vars)


def from_parts(spec: Spec, parts: Mapping[str, Any]) -> Memory:
    """Memory out of what the journal kept, fitted to the circuits of `spec`.

    A circuit that is new starts as on the first day; one that is gone is forgotten once it is let
    go. Events keep their states, also such as the chart no longer has: those end with the next
    start. Raises ValueError where the parts are no memory.
    """
    first = initial_memory(spec)
    if not parts:
        return first
    kept = _adapter().validate_python({**parts["site"], **_shelves(parts)})
    leaves, lives = pending_releases(spec, kept.leaving, kept.circuits), kept.circuits
    return changed(
        kept,
        shadows={**first.shadows, **_shadows(spec, kept.shadows, first)},
        circuits={**_fresh(first, kept), **_circuits(spec, kept)},
        leaving=leaves,
        stuck=stuck_circuits(spec, leaves, kept.stuck, lives, kept.at_ms),
        cuts={id: cut_w for id, cut_w in kept.cuts.items() if id in spec.circuits},
    )


@cache
def _adapter() -> TypeAdapter[Memory]:
    return TypeAdapter(Memory)


def _shelves(parts: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    shelves: dict[str, dict[str, Any]] = {shelf: {} for shelf in SHELVES}
    for name, value in parts.items():
        shelf, _, key = name.partition("/")
        if shelf in shelves:
            shelves[shelf][key] = value
    return shelves


def _circuits(spec: Spec, kept: Memory) -> dict[str, CircuitState]:
    return {
        id: changed(live, driver=spec.circuits[id].kept_driver)
        for id, live in kept.circuits.items()
        if id in spec.circuits
    }


def _fresh(first: Memory, kept: Memory) -> dict[str, CircuitState]:
    """A circuit that comes back into the file has the fault that kept it from leaving."""
    return {
        id: _with_fault(live, kept.stuck.get(id), kept.mono_ms)
        for id, live in first.circuits.items()
    }


def _with_fault(live: CircuitState, stuck: StuckCircuit | None, mono_ms: int) -> CircuitState:
    if stuck is None:
        return live
    return changed(live, hold_fault=stuck.fault, hold_fault_mono_ms=mono_ms)


def _shadows(spec: Spec, kept: Mapping[str, ShadowState], first: Memory) -> dict[str, ShadowState]:
    """What was decided of circuits that are gone is forgotten."""
    return {
        key: changed(shadow, decided=_of(spec, shadow))
        for key, shadow in kept.items()
        if key in first.shadows and shadow.state in spec.shadow.states
    }


def _of(spec: Spec, shadow: ShadowState) -> dict[str, Any]:
    return {id: decision for id, decision in shadow.decided.items() if id in spec.circuits}
