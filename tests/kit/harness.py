"""The one way in which tests drive a `Ven`: the real core over the modelled panel, on a set clock.

Time stands still until a test moves it. `Journaled` also knows what it has answered, as a running
controller does; tests/kit/core/web_controller.py is what the page asks. Whole days, with a cloud,
delays and crashes, are played by `Play` of statemachine/verify/world, on the same panel.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any, TypeVar

from statemachine import Spec, Ven
from statemachine.decide.copies import with_earlier_answer
from statemachine.journal.answers import Answers, rows_of
from statemachine.state.effects import Ack, Effect, Hold, Switch
from statemachine.state.memory import Memory
from statemachine.state.parts import from_parts, to_parts
from statemachine.state.triggers import (
    Command,
    EarlierAnswer,
    Held,
    Readings,
    Reloaded,
    Restarted,
    Switched,
    Timer,
    Toggle,
    Trigger,
)
from statemachine.verify.world.loads import Loads
from statemachine.verify.world.panel import Breakers
from statemachine.wire.commands import Origin, command_from
from tests.kit.core.sample_sites import NOW_MS, site

E = TypeVar("E")
LOOK_MS = 10_000
FOREVER_MS = 10**15


class Harness:
    """A site in a test's hands: the memory, the clock, the panel and the last effects.

    Every circuit that is on draws what it is rated, as far as its breaker lets it. A driver does
    and answers what is in `instant` at once, unless its circuit is `mute` or leaves for good; a
    test answers the rest by itself. What a driver is heard to have done, its breaker has done.
    """

    instant: tuple[type[Effect], ...] = (Hold,)

    def __init__(self, spec: Spec) -> None:
        self.spec, self.ven = spec, Ven(spec)
        self.memory: Memory = self.ven.start()
        self.panel = Breakers(spec, Loads(spec, "steady"))
        self.ms, self.offset_ms = NOW_MS, 0
        self.effects: list[Effect] = []
        self.last = Ack("", {}, "", 0, "")
        self.mute: set[str] = set()
        self._until_ms: dict[str, int] = {}

    # -- time -------------------------------------------------------------------------------------

    def clocks(self) -> tuple[int, int]:
        """The wall clock and the monotonic one, in milliseconds."""
        return self.ms, self.ms - self.offset_ms

    def panel_ms(self) -> int:
        """Elapsed time, which no setting of a clock changes: that of leases and loads."""
        return self.clocks()[1]

    def stamp(self) -> dict[str, Any]:
        at_ms, mono_ms = self.clocks()
        return {"at_ms": at_ms, "mono_ms": mono_ms}

    def step(self, ms: int) -> None:
        """Somebody sets the wall clock."""
        self.ms += ms
        self.offset_ms += ms

    def wait(self, seconds: float) -> None:
        """Time passes; every wake is told when it is due, and all is read each ten seconds."""
        until_ms, effects = self.ms + round(seconds * 1000), list[Effect]()
        look_ms = self.ms + LOOK_MS
        while (ms := min(look_ms, self.memory.due_ms() or look_ms)) <= until_ms:
            self.ms = max(self.ms, ms)
            if ms == look_ms:
                effects += self.read()
                look_ms += LOOK_MS
            else:
                effects += self.hear(Timer(**self.stamp()))
        self.ms = until_ms
        self.effects = [*effects, *self.hear(Timer(**self.stamp()))]

    # -- decisions --------------------------------------------------------------------------------

    def decide(self, trigger: Trigger) -> list[Effect]:
        """One decision; nothing is done yet."""
        self._move(trigger)
        self.memory, effects = self.ven.decide(self.memory, trigger)
        for effect in effects:
            self._lease(effect)
        return effects

    def hear(self, trigger: Trigger) -> list[Effect]:
        """One decision, carried out; with what followed from the drivers' answers."""
        stamp = {"at_ms": trigger.at_ms, "mono_ms": trigger.mono_ms}
        self.effects = self._carried_out(self.decide(trigger), stamp)
        return self.effects

    def _carried_out(self, effects: list[Effect], stamp: dict[str, int]) -> list[Effect]:
        done = list(effects)
        for effect in effects:
            if isinstance(effect, self.instant) and (answer := self.answer(effect, stamp)):
                done += self._carried_out(self.decide(answer), stamp)
        return done

    # -- drivers ----------------------------------------------------------------------------------

    def answer(self, effect: Effect, stamp: dict[str, int]) -> Trigger | None:
        """What the driver of a circuit says to what it is told; None: it says nothing."""
        match effect:
            case Hold(circuit, watts) if self.obeys(circuit):
                return Held(**stamp, circuit=circuit, watts=watts, fault=None)
            case Switch(circuit, enabled) if self.obeys(circuit):
                return Switched(**stamp, circuit=circuit, enabled=enabled, fault=None)
        return None

    def obeys(self, circuit: str) -> bool:
        """The driver of a circuit says at once that it is done."""
        return circuit not in self.mute and circuit not in self.memory.leaving

    def do(self, effect: Effect) -> None:
        """What an effect does to the panel, though nobody hears of it."""
        self._lease(effect)
        if (answer := self.answer(effect, self.stamp())) is not None:
            self._move(answer)

    def _lease(self, effect: Effect) -> None:
        if isinstance(effect, Hold):
            self._until_ms[effect.circuit] = effect.until_ms

    def _move(self, trigger: Trigger) -> None:
        match trigger:
            case Held(circuit=circuit, watts=watts, fault=None) if circuit in self.panel.all:
                left_ms = self._until_ms.get(circuit, FOREVER_MS) - self.clocks()[0]
                self.panel.hold(circuit, watts, self.panel_ms() + left_ms)
            case Switched(circuit=circuit, enabled=enabled, fault=None):
                if circuit in self.panel.all:
                    self.panel.switch(circuit, enabled)

    def holds(
        self, circuit: str, watts: int | None, fault: str | None = None, **stamp: int
    ) -> list[Effect]:
        """The driver of a circuit answers to a hold."""
        said: dict[str, Any] = {"circuit": circuit, "watts": watts, "fault": fault}
        return self.decide(Held(**{**self.stamp(), **stamp}, **said))

    def free_w(self, circuit: str) -> int:
        """What a circuit draws where it is let be, in watts."""
        return self.panel.loads.free_w(circuit, self.panel_ms())

    def draws(self, **watts: int) -> None:
        """Circuits draw so much from now on where they are let be; `unmetered` is beside them."""
        self.panel.loads.set_w |= watts

    def read(self) -> list[Effect]:
        """Every circuit is read, and what the site draws beside them."""
        drawn_w: Any = self.panel.readings(self.panel_ms())
        unmetered_w = self.panel.loads.unmetered_w(self.panel_ms())
        return self.hear(Readings(**self.stamp(), drawn_w=drawn_w, unmetered_w=unmetered_w))

    def held(self) -> dict[str, int]:
        """The watts every held circuit is held at."""
        lives = self.memory.circuits.items()
        return {id: live.held_w for id, live in lives if live.held_w is not None}

    # -- commands ---------------------------------------------------------------------------------

    def command(self, source: str = "operator", **said: Any) -> Command:
        """A command as it comes in now, over MQTT or by another door."""
        return command_from(said, self.spec.site.id, Origin(source, "r", *self.clocks()))

    def ask(self, **said: Any) -> dict[str, Any]:
        """The ack of a command that comes now."""
        return self.ack(self.command(**said))

    def ask_from(self, source: str, **said: Any) -> dict[str, Any]:
        """The ack of a command that comes now by another door, from somebody who confirms it."""
        return self.ack(self.command(source, **{"confirm_operator": True, **said}))

    def ack(self, command: Command) -> dict[str, Any]:
        """The ack of a command; a switch that it waits for is done at once."""
        effects = self.hear(command)
        if isinstance(command, Toggle) and self.memory.pending and command.circuit not in self.mute:
            said: dict[str, Any] = {"circuit": command.circuit, "enabled": command.enabled}
            effects = [*effects, *self.hear(Switched(**self.stamp(), **said, fault=None))]
            self.effects = effects
        acks = of(Ack, effects)
        assert len(acks) == 1, "every command gets exactly one ack"
        if acks[0].key or not self.last.key:
            self.last = acks[0]
        return dict(acks[0].body)

    def again(self, command: Command) -> Command:
        """The same command, as it comes when the journal knows the last ack."""
        kept = EarlierAnswer(self.last.revision, self.last.digest, self.last.body)
        return replace(command, earlier=kept)

    def ask_again(self, said: dict[str, Any]) -> dict[str, Any]:
        """The ack of a command whose key the journal knows from the last ack."""
        return self.ack(self.again(self.command(**said)))

    # -- the program and its file -----------------------------------------------------------------

    def take(self, spec: Spec) -> None:
        """Another file is read; what is known goes through the journal."""
        self.spec, self.ven = spec, Ven(spec)
        loads = Loads(spec, "steady")
        loads.set_w |= self.panel.loads.set_w
        self.panel.use(spec, loads)
        self.memory = from_parts(spec, to_parts(self.memory))

    def reload(self, text: str) -> list[Effect]:
        """Another file comes into force while the program runs."""
        self.take(site(text))
        return self.hear(Reloaded(**self.stamp(), said=(), every_ms=None))

    def restart(self, text: str = "", boot: str = "") -> list[Effect]:
        """The program dies, and comes back with what it kept, perhaps under another file."""
        self.take(site(text) if text else self.spec)
        return self.hear(Restarted(**self.stamp(), boot=boot))


class Journaled(Harness):
    """It remembers its answers for as long as they count; `blind`: the journal cannot be read."""

    def __init__(self, spec: Spec) -> None:
        super().__init__(spec)
        self.answers, self.blind = Answers(), False

    def hear(self, trigger: Trigger) -> list[Effect]:
        if isinstance(trigger, Command):
            earlier = trigger.earlier or self.answers.earlier(trigger)
            trigger = with_earlier_answer(trigger, earlier, self.memory, self.blind)
        effects = super().hear(trigger)
        self.answers.keep(rows_of(effects, self.clocks()[0]), self.clocks()[0])
        return effects


def of(kind: type[E], effects: Iterable[Effect]) -> list[E]:
    """The effects of one kind, in their order."""
    return [effect for effect in effects if isinstance(effect, kind)]
