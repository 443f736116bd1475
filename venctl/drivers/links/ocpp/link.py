"""The chargers that connect to one address, asked and told like any other device.

| setting | what it is |
|---|---|
| `password` | of all chargers that have none of their own, as `env:NAME` or `file:NAME` |
| `cert`, `key` | files for TLS |

It listens from the first request on. A charger without a password is refused unless only this
machine can connect.
"""

from __future__ import annotations

import asyncio
import json
import logging
from pathlib import Path

from aiohttp.web import WebSocketResponse

from statemachine.device.declaration import LinkDeclaration
from statemachine.device.requests import (
    Connector,
    FreeCharger,
    LimitCharger,
    LinkAnswer,
    Order,
    Query,
    ReadCharger,
)

from ....base.clocks import clocks
from ....base.extras import missing
from ..faults import LinkFault
from ..settings import Secrets, address_of, secret_of
from ..state import Clocks, LinkState, Tally
from .charger import Charger
from .server import Server, is_loopback, tls_of

log = logging.getLogger(__name__)
PORTS = {"ws": 8887}
MOST_CHARGERS = 32


class OcppLink:
    """Chargers that connect here."""

    def __init__(
        self, declaration: LinkDeclaration, secrets: Secrets, beside: Path, clock: Clocks = clocks
    ) -> None:
        if (said := missing("ocpp")) is not None:
            raise LinkFault(said, lasting=True, everywhere=True)
        self._address = address_of(declaration.to, PORTS)
        self._settings, self._secrets, self._beside = declaration.settings, secrets, beside
        self._clock = clock
        self._tally = Tally(f"ocpp {self._address.authority}", clock)
        self._chargers: dict[str, Charger] = {}
        self._words: dict[str, str] = {}
        self._server: Server | None = None
        self._opening = asyncio.Lock()

    async def ask(self, query: Query) -> LinkAnswer:
        """What the charger says, as JSON. Raises LinkFault."""
        if not isinstance(query, ReadCharger):
            raise LinkFault("a charger over OCPP is asked otherwise", lasting=True)
        try:
            charger = await self._charger(query.connector)
            return await self._read(charger, query)
        except LinkFault as fault:
            raise self._noted(fault) from None

    async def tell(self, order: Order) -> None:
        """Limit a charger, or take the limit away. Raises LinkFault."""
        try:
            match order:
                case LimitCharger():
                    await (await self._charger(order.connector)).limit_to(order)
                case FreeCharger():
                    await (await self._charger(order.connector)).free(order)
                case _:
                    raise LinkFault("a charger over OCPP is told otherwise", lasting=True)
        except LinkFault as fault:
            raise self._noted(fault) from None

    def state(self) -> LinkState:
        """Up, if a charger is connected."""
        return self._tally.state(0)

    async def close(self) -> None:
        """Close all connections, and listen no more; the next request listens again."""
        server, self._server = self._server, None
        for charger in self._chargers.values():
            charger.stop()
            if charger.session is not None:
                await charger.session.close()
        if server is not None:
            await server.close()

    async def _read(self, charger: Charger, query: ReadCharger) -> LinkAnswer:
        connector = query.connector.number
        match query.what:
            case "power":
                found = await charger.power(connector)
                power = {} if found is None else {"power": found[0]}
                return LinkAnswer(json.dumps(power), None if found is None else max(0, found[1]))
            case "limit":
                amps = await charger.limit(connector)
                limit = {} if amps is None else {"limit": round(amps, 2), "by": "device"}
                return LinkAnswer(json.dumps(limit))
            case "settings":
                settings = await charger.settings()
                off_ms = charger.clock_off_ms
                clock = {} if off_ms is None else {"clock_off": round(off_ms / 1000)}
                return LinkAnswer(json.dumps({**settings, **clock}))
            case "state":
                return LinkAnswer(json.dumps(self._state_of(charger, connector)))

    def _state_of(self, charger: Charger, connector: int) -> dict[str, object]:
        outlet = charger.outlet(connector)
        said = {
            "model": charger.model,
            "firmware": charger.firmware,
            "status": outlet.status,
            "error": outlet.error,
        }
        uptime = {"uptime": (self._clock()[1] - charger.started_ms) // 1000}
        return {**uptime, **{name: text for name, text in said.items() if text}}

    async def _charger(self, connector: Connector) -> Charger:
        """The charger of a request, which is expected from now on. Raises LinkFault."""
        charger = self._chargers.get(connector.charger)
        if charger is None:
            if len(self._chargers) >= MOST_CHARGERS:
                raise LinkFault(
                    f"there are over {MOST_CHARGERS} chargers on one link", lasting=True
                )
            charger = self._chargers[connector.charger] = Charger(connector.charger, self._clock)
        self._words[connector.charger] = connector.password
        server = await self._listening()
        server.named()
        self._word_of(charger.id)
        if charger.session is None:
            raise LinkFault(f"{charger.id} is not connected to {self._url(charger.id)}", up=False)
        return charger

    async def _listening(self) -> Server:
        async with self._opening:
            if self._server is None:
                tls = tls_of(self._settings.get("cert"), self._settings.get("key"), self._beside)
                server = Server(self._address, self._chargers.keys(), self._word_of, self._serve)
                await server.open(tls)
                self._server = server
            return self._server

    def _word_of(self, charger: str) -> str | None:
        """The password of a charger; None: it needs none. Raises LinkFault."""
        own = self._words.get(charger, "")
        settings = {"password": own} if own else self._settings
        word = secret_of(settings, "password", self._secrets)
        if word is None and not is_loopback(self._address.host):
            said = f"{charger} has no password, and others than this machine can connect"
            raise LinkFault(f"{said}; write `password: env:NAME`", lasting=True)
        return word

    async def _serve(self, id: str, socket: WebSocketResponse) -> None:
        """One connection, until it ends. The newest of a charger is the one that counts."""
        from .session import ChargerSession  # the library is an extra

        charger = self._chargers[id]
        session = ChargerSession(id, socket, charger)
        if (old := charger.connected(session)) is not None:
            await old.close()
        self._tally.stands(True)
        log.info("the charger %s is connected", id)
        try:
            await session.run()
        finally:
            charger.left(session)
            self._tally.stands(any(one.session for one in self._chargers.values()))
            log.info("the charger %s is gone", id)

    def _url(self, charger: str) -> str:
        scheme = "wss" if "cert" in self._settings else "ws"
        return f"{scheme}://{self._address.authority}/{charger}"

    def _noted(self, fault: LinkFault) -> LinkFault:
        self._tally.erred(str(fault))
        return fault
