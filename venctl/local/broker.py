"""An MQTT 5 broker of QoS 0 and 1: routing, retained messages, sessions and wills.

Like AWS IoT Core it has no QoS 2 and no shared subscriptions. One loop, one thread.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from itertools import count
from typing import Any

import mqtt5

from .sessions import FOR_EVER, Parcel, Session, Subscription, Wire
from .topics import Filters, reaches

MAX_RETAINED = 1_000
Local = Callable[[str, bytes], None]
RESERVED = "$aws/"


class Broker:
    """`local` hears every message a client publishes on a topic that begins with `$aws/`."""

    def __init__(self, local: Local) -> None:
        self._local = local
        self._loop = asyncio.get_running_loop()
        self._filters: Filters[str, Subscription] = Filters()
        self._retained: dict[str, tuple[Any, float]] = {}
        self._auto = count(1)
        self.sessions: dict[str, Session] = {}

    def connect(self, packet: Any, wire: Wire) -> tuple[Session, bool, str | None]:
        """The session of a CONNECT, whether it was there before, and the id given if one was."""
        given = None if packet.client_id else f"auto-{next(self._auto)}"
        client = given or str(packet.client_id)
        old = self.sessions.get(client)
        if old is not None and old.wire is not None:
            there, old.wire = old.wire, None
            there.bye(mqtt5.DisconnectReasonCode.SESSION_TAKEN_OVER)
            self._speak_will(old)
        if old is not None and old.end is not None:
            old.end.cancel()
        if old is not None and packet.clean_start:
            self._forget(old)
            old = None
        session = old or self.sessions.setdefault(client, Session(client))
        session.wire, session.will = wire, packet.will
        session.expiry_s = packet.session_expiry_interval or 0
        session.quota = min(packet.receive_max or 65_535, 100)
        session.max_packet = packet.max_packet_size
        return session, old is not None, given

    def leave(self, session: Session, wire: Wire) -> None:
        """A connection is gone; a will that was not withdrawn speaks."""
        if session.wire is not wire:
            return
        session.wire = None
        delay_s = (session.will.will_delay_interval or 0) if session.will else 0
        if delay_s and session.expiry_s:
            wait_s = min(delay_s, session.expiry_s)
            self._loop.call_later(wait_s, self._speak_will_of_absent, session)
        else:
            self._speak_will(session)
        if session.expiry_s == 0:
            self._forget(session)
        elif session.expiry_s < FOR_EVER:
            session.end = self._loop.call_later(session.expiry_s, self._forget, session)

    def publish(self, packet: Any, source: str) -> bool | None:
        """Route a client's message. None: refused; False: nobody listens."""
        if packet.topic.startswith(RESERVED):
            if not _asks_shadow(packet.topic):
                return None
            self._loop.call_soon(self._local, packet.topic, bytes(packet.payload or b""))
            self.route(packet, source)
            return True
        return self.route(packet, source)

    def say(self, topic: str, payload: bytes, qos: int, retain: bool) -> bool:
        """Publish from inside: the shadow service and the data plane."""
        number = 1 if qos else None
        packet = mqtt5.PublishPacket(
            topic, payload, qos=mqtt5.QoS(qos), retain=retain, packet_id=number
        )
        return self.route(packet, "")

    def route(self, packet: Any, source: str) -> bool:
        """Deliver to every subscriber once, at the highest QoS of its matching filters."""
        if packet.retain:
            self._keep(packet)
        best: dict[str, tuple[int, bool, list[int]]] = {}
        for client, wanted in self._filters.match(packet.topic):
            if wanted.no_local and client == source:
                continue
            qos, as_published, numbers = best.get(client, (0, False, []))
            numbers = numbers + ([wanted.number] if wanted.number else [])
            best[client] = (max(qos, wanted.qos), as_published or wanted.as_published, numbers)
        expiry_s = packet.message_expiry_interval
        expires = None if expiry_s is None else time.monotonic() + expiry_s
        for client, (qos, as_published, numbers) in best.items():
            qos = min(qos, int(packet.qos))
            retain = packet.retain and as_published
            parcel = _parcel(packet, qos, retain, numbers, expires)
            self.sessions[client].deliver(parcel, qos)
        return bool(best)

    def subscribe(
        self, session: Session, pattern: str, wanted: Subscription, handling: int
    ) -> None:
        """Take a subscription, and send what is retained for it (retain handling 0, 1, 2)."""
        new = pattern not in session.subscriptions
        session.subscriptions[pattern] = wanted
        self._filters.put(pattern, session.client, wanted)
        if handling == 0 or (handling == 1 and new):
            for topic, (packet, until) in list(self._retained.items()):
                if until < time.monotonic():
                    del self._retained[topic]
                elif reaches(pattern, topic):
                    qos = min(wanted.qos, int(packet.qos))
                    expires = None if until == float("inf") else until
                    numbers = [wanted.number] if wanted.number else []
                    session.deliver(_parcel(packet, qos, True, numbers, expires), qos)

    def unsubscribe(self, session: Session, pattern: str) -> bool:
        session.subscriptions.pop(pattern, None)
        return self._filters.drop(pattern, session.client)

    def close(self) -> None:
        """Tell every client that we go."""
        for session in self.sessions.values():
            if session.end is not None:
                session.end.cancel()
            if session.wire is not None:
                session.wire.bye(mqtt5.DisconnectReasonCode.SERVER_SHUTTING_DOWN)

    def _keep(self, packet: Any) -> None:
        self._retained.pop(packet.topic, None)
        if packet.payload and len(self._retained) < MAX_RETAINED:
            expiry_s = packet.message_expiry_interval
            until = float("inf") if expiry_s is None else time.monotonic() + expiry_s
            self._retained[packet.topic] = (packet, until)

    def _speak_will(self, session: Session) -> None:
        will, session.will = session.will, None
        if will is None or will.topic.startswith(RESERVED):
            return
        number = 1 if int(will.qos) else None
        self.route(
            mqtt5.PublishPacket(
                will.topic,
                will.payload or b"",
                qos=will.qos,
                retain=will.retain,
                packet_id=number,
                message_expiry_interval=will.message_expiry_interval,
                user_properties=will.user_properties,
            ),
            session.client,
        )

    def _speak_will_of_absent(self, session: Session) -> None:
        if session.wire is None:
            self._speak_will(session)

    def _forget(self, session: Session) -> None:
        for pattern in session.subscriptions:
            self._filters.drop(pattern, session.client)
        if self.sessions.get(session.client) is session:
            del self.sessions[session.client]


def _asks_shadow(topic: str) -> bool:
    """Clients may ask of the shadow service; its answers are its own to publish."""
    return topic.rpartition("/")[2] in ("get", "update", "delete") and "/shadow/" in topic


def _parcel(
    packet: Any, qos: int, retain: bool, numbers: list[int], expires: float | None
) -> Parcel:
    return Parcel(
        {
            "topic": packet.topic,
            "payload": packet.payload,
            "qos": mqtt5.QoS(qos),
            "retain": retain,
            "payload_format_indicator": packet.payload_format_indicator,
            "content_type": packet.content_type,
            "response_topic": packet.response_topic,
            "correlation_data": packet.correlation_data,
            "subscription_ids": numbers or None,
            "user_properties": packet.user_properties,
        },
        expires,
    )
