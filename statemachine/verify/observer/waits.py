"""Since when load could come back: an observer's record of everything it may still wait for.

Load may wait for its minimum time off, counted from when its device went off, for room below the
main breaker, for the step before it, for a random delay of the return, for the pause after a
reboot, for an accepted event that is about to start, and for a driver that does not answer. It may
wait for nothing else.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...curtail.history import LAST_MS
from ...interlock.wanted_state import LONGEST_MS
from ...state.measures import power_w
from ...state.triggers import Restarted
from ..world.play import Moment

if TYPE_CHECKING:
    from .observer import Observer

UNANSWERED = ("mute", "dead", "flapping", "late")


class ReturnWaits:
    """`free` names what is held and could come back, `since_ms` since when.

    Times are elapsed ms, as everywhere in the observer. `for_event`: an accepted event starts so
    soon that it may keep load shed.
    """

    def __init__(self) -> None:
        self.free: list[str] = []
        self.since_ms, self.for_event = 0, False
        self._paused_until_ms = 0
        self._mute_ms: dict[str, int] = {}
        self._off_ms: dict[str, int] = {}
        self._held_w: dict[str, int] = {}
        self._ended: set[tuple[str, int]] = set()

    def note(self, book: Observer, now: Moment) -> None:
        """Record one moment, after the observer has recorded everything else of it."""
        self._note_pauses(book, now)
        self.for_event = _one_is_coming(book)
        was_free, self.free = self.free, self._could_return(book, now)
        held_w = {id: state.held_w for id, state in book.seen.items() if state.held_w is not None}
        stepped = any(id not in held_w or held_w[id] > was_w for id, was_w in self._held_w.items())
        self._held_w = held_w
        if not was_free or stepped or isinstance(now.trigger, Restarted):
            self.since_ms = now.ms  # what comes next is due one step after this

    def mute(self, id: str, ms: int) -> bool:
        """Its driver does not answer, or did not a moment ago and is to be asked again."""
        return ms <= self._mute_ms.get(id, -LONGEST_MS) + LONGEST_MS

    def _could_return(self, book: Observer, now: Moment) -> list[str]:
        if now.ms <= self._paused_until_ms or self.for_event:
            return []
        held = [id for id, state in book.seen.items() if state.waits and not book.rests(id, now.ms)]
        held = [id for id in held if not self.mute(id, now.ms) and _is_kept_down(book, id, now)]
        held = [id for id in held if not self._rests(book, id, now)]
        return [id for id in held if _has_room(book, now, id) and not stays_by_hand(book, now, id)]

    def _rests(self, book: Observer, id: str, now: Moment) -> bool:
        """Its device went off later than commanded, and must rest from then on."""
        off_ms = self._off_ms.get(id)
        return off_ms is not None and now.ms - off_ms < book.spec.circuits[id].min_off_ms

    def _note_pauses(self, book: Observer, now: Moment) -> None:
        """The end of an event can start a random delay, and a reboot a pause.

        A circuit whose driver did not answer a moment ago is asked again at its next turn.
        """
        all = book.play.breakers.all.items()
        self._mute_ms |= {id: now.ms for id, breaker in all if breaker.fault in UNANSWERED}
        off = [
            id
            for id, breaker in all
            if not breaker.on or (breaker.hold_w == 0 and now.ms < breaker.until_ms)
        ]
        self._off_ms = {id: self._off_ms.get(id, now.ms) for id in off}
        ended = {
            (id, event.end_ms)
            for id, event in book.calls.all.items()
            if event.end_ms <= book.play.at_ms
        }
        if ended - self._ended:
            spread_ms = now.ms + book.spec.restore.spread
            self._paused_until_ms = max(self._paused_until_ms, spread_ms)
        self._ended |= ended
        if book.play.booted_ms:
            booted_ms = book.play.booted_ms + LAST_MS
            self._paused_until_ms = max(self._paused_until_ms, booted_ms)


def stays_by_hand(book: Observer, now: Moment, id: str) -> bool:
    """It was shed wholly, comes back by hand, and an event still needs a part of it."""
    return book.spec.circuits[id].comes_back == "by_hand" and id in now.memory.cuts


def _one_is_coming(book: Observer) -> bool:
    at_ms, bridge_ms = book.play.at_ms, book.spec.restore.bridge
    return any(
        not event.over and at_ms < event.start_ms <= at_ms + bridge_ms
        for event in book.calls.all.values()
    )


def _has_room(book: Observer, now: Moment, id: str) -> bool:
    live = now.memory.circuits[id]
    more_w = max(0, live.free_w - (live.drawn_w or 0))
    return not more_w or power_w(now.memory) + more_w <= book.spec.site.service


def _is_kept_down(book: Observer, id: str, now: Moment) -> bool:
    """Its device is held; a hold that never arrived does not count."""
    breaker = book.play.breakers.all[id]
    return breaker.hold_w is not None and now.ms < breaker.until_ms
