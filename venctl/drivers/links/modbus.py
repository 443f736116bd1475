"""Modbus TCP: one connection a gateway, one request at a time, and no late answer for another.

A request without an answer closes the connection: what comes late then meets no other request.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

from statemachine.device.declaration import LinkDeclaration
from statemachine.device.requests import LinkAnswer, Order, Query, ReadRegisters, WriteRegisters

from ...base.clocks import clocks
from .faults import LinkFault, connect_words, device_words
from .modbus_wire import Lost, ModbusRefusal, Odd, Wire
from .request_line import RequestLine
from .rests import Rest
from .settings import Secrets, address_of, pause_of
from .state import Clocks, LinkState

T = TypeVar("T")
CONNECT_S, REQUEST_S, DEED_S = 1.0, 2.0, 3.5
PORTS = {"modbus": 502, "tcp": 502}
LINK_RESTS_MS = (5_000, 30_000)  # fewer than 4 tries a minute
UNIT_RESTS_MS = (0, 5_000, 30_000)
MOST_COILS, MOST_READ, MOST_WRITTEN = 2000, 125, 123
UNIT_AWAY = 11
LASTING = (1, 2, 10)
EXCEPTIONS = {
    1: "illegal function",
    2: "illegal address",
    3: "illegal value",
    4: "device failure",
    5: "not done yet",
    6: "device busy",
    8: "memory error",
    10: "gateway path unavailable",
    UNIT_AWAY: "no answer from this unit to the gateway",
}


@dataclass(frozen=True, slots=True)
class _Deed(Generic[T]):
    """A request to a unit, in words and as it is made."""

    unit: int
    what: str
    on: Callable[[Wire], Awaitable[T]]


class ModbusLink:
    """A device, or a gateway with several units. Connects with the first request."""

    def __init__(
        self, declaration: LinkDeclaration, secrets: Secrets, beside: Path, clock: Clocks = clocks
    ) -> None:
        self._at = address_of(declaration.to, PORTS)
        self._line = RequestLine(f"modbus {self._at.text}", pause_of(declaration.settings), clock)
        self._wire: Wire | None = None
        self._answered = False
        self._proved = False  # this connection has brought an answer
        self._barren = 0  # connections that brought none since the last answer
        self._rest, self._why = Rest(LINK_RESTS_MS), ""
        self._unit_rests: defaultdict[int, Rest] = defaultdict(lambda: Rest(UNIT_RESTS_MS))

    async def ask(self, query: Query) -> LinkAnswer:
        """Registers, or coils as 0 and 1. Raises LinkFault."""
        if not isinstance(query, ReadRegisters):
            raise LinkFault("this device is reached over Modbus, not like this", lasting=True)
        most = MOST_COILS if query.table in ("coil", "discrete") else MOST_READ
        what = _checked(query.unit, query.table, query.register, query.count, most)
        deed: _Deed[tuple[int, ...]] = _Deed(
            query.unit, f"reading {what}", lambda wire: wire.read(query)
        )
        registers = await self._carry_out(deed, urgent=False)
        return LinkAnswer(registers)

    async def tell(self, order: Order) -> None:
        """Write registers or a coil. Raises LinkFault, also if the device refuses it."""
        if not isinstance(order, WriteRegisters):
            raise LinkFault("this device is reached over Modbus, not like this", lasting=True)
        most = MOST_WRITTEN if order.function == 16 else 1
        what = _checked(order.unit, order.table, order.register, len(order.words), most)
        if not all(0 <= word <= 0xFFFF for word in order.words):
            raise LinkFault(f"a word for {what} is not in 0 to 65535", lasting=True)
        deed = _Deed(order.unit, f"writing {what}", lambda wire: wire.write(order))
        await self._carry_out(deed, urgent=True)

    def state(self) -> LinkState:
        """How it does."""
        return self._line.state()

    async def close(self) -> None:
        """Close the connection; the next request opens another."""
        self._drop()

    async def _carry_out(self, deed: _Deed[T], urgent: bool) -> T:
        place = f"unit {deed.unit} {deed.what}"
        return await self._line.carry_out(place, urgent, lambda: self._try_twice(deed))

    async def _try_twice(self, deed: _Deed[T]) -> T:
        """Many gateways close a connection that was idle."""
        left_ms = self._unit_rests[deed.unit].left_ms(self._line.now_ms())
        if left_ms:
            said = f"does not answer, and is left alone for {_seconds(left_ms)}"
            raise LinkFault(f"unit {deed.unit} of {self._at.text} {said}")
        try:
            async with asyncio.timeout(DEED_S):
                try:
                    return await self._once(deed)
                except Lost:
                    if not self._proved:
                        raise
                self._drop()
                return await self._once(deed)
        except Lost:
            raise self._barred("closes the connection before it answers") from None
        except Odd as odd:
            words = device_words(str(odd))
            raise LinkFault(f"{self._at.text} answers {deed.what} with {words}", up=True) from None
        except TimeoutError:
            raise self._mute(deed.unit) from None
        finally:
            if not self._answered:
                self._drop()

    async def _once(self, deed: _Deed[T]) -> T:
        self._answered = False
        wire = await self._connected()
        try:
            async with asyncio.timeout(REQUEST_S):
                answer = await deed.on(wire)
        except ModbusRefusal as refused:
            self._took_answer()
            raise self._refusal(deed, refused.code) from None
        self._took_answer()
        self._unit_rests[deed.unit].worked()
        return answer

    async def _connected(self) -> Wire:
        if self._wire is not None and self._wire.connected:
            return self._wire
        self._drop()
        left_ms = self._rest.left_ms(self._line.now_ms())
        if left_ms:
            said = f"{self._why}, and is tried again in {_seconds(left_ms)}"
            raise LinkFault(f"{self._at.text} {said}", away=True)
        self._wire = Wire(self._at.host, self._at.port)
        try:
            async with asyncio.timeout(CONNECT_S):
                await self._wire.connect()
        except OSError as error:  # also a time-out
            raise self._barred(connect_words(error)) from None
        return self._wire

    def _took_answer(self) -> None:
        self._answered = self._proved = True
        self._barren, self._why = 0, ""
        self._rest.worked()

    def _refusal(self, deed: _Deed[T], code: int) -> LinkFault:
        rest = self._unit_rests[deed.unit]
        if code == UNIT_AWAY:
            rest.failed(self._line.now_ms())
        else:
            rest.worked()
        words = EXCEPTIONS.get(code, f"exception {code}")
        said = f"unit {deed.unit} of {self._at.text} answers {words} to {deed.what}"
        return LinkFault(said, lasting=code in LASTING or rest.failures > 2, up=True)

    def _mute(self, unit: int) -> LinkFault:
        """Of several units behind a gateway one may be away, and the others must not suffer."""
        rest, now_ms = self._unit_rests[unit], self._line.now_ms()
        rest.failed(now_ms)
        if not self._proved:
            self._barren += 1
        if self._barren > 1:
            self._why = "accepts a connection and gives no answer"
            self._rest.failed(now_ms)
        said = f"unit {unit} of {self._at.text} gave no answer within {REQUEST_S:g} s"
        return LinkFault(said, up=None if self._proved else False)

    def _barred(self, why: str) -> LinkFault:
        self._why = why
        self._rest.failed(self._line.now_ms())
        return LinkFault(f"{self._at.text} {why}", away=True)

    def _drop(self) -> None:
        if self._wire is not None:
            self._wire.close()
        self._wire, self._proved = None, False


def _checked(unit: int, table: str, register: int, count: int, most: int) -> str:
    """What is read or written, in words. Raises LinkFault if no device could understand it."""
    what = f"{table} register {register}"
    if not 1 <= unit <= 255:
        raise LinkFault(f"{unit} is no unit of a device; write 1 to 247", lasting=True)
    if not 1 <= count <= most or not 0 <= register <= 0x10000 - count:
        raise LinkFault(f"{what} and {count - 1} after it are not possible", lasting=True)
    return what


def _seconds(ms: int) -> str:
    return f"{-(-ms // 1000)} s"
