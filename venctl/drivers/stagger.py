"""Lets devices move one after another when this program starts, so that not all move at once."""

from __future__ import annotations

import asyncio

APART_S = 0.2


class Stagger:
    """Who wants to move at the start waits its turn; `devices` is how many there may be."""

    def __init__(self, devices: int) -> None:
        self.most_s = devices * APART_S
        """The longest wait of all."""
        self._turn = asyncio.Lock()

    async def turn(self) -> None:
        """Wait until it is our turn. The next one comes 0.2 s later."""
        await self._turn.acquire()
        asyncio.get_running_loop().call_later(APART_S, self._turn.release)
