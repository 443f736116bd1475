"""Reads the circuits every second; publishes and records power every few seconds."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from statemachine.curtail.metering import metering
from statemachine.curtail.plausible import plausible_readings, plausible_unmetered_w
from statemachine.curtail.requirement import needed_w
from statemachine.kit.strict_json import compact
from statemachine.state.measures import known_power_w, shed_w
from statemachine.state.triggers import Readings
from statemachine.wire.messages import telemetry
from web.controller_port import ChartPoint

from .base.clocks import clocks
from .drivers import Panel
from .runtime.runtime import Runtime

log = logging.getLogger(__name__)
LOOK_S = 1.0
SETTLE_S = 0.05
SAMPLE_MS = 5_000
KEEP = 180


class TelemetryLoop:
    """Reads the panel, posts the readings, and publishes telemetry.

    `publish` gets the payloads for our own topic and for the one that all VENs share. It raises
    OSError while the link is down; telemetry is then dropped, not queued. `looked_ms` is when the
    last reading ended, by the loop's clock.
    """

    def __init__(
        self,
        runtime: Runtime,
        panel: Panel,
        next_number: Callable[[], int],
        unmetered_w: Callable[[Mapping[str, int]], int | None],
        publish: Callable[[bytes, bytes], Awaitable[None]],
    ) -> None:
        self._runtime, self._panel, self._next_number = runtime, panel, next_number
        self._unmetered_w, self._send = unmetered_w, publish
        self._look, self._due = asyncio.Event(), asyncio.Event()
        self._settling: asyncio.TimerHandle | None = None
        self._beside_fails = False
        self._odd: set[str] = set()
        self.looked_ms = 0
        self.recent: deque[ChartPoint] = deque(maxlen=KEEP)

    def look(self) -> None:
        """Read the circuits shortly: several switches in a moment share one reading."""
        if self._settling is None:
            self._settling = asyncio.get_running_loop().call_later(SETTLE_S, self._settled)

    def _settled(self) -> None:
        self._settling = None
        self._look.set()

    async def run(self) -> None:
        """Read the circuits, forever, even if publishing fails."""
        due_ms, loop = 0, asyncio.get_running_loop()
        while True:
            next_s = loop.time() + LOOK_S
            await self.read()
            now_ms = clocks()[0]
            self._sample(now_ms)
            if now_ms >= due_ms or due_ms > now_ms + self._runtime.memory.every_ms:
                due_ms = now_ms + self._runtime.memory.every_ms - 100
                self._due.set()
            try:
                async with asyncio.timeout_at(next_s):
                    await self._look.wait()
            except TimeoutError:
                pass
            self._look.clear()

    async def publish(self) -> None:
        """Publish what is due, forever; what falls due while the broker is silent is skipped."""
        while True:
            await self._due.wait()
            self._due.clear()
            await self._say(clocks()[0])

    async def read(self) -> None:
        """Read every circuit once; the reading has been posted when this returns."""
        answers, age_ms = await self._panel.read()
        at_ms, mono_ms = clocks()
        drawn_w, odd = plausible_readings(self._runtime.ven.spec.circuits, answers)
        self._log(drawn_w, odd)
        beside_w = self._beside_w(drawn_w)
        last_w = self._runtime.memory.unmetered_w
        self._panel.seen(drawn_w, age_ms, last_w if beside_w is None else beside_w)
        readings: dict[str, Any] = {
            "drawn_w": drawn_w,
            "age_ms": age_ms,
            "unmetered_w": beside_w,
            "odd": odd,
        }
        self._runtime.post(Readings(at_ms=at_ms, mono_ms=mono_ms, **readings))
        self.looked_ms = round(asyncio.get_running_loop().time() * 1000)

    def _log(self, drawn_w: Mapping[str, int], odd: Mapping[str, str]) -> None:
        """Log when a meter starts and stops reporting implausible values."""
        for id in odd.keys() - self._odd:
            log.warning("%s: %s; the reading is ignored", id, odd[id])
        for id in self._odd & drawn_w.keys():
            log.warning("%s: its meter reports plausible values again", id)
        self._odd = (self._odd - drawn_w.keys()) | odd.keys()

    def _beside_w(self, drawn_w: Mapping[str, int]) -> int | None:
        """The power drawn outside the circuits, in W; None: it cannot be read.

        `drawn_w` are the newest readings; the other circuits count with their last ones.
        """
        lives = self._runtime.memory.circuits.items()
        all_w = {**{id: live.drawn_w or 0 for id, live in lives}, **drawn_w}
        service_w = self._runtime.ven.spec.site.service
        try:
            watts = plausible_unmetered_w(service_w, self._unmetered_w(all_w))
            why = "the value is not a plausible number of watts"
        except Exception as error:
            watts, why = None, str(error) or type(error).__name__
        if watts is None and not self._beside_fails:
            log.warning("the power drawn outside the circuits cannot be read: %s", why)
        self._beside_fails = watts is None
        return watts

    async def _say(self, now_ms: int) -> None:
        memory = self._runtime.memory
        body = telemetry(self._runtime.ven.spec, memory, self._next_number(), now_ms)
        try:
            await self._send(compact(body), compact(metering(memory, body)))
        except OSError as error:
            log.debug("telemetry dropped: %s", error)

    def _sample(self, now_ms: int) -> None:
        if self.recent and now_ms - self.recent[-1].at_ms < SAMPLE_MS:
            return
        memory, spec = self._runtime.memory, self._runtime.ven.spec
        drawn_w = known_power_w(memory)
        if drawn_w is None:
            self.recent.append(ChartPoint(now_ms, None, None, None))
            return
        base_w = drawn_w + shed_w(memory)
        asked_w = needed_w(spec, memory, now_ms)
        target_w = base_w - asked_w if asked_w else None
        self.recent.append(ChartPoint(now_ms, drawn_w, base_w, target_w))
