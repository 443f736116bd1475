"""Runs a chart of ven.yaml with the library `transitions`.

Names are resolved here, once. The library would also accept strings, but it looks them up when
a row first fires, and imports any dotted path: a ven.yaml must not be able to call `os.abort`,
and a spelling mistake must not wait for the first event of the summer.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from transitions import EventData, Machine
from transitions import State as Node

from ..site.tables import Row, State, Table
from ..state.turn import Turn
from .registry import ACTIONS, GUARDS


@dataclass(slots=True)
class _Step:
    """The library's model: the present state, and the turn being decided."""

    state: str
    turn: Turn


class Chart:
    """A chart without a present state of its own: `fire` gets a state and returns the next one."""

    def __init__(self, table: Table) -> None:
        self.table = table
        self._machine = Machine(
            model=None,
            states=[
                Node(name, on_enter=[_entering(state)], on_exit=[_leaving])
                for name, state in table.states.items()
            ],
            initial=table.initial,
            transitions=[
                _transition(row, source)
                for row in table.transitions
                for source in table.sources(row)
            ],
            auto_transitions=False,
            send_event=True,
        )

    def fire(self, state: str, turn: Turn) -> str | None:
        """The state to which `turn` leads from `state`; None if no row matches."""
        rows = self._machine.events.get(turn.name)
        if rows is None or state not in rows.transitions:
            return None
        step = _Step(state, turn)
        return step.state if rows.trigger(step) else None

    def sources(self, trigger: str) -> frozenset[str]:
        """The states that have a row for this trigger."""
        rows = self._machine.events.get(trigger)
        return frozenset(rows.transitions if rows else ())


def _transition(row: Row, source: str) -> dict[str, object]:
    return {
        "trigger": row.trigger,
        "source": source,
        "dest": source if row.to == "same" else row.to,
        "conditions": [_asking(name) for name in row.if_],
        "unless": [_asking(name) for name in row.unless],
        "before": [_doing(row.do)] if row.do else [],
    }


def _asking(name: str) -> Callable[[EventData], bool]:
    guard = GUARDS[name]
    return lambda data: guard(_turn(data))


def _doing(names: Sequence[str]) -> Callable[[EventData], None]:
    actions = [ACTIONS[name] for name in names]

    def do(data: EventData) -> None:
        turn = _turn(data)
        for action in actions:
            action(turn)

    return do


def _leaving(data: EventData) -> None:
    _turn(data).leave()


def _entering(state: State) -> Callable[[EventData], None]:
    do = _doing(state.enter)

    def enter(data: Any) -> None:
        turn, move = _turn(data), data.transition
        turn.arm(_wakes(state, turn))
        do(data)
        if state.report and turn.event_id and move.source != move.dest:
            turn.told.append((turn.event, state.report))

    return enter


def _wakes(state: State, turn: Turn) -> dict[str, int]:
    """The timers of a state that is entered: trigger to UTC milliseconds."""
    wakes = {}
    if state.until == "end":
        wakes["ended"] = turn.event.end_ms
    elif state.until:
        wakes["started"] = turn.event.start_ms
    if state.for_ is not None:
        wakes["elapsed"] = turn.now_ms + state.for_
    return wakes


def _turn(data: Any) -> Turn:
    step: _Step = data.model
    return step.turn
