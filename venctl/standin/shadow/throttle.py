"""Limits the requests of a thing with a token bucket."""

from __future__ import annotations

from collections.abc import Callable

MOST_BUCKETS = 10_000


class Throttle:
    """`rate` requests a second for each key, and as many at once. `clock` returns seconds."""

    def __init__(self, rate: int, clock: Callable[[], float]) -> None:
        self._rate, self._clock = rate, clock
        self._buckets: dict[str, tuple[float, float]] = {}

    def admits(self, key: str) -> bool:
        """Whether one more request fits now; if so, it counts."""
        now = self._clock()
        tokens, at = self._buckets.pop(key, (float(self._rate), now))
        tokens = min(float(self._rate), tokens + max(0.0, now - at) * self._rate)
        if len(self._buckets) >= MOST_BUCKETS:
            self._buckets.pop(next(iter(self._buckets)))
        self._buckets[key] = (tokens - 1 if tokens >= 1 else tokens, now)
        return tokens >= 1
