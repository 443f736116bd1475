"""What is known of one outlet of a charger: what it draws, and whether it keeps to its limit.

Pure: all times are given, in ms of the monotonic clock.
"""

from __future__ import annotations

from .profile import Limit, Unit

# Nothing flows in these states, until its meter says otherwise.
AT_REST = {
    "Available", "Preparing", "SuspendedEV", "SuspendedEVSE", "Finishing", "Reserved",
    "Unavailable",
}  # fmt: skip
FOLLOW_MS = 40_000
"""How long a car may take to follow a limit."""
SLACK_W = 100


class Outlet:
    """One outlet. What a charger accepts, it does not always obey: its meter tells."""

    def __init__(self) -> None:
        self.status = self.error = ""
        self._status_ms = 0
        self._power: tuple[int, int] | None = None
        self._told: Limit | None = None
        self._told_ms = self._since_ms = 0
        self._amp_w: float | None = None
        self._schedule: tuple[float, Unit] | None = None
        self.schedule_ms: int | None = None
        """When the charger was last asked what limit holds; None: not since the last change."""
        self.reset = False
        """Whether this limit was cleared and set again, because it was not followed."""

    def measured(self, watts: int, at_ms: int) -> None:
        """What its meter says; what is older than the last is not news."""
        if self._power is None or at_ms >= self._power[1]:
            self._power = watts, at_ms

    def is_now(self, status: str, error: str, now_ms: int) -> None:
        """Its state, as a StatusNotification has it."""
        self.status, self.error, self._status_ms = status, error, now_ms

    def drawn(self, now_ms: int, heard_ms: int) -> tuple[int, int] | None:
        """The power in watts and its age; None: not known. `heard_ms`: the charger's last word."""
        if self._rests():
            return 0, now_ms - heard_ms
        return None if self._power is None else (self._power[0], now_ms - self._power[1])

    def accepted(self, limit: Limit, now_ms: int) -> None:
        """The charger took a limit, or that there is none any more."""
        was = self._told
        if was is None or (was.amps, was.watts) != (limit.amps, limit.watts):
            self._since_ms, self.reset = now_ms, False
        if limit.amps > 0:
            self._amp_w = limit.watts / limit.amps
        self._told, self._told_ms, self.schedule_ms = limit, now_ms, None

    def begin_again(self, now_ms: int) -> None:
        """The limit was cleared, to be set once more."""
        self._since_ms, self.reset = now_ms, True

    def forgotten(self) -> None:
        """It may hold no limit any more: it started anew, or its connection did."""
        self._schedule, self.schedule_ms = None, None

    def said(self, schedule: tuple[float, Unit] | None, now_ms: int) -> None:
        """What the charger says that holds."""
        self._schedule, self.schedule_ms = schedule, now_ms

    def told(self, utc_ms: int) -> Limit | None:
        """What it was told and still has to keep to."""
        limit = self._told
        ended = limit is not None and limit.ends_ms is not None and limit.ends_ms <= utc_ms
        return None if ended else limit

    def strays(self, utc_ms: int) -> bool:
        """Whether it took a limit long enough ago, and draws more."""
        limit = self.told(utc_ms)
        if limit is None or limit.ends_ms is None or self._power is None:
            return False
        return self._power[1] >= self._since_ms + FOLLOW_MS and self._above(limit)

    def limit(self, utc_ms: int) -> float | None:
        """The amperes that it keeps to; None: not known."""
        limit, says = self.told(utc_ms), self._said_amps()
        if limit is None:
            return says
        if limit.ends_ms is None:
            return float(limit.amps) if says is None or self._rests() else says
        if self.strays(utc_ms) and self._power is not None:
            return max(limit.amps + 1.0, self._power[0] / (self._amp_w or 230))
        if says is not None:
            return float(limit.amps) if says <= limit.amps + 0.1 else says
        return float(limit.amps) if self._obeys(limit) else None

    def _rests(self) -> bool:
        newer = self._power is not None and self._power[1] > self._status_ms
        return self.status in AT_REST and not newer

    def _above(self, limit: Limit) -> bool:
        return self._power is not None and self._power[0] > limit.watts * 1.1 + SLACK_W

    def _obeys(self, limit: Limit) -> bool:
        """Nothing but its meter, or its state, can tell that it keeps to it."""
        if self._rests():
            return True
        newer = self._power is not None and self._power[1] >= self._told_ms
        return newer and not self._above(limit)

    def _said_amps(self) -> float | None:
        if self._schedule is None:
            return None
        number, unit = self._schedule
        if unit == "A":
            return number
        if self._told is not None and abs(number - self._told.watts) <= 0.02 * number:
            return float(self._told.amps)
        if number == 0:
            return 0.0
        return None if self._amp_w is None else number / self._amp_w
