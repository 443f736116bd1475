"""One client's connection: reads bytes, handles packets, writes packets."""

from __future__ import annotations

import asyncio
import logging
import socket
import time
from typing import Any

import mqtt5

from web.http.admission import Admission

from . import v311
from .broker import Broker
from .framing import (
    MAX_PACKET,
    MAX_PAYLOAD,
    MalformedPacket,
    PacketStream,
    PacketTooLarge,
    UnsupportedVersion,
)
from .session_registry import ConnectRefused
from .sessions import Session, Subscription

log = logging.getLogger(__name__)
MOST = 256  # connections in total
MAX_UNREAD = 256 * 1024
MAX_TOGETHER = 64 * 1024
RECEIVE_MAX = 100
MAX_FILTERS = 8
CONNECT_WITHIN_S = 10.0
# Not on every system: without it, as on macOS, awscrt's small packets may wait 40 ms for an ACK.
QUICKACK: int | None = getattr(socket, "TCP_QUICKACK", None)


class Connection(asyncio.Protocol):
    """The MQTT connection of one client, which may send anything."""

    def __init__(self, broker: Broker, admission: Admission[Connection]) -> None:
        self._broker, self._loop = broker, asyncio.get_running_loop()
        self._admission = admission
        self._packets = PacketStream()
        self._session: Session | None = None
        self._outgoing: list[bytes] = []
        self._size, self._answers = 0, False
        self._keep_alive_s = 0.0
        self._heard = time.monotonic()
        self.full = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        transport.set_write_buffer_limits(high=MAX_UNREAD)
        self._socket = transport.get_extra_info("socket")
        self._timer = self._loop.call_later(CONNECT_WITHIN_S, transport.abort)
        gone = self._admission.enter(self, "")
        if gone is not None:
            log.warning("more than %d connections: one was closed", MOST)
            gone.cut()

    def cut(self) -> None:
        """Close it at once, without a DISCONNECT."""
        self._transport.abort()

    def connection_lost(self, error: Exception | None) -> None:
        self._timer.cancel()
        self._admission.leave(self)
        if self._session is not None:
            self._broker.roster.leave(self._session, self)
            self._broker.settle_soon()

    def pause_writing(self) -> None:
        self.full = True

    def resume_writing(self) -> None:
        self.full = False
        if self._session is not None and self._session.wire is self:
            self._session.send_waiting()

    def send(self, packet: Any) -> None:
        """Send soon; packets of one turn of the loop are sent together."""
        written = self._packets.written(packet)
        if not self._outgoing:
            self._loop.call_soon(self._flush)
        self._outgoing.append(written)
        self._size += len(written)
        if self._size > MAX_TOGETHER:
            self._flush()

    def bye(self, code: Any) -> None:
        """Close, with a reason for an accepted client; a client that never reads is aborted."""
        if self._session is not None and not self.full:
            self.send(mqtt5.DisconnectPacket(reason_code=code))
            self._flush()
            self._transport.close()
        else:
            self._transport.abort()

    def data_received(self, data: bytes) -> None:
        self._heard = time.monotonic()
        try:
            for packet in self._packets.read(data):
                self._take(packet)
                if self._transport.is_closing():
                    break
            self._broker.settle_soon()
        except UnsupportedVersion:
            self._transport.write(v311.OTHER_LEVEL_REFUSED)
            self._transport.close()
        except PacketTooLarge:
            self.bye(mqtt5.DisconnectReasonCode.PACKET_TOO_LARGE)
        except (MalformedPacket, ValueError) as error:
            log.debug("malformed packet: %s", error)
            self.bye(mqtt5.DisconnectReasonCode.MALFORMED_PACKET)
        if QUICKACK is not None and not self._transport.is_closing():
            self._socket.setsockopt(socket.IPPROTO_TCP, QUICKACK, 1)

    def _answer(self, packet: Any) -> None:
        """Answer, after a commit if the disk works."""
        self._answers = True
        self.send(packet)

    def _flush(self) -> None:
        if self._answers:
            self._answers = False
            self._broker.settle()
        outgoing, self._outgoing, self._size = self._outgoing, [], 0
        if outgoing and not self._transport.is_closing():
            self._transport.write(b"".join(outgoing))

    def _take(self, packet: Any) -> None:
        session = self._session
        if session is None:
            if not isinstance(packet, mqtt5.ConnectPacket):
                raise MalformedPacket("the first packet is not a CONNECT")
            self._connect(packet)
            return
        match packet:
            case mqtt5.PublishPacket():
                self._publish(session, packet)
            case mqtt5.PubAckPacket():
                session.acked(packet.packet_id)
            case mqtt5.SubscribePacket():
                self._subscribe(session, packet)
            case mqtt5.UnsubscribePacket():
                codes = [self._unsubscribe(session, pattern) for pattern in packet.patterns]
                self._answer(mqtt5.UnsubAckPacket(packet.packet_id, codes))
            case mqtt5.PingReqPacket():
                self._answer(mqtt5.PingRespPacket())
            case mqtt5.DisconnectPacket():
                self._broker.roster.goodbye(session, packet)
                self._transport.close()
            case _:
                self.bye(mqtt5.DisconnectReasonCode.PROTOCOL_ERROR)

    def _connect(self, packet: Any) -> None:
        self._timer.cancel()
        try:
            _check(packet, self._packets.old)
            self._session, present = self._broker.roster.connect(packet, self, self._name())
        except ConnectRefused as refused:
            self._transport.write(
                self._packets.written(mqtt5.ConnAckPacket(reason_code=refused.code))
            )
            self._transport.close()
            return
        self._admission.busy(self)
        self._keep_alive_s = packet.keep_alive * 1.5
        if self._keep_alive_s:
            self._timer = self._loop.call_later(self._keep_alive_s, self._check)
        self._answer(_connack(packet, self._session, present))
        self._session.resume()

    def _name(self) -> str | None:
        """The common name in the client's certificate; None without TLS."""
        certificate = self._transport.get_extra_info("peercert")
        names = (pair for part in (certificate or {}).get("subject", ()) for pair in part)
        return next((value for key, value in names if key == "commonName"), None)

    def _check(self) -> None:
        idle_s = time.monotonic() - self._heard
        if idle_s >= self._keep_alive_s:
            self.bye(mqtt5.DisconnectReasonCode.KEEP_ALIVE_TIMEOUT)
        else:
            self._timer = self._loop.call_later(self._keep_alive_s - idle_s, self._check)

    def _publish(self, session: Session, packet: Any) -> None:
        codes = mqtt5.DisconnectReasonCode
        if (wrong := _not_taken(packet)) is not None:
            self.bye(wrong)
            return
        code = self._broker.publish(packet, session)
        if int(code) >= 0x80 and (self._packets.old or not int(packet.qos)):
            self.bye(getattr(codes, code.name))  # there is no other way to tell the client
        elif int(packet.qos):
            self._answer(mqtt5.PubAckPacket(packet.packet_id, reason_code=code))

    def _subscribe(self, session: Session, packet: Any) -> None:
        filters, known = packet.topic_filters, set(session.subscriptions)
        if any(int(wanted.max_qos) == 2 for wanted in filters):
            self.bye(mqtt5.DisconnectReasonCode.QOS_NOT_SUPPORTED)
            return
        if packet.subscription_id is not None:
            self.bye(mqtt5.DisconnectReasonCode.SUBSCRIPTION_IDS_NOT_SUPPORTED)
            return
        codes = [self._granted(session, packet, index) for index in range(len(filters))]
        if self._packets.old and mqtt5.SubAckReasonCode.NOT_AUTHORIZED in codes:
            self.bye(mqtt5.DisconnectReasonCode.NOT_AUTHORIZED)
            return
        self._answer(mqtt5.SubAckPacket(packet.packet_id, codes))
        for wanted, code in zip(filters, codes, strict=True):
            if int(code) < 0x80 and _recalls(wanted, known):
                self._broker.send_retained(session, wanted.pattern)

    def _granted(self, session: Session, packet: Any, index: int) -> Any:
        if index >= MAX_FILTERS:
            return mqtt5.SubAckReasonCode.QUOTA_EXCEEDED
        wanted = packet.topic_filters[index]
        subscription = Subscription(
            int(wanted.max_qos),
            wanted.no_local,
            wanted.retain_as_published,
        )
        return self._broker.subscribe(session, wanted.pattern, subscription)

    def _unsubscribe(self, session: Session, pattern: str) -> Any:
        codes = mqtt5.UnsubAckReasonCode
        known = self._broker.unsubscribe(session, pattern)
        return codes.SUCCESS if known else codes.NO_SUBSCRIPTION_EXISTED


