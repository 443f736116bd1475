"""Reads what the cloud desires out of a shadow's document or delta, entry by entry.

Anybody with write access to the shadow can send a document, so every entry is checked: an invalid
one is refused alone and does not affect the others.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from ..site.spec import EVERY_MS
from ..state.desires import Interval, Wish
from ..state.shadow import End
from .ack_record import INVALID, MOST_ID, UNKNOWN

CIRCUITS, LOADS, INTERVAL = "circuits", "loads", "report_interval_seconds"
WISHED = (LOADS, CIRCUITS)  # the name in the existing backend, and ours
_ID = re.compile(r"[a-zA-Z0-9_-]{1,32}")
_NOT_AN_ID = re.compile(r"[^a-zA-Z0-9_-]")


def read_desired(desired: Mapping[str, Any], metadata: Mapping[str, Any]) -> dict[str, Any]:
    """The fields `wishes`, `wished`, `refusals`, `doubled` and `interval` of a `Desired` trigger.

    Reads circuits as the array `[{id, enabled}]` and as the map `{id: {enabled}}`, under either of
    their names; `{id: null}` withdraws a wish. Of two entries for one circuit the last one counts,
    of two under different names the newer one. Other keys are ignored.
    """
    sections = {name: desired[name] for name in WISHED if desired.get(name) is not None}
    fields: dict[str, Any] = {"interval": _interval(desired, metadata)}
    if not sections:
        return {**fields, "wishes": None}
    fields["wished"] = tuple(sections)
    wishes: dict[str, Wish] = {}
    neither = (INVALID, "must be a list or a map")
    refusals: dict[str, End] = {
        name: neither
        for name, section in sections.items()
        if not isinstance(section, Mapping | list)
    }
    doubled: list[str] = []
    for id, entry, stamps in _every_entry(sections, metadata):
        shown = _shown(id)
        if shown in wishes or shown in refusals:
            doubled.append(shown)
        wishes.pop(shown, None)
        refusals.pop(shown, None)
        match _wish(id, entry, stamps):
            case Wish() as wish:
                wishes[wish.circuit] = wish
            case code, words:
                refusals[shown] = (code, words)
    result = {"wishes": tuple(wishes.values()), "refusals": refusals, "doubled": tuple(doubled)}
    return {**fields, **result}


def acked_ids(reported: Mapping[str, Any]) -> tuple[str, ...]:
    """The ids that the ack record of a document still names."""
    entries = _of(reported.get("ack"), "r")
    return tuple(entries) if isinstance(entries, Mapping) else ()


def _every_entry(
    sections: Mapping[str, Any], metadata: Mapping[str, Any]
) -> list[tuple[Any, Any, Any]]:
    entries = [
        entry
        for name, circuits in sections.items()
        if isinstance(circuits, Mapping | list)
        for entry in _entries(circuits, metadata.get(name))
    ]
    if len(sections) > 1:
        entries.sort(key=lambda entry: _stamp(_of(entry[2], "enabled")))
    return entries


def _entries(circuits: Any, stamps: Any) -> Iterable[tuple[Any, Any, Any]]:
    """Id, entry and metadata of every desired circuit."""
    if isinstance(circuits, Mapping):
        return [(id, it, _of(stamps, id)) for id, it in circuits.items() if it is not None]
    return [(_of(it, "id"), it, _at(stamps, index)) for index, it in enumerate(circuits)]


def _wish(id: Any, entry: Any, stamps: Any) -> Wish | End:
    enabled = _of(entry, "enabled")
    if not isinstance(id, str):
        return INVALID, "id must be text"
    if not _ID.fullmatch(id):
        return UNKNOWN, "unknown"
    if not isinstance(enabled, bool):
        return INVALID, "enabled must be true or false"
    return Wish(id, enabled, _stamp(_of(stamps, "enabled")))


def _interval(desired: Mapping[str, Any], metadata: Mapping[str, Any]) -> Interval | None:
    value = desired.get(INTERVAL)
    if value is None:
        return None
    stamp_s = _stamp(metadata.get(INTERVAL))
    if isinstance(value, bool) or not isinstance(value, int | float):
        return Interval(None, stamp_s)
    most_s = EVERY_MS[1] / 1000
    every_ms = value * 1000 if 0 < value <= most_s else 0
    fits = every_ms >= EVERY_MS[0] and abs(every_ms - round(every_ms)) < 1e-6
    return Interval(round(every_ms) if fits else None, stamp_s)


def _stamp(metadata: Any) -> int:
    stamp = _of(metadata, "timestamp")
    return stamp if isinstance(stamp, int) and not isinstance(stamp, bool) else 0


def _shown(id: Any) -> str:
    return _NOT_AN_ID.sub("?", id)[:MOST_ID] if isinstance(id, str) else "?"


def _of(value: Any, name: Any) -> Any:
    return value.get(name) if isinstance(value, Mapping) else None


def _at(value: Any, index: int) -> Any:
    return value[index] if isinstance(value, list) and index < len(value) else None
