"""A site, its shadows and everybody who writes to them, in simulated time out of one seed.

Real are the core with its charts, the shadow service, and the translation between the two. Time,
the network and people are simulated, so that a seed gives the same story every time; the device is
the harness, behind a program that dies.
"""

from __future__ import annotations

import heapq
import json
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import count
from random import Random
from typing import Any

from statemachine import Spec
from statemachine.site.named_shadows import circuits_by_shadow
from statemachine.state.effects import Effect, GetShadow, Hold, Report, Switch, Wake
from statemachine.state.parts import from_parts, to_parts
from statemachine.state.triggers import (
    Command,
    Connected,
    Disconnected,
    Readings,
    Restarted,
    Switched,
    Timer,
    Trigger,
)
from tests.kit.harness import Harness
from tests.kit.simulated.witness import Witness
from venctl.link.shadow_adapter import delta_trigger, document_trigger, update_trigger
from venctl.link.shadow_client import ShadowDelta, ShadowDocument, UpdateAccepted
from venctl.link.shadow_client import ShadowRejected as Refusal
from venctl.standin.shadow.service import Key, ShadowRequestError, ShadowService, StoredShadow

EPOCH_MS = 1_700_000_000_000
THING = "v1"
BUSY_MS, REST_MS, CALM_MS = 240_000, 300_000, 100_000
TIMEOUT_MS = 5_000


@dataclass(frozen=True)
class Odds:
    """How bad the world is."""

    twice: float = 0.10
    lost: float = 0.03
    late_ms: int = 2_000
    old_session: float = 0.5
    stuck: float = 0.05
    crash: float = 0.004


class World:
    """The scheduler and the cloud; `site` is the one device in it, `witness` sees everything."""

    def __init__(
        self, seed: int, spec: Spec, odds: Odds, names: Sequence[str] = ("circuits",)
    ) -> None:
        self.wished = names
        self.dice, self.odds, self.spec = Random(seed), odds, spec
        self.now_ms = 0
        self._queue: list[tuple[int, int, Callable[[], None]]] = []
        self._places = count()
        self.shadows: dict[Key, StoredShadow] = {}
        self.service = ShadowService(self.shadows, lambda: (EPOCH_MS + self.now_ms) / 1000)
        self.witness = Witness(self)
        self.site = Site(self)

    def after(self, delay_ms: float, do: Callable[[], None]) -> None:
        due_ms = self.now_ms + max(0, round(delay_ms))
        heapq.heappush(self._queue, (due_ms, next(self._places), do))

    def run(self, until_ms: int) -> None:
        while self._queue and self._queue[0][0] <= until_ms:
            self.now_ms, _, do = heapq.heappop(self._queue)
            do()
        self.now_ms = until_ms

    def carry(self, do: Callable[[], None]) -> None:
        """Over the network: perhaps late, perhaps twice, perhaps never."""
        for _ in range(2 if self.dice.random() < self.odds.twice else 1):
            if self.dice.random() >= self.odds.lost:
                late_ms = self.odds.late_ms * (self.dice.random() < 0.2) * self.dice.random()
                self.after(self.dice.choice((20, 50, 100, 300)) + late_ms, do)

    def write(self, name: str, payload: dict[str, Any]) -> None:
        """Somebody in the cloud updates a shadow."""
        raw = json.dumps(payload).encode()
        try:
            answer = self.service.update(THING, name, raw)
        except ShadowRequestError:
            return
        self.witness.wrote(name)
        self.tell_delta(name, dict(answer.messages).get("update/delta"))

    def delete(self, name: str) -> None:
        """Somebody in the cloud deletes a shadow, whatever stands in it."""
        with suppress(ShadowRequestError):
            self.service.delete(THING, name, b"")
            self.witness.deleted(name)

    def tell_delta(self, name: str, body: dict[str, Any] | None) -> None:
        if body is None:
            return
        delta = ShadowDelta(body["version"], body["state"], body["metadata"], body["timestamp"])
        site, session = self.site, self.site.session

        def deliver() -> None:
            kept = session == site.session or self.dice.random() < self.odds.old_session
            if site.online and kept:
                heard = delta_trigger(name, delta, *site.clocks())
                self.witness.delivered(heard)
                site.hear(heard)

        self.carry(deliver)


