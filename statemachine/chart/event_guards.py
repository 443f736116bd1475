"""The guards of the event chart, for `if` and `unless` in ven.yaml."""

from __future__ import annotations

from ..curtail import delivery_tracking
from ..curtail.capacity import can_give
from ..curtail.requirement import event_start_ms
from ..state.triggers import DrEvent
from ..state.turn import Turn
from .registry import guard


@guard("event", "dr_event")
def starts_later(turn: Turn) -> bool:
    """The event starts later, not now."""
    command = turn.trigger
    return isinstance(command, DrEvent) and _begins_ms(turn, command) > turn.now_ms


@guard("event")
def can_shed(turn: Turn) -> bool:
    """At least one circuit can shed load now."""
    return can_give(turn.spec, turn.memory)


@guard("event")
def from_operator(turn: Turn) -> bool:
    """The grid operator requested the event, not somebody at the site."""
    return turn.event.source == "operator"


@guard("event")
def delivers(turn: Turn) -> bool:
    """95 % of the requested load is measured as shed, or people switched it off."""
    return delivery_tracking.meets_need(turn.spec, turn.memory, turn.event, turn.event.shed_w)


@guard("event")
def over(turn: Turn) -> bool:
    """The event's end has passed."""
    return turn.now_ms >= turn.event.end_ms


def _begins_ms(turn: Turn, command: DrEvent) -> int:
    return event_start_ms(turn.spec.site.id, turn.event, command)
