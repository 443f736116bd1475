"""Where one device is to stand, what brings it there, whether it stands there, and who moved it.

Pure: `SeenState` is what was read back, `Standing` what is known of the device. Done means read
back; an answer is not enough (a device may say OK and do nothing).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Literal

from .form import Template, Writes

LEAST_AMPS = 6  # SAE J1772, IEC 61851: below this a car does not charge
NEAR_PERCENT = 2  # devices round a limit to what they can set
LEASE_MS = 120_000
REBOOT_SLACK_MS = 5_000  # clocks of devices drift, and answers take time

Kind = Literal["free", "off", "off_for", "limit"]
Mover = Literal["person", "reboot", "unknown"]
Away = Literal["silent", "offline"]


@dataclass(frozen=True, slots=True)
class WiredLoad:
    """What hangs on the device: how it is controlled, one ampere of it and its rating in watts."""

    control: str
    amp_w: int
    rated_w: int


@dataclass(frozen=True, slots=True)
class Position:
    """Where a device is to stand. `off` is a person's, without an end; `off_for` and `limit` end
    at `until_ms`, in UTC milliseconds, where the device can give back by itself.
    """

    kind: Kind
    watts: int | None = None
    until_ms: int = 0

    def same(self, other: Position | None) -> bool:
        """The same position, also with another end of its lease."""
        return other is not None and (self.kind, self.watts) == (other.kind, other.watts)


FREE = Position("free")


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenState:
    """What was read back at one time; None: not readable, or no reading.

    `limit` is in the unit that the template says, `uptime_s` since the device started. `at_ms` is
    on the monotonic clock. Not `live`: what it says of its position may be older than the last
    write, as a retained message is.
    """

    at_ms: int
    on: bool | None = None
    limit: Decimal | None = None
    power_w: int | None = None
    power_age_ms: int | None = None
    by: str | None = None
    uptime_s: int | None = None
    age_ms: int | None = 0
    """How old it is what tells its position; None: not known."""
    live: bool = True


def position_of(load: WiredLoad, enabled: bool, hold_w: int | None, until_ms: int) -> Position:
    """Where a circuit's device is to stand: switched on or off by people, and held by events."""
    if not enabled:
        return Position("off")
    if hold_w is None or (load.control == "relay" and hold_w >= load.rated_w):
        return FREE
    if hold_w < _least_w(load):
        return Position("off_for", None, until_ms)
    return Position("limit", hold_w, until_ms)


def _least_w(load: WiredLoad) -> int:
    """The lowest hold with which it still runs, in watts."""
    match load.control:
        case "relay":
            return load.rated_w  # it is on or off
        case "ev_pilot":
            return LEAST_AMPS * load.amp_w
    return 1


def writes_for(template: Template, position: Position) -> tuple[Writes, ...]:
    """The writes that bring a device to a position, in order; () if it cannot be brought there.

    A device without a write of its own for `off` is limited to nothing.
    """
    match position.kind:
        case "free":
            return tuple(name for name in _freeing(template))
        case "off":
            return _first(template, "off", "off_for", "limit")
        case "off_for":
            return _first(template, "off_for", "off", "limit")
        case "limit":
            return _first(template, "limit")


def _first(template: Template, *names: Writes) -> tuple[Writes, ...]:
    return next(((name,) for name in names if name in template.write), ())


def _freeing(template: Template) -> Iterator[Writes]:
    """`free` removes a limit; without it the limit becomes the rating."""
    if "on" in template.write:
        yield "on"
    if "free" in template.write:
        yield "free"
    elif "limit" in template.write:
        yield "limit"


