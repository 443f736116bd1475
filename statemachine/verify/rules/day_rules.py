"""Rules for commands, events and plans at every moment of a day. P numbers are those of domain.md.

Each rule gets one moment and the observer's record of everything before it, and yields a sentence
for each thing that is wrong. `circuit_rules.py` has the rules for single circuits, `meter_rules.py`
those that compare reports with what circuits really draw.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from ...curtail.capacity import loads
from ...curtail.requirement import active_events, event_required_w, required_w
from ...returns.idle import is_idle
from ...state.cloud_triggers import Delta, Document
from ...state.effects import Ack, Status, Switch
from ...state.memory import Memory
from ...state.triggers import OPERATOR, Cancel, DrEvent, OptOut, Restarted, Restore, Timer, Toggle
from ...wire.messages import gives_back
from ..observer.observed_events import ALL_OUT
from ..observer.observer import Observer
from ..world.play import Moment
from .properties import best_total_w

DayRule = Callable[[Observer, Moment], Iterator[str]]
DAY_RULES: dict[str, DayRule] = {}
MARKS = (
    *("off_mono_ms", "on_mono_ms", "giving_mono_ms", "back_mono_ms"),
    *("gave_ms", "day", "sheds_today", "shed_today_ms"),
)


def day_rule(number: str) -> Callable[[DayRule], DayRule]:
    """Register a rule under its number."""

    def enter(function: DayRule) -> DayRule:
        DAY_RULES[number] = function
        return function

    return enter


@day_rule("P31")
def every_command_is_answered_exactly_once(book: Observer, now: Moment) -> Iterator[str]:
    if now.fault is not None:
        yield f"{type(now.trigger).__name__} raised {now.fault!r}"
        return
    yield from book.acks.wrong


@day_rule("P21")
def an_event_that_is_over_sheds_nothing(book: Observer, now: Moment) -> Iterator[str]:
    if now.memory.cuts and not book.most_w:
        yield f"{', '.join(now.memory.cuts)} still must shed, although no event requires it"
    for id, event in now.memory.events.items():
        called = book.calls.all.get(id)
        if called is None:
            yield f"{id} is active, although it was never accepted"
        elif called.over and event_required_w(book.spec, event, book.play.at_ms):
            yield f"{id} is over, but still requires load"


@day_rule("P23")
def required_load_matches_the_running_events(book: Observer, now: Moment) -> Iterator[str]:
    """In whatever order they came, if the chart sheds all from start to end."""
    shares = {state.sheds for state in book.spec.event.states.values() if state.until == "end"}
    most_w, asked_w = book.most_w, required_w(book.spec, now.memory, book.play.at_ms)
    if asked_w > most_w or (asked_w < most_w and shares == {100} and book.is_plain):
        yield f"{asked_w} W are required, but the events require {most_w} W"


@day_rule("P24")
def ending_one_event_leaves_the_others(book: Observer, now: Moment) -> Iterator[str]:
    trigger, before = now.trigger, now.before
    if not isinstance(trigger, Cancel | Restore | OptOut) or trigger.event_id is None:
        return
    for event in active_events(book.spec, before, trigger.at_ms):
        left = now.memory.events.get(event.id)
        if event.id == trigger.event_id or book.stepped:
            continue
        if left is None or not event_required_w(book.spec, left, trigger.at_ms):
            yield f"{event.id} stopped shedding, although only {trigger.event_id} was ended"


@day_rule("P22")
def a_copy_of_a_command_changes_nothing(book: Observer, now: Moment) -> Iterator[str]:
    """Nothing, except what a timer would change at that moment."""
    acks = [effect.body for effect in now.effects if isinstance(effect, Ack)]
    if not acks or acks[0]["status"] != "duplicate":
        return
    look = Timer(at_ms=now.trigger.at_ms, mono_ms=now.trigger.mono_ms)
    looked, _ = book.play.ven.decide(now.before, look)
    if _timeless(now.memory) not in (_timeless(now.before), _timeless(looked)):
        yield f"a copy of {getattr(now.trigger, 'op', 'a command')} changed the state of the site"


def _timeless(memory: Memory) -> Memory:
    return replace(memory, at_ms=0, mono_ms=0, draining=None)


@day_rule("P34")
def a_random_start_stays_within_its_bounds(book: Observer, now: Moment) -> Iterator[str]:
    for id, event in now.memory.events.items():
        called = book.calls.all.get(id)
        if called and not 0 <= event.start_ms - called.asked_ms <= called.random_ms:
            late_ms = event.start_ms - called.asked_ms
            yield f"{id} starts {late_ms} ms late; the limit is {called.random_ms} ms"
        elif called and event.start_ms != called.start_ms:
            yield f"the start of {id} changed"


@day_rule("E1")
def an_event_runs_under_its_newest_terms(book: Observer, now: Moment) -> Iterator[str]:
    if book.calls.outdated:
        yield f"old terms were accepted: {book.calls.outdated}"
    for id, event in now.memory.events.items():
        called = book.calls.all.get(id)
        if called is None or called.over:
            continue
        if (event.shed_w, event.end_ms) != (called.shed_w, called.end_ms):
            terms = f"{event.shed_w} W until {event.end_ms}"
            yield f"{id} has {terms}, instead of {called.shed_w} W until {called.end_ms}"


@day_rule("P42")
def no_event_runs_longer_than_the_longest(book: Observer, now: Moment) -> Iterator[str]:
    """From its first start, through all revisions; a change of the clock may add its step."""
    most_ms = book.spec.limits.longest_event + book.stepped_by_ms
    for id, called in book.calls.all.items():
        if called.ran_ms > most_ms:
            yield f"{id} has run for {called.ran_ms} ms; the limit is {most_ms} ms"


@day_rule("P35")
def an_opt_out_holds(book: Observer, now: Moment) -> Iterator[str]:
    for event in active_events(book.spec, now.memory, book.play.at_ms):
        out = book.calls.all[event.id].out if event.id in book.calls.all else set()
        if ALL_OUT in out:
            yield f"{event.id} sheds, although the occupant opted out of it"
        for id in out & set(now.memory.cuts):
            yield f"{id} sheds for {event.id}, although the occupant opted it out"


@day_rule("P47")
def changes_of_the_operators_events_are_confirmed(book: Observer, now: Moment) -> Iterator[str]:
    """Without a confirmation nothing changes, except what a timer would change at that moment."""
    trigger = now.trigger
    if not isinstance(trigger, Cancel | Restore | OptOut | DrEvent) or now.fault:
        return
    takes_back = isinstance(trigger, OptOut) and not trigger.out
    lives = [(id, x) for id, x in now.before.events.items() if not gives_back(book.spec, x)]
    theirs = [id for id, event in lives if event.source == OPERATOR]
    if trigger.source == OPERATOR or trigger.confirmed or takes_back or not theirs:
        return
    looked, _ = book.play.ven.decide(
        now.before, Timer(at_ms=trigger.at_ms, mono_ms=trigger.mono_ms)
    )
    for id in theirs:
        if id in set(now.memory.opted_out) - set(now.before.opted_out):
            yield f"{trigger.source} opted out of {id} without a confirmation"
        elif _terms(now.memory, id) not in (_terms(looked, id), _terms(now.before, id)):
            yield f"{trigger.op} from {trigger.source} changed {id} without a confirmation"


def _terms(memory: Memory, id: str) -> tuple[object, ...]:
    event = memory.events.get(id)
    if event is None:
        return ()
    return (event.state, event.shed_w, event.start_ms, event.end_ms, *event.opted_out)


@day_rule("P5")
def a_new_plan_is_the_best_there_is(book: Observer, now: Moment) -> Iterator[str]:
    was, made = now.before.basis, now.memory.basis
    same = (was.required_w, was.events, was.usable) == (made.required_w, made.events, made.usable)
    if same or now.fault is not None or isinstance(now.trigger, Restarted):
        return
    candidates = loads(book.spec, _unstamped(now))
    best_w = best_total_w(candidates, made.required_w, book.spec.curtail.policy)
    given_w = sum(now.memory.cuts.values())
    if best_w is not None and given_w != best_w:
        yield f"the plan sheds {given_w} W of {made.required_w} W; the best one sheds {best_w} W"


def _unstamped(now: Moment) -> Memory:
    """Memory as the plan was made, without the history that the decision added to circuits."""
    circuits = dict(now.memory.circuits)
    for id, was in now.before.circuits.items():
        marks = {name: getattr(was, name) for name in MARKS}
        circuits[id] = replace(circuits[id], **marks)
    return replace(now.memory, circuits=circuits)


@day_rule("P26")
def power_plus_shed_is_the_base_power(book: Observer, now: Moment) -> Iterator[str]:
    summary = book.summary
    if abs(summary["power_kw"] + summary["shed_kw"] - summary["base_power_kw"]) > 0.01:
        parts = f"power {summary['power_kw']} kW plus shed {summary['shed_kw']} kW"
        yield f"{parts} is not the base power of {summary['base_power_kw']} kW"
    for id, cut_w in now.memory.cuts.items():
        live = now.memory.circuits[id]
        if not book.spec.observes and (live.held_w is None or live.held_w > live.free_w - cut_w):
            yield f"{id} must shed {cut_w} of {live.free_w} W, but is held at {live.held_w} W"


@day_rule("P32")
def no_power_is_negative(book: Observer, now: Moment) -> Iterator[str]:
    for id, live in now.memory.circuits.items():
        watts = (live.free_w, live.drawn_w or 0, live.held_w or 0, now.memory.cuts.get(id, 1) - 1)
        if min(watts) < 0:
            yield f"{id} has a negative power: {watts}"


@day_rule("P20")
def commanded_equals_intent_once_all_is_over(book: Observer, now: Moment) -> Iterator[str]:
    memory, play = now.memory, book.play
    for id, live in memory.circuits.items():
        state = book.seen[id]
        if live.held_w != state.held_w and now.carried:
            yield f"{id} is held at {state.held_w} W, but memory has {live.held_w} W"
        if live.enabled != state.on:
            yield f"memory has {id} {'on' if live.enabled else 'off'}, but it is not"
        breaker = play.breakers.all[id]
        if breaker.on != live.enabled and now.carried and not play.drivers.busy(id):
            yield f"{id} is {'on' if breaker.on else 'off'}, although nobody requested it"
    if book.idle_ms is not None and memory.coming.due_ms is None and not memory.cuts:
        held = [id for id in memory.circuits if memory.circuits[id].held_w is not None]
        rests = [id for id in held if book.rests(id, now.ms)]
        if len(held) > len(rests):
            yield f"{(set(held) - set(rests)).pop()} is held, and nothing will release it"


@day_rule("R1")
def no_event_is_over_while_a_circuit_is_still_held(book: Observer, now: Moment) -> Iterator[str]:
    """Unless the last message of the event names it in `not_free`."""
    for effect in now.effects:
        if not isinstance(effect, Status) or not _is_given_back(book, now, effect.body):
            continue
        for id, breaker in book.play.breakers.all.items():
            leased = breaker.hold_w is not None and now.ms < breaker.until_ms
            wanted = now.memory.circuits[id].held_w is not None
            if leased and not wanted and id not in effect.body.get("not_free", ()):
                yield f"{effect.body['event_id']} is over, but {id} is held at {breaker.hold_w} W"


def _is_given_back(book: Observer, now: Moment, body: Mapping[str, Any]) -> bool:
    """Whether this is the last message of an event that had started."""
    states = book.spec.event.states
    was = now.before.events.get(body.get("event_id", ""))
    last = any(state.final and state.report == body["state"] for state in states.values())
    return last and was is not None and was.state in states and states[was.state].until != "start"


@day_rule("I1")
def only_people_and_the_cloud_switch_circuits(book: Observer, now: Moment) -> Iterator[str]:
    for effect in now.effects:
        if not isinstance(effect, Switch):
            continue
        id, by_hand = effect.circuit, book.spec.circuits[effect.circuit].comes_back == "by_hand"
        restated = isinstance(now.trigger, Restarted) and effect.enabled == book.was_on[id]
        asked = isinstance(now.trigger, Toggle) and now.trigger.circuit == id
        wished = isinstance(now.trigger, Document | Delta) and any(
            (wish.circuit, wish.enabled) == (id, effect.enabled)
            for wish in now.trigger.wishes or ()
        )
        taken = by_hand and not effect.enabled
        if not (restated or asked or wished or taken):
            yield f"{id} is switched {'on' if effect.enabled else 'off'}, but nobody requested it"


@day_rule("W1")
def nothing_due_is_left_undone(book: Observer, now: Moment) -> Iterator[str]:
    due_ms = now.memory.due_ms()
    if due_ms is not None and due_ms <= book.play.at_ms and now.fault is None:
        yield f"something was due {book.play.at_ms - due_ms} ms ago and is not done"


def broken_at_the_end(book: Observer) -> Iterator[str]:
    """What must hold at the end, when there was time for everything to come to rest."""
    memory, play = book.play.memory, book.play
    if play.scenario.length is not None or not play.up:
        return
    if book.crowded:
        return  # what does not fit below the main breaker stays held
    if not is_idle(memory):
        held = [id for id, live in memory.circuits.items() if live.held_w is not None]
        yield f"P20 {', '.join(held) or 'an event'} is not at rest after {play.end_ms // 1000} s"
    elif memory.events:
        yield f"P21 {next(iter(memory.events))} is still active at the end"
