"""A smart panel by another hand: ebus-panel-sim publishes it, the wiring is what it measures."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Mapping
from typing import Any, Self

from ebus_panel_sim import (
    DeviceInstance,
    DeviceManifest,
    Emitter,
    SetterRegistry,
    TickInputs,
)

from tests.kit.devices.clock import soon
from tests.kit.devices.wiring import Outlet, Wiring

PANEL = {
    "vendor-name": "Span",
    "firmware-version": "sim/v0.1.0",
    "hardware-version": "rev2",
    "panel-size": "40",
    "main-breaker-rating-a": "200",
    "panel-model": "MAIN_40",
    "postal-code": "94103",
    "time-zone": "America/Los_Angeles",
}
CIRCUIT = {
    "breaker-rating-a": "20",
    "default-priority": "NICE_TO_HAVE",
    "relay-behavior": "controllable",
    "placement": "upstream-of-lugs",
}


class EbusPanel:
    """`EbusPanel(wiring, {"kitchen": outlet}, broker=port)`. Topics: `ebus/5/ID/switch/relay`,
    `.../switch/relay/set` (OPEN, CLOSED), `.../meter/active-power` (negative: it consumes).
    It measures, and obeys, each `every_s` of the loop's time.
    """

    def __init__(
        self,
        wiring: Wiring,
        outlets: Mapping[str, Outlet],
        *,
        broker: int,
        panel: str = "nt-0000-00001",
        every_s: float = 0.2,
    ) -> None:
        self._wiring, self._outlets, self._every_s = wiring, dict(outlets), every_s
        self.panel = panel
        devices = [
            DeviceInstance("panel", panel, "Panel", metadata=PANEL | {"serial-number": panel}),
            DeviceInstance("lugs", f"{panel}-up", "Lugs", metadata={"direction": "upstream"}),
        ]
        for place, name in enumerate(self._outlets, 1):
            tabs = {"tab-numbers": str(place)}
            devices.append(DeviceInstance("circuit", name, name, metadata=CIRCUIT | tabs))
        self._emitter = Emitter(
            DeviceManifest(instances=tuple(devices)),
            SetterRegistry(),
            mqtt_cfg={"host": "127.0.0.1", "port": broker},
        )
        self._ticks: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        await asyncio.to_thread(self._emitter.start)
        self._ticks = asyncio.create_task(self._live())
        await soon(lambda: self._emitter.last_snapshot)
        return self

    async def __aexit__(self, *_: Any) -> None:
        if self._ticks is not None:
            self._ticks.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._ticks
        await asyncio.to_thread(self._emitter.stop)

    async def freeze(self) -> None:
        """It says nothing more, while `$state` stays `ready`."""
        if self._ticks is not None:
            self._ticks.cancel()

    async def _live(self) -> None:
        while True:
            watts = {name: one.load.watts for name, one in self._outlets.items()}
            tick = TickInputs(
                current_time=self._wiring.clock.wall(), grid_online=True, circuits=watts
            )
            said = self._emitter.publish_tick(tick)
            for name, outlet in self._outlets.items():
                outlet.closed = said.circuits[name].relay_state != "OPEN"
            await asyncio.sleep(self._every_s)
