"""An HTTP server for few clients: connection limits, and answers to invalid HTTP.

aiohttp answers invalid HTTP before the application sees it, so that is done here.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import socket
from collections.abc import Mapping
from typing import Any

from aiohttp.web import (
    Application,
    AppRunner,
    BaseRequest,
    RequestHandler,
    Response,
    Server,
    StreamResponse,
)

from ..shapes.answers import ProblemBody
from .admission import Admission
from .guard import HEADERS

log = logging.getLogger(__name__)
MOST, MOST_EACH = 64, 16
SETTINGS: Mapping[str, Any] = {
    "access_log": None,
    "keepalive_timeout": 15,
    "lingering_time": 1,
    "auto_decompress": False,  # no legitimate client sends a compressed body
}
GONE_MS = 30_000
TCP_USER_TIMEOUT = getattr(socket, "TCP_USER_TIMEOUT", None)


class Runner(AppRunner):
    """Runs an application for few clients, and waits `shutdown_s` for them when it stops."""

    def __init__(self, app: Application, shutdown_s: float) -> None:
        super().__init__(app, access_log=None, shutdown_timeout=shutdown_s)

    async def _make_server(self) -> Server:
        made = await super()._make_server()
        return _LimitedServer(made)


class _LimitedServer(Server):
    """At most 64 connections, 16 from one address; an idle one is closed for a new one."""

    def __init__(self, made: Server) -> None:
        self._answers = made.request_handler
        super().__init__(self._served, request_factory=made.request_factory)
        self._admission: Admission[RequestHandler] = Admission(MOST, MOST_EACH)

    def __call__(self) -> RequestHandler:
        return _Connection(self, loop=asyncio.get_running_loop(), **SETTINGS)

    def connection_made(self, handler: RequestHandler, transport: asyncio.Transport) -> None:
        super().connection_made(handler, transport)
        _let_go_of_the_vanished(transport)
        peer = transport.get_extra_info("peername")
        address = peer[0] if isinstance(peer, tuple) else ""
        gone = self._admission.enter(handler, address)
        if gone is handler:
            log.warning("a connection from %s was refused: all connections are in use", address)
            transport.write(_in_bytes(503, "All connections are in use"))
        if gone is not None:
            gone.force_close()

    def connection_lost(self, handler: RequestHandler, exc: BaseException | None = None) -> None:
        self._admission.leave(handler)
        super().connection_lost(handler, exc)

    async def _served(self, request: BaseRequest) -> StreamResponse:
        self._admission.busy(request.protocol)
        try:
            return await self._answers(request)
        finally:
            self._admission.waits(request.protocol)


class _Connection(RequestHandler):
    def handle_error(
        self,
        request: BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> StreamResponse:
        """Answer what no handler answers."""
        if status == 400:
            log.warning("%s sent an invalid HTTP request: %s", request.remote, _first_line(message))
        else:
            log.error("a request from %s could not be answered", request.remote, exc_info=exc)
        if request.writer.output_size:
            raise ConnectionError("part of another answer was already sent")
        title = "Not a valid HTTP request" if status == 400 else "The request could not be answered"
        response = Response(status=status, body=_body(status, title), headers=_headers())
        response.force_close()
        return response


def _first_line(message: str | None) -> str:
    return ascii((message or "").strip().partition("\n")[0][:80])


def _headers() -> dict[str, str]:
    return {**HEADERS, "Cache-Control": "no-store", "Content-Type": "application/problem+json"}


def _body(status: int, title: str) -> bytes:
    code = {400: "bad-request", 503: "crowded"}.get(status, "failed")
    body: ProblemBody = {
        "type": f"/problems/{code}",
        "title": title,
        "status": status,
        "detail": title,
        "code": code,
    }
    return json.dumps(body).encode()


def _in_bytes(status: int, title: str) -> bytes:
    """A complete answer for a client whose request is not read."""
    body = _body(status, title)
    more = {"Content-Length": str(len(body)), "Retry-After": "5", "Connection": "close"}
    lines = [f"{name}: {text}" for name, text in {**_headers(), **more}.items()]
    head = "\r\n".join([f"HTTP/1.1 {status} Service Unavailable", *lines])
    return f"{head}\r\n\r\n".encode() + body


def _let_go_of_the_vanished(transport: asyncio.Transport) -> None:
    """Drop clients that vanished or never read: writes to them block once buffers are full."""
    pipe = transport.get_extra_info("socket")
    if pipe is not None and TCP_USER_TIMEOUT is not None:
        with contextlib.suppress(OSError):
            pipe.setsockopt(socket.IPPROTO_TCP, TCP_USER_TIMEOUT, GONE_MS)
