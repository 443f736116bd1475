"""The actions of the shadow's chart, for `enter` and `do` in ven.yaml."""

from __future__ import annotations

from ..chart.registry import action
from ..curtail.savings import switch_circuit
from ..kit.frozen import changed
from ..site.named_shadows import MOST
from ..state.cloud_triggers import Answered, Delta, Desired, Document
from ..state.effects import Switch
from ..state.shadow import End, WishOutcome
from ..state.turn import Turn
from . import reconcile
from .ack_record import PENDING, SILENT, SUPERSEDED, ack_record
from .report import BARE
from .wishes import INTERVAL

LOOP, TOO_LARGE = "shadow_loop", "shadow_too_large"
FULLER_MS, FULLER_MOST_MS = 30_000, 900_000
MOST_REMEMBERED = reconcile.MOST_ANSWERS * MOST  # one wish for each circuit of a shadow


@action("shadow")
def get_shadow(turn: Turn) -> None:
    """Forget the known version and request the whole document."""
    turn.remember_shadow(version=None, wants="get")


@action("shadow", "document", "delta")
def adopt(turn: Turn) -> None:
    """Take version and desired state from the document or delta, and decide what can be decided."""
    trigger = turn.trigger
    if isinstance(trigger, Desired):
        judgement = reconcile.judge(turn.spec, turn.memory, trigger)
        turn.remember_shadow(
            version=trigger.version,
            newest=trigger.version,
            heard=0,
            wishes=trigger.wishes or (),
            doubled=trigger.doubled,
            clears=judgement.clears,
            refused=judgement.refused,
            decided={**turn.shadow.decided, **judgement.decided},
            alarms={name: at for name, at in turn.shadow.alarms.items() if name != LOOP},
        )
        _adopt_interval(turn, trigger, judgement)
    if isinstance(trigger, Document):
        turn.remember_shadow(acked=trigger.acked)


def _adopt_interval(turn: Turn, desired: Desired, judgement: reconcile.Judgement) -> None:
    """Apply a new interval; the next report echoes it."""
    interval = desired.interval
    if not turn.key and interval is not None and interval.every_ms is not None:
        turn.remember_shadow(interval=interval)
    if judgement.every_ms is not None:
        turn.remember(every_ms=judgement.every_ms)
    if interval is not None and interval.every_ms == turn.memory.every_ms:
        _forget_refusal(turn, desired)


def _forget_refusal(turn: Turn, desired: Desired) -> None:
    """Forget the refusal of an earlier interval, because it does not apply to the present one."""
    if INTERVAL in (turn.shadow.ack or {}).get("r", {}):
        fine = changed(turn.shadow, version=desired.version, wishes=(), refused={}, doubled=())
        turn.remember_shadow(ack=ack_record(fine, answered_s(turn)))


@action("shadow")
def apply_wishes(turn: Turn) -> None:
    """Switch every circuit whose desired state is new. An event can still hold it down.

    One that was decided before is not switched again: a restart repeats its switch anyway.
    """
    for wish in turn.shadow.open_wishes():
        outcome = turn.shadow.decided.get(wish.circuit)
        if outcome is not None and outcome.about(wish):
            continue
        switch_circuit(turn, wish.circuit, wish.enabled, "cloud", last_command="")
        taken = WishOutcome(wish.enabled, wish.stamp_s, PENDING, "", turn.now_ms)
        end_open_wishes(
            turn, wish.circuit, (SUPERSEDED, "replaced by a newer request"), not wish.enabled
        )
        turn.remember_shadow(decided={**turn.shadow.decided, wish.circuit: taken})
        turn.do(Switch(wish.circuit, wish.enabled, "cloud"))


@action("shadow")
def give_up(turn: Turn) -> None:
    """Give up the desired changes that no driver has confirmed."""
    late = {
        wish.circuit: WishOutcome(wish.enabled, wish.stamp_s, SILENT, "no answer", turn.now_ms)
        for wish in turn.shadow.open_wishes()
    }
    turn.remember_shadow(decided={**turn.shadow.decided, **late})


