"""MQTT by a broker: the newest message of each declared topic, and orders, never retained."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from secrets import token_hex
from typing import Any

from awscrt import io, mqtt5

from statemachine.device.declaration import LinkDeclaration
from statemachine.device.requests import LinkAnswer, Listen, Order, Publish, Query

from ...base.arrivals import Arrivals
from ...base.clocks import clocks
from .broker import KEEP_ALIVE_S, MOST_PACKET, BrokerConnection
from .faults import LinkFault, connect_words
from .newest import Newest
from .request_line import RequestLine
from .settings import Secrets, address_of, ca_of, pause_of, secret_of, trusting
from .state import Clocks, LinkState

REQUEST_S = 2.0
POLL_MS = 5_000
PORTS = {"mqtt": 1883, "mqtts": 8883}


class MqttLink:
    """Subscribes to a topic when it is first asked for, and only then.

    A request that is cancelled leaves the connection, which others share: each answer carries the
    number of its request. A broker that is mute is left.
    """

    def __init__(
        self, declaration: LinkDeclaration, secrets: Secrets, beside: Path, clock: Clocks = clocks
    ) -> None:
        self._at, self._settings = address_of(declaration.to, PORTS), declaration.settings
        self._secrets, self._beside, self._clock = secrets, beside, clock
        self._poll_ms = pause_of(self._settings, "poll", POLL_MS)
        self._line = RequestLine(f"mqtt {self._at.text}", pause_of(self._settings), clock)
        self._newest = Newest(clock)
        self._asked: dict[Publish, int] = {}
        self._told: dict[str, int] = {}
        # By topic: messages since then are waited for, None for any; and when that began.
        self._awaited: dict[str, tuple[int | None, int]] = {}
        self._client_id = f"venctl-{token_hex(6)}"
        self._arrivals: Arrivals | None = None
        self._broker = BrokerConnection(
            self._at.text, self._options, self._took, self._line.tally.stands, clock, self._find_out
        )

    async def ask(self, query: Query) -> LinkAnswer:
        """The newest message on a topic. Raises LinkFault if there is none, or no broker."""
        if not isinstance(query, Listen):
            raise LinkFault(
                "this device is reached over MQTT, and is asked otherwise", lasting=True
            )
        self._arrivals = self._arrivals or Arrivals()
        with self._counted():
            await self._broker.ready()
            await self._subscribe(query.topic)
        if query.ask is not None:
            await self._ask_device(query.topic, query.ask)
        with self._counted():
            return await self._answer(query.topic)

    async def tell(self, order: Order) -> None:
        """Publish an order. Raises LinkFault, also if nobody listens on its topic."""
        if not isinstance(order, Publish):
            raise LinkFault("this device is reached over MQTT, and is told otherwise", lasting=True)
        self._arrivals = self._arrivals or Arrivals()
        self._told[_device(order.topic)] = self._clock()[1]
        await self._publish(order, urgent=True)

    def listener(self, took: Callable[[str, bytes, bool], None]) -> BrokerConnection:
        """A client of the same broker for whoever looks around there: `took` gets every message of
        what it subscribes to, on awscrt's threads.
        """
        return BrokerConnection(
            self._at.text, self._options, took, lambda up: None, self._clock, self._find_out
        )

    def state(self) -> LinkState:
        """How it does."""
        return self._line.state()

    async def close(self) -> None:
        """Disconnect; the next request connects again."""
        await self._broker.close()

    @contextmanager
    def _counted(self) -> Iterator[None]:
        try:
            yield
        except LinkFault as fault:
            self._line.tally.erred(str(fault))
            raise

    async def _subscribe(self, topic: str) -> None:
        if topic not in self._awaited:
            self._newest.declare(topic)
            began_ms = self._clock()[1]
            await self._in_time(lambda: self._broker.subscribe(topic))
            self._awaited[topic] = None, began_ms

    async def _ask_device(self, topic: str, ask: Publish) -> None:
        """Let the device report, unless it did, or was asked, within the poll or since an order."""
        now_ms, heard = self._clock()[1], self._newest.of(topic)
        due_ms = max(now_ms - self._poll_ms, self._told.get(_device(ask.topic), 0))
        reported = heard is not None and not heard.retained and heard.at_ms > due_ms
        if reported or self._asked.get(ask, 0) > due_ms:
            return
        self._asked[ask] = now_ms
        await self._publish(ask, urgent=False)
        self._awaited[topic] = now_ms, now_ms

    async def _answer(self, topic: str) -> LinkAnswer:
        since_ms, began_ms = self._awaited[topic]
        await self._newest.after(topic, since_ms, began_ms + round(REQUEST_S * 1000))
        heard = self._newest.of(topic)
        if heard is None:
            raise LinkFault(f"nothing has come on {topic} yet", up=True)
        if heard.text is None:
            raise LinkFault(f"the message on {topic} is longer than 64 KiB", up=True)
        age_ms = None if heard.retained else max(0, self._clock()[1] - heard.at_ms)
        return LinkAnswer(heard.text, age_ms)

    async def _publish(self, message: Publish, urgent: bool) -> None:
        async def send() -> None:
            await self._broker.ready()
            await self._in_time(lambda: self._broker.publish(message.topic, message.payload))

        await self._line.carry_out(message.topic, urgent, send)

    async def _in_time(self, do: Callable[[], Awaitable[None]]) -> None:
        """A broker that is mute is left: a message that comes later would be played late."""
        try:
            async with asyncio.timeout(REQUEST_S):
                await do()
        except TimeoutError:
            self._broker.drop(f"gave no answer within {REQUEST_S:g} s")
            said = f"the broker {self._at.text} gave no answer within {REQUEST_S:g} s"
            raise LinkFault(said, away=True) from None

    def _took(self, topic: str, payload: bytes, retained: bool) -> None:
        """On awscrt's threads."""
        if self._newest.took(topic, payload, retained) and self._arrivals is not None:
            self._arrivals.tell(self._newest.tell, topic)

    def _options(self) -> dict[str, Any]:
        packet = mqtt5.ConnectPacket(
            client_id=self._client_id,
            keep_alive_interval_sec=KEEP_ALIVE_S,
            username=self._settings.get("username"),
            password=secret_of(self._settings, "password", self._secrets),
            session_expiry_interval_sec=0,
            maximum_packet_size=MOST_PACKET,
        )
        socket = io.SocketOptions()
        socket.connect_timeout_ms = 1000
        return {
            "host_name": self._at.host,
            "port": self._at.port,
            "tls_ctx": self._tls(),
            "socket_options": socket,
            "connect_options": packet,
        }

    def _tls(self) -> io.ClientTlsContext | None:
        own = ca_of(self._settings, self._beside)
        if own is None and self._at.scheme != "mqtts":
            return None
        options = io.TlsContextOptions()
        try:
            if own is not None:
                options.override_default_trust_store(own)
            return io.ClientTlsContext(options)
        except (RuntimeError, OSError):
            said = f"the CA {self._beside / self._settings.get('ca', '')} is not in PEM format"
            raise LinkFault(said, lasting=True, everywhere=True) from None

    async def _find_out(self) -> str | None:
        """Why the broker's certificate is not trusted, if that is why there is no connection."""
        own = ca_of(self._settings, self._beside)
        if own is None and self._at.scheme != "mqtts":
            return None
        try:
            context = trusting(own)
            async with asyncio.timeout(1):
                at = self._at.host, self._at.port
                _, writer = await asyncio.open_connection(*at, ssl=context)
                writer.transport.abort()
        except ssl.SSLError as error:
            return connect_words(error)
        except (OSError, ValueError):
            pass
        return None


def _device(topic: str) -> str:
    """Topics of one device differ in the last level."""
    return topic.rpartition("/")[0]
