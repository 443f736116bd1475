"""Checks every second that the controller makes progress; if not, raises an alarm and stops feeding
the service manager's watchdog.

This also tells the service manager that we are ready, our status in one line, and that we stop.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from statemachine.decide.progress import Overdue, Progress, stalled_parts

from .alarms import Alarms
from .notify import Notify

EVERY_S = 1.0
STALLED = "the controller makes no progress"


class Watchdog:
    """`progress` takes what was overdue at the last check and the time; it returns the progress.

    `status` returns the site's status in one line. What cannot be sent is sent at the next check.
    """

    def __init__(
        self,
        notify: Notify,
        alarms: Alarms,
        progress: Callable[[Overdue | None, int], Progress],
        status: Callable[[], str],
    ) -> None:
        self._notify, self._alarms, self._progress, self._status = notify, alarms, progress, status
        self._feed_s = notify.watchdog_s and notify.watchdog_s / 3
        self._look_s = min(EVERY_S, self._feed_s / 2) if self._feed_s else EVERY_S
        self._serves = self._told_ready = False
        self._told_status, self._status_s, self._fed_s = "", -EVERY_S, -math.inf
        self._overdue: Overdue | None = None

    async def run(self) -> None:
        """Check, forever."""
        while True:
            self._look()
            await asyncio.sleep(self._look_s)

    def started(self) -> None:
        """Everything is ready: the watchdog starts now."""
        self._serves = True
        self._look()

    def stopping(self) -> None:
        """The program is stopping: the watchdog ends now."""
        self._serves = False
        self._notify.say({"STOPPING": "1", "STATUS": "stopping"})

    @contextmanager
    def reloading(self) -> Iterator[None]:
        """Tell the service manager that another ven.yaml is being loaded."""
        if self._serves:
            stamp = time.monotonic_ns() // 1_000
            self._notify.say({"RELOADING": "1", "MONOTONIC_USEC": str(stamp)})
        try:
            yield
        finally:
            self._told_ready = False
            self._look()

    def _look(self) -> None:
        now_s = asyncio.get_running_loop().time()
        why = self._judge(round(now_s * 1000))
        fields = self._due(now_s, why) if self._serves else {}
        if fields and self._notify.say(fields):
            self._told_ready = True
            if "STATUS" in fields:
                self._told_status, self._status_s = fields["STATUS"], now_s
            if "WATCHDOG" in fields:
                self._fed_s = now_s

    def _judge(self, now_ms: int) -> tuple[str, ...]:
        progress = self._progress(self._overdue, now_ms)
        self._overdue = progress.timer
        if why := stalled_parts(progress, now_ms):
            self._alarms.raise_alarm("stalled", f"{STALLED}: {'; '.join(why)}")
        else:
            self._alarms.end("stalled")
        return why

    def _due(self, now_s: float, why: tuple[str, ...]) -> dict[str, str]:
        fields = {} if self._told_ready else {"READY": "1"}
        status = "; ".join([self._status(), *why])
        if status != self._told_status and now_s - self._status_s >= EVERY_S:
            fields["STATUS"] = status
        if self._feed_s and not why and now_s - self._fed_s >= self._feed_s:
            fields["WATCHDOG"] = "1"
        return fields


def status_line(link: str, events: int, held: int, alarms: int) -> str:
    """The status of a site in one line: `link connected; 1 event; 2 circuits held`."""
    counted = [f"link {link}", _count(events, "event"), f"{_count(held, 'circuit')} held"]
    return "; ".join([*counted, _count(alarms, "alarm")] if alarms else counted)


def _count(number: int, thing: str) -> str:
    return f"1 {thing}" if number == 1 else f"{number or 'no'} {thing}s"
