"""What is wrong at the site itself, as memory shows it, whoever asks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from .dwell import rests_ms
from .memory import Memory
from .quantity import watts_text
from .spec import Spec

BLOCKED_MS = 15 * 60_000  # load waits so long for room below the main breaker, then it is an alarm
NO_ROOM = "no_room"


@dataclass(frozen=True, slots=True)
class SiteAlarm:
    """`since_ms` is when what is wrong began, in UTC milliseconds."""

    id: str
    since_ms: int
    text: str

    def plain(self) -> dict[str, object]:
        """As it goes over the wire."""
        return {"id": self.id, "since": self.since_ms // 1000, "text": self.text}


def alarms(spec: Spec, memory: Memory) -> dict[str, SiteAlarm]:
    """Those that stand at the time of the last trigger, by their ids."""
    return {one.id: one for one in _standing(spec, memory)}


def blocked(memory: Memory) -> bool:
    """There has been no room below the main breaker for so long that critical load returns."""
    since_ms = memory.coming.blocked_ms
    return since_ms is not None and memory.at_ms - since_ms >= BLOCKED_MS


def raised_or_over(
    spec: Spec, before: Memory, after: Memory, now_ms: int
) -> Iterator[Mapping[str, object]]:
    """A message for each alarm that was raised between two moments, or is over."""
    was, now = alarms(spec, before), alarms(spec, after)
    for id in was.keys() ^ now.keys():
        state, one = ("raised", now[id]) if id in now else ("over", was[id])
        yield {"type": "alarm", "state": state, **one.plain(), "ts": now_ms // 1000}


def _standing(spec: Spec, memory: Memory) -> Iterator[SiteAlarm]:
    if blocked(memory):
        yield SiteAlarm(NO_ROOM, memory.coming.blocked_ms or 0, _no_room(spec, memory))


def _no_room(spec: Spec, memory: Memory) -> str:
    names = [spec.name_of(id) for id in reversed(spec.shed_order()) if _waits(spec, memory, id)]
    limit = f"more than the {watts_text(spec.site.service)} of its main breaker"
    if not names:
        return f"The site draws {limit}; switch something off"
    who = names[0] if len(names) == 1 else f"{names[0]} and {len(names) - 1} more"
    return f"{who} cannot come back: the site would draw {limit}; switch something off"


def _waits(spec: Spec, memory: Memory, id: str) -> bool:
    live = memory.circuits[id]
    held = live.enabled and live.held_w is not None and id not in memory.cuts
    return held and not rests_ms(spec.circuits[id], live, memory.mono_ms)
