"""The state as server-sent events: old states are skipped, transitions never are."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import time
from collections.abc import AsyncIterator
from typing import Any

from aiohttp.web import Application, Request, StreamResponse

from statemachine.state.memory import Transition

from .controller_port import ControllerPort
from .http.session import COOKIE, SECURE_COOKIE
from .machine import transition
from .resources import state

log = logging.getLogger(__name__)
PING_S = 15
AGAIN_S = 1.0
STUCK_S = 10
MOST_TRANSITIONS = 256
PER_BROWSER, PER_ADDRESS, IN_ALL = 4, 8, 32


class _Reader:
    """One open stream, with what it has not sent yet."""

    __slots__ = ("address", "browser", "last_words", "latest", "passed", "wake")

    def __init__(self, browser: str, address: str) -> None:
        self.browser, self.address = browser, address
        self.latest = ""
        self.passed: list[str] = []
        self.wake = asyncio.Event()
        self.last_words: str | None = None

    def hear(self, latest: str, passed: str) -> None:
        self.latest = latest or self.latest
        if passed and len(self.passed) >= MOST_TRANSITIONS:
            # Too far behind to get everything: the client must fetch what it needs.
            self.passed = [_told("resync", 0, {})]
        elif passed:
            self.passed.append(passed)
        self.wake.set()

    def close(self, last_words: str) -> None:
        self.last_words = last_words
        self.wake.set()

    def take(self) -> str:
        text = "".join(self.passed) + self.latest + (self.last_words or "")
        self.passed, self.latest = [], ""
        self.wake.clear()
        return text


class Broadcaster:
    """Watches the desk once for all open streams. A slow one does not delay others."""

    def __init__(self, desk: ControllerPort) -> None:
        self._desk = desk
        self._readers: list[_Reader] = []
        self._closed = self._failing = False

    async def run(self, app: Application) -> AsyncIterator[None]:
        """For `cleanup_ctx`: watch while the application runs."""
        watching = asyncio.create_task(self._watch(), name="page-watch")
        yield
        watching.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await watching

    async def close(self, app: Application) -> None:
        """For `on_shutdown`: end all streams, so that the shutdown does not wait for them."""
        self._end()

    async def get_stream(self, request: Request) -> StreamResponse:
        """The state as server-sent events: `snapshot`, `state`, `transition`."""
        response = StreamResponse(headers={"X-Accel-Buffering": "no"})
        response.content_type, response.charset = "text/event-stream", "utf-8"
        await response.prepare(request)
        reader = self._admit(_browser(request), request.remote or "")
        try:
            first = "retry: 2000\n" + _told("snapshot", self._desk.rev, state(self._desk))
            await self._tell(reader, response, first)
        except (TimeoutError, ConnectionError):
            if request.transport:
                request.transport.abort()
        finally:
            self._readers.remove(reader)
        return response

    async def _tell(self, reader: _Reader, response: StreamResponse, text: str) -> None:
        ping_s = time.monotonic() + PING_S
        while True:
            async with asyncio.timeout(STUCK_S):
                await response.write(text.encode())
            if reader.last_words is not None or self._closed:
                return
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(max(0, ping_s - time.monotonic())):
                    await reader.wake.wait()
            text = reader.take()
            if time.monotonic() >= ping_s:
                text += ": ping\n\n"
                ping_s = time.monotonic() + PING_S

    def _admit(self, browser: str, address: str) -> _Reader:
        """Add a stream. Browsers open six connections to a site; streams never use all of them."""
        readers = [reader for reader in self._readers if reader.last_words is None]
        near = [reader for reader in readers if reader.address == address]
        own = [reader for reader in readers if reader.browser == browser]
        for most, streams in ((PER_BROWSER, own), (PER_ADDRESS, near), (IN_ALL, readers)):
            if len(streams) >= most:
                streams[0].close(_told("evicted", self._desk.rev, {}))
                break
        reader = _Reader(browser, address)
        self._readers.append(reader)
        return reader

    async def _watch(self) -> None:
        try:
            while True:
                await self._follow()
                await asyncio.sleep(AGAIN_S)
        finally:
            self._end()

    async def _follow(self) -> None:
        try:
            async for passed in self._desk.watch():
                if self._readers:
                    self._publish(passed)
                self._failing = False
        except Exception:
            if not self._failing:
                log.exception("the state streams missed a change")
            self._failing = True

    def _publish(self, passed: Transition | None) -> None:
        rev = self._desk.rev
        message = _told("transition", rev, transition(passed)) if passed else ""
        latest = _told("state", rev, state(self._desk))
        for reader in self._readers:
            reader.hear(latest, message)

    def _end(self) -> None:
        self._closed = True
        for reader in self._readers:
            reader.close("")


def _told(name: str, rev: int, data: Any) -> str:
    return f"id: {rev}\nevent: {name}\ndata: {json.dumps(data, separators=(',', ':'))}\n\n"


def _browser(request: Request) -> str:
    session = request.cookies.get(SECURE_COOKIE) or request.cookies.get(COOKIE)
    return session or f"{request.remote} {request.headers.get('User-Agent', '')}"