class Site(Harness):
    """The device: the harness, and a program around it that can be killed at any step."""

    def __init__(self, world: World) -> None:
        super().__init__(world.spec)
        self.world, self.kept = world, self.memory
        self.alive, self.link = False, True
        self.session, self.run = 0, 0  # count connections, and starts of the program
        self.boot, self.booted_ms, self.skew_ms = 0, -1_000, 0
        self.busy_ms = 0
        self.steps, self.repeats = 0, False
        self.die_at: int | None = None
        self._pending: dict[int, tuple[GetShadow | Report, int]] = {}
        self._requests = count(1)
        self._wakes = 0

    @property
    def online(self) -> bool:
        return self.alive and self.link

    def clocks(self) -> tuple[int, int]:
        now_ms = self.world.now_ms
        return EPOCH_MS + now_ms + self.skew_ms, now_ms - self.booted_ms

    def panel_ms(self) -> int:
        return self.world.now_ms

    # -- the program --------------------------------------------------------------------------

    def start(self) -> None:
        self.alive = True
        self.session += 1
        self.run = self.session
        self.kept = self.memory = from_parts(self.spec, to_parts(self.kept))
        self.hear(Restarted(**self.stamp(), boot=f"boot-{self.boot}"))
        if self.online:
            self.world.after(100, lambda s=self.session: s == self.session and self.connect())

    def hear(self, trigger: Trigger) -> list[Effect]:
        """Decide, journal, perform; and perhaps die before, between or after."""
        if self.alive:
            self._live_through(trigger)
        return []

    def _live_through(self, trigger: Trigger) -> None:
        self.steps += 1
        dies = self.steps == self.die_at or self.world.dice.random() < self.world.odds.crash
        moment = self.world.dice.random()
        if dies and moment < 0.2:
            self.crash()
            return
        before = self.memory
        effects = self.decide(trigger)
        deeds = [effect for effect in effects if not isinstance(effect, Wake)]
        if deeds or not isinstance(trigger, Readings | Timer):
            self.kept = self.memory
        self.world.witness.decided(before, trigger, effects)
        done = self.world.dice.randint(0, len(effects)) if dies and moment < 0.8 else len(effects)
        for effect in effects[:done]:
            self.perform(effect)
        if dies:
            self.repeats = True  # nobody knew whether it had been done
            for effect in effects[: done if moment > 0.9 else 0]:
                self.perform(effect)
            self.repeats = False
            self.crash()

    def crash(self) -> None:
        if not self.alive:
            return
        self.alive = False
        self.session += 1
        self._pending.clear()
        if self.world.dice.random() < 0.3:
            self.boot += 1
            self.booted_ms = self.world.now_ms
        self.world.after(self.world.dice.uniform(1_000, 20_000), self.start)

    def lose_link(self) -> None:
        if self.link:
            self.link = False
            self.session += 1
            self.hear(Disconnected(**self.stamp()))
            self.world.after(self.world.dice.uniform(500, 40_000), self.find_link)

    def find_link(self) -> None:
        self.link = True
        if self.alive:
            self.connect()

    def connect(self) -> None:
        if self.online:
            self.session += 1
            self.hear(Connected(**self.stamp()))

    def set_clock(self, skew_ms: int) -> None:
        self.skew_ms = skew_ms

    def asks(self, source: str, **said: Any) -> None:
        """A person at the site, or a command over MQTT."""
        self.hear(self.command(source, **said))

    # -- its hands ----------------------------------------------------------------------------

    def perform(self, effect: Effect) -> None:
        match effect:
            case Wake(at_ms):
                self._wakes += 1
                if at_ms is not None:
                    wait_ms = min(60_000, at_ms - self.clocks()[0])
                    self.world.after(wait_ms, lambda n=self._wakes: self._ring(n))
            case Switch():
                self._switch(effect)
            case Hold():
                self._hold(effect)
            case GetShadow() | Report():
                self._ask(effect)

    def _ring(self, wake: int) -> None:
        if wake != self._wakes or not self.alive:
            return
        due_ms, now_ms = self.memory.due_ms(), self.clocks()[0]
        if due_ms is not None and due_ms > now_ms:
            self.perform(Wake(due_ms))
        else:
            self.hear(Timer(**self.stamp()))

    def _switch(self, effect: Switch) -> None:
        dice, session = self.world.dice, self.boot
        stuck = dice.random() < self.world.odds.stuck
        took_ms = 5_000 if stuck and dice.random() < 0.5 else dice.uniform(1, 400)
        self.busy_ms = max(self.busy_ms, self.world.now_ms) + round(took_ms)
        fault = None if not stuck else "no answer within 5 s" if took_ms == 5_000 else "jammed"

        def done() -> None:
            if fault is None:
                self.do(effect)
            said = {"circuit": effect.circuit, "enabled": effect.enabled, "fault": fault}
            if session == self.boot:
                self.hear(Switched(**self.stamp(), **said))

        self.world.after(self.busy_ms - self.world.now_ms, done)

    def _hold(self, effect: Hold) -> None:
        boot = self.boot

        def done() -> None:
            self.do(effect)
            if boot == self.boot and (answer := self.answer(effect, self.stamp())):
                self.hear(answer)

        self.world.after(5, done)

    def _ask(self, effect: GetShadow | Report) -> None:
        others = [one for one, session in self._pending.values() if session == self.session]
        self.world.witness.asked(effect, others)
        number = next(self._requests)
        self._pending[number] = (effect, self.session)
        timeout = Refusal(504, "silence")
        self.world.after(TIMEOUT_MS, lambda: self._answer(number, timeout))
        session = self.session
        if self.link:
            self.world.carry(lambda: self._arrive(number, effect, session))

    def _arrive(self, number: int, effect: GetShadow | Report, session: int) -> None:
        """In the cloud. What was on its way when the link broke may still get there."""
        if session != self.session and self.world.dice.random() < 0.5:
            return
        answer = self.ask_service(effect)
        self.world.carry(lambda: session == self.session and self._answer(number, answer))

    def ask_service(self, effect: GetShadow | Report) -> ShadowDocument | UpdateAccepted | Refusal:
        world = self.world
        try:
            if isinstance(effect, GetShadow):
                body = world.service.get(THING, effect.key, b"").body
                return _document(body)
            payload = _payload(effect)
            before = world.shadows.get((THING, effect.key), StoredShadow())
            answer = world.service.update(THING, effect.key, payload)
        except ShadowRequestError as refusal:
            if refusal.code == 404:
                return ShadowDocument(0, {}, {}, {}, None)
            return Refusal(refusal.code, refusal.message)
        world.witness.accepted(effect, before)
        world.tell_delta(effect.key, dict(answer.messages).get("update/delta"))
        return UpdateAccepted(answer.body["version"], answer.body["timestamp"])

    def _answer(self, number: int, answer: ShadowDocument | UpdateAccepted | Refusal) -> None:
        effect, session = self._pending.pop(number, (None, 0))
        if effect is None or session != self.session:
            return
        if isinstance(effect, GetShadow):
            assert not isinstance(answer, UpdateAccepted)
            self.hear(document_trigger(effect, answer, *self.clocks()))
        else:
            assert not isinstance(answer, ShadowDocument)
            self.hear(update_trigger(effect, answer, *self.clocks()))


