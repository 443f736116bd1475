"""A site with one circuit of every kind, and the short ways to say things to it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from statemachine import Spec, Ven, read
from statemachine.state.desires import Wish
from statemachine.state.effects import Ack, Effect, Hold
from statemachine.state.memory import Memory
from statemachine.state.triggers import (
    Command,
    Earlier,
    Held,
    Readings,
    Switched,
    Timer,
    Toggle,
    Trigger,
)
from statemachine.wire.commands import Door, command_from

NOW_S = 1_700_000_000
NOW_MS = NOW_S * 1_000

PANEL = """
site: {id: ven-test, service: 24 kW, unmetered: 1 kW}
circuits:
  heater: {rated: 2 kW, shed: 100 %}
  lights: {rated: 600 W, shed: 70 %, floor: 100 W, priority: 1}
  pumpa:  {rated: 900 W, shed: 100 %, control: relay, priority: 5}
  pumpb:  {rated: 500 W, shed: 100 %, control: relay, priority: 5}
  oven:   {rated: 3 kW}
  server: {rated: 400 W, shed: never}
  shop:   {rated: 1 kW, shed: 50 %, remote: no}
  hvac:   {rated: 3.5 kW, shed: 20 %, critical: true}
  fridge: {rated: 200 W, shed: 20 %, critical: true}
restore: {bridge: 0 s}
"""

# The site of the worked example of docs/wire-contract.md.
MAPLE = """
site: {id: volttron_local, unmetered: 3.4 kW}
sim: {load: steady}
circuits:
  heater1: {name: Heater, rated: 1.5 kW, shed: 100 %}
  lights1: {name: Lights, rated: 0.4 kW, shed: 70 %}
  misc1:   {name: House Load, rated: 1.0 kW, shed: 60 %}
  ev1:     {name: EV Charger, rated: 7.2 kW, shed: 100 %, enabled: false}
  hvac1:   {name: HVAC, rated: 3.5 kW, shed: 20 %, critical: true}
  fridge1: {name: Fridge, rated: 0.2 kW, shed: 20 %, critical: true}
"""


def site(text: str) -> Spec:
    """A site out of its text."""
    return read(text, "ven.yaml")


class Desk:
    """A `Ven` in somebody's hands: it keeps the memory, the clock and the last effects.

    Every hold is answered at once, but for circuits that are `mute` or leave for good.
    """

    def __init__(self, spec: Spec) -> None:
        self.spec, self.ven = spec, Ven(spec)
        self.memory: Memory = self.ven.start()
        self.ms, self.offset_ms = NOW_MS, 0
        self.effects: list[Effect] = []
        self.last = Ack("", {}, "", 0, "")
        self.mute: set[str] = set()

    def hear(self, trigger: Trigger) -> list[Effect]:
        self.memory, effects = self.ven.decide(self.memory, trigger)
        stamp = {"at_ms": trigger.at_ms, "mono_ms": trigger.mono_ms}
        for hold in [one for one in effects if isinstance(one, Hold)]:
            if hold.circuit not in self.mute and hold.circuit not in self.memory.leaving:
                effects += self.holds(hold.circuit, hold.watts, **stamp)
        self.effects = effects
        return effects

    def holds(
        self, circuit: str, watts: int | None, fault: str | None = None, **stamp: int
    ) -> list[Effect]:
        """The driver of a circuit answers to a hold."""
        said: dict[str, Any] = {"circuit": circuit, "watts": watts, "fault": fault}
        answer = Held(**{**self.stamp(), **stamp}, **said)
        self.memory, effects = self.ven.decide(self.memory, answer)
        return effects

    def stamp(self) -> dict[str, Any]:
        return {"at_ms": self.ms, "mono_ms": self.ms - self.offset_ms}

    def step(self, ms: int) -> None:
        """Somebody sets the wall clock."""
        self.ms += ms
        self.offset_ms += ms

    def draws(self, circuit: str) -> int:
        """What a circuit draws where it is let be, in watts."""
        return self.spec.circuits[circuit].rated

    def rated(self) -> list[Effect]:
        """Every circuit that is on draws what it may, unless it is held."""
        drawn = {}
        for id, live in self.memory.circuits.items():
            free_w = self.draws(id)
            held_w = free_w if live.held_w is None else live.held_w
            drawn[id] = min(free_w, held_w) if live.enabled else 0
        unmetered_w = self.spec.site.unmetered
        return self.hear(Readings(**self.stamp(), drawn_w=drawn, unmetered_w=unmetered_w))

    def command(self, source: str = "operator", **said: Any) -> Command:
        """A command as it comes in now, over MQTT or by another door."""
        door = Door(source, "r", self.ms, self.ms - self.offset_ms)
        return command_from(said, self.spec.site.id, door)

    def ask(self, **said: Any) -> dict[str, Any]:
        """The ack of a command that comes now."""
        return self.ack(self.command(**said))

    def ask_from(self, source: str, **said: Any) -> dict[str, Any]:
        """The ack of a command that comes now by another door, from somebody who confirms it."""
        return self.ack(self.command(source, **{"confirm_operator": True, **said}))

    def ack(self, command: Command) -> dict[str, Any]:
        effects = self.hear(command)
        if isinstance(command, Toggle) and self.memory.pending and command.circuit not in self.mute:
            said: dict[str, Any] = {"circuit": command.circuit, "enabled": command.enabled}
            effects = [*effects, *self.hear(Switched(**self.stamp(), **said, fault=None))]
            self.effects = effects
        acks = [effect for effect in effects if isinstance(effect, Ack)]
        assert len(acks) == 1, "every command gets exactly one ack"
        if acks[0].key or not self.last.key:
            self.last = acks[0]
        return dict(acks[0].body)

    def wait(self, seconds: float) -> None:
        """Time passes; every wake is told when it is due, and all is read each ten seconds."""
        until_ms, effects = self.ms + round(seconds * 1000), []
        look_ms = self.ms + 10_000
        while (ms := min(look_ms, self.memory.due_ms() or look_ms)) <= until_ms:
            self.ms = max(self.ms, ms)
            if ms == look_ms:
                effects += self.rated()
                look_ms += 10_000
            else:
                effects += self.hear(Timer(**self.stamp()))
        self.ms = until_ms
        self.effects = [*effects, *self.hear(Timer(**self.stamp()))]

    def held(self) -> dict[str, int]:
        """The watts every held circuit is held at."""
        lives = self.memory.circuits.items()
        return {id: live.held_w for id, live in lives if live.held_w is not None}

    def again(self, command: Command) -> Command:
        """The same command, as it comes when the journal knows the last ack."""
        kept = Earlier(self.last.revision, self.last.digest, self.last.body)
        return replace(command, earlier=kept)

    def ask_again(self, said: dict[str, Any]) -> dict[str, Any]:
        """The ack of a command whose key the journal knows from the last ack."""
        return self.ack(self.again(self.command(**said)))


def wish(circuit: str, enabled: bool, stamp_s: int) -> Wish:
    """What the cloud wants of a circuit."""
    return Wish(circuit, enabled, stamp_s)
