"""Reads all meters of a site side by side, and keeps what they show."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from statemachine.commissioning.series import MeterSample, Series

from ..drivers.links import LinkFault
from .bench import Clocks, Metered

SAME_MS = 100  # a message of a broker is read again and again
EVERY_S = 1.0  # for the minutes of a test meters are read more often than in operation


class Recorder:
    """The series of each meter since `start`. One that hangs delays no other."""

    def __init__(self, meters: Mapping[str, Metered], main: Metered | None, clocks: Clocks) -> None:
        self._meters, self._main, self._clocks = meters, main, clocks
        self.series: dict[str, list[MeterSample]] = {id: [] for id in meters}
        self.main: list[MeterSample] = []
        self.faults: dict[str, str] = {}
        """Why a meter could not be read the last time, by circuit; "" is the main meter."""
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Read from now on, until `stop`."""
        for id, meter in self._meters.items():
            self._tasks.append(asyncio.create_task(self._run(id, meter, self.series[id])))
        if self._main is not None:
            self._tasks.append(asyncio.create_task(self._run("", self._main, self.main)))

    async def stop(self) -> None:
        """Stop reading."""
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)
        self._tasks.clear()

    def main_series(self) -> Series | None:
        """What the main meter showed; None: the site has none."""
        return None if self._main is None else self.main

    async def _run(self, name: str, meter: Metered, series: list[MeterSample]) -> None:
        loop = asyncio.get_running_loop()
        while True:
            next_s = loop.time() + EVERY_S
            await self._read(name, meter, series)
            await asyncio.sleep(max(0.0, next_s - loop.time()))

    async def _read(self, name: str, meter: Metered, series: list[MeterSample]) -> None:
        try:
            measured = await meter.back.power()
        except LinkFault as fault:
            self.faults[name] = str(fault)
            series.append(MeterSample(self._clocks()[1], None))
            return
        self.faults.pop(name, None)
        if measured is None:
            return
        at_ms = self._clocks()[1] - measured.age_ms
        if not series or at_ms > series[-1].at_ms + SAME_MS:
            series.append(MeterSample(at_ms, measured.watts))
