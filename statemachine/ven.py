"""The controller: one pure function from what is known and what happened to what to do."""

from __future__ import annotations

from dataclasses import replace

from .admit import copy_of, unfit
from .chart import Chart
from .clock import follow_clock
from .effects import Ack, Effect, Hold, Status, Switch, Wake
from .locks import lock, locked_out
from .memory import Event, Memory, Passed, blank
from .release import beyond_plan, carry_out, restate
from .requirement import sheds_w
from .shadowing import Shadowing
from .spec import Spec
from .triggers import (
    Cancel,
    Command,
    DrEvent,
    Invalid,
    Lock,
    Readings,
    Restarted,
    Restore,
    SetConfig,
    Switched,
    Timer,
    Toggle,
    Trigger,
)
from .turn import Turn
from .wire import ack_for, duplicate, event_status, rejected

MAX_ROUNDS = 50


class Ven:
    """Feed it triggers one at a time; keep the memory it returns; do the effects, in order.

    A trigger that raises has changed nothing: the memory passed in is still the truth.
    """

    def __init__(self, spec: Spec) -> None:
        self.spec = spec
        self._event, self._shadows = Chart(spec.event), Shadowing(spec.shadow)

    def start(self) -> Memory:
        """The memory of a site on its first day."""
        return blank(self.spec)

    def decide(self, memory: Memory, trigger: Trigger) -> tuple[Memory, list[Effect]]:
        """What is known after `trigger`, and what to do about it, in order."""
        turn = Turn(self.spec, memory, trigger)
        follow_clock(turn)
        if isinstance(trigger, Restarted):  # first of all: what is due now finds no link
            self._shadows.restart(turn)
        self._fire_due(turn)
        early = self._take(turn)
        self._settle(turn)
        if isinstance(trigger, Command):
            turn.effects.append(early or ack_for(self.spec, turn.memory, trigger))
        for event, word in turn.told:
            body = event_status(self.spec, turn.memory, event, word, turn.now_ms)
            turn.effects.append(Status(body))
        self._shadows.speak(turn)
        due_ms = turn.memory.due_ms()
        if due_ms != memory.due_ms() or isinstance(trigger, Timer | Restarted):
            turn.effects.append(Wake(due_ms))
        return turn.memory, _in_order(turn.effects)

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
        events = turn.memory.events.items()
        dues = [(at, id, name) for id, event in events for name, at in event.wakes.items()]
        first = min(dues, default=None)
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
        if self.spec.event.states[state].final:
            kept = {i: event for i, event in turn.memory.events.items() if i != id}
            turn.remember(events=kept)
        return True

    def _take(self, turn: Turn) -> Ack | None:
        """The trigger itself; an ack only where a command is answered before any chart."""
        trigger = turn.trigger
        if isinstance(trigger, Invalid):
            return rejected(trigger, trigger.reason, trigger.detail)
        if isinstance(trigger, Command):
            match copy_of(trigger, turn.memory):
                case (str(reason), str(detail)):
                    return rejected(trigger, reason, detail)
                case None:
                    pass
                case first:
                    return duplicate(trigger, first)
        match trigger:
            case DrEvent():
                return self._call(turn, trigger)
            case Restore():
                live = [trigger.event_id] if trigger.event_id else list(turn.memory.events)
                for id in live:
                    event = turn.memory.events.get(id)
                    if event is not None and (trigger.event_id or self._begun(turn, event)):
                        self._fire(turn, "restore", id)
            case Cancel():
                if trigger.event_id not in turn.memory.events:
                    return rejected(
                        trigger, "not_found", f"no event {trigger.event_id} is known here"
                    )
                self._fire(turn, "cancel", trigger.event_id)
            case Toggle():
                return self._toggle(turn, trigger)
            case Lock():
                return lock(turn, trigger)
            case SetConfig():
                turn.remember(every_ms=trigger.every_ms, every_mono_ms=trigger.mono_ms)
            case Readings():
                self._read(turn, trigger)
            case Switched():
                self._switched(turn, trigger)
            case Restarted():
                self._restarted(turn)
            case _:
                self._shadows.hear(turn)
        return None

    def _begun(self, turn: Turn, event: Event) -> bool:
        """It sheds, or its start has passed; a clock set back does not undo a beginning."""
        now_ms = turn.now_ms
        return now_ms >= event.start_ms or bool(sheds_w(self.spec, event, now_ms))

    def _call(self, turn: Turn, asked: DrEvent) -> Ack | None:
        if refusal := unfit(self.spec, asked):
            return rejected(asked, *refusal)
        known = turn.memory.events.get(asked.event_id)
        if known is None:
            turn.remember(events={**turn.memory.events, asked.event_id: self._new(asked)})
        if not self._fire(turn, "dr_event", asked.event_id):
            if known is None:
                kept = {i: e for i, e in turn.memory.events.items() if i != asked.event_id}
                turn.remember(events=kept)
            state = known.state if known else self.spec.event.initial
            return rejected(asked, "conflict", f"no row takes a dr_event in {state!r}")
        return None

    def _new(self, asked: DrEvent) -> Event:
        return Event(
            id=asked.event_id,
            source=asked.source,
            shed_w=asked.shed_w,
            start_ms=asked.begins_ms,
            end_ms=asked.ends_ms,
            scheduled=asked.start_ms is not None,
            revision=asked.revision,
            state=self.spec.event.initial,
            entered_ms=asked.at_ms,
        )

    def _toggle(self, turn: Turn, asked: Toggle) -> Ack | None:
        circuit = self.spec.circuits.get(asked.circuit)
        if circuit is None:
            return rejected(asked, "not_found", f"no circuit is called {asked.circuit!r}")
        name = self.spec.name_of(asked.circuit)
        if circuit.locked or (circuit.remote == "no" and asked.source == "operator"):
            return rejected(asked, "locked_out", f"{name} is not switched from afar")
        if (refusal := locked_out(turn, asked.circuit)) is not None:
            return rejected(asked, *refusal)
        if circuit.critical and not asked.enabled and not asked.confirmed:
            return rejected(asked, "critical", f"{name} is critical; confirm to switch it off")
        turn.memory = turn.memory.circuit(
            asked.circuit,
            enabled=asked.enabled,
            switched_by=asked.source,
            switched_ms=turn.now_ms,
            changed_mono_ms=asked.mono_ms,
        )
        self._shadows.toggled(turn, asked.circuit, asked.source)
        turn.effects.append(Switch(asked.circuit, asked.enabled))
        return None

    def _read(self, turn: Turn, said: Readings) -> None:
        circuits = dict(turn.memory.circuits)
        for id, drawn_w in said.drawn_w.items():
            if id in circuits:
                live = circuits[id]
                free = live.enabled and live.held_w is None
                free_w = drawn_w if free else live.free_w
                circuits[id] = replace(live, drawn_w=drawn_w, free_w=free_w)
        turn.remember(circuits=circuits, unmetered_w=said.unmetered_w, read_ms=turn.now_ms)

    def _switched(self, turn: Turn, said: Switched) -> None:
        if said.circuit not in turn.memory.circuits:
            return
        turn.memory = turn.memory.circuit(said.circuit, fault=said.fault)
        self._shadows.switched(turn, said)

    def _restarted(self, turn: Turn) -> None:
        now_ms = turn.now_ms
        turn.remember(released_ms=min(turn.memory.released_ms, now_ms), renew_ms=None)
        if turn.memory.release_ms is not None:
            turn.remember(released_ms=now_ms, release_ms=now_ms + self.spec.restore.every)
        turn.effects.extend(restate(turn))
        for id, live in turn.memory.circuits.items():
            turn.effects.append(Switch(id, live.enabled))

    def _settle(self, turn: Turn) -> None:
        """Plan and hold; tell the charts what came true; repeat until no row fires."""
        for _ in range(MAX_ROUNDS):
            self._fire_due(turn)
            turn.effects.extend(carry_out(turn))
            moved = False
            if not beyond_plan(turn):
                for id in list(turn.memory.events):
                    moved |= self._fire(turn, "released", id)
            moved |= self._shadows.applied(turn)
            if not moved:
                break


def _in_order(effects: list[Effect]) -> list[Effect]:
    """Holds before switches: what comes on is already held. Of two holds the last counts."""
    holds = {effect.circuit: effect for effect in effects if isinstance(effect, Hold)}
    rest = [effect for effect in effects if not isinstance(effect, Hold)]
    return [*holds.values(), *rest]
