"""One link at a time with its shadows, replaced when the broker requires it.

A CONNECT with a last will that is not allowed is refused entirely, and an MQTT client repeats it
forever; it also resends its messages on a resumed session. Both cases need a new client.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any

from .endpoint import LastWill
from .link import Denied, Link, LinkLost, LinkUp, News, SendFailed
from .permissions import CARRIED, DENIED, will_after
from .shadow_adapter import ShadowAdapter

log = logging.getLogger(__name__)
Hear = Callable[[News], None]
Make = Callable[[LastWill | None, Hear], tuple[Link, ShadowAdapter | None]]


class ReplaceableLink:
    """`make` builds a link with or without a last will; `hear` gets events of the present link
    only.

    There is no link before `start`. Call everything from the loop.
    """

    def __init__(self, make: Make, will: LastWill | None, hear: Hear) -> None:
        self._make, self._will, self._hear = make, will, hear
        self._stands = CARRIED if will else DENIED
        self._number = 0
        self._renewal: asyncio.Task[None] | None = None
        self._link: Link | None = None
        self.shadows: ShadowAdapter | None = None

    def start(self) -> None:
        """Connect, and receive deltas of the shadows. If `make` raises, so does this."""
        self._begin(*self._made())

    def publish(self, topic: str, payload: bytes, retain: bool) -> Coroutine[Any, Any, None]:
        """As `Link.publish`."""
        return _refused() if self._link is None else self._link.publish(topic, payload, retain)

    async def stop(self) -> None:
        """Disconnect; takes about a second at most."""
        if self._renewal is not None:
            self._renewal.cancel()
        if self.shadows is not None:
            self.shadows.close()
        if self._link is not None:
            await self._link.stop()

    def renew(self) -> None:
        """Reconnect with a new client that has nothing to send."""
        if self._renewal is None or self._renewal.done():
            self._renewal = asyncio.create_task(self._renew())

    async def _renew(self) -> None:
        old_link, old_shadows = self._link, self.shadows
        try:
            new = self._made()
        except (OSError, RuntimeError) as error:
            log.error("the connection could not be renewed and stays as it is: %s", error)
            return
        if old_shadows is not None:
            old_shadows.close()
        if old_link is not None:
            await old_link.stop()
        self._begin(*new)

    def _begin(self, link: Link, shadows: ShadowAdapter | None) -> None:
        self._link, self.shadows = link, shadows
        if shadows is not None:
            shadows.open()
        link.start()

    def _made(self) -> tuple[Link, ShadowAdapter | None]:
        made = self._make(
            self._will if self._stands == CARRIED else None, partial(self._heard, self._number + 1)
        )
        self._number += 1
        return made

    def _heard(self, number: int, news: News) -> None:
        if number != self._number:
            return
        before, self._stands = self._stands, will_after(self._stands, _answer(news))
        if (before == CARRIED) != (self._stands == CARRIED):
            self.renew()
            if isinstance(news, LinkUp):
                return
        if before != self._stands == DENIED and self._will is not None:
            log.warning("connected without a last will, because the broker does not allow one")
            self._hear(Denied(f"a last will on {self._will.topic}", "not authorized"))
        self._hear(news)


async def _refused() -> None:
    raise SendFailed("not connected yet")


def _answer(news: News) -> str:
    match news:
        case LinkUp():
            return "entered"
        case LinkLost(_, barred) if barred:
            return "refused"
    return ""
