"""What the core itself says of an event's delivery: achieved, underperforming, superseded.

95 % of what an event requires must be measured; short for 30 s is underperforming, until it is
achieved again (domain.md, What a programme expects).
"""

from __future__ import annotations

from .frozen import changed
from .memory import Event
from .requirement import active, saved_w, sheds_w
from .totals import shed_w
from .triggers import Readings
from .turn import Turn

ENOUGH_PERCENT = 95
SHORT_MS = 30_000


def take_notice(turn: Turn) -> list[tuple[str, str]]:
    """Remember how each event that sheds is served; answers what is new, as event id and word.

    Delivery is judged where something was measured, and nothing is delivered by who only observes.
    """
    shedding = active(turn.spec, turn.memory, turn.now_ms)
    measured = isinstance(turn.trigger, Readings) and not turn.spec.observes
    measured_w, said = shed_w(turn.memory), []
    for place, event in enumerate(shedding):
        after = _delivery(turn, event, measured_w) if measured else event
        if place == 0 and "superseded" in after.told:
            after = changed(after, told=tuple(word for word in after.told if word != "superseded"))
        if place and turn.spec.curtail.overlap == "max" and _weaker(turn, event, shedding[0]):
            after = _tell(after, "superseded")
        said += [(event.id, word) for word in after.told if word not in event.told]
        if after != event:
            turn.remember(events={**turn.memory.events, event.id: after})
    return said


def short(event: Event, now_ms: int) -> bool:
    """It has delivered too little for long enough to say so."""
    return event.short_ms is not None and now_ms - event.short_ms >= SHORT_MS


def _weaker(turn: Turn, event: Event, binding: Event) -> bool:
    now_ms = turn.now_ms
    return sheds_w(turn.spec, event, now_ms) < sheds_w(turn.spec, binding, now_ms)


def _delivery(turn: Turn, event: Event, measured_w: int) -> Event:
    needed_w = sheds_w(turn.spec, event, turn.now_ms)
    had_w = measured_w + saved_w(turn.spec, turn.memory, [event.id])
    if had_w * 100 >= needed_w * ENOUGH_PERCENT:
        told = tuple(word for word in event.told if word != "underperforming")
        return _tell(changed(event, short_ms=None, told=told), "achieved")
    since_ms = turn.now_ms if event.short_ms is None else event.short_ms
    event = changed(event, short_ms=since_ms)
    if not short(event, turn.now_ms):
        return event
    told = tuple(word for word in event.told if word != "achieved")
    return _tell(changed(event, told=told), "underperforming")


def _tell(event: Event, word: str) -> Event:
    return event if word in event.told else changed(event, told=(*event.told, word))
