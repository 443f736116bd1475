"""How long to wait before the next CONNECT: longer after each failure, with random jitter."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class BackoffPace:
    """The shortest and longest wait, and how long a connection must last to count as a success."""

    least_ms: int
    most_ms: int
    steady_ms: int


NEAR = BackoffPace(100, 1_000, 1_000)
FAR = BackoffPace(1_000, 120_000, 30_000)  # AWS IoT Core accepts one CONNECT a second per client id


class Backoff:
    """Full jitter between the shortest wait and a bound that doubles with each failure.

    A fleet that lost its broker at the same moment reconnects spread out, even after a long outage,
    because jitter applies at the longest wait too. `draw(low, high)` is like `random.uniform`.
    """

    def __init__(self, pace: BackoffPace, draw: Callable[[float, float], float]) -> None:
        self._pace, self._draw = pace, draw
        self._failures = 0
        self._since_s: float | None = None
        self._last_s: float | None = None

    def pause_s(self, mono_s: float) -> float:
        """Seconds until the earliest time for another attempt, whatever its reason."""
        if self._last_s is None:
            return 0.0
        return max(0.0, self._last_s + self._pace.least_ms / 1000 - mono_s)

    def attempted(self, mono_s: float) -> None:
        """A CONNECT was sent by now, or may have been: an attempt begins, ends or is answered."""
        self._last_s = mono_s

    def connected(self, mono_s: float) -> None:
        """The broker accepted the connection."""
        self._since_s = self._last_s = mono_s

    def wait_s(self, mono_s: float) -> float:
        """The link was lost or an attempt failed: the seconds until the next attempt."""
        since_s, self._since_s = self._since_s, None
        if since_s is not None and (mono_s - since_s) * 1000 >= self._pace.steady_ms:
            self._failures = 0
        self._failures = min(self._failures + 1, 30)
        bound_ms = min(self._pace.most_ms, self._pace.least_ms << self._failures)
        return self._draw(self._pace.least_ms, bound_ms) / 1000
