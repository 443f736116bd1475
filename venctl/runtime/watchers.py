"""Watchers of the site: notified of each transition and of other changes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from statemachine.state.memory import Memory, Transition


class Watchers:
    """Any number of watchers; a slow one misses changes and delays nobody."""

    def __init__(self) -> None:
        self._watchers: set[asyncio.Queue[Transition | None]] = set()

    async def watch(self) -> AsyncIterator[Transition | None]:
        """Yields a transition of an event, or None for another change; at least once a second."""
        queue: asyncio.Queue[Transition | None] = asyncio.Queue(maxsize=256)
        self._watchers.add(queue)
        try:
            while True:
                try:
                    async with asyncio.timeout(1.0):
                        passed = await queue.get()
                except TimeoutError:
                    passed = None
                yield passed
        finally:
            self._watchers.discard(queue)

    def tell(self, before: Memory, after: Memory, quiet: bool) -> None:
        """Memory changed. `quiet`: the change can wait for the next notification."""
        passed = after.last if after.last is not before.last else None
        for queue in self._watchers:
            if not queue.full() and not (quiet and not queue.empty()):
                queue.put_nowait(passed)
