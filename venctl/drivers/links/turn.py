"""One request at a time on a link: orders before queries, and a pause after each."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Generic, TypeVar

from .faults import LinkFault

T = TypeVar("T")


class RequestQueue(Generic[T]):
    """Whose turn it is. It has no clock: times are given, in ms."""

    def __init__(self, pause_ms: int) -> None:
        self._pause_ms = pause_ms
        self._orders: deque[T] = deque()
        self._queries: deque[T] = deque()
        self._busy = False
        self._free_ms: int | None = None

    def enter(self, one: T, urgent: bool) -> None:
        """Wait behind all of its kind; an order also waits before all queries."""
        (self._orders if urgent else self._queries).append(one)

    def leave(self, one: T) -> None:
        """It waits no longer."""
        for line in (self._orders, self._queries):
            if one in line:
                line.remove(one)

    def queries(self) -> tuple[T, ...]:
        """The queries that wait."""
        return tuple(self._queries)

    def next(self, now_ms: int) -> T | None:
        """Who may begin now; it is busy until `ended`."""
        line = self._orders or self._queries
        if not line or self.wait_ms(now_ms) != 0:
            return None
        self._busy = True
        return line.popleft()

    def ended(self, now_ms: int) -> None:
        """The request under way is over."""
        self._busy, self._free_ms = False, now_ms + self._pause_ms

    def wait_ms(self, now_ms: int) -> int | None:
        """How long until the next may begin; None while one is under way."""
        if self._busy:
            return None
        return 0 if self._free_ms is None else max(0, self._free_ms - now_ms)


class LinkTurn:
    """The queue on the loop."""

    def __init__(self, pause_ms: int) -> None:
        self._queue: RequestQueue[asyncio.Future[None]] = RequestQueue(pause_ms)
        self._timer: asyncio.TimerHandle | None = None

    @asynccontextmanager
    async def take(self, urgent: bool) -> AsyncIterator[None]:
        """Wait for the turn, and keep it. Raises what `fail_queries` was given meanwhile."""
        mine: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._queue.enter(mine, urgent)
        self._look()
        try:
            await mine
        except BaseException:
            self._queue.leave(mine)
            if not mine.cancelled() and mine.exception() is None:  # cancelled as its turn came
                self._end()
            raise
        try:
            yield
        finally:
            self._end()

    def fail_queries(self, fault: LinkFault) -> None:
        """Queries that wait would fail in the same way, each after a time limit of its own."""
        for waiting in self._queue.queries():
            self._queue.leave(waiting)
            if not waiting.done():
                waiting.set_exception(fault.again())

    def _end(self) -> None:
        self._queue.ended(_now_ms())
        self._look()

    def _look(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        wait_ms = self._queue.wait_ms(_now_ms())
        if wait_ms:
            loop = asyncio.get_running_loop()
            self._timer = loop.call_later(wait_ms / 1000, self._look)
        elif (one := self._queue.next(_now_ms())) is not None:
            if one.done():  # cancelled, and its task did not run yet
                self._end()
            else:
                one.set_result(None)


def _now_ms() -> int:
    return round(asyncio.get_running_loop().time() * 1000)
