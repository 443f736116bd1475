"""A Modbus TCP gateway over real sockets, that counts how it is treated and can be unpleasant."""

from __future__ import annotations

import asyncio
import struct
from collections import defaultdict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

READS = {1: "coil", 2: "discrete", 3: "holding", 4: "input"}


@dataclass(frozen=True, slots=True)
class Pdu:
    """A request: unit, function, first register, and what follows."""

    unit: int
    function: int
    register: int
    rest: bytes

    @property
    def count(self) -> int:
        return int.from_bytes(self.rest[:2], "big")


class CountingModbus:
    """`registers[unit]` has what it answers, an int or the number of an exception as `-2`.

    `before` is awaited before each answer. `hang_up`: it closes each connection at its first
    request. Units in `mute` give no answer.
    """

    def __init__(self) -> None:
        self.registers: defaultdict[int, dict[int, int]] = defaultdict(dict)
        self.before: Callable[[Pdu], Awaitable[None]] = self._at_once
        self.mute: set[int] = set()
        self.hang_up = False
        self.asked: list[Pdu] = []
        self.connections = self.open = self.most_open = self.at_once = self.most_at_once = 0
        self._writers: set[asyncio.StreamWriter] = set()
        self._closed = asyncio.Event()

    async def __aenter__(self) -> CountingModbus:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port: int = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        self.drop()

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    def drop(self) -> None:
        """Every connection is gone."""
        for writer in self._writers:
            writer.close()

    async def until_closed(self) -> None:
        """Until the other side has closed a connection, 5 s at most."""
        async with asyncio.timeout(5):
            await self._closed.wait()

    async def _at_once(self, pdu: Pdu) -> None:
        pass

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        self.connections += 1
        self.open += 1
        self.most_open = max(self.most_open, self.open)
        waiting: set[asyncio.Task[None]] = set()
        try:
            while True:
                tid, _, length, unit = struct.unpack(">HHHB", await reader.readexactly(7))
                body = await reader.readexactly(length - 1)
                if self.hang_up:
                    break
                pdu = Pdu(unit, body[0], int.from_bytes(body[1:3], "big"), body[3:])
                self.asked.append(pdu)
                if unit not in self.mute:
                    waiting.add(task := asyncio.create_task(self._reply(tid, pdu, writer)))
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

    async def _reply(self, tid: int, pdu: Pdu, writer: asyncio.StreamWriter) -> None:
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            await self.before(pdu)
        finally:
            self.at_once -= 1
        answer = self._answer(pdu)
        writer.write(struct.pack(">HHHB", tid, 0, len(answer) + 1, pdu.unit) + answer)

    def _answer(self, pdu: Pdu) -> bytes:
        held, function = self.registers[pdu.unit], pdu.function
        count = pdu.count if function in READS or function >= 15 else 1
        if not set(range(pdu.register, pdu.register + count)) <= set(held):
            return bytes((function | 0x80, 2))
        if (found := held[pdu.register]) < 0:
            return bytes((function | 0x80, -found))
        if function in (1, 2):
            bits = sum((held[pdu.register + n] & 1) << n for n in range(count))
            return bytes((function, (count + 7) // 8)) + bits.to_bytes((count + 7) // 8, "little")
        if function in (3, 4):
            words = [held[pdu.register + n] for n in range(count)]
            return bytes((function, 2 * count)) + struct.pack(f">{count}H", *words)
        if function == 16:
            words = list(struct.unpack(f">{count}H", pdu.rest[3:]))
            held.update({pdu.register + n: word for n, word in enumerate(words)})
            return struct.pack(">BHH", function, pdu.register, count)
        held[pdu.register] = int(pdu.count > 0) if function == 5 else pdu.count
        return struct.pack(">BH", function, pdu.register) + pdu.rest[:2]
