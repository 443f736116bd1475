"""Forecasts when each held circuit comes back if nothing else happens, and why then.

First: from when on nothing needs it shed any more. Second: when its turn to come back is then. If
that cannot be known, no time is given. A circuit that is shed a third time, or that comes back in
parts by the ramp, may be off by a few steps of `restore.every`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from ..curtail.capacity import loads
from ..curtail.dwell import (
    daily_limit_reason,
    must_stay_on_ms,
    off_left_ms,
    recovery_left_ms,
    shed_left_ms,
)
from ..curtail.plan import plan_cuts
from ..curtail.requirement import active_events, needed_w
from ..kit.frozen import changed
from ..kit.localtime import day_of
from ..site.panel import Circuit
from ..site.spec import Spec
from ..state.circuit import CircuitState
from ..state.memory import Event, Memory
from .bridge import bridged_circuits
from .ending import begun_events
from .release import stays_off
from .return_order import Eased, ReturnForecast, return_steps, schedule_returns
from .upcoming import Move, memory_at, next_state, upcoming_moves

MOST_AHEAD = 60  # future moments that are examined; circuits held beyond them have no time

# How a circuit comes back, and the text for it.
WAYS = {
    "event": "when the event is over, in its turn",
    "following": "when another event is over, in its turn",
    "turn": "in its turn",
    "rest": "after its minimum time off",
    "max_off": "after its maximum time off",
    "budget": "when its shed time of today is used up",
    "room": "once there is room below the main breaker",
    "by_hand": "when somebody switches it on",
    "later": "when no event needs it any more",
}


@dataclass(frozen=True, slots=True)
class RestoreForecast:
    """The events that a restore of all would end, and how every circuit would come back."""

    ends: tuple[str, ...]
    backs: Mapping[str, ReturnForecast]


def forecast_returns(spec: Spec, memory: Memory) -> dict[str, ReturnForecast]:
    """How every circuit comes back that is held or was switched off by an event."""
    if spec.observes:
        return {}
    lives = memory.circuits.items()
    held = [
        id for id, live in lives if live.enabled and (live.held_w is not None or id in memory.cuts)
    ]
    backs = dict.fromkeys(held, ReturnForecast("later")) | (
        _returns(spec, memory, held) if held else {}
    )
    by_hand = [id for id, live in lives if _by_hand(spec.circuits[id], live)]
    return backs | dict.fromkeys(by_hand, ReturnForecast("by_hand"))


def forecast_restore(spec: Spec, memory: Memory) -> RestoreForecast:
    """What a restore without an id would do now: it ends every event that has started."""
    ends = {event.id: state for event, state in _restored(spec, memory)}
    events = {
        id: changed(event, state=ends[id], wakes={}) if id in ends else event
        for id, event in memory.events.items()
    }
    coming = changed(memory.coming, not_before_ms=0)
    then = changed(memory, events=events, coming=coming)
    target_w = needed_w(spec, then, then.at_ms)
    cuts = plan_cuts(loads(spec, then), target_w, memory.cuts, spec.curtail.policy)
    return RestoreForecast(tuple(ends), forecast_returns(spec, changed(then, cuts=cuts)))


def _restored(spec: Spec, memory: Memory) -> Iterator[tuple[Event, str]]:
    for id in begun_events(spec, memory, memory.at_ms):
        event = memory.events[id]
        state = next_state(spec, memory, event, "restore")
        if state is not None:
            yield event, state


def _by_hand(circuit: Circuit, live: CircuitState) -> bool:
    switched_off = not live.enabled and live.switched_by == "event"
    return stays_off(circuit, live) or (circuit.comes_back == "by_hand" and switched_off)


def _returns(spec: Spec, memory: Memory, held: list[str]) -> dict[str, ReturnForecast]:
    """When nothing needs each circuit shed, then its turn; circuits without a forecast are absent.

    A circuit that still waits or rests when an event starts may be shed again, and comes back with
    the others after it.
    """
    to_come, then, again = upcoming_moves(spec, memory), memory, set[str]()
    freed, backs, eased = (
        dict[str, ReturnForecast](),
        dict[str, ReturnForecast](),
        dict[str, Eased](),
    )
    protected, asked_w = _protected(spec, memory, held), needed_w(spec, memory, memory.at_ms)
    to_look = _Timeline(memory.at_ms, protected.union(at_ms for at_ms, _, _ in to_come))
    for at_ms in to_look:
        done = {id: ms for id, back in backs.items() if (ms := back.at_ms or at_ms) < at_ms}
        if done.keys() >= set(held):
            break
        if at_ms > memory.at_ms:
            last, then = then, _moved(then, at_ms, to_come)
            before_w, asked_w = asked_w, needed_w(spec, then, at_ms)
            if asked_w == before_w and at_ms not in protected and not _opted_out(last):
                continue  # most events end like this
            back = {id: back_ms for id, back_ms in done.items() if id not in again}
            then = _then(spec, then, back)
            changing = _changing(spec, then, back)
            protected |= changing
            to_look.add(changing)
            again |= done.keys() & then.cuts.keys()
            eased = {id: (at_ms, 1) for id in then.cuts if _eases(last, then, id)} | eased
        wanted = {*then.cuts, *bridged_circuits(spec, then)}
        eased = {id: step for id, step in eased.items() if id not in again & wanted}
        for id in again - wanted - eased.keys():
            eased[id] = at_ms, return_steps(spec, id, then.circuits[id])
        down = [id for id in spec.tiers if id in held or then.circuits[id].giving]
        for id in [id for id in down if id not in done]:
            if id in wanted:
                freed.pop(id, None)
            elif id not in freed:
                freed[id] = ReturnForecast(_why(spec, memory, then, id), at_ms)
        backs = schedule_returns(spec, _with(memory, then, again), freed, eased)
    return {id: backs[id] for id in held if id in backs}


class _Timeline:
    """Now and the future moments, in order, at which the set of shed circuits may change."""

    def __init__(self, now_ms: int, moments: Iterable[int]) -> None:
        self._now_ms, self._left = now_ms, [now_ms]
        self.add(moments)

    def add(self, moments: Iterable[int]) -> None:
        """Add moments, unless they have passed."""
        self._left = sorted({*self._left, *(at_ms for at_ms in moments if at_ms > self._now_ms)})

    def __iter__(self) -> Iterator[int]:
        for _ in range(MOST_AHEAD):
            if self._left:
                self._now_ms = self._left.pop(0)
                yield self._now_ms


def _opted_out(memory: Memory) -> bool:
    return any(event.opted_out for event in memory.events.values())


def _then(spec: Spec, then: Memory, done: Mapping[str, int]) -> Memory:
    """The site at that moment, with the plan made then carried out.

    `done`: circuits that are back, since when.
    """
    to_mono_ms = then.mono_ms - then.at_ms
    back = {
        id: _let_go(spec.circuits[id], then.circuits[id], back_ms + to_mono_ms)
        for id, back_ms in done.items()
    }
    then = changed(then, circuits={**then.circuits, **back})
    target_w = needed_w(spec, then, then.at_ms)
    cuts = plan_cuts(loads(spec, then), target_w, then.cuts, spec.curtail.policy)
    down = {id: _taken(then.circuits[id], cut_w, then.mono_ms) for id, cut_w in cuts.items()}
    return changed(then, cuts=cuts, circuits={**then.circuits, **down})


def _eases(last: Memory, then: Memory, id: str) -> bool:
    """Whether the plan gives a part of it back."""
    before_w, now_w = last.circuits[id].held_w, then.circuits[id].held_w
    return before_w is not None and now_w is not None and now_w > before_w


def _with(memory: Memory, then: Memory, again: set[str]) -> Memory:
    """Memory now, with circuits that are shed for the first time by then as they are held then."""
    gives = {id: live for id, live in then.circuits.items() if live.giving and id not in again}
    return changed(memory, circuits={**memory.circuits, **gives})


def _changing(spec: Spec, memory: Memory, ids: Iterable[str]) -> set[int]:
    """When released circuits can be shed again, after `min_release` and `min_on`."""
    lefts_ms = {
        left_ms(spec.circuits[id], memory.circuits[id], memory.mono_ms)
        for id in ids
        for left_ms in (recovery_left_ms, must_stay_on_ms)
    }
    return {memory.at_ms + left_ms for left_ms in lefts_ms if left_ms}


def _protected(spec: Spec, memory: Memory, held: list[str]) -> set[int]:
    """When a protection changes by itself, or a future event starts to keep load shed."""
    day, now_ms = day_of(memory.at_ms, spec.site.timezone), memory.at_ms
    moments = {event.start_ms - spec.restore.bridge for event in memory.events.values()}
    moments |= _changing(spec, memory, memory.circuits)
    for id in held:
        circuit, live = spec.circuits[id], memory.circuits[id]
        off_ms = off_left_ms(circuit, live, memory.mono_ms)
        shed_ms = shed_left_ms(circuit, live, memory.mono_ms, day)
        moments |= {now_ms + left_ms for left_ms in (off_ms, shed_ms) if left_ms is not None}
    return moments


def _moved(last: Memory, at_ms: int, to_come: list[Move]) -> Memory:
    """The site at a future moment, with every event in its state then, without ended ones."""
    states = {id: state for ms, id, state in to_come if last.at_ms < ms <= at_ms}
    events = {
        id: changed(event, state=states[id]) if id in states else event
        for id, event in last.events.items()
        if event.end_ms > at_ms
    }
    return memory_at(changed(last, events=events), at_ms)


def _why(spec: Spec, memory: Memory, then: Memory, id: str) -> str:
    """Why it can come back at the moment of `then`."""
    circuit, live = spec.circuits[id], then.circuits[id]
    if live.off and off_left_ms(circuit, live, then.mono_ms) == 0:
        return "max_off"
    if live.giving and daily_limit_reason(
        circuit, live, then.mono_ms, day_of(then.at_ms, spec.site.timezone)
    ):
        return "budget"
    if then.at_ms == memory.at_ms:
        return "turn"
    binding = next(iter(active_events(spec, memory, memory.at_ms)), None)
    return "event" if binding is not None and then.at_ms <= binding.end_ms else "following"


def _taken(live: CircuitState, cut_w: int, mono_ms: int) -> CircuitState:
    """A circuit that sheds `cut_w` from now on."""
    held_w = live.free_w - cut_w
    since_ms = mono_ms if live.off_mono_ms is None else live.off_mono_ms
    off_ms = None if held_w else since_ms
    gave_ms = live.giving_mono_ms if live.giving else mono_ms
    return changed(live, held_w=held_w, giving_mono_ms=gave_ms, off_mono_ms=off_ms)


def _let_go(circuit: Circuit, live: CircuitState, mono_ms: int) -> CircuitState:
    """A circuit that is back, or stays off until a person switches it on."""
    if live.held_w is None:
        return live
    on_ms = live.on_mono_ms if live.off_mono_ms is None else mono_ms
    free = changed(live, held_w=None, giving_mono_ms=None, off_mono_ms=None, on_mono_ms=on_ms)
    return changed(free, back_mono_ms=mono_ms, enabled=not stays_off(circuit, live))
