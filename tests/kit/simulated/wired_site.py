"""A house whose circuits have devices and meters, for time that only seems to pass.

The truth is in `Wired`: what each outlet draws, which outlet a meter really sees, what is wrong
with a device. Devices are reached through `open_link`, in place of a network.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Any

from statemachine import Spec
from statemachine.device.declaration import DeviceDeclaration, LinkDeclaration
from statemachine.device.form import Template
from statemachine.device.requests import HttpRequest, LinkAnswer, Order, Query
from statemachine.kit.strict_json import compact_text
from tests.kit.core.sample_sites import site
from venctl.drivers.links import DeviceLink, LinkFault, LinkState

STATE = {"get": "/state"}


def plug(**more: Any) -> Template:
    """A metering relay with a lease and settings."""
    base: dict[str, Any] = {
        "device": "plug",
        "title": "Test plug",
        "speaks": "http",
        "key": "host",
        "params": {"host": {"means": "its address"}},
        "control": "relay",
        "read": {
            "on": {**STATE, "at": "/on", "words": {"true": "on", "false": "off"}},
            "power": {**STATE, "at": "/w", "unit": "W"},
            "model": {**STATE, "at": "/model"},
            "firmware": {**STATE, "at": "/fw"},
        },
        "write": {"on": {"get": "/on"}, "off": {"get": "/off"}, "off_for": {"get": "/{lease_s}"}},
        "lease": {"by": ["off_for"]},
        "wants": {"initial": {**STATE, "at": "/initial", "one_of": "on", "why": "it stays off"}},
        "sources": ["invented here"],
    }
    return Template.model_validate(base | more)


def meter(**more: Any) -> Template:
    """A device that only measures."""
    return Template.model_validate(
        {
            "device": "meter",
            "title": "Test meter",
            "speaks": "http",
            "key": "host",
            "params": {"host": {"means": "its address"}},
            "control": "none",
            "read": {"power": {**STATE, "at": "/w", "unit": "W"}},
            "pace": {"poll": "1 s"},
            "sources": ["invented here"],
        }
        | more
    )


@dataclass
class Plug:
    """A device at an outlet. `fault`: dead, mute (OK, and does nothing), stuck (its contact)."""

    draws_w: int
    sees: str = ""
    """The outlet that its meter really sees; "" is its own."""
    fault: str | None = None
    turned: bool = False
    initial: str = "on"
    feeds: str = ""
    """The host that loses its supply with this outlet."""
    leases: bool = True
    said_on: bool = True
    back_s: float | None = None
    writes: list[tuple[float, str]] = field(default_factory=list)
    off_spans: list[list[float]] = field(default_factory=list)

    def live(self) -> bool:
        now_s = asyncio.get_running_loop().time()
        if self.back_s is not None and now_s >= self.back_s:
            self.set(True, self.back_s)
            self.back_s = None
        return self.said_on

    def set(self, on: bool, now_s: float) -> None:
        if on != self.said_on:
            if on:
                self.off_spans[-1].append(now_s)
            else:
                self.off_spans.append([now_s])
        self.said_on = on

    def watts(self) -> int:
        """What the outlet really draws."""
        return self.draws_w if self.live() or self.fault == "stuck" else 0


@dataclass
class Wired:
    """The house. `main` None: it has no main meter."""

    plugs: dict[str, Plug]
    main: str | None = "main"
    beside_w: int = 700
    main_turned: bool = False

    def spec(self, **lines: str) -> Spec:
        """The ven.yaml, whose circuits are called as the hosts of their devices."""
        rows = [f"  {id}: {{rated: 3 kW, shed: 100 %, control: relay{lines.get(id, '')}}}"
                for id in self.plugs]  # fmt: skip
        read = site("site: {id: v}\ncircuits:\n" + "\n".join(rows) + "\n")
        wired = {
            id: circuit.model_copy(update={"driver": declared("plug", id)})
            for id, circuit in read.circuits.items()
        }
        main = None if self.main is None else declared("meter", self.main)
        return read.model_copy(update={"circuits": wired, "meter": main})

    def open_link(self, declaration: LinkDeclaration) -> DeviceLink:
        return _Wire(self, declaration.to)

    def total_w(self) -> int:
        return sum(plug.watts() for plug in self.plugs.values()) + self.beside_w

    def fed(self, host: str) -> bool:
        """Whether a host has its supply."""
        return all(one.live() for one in self.plugs.values() if one.feeds == host)


def declared(device: str, host: str) -> str:
    link = LinkDeclaration("http", host)
    return DeviceDeclaration(device, {"host": host}, link).text


@dataclass
class _Wire:
    """The way to one host."""

    wired: Wired
    host: str

    async def ask(self, query: Query) -> LinkAnswer:
        await self._passed()
        if self.host == self.wired.main:
            watts = self.wired.total_w() * (-1 if self.wired.main_turned else 1)
            return LinkAnswer(compact_text({"w": watts}), 0)
        plug = self.wired.plugs[self.host]
        watts = self.wired.plugs[plug.sees or self.host].watts() * (-1 if plug.turned else 1)
        said = {"on": plug.live(), "w": watts, "initial": plug.initial, "model": "P1", "fw": "1.1"}
        return LinkAnswer(compact_text(said), 0)

    async def tell(self, order: Order) -> None:
        await self._passed()
        assert isinstance(order, HttpRequest)
        plug, now_s = self.wired.plugs[self.host], asyncio.get_running_loop().time()
        what = order.path.removeprefix("/")
        plug.writes.append((now_s, what))
        if plug.fault == "mute":
            return
        plug.live()
        plug.set(what == "on", now_s)
        plug.back_s = now_s + int(what) if what.isdigit() and plug.leases else None

    async def _passed(self) -> None:
        plug = self.wired.plugs.get(self.host)
        if not self.wired.fed(self.host) or (plug is not None and plug.fault == "dead"):
            await asyncio.sleep(1)
            raise LinkFault(f"{self.host} does not answer", up=False)
        await asyncio.sleep(0.03)

    def state(self) -> LinkState:
        return LinkState(f"http {self.host}", True, 0, 0, 0, None)

    async def close(self) -> None:
        """Nothing is open."""
