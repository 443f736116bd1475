"""Where chargers connect: known ones only, each with its password."""

from __future__ import annotations

import asyncio
import hmac
import logging
import ssl
from base64 import b64decode
from collections.abc import Awaitable, Callable, Container
from ipaddress import ip_address
from pathlib import Path
from typing import TypeAlias

from aiohttp.web import (
    Application,
    HTTPBadRequest,
    HTTPForbidden,
    HTTPNotFound,
    HTTPUnauthorized,
    Request,
    StreamResponse,
    TCPSite,
    WebSocketResponse,
)

from web.http.server import Runner

from ..faults import LinkFault, connect_words, device_words
from ..settings import Address

log = logging.getLogger(__name__)
PROTOCOL = "ocpp1.6"
MOST_FRAME = 64 * 1024
PING_S = 30.0
NAMED_S = 3.0
CLOSE_S = 0.5
# The password that a charger has to say, None: it needs none. Raises LinkFault.
PasswordOf: TypeAlias = Callable[[str], str | None]
Serve: TypeAlias = Callable[[str, WebSocketResponse], Awaitable[None]]


class Server:
    """Listens at an address of this machine. `known` are the chargers that may connect."""

    def __init__(
        self, address: Address, known: Container[str], word_of: PasswordOf, serve: Serve
    ) -> None:
        self._address, self._known = address, known
        self._word_of, self._serve = word_of, serve
        self._runner: Runner | None = None
        self._named = asyncio.Event()

    async def open(self, tls: ssl.SSLContext | None) -> None:
        """Listen. Raises LinkFault if the address cannot be used."""
        app = Application()
        app.router.add_get("/{path:.*}", self._connect)
        self._runner = Runner(app, CLOSE_S)
        await self._runner.setup()
        try:
            site = TCPSite(self._runner, self._address.host, self._address.port, ssl_context=tls)
            await site.start()
        except OSError as error:
            await self.close()
            where = self._address.authority
            said = f"cannot listen at {where}: {error.strerror or connect_words(error)}"
            raise LinkFault(said, up=False) from None

    async def close(self) -> None:
        runner, self._runner = self._runner, None
        if runner is not None:
            await runner.cleanup()

    def named(self) -> None:
        """Another charger is known now."""
        self._named.set()
        self._named = asyncio.Event()

    async def _connect(self, request: Request) -> StreamResponse:
        charger = request.path.rpartition("/")[2]
        if "Origin" in request.headers:
            raise HTTPForbidden(text="a page in a browser is no charger")
        offered = request.headers.get("Sec-WebSocket-Protocol", "")
        if PROTOCOL not in [one.strip() for one in offered.split(",")]:
            raise HTTPBadRequest(text=f"this speaks {PROTOCOL} alone")
        if not await self._is_known(charger):
            log.warning("the charger %r is not in ven.yaml; refused", device_words(charger))
            raise HTTPNotFound(text="no charger of this identity is expected here")
        self._check_password(charger, request)
        socket = WebSocketResponse(
            protocols=(PROTOCOL,), heartbeat=PING_S, max_msg_size=MOST_FRAME, compress=False
        )
        await socket.prepare(request)
        await self._serve(charger, socket)
        return socket

    async def _is_known(self, charger: str) -> bool:
        """Chargers become known as they are first asked for, and some are quicker than that."""
        try:
            async with asyncio.timeout(NAMED_S):
                while charger not in self._known:
                    await self._named.wait()
        except TimeoutError:
            return False
        return True

    def _check_password(self, charger: str, request: Request) -> None:
        try:
            word = self._word_of(charger)
        except LinkFault as fault:
            log.warning("the charger %s is refused: %s", charger, fault)
            raise HTTPForbidden(text="this charger has no usable password here") from None
        if word is None:
            return
        given = _given(request.headers.get("Authorization", ""))
        if not hmac.compare_digest(given, f"{charger}:{word}".encode()):
            log.warning("the charger %s said a wrong password; refused", charger)
            raise HTTPUnauthorized(headers={"WWW-Authenticate": 'Basic realm="venctl"'})


def _given(header: str) -> bytes:
    kind, _, coded = header.partition(" ")
    if kind.lower() != "basic" or len(coded) > 1_000:
        return b""
    try:
        return b64decode(coded, validate=True)
    except ValueError:
        return b""


def is_loopback(host: str) -> bool:
    """Whether only this machine can connect to it."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def tls_of(cert: str | None, key: str | None, beside: Path) -> ssl.SSLContext | None:
    """The certificate that chargers are shown; None: no TLS. Raises LinkFault."""
    if cert is None and key is None:
        return None
    if cert is None or key is None:
        said = "TLS needs both: cert, the certificate, and key, its private key"
        raise LinkFault(said, lasting=True, everywhere=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_cert_chain(beside / cert, beside / key, password=_no_password)
    except (OSError, ValueError) as error:
        why = getattr(error, "reason", None) or getattr(error, "strerror", None) or str(error)
        said = f"the certificate {beside / cert} with the key {beside / key} cannot be used: {why}"
        raise LinkFault(said, lasting=True, everywhere=True) from None
    return context


def _no_password() -> str:
    raise ValueError("the key needs a password; remove it from the key")
