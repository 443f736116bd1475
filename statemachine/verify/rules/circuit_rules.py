"""Rules for every circuit at every moment of a day: dwell times, budgets, floors, return."""

from __future__ import annotations

from collections.abc import Iterator

from ...curtail.dwell import duration
from ...returns.idle import BLOCKED_MS
from ...site.panel import LEAST_AMPS
from ...state.effects import Hold, Switch
from ...state.measures import power_w
from ...state.triggers import Lock
from ..observer.observer import HoldEased, Observer
from ..observer.waits import stays_by_hand
from ..world.play import Moment
from .day_rules import day_rule

CALM_MS = 240_000  # 2 min for a car to wake, 60 s of dead band, and some readings
SLACK_MS = 1_000
UNKNOWN_W = 100


@day_rule("P27")
def no_circuit_changes_within_its_dwell_time(book: Observer, now: Moment) -> Iterator[str]:
    yield from (text for text, stepped in _within_dwell(book, now) if not stepped)


@day_rule("P30")
def no_step_of_the_clock_shortens_a_dwell_time(book: Observer, now: Moment) -> Iterator[str]:
    yield from (text for text, stepped in _within_dwell(book, now) if stepped)


def _within_dwell(book: Observer, now: Moment) -> Iterator[tuple[str, bool]]:
    """What changed too soon, and whether the clock was set in between."""
    for turned in book.turned:
        circuit, lasted_ms = book.spec.circuits[turned.circuit], turned.lasted_ms
        least_ms = circuit.min_on_ms if turned.off else circuit.min_off_ms
        if lasted_ms is None or lasted_ms >= least_ms or (turned.off and not turned.by_event):
            continue
        was, is_now = ("on", "off") if turned.off else ("off", "on")
        text = f"{turned.circuit} goes {is_now} after {duration(lasted_ms)} {was}"
        yield f"{text}; the minimum is {duration(least_ms)}", book.stepped_since(now.ms - lasted_ms)
    for id, circuit in book.spec.circuits.items():
        state = book.seen[id]
        if state.begins and state.back_ms is not None and circuit.min_release:
            rested_ms = now.ms - state.back_ms
            if rested_ms < circuit.min_release:
                text = f"{id} sheds again {duration(rested_ms)} after it was released"
                yield (
                    f"{text}; the minimum is {duration(circuit.min_release)}",
                    book.stepped_since(state.back_ms),
                )


@day_rule("B1")
def no_circuit_is_kept_off_beyond_its_maximum(book: Observer, now: Moment) -> Iterator[str]:
    for id, circuit in book.spec.circuits.items():
        state, most_ms = book.seen[id], circuit.max_off_ms
        most_ms = most_ms and max(most_ms, circuit.min_off_ms)
        if most_ms is None or state.off_ms is None or state.gives_ms is None or not state.on:
            continue
        off_ms = now.ms - max(state.off_ms, book.play.booted_ms)
        if off_ms > most_ms + SLACK_MS and not book.crowded:  # without room it has to wait
            yield f"{id} is kept off for {duration(off_ms)}; the limit is {duration(most_ms)}"


@day_rule("B2")
def no_circuit_sheds_beyond_its_limits_of_a_day(book: Observer, now: Moment) -> Iterator[str]:
    for id, circuit in book.spec.circuits.items():
        if circuit.max_events_per_day is None and circuit.max_shed_per_day is None:
            continue
        begun, gave_ms = book.today(id, now.ms)
        if circuit.max_events_per_day is not None and begun > circuit.max_events_per_day:
            most = circuit.max_events_per_day
            yield f"{id} was shed {begun} times today; the limit is {most}"
        most_ms = circuit.max_shed_per_day
        gave_ms -= book.lost_ms  # after a reboot only what was journaled is known
        if most_ms is not None and gave_ms > most_ms and id in now.memory.cuts:
            yield f"{id} was shed for {duration(gave_ms)} today; the limit is {duration(most_ms)}"


