"""The message broker: routes messages with QoS 0 and 1.

Like AWS IoT Core, it sends no retained message to a filter with a wildcard, and accepts nothing on
`$aws/` except requests to its services. One loop, one thread.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any, Protocol

import mqtt5

from .policy_rights import AllowAll, Rights
from .retained import RetainedMessages
from .session_registry import RightsOf, SessionRegistry, may_publish
from .session_store import SessionStore, StoredSessions, fields_of
from .sessions import QueuedMessage, Session, Subscription, size_of
from .topics import has_wildcard, is_filter, is_name

MAX_SUBSCRIPTIONS = 50
LONGEST_MESSAGE_S = 604_800
IDLE_COMMIT_S = 0.05
RESERVED = "$aws/"
Heard = dict[
    str, tuple[int, bool]
]  # by client: its QoS, and whether it gets the retain flag as published


class Service(Protocol):
    """Answers requests on reserved topics; `client` is the sender, "" for the data plane."""

    def takes(self, topic: str) -> bool: ...
    def ask(self, topic: str, payload: bytes, client: str) -> None: ...


class Broker:
    """`clock` returns UTC seconds; `service` gets everything published on its topics."""

    service: Service

    def __init__(
        self, shelf: SessionStore, clock: Callable[[], float], rights_of: RightsOf
    ) -> None:
        self._shelf = shelf
        self._loop = asyncio.get_running_loop()
        self._idle: asyncio.TimerHandle | None = None
        self._open = True
        self.retained = RetainedMessages(shelf, clock)
        self.roster = SessionRegistry(shelf, clock, rights_of, self._speak)
        shelf.open(self._restore)

    def publish(self, packet: Any, session: Session) -> Any:
        """Route a client's message; the PUBACK reason code says why not."""
        return self._publish(packet, session.client, session.rights)

    def publish_from_outside(self, packet: Any) -> Any:
        """Route a message from the data plane, which checks its own callers."""
        return self._publish(packet, "", AllowAll())

    def publish_own(self, topic: str, payload: bytes) -> None:
        """Publish a message of the shadow service."""
        number, qos = 1, mqtt5.QoS.AT_LEAST_ONCE
        packet = mqtt5.PublishPacket(topic, payload, qos=qos, packet_id=number)
        self._route(packet, self._subscribers(topic, ""))

    def has_subscriber(self, topic: str) -> bool:
        """Whether the topic has a subscriber."""
        return bool(self.roster.filters.match(topic))

    def subscribe(self, session: Session, pattern: str, wanted: Subscription) -> Any:
        """Add a subscription; the SUBACK reason code says why not."""
        codes = mqtt5.SubAckReasonCode
        if pattern.startswith("$share/"):
            return codes.SHARED_SUBSCRIPTIONS_NOT_SUPPORTED
        if not is_filter(pattern):
            return codes.TOPIC_FILTER_INVALID
        if not session.rights.may("iot:Subscribe", f"topicfilter/{pattern}"):
            return codes.NOT_AUTHORIZED
        known = pattern in session.subscriptions
        if not known and len(session.subscriptions) >= MAX_SUBSCRIPTIONS:
            return codes.QUOTA_EXCEEDED
        session.subscriptions[pattern] = wanted
        self.roster.filters.put(pattern, session.client, wanted)
        if session.expiry_s:
            self._shelf.keep_subscription(session.client, pattern, wanted)
        return codes(wanted.qos)

    def send_retained(self, session: Session, pattern: str) -> None:
        """Send the retained message for a subscription, if it has no wildcard."""
        wanted = session.subscriptions[pattern]
        note = None if has_wildcard(pattern) else self.retained.on(pattern)
        if note is not None:
            qos = min(wanted.qos, int(note.packet.qos))
            expires = None if note.expires == float("inf") else note.expires
            session.deliver(_parcel(note.packet, qos, True, expires), qos)

    def unsubscribe(self, session: Session, pattern: str) -> bool:
        session.subscriptions.pop(pattern, None)
        if session.expiry_s:
            self._shelf.drop_subscription(session.client, pattern)
        return self.roster.filters.drop(pattern, session.client)

    def settle(self) -> None:
        """Commit, so that what clients are told next survives a kill, if the disk works."""
        self._shelf.settle()

    def settle_soon(self) -> None:
        """Commit soon what nobody waits for."""
        if self._idle is None and self._open and self._shelf.dirty:
            self._idle = self._loop.call_later(IDLE_COMMIT_S, self._settle_idle)

    def close(self) -> None:
        """Disconnect every client; takes half a second at most."""
        self._open = False
        self.roster.close()
        if self._idle is not None:
            self._idle.cancel()
        self._shelf.close()

    def _settle_idle(self) -> None:
        self._idle = None
        self._shelf.settle_behind()

    def _restore(self, stored: StoredSessions) -> None:
        for kept in stored.sessions:
            self.roster.restore(kept)
        for note in stored.retained:
            self.retained.restore(*note)
        self.settle_soon()

    def _publish(self, packet: Any, source: str, rights: Rights) -> Any:
        codes, topic = mqtt5.PubAckReasonCode, packet.topic
        reserved = topic.startswith(RESERVED)
        if not is_name(topic):
            return codes.TOPIC_NAME_INVALID
        if reserved and (packet.retain or not self.service.takes(topic)):
            return codes.NOT_AUTHORIZED
        if not may_publish(rights, topic, packet.retain):
            return codes.NOT_AUTHORIZED
        heard = self._subscribers(topic, source)
        if (packet.retain and not self.retained.room_for(packet)) or self._full(packet, heard):
            return codes.QUOTA_EXCEEDED
        if reserved:
            self.service.ask(topic, bytes(packet.payload), source)
        self._route(packet, heard)
        return codes.SUCCESS if heard or reserved else codes.NO_MATCHING_SUBSCRIBERS

    def _subscribers(self, topic: str, source: str) -> Heard:
        """Every subscriber once, with the highest QoS of its matching filters."""
        best: Heard = {}
        for client, wanted in self.roster.filters.match(topic):
            if wanted.no_local and client == source:
                continue
            qos, as_published = best.get(client, (0, False))
            best[client] = (max(qos, wanted.qos), as_published or wanted.as_published)
        return best

    def _full(self, packet: Any, heard: Heard) -> bool:
        """Whether no subscriber has room: those of the exact name or, without any, of a wildcard.

        One that does not keep up takes no more, so that what it is sent in a flood, such as a
        restore, comes soon. A client that never reads must not keep a message from one that does.
        """
        if not int(packet.qos) or packet.topic.startswith(RESERVED):
            return False
        size = size_of(packet.topic, packet.payload)
        kept = [self.roster.sessions[client] for client, (qos, _) in heard.items() if qos]
        named = [session for session in kept if packet.topic in session.subscriptions] or kept
        return bool(named) and not any(
            session.has_room_for(size) and not session.behind for session in named
        )

    def _route(self, packet: Any, heard: Heard) -> None:
        expires = _expires(packet)
        if packet.retain:
            self.retained.keep(packet, expires)
        for client, (qos, as_published) in heard.items():
            qos = min(qos, int(packet.qos))
            parcel = _parcel(packet, qos, packet.retain and as_published, expires)
            self.roster.sessions[client].deliver(parcel, qos)

    def _speak(self, will: Any, client: str) -> None:
        if will.topic.startswith(RESERVED):
            return
        packet = mqtt5.PublishPacket(
            will.topic,
            will.payload or b"",
            qos=will.qos,
            retain=will.retain,
            packet_id=1 if int(will.qos) else None,
            payload_format_indicator=will.payload_format_indicator,
            message_expiry_interval=will.message_expiry_interval,
            content_type=will.content_type,
            response_topic=will.response_topic,
            correlation_data=will.correlation_data,
            user_properties=will.user_properties,
        )
        if not will.retain or self.retained.room_for(packet):
            self._route(packet, self._subscribers(will.topic, client))


def _expires(packet: Any) -> float | None:
    expiry_s: int | None = packet.message_expiry_interval
    if expiry_s is None:
        return None
    return time.monotonic() + min(max(expiry_s, 1), LONGEST_MESSAGE_S)


def _parcel(packet: Any, qos: int, retain: bool, expires: float | None) -> QueuedMessage:
    own = {"qos": mqtt5.QoS(qos), "retain": retain}
    return QueuedMessage(fields_of(packet) | own, expires)
