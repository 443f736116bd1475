"""A man in the middle: passes MQTT 5 between clients and a real broker, and breaks what he is told.

What he swallows never arrives; both ends have to live with it. He speaks TLS towards the client
if he is given a context.
"""

from __future__ import annotations

import asyncio
import ssl
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import mqtt5

UP, DOWN = "to the broker", "to the client"


@dataclass(slots=True)
class Connection:
    """One connection as he saw it: moments of the loop's clock, and filters with an answer."""

    began: float
    connect: float | None = None
    connack: float | None = None
    alpn: str | None = None
    asked: dict[int, list[str]] = field(default_factory=dict)
    granted: dict[str, float] = field(default_factory=dict)
    ended: float | None = None
    mute: bool = False
    lost: set[type] = field(default_factory=set)
    writers: list[asyncio.StreamWriter] = field(default_factory=list)


class Flaky:
    """`swallow[way, packet]` counts packets that are still to be swallowed, e.g.
    `swallow[DOWN, mqtt5.ConnAckPacket] = 1`; no server says anything before that one, so with it
    goes all that follows. `refuse` connections are closed without a word. Without `wills` a
    CONNECT that carries one is not authorized, as under a policy of AWS that does not allow it.
    """

    def __init__(self, broker: int, tls: ssl.SSLContext | None = None) -> None:
        self._broker, self._tls = broker, tls
        self.connections: list[Connection] = []
        self.swallow: Counter[tuple[str, type]] = Counter()
        self.swallowed: Counter[tuple[str, type]] = Counter()
        self.refuse = 0
        self.wills = True
        self.on_connack: Callable[[], None] = lambda: None
        self._tasks: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Flaky:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, ssl=self._tls)
        self.port: int = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        self.drop()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    @property
    def connects(self) -> list[float]:
        """When each CONNECT came."""
        return [one.connect for one in self.connections if one.connect is not None]

    def drop(self) -> None:
        """Every connection is gone, without a word."""
        for one in self.connections:
            for writer in one.writers:
                writer.transport.abort()

    def kick(self, code: Any) -> None:
        """The server says DISCONNECT, and hangs up."""
        for one in self.connections:
            if one.ended is None and one.connack is not None:
                one.writers[0].write(mqtt5.DisconnectPacket(reason_code=code).write())
            for writer in one.writers:
                writer.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        one = Connection(asyncio.get_running_loop().time())
        self.connections.append(one)
        one.writers.append(writer)
        if secure := writer.get_extra_info("ssl_object"):
            one.alpn = secure.selected_alpn_protocol()
        if self.refuse:
            self.refuse -= 1
            await reader.read(1)
            writer.transport.abort()
            one.ended = asyncio.get_running_loop().time()
            return
        there = await asyncio.open_connection("127.0.0.1", self._broker)
        one.writers.append(there[1])
        ways = ((UP, reader, there[1]), (DOWN, there[0], writer))
        tasks = [asyncio.create_task(self._pass(one, *way)) for way in ways]
        self._tasks.update(tasks)
        await asyncio.gather(*tasks, return_exceptions=True)
        self._tasks.difference_update(tasks)

    async def _pass(
        self, one: Connection, way: str, source: asyncio.StreamReader, sink: asyncio.StreamWriter
    ) -> None:
        buffer = bytearray()
        try:
            while data := await source.read(65536):
                buffer += data
                while (length := self._take(one, way, buffer)) is not None:
                    if length > 0:
                        sink.write(bytes(buffer[:length]))
                    del buffer[: abs(length)]
        except ConnectionError:
            pass
        finally:
            one.ended = one.ended or asyncio.get_running_loop().time()
            sink.close()

    def _take(self, one: Connection, way: str, buffer: bytearray) -> int | None:
        """The length of the first packet, negative if it is swallowed; None if it is not whole."""
        try:
            packet, length = mqtt5.read(memoryview(bytes(buffer)))
        except IndexError:
            return None
        kind = type(packet)
        if kind is mqtt5.ConnectPacket and packet.will is not None and not self.wills:
            self._not_authorized(one)
        now = asyncio.get_running_loop().time()
        if kind is mqtt5.ConnectPacket:
            one.connect = now
        if self.swallow[way, kind]:
            self.swallow[way, kind] -= 1
            self.swallowed[way, kind] += 1
            one.lost.add(kind)
            one.mute |= kind is mqtt5.ConnAckPacket
            return -length
        if one.mute and way is DOWN:
            return -length
        self._note(one, packet, now)
        return int(length)

    def _not_authorized(self, one: Connection) -> None:
        code = mqtt5.ConnAckReasonCode.NOT_AUTHORIZED
        one.writers[0].write(mqtt5.ConnAckPacket(reason_code=code).write())
        one.writers[0].close()

    def _note(self, one: Connection, packet: Any, now: float) -> None:
        match packet:
            case mqtt5.ConnAckPacket():
                one.connack = now
                asyncio.get_running_loop().call_soon(self.on_connack)
            case mqtt5.SubscribePacket():
                one.asked[packet.packet_id] = [wanted.pattern for wanted in packet.topic_filters]
            case mqtt5.SubAckPacket():
                for pattern in one.asked.pop(packet.packet_id, []):
                    one.granted.setdefault(pattern, now)
