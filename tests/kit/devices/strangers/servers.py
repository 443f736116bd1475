"""Servers by other hands, each on a free loopback port."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager

import pytest
from pymodbus.server import ModbusTcpServer
from pymodbus.simulator import DataType, SimData, SimDevice

from tests.kit.mqtt.mosquitto import free_port
from tests.kit.paths import ROOT
from tests.kit.tools import tool


@contextmanager
def black_hole() -> Iterator[int]:
    """A port that takes no more connections and refuses none, as a host behind a firewall."""
    with socket.socket() as hole, ExitStack() as callers:
        hole.bind(("127.0.0.1", 0))
        hole.listen(0)
        for _ in range(4):
            caller = callers.enter_context(socket.socket())
            caller.setblocking(False)
            caller.connect_ex(hole.getsockname())
        yield hole.getsockname()[1]


@asynccontextmanager
async def modbus_serial() -> AsyncIterator[int]:
    """The port of `modbus_serial.mjs`, under node."""
    node = tool("node")
    if not (ROOT / "node_modules/modbus-serial").is_dir():
        pytest.skip("needs npm")
    port = free_port()
    script = str(ROOT / "tests/kit/devices/strangers/modbus_serial.mjs")
    process = await asyncio.create_subprocess_exec(
        node, script, str(port), stdout=asyncio.subprocess.PIPE
    )
    try:
        assert process.stdout is not None
        async with asyncio.timeout(20):
            assert await process.stdout.readline() == b"ready\n"
        yield port
    finally:
        process.kill()
        await process.wait()


@asynccontextmanager
async def pymodbus_simulator(unit: int, first: int, values: list[int]) -> AsyncIterator[int]:
    """The port of pymodbus's own server, whose unit has these registers and no others."""
    port = free_port()
    data = SimData(first, values=values, datatype=DataType.REGISTERS)
    server = ModbusTcpServer(SimDevice(unit, simdata=[data]), address=("127.0.0.1", port))
    await server.serve_forever(background=True)
    try:
        yield port
    finally:
        await server.shutdown()
