"""The wall clock is set now and then; this keeps lengths of time as long as they were."""

from __future__ import annotations

from ..kit.frozen import changed
from .circuit import CircuitState
from .memory import Event, Memory, Returning
from .shadow import shift_times
from .triggers import Restarted
from .turn import Turn

STEP_MS = 1_000


def follow_clock(turn: Turn) -> None:
    """Remember both clocks. A step of the wall clock moves lengths, not what has a date."""
    memory, trigger = turn.memory, turn.trigger
    if isinstance(trigger, Restarted):
        turn.remember(boot=trigger.boot)
    step_ms = (trigger.at_ms - trigger.mono_ms) - (memory.at_ms - memory.mono_ms)
    turn.remember(at_ms=trigger.at_ms, mono_ms=trigger.mono_ms)
    if memory.at_ms and not rebooted(memory, turn.memory) and abs(step_ms) > STEP_MS:
        _follow(turn, memory, step_ms)


def rebooted(before: Memory, now: Memory) -> bool:
    """The machine came up anew in between: another boot, or a monotonic clock that ran back."""
    if not before.at_ms:
        return False
    return now.mono_ms < before.mono_ms or (before.boot != "" and before.boot != now.boot)


def _follow(turn: Turn, memory: Memory, step_ms: int) -> None:
    turn.remember(
        events={id: _event(x, step_ms, memory.at_ms) for id, x in memory.events.items()},
        circuits={id: _circuit(live, step_ms) for id, live in memory.circuits.items()},
        shadows={key: shift_times(shadow, step_ms) for key, shadow in memory.shadows.items()},
        coming=_coming(memory.coming, step_ms),
        pending=tuple(changed(x, due_ms=x.due_ms + step_ms) for x in memory.pending),
        renew_ms=memory.renew_ms and turn.now_ms,  # leases carry a date of the old clock
        look_ms=turn.now_ms,  # and so do the next changes
        lost_ms=memory.lost_ms and memory.lost_ms + step_ms,
        shut_ms=memory.shut_ms and memory.shut_ms + step_ms,
        draining=memory.draining and tuple(at + step_ms for at in memory.draining),
    )


def _circuit(live: CircuitState, step_ms: int) -> CircuitState:
    """Whose turn it is does not change."""
    return changed(live, gave_ms=live.gave_ms + step_ms) if live.gave_ms else live


def _event(event: Event, step_ms: int, last_ms: int) -> Event:
    """A dated event keeps its dates; but one that has ended begins no more."""
    short_ms = event.short_ms and event.short_ms + step_ms
    if event.scheduled:
        lengths = {n: at + step_ms * (n == "elapsed") for n, at in event.wakes.items()}
        over = event.end_ms <= last_ms
        end_ms = min(event.end_ms, last_ms + step_ms) if over else event.end_ms
        return changed(event, wakes=lengths, short_ms=short_ms, end_ms=end_ms)
    return changed(
        event,
        start_ms=event.start_ms + step_ms,
        end_ms=event.end_ms + step_ms,
        entered_ms=event.entered_ms + step_ms,
        wakes={name: at + step_ms for name, at in event.wakes.items()},
        short_ms=short_ms,
    )


def _coming(coming: Returning, step_ms: int) -> Returning:
    return changed(
        coming,
        due_ms=coming.due_ms and coming.due_ms + step_ms,
        last_ms=coming.last_ms + step_ms,
        not_before_ms=coming.not_before_ms and coming.not_before_ms + step_ms,
        blocked_ms=coming.blocked_ms and coming.blocked_ms + step_ms,
    )
