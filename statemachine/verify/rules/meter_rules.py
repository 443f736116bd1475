"""Rules that compare a played day with what circuits really draw.

The controller has to follow a reading within `lag_ms`: two readings and the time a driver takes.
`spare.py` tells which circuit could shed more.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ...curtail.delivery_tracking import ENOUGH_PERCENT
from ...curtail.dwell import duration
from ...state.effects import Ack, Status
from ...state.triggers import DrEvent, Readings
from ...wire.messages import telemetry
from ..observer.meters import noise_w
from ..observer.observer import Observer
from ..world.play import Moment
from .day_rules import day_rule


@day_rule("P37")
def a_plan_is_based_on_what_circuits_draw_now(book: Observer, now: Moment) -> Iterator[str]:
    yield from book.room.wrong


@day_rule("P38")
def load_reported_as_shed_is_missing_at_the_meters(book: Observer, now: Moment) -> Iterator[str]:
    for effect in now.effects:
        if isinstance(effect, Ack) and isinstance(now.trigger, DrEvent):
            yield from _acked(book, effect.body)
        elif isinstance(effect, Status) and effect.body.get("state") == "achieved":
            yield from _achieved(book, effect.body)
    if not isinstance(now.trigger, Readings):
        return
    reported_w, (low_w, high_w) = _shed_w(book.summary), missing_w(book)
    above, below = reported_w > high_w + noise_w(high_w), reported_w < low_w - noise_w(low_w)
    if book.lasts("P38", above or below, now.ms) > book.meters.lag_ms:
        yield f"{reported_w} W are reported as shed, but the meters show {_span(low_w, high_w)}"


def missing_w(book: Observer) -> tuple[int, int]:
    """The least and the most that the meters show as shed for events, in watts."""
    spans = [_missing_w(book, id) for id in book.seen]
    return sum(low_w for low_w, _ in spans), sum(high_w for _, high_w in spans)


def _missing_w(book: Observer, id: str) -> tuple[int, int]:
    meter, state, breaker = book.meters.all[id], book.seen[id], book.play.breakers.all[id]
    if not state.on or (state.gives_ms is None and not meter.troubled):
        return 0, 0
    low_w, high_w = meter.missing_w()
    if not book.spec.circuits[id].metered:
        return 0, book.spec.circuits[id].rated
    sure = state.held_w is not None and state.gives_ms is not None and breaker.on
    unsure = meter.troubled or meter.drawn_w is None or book.meters.in_doubt(id)
    return low_w if sure and not unsure and id in book.play.memory.cuts else 0, high_w


def _acked(book: Observer, ack: Any) -> Iterator[str]:
    """What an ack says of each circuit that sheds must be what it drew at the last reading."""
    for entry in ack.get("circuits_curtailed", ()) if ack["status"] == "accepted" else ():
        id, meter = entry["id"], book.meters.all[entry["id"]]
        if meter.drawn_w is None or meter.troubled or book.meters.in_doubt(id):
            continue
        original_w, final_w = _watts(entry["original_kw"]), _watts(entry["final_kw"])
        most_w, least_w = max(meter.high_w, meter.drawn_w), min(meter.low_w, meter.drawn_w)
        wrong = original_w > most_w + noise_w(most_w) or original_w < least_w - noise_w(least_w)
        if wrong:
            step = f"the ack takes {id} from {original_w} to {final_w} W"
            yield f"{step}, but it drew {meter.drawn_w} W"


def _achieved(book: Observer, body: Any) -> Iterator[str]:
    """An event that is reported as achieved must be shed at the meters."""
    asked_w = _watts(body["requested_shed_kw"]) * ENOUGH_PERCENT // 100
    given_w = missing_w(book)[1] + book.meters.by_person_w()[1]
    given_w += sum(book.meters.all[id].missing_w()[1] for id in _until_now(book))
    if given_w + noise_w(asked_w) < asked_w and book.is_plain:
        yield f"{body['event_id']} is reported as achieved, but the meters show {given_w} W"


def _until_now(book: Observer) -> set[str]:
    """Circuits that were shed until this moment: just released, or left off by hand."""
    left_off = {id for id, state in book.seen.items() if book.was_on[id] and not state.on}
    return left_off | {hold.circuit for hold in book.loosened}


@day_rule("P39")
def no_circuit_is_switched_off_soon_after_its_load_started(
    book: Observer, now: Moment
) -> Iterator[str]:
    for turned in book.turned:
        circuit, meter = book.spec.circuits[turned.circuit], book.meters.all[turned.circuit]
        taken = turned.off and turned.by_event and circuit.metered
        if not taken or meter.started_ms is None:
            continue
        ran_ms = now.ms - meter.started_ms
        if ran_ms < circuit.min_on_ms:
            text = f"{turned.circuit} is switched off {duration(ran_ms)} after its load started"
            yield f"{text}; the minimum is {duration(circuit.min_on_ms)}"


@day_rule("P40")
def without_an_event_nothing_is_shed(book: Observer, now: Moment) -> Iterator[str]:
    if book.idle_ms is None or now.memory.cuts or not isinstance(now.trigger, Readings):
        return
    reported_w, meters = _shed_w(book.summary), book.meters.all
    gives = any(state.gives_ms is not None for state in book.seen.values())
    gives |= any(meter.troubled for meter in meters.values())  # it may still be as commanded before
    if book.lasts("P40", bool(reported_w) and not gives, now.ms) > book.meters.lag_ms:
        yield f"{reported_w} W are reported as shed, although no event requires it"


@day_rule("P41")
def load_that_people_switch_off_is_reported_and_counts(
    book: Observer, now: Moment
) -> Iterator[str]:
    if not isinstance(now.trigger, Readings) or not book.is_plain or book.spec.observes:
        return
    low_w, high_w = book.meters.by_person_w()
    reported_w = _watts(_by_person_kw(book)) if book.meters.left else 0
    wrong = not low_w - noise_w(low_w) <= reported_w <= high_w + noise_w(high_w)
    if book.lasts("P41", wrong, now.ms) > book.meters.lag_ms:
        really = f"it is {_span(low_w, high_w)}"
        yield f"{reported_w} W are reported as switched off by people, but {really}"
    yield from book.room.vain


def _by_person_kw(book: Observer) -> float:
    memory, at_ms = book.play.memory, book.play.at_ms
    by_person_kw: float = telemetry(book.spec, memory, 0, at_ms)["by_person_kw"]
    return by_person_kw


def _shed_w(summary: Any) -> int:
    return _watts(summary["shed_kw"])


def _watts(kilowatts: float) -> int:
    return round(kilowatts * 1000)


def _span(low_w: int, high_w: int) -> str:
    return f"{low_w} W" if low_w == high_w else f"{low_w} to {high_w} W"
