"""What must be on disk before it is done, and what is done whether the disk works or not.

A decision that sheds load or promises something waits until it is stored, because it must be known
after a crash. One that restores load, or is a person's own act at the site, does not wait.
"""

from __future__ import annotations

from collections.abc import Sequence

from ..curtail.requirement import event_start_ms
from ..site.spec import Spec
from ..state.cloud_triggers import Desired
from ..state.effects import Effect, Switch
from ..state.memory import Event, Memory
from ..state.triggers import (
    HERE,
    OPERATOR,
    Cancel,
    DrEvent,
    Lock,
    OptOut,
    Restore,
    SetConfig,
    Toggle,
    Trigger,
)

NOT_STORED = "the disk cannot be written, and this must survive a crash; try again when it works"
CROWDED = "the disk is slow, and other commands wait for it already; try again later"
OVERLOADED = "too many commands arrive; try again, more slowly"
OVERTAKEN = "a newer command replaced this one before it was carried out; try again if needed"


def must_store_first(
    spec: Spec, before: Memory, after: Memory, trigger: Trigger, effects: Sequence[Effect]
) -> bool:
    """Whether this decision sheds load or promises something, so that it must be stored first.

    A refusal or a copy promises nothing, and neither does a revision that sheds less.
    """
    match trigger:
        case DrEvent(event_id=id):
            return _takes_more(before.events.get(id), after.events.get(id))
        case Toggle(source=source):
            return source == OPERATOR and _switches(spec, effects)
        case Lock(circuit=id, locked=True):
            return id in after.circuits and after.circuits[id] != before.circuits[id]
        case SetConfig():
            return after.every_ms != before.every_ms
        case Desired():
            return after.every_ms != before.every_ms or _switches(spec, effects)
    return False


def takes_load(spec: Spec, circuit: str, enabled: bool) -> bool:
    """Whether a remote switch takes load off, or changes a critical circuit."""
    return not enabled or spec.circuits[circuit].critical


def withdraws(spec: Spec, newer: Trigger, waiting: Trigger) -> bool:
    """Whether the trigger `newer` withdraws what `waiting` asks for.

    A slow disk must not make anything shed after load was requested back, and the newest command
    about a thing counts.
    """
    match waiting, newer:
        case Toggle(circuit=id), Toggle(circuit=other):
            return id == other
        case Lock(circuit=id), Lock(circuit=other):
            return id == other
        case SetConfig(), SetConfig():
            return True
        case DrEvent(source=source), Restore(event_id=None, shuts=True):
            return source not in HERE or event_start_ms(spec.site.id, None, waiting) <= newer.at_ms
        case DrEvent(), Restore(event_id=None):
            return event_start_ms(spec.site.id, None, waiting) <= newer.at_ms
        case DrEvent(event_id=id), OptOut(event_id=other, circuit=None):
            return id == other
        case DrEvent(event_id=id), Restore() | Cancel() | DrEvent():
            return id == newer.event_id
    return False


def _takes_more(was: Event | None, now: Event | None) -> bool:
    if now is None or was is None:
        return now is not None
    more_w, longer = now.shed_w > was.shed_w, now.end_ms > was.end_ms
    return more_w or longer or now.start_ms < was.start_ms


def _switches(spec: Spec, effects: Sequence[Effect]) -> bool:
    switches = [effect for effect in effects if isinstance(effect, Switch)]
    return any(takes_load(spec, switch.circuit, switch.enabled) for switch in switches)
