"""The protections of a circuit: minimum and maximum times on and off, and limits for a day.

Times follow the monotonic clock, so that a change of the wall clock does not shorten one; a day is
the local day of the site. Compressor makers ask for 2.5 to 3 min of rest before the next start.
"""

from __future__ import annotations

from ..site.panel import Circuit
from ..state.circuit import CircuitState


def must_stay_off_ms(circuit: Circuit, live: CircuitState, mono_ms: int) -> int:
    """How much longer a circuit that is off must stay off, in milliseconds.

    If its meter saw it stop by itself before, the time counts from then.
    """
    if live.off_mono_ms is None:
        return 0
    stopped_ms = live.off_mono_ms if live.stopped_mono_ms is None else live.stopped_mono_ms
    return max(0, min(live.off_mono_ms, stopped_ms) + circuit.min_off_ms - mono_ms)


def must_stay_on_ms(circuit: Circuit, live: CircuitState, mono_ms: int) -> int:
    """How much longer a circuit that came on, or started by itself, must run, in ms."""
    if live.off_mono_ms is not None:
        return 0
    marks = [mark for mark in (live.on_mono_ms, live.started_mono_ms) if mark is not None]
    return max(0, max(marks) + circuit.min_on_ms - mono_ms) if marks else 0


def recovery_left_ms(circuit: Circuit, live: CircuitState, mono_ms: int) -> int:
    """How much longer a released circuit cannot be shed again, in ms."""
    if live.back_mono_ms is None or live.giving:
        return 0
    return max(0, live.back_mono_ms + circuit.min_release - mono_ms)


def off_left_ms(circuit: Circuit, live: CircuitState, mono_ms: int) -> int | None:
    """How much longer an event can keep a circuit off, in ms; None: no limit.

    Time off counts whoever switched it off, also if a person has just switched it on again.
    """
    if circuit.max_off_ms is None or live.off_mono_ms is None or not live.enabled:
        return None
    return max(0, live.off_mono_ms + circuit.max_off_ms - mono_ms)


def shed_today_ms(live: CircuitState, mono_ms: int, day: int) -> int:
    """How long a circuit was shed today so far, in ms."""
    running = mono_ms - live.giving_mono_ms if live.giving_mono_ms is not None else 0
    return (live.shed_today_ms if live.day == day else 0) + max(0, running)


def shed_left_ms(circuit: Circuit, live: CircuitState, mono_ms: int, day: int) -> int | None:
    """How much longer a circuit can be shed today, in ms; None: no limit."""
    if circuit.max_shed_per_day is None:
        return None
    return max(0, circuit.max_shed_per_day - shed_today_ms(live, mono_ms, day))


def can_give_ms(
    circuit: Circuit, live: CircuitState, off: bool, mono_ms: int, day: int
) -> int | None:
    """How long a circuit could be shed from now on, in ms; None: no limit.

    `off`: it would be off, so that its `max_off` counts too.
    """
    left_ms = off_left_ms(circuit, live, mono_ms)
    most_off_ms = (circuit.max_off_ms if left_ms is None else left_ms) if off else None
    lefts = (most_off_ms, shed_left_ms(circuit, live, mono_ms, day))
    return min((left for left in lefts if left is not None), default=None)


def daily_limit_reason(circuit: Circuit, live: CircuitState, mono_ms: int, day: int) -> str:
    """Why a circuit has reached its limits of the day; "" if it has not."""
    most = circuit.max_events_per_day
    sheds = live.sheds_today if live.day == day else 0
    if most is not None and sheds >= most and not live.giving:
        return f"was shed {sheds} times today, its maximum"
    if shed_left_ms(circuit, live, mono_ms, day) == 0:
        return "was shed for its maximum time today"
    return ""


def saved_by_person_w(circuit: Circuit, live: CircuitState, mono_ms: int) -> int:
    """What a person switched off and is still off, in watts; also while it must rest."""
    if live.enabled and not must_stay_off_ms(circuit, live, mono_ms):
        return 0
    still_w = (live.drawn_w or 0) if live.fault is not None else 0  # it did not switch off
    return max(0, live.by_person_w - still_w)


def next_changes_ms(circuit: Circuit, live: CircuitState, mono_ms: int, day: int) -> list[int]:
    """The times after which one of these changes by itself, in ms, each above 0."""
    lefts = (
        must_stay_off_ms(circuit, live, mono_ms),
        must_stay_on_ms(circuit, live, mono_ms),
        recovery_left_ms(circuit, live, mono_ms),
        off_left_ms(circuit, live, mono_ms),
        shed_left_ms(circuit, live, mono_ms, day) if live.giving else None,
    )
    return [left for left in lefts if left]


def duration(ms: int) -> str:
    """A duration for people: `4:12`, `1:04:12`."""
    seconds = -(-ms // 1000)
    minutes, hours = seconds // 60, seconds // 3600
    if hours:
        return f"{hours}:{minutes % 60:02}:{seconds % 60:02}"
    return f"{minutes}:{seconds % 60:02}"
