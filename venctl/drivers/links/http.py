"""HTTP to one host: one connection, no redirects, no proxies, answers of at most 64 KiB."""

from __future__ import annotations

import asyncio
import json
import ssl
from base64 import b64encode
from pathlib import Path

from aiohttp import (
    ClientConnectorError,
    ClientError,
    ClientOSError,
    ClientResponse,
    ClientSession,
    ClientTimeout,
    DigestAuthMiddleware,
    DummyCookieJar,
    ServerDisconnectedError,
    ServerTimeoutError,
    TCPConnector,
)

from statemachine.device.declaration import LinkDeclaration
from statemachine.device.requests import HttpRequest, LinkAnswer, Order, Query

from ...base.clocks import clocks
from .faults import LinkFault, connect_words, device_words
from .request_line import RequestLine
from .rests import QueryPace, retry_after_ms
from .settings import Secrets, address_of, ca_of, pause_of, secret_of, trusting
from .state import Clocks, LinkState

CONNECT_S, REQUEST_S, IDLE_S = 1.0, 2.0, 30.0
MOST_ANSWER = 64 * 1024
PORTS = {"http": 80, "https": 443}
BUSY = (429, 503)
REFUSED = (401, 403)
FRESH_USER = "admin"  # of a device that has one user only, such as a Shelly


