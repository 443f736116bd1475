"""The questions that the shadow's chart may ask."""

from __future__ import annotations

from ..chart.registry import guard
from ..state.cloud_triggers import Answered, Delta, Desired, Document, Refused
from ..state.turn import Turn
from . import reconcile

TOO_LARGE = 413


@guard("shadow", "document", "delta")
def wishes(turn: Turn) -> bool:
    """Something is desired that must be answered: of circuits, or a setting that is refused."""
    said = turn.trigger
    return isinstance(said, Desired) and bool(reconcile.judge(turn.spec, turn.memory, said).clears)


@guard("shadow", "document", "delta", implies="wishes")
def open_wishes(turn: Turn) -> bool:
    """One of the wishes has no end state yet."""
    said = turn.trigger
    return isinstance(said, Desired) and bool(reconcile.judge(turn.spec, turn.memory, said).open)


@guard("shadow", "delta")
def newer(turn: Turn) -> bool:
    """The delta's version is above the one known, or none is known."""
    known = turn.shadow.version
    return isinstance(turn.trigger, Delta) and (known is None or turn.trigger.version > known)


@guard("shadow", "delta")
def later(turn: Turn) -> bool:
    """The delta's version is above all that was read since the link is up, and some was."""
    newest = turn.shadow.newest
    return isinstance(turn.trigger, Delta) and 0 < newest < turn.trigger.version


@guard("shadow", "settled", "reported")
def contiguous(turn: Turn) -> bool:
    """Nobody else wrote between the version known and the one of our update."""
    known, said = turn.shadow.version, turn.trigger
    if not isinstance(said, Answered) or known is None:
        return False
    return known <= said.version <= known + 1 and turn.shadow.heard <= said.version


@guard("shadow", "document")
def outdated(turn: Turn) -> bool:
    """A delta has already told of a version after the document's."""
    return isinstance(turn.trigger, Document) and turn.trigger.version < turn.shadow.heard


@guard("shadow", "document", "delta", implies="wishes")
def looping(turn: Turn) -> bool:
    """Nothing is desired but what was answered ten times within the last minute."""
    said = turn.trigger
    return isinstance(said, Desired) and reconcile.looping(turn.spec, turn.memory, said)


@guard("shadow", "refused")
def too_large(turn: Turn) -> bool:
    """The service says that the document is too large."""
    return isinstance(turn.trigger, Refused) and turn.trigger.code == TOO_LARGE
