"""Passes events from other threads to the loop, many for one wake-up.

Waking the loop is a system call, in which the other thread releases Python's lock: in a flood, each
message would make both threads wait for it.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable
from typing import Any

from .time_slice import TimeSlice

log = logging.getLogger(__name__)


class Arrivals:
    """Events from any thread, each passed to its listener on the loop, in order."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._slice = TimeSlice(self._hand_out)
        self._news: deque[tuple[Callable[..., None], tuple[Any, ...]]] = deque()
        self._woken = False

    def tell(self, listener: Callable[..., None], *news: Any) -> None:
        """Call from any thread; `listener` gets `news` soon."""
        self._news.append((listener, news))
        if self._woken:
            return
        self._woken = True
        try:
            self._loop.call_soon_threadsafe(self._hand_out)
        except RuntimeError:
            log.debug("an event was dropped because the loop is closed")

    def _hand_out(self) -> None:
        while self._news:
            if self._slice.over():
                return
            listener, news = self._news.popleft()
            listener(*news)
        self._woken = False
        if self._news:  # it arrived after the last check, without a wake-up
            self._woken = True
            self._loop.call_soon(self._hand_out)