@action("shadow")
def settle(turn: Turn) -> None:
    """Remove what was answered from desired and report the results, in one versioned update."""
    turn.remember_shadow(wants="settle")


@action("shadow")
def report(turn: Turn) -> None:
    """Keep the reported state up to date: at once if it changed, else at intervals."""
    turn.remember_shadow(wants="report")


@action("shadow", "settled", "reported")
def advance(turn: Turn) -> None:
    """Take the new version, because only our own update changed it."""
    trigger, shadow = turn.trigger, turn.shadow
    if isinstance(trigger, Answered):
        ids = tuple((shadow.ack or {}).get("r", {}))
        turn.remember_shadow(version=trigger.version, newest=trigger.version, refusals=0, acked=ids)
        if trigger.settles:
            turn.remember_shadow(wishes=(), doubled=(), clears=(), refused={})


@action("shadow", "delta")
def note(turn: Turn) -> None:
    """Remember the version of a delta that is not read now; later answers must be as new."""
    trigger = turn.trigger
    if isinstance(trigger, Delta):
        turn.remember_shadow(heard=max(turn.shadow.heard, trigger.version))


@action("shadow")
def forget_heard(turn: Turn) -> None:
    """Accept the next document with any version: a deleted shadow counts from 1 again."""
    turn.remember_shadow(heard=0)


@action("shadow")
def back_off(turn: Turn) -> None:
    """Wait a moment before the next request; longer after repeated refusals."""
    turn.remember_shadow(refusals=turn.shadow.refusals + 1)
    turn.arm({**turn.wakes(), "elapsed": turn.now_ms + reconcile.jitter_ms(turn.spec, turn.shadow)})


@action("shadow")
def slim(turn: Turn) -> None:
    """Leave out names, then power, to make the document smaller, and raise an alarm."""
    shadow = turn.shadow
    tried = shadow.fuller_pause_ms and not shadow.fuller_ms
    pause_ms = min(FULLER_MOST_MS, 2 * shadow.fuller_pause_ms) if tried else FULLER_MS
    turn.remember_shadow(
        lean=min(BARE, shadow.lean + 1),
        fuller_ms=turn.now_ms + pause_ms,
        fuller_pause_ms=pause_ms,
    )
    raise_alarm(turn, TOO_LARGE)


@action("shadow")
def sound_loop(turn: Turn) -> None:
    """Raise the alarm that the cloud and this site keep answering each other."""
    raise_alarm(turn, LOOP)


def end_open_wishes(turn: Turn, circuit: str, end: End, enabled: bool | None) -> None:
    """End the open wishes of all shadows for `circuit` in state `enabled`, or (None) in any."""
    shadows = dict(turn.memory.shadows)
    for key, shadow in shadows.items():
        outcome = shadow.decided.get(circuit)
        if outcome is not None and outcome.code == PENDING and enabled in (None, outcome.enabled):
            ended = WishOutcome(outcome.enabled, outcome.stamp_s, *end, turn.now_ms)
            shadows[key] = changed(shadow, decided={**shadow.decided, circuit: ended})
    turn.remember(shadows=shadows)


def raise_alarm(turn: Turn, alarm: str) -> None:
    """Raise an alarm, unless it is already raised."""
    turn.remember_shadow(alarms={alarm: turn.now_ms, **turn.shadow.alarms})


def count_answer(turn: Turn) -> None:
    """Count an answer to the cloud, to notice a loop of answers."""
    shadow, mono_ms = turn.shadow, turn.trigger.mono_ms
    about = [(mono_ms, what) for what in reconcile.subjects(shadow.wishes, shadow.refused)]
    answers = [*reconcile.recent_answers(shadow, mono_ms), *about][-MOST_REMEMBERED:]
    turn.remember_shadow(
        answers=tuple(at for at, _ in answers), answered=tuple(what for _, what in answers)
    )


def answered_s(turn: Turn) -> int:
    """The present time in epoch seconds, by the clock of the service if it is known."""
    return (reconcile.server_ms(turn.memory, turn.trigger.mono_ms) or turn.now_ms) // 1000
