"""The thread of the stand-in: broker, shadow service and data plane on one loop."""

from __future__ import annotations

import asyncio
import logging
import random
import ssl
import threading
import time
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass, replace
from pathlib import Path
from weakref import WeakSet

from aiohttp.web import Application, TCPSite

from web.http.admission import Admission
from web.http.server import Runner

from .broker.broker import Broker
from .broker.connection import MOST, Connection
from .broker.policy_rights import AllowAll, Document, PolicyRights, Principal, Rights
from .broker.session_store import SessionStore
from .rest import data_plane
from .shadow.service import REQUESTS_A_SECOND, ShadowService
from .shadow.store import SyncedShadowStore
from .shadow.topics import ShadowTopics

log = logging.getLogger(__name__)
HOST = "127.0.0.1"
DEVICE = "device"


class PortInUse(OSError):
    """A port is in use; `what` is "mqtt" or "data"."""

    def __init__(self, port: int, what: str) -> None:
        super().__init__(f"port {port} is in use")
        self.port, self.what = port, what


@dataclass(frozen=True, slots=True)
class DeviceIdentity:
    """A thing that policy documents apply to. Every other client is an operator.

    Over TLS, the device is the client with the certificate `device`; without, the one whose id is
    `thing`.
    """

    thing: str
    documents: Sequence[Document]


@dataclass(frozen=True, slots=True)
class TlsContexts:
    """The contexts of the broker and of the data plane."""

    mqtt: ssl.SSLContext
    data: ssl.SSLContext


class StandInServer:
    """The stand-in for AWS IoT, on loopback only. Shadows, sessions and retained messages are
    stored.

    `order` shuffles the messages about one update; `rate` is the number of shadow requests a second
    for one thing.
    """

    mqtt_port: int
    data_port: int

    def __init__(
        self,
        folder: Path,
        device: DeviceIdentity | None,
        tls: TlsContexts | None,
        order: random.Random | None,
        rate: int,
    ) -> None:
        self._folder, self._device, self._tls = folder, device, tls
        self._order, self._rate = order, rate
        self._held: WeakSet[PolicyRights] = WeakSet()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True, name="cloud")

    @classmethod
    def start(
        cls,
        *,
        mqtt_port: int,
        data_port: int,
        folder: Path,
        device: DeviceIdentity | None = None,
        tls: TlsContexts | None = None,
        order: random.Random | None = None,
        rate: int = REQUESTS_A_SECOND,
    ) -> StandInServer:
        """Listen on both ports (0 means any free port). Raises `PortInUse`."""
        cloud = cls(folder, device, tls, order, rate)
        cloud._thread.start()
        try:
            cloud._do(cloud._open(mqtt_port, data_port)).result(10)
        except BaseException:
            cloud.stop()
            raise
        return cloud

    def stop(self) -> None:
        """Disconnect clients and stop, within about a second. May be called twice."""
        if not self._thread.is_alive():
            return
        try:
            self._do(self._close()).result(1.0)
        except Exception as error:
            log.debug("the stand-in stopped without disconnecting its clients: %s", error)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(0.5)

    def hold(self, documents: Sequence[Document]) -> None:
        """Apply other policy documents to the device, even while it is connected."""
        self._loop.call_soon_threadsafe(self._hold, documents)

    def _hold(self, documents: Sequence[Document]) -> None:
        if self._device is not None:
            self._device = replace(self._device, documents=documents)
        for held in self._held:
            held.replace_documents(documents)

    def _do(self, work: object) -> Future[None]:
        return asyncio.run_coroutine_threadsafe(work, self._loop)  # type: ignore[arg-type]

    async def _open(self, mqtt_port: int, data_port: int) -> None:
        post = self._loop.call_soon_threadsafe
        shelf = SessionStore(self._folder / "broker.db", time.time, post)
        self._store = SyncedShadowStore(self._folder / "shadows.db", post)
        await self._store.opened()
        service = ShadowService(self._store, time.time, self._rate)
        self._broker = Broker(shelf, time.time, self._rights)
        topics = self._broker.service = ShadowTopics(self._broker, service, self._order)
        await self._open_mqtt(mqtt_port)
        app = data_plane(self._broker, service, topics, self._rights_over_http)
        await self._open_data(app, data_port)

    async def _open_mqtt(self, port: int) -> None:
        tls = self._tls.mqtt if self._tls else None
        admission: Admission[Connection] = Admission(MOST, MOST)
        try:
            self._server = await self._loop.create_server(
                lambda: Connection(self._broker, admission), HOST, port, ssl=tls
            )
        except OSError:
            raise PortInUse(port, "mqtt") from None
        self.mqtt_port = self._server.sockets[0].getsockname()[1]

    async def _open_data(self, app: Application, port: int) -> None:
        tls = self._tls.data if self._tls else None
        self._runner = Runner(app, shutdown_s=0.2)
        await self._runner.setup()
        try:
            await TCPSite(self._runner, HOST, port, ssl_context=tls).start()
        except OSError:
            raise PortInUse(port, "data") from None
        self.data_port = self._runner.addresses[0][1]

    async def _close(self) -> None:
        if hasattr(self, "_server"):
            self._server.close()
        if hasattr(self, "_runner"):
            await self._runner.cleanup()
        if hasattr(self, "_store"):
            self._store.leave()
        if hasattr(self, "_broker"):
            self._broker.close()
        if hasattr(self, "_store"):
            self._store.close()

    def _rights(self, client: str, name: str | None, attributes: frozenset[str]) -> Rights:
        device = self._device
        if device is None or (client != device.thing if name is None else name != DEVICE):
            return AllowAll()
        return self._to(device.documents, Principal(client, device.thing, attributes))

    def _rights_over_http(self, name: str) -> Rights:
        if self._device is None or name != DEVICE:
            return AllowAll()
        return self._to(self._device.documents, Principal(name, None, frozenset()))

    def _to(self, documents: Sequence[Document], principal: Principal) -> PolicyRights:
        held = PolicyRights(documents, principal)
        self._held.add(held)
        return held
