"""In which order and when circuits come back that no event needs any more."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from ..curtail.dwell import must_stay_off_ms, off_left_ms
from ..curtail.requirement import random_offset_ms
from ..site.panel import LEAST_AMPS
from ..site.spec import Spec
from ..state.circuit import CircuitState
from ..state.measures import power_w
from ..state.memory import Memory
from .release import returns_in_part

Place = tuple[str, bool]  # a circuit, and whether all of it comes back
Eased = tuple[int, int]  # when a part of a circuit can come back, and in how many steps


@dataclass(frozen=True, slots=True)
class ReturnForecast:
    """How a circuit comes back, and when all of it is back, in UTC ms; None: not known."""

    how: str
    at_ms: int | None = None


@dataclass(slots=True)
class _Returning:
    """A circuit that is to come back: when it can, in how many steps, and when it must."""

    how: str
    ready_ms: int
    steps: int
    must_ms: int | None


def schedule_returns(
    spec: Spec, memory: Memory, freed: Mapping[str, ReturnForecast], eased: Mapping[str, Eased]
) -> dict[str, ReturnForecast]:
    """One step each `restore.every`, critical circuits first; one that must rest holds up no other.

    `freed`: when each can come back, and why then. `eased`: further steps, for a part of a circuit
    or for one that is shed a second time.
    """
    left = dict(_queue(spec, memory, freed, eased))
    next_ms, beside_w = _first_ms(spec, memory), 0
    backs: dict[str, ReturnForecast] = {}
    while left:
        at_ms, key = _next(left, next_ms)
        returning, (id, whole) = left[key], key
        if returning.must_ms is not None and at_ms >= returning.must_ms:
            returning.how = "max_off"
        returning.must_ms, returning.ready_ms, returning.steps = None, at_ms, returning.steps - 1
        next_ms = max(next_ms, at_ms + spec.restore.every)
        if returning.steps:
            continue
        del left[key]
        if not whole:
            continue
        more_w = _more_w(memory.circuits[id])
        if _fits(spec, memory, beside_w + more_w):
            beside_w += more_w
            backs[id] = ReturnForecast(returning.how, at_ms)
        else:
            backs[id] = ReturnForecast("room")
    return backs


def _queue(
    spec: Spec, memory: Memory, freed: Mapping[str, ReturnForecast], eased: Mapping[str, Eased]
) -> Iterator[tuple[Place, _Returning]]:
    for id in reversed(spec.tiers):
        if id in eased:
            ready_ms, count = eased[id]
            yield (id, False), _Returning("", ready_ms, count, None)
        if id in freed:
            yield (id, True), _coming(spec, memory, id, freed[id])


def _next(left: Mapping[Place, _Returning], next_ms: int) -> tuple[int, Place]:
    """Which circuit comes next, and when: in turn, or at the end of its maximum time off."""
    at_ms = max(next_ms, min(returning.ready_ms for returning in left.values()))
    limits = ((returning.must_ms, key) for key, returning in left.items())
    musts = [(must_ms, key) for must_ms, key in limits if must_ms is not None]
    must = min(musts, default=None)
    if must is not None and must[0] <= at_ms:
        return must
    return at_ms, next(key for key, returning in left.items() if returning.ready_ms <= at_ms)


def _first_ms(spec: Spec, memory: Memory) -> int:
    coming = memory.coming
    if coming.due_ms is not None:
        return max(coming.due_ms, memory.at_ms)
    return max(coming.last_ms + spec.restore.every, coming.not_before_ms, memory.at_ms)


def _coming(spec: Spec, memory: Memory, id: str, freed: ReturnForecast) -> _Returning:
    circuit, live = spec.circuits[id], memory.circuits[id]
    free_ms = memory.at_ms if freed.at_ms is None else freed.at_ms
    rested_ms = memory.at_ms + must_stay_off_ms(circuit, live, memory.mono_ms)
    ready_ms = max(free_ms, _spread_ms(spec, memory, free_ms))
    left_ms = off_left_ms(circuit, live, memory.mono_ms) if live.off else None
    must_ms = None if left_ms is None else max(memory.at_ms + left_ms, rested_ms, free_ms)
    how = "rest" if rested_ms > ready_ms else freed.how
    return _Returning(how, max(ready_ms, rested_ms), return_steps(spec, id, live), must_ms)


def _spread_ms(spec: Spec, memory: Memory, free_ms: int) -> int:
    """When the random delay of the return after the operator's events is over, in UTC ms."""
    if not spec.restore.spread:
        return 0
    ends = [
        event.end_ms + random_offset_ms(spec.site.id, f"return-{event.id}", spec.restore.spread)
        for event in memory.events.values()
        if event.source == "operator" and memory.at_ms < event.end_ms <= free_ms
    ]
    return max(ends, default=0)


def return_steps(spec: Spec, id: str, live: CircuitState) -> int:
    """The number of steps: a car comes back at 6 A first, others by the ramp of the site."""
    circuit, ramp_w = spec.circuits[id], spec.restore.ramp
    if circuit.control == "ev_pilot":
        return 2 if live.held_w == 0 and live.free_w > LEAST_AMPS * circuit.amp_w else 1
    more_w = live.free_w - (live.held_w or 0)
    return max(1, -(-more_w // ramp_w)) if ramp_w and returns_in_part(circuit) else 1


def _fits(spec: Spec, memory: Memory, more_w: int) -> bool:
    return not more_w or power_w(memory) + more_w <= spec.site.service


def _more_w(live: CircuitState) -> int:
    return max(0, live.free_w - (live.drawn_w or 0))
