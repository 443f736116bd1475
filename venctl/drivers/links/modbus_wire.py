"""A Modbus TCP connection by pymodbus, which no other module imports: its API changes often."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable
from typing import Any

from pymodbus.client import AsyncModbusTcpClient
from pymodbus.exceptions import ModbusException
from pymodbus.pdu import ModbusPDU

from statemachine.device.requests import ReadRegisters, WriteRegisters

logging.getLogger("pymodbus.logging").setLevel(logging.CRITICAL)  # what it logs we say in faults
NEVER_S = 60.0  # who uses a wire has time limits, which are shorter


class Lost(Exception):
    """The other end closed the connection before it answered."""


class ModbusRefusal(Exception):
    """The device answered with an exception of Modbus."""

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code


class Odd(Exception):
    """The answer is none to this request; says why."""


class Wire:
    """One connection, and one request at a time on it. After `close`, make another.

    A request that is cancelled, or raises anything but `ModbusRefusal`, leaves a wire that must be
    closed.
    """

    def __init__(self, host: str, port: int) -> None:
        self._lost = asyncio.Event()
        self._cause: OSError | None = None
        self._client = AsyncModbusTcpClient(
            host,
            port=port,
            timeout=NEVER_S,
            retries=0,
            reconnect_delay=0,
            trace_connect=self._on_connection,
        )
        # pymodbus only says that there is no connection, and not why.
        self._create = self._client.ctx.call_create
        self._client.ctx.call_create = self._created

    async def connect(self) -> None:
        """Raises OSError if there is no connection."""
        if not await self._client.connect():
            raise self._cause or ConnectionError("no connection")

    @property
    def connected(self) -> bool:
        """Whether the other end has not closed it."""
        return self._client.connected and not self._lost.is_set()

    def close(self) -> None:
        """What still comes is not read."""
        self._client.close()

    async def read(self, request: ReadRegisters) -> tuple[int, ...]:
        """Registers, or coils as 0 and 1. Raises `Lost`, `ModbusRefusal` or `Odd`."""
        client = self._client
        ask: Any = {
            "coil": client.read_coils,
            "discrete": client.read_discrete_inputs,
            "holding": client.read_holding_registers,
            "input": client.read_input_registers,
        }[request.table]
        answer = await self._answer(
            ask(request.register, count=request.count, device_id=request.unit)
        )
        if request.table in ("coil", "discrete"):
            found = tuple(int(bit) for bit in answer.bits)[: request.count]
        else:
            found = tuple(answer.registers)
        if len(found) != request.count:
            raise Odd(f"{len(found)} registers where {request.count} were asked for")
        return found

    async def write(self, request: WriteRegisters) -> None:
        """Raises `Lost`, `ModbusRefusal` or `Odd`."""
        client, at, unit = self._client, request.register, request.unit
        match request.function:
            case 5:
                on = bool(request.words[0])
                await self._answer(client.write_coil(at, on, device_id=unit))
            case 6:
                await self._answer(client.write_register(at, request.words[0], device_id=unit))
            case 16:
                words = list(request.words)
                await self._answer(client.write_registers(at, words, device_id=unit))

    async def _answer(self, asking: Awaitable[ModbusPDU]) -> ModbusPDU:
        request, lost = asyncio.ensure_future(asking), asyncio.create_task(self._lost.wait())
        try:
            await asyncio.wait({request, lost}, return_when=asyncio.FIRST_COMPLETED)
            if not request.done():
                raise Lost
            answer = request.result()
        except ModbusException as error:
            raise Odd(str(error)) from None
        finally:
            request.cancel()
            lost.cancel()
        if answer.isError():
            raise ModbusRefusal(answer.exception_code)
        return answer

    async def _created(self) -> Any:
        try:
            return await self._create()
        except OSError as error:
            self._cause = error
            raise

    def _on_connection(self, made: bool) -> None:
        if not made:
            self._lost.set()
