"""Tracks the delivery of events: achieved, underperforming, superseded.

95 % of what an event requires must be measured. Less for 30 s is underperforming, until it is
achieved again (domain.md, What a programme expects).
"""

from __future__ import annotations

from ..kit.frozen import changed
from ..site.spec import Spec
from ..state.measures import shed_w
from ..state.memory import Event, Memory
from ..state.triggers import Readings
from ..state.turn import Turn
from .requirement import active_events, event_required_w, saved_w

ENOUGH_PERCENT = 95
SHORT_MS = 30_000


def track_delivery(turn: Turn) -> list[tuple[str, str]]:
    """Remember the delivery of each shedding event; returns news as event id and word.

    Delivery is judged only after readings. A site in observe mode delivers nothing.
    """
    if not (shedding := active_events(turn.spec, turn.memory, turn.now_ms)):
        return []
    measured = isinstance(turn.trigger, Readings) and not turn.spec.observes
    words: list[tuple[str, str]] = []
    most_w = event_required_w(turn.spec, shedding[0], turn.now_ms)
    beside, all_served = turn.spec.curtail.overlap == "max", _enough(shed_w(turn.memory), most_w)
    news: dict[str, Event] = {}
    for index, event in enumerate(shedding):
        known = all_served and event.short_ms is None and "achieved" in event.told
        after = _delivery(turn, event) if measured and not known else event
        if index == 0 and "superseded" in after.told:
            after = changed(after, told=tuple(word for word in after.told if word != "superseded"))
        unsaid = index and beside and "superseded" not in after.told
        if unsaid and event_required_w(turn.spec, event, turn.now_ms) < most_w:
            after = _tell(after, "superseded")
        if after is not event:
            words += [(event.id, word) for word in after.told if word not in event.told]
            news[event.id] = after
    if news:
        turn.remember(events={**turn.memory.events, **news})
    return words


def underperforms(event: Event, now_ms: int) -> bool:
    """Whether it has delivered too little for `SHORT_MS`."""
    return event.short_ms is not None and now_ms - event.short_ms >= SHORT_MS


def meets_need(spec: Spec, memory: Memory, event: Event, needed_w: int) -> bool:
    """Whether 95 % of `needed_w` is measured, or was switched off by people during the event."""
    return _enough(shed_w(memory) + saved_w(spec, memory, [event.id]), needed_w)


def _enough(had_w: int, needed_w: int) -> bool:
    return had_w * 100 >= needed_w * ENOUGH_PERCENT


def _delivery(turn: Turn, event: Event) -> Event:
    if meets_need(turn.spec, turn.memory, event, event_required_w(turn.spec, event, turn.now_ms)):
        told = tuple(word for word in event.told if word != "underperforming")
        return _tell(changed(event, short_ms=None, told=told), "achieved")
    since_ms = turn.now_ms if event.short_ms is None else event.short_ms
    event = changed(event, short_ms=since_ms)
    if not underperforms(event, turn.now_ms):
        return event
    told = tuple(word for word in event.told if word != "achieved")
    return _tell(changed(event, told=told), "underperforming")


def _tell(event: Event, word: str) -> Event:
    return event if word in event.told else changed(event, told=(*event.told, word))
