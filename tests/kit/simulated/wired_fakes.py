"""Circuits over the fake devices of `tests/kit/devices`, without sockets, in time that only seems
to pass.

A line stands for a link: it hands requests to the fake itself, and knows its faults.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any
from unittest.mock import Mock

from aiohttp import web
from aiohttp.test_utils import make_mocked_request

from statemachine import Spec
from statemachine.device.control import WiredLoad
from statemachine.device.form import Template
from statemachine.device.requests import HttpRequest, LinkAnswer, Listen, Order, Publish, Query
from statemachine.state.effects import Hold, Switch
from tests.kit.core.sample_sites import site
from tests.kit.devices.clock import Cancel
from tests.kit.devices.faults import Dead, Refusing, Status
from tests.kit.devices.http_device import HttpDevice
from tests.kit.devices.mqtt_device import MqttDevice
from venctl.devices.catalog import shipped
from venctl.drivers import Panel
from venctl.drivers.device import DeviceDriver
from venctl.drivers.links import DeviceLink, LinkFault, LinkState
from venctl.drivers.meter import DeviceMeter

WALL_MS = 1_800_000_000_000
TAKES_S = 0.03


def clocks() -> tuple[int, int]:
    """UTC and monotonic ms of the loop."""
    ms = round(asyncio.get_running_loop().time() * 1000)
    return WALL_MS + ms, ms


class SeemingClock:
    """The time of the running loop."""

    def now(self) -> float:
        return asyncio.get_running_loop().time()

    def wall(self) -> float:
        return WALL_MS / 1000 + self.now()

    def after(self, seconds: float, deed: Callable[[], None]) -> Cancel:
        return asyncio.get_running_loop().call_later(seconds, deed).cancel


class Line:
    """`told` are the orders that came, with their times."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.told: list[tuple[float, str]] = []

    def note(self, what: str) -> None:
        self.told.append((asyncio.get_running_loop().time(), what))

    def state(self) -> LinkState:
        return LinkState(self.name, True, 0, 0, 0, None)

    async def close(self) -> None:
        """Nothing is open."""


class HttpLine(Line):
    """The way to a fake that speaks HTTP."""

    def __init__(self, device: HttpDevice) -> None:
        super().__init__("10.0.0.9")
        self.device = device
        self.headers: dict[str, str] = {}

    async def ask(self, query: Query) -> LinkAnswer:
        assert isinstance(query, HttpRequest)
        return LinkAnswer(await self._send(query), 0)

    async def tell(self, order: Order) -> None:
        assert isinstance(order, HttpRequest)
        self.note(f"{order.method} {order.path} {order.body or ''}".strip())
        await self._send(order)

    async def _send(self, asked: HttpRequest) -> str:
        match self.device.suffers:
            case Refusing():
                raise LinkFault("10.0.0.9 refuses the connection", away=True)
            case Dead():
                await asyncio.sleep(2)
                raise LinkFault("10.0.0.9 does not answer", up=False)
        await asyncio.sleep(TAKES_S)
        answer = await self._answer(asked)
        if answer.status >= 400:
            words = (answer.text or "").strip()
            raise LinkFault(f"10.0.0.9 answers {answer.status}: {words}", up=True)
        return answer.text or ""

    async def _answer(self, asked: HttpRequest) -> web.Response:
        self.device.counts.begun()
        self.device.counts.ended()
        match self.device.suffers:
            case Status(code, each) if self.device.counts.requests % each == 0:
                return web.Response(status=code, text="not now")
        request = make_mocked_request(asked.method, asked.path, self.headers, payload=Mock())
        request._read_bytes = (asked.body or "").encode()
        answer = await self.device.serve(request)
        assert isinstance(answer, web.Response)
        return answer


class MqttLine(Line):
    """The way to a fake that speaks MQTT: the newest message of each topic, as a broker has it."""

    def __init__(self, device: MqttDevice) -> None:
        super().__init__("broker")
        self._device = device
        self._newest: dict[str, tuple[str, float]] = {}
        device.say = self._take  # type: ignore[method-assign]
        device.joined()

    async def ask(self, query: Query) -> LinkAnswer:
        assert isinstance(query, Listen)
        if query.ask is not None:
            await self._send(query.ask)
        if query.topic not in self._newest:
            raise LinkFault(f"nothing has come on {query.topic} yet", up=True)
        text, at_s = self._newest[query.topic]
        return LinkAnswer(text, round((asyncio.get_running_loop().time() - at_s) * 1000))

    async def tell(self, order: Order) -> None:
        assert isinstance(order, Publish)
        self.note(f"{order.topic} {order.payload}")
        await self._send(order)

    def _take(self, topic: str, payload: str, *, retain: bool = False) -> None:
        self._newest[topic] = payload, asyncio.get_running_loop().time()

    async def _send(self, message: Publish) -> None:
        await asyncio.sleep(TAKES_S)
        self._device.hear(message.topic, message.payload)


class Seat:
    """A circuit `a` with its device on a panel, and what was heard of it."""

    def __init__(
        self,
        device: str | Template,
        line: DeviceLink,
        load: WiredLoad,
        meter: DeviceMeter | None = None,
        *,
        spec: Spec | None = None,
        may_be_ours: bool | None = True,
        **params: str,
    ) -> None:
        template = shipped()[device] if isinstance(device, str) else device
        defaults = {name: one.default or "" for name, one in template.params.items()}
        self.faults: list[str | None] = []
        self.moved_to: list[bool] = []
        self.notices: list[str | None] = []
        self.read: list[tuple[float, int, int]] = []
        """When which watts were read, and their age in ms."""
        self.driver = DeviceDriver(
            "a", template, {**defaults, **params}, load, line, meter, self, clocks, may_be_ours
        )
        plain = f"site: {{id: v}}\ncircuits:\n  a: {{rated: {load.rated_w} W, shed: 100 %}}\n"
        self.panel = Panel(
            spec or site(plain), {"a": self.driver}, self._heard, self._heard, lambda: None
        )
        self.panel.start()

    def _heard(self, circuit: str, what: Any, fault: str | None) -> None:
        self.faults.append(fault)

    def doubted(self, circuit: str) -> None:
        self.panel.doubt(circuit)

    def moved(self, circuit: str, on: bool) -> None:
        self.moved_to.append(on)

    def noticed(self, circuit: str, text: str | None) -> None:
        self.notices.append(text)

    def hold(self, watts: int | None) -> None:
        self.panel.put(Hold("a", watts, clocks()[0] + 120_000))

    def switch(self, on: bool) -> None:
        self.panel.put(Switch("a", on, "page"))

    async def passes(self, seconds: float, renewing: int | None = None) -> None:
        """Time in which it is read each second, and a hold is renewed."""
        for second in range(round(seconds)):
            if renewing is not None and second % 40 == 0:
                self.hold(renewing)
            readings, ages_ms = await self.panel.read()
            if "a" in readings:
                now_s = asyncio.get_running_loop().time()
                self.read.append((now_s, readings["a"], ages_ms["a"]))
            await asyncio.sleep(1)