class HttpLink:
    """Requests to the declared host. Opened with the first one."""

    def __init__(
        self,
        declaration: LinkDeclaration,
        secrets: Secrets,
        beside: Path,
        clock: Clocks = clocks,
        most_answer: int = MOST_ANSWER,
    ) -> None:
        self._most_answer = most_answer
        self._root = address_of(declaration.to, PORTS)
        self._settings, self._secrets, self._beside = declaration.settings, secrets, beside
        self._host = self._root.text
        self._line = RequestLine(f"http {self._host}", pause_of(declaration.settings), clock)
        self._pace = QueryPace()
        self._session: ClientSession | None = None
        self._used = False

    async def ask(self, query: Query) -> LinkAnswer:
        """What the device answers. Raises LinkFault."""
        request = _http(query)
        return LinkAnswer(
            await self._line.carry_out(_place(request), False, lambda: self._query(request))
        )

    async def tell(self, order: Order) -> None:
        """Send an order. Raises LinkFault, also if the answer to it is a fault of JSON-RPC."""
        request = _http(order)
        await self._line.carry_out(_place(request), True, lambda: self._order(request))

    def state(self) -> LinkState:
        """How it does."""
        return self._line.state(self._pace.pause_ms)

    async def close(self) -> None:
        """Close the connection; the next request opens another."""
        session, self._session = self._session, None
        self._used = False
        if session is not None:
            await session.close()

    async def _query(self, request: HttpRequest) -> str:
        left_ms = self._pace.left_ms(self._line.now_ms())
        if left_ms:
            said = f"{self._host} is asked too much and is left alone for {left_ms / 1000:.0f} s"
            raise LinkFault(said)
        answer = await self._send(request)
        self._pace.worked(self._line.now_ms())
        return answer

    async def _order(self, request: HttpRequest) -> None:
        if words := _rpc_fault(await self._send(request)):
            raise LinkFault(f"{self._host} refuses {_place(request)}: {words}", up=True)

    async def _send(self, request: HttpRequest) -> str:
        try:
            async with asyncio.timeout(REQUEST_S):
                answer = await self._try_twice(request)
        except ServerTimeoutError:  # before TimeoutError, which it also is
            await self.close()
            said = f"{self._host} does not answer: no connection within {CONNECT_S:g} s"
            raise LinkFault(said, away=True) from None
        except TimeoutError:
            await self.close()
            raise LinkFault(
                f"{self._host} gave no answer within {REQUEST_S:g} s", up=False
            ) from None
        except (ClientError, OSError, ValueError) as error:
            await self.close()
            away = isinstance(error, ClientConnectorError)
            words = connect_words(error)
            raise LinkFault(f"{self._host} {words}", up=False, away=away) from None
        return answer

    async def _try_twice(self, request: HttpRequest) -> str:
        """Many devices close a connection that was idle, without a word until it is used."""
        try:
            return await self._once(request)
        except (ServerDisconnectedError, ClientOSError, ConnectionResetError) as error:
            if not self._used or isinstance(error, ClientConnectorError):
                raise
        self._used = False
        return await self._once(request)

    async def _once(self, request: HttpRequest) -> str:
        session = self._session or self._open()
        body = request.body
        async with session.request(
            request.method,
            self._url(request.path),
            data=None if body is None else body.encode(),
            headers=None if body is None else {"Content-Type": "application/json"},
            allow_redirects=False,
        ) as response:
            self._used = True
            try:
                return await self._read(request, response)
            except BaseException:  # also cancelled: what still comes must meet no other request
                response.close()
                raise

    async def _read(self, request: HttpRequest, response: ClientResponse) -> str:
        answer = await _body(response, self._most_answer)
        if response.status < 300:
            if answer is None:
                said = f"the answer of {self._host} to {_place(request)} is longer than 64 KiB"
                raise LinkFault(said, up=True)
            return answer
        if response.status < 400:
            said = f"{self._host} sends {_place(request)} elsewhere, which is not followed"
            raise LinkFault(said, up=True)
        if response.status in BUSY:
            wanted_ms = retry_after_ms(response.headers.get("Retry-After", ""), self._line.utc_ms())
            self._pace.busy(self._line.now_ms(), wanted_ms)
        said = f"{self._host} answers {response.status} {device_words(response.reason or '')}"
        words = device_words(_rpc_fault(answer or "") or answer or "")
        if response.status == 401:
            await self._forget_secrets()
        raise LinkFault(
            f"{said.rstrip()} to {_place(request)}" + (f": {words}" if words else ""),
            lasting=response.status in REFUSED,
            everywhere=response.status == 401,
            up=True,
        )

    async def _forget_secrets(self) -> None:
        """Read them again for the next request: the file may be put right meanwhile."""
        await self.close()

    def _url(self, path: str) -> str:
        """Of the declared host, whatever the path says."""
        if not path.startswith("/"):
            raise LinkFault(f"{device_words(path)!r} is no path on {self._host}", lasting=True)
        return f"{self._root.scheme}://{self._root.authority}{self._root.path}{path}"

    def _open(self) -> ClientSession:
        settings = self._settings
        token = secret_of(settings, "token", self._secrets)
        word = secret_of(settings, "password", self._secrets)
        user = settings.get("username", FRESH_USER)
        kind = settings.get("auth") or ("bearer" if token else "basic")
        headers = {"User-Agent": "venctl", "Accept-Encoding": "identity"}
        if kind == "bearer" and (token or word):
            headers["Authorization"] = f"Bearer {token or word}"
        elif kind == "basic" and word:
            headers["Authorization"] = f"Basic {b64encode(f'{user}:{word}'.encode()).decode()}"
        self._session = ClientSession(
            connector=TCPConnector(
                limit=1, limit_per_host=1, ssl=self._tls(), keepalive_timeout=IDLE_S
            ),
            cookie_jar=DummyCookieJar(),
            timeout=ClientTimeout(total=None, connect=CONNECT_S),
            headers=headers,
            middlewares=(DigestAuthMiddleware(user, word),) if kind == "digest" and word else (),
            trust_env=False,
        )
        return self._session

    def _tls(self) -> ssl.SSLContext | bool:
        own = ca_of(self._settings, self._beside)
        if own is None:
            return True
        try:
            return trusting(own)
        except (ssl.SSLError, UnicodeDecodeError):
            said = f"the CA {self._beside / self._settings['ca']} is no certificate in PEM format"
            raise LinkFault(said, lasting=True, everywhere=True) from None


def _http(request: Query | Order) -> HttpRequest:
    if not isinstance(request, HttpRequest):
        raise LinkFault("this device is reached over HTTP, and is asked otherwise", lasting=True)
    return request


def _place(request: HttpRequest) -> str:
    return f"{request.method} {request.path.partition('?')[0]}"


async def _body(response: ClientResponse, most: int) -> str | None:
    """None: it is too long, and was not read to its end."""
    if (response.content_length or 0) > most:
        return None
    answer = bytearray()
    async for chunk in response.content.iter_any():
        answer += chunk
        if len(answer) > most:
            return None
    return answer.decode("utf-8", "replace")


def _rpc_fault(answer: str) -> str:
    """The fault in an answer of JSON-RPC, which may come with HTTP 200; "" if there is none."""
    try:
        found = json.loads(answer)
    except (ValueError, RecursionError):
        return ""
    error = found.get("error") if isinstance(found, dict) else None
    if not error:
        return ""
    said = error.get("message") if isinstance(error, dict) else error
    return device_words(said if isinstance(said, str) and said.strip() else json.dumps(error))
