"""The wall clock is set now and then; this keeps lengths of time as long as they were."""

from __future__ import annotations

from dataclasses import replace

from .memory import Event
from .shadows import moved
from .triggers import Restarted
from .turn import Turn

STEP_MS = 1_000


def follow_clock(turn: Turn) -> None:
    """A step of the wall clock moves what is measured in lengths, not what has a date."""
    memory, offset_ms = turn.memory, turn.trigger.at_ms - turn.trigger.mono_ms
    known_ms, same_boot = memory.offset_ms, True
    if isinstance(turn.trigger, Restarted):
        same_boot = turn.trigger.boot == memory.boot
        turn.remember(boot=turn.trigger.boot)
        if not same_boot:
            _forget_the_old_boot(turn)
    turn.remember(offset_ms=offset_ms)
    if known_ms is None or not same_boot or abs(offset_ms - known_ms) <= STEP_MS:
        return
    step_ms = offset_ms - known_ms
    events = {id: _moved(event, step_ms) for id, event in memory.events.items()}
    shadows = {key: moved(shadow, step_ms) for key, shadow in memory.shadows.items()}
    turn.remember(
        events=events,
        shadows=shadows,
        release_ms=memory.release_ms and memory.release_ms + step_ms,
        released_ms=memory.released_ms + step_ms,
        renew_ms=memory.renew_ms and turn.now_ms,  # leases carry a date of the old clock
    )


def _forget_the_old_boot(turn: Turn) -> None:
    """The monotonic clock began anew: what was measured on it has an unknown age now."""
    lives = turn.memory.circuits.items()
    turn.remember(
        circuits={id: replace(live, changed_mono_ms=None) for id, live in lives},
        every_mono_ms=None,
        server_mono_ms=None,
    )


def _moved(event: Event, step_ms: int) -> Event:
    if event.scheduled:
        lengths = {n: at + step_ms * (n == "elapsed") for n, at in event.wakes.items()}
        return replace(event, wakes=lengths)
    return replace(
        event,
        start_ms=event.start_ms + step_ms,
        end_ms=event.end_ms + step_ms,
        entered_ms=event.entered_ms + step_ms,
        wakes={name: at + step_ms for name, at in event.wakes.items()},
    )
