"""One thing that is wrong, and the kinds there are, each with what to do about it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..kit.strict_json import compact

MOST_TEXT = 300
SHADOW_BYTES, SHADOW_TEXT = 400, 80  # there is little room in a shadow


@dataclass(frozen=True)
class Alarm:
    """One alarm that stands."""

    kind: str
    """Which of `KINDS` it is."""
    since_ms: int
    """Since when, in UTC."""
    text: str
    """What is wrong, for people."""
    by: str = ""
    """The door of whoever has acknowledged it; "": nobody has."""
    acknowledged_ms: int | None = None
    """When, in UTC."""


@dataclass(frozen=True, slots=True)
class Kind:
    """`do`: what somebody is to do about it. `lasts`: it is told until somebody acknowledges it,
    for what has happened cannot be seen any more; every other alarm ends with its cause.
    """

    do: str
    lasts: bool = False


KINDS: Mapping[str, Kind] = {
    "storage": Kind("free space on the disk, or mend it; it is tried again twice a second"),
    "memory_lost": Kind(
        "look whether circuits, locks and events are as they should be, then acknowledge this",
        lasts=True,
    ),
    "task": Kind("it was started again; if it goes on, send the log to whoever looks after venctl"),
    "stalled": Kind("start venctl again if it stays, and send the log to whoever looks after it"),
    "device": Kind("look at the device and the way to it; it is tried again until it obeys"),
    "broker": Kind("run `venctl doctor`; the site goes on by itself meanwhile"),
    "clock": Kind("look after the time service of this machine, then acknowledge this", lasts=True),
    "certificate": Kind("get a new one, put it where ven.yaml says, and start venctl again"),
    "no_room": Kind("switch something off"),
    "rule": Kind("look at the circuit it names, or at the rule in ven.yaml"),
    "takeover": Kind("stop the other program, or give it a client id of its own"),
    "shadow_loop": Kind("find out which program wishes the same again and again"),
    "shadow_too_large": Kind("shorten the names of circuits in ven.yaml"),
}


def id_of(kind: str, about: str = "") -> str:
    """The id of an alarm: its kind, and what it is about where there may be several."""
    return f"{kind}-{about}" if about else kind


def plain(id: str, alarm: Alarm) -> dict[str, object]:
    """An alarm as it goes over the wire; times in epoch seconds."""
    return {
        "id": id,
        "kind": alarm.kind,
        "since": alarm.since_ms // 1000,
        "text": alarm.text,
        "do": KINDS[alarm.kind].do,
        **({"by": alarm.by} if alarm.by else {}),
    }


def oldest_first(alarms: Mapping[str, Alarm]) -> list[tuple[str, Alarm]]:
    """Ids and alarms, in the order in which they began."""
    return sorted(alarms.items(), key=lambda item: (item[1].since_ms, item[0]))


def in_shadow(alarms: Mapping[str, Alarm]) -> list[dict[str, Any]]:
    """The alarms that nobody has acknowledged, as many as a shadow has room for; oldest first."""
    said: list[dict[str, Any]] = []
    room = SHADOW_BYTES - len('"alarms":[],')
    for id, one in oldest_first(alarms):
        entry = {"id": id, "since": one.since_ms // 1000, "text": one.text[:SHADOW_TEXT]}
        size = len(compact(entry)) + 1
        if not one.by and size <= room:
            said.append(entry)
            room -= size
    return said
