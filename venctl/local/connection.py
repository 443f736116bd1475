"""One client's connection: bytes in, packets handled, packets out."""

from __future__ import annotations

import asyncio
import logging
import socket
import time
from typing import Any

import mqtt5

from .broker import Broker
from .sessions import Session, Subscription
from .topics import valid

log = logging.getLogger(__name__)
MAX_PACKET = 128 * 1024 + 1024
MAX_UNREAD = 256 * 1024
RECEIVE_MAX = 100
CONNECT_WITHIN_S = 10.0
# Not everywhere: macOS runs without, and then awscrt's small packets may wait 40 ms for an ACK.
QUICKACK: int | None = getattr(socket, "TCP_QUICKACK", None)


class Malformed(ValueError):
    """Bytes that are no MQTT 5 packet."""


class Connection(asyncio.Protocol):
    """Speaks MQTT 5 with one client, who may send anything."""

    def __init__(self, broker: Broker) -> None:
        self._broker, self._loop = broker, asyncio.get_running_loop()
        self._buffer = bytearray()
        self._session: Session | None = None
        self._keep_alive_s = 0.0
        self._heard = time.monotonic()
        self.full = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        transport.set_write_buffer_limits(high=MAX_UNREAD)
        self._socket = transport.get_extra_info("socket")
        self._timer = self._loop.call_later(CONNECT_WITHIN_S, transport.abort)

    def connection_lost(self, error: Exception | None) -> None:
        self._timer.cancel()
        if self._session is not None:
            self._broker.leave(self._session, self)

    def pause_writing(self) -> None:
        self.full = True

    def resume_writing(self) -> None:
        self.full = False
        if self._session is not None and self._session.wire is self:
            self._session.pump()

    def send(self, packet: Any) -> None:
        if not self._transport.is_closing():
            self._transport.write(packet.write())

    def bye(self, code: Any) -> None:
        """Close, and say why to who has been let in; a client that never reads is cut off."""
        if self._session is not None and not self.full:
            self.send(mqtt5.DisconnectPacket(reason_code=code))
            self._transport.close()
        else:
            self._transport.abort()

    def data_received(self, data: bytes) -> None:
        if QUICKACK is not None:
            self._socket.setsockopt(socket.IPPROTO_TCP, QUICKACK, 1)
        self._heard = time.monotonic()
        self._buffer += data
        try:
            while not self._transport.is_closing() and (packet := self._next()) is not None:
                self._take(packet)
        except (Malformed, ValueError) as error:
            log.info("malformed packet: %s", error)
            self.bye(mqtt5.DisconnectReasonCode.MALFORMED_PACKET)

    def _next(self) -> Any:
        if not self._buffer:
            return None
        try:
            packet, length = mqtt5.read(memoryview(bytes(self._buffer[:MAX_PACKET])))
        except IndexError:
            if len(self._buffer) >= MAX_PACKET:
                raise Malformed("a packet over 128 KB") from None
            return None
        except (KeyboardInterrupt, SystemExit):
            raise
        except BaseException as error:  # the codec panics on some bad UTF-8, past Exception
            raise Malformed(str(error)[:80]) from None
        del self._buffer[:length]
        return packet

    def _take(self, packet: Any) -> None:
        session = self._session
        if session is None:
            if not isinstance(packet, mqtt5.ConnectPacket):
                raise Malformed("the first packet is no CONNECT")
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
                self.send(mqtt5.UnsubAckPacket(packet.packet_id, codes))
            case mqtt5.PingReqPacket():
                self.send(mqtt5.PingRespPacket())
            case mqtt5.DisconnectPacket():
                self._goodbye(session, packet)
            case _:
                raise Malformed(f"{type(packet).__name__} from a client")

    def _connect(self, packet: Any) -> None:
        self._timer.cancel()
        self._session, present, given = self._broker.connect(packet, self)
        self._keep_alive_s = packet.keep_alive * 1.5
        if self._keep_alive_s:
            self._timer = self._loop.call_later(self._keep_alive_s, self._check)
        self.send(
            mqtt5.ConnAckPacket(
                session_present=present,
                assigned_client_id=given,
                receive_max=RECEIVE_MAX,
                max_qos=mqtt5.QoS.AT_LEAST_ONCE,
                max_packet_size=MAX_PACKET,
                shared_subscription_available=False,
            )
        )
        self._session.resume()

    def _check(self) -> None:
        idle_s = time.monotonic() - self._heard
        if idle_s >= self._keep_alive_s:
            self.bye(mqtt5.DisconnectReasonCode.KEEP_ALIVE_TIMEOUT)
        else:
            self._timer = self._loop.call_later(self._keep_alive_s - idle_s, self._check)

    def _publish(self, session: Session, packet: Any) -> None:
        topic = packet.topic
        if int(packet.qos) == 2:
            self.bye(mqtt5.DisconnectReasonCode.QOS_NOT_SUPPORTED)
            return
        wrong = not topic or len(topic) > 256 or "+" in topic or "#" in topic
        if wrong or packet.topic_alias is not None:
            self.bye(mqtt5.DisconnectReasonCode.TOPIC_NAME_INVALID)
            return
        heard = self._broker.publish(packet, session.client)
        if int(packet.qos):
            codes = mqtt5.PubAckReasonCode
            code = {None: codes.NOT_AUTHORIZED, False: codes.NO_MATCHING_SUBSCRIBERS}.get(
                heard, codes.SUCCESS
            )
            self.send(mqtt5.PubAckPacket(packet.packet_id, reason_code=code))

    def _subscribe(self, session: Session, packet: Any) -> None:
        codes = mqtt5.SubAckReasonCode
        answers, taken = [], []
        for wanted in packet.topic_filters:
            if wanted.pattern.startswith("$share/"):
                answers.append(codes.SHARED_SUBSCRIPTIONS_NOT_SUPPORTED)
            elif not valid(wanted.pattern):
                answers.append(codes.TOPIC_FILTER_INVALID)
            else:
                qos = min(int(wanted.max_qos), 1)
                answers.append(codes(qos))
                taken.append((wanted, qos))
        self.send(mqtt5.SubAckPacket(packet.packet_id, answers))
        for wanted, qos in taken:
            one = Subscription(
                qos, wanted.no_local, wanted.retain_as_published, packet.subscription_id
            )
            self._broker.subscribe(session, wanted.pattern, one, int(wanted.retain_handling))

    def _unsubscribe(self, session: Session, pattern: str) -> Any:
        codes = mqtt5.UnsubAckReasonCode
        known = self._broker.unsubscribe(session, pattern)
        return codes.SUCCESS if known else codes.NO_SUBSCRIPTION_EXISTED

    def _goodbye(self, session: Session, packet: Any) -> None:
        if int(packet.reason_code) == 0:
            session.will = None
        if packet.session_expiry_interval is not None:
            session.expiry_s = packet.session_expiry_interval
        self._transport.close()
