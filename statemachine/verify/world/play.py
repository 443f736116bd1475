"""A site in simulated time: the real `Ven` with a modelled panel and cloud, trigger by trigger.

It does what the loop of a running controller does, without a clock: the same order, the same rule
for what survives a crash, the same readings. Every decision is yielded as a `Moment`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from ...curtail.plausible import plausible_readings
from ...decide.copies import with_earlier_answer
from ...decide.ven import Ven
from ...journal.answers import Answers, rows_of
from ...journal.retention import must_keep
from ...kit.localtime import start_ms
from ...returns.idle import heartbeat_only, idle_after_ms, is_idle
from ...site.spec import Spec
from ...state.effects import Effect, GetShadow, Hold, Report, Switch
from ...state.memory import Memory
from ...state.parts import from_parts, to_parts
from ...state.triggers import Command, Connected, Disconnected, Readings, Restarted, Timer, Trigger
from ...wire.commands import Origin, command_from
from .cloud import CloudModel
from .drivers import DRIVER_MS, Drivers, answer_trigger
from .panel import played
from .recorded import RecordedDay
from .scenario import CrashStep, Scenario, Step
from .step_commands import to_command
from .timeline import Timeline

CLOUD_MS, LINK_MS = 150, 300
MOST_SPINS = 500  # decisions at one moment: an endless loop, which a rule has reported by then
RUN_UP_MS = 310_000  # as long as most loads must run after they start by themselves


@dataclass(frozen=True, slots=True)
class Moment:
    """One decision: memory before, the trigger, memory after, and the effects.

    `ms` is elapsed time. `fault`: the decision raised this and changed nothing. Not `carried`: it
    was journaled, and then the program crashed.
    """

    ms: int
    trigger: Trigger
    before: Memory
    memory: Memory
    effects: Sequence[Effect]
    fault: Exception | None = None
    carried: bool = True


class Play:
    """One scenario being played. Rules may read every public attribute."""

    def __init__(self, spec: Spec, scenario: Scenario, recorded: RecordedDay | None = None) -> None:
        self.spec, self.scenario, self.ven = spec, scenario, Ven(spec)
        self.memory: Memory = self.ven.start()
        self.breakers, self.cloud = played(spec, scenario, recorded), CloudModel(spec)
        self.ms = self.booted_ms = self.stepped_ms = self.did_ms = 0
        self.drivers = self._new_drivers()
        self.start_ms = start_ms(scenario.start, spec.site.timezone)
        self.skew_ms, self.boots, self.up, self.linked = 0, 1, True, True
        self.decisions = 0
        self._kept: Memory | None = None
        self._answers = Answers()
        self._queue: list[dict[str, Any]] = []
        self._calls: dict[str, tuple[dict[str, Any], str]] = {}
        self._dying: CrashStep | None = None
        self._life = self._look_ms = 0
        self._agenda: Timeline[Iterator[Moment]] = Timeline()
        self._last_ms = scenario.last_ms
        self.end_ms = self._length_ms(recorded)  # it ends before, once at rest

    @property
    def at_ms(self) -> int:
        """The site's wall clock, in UTC milliseconds."""
        return self.start_ms + self.ms + self.skew_ms

    def moments(self) -> Iterator[Moment]:
        """Every decision from the first start to the end, in order."""
        for step in self.scenario.steps:
            self._agenda.plan(step.at, lambda step=step: self._do(step))  # type: ignore[misc]
        yield from self._come_up()
        spins = 0
        while (ms := self._next_ms()) is not None and ms <= self.end_ms:
            if self.scenario.length is None and self._over(ms):
                return
            spins = spins + 1 if ms <= self.ms else 0
            if spins > MOST_SPINS:
                return
            self.ms = max(self.ms, ms)
            yield from self._happen()
        self.ms = self.end_ms

    # -- time ---------------------------------------------------------------------------------

    def _length_ms(self, recorded: RecordedDay | None) -> int:
        scenario = self.scenario
        if scenario.length is not None:
            return scenario.length
        last_ms = self._last_ms
        if recorded is not None:
            last_ms = max(last_ms, recorded.last_ms - self.start_ms)
        return last_ms + idle_after_ms(self.spec)

    def _over(self, next_ms: int) -> bool:
        quiet = next_ms > self._last_ms + RUN_UP_MS and self.up
        return quiet and is_idle(self.memory) and not self.memory.events

    def _next_ms(self) -> int | None:
        step_ms = self._agenda.next_ms
        if not self.up:
            return step_ms
        wake_ms, driver_ms = self._wake_ms(), self.drivers.next_ms()
        if self.scenario.skip and is_idle(self.memory):
            upcoming = [ms for ms in (step_ms, wake_ms, driver_ms) if ms is not None]
            self._look_ms = max(self._look_ms, min(upcoming, default=self.end_ms) - RUN_UP_MS)
        dues = (step_ms, wake_ms, driver_ms, self._look_ms)
        return min(ms for ms in dues if ms is not None)

    def _wake_ms(self) -> int | None:
        """When the controller asked to be woken; at rest, repeated reports are skipped."""
        memory = self.memory
        due_ms = memory.due_ms()
        if self.scenario.skip and is_idle(memory) and heartbeat_only(memory):
            starts = [due for event in memory.events.values() for due in event.wakes.values()]
            due_ms = min(starts, default=None)
        return None if due_ms is None else self.ms + max(0, due_ms - self.at_ms)

    def _happen(self) -> Iterator[Moment]:
        wake_ms, step_ms = self._wake_ms() if self.up else None, self._agenda.next_ms
        if wake_ms is not None and wake_ms <= self.ms:
            yield self._hear(Timer(**self._stamps()))
        elif self.up and (due_ms := self.drivers.next_ms()) is not None and due_ms <= self.ms:
            yield from self._hear_drivers()
        elif step_ms is not None and step_ms <= self.ms:
            yield from self._agenda.take()()
        elif self.up:
            yield self._look()

    def _soon(self, ms: int, trigger: Callable[[], Trigger]) -> None:
        """Plan an answer to this run of the program; after a crash it is dropped."""
        life = self._life

        def deed() -> Iterator[Moment]:
            if life == self._life and self.up:
                yield self._hear(trigger())

        self._agenda.plan(self.ms + ms, deed)

    def _stamps(self) -> dict[str, Any]:
        return {"at_ms": self.at_ms, "mono_ms": self.ms - self.booted_ms}

    # -- the loop -----------------------------------------------------------------------------

    def _look(self) -> Moment:
        self._look_ms = self.ms + self.scenario.look
        stamps: dict[str, Any] = self._stamps()
        drawn_w, odd = plausible_readings(self.spec.circuits, self.breakers.readings(self.ms))
        beside_w = self.breakers.loads.unmetered_w(self.ms)
        self.drivers.seen(drawn_w, beside_w, self.ms)
        return self._hear(Readings(**stamps, drawn_w=drawn_w, unmetered_w=beside_w, odd=odd))

    def _hear(self, trigger: Trigger) -> Moment:
        """Make one decision, store it, then carry it out."""
        before = self.memory
        if isinstance(trigger, Command):
            trigger = with_earlier_answer(trigger, self._answers.earlier(trigger), before, False)
        self.decisions += 1
        try:
            after, effects = self.ven.decide(before, trigger)
        except Exception as fault:
            return Moment(self.ms, trigger, before, before, (), fault)
        self.memory = after
        skips = self.scenario.skip and is_idle(after)  # as the skipped reports would
        kept = skips or must_keep(trigger, before, after, effects)
        if kept:
            self._kept = after
            self._answers.keep(rows_of(effects, self.at_ms), self.at_ms)
        if kept and self._dying is not None:
            self._die(self._dying)
            return Moment(self.ms, trigger, before, after, effects, carried=False)
        self._perform(effects)
        return Moment(self.ms, trigger, before, after, effects)

    def _perform(self, effects: Sequence[Effect]) -> None:
        for effect in effects:
            match effect:
                case Hold() | Switch():
                    for answer in self.drivers.put(effect, self.ms):
                        self._soon(0, lambda x=answer: answer_trigger(x, self._stamps()))  # type: ignore[misc]
                    self._look_ms = min(self._look_ms, self.ms + 2 * DRIVER_MS)
                case GetShadow() | Report():
                    self._soon(CLOUD_MS, lambda x=effect: self.cloud.answer(x, self._stamps()))  # type: ignore[misc]

    def _hear_drivers(self) -> Iterator[Moment]:
        life = self._life
        for answer in list(self.drivers.go_on(self.ms)):
            if life == self._life:
                yield self._hear(answer_trigger(answer, self._stamps()))

    def _new_drivers(self) -> Drivers:
        until = lambda until_ms: self.ms + until_ms - self.at_ms  # noqa: E731
        return Drivers(self.spec, self.breakers, until, self.ms)

    # -- what happens -------------------------------------------------------------------------

    def _do(self, step: Step) -> Iterator[Moment]:
        self.did_ms = self.ms
        command = to_command(step, self.start_ms + self.skew_ms, self._calls)
        if command is not None:
            yield from self._send(*command)
        elif step.wish is not None:
            wish = step.wish
            key = self.cloud.wish(wish.circuit, wish.to == "on", self.at_ms // 1000)
            if self.up and self.linked:
                yield self._hear(self.cloud.delta(key, self._stamps()))
        elif step.load is not None:
            self.breakers.loads.set_w[step.load.circuit] = step.load.draws
        elif step.fault is not None:
            self.drivers.set_fault(step.fault.circuit, step.fault.kind, self.ms)
        elif step.link is not None:
            yield from self._link(step.link == "back")
        elif step.crash is not None:
            self._crash(step.crash)
        elif step.clock is not None:
            self.skew_ms += step.clock
            self.stepped_ms = self.ms

    def _send(self, body: dict[str, Any], door: str) -> Iterator[Moment]:
        """A command at a door. The broker queues the operator's while the site is offline."""
        if body["op"] == "event":
            self._calls[body["event_id"]] = body, door
        if door == "operator" and not (self.up and self.linked):
            self._queue.append(body)
        elif self.up:
            yield self._hear(self._command(body, door))

    def _command(self, body: dict[str, Any], door: str) -> Command:
        reply = f"r{self.decisions}"
        return command_from(body, self.spec.site.id, Origin(door, reply, **self._stamps()))

    def _link(self, back: bool) -> Iterator[Moment]:
        was, self.linked = self.linked, back
        if self.up and was and not back:
            yield self._hear(Disconnected(**self._stamps()))
        elif self.up and back and not was:
            yield from self._connect()

    def _connect(self) -> Iterator[Moment]:
        yield self._hear(Connected(**self._stamps()))
        waiting, self._queue = self._queue, []
        for index, body in enumerate(waiting, start=1):
            self._soon(index * CLOUD_MS, lambda body=body: self._command(body, "operator"))  # type: ignore[misc]

    def _crash(self, crash: CrashStep) -> None:
        if not self.up:
            return
        if crash.amid:
            self._dying = crash
        else:
            self._die(crash)

    def _die(self, crash: CrashStep) -> None:
        """The program ends; what it stored remains, and devices go on by themselves."""
        parts = {} if self._kept is None else to_parts(self._kept)
        self.memory, self._dying, self.up = from_parts(self.spec, parts), None, False
        self._life += 1
        self.drivers = self._new_drivers()

        def deed() -> Iterator[Moment]:
            if crash.reboot:
                self.boots, self.booted_ms = self.boots + 1, self.ms
            yield from self._come_up()

        # Down for no time it must miss nothing, because nobody at the page would repeat a command.
        self._agenda.plan(self.ms + crash.down, deed, first=not crash.down)

    def _come_up(self) -> Iterator[Moment]:
        """Start like a controller: restate what is known, read the circuits, connect."""
        self.up = True
        yield self._hear(
            Restarted(**self._stamps(), boot=f"boot-{self.boots}", known=True, since=())
        )
        yield self._look()
        life = self._life

        def link() -> Iterator[Moment]:
            if self.linked and self.up and life == self._life:
                yield from self._connect()

        self._agenda.plan(self.ms + LINK_MS, link)
