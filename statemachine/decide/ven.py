"""The controller: one pure function from what is known and what happened to what to do."""

from __future__ import annotations

from ..chart.machine import Chart
from ..curtail.capacity import next_change_ms
from ..curtail.delivery_news import take_notice
from ..curtail.history import after_reboot, stamp
from ..curtail.requirement import next_end_ms
from ..returns.release import beyond_plan, carry_out, spread
from ..shadow.protocol import Shadowing
from ..site.spec import Spec
from ..state.clock import follow_clock, rebooted
from ..state.effects import Ack, Effect, Hold, Status, Switch, Wake
from ..state.memory import Memory, Passed, blank, first_wake
from ..state.triggers import Command, Restarted, Switched, Timer, Toggle, Trigger
from ..state.turn import Turn
from ..wire.messages import ack_for, event_status
from . import alarms, backlog
from .apply import answer_early, restate_all, take
from .copies import note
from .device_faults import note_silence, tell
from .quiet import nothing_follows
from .switches import answers

MAX_ROUNDS = 50


class Ven:
    """Feed it triggers one at a time; keep the memory it returns; do the effects, in order.

    A trigger that raises has changed nothing: the memory passed in is still the truth.
    """

    def __init__(self, spec: Spec) -> None:
        self.spec = spec
        self._event = Chart(spec.event)
        self._shadows = Shadowing(spec.shadow, spec.cloud.has_shadow)
        self._returning = self._event.sources("released")

    def start(self) -> Memory:
        """The memory of a site on its first day."""
        return blank(self.spec)

    def decide(self, memory: Memory, trigger: Trigger) -> tuple[Memory, list[Effect]]:
        """What is known after `trigger`, and what to do about it, in order."""
        turn = Turn(self.spec, memory, trigger)
        follow_clock(turn)
        if isinstance(trigger, Restarted):  # first of all: what is due now finds no link
            self._come_back(turn, memory)
            restate_all(turn, memory)
        self._fire_due(turn)
        early = self._take(turn)
        if early is not None and _at_rest(turn, memory):
            return turn.memory, [early]
        if not nothing_follows(turn, memory) or self._shadows.applied(turn):
            self._see_through(turn, memory, early)
        self._shadows.speak(turn)
        due_ms = turn.memory.due_ms()
        if due_ms != memory.due_ms() or isinstance(trigger, Timer | Restarted):
            turn.effects.append(Wake(due_ms))
        return turn.memory, _in_order(turn.effects)

    def _see_through(self, turn: Turn, before: Memory, early: Ack | None) -> None:
        """What the trigger means for the plan, and who is told of it."""
        trigger = turn.trigger
        note_silence(turn)
        self._settle(turn)
        if isinstance(trigger, Command) and (early or not isinstance(trigger, Toggle)):
            turn.effects.append(early or ack_for(self.spec, turn.memory, trigger))
        turn.effects.extend(answers(turn))
        for event, word in turn.told:
            body = event_status(self.spec, turn.memory, event, word, turn.now_ms)
            turn.effects.append(Status(body))
        alarms.look(turn)
        turn.effects.extend(tell(turn, before))
        stamp(turn, before)
        turn.remember(look_ms=self._next_look_ms(turn.memory))

    def _come_back(self, turn: Turn, before: Memory) -> None:
        """The program was away: since when, whether the machine was too, and what is no more."""
        backlog.restarted(turn, before)
        turn.remember(pending=())  # the broker delivers again what was not answered
        if rebooted(before, turn.memory):
            after_reboot(turn, before)
        self._shadows.restart(turn)
        for event in list(turn.memory.events.values()):
            if event.state not in self.spec.event.states:
                turn.told.append((event, "failed"))
                turn.forget_event(event.id)

    def _make_up(self, turn: Turn, trigger: Restarted) -> None:
        """What was asked while nothing could be remembered is done before anything is held."""
        for command in trigger.since:
            turn.trigger = command
            self._take(turn)
        turn.trigger = trigger

    def _fire_due(self, turn: Turn) -> None:
        """All remembered wakes that are due, those of events oldest first."""
        self._shadows.fire_due(turn)
        for _ in range(MAX_ROUNDS):
            if (due := self._oldest_due(turn)) is None:
                return
            _, id, name = due
            turn.event_id = id
            turn.arm({other: at for other, at in turn.wakes().items() if other != name})
            self._fire(turn, name, id)

    def _oldest_due(self, turn: Turn) -> tuple[int, str, str] | None:
        first = first_wake(turn.memory.events)
        return first if first and first[0] <= turn.now_ms else None

    def _fire(self, turn: Turn, name: str, id: str) -> bool:
        """Fire the chart of one event; True if a row took the trigger."""
        turn.name, turn.event_id = name, id
        before = turn.event.state
        state = self._event.fire(before, turn)
        if state is None:
            return False
        if state != before:
            turn.remember_event(state=state, entered_ms=turn.now_ms)
            turn.remember(last=Passed(id, before, state, name, turn.now_ms))
        if name == "ended":
            spread(turn)
        if self.spec.event.states[state].final:
            turn.forget_event(id)
        return True

    def _take(self, turn: Turn) -> Ack | None:
        """The trigger itself; an ack only where a command is answered before any chart."""
        trigger = turn.trigger
        if isinstance(trigger, Restarted):
            self._make_up(turn, trigger)
        if isinstance(trigger, Command) and (early := answer_early(turn, trigger)):
            return early
        refusal = take(turn, self._fire)
        if refusal is None:
            note(turn)
        if isinstance(trigger, Switched) and trigger.circuit in turn.memory.circuits:
            self._shadows.switched(turn, trigger)
        if isinstance(trigger, Toggle) and refusal is None:
            self._shadows.toggled(turn, trigger.circuit, trigger.source)
        self._shadows.hear(turn)
        return refusal

    def _settle(self, turn: Turn) -> None:
        """Plan and hold; tell the charts what came true; repeat until no row fires."""
        for _ in range(MAX_ROUNDS):
            self._fire_due(turn)
            done = list(carry_out(turn))
            turn.effects.extend(done)
            moved = any(isinstance(effect, Switch) for effect in done)  # it cannot give any more
            moved |= self._notice(turn)
            if not beyond_plan(turn):
                for id, event in turn.memory.events.items():
                    if event.state in self._returning:
                        moved |= self._fire(turn, "released", id)
            moved |= self._shadows.applied(turn)
            if not moved:
                break

    def _notice(self, turn: Turn) -> bool:
        """Say what is new of each event's delivery; True if a row took it."""
        moved = False
        for id, word in take_notice(turn):
            turn.told.append((turn.memory.events[id], word))
            moved |= word != "superseded" and self._fire(turn, word, id)
        return moved

    def _next_look_ms(self, memory: Memory) -> int | None:
        """When something changes by itself that no chart waits for: a protection, a requirement."""
        changes = (next_change_ms(self.spec, memory), next_end_ms(self.spec, memory))
        return min((ms for ms in changes if ms is not None), default=None)


def _at_rest(turn: Turn, before: Memory) -> bool:
    """Nothing came of the trigger, and nothing is due: a copy or a refusal is answered, no more."""
    due_ms = turn.memory.due_ms()
    due = due_ms is not None and due_ms <= turn.now_ms
    return not turn.effects and not due and due_ms == before.due_ms()


def _in_order(effects: list[Effect]) -> list[Effect]:
    """Nothing flows in between: what goes off is off before it is let go, what comes on is held
    before. Of two holds, and of two switches, the last counts."""
    holds = {effect.circuit: effect for effect in effects if isinstance(effect, Hold)}
    switches = {effect.circuit: effect for effect in effects if isinstance(effect, Switch)}
    offs = [effect for effect in switches.values() if not effect.enabled]
    ons = [effect for effect in switches.values() if effect.enabled]
    rest = [effect for effect in effects if not isinstance(effect, Hold | Switch)]
    return [*offs, *holds.values(), *ons, *rest]
