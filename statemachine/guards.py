"""The questions ven.yaml may ask in `if` and `unless` about an event, and the list of them all."""

from __future__ import annotations

from . import twin_guards
from .registry import GUARDS, guard
from .requirement import begins_ms
from .triggers import DrEvent
from .turn import Turn

__all__ = ["GUARDS", "twin_guards"]


@guard
def starts_later(turn: Turn) -> bool:
    """The event's start is still to come."""
    asked = turn.trigger
    return isinstance(asked, DrEvent) and begins_ms(turn.event, asked) > turn.now_ms


@guard
def over(turn: Turn) -> bool:
    """The event's end has passed."""
    return turn.now_ms >= turn.event.end_ms