def _check(packet: Any, old: bool) -> None:
    """Check a CONNECT against the limits of MQTT and AWS. Raises `ConnectRefused`."""
    codes = mqtt5.ConnAckReasonCode
    if old and not packet.client_id and not packet.clean_start:
        raise ConnectRefused(codes.CLIENT_ID_NOT_VALID)
    if packet.authentication_method is not None:
        raise ConnectRefused(codes.BAD_AUTHENTICATION_METHOD)


def _not_taken(packet: Any) -> Any:
    """Why a PUBLISH ends the connection, or None if it does not."""
    codes = mqtt5.DisconnectReasonCode
    if int(packet.qos) == 2:
        return codes.QOS_NOT_SUPPORTED
    if packet.topic_alias is not None:
        return codes.TOPIC_ALIAS_INVALID
    if packet.subscription_ids:
        return codes.PROTOCOL_ERROR
    return codes.PACKET_TOO_LARGE if len(packet.payload) > MAX_PAYLOAD else None


def _recalls(wanted: Any, known: set[str]) -> bool:
    """Whether to send the retained message (retain handling 0, 1, 2)."""
    handling = int(wanted.retain_handling)
    return handling == 0 or (handling == 1 and wanted.pattern not in known)


def _connack(packet: Any, session: Session, present: bool) -> Any:
    asked_s = packet.session_expiry_interval or 0
    return mqtt5.ConnAckPacket(
        session_present=present,
        session_expiry_interval=session.expiry_s if session.expiry_s != asked_s else None,
        assigned_client_id=None if packet.client_id else session.client,
        receive_max=RECEIVE_MAX,
        max_qos=mqtt5.QoS.AT_LEAST_ONCE,
        max_packet_size=MAX_PACKET,
        shared_subscription_available=False,
        subscription_id_available=False,
    )
