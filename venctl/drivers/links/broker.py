"""A client of a broker to which devices report, over awscrt; its threads enter no other file.

It reconnects by itself, subscribes again to what was subscribed, and has no session: the broker
keeps nothing for us, and nothing of ours is sent again later. Who publishes or subscribes while
there is no connection is told at once.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from concurrent.futures import Future
from functools import partial
from typing import Any

from awscrt import mqtt5

from ...base.arrivals import Arrivals
from ...base.backoff import Backoff, BackoffPace
from ...base.reason_codes import code_text, failure_text, older_mqtt_hint
from .faults import LinkFault
from .rests import LASTING_MS
from .state import Clocks

CONNECT_S = 1.0
KEEP_ALIVE_S, PING_TIMEOUT_MS, CONNACK_TIMEOUT_MS = 15, 5_000, 2_000
NEVER_MS = 3_600_000
PACE = BackoffPace(200, 30_000, 5_000)
MOST_PACKET = 1 << 20  # a broker drops for us what is longer
_Connect = mqtt5.ConnectReasonCode
REFUSALS = {_Connect.BAD_USERNAME_OR_PASSWORD, _Connect.NOT_AUTHORIZED, _Connect.BANNED}
Took = Callable[[str, bytes, bool], None]


class BrokerConnection:
    """Connects with the first request. `took` gets messages on awscrt's threads: topic, payload and
    whether it was retained. `stands` hears whether there is a connection. `options` says where and
    as whom to connect, and may raise LinkFault. `find_out` says why a certificate is not trusted.
    """

    def __init__(
        self,
        host: str,
        options: Callable[[], dict[str, Any]],
        took: Took,
        stands: Callable[[bool], None],
        clock: Clocks,
        find_out: Callable[[], Awaitable[str | None]],
    ) -> None:
        self._host, self._options, self._took, self._stands = host, options, took, stands
        self._clock, self._why_not = clock, find_out
        self._client: mqtt5.Client | None = None
        self._number = 0
        self._connected = False
        self._fault: LinkFault | None = None
        self._refused_ms: int | None = None
        self._backoff = Backoff(PACE, random.uniform)
        self._settled = asyncio.Event()
        self._stopped = asyncio.Event()
        self._topics: set[str] = set()
        self._waiting: set[asyncio.Future[Any]] = set()

    async def ready(self) -> None:
        """Return if there is a connection. Raises LinkFault otherwise: at once, but for the first
        attempt.
        """
        refused = self._refused_ms is not None and self._clock()[1] < self._refused_ms + LASTING_MS
        if self._client is None and not refused:
            self._fault = None
            self._start()
        if not self._connected and self._fault is None:
            try:
                async with asyncio.timeout(CONNECT_S):
                    await self._settled.wait()
            except TimeoutError:
                why = await self._why_not()  # awscrt keeps that to itself for half a minute
                if not self._settled.is_set():
                    self._fail(why or "does not answer", refused=why is not None)
        if not self._connected:
            raise self._away().again()

    async def subscribe(self, topic: str) -> None:
        """Hear what comes on a topic from now on. Raises LinkFault if the broker refuses it."""
        packet = mqtt5.SubscribePacket([_subscription(topic)])
        suback = await self._wait(lambda client: client.subscribe(packet))
        code = suback.reason_codes[0]
        if code >= mqtt5.SubackReasonCode.UNSPECIFIED_ERROR:
            said = f"{self._host} refuses a subscription to {topic}: {code_text(code)}"
            raise LinkFault(said, lasting=True, up=True)
        self._topics.add(topic)

    async def publish(self, topic: str, payload: str) -> None:
        """Send a message, never retained. Raises LinkFault, also if nobody listens on its topic."""
        packet = mqtt5.PublishPacket(topic=topic, payload=payload.encode(), retain=False)
        packet.qos = mqtt5.QoS.AT_LEAST_ONCE
        code = (await self._wait(lambda client: client.publish(packet))).puback.reason_code
        if code == mqtt5.PubackReasonCode.NO_MATCHING_SUBSCRIBERS:
            raise LinkFault(f"nobody listens on {topic}", up=True)
        if code >= mqtt5.PubackReasonCode.UNSPECIFIED_ERROR:
            lasting = code == mqtt5.PubackReasonCode.NOT_AUTHORIZED
            said = f"{self._host} refuses messages on {topic}: {code_text(code)}"
            raise LinkFault(said, lasting=lasting, up=True)

    def drop(self, why: str) -> None:
        """The broker is mute: connect anew."""
        self._fail(why, refused=False)
        if self._client is not None:
            self._client.stop()
            self._start()

    async def close(self) -> None:
        """Disconnect. Takes 1 s at most."""
        client, self._client = self._client, None
        self._fail("was left", refused=False)
        self._fault = None
        if client is None:
            return
        client.stop(mqtt5.DisconnectPacket())
        try:
            async with asyncio.timeout(1):
                await self._stopped.wait()
        except TimeoutError:
            pass

    def _start(self) -> None:
        options = self._options()
        self._number += 1
        tell = partial(Arrivals().tell, self._hear, self._number)
        self._settled.clear()
        self._stopped.clear()
        self._client = mqtt5.Client(
            mqtt5.ClientOptions(
                **options,
                session_behavior=mqtt5.ClientSessionBehaviorType.CLEAN,
                offline_queue_behavior=mqtt5.ClientOperationQueueBehaviorType.FAIL_ALL_ON_DISCONNECT,
                retry_jitter_mode=mqtt5.ExponentialBackoffJitterMode.NONE,
                min_reconnect_delay_ms=NEVER_MS,  # `_rest` does, as `venctl/link/link.py` does
                max_reconnect_delay_ms=NEVER_MS,
                ping_timeout_ms=PING_TIMEOUT_MS,
                connack_timeout_ms=CONNACK_TIMEOUT_MS,
                disable_metrics=True,
                on_publish_callback_fn=self._on_publish,
                on_lifecycle_event_connection_success_fn=lambda data: tell(self._enter),
                on_lifecycle_event_connection_failure_fn=partial(self._on_failed, tell),
                on_lifecycle_event_disconnection_fn=partial(self._on_disconnected, tell),
                on_lifecycle_event_stopped_fn=lambda data: tell(self._rest),
            )
        )
        self._client.start()

    # These run on awscrt's threads.

    def _on_publish(self, data: Any) -> None:
        packet = data.publish_packet
        self._took(packet.topic, packet.payload or b"", bool(packet.retain))

    def _on_failed(self, tell: Callable[..., None], data: Any) -> None:
        connack = data.connack_packet
        refused = connack is not None and connack.reason_code in REFUSALS
        why = older_mqtt_hint(data.exception, connack) or failure_text(data.exception, connack)
        if refused:
            why = f"refuses the user name or password ({code_text(connack.reason_code)})"
        tell(self._lose, why, refused)

    def _on_disconnected(self, tell: Callable[..., None], data: Any) -> None:
        tell(self._lose, failure_text(data.exception, data.disconnect_packet), False)

    # The methods below run on the loop.

    def _hear(self, number: int, listener: Callable[..., None], *news: Any) -> None:
        """Nothing of a client that was replaced."""
        if number == self._number:
            listener(*news)

    def _enter(self) -> None:
        if self._client is None:
            return
        self._connected, self._fault, self._refused_ms = True, None, None
        self._backoff.connected(self._loop_s())
        if self._topics:
            self._client.subscribe(
                mqtt5.SubscribePacket([_subscription(topic) for topic in sorted(self._topics)])
            )
        self._settled.set()
        self._stands(True)

    def _lose(self, why: str, refused: bool) -> None:
        self._fail(why, refused)
        if self._client is not None:
            self._client.stop()  # there is no connection to close; `_rest` follows

    def _rest(self) -> None:
        """The client has stopped: for good, or until the next attempt."""
        self._stopped.set()
        if (client := self._client) is not None:
            wait_s = self._backoff.wait_s(self._loop_s())
            asyncio.get_running_loop().call_later(wait_s, self._try_again, client)

    def _try_again(self, client: mqtt5.Client) -> None:
        if self._client is not None and client is self._client:
            self._client.start()

    def _loop_s(self) -> float:
        return asyncio.get_running_loop().time()

    def _fail(self, why: str, refused: bool) -> None:
        said = f"the broker {self._host} {why}" if refused else f"the broker {self._host}: {why}"
        self._connected = False
        self._fault = LinkFault(said, lasting=refused, everywhere=refused, away=True)
        for waiting in self._waiting:
            if not waiting.done():
                waiting.set_exception(self._fault.again())
        if refused and self._client is not None:
            self._refused_ms = self._clock()[1]
            self._client.stop()
            self._client = None
        self._settled.set()
        self._stands(False)

    def _away(self) -> LinkFault:
        return self._fault or LinkFault(f"the broker {self._host} is not connected", away=True)

    async def _wait(self, send: Callable[[mqtt5.Client], Future[Any]]) -> Any:
        if self._client is None or not self._connected:
            raise self._away().again()
        waiting: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._waiting.add(waiting)
        tell = Arrivals().tell
        try:
            send(self._client).add_done_callback(partial(tell, _settle, waiting))
            return await waiting
        except (RuntimeError, ValueError) as error:  # it cannot be sent, such as a wildcard
            raise LinkFault(f"{self._host}: {error}", lasting=True) from None
        finally:
            self._waiting.discard(waiting)


def _settle(waiting: asyncio.Future[Any], sent: Future[Any]) -> None:
    if waiting.done():
        return
    if error := sent.exception():
        waiting.set_exception(LinkFault(failure_text(error, None), up=False))
    else:
        waiting.set_result(sent.result())


def _subscription(topic: str) -> mqtt5.Subscription:
    """Retain is not kept "as published": a message with it is a stored one."""
    return mqtt5.Subscription(topic, mqtt5.QoS.AT_LEAST_ONCE)
