"""The events that were accepted, as an observer sees them in commands and acks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from ...curtail.requirement import event_required_w
from ...site.spec import Spec
from ...state.memory import Memory
from ...state.triggers import Cancel, DrEvent, OptOut, Restore, Trigger

ALL_OUT = ""
SHUT_MS = 10 * 60_000


@dataclass(slots=True)
class ObservedEvent:
    """An event that was accepted. Times are the site's wall clock; `out`: circuits opted out.

    `begun` and `over` stay true when the clock is set back; `ran_ms` is how long it has required
    load, under any terms.
    """

    revision: int
    shed_w: int
    asked_ms: int
    start_ms: int
    end_ms: int
    random_ms: int
    dated: bool
    begun: bool = False
    over: bool = False
    ran_ms: int = 0
    out: set[str] = field(default_factory=set)


class ObservedEvents:
    """All events by their id. `outdated`: terms just accepted that are not newer than the last;
    `unwanted`: an event just accepted although all load was requested back a while ago.
    """

    def __init__(self, spec: Spec) -> None:
        self._spec = spec
        self.all: dict[str, ObservedEvent] = {}
        self.outdated = self.unwanted = ""
        self._shut_ms: int | None = None

    def most_w(self, now_ms: int) -> int:
        """The most that all events can require together at a moment, in watts.

        Computed here again, because the core's own sum is what is checked.
        """
        asked_w = [event.shed_w for _, event in self._running(now_ms)]
        return sum(asked_w) if self._spec.curtail.overlap == "sum" else max(asked_w, default=0)

    def running(self, now_ms: int) -> list[str]:
        """The ids of the events that have started and are not over."""
        return [id for id, event in self._running(now_ms)]

    def _running(self, now_ms: int) -> Iterator[tuple[str, ObservedEvent]]:
        for id, event in self.all.items():
            event.begun |= event.start_ms <= now_ms
            event.over |= event.end_ms <= now_ms  # for good, also when the clock is set back
            if event.begun and not event.over:
                yield id, event

    def run_on(self, before: Memory, since_ms: int, passed_ms: int) -> None:
        """Count time since a moment for the events that required load then, until their end."""
        for id, event in before.events.items():
            if id in self.all and event_required_w(self._spec, event, since_ms):
                self.all[id].ran_ms += min(passed_ms, event.end_ms - since_ms)

    def step(self, step_ms: int) -> None:
        """The wall clock was set: events without a date keep their length."""
        self._shut_ms = self._shut_ms and self._shut_ms + step_ms
        for event in self.all.values():
            if not event.dated:
                event.asked_ms += step_ms
                event.start_ms += step_ms
                event.end_ms += step_ms

    def note(
        self, trigger: Trigger, ack: Mapping[str, Any], before: Memory, memory: Memory
    ) -> None:
        """A command was answered: apply it to the events."""
        self.outdated = self.unwanted = ""
        if ack["status"] in ("rejected", "duplicate"):
            return
        match trigger:
            case DrEvent() as request:
                self._call(request, before, memory)
            case Restore(event_id=named, shuts=shuts):
                self._shut_ms = trigger.at_ms if shuts else self._shut_ms
                for id, event in self.all.items():
                    event.over |= id == named or (named is None and (event.begun or shuts))
            case Cancel(event_id=id):
                self._end(id)
            case OptOut(event_id=id, circuit=str(circuit), out=False):
                if id in self.all:
                    self.all[id].out.discard(circuit)
            case OptOut(event_id=id, circuit=circuit):
                if id in self.all:
                    self.all[id].out.add(circuit or ALL_OUT)
                if circuit is None:
                    self._end(id)

    def _end(self, id: str) -> None:
        if id in self.all:
            self.all[id].over = True

    def _call(self, request: DrEvent, before: Memory, memory: Memory) -> None:
        earlier, live = self.all.get(request.event_id), memory.events.get(request.event_id)
        if request.source in ("page", "cli"):
            self._shut_ms = None
        elif self._shut_ms is not None and request.at_ms - self._shut_ms < SHUT_MS:
            self.unwanted = request.event_id
        if earlier is not None and request.revision <= earlier.revision:
            self.outdated = (
                f"{request.event_id}: revision {request.revision} after {earlier.revision}"
            )
        new = ObservedEvent(
            request.revision,
            request.shed_w,
            request.begins_ms,
            request.begins_ms,
            request.begins_ms,
            request.randomize_ms,
            request.start_ms is not None,
        )
        if earlier is not None and request.event_id in before.events:
            new.out, new.ran_ms = earlier.out, earlier.ran_ms
            if request.start_ms is None:  # a revision without a start keeps the old one
                new.asked_ms, new.start_ms = earlier.asked_ms, earlier.start_ms
                new.random_ms, new.dated = earlier.random_ms, earlier.dated
        if new.random_ms and live is not None:
            new.start_ms, new.dated = live.start_ms, new.dated or live.scheduled
        new.end_ms = new.start_ms + request.duration_ms
        self.all[request.event_id] = new
