"""The questions ven.yaml may ask in `if` and `unless`. Each only looks, and answers yes or no."""

from __future__ import annotations

from collections.abc import Callable

from .capacity import capacity_w
from .notices import ENOUGH_PERCENT
from .reconcile import asked_of, verdicts
from .requirement import begins_ms
from .triggers import Answered, Delta, DrEvent
from .turn import Turn
from .wire import shed_w

Guard = Callable[[Turn], bool]
GUARDS: dict[str, Guard] = {}


def guard(function: Guard) -> Guard:
    """Let ven.yaml use `function` by its own name."""
    GUARDS[function.__name__] = function
    return function


@guard
def starts_later(turn: Turn) -> bool:
    """The event's start is still to come."""
    asked = turn.trigger
    return isinstance(asked, DrEvent) and _begins_ms(turn, asked) > turn.now_ms


@guard
def can_shed(turn: Turn) -> bool:
    """Some circuit that may be shed draws power now."""
    return capacity_w(turn.spec, turn.memory) > 0


@guard
def from_operator(turn: Turn) -> bool:
    """The grid operator called the event, not somebody at the site."""
    return turn.event.source == "operator"


@guard
def delivers(turn: Turn) -> bool:
    """95 % of what the event asks for is measured."""
    needed_w = turn.event.shed_w * ENOUGH_PERCENT
    return shed_w(turn.memory) * 100 >= needed_w


@guard
def over(turn: Turn) -> bool:
    """The event's end has passed."""
    return turn.now_ms >= turn.event.end_ms


@guard
def wishes(turn: Turn) -> bool:
    """The shadow desires something of the circuits."""
    return asked_of(turn.trigger) is not None


@guard
def open_wishes(turn: Turn) -> bool:
    """One of the wishes has no end state yet."""
    asked = asked_of(turn.trigger) or ()
    ended = verdicts(turn.spec, turn.memory, turn.trigger)
    return any(wish.circuit not in ended for wish in asked)


@guard
def newer(turn: Turn) -> bool:
    """The delta's version is above the one known, or none is known."""
    known = turn.shadow.version
    return isinstance(turn.trigger, Delta) and (known is None or turn.trigger.version > known)


@guard
def contiguous(turn: Turn) -> bool:
    """Nobody else wrote between the version known and the one of our update."""
    known = turn.shadow.version
    if not isinstance(turn.trigger, Answered) or known is None:
        return False
    return known <= turn.trigger.version <= known + 1


def _begins_ms(turn: Turn, asked: DrEvent) -> int:
    return begins_ms(turn.spec.site.id, turn.event, asked)
