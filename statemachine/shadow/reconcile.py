"""Compares desired with reported: which wishes are new, which win, and which end at once.

A wish is consumed: decided once, carried out, and removed from the shadow by one update with the
version at which it was read. Settings are echoed, as AWS recommends, and removed only if they are
refused. The newest choice wins, by the clock of the shadow service.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from ..journal.promises import takes_load
from ..kit.last_answer import cache_last
from ..kit.quantity import millis_text
from ..returns.ending import closed_to_events
from ..site.spec import EVERY_MS, Spec
from ..state.cloud_triggers import Desired
from ..state.desires import Wish
from ..state.memory import Memory
from ..state.shadow import End, ShadowState, WishOutcome
from .ack_record import (
    APPLIED,
    EXPIRED,
    FAILED,
    INVALID,
    LOCKED,
    NOT_REMOTE,
    PENDING,
    SILENT,
    SUPERSEDED,
    UNKNOWN,
    UNSTORED,
)
from .wishes import CIRCUITS, INTERVAL

SLACK_MS = 1_000  # stamps are whole seconds
LOOP_MS = 60_000
MOST_ANSWERS = 10  # about one subject, in that time
TRIED = (APPLIED, PENDING, FAILED, SILENT)


@dataclass(slots=True)
class Judgement:
    """What is decided at once about everything desired; `open` is still to be done."""

    refused: dict[str, End] = field(default_factory=dict)
    decided: dict[str, WishOutcome] = field(default_factory=dict)
    open: list[Wish] = field(default_factory=list)
    clears: tuple[str, ...] = ()
    every_ms: int | None = None


@cache_last
def judge(spec: Spec, memory: Memory, desired: Desired) -> Judgement:
    """The judgement of a document or delta, computed once for all guards and actions."""
    out = Judgement(refused=dict(desired.refusals))
    for wish in desired.wishes or ():
        _judge_wish(spec, memory, desired, wish, out)
    out.clears = () if desired.wishes is None else desired.wished
    _judge_interval(memory, desired, out)
    return out


def _judge_wish(spec: Spec, memory: Memory, desired: Desired, wish: Wish, out: Judgement) -> None:
    outcome = memory.shadows[desired.key].decided.get(wish.circuit)
    if (refused := _never(spec, wish)) is not None:
        out.refused[wish.circuit] = refused
    elif outcome is not None and outcome.about(wish):
        if outcome.code == PENDING:
            out.open.append(wish)
    elif end := _end(spec, memory, desired, wish):
        out.decided[wish.circuit] = WishOutcome(wish.enabled, wish.stamp_s, *end, desired.at_ms)
    else:
        out.open.append(wish)


def _never(spec: Spec, wish: Wish) -> End | None:
    """Why a wish can never be done at this site; None: it can."""
    circuit = spec.circuits.get(wish.circuit)
    if circuit is None:
        return UNKNOWN, "unknown"
    if not circuit.switchable_from_afar:
        return NOT_REMOTE, "not switchable remotely"
    if circuit.comes_back == "by_hand" and wish.enabled:
        return NOT_REMOTE, "can only be switched on by hand"
    return (NOT_REMOTE, "this site only observes") if spec.observes else None


def _end(spec: Spec, memory: Memory, desired: Desired, wish: Wish) -> End | None:
    """How a new wish for a switchable circuit ends at once; None: it is carried out."""
    live = memory.circuits[wish.circuit]
    if live.locked_by is not None:
        return LOCKED, f"locked by {live.locked_by}"
    if _too_old(spec, memory, desired, wish):
        return EXPIRED, f"older than {millis_text(spec.commands.wish_max_age)}"
    if live.enabled == wish.enabled and live.fault is None:
        return APPLIED, ""
    if not wish.enabled and closed_to_events(memory, "cloud"):
        return LOCKED, "all load was requested back"
    if _changed_after(memory, live.changed_mono_ms, wish.stamp_s, desired.mono_ms):
        return SUPERSEDED, f"switched by {live.switched_by} later"
    if _newer_elsewhere(memory, desired.key, wish):
        return SUPERSEDED, "replaced by a newer request"
    if not desired.storable and takes_load(spec, wish.circuit, wish.enabled):
        return UNSTORED, "storage"
    return None


def _judge_interval(memory: Memory, desired: Desired, out: Judgement) -> None:
    interval = desired.interval
    if desired.key or interval is None or interval.every_ms == memory.every_ms:
        return
    if interval.every_ms is None:
        low_s, high_s = EVERY_MS[0] // 1000, EVERY_MS[1] // 1000
        out.refused[INTERVAL] = INVALID, f"must be {low_s} to {high_s}"
    elif interval == memory.shadow.interval or _changed_after(
        memory, memory.every_mono_ms, interval.stamp_s, desired.mono_ms
    ):
        out.refused[INTERVAL] = SUPERSEDED, "changed later"
    elif not desired.storable:
        out.refused[INTERVAL] = UNSTORED, "storage"
    else:
        out.every_ms = interval.every_ms
    if INTERVAL in out.refused:
        out.clears = (*out.clears, INTERVAL)


def server_ms(memory: Memory, mono_ms: int) -> int | None:
    """The shadow service's time now: that of its last answer plus the time since."""
    offset_ms = memory.server_mono_ms
    return None if offset_ms is None else offset_ms + mono_ms


