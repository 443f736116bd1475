"""When a device is read next: at its own pace, and less often while it does not answer."""

from __future__ import annotations

SLOWEST_MS = 60_000


class Poll:
    """The pace of one device. Times are monotonic milliseconds."""

    def __init__(self, every_ms: int) -> None:
        self._every_ms, self._failures, self._due_ms = every_ms, 0, 0

    def due(self, now_ms: int) -> bool:
        return now_ms >= self._due_ms

    def done(self, now_ms: int) -> None:
        self._failures, self._due_ms = 0, now_ms + self._every_ms

    def failed(self, now_ms: int, lasting: bool) -> None:
        """The pause doubles up to a minute; what will not pass soon waits a minute at once."""
        self._failures += 1
        pause_ms = self._every_ms << min(self._failures - 1, 6)
        self._due_ms = now_ms + (SLOWEST_MS if lasting else min(SLOWEST_MS, pause_ms))
