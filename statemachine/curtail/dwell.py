"""What a circuit's own protection allows: rest and run times, and how much a day may be asked.

Lengths follow the monotonic clock, so that no step of the wall clock shortens one; a day is the
site's local day. Makers of compressors print 2.5 to 3 min of rest before the next start.
"""

from __future__ import annotations

from collections.abc import Iterator

from ..site.panel import Circuit
from ..state.circuit import Live


def rests_ms(circuit: Circuit, live: Live, mono_ms: int) -> int:
    """How much longer a circuit that is off has to stay off, in milliseconds.

    It rests since its meter saw it stop, where it stopped by itself before.
    """
    if live.off_mono_ms is None:
        return 0
    stopped_ms = live.off_mono_ms if live.stopped_mono_ms is None else live.stopped_mono_ms
    return max(0, min(live.off_mono_ms, stopped_ms) + circuit.min_off_ms - mono_ms)


def runs_ms(circuit: Circuit, live: Live, mono_ms: int) -> int:
    """How much longer a circuit that came on, or started by itself, may not be taken off."""
    marks = (live.on_mono_ms, live.started_mono_ms)
    since_ms = max((mark for mark in marks if mark is not None), default=None)
    if since_ms is None or live.off_mono_ms is not None:
        return 0
    return max(0, since_ms + circuit.min_on_ms - mono_ms)


def recovers_ms(circuit: Circuit, live: Live, mono_ms: int) -> int:
    """How much longer a circuit that was given back gives nothing."""
    if live.back_mono_ms is None or live.giving:
        return 0
    return max(0, live.back_mono_ms + circuit.min_release - mono_ms)


def off_left_ms(circuit: Circuit, live: Live, mono_ms: int) -> int | None:
    """How much longer an event may keep a circuit off; None where nothing limits it.

    Off is off: what a person has just switched on again may have been so for long enough.
    """
    if circuit.max_off_ms is None or live.off_mono_ms is None or not live.enabled:
        return None
    return max(0, live.off_mono_ms + circuit.max_off_ms - mono_ms)


def shed_today_ms(live: Live, mono_ms: int, day: int) -> int:
    """How long a circuit has given today so far."""
    running = mono_ms - live.giving_mono_ms if live.giving_mono_ms is not None else 0
    return (live.shed_today_ms if live.day == day else 0) + max(0, running)


def shed_left_ms(circuit: Circuit, live: Live, mono_ms: int, day: int) -> int | None:
    """How much longer a circuit may give today; None where nothing limits it."""
    if circuit.max_shed_per_day is None:
        return None
    return max(0, circuit.max_shed_per_day - shed_today_ms(live, mono_ms, day))


def gives_for_ms(circuit: Circuit, live: Live, off: bool, mono_ms: int, day: int) -> int | None:
    """How long a circuit could give from now on; None where nothing limits it.

    `off`: nothing is left to it, so that its `max_off` counts as well.
    """
    left_ms = off_left_ms(circuit, live, mono_ms)
    most_off_ms = (circuit.max_off_ms if left_ms is None else left_ms) if off else None
    lefts = (most_off_ms, shed_left_ms(circuit, live, mono_ms, day))
    return min((left for left in lefts if left is not None), default=None)


def spent(circuit: Circuit, live: Live, mono_ms: int, day: int) -> str:
    """Why a circuit has given its share today; "" where it has not."""
    sheds = live.sheds_today if live.day == day else 0
    most = circuit.max_events_per_day
    if most is not None and sheds >= most and not live.giving:
        return f"was shed {sheds} times today, its maximum"
    if shed_left_ms(circuit, live, mono_ms, day) == 0:
        return "was shed for its maximum time today"
    return ""


def saves_w(circuit: Circuit, live: Live, mono_ms: int) -> int:
    """What a person took off, as far as it is off: also while it rests, switched on again."""
    if live.enabled and not rests_ms(circuit, live, mono_ms):
        return 0
    still_w = (live.drawn_w or 0) if live.fault is not None else 0  # it does not go off
    return max(0, live.by_person_w - still_w)


def changes_in_ms(circuit: Circuit, live: Live, mono_ms: int, day: int) -> Iterator[int]:
    """After how long something of this will have changed by itself, each above 0."""
    lefts = [
        rests_ms(circuit, live, mono_ms),
        runs_ms(circuit, live, mono_ms),
        recovers_ms(circuit, live, mono_ms),
        off_left_ms(circuit, live, mono_ms),
        shed_left_ms(circuit, live, mono_ms, day) if live.giving else None,
    ]
    yield from (left for left in lefts if left)


def lasting(ms: int) -> str:
    """A length of time as people read it: `4:12`, `1:04:12`."""
    seconds = -(-ms // 1000)
    minutes, hours = seconds // 60, seconds // 3600
    if hours:
        return f"{hours}:{minutes % 60:02}:{seconds % 60:02}"
    return f"{minutes}:{seconds % 60:02}"
