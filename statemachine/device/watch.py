"""What is watched at a device beside where it stands: its pace, its wear, its meter, its restarts.

Pure, like `control.py`. Times are monotonic milliseconds, or UTC where a day is counted.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from ..kit.quantity import watts_text
from .control import LEASE_MS, Mover, Position, SeenState, Standing, WiredLoad, mover, rebooted
from .form import Template

DAY_MS = 86_400_000
MOST_RESTARTS, MOST_CYCLES = 3, 50
MOST_KEPT = 1_000
MORE_EVERY_MS, CAR_MORE_EVERY_MS = 10_000, 60_000
FOLLOWS_MS, CAR_FOLLOWS_MS = 15_000, 60_000  # chargers need up to a minute (evcc#18885)
LEAST_DOUBT_W = 20


def gets_more(load: WiredLoad, was: Position | None, position: Position) -> bool:
    """Whether a circuit may draw more in `position` than in the one that was written before.

    A car that is given back does not count: a restore does not wait.
    """
    if position.kind == "free" and load.control == "ev_pilot":
        return False
    return was is not None and _allowed_w(load, position) > _allowed_w(load, was)


def waits_ms(load: WiredLoad, more_ms: int | None, now_ms: int) -> int:
    """How long it waits before it gets more, if it got more at `more_ms`; 0: not.

    A relay closes at most once in 10 s, a car gets more at most once a minute: a target that swings
    does not wear a contactor out. Taking away never waits, since an event counts on it.
    """
    every_ms = CAR_MORE_EVERY_MS if load.control == "ev_pilot" else MORE_EVERY_MS
    return 0 if more_ms is None else max(0, more_ms + every_ms - now_ms)


def _allowed_w(load: WiredLoad, position: Position) -> int:
    if position.kind == "limit":
        return min(load.rated_w, position.watts or 0)
    return load.rated_w if position.kind == "free" else 0


def contradiction(
    template: Template, load: WiredLoad, standing: Standing, metered: tuple[int, int] | None
) -> str | None:
    """Why a device is not believed that says that it stands where it is confirmed.

    `metered` are the watts of its meter, and when they were measured. None: nothing speaks against
    it, or it is too early to say.
    """
    position = standing.confirmed
    if metered is None or position is None or position.kind == "free":
        return None
    watts, at_ms = metered
    limited = position.kind == "limit"
    slow = limited or load.control == "ev_pilot"
    follows_ms = CAR_FOLLOWS_MS if slow else FOLLOWS_MS
    most_w = (position.watts or 0) if limited else 0
    if at_ms - standing.since_ms < max(follows_ms, 2 * template.pace.poll):
        return None
    if watts <= most_w + max(LEAST_DOUBT_W, load.rated_w // 20):
        return None
    said = f"limited to {watts_text(most_w)}" if limited else "off"
    return f"it says that it is {said}, but its meter shows {watts_text(watts)}"


@dataclass(frozen=True, slots=True)
class Wear:
    """Whether a device was off when it was last read, and when it went off within a day, in UTC."""

    off: bool | None = None
    cycles_ms: tuple[int, ...] = ()

    def seen(self, off: bool | None, now_ms: int) -> Wear:
        """It was read. Whoever switched it: its relay has moved."""
        if off is None or off is self.off:
            return self
        if self.off is None or not off:
            return replace(self, off=off)
        return Wear(True, (*within_a_day(self.cycles_ms, now_ms), now_ms))


def within_a_day(times_ms: tuple[int, ...], now_ms: int) -> tuple[int, ...]:
    """Those of the last day, the newest thousand at most."""
    return tuple(at_ms for at_ms in times_ms[-MOST_KEPT:] if 0 <= now_ms - at_ms < DAY_MS)


def device_warnings(
    template: Template, wear: Wear, restarts_ms: tuple[int, ...], refusal: str | None, now_ms: int
) -> dict[str, str]:
    """What people should know of a device that works, by what it is about."""
    found: dict[str, str] = {}
    restarts = len(within_a_day(restarts_ms, now_ms))
    cycles = len(within_a_day(wear.cycles_ms, now_ms))
    if restarts > MOST_RESTARTS:
        why = template.restarts or "is its power good?"
        found["restarts"] = f"it started anew {restarts} times in a day; {why}"
    if cycles >= MOST_CYCLES:
        found["cycles"] = f"it was switched off {cycles} times in a day, which wears its relay out"
    if refusal is not None:
        found["refusal"] = f"it stands as told, but refused a command: {refusal}"
    return found


def is_off(template: Template, load: WiredLoad, seen: SeenState) -> bool | None:
    """Whether it was read as off, by its switch or by its limit; None: that cannot be read."""
    if not seen.live:
        return None
    if seen.on is not None:
        return not seen.on
    if "limit" in template.read and seen.limit is not None:
        return seen.limit == 0
    return None


def judged(
    template: Template, load: WiredLoad, before: Standing, seen: SeenState, now_ms: int
) -> tuple[Standing, Mover | None]:
    """What is known of a device after it was read, and who moved it. `now_ms` is UTC."""
    who = mover(template, load, before, seen, now_ms)
    away = None if seen.live else before.away
    restarts_ms = _restarts_ms(template, before, seen, now_ms)
    after = replace(before, seen=seen, reboots_ms=restarts_ms, away=away)
    if who is None:
        return after, None
    position = before.confirmed
    yielded = position if who == "person" else None
    reasserted = position if who == "unknown" else None
    return replace(after, confirmed=None, yielded=yielded, reasserted=reasserted), who


def _restarts_ms(
    template: Template, before: Standing, seen: SeenState, now_ms: int
) -> tuple[int, ...]:
    """When it started anew within a day. If it cannot tell for how long it has been on, that it was
    reported offline counts.
    """
    offline = before.away == "offline" and seen.live and "uptime" not in template.read
    if offline or rebooted(before.seen, seen):
        return (*within_a_day(before.reboots_ms, now_ms), now_ms)
    return before.reboots_ms


def who_had_it_off(
    template: Template, seen: SeenState, since_start_ms: int
) -> Literal["us", "person", "unknown"]:
    """Who had a device off that is found so at the start, if memory knows of nothing of ours.

    Memory may be lost: where the device says that it was us, or its lease may still run out, it is
    no person who had it off.
    """
    if seen.by in ("us", "person"):
        return "us" if seen.by == "us" else "person"
    leases = template.gives_back and since_start_ms < LEASE_MS + template.pace.poll
    return "unknown" if leases else "person"
