"""The things ven.yaml may do, in `enter` and `do`. Each remembers and yields effects.

Entering a state must bear repeating: that is how a crash is cured.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from .effects import Effect, GetShadow, Report, Switch
from .reconcile import (
    APPLIED,
    TIMED_OUT,
    ack_record,
    asked_of,
    fingerprint,
    jitter_ms,
    verdicts,
)
from .reconcile import open_wishes as still_open
from .requirement import begins_ms
from .triggers import Answered, Delta, Document, DrEvent, Wish
from .turn import Turn
from .wire import reported

Action = Callable[[Turn], Iterator[Effect]]
ACTIONS: dict[str, Action] = {}
MIN_GAP_MS = 1_000


def action(function: Action) -> Action:
    """Let ven.yaml use `function` by its own name."""
    ACTIONS[function.__name__] = function
    return function


@action
def accept(turn: Turn) -> Iterator[Effect]:
    """Take the event on, or take over its new terms."""
    asked = turn.trigger
    if isinstance(asked, DrEvent):
        start_ms = begins_ms(turn.spec.site.id, turn.event, asked)
        turn.remember_event(
            shed_w=asked.shed_w,
            start_ms=start_ms,
            end_ms=start_ms + asked.duration_ms,
            scheduled=asked.start_ms is not None
            or (turn.event.scheduled and start_ms == turn.event.start_ms),
            revision=asked.revision,
            randomize_ms=asked.randomize_ms,
        )
    yield from ()


@action
def get_shadow(turn: Turn) -> Iterator[Effect]:
    """Forget the version and ask for the whole document; only this answer counts."""
    token = turn.shadow.token + 1
    turn.remember_shadow(version=None, token=token, in_flight=token)
    yield GetShadow(token)


@action
def adopt(turn: Turn) -> Iterator[Effect]:
    """Take version and wishes from the document or delta; decide what can be decided at once."""
    said = turn.trigger
    if isinstance(said, Document | Delta):
        results = verdicts(turn.spec, turn.memory, said)
        fine = {wish.circuit: wish for wish in asked_of(said) or () if _applied(results, wish)}
        turn.remember_shadow(
            version=said.version,
            wish_version=said.version,
            wishes=asked_of(said) or (),
            results=results,
            decided={**turn.shadow.decided, **fine},
        )
    yield from ()


@action
def apply_wishes(turn: Turn) -> Iterator[Effect]:
    """Switch every circuit whose wish is new. The wish is the base; an event still masks it.

    A wish decided before is not carried out again: a restart restates its switch anyway.
    """
    for wish in still_open(turn.shadow):
        if turn.shadow.decided.get(wish.circuit) == wish:
            continue
        turn.memory = turn.memory.circuit(
            wish.circuit, enabled=wish.enabled, switched_by="cloud", switched_ms=turn.now_ms
        )
        turn.remember_shadow(decided={**turn.shadow.decided, wish.circuit: wish})
        yield Switch(wish.circuit, wish.enabled)


@action
def give_up(turn: Turn) -> Iterator[Effect]:
    """End the wishes that no driver has confirmed."""
    late = {wish.circuit: (TIMED_OUT, "no answer") for wish in still_open(turn.shadow)}
    turn.remember_shadow(results={**turn.shadow.results, **late})
    yield from ()


@action
def settle(turn: Turn) -> Iterator[Effect]:
    """Take the circuits out of desired and say what became of them, in one guarded update."""
    turn.remember_shadow(ack=ack_record(turn.shadow, turn.now_ms))
    yield _update(turn, settles=True)


@action
def report(turn: Turn) -> Iterator[Effect]:
    """Report what is, with one update in flight and at least a second between two."""
    shadow = turn.shadow
    if shadow.in_flight is None and turn.now_ms >= shadow.reported_ms + MIN_GAP_MS:
        yield _update(turn, settles=False)
    else:
        turn.remember_shadow(sent="")


@action
def advance(turn: Turn) -> Iterator[Effect]:
    """Our own update moved the version, and nothing else did."""
    said = turn.trigger
    if isinstance(said, Answered):
        turn.remember_shadow(version=said.version, refusals=0)
        if said.settles:
            turn.remember_shadow(wishes=(), results={})
    yield from ()


@action
def back_off(turn: Turn) -> Iterator[Effect]:
    """Wait a moment, longer when it keeps being refused."""
    turn.remember_shadow(refusals=turn.shadow.refusals + 1)
    turn.arm({**turn.wakes(), "elapsed": turn.now_ms + jitter_ms(turn.spec, turn.shadow)})
    yield from ()


def _applied(results: Mapping[str, tuple[int, str]], wish: Wish) -> bool:
    return results.get(wish.circuit, (0, ""))[0] == APPLIED


def _update(turn: Turn, settles: bool) -> Report:
    token = turn.shadow.token + 1
    fields = reported(turn.spec, turn.memory, turn.now_ms)
    turn.remember_shadow(
        token=token,
        in_flight=token,
        sent=fingerprint(fields),
        reported_ms=turn.now_ms,
    )
    return Report(token, fields, settles, turn.shadow.wish_version if settles else None)
