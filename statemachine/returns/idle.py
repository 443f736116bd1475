"""Whether a site is at rest, and how long after the last event it must be."""

from __future__ import annotations

from ..curtail.history import LAST_MS
from ..site.panel import Circuit
from ..site.spec import Spec
from ..state.memory import Memory

BLOCKED_MS = 15 * 60_000  # load that waits this long for room below the main breaker is an alarm


def is_idle(memory: Memory) -> bool:
    """Whether no event has started, and nothing is held, coming back or waiting for an answer."""
    waiting = all(event.start_ms > memory.at_ms for event in memory.events.values())
    held = any(live.held_w is not None for live in memory.circuits.values())
    return waiting and not held and memory.coming.due_ms is None and not memory.pending


def heartbeat_only(memory: Memory) -> bool:
    """Whether the shadows only have to repeat their last report."""
    shadows = memory.shadows.values()
    return not any(x.in_flight or x.open_wishes() or x.wants in ("get", "settle") for x in shadows)


def return_is_blocked(memory: Memory) -> bool:
    """Whether there was no room for so long that critical load comes back anyway."""
    since_ms = memory.coming.blocked_ms
    return since_ms is not None and memory.at_ms - since_ms >= BLOCKED_MS


def idle_after_ms(spec: Spec) -> int:
    """The longest time that load takes to come back after all events, in ms."""
    circuits = spec.circuits.values()
    steps = sum(_steps(spec, circuit) for circuit in circuits)
    rests_ms = max((circuit.min_off_ms for circuit in circuits), default=0)
    states_ms = sum(state.for_ or 0 for state in spec.event.states.values())
    waits_ms = spec.restore.spread + spec.restore.bridge + LAST_MS + BLOCKED_MS
    return steps * spec.restore.every + rests_ms + states_ms + waits_ms + 60_000


def _steps(spec: Spec, circuit: Circuit) -> int:
    ramp_w = spec.restore.ramp
    return 2 if not ramp_w else 2 + circuit.rated // ramp_w
