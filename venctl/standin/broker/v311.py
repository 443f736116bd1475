"""Translates between MQTT 3.1.1 and MQTT 5 packets, because AWS IoT supports both.

A packet of 3.1.1 is one of MQTT 5 without properties. What 3.1.1 cannot express is left out: a
server's DISCONNECT with its reason.
"""

from __future__ import annotations

from typing import Any

import mqtt5

CONNECT, PUBLISH, PUBACK, SUBSCRIBE, UNSUBSCRIBE, PINGREQ, DISCONNECT = 1, 3, 4, 8, 10, 12, 14
NO_PROPERTIES = b"\x00"
# A persistent session lasts for an hour, as by default at AWS.
AN_HOUR = b"\x05\x11" + (3600).to_bytes(4)
LEVEL_4, LEVEL_5 = b"\x00\x04MQTT\x04", b"\x00\x04MQTT\x05"
CLEAN, WILL = 0x02, 0x04
OTHER_LEVELS = b"\x00\x04MQTT", b"\x00\x06MQIsdp"
OTHER_LEVEL_REFUSED = b"\x20\x02\x00\x01"
REFUSALS = {"CLIENT_ID_NOT_VALID": 2, "QUOTA_EXCEEDED": 3}
REFUSED = 7  # AWS's own code, beyond the six of the standard


def is_mqtt311(whole: bytes) -> bool:
    """Whether the first packet is a CONNECT of MQTT 3.1.1."""
    return whole[0] >> 4 == CONNECT and _body(whole).startswith(LEVEL_4)


def is_unsupported(whole: bytes) -> bool:
    """Whether the first packet is a CONNECT of a version other than 3.1.1 and 5."""
    body = _body(whole)
    spoken = body.startswith((LEVEL_4, LEVEL_5))
    return whole[0] >> 4 == CONNECT and not spoken and body.startswith(OTHER_LEVELS)


def to_mqtt5(whole: bytes) -> bytes:
    """A client's packet as MQTT 5. Raises ValueError if that is not possible."""
    body, kind = _body(whole), whole[0] >> 4
    if kind == CONNECT:
        return _framed(whole[0], _connect(body))
    if kind == PUBLISH:
        at = _string_end(body, 0) + (2 if whole[0] & 0x06 else 0)
    elif kind in (SUBSCRIBE, UNSUBSCRIBE):
        at = 2
    elif kind in (PUBACK, PINGREQ, DISCONNECT):
        return whole
    else:
        raise ValueError(f"a packet of type {kind} from a client")
    return _framed(whole[0], body[:at] + NO_PROPERTIES + body[at:])


def to_mqtt311(packet: Any) -> bytes:
    """Our packet as MQTT 3.1.1; empty if 3.1.1 has no such packet."""
    match packet:
        case mqtt5.ConnAckPacket():
            name = packet.reason_code.name
            code = 0 if name == "SUCCESS" else REFUSALS.get(name, REFUSED)
            return _framed(0x20, bytes((packet.session_present, code)))
        case mqtt5.PublishPacket():
            return _publish(packet)
        case mqtt5.PubAckPacket():
            return _framed(0x40, packet.packet_id.to_bytes(2))
        case mqtt5.SubAckPacket():
            codes = bytes(min(int(code), 0x80) for code in packet.reason_codes)
            return _framed(0x90, packet.packet_id.to_bytes(2) + codes)
        case mqtt5.UnsubAckPacket():
            return _framed(0xB0, packet.packet_id.to_bytes(2))
        case mqtt5.PingRespPacket():
            return _framed(0xD0, b"")
    return b""


def _connect(body: bytes) -> bytes:
    start, flags, alive = body[: len(LEVEL_4)], body[len(LEVEL_4) :][:1], body[len(LEVEL_4) + 1 :]
    if start != LEVEL_4 or len(alive) < 2:
        raise ValueError("a CONNECT that ends early")
    properties = NO_PROPERTIES if flags[0] & CLEAN else AN_HOUR
    rest = alive[2:]
    if flags[0] & WILL:
        at = _string_end(rest, 0)
        rest = rest[:at] + NO_PROPERTIES + rest[at:]
    return LEVEL_5 + flags + alive[:2] + properties + rest


def _publish(packet: Any) -> bytes:
    qos = int(packet.qos)
    topic = packet.topic.encode()
    number = packet.packet_id.to_bytes(2) if qos else b""
    head = 0x30 | packet.duplicate << 3 | qos << 1 | packet.retain
    return _framed(head, len(topic).to_bytes(2) + topic + number + bytes(packet.payload))


def _string_end(body: bytes, at: int) -> int:
    return at + 2 + int.from_bytes(body[at : at + 2])


def _body(whole: bytes) -> bytes:
    at = 1
    while whole[at] & 0x80:
        at += 1
    return whole[at + 1 :]


def _framed(head: int, body: bytes) -> bytes:
    length, left = bytearray(), len(body)
    while True:
        left, digit = divmod(left, 128)
        length.append(digit | (0x80 if left else 0))
        if not left:
            return bytes((head, *length)) + body
