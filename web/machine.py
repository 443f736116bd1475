"""The charts and the state of each event in them, for the page to draw."""

from __future__ import annotations

from typing import Any

from statemachine.site.spec import Spec
from statemachine.site.tables import Row, State, Table
from statemachine.state.memory import Memory, Passed

from .shadow import label


def machine(spec: Spec, memory: Memory) -> dict[str, Any]:
    """The answer of GET /api/v1/machine."""
    live = [
        {"id": event.id, "state": event.state, "entered": event.entered_ms / 1000}
        for event in memory.events.values()
    ]
    last = None
    if memory.last is not None:
        last = transition(memory.last)
        last["id"] = last.pop("event_id")
    charts = [_chart("event", spec.event), _chart("shadow", spec.shadow)]
    return {"charts": charts, "live": live, "last": last}


def transition(passed: Passed) -> dict[str, Any]:
    """A transition as sent in the stream."""
    return {
        "event_id": passed.event_id,
        "from": passed.source,
        "to": passed.target,
        "trigger": passed.trigger,
        "at": passed.at_ms / 1000,
    }


def _chart(name: str, table: Table) -> dict[str, Any]:
    return {
        "name": name,
        "initial": table.initial,
        "states": [_state(id, state) for id, state in table.states.items()],
        "rows": [_row(table, row) for row in table.transitions],
    }


def _state(name: str, state: State) -> dict[str, Any]:
    return {
        "name": name,
        "label": label(name),
        "final": state.final,
        "sheds_percent": state.sheds,
        "until": state.until,
        "for_s": None if state.for_ is None else state.for_ / 1000,
        "report": state.report,
    }


def _row(table: Table, row: Row) -> dict[str, Any]:
    return {
        "trigger": row.trigger,
        "from": table.sources(row),
        "to": row.to,
        "if": [*row.if_, *(f"not {name}" for name in row.unless)],
        "do": row.do,
    }
