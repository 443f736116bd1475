"""A device that speaks HTTP/1.1 over real sockets, and counts how it is treated."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Asked:
    """A request as it came; the names of headers are in lower case."""

    method: str
    path: str
    headers: dict[str, str]
    body: str


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer. `length` is what Content-Length says, if not the truth; `endless` has none, and
    ends with the connection.
    """

    body: str = "{}"
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    length: int | None = None
    endless: bool = False


class CountingHttp:
    """Answers with `answer`, which may wait. None: it hangs up instead."""

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self.answer: Callable[[Asked], Awaitable[Reply | None]] = self._nothing
        self.asked: list[Asked] = []
        self.connections = self.open = self.most_open = 0
        self.at_once = self.most_at_once = 0
        self._tls = tls
        self._writers: set[asyncio.StreamWriter] = set()
        self._closed = asyncio.Event()

    async def __aenter__(self) -> CountingHttp:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, ssl=self._tls)
        self.port: int = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        self.drop()

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    def always(self, *replies: Reply | None) -> None:
        """Answer with these in turn, and again."""

        async def answer(asked: Asked) -> Reply | None:
            return replies[(len(self.asked) - 1) % len(replies)]

        self.answer = answer

    def drop(self) -> None:
        """Every connection is gone."""
        for writer in self._writers:
            writer.transport.abort()

    async def until_closed(self) -> None:
        """Until the other side has closed a connection, 5 s at most."""
        async with asyncio.timeout(5):
            await self._closed.wait()

    async def _nothing(self, asked: Asked) -> Reply:
        return Reply()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        self.connections += 1
        self.open += 1
        self.most_open = max(self.most_open, self.open)
        waiting: set[asyncio.Task[None]] = set()
        try:
            while (asked := await _read(reader)) is not None:
                self.asked.append(asked)
                waiting.add(task := asyncio.create_task(self._reply(asked, writer)))
                task.add_done_callback(waiting.discard)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            for task in waiting:
                task.cancel()
            self._writers.discard(writer)
            self.open -= 1
            self._closed.set()
            writer.close()

    async def _reply(self, asked: Asked, writer: asyncio.StreamWriter) -> None:
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            reply = await self.answer(asked)
        finally:
            self.at_once -= 1
        if reply is None:
            writer.transport.abort()
            return
        body = reply.body.encode()
        length = len(body) if reply.length is None else reply.length
        headers = {"Connection": "close"} if reply.endless else {"Content-Length": str(length)}
        lines = [f"{name}: {value}" for name, value in (headers | reply.headers).items()]
        head = "\r\n".join([f"HTTP/1.1 {reply.status} {_REASONS.get(reply.status, '')}", *lines])
        writer.write(head.encode() + b"\r\n\r\n" + body)
        if reply.endless:
            writer.close()


_REASONS = {200: "OK", 401: "Unauthorized", 403: "Forbidden", 404: "Not Found", 302: "Found",
            429: "Too Many Requests", 500: "Server Error", 503: "Service Unavailable"}  # fmt: skip


async def _read(reader: asyncio.StreamReader) -> Asked | None:
    """The next request; None at the end."""
    first = (await reader.readline()).decode()
    if not first:
        return None
    method, path, _ = first.split(" ", 2)
    headers: dict[str, str] = {}
    while line := (await reader.readline()).decode().strip():
        name, _, value = line.partition(":")
        headers[name.lower()] = value.strip()
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    return Asked(method, path, headers, body.decode())