@day_rule("P2")
def nothing_is_held_below_its_floor_or_limit(book: Observer, now: Moment) -> Iterator[str]:
    for id, cut_w in now.memory.cuts.items():
        circuit, live = book.spec.circuits[id], now.memory.circuits[id]
        most_w = min(live.free_w * circuit.shed_percent // 100, live.free_w - circuit.floor)
        if cut_w > max(0, most_w):
            yield f"{id} must shed {cut_w} W of {live.free_w} W; the limit is {most_w} W"
        held_w, returns = live.held_w, book.seen[id].waited  # in steps, from its own rest
        told_the_same = live.deaf_w is not None  # though its meter shows that it would draw more
        known_w = min(live.free_w, now.before.circuits[id].free_w)  # more is answered next
        lowest_w = known_w - max(0, most_w)
        if held_w and held_w < lowest_w and not returns and not told_the_same:
            most = f"it can shed at most {most_w} W of {live.free_w} W"
            yield f"{id} is held at {held_w} W, although {most}"


@day_rule("P3")
def circuits_that_cannot_shed_are_left_alone(book: Observer, now: Moment) -> Iterator[str]:
    for id in now.memory.cuts:
        circuit, state = book.spec.circuits[id], book.seen[id]
        if circuit.locked or circuit.control == "none" or not circuit.shed_percent:
            yield f"{id} sheds although it must not"
        if not state.on:
            yield f"{id} sheds although it is switched off"
        if state.begins and state.off_ms != now.ms and book.rests(id, now.ms):
            yield f"{id} starts to shed although it must rest"
        if state.locked:
            yield f"{id} sheds although a person locked it"
        if circuit.metered and (
            state.read_ms is None or now.ms - state.read_ms >= circuit.stale_after
        ):
            yield f"{id} sheds although it was not read for {circuit.stale_after // 1000} s"
    for effect in now.effects:
        if not isinstance(effect, Hold | Switch):
            continue
        if book.spec.circuits[effect.circuit].locked or book.seen[effect.circuit].locked:
            rests = book.rests(effect.circuit, now.ms)
            held = isinstance(effect, Hold) and effect.watts is not None and not rests
            moved = isinstance(effect, Switch) and effect.enabled != book.was_on[effect.circuit]
            if held or (moved and not _is_by_hand_and_just_locked(book, now, effect.circuit)):
                yield f"{effect.circuit} is held or switched although it is locked"


def _is_by_hand_and_just_locked(book: Observer, now: Moment, id: str) -> bool:
    """It comes back by hand and was just locked: it is released, and stays off."""
    by_hand = book.spec.circuits[id].comes_back == "by_hand" and not book.seen[id].on
    return by_hand and isinstance(now.trigger, Lock) and now.trigger.circuit == id


@day_rule("P4")
def circuits_with_steps_are_held_at_a_step(book: Observer, now: Moment) -> Iterator[str]:
    for effect in now.effects:
        if not isinstance(effect, Hold) or effect.watts is None:
            continue
        circuit, watts = book.spec.circuits[effect.circuit], effect.watts
        if circuit.control == "relay" and watts:
            yield f"{effect.circuit} is a relay, but is held at {watts} W"
        least_w = LEAST_AMPS * circuit.amp_w
        if circuit.control == "ev_pilot" and watts and (watts < least_w or watts % circuit.amp_w):
            level = f"{effect.circuit} is held at {watts} W"
            yield f"{level}, which is not a whole number of amperes, or less than 6"


@day_rule("I2")
def circuits_that_come_back_by_hand_stay_off(book: Observer, now: Moment) -> Iterator[str]:
    """Not even for a moment, because effects are carried out one after another."""
    for id, circuit in book.spec.circuits.items():
        live = now.before.circuits[id]
        if circuit.comes_back != "by_hand" or not live.giving or not live.off:
            continue
        on, held_w = live.enabled, live.held_w
        for effect in now.effects:
            if isinstance(effect, Hold) and effect.circuit == id:
                held_w = effect.watts
            elif isinstance(effect, Switch) and effect.circuit == id:
                on = effect.enabled
            if on and held_w != 0:
                yield f"{id} comes on although nobody switched it on"
                break


@day_rule("P33")
def no_estimate_is_made_of_held_load(book: Observer, now: Moment) -> Iterator[str]:
    """Except if it draws clearly less than its hold: then it would draw no more without it."""
    for id, live in now.memory.circuits.items():
        was = now.before.circuits[id]
        held = was.held_w is not None and live.held_w is not None
        shown = live.free_w in (was.free_w, was.drawn_w, live.drawn_w)  # a loose hold shows it
        if held and book.spec.circuits[id].metered and not shown:
            change = f"from {was.free_w} W to {live.free_w} W"
            yield f"the estimate of {id} went {change} while it is held"


@day_rule("L1")
def no_lease_expires_while_its_hold_is_needed(book: Observer, now: Moment) -> Iterator[str]:
    for id, breaker in book.play.breakers.all.items():
        ran_out = breaker.hold_w is not None and breaker.until_ms <= now.ms
        if ran_out and now.carried and not book.play.drivers.busy(id):
            yield f"the lease of {id} expired {duration(now.ms - breaker.until_ms)} ago"


@day_rule("P28")
def constant_load_is_not_switched_once_settled(book: Observer, now: Moment) -> Iterator[str]:
    since_ms = max(book.moved_ms, book.returned_ms or 0)  # a released load may rise slowly
    if now.ms - since_ms < CALM_MS or not book.constant:
        return
    for effect in now.effects:
        if not isinstance(effect, Hold):
            continue
        was_w = now.before.circuits[effect.circuit].held_w
        tighter = effect.watts is not None and (was_w is None or effect.watts < was_w)
        if tighter:
            calm = duration(now.ms - since_ms)
            yield f"{effect.circuit} is held at {effect.watts} W after {calm} of constant load"


@day_rule("P29")
def load_returns_in_steps_below_the_main_breaker(book: Observer, now: Moment) -> Iterator[str]:
    restore, returned = book.spec.restore, [x for x in book.loosened if not _overdue(book, x)]
    yield from _crowded(book, now)
    if not returned or book.spec.observes:
        return
    if len(returned) > 1:
        yield f"{', '.join(hold.circuit for hold in returned)} come back at the same moment"
    if book.returned_ms is not None and now.ms - book.returned_ms < restore.every:
        after_ms = now.ms - book.returned_ms
        yield f"{returned[0].circuit} comes back {after_ms} ms after the one before"
    for hold in returned:
        circuit, free_w = book.spec.circuits[hold.circuit], now.memory.circuits[hold.circuit].free_w
        more_w = (free_w if hold.watts is None else hold.watts) - hold.was_w
        graded = circuit.control in ("modulating", "duty_cycle")
        if restore.ramp is not None and graded and more_w > restore.ramp:
            step = f"{more_w} W of {hold.circuit} come back in one step"
            yield f"{step}; the limit is {restore.ramp} W"
        yield from _before_its_turn(book, now, hold)


def _before_its_turn(book: Observer, now: Moment, hold: HoldEased) -> Iterator[str]:
    """A circuit later in the shed order still waits, although nothing holds it up."""
    if book.waits.for_event:
        return  # what that event will shed waits for it
    order, lives = book.spec.shed_order(), now.memory.circuits
    room_w = max(returning_w(hold, now), book.spec.site.service - power_w(now.memory))
    for id in order[order.index(hold.circuit) + 1 :]:
        other, fits = book.seen[id], lives[id].free_w - (lives[id].drawn_w or 0) <= room_w
        waits = other.waited and other.waits and not book.waits.mute(id, now.ms)
        if waits and fits and not (book.rests(id, now.ms) or stays_by_hand(book, now, id)):
            yield f"{hold.circuit} comes back before {id}, which is later in the shed order"


def _overdue(book: Observer, hold: HoldEased) -> bool:
    """It was off for its maximum time, so it does not wait for its turn."""
    most_ms = book.spec.circuits[hold.circuit].max_off_ms
    turned = next((x for x in book.turned if x.circuit == hold.circuit), None)
    return most_ms is not None and turned is not None and (turned.lasted_ms or 0) >= most_ms


def _crowded(book: Observer, now: Moment) -> Iterator[str]:
    """The site draws more than its main breaker carries, because of what came back."""
    service_w = book.spec.site.service
    mores_w = {hold.circuit: returning_w(hold, now) for hold in book.loosened}
    known_w = power_w(now.memory) + sum(mores_w.values())
    drawn_w = book.play.breakers.power_w(now.ms)
    metered = all(circuit.metered for circuit in book.spec.circuits.values())
    foreseen = metered and book.constant and now.carried and abs(drawn_w - known_w) <= UNKNOWN_W
    if known_w <= service_w and not (foreseen and drawn_w > service_w):
        return
    for id, more_w in mores_w.items():
        if more_w and not returns_unconditionally(book, id):
            site_w = max(known_w, drawn_w)
            yield f"{id} comes back, and the site draws {site_w} W; the limit is {service_w} W"


def returns_unconditionally(book: Observer, id: str) -> bool:
    """Critical, and it waited so long that it comes back whatever the site draws."""
    return book.waited_ms >= BLOCKED_MS and book.spec.circuits[id].critical


def returning_w(hold: HoldEased, now: Moment) -> int:
    """What a circuit that came back will draw beyond its last reading, in watts."""
    live = now.memory.circuits[hold.circuit]
    level_w = live.free_w if hold.watts is None else min(hold.watts, live.free_w)
    return max(0, level_w - (live.drawn_w or 0))
