"""A link with an ear, for tests: what it hears is kept until somebody asks."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import TypeVar

from venctl.link.endpoint import Endpoint, LastWill
from venctl.link.link import Link, LinkUp, Message, News

N = TypeVar("N", bound=News)
HANG_S = 10


def endpoint(port: int, client_id: str) -> Endpoint:
    return Endpoint("127.0.0.1", port, client_id)


class Peer:
    """A link with an ear that keeps what it hears; messages apart, they may come before
    `LinkUp`.
    """

    def __init__(
        self, where: Endpoint, topics: Sequence[str], will: LastWill | None, stored: bool = False
    ) -> None:
        self._messages: asyncio.Queue[News] = asyncio.Queue()
        self._changes: asyncio.Queue[News] = asyncio.Queue()
        self.link = Link(where, topics, will, self._hear, stored=stored)

    def _hear(self, news: News) -> None:
        (self._messages if isinstance(news, Message) else self._changes).put_nowait(news)

    async def next(self, kind: type[N]) -> N:
        """The next news of this kind; other changes of the link before it are dropped."""
        queue = self._messages if kind is Message else self._changes
        async with asyncio.timeout(HANG_S):
            while True:
                if isinstance(news := await queue.get(), kind):
                    return news

    async def change(self) -> News:
        """The very next change of the link."""
        async with asyncio.timeout(HANG_S):
            return await self._changes.get()

    async def message(self) -> bytes:
        """The next message, acknowledged."""
        message = await self.next(Message)
        message.puback()
        return message.payload


@asynccontextmanager
async def peer(
    where: Endpoint,
    topics: Sequence[str] = (),
    will: LastWill | None = None,
    stored: bool = False,
) -> AsyncIterator[Peer]:
    made = Peer(where, topics, will, stored)
    made.link.start()
    try:
        await made.next(LinkUp)
        yield made
    finally:
        await made.link.stop()
