"""The only timer of the core: rings when something in memory is due, even if clocks are set."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

MOST_S = 60.0  # the clock may be set meanwhile


class Waker:
    """`due_ms` returns when something is due next, in UTC milliseconds like `now_ms`; `ring` is
    called when it is.
    """

    def __init__(
        self,
        now_ms: Callable[[], int],
        due_ms: Callable[[], int | None],
        ring: Callable[[], None],
    ) -> None:
        self._now_ms, self._due_ms, self._ring = now_ms, due_ms, ring
        self._timer: asyncio.TimerHandle | None = None

    def set(self, at_ms: int | None) -> None:
        """Wake up at `at_ms` and not earlier; None means never."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if at_ms is not None:
            wait_s = min(max(0.0, (at_ms - self._now_ms()) / 1000), MOST_S)
            self._timer = asyncio.get_running_loop().call_later(wait_s, self._look)

    def _look(self) -> None:
        due_ms = self._due_ms()
        if due_ms is not None and due_ms > self._now_ms():
            self.set(due_ms)
        else:
            self._ring()
