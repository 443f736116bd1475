"""What the page talks to, in tests: the harness behind the methods that `web` asks for."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from typing import Any, TypeAlias

from aiohttp.test_utils import TestClient
from aiohttp.web import Application, Request

from statemachine import Spec, read
from statemachine.state.effects import Ack, Effect, Hold, Switch
from statemachine.state.measures import power_w, shed_w
from statemachine.state.memory import Transition
from statemachine.state.triggers import Command, Timer, Trigger
from tests.kit.harness import Journaled, of
from tests.kit.paths import ROOT
from web.controller_port import ChartPoint, DevicesView, LinkView, ReloadResult

Client: TypeAlias = TestClient[Request, Application]
START_MS = 1_764_000_000_000
SITE = ROOT / "ven.yaml"


def site() -> Spec:
    """The sample site."""
    return read(SITE.read_text("utf-8"), "ven.yaml")


class WebController(Journaled):
    """Its drivers do all at once; it reads the panel after every command, and notes who asked."""

    instant = (Hold, Switch)
    waits: tuple[str, ...] = ()

    def __init__(self, spec: Spec) -> None:
        super().__init__(spec)
        self.ms = self.offset_ms = START_MS
        self.rev = 0
        self.recent: list[ChartPoint] = []
        self.heard: list[Command] = []
        self.stuck: dict[str, str] = {}
        self.faulty: Exception | None = None
        self.link = LinkView("connected", "local", "127.0.0.1:1883", 1.0, 0, None, None, ())
        self.wired = DevicesView()
        self._watchers: list[asyncio.Queue[Transition | None]] = []
        self.read()

    @property
    def now_ms(self) -> int:
        return self.ms

    def devices(self) -> DevicesView:
        return self.wired

    async def reload(self) -> ReloadResult:  # type: ignore[override]
        """The sample site is its own file; `faulty` stands for one that says what cannot be."""
        if self.faulty is not None:
            raise self.faulty
        return ReloadResult("ven.yaml", (), (), (), ("nothing changes",))

    async def submit(self, command: Command) -> Mapping[str, Any]:
        await asyncio.sleep(0)
        self.heard.append(command)
        acks = of(Ack, self.hear(command))
        while not acks:
            self.ms = self.memory.due_ms() or self.ms
            acks = of(Ack, self.hear(Timer(**self.stamp())))
        self.read()
        return acks[-1].body

    async def watch(self) -> AsyncIterator[Transition | None]:
        changes: asyncio.Queue[Transition | None] = asyncio.Queue()
        self._watchers.append(changes)
        while True:
            try:
                async with asyncio.timeout(1):
                    passed = await changes.get()
            except TimeoutError:
                passed = None
            yield passed

    def advance(self, ms: int) -> None:
        """Time passes, and the panel is read at its end."""
        self.wait(ms / 1000)
        self.read()

    def read(self) -> list[Effect]:
        effects = super().read()
        power, shed = power_w(self.memory), shed_w(self.memory)
        self.recent.append(ChartPoint(self.ms, power, power + shed, None))
        return effects

    def decide(self, trigger: Trigger) -> list[Effect]:
        before = self.memory.last
        effects = super().decide(trigger)
        self.rev += 1
        self.tell(self.memory.last if self.memory.last is not before else None)
        return effects

    def answer(self, effect: Effect, stamp: dict[str, int]) -> Trigger | None:
        answer = super().answer(effect, stamp)
        fault = self.stuck.get(effect.circuit) if isinstance(effect, Switch) else None
        return answer if fault is None or answer is None else replace(answer, fault=fault)

    def tell(self, passed: Transition | None) -> None:
        """Whoever watches hears of it."""
        for changes in self._watchers:
            changes.put_nowait(passed)
