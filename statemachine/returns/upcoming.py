"""What will happen by itself: the states to which time and chart lead the live events.

Nothing is decided here. Guards are evaluated for the future moment with what is known now.
"""

from __future__ import annotations

from collections.abc import Iterator

from ..chart.registry import GUARDS
from ..kit.frozen import changed
from ..site.spec import Spec
from ..site.tables import Row
from ..state.memory import Event, Memory
from ..state.triggers import Timer
from ..state.turn import Turn

Move = tuple[int, str, str]  # at_ms, the event's id, the state it is in from then on


def memory_at(memory: Memory, at_ms: int) -> Memory:
    """The site at a future moment, with circuits and readings as they are now."""
    ahead_ms = at_ms - memory.at_ms
    circuits = {
        id: changed(live, read_mono_ms=live.read_mono_ms + ahead_ms)
        for id, live in memory.circuits.items()
        if live.read_mono_ms is not None
    }
    return changed(
        memory,
        at_ms=at_ms,
        mono_ms=memory.mono_ms + ahead_ms,
        circuits={**memory.circuits, **circuits},
    )


def next_state(spec: Spec, then: Memory, event: Event, word: str) -> str | None:
    """The state to which a trigger leads an event at the moment of `then`; None: no row."""
    look = Timer(at_ms=then.at_ms, mono_ms=then.mono_ms)
    turn = Turn(spec, then, look, word, event.id)
    for row in spec.event.transitions:
        taken = row.trigger == word and event.state in spec.event.sources(row)
        if taken and _fits(row, turn):
            return event.state if row.to in (None, "same") else str(row.to)
    return None


def upcoming_moves(spec: Spec, memory: Memory) -> list[Move]:
    """Every move that events make by time alone, in order; the last of each is at `end_ms`."""
    moves = [move for event in memory.events.values() for move in _moves(spec, memory, event)]
    return sorted(moves, key=lambda move: move[0])


def upcoming_reports(spec: Spec, memory: Memory, event: Event, word: str) -> list[str]:
    """What the status topic reports after the trigger `word`, until the event is over."""
    reports: list[str] = []
    state = next_state(spec, memory, event, word)
    for _ in spec.event.states:
        if state is None:
            break
        if state != event.state and (report := spec.event.states[state].report):
            reports.append(report)
        event = changed(event, state=state)
        then = changed(memory, events={event.id: event})
        state = next_state(spec, then, event, "released") or next_state(
            spec, then, event, "elapsed"
        )
    return reports


def _moves(spec: Spec, memory: Memory, event: Event) -> Iterator[Move]:
    """A chart can have loops, so no more moves than states are followed."""
    wakes = dict(event.wakes)
    for _ in spec.event.states:
        if not wakes or event.state not in spec.event.states:
            break
        word, at_ms = min(wakes.items(), key=lambda wake: wake[1])
        del wakes[word]
        then = changed(memory, at_ms=max(at_ms, memory.at_ms), events={event.id: event})
        state = next_state(spec, then, event, word)
        if state is not None:
            event = changed(event, state=state)
            wakes = _armed(spec, event, at_ms)
            yield at_ms, event.id, state
    yield event.end_ms, event.id, event.state


def _armed(spec: Spec, event: Event, at_ms: int) -> dict[str, int]:
    """The timers that the chart sets on entering a state."""
    state, wakes = spec.event.states[event.state], dict[str, int]()
    if state.until is not None:
        wakes |= {"ended": event.end_ms} if state.until == "end" else {"started": event.start_ms}
    return wakes if state.for_ is None else wakes | {"elapsed": at_ms + state.for_}


def _fits(row: Row, turn: Turn) -> bool:
    yes = all(GUARDS[name](turn) for name in row.if_)
    return yes and not any(GUARDS[name](turn) for name in row.unless)