def ordered_numbers(
    load: WiredLoad, position: Position, now_ms: int, longest_ms: int | None
) -> dict[str, int | float | str]:
    """What the placeholders of a write mean for a position. Times are UTC milliseconds.

    Whole amperes, rounded down, so that a limit is never above what is allowed.
    """
    watts = {"limit": position.watts or 0, "free": load.rated_w}.get(position.kind, 0)
    round_up = load.amp_w - 1 if position.kind == "free" else 0
    lease_ms = max(1_000, position.until_ms - now_ms) if position.until_ms else LEASE_MS
    lease_ms = min(lease_ms, longest_ms or lease_ms)
    return {
        "lease_s": -(-lease_ms // 1000),
        "lease_ms": lease_ms,
        "watts": watts,
        "kw": watts / 1000,
        "amps": (watts + round_up) // load.amp_w,
        "percent": 100 * watts // load.rated_w if load.rated_w else 0,
    }


def stands(
    template: Template, load: WiredLoad, position: Position, seen: SeenState, told: bool = False
) -> bool | None:
    """Whether a device stands as it should; None: that cannot be read.

    A device that was `told` to be free may still have a limit of its own below the rating.
    """
    limit_w = limit_w_of(template, load, seen)
    match position.kind:
        case "off" | "off_for":
            return _is_off(template, load, seen, limit_w)
        case "limit":
            return _is_limited(template, load, position, seen, limit_w)
        case "free":
            return _is_free(template, load, seen, limit_w, told)


def _is_off(
    template: Template, load: WiredLoad, seen: SeenState, limit_w: int | None
) -> bool | None:
    if seen.on is False or limit_w == 0:
        return True
    if "on" in template.read or "limit" in template.read:
        return None if seen.on is None and limit_w is None else False
    return None if seen.power_w is None else seen.power_w <= load.rated_w // 100


def _is_limited(
    template: Template, load: WiredLoad, position: Position, seen: SeenState, limit_w: int | None
) -> bool | None:
    watts = position.watts or 0
    if "limit" not in template.read:
        return None if seen.power_w is None else seen.power_w * 100 <= watts * (100 + NEAR_PERCENT)
    if limit_w is None:
        return None
    least_w = watts - max(load.amp_w if load.control == "ev_pilot" else 0, watts // 50)
    return least_w <= limit_w <= watts + watts * NEAR_PERCENT // 100


def _is_free(
    template: Template, load: WiredLoad, seen: SeenState, limit_w: int | None, told: bool
) -> bool | None:
    if seen.on is False:
        return False
    if limit_w is not None:
        least_w = max(1, _least_w(load)) if told else load.rated_w * (100 - NEAR_PERCENT) // 100
        return limit_w >= least_w
    return None if seen.on is None and {"on", "limit"} & template.read.keys() else True


def limit_w_of(template: Template, load: WiredLoad, seen: SeenState) -> int | None:
    """The limit that was read, in watts."""
    value = template.read.get("limit")
    if value is None or seen.limit is None:
        return None
    if value.unit in ("A", "mA", None):
        return int(seen.limit * load.amp_w)
    return int(seen.limit)


@dataclass(frozen=True, slots=True)
class Standing:
    """What is known of a device.

    `written` is the last position that was written, `confirmed` the last that was read back.
    `reasserted` is the position that it was put back to after somebody moved it, `yielded` the one
    that a person did not want. `since_ms` is since when it is confirmed, on the monotonic clock.
    `away`: it did not answer the last time, or was reported offline.
    """

    written: Position | None = None
    confirmed: Position | None = None
    seen: SeenState | None = None
    reasserted: Position | None = None
    yielded: Position | None = None
    reboots_ms: tuple[int, ...] = ()
    since_ms: int = 0
    away: Away | None = None

    def brought(self, position: Position, seen: SeenState | None) -> Standing:
        """It was read back where it should stand."""
        new = not position.same(self.confirmed)
        return replace(
            self,
            since_ms=seen.at_ms if seen is not None and new else self.since_ms,
            written=position,
            confirmed=position,
            seen=seen,
            reasserted=self.reasserted if position.same(self.reasserted) else None,
            yielded=None,
        )


def needs_write(
    template: Template, standing: Standing, position: Position, stands_so: bool | None
) -> bool:
    """Whether to write, rather than only to believe what was read.

    Only what differs is switched. A lease is written again each time, and what was written before
    is replaced even if the device stands right already: its lease may still run.
    """
    if stands_so is not True or leased(template, position):
        return True
    return standing.written is not None and not standing.written.same(position)


def leased(template: Template, position: Position) -> bool:
    """Whether a device that was brought to a position gives it up by itself.

    A watchdog may have to be fed while the circuit is free, too: then its lease is by `free`.
    """
    carriers = template.lease.by if template.lease is not None else ()
    return bool({*carriers} & {*writes_for(template, position)})


def renew_every_ms(template: Template) -> int:
    """How often a lease is written again: at a third of it, in ms."""
    longest_ms = template.lease.longest if template.lease is not None else None
    return min(longest_ms or LEASE_MS, LEASE_MS) // 3


def rebooted(before: SeenState | None, seen: SeenState) -> bool:
    """Whether the device started anew between two readings."""
    if seen.by == "reboot" and (before is None or before.by != "reboot"):
        return before is not None
    if before is None or before.uptime_s is None or seen.uptime_s is None:
        return False
    expected_ms = before.uptime_s * 1000 + seen.at_ms - before.at_ms
    return seen.uptime_s * 1000 < expected_ms - REBOOT_SLACK_MS - (seen.at_ms - before.at_ms) // 50


def mover(
    template: Template, load: WiredLoad, standing: Standing, seen: SeenState, now_ms: int
) -> Mover | None:
    """Who moved a device away from where it was read back; None: nobody did.

    `now_ms` is UTC. A lease that ended by itself was moved by nobody. A person wins where the
    device says so; where it says nothing, it is put back once, then the person wins. What was away
    and is there again counts as started anew.
    """
    position = standing.confirmed
    if position is None:
        return None
    if position.until_ms and now_ms >= position.until_ms:
        return None
    if rebooted(standing.seen, seen):
        return "reboot"
    moved = seen.live and stands(template, load, position, seen, told=True) is False
    if standing.away and seen.live and not (moved and seen.by == "person"):
        return "reboot"
    if not moved:
        return None
    if seen.by == "person" or (seen.by is None and position.same(standing.reasserted)):
        return "person"
    return "unknown"