def _too_old(spec: Spec, memory: Memory, desired: Desired, wish: Wish) -> bool:
    now_ms = max(server_ms(memory, desired.mono_ms) or 0, (desired.server_s or 0) * 1000)
    return 0 < wish.stamp_s * 1000 < now_ms - spec.commands.wish_max_age


def _changed_after(memory: Memory, changed_ms: int | None, stamp_s: int, mono_ms: int) -> bool:
    """Whether it was certainly changed after the wish. A tie or an unknown age is no.

    Both times are the service's, because the clock of this machine may be wrong.
    """
    if changed_ms is None or changed_ms > mono_ms or not stamp_s:
        return False
    changed_at_ms = server_ms(memory, changed_ms)
    return changed_at_ms is not None and stamp_s * 1000 + SLACK_MS < changed_at_ms


def _newer_elsewhere(memory: Memory, key: str, wish: Wish) -> bool:
    """Another shadow's wish for this circuit is newer, and was carried out or tried."""
    others = (shadow.decided.get(wish.circuit) for k, shadow in memory.shadows.items() if k != key)
    tried = [outcome for outcome in others if outcome is not None and outcome.code in TRIED]
    return any(outcome.stamp_s > wish.stamp_s for outcome in tried)


def subjects(wishes: Iterable[Wish], refused: Iterable[str]) -> list[str]:
    """What an answer is about, entry by entry; the same desired state has the same subjects."""
    wished = {wish.circuit: f"{wish.circuit} {'on' if wish.enabled else 'off'}" for wish in wishes}
    others = [f"{id} refused" for id in refused if id not in wished]
    return [*wished.values(), *others] or [CIRCUITS]


def answers_in_loop(spec: Spec, memory: Memory, desired: Desired) -> bool:
    """Whether everything desired was answered so often in the last minute that it may be a loop.

    One wish that is not repeated is enough for no, so that a loop never delays it.
    """
    shadow, judgement = memory.shadows[desired.key], judge(spec, memory, desired)
    often = Counter(what for _, what in recent_answers(shadow, desired.mono_ms))
    desired_subjects = subjects(desired.wishes or (), judgement.refused)
    return bool(judgement.clears) and all(often[what] >= MOST_ANSWERS for what in desired_subjects)


def recent_answers(shadow: ShadowState, mono_ms: int) -> list[tuple[int, str]]:
    """The times of answers to the cloud in the last minute, with their subjects."""
    answers = zip(shadow.answers, shadow.answered, strict=False)  # older journals kept no subjects
    return [(at, what) for at, what in answers if mono_ms - LOOP_MS < at <= mono_ms]


def jitter_ms(spec: Spec, shadow: ShadowState) -> int:
    """The wait after a refusal: 50 to 500 ms, from the sixth refusal on 30 to 120 s.

    Derived from site and request, so that a repeated decision gives the same wait.
    """
    dice = hashlib.sha256(f"{spec.site.id}:{shadow.token}:{shadow.refusals}".encode()).digest()
    share = int.from_bytes(dice[:4], "big") / 2**32
    low, high = (50, 500) if shadow.refusals <= 5 else (30_000, 120_000)
    return round(low + share * (high - low))
