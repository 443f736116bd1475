"""The MQTT 5 link to the broker over awscrt; the one file that awscrt's link threads enter.

A message is acknowledged to the broker (PUBACK) only when its reader says so, so the broker sends
it again after a crash. Publishing while the link is down fails at once: the caller keeps what must
not be lost, where it survives a crash, and not a queue in the client.
"""

from __future__ import annotations

import asyncio
import logging
import random
import re
from collections.abc import Callable, Coroutine, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from functools import partial
from typing import Any

from awscrt import mqtt5

from ..base.arrivals import Arrivals
from ..base.backoff import Backoff
from ..base.reason_codes import (
    broker_closed,
    code_text,
    failure_text,
    older_mqtt_hint,
    will_may_be_why,
)
from .endpoint import Endpoint, LastWill, client_options, connect_packet
from .events import Denied, LinkLost, LinkUp, Message, News, SendFailed, SendRefused
from .puback import no_puback, send_puback, wait_for_puback

__all__ = ["Denied", "Link", "LinkLost", "LinkUp", "Message", "News", "SendFailed", "SendRefused"]
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Publish:
    place: tuple[str, bool]
    waiting: asyncio.Future[Any]


class Link:
    """One client with a persistent session, reconnecting until it is stopped.

    `hear` gets all events on the loop, in order; messages may come before `LinkUp`. `topics` are
    names, or filters with `+`. Call everything from the loop.
    With `stored`, the broker also sends retained messages; otherwise only new ones. A `backoff` is
    shared with earlier and later links of the same client id. `make` creates an MQTT client.
    Raises OSError or RuntimeError if `cert`, `key` or `ca` cannot be used; `tls.check_usable`
    explains why.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        topics: Sequence[str],
        will: LastWill | None,
        hear: Callable[[News], None],
        backoff: Backoff | None = None,
        stored: bool = False,
        make: Callable[[mqtt5.ClientOptions], mqtt5.Client] = mqtt5.Client,
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._topics, self._hear = tuple(topics), hear
        self._tell = Arrivals().tell
        handling = mqtt5.RetainHandlingType
        self._retained = handling.SEND_ON_SUBSCRIBE if stored else handling.DONT_SEND
        self._wanted = _matcher(topics)
        self._connections = 0
        self._connected = self._started = self._running = False
        self._backoff = backoff or Backoff(endpoint.pace, random.SystemRandom().uniform)
        self._why: str | None = None
        self._stopped = asyncio.Event()
        self._under_way: dict[Future[Any], _Publish] = {}
        self._endpoint, self._will, self._settings = endpoint, will, client_options(endpoint, will)
        self._tell_renewal: Callable[[mqtt5.Client], None] = lambda client: None
        self._spent = False
        self._make = make
        self.client = make(self._options())

    @property
    def connected(self) -> bool:
        """Whether the broker has accepted the connection."""
        return self._connected

    def tell_renewals(self, listener: Callable[[mqtt5.Client], None]) -> None:
        """Tell `listener` about each client that replaces another."""
        self._tell_renewal = listener

    def start(self) -> None:
        """Connect, and reconnect whenever the link is lost."""
        self._started = True
        self._loop.call_later(self._backoff.pause_s(self._loop.time()), self._attempt)

    def _attempt(self) -> None:
        if self._started:
            self._backoff.attempted(self._loop.time())
            self._renew()
            self._running = self._spent = True
            self.client.start()

    def _renew(self) -> None:
        """Create a client with a current last will; a client always sends the one it was created
        with.

        What the previous client was sending was given up when its connection ended.
        """
        if self._will is None or not self._spent:
            return
        self._settings["connect_options"] = connect_packet(self._endpoint, self._will)
        self._under_way = {}
        self.client = self._make(self._options())
        self._tell_renewal(self.client)

    async def stop(self) -> None:
        """Disconnect, so that the last will is not published. Takes 1 s at most."""
        await self._leave(mqtt5.DisconnectPacket())

    async def forget(self) -> None:
        """Stop and end the session: the broker keeps no messages for us."""
        await self._leave(mqtt5.DisconnectPacket(session_expiry_interval_sec=0))

    async def _leave(self, goodbye: mqtt5.DisconnectPacket) -> None:
        if not self._started:
            return
        self._started = False
        if self._running:
            await self._say_goodbye(goodbye)
        if self._connected:
            self._lose("stopped", False, False)

    async def _say_goodbye(self, goodbye: mqtt5.DisconnectPacket) -> None:
        self.client.stop(goodbye)
        try:
            async with asyncio.timeout(1):
                await self._stopped.wait()
        except TimeoutError:
            log.debug("the client did not stop within a second")

    def publish(
        self, topic: str, payload: bytes, retain: bool = False, expiry_s: int | None = None
    ) -> Coroutine[Any, Any, None]:
        """Send a message at once (QoS 1). Await the result to know that the broker has it.

        The broker does not deliver it after `expiry_s`. Awaiting raises `SendFailed` if offline or
        if another attempt may succeed, and `SendRefused` if the broker refuses for good or the
        message cannot be sent.
        """
        # Not wrap_future: awscrt completes a cancelled future, and does so after a link loss.
        waiting: asyncio.Future[Any] = self._loop.create_future()
        packet = mqtt5.PublishPacket(topic=topic, payload=payload, retain=retain)
        packet.qos, packet.message_expiry_interval_sec = mqtt5.QoS.AT_LEAST_ONCE, expiry_s
        if not self._connected:
            waiting.set_exception(SendFailed(self._why or "not connected yet"))
            return wait_for_puback(topic, waiting)
        try:
            sent = self.client.publish(packet)
        except (RuntimeError, ValueError) as error:  # a wildcard, a surrogate, a limit of AWS
            waiting.set_exception(SendRefused(f"cannot publish on {topic!r}: {error}"))
        else:
            self._under_way[sent] = _Publish((topic, retain), waiting)
            sent.add_done_callback(partial(self._tell, self._settle))
        return wait_for_puback(topic, waiting)

    # The methods up to `_on_stopped` run on awscrt's threads.

    def _on_publish(self, data: Any) -> None:
        # If this raises, awscrt acknowledges the message by itself and it is lost.
        try:
            packet = data.publish_packet
            if not self._wanted(packet.topic):
                return
            acquire = data.acquire_publish_acknowledgement_control
            acknowledge = partial(send_puback, self.client, acquire()) if acquire else no_puback
            message = Message(packet.topic, packet.payload or b"", acknowledge, bool(packet.retain))
            self._tell(self._say, message)
        except Exception:
            log.exception("an incoming message could not be handled")

    def _on_connected(self, data: Any) -> None:
        self._tell(self._enter, bool(data.connack_packet.session_present))

    def _on_failed(self, data: Any) -> None:
        error, connack = data.exception, data.connack_packet
        # AWS supports MQTT 5; it hangs up on what its policy does not allow.
        question = "" if self._endpoint.aws else older_mqtt_hint(error, connack)
        why = question or failure_text(error, connack)
        self._tell(self._lose, why, will_may_be_why(connack), False)

    def _on_disconnected(self, data: Any) -> None:
        why = failure_text(data.exception, data.disconnect_packet)
        self._tell(self._lose, why, False, broker_closed(data.exception, data.disconnect_packet))

    def _on_stopped(self, _: Any) -> None:
        self._tell(self._rest)

    # The methods below run on the loop.

    def _settle(self, sent: Future[Any]) -> None:
        under_way = self._under_way.pop(sent, None)
        if under_way is None or under_way.waiting.done():
            return
        waiting = under_way.waiting
        if error := sent.exception():
            waiting.set_exception(SendFailed(failure_text(error, None)))
        else:
            waiting.set_result(sent.result())

    def _say(self, news: News) -> None:
        # A failure to handle one event must not affect the next.
        try:
            self._hear(news)
        except Exception:
            log.exception("an event of the link could not be handled: %s", type(news).__name__)

    def _enter(self, resumed: bool) -> None:
        self._connections += 1
        self._connected, self._why = True, None
        self._backoff.connected(self._loop.time())
        if self._topics:
            self._subscribe(self._connections, resumed)
        else:
            self._say(LinkUp(resumed))

    def _subscribe(self, connection: int, resumed: bool) -> None:
        if not self._connected or connection != self._connections:
            return
        # Retain is not kept "as published": a message with it is a stored one.
        qos, retained = mqtt5.QoS.AT_LEAST_ONCE, self._retained
        wanted = [
            mqtt5.Subscription(topic, qos, retain_handling_type=retained) for topic in self._topics
        ]
        answered = partial(self._tell, self._answered, connection, resumed)
        try:
            self.client.subscribe(mqtt5.SubscribePacket(wanted)).add_done_callback(answered)
        except (RuntimeError, ValueError) as error:  # never sent, so a retry would not help
            self._grant({topic: str(error) for topic in self._topics}, resumed)

    def _answered(self, connection: int, resumed: bool, suback: Future[Any]) -> None:
        if not self._connected or connection != self._connections:
            return
        if error := suback.exception():
            log.warning("the subscription failed and is sent again: %s", failure_text(error, None))
            self._loop.call_later(1, self._subscribe, connection, resumed)
            return
        answers = zip(self._topics, suback.result().reason_codes, strict=True)
        failed = mqtt5.SubackReasonCode.UNSPECIFIED_ERROR
        self._grant({topic: code_text(code) for topic, code in answers if code >= failed}, resumed)

    def _grant(self, denied: dict[str, str], resumed: bool) -> None:
        for topic, why in denied.items():
            self._say(Denied(topic, why))
        self._say(LinkUp(resumed))

    def _lose(self, why: str, barred: bool, hung_up: bool) -> None:
        was_connected, self._connected = self._connected, False
        self._backoff.attempted(self._loop.time())
        # A broker works in order: it closed the connection at the oldest message without an answer,
        # which may be one that the client itself sent again after the last reconnect.
        oldest = next(iter(self._under_way.values()), None)
        cut_off = oldest.place if was_connected and hung_up and oldest else None
        for publish in self._under_way.values():
            if not publish.waiting.done():
                publish.waiting.set_exception(SendFailed(why))
        if was_connected or why != self._why:
            self._why = why
            self._say(LinkLost(why, barred, cut_off))
        if self._started:
            self.client.stop()  # there is no connection to close; `_rest` follows

    def _rest(self) -> None:
        """The client has stopped: for good, or until the next attempt."""
        self._running = False
        if self._started:
            wait_s = self._backoff.wait_s(self._loop.time())
            self._loop.call_later(wait_s, self._attempt)
        else:
            self._stopped.set()

    def _options(self) -> mqtt5.ClientOptions:
        return mqtt5.ClientOptions(
            **self._settings,
            on_publish_callback_fn=self._on_publish,
            on_lifecycle_event_stopped_fn=self._on_stopped,
            on_lifecycle_event_connection_success_fn=self._on_connected,
            on_lifecycle_event_connection_failure_fn=self._on_failed,
            on_lifecycle_event_disconnection_fn=self._on_disconnected,
        )


def _matcher(topics: Sequence[str]) -> Callable[[str], object]:
    patterns = ("/".join(map(_level_pattern, topic.split("/"))) for topic in topics)
    return re.compile("|".join(patterns) or "(?!)").fullmatch


def _level_pattern(level: str) -> str:
    return "[^/]*" if level == "+" else re.escape(level)
