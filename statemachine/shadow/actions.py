"""The things that the shadow's chart may do."""

from __future__ import annotations

from ..chart.registry import action
from ..curtail.savings import switch
from ..kit.frozen import changed
from ..site.named_shadows import MOST
from ..state.cloud_triggers import Answered, Delta, Desired, Document
from ..state.effects import Switch
from ..state.shadow import Decision, End
from ..state.turn import Turn
from . import reconcile
from .ack_record import PENDING, SILENT, SUPERSEDED, ack_record
from .report import BARE
from .wishes import INTERVAL

LOOP, TOO_LARGE = "shadow_loop", "shadow_too_large"
FULLER_MS, FULLER_MOST_MS = 30_000, 900_000
MOST_REMEMBERED = reconcile.MOST_ANSWERS * MOST  # a wish for each circuit of a shadow


@action("shadow")
def get_shadow(turn: Turn) -> None:
    """Forget the version and ask for the whole document."""
    turn.remember_shadow(version=None, wants="get")


@action("shadow", "document", "delta")
def adopt(turn: Turn) -> None:
    """Take version and wishes from the document or delta; decide what can be decided at once."""
    said = turn.trigger
    if isinstance(said, Desired):
        found = reconcile.judge(turn.spec, turn.memory, said)
        turn.remember_shadow(
            version=said.version,
            newest=said.version,
            heard=0,
            wishes=said.wishes or (),
            doubled=said.doubled,
            clears=found.clears,
            refused=found.refused,
            decided={**turn.shadow.decided, **found.decided},
            alarms={name: at for name, at in turn.shadow.alarms.items() if name != LOOP},
        )
        _adopt_interval(turn, said, found)
    if isinstance(said, Document):
        turn.remember_shadow(acked=said.acked)


def _adopt_interval(turn: Turn, said: Desired, found: reconcile.Judgement) -> None:
    """A setting that is new is applied, and echoed by the next report."""
    asked = said.interval
    if not turn.key and asked is not None and asked.every_ms is not None:
        turn.remember_shadow(interval=asked)
    if found.every_ms is not None:
        turn.remember(every_ms=found.every_ms)
    if asked is not None and asked.every_ms == turn.memory.every_ms:
        _forget_refusal(turn, said)


def _forget_refusal(turn: Turn, said: Desired) -> None:
    """What was said of an earlier setting is not true of the one that holds now."""
    if INTERVAL in (turn.shadow.ack or {}).get("r", {}):
        fine = changed(turn.shadow, version=said.version, wishes=(), refused={}, doubled=())
        turn.remember_shadow(ack=ack_record(fine, answered_s(turn)))


@action("shadow")
def apply_wishes(turn: Turn) -> None:
    """Switch every circuit whose wish is new. The wish is the base; an event still masks it.

    A wish decided before is not carried out again: a restart restates its switch anyway.
    """
    for wish in turn.shadow.open_wishes():
        known = turn.shadow.decided.get(wish.circuit)
        if known is not None and known.about(wish):
            continue
        switch(turn, wish.circuit, wish.enabled, "cloud", last_command="")
        taken = Decision(wish.enabled, wish.stamp_s, PENDING, "", turn.now_ms)
        end_open(turn, wish.circuit, (SUPERSEDED, "a newer wish came"), not wish.enabled)
        turn.remember_shadow(decided={**turn.shadow.decided, wish.circuit: taken})
        turn.do(Switch(wish.circuit, wish.enabled, "cloud"))


@action("shadow")
def give_up(turn: Turn) -> None:
    """End the wishes that no driver has confirmed."""
    late = {
        wish.circuit: Decision(wish.enabled, wish.stamp_s, SILENT, "no answer", turn.now_ms)
        for wish in turn.shadow.open_wishes()
    }
    turn.remember_shadow(decided={**turn.shadow.decided, **late})


@action("shadow")
def settle(turn: Turn) -> None:
    """Take what was answered out of desired and say what became of it, in one guarded update."""
    turn.remember_shadow(wants="settle")


@action("shadow")
def report(turn: Turn) -> None:
    """From here on what is reported is kept true: at once where it changed, else by heartbeat."""
    turn.remember_shadow(wants="report")


@action("shadow", "settled", "reported")
def advance(turn: Turn) -> None:
    """Our own update moved the version, and nothing else did."""
    said, shadow = turn.trigger, turn.shadow
    if isinstance(said, Answered):
        told = tuple((shadow.ack or {}).get("r", {}))
        turn.remember_shadow(version=said.version, newest=said.version, refusals=0, acked=told)
        if said.settles:
            turn.remember_shadow(wishes=(), doubled=(), clears=(), refused={})


@action("shadow", "delta")
def note(turn: Turn) -> None:
    """Remember that a delta came which is not read now: whatever answers us must be as new."""
    said = turn.trigger
    if isinstance(said, Delta):
        turn.remember_shadow(heard=max(turn.shadow.heard, said.version))


@action("shadow")
def forget_heard(turn: Turn) -> None:
    """Believe the next document: a shadow that was deleted counts from the beginning."""
    turn.remember_shadow(heard=0)


@action("shadow")
def back_off(turn: Turn) -> None:
    """Wait a moment, longer when it keeps being refused."""
    turn.remember_shadow(refusals=turn.shadow.refusals + 1)
    turn.arm({**turn.wakes(), "elapsed": turn.now_ms + reconcile.jitter_ms(turn.spec, turn.shadow)})


@action("shadow")
def slim(turn: Turn) -> None:
    """Leave out names, then power, never what is on; and say so."""
    shadow = turn.shadow
    tried = shadow.fuller_pause_ms and not shadow.fuller_ms
    pause_ms = min(FULLER_MOST_MS, 2 * shadow.fuller_pause_ms) if tried else FULLER_MS
    turn.remember_shadow(
        lean=min(BARE, shadow.lean + 1),
        fuller_ms=turn.now_ms + pause_ms,
        fuller_pause_ms=pause_ms,
    )
    sound(turn, TOO_LARGE)


@action("shadow")
def sound_loop(turn: Turn) -> None:
    """Say that the cloud and this site answer each other without end."""
    sound(turn, LOOP)


def end_open(turn: Turn, circuit: str, end: End, enabled: bool | None) -> None:
    """End the open wishes of all shadows that want `circuit` so, or (None) in any way."""
    shadows = dict(turn.memory.shadows)
    for key, shadow in shadows.items():
        one = shadow.decided.get(circuit)
        if one is not None and one.code == PENDING and enabled in (None, one.enabled):
            ended = Decision(one.enabled, one.stamp_s, *end, turn.now_ms)
            shadows[key] = changed(shadow, decided={**shadow.decided, circuit: ended})
    turn.remember(shadows=shadows)


def sound(turn: Turn, alarm: str) -> None:
    """Raise an alarm, unless it is up already."""
    turn.remember_shadow(alarms={alarm: turn.now_ms, **turn.shadow.alarms})


def count_answer(turn: Turn) -> None:
    """An update goes out only because the cloud asked for it."""
    shadow, mono_ms = turn.shadow, turn.trigger.mono_ms
    about = [(mono_ms, what) for what in reconcile.subjects(shadow.wishes, shadow.refused)]
    every = [*reconcile.recent_answers(shadow, mono_ms), *about][-MOST_REMEMBERED:]
    turn.remember_shadow(
        answers=tuple(at for at, _ in every), answered=tuple(what for _, what in every)
    )


def answered_s(turn: Turn) -> int:
    """When something is answered now, in the service's time where that is known."""
    return (reconcile.server_ms(turn.memory, turn.trigger.mono_ms) or turn.now_ms) // 1000
