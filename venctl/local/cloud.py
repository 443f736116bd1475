"""The thread in which the stand-in runs: broker, shadow service and data plane on one loop."""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from concurrent.futures import Future
from pathlib import Path

from aiohttp.web import AppRunner, TCPSite

from .broker import Broker
from .connection import Connection
from .data_plane import data_plane
from .shadow import ShadowService
from .shadow_topics import answer_request
from .store import Store

log = logging.getLogger(__name__)
HOST = "127.0.0.1"


class PortTaken(OSError):
    """A port is in use; `what` is "mqtt" or "data"."""

    def __init__(self, port: int, what: str) -> None:
        super().__init__(f"port {port} is in use")
        self.port, self.what = port, what


class LocalCloud:
    """The stand-in for AWS IoT. Loopback only; shadows outlive it, sessions do not."""

    mqtt_port: int
    data_port: int

    def __init__(self, folder: Path) -> None:
        self._file = folder / "shadows.db"
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True, name="cloud")

    @classmethod
    def start(cls, *, mqtt_port: int, data_port: int, folder: Path) -> LocalCloud:
        """Listen on both ports (0: any free one). Raises `PortTaken`."""
        cloud = cls(folder)
        cloud._thread.start()
        try:
            cloud._do(cloud._open(mqtt_port, data_port)).result(10)
        except BaseException:
            cloud.stop()
            raise
        return cloud

    def stop(self) -> None:
        """Say goodbye and go, within about a second, whatever clients do."""
        try:
            self._do(self._close()).result(1.0)
        except Exception as error:
            log.debug("the stand-in went without a goodbye: %s", error)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(0.5)

    def _do(self, work: object) -> Future[None]:
        return asyncio.run_coroutine_threadsafe(work, self._loop)  # type: ignore[arg-type]

    async def _open(self, mqtt_port: int, data_port: int) -> None:
        self._store = Store(self._file)
        self._service = ShadowService(self._store, time.time)
        self._broker = Broker(self._hear)
        try:
            self._server = await self._loop.create_server(
                lambda: Connection(self._broker), HOST, mqtt_port
            )
        except OSError:
            raise PortTaken(mqtt_port, "mqtt") from None
        self.mqtt_port = self._server.sockets[0].getsockname()[1]
        self._runner = AppRunner(
            data_plane(self._broker, self._service), access_log=None, shutdown_timeout=0.2
        )
        await self._runner.setup()
        site = TCPSite(self._runner, HOST, data_port)
        try:
            await site.start()
        except OSError:
            raise PortTaken(data_port, "data") from None
        self.data_port = self._runner.addresses[0][1]

    async def _close(self) -> None:
        if hasattr(self, "_server"):
            self._server.close()
            self._broker.close()
        if hasattr(self, "_runner"):
            await self._runner.cleanup()
        if hasattr(self, "_store"):
            self._store.close()

    def _hear(self, topic: str, payload: bytes) -> None:
        answer_request(self._broker, self._service, topic, payload)
