"""What every fake device has: a fault or none, counts, and an address on the loopback."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
from abc import ABC, abstractmethod
from collections.abc import Callable, Coroutine
from typing import Any, Self

from tests.kit.devices.clock import Clock, pause
from tests.kit.devices.faults import Counts, Dead, Deaf, Fault, Flapping, Refusing

LINGER = struct.pack("ii", 1, 0)  # close with an RST


class Device:
    """`fault` may be set at any time; one that moves a door or a connection wants `fail`."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.counts = Counts()
        self.fault: Fault | None = None
        self._tasks: set[asyncio.Future[object]] = set()
        self._ill_since = self.booted = clock.now()

    @property
    def uptime_s(self) -> int:
        return int(self.clock.now() - self.booted)

    @property
    def suffers(self) -> Fault | None:
        """The fault of this moment."""
        if isinstance(self.fault, Flapping):
            turn = self.fault.well_s + self.fault.dead_s
            ill = (self.clock.now() - self._ill_since) % turn >= self.fault.well_s
            return Dead() if ill else None
        return self.fault

    def order(self, what: str, deed: Callable[[], object]) -> None:
        """Somebody told it to do something: noted, and done unless it is deaf."""
        self.counts.commands.append((self.clock.now(), what))
        if not isinstance(self.suffers, Deaf):
            deed()

    def later(self, deed: Coroutine[Any, Any, object]) -> None:
        """Does it in a task of its own."""
        task = asyncio.ensure_future(deed)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def fail(self, fault: Fault) -> None:
        """From now on it has this fault."""
        self.fault, self._ill_since = fault, self.clock.now()

    async def heal(self) -> None:
        self.fault = None

    async def reboot(self, down_s: float = 0.0, *, cold: bool = False) -> None:
        """It is away for so long, then as its settings have it. `cold`: for want of mains, which
        its loads lack as well.
        """
        back = self.clock.now() + down_s
        if cold:
            self.darken()
        await self._leave()
        await pause(self.clock, back - self.clock.now())
        self.booted = self.clock.now()
        self.boot(cold)
        await self._return()

    def darken(self) -> None:
        """The mains are gone: so are its loads."""

    def boot(self, cold: bool) -> None:
        """What it does when it starts."""

    async def _leave(self) -> None:
        """Gone from the net."""

    async def _return(self) -> None:
        """Back on the net."""


def reset(transport: asyncio.Transport) -> None:
    """Breaks a connection; the other side gets an RST."""
    if (raw := transport.get_extra_info("socket")) is not None:
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, LINGER)
    transport.abort()


def reset_socket(raw: Any) -> None:
    """The same for a socket that a thread is reading."""
    with contextlib.suppress(OSError):
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, LINGER)
        raw.shutdown(socket.SHUT_RDWR)


class SocketDevice(Device, ABC):
    """A device that listens at a port of its own, from `async with` on."""

    def __init__(self, clock: Clock) -> None:
        super().__init__(clock)
        self.port = 0
        self._server: asyncio.Server | None = None
        self._transports: dict[object, asyncio.Transport] = {}
        self._flaps: asyncio.Task[None] | None = None

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    async def __aenter__(self) -> Self:
        await self._return()
        return self

    async def __aexit__(self, *_: Any) -> None:
        await self.heal()
        await self._leave()

    async def fail(self, fault: Fault) -> None:
        await super().fail(fault)
        self._stop_flapping()
        if isinstance(fault, Refusing):
            await self._leave()
        elif isinstance(fault, Flapping):
            self._flaps = asyncio.create_task(self._flap(fault))

    async def heal(self) -> None:
        self._stop_flapping()
        was, self.fault = self.fault, None
        if isinstance(was, Refusing):
            await self._return()

    def drop(self) -> None:
        """Every open connection breaks, without a word."""
        for one in list(self._transports.values()):
            reset(one)

    @abstractmethod
    def protocol(self) -> asyncio.BaseProtocol:
        """For one connection; it calls `joined` and `left`."""

    def joined(self, protocol: object, transport: asyncio.Transport) -> None:
        self._transports[protocol] = transport
        self.counts.opened()

    def left(self, protocol: object) -> None:
        if self._transports.pop(protocol, None):
            self.counts.closed()

    async def _leave(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None
        self.drop()
        await asyncio.sleep(0)

    async def _return(self) -> None:
        if self._server is None and not isinstance(self.fault, Refusing):
            loop = asyncio.get_running_loop()
            self._server = await loop.create_server(self.protocol, "127.0.0.1", self.port)
            self.port = self._server.sockets[0].getsockname()[1]

    def _stop_flapping(self) -> None:
        if self._flaps is not None:
            self._flaps.cancel()
            self._flaps = None

    async def _flap(self, fault: Flapping) -> None:
        """Breaks the connections at each fall."""
        while True:
            await pause(self.clock, fault.well_s)
            self.drop()
            await pause(self.clock, fault.dead_s)
            self.drop()