def _document(body: dict[str, Any]) -> ShadowDocument:
    state, metadata = body["state"], body["metadata"]
    return ShadowDocument(
        body["version"],
        state.get("desired") or {},
        metadata.get("desired") or {},
        state.get("reported") or {},
        body["timestamp"],
    )


def _payload(effect: Report) -> bytes:
    state: dict[str, Any] = {"reported": effect.reported}
    if effect.clears:
        state["desired"] = dict.fromkeys(effect.clears)
    said = {"state": state} | ({} if effect.version is None else {"version": effect.version})
    return json.dumps(said).encode()


class Crowd:
    """Everybody who wants something, each without knowing of the others."""

    def __init__(self, world: World) -> None:
        self.world, self.dice = world, world.dice
        every = list(world.spec.circuits)
        self.ids = every[:3] + every[3:][-2:]  # few, so that people meet
        self.names = list(circuits_by_shadow(world.spec))
        self.spoken = 0

    def gather(self) -> None:
        """Make an appointment with each, for the first minutes."""
        dice = self.dice
        for _ in range(dice.randint(2, 10)):
            at_ms = dice.uniform(1_000, BUSY_MS)
            self.world.after(at_ms, self.wish)
            if dice.random() < 0.6:
                self.world.after(at_ms + dice.uniform(10, 2_500), self.wish)
        for most, do in (
            (8, self.toggle),
            (5, self.world.site.lose_link),
            (3, self.world.site.crash),
            (3, self.set_interval),
            (2, self.lock),
            (2, self.chatter),
            (2, self.set_the_clock),
            (2, self.event),
        ):
            for _ in range(dice.randint(0, most)):
                self.world.after(dice.uniform(1_000, BUSY_MS), do)
        if dice.random() < 0.1:
            self.world.after(dice.uniform(1_000, BUSY_MS), self.delete)
        for at_ms in range(5_000, BUSY_MS + REST_MS + CALM_MS, 20_000):
            self.world.after(at_ms, self.world.site.read)

    def wish(self) -> None:
        ids = self.dice.sample(self.ids, self.dice.randint(1, min(3, len(self.ids))))
        wanted: dict[str, Any] = {id: self.dice.random() < 0.5 for id in ids}
        if self.dice.random() < 0.15:
            wanted["nobody"] = True
        if self.dice.random() < 0.15:
            wanted[self.dice.choice(self.ids)] = "yes"
        name = self.dice.choice(self.names)
        if self.dice.random() < 0.5:
            circuits: Any = [{"id": id, "enabled": on} for id, on in wanted.items()]
            if self.dice.random() < 0.1:
                circuits += circuits[:1]
        else:
            circuits = {id: {"enabled": on} for id, on in wanted.items()}
            if self.dice.random() < 0.2:
                circuits[self.dice.choice(self.ids)] = None
        self.world.write(name, {"state": {"desired": {self._word(): circuits}}})

    def _word(self) -> str:
        """What wishes stand under: each name in turn."""
        self.spoken += 1
        return self.world.wished[self.spoken % len(self.world.wished)]

    def insist(self, name: str) -> None:
        """A backend that wants to see its wish in the document, and puts it back at once."""
        if self.world.now_ms < BUSY_MS / 2:
            wish = {self.ids[0]: {"enabled": self.dice.random() < 0.5}}
            again = {"state": {"desired": {self._word(): wish}}}
            self.world.after(50, lambda: self.world.write(name, again))

    def set_interval(self) -> None:
        said = self.dice.choice((5, 10, 60, 2.5, 0, "5"))
        if self.dice.random() < 0.5:
            self.world.write("", {"state": {"desired": {"report_interval_seconds": said}}})
            self.world.witness.wished_interval(said)
        elif isinstance(said, int | float) and said:
            self.world.site.asks("operator", op="setConfig", report_interval_seconds=said)

    def chatter(self) -> None:
        """The console writes a key that is nobody's."""
        said = {"welcome": self.dice.choice(("aws", "iot", None))}
        self.world.write(self.dice.choice(self.names), {"state": {"desired": said}})

    def delete(self) -> None:
        self.world.delete(self.dice.choice(self.names))

    def toggle(self) -> None:
        site, id, on = self.world.site, self.dice.choice(self.ids), self.dice.random() < 0.5
        if site.alive:
            site.asks("page", op="setLoad", loadId=id, enabled=on, confirm_critical=True)

    def lock(self) -> None:
        site, id = self.world.site, self.dice.choice(self.ids)
        if site.alive:
            locked = site.memory.circuits[id].locked_by is None
            site.asks("page", op="setLock", loadId=id, locked=locked)

    def set_the_clock(self) -> None:
        self.world.site.set_clock(self.dice.choice((-600_000, 0, 600_000)))

    def event(self) -> None:
        said = {"shed_kw": 2, "duration_sec": self.dice.randint(5, 60)}
        self.world.site.asks("operator", op="event", event_id=f"e{self.world.now_ms}", **said)


def simulate(
    seed: int,
    spec: Spec,
    *,
    die_at: int | None = None,
    obstinate: bool = False,
    wished: Sequence[str] = ("circuits",),
) -> Witness:
    """One story from its beginning until everything has come to rest; raises where a rule broke.

    `die_at`: the decision after which the program dies, beside its other deaths. `obstinate`: a
    backend wishes again whatever is taken out, for two minutes. `wished`: the names that wishes
    are written under, in turn.
    """
    world = World(seed, spec, Odds(), wished)
    world.site.die_at = die_at
    world.site.set_clock(world.dice.choice((-600_000, 0, 0, 600_000)))
    world.site.start()
    crowd = Crowd(world)
    crowd.gather()
    if obstinate:
        world.witness.on_settle = crowd.insist
    world.run(BUSY_MS)
    world.odds = replace(world.odds, crash=0.0, stuck=0.0)
    world.run(BUSY_MS + REST_MS)
    world.site.die_at = None
    world.odds = Odds(twice=0, lost=0, late_ms=0, old_session=0, stuck=0, crash=0)
    world.run(BUSY_MS + REST_MS + CALM_MS)
    world.witness.at_rest()
    return world.witness


__all__ = ["Command", "Odds", "Witness", "World", "simulate"]
