"""Alarms: something is wrong, and somebody should do something about it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..kit.strict_json import compact

MOST_TEXT = 300
SHADOW_BYTES, SHADOW_TEXT = 400, 80  # a shadow has little room


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
class AlarmKind:
    """`do`: what to do about it. `lasts`: it stays until somebody acknowledges it, because its
    cause cannot be seen any more. Every other alarm ends with its cause.
    """

    do: str
    lasts: bool = False


KINDS: Mapping[str, AlarmKind] = {
    "storage": AlarmKind("free space on the disk, or repair it; venctl retries twice a second"),
    "memory_lost": AlarmKind(
        "check that circuits, locks and events are as they should be, then acknowledge this",
        lasts=True,
    ),
    "task": AlarmKind(
        "venctl restarted it; if this repeats, send the log to the maintainers of venctl"
    ),
    "stalled": AlarmKind(
        "restart venctl if this stays, and send the log to the maintainers of venctl"
    ),
    "device": AlarmKind(
        "check the device and the connection to it; venctl retries until it follows"
    ),
    "broker": AlarmKind("run `venctl doctor`; meanwhile the site works on its own"),
    "clock": AlarmKind(
        "check the time service (NTP) of this machine, then acknowledge this", lasts=True
    ),
    "certificate": AlarmKind(
        "get a new certificate, save it where ven.yaml says, and restart venctl"
    ),
    "no_room": AlarmKind("switch something else off, so that the circuit can come back"),
    "rule": AlarmKind("check the circuit that the rule names, or the rule in ven.yaml"),
    "takeover": AlarmKind("stop the other program, or give it another client id"),
    "shadow_loop": AlarmKind("find the program that keeps writing the same desired state"),
    "shadow_too_large": AlarmKind("shorten the names of the circuits in ven.yaml"),
}


def alarm_id(kind: str, about: str = "") -> str:
    """The id of an alarm: its kind, and its subject if there can be several of the kind."""
    return f"{kind}-{about}" if about else kind


def alarm_body(id: str, alarm: Alarm) -> dict[str, object]:
    """An alarm as it is published; times in epoch seconds."""
    return {
        "id": id,
        "kind": alarm.kind,
        "since": alarm.since_ms // 1000,
        "text": alarm.text,
        "do": KINDS[alarm.kind].do,
        **({"by": alarm.by} if alarm.by else {}),
    }


def oldest_first(alarms: Mapping[str, Alarm]) -> list[tuple[str, Alarm]]:
    """Ids and alarms, the oldest first."""
    return sorted(alarms.items(), key=lambda item: (item[1].since_ms, item[0]))


def shadow_alarms(alarms: Mapping[str, Alarm]) -> list[dict[str, Any]]:
    """The unacknowledged alarms, oldest first, as many as fit in the shadow."""
    entries: list[dict[str, Any]] = []
    room = SHADOW_BYTES - len('"alarms":[],')
    for id, alarm in oldest_first(alarms):
        entry = {"id": id, "since": alarm.since_ms // 1000, "text": alarm.text[:SHADOW_TEXT]}
        size = len(compact(entry)) + 1
        if not alarm.by and size <= room:
            entries.append(entry)
            room -= size
    return entries
