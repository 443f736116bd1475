"""The charts and the state of each event in them, for the page to draw."""

from __future__ import annotations

from statemachine.site.spec import Spec
from statemachine.site.tables import Row, State, Table
from statemachine.state.memory import Memory, Transition

from .shadow import label
from .shapes.machine import (
    ChartBody,
    ChartRowBody,
    ChartStateBody,
    LastMoveBody,
    MachineBody,
    TransitionBody,
)


def machine(spec: Spec, memory: Memory) -> MachineBody:
    """The answer of GET /api/v1/machine."""
    return {
        "charts": [_chart("event", spec.event), _chart("shadow", spec.shadow)],
        "live": [
            {"id": event.id, "state": event.state, "entered": event.entered_ms / 1000}
            for event in memory.events.values()
        ],
        "last": None if memory.last is None else _last(memory.last),
    }


def transition(passed: Transition) -> TransitionBody:
    """A transition as sent in the stream."""
    return {
        "event_id": passed.event_id,
        "from": passed.source,
        "to": passed.target,
        "trigger": passed.trigger,
        "at": passed.at_ms / 1000,
    }


def _last(passed: Transition) -> LastMoveBody:
    return {
        "id": passed.event_id,
        "from": passed.source,
        "to": passed.target,
        "trigger": passed.trigger,
        "at": passed.at_ms / 1000,
    }


def _chart(name: str, table: Table) -> ChartBody:
    return {
        "name": name,
        "initial": table.initial,
        "states": [_state(id, state) for id, state in table.states.items()],
        "rows": [_row(table, row) for row in table.transitions],
    }


def _state(name: str, state: State) -> ChartStateBody:
    return {
        "name": name,
        "label": label(name),
        "final": state.final,
        "sheds_percent": state.sheds,
        "until": state.until,
        "for_s": None if state.for_ is None else state.for_ / 1000,
        "report": state.report,
    }


def _row(table: Table, row: Row) -> ChartRowBody:
    return {
        "trigger": row.trigger,
        "from": table.sources(row),
        "to": row.to,
        "if": [*row.if_, *(f"not {name}" for name in row.unless)],
        "do": row.do,
    }
