"""A fake device that speaks HTTP, and how its faults look to those who ask."""

from __future__ import annotations

import asyncio
import json
from abc import abstractmethod
from typing import Any

from aiohttp import web

from tests.kit.devices.clock import Clock, pause
from tests.kit.devices.device import SocketDevice, reset
from tests.kit.devices.faults import Dead, Garbage, Impostor, Late, Reset, Slow, Status, spoil


def reply(body: Any, status: int = 200, **headers: str) -> web.Response:
    """JSON, without spaces, as small devices write it."""
    text = json.dumps(body, separators=(",", ":"))
    return web.Response(
        text=text, status=status, content_type="application/json", headers=headers or None
    )


class _Server(web.Server):
    """Tells the device of each connection."""

    def __init__(self, device: HttpDevice) -> None:
        super().__init__(device.handle, access_log=None, handler_cancellation=True)
        self._device = device

    def connection_made(self, handler: Any, transport: asyncio.Transport) -> None:
        super().connection_made(handler, transport)
        self._device.joined(handler, transport)

    def connection_lost(self, handler: Any, exc: BaseException | None = None) -> None:
        super().connection_lost(handler, exc)
        self._device.left(handler)


class HttpDevice(SocketDevice):
    """One that answers requests by `serve`."""

    def __init__(self, clock: Clock) -> None:
        super().__init__(clock)
        self._http: _Server | None = None

    @abstractmethod
    async def serve(self, request: web.BaseRequest) -> web.StreamResponse:
        """The answer of a healthy device."""

    def protocol(self) -> asyncio.BaseProtocol:
        self._http = self._http or _Server(self)
        return self._http()

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        self.counts.begun()
        try:
            return await self._behave(request)
        finally:
            self.counts.ended()

    async def _behave(self, request: web.BaseRequest) -> web.StreamResponse:
        await request.read()
        match self.suffers:
            case Dead():
                await asyncio.get_running_loop().create_future()
            case Reset():
                assert request.transport is not None
                reset(request.transport)
                return web.Response()
            case Status(code, each, headers) if self.counts.requests % each == 0:
                return web.Response(status=code, headers=dict(headers))
            case Slow(seconds):
                return await asyncio.shield(self._slowly(request, seconds))
            case Late(seconds):
                answer = await self.serve(request)
                await pause(self.clock, seconds)
                return answer
            case Garbage(how):
                good = await self.serve(request)
                text = good.text or "" if isinstance(good, web.Response) else ""
                kind = "text/html" if how == "html" else "application/json"
                return web.Response(text=spoil(how, text), content_type=kind)
            case Impostor(other):
                answer = await other.serve(request)
                assert isinstance(answer, web.StreamResponse)
                return answer
        return await self.serve(request)

    async def _slowly(self, request: web.BaseRequest, seconds: float) -> web.StreamResponse:
        await pause(self.clock, seconds)
        return await self.serve(request)
