"""An independent observer of a played day, which records it moment by moment.

It gets commands and acks, and sees what is held and switched. Its own record can be compared with
the memory of the controller.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ...kit.localtime import day_of
from ...returns.release import RENEW_MS
from ...site.spec import Spec
from ...state.clock import STEP_MS
from ...state.effects import Ack, Hold, Switch
from ...state.triggers import Connected, Lock, Readings, Restarted
from ...wire.messages import measured
from ..world.play import Moment, Play
from .meters import Meters
from .observed_events import ObservedEvents
from .open_commands import OpenCommands
from .spare import SpareCapacity
from .waits import ReturnWaits


@dataclass(slots=True)
class ObservedCircuit:
    """One circuit. Times are elapsed ms; `on_ms` None: off, or on since an unknown time."""

    on: bool
    held_w: int | None = None
    off_ms: int | None = None
    on_ms: int | None = None
    gives_ms: int | None = None
    begins: bool = False
    back_ms: int | None = None
    read_ms: int | None = None
    locked: bool = False
    waits: bool = False
    waited: bool = False
    day: int = 0
    begun: int = 0
    gave_ms: int = 0

    @property
    def off(self) -> bool:
        return not self.on or self.held_w == 0


@dataclass(frozen=True, slots=True)
class OnOffChange:
    """A circuit went off or came on; `lasted_ms`: how long it was in the other state before."""

    circuit: str
    off: bool
    lasted_ms: int | None
    by_event: bool


@dataclass(frozen=True, slots=True)
class HoldEased:
    """The hold of a circuit was raised or released, after it was `was_w`."""

    circuit: str
    was_w: int
    watts: int | None


class Observer:
    """The record of an observer. `note` adds one moment; the other methods read the record."""

    def __init__(self, play: Play) -> None:
        self.play, self.spec = play, play.spec
        self.seen = {id: ObservedCircuit(c.enabled) for id, c in play.spec.circuits.items()}
        for state in self.seen.values():
            state.off_ms = None if state.on else 0
        self.calls, self.acks, self.waits = ObservedEvents(play.spec), OpenCommands(), ReturnWaits()
        self.meters, self.room = Meters(play), SpareCapacity(play.spec)
        self.is_plain = _is_plain(play.spec)
        self._since_ms: dict[str, int] = {}
        self._said: dict[str, Any] | None = None
        self.turned: list[OnOffChange] = []
        self.loosened: list[HoldEased] = []
        self.idle_ms: int | None = 0
        self.moved_ms = self.waited_ms = 0
        self.returned_ms: int | None = None
        self.connected_ms = 0
        self.was_on = {id: state.on for id, state in self.seen.items()}
        self.stepped, self.lost_ms, self.stepped_by_ms = False, 0, 0
        self._waiting_ms: int | None = None
        self._stepped_ms = self._booted_ms = self._skew_ms = self._heard_ms = 0
        self._wall_ms = play.at_ms

    def note(self, moment: Moment) -> None:
        """Add one moment."""
        self.waited_ms = moment.ms - self._waiting_ms if self._waiting_ms is not None else 0
        if self.loosened:
            self.returned_ms = self._heard_ms
        self.turned, self.loosened, self.calls.outdated = [], [], ""
        self.was_on = {id: state.on for id, state in self.seen.items()}
        self.calls.run_on(moment.before, self._wall_ms, moment.ms - self._heard_ms)
        self._note_clocks(moment)
        self.acks.note(moment, self.stepped)
        for effect in moment.effects:
            if isinstance(effect, Ack):
                self.calls.note(moment.trigger, effect.body, moment.before, moment.memory)
                self._note_lock(moment, effect)
        self._heard_ms = moment.ms
        if isinstance(moment.trigger, Connected):
            self.connected_ms = moment.ms
        self.meters.note(self, moment)
        self.room.note(self, moment)
        self._said = None
        self._note_circuits(moment)
        self.meters.note_deeds(self, moment)
        self._note_moves(moment)
        waiting = any(state.waits for state in self.seen.values())
        if self._waiting_ms is not None:  # an event in between does not end the wait
            waiting |= any(state.on and state.held_w is not None for state in self.seen.values())
        since_ms = moment.ms if self._waiting_ms is None else self._waiting_ms
        self._waiting_ms = since_ms if waiting else None
        if self.most_w:
            self.idle_ms = None
        elif self.idle_ms is None:
            self.idle_ms = moment.ms
        self.waits.note(self, moment)

    @property
    def most_w(self) -> int:
        """The most that all events can require together now, in watts."""
        return self.calls.most_w(self.play.at_ms)

    def today(self, id: str, ms: int) -> tuple[int, int]:
        """How often a circuit was shed today, and for how long in ms."""
        state, day = self.seen[id], day_of(self.play.at_ms, self.spec.site.timezone)
        begun, gave_ms = (state.begun, state.gave_ms) if state.day == day else (0, 0)
        return begun, gave_ms + (ms - state.gives_ms if state.gives_ms is not None else 0)

    def stepped_since(self, ms: int) -> bool:
        """Whether the wall clock was set since then."""
        return self._stepped_ms > ms

    def rests(self, id: str, ms: int) -> bool:
        """Whether a circuit is off and within its minimum time off."""
        since_ms = self.seen[id].off_ms
        return since_ms is not None and ms - since_ms < self.spec.circuits[id].min_off_ms

    @property
    def summary(self) -> dict[str, Any]:
        """Power, shed and base power that the controller reports after this moment."""
        if self._said is None:
            self._said = measured(self.spec, self.play.memory, self.play.at_ms)
        return self._said

    def lasts(self, rule: str, wrong: bool, ms: int) -> int:
        """How long something was wrong at every reading, in ms."""
        if not wrong:
            self._since_ms.pop(rule, None)
            return 0
        return ms - self._since_ms.setdefault(rule, ms)

    @property
    def constant(self) -> bool:
        """Whether loads change only by steps of the scenario."""
        return self.play.breakers.loads.constant

    @property
    def crowded(self) -> bool:
        """Whether all circuits together would draw more than the main breaker carries, now or by
        the last reading."""
        breakers, ms, memory = self.play.breakers, self.play.ms, self.play.memory
        free_w = [
            max(breakers.loads.free_w(id, ms), memory.circuits[id].free_w) for id in self.seen
        ]
        beside_w = max(breakers.loads.unmetered_w(ms), memory.unmetered_w)
        return sum(free_w) + beside_w > self.spec.site.service

    # -- recording ----------------------------------------------------------------------------

    def _note_clocks(self, moment: Moment) -> None:
        play = self.play
        rebooted, self._booted_ms = play.booted_ms != self._booted_ms, play.booted_ms
        step_ms, self._skew_ms = play.skew_ms - self._skew_ms, play.skew_ms
        self.stepped, self._wall_ms = step_ms != 0, play.at_ms
        self.stepped_by_ms += abs(step_ms)
        if self.stepped:
            self._stepped_ms = play.stepped_ms
        for state in self.seen.values() if rebooted else ():
            self._renew(state, moment.ms)
        if rebooted:  # it knows only what was journaled, not how long it was down
            self.lost_ms += RENEW_MS + moment.ms - self._heard_ms
        if abs(step_ms) > STEP_MS and not rebooted:
            self.calls.step(step_ms)

    def _renew(self, state: ObservedCircuit, ms: int) -> None:
        """After a reboot dwell times start again."""
        state.off_ms, state.on_ms = (ms, None) if state.off else (None, ms)
        state.back_ms = ms if state.back_ms is not None else None

    def _note_lock(self, moment: Moment, ack: Ack) -> None:
        if isinstance(moment.trigger, Lock) and ack.body["status"] == "success":
            self.seen[moment.trigger.circuit].locked = moment.trigger.locked

    def _note_moves(self, moment: Moment) -> None:
        """Record when something last changed that a plan may have to follow."""
        was, now = moment.before.basis, moment.memory.basis
        same = (was.required_w, was.events, was.usable) == (now.required_w, now.events, now.usable)
        if not same or isinstance(moment.trigger, Restarted):
            self.moved_ms = moment.ms
        self.moved_ms = max(self.moved_ms, self.play.did_ms)

    def _note_circuits(self, moment: Moment) -> None:
        now = {id: (state.off, state.held_w) for id, state in self.seen.items()}
        for effect in moment.effects:
            match effect:
                case Hold(circuit, watts, _):
                    self.seen[circuit].held_w = watts
                case Switch(circuit, enabled):
                    self.seen[circuit].on = enabled
        for id, state in self.seen.items():
            was_off, was_w = now[id]
            self._note_waiting(id, state, moment)
            self._note_giving(id, state, moment)
            if state.off != was_off:
                self._turn(id, state, moment)
            if (
                was_w is not None
                and state.on
                and not state.locked
                and (state.held_w is None or state.held_w > was_w)
            ):
                self.loosened.append(HoldEased(id, was_w, state.held_w))
            if _read(id, moment) or (isinstance(moment.trigger, Restarted) and state.read_ms):
                state.read_ms = moment.ms

    def _note_waiting(self, id: str, state: ObservedCircuit, moment: Moment) -> None:
        """Record whether it is held lower than the plan needs: it is still to come back."""
        state.waited, live = state.waits, moment.memory.circuits[id]
        asked_w = live.free_w - moment.memory.cuts.get(id, 0)
        deaf = live.deaf_w is not None and id in moment.memory.cuts  # its hold stays the same
        state.waits = state.on and state.held_w is not None and state.held_w < asked_w and not deaf

    def _turn(self, id: str, state: ObservedCircuit, moment: Moment) -> None:
        since_ms = state.on_ms if state.off else state.off_ms
        stopped_ms = self.meters.all[id].stopped_ms
        if since_ms is not None and not state.off and stopped_ms is not None:
            since_ms = min(since_ms, stopped_ms)  # it had stopped by itself before
        lasted_ms = None if since_ms is None else moment.ms - since_ms
        by_event = state.off and state.on and id in moment.memory.cuts
        self.turned.append(OnOffChange(id, state.off, lasted_ms, by_event))
        state.off_ms, state.on_ms = (moment.ms, None) if state.off else (None, moment.ms)

    def _note_giving(self, id: str, state: ObservedCircuit, moment: Moment) -> None:
        """Record shedding: from when it is in the plan until it is released."""
        held = state.held_w is not None and state.on
        gives = id in moment.memory.cuts or (state.gives_ms is not None and held)
        day = day_of(self.play.at_ms, self.spec.site.timezone)
        if state.day != day:
            state.day, state.gave_ms, state.begun = day, 0, int(state.gives_ms is not None)
            state.gives_ms = None if state.gives_ms is None else moment.ms
        # Not if it goes on after midnight or a reboot.
        state.begins = gives and state.gives_ms is None
        if state.begins:
            state.begun, state.gives_ms = state.begun + 1, moment.ms
        elif not gives and state.gives_ms is not None:
            state.gave_ms += moment.ms - state.gives_ms
            state.gives_ms, state.back_ms = None, moment.ms


def _is_plain(spec: Spec) -> bool:
    """Whether the chart sheds everything from start to end of an event, without other states."""
    states = spec.event.states.values()
    return [s.sheds for s in states if s.sheds] == [100] and not any(s.for_ for s in states)


def _read(id: str, moment: Moment) -> bool:
    return isinstance(moment.trigger, Readings) and id in moment.trigger.drawn_w
