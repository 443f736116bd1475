"""The newest message of each topic, and when it came."""

from __future__ import annotations

import asyncio
import threading
from dataclasses import dataclass

from .faults import LinkFault
from .state import Clocks

MOST_MESSAGE = 64 * 1024
MOST_TOPICS = 1000
MOST_NAME = 65_535  # bytes, the limit of MQTT


@dataclass(frozen=True, slots=True)
class Heard:
    """The newest message on a topic, and when it came. `text` is None if it was too long."""

    text: str | None
    at_ms: int
    retained: bool


class Newest:
    """Keeps the newest message of each topic, however many come between two looks at them."""

    def __init__(self, clock: Clocks) -> None:
        self._clock, self._lock = clock, threading.Lock()
        self._heard: dict[str, Heard | None] = {}
        self._news: dict[str, asyncio.Event] = {}

    def declare(self, topic: str) -> bool:
        """Keep what comes on a topic. False: it was declared before. Raises LinkFault if there are
        too many.
        """
        if topic in self._heard:
            return False
        if not topic or any(sign in topic for sign in "+#\0") or len(topic.encode()) > MOST_NAME:
            raise LinkFault(f"{topic!r} is no topic of a device", lasting=True)
        if len(self._heard) >= MOST_TOPICS:
            raise LinkFault(f"this link has more than {MOST_TOPICS} topics", lasting=True)
        self._news[topic] = asyncio.Event()
        with self._lock:
            self._heard[topic] = None
        return True

    def took(self, topic: str, payload: bytes, retained: bool) -> bool:
        """Call from any thread. Whether to `tell` of it."""
        long = len(payload) > MOST_MESSAGE
        new = Heard(
            None if long else payload.decode("utf-8", "replace"), self._clock()[1], retained
        )
        with self._lock:
            if topic not in self._heard:
                return False
            old = self._heard[topic]
            # What a broker repeats after a reconnect is no younger than what we heard it say.
            if not (old and retained and not old.retained and old.text == new.text):
                self._heard[topic] = new
        return True

    def tell(self, topic: str) -> None:
        """Wake who waits for a message. Call from the loop."""
        self._news[topic].set()

    def of(self, topic: str) -> Heard | None:
        with self._lock:
            return self._heard.get(topic)

    async def after(self, topic: str, since_ms: int | None, until_ms: int) -> None:
        """Wait until there is a message that came live after `since_ms`; None: any message."""
        while (left_ms := until_ms - self._clock()[1]) > 0:
            self._news[topic].clear()
            heard = self.of(topic)
            if heard and (since_ms is None or (not heard.retained and heard.at_ms >= since_ms)):
                return
            try:
                async with asyncio.timeout(left_ms / 1000):
                    await self._news[topic].wait()
            except TimeoutError:
                return
