"""Meters of circuits and of the site, read at the pace of their devices."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping

from statemachine.device.form import Template

from .links import DeviceLink, LinkFault
from .measured import Measured
from .poll import Poll
from .readback import ReadBack

UNSWITCHED = "it has a meter, and no device that could switch it"


class DeviceMeter:
    """A device that measures. It is asked no faster than its template says."""

    def __init__(
        self,
        template: Template,
        params: Mapping[str, str],
        link: DeviceLink,
        clocks: Callable[[], tuple[int, int]],
    ) -> None:
        self.template, self.link = template, link
        self.back, self._clocks = ReadBack(template, params, link), clocks
        self._poll = Poll(template.pace.poll)
        self.fault: str | None = None
        """Why it could not be read the last time."""

    async def read(self) -> Measured | None:
        """A new reading; None: there is none yet. Raises LinkFault if it does not answer."""
        if not self._poll.due(self._clocks()[1]):
            return None
        try:
            seen = await self.back.read(self._clocks()[1])
        except LinkFault as error:
            self.fault = str(error)
            self._poll.failed(self._clocks()[1], error.lasting)
            raise
        self.fault = None
        self._poll.done(self._clocks()[1])
        if seen.power_w is None or seen.power_age_ms is None:
            return None
        return Measured(seen.power_w, seen.power_age_ms)


class MeasuredOnly:
    """The driver of a circuit that a meter measures and no device switches: it is always free."""

    timeout_s = last_s = 1.0

    def __init__(self, circuit: str, meter: DeviceMeter) -> None:
        self.meter, self._circuit = meter, circuit

    async def hold(self, circuit: str, watts: int | None, until_ms: int) -> None:
        if watts is not None:
            raise LinkFault(UNSWITCHED)

    async def switch(self, circuit: str, enabled: bool) -> None:
        if not enabled:
            raise LinkFault(UNSWITCHED)

    async def readings(self) -> Mapping[str, Measured]:
        """A new reading, if there is one. Raises LinkFault if the meter does not answer."""
        measured = await self.meter.read()
        return {} if measured is None else {self._circuit: measured}


class MainMeter:
    """The site's main meter, read in the background so that nothing waits for it.

    `meter` None: it is declared, but cannot be used, and `unusable` says why.
    """

    def __init__(
        self,
        meter: DeviceMeter | None,
        clocks: Callable[[], tuple[int, int]],
        unusable: str | None = None,
    ) -> None:
        self.meter, self._clocks, self._unusable = meter, clocks, unusable
        self._reading: asyncio.Task[None] | None = None
        self._last: tuple[int, int] | None = None
        """Watts, and when they were measured, in monotonic ms."""

    @property
    def fault(self) -> str | None:
        """Why it could not be read the last time."""
        return self._unusable if self.meter is None else self.meter.fault

    def last(self) -> tuple[int, int] | None:
        """The newest reading in watts, and its age in ms; None: there was none."""
        if self._last is None:
            return None
        return self._last[0], self._clocks()[1] - self._last[1]

    def site_w(self, stale_ms: int) -> int | None:
        """What the whole site draws, in watts; None: not known. Starts the next reading."""
        if self.meter is not None and (self._reading is None or self._reading.done()):
            self._reading = asyncio.create_task(self._read(self.meter))
        if self._last is None or self._clocks()[1] - self._last[1] > stale_ms:
            return None
        return self._last[0]

    def stop(self) -> None:
        if self._reading is not None:
            self._reading.cancel()

    async def _read(self, meter: DeviceMeter) -> None:
        try:
            measured = await meter.read()
        except LinkFault:
            return  # kept as the meter's fault
        if measured is not None:
            self._last = measured.watts, self._clocks()[1] - measured.age_ms
