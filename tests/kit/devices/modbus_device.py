"""A fake Modbus TCP device or gateway: frames by hand, so that every fault of a frame can be made.

Judged by pymodbus's client and, in `make devices`, by modbus-serial of npm.
"""

from __future__ import annotations

import asyncio
import struct
from collections.abc import Mapping

from tests.kit.devices.clock import Clock, pause
from tests.kit.devices.device import SocketDevice, reset
from tests.kit.devices.faults import Dead, Garbage, Impostor, Late, Reset, Slow, Spoiled, Status
from tests.kit.devices.registers import (
    ILLEGAL_FUNCTION,
    ILLEGAL_VALUE,
    NOT_THERE,
    Refused,
    Table,
    Unit,
)

TABLES: dict[int, Table] = {1: "coil", 2: "discrete", 3: "holding", 4: "input"}
WRITES = {5, 6, 15, 16}
NAN, INFINITE, NOT_IMPLEMENTED = b"\x7f\xc0\x00\x00", b"\x7f\x80\x00\x00", b"\xff\xff"


class ModbusDevice(SocketDevice):
    """`ModbusDevice(clock, {1: Heidelberg(wiring, outlet), 4: Sdm120(meter)})`.

    `most_clients`: more than so many and the eldest is dropped, or, with `refuses_more`, the
    newcomer. `between_s`: the pause it needs; `hurried` counts requests that came sooner.
    """

    def __init__(self, clock: Clock, units: Mapping[int, Unit]) -> None:
        super().__init__(clock)
        self.units = dict(units)
        self.most_clients: int | None = None
        self.refuses_more = False
        self.between_s = 0.0
        self.hurried = 0
        self._ended = -1e9

    def protocol(self) -> asyncio.BaseProtocol:
        return _Connection(self)

    def joined(self, protocol: object, transport: asyncio.Transport) -> None:
        super().joined(protocol, transport)
        if self.most_clients is None or len(self._transports) <= self.most_clients:
            return
        reset(transport if self.refuses_more else next(iter(self._transports.values())))

    async def answer(self, transport: asyncio.Transport, frame: bytes) -> None:
        """Answers one frame, as its fault of the moment allows."""
        self.counts.begun()
        self.hurried += self.clock.now() - self._ended < self.between_s
        try:
            await self._behave(transport, frame)
        finally:
            self.counts.ended()
            self._ended = self.clock.now()

    async def _behave(self, transport: asyncio.Transport, frame: bytes) -> None:
        match self.suffers:
            case Dead():
                return
            case Reset():
                reset(transport)
            case Status(code, each) if self.counts.requests % each == 0:
                transport.write(_framed(frame, bytes([frame[7] | 0x80, code])))
            case Slow(seconds):
                await pause(self.clock, seconds)
                transport.write(self.reply(frame))
            case Late(seconds):
                said = self.reply(frame)
                await pause(self.clock, seconds)
                transport.write(said)
            case Garbage(how):
                transport.write(_spoiled(how, frame, self.reply(frame)))
            case Impostor(other):
                transport.write(other.reply(frame))
            case _:
                transport.write(self.reply(frame))

    def reply(self, frame: bytes) -> bytes:
        """What a healthy one answers."""
        function = frame[7]
        try:
            return _framed(frame, bytes([function]) + self._do(frame[6], function, frame[8:]))
        except Refused as no:
            return _framed(frame, bytes([function | 0x80, no.code]))
        except struct.error:
            return _framed(frame, bytes([function | 0x80, ILLEGAL_VALUE]))

    def _do(self, number: int, function: int, body: bytes) -> bytes:
        unit = self.units.get(number)
        if unit is None:
            raise Refused(NOT_THERE)
        unit.heard()
        if function in TABLES:
            register, count = struct.unpack(">HH", body)
            return self._read(unit, TABLES[function], register, count)
        if function not in WRITES:
            raise Refused(ILLEGAL_FUNCTION)
        return self._write(number, unit, function, body)

    def _read(self, unit: Unit, table: Table, register: int, count: int) -> bytes:
        bits = table in ("coil", "discrete")
        if not 1 <= count <= (2000 if bits else 125):
            raise Refused(ILLEGAL_VALUE)
        values = unit.read(table, register, count)
        if bits:
            packed = sum(1 << place for place, value in enumerate(values) if value)
            raw = packed.to_bytes((count + 7) // 8, "little")
        else:
            raw = struct.pack(f">{count}H", *values)
        return bytes([len(raw)]) + raw

    def _write(self, number: int, unit: Unit, function: int, body: bytes) -> bytes:
        register, second = struct.unpack(">HH", body[:4])
        table: Table = "coil" if function in (5, 15) else "holding"
        match function:
            case 5:
                values: tuple[int, ...] = (int(second == 0xFF00),)
            case 6:
                values = (second,)
            case 15:
                packed = int.from_bytes(body[5:], "little")
                values = tuple(packed >> place & 1 for place in range(second))
            case _:
                values = struct.unpack(f">{second}H", body[5:])
        refused: list[Refused] = []

        def deed() -> None:
            try:
                unit.write(table, register, values)
            except Refused as no:
                refused.append(no)

        self.order(f"{number} {table} {register} = {' '.join(map(str, values))}", deed)
        if refused:
            raise refused[0]
        return body[:4]


class _Connection(asyncio.Protocol):
    """One client: cuts what comes into frames; each is answered by a task of its own."""

    def __init__(self, device: ModbusDevice) -> None:
        self._device, self._rest = device, b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._device.joined(self, transport)

    def connection_lost(self, exc: Exception | None) -> None:
        self._device.left(self)

    def data_received(self, data: bytes) -> None:
        self._rest += data
        while len(self._rest) >= 8:
            length = 6 + int.from_bytes(self._rest[4:6], "big")
            if self._rest[2:4] != b"\0\0" or length > 260:
                return reset(self._transport)  # no Modbus TCP, such as RTU over TCP
            if len(self._rest) < length:
                return None
            frame, self._rest = self._rest[:length], self._rest[length:]
            self._device.later(self._device.answer(self._transport, frame))
        return None


def _framed(frame: bytes, said: bytes) -> bytes:
    return frame[:4] + struct.pack(">HB", len(said) + 1, frame[6]) + said


def _spoiled(how: Spoiled, frame: bytes, good: bytes) -> bytes:
    """An answer to a read made bad."""
    head, data = good[7:9], good[9:]
    match how:
        case "nan":
            return _framed(frame, head + (NAN * len(data))[: len(data)])
        case "infinite":
            return _framed(frame, head + (INFINITE * len(data))[: len(data)])
        case "null":
            return _framed(frame, head + (NOT_IMPLEMENTED * len(data))[: len(data)])
        case "huge":
            return good[:4] + b"\xff\xff" + good[6:] + b"\0" * 65_535
        case "list":
            return _framed(frame, bytes([head[0], len(data) + 2]) + data + b"\0\1")
        case "words":
            return bytes([good[0] ^ 0x5A, good[1] ^ 0xA5]) + good[2:]
        case "deep":
            return _framed(frame, bytes([head[0] ^ 1]) + good[8:])
        case "html":
            return b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n"
        case "cut":
            return good[: len(good) // 2]
        case "empty":
            return _framed(frame, b"")
