"""Watches clock, link and certificate, and raises their alarms."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable

from statemachine.curtail.dwell import duration
from web.controller_port import LinkView

from ..base.clocks import clocks
from ..base.worker import ThreadWorker, Worker, run_in_thread
from ..link.tls import SOON_S, CertificateDates, ConfigProblem, utc
from .alarms import Alarms

log = logging.getLogger(__name__)
LOOK_S = 1.0
STEP_MS, GRAVE_STEP_MS = 5_000, 60_000
SILENT_S = 300.0
TAKEN_OVER = "session taken over"
DUEL, DUEL_S = 2, 600.0  # this often within this time is no accident
EACH_S = 3_600.0


class HealthMonitor:
    """`link` returns the state of the link, `dates` those of our certificate, or None without one.

    `dates` raises `ConfigProblem` or OSError if the certificate cannot be used.
    """

    def __init__(
        self,
        alarms: Alarms,
        link: Callable[[], LinkView],
        dates: Callable[[], CertificateDates | None],
        worker: Callable[[str], Worker] = ThreadWorker,
    ) -> None:
        self._alarms, self._link, self._dates, self._worker = alarms, link, dates, worker
        self._offset_ms: int | None = None
        self._up_s = asyncio.get_running_loop().time()
        self._lost_since: float | None = None
        self._taken_over: deque[float] = deque(maxlen=DUEL)
        self._looked_s: float | None = None

    async def run(self) -> None:
        """Check every second, forever."""
        while True:
            now_s = asyncio.get_running_loop().time()
            self._look_at_clock(*clocks())
            self._look_at_link(self._link(), now_s)
            if self._looked_s is None or now_s - self._looked_s >= EACH_S:
                self._looked_s = now_s
                await self._look_at_certificate()
            await asyncio.sleep(LOOK_S)

    def _look_at_clock(self, at_ms: int, mono_ms: int) -> None:
        before_ms, self._offset_ms = self._offset_ms, at_ms - mono_ms
        step_ms = 0 if before_ms is None else self._offset_ms - before_ms
        if abs(step_ms) <= STEP_MS:
            return
        way = "forward" if step_ms > 0 else "back"
        text = f"This machine's clock was set {way} by {duration(abs(step_ms))}, "
        text += f"to {utc(at_ms / 1000)}"
        log.warning("%s", text)
        if abs(step_ms) > GRAVE_STEP_MS:
            self._alarms.raise_alarm("clock", text)

    def _look_at_link(self, link: LinkView, now_s: float) -> None:
        if link.state == "connected":
            self._up_s = now_s
            self._alarms.end("broker")
        elif now_s - self._up_s >= SILENT_S:
            self._alarms.raise_alarm(
                "broker", f"There is no connection to the broker {link.broker}"
            )
        if link.state == "disconnected" and link.since != self._lost_since:
            self._lost_since = link.since
            if TAKEN_OVER in (link.detail or ""):
                self._taken_over.append(now_s)
        self._look_for_a_duel(now_s)

    def _look_for_a_duel(self, now_s: float) -> None:
        if self._taken_over and now_s - self._taken_over[-1] > DUEL_S:
            self._taken_over.clear()
            self._alarms.end("takeover")
        elif len(self._taken_over) == DUEL and now_s - self._taken_over[0] <= DUEL_S:
            self._alarms.raise_alarm(
                "takeover", "Another program connects to the broker with this site's client id"
            )

    async def _look_at_certificate(self) -> None:
        try:
            dates = await run_in_thread("certificate", self._dates, self._worker)
        except (ConfigProblem, OSError) as error:
            self._alarms.raise_alarm("certificate", str(error))
            return
        if dates is not None and dates.ends_s - clocks()[0] // 1000 < SOON_S:
            ends = utc(dates.ends_s)
            self._alarms.raise_alarm(
                "certificate", f"The client certificate for the broker expires on {ends}"
            )
        else:
            self._alarms.end("certificate")
