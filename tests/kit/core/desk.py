"""A desk for tests: the real core over a panel that does as it is told, on a clock set by hand."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from typing import Any, TypeAlias

from aiohttp.test_utils import TestClient
from aiohttp.web import Application, Request

from statemachine import Spec, Ven, read
from statemachine.decide.copies import recalled
from statemachine.state.effects import Ack, Hold, Switch
from statemachine.state.measures import power_w, shed_w
from statemachine.state.memory import Memory, Passed
from statemachine.state.triggers import Command, Earlier, Held, Readings, Switched, Timer, Trigger
from tests.kit.paths import ROOT
from web.desk import Edit, LinkView, Sample

Client: TypeAlias = TestClient[Request, Application]
START_MS = 1_764_000_000_000
SITE = ROOT / "ven.yaml"


def site() -> Spec:
    """The sample site."""
    return read(SITE.read_text("utf-8"), "ven.yaml")


class BenchDesk:
    """Decides at once, remembers acks by key, and reads the panel after every decision."""

    def __init__(self, spec: Spec) -> None:
        self.spec = spec
        self.ven = Ven(spec)
        self.memory: Memory = self.ven.start()
        self.rev = 0
        self.blind = False
        self.now_ms = START_MS
        self.recent: list[Sample] = []
        self.heard: list[Command] = []
        self.stuck: dict[str, str] = {}
        self.faulty: Exception | None = None
        self.link = LinkView("connected", "local", "127.0.0.1:1883", 1.0, 0, None, None, ())
        self._on = {id: circuit.enabled for id, circuit in spec.circuits.items()}
        self._held: dict[str, int | None] = {}
        self._acks: dict[str, Earlier] = {}
        self._watchers: list[asyncio.Queue[Passed | None]] = []
        self.read()

    @property
    def waits(self) -> tuple[str, ...]:
        return ()

    async def reload(self) -> Edit:
        """The sample site is its own file; `faulty` stands for one that says what cannot be."""
        if self.faulty is not None:
            raise self.faulty
        return Edit("ven.yaml", (), (), (), ("nothing changes",))

    def clocks(self) -> tuple[int, int]:
        return self.now_ms, self.now_ms - START_MS

    async def submit(self, command: Command) -> Mapping[str, Any]:
        await asyncio.sleep(0)
        self.heard.append(command)
        earlier = self._acks.get(command.key)
        ack = self._decide(recalled(command, earlier, self.memory, self.blind))
        while ack is None:
            self.now_ms = self.memory.due_ms() or self.now_ms
            at_ms, mono_ms = self.clocks()
            ack = self._decide(Timer(at_ms=at_ms, mono_ms=mono_ms))
        if ack.key:
            self._acks[ack.key] = Earlier(ack.revision, ack.digest, ack.body)
        self.read()
        return ack.body

    async def watch(self) -> AsyncIterator[Passed | None]:
        changes: asyncio.Queue[Passed | None] = asyncio.Queue()
        self._watchers.append(changes)
        while True:
            try:
                async with asyncio.timeout(1):
                    passed = await changes.get()
            except TimeoutError:
                passed = None
            yield passed

    def advance(self, ms: int) -> None:
        """Time passes: what is due happens, and the panel is read each ten seconds."""
        until_ms = self.now_ms + ms
        while self.now_ms < until_ms:
            self.now_ms = min(until_ms, self.now_ms + 10_000)
            at_ms, mono_ms = self.clocks()
            self._decide(Timer(at_ms=at_ms, mono_ms=mono_ms))
            self.read()

    def read(self) -> None:
        at_ms, mono_ms = self.clocks()
        drawn_w = {id: self._drawn_w(id) for id in self.spec.circuits}
        unmetered_w = self.spec.site.unmetered
        self._decide(
            Readings(at_ms=at_ms, mono_ms=mono_ms, drawn_w=drawn_w, unmetered_w=unmetered_w)
        )
        power, shed = power_w(self.memory), shed_w(self.memory)
        self.recent.append(Sample(at_ms, power, power + shed, None))

    def tell(self, passed: Passed | None) -> None:
        """Whoever watches hears of it."""
        for changes in self._watchers:
            changes.put_nowait(passed)

    def _decide(self, trigger: Trigger) -> Ack | None:
        before = self.memory.last
        self.memory, effects = self.ven.decide(self.memory, trigger)
        self.rev += 1
        ack, done = None, list[Trigger]()
        at_ms, mono_ms = self.clocks()
        stamps: dict[str, Any] = {"at_ms": at_ms, "mono_ms": mono_ms}
        for effect in effects:
            match effect:
                case Hold():
                    self._held[effect.circuit] = effect.watts
                    said = {"circuit": effect.circuit, "watts": effect.watts}
                    done.append(Held(**stamps, **said, fault=None))
                case Switch():
                    self._on[effect.circuit] = effect.enabled
                    said = {"circuit": effect.circuit, "enabled": effect.enabled}
                    done.append(Switched(**stamps, **said, fault=self.stuck.get(effect.circuit)))
                case Ack():
                    ack = effect
        for answer in done:
            ack = self._decide(answer) or ack
        self.tell(self.memory.last if self.memory.last is not before else None)
        return ack

    def _drawn_w(self, id: str) -> int:
        if not self._on[id]:
            return 0
        held_w, rated_w = self._held.get(id), self.spec.circuits[id].rated
        return rated_w if held_w is None else min(held_w, rated_w)
