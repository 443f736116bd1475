"""The guards of the shadow's chart, for `if` and `unless` in ven.yaml."""

from __future__ import annotations

from ..chart.registry import guard
from ..state.cloud_triggers import Answered, Delta, Desired, Document, Refused
from ..state.turn import Turn
from . import reconcile

TOO_LARGE = 413


@guard("shadow", "document", "delta")
def wishes(turn: Turn) -> bool:
    """The desired section has something to answer: circuits, or a setting that is refused."""
    trigger = turn.trigger
    return isinstance(trigger, Desired) and bool(
        reconcile.judge(turn.spec, turn.memory, trigger).clears
    )


@guard("shadow", "document", "delta", implies="wishes")
def open_wishes(turn: Turn) -> bool:
    """At least one desired circuit change is not done or refused yet."""
    trigger = turn.trigger
    return isinstance(trigger, Desired) and bool(
        reconcile.judge(turn.spec, turn.memory, trigger).open
    )


@guard("shadow", "delta")
def newer(turn: Turn) -> bool:
    """The version of the delta is above the known one, or none is known."""
    version = turn.shadow.version
    return isinstance(turn.trigger, Delta) and (version is None or turn.trigger.version > version)


@guard("shadow", "delta")
def later(turn: Turn) -> bool:
    """The version of the delta is above every one read since the link came up, and one was read."""
    newest = turn.shadow.newest
    return isinstance(turn.trigger, Delta) and 0 < newest < turn.trigger.version


@guard("shadow", "settled", "reported")
def contiguous(turn: Turn) -> bool:
    """Nobody else wrote to the shadow between the known version and our update."""
    version, trigger = turn.shadow.version, turn.trigger
    if not isinstance(trigger, Answered) or version is None:
        return False
    return version <= trigger.version <= version + 1 and turn.shadow.heard <= trigger.version


@guard("shadow", "document")
def outdated(turn: Turn) -> bool:
    """A delta with a later version than the document has already come."""
    return isinstance(turn.trigger, Document) and turn.trigger.version < turn.shadow.heard


@guard("shadow", "document", "delta", implies="wishes")
def looping(turn: Turn) -> bool:
    """Everything desired was already answered ten times within the last minute."""
    trigger = turn.trigger
    return isinstance(trigger, Desired) and reconcile.answers_in_loop(
        turn.spec, turn.memory, trigger
    )


@guard("shadow", "refused")
def too_large(turn: Turn) -> bool:
    """The shadow service refused the document as too large."""
    return isinstance(turn.trigger, Refused) and turn.trigger.code == TOO_LARGE
